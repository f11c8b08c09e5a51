"""A result file of LLaRA played again: its answers through our parser and a simulator, against the endings on record.

Nobody is asked anything: in place of a simulator's expert stands a policy that gives the recorded answers one after
another. So episodes are played in parallel, and resumed, like those of any evaluation.
"""

import functools
import logging
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import tyro
from typing_extensions import Doc

from instar import plugins
from instar.errors import ConfigError, DataError
from instar.evaluate import EvaluateConfig, chosen, complete, entered, play
from instar.files import digest, digest_file
from instar.progress import Progress, silent
from instar.recorded import SILENT, Script, rerun
from instar.results import ResultEpisode, Results, level_of, read_results
from instar.rollout import EpisodeRecord, Outcome
from instar.run import Run
from instar.simulator import Benchmark, Simulator, Task, Trial

logger = logging.getLogger(__name__)

SHOWN: Final = 5  # prompts that differ are listed up to so many
EXCERPT: Final = 90  # characters of each
TASK: Final = re.compile(r"<task>(.*)</task>", re.DOTALL)
FINISHED: Final = re.compile(r"Step \d+: (?:Pick up|Sweep) the .*", re.DOTALL)


@dataclass(frozen=True)
class ReplayConfig:
    """The command line of `instar replay`."""

    results: Annotated[tyro.conf.Positional[Path], Doc("a result file in LLaRA's layout")]
    benchmark: Annotated[str, Doc("where to play it, for example vima:python=path/to/python")] = "vima"
    out: Annotated[Path | None, Doc("run folder to keep, which an interrupted replay goes on from")] = None
    recipe: Annotated[
        str, Doc("who reads the answers, e.g. llara:compat=true; empty for whom the file names, or LLaRA's evaluator")
    ] = ""
    unreadable: Annotated[
        Literal["end", "random"],
        Doc("what an unreadable answer leads to: the end of the episode, or a random action as in the original"),
    ] = "end"
    seed: Annotated[int, Doc("of the random actions")] = 0
    limit: Annotated[int | None, Doc("only the first so many episodes of each level and task")] = None
    levels: Annotated[tuple[str, ...], Doc("only these levels; none named means all")] = ()
    tasks: Annotated[tuple[str, ...], Doc("only these tasks; none named means all")] = ()
    prompts: Annotated[bool, Doc("also compare the recorded questions with what the recipe would ask")] = True
    workers: Annotated[int, Doc("simulator processes; 0 plays in this one")] = 0
    patience: Annotated[float, Doc("seconds of silence after which a simulator process is given up")] = 300.0

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"limit is {self.limit}; it must be at least 1")


@dataclass(frozen=True)
class Ending:
    """How an episode ended, as far as a result file says it."""

    success: bool
    failure: bool
    steps: int

    def __str__(self) -> str:
        """In words."""
        what = "success" if self.success else "failure" if self.failure else "no end"
        return f"{what} after {self.steps} step{'' if self.steps == 1 else 's'}"


@dataclass(frozen=True)
class Agreement:
    """How many of `n` are the same here and there."""

    same: int
    n: int


@dataclass(frozen=True)
class Difference:
    """An episode that did not end as recorded."""

    id: str
    recorded: Ending
    replayed: Ending
    where: str  # the first step at which something differs, and what


@dataclass(frozen=True)
class Prompts:
    """How far the recorded questions and the recipe's are the same, wording aside."""

    tasks: Agreement  # the text between <task> and </task>
    histories: Agreement  # the sentences about finished steps
    differing: tuple[tuple[str, str, str], ...] = ()  # the first few: where, and what is there on record and now


@dataclass(frozen=True)
class ReplayReport:
    """How many episodes ended as recorded: success flag, failure flag and number of steps."""

    results: str
    recipe: str  # who read the answers
    benchmark: str
    out: Path | None
    overall: Agreement  # of the episodes whose every answer could be read
    levels: Mapping[str, Agreement]
    tasks: Mapping[str, Agreement]  # by "<level>/<task>"
    unreadable: Agreement  # of the others: what the original did there was random
    differences: tuple[Difference, ...]
    crashed: tuple[str, ...]  # ids of episodes whose simulator broke down; counted nowhere else
    left_out: int  # recorded episodes that the benchmark does not have, or without answers, or not asked for
    prompts: Prompts | None = None


