"""LLARVA: robot, control, task and past states in words; actions and the end effector's visual trace in the answer.

    user       <image>
               You control a Franka by joint control. The task is: open the top drawer. Its last 5 states, ...
    assistant  The trace: [[0.512, 0.330], [0.530, 0.341], ...]
               The next actions: [[0.0032, -0.0173, 0.0002, -0.0569, 0.0004, 0.0189, 0.0229, 1.0000]]

After Niu et al., CoRL 2024. Other templates than ours say what the published code says, number for number
(`llarva.yaml`); replies are read in either order and in all of the published wordings.
"""

import functools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from typing_extensions import Doc

from instar.chat import IMAGE, Conversation, Turn
from instar.demo import Context, Episode
from instar.embodiments.registry import title
from instar.errors import ConfigError, DataError, ReplyError
from instar.files import read_yaml
from instar.grammar import Fixed, Grammar, Integer, Part, Repeat, Space
from instar.robot import Floats, Robot
from instar.slots import Short
from instar.tracing import evenly, points, published
from instar.wording import fill

WORDS: Final = Path(__file__).with_name("llarva.yaml")
OURS: Final = "instar"
_NEXT: Final = Grammar(",", Space())
_LONGEST: Final = 59  # points that the published subsampling leaves at most


@dataclass(frozen=True)
class Llarva:
    """LLARVA's way to ask for actions and to answer."""

    template: Annotated[
        Literal["instar", "rlbench", "rlbench-agent", "oxe", "oxe-trace", "teaser"],
        Doc("what is said: instar's own words, or LLARVA's as published"),
    ] = "instar"
    trace: Annotated[
        Literal["before", "after", "none"], Doc("where the visual trace stands: before the actions, after, or nowhere")
    ] = "before"
    steps: Annotated[int, Doc("actions in one answer")] = 1
    history: Annotated[int, Doc("states in the question, the current one among them")] = 5
    camera: Annotated[str, Doc("the camera that everything is seen through")] = "front"
    points: Annotated[int, Doc("most points of a trace")] = 10
    pixels: Annotated[bool, Doc("traces in pixels of the picture, not as shares of its sides")] = False
    state: Annotated[str, Doc("dimensions of the state that the question tells, joined by +; all if empty")] = ""
    noise: Annotated[float, Doc("standard deviation of what is added to states while learning; never when asked")] = 0.0

    def __post_init__(self) -> None:
        if min(self.steps, self.history, self.points) < 1:
            raise ConfigError("llarva: steps, history and points must be at least 1")
        if self.noise < 0:
            raise ConfigError(f"llarva: noise={self.noise} must be 0 or more")
        if self.template != OURS and self.steps != 1:
            raise ConfigError(f"llarva: the template {self.template} was published for one step; steps is {self.steps}")
        if self._kind not in _words()["templates"][self.template]:
            kinds = [kind for kind in ("before", "after", "plain") if kind in _words()["templates"][self.template]]
            told = " or ".join("none" if kind == "plain" else kind for kind in kinds)
            raise ConfigError(f"llarva: the template {self.template} needs trace={told}, not {self.trace}")

    @property
    def past(self) -> int:
        """How many earlier steps the question mentions."""
        return self.history - 1

    @property
    def horizon(self) -> int:
        """At most so many actions are read from one reply."""
        return self.steps

    def robot(self, robot: Robot) -> Robot:
        """`robot` with the one camera in use, wherever that stands. Raises MismatchError if it has none so called."""
        self._told(robot)
        return replace(robot, cameras=(replace(robot.camera(self.camera), world_to_pixel=None),))

    def ask(self, context: Context) -> Conversation:
        """Picture, who acts and how, the task, and the states so far, in one turn."""
        image = context.observation.images.get(self.camera)
        if image is None:
            raise DataError(f"the observation has no picture of camera {self.camera!r}")
        words, told = _words(), context.instruction.text
        if IMAGE in told or re.search(r"\{\w+\}", told):
            raise DataError(f"the instruction {told!r} points to pictures; LLARVA's recipe tells tasks in words alone")
        question = words["templates"][self.template]
        states = self._states(context)
        values = {
            "robot": title(context.robot.name),
            "control": words["controls"].get(context.robot.control, context.robot.control),
            "task": told if self._compat else told.rstrip("."),
            "count": str(len(states)),
            "states": "[" + ", ".join(states) + "]",
            "steps": str(self.steps),
        }
        said = [fill(question["question"], values)]
        if self.trace != "none" and "trace" in question:
            said.append(question["trace"])
        return Conversation((Turn("user", f"{IMAGE}\n{' '.join(said)}"),), (image,))

    def answer(self, episode: Episode, t: int) -> str:
        """The trace from step `t` to the end and the next actions, as many as there are."""
        last = min(t + self.steps, episode.length)
        actions = [{f"a{k}": value for k, value in enumerate(episode.action(step))} for step in range(t, last)]
        values: dict[str, Any] = {"actions": actions}
        if self.trace != "none":
            values["trace"] = self._points(episode, t)
        return self._grammar(episode.robot).format(values)

    def grammar(self, context: Context) -> Grammar:
        """Numbers for every dimension of the robot's actions, and points in the picture."""
        return self._grammar(context.robot)

    def read(self, reply: str, context: Context) -> Floats:
        """The actions in a reply, (n, dim), in any of the wordings and with or without a trace. Raises ReplyError."""
        try:
            found = self._grammar(context.robot).parse(reply.strip())
        except ReplyError:
            otherwise = self._otherwise(reply.strip(), context.robot)
            if otherwise is None:
                raise
            found = otherwise
        rows = [[row[f"a{k}"] for k in range(context.robot.actions.dim)] for row in found["actions"]]
        return np.array(rows[: self.steps], np.float64)

    @property
    def _kind(self) -> str:
        return "plain" if self.trace == "none" else self.trace

    @property
    def _compat(self) -> bool:
        return self.template != OURS

    def _told(self, robot: Robot) -> list[int]:
        """Which dimensions of the state the question tells."""
        wanted = self.state.split("+") if self.state else list(robot.state)
        if unknown := sorted(set(wanted) - set(robot.state)):
            known = ", ".join(robot.state) or "none"
            raise ConfigError(
                f"llarva: no dimension {', '.join(unknown)} in the state of {robot.name}; there are: {known}"
            )
        return [robot.state.index(name) for name in wanted]

    def _states(self, context: Context) -> list[str]:
        """The states, oldest first; the published templates fill up with rows of noughts."""
        chosen = self._told(context.robot)
        seen = [step.observation.state for step in context.past[max(0, len(context.past) - self.past) :]]
        rows = [_row(state[chosen], compat=self._compat) for state in (*seen, context.observation.state)]
        missing = self.history - len(rows) if self._compat else 0
        return [str([0] * len(chosen))] * missing + rows

    def _points(self, episode: Episode, t: int) -> list[dict[str, float]]:
        camera = episode.robot.camera(self.camera)
        found = points(episode, t, camera)
        if t == 0 and not any(found):
            raise DataError(
                f"{episode.id}: nobody saw the end effector in camera {self.camera!r}, and its place cannot be worked "
                "out; choose trace=none, or demonstrations with a calibrated camera"
            )
        if self._compat:
            return [{"u": u, "v": v} for u, v in published(found)]
        if self.pixels:
            return [{"u": int(u), "v": int(v)} for u, v in evenly(found, self.points)]
        return [{"u": u / camera.width, "v": v / camera.height} for u, v in evenly(found, self.points)]

    def _grammar(self, robot: Robot) -> Grammar:
        return _answer(self, _words()["templates"][self.template][self._kind], robot.actions.dim, _reach(robot))

    def _otherwise(self, reply: str, robot: Robot) -> dict[str, Any] | None:
        """What the reply says in one of the other wordings; None where it is none of them."""
        bare = replace(self, template="rlbench", trace="none", steps=1)  # one step without a list around it
        for answer in _answers():
            for manner in (self, bare):
                try:
                    return _answer(manner, answer, robot.actions.dim, _reach(robot)).parse(reply)
                except ReplyError:
                    continue
        return None


