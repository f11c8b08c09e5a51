"""Seeing what actions do: which action leads to a scene, and which scene follows an action. After LLaRA (ICLR 2025)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from instar import markup
from instar.auxiliary.exchange import WORDING_HASH, CameraOption, CompatOption, WordingOption, exchange
from instar.chat import Conversation
from instar.compat import Numbers
from instar.demo import Episode, View
from instar.robot import Camera
from instar.wording import drawn, fill, wording


@dataclass(frozen=True)
class ActionPrediction:
    """act_pred: name the action that leads from the picture to a scene given as boxes; one for every action."""

    camera: CameraOption = "front"
    wording: WordingOption = ""
    compat: CompatOption = False
    wording_hash = WORDING_HASH

    def conversations(self, episode: Episode, view: View, rng: np.random.Generator) -> Iterator[Conversation]:
        """One, or none after the last action and for a reference picture."""
        camera = episode.robot.camera(self.camera)
        if view.t is None or not _followed(episode, view.t, camera):
            return
        pack = wording(self.wording)
        after = markup.scene(episode.steps[view.t + 1].observation.objects, camera)
        question = fill(drawn(pack.act_pred, rng), {"scene": after})
        form = pack.format[_tool(episode, view.t)]
        answer = _sentence(episode, view.t, camera, Numbers(self.compat))
        yield exchange(view, camera, f"{question}\n{form}", answer)


@dataclass(frozen=True)
class FuturePrediction:
    """fut_pred: give the boxes of the scene that follows an action; one for every action."""

    camera: CameraOption = "front"
    wording: WordingOption = ""
    compat: CompatOption = False
    wording_hash = WORDING_HASH

    def conversations(self, episode: Episode, view: View, rng: np.random.Generator) -> Iterator[Conversation]:
        """One, or none after the last action and for a reference picture."""
        camera = episode.robot.camera(self.camera)
        if view.t is None or not _followed(episode, view.t, camera):
            return
        sentence = _sentence(episode, view.t, camera, Numbers(self.compat)).removesuffix(".")
        action = sentence[0].lower() + sentence[1:]
        question = fill(drawn(wording(self.wording).fut_pred, rng), {"action": action})
        yield exchange(view, camera, question, markup.scene(episode.steps[view.t + 1].observation.objects, camera))


def _followed(episode: Episode, t: int, camera: Camera) -> bool:
    """Whether there is an action at `t` and something to see after it."""
    markup.require_planar(episode.robot)
    if t >= episode.length or t + 1 >= len(episode.steps):
        return False
    return bool(markup.sight(episode.steps[t + 1].observation.objects, camera).things)


def _tool(episode: Episode, t: int) -> markup.Tool:
    return markup.tool(episode.robot, episode.steps[t].observation.state)


def _sentence(episode: Episode, t: int, camera: Camera, numbers: Numbers) -> str:
    """Action `t` in words, as in the recipe's answers but without its number."""
    values = {"object": numbers.moved(episode, t, camera), **numbers.values(episode.action(t), camera)}
    return markup.MOVES[_tool(episode, t)].format(values)