def replay(config: ReplayConfig, progress: Progress = silent) -> ReplayReport:
    """Play what is on record and say how it ended. Raises DataError where there is nothing to play."""
    results = read_results(config.results)
    config = replace(config, recipe=config.recipe or results.recipe)
    benchmark: Benchmark = plugins.make("benchmarks", config.benchmark)
    episodes = dict(_on_record(config, results, benchmark))
    trials = chosen(list(episodes), config.limit)
    if not trials:
        raise DataError(
            f"{config.results}: none of its {len(results.episodes)} episodes is both on record with answers and known "
            f"to the benchmark {config.benchmark}; `instar inspect` shows its levels and tasks"
        )
    with tempfile.TemporaryDirectory() as spare:
        run = _played(config, results, benchmark, {trial: episodes[trial] for trial in trials}, Path(spare), progress)
    by_id = {trial.id: episodes[trial] for trial in trials}
    report = _report(config, results, [(by_id[record.id], record) for record in run.records])
    if report.unreadable.n and not report.overall.n:
        logger.warning(
            "no episode without an unreadable answer: %s is perhaps not how these answers were taught; name the recipe "
            "with its options, for example --recipe llara:actions=bins",
            config.recipe,
        )
    return report


def _on_record(config: ReplayConfig, results: Results, benchmark: Benchmark) -> Iterator[tuple[Trial, ResultEpisode]]:
    """The episodes of the file that were asked for and that the benchmark can set, as its trials."""
    known = {(level_of(trial.task.suite), trial.task.name): trial.task for trial in benchmark.episodes()}
    _refuse_unknown("level", config.levels, {level for level, _ in known} | {task.suite for task in known.values()})
    _refuse_unknown("task", config.tasks, {name for _, name in known})
    levels = {level_of(name) for name in config.levels}
    for episode in results.episodes:
        task = known.get((level_of(episode.level), episode.task))
        wanted = (not levels or level_of(episode.level) in levels) and (
            not config.tasks or episode.task in config.tasks
        )
        if task is not None and wanted and episode.answers:
            yield Trial(Task(task.name, task.suite, results.settings.max_length), episode.seed), episode


