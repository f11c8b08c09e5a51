"""TensorFlow Datasets reading a folder as often as it is told; for an interpreter that has it and not instar.

    python by_tfds.py FOLDER_OF_A_VERSION steps|episodes decoded|encoded

For every line on stdin it reads every episode of the split `train` once, and answers with a line of JSON: episodes,
pictures, seconds of its processor time, and the most memory it ever had, in KiB. `steps` goes over the steps of each
episode as the guide of TensorFlow Datasets shows; `episodes` takes all steps of an episode at once, as loaders do that
were made for speed. Pictures are decoded, or left as they are stored.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main(folder: str, manner: str, pictures: str) -> None:
    """Read and answer until stdin ends."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    observed = builder.info.features["steps"]["observation"]
    cameras = [name for name, kind in observed.items() if isinstance(kind, tfds.features.Image)]
    reads = by_steps if manner == "steps" else by_episodes
    for _ in sys.stdin:
        told = answer(lambda: reads(builder, cameras, decoded=pictures == "decoded"))
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def answer(read: Callable[[], tuple[int, int]]) -> dict[str, float]:
    """What one time of reading was."""
    begun = time.process_time()
    episodes, pictures = read()
    return {
        "episodes": episodes,
        "pictures": pictures,
        "seconds": time.process_time() - begun,
        "memory": most_memory(),
    }


def by_steps(builder: Any, cameras: list[str], *, decoded: bool) -> tuple[int, int]:
    """Episodes and pictures, the steps of each episode one after another."""
    import tensorflow_datasets as tfds

    skipped = {"steps": {"observation": dict.fromkeys(cameras, tfds.decode.SkipDecoding())}}
    decoders = None if decoded else skipped
    episodes = steps = 0
    for episode in builder.as_dataset(split="train", shuffle_files=False, decoders=decoders):
        episodes += 1
        for _step in tfds.as_numpy(episode["steps"]):
            steps += 1
    return episodes, steps * len(cameras)


def by_episodes(builder: Any, cameras: list[str], *, decoded: bool) -> tuple[int, int]:
    """The same, all steps of an episode at once, as many episodes side by side as TensorFlow sees fit."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    def with_pixels(episode: Any) -> Any:
        for name in cameras:
            encoded = episode["steps"]["observation"][name]
            episode["steps"]["observation"][name] = tf.map_fn(tf.io.decode_jpeg, encoded, fn_output_signature=tf.uint8)
        return episode

    dataset = builder.as_dataset(split="train", shuffle_files=False, decoders={"steps": tfds.decode.SkipDecoding()})
    if decoded:
        dataset = dataset.map(with_pixels, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)
    episodes = pictures = 0
    for episode in tfds.as_numpy(dataset):
        episodes += 1
        pictures += sum(len(episode["steps"]["observation"][name]) for name in cameras)
    return episodes, pictures


def most_memory() -> float:
    """The most memory that this process ever had, in KiB, without that of the process it was started from."""
    status = Path("/proc/self/status")
    if status.exists():
        return float(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")))
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    main(*sys.argv[1:])
