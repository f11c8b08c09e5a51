"""Demonstrations of VIMA's robot, from any source, to a folder in the raw VIMA layout.

Every episode is written beside its place and renamed, so a folder that is there is whole, and the same command again
goes on with what is missing.
"""

import contextlib
import logging
import os
import pickle
import re
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import numpy as np
from typing_extensions import Doc

from instar import engines, plugins
from instar.demo import DemoSource, Episode, Observation, Pixels, Reference
from instar.embodiments.vima import HEIGHT, VIMA, WIDTH, WORKSPACE_HIGH, WORKSPACE_LOW, yaw_to_quaternion
from instar.errors import ConfigError, DataError, SimulatorError
from instar.files import MANIFEST, door, read_json, write_bytes, write_json
from instar.progress import Progress, silent
from instar.robot import Floats
from instar.shards import LeftOut

logger = logging.getLogger(__name__)

ROOT: Final = "vima_v6"  # the version of VIMA's layout, and its folder
PLAN: Final = "plan.json"  # which demonstrations a folder is for; written first
PARTIAL: Final = ".partial"  # episodes that are being written
QUALITY: Final = 95  # JPEG, as in VIMA's own files
CAMERAS: Final = tuple(camera.name for camera in VIMA.cameras)


@dataclass(frozen=True)
class CollectConfig:
    """Write demonstrations in the raw VIMA layout."""

    demos: Annotated[str, Doc("demonstrations to write, as FORMAT:OPTIONS, e.g. tabletop:episodes=100")]
    out: Annotated[Path, Doc("folder to fill; one that holds part of the same demonstrations is completed")]
    episodes: Annotated[int | None, Doc("only the first so many episodes")] = None
    workers: Annotated[int, Doc("processes at work; 0 is one per core. The bytes do not depend on it")] = 0

    def __post_init__(self) -> None:
        if self.workers < 0 or (self.episodes is not None and self.episodes < 1):
            raise ConfigError("episodes must be at least 1 and workers at least 0")


@dataclass(frozen=True)
class CollectSummary:
    """What a folder of demonstrations holds now."""

    folder: Path
    episodes: int  # those that are in
    resumed: int  # of these, those that were there before
    steps: int  # actions in all episodes
    left_out: tuple[LeftOut, ...]
    seconds: float  # taken by this run


def collect_demos(config: CollectConfig, progress: Progress = silent) -> CollectSummary:
    """Write the demonstrations that `config` names, and say what the folder holds.

    Raises ConfigError if the folder is for other demonstrations, DataError if no episode can be written, and
    MismatchError if the demonstrations are not of VIMA's robot.
    """
    source: DemoSource = plugins.make("demos", config.demos)
    ids = source.ids()[: config.episodes]
    plan = {
        "demos": plugins.choice_of("demos", source).to_json(),
        "fingerprint": source.fingerprint(),
        "layout": ROOT,
    }
    _claim(config.out, plan)
    summary = collect(source, config.out, ids, progress, config.workers)
    left_out = [{"id": left.id, "reason": left.reason} for left in summary.left_out]
    counts = {"episodes": summary.episodes, "steps": summary.steps, "left_out": left_out}
    write_json(config.out / MANIFEST, {"kind": "demonstrations", **plan, **counts})
    return summary


def _claim(out: Path, plan: Mapping[str, object]) -> None:
    """Make `out` the folder of this plan. Raises ConfigError if it is something else's."""
    if (out / PLAN).exists():
        if read_json(out / PLAN) != plan:
            raise ConfigError(f"{out}: holds other demonstrations (see {PLAN}); choose another folder")
    elif out.exists() and any(out.iterdir()):
        raise ConfigError(f"{out}: is not empty and holds no demonstrations collected here; choose another folder")
    (out / MANIFEST).unlink(missing_ok=True)
    write_json(out / PLAN, plan)


@dataclass(frozen=True)
class _Job:
    """One episode to write."""

    source: DemoSource
    id: str
    out: Path
    place: str  # folder of the episode below `out`


