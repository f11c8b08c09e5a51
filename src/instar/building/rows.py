"""An episode as rows: all that the recipe and the auxiliary tasks say about it, grouped by the images it is about."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from instar.building.pictures import shows
from instar.chat import AuxiliaryTask, Conversation, Recipe, Sample
from instar.demo import DemoSource, Episode, Image, View
from instar.errors import DataError
from instar.robot import Floats
from instar.shards import Row


@dataclass(frozen=True)
class Tools:
    """The plugins of a build."""

    source: DemoSource
    kind: str  # the recipe's name: what its samples are counted as
    recipe: Recipe
    auxiliary: Mapping[str, AuxiliaryTask]  # by name, which is the kind of their samples


@dataclass(frozen=True, eq=False)
class _Remark:
    """One sample with where it belongs."""

    view: str
    sample: Sample
    actions: tuple[Floats, ...] = ()


@dataclass
class _Group:
    images: tuple[Image, ...]
    remarks: list[_Remark] = field(default_factory=list)


def rows_of(episode: Episode, tools: Tools, seed: int) -> list[Row]:
    """Every sample of `episode`, those about the same images in one row.

    Random choices depend on the seed, the episode's id, the view and the kind of sample only. Raises DataError if the
    episode has no actions, one that is not finite, or a picture that cannot be opened.
    """
    if episode.length == 0:
        raise DataError("the episode has no actions")
    groups: dict[tuple[str, ...], _Group] = {}
    for remark in (*_acting(episode, tools), *_seeing(episode, tools, seed)):
        images = remark.sample.conversation.images
        groups.setdefault(tuple(image.digest for image in images), _Group(images)).remarks.append(remark)
    return _named(episode, list(groups.values()))


def _acting(episode: Episode, tools: Tools) -> Iterator[_Remark]:
    recipe = tools.recipe
    for t in range(episode.length):
        action = _finite(episode, t)
        said = recipe.ask(episode.context(t, recipe.past)).answered(recipe.answer(episode, t))
        view = View(str(t), episode.steps[t].observation.images, (), t)
        yield _Remark(str(t), _sample(f"{episode.id}/{t}/{tools.kind}", tools.kind, said, view, episode), (action,))


def _sample(name: str, kind: str, said: Conversation, view: View, episode: Episode) -> Sample:
    return Sample(name, kind, said, shows=shows(said.images, view, episode))


def _finite(episode: Episode, t: int) -> Floats:
    action = np.asarray(episode.action(t), dtype=np.float64)
    if action.shape != (episode.robot.actions.dim,) or not np.isfinite(action).all():
        raise DataError(f"action {t} is {action.tolist()}; expected {episode.robot.actions.dim} finite numbers")
    return action


def _seeing(episode: Episode, tools: Tools, seed: int) -> Iterator[_Remark]:
    for view in episode.views():
        for kind, task in tools.auxiliary.items():
            rng = np.random.default_rng(_entropy(seed, episode.id, view.key, kind))
            said = list(task.conversations(episode, view, rng))
            for n, conversation in enumerate(said):
                name = f"{episode.id}/{view.key}/{kind}" + (f"/{n}" if len(said) > 1 else "")
                yield _Remark(view.key, _sample(name, kind, conversation, view, episode))


def _entropy(seed: int, episode: str, view: str, kind: str) -> int:
    """A number that is the same in every process, unlike `hash`."""
    key = json.dumps([seed, episode, view, kind]).encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=16).digest())


def _named(episode: Episode, groups: list[_Group]) -> list[Row]:
    """Rows called after the view they begin with; a second one of the same view, about other images, is numbered."""
    seen: dict[str, int] = {}
    rows = []
    for group in groups:
        view = group.remarks[0].view
        seen[view] = seen.get(view, 0) + 1
        name = f"{episode.id}/{view}" + (f"+{seen[view]}" if seen[view] > 1 else "")
        rows.append(_row(name, group, episode.robot.actions.dim))
    return rows


def _row(name: str, group: _Group, dim: int) -> Row:
    for image in group.images:
        _ = image.pixels  # a damaged picture is found now, not in the middle of training
    actions = [action for remark in group.remarks for action in remark.actions]
    samples = tuple(remark.sample for remark in group.remarks)
    return Row(name, group.images, samples, np.array(actions, dtype=np.float64).reshape(len(actions), dim))
