"""Demonstrations in, a samples folder out: in parallel, to the same bytes every time, and from where it was stopped."""

import contextlib
import functools
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from instar import __version__, engines, plugins
from instar.blend import Rule, blended, require_weights
from instar.building.ledger import Ledger
from instar.building.plan import claim, claim_several
from instar.building.rows import Tools, rows_of
from instar.demo import DemoSource, Episode, Remarking, held_out, original
from instar.errors import ConfigError, DataError, MismatchError, ReplyError, SimulatorError
from instar.files import MANIFEST, digest, write_json
from instar.plugins import Choice
from instar.progress import Progress, silent
from instar.robot import Robot
from instar.samples import FORMAT, ActionStatistics, Manifest, read_manifest
from instar.seeing.track_file import with_traces
from instar.shards import LeftOut, Row, ShardWriter

logger = logging.getLogger(__name__)

# What may be wrong with one episode and not with the others. A bad option is wrong with all of them.
UNUSABLE: Final = (DataError, MismatchError, ReplyError, SimulatorError)


@dataclass(frozen=True)
class BuildConfig:
    """Turn demonstrations into a folder of samples to train on."""

    # Demonstrations to read, as FORMAT:PATH with further options after commas, e.g. vima:rollouts.zip; of several such
    # sources each gets a folder of its own, and a share of every epoch
    demos: tuple[str, ...] | str
    out: Path  # folder to fill; an unfinished build of the same in it goes on from where it stopped
    recipe: str = "llara"  # how acting becomes talking, with its options, e.g. llara:past=2
    auxiliary: tuple[str, ...] = ()  # tasks that teach seeing, e.g. obj_det spa_rel; "all" is every one installed
    reworded: float = 0.0  # share of episodes told in other words, never those that eval --disturb paraphrase=true uses
    seed: int = 0  # of every random choice, such as which wording a question gets
    episodes: int | None = None  # only the first so many episodes of every source
    holdout: float = 0.0  # share of all episodes, chosen by a hash of their ids, that are kept for judging
    held_out: bool = False  # build the episodes that --holdout keeps, and no others
    traces: tuple[Path, ...] = ()  # files of `instar trace`, each for the source that it was made of
    weights: tuple[float, ...] = ()  # of several sources, one each: see balance. All the same where not given
    # what a weight is. sizes: how often each sample of a source is seen in an epoch, as in OpenVLA; shares: how much of
    # an epoch is of a source, however large it is
    balance: Rule = "sizes"
    workers: int = 0  # processes at work; 0 is one per core. The bytes do not depend on it
    engine: engines.Engine = "local"  # where they work: "local" on this machine, "ray" on a Ray cluster
    strict: bool = False  # stop at the first episode that cannot be used, instead of leaving it out
    episodes_per_shard: int = 32  # episodes in one file; also how many a worker holds in memory

    def __post_init__(self) -> None:
        for name, least in (("seed", 0), ("workers", 0), ("episodes_per_shard", 1), ("episodes", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"{name} must be at least {least}, not {value}")
        if not 0 <= self.reworded <= 1:
            raise ConfigError(f"reworded is a share of all episodes, from 0 to 1, not {self.reworded:g}")
        if not 0 <= self.holdout < 1 or (self.held_out and not self.holdout):
            raise ConfigError(f"holdout is the share of episodes to keep for judging, e.g. 0.1, not {self.holdout:g}")
        if not self.sources:
            raise ConfigError("no demonstrations are named; name at least one source, as FORMAT:PATH")
        require_weights(self.weights, len(self.sources))

    @property
    def sources(self) -> tuple[str, ...]:
        """The demonstrations, source by source."""
        return (self.demos,) if isinstance(self.demos, str) else self.demos


@dataclass(frozen=True)
class BuildSummary:
    """What a build made."""

    folder: Path
    episodes: int  # those that are in
    views: int
    counts: Mapping[str, int]  # samples by kind
    left_out: tuple[LeftOut, ...]
    bytes: int  # of all shards
    seconds: float  # taken by this run
    resumed: int  # episodes that an earlier run had built
    notes: tuple[str, ...] = ()  # what the source has to say about its choice of episodes
    shares: Mapping[str, float] = field(default_factory=dict)  # of several sources, of an epoch's actions


@dataclass(frozen=True)
class Work:
    """What every worker must know. Choices, not objects: plugins are made anew in each process."""

    plan: str  # digest of the plan
    demos: str
    recipe: str
    auxiliary: tuple[str, ...]
    reworded: float
    seed: int
    strict: bool
    first: str  # id of the first readable episode
    robot: Robot  # of that episode; every other must have the same


@dataclass(frozen=True)
class Job:
    """The episodes of one shard."""

    number: int
    ids: tuple[str, ...]
    work: Work


@dataclass(frozen=True)
class Built:
    """A shard as a worker hands it back; whoever asked for it writes it."""

    number: int
    data: bytes


def build(config: BuildConfig, progress: Progress = silent) -> BuildSummary:
    """Fill `config.out` with samples; `progress` hears of episodes after every shard.

    Raises ConfigError if the folder holds something else or a build with another plan, DataError if no episode can be
    used (with `strict`: if one cannot), MismatchError if the episodes of a source are not all of one robot.
    """
    if config.traces:
        config = replace(config, demos=with_traces(config.sources, config.traces), traces=())
    if len(config.sources) == 1:
        return _build(config, config.sources[0], progress)
    return _build_several(config, progress)


def _build_several(config: BuildConfig, progress: Progress) -> BuildSummary:
    """A samples folder for each source; that all of them can be read is seen before the first is built."""
    names = [f"{k}-{Choice.parse(demos).name}" for k, demos in enumerate(config.sources)]
    for demos in config.sources:
        tools = _tools(demos, config.recipe, _auxiliary(config), config.reworded)
        _first_episode(tools, _ids(tools.source, config), strict=config.strict)
    claim_several(
        config.out, {name: Choice.parse(demos).to_json() for name, demos in zip(names, config.sources, strict=True)}
    )
    built = {}
    for name, demos in zip(names, config.sources, strict=True):
        heard = functools.partial(_heard_of, progress, demos)
        built[name] = _build(replace(config, demos=demos, weights=(), out=config.out / name), demos, heard)
    blend = blended(config.out, names, config.weights or (1.0,) * len(names), config.balance)
    write_json(config.out / MANIFEST, blend.to_json())
    return _summed(config.out, list(built.values()), dict(zip(names, blend.shares, strict=True)))


def _heard_of(progress: Progress, demos: str, done: int, total: int, note: str) -> None:
    progress(done, total, f"{demos}: {note}")


def _summed(folder: Path, parts: Sequence[BuildSummary], shares: Mapping[str, float]) -> BuildSummary:
    """What all sources came to."""
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.counts)
    return BuildSummary(
        folder=folder,
        episodes=sum(part.episodes for part in parts),
        views=sum(part.views for part in parts),
        counts=dict(sorted(counts.items())),
        left_out=tuple(left for part in parts for left in part.left_out),
        bytes=sum(part.bytes for part in parts),
        seconds=sum(part.seconds for part in parts),
        resumed=sum(part.resumed for part in parts),
        notes=tuple(note for part in parts for note in part.notes),
        shares=shares,
    )


