"""Actions in words: "Pick up the <p>red swirl block</p> at <b>(0.203, 0.719)</b>, rotate <r>[30]</r> degrees, ..."."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from instar import markup
from instar.compat import Numbers, loose_moves
from instar.demo import Episode
from instar.grammar import Grammar
from instar.robot import Camera, Floats, Robot


@dataclass(frozen=True)
class Sentences:
    """LLaRA's inBC: where to, how far turned, and which object, as a sentence with tags."""

    numbers: Numbers
    spaces: int  # in the first position of a sentence

    def move(self, tool: markup.Tool) -> Grammar:
        """The shape of one action."""
        return markup.moves(self.spaces)[tool]

    def values(self, episode: Episode, k: int, camera: Camera) -> dict[str, Any]:
        """What `move` says of action `k` of a demonstration."""
        move = self.numbers.values(episode.action(k), camera)
        return {"object": self.numbers.moved(episode, k, camera), **move}

    def done(self, action: Floats, tool: markup.Tool, camera: Camera, _robot: Robot) -> str:
        """An action that was taken, whatever it was done to."""
        return markup.moves(self.spaces, named=False)[tool].format(self.numbers.values(action, camera))

    def action(self, values: Mapping[str, Any], camera: Camera, robot: Robot) -> Floats:
        """The action (6,) that `move` says."""
        return self.numbers.action(values, camera, robot)

    def loose(self, reply: str) -> list[dict[str, Any]]:
        """All that can be read from a reply whatever its form. Raises ReplyError if that is nothing."""
        return loose_moves(reply)
