"""Pictures with what is in them, gathered from demonstrations into one folder that can be looked at in any order.

pictures.bin      the pictures as they came, one after another
pictures.jsonl    for each: where it is from, where its bytes are, what it shows
manifest.json     how many; written last
"""

import contextlib
import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from instar import engines, plugins
from instar.demo import Box, DemoSource, Episode, Image
from instar.errors import DataError, InstarError, MismatchError, SimulatorError
from instar.files import MANIFEST, atomic, canonical_json, door, read_json, read_jsonl, write_bytes, write_json
from instar.plugins import Choice
from instar.progress import Progress, silent
from instar.seeing.detect import Kind, Labelled, Sighting, labelled
from instar.seeing.effector import Effector, known_places

logger = logging.getLogger(__name__)

PICTURES: Final = "pictures.bin"
KIND: Final = "album"
ROWS: Final = "pictures.jsonl"
TOGETHER: Final = 8  # episodes that a worker reads at a time


@dataclass(frozen=True)
class Wanted:
    """Which pictures of which demonstrations."""

    demos: Choice
    ids: tuple[str, ...]
    camera: str
    kinds: tuple[Kind, ...]
    effector: Effector | None = None  # find the end effector, in frames alone; None finds the objects


@dataclass(frozen=True, eq=False)
class Gathered:
    """The pictures of one episode, or why there are none."""

    id: str
    pictures: tuple[Labelled, ...] = ()
    problem: str = ""


def gather(wanted: Wanted, workers: int = 1) -> Iterator[Gathered]:
    """The wanted pictures, episode by episode in order; episodes that cannot be read say so."""
    groups = [wanted.ids[start : start + TOGETHER] for start in range(0, len(wanted.ids), TOGETHER)]
    jobs = [(k, replace(wanted, ids=group)) for k, group in enumerate(groups)]
    early: dict[int, list[Gathered]] = {}
    turn = 0
    with contextlib.closing(engines.run("local", _gathered, jobs, workers)) as results:
        for k, found in results:
            early[k] = found
            while turn in early:
                yield from early.pop(turn)
                turn += 1


def _gathered(job: tuple[int, Wanted]) -> tuple[int, list[Gathered]]:
    k, wanted = job
    source: DemoSource = plugins.make("demos", wanted.demos)
    return k, [_of_episode(source, id, wanted) for id in wanted.ids]


def _of_episode(source: DemoSource, id: str, wanted: Wanted) -> Gathered:
    try:
        episode = source.episode(id)
        episode.robot.camera(wanted.camera)
        pictures = _labelled(episode, wanted)
        for look in pictures:
            _ = look.image.data  # encoded here, where many are at work
    except (DataError, MismatchError, SimulatorError) as error:
        return Gathered(id, problem=str(error))
    return Gathered(id, tuple(pictures))


def _labelled(episode: Episode, wanted: Wanted) -> list[Labelled]:
    if wanted.effector is not None:
        return list(known_places(episode, wanted.camera, wanted.effector))
    return [look for look in labelled(episode, wanted.camera) if look.kind in wanted.kinds]


@dataclass(frozen=True, eq=False)
class Album:
    """The pictures in a folder; position k is the k-th."""

    folder: Path
    rows: tuple[Mapping[str, Any], ...]
    left_out: int = 0  # episodes that could not be read

    @classmethod
    def open(cls, folder: Path) -> "Album":
        """The album in `folder`. Raises DataError if there is none, or not all of it."""
        rows = tuple(read_jsonl(folder / ROWS))
        told = read_json(folder / MANIFEST)
        if not isinstance(told, dict) or told.get("kind") != KIND:
            raise DataError(f"{folder}: holds no pictures gathered from demonstrations")
        if told["pictures"] != len(rows):
            raise DataError(f"{folder}: {len(rows)} pictures of {told['pictures']}; remove the folder and gather again")
        return cls(folder, rows, told["left_out"])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, k: int) -> Labelled:
        """Picture `k`."""
        row = self.rows[k]
        with door(self.folder / PICTURES), (self.folder / PICTURES).open("rb") as file:
            file.seek(row["start"])
            image = Image.encoded(file.read(row["bytes"]))
        return Labelled(row["episode"], row["key"], row["kind"], image, _truth(row))

    def names(self) -> list[tuple[str, str]]:
        """What the objects are called, texture ("" where there is none) and shape, sorted."""
        told = {(str(thing[0]), str(thing[1])) for row in self.rows for thing in row["truth"]}
        return sorted((name.removesuffix(shape).rstrip(), shape) for name, shape in told)

    def episodes(self) -> int:
        """How many episodes the pictures are from."""
        return len({row["episode"] for row in self.rows})


def _truth(row: Mapping[str, Any]) -> tuple[Sighting, ...]:
    return tuple(Sighting(name, Box(*sides), shape=shape) for name, shape, *sides in row["truth"])


def collect(
    folder: Path,
    wanted: Wanted,
    workers: int = 1,
    progress: Progress = silent,
    by_hand: Sequence[Labelled] = (),
) -> Album:
    """The album of the wanted pictures in `folder`, and of those labelled `by_hand`; one that is there is opened.

    Raises DataError if there is no picture to be had.
    """
    if (folder / MANIFEST).exists():
        return Album.open(folder)
    rows: list[dict[str, Any]] = []
    problems: list[Gathered] = []
    with atomic(folder / PICTURES) as path, path.open("wb") as file:
        drawn = itertools.chain(gather(wanted, workers), [Gathered("", tuple(by_hand))] if by_hand else [])
        for done, found in enumerate(drawn, start=1):
            problems += [found] if found.problem else []
            for look in found.pictures:
                rows.append(_row(look, file.tell()))
                file.write(look.image.data)
            progress(done, len(wanted.ids) + bool(by_hand), f"{len(rows)} pictures gathered")
        if not any(row["truth"] for row in rows):
            raise _nothing(wanted, problems)
    for problem in problems:
        logger.warning("left out %s: %s", problem.id, problem.problem)
    write_bytes(folder / ROWS, "".join(canonical_json(row) + "\n" for row in rows).encode())
    write_json(folder / MANIFEST, {"kind": KIND, "pictures": len(rows), "left_out": len(problems)})
    return Album.open(folder)


def _row(look: Labelled, start: int) -> dict[str, Any]:
    truth = [[thing.name, thing.shape, *_sides(thing.box)] for thing in look.truth]
    place = {"start": start, "bytes": len(look.image.data)}
    return {"episode": look.episode, "key": look.key, "kind": look.kind, "truth": truth, **place}


def _sides(box: Box) -> tuple[int, int, int, int]:
    return (box.left, box.top, box.right, box.bottom)


def _nothing(wanted: Wanted, problems: Sequence[Gathered]) -> InstarError:
    why = f"; {problems[0].id}: {problems[0].problem}" if problems else ""
    what = f"of kind {', '.join(wanted.kinds)} by camera {wanted.camera!r} with known objects"
    if wanted.effector is not None:
        what = f"by camera {wanted.camera!r} in which the end effector's place is known"
    return DataError(f"no picture {what} in {len(wanted.ids)} episodes{why}")
