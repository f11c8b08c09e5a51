"""Demonstrations into a folder of another format: every episode a piece first, then all pieces laid together.

Pieces are made by several processes and stay until the folder is whole, so the same command again goes on with what is
missing. A folder without a manifest is not whole, and what its readers begin with is not there either.
"""

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Protocol, TypeAlias

from typing_extensions import Doc

from instar import engines, plugins
from instar.demo import DemoSource
from instar.errors import ConfigError, DataError, SimulatorError
from instar.files import MANIFEST, door, read_json, write_json
from instar.progress import Progress
from instar.robot import Robot
from instar.shards import LeftOut
from instar.storing.manifest import write_manifest
from instar.storing.recording import Recording, Slots, recorded

logger = logging.getLogger(__name__)

PLAN: Final = "plan.json"  # what a folder is to hold; written first
PIECES: Final = ".pieces"  # episodes that wait to be laid together
FACTS: Final = "facts.json"  # of a piece

# Options of every export.
Demos: TypeAlias = Annotated[str, Doc("demonstrations to write, as FORMAT:OPTIONS, e.g. hdf5:lift.hdf5")]
Out: TypeAlias = Annotated[Path, Doc("folder to fill; one that holds part of the same is completed")]
Episodes: TypeAlias = Annotated[int | None, Doc("only the first so many episodes")]
SlotWords: TypeAlias = Annotated[
    Slots, Doc("instructions that point to pictures: refuse them, or say the names of the objects in the pictures")
]
Workers: TypeAlias = Annotated[int, Doc("processes at work; 0 is one per core. The bytes do not depend on it")]


@dataclass(frozen=True)
class Order:
    """What goes where, whatever the format. Raises ConfigError for counts that are none."""

    demos: str
    out: Path
    episodes: int | None
    slots: Slots
    workers: int

    def __post_init__(self) -> None:
        if self.workers < 0 or (self.episodes is not None and self.episodes < 1):
            raise ConfigError("episodes must be at least 1 and workers at least 0")


@dataclass(frozen=True)
class ExportSummary:
    """What a folder of demonstrations holds now."""

    folder: Path
    episodes: int  # those that are in
    resumed: int  # of these, those that were there before
    steps: int  # in all episodes
    left_out: tuple[LeftOut, ...]
    seconds: float  # taken by this run


@dataclass(frozen=True)
class Piece:
    """An episode that waits in a folder of its own."""

    folder: Path

    def facts(self) -> Mapping[str, Any]:
        """Its `id`, `task` and `length`, and what the format adds; read each time, since there may be very many."""
        told: Mapping[str, Any] = read_json(self.folder / FACTS)
        return told


