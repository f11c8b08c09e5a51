"""Demonstrations of any format, and what `instar collect` wrote."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from instar import plugins
from instar.demo import DemoSource, Episode
from instar.errors import DataError
from instar.files import MANIFEST, read_json
from instar.inspecting.description import LISTED, Description, Table, Value, counted, in_words
from instar.plugins import Choice
from instar.robot import ActionSpace, Robot
from instar.samples import PLAN

COLLECTED: Final = "vima"  # the format that `instar collect` writes


def collected(folder: Path) -> Description:
    """Demonstrations that `instar collect` or `instar export` wrote, and from what."""
    plan = read_json(folder / PLAN)
    exported = plan["layout"] in plugins.names("demos")
    found = demos_of(f"{plan['layout'] if exported else COLLECTED}:{folder}")
    source = ("exported from" if exported else "collected from", in_words(plan.get("demos")))
    whole = (folder / MANIFEST).is_file()
    return replace(found, name=folder.resolve().name, whole=whole, facts=(source, *found.facts))


def demos_of(text: str) -> Description:
    """Demonstrations as they are chosen, `format:place`. Raises DataError or PluginError where that is nothing."""
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
    facts += [*robot_facts(episode.robot), *_episode_facts(episode)]
    tables = (counted("episodes", "group", groups), _actions(episode))
    return Description("demos", text, whole=True, facts=tuple(facts), tables=tables)


def _looks_like_path(text: str) -> bool:
    return Path(text).exists() or any(mark in text.partition(":")[0] for mark in "/\\.")


def robot_facts(robot: Robot) -> Iterator[tuple[str, Value]]:
    """What acts, how, and what it sees."""
    yield "robot", robot.name
    yield "control", robot.control
    yield "action", _space(robot.actions)
    yield "cameras", ", ".join(f"{camera.name} {camera.width} x {camera.height}" for camera in robot.cameras) or None
    yield "state", ", ".join(robot.state) or None


def _space(space: ActionSpace) -> str:
    named = ", ".join(f"{name} [{unit}]" for name, unit in zip(space.names, space.units, strict=True))
    return f"{space.mode} in {space.frame}: {named}"


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
