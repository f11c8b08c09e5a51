"""LLaRA's markup: how positions, boxes, scenes and planar actions are written for a model, and read back.

    <p>red swirl block</p> at <b>(0.199, 0.711), {0.090, 0.180}</b>.
    Pick up the <p>red swirl block</p> at <b>(0.203, 0.719)</b>, rotate <r>[30]</r> degrees, and drop it at <b>(...)</b>

Positions are those of the camera's picture divided by its width and height, with three decimals; the origin is the top
left corner. A rotation is how far the object turns clockwise as the camera sees it, in whole degrees. Format after
LLaRA (Li et al., ICLR 2025), without its rounding to whole pixels: what was read and is written again does not change.
"""

import functools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from instar.demo import Box, Episode, SceneObject
from instar.errors import MismatchError
from instar.grammar import Fixed, Grammar, Integer, Part, Repeat, Space, Text
from instar.robot import Camera, Floats, Robot

Tool = Literal["suction", "spatula"]
Place = tuple[float, float]  # across and down, in fractions of the picture

ACTION: Final = ("start_x", "start_y", "start_yaw", "end_x", "end_y", "end_yaw")  # metres and radians, about +z
SPATULA: Final = "spatula"  # the dimension of the state that says which tool the robot holds: 0 is the suction cup
UNNAMED: Final = "object"  # what an object is called whose name nobody knows
LONGEST_NAME: Final = 60  # characters of an object's name
RECENT: Final = 256  # scenes and actions that are remembered, so that what is said of one many times is worked out once
DECIMALS: Final = 3

NONE: Final = Space("")  # no white space, but it is forgiven


def loosely(text: str) -> Grammar:
    """`text`, forgiving any white space where it has a space."""
    return Grammar(*(Space() if piece == " " else piece for piece in re.split("( )", text) if piece))


def pair(x: str, y: str, low: float = 0.0, high: float = 1.0, spaces: int = 1) -> Grammar:
    """`(x, y)` in fractions of the picture, written with so many spaces and read with any number of them."""
    first, second = Fixed(x, DECIMALS, low, high), Fixed(y, DECIMALS, low, high)
    return Grammar("(", NONE, first, NONE, ",", Space(" " * spaces), second, NONE, ")")


def name(slot: str) -> Grammar:
    """`<p>red swirl block</p>`."""
    return Grammar("<p>", Text(slot, most=LONGEST_NAME), "</p>")


_SIZE: Final = Grammar("{", NONE, Fixed("w", DECIMALS, 0, 1), NONE, ",", Space(), Fixed("h", DECIMALS, 0, 1), NONE, "}")
LOCATED: Final = Grammar(name("object"), loosely(" at <b>"), pair("cx", "cy"), ",", Space(), _SIZE, "</b>")
LOCATED_SENTENCE: Final = Grammar(LOCATED, ".")
NAMED: Final = name("object")
SCENE: Final = Grammar("<scene>", Repeat("objects", LOCATED_SENTENCE, most=200), "</scene>")


def _move(what: Part | str, verb: str, ending: str, spaces: int) -> Grammar:
    turn = Integer("degrees", -359, 359)
    start, end = pair("x0", "y0", spaces=spaces), pair("x1", "y1")
    rotate, then = loosely("</b>, rotate <r>["), loosely(f"]</r> degrees, and {ending} at <b>")
    return Grammar(loosely(verb + " "), what, loosely(" at <b>"), start, rotate, turn, then, end, "</b>.")


@functools.lru_cache(maxsize=16)
def moves(spaces: int = 1, *, named: bool = True) -> Mapping[Tool, Grammar]:
    """The sentence of an action by tool, with so many spaces in its first position: LLaRA's released models write two.

    Without `named` it is said of an "object", whatever it is done to.
    """
    what = NAMED if named else UNNAMED
    return {
        "suction": _move(what, "Pick up the", "drop it", spaces),
        "spatula": _move(what, "Sweep the", "stop", spaces),
    }


MOVES: Final = moves()


def require_planar(robot: Robot) -> None:
    """Refuse a robot whose actions are not two planar poses. Raises MismatchError."""
    if robot.actions.names != ACTION or robot.actions.mode != "absolute":
        raise MismatchError(
            f"LLaRA writes absolute actions ({', '.join(ACTION)}); those of robot {robot.name!r} are "
            f"{robot.actions.mode} ({', '.join(robot.actions.names)}). Choose another recipe or task"
        )


def tool(robot: Robot, state: Floats) -> Tool:
    """The tool that the robot holds in `state` (S,); a robot whose state does not say holds a suction cup."""
    return "spatula" if SPATULA in robot.state and state[robot.state.index(SPATULA)] > 0 else "suction"


@dataclass(frozen=True, eq=False)
class Sight:
    """What a camera sees of some objects: measured and put into words once, however many sentences mention it."""

    objects: tuple[SceneObject, ...]
    camera: Camera

    @functools.cached_property
    def things(self) -> tuple[SceneObject, ...]:
        """The objects of which it sees at least a part."""
        return visible(self.objects, self.camera)

    @functools.cached_property
    def middles(self) -> Mapping[int, Place]:
        """Where the middle of every object is, by its id."""
        return {thing.id: middle(thing.boxes[self.camera.name], self.camera) for thing in self.things}

    @functools.cached_property
    def scene(self) -> str:
        """All of it as a list of boxes. Raises DataError if that is nothing."""
        return SCENE.format({"objects": [located(thing, self.camera) for thing in self.things]})

    @functools.cached_property
    def named(self) -> Mapping[str, Box]:
        """Boxes by name; of objects that are called the same the last one counts."""
        return {thing.name: thing.boxes[self.camera.name] for thing in self.things}