def _build(config: BuildConfig, demos: str, progress: Progress) -> BuildSummary:
    """The samples of one source."""
    started = time.monotonic()
    choices = (demos, config.recipe, _auxiliary(config), config.reworded)
    tools = _tools(*choices)
    ids = _ids(tools.source, config)
    notes = _notes(tools.source)
    plan = _plan(config, tools, len(ids))
    claim(config.out, plan)
    manifest, resumed = _finished(config.out), len(ids)
    if manifest is None:
        first = _first_episode(tools, ids, strict=config.strict)
        work = Work(digest(plan), *choices, config.seed, config.strict, first.id, first.robot)
        ledger = _fill(config, ids, work, progress)
        manifest, resumed = _manifest(plan, first.robot, ledger, notes), ledger.resumed
        write_json(config.out / MANIFEST, manifest.to_json())
    _hold_to(config, manifest.left_out)
    return _summary(config.out, manifest, time.monotonic() - started, resumed)


def _auxiliary(config: BuildConfig) -> tuple[str, ...]:
    """The choices of auxiliary tasks in one order, whatever order they were asked for in."""
    if config.auxiliary == ("all",):
        return tuple(plugins.names("auxiliary"))
    return tuple(sorted(config.auxiliary))


def _tools(demos: str, recipe: str, auxiliary: Sequence[str], reworded: float) -> Tools:
    asker = plugins.make("recipes", recipe)
    tasks = [plugins.make("auxiliary", choice) for choice in auxiliary]
    kinds = [_kind("recipes", asker), *(_kind("auxiliary", task) for task in tasks)]
    for kind, times in Counter(kinds).items():
        if times > 1:
            raise ConfigError(f"{kind!r} is asked for {times} times; samples of one kind need one task")
    return Tools(plugins.make("demos", demos), kinds[0], asker, dict(zip(kinds[1:], tasks, strict=True)), reworded)


