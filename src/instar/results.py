"""LLaRA's result files: one JSON of settings and episodes, read, summed up, and written from runs of ours.

    {"global": {"prompt_mode": "hso", "seed": 200000, ...},
     "placement_generalization/rotate/200000": {"level": ..., "lm_answer_hist": [...], "success": true, ...}, ...}

A model is asked once per step where the prompt mode has the letter s; otherwise its whole answer is played before it is
asked again. Layout after LLaRA's evaluation (Li et al., ICLR 2025).
"""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final

from typing_extensions import Doc

from instar.errors import ConfigError, DataError, MismatchError
from instar.files import JSON, read_json, write_bytes
from instar.metrics import Comparison, SuccessRate, Summary, compare, summarise
from instar.progress import Progress, silent
from instar.rollout import EpisodeRecord, Outcome
from instar.run import Run, read_run

logger = logging.getLogger(__name__)

GLOBAL: Final = "global"  # the entry that is no episode
SENTENCES: Final = 15  # LLaRA draws from so many user sentences; a prompt_id beyond them means none
UNSAID: Final = 100  # such a prompt_id
LETTERS: Final = "hsodev"  # of a prompt mode: history, one step per question, who describes reference pictures, seen
RANDOM: Final = -1  # the prompt_id that draws a sentence for every question

# The recipes that read as LLaRA's evaluator does, for files that do not say who reads them.
SENTENCES_READ_BY: Final = "llara:compat=true"
BINS_READ_BY: Final = "llara:compat=true,actions=bins"  # answers of RT-2 style: numbers, but no marked position
POSITION: Final = "<b>"

# Our suites and VIMA-Bench's partitions.
LEVELS: Final[Mapping[str, str]] = {
    "placement": "placement_generalization",
    "combinatorial": "combinatorial_generalization",
    "novel_object": "novel_object_generalization",
    "novel_task": "novel_task_generalization",
}


def level_of(suite: str) -> str:
    """The partition that a suite of ours is in VIMA-Bench; a suite that it does not have keeps its name."""
    return LEVELS.get(suite, suite)


@dataclass(frozen=True)
class ResultSettings:
    """The entry `global`: how the evaluation was started. A field that a file lacks has the original's default."""

    filename: str = ""  # the method
    model_path: str = ""
    output_path: str = ""
    prompt_mode: str = "hso"  # letters: h history, s one step per question, o/d/e/v who describes reference pictures
    prompt_id: int = RANDOM  # which user sentence; older files lack it
    seed: int = 200_000  # the first
    num_env: int = 20  # episodes per level and task
    max_length: int = 8  # actions after which an episode ends without success
    partition: str = ""  # the one level that was played; empty for all
    detector: str = ""
    detector_thre: float = 0.6
    recipe: str = ""  # who reads the answers, for files of runs of ours; LLaRA's do not say

    @property
    def one_step(self) -> bool:
        """Only the first action of an answer is taken before the model is asked again."""
        return "s" in self.prompt_mode

    @property
    def sentence(self) -> str:
        """What the user said: "random", the number of a sentence, or "none"."""
        return "random" if self.prompt_id < 0 else f"{self.prompt_id:02d}" if self.prompt_id < SENTENCES else "none"

    def file_name(self) -> str:
        """`[hso07]method.json`: mode and sentence, before them the level if there is only one."""
        sentence = {"random": "", "none": "_no"}.get(self.sentence, self.sentence)
        level = f"({self.partition})" if self.partition else ""
        return f"{level}[{self.prompt_mode}{sentence}]{self.filename}.json"

    def to_json(self) -> dict[str, JSON]:
        """As the entry `global`; what LLaRA's own files do not have is there only if it says something."""
        return {name: value for name, value in asdict(self).items() if name != "recipe" or value}


@dataclass(frozen=True)
class ResultEpisode:
    """One episode as it is on record."""

    level: str  # VIMA-Bench's partition
    task: str
    seed: int
    prompt: str  # the task with {slots} for reference pictures
    prompts: tuple[str, ...]  # what the model was asked, question by question
    answers: tuple[str, ...]  # what it answered, raw
    steps: int  # actions taken
    success: bool
    failure: bool  # the simulator said that success is out of reach

    @property
    def id(self) -> str:
        """`<level>/<task>/<seed>`, the key of its entry."""
        return f"{self.level}/{self.task}/{self.seed}"

    @property
    def outcome(self) -> Outcome:
        """Success, failure, or neither: out of steps."""
        return Outcome.SUCCESS if self.success else Outcome.FAILURE if self.failure else Outcome.TIMEOUT

    def to_json(self) -> dict[str, JSON]:
        """As an entry of a file."""
        return {
            "tid": self.id,
            "level": self.level,
            "task": self.task,
            "seed": self.seed,
            "prompt": self.prompt,
            "lm_prompt_hist": list(self.prompts),
            "lm_answer_hist": list(self.answers),
            "step": self.steps,
            "success": self.success,
            "failure": self.failure,
        }


