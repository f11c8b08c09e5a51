"""A policy against a benchmark: parallel simulators, batched policy calls, and a run folder that can be resumed."""

import contextlib
import functools
import importlib.metadata
import logging
import platform
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from instar import __version__, plugins
from instar.checkpoint import checkpoint_folder, load_policy, read_card, recipe_of
from instar.disturb import Disturbance, disturbed
from instar.errors import ConfigError, DataError
from instar.files import MANIFEST, digest, digest_file
from instar.playing.director import Director
from instar.playing.film import Keep
from instar.playing.stage import Setup
from instar.playing.timesheet import Timesheet
from instar.playing.workers import Crew, LocalCrew, ProcessCrew
from instar.policy import Policy
from instar.progress import Progress, silent
from instar.rollout import EpisodeRecord, Outcome
from instar.run import Run, append_record, close_run, open_run
from instar.seeing.describe import Asking, Naming, asked_as
from instar.simulator import Benchmark, Simulator, Trial

logger = logging.getLogger(__name__)

EXPERT: Final = "expert"
Records = Generator[EpisodeRecord, None, None]
FILMED: Final = 10  # of each task, films are made of the first so many episodes at most
SHOWN: Final = 2  # of each task, so many episodes are filmed whatever their ending


@dataclass(frozen=True)
class EvaluateConfig:
    """The command line of `instar eval`."""

    # A checkpoint folder, the name of one that comes with instar, "expert" (the simulator's own), or another policy and
    # its options: "random:seed=3"
    policy: str
    out: Path  # run folder; an interrupted run in it goes on where it stopped
    benchmark: str = "tabletop"  # which tasks and seeds, with its options, e.g. tabletop:per_task=100
    # Simulator processes that play while the policy computes, a core each; 0 plays in this process. As many as keep
    # the policy busy: the progress line and the manifest tell the share of the time in which it is
    workers: int = 0
    # Contexts per call of the policy. So many episodes are in play at once, with workers twice as many: half of them
    # are played while the policy answers the other half
    batch: int = 16
    replan: int = 1  # actions of an answer that are taken before the policy is asked again
    limit: int | None = None  # play only the first so many episodes of each task
    videos: Literal["none", "failures", "all"] = "failures"  # endings to keep frames of, among a task's first episodes
    retry_crashed: bool = False  # play episodes again whose simulator crashed
    constrained: bool = True  # let a model say only what can be read
    references: str = ""  # who describes reference pictures: truth, nobody, model, detr:FOLDER; else as it was taught
    naming: Naming = "found"  # who names the object of an object's picture: whoever finds it, or the truth ("given")
    prompt: str = ""  # options of a checkpoint's recipe to ask otherwise than it was taught: past=0,sentence=7
    # What the policy is told and shown otherwise than it is, to see whether it listens and looks: paraphrase=true,
    # swapped=true (another episode's instruction), shift=PIXELS, light=0.3, noise=GREY, seed=0
    disturb: str = ""
    device: str = "auto"  # where a checkpoint runs: "auto", "cpu", "cuda"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"  # a checkpoint's precision
    base: Path | None = None  # folder of the base model of a checkpoint that is an adapter
    source: str = ""  # of a checkpoint with several sources, the one whose robot is meant, where two have the same
    patience: float = 300.0  # seconds of silence after which a simulator process is given up

    def __post_init__(self) -> None:
        for name, least in (("workers", 0), ("batch", 1), ("replan", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least {least}")
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"limit is {self.limit}; it must be at least 1, or left out to play everything")
        _ = self.disturbance

    @property
    def folder(self) -> Path | None:
        """Where the policy lies that is a checkpoint; None for any other."""
        return None if self.policy == EXPERT else checkpoint_folder(self.policy)

    @property
    def asking(self) -> Asking:
        """How the policy is asked."""
        return Asking(self.references, self.naming, self.prompt)

    @property
    def disturbance(self) -> Disturbance:
        """What is disturbed."""
        return Disturbance.parse(self.disturb)


def evaluate(config: EvaluateConfig, progress: Progress = silent) -> Run:
    """Play what the run folder does not have yet, and return the whole run.

    Raises ConfigError if the folder holds a run with other settings, MismatchError if policy and simulator do not
    describe the same robot.
    """
    benchmark: Benchmark = plugins.make("benchmarks", config.benchmark)
    trials = chosen(benchmark.episodes(), config.limit)
    simulator = entered(benchmark)
    maker = functools.partial(plugins.make, "simulators", plugins.choice_of("simulators", simulator))
    settings = _settings(config, benchmark, simulator, trials)
    folder = config.folder
    about = {"recipe": str(read_card(folder).recipe)} if folder else {}
    return complete(
        config, settings, trials, lambda todo, sheet: _load_and_play(config, maker, todo, sheet), progress, about
    )


def complete(
    config: EvaluateConfig,
    settings: Mapping[str, Any],
    trials: Sequence[Trial],
    player: Callable[[Sequence[Trial], Timesheet], Records],
    progress: Progress,
    about: Mapping[str, Any] | None = None,
) -> Run:
    """The whole run in `config.out`: `player` plays those of `trials` that it does not have yet.

    `about` is stored beside the `settings` of a new run, but does not have to be the same when it is resumed. Raises
    ConfigError if the folder holds a run with other `settings`.
    """
    about = {"versions": _versions(), **(about or {})}
    with open_run(config.out, settings, about, retry_crashed=config.retry_crashed) as run:
        _compare_versions(run)
        known = {record.id for record in run.records}
        todo = [trial for trial in trials if trial.id not in known]
        if todo:
            sheet = Timesheet()
            with contextlib.closing(player(todo, sheet)) as records:
                _record(run, records, sheet, lambda done, note: progress(done, len(trials), note))
            return close_run(config.out, {"episodes": len(todo), "batch": config.batch, **sheet.to_json()})
        return run if run.whole else close_run(config.out)


def _record(run: Run, records: Iterable[EpisodeRecord], sheet: Timesheet, tell: Callable[[int, str], None]) -> None:
    """Put every record on disk as it comes."""
    tally = Counter(record.outcome for record in run.records)
    tell(tally.total(), _note(tally, sheet))
    for record in records:
        append_record(run.folder, record)
        tally[record.outcome] += 1
        tell(tally.total(), _note(tally, sheet))


def _note(tally: Counter[Outcome], sheet: Timesheet) -> str:
    crashes = f", {tally[Outcome.CRASHED]} crashed" if tally[Outcome.CRASHED] else ""
    # Where one side waits for the other, the user can do something about it.
    shares = f", model {sheet.model:.0%}, simulators {sheet.simulators:.0%} of the time" if sheet.calls else ""
    return f"{tally[Outcome.SUCCESS]} solved{crashes}{shares}"


def entered(benchmark: Benchmark) -> Simulator:
    """The simulator that `benchmark` plays on.

    A simulator may have a method `prepare` that raises SimulatorError if nothing can be played: a world that cannot be
    entered at all is one error, not a crash of every episode.
    """
    simulator: Simulator = plugins.make("simulators", benchmark.simulator())
    if prepare := getattr(simulator, "prepare", None):
        prepare()
    return simulator


def chosen(trials: Sequence[Trial], limit: int | None) -> list[Trial]:
    """The first `limit` trials of each task, in order. Raises DataError if two trials have the same id."""
    doubled = [name for name, count in Counter(trial.id for trial in trials).items() if count > 1]
    if doubled:
        raise DataError(f"the benchmark sets the episode {doubled[0]} more than once ({len(doubled)} such ids)")
    return [trial for trial, index in zip(trials, _positions(trials), strict=True) if limit is None or index < limit]


def _positions(trials: Sequence[Trial]) -> list[int]:
    """For each trial, how many of its task come before it."""
    seen: Counter[tuple[str, str]] = Counter()
    positions = []
    for trial in trials:
        key = (trial.task.suite, trial.task.name)
        positions.append(seen[key])
        seen[key] += 1
    return positions


def make_policy(config: EvaluateConfig) -> Policy | None:
    """The policy that `config` names, or None for the simulator's own expert."""
    if config.policy == EXPERT:
        return None
    folder = config.folder
    if folder is None:
        policy: Policy = plugins.make("policies", config.policy)
        return policy
    taught = load_policy(
        folder,
        device=config.device,
        dtype=config.dtype,
        constrained=config.constrained,
        base=config.base,
        source=config.source,
    )
    return asked_as(taught, config.asking)


def identity(text: str) -> dict[str, Any]:
    """What a policy is, wherever it lies: the digest of a checkpoint's papers, or a plugin's choice."""
    if text == EXPERT:
        return {"kind": EXPERT, "name": EXPERT}
    folder = checkpoint_folder(text)
    if folder is not None:
        papers = {name: digest_file(folder / name) for name in ("card.json", MANIFEST) if (folder / name).is_file()}
        if not papers:
            raise DataError(f"{folder}: not a checkpoint; it has neither card.json nor {MANIFEST}")
        return {"kind": "checkpoint", "name": folder.resolve().name, "digest": digest(papers)}
    if any(mark in text.partition(":")[0] for mark in "/\\."):
        raise DataError(f"{text}: no such checkpoint folder")
    choice = plugins.choice_of("policies", plugins.make("policies", text))
    return {"kind": "plugin", **choice.to_json()}


def _settings(
    config: EvaluateConfig, benchmark: Benchmark, simulator: Simulator, trials: Sequence[Trial]
) -> dict[str, Any]:
    """All that decides what happens in a run, and nothing else: no paths, no machine, no speed."""
    policy, folder = identity(config.policy), config.folder
    spoken = _spoken(config, folder) if folder else {}
    if config.asking != Asking() and not spoken:
        raise ConfigError(f"references, naming and prompt are for checkpoints; {config.policy} is not asked in words")
    return {
        "policy": policy,
        "benchmark": plugins.portable("benchmarks", benchmark).to_json(),
        "simulator": plugins.portable("simulators", simulator).to_json(),
        "replan": config.replan,
        "limit": config.limit,
        "episodes": {"count": len(trials), "digest": digest([[trial.id, trial.task.max_steps] for trial in trials])},
        **spoken,
        **({"source": config.source} if config.source else {}),
        **({"disturb": disturb} if (disturb := str(config.disturbance)) else {}),
    }


def _spoken(config: EvaluateConfig, folder: Path) -> dict[str, Any]:
    """How the checkpoint in `folder` is asked and answers."""
    asked = config.asking.settings(recipe_of(folder, read_card(folder)))
    return {"constrained": config.constrained, "dtype": config.dtype, **asked}


def _versions() -> dict[str, str]:
    found = {"instar": __version__, "python": platform.python_version()}
    for name in ("numpy", "opencv-python-headless", "torch", "transformers"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _compare_versions(run: Run) -> None:
    there: Mapping[str, str] = run.description.get("versions", {})
    changed = [
        f"{name} {there[name]} then, {now} now"
        for name, now in _versions().items()
        if name in there and there[name] != now
    ]
    if changed and not run.whole:
        logger.warning("%s was begun with other versions: %s", run.folder, "; ".join(changed))


def play(
    policy: Policy | None,
    simulator: Callable[[], Simulator],
    trials: Sequence[Trial],
    config: EvaluateConfig,
    sheet: Timesheet | None = None,
) -> Records:
    """Play `trials` and yield their records as they end, each exactly once; films go to the folder `config.out`.

    The records are the same for any number of workers and any batch, but for their order and their clock readings.
    Close the iterator to stop early.
    """
    sheet = Timesheet() if sheet is None else sheet
    if trials:
        with _crew(simulator, len(trials), config, sheet, asks=policy is not None) as crew:
            yield from _directed(policy, crew, trials, config, sheet)


def _load_and_play(
    config: EvaluateConfig, simulator: Callable[[], Simulator], trials: Sequence[Trial], sheet: Timesheet
) -> Records:
    """As `play`, the policy being loaded while the workers start."""
    with _crew(simulator, len(trials), config, sheet, asks=config.policy != EXPERT) as crew:
        yield from _directed(make_policy(config), crew, trials, config, sheet)


@contextlib.contextmanager
def _crew(
    simulator: Callable[[], Simulator], trials: int, config: EvaluateConfig, sheet: Timesheet, *, asks: bool
) -> Iterator[Crew]:
    """Who plays `trials` episodes; `asks` is whether a policy is asked in this process."""
    maker = functools.partial(disturbed, simulator, config.disturbance)
    setup = Setup(maker, config.replan, None if config.videos == "none" else config.out)
    # With workers two places for every context of a call: half of them play while the policy answers the other half.
    # A simulator's own expert is asked where the simulator is: nothing is gained by more places than processes.
    places = min(trials, config.batch * (2 if config.workers else 1) if asks else max(config.workers, 1))
    sheet.workers = max(1, min(config.workers, places))
    crew: Crew = (
        ProcessCrew(setup, sheet.workers, places, config.patience, sheet)
        if config.workers
        else LocalCrew(setup, places, sheet)
    )
    with contextlib.closing(crew):
        yield crew


def _directed(
    policy: Policy | None, crew: Crew, trials: Sequence[Trial], config: EvaluateConfig, sheet: Timesheet
) -> Records:
    """Every record of `trials`, as `crew` plays them."""
    keeps = [_keep(config.videos, position) for position in _positions(trials)]
    yield from Director(policy, crew, config.batch, sheet, deque(zip(trials, keeps, strict=True))).play()


def _keep(videos: Literal["none", "failures", "all"], position: int) -> Keep:
    """Decided by the trial's place in its task, so that it does not depend on who ends first."""
    if videos == "none" or position >= FILMED:
        return "never"
    return "always" if videos == "all" or position < SHOWN else "failures"
