"""Columns of an episode made of others: `inverted(clipped(action[-1:]))`, read from the table of standards.

The rules are those of OpenVLA's transforms (Kim et al., 2024).
"""

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.demos.rlds.folder import Columns
from instar.errors import DataError
from instar.robot import Floats

_TERM: Final = re.compile(
    r"(?P<rule>[a-z_]+)\((?P<inner>.+)\)|(?P<feature>[\w/]+)(?:\[(?P<first>-?\d*):(?P<last>-?\d*)\])?"
)
_LIMIT: Final = 1 << 16  # bytes of one packed array; more is no robot's state


@dataclass(frozen=True)
class Term:
    """Dimensions of a feature, and what is done to them; or so many that are the same everywhere."""

    feature: str  # "" for what is the same everywhere
    first: int | None
    last: int | None
    rules: tuple[str, ...]  # the innermost first
    width: int = 0  # of what is the same everywhere

    @classmethod
    def parse(cls, text: str) -> "Term":
        """A term as the table has it. Raises DataError if it is none."""
        found = _TERM.fullmatch(text)
        if found is None or (found["rule"] and found["rule"] not in RULES and found["rule"] not in _SAME):
            raise DataError(f"{text!r} is no column; rules are {', '.join([*RULES, *_SAME])}")
        if found["rule"] in _SAME:
            return cls("", None, None, (found["rule"],), int(found["inner"]))
        if found["rule"]:
            inner = cls.parse(found["inner"])
            return cls(inner.feature, inner.first, inner.last, (*inner.rules, found["rule"]), inner.width)
        first, last = (int(found[name]) if found[name] else None for name in ("first", "last"))
        return cls(found["feature"], first, last, ())

    def of(self, episode: Columns) -> Floats:
        """The columns of every step, (T, width). Raises DataError where the episode does not have them."""
        if not self.feature:
            return np.full((episode.length, self.width), _SAME[self.rules[0]])
        raw = episode.step(self.feature)
        if not isinstance(raw, np.ndarray):
            if self.rules[:1] != ("packed",):
                raise DataError(f"{episode.where}: feature {self.feature} should be numbers")
            raw = np.stack([_packed(bytes(row), episode.where, self.feature) for row in raw])
        values = raw.reshape(len(raw), -1).astype(np.float64)[:, self.first : self.last]
        for rule in self.rules:
            values = RULES[rule](values)
        return values


def side_by_side(terms: tuple[Term, ...], episode: Columns) -> Floats:
    """Columns beside one another, (T, D); none at all where there are no terms."""
    return np.concatenate([np.empty((episode.length, 0)), *(term.of(episode) for term in terms)], axis=1)


def binarized(gripper: Floats) -> Floats:
    """Open above 0.95 and closed below 0.05; in between, what it is about to become, or the last value itself."""
    known = (gripper > 0.95) | (gripper < 0.05)
    binary = np.where(known, (gripper > 0.95).astype(np.float64), np.nan)
    binary[-1] = np.where(known[-1], binary[-1], gripper[-1])
    for t in range(len(binary) - 2, -1, -1):
        binary[t] = np.where(np.isnan(binary[t]), binary[t + 1], binary[t])
    return binary


def from_commands(commands: Floats) -> Floats:
    """Where the gripper is, 1 open and 0 closed, by commands: above 0.1 it is to close, below -0.1 to open.

    Before the first command it is as that command would not leave it; without any it is open.
    """
    to = np.where(commands < -0.1, 1.0, np.where(commands > 0.1, -1.0, 0.0))
    first = np.take_along_axis(to, np.argmax(to != 0, axis=0)[None], axis=0)[0]
    state = np.where(first == 0, 1.0, -first)
    places = np.empty_like(to)
    for t, command in enumerate(to):
        state = np.where(command == 0, state, command)
        places[t] = state
    return places / 2 + 0.5


def euler(quaternions: Floats) -> Floats:
    """Rotations (x, y, z, w) as roll, pitch and yaw about fixed axes."""
    x, y, z, w = (quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)).T
    sine = np.clip(2 * (w * y - x * z), -1, 1)
    roll = np.arctan2(2 * (y * z + w * x), 1 - 2 * (x * x + y * y))
    yaw = np.arctan2(2 * (x * y + w * z), 1 - 2 * (y * y + z * z))
    # Looking straight up or down, roll and yaw turn about the same axis: all of it is roll.
    locked = np.abs(sine) > 1 - 1e-6
    turned = np.arctan2(np.sign(sine) * 2 * (x * y - w * z), np.sign(sine) * 2 * (x * z + w * y))
    return np.stack([np.where(locked, turned, roll), np.arcsin(sine), np.where(locked, 0.0, yaw)], axis=1)


def _packed(data: bytes, where: str, feature: str) -> NDArray[np.float32]:
    try:
        return np.frombuffer(zlib.decompressobj().decompress(data, _LIMIT), "<f4")
    except (zlib.error, ValueError) as error:
        raise DataError(f"{where}: feature {feature} is no packed array: {error}") from error


RULES: Final[Mapping[str, Callable[[Floats], Floats]]] = {
    "binarized": binarized,
    "clipped": lambda gripper: np.clip(gripper, 0.0, 1.0),
    "inverted": lambda gripper: 1.0 - gripper,
    "from_commands": from_commands,
    "euler": euler,
    "packed": lambda values: values,  # unpacked when it was read
}
_SAME: Final = {"zeros": 0.0, "ones": 1.0}