@dataclass(frozen=True)
class Results:
    """A result file."""

    path: Path
    settings: ResultSettings
    episodes: tuple[ResultEpisode, ...]  # in the order of the file

    @property
    def records(self) -> list[EpisodeRecord]:
        """The episodes as those of a run, without what was said in them; the levels are the suites."""
        return [
            EpisodeRecord(one.id, one.level, one.task, one.seed, one.outcome, one.steps, one.prompt)
            for one in self.episodes
        ]

    @property
    def recipe(self) -> str:
        """Who reads the answers: the recipe that the file names, else the one that reads as LLaRA's evaluator does."""
        if self.settings.recipe:
            return self.settings.recipe
        answers = [answer for episode in self.episodes for answer in episode.answers]
        sentences = not answers or any(POSITION in answer for answer in answers)
        return SENTENCES_READ_BY if sentences else BINS_READ_BY

    @cached_property
    def summary(self) -> Summary:
        """Success per level and task with Wilson intervals."""
        return summarise(self.records)


def read_results(path: Path) -> Results:
    """The results in a file. Raises DataError that names the entry which is not as it should be."""
    try:
        value = read_json(path)
    except DataError as error:
        if not isinstance(error.__cause__, json.JSONDecodeError):
            raise
        # LLaRA writes the whole file anew after every episode, and not atomically.
        raise DataError(f"{error}; was its writer stopped in the middle?") from error
    if not isinstance(value, dict) or not isinstance(value.get(GLOBAL), dict):
        raise DataError(f"{path}: not a result file of LLaRA; it has no entry {GLOBAL!r} with the settings")
    settings = _settings(value[GLOBAL], f"{path}: entry {GLOBAL!r}")
    episodes = (_episode(key, entry, f"{path}: entry {key!r}") for key, entry in value.items() if key != GLOBAL)
    return Results(path, settings, tuple(episodes))


def _settings(entry: Mapping[str, JSON], where: str) -> ResultSettings:
    kinds = {item.name: type(item.default) for item in fields(ResultSettings)}
    return ResultSettings(**{name: _value(entry, name, kinds[name], where) for name in kinds if name in entry})


def _episode(key: str, entry: JSON, where: str) -> ResultEpisode:
    if not isinstance(entry, dict):
        raise DataError(f"{where} is no episode: {str(entry)[:80]!r}")
    episode = ResultEpisode(
        level=_value(entry, "level", str, where),
        task=_value(entry, "task", str, where),
        seed=_value(entry, "seed", int, where),
        prompt=_value(entry, "prompt", str, where),
        prompts=_texts(entry, "lm_prompt_hist", where),
        answers=_texts(entry, "lm_answer_hist", where),
        steps=_value(entry, "step", int, where),
        success=_value(entry, "success", bool, where),
        failure=_value(entry, "failure", bool, where),
    )
    if episode.id != key:
        raise DataError(f"{where} holds level, task and seed of {episode.id!r}")
    if len(episode.prompts) != len(episode.answers):
        raise DataError(f"{where}: {len(episode.prompts)} prompts and {len(episode.answers)} answers")
    return episode


def _value(entry: Mapping[str, JSON], name: str, kind: type, where: str) -> Any:
    if name not in entry:
        raise DataError(f"{where} has no field {name!r}")
    value = entry[name]
    if kind is float and type(value) is int:
        return float(value)
    # Not isinstance: to Python a truth is a whole number, to a reader of results it is not.
    if type(value) is not kind:
        raise DataError(f"{where}: {name} is {value!r}; expected {kind.__name__}")
    return value


def _texts(entry: Mapping[str, JSON], name: str, where: str) -> tuple[str, ...]:
    texts = _value(entry, name, list, where)
    for text in texts:
        if not isinstance(text, str):
            raise DataError(f"{where}: {name} holds {text!r}; expected texts only")
    return tuple(texts)


def compare_results(a: Results, b: Results, seed: int = 0) -> Comparison:
    """Pair two files episode by episode. Raises MismatchError if an id does not mean the same task in both."""
    prompts = {episode.id: episode.prompt for episode in a.episodes}
    for episode in b.episodes:
        if prompts.get(episode.id, episode.prompt) != episode.prompt:
            raise MismatchError(
                f"{a.path} and {b.path} cannot be paired: {episode.id} is {prompts[episode.id]!r} and "
                f"{episode.prompt!r}; were they played in different worlds?"
            )
    return compare(a.records, b.records, seed)


def write_results(folder: Path, settings: ResultSettings, episodes: Sequence[ResultEpisode]) -> Path:
    """Write a result file under its rightful name and return its path.

    Raises ConfigError if a file of that name holds something else.
    """
    entries = {GLOBAL: settings.to_json()} | {episode.id: episode.to_json() for episode in episodes}
    data = json.dumps(entries, indent=2).encode()  # the original's indent, order and escapes
    path = folder / settings.file_name()
    if path.exists() and path.read_bytes() != data:
        raise ConfigError(f"{path}: holds other results; choose another --out or --name, or remove the file")
    write_bytes(path, data)
    return path