_SIGHTS: Final[dict[tuple[int, int], Sight]] = {}


def sight(objects: Sequence[SceneObject], camera: Camera) -> Sight:
    """What `camera` sees of `objects`; the same `Sight` each time while the same tuple is talked about."""
    objects = tuple(objects)
    key = (id(objects), id(camera))  # whose they are: what is remembered is kept alive with them
    found = _SIGHTS.get(key)
    if found is None:
        if len(_SIGHTS) >= RECENT:
            _SIGHTS.clear()
        found = _SIGHTS[key] = Sight(objects, camera)
    return found


def visible(objects: Sequence[SceneObject], camera: Camera) -> tuple[SceneObject, ...]:
    """The objects that `camera` sees at least a part of."""
    return tuple([thing for thing in objects if camera.name in thing.boxes])


def centre(box: Box, camera: Camera) -> Floats:
    """The middle of `box` (2,) as fractions of the picture; a middle between two pixels is the left or upper one."""
    return np.array(middle(box, camera))


def middle(box: Box, camera: Camera) -> Place:
    """As `centre`, in plain numbers."""
    return (box.left + box.right) // 2 / camera.width, (box.top + box.bottom) // 2 / camera.height


def located(thing: SceneObject, camera: Camera) -> dict[str, Any]:
    """The values of `LOCATED` for an object that `camera` sees."""
    box = thing.boxes[camera.name]
    cx, cy = middle(box, camera)
    width, height = (box.right - box.left) / camera.width, (box.bottom - box.top) / camera.height
    return {"object": thing.name, "cx": cx, "cy": cy, "w": width, "h": height}


def box(values: Mapping[str, Any], camera: Camera) -> Box:
    """The box that `LOCATED`'s values say, in whole pixels and inside the picture; gives back what `located` wrote."""
    width, height = round(values["w"] * camera.width), round(values["h"] * camera.height)
    left = round(values["cx"] * camera.width) - width // 2
    top = round(values["cy"] * camera.height) - height // 2
    across, down = (
        np.clip((left, left + width), 0, camera.width - 1),
        np.clip((top, top + height), 0, camera.height - 1),
    )
    return Box(int(across[0]), int(down[0]), int(across[1]), int(down[1]))


def scene(objects: Sequence[SceneObject], camera: Camera) -> str:
    """All that `camera` sees of `objects`, as a list of boxes. Raises DataError if that is nothing."""
    return sight(objects, camera).scene


def move_values(action: Floats, camera: Camera) -> dict[str, Any]:
    """The values of a move but for its object: `action` (6,) as `camera` sees it.

    The rotation is that of the end relative to the start, rounded and then wrapped into -180..180 degrees; minus,
    because the cameras look down on +z and the text counts clockwise.
    """
    (x0, y0), (x1, y1) = _ends(tuple(action.tolist()), camera)
    turn = -round(math.degrees(action[5] - action[2]))
    return {"x0": x0, "y0": y0, "degrees": int(math.remainder(turn, 360)), "x1": x1, "y1": y1}


def move_action(values: Mapping[str, Any], camera: Camera, robot: Robot) -> Floats:
    """The action (6,) that a move says; positions outside the robot's action space are moved to its border."""
    size = np.array([camera.width, camera.height])
    start = camera.lift(np.array([values["x0"], values["y0"]]) * size)
    end = camera.lift(np.array([values["x1"], values["y1"]]) * size)
    yaw = math.remainder(-math.radians(values["degrees"]), 2 * math.pi)
    action = np.array([*start, 0.0, *end, yaw])
    return np.where([True, True, False] * 2, robot.actions.clip(action), action)


def moved_object(episode: Episode, t: int, camera: Camera) -> str:
    """The name of the object that action `t` moves, judged by where objects are before and after it.

    The object that was nearest to the start, ended up nearest to the end, and went the longest way. One that cannot be
    seen afterwards is judged as if it had gone to the end; where nothing is seen beforehand the answer is "object".
    """
    action = tuple(episode.action(t).tolist())
    after = episode.steps[t + 1].observation.objects if t + 1 < len(episode.steps) else ()
    return _moved(action, sight(episode.steps[t].observation.objects, camera), sight(after, camera))


@functools.lru_cache(maxsize=RECENT)
def _moved(action: tuple[float, ...], before: Sight, after: Sight) -> str:
    start, end = _ends(action, before.camera)

    def detour(thing: SceneObject) -> float:
        here, there = middle(thing.boxes[before.camera.name], before.camera), after.middles.get(thing.id)
        if there is None:
            return math.dist(start, here) - math.dist(start, end)
        return math.dist(start, here) + math.dist(end, there) - math.dist(here, there)

    return min(before.things, key=detour).name if before.things else UNNAMED


@functools.lru_cache(maxsize=RECENT)
def _ends(action: tuple[float, ...], camera: Camera) -> tuple[Place, Place]:
    """Where `action` begins and ends, in fractions of the picture."""
    return _projected(action[0:2], camera), _projected(action[3:5], camera)


def _projected(point: tuple[float, ...], camera: Camera) -> Place:
    x, y = camera.project(point).tolist()
    return x / camera.width, y / camera.height
