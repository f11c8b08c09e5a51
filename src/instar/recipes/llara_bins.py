"""Actions said in five characters, in the style of RT-2: each stands for one of 256 numbers between 0 and 1.

The characters are those of the tokens 31000 to 31255 of Llama's vocabulary, each of which is one character that is in
no other token; so a model says an action in five tokens. Turning by nothing cannot be said exactly: the nearest is 0.7
degrees. Format after LLaRA (Li et al., ICLR 2025).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from instar import compat, markup
from instar.demo import Episode
from instar.errors import DataError, ReplyError
from instar.grammar import Choice, Grammar
from instar.robot import Camera, Floats, Robot

CHARACTERS: Final = (
    "\ub3d9\u03a5\u250c\u30dc\u5bae\u300f\u09ae\u300e\u013c\u0936\u0e1b\u0531\u092c\uc790\u653f\u0bbe"
    "\u95f4\ufb01\u677e\u1e43\u59cb\u606f\u5c11\u6559\u83b7\u5217\u5f00\u10e2\u30ef\u10d9\u79d1\u6625"
    "\u6cbb\u5409\u0f66\u0e28\u0252\u53f0\u30cd\u1038\u0129\u5de5\u1f71\u77e5\u516b\u5834\u753b\u767e"
    "\u2606\u8a18\u5f97\u30bd\u6c0f\u102c\uc5d0\u09b2\u1e5b\u5173\u0121\u1f73\u2211\u30d9\u6807\ub2c8"
    "\u1f74\u05b5\u5916\u2660\u308f\u9593\u0e20\u6821\u5236\u0e41\u529b\u9580\u597d\u0493\u00d9\u2113"
    "\u05b6\ub294\u2510\u2217\u6307\u8272\u8fd4\u99ac\u8bf7\u226b\u98a8\u1f79\u63a5\uc11c\u21b3\u305b"
    "\u5fd7\u0332\u9b54\u04a3\u66f4\u7a0b\uae40\u90e1\u0f7c\u0169\u0d1a\u5229\u770c\u5468\u305d\u3084"
    "\u8c37\u9999\u266f\u3058\u060c\u671f\u2205\u2518\u521d\u798f\u7247\u30b6\u52d5\u53c2\uc131\u018f"
    "\u2566\uc5b4\u10ee\u7fa9\u091a\u8c61\u529f\u2642\ub3c4\uace0\u8fc7\u057e\u7687\u7279\u1ead\u957f"
    "\u82f1\u1ea5\u0d23\u042a\u09b8\u5176\u09a4\u6d41\u9664\uc77c\u09c1\u17d2\u6c38\u76f4\uc0c1\u5343"
    "\u1eaf\u9928\u0164\u671d\u0b9f\u0263\u5355\u0280\u683c\u5fb7\uc804\u263a\u30d4\u6b4c\u8fdb\u9650"
    "\u592b\ud2b8\u22a2\u5712\u91cf\u571f\u653e\u7801\u7b49\u7cfb\u223c\u83ef\u21b5\uc18c\u5e38\u5426"
    "\u898b\u6e90\u05c1\u5b9e\u535a\ub77c\uc6d0\ubcf4\u2295\u89e3\u301c\u7537\u09a6\u30dd\u308d\ub098"
    "\u0f42\u7121\u00db\u0325\u04b1\u67e5\u0323\u2557\u2569\u6761\u09af\u1f41\u5f8c\u4ed6\u7f51\u0bb2"
    "\u2243\ud654\u06d5\u963f\u1031\u6237\u222b\uad6c\u0f62\u1019\u25b8\u056c\u25cb\u547d\u5c31\u9f8d"
    "\u541b\u590f\u0081\u8a00\u5148\u279c\u10e8\u10eb\u0a3e\u0bb5\u3069\u30d2\u0e44\u0ba9\u3070\u30ae"
)
SLOTS: Final = ("first", "second", "third", "fourth", "turn")
MOVE: Final = Grammar(*(Choice(slot, tuple(CHARACTERS)) for slot in SLOTS))

_PLACES: Final = [0, 1, 3, 4]  # of an action's positions: start x and y, end x and y


@dataclass(frozen=True)
class Bins:
    """Two positions and a turn about +z, each rounded to one of 256 steps."""

    picture: bool  # positions are those in the picture, across and down; else x and y on the table
    compat: bool

    def move(self, _tool: markup.Tool) -> Grammar:
        """The shape of one action."""
        return MOVE

    def values(self, episode: Episode, k: int, camera: Camera) -> dict[str, Any]:
        """What `move` says of action `k` of a demonstration."""
        return self._said(episode.action(k), camera, episode.robot)

    def done(self, action: Floats, _tool: markup.Tool, camera: Camera, robot: Robot) -> str:
        """An action that was taken."""
        return MOVE.format(self._said(action, camera, robot))

    def action(self, values: Mapping[str, Any], camera: Camera, robot: Robot) -> Floats:
        """The action (6,) that `move` says; positions outside the table are moved to its border."""
        numbers = [CHARACTERS.index(values[slot]) / 255 for slot in SLOTS]
        ends = [self._place(numbers[k], numbers[k + 1], camera, robot) for k in (0, 2)]
        degrees = numbers[4] * 360 - 180
        if self.compat:
            (x0, y0), (x1, y1) = (compat.settled_pose(*end) for end in ends)
            return np.array([x0, y0, 0.0, x1, y1, compat.settled_yaw(degrees)])
        (x0, y0), (x1, y1) = ends
        return robot.actions.clip(np.array([x0, y0, 0.0, x1, y1, math.radians(degrees)]))

    def loose(self, reply: str) -> list[dict[str, Any]]:
        """Groups of five out of all known characters in a reply. Raises ReplyError if there are fewer than five."""
        known = [letter for letter in reply if letter in CHARACTERS]
        if len(known) < len(SLOTS):
            raise ReplyError(reply, 0, f"{len(SLOTS)} characters that stand for numbers")
        groups = range(0, len(known) - len(SLOTS) + 1, len(SLOTS))
        return [dict(zip(SLOTS, known[k : k + len(SLOTS)], strict=True)) for k in groups]

    def _said(self, action: Floats, camera: Camera, robot: Robot) -> dict[str, Any]:
        turn = math.degrees(math.remainder(action[5] - action[2], math.tau))
        degrees = compat.degrees(action) if self.compat else turn
        numbers = [*self._fractions(action, camera, robot), (degrees + 180) / 360]
        return {slot: _character(number, action) for slot, number in zip(SLOTS, numbers, strict=True)}

    def _fractions(self, action: Floats, camera: Camera, robot: Robot) -> list[float]:
        """The four coordinates of `action` (6,) between 0 and 1."""
        if not self.picture:
            low, high = (np.array(bound)[_PLACES] for bound in (robot.actions.low, robot.actions.high))
            return [float(number) for number in (action[_PLACES] - low) / (high - low)]
        move = compat.Numbers(self.compat).values(action, camera)
        return [float(move[name]) for name in ("x0", "y0", "x1", "y1")]

    def _place(self, first: float, second: float, camera: Camera, robot: Robot) -> tuple[float, float]:
        """A position on the table in metres."""
        if not self.picture:
            low, high = robot.actions.low, robot.actions.high
            return low[0] + first * (high[0] - low[0]), low[1] + second * (high[1] - low[1])
        if self.compat:
            return compat.place(first, second, camera)
        x, y = camera.lift(np.array([first * camera.width, second * camera.height]))
        return float(x), float(y)


def _character(number: float, action: Floats) -> str:
    place = round(number * 255)  # half to even, as numpy does
    if not 0 <= place <= 255:
        raise DataError(f"action {action.tolist()} cannot be said in 256 steps: {number:.3f} is not between 0 and 1")
    return CHARACTERS[place]
