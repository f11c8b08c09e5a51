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
from instar.demo import Context, Episode, Instruction, Point
from instar.embodiments.registry import title
from instar.errors import ConfigError, DataError, ReplyError
from instar.files import read_yaml
from instar.grammar import Fixed, Grammar, Integer, Part, Repeat, Space
from instar.robot import Camera, Floats, Robot
from instar.slots import Short
from instar.tracing import PLACE, bridged, evenly, points, published, told
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
    bins: Annotated[
        int,
        Doc("say each number of an action as one of so many even steps between its bounds; 0: in its unit"),
    ] = 0
    decimals: Annotated[int, Doc("of the numbers of states and actions; the published templates have 4")] = 4
    history: Annotated[int, Doc("states in the question, the current one among them")] = 5
    camera: Annotated[str, Doc("the camera that everything is seen through; the robot's first if empty")] = ""
    points: Annotated[int, Doc("most points of a trace")] = 10
    pixels: Annotated[bool, Doc("traces in pixels of the picture, not as shares of its sides")] = False
    bridge: Annotated[
        int, Doc("frames without the end effector that a straight line bridges; a longer gap stays one")
    ] = 5
    state: Annotated[str, Doc("dimensions of the state that the question tells, joined by +; all if empty")] = ""
    noise: Annotated[float, Doc("standard deviation of what is added to states while learning; never when asked")] = 0.0

    def __post_init__(self) -> None:
        if min(self.steps, self.history, self.points, self.decimals) < 1:
            raise ConfigError("llarva: steps, history, points and decimals must be at least 1")
        if self.noise < 0 or self.bridge < 0:
            raise ConfigError(f"llarva: noise={self.noise} and bridge={self.bridge} must be 0 or more")
        if self.bins and (self.bins < 2 or self.template != OURS):
            raise ConfigError("llarva: bins must be 2 or more, or 0; the published templates say numbers in units")
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
        return replace(robot, cameras=(replace(self._camera(robot), world_to_pixel=None),))

    def ask(self, context: Context) -> Conversation:
        """Picture, who acts and how, the task, and the states so far, in one turn."""
        camera = self._camera(context.robot).name
        image = context.observation.images.get(camera)
        if image is None:
            raise DataError(f"the observation has no picture of camera {camera!r}")
        words, told = _words(), _in_words(context.instruction)
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
        said = [self._said(episode.action(step), episode.robot) for step in range(t, last)]
        actions = [{f"a{k}": value for k, value in enumerate(one)} for one in said]
        values: dict[str, Any] = {"actions": actions}
        if self.trace != "none":
            values["trace"] = self._points(episode, t)
        return self._grammar(episode.robot).format(values)

    def grammar(self, context: Context) -> Grammar:
        """Numbers for every dimension of the robot's actions, and points in the picture."""
        return self._grammar(context.robot)

    def read(self, reply: str, context: Context) -> Floats:
        """The actions in a reply, (n, dim), in any of the wordings and with or without a trace. Raises ReplyError."""
        found = self._parsed(reply.strip(), context.robot)
        rows = [[row[f"a{k}"] for k in range(context.robot.actions.dim)] for row in found["actions"]]
        return self._meant(np.array(rows[: self.steps], np.float64), context.robot)

    def traced(self, reply: str, robot: Robot) -> list[Point]:
        """The trace that a reply says, in pixels of the picture; none where it says none. Raises ReplyError."""
        found, camera = self._parsed(reply.strip(), robot).get("trace", ()), self._camera(robot)
        whole = self._compat or self.pixels
        width, height = (1, 1) if whole else (camera.width, camera.height)
        return [(point["u"] * width, point["v"] * height) for point in found]

    def _parsed(self, reply: str, robot: Robot) -> dict[str, Any]:
        try:
            return self._grammar(robot).parse(reply)
        except ReplyError:
            found = self._otherwise(reply, robot)
            if found is None:
                raise
            return found

    def _said(self, action: Floats, robot: Robot) -> list[float]:
        """The numbers of an action as the answer has them."""
        if not self.bins:
            return [float(value) for value in action]
        low, high = np.array(robot.actions.low), np.array(robot.actions.high)
        share = (robot.actions.clip(action) - low) / np.where(high > low, high - low, 1.0)
        return [int(place) for place in (share * (self.bins - 1)).round()]

    def _meant(self, numbers: Floats, robot: Robot) -> Floats:
        """The actions (n, dim) that such numbers stand for."""
        if not self.bins:
            return numbers
        low, high = np.array(robot.actions.low), np.array(robot.actions.high)
        return np.asarray(low + numbers / (self.bins - 1) * (high - low))

    @property
    def _kind(self) -> str:
        return "plain" if self.trace == "none" else self.trace

    @property
    def _compat(self) -> bool:
        return self.template != OURS

    def _camera(self, robot: Robot) -> Camera:
        """The one in use."""
        if not robot.cameras:
            raise DataError(f"{robot.name} has no camera; LLARVA's recipe needs one picture")
        return robot.camera(self.camera) if self.camera else robot.cameras[0]

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
        rows = [
            _row(state[chosen], None if self._compat else self.decimals) for state in (*seen, context.observation.state)
        ]
        missing = self.history - len(rows) if self._compat else 0
        return [str([0] * len(chosen))] * missing + rows

    def _points(self, episode: Episode, t: int) -> list[dict[str, float]]:
        """The trace from step `t` on: from where the end effector is first seen to where it is last; it may be empty.

        Gaps as the published code treats them in its templates; in ours short ones are bridged, also at `t` itself.
        """
        camera = self._camera(episode.robot)
        whole = points(episode, 0, camera)
        rest = whole[t:] if any(whole) else told(episode, t, camera)
        if not any(whole) and not any(rest):
            raise _unseen(episode, camera)
        if self._compat:
            return [{"u": u, "v": v} for u, v in published(rest)]
        found = evenly(bridged(whole, self.bridge)[t:] if any(whole) else rest, self.points)
        if self.pixels:
            return [{"u": int(u), "v": int(v)} for u, v in found]
        return [{"u": u / camera.width, "v": v / camera.height} for u, v in found]

    def _grammar(self, robot: Robot) -> Grammar:
        return _answer(self, _words()["templates"][self.template][self._kind], robot.actions.dim, _reach(robot))

    def _otherwise(self, reply: str, robot: Robot) -> dict[str, Any] | None:
        """What the reply says in one of the other wordings; None where it is none of them."""
        bare = replace(self, template="rlbench", trace="none", steps=1, bins=0)  # one step without a list around it
        manners = (self,) if self.bins else (self, bare)  # numbers in units are none in bins
        for answer in _answers():
            for manner in manners:
                try:
                    return _answer(manner, answer, robot.actions.dim, _reach(robot)).parse(reply)
                except ReplyError:
                    continue
        return None


