"""A samples folder: what made it, what is in it, and one conversation of every kind."""

from collections.abc import Iterator
from pathlib import Path

from instar.errors import InstarError
from instar.files import MANIFEST
from instar.inspecting.demos import robot_facts
from instar.inspecting.description import LISTED, Description, Table, Value, counted, example, size
from instar.mixture import NAMED, Mixture, draw
from instar.robot import Robot
from instar.samples import ActionStatistics, Samples


def samples_folder(folder: Path) -> Description:
    """Samples, whole or still being built."""
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
        *(() if manifest.robot is None else robot_facts(manifest.robot)),
        ("episodes", manifest.episodes),
        ("episodes left out", len(manifest.left_out)),
        ("views", manifest.views),
        ("conversations", sum(manifest.counts.values())),
        ("actions", 0 if manifest.statistics is None else manifest.statistics.count),
        ("shards", len(manifest.shards)),
        ("bytes", size(folder)),
        ("digest", manifest.digest),
    ]
    tables = [counted("conversations", "kind", manifest.counts)]
    if manifest.robot is not None and manifest.statistics is not None:
        tables.append(_statistics(manifest.robot, manifest.statistics))
    if mixtures := tuple(_mixtures(samples)):
        tables.append(Table("mixtures", ("mixture", "samples", "short of"), mixtures))
    if manifest.notes:
        tables.append(Table("notes", ("note",), tuple((note,) for note in manifest.notes)))
    if manifest.left_out:
        rows = tuple((left.id, left.reason) for left in manifest.left_out[:LISTED])
        tables.append(Table("left out", ("episode", "reason"), rows))
    examples = tuple(example(kind, sample.id, sample.conversation.turns) for kind, sample in samples.examples().items())
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


def _statistics(robot: Robot, found: ActionStatistics) -> Table:
    head = ("dimension", "unit", "low", "q01", "median", "mean", "q99", "high", "std")
    columns = (found.low, found.q01, found.q50, found.mean, found.q99, found.high, found.std)
    rows = zip(robot.actions.names, robot.actions.units, *columns, strict=True)
    return Table("demonstrated actions", head, tuple(tuple(row) for row in rows))