def _refuse_unknown(what: str, names: Sequence[str], known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(f"the benchmark has no {what} {name!r}; it has: {', '.join(sorted(known))}")


def _played(
    config: ReplayConfig,
    results: Results,
    benchmark: Benchmark,
    episodes: Mapping[Trial, ResultEpisode],
    spare: Path,
    progress: Progress,
) -> Run:
    """The run of the replay, in the user's folder or in a spare one."""
    simulator = entered(benchmark)
    recipe = plugins.make("recipes", config.recipe)
    recipe.robot(simulator.robot)  # a robot that the recipe cannot speak of is refused before the first step
    one_step = results.settings.one_step
    script = Script(
        simulator=plugins.choice_of("simulators", simulator),
        recipe=plugins.choice_of("recipes", recipe),
        answers={trial.id: episode.answers for trial, episode in episodes.items()},
        one_step=one_step,
        random=config.seed if config.unreadable == "random" else None,
        asks=config.prompts,
    )
    evaluation = EvaluateConfig(
        policy="recorded",
        out=config.out or spare,
        workers=config.workers,
        batch=max(1, config.workers),  # an episode is played to its end before its process hears of the next
        replan=1 if one_step else results.settings.max_length,
        videos="none",
        retry_crashed=True,  # a crash is no ending to compare
        patience=config.patience,
    )
    trials = list(episodes)
    settings = _settings(config, script, benchmark, evaluation.replan, trials)
    maker: Callable[[], Simulator] = functools.partial(rerun, script)
    told = str(plugins.portable("benchmarks", benchmark))
    about = {"command": ["instar", "replay", config.results.name, "--benchmark", told], "recipe": config.recipe}
    return complete(
        evaluation,
        settings,
        trials,
        lambda todo, sheet: play(None, maker, todo, evaluation, sheet),
        progress,
        about=about,
    )


def _settings(
    config: ReplayConfig, script: Script, benchmark: Benchmark, replan: int, trials: Sequence[Trial]
) -> dict[str, Any]:
    """All that decides what happens, as in the run of an evaluation."""
    simulator = plugins.make("simulators", script.simulator)
    options = {"digest": digest_file(config.results), "recipe": str(script.recipe), "random": script.random}
    return {
        "policy": {"kind": "recorded", "name": config.results.stem, "options": options},
        "benchmark": plugins.portable("benchmarks", benchmark).to_json(),
        "simulator": plugins.portable("simulators", simulator).to_json(),
        "replan": replan,
        "limit": config.limit,
        "prompts": config.prompts,
        "episodes": {"count": len(trials), "digest": digest([[trial.id, trial.task.max_steps] for trial in trials])},
    }


def _report(
    config: ReplayConfig, results: Results, pairs: Sequence[tuple[ResultEpisode, EpisodeRecord]]
) -> ReplayReport:
    ended = [(episode, record) for episode, record in pairs if record.outcome is not Outcome.CRASHED]
    unreadable = [pair for pair in ended if _unreadable(pair[1])]
    certain = [pair for pair in ended if not _unreadable(pair[1])]
    return ReplayReport(
        results=str(config.results),
        recipe=config.recipe,
        benchmark=config.benchmark,
        out=config.out,
        overall=_agreement(certain),
        levels={name: _agreement(group) for name, group in _grouped(certain, by_task=False).items()},
        tasks={name: _agreement(group) for name, group in _grouped(certain, by_task=True).items()},
        unreadable=_agreement(unreadable),
        differences=tuple(_difference(*pair) for pair in certain if not _same(*pair)),
        crashed=tuple(record.id for _, record in pairs if record.outcome is Outcome.CRASHED),
        left_out=len(results.episodes) - len(pairs),
        prompts=_prompts(certain) if config.prompts else None,
    )


def _unreadable(record: EpisodeRecord) -> bool:
    """Whether an answer could not be read before the episode ended; what follows in the original is random."""
    return any(step.unreadable is not None and step.unreadable != SILENT for step in record.trace)


def _grouped(
    pairs: Sequence[tuple[ResultEpisode, EpisodeRecord]], *, by_task: bool
) -> dict[str, list[tuple[ResultEpisode, EpisodeRecord]]]:
    groups: dict[str, list[tuple[ResultEpisode, EpisodeRecord]]] = {}
    for episode, record in pairs:
        groups.setdefault(f"{record.suite}/{record.task}" if by_task else record.suite, []).append((episode, record))
    return groups


def _agreement(pairs: Sequence[tuple[ResultEpisode, EpisodeRecord]]) -> Agreement:
    return Agreement(sum(_same(*pair) for pair in pairs), len(pairs))


def _recorded(episode: ResultEpisode) -> Ending:
    return Ending(episode.success, episode.failure, episode.steps)


def _replayed(record: EpisodeRecord) -> Ending:
    return Ending(record.outcome is Outcome.SUCCESS, record.outcome is Outcome.FAILURE, record.steps)


def _same(episode: ResultEpisode, record: EpisodeRecord) -> bool:
    # Out of answers is no end: there the original had already ended, one way or the other.
    return _recorded(episode) == _replayed(record) and record.error != SILENT


def _difference(episode: ResultEpisode, record: EpisodeRecord) -> Difference:
    return Difference(episode.id, _recorded(episode), _replayed(record), _where(episode, record))


def _where(episode: ResultEpisode, record: EpisodeRecord) -> str:
    for k, (question, step) in enumerate(zip(episode.prompts, _asked(record), strict=False), start=1):
        if step and _part(FINISHED, question) != _part(FINISHED, step):
            return f"question {k}: the finished steps are not those on record"
    if record.error == SILENT:
        return f"step {record.steps}: the record ends here, the replay goes on"
    if record.steps < episode.steps:
        return f"step {record.steps}: the replay ends here, the record goes on"
    return f"step {record.steps}: another ending"


def _asked(record: EpisodeRecord) -> list[str]:
    """The recipe's questions, one per answer on record."""
    return [step.question for step in record.trace if step.reply or step.question]


def _part(pattern: re.Pattern[str], prompt: str) -> str:
    """What `pattern` finds in a prompt after its task or as its task, in single spaces."""
    found = pattern.search(prompt if pattern is TASK else prompt.rpartition("</task>")[2])
    return " ".join(found[found.re.groups].split()) if found else ""


def _prompts(pairs: Sequence[tuple[ResultEpisode, EpisodeRecord]]) -> Prompts:
    """Compare every question that was asked here and there."""
    same, total = {TASK: 0, FINISHED: 0}, {TASK: 0, FINISHED: 0}
    differing: list[tuple[str, str, str]] = []
    for episode, record in pairs:
        for k, (theirs, ours) in enumerate(zip(episode.prompts, _asked(record), strict=False), start=1):
            for pattern in (TASK, FINISHED):
                mine, other = _part(pattern, ours), _part(pattern, theirs)
                if pattern is FINISHED and not other and not mine:
                    continue  # the first question has no finished steps
                total[pattern] += 1
                same[pattern] += mine == other
                if mine != other and len(differing) < SHOWN:
                    differing.append((f"{episode.id}, question {k}", *_apart(other, mine)))
    tasks, histories = (Agreement(same[pattern], total[pattern]) for pattern in (TASK, FINISHED))
    return Prompts(tasks, histories, tuple(differing))


def _apart(one: str, other: str) -> tuple[str, str]:
    """Two texts from shortly before they part, shortened."""
    same = next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, same - EXCERPT // 3)
    shown = [text[start : start + EXCERPT] for text in (one, other)]
    return f"{'... ' if start else ''}{shown[0]}", f"{'... ' if start else ''}{shown[1]}"