def _in_words(instruction: Instruction) -> str:
    """The task, with names in place of what it points to. Raises DataError where a picture has no name."""
    names = {}
    for slot, reference in instruction.references.items():
        if reference.kind == "object" and reference.objects:
            names[slot] = f"the {reference.objects[0].name}"
    told = re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], found[0]), instruction.text)
    if IMAGE in told or re.search(r"\{\w+\}", told):
        raise DataError(f"the instruction {told!r} points to pictures; LLARVA's recipe tells tasks in words alone")
    return told


def _unseen(episode: Episode, camera: Camera) -> DataError:
    if camera.world_to_pixel is not None and set(PLACE) <= set(episode.robot.state):
        return DataError(f"{episode.id}: the end effector is never in the picture of camera {camera.name!r}")
    return DataError(
        f"{episode.id}: nobody saw the end effector in camera {camera.name!r}, and its place cannot be worked out; "
        "choose trace=none, look for it with a detector (`instar trace`), or take demonstrations with a calibrated "
        "camera whose state has x, y and z"
    )


def _reach(robot: Robot) -> float:
    """What no number of an action exceeds: ten, a hundred, ... whichever is above all that was measured."""
    most = max(map(abs, (*robot.actions.low, *robot.actions.high)))
    return 10.0 ** max(1, math.ceil(math.log10(max(most, 1.0))))


def _row(state: Floats, decimals: int | None) -> str:
    """A state in brackets: with so many decimals everywhere, or as Python prints it rounded to four."""
    if decimals is None:
        return str(np.round(state, 4).tolist())
    return "[" + ", ".join(f"{value:.{decimals}f}" for value in state) + "]"


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
        numbers.append(_number(recipe, f"a{k}", reach))
    row = Grammar("[", *numbers, "]")
    if recipe.template != OURS:  # one step, and no list around it
        return Grammar(Repeat("actions", row, most=1))
    return Grammar("[", Repeat("actions", row, _NEXT, most=recipe.steps), "]")


def _number(recipe: Llarva, slot: str, reach: float) -> Part:
    if recipe.template != OURS:
        return Short(slot, 4)
    return Integer(slot, 0, recipe.bins - 1) if recipe.bins else Fixed(slot, recipe.decimals, -reach, reach)


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