class Layout(Protocol):
    """A format: a frozen dataclass of its options, which travels between processes."""

    @property
    def format(self) -> str:
        """The name that its reader goes by."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """What decides the bytes, as JSON."""
        ...

    def require(self, robot: Robot) -> None:
        """Raise ConfigError where what a robot senses and does cannot be stored so."""
        ...

    def cut(self, recording: Recording, folder: Path) -> Mapping[str, Any]:
        """Write the files of one episode into an empty folder; facts to find with them. Raises DataError."""
        ...

    def assemble(self, pieces: Sequence[Piece], robot: Robot, out: Path) -> None:
        """Lay all pieces together in `out`, what its readers begin with last."""
        ...


def export(order: Order, layout: Layout, progress: Progress) -> ExportSummary:
    """Write the demonstrations of an order in a layout.

    Episodes that cannot be read or stored are left out, and the manifest says why. Raises ConfigError if the folder is
    for something else, MismatchError if not all episodes are of one robot, and DataError if none can be stored.
    """
    started = time.monotonic()
    source: DemoSource = plugins.make("demos", order.demos)
    ids = list(source.ids()[: order.episodes])
    plan = {
        "demos": plugins.choice_of("demos", source).to_json(),
        "fingerprint": source.fingerprint(),
        "episodes": len(ids),
        "slots": order.slots,
        "layout": layout.format,
        "options": dict(layout.options),
    }
    resumed = _claim(order.out, plan)
    if not (order.out / MANIFEST).is_file():
        _fill(_Filling(order, layout, source, ids), plan, progress)
    shutil.rmtree(order.out / PIECES, ignore_errors=True)
    told = read_json(order.out / MANIFEST)
    left_out = tuple(LeftOut(**left) for left in told["left_out"])
    return ExportSummary(
        order.out,
        told["stored"],
        told["stored"] if resumed is None else resumed,
        told["steps"],
        left_out,
        time.monotonic() - started,
    )


def _claim(out: Path, plan: Mapping[str, Any]) -> int | None:
    """Make `out` the folder of this plan; how many pieces wait in it, None if it is whole already.

    Raises ConfigError if it is something else's.
    """
    if (out / PLAN).is_file():
        if read_json(out / PLAN) != plan:
            raise ConfigError(f"{out}: holds another export (see {PLAN}); choose another folder")
        if (out / MANIFEST).is_file():
            return None
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out}: is not empty and holds no export of instar; choose another folder")
    else:
        write_json(out / PLAN, plan)
    return len(list((out / PIECES).glob(f"*/{FACTS}")))


@dataclass(frozen=True)
class _Filling:
    """What is to be done."""

    order: Order
    layout: Layout
    source: DemoSource
    ids: Sequence[str]

    def folder(self, number: int) -> Path:
        """The piece of an episode."""
        return self.order.out / PIECES / f"{number:06d}"


@dataclass(frozen=True)
class _Job:
    """One piece to make."""

    source: DemoSource
    id: str
    robot: Robot
    slots: Slots
    layout: Layout
    folder: Path


def _fill(filling: _Filling, plan: Mapping[str, Any], progress: Progress) -> None:
    """Make what is missing, lay it together, and say so in the manifest."""
    out, ids = filling.order.out, filling.ids
    robot = _first(filling.source, ids)
    filling.layout.require(robot)
    left_out = _cut_all(filling, robot, progress)
    folders = [filling.folder(number) for number in range(len(ids))]
    pieces = [Piece(folder) for folder in folders if (folder / FACTS).is_file()]
    if not pieces:
        raise DataError(f"{out}: none of {len(ids)} episodes can be stored; {left_out[0].id}: {left_out[0].reason}")
    for old in out.iterdir():  # of a run that was killed while it laid them together
        if old.is_dir() and old.name != PIECES:
            shutil.rmtree(old)
    progress(len(ids), len(ids), "laid together")
    with door(out):
        filling.layout.assemble(pieces, robot, out)
    counts = {"stored": len(pieces), "steps": sum(piece.facts()["length"] for piece in pieces)}
    why = [{"id": left.id, "reason": left.reason} for left in left_out]
    # Written last: its presence means the folder is whole.
    write_manifest(out, robot, {**plan, **counts, "left_out": why})


def _first(source: DemoSource, ids: Sequence[str]) -> Robot:
    """Who acts in the first episode that can be read."""
    reason = "the source has no episodes"
    for id in ids:
        try:
            return source.episode(id).robot
        except (DataError, SimulatorError) as error:
            reason = str(error)
    raise DataError(f"no episode can be read: {reason}")


def _cut_all(filling: _Filling, robot: Robot, progress: Progress) -> list[LeftOut]:
    """Make all missing pieces; the episodes of which there is none, in order."""
    order, left_out = filling.order, {}
    jobs = [
        _Job(filling.source, id, robot, order.slots, filling.layout, filling.folder(number))
        for number, id in enumerate(filling.ids)
        if not (filling.folder(number) / FACTS).is_file()
    ]
    for folder in (order.out / PIECES).glob(".*"):  # begun by a run that was killed
        shutil.rmtree(folder)
    with contextlib.closing(engines.run("local", _cut, jobs, order.workers)) as results:
        for done, (id, reason) in enumerate(results, start=len(filling.ids) - len(jobs) + 1):
            if reason is not None:
                logger.warning("left out %s: %s", id, reason)
                left_out[id] = LeftOut(id, reason)
            progress(done, len(filling.ids), f"{len(left_out)} left out" if left_out else "")
    return [left_out[job.id] for job in jobs if job.id in left_out]


def _cut(job: _Job) -> tuple[str, str | None]:
    """Make one piece; its id, and why there is none if so."""
    partial = job.folder.with_name(f".{job.folder.name}.{os.getpid()}")
    with door(partial):  # around it all: a full disk ends the run, where a damaged episode is left out
        partial.mkdir(parents=True)
        try:
            recording = recorded(job.source.episode(job.id), job.robot, job.slots)
            facts = job.layout.cut(recording, partial)
        except (DataError, SimulatorError) as error:
            shutil.rmtree(partial)
            return job.id, str(error)
        about = {"id": job.id, "task": recording.task, "length": len(recording)}
        write_json(partial / FACTS, {**about, **facts})
        partial.rename(job.folder)
    return job.id, None
