"""instar reading a folder as often as it is told, answering as `by_tfds.py` does.

python by_instar.py FOLDER decoded|encoded
"""

import json
import sys
from pathlib import Path

from benchmarks.by_tfds import answer
from instar.demos.rlds import Rlds


def main(folder: str, pictures: str) -> None:
    """Read and answer until stdin ends."""
    source = Rlds(Path(folder), standard="plain")
    for _ in sys.stdin:
        told = answer(lambda: read(source, decoded=pictures == "decoded"))
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def read(source: Rlds, *, decoded: bool) -> tuple[int, int]:
    """Episodes and pictures, everything of each step asked for."""
    pictures = 0
    ids = source.ids()
    for id in ids:
        for step in source.episode(id).steps:
            assert step.action is not None
            assert step.observation.state.size
            for image in step.observation.images.values():
                pictures += len(image.pixels if decoded else image.data) > 0
    return len(ids), pictures


if __name__ == "__main__":
    main(*sys.argv[1:])