@dataclass(frozen=True)
class ExportConfig:
    """The command line of `instar export results`."""

    run: Annotated[Path, Doc("folder of a run that `instar eval` wrote")]
    out: Annotated[Path, Doc("folder for the result file")]
    name: Annotated[str, Doc("the method's name in the file's name; empty for the name of the run's folder")] = ""
    mode: Annotated[str, Doc("LLaRA's letters for how the model was asked; empty for what the run says")] = ""
    prompt_id: Annotated[
        int | None,
        Doc("which user sentence was asked, -1 drawn anew each time, 15 or more none; left out for what the run says"),
    ] = None

    def __post_init__(self) -> None:
        if "/" in self.name:
            raise ConfigError(f"name {self.name!r} is a part of a file's name; it cannot have a /")
        if not set(self.mode) <= set(LETTERS):
            raise ConfigError(f"mode {self.mode!r}: LLaRA's letters are {', '.join(LETTERS)}")
        if self.prompt_id is not None and self.prompt_id < RANDOM:
            raise ConfigError(f"prompt_id is {self.prompt_id}; it must be a number of a sentence, or {RANDOM}")


@dataclass(frozen=True)
class ExportSummary:
    """What was exported, and what the layout has no place for."""

    path: Path
    episodes: int
    success: Mapping[str, SuccessRate] = field(default_factory=dict)  # by level
    crashed: int = 0  # left out: a crash says nothing about the policy
    unreadable: int = 0  # neither success nor failure in the file, like those that ran out of steps
    wordless: int = 0  # their policy does not speak, so that they have no answers to replay


def export(config: ExportConfig, _progress: Progress = silent) -> ExportSummary:
    """Write a run as a result file in LLaRA's layout. Raises DataError if the run has no episodes to show."""
    run = read_run(config.run)
    ended = [record for record in run.records if record.outcome is not Outcome.CRASHED]
    if not ended:
        raise DataError(f"{config.run}: no episode of this run was played to an end; there is nothing to export")
    crashed = len(run.records) - len(ended)
    if crashed:
        logger.warning("%s: %d crashed episodes are left out; retry them with --retry-crashed", config.run, crashed)
    episodes = [exported(record) for record in ended]
    path = write_results(config.out, _settings_of(config, run, episodes), episodes)
    return ExportSummary(
        path,
        len(episodes),
        Results(path, ResultSettings(), tuple(episodes)).summary.suites,
        crashed,
        sum(record.outcome is Outcome.UNREADABLE for record in ended),
        sum(not episode.answers for episode in episodes),
    )


def exported(record: EpisodeRecord) -> ResultEpisode:
    """An episode of ours as LLaRA would have it on record; the failure flag is the simulator's own word."""
    # The later actions of one answer have no words of their own.
    asked = [step for step in record.trace if step.question or step.reply]
    return ResultEpisode(
        level=level_of(record.suite),
        task=record.task,
        seed=record.seed,
        prompt=record.instruction,
        prompts=tuple(step.question for step in asked),
        answers=tuple(step.reply for step in asked),
        steps=record.steps,
        success=record.outcome is Outcome.SUCCESS,
        failure=record.outcome is Outcome.FAILURE,
    )


def _settings_of(config: ExportConfig, run: Run, episodes: Sequence[ResultEpisode]) -> ResultSettings:
    levels = sorted({episode.level for episode in episodes})
    detector = run.settings.get("references")
    seen = detector if isinstance(detector, Mapping) else {}
    return ResultSettings(
        filename=config.name or run.name,
        model_path=str(run.settings["policy"]["name"]),
        prompt_mode=config.mode or _mode(run.settings),
        prompt_id=_sentence(run.settings) if config.prompt_id is None else config.prompt_id,
        seed=min(episode.seed for episode in episodes),
        num_env=max(Counter((episode.level, episode.task) for episode in episodes).values()),
        max_length=run.settings["benchmark"]["options"].get("max_steps", max(one.steps for one in episodes)),
        partition=levels[0] if len(levels) == 1 else "",
        detector=str(seen.get("detector", "")),
        detector_thre=float(seen.get("threshold", ResultSettings.detector_thre)),
        recipe=run.recipe,
    )


def _mode(settings: Mapping[str, Any]) -> str:
    """LLaRA's letters for how a run's policy was asked; what a run does not say is as in LLaRA's evaluation."""
    prompt = settings.get("prompt", {})
    history = "h" if prompt.get("past", 1) else ""
    step = "s" if settings["replan"] == 1 else ""
    references = settings.get("references", "truth")
    who = "e" if isinstance(references, Mapping) else {"truth": "o", "model": "d"}.get(references, "")
    return history + step + who + ("v" if prompt.get("visual") else "")


def _sentence(settings: Mapping[str, Any]) -> int:
    sentence = settings.get("prompt", {}).get("sentence", "none")
    return sentence if isinstance(sentence, int) else {"none": UNSAID, "random": RANDOM}.get(sentence, UNSAID)