def _kind(kind: str, plugin: object) -> str:
    return plugins.choice_of(kind, plugin).name


def _ids(source: DemoSource, config: BuildConfig) -> list[str]:
    """The episodes to build. What is held out is a matter of the id alone, not of how many episodes there are."""
    ids = list(source.ids()[: config.episodes])
    if not ids:
        raise DataError("there are no demonstrations; look at them with `instar inspect`")
    ids = [id for id in ids if held_out(original(id), config.holdout) == config.held_out]
    if not ids:
        raise DataError(f"of so few demonstrations a holdout of {config.holdout:g} leaves none here")
    twice = [id for id, times in Counter(ids).items() if times > 1]
    if twice:
        raise DataError(f"two demonstrations are called {twice[0]!r}; ids must tell them apart")
    return ids


def _notes(source: DemoSource) -> tuple[str, ...]:
    """What a source that can has to say about its choice of episodes; the user hears it, too."""
    notes = tuple(source.remarks()) if isinstance(source, Remarking) else ()
    for note in notes:
        logger.warning("%s", note)
    return notes


def _plan(config: BuildConfig, tools: Tools, ids: int) -> dict[str, Any]:
    """Everything that decides the bytes, as JSON."""
    return {
        "format": FORMAT,
        "instar": __version__,
        "demos": plugins.choice_of("demos", tools.source).to_json(),
        "fingerprint": tools.source.fingerprint(),
        "episodes": ids,
        "episodes_per_shard": config.episodes_per_shard,
        "recipe": plugins.choice_of("recipes", tools.recipe).to_json(),
        "auxiliary": [plugins.choice_of("auxiliary", task).to_json() for task in tools.auxiliary.values()],
        "wording": [getattr(plugin, "wording_hash", "") for plugin in (tools.recipe, *tools.auxiliary.values())],
        "reworded": config.reworded or None,
        **({"holdout": config.holdout, "held_out": config.held_out} if config.holdout else {}),
        "seed": config.seed,
    }


def _finished(folder: Path) -> Manifest | None:
    """The manifest, if the folder is whole."""
    if not (folder / MANIFEST).exists():
        return None
    manifest = read_manifest(folder)
    return None if manifest.missing(folder) else manifest


def _first_episode(tools: Tools, ids: Sequence[str], *, strict: bool) -> Episode:
    """The first episode that can be read. Its robot is refused at once if the recipe cannot speak of it."""
    left_out = []
    for id in ids:
        try:
            episode = tools.source.episode(id)
        except UNUSABLE as error:
            left_out.append(_left_out(id, error, strict=strict))
        else:
            tools.recipe.robot(episode.robot)
            return episode
    raise _none_usable(left_out)


def _none_usable(left_out: Sequence[LeftOut]) -> DataError:
    first = _unusable(left_out[0].id, left_out[0].reason)
    return DataError(f"none of the {len(left_out)} episodes can be used; {first}")