def collect(
    source: DemoSource, out: Path, ids: Sequence[str], progress: Progress = silent, workers: int = 1
) -> CollectSummary:
    """Write the episodes `ids` of `source` below `out`; those that are there already stay as they are.

    Episodes that cannot be read or expressed in the layout are left out. `progress` is told after every episode.
    Raises DataError if none could be written, MismatchError if they are not of VIMA's robot.
    """
    started = time.monotonic()
    places = _places(ids)
    missing = [id for id in ids if not _whole(out / places[id])]
    left_out = _write_all([_Job(source, id, out, places[id]) for id in missing], len(ids), progress, workers)
    lengths = {place: _length(out / place) for place in places.values() if _whole(out / place)}
    if not lengths:
        raise DataError(f"{out}: none of {len(ids)} episodes could be written; {left_out[0].id}: {left_out[0].reason}")
    _describe_tasks(out, lengths)
    resumed = len(ids) - len(missing)
    return CollectSummary(
        out, len(lengths), resumed, sum(lengths.values()), tuple(left_out), time.monotonic() - started
    )


def _write_all(jobs: Sequence[_Job], total: int, progress: Progress, workers: int) -> list[LeftOut]:
    """Do all jobs; those that could not be done, in the order of the jobs."""
    left_out = {}
    if jobs:
        shutil.rmtree(jobs[0].out / PARTIAL, ignore_errors=True)  # of a run that was killed
    with contextlib.closing(engines.run("local", _write, jobs, workers)) as results:
        for done, (id, reason) in enumerate(results, start=total - len(jobs) + 1):
            if reason is not None:
                logger.warning("left out %s: %s", id, reason)
                left_out[id] = LeftOut(id, reason)
            progress(done, total, f"{len(left_out)} left out" if left_out else "")
    if jobs:
        shutil.rmtree(jobs[0].out / PARTIAL, ignore_errors=True)
    return [left_out[job.id] for job in jobs if job.id in left_out]


def _places(ids: Sequence[str]) -> dict[str, str]:
    """The folder of every episode: "vima_v6/<task>/<index>", both from the last two parts of its id.

    Within a task whose ids do not all end in a number, episodes are numbered in order.
    """
    if not ids:
        raise DataError("there are no demonstrations to write")
    tasks: dict[str, list[str]] = {}
    for id in ids:
        above = id.split("/")[:-1]
        task = re.sub(r"[^\w-]+", "_", above[-1]) if above else "episodes"
        tasks.setdefault(task, []).append(id)
    places = {
        id: f"{ROOT}/{task}/{index:06d}" for task, members in tasks.items() for id, index in _numbered(members).items()
    }
    for place, times in Counter(places.values()).items():
        if times > 1:
            first, second = [id for id in ids if places[id] == place][:2]
            raise DataError(f"episodes {first} and {second} would both be written to {place}; collect them apart")
    return places


def _numbered(ids: Sequence[str]) -> dict[str, int]:
    last = [id.split("/")[-1] for id in ids]
    if all(index.isdecimal() for index in last):
        return dict(zip(ids, map(int, last), strict=True))
    return {id: k for k, id in enumerate(ids)}


def _whole(folder: Path) -> bool:
    return (folder / "trajectory.pkl").exists()


def _length(folder: Path) -> int:
    """How many actions an episode has: one picture fewer."""
    return len(list((folder / "rgb_front").iterdir())) - 1


def _describe_tasks(out: Path, lengths: Mapping[str, int]) -> None:
    """Write `metadata.pkl` of every task."""
    tasks: dict[str, list[int]] = {}
    for place, length in lengths.items():
        tasks.setdefault(place.rsplit("/", 1)[0], []).append(length)
    for task, steps in tasks.items():
        about = {
            "n_steps_min": min(steps),
            "n_steps_max": max(steps),
            "n_steps_mean": sum(steps) / len(steps),
        }
        write_bytes(out / task / "metadata.pkl", _pickled(about))


def _write(job: _Job) -> tuple[str, str | None]:
    """Write one episode; its id, and why it is left out if it is."""
    try:
        files = raw_files(job.source.episode(job.id))
    except (DataError, SimulatorError) as error:
        return job.id, str(error)
    folder = job.out / job.place
    partial = job.out / PARTIAL / f"{job.place.replace('/', '.')}.{os.getpid()}"
    with door(folder):
        for name, data in files.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_bytes(data)
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(folder)
    return job.id, None


