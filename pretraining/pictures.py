"""Scenes on disk: drawn once by several processes, shard by shard, and read by every stage."""

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.demo import Box, Pixels
from instar.files import atomic
from instar.progress import Progress
from pretraining.model import CELL, COLUMNS, ROWS
from pretraining.scenes import EVERY_SHAPE, EVERY_TEXTURE, MOST, Scene, Thing, draw

SHARD: Final = 2000  # scenes in a file
KINDS: Final = ("plain", "tasks")  # what is learned from, in turns
LEAST_SHARE: Final = 0.08  # of a cell that a thing must cover to be what the cell shows


@dataclass(frozen=True, eq=False)
class Pictures:
    """N scenes in memory, at half the size of the camera's picture."""

    rgb: Pixels  # (N, HEIGHT, WIDTH, 3)
    ids: NDArray[np.uint8]  # (N, HEIGHT, WIDTH)
    things: NDArray[np.int32]  # (N, MOST, 7): texture, shape, box and visible pixels; -1 where there is none

    def __len__(self) -> int:
        return len(self.rgb)

    def scene(self, k: int) -> Scene:
        """Scene k; its picture and ids as the eye gets them."""
        rows = self.things[k]
        things = tuple(
            Thing(number, EVERY_TEXTURE[t], EVERY_SHAPE[s], Box(*box), pixels)
            for number, (t, s, *box, pixels) in enumerate(rows[rows[:, 0] >= 0].tolist(), start=1)
        )
        return Scene(self.rgb[k], self.ids[k], things)

    def cells(self, k: int) -> NDArray[np.int32]:
        """How many pixels of each thing the cells of scene k show: (MOST + 1, IMAGE_TOKENS), the ground first."""
        blocks = self.ids[k].reshape(ROWS, CELL, COLUMNS, CELL).transpose(0, 2, 1, 3).reshape(ROWS * COLUMNS, -1)
        found = np.zeros((MOST + 1, ROWS * COLUMNS), np.int32)
        np.add.at(found, (blocks, np.arange(len(blocks))[:, None]), 1)
        return found

    @classmethod
    def joined(cls, parts: Sequence["Pictures"]) -> "Pictures":
        """All of them."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("rgb", "ids", "things")))


def draw_all(folder: Path, seed: str, count: int, progress: Progress, kinds: Sequence[str] = KINDS) -> Pictures:
    """`count` scenes, those that are not in `folder` yet drawn by as many processes as there are cores."""
    firsts = range(0, count, SHARD)
    paths = [folder / f"{seed}-{first // SHARD:04}.npz" for first in firsts]
    missing = [(path, seed, first, min(SHARD, count - first), tuple(kinds))
               for path, first in zip(paths, firsts, strict=True) if not path.exists()]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    if missing:
        with ProcessPoolExecutor() as pool:
            for k, _ in enumerate(pool.map(_draw_shard, *zip(*missing, strict=True)), start=1):
                progress(k, len(missing), f"files of {SHARD} scenes drawn")
    return Pictures.joined([_read(path) for path in paths])


def _draw_shard(path: Path, seed: str, first: int, count: int, kinds: Sequence[str]) -> None:
    things = np.full((count, MOST, 7), -1, np.int32)
    rgb, ids = zip(*_drawn(seed, first, count, kinds, things), strict=True)
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez(file, rgb=np.stack(rgb), ids=np.stack(ids), things=things)


def _drawn(
    seed: str, first: int, count: int, kinds: Sequence[str], things: NDArray[np.int32]
) -> Iterator[tuple[Pixels, NDArray[np.uint8]]]:
    for k, kind in zip(range(count), itertools.cycle(kinds), strict=False):
        scene = draw(seed, first + k, kind, most=2 + (first + k) // len(kinds) % 7)
        for thing in scene.things:
            box = (thing.box.left, thing.box.top, thing.box.right, thing.box.bottom)
            names = EVERY_TEXTURE.index(thing.texture), EVERY_SHAPE.index(thing.shape)
            things[k, thing.number - 1] = (*names, *box, thing.pixels)
        yield halved(scene.rgb), scene.ids[::2, ::2]


def halved(rgb: Pixels) -> Pixels:
    """Means of four pixels each, as the processor's box filter takes them."""
    four = rgb.reshape(rgb.shape[0] // 2, 2, rgb.shape[1] // 2, 2, 3).astype(np.uint16).sum((1, 3))
    return np.asarray((four + 2) // 4, np.uint8)


def _read(path: Path) -> Pictures:
    with np.load(path, allow_pickle=False) as arrays:
        return Pictures(arrays["rgb"], arrays["ids"], arrays["things"])
