"""An episode as rows: all that the recipe and the auxiliary tasks say about it, grouped by the images it is about."""

import functools
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from json.encoder import encode_basestring_ascii as _quoted

import numpy as np

from instar.building.pictures import shows
from instar.chat import AuxiliaryTask, Recipe, Sample
from instar.demo import DemoSource, Episode, Image, View
from instar.errors import DataError
from instar.paraphrase import paraphrased
from instar.robot import Floats
from instar.shards import Row


@dataclass(frozen=True)
class Tools:
    """The plugins of a build."""

    source: DemoSource
    kind: str  # the recipe's name: what its samples are counted as
    recipe: Recipe
    auxiliary: Mapping[str, AuxiliaryTask]  # by name, which is the kind of their samples
    reworded: float = 0.0  # share of episodes whose instruction is told in other words


@dataclass(eq=False)
class _Group:
    """What is said about the same images."""

    view: str  # the one that it begins with
    images: tuple[Image, ...]
    samples: list[Sample] = field(default_factory=list)
    actions: list[Floats] = field(default_factory=list)


class _Groups:
    """All groups of an episode, in the order in which they begin."""

    def __init__(self) -> None:
        self._equal: dict[tuple[str, ...], _Group] = {}  # by what the images hold
        self._same: dict[tuple[Image, ...], _Group] = {}  # by the images themselves, which asks for no digest

    def of(self, images: tuple[Image, ...], view: str) -> _Group:
        """The group about `images`; a new one begins with `view`."""
        group = self._same.get(images)
        if group is None:
            digests = tuple(image.digest for image in images)
            group = self._same[images] = self._equal.setdefault(digests, _Group(view, images))
        return group

    def __iter__(self) -> Iterator[_Group]:
        return iter(self._equal.values())


def rows_of(episode: Episode, tools: Tools, seed: int) -> list[Row]:
    """Every sample of `episode`, those about the same images in one row.

    Random choices depend on the seed, the episode's id, the view and the kind of sample only. Raises DataError if the
    episode has no actions, one that is not finite, or a picture that cannot be opened.
    """
    if episode.length == 0:
        raise DataError("the episode has no actions")
    if tools.reworded:
        episode = _reworded(episode, tools.reworded, _rng(seed, episode.id, "", "words"))
    groups = _Groups()
    felt = _felt(episode, getattr(tools.recipe, "noise", 0.0), _rng(seed, episode.id, "", "noise"))
    for t in range(episode.length):
        _act(episode, felt, t, tools, groups)
    for view in episode.views():
        _see(episode, view, tools, seed, groups)
    return _named(episode, groups)


def _reworded(episode: Episode, share: float, rng: np.random.Generator) -> Episode:
    """`episode`, with the chance of `share` told in words that no policy is judged by."""
    if rng.random() >= share:
        return episode
    told = episode.instruction
    return replace(episode, instruction=replace(told, text=paraphrased(told.text, rng, taught=True)))


def _felt(episode: Episode, noise: float, rng: np.random.Generator) -> Episode:
    """`episode` with normal noise on its states, the same wherever a step is mentioned: questions are asked of it."""
    if not noise:
        return episode
    steps = []
    for step in episode.steps:
        state = step.observation.state
        noisy = state + rng.normal(0.0, noise, state.shape)
        steps.append(replace(step, observation=replace(step.observation, state=noisy)))
    return replace(episode, steps=steps)


def _act(episode: Episode, felt: Episode, t: int, tools: Tools, groups: _Groups) -> None:
    """Add what the recipe says of step `t`; it asks about the episode as it was `felt`."""
    action = _finite(episode, t)
    said = tools.recipe.ask(felt.context(t, tools.recipe.past)).answered(tools.recipe.answer(episode, t))
    view = View(str(t), episode.steps[t].observation.images, (), t)
    group = groups.of(said.images, view.key)
    name = f"{episode.id}/{t}/{tools.kind}"
    group.samples.append(Sample(name, tools.kind, said, shows=shows(said.images, view, episode)))
    group.actions.append(action)


def _finite(episode: Episode, t: int) -> Floats:
    action = np.asarray(episode.action(t), dtype=np.float64)
    if action.shape != (episode.robot.actions.dim,) or not np.isfinite(action).all():
        raise DataError(f"action {t} is {action.tolist()}; expected {episode.robot.actions.dim} finite numbers")
    return action


def _see(episode: Episode, view: View, tools: Tools, seed: int, groups: _Groups) -> None:
    """Add what the auxiliary tasks say of `view`."""
    place = functools.cache(lambda images: (groups.of(images, view.key), shows(images, view, episode)))
    for kind, task in tools.auxiliary.items():
        said = list(task.conversations(episode, view, _rng(seed, episode.id, view.key, kind)))
        name = f"{episode.id}/{view.key}/{kind}"
        for n, conversation in enumerate(said):
            own = f"{name}/{n}" if len(said) > 1 else name
            group, shown = place(conversation.images)
            group.samples.append(Sample(own, kind, conversation, shows=shown))


def _rng(seed: int, episode: str, view: str, kind: str) -> np.random.Generator:
    """Chance that is the same in every process, which `hash` would not give."""
    key = f"[{seed}, {_quoted(episode)}, {_quoted(view)}, {_quoted(kind)}]".encode()  # a list in JSON
    entropy = hashlib.blake2b(key, digest_size=16).digest()[::-1]
    # As `default_rng` of the number that those bytes spell, and sooner there.
    return np.random.Generator(np.random.PCG64(np.frombuffer(entropy, "<u4")))


def _named(episode: Episode, groups: Iterable[_Group]) -> list[Row]:
    """Rows called after the view they begin with; a second one of the same view, about other images, is numbered."""
    seen: Counter[str] = Counter()
    rows = []
    for group in groups:
        seen[group.view] += 1
        times = seen[group.view]
        name = f"{episode.id}/{group.view}" + (f"+{times}" if times > 1 else "")
        rows.append(_row(name, group, episode.robot.actions.dim))
    return rows


def _row(name: str, group: _Group, dim: int) -> Row:
    for image in group.images:
        image.require_whole()  # a damaged picture is found now, not in the middle of training
    actions = np.array(group.actions, dtype=np.float64).reshape(len(group.actions), dim)
    return Row(name, group.images, tuple(group.samples), actions)
