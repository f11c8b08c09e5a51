"""A samples folder: what made it, what is in it, and one conversation of every kind."""

from collections.abc import Iterator
from pathlib import Path

from instar.blend import is_blend, portions, read_blend
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


def several_sources(folder: Path) -> Description:
    """Samples of several sources: their shares, and a conversation of every kind of each."""
    name = folder.resolve().name
    if not is_blend(folder):
        state = ("state", "not every source is built; run the same build again to go on")
        return Description("blend", name, whole=False, facts=(state, ("bytes", size(folder))))
    blend = read_blend(folder)
    of = [portion.samples for portion in portions(folder)]
    facts: tuple[tuple[str, Value], ...] = (
        ("recipe", str(of[0].recipe_choice)),
        ("balance", blend.rule),
        ("episodes", sum(samples.manifest.episodes for samples in of)),
        ("episodes left out", sum(len(samples.manifest.left_out) for samples in of)),
        ("conversations", sum(sum(samples.manifest.counts.values()) for samples in of)),
        ("bytes", size(folder)),
        ("digest", blend.digest),
    )
    rows = [
        (part.name, str(part.demos), _acting(samples), samples.manifest.episodes, part.actions, part.weight, share)
        for part, samples, share in zip(blend.parts, of, blend.shares, strict=True)
    ]
    head = ("source", "demonstrations", "robot", "episodes", "actions", "weight", "share of an epoch")
    examples = tuple(
        example(f"{part.name}: {kind}", sample.id, sample.conversation.turns)
        for part, samples in zip(blend.parts, of, strict=True)
        for kind, sample in samples.examples().items()
    )
    tables = (Table("sources", head, tuple(rows)),)
    return Description("blend", name, whole=True, facts=facts, tables=tables, examples=examples)


def _acting(samples: Samples) -> str | None:
    return None if samples.robot is None else f"{samples.robot.name}, {samples.robot.control}"


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