def raw_files(episode: Episode) -> dict[str, bytes]:
    """The files of one episode in the raw VIMA layout, by name below its folder.

    Raises DataError for what the layout asks for and the episode lacks, MismatchError for another robot.
    """
    VIMA.require(episode.robot, asker="the raw VIMA layout", answerer=episode.id)
    if len(episode.steps) != episode.length + 1 or episode.length == 0:
        raise DataError(f"{episode.id}: {episode.length} actions and {len(episode.steps)} frames; VIMA has one more")
    frames = [step.observation for step in episode.steps]
    pictures = {
        f"rgb_{camera}/{t}.jpg": frame.images[camera].jpeg(QUALITY)
        for camera in CAMERAS
        for t, frame in enumerate(frames)
    }
    return pictures | {
        "obs.pkl": _pickled(_observations(episode.id, frames)),
        "action.pkl": _pickled(_poses(np.stack([episode.action(t) for t in range(episode.length)]))),
        "trajectory.pkl": _pickled(_trajectory(episode, frames[0])),
    }


def _pickled(value: object) -> bytes:
    return pickle.dumps(value, protocol=4)


def _observations(id: str, frames: Sequence[Observation]) -> dict[str, object]:
    masks = {
        camera: np.stack([_mask(f"{id}: frame {t}", frame.segmentation, camera) for t, frame in enumerate(frames)])
        for camera in CAMERAS
    }
    return {"segm": masks, "ee": np.array([frame.state[0] for frame in frames]).astype(np.int64)}


def _mask(where: str, segmentation: Mapping[str, Pixels], camera: str) -> Pixels:
    mask = segmentation.get(camera)
    if mask is None or mask.shape != (HEIGHT, WIDTH) or mask.dtype != np.uint8:
        raise DataError(f"{where}: needs a segmentation ({HEIGHT}, {WIDTH}) uint8 by camera {camera!r}")
    return mask


def _poses(actions: Floats) -> dict[str, object]:
    return {
        "pose0_position": actions[:, 0:2].astype(np.float32),
        "pose0_rotation": np.stack([yaw_to_quaternion(yaw) for yaw in actions[:, 2]]),
        "pose1_position": actions[:, 3:5].astype(np.float32),
        "pose1_rotation": np.stack([yaw_to_quaternion(yaw) for yaw in actions[:, 5]]),
    }


def _trajectory(episode: Episode, first: Observation) -> dict[str, object]:
    if not first.objects:
        raise DataError(f"{episode.id}: names no object")
    references = episode.instruction.references
    return {
        "prompt": episode.instruction.text,
        "prompt_assets": {slot: _asset(f"{episode.id}: {slot}", shown) for slot, shown in references.items()},
        "obj_id_to_info": {
            thing.id: {"obj_name": thing.shape, "texture_name": thing.texture} for thing in first.objects
        },
        "end_effector_type": "spatula" if first.state[0] > 0 else "suction",
        "n_objects": len(first.objects),
        "views": list(CAMERAS),
        "modalities": ["rgb", "segm"],
        "action_bounds": {
            "low": np.array(WORKSPACE_LOW, dtype=np.float32),
            "high": np.array(WORKSPACE_HIGH, dtype=np.float32),
        },
        "steps": episode.length,
        "success": episode.success,
        "failure": episode.success is False,
    }


def _asset(where: str, shown: Reference) -> dict[str, object]:
    named = [{"obj_id": thing.id, "obj_name": thing.shape, "obj_color": thing.texture} for thing in shown.objects]
    if not named or (shown.kind == "object" and len(named) != 1):
        raise DataError(f"{where}: a reference of kind {shown.kind!r} with {len(named)} objects")
    # A table for one object alone, a list for a scene: VIMA's readers tell them apart by that.
    about = named[0] if shown.kind == "object" else named
    return {
        "rgb": {camera: np.ascontiguousarray(shown.images[camera].pixels.transpose(2, 0, 1)) for camera in CAMERAS},
        "segm": {**{camera: _mask(where, shown.segmentation, camera) for camera in CAMERAS}, "obj_info": about},
        "placeholder_type": shown.kind,
    }
