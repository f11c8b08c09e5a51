"""instar reading a folder as often as it is told, answering as `by_tfds.py` does.

python by_instar.py FOLDER THREADS decoded|encoded

With several threads the pictures of an episode are shared out among them; OpenCV decodes them side by side.
"""

import json
import sys
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from benchmarks.by_tfds import answer
from instar.demo import Image
from instar.demos.rlds import Rlds


def main(folder: str, threads: str, pictures: str) -> None:
    """Read and answer until stdin ends."""
    source = Rlds(Path(folder), standard="plain")
    with ThreadPoolExecutor(int(threads)) as pool:
        for _ in sys.stdin:
            told = answer(lambda: read(source, pool, int(threads), decoded=pictures == "decoded"))
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()


def read(source: Rlds, pool: Executor, threads: int, *, decoded: bool) -> tuple[int, int]:
    """Episodes and pictures, everything of each step asked for."""
    pictures = 0
    ids = source.ids()
    for id in ids:
        images: list[Image] = []
        for step in source.episode(id).steps:
            assert step.action is not None
            assert step.observation.state.size
            images += step.observation.images.values()
        looks = _pixels if decoded else _bytes
        shares = [images[first::threads] for first in range(threads)]
        pictures += sum(pool.map(looks, shares) if threads > 1 else map(looks, shares))
    return len(ids), pictures


def _pixels(images: list[Image]) -> int:
    return sum(len(image.pixels) > 0 for image in images)


def _bytes(images: list[Image]) -> int:
    return sum(len(image.data) > 0 for image in images)


if __name__ == "__main__":
    main(*sys.argv[1:])
