"""LLaVA-style JSON and its pictures as a samples folder that training takes like any other."""

import contextlib
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import tyro
from typing_extensions import Doc

from instar import __version__, engines, plugins
from instar.building.ledger import Ledger
from instar.building.plan import claim
from instar.chat import Conversation, Recipe, Sample
from instar.demo import Image
from instar.edges import checked, plain
from instar.embodiments.vima import VIMA
from instar.errors import ConfigError, DataError
from instar.exchange.reading import Element
from instar.exchange.survey import Group, Kinds, Place, Source, Survey, survey, understood
from instar.files import MANIFEST, digest, digest_file, door, read_json, write_json
from instar.plugins import Choice
from instar.progress import Progress, silent
from instar.robot import Robot
from instar.samples import FORMAT, Manifest, read_manifest
from instar.shards import Row, ShardWriter

logger = logging.getLogger(__name__)

ROBOTS: Final[Mapping[str, Robot]] = {VIMA.name: VIMA}
_NAMED: Final = re.compile(r"([\w.-]+)=(.+)")


@dataclass(frozen=True)
class ImportConfig:
    """LLaVA-style JSON and its pictures as a samples folder."""

    json: Annotated[
        tuple[str, ...],
        tyro.conf.Positional,
        Doc(
            "JSON files, each as FILE or KIND=FILE. Entries whose id begins with an auxiliary task (obj_det/...) are "
            "of that kind; the others of KIND, else of the recipe's, else of the file's name without ending"
        ),
    ]
    out: Path  # folder to fill; an unfinished import of the same in it goes on from where it stopped
    images: Path | None = None  # folder that the entries' paths of pictures begin in
    recipe: str | None = None  # the recipe that reads these answers, e.g. llara:compat=true; without one nobody acts
    robot: str | None = None  # whose actions they are: vima, or a JSON file with a robot (a manifest, a card)
    workers: int = 0  # processes at work; 0 is one per core. The bytes do not depend on it
    rows_per_shard: int = 256  # different pictures in one file; also how many a worker holds in memory

    def __post_init__(self) -> None:
        if not self.json:
            raise ConfigError("there is nothing to import; name at least one JSON file")
        for name, least in (("workers", 0), ("rows_per_shard", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if (self.recipe is None) != (self.robot is None):
            raise ConfigError("a policy needs both recipe and robot; give both, or neither to train without acting")


@dataclass(frozen=True)
class ImportSummary:
    """What an import made."""

    folder: Path
    views: int  # different pictures, or lists of pictures
    counts: Mapping[str, int]  # samples by kind
    pictures: int
    acts: bool  # whether what is trained on these samples alone can act
    notes: tuple[str, ...]
    bytes: int  # of all shards
    seconds: float


@dataclass(frozen=True)
class _Work:
    """What every worker must know."""

    plan: str  # digest of the plan
    sources: tuple[Source, ...]
    kinds: Kinds
    images: Path | None


@dataclass(frozen=True)
class _Job:
    """The groups of one shard."""

    number: int
    groups: tuple[Group, ...]
    work: _Work


@dataclass(frozen=True)
class _Made:
    number: int
    data: bytes


def import_json(config: ImportConfig, progress: Progress = silent) -> ImportSummary:
    """Fill `config.out` with samples, after every entry was looked at.

    Raises DataError naming the first malformed entry or the missing pictures, before anything is written, and
    ConfigError if the folder holds something else.
    """
    started = time.monotonic()
    recipe, robot = _acting(config)
    sources = tuple(_source(text, recipe) for text in config.json)
    found = survey(sources, config.images, lambda done, total: progress(done, total, "bytes looked at"))
    if not found.groups:
        raise DataError(
            f"{', '.join(str(source.path) for source in sources)}: no entry in it; there is nothing to learn"
        )
    for note in found.notes:
        logger.warning("%s", note)
    plan = _plan(config, sources, found, recipe, robot)
    claim(config.out, plan)
    manifest = _finished(config.out)
    if manifest is None:
        work = _Work(digest(plan), sources, Kinds(frozenset(plugins.names("auxiliary"))), config.images)
        ledger = _fill(config, found.groups, work, progress)
        manifest = _manifest(plan, ledger, recipe, robot, found.notes)
        write_json(config.out / MANIFEST, manifest.to_json())
    return ImportSummary(
        folder=config.out,
        views=manifest.views,
        counts=manifest.counts,
        pictures=len(found.sizes),
        acts=recipe is not None,
        notes=found.notes,
        bytes=sum(shard.bytes for shard in manifest.shards),
        seconds=time.monotonic() - started,
    )


def _acting(config: ImportConfig) -> tuple[Choice | None, Robot | None]:
    """The recipe with all its options, and its robot. Raises InstarError where they do not fit."""
    if config.recipe is None or config.robot is None:
        return None, None
    recipe: Recipe = plugins.make("recipes", config.recipe)
    robot = _robot(config.robot)
    recipe.robot(robot)
    return plugins.choice_of("recipes", recipe), robot


def _robot(text: str) -> Robot:
    if text in ROBOTS:
        return ROBOTS[text]
    path = Path(text)
    if not path.is_file():
        raise ConfigError(f"robot {text!r} is neither one of {', '.join(ROBOTS)} nor a JSON file that describes one")
    value = read_json(path)
    value = value["robot"] if isinstance(value, dict) and "robot" in value else value
    return checked(Robot, value, f"{path}: no robot")


def _source(text: str, recipe: Choice | None) -> Source:
    named = None if Path(text).exists() else _NAMED.fullmatch(text)
    path = Path(named.group(2)) if named else Path(text)
    return Source(path, named.group(1) if named else path.stem if recipe is None else recipe.name)


def _plan(
    config: ImportConfig, sources: tuple[Source, ...], found: Survey, recipe: Choice | None, robot: Robot | None
) -> dict[str, Any]:
    """Everything that decides the bytes, as JSON."""
    return {
        "format": FORMAT,
        "instar": __version__,
        "json": [
            {"path": str(source.path), "kind": source.kind, "sha256": digest_file(source.path)} for source in sources
        ],
        "images": None if config.images is None else str(config.images),
        "pictures": digest([list(size) for size in found.sizes]),
        "recipe": None if recipe is None else recipe.to_json(),
        "robot": None if robot is None else plain(robot),
        "rows_per_shard": config.rows_per_shard,
    }


def _finished(folder: Path) -> Manifest | None:
    """The manifest, if the folder is whole."""
    if not (folder / MANIFEST).exists():
        return None
    manifest = read_manifest(folder)
    return None if manifest.missing(folder) else manifest


def _fill(config: ImportConfig, groups: tuple[Group, ...], work: _Work, progress: Progress) -> Ledger:
    """Write every shard that is not there yet."""
    size = config.rows_per_shard
    parts = [groups[start : start + size] for start in range(0, len(groups), size)]
    ledger = Ledger(config.out, work.plan, [len(part) for part in parts])
    ledger.resume()
    jobs = [_Job(number, parts[number], work) for number in ledger.missing()]
    with contextlib.closing(engines.run("local", make_shard, jobs, config.workers)) as results:
        for made in results:
            ledger.enter(made.number, made.data)
            progress(ledger.done, ledger.total, ledger.note)
    return ledger


def make_shard(job: _Job) -> _Made:
    """The bytes of one shard: a function of the job and its files alone."""
    writer = ShardWriter()
    writer.add(_row(group, job.work) for group in job.groups)
    return _Made(job.number, writer.finish(job.work.plan, 0, ()))


def _row(group: Group, work: _Work) -> Row:
    images = tuple(_picture(name, work.images) for name in group.pictures)
    samples = tuple(_sample(place, images, work) for place in group.places)
    return Row(samples[0].id, images, samples, np.empty((0, 0)))


def _picture(name: str, images: Path | None) -> Image:
    assert images is not None
    with door(images / name):
        image = Image.encoded((images / name).read_bytes())
    try:
        _ = image.pixels  # a damaged picture is found now, not in the middle of training
    except DataError as error:
        raise DataError(f"{images / name}: {error}") from error
    return image


def _sample(place: Place, images: tuple[Image, ...], work: _Work) -> Sample:
    source = work.sources[place.source]
    with door(source.path), source.path.open("rb") as file:
        file.seek(place.offset)
        value = json.loads(file.read(place.length))
    parsed = understood(source, Element(place.number, place.offset, place.length, value))
    id = parsed.id or f"{source.path.stem}/{place.number}"
    return Sample(id, work.kinds.of(source, parsed), Conversation(parsed.turns, images), shows=parsed.shows)


def _manifest(
    plan: Mapping[str, Any], ledger: Ledger, recipe: Choice | None, robot: Robot | None, notes: tuple[str, ...]
) -> Manifest:
    shards = ledger.entries()
    files = [source["path"] for source in plan["json"]]
    return Manifest(
        format=FORMAT,
        instar=__version__,
        plan=digest(plan),
        demos=Choice("llava", {"json": files, "images": plan["images"]}),
        recipe=recipe,
        auxiliary=(),
        seed=0,
        robot=robot,
        statistics=None,
        episodes=0,
        views=sum(shard.rows for shard in shards),
        counts=ledger.counts(),
        left_out=(),
        shards=shards,
        notes=notes,
    ).sealed()