def _reach(robot: Robot) -> float:
    """What no number of an action exceeds: ten, a hundred, ... whichever is above all that was measured."""
    most = max(map(abs, (*robot.actions.low, *robot.actions.high)))
    return 10.0 ** max(1, math.ceil(math.log10(max(most, 1.0))))


def _row(state: Floats, *, compat: bool) -> str:
    """A state in brackets: as Python prints it rounded, or with as many decimals everywhere."""
    if compat:
        return str(np.round(state, 4).tolist())
    return "[" + ", ".join(f"{value:.4f}" for value in state) + "]"


@functools.lru_cache(maxsize=256)
def _answer(recipe: Llarva, text: str, dim: int, reach: float) -> Grammar:
    """The grammar of an answer with {actions} and {trace} in it."""
    parts: list[Part | str] = []
    for piece in re.split(r"(\{actions\}|\{trace\})", text):
        if piece == "{actions}":
            parts.append(_actions(recipe, dim, reach))
        elif piece == "{trace}":
            parts.append(_trace(recipe))
        elif piece:
            parts += _loosely(piece)
    return Grammar(*parts)


def _loosely(text: str) -> Iterator[Part | str]:
    """Text whose white space is read as any."""
    for piece in re.split(r"(\s)", text):
        if piece:
            yield Space(piece) if piece.isspace() else piece


def _actions(recipe: Llarva, dim: int, reach: float) -> Grammar:
    numbers: list[Part | str] = []
    for k in range(dim):
        numbers += [",", Space()] if k else []
        compat = recipe.template != OURS
        numbers.append(Short(f"a{k}", 4) if compat else Fixed(f"a{k}", 4, -reach, reach))
    row = Grammar("[", *numbers, "]")
    if recipe.template != OURS:  # one step, and no list around it
        return Grammar(Repeat("actions", row, most=1))
    return Grammar("[", Repeat("actions", row, _NEXT, most=recipe.steps), "]")


def _trace(recipe: Llarva) -> Grammar:
    compat = recipe.template != OURS
    u, v = ("u", "v")
    if compat or recipe.pixels:
        point = Grammar("[", Integer(u, 0, 9999), ",", Space(), Integer(v, 0, 9999), "]")
    else:
        point = Grammar("[", Fixed(u, 3, 0, 1), ",", Space(), Fixed(v, 3, 0, 1), "]")
    return Grammar("[", Repeat("trace", point, _NEXT, least=0, most=_LONGEST if compat else recipe.points), "]")


@functools.cache
def _words() -> Mapping[str, Any]:
    found: Mapping[str, Any] = read_yaml(WORDS)
    return found


@functools.cache
def _answers() -> tuple[str, ...]:
    """Every way to answer that is known, each once."""
    kinds = ("before", "after", "plain")
    told = [template[kind] for template in _words()["templates"].values() for kind in kinds if kind in template]
    return tuple(dict.fromkeys([*told, *_words()["read"]]))
