"""What lies in a folder of ours, or in demonstrations, in a few facts, tables and examples."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import tyro
from typing_extensions import Doc

from instar import plugins
from instar.chat import Conversation
from instar.demo import DemoSource, Episode
from instar.errors import DataError, InstarError
from instar.files import MANIFEST, read_json, read_jsonl
from instar.metrics import SuccessRate
from instar.mixture import NAMED, Mixture, draw
from instar.plugins import Choice
from instar.progress import Progress, silent
from instar.reporting.entries import told
from instar.results import Results, read_results
from instar.robot import ActionSpace, Robot
from instar.run import RUN, Run, read_run
from instar.samples import PLAN, ActionStatistics, Samples

Kind = Literal["samples", "checkpoint", "run", "demos", "results", "detector"]
Value = str | int | float | bool | None

CARD: Final = "card.json"  # of a checkpoint
STATE: Final = ".state"  # of a training that is not finished
METRICS: Final = "metrics.jsonl"
COLLECTED: Final = "vima"  # the format that `instar collect` writes
LISTED: Final = 20  # rows of a table that may be long


@dataclass(frozen=True)
class InspectConfig:
    """The command line of `instar inspect`."""

    what: Annotated[
        tyro.conf.Positional[str],
        Doc("folder of samples, a checkpoint, a detector or a run; a result file; or demonstrations: vima:data.zip"),
    ]


@dataclass(frozen=True)
class Table:
    """Rows under headings."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    def to_json(self) -> list[dict[str, Value]]:
        """Every row by its headings."""
        return [dict(zip(map(_snake, self.head), row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Line:
    """One utterance of an example."""

    role: str
    text: str
    learn: bool  # whether it is learned from


@dataclass(frozen=True)
class Example:
    """A conversation for people to read."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Description:
    """What there is to know at a glance."""

    kind: Kind
    name: str
    whole: bool  # False: it is still being made, or was interrupted
    facts: tuple[tuple[str, Value], ...]
    tables: tuple[Table, ...] = ()
    examples: tuple[Example, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it: facts by name, every row of a table by its headings; names in snake_case."""
        return {
            "kind": self.kind,
            "name": self.name,
            "whole": self.whole,
            "facts": {_snake(name): value for name, value in self.facts},
            "tables": {_snake(table.title): table.to_json() for table in self.tables},
            "examples": [asdict(example) for example in self.examples],
        }


def inspect(config: InspectConfig, _progress: Progress = silent) -> Description:
    """Describe whatever `config.what` names. Raises DataError or PluginError where it is nothing of ours."""
    folder = Path(config.what)
    if folder.suffix == ".json" and folder.is_file():
        return _results(read_results(folder))
    if not folder.is_dir():
        return _demos(config.what)
    for holds, describe in _FOLDERS:
        if holds(folder):
            return describe(folder)
    formats = ", ".join(f"{name}:{config.what}" for name in plugins.names("demos"))
    raise DataError(
        f"{folder}: no samples, checkpoint or run of instar; for demonstrations say their format: {formats}"
    )


def _snake(name: str) -> str:
    return name.replace(" ", "_")


def size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _samples(folder: Path) -> Description:
    if not (folder / MANIFEST).is_file():
        return _unbuilt(folder)
    samples = Samples.open(folder)
    manifest = samples.manifest
    facts: list[tuple[str, Value]] = [
        ("built by", f"instar {manifest.instar}"),
        ("demonstrations", str(manifest.demos)),
        ("recipe", None if manifest.recipe is None else str(manifest.recipe)),
        ("auxiliary tasks", ", ".join(str(choice) for choice in manifest.auxiliary) or None),
        ("seed", manifest.seed),
        *(() if manifest.robot is None else _robot_facts(manifest.robot)),
        ("episodes", manifest.episodes),
        ("episodes left out", len(manifest.left_out)),
        ("views", manifest.views),
        ("conversations", sum(manifest.counts.values())),
        ("actions", 0 if manifest.statistics is None else manifest.statistics.count),
        ("shards", len(manifest.shards)),
        ("bytes", size(folder)),
        ("digest", manifest.digest),
    ]
    tables = [_counted("conversations", "kind", manifest.counts)]
    if manifest.robot is not None and manifest.statistics is not None:
        tables.append(_statistics(manifest.robot, manifest.statistics))
    if mixtures := tuple(_mixtures(samples)):
        tables.append(Table("mixtures", ("mixture", "samples", "short of"), mixtures))
    if manifest.notes:
        tables.append(Table("notes", ("note",), tuple((note,) for note in manifest.notes)))
    if manifest.left_out:
        rows = tuple((left.id, left.reason) for left in manifest.left_out[:LISTED])
        tables.append(Table("left out", ("episode", "reason"), rows))
    examples = tuple(_example(kind, sample.id, sample.conversation) for kind, sample in samples.examples().items())
    return Description(
        "samples", folder.resolve().name, whole=True, facts=tuple(facts), tables=tuple(tables), examples=examples
    )


def _mixtures(samples: Samples) -> Iterator[tuple[Value, ...]]:
    """The named mixtures whose kinds are all there: how many samples they have, and what there is too little of."""
    for name in NAMED:
        try:
            found = draw(Mixture.parse(name), [samples], seed=0)
        except InstarError:
            continue
        short = [part.share.name for part in found.parts if len(part.numbers) < part.wanted]
        yield name, len(found), ", ".join(short) or None


def _unbuilt(folder: Path) -> Description:
    facts: list[tuple[str, Value]] = [
        ("state", "the build has not finished; run the same build again to go on"),
        ("shards so far", len(list(folder.glob("*.parquet")))),
        ("bytes", size(folder)),
    ]
    return Description("samples", folder.resolve().name, whole=False, facts=tuple(facts))


def _counted(title: str, heading: str, counts: Mapping[str, int]) -> Table:
    total = sum(counts.values())
    rows = tuple((name, count, round(count / total, 4)) for name, count in sorted(counts.items()))
    return Table(title, (heading, "count", "share"), rows)


def _statistics(robot: Robot, found: ActionStatistics) -> Table:
    head = ("dimension", "unit", "low", "q01", "median", "mean", "q99", "high", "std")
    columns = (found.low, found.q01, found.q50, found.mean, found.q99, found.high, found.std)
    rows = zip(robot.actions.names, robot.actions.units, *columns, strict=True)
    return Table("demonstrated actions", head, tuple(tuple(row) for row in rows))


def _robot_facts(robot: Robot) -> Iterator[tuple[str, Value]]:
    yield "robot", robot.name
    yield "control", robot.control
    yield "action", _space(robot.actions)
    yield "cameras", ", ".join(f"{camera.name} {camera.width} x {camera.height}" for camera in robot.cameras) or None
    yield "state", ", ".join(robot.state) or None


def _space(space: ActionSpace) -> str:
    named = ", ".join(f"{name} [{unit}]" for name, unit in zip(space.names, space.units, strict=True))
    return f"{space.mode} in {space.frame}: {named}"


def _example(kind: str, title: str, conversation: Conversation) -> Example:
    lines = tuple(Line(turn.role, turn.text, turn.learn) for turn in conversation.turns)
    return Example(f"{kind}: {title}", lines)


def _checkpoint(folder: Path) -> Description:
    whole = (folder / CARD).is_file()
    card = read_json(folder / CARD) if whole else {}
    if not isinstance(card, dict):
        raise DataError(f"{folder / CARD}: not the card of a checkpoint")
    facts: list[tuple[str, Value]] = [] if whole else [("state", "training has not finished; run it again to go on")]
    facts += _card_facts(card)
    logged = _logged(folder)
    facts += [(f"last {name}", value) for name, (_, value) in logged.items()]
    facts += [("last step logged", max(step for step, _ in logged.values()))] if logged else []
    facts.append(("bytes", size(folder)))
    tables = tuple(_settings(title, card[title]) for title in ("training", "versions") if _is_filled(card.get(title)))
    return Description("checkpoint", str(card.get("name") or folder.resolve().name), whole, tuple(facts), tables)


def _detector(folder: Path) -> Description:
    manifest = read_json(folder / MANIFEST)
    facts: list[tuple[str, Value]] = [("camera", manifest["camera"]), ("demos", _told(manifest["run"]["demos"]))]
    facts += [(name.replace("_", " "), value) for name, value in manifest["facts"].items()]
    facts.append(("bytes", size(folder)))
    tables = (_settings("training", manifest["run"]["config"]), _settings("versions", manifest["versions"]))
    return Description("detector", folder.resolve().name, whole=True, facts=tuple(facts), tables=tables)


def _card_facts(card: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    """The lines of a card that people ask for; read without torch, and without a card's later additions."""
    for name in ("recipe", "backbone", "base", "robot", "steps", "adapter", "samples", "format"):
        if name in card:
            yield name, _told(card[name])


def _told(value: Any) -> Value:
    """A value of a card in one line."""
    if isinstance(value, Mapping):
        if set(value) == {"name", "options"}:
            return str(Choice.from_json(value))
        return str(value.get("name") or value.get("model") or dict(value))
    if isinstance(value, list):
        return ", ".join(str(_told(item)) for item in value) or None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _is_filled(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value)


def _settings(title: str, values: Mapping[str, Any]) -> Table:
    return Table(title, ("name", "value"), tuple((name, _told(value)) for name, value in sorted(values.items())))


def _logged(folder: Path) -> dict[str, tuple[int, float]]:
    """The last step and value of every metric that training logged."""
    last: dict[str, tuple[int, float]] = {}
    for row in read_jsonl(folder / METRICS):
        try:
            last[str(row["name"])] = (int(row["step"]), float(row["value"]))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{folder / METRICS}: a row without step, name and value: {str(row)[:100]}") from error
    return last


def _run(run: Run) -> Description:
    overall = run.summary.overall
    settings = run.settings
    planned = settings.get("episodes")
    count = planned.get("count") if isinstance(planned, Mapping) else None
    facts: list[tuple[str, Value]] = [
        ("policy", _told(settings.get("policy"))),
        ("benchmark", _told(settings.get("benchmark"))),
        ("simulator", _told(settings.get("simulator"))),
        *((name, told(settings[name])) for name in ("references", "naming", "prompt") if name in settings),
        ("episodes played", len(run.records)),
        ("episodes planned", count if isinstance(count, int) else None),
        ("successes", overall.successes),
        ("success", overall.rate),
        ("success low", overall.interval.low),
        ("success high", overall.interval.high),
        ("crashed", overall.crashed),
        ("bytes", size(run.folder)),
    ]
    tables = (_rates("success by task", run.summary.tasks), _counted_outcomes(run))
    return Description("run", run.name, run.whole, tuple(facts), tables)


def _results(results: Results) -> Description:
    """A result file in LLaRA's layout; its levels are VIMA-Bench's partitions."""
    summary, settings = results.summary, results.settings
    facts: list[tuple[str, Value]] = [
        ("method", settings.filename or None),
        ("prompt mode", settings.prompt_mode),
        ("sentence", settings.sentence),
        ("episodes", summary.overall.n),
        ("most steps", settings.max_length),
        ("answers", sum(len(episode.answers) for episode in results.episodes)),
        ("successes", summary.overall.successes),
        ("failures", summary.outcomes["failure"]),
        ("out of steps", summary.outcomes["timeout"]),
        ("success", summary.overall.rate),
    ]
    tables = (_rates("success by level", summary.suites), _rates("success by task", summary.tasks))
    return Description("results", results.path.name, whole=True, facts=tuple(facts), tables=tables)


def _rates(title: str, rates: Mapping[str, SuccessRate]) -> Table:
    head = ("task", "successes", "episodes", "success", "low", "high")
    rows = tuple(
        (name, rate.successes, rate.n, rate.rate, rate.interval.low, rate.interval.high) for name, rate in rates.items()
    )
    return Table(title, head, rows)


def _counted_outcomes(run: Run) -> Table:
    return Table("outcomes", ("outcome", "episodes"), tuple(run.summary.outcomes.items()))


def _collected(folder: Path) -> Description:
    """Demonstrations that `instar collect` wrote, and from what."""
    found = _demos(f"{COLLECTED}:{folder}")
    source = _told(read_json(folder / PLAN).get("demos"))
    whole = (folder / MANIFEST).is_file()
    return replace(found, name=folder.resolve().name, whole=whole, facts=(("collected from", source), *found.facts))


def _demos(text: str) -> Description:
    choice = Choice.parse(text)
    if choice.name not in plugins.names("demos") and _looks_like_path(text):
        formats = ", ".join(f"{name}:{text}" for name in plugins.names("demos"))
        raise DataError(f"{text}: no such folder; for demonstrations say their format: {formats}")
    source: DemoSource = plugins.make("demos", choice)
    ids = source.ids()
    facts: list[tuple[str, Value]] = [("demonstrations", text), ("episodes", len(ids))]
    if not ids:
        return Description("demos", text, whole=True, facts=tuple(facts))
    groups = Counter(id.rpartition("/")[0] or "(all)" for id in ids)
    episode = source.episode(ids[0])
    facts += [*_robot_facts(episode.robot), *_episode_facts(episode)]
    tables = (_counted("episodes", "group", groups), _actions(episode))
    return Description("demos", text, whole=True, facts=tuple(facts), tables=tables)


def _looks_like_path(text: str) -> bool:
    return Path(text).exists() or any(mark in text.partition(":")[0] for mark in "/\\.")


def _episode_facts(episode: Episode) -> Iterator[tuple[str, Value]]:
    yield "first episode", episode.id
    yield "its instruction", episode.instruction.text
    yield "its references", ", ".join(episode.instruction.references) or None
    yield "its actions", episode.length
    yield "its success", episode.success
    if len(episode.steps):
        yield "its objects", _listed(thing.name for thing in episode.steps[0].observation.objects)


def _listed(names: Iterable[str]) -> str | None:
    return ", ".join(names) or None


def _actions(episode: Episode) -> Table:
    """The actions of an episode, the first so many."""
    count = min(episode.length, LISTED)
    rows: Sequence[tuple[Value, ...]] = [(t, *episode.action(t).tolist()) for t in range(count)]
    return Table("actions of the first episode", ("step", *episode.robot.actions.names), tuple(rows))


def _said(path: Path) -> Mapping[str, Any]:
    """The entries of a JSON file; none where there is no such file."""
    value = read_json(path) if path.is_file() else {}
    return value if isinstance(value, dict) else {}


# What a folder is, told by its files; the first that fits.
_FOLDERS: Final[Sequence[tuple[Callable[[Path], bool], Callable[[Path], Description]]]] = (
    (lambda folder: (folder / CARD).is_file() or (folder / STATE).is_dir(), _checkpoint),
    (lambda folder: (folder / RUN).is_file(), lambda folder: _run(read_run(folder))),
    (lambda folder: _said(folder / MANIFEST).get("kind") == "detector", _detector),
    (lambda folder: "layout" in _said(folder / PLAN), _collected),
    (lambda folder: (folder / PLAN).is_file() or (folder / MANIFEST).is_file(), _samples),
)
