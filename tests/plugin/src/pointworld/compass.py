"""A recipe that speaks of directions: how far east, how far north."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from typing_extensions import Doc

from instar.chat import IMAGE, Conversation, Turn
from instar.demo import Context, Episode
from instar.grammar import Fixed, Grammar, Space
from instar.robot import Floats, Robot

WAY = Grammar("east ", Fixed("east", 2, -0.5, 0.5), ",", Space(), "north ", Fixed("north", 2, -0.5, 0.5))


@dataclass(frozen=True)
class Compass:
    """East and north in metres."""

    camera: Annotated[str, Doc("Camera to look through.")] = "eye"
    past: int = 0
    horizon: int = 1

    def ask(self, context: Context) -> Conversation:
        text = f"{IMAGE}\n{context.instruction.text} Which way?"
        return Conversation((Turn("user", text),), (context.observation.images[self.camera],))

    def answer(self, episode: Episode, t: int) -> str:
        east, north = episode.action(t)
        return WAY.format({"east": east, "north": north})

    def grammar(self, context: Context) -> Grammar:  # the same in every context
        return WAY

    def read(self, reply: str, context: Context) -> Floats:
        values = WAY.parse(reply)
        return np.array([[values["east"], values["north"]]])

    def robot(self, robot: Robot) -> Robot:
        return robot
