"""What TensorFlow Datasets reads from a folder, as arrays in one file; for an interpreter that has it and not instar.

    python by_tfds.py FOLDER_OF_A_VERSION OUT.npz

The arrays are called `episode/feature`: a feature of all steps, or one of the episode. JPEGs are decoded the accurate
way of TensorFlow's two; by itself it takes the fast one, which was up to 17 of 255 off.
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np


def main(folder: str, out: str) -> None:
    """Write every episode of the split `train` in `folder` to `out`."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    def accurate(example: Any, _feature: Any) -> Any:
        return tf.io.decode_jpeg(example, dct_method="INTEGER_ACCURATE")

    builder = tfds.builder_from_directory(folder)
    observed = builder.info.features["steps"]["observation"]
    decoder = tfds.decode.make_decoder(output_dtype=tf.uint8)(accurate)
    pictures = {name: decoder() for name, kind in observed.items() if isinstance(kind, tfds.features.Image)}
    decoders = {"steps": {"observation": pictures}}
    found: dict[str, Any] = {}
    for number, episode in enumerate(builder.as_dataset(split="train", shuffle_files=False, decoders=decoders)):
        steps = [dict(flat(step)) for step in tfds.as_numpy(episode["steps"])]
        for name in steps[0]:
            found[f"{number}/{name}"] = stacked([step[name] for step in steps])
        about = {name: value for name, value in episode.items() if name != "steps"}
        found |= {f"{number}/{name}": stacked([value]) for name, value in flat(tfds.as_numpy(about))}
    np.savez(out, allow_pickle=False, **found)


def flat(told: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of nested tables by its path."""
    for name, value in told.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{name}/")
        else:
            yield above + name, value


def stacked(values: list[Any]) -> Any:
    """Values of steps as one array; words as theirs, which needs no pickle."""
    if isinstance(values[0], bytes):
        return np.array([value.decode() for value in values])
    return np.stack(values)


if __name__ == "__main__":
    main(*sys.argv[1:])