def _unusable(id: str, reason: str) -> DataError:
    return DataError(f"episode {id}: {reason}")


def _fill(config: BuildConfig, ids: Sequence[str], work: Work, progress: Progress) -> Ledger:
    """Build every shard that is not there yet."""
    size = config.episodes_per_shard
    groups = [tuple(ids[start : start + size]) for start in range(0, len(ids), size)]
    ledger = Ledger(config.out, work.plan, [len(group) for group in groups])
    ledger.resume()
    _hold_to(config, ledger.left_out())
    progress(ledger.done, ledger.total, ledger.note)
    jobs = [Job(number, groups[number], work) for number in ledger.missing()]
    with contextlib.closing(engines.run(config.engine, build_shard, jobs, config.workers)) as results:
        for built in results:
            ledger.enter(built.number, built.data)
            progress(ledger.done, ledger.total, ledger.note)
    return ledger


def _hold_to(config: BuildConfig, left_out: Sequence[LeftOut]) -> None:
    """`strict` holds for what an earlier run, which was not, has left out as well."""
    if config.strict and left_out:
        raise _unusable(left_out[0].id, left_out[0].reason)


def build_shard(job: Job) -> Built:
    """The bytes of one shard: a function of the job alone, wherever and whenever it runs."""
    tools = _tools_of(job.work)
    writer, left_out = ShardWriter(), []
    for id in job.ids:
        try:
            rows = _rows(id, job.work, tools)
        except Exception as error:
            error.add_note(f"while building the samples of episode {id}")
            raise
        if isinstance(rows, LeftOut):
            left_out.append(rows)
        else:
            writer.add(rows)
    return Built(job.number, writer.finish(job.work.plan, len(job.ids) - len(left_out), tuple(left_out)))


@functools.lru_cache(maxsize=1)
def _tools_of(work: Work) -> Tools:
    """Made once per process and build."""
    return _tools(work.demos, work.recipe, work.auxiliary, work.reworded)


def _rows(id: str, work: Work, tools: Tools) -> list[Row] | LeftOut:
    try:
        episode = tools.source.episode(id)
    except UNUSABLE as error:
        return _left_out(id, error, strict=work.strict)
    work.robot.require(episode.robot, f"episode {work.first}", f"episode {id}")
    try:
        return rows_of(episode, tools, work.seed)
    except UNUSABLE as error:
        return _left_out(id, error, strict=work.strict)


def _left_out(id: str, error: Exception, *, strict: bool) -> LeftOut:
    if strict:
        raise _unusable(id, str(error)) from error
    return LeftOut(id, str(error))


def _manifest(plan: Mapping[str, Any], robot: Robot, ledger: Ledger, notes: tuple[str, ...]) -> Manifest:
    left_out = ledger.left_out()
    if not ledger.episodes():
        raise _none_usable(left_out)
    shards = ledger.entries()
    return Manifest(
        format=FORMAT,
        instar=__version__,
        plan=digest(plan),
        demos=Choice.from_json(plan["demos"]),
        recipe=Choice.from_json(plan["recipe"]),
        auxiliary=tuple(Choice.from_json(choice) for choice in plan["auxiliary"]),
        seed=plan["seed"],
        robot=robot,
        statistics=ActionStatistics.of(ledger.actions()),
        episodes=ledger.episodes(),
        views=sum(shard.rows for shard in shards),
        counts=ledger.counts(),
        left_out=left_out,
        shards=shards,
        notes=notes,
    ).sealed()


def _summary(folder: Path, manifest: Manifest, seconds: float, resumed: int) -> BuildSummary:
    return BuildSummary(
        folder=folder,
        episodes=manifest.episodes,
        views=manifest.views,
        counts=manifest.counts,
        left_out=manifest.left_out,
        bytes=sum(shard.bytes for shard in manifest.shards),
        seconds=seconds,
        resumed=resumed,
        notes=manifest.notes,
    )
