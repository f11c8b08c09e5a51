"""Episodes of the real VIMA-Bench as problems of the tabletop: what stood where, what was asked, what was done.

A scene is one JSON object. Lengths are metres, angles radians counter-clockwise from above, boxes inclusive pixel
indices [left, top, right, bottom] of a 256 x 128 picture, null where the camera does not see the thing:

    task, partition   VIMA-Bench's names, e.g. "rotate" and "placement_generalization"
    ee                "suction" or "spatula"
    max_steps         actions its scripted demonstrator may take (optional)
    slots             words of the prompt: {"angle_deg": 90}, {"det": "two"}, {"texture": "yellow"} ...
    prompt            the whole prompt with a {slot} for every picture (optional)
    objects           [{id, name, texture, fixed, size: [x, y, z] drawn at yaw 0, role}]; ids are those of the
                      segmentation; role is "target" (named by a goal), "distractor" (must keep away from goals), "base"
                      (immovable) or "other" (in no check)
    goals             in order: [{obj, target: [x, y, z, yaw] of the object's origin, kind: "pose" or "zone",
                      oracle_only: whether the demonstrator alone cares}]
    frames            the table before the first action, then after each: rows of
                      [id, x, y, z, yaw, 0 or [roll, pitch], front box, top box], the pose that of the model's origin
    actions           [[start x, start y, end x, end y, turn]]: one leads from each frame to the next
    assets            by slot: {kind: "object" or "scene", objects: [[name, texture, front box, top box]]}; a row may go
                      on with [x, y, z, yaw] and then [x, y, z] size, else both are found from the boxes
    flags             [[success, failure]] after each action (optional)
    success           how the episode ended (optional)

A file of them is {"scenes": [...]}. An episode that is still in play has as many frames as were seen so far, and
`expert_action` says what the tabletop's expert would do next in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from instar.demo import Box
from instar.edges import checked
from instar.errors import DataError, SimulatorError
from instar.files import JSON, read_json
from instar.robot import Floats
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.expert import action_of
from instar.simulators.tabletop.shapes import Shape, container, line, sample, scaled, three_sided_rectangle
from instar.simulators.tabletop.sighting import height_of, pose_of
from instar.simulators.tabletop.tasks.layout import PORTRAIT_YAW, portrait
from instar.simulators.tabletop.tasks.placing import NEAR, Goal, Placing
from instar.simulators.tabletop.tasks.problem import FIRST_SCENE_ID, Picture, Problem, Rule, Tool
from instar.simulators.tabletop.tasks.sweep_without_exceeding import MAGNIFIED
from instar.simulators.tabletop.tasks.sweeping import Area, Sweeping

Edges = tuple[int, int, int, int]
Pose = tuple[float, float, float, float]
Size = tuple[float, float, float]
Row = tuple[int, float, float, float, float, Literal[0] | tuple[float, float], Edges | None, Edges | None]
Role = Literal["target", "distractor", "base", "other"]


@dataclass(frozen=True)
class Thing:
    """An object of a scene."""

    id: int
    name: str
    texture: str
    size: Size
    role: Role
    fixed: bool = False


@dataclass(frozen=True)
class Wish:
    """A goal of a scene."""

    obj: int
    target: Pose
    kind: Literal["pose", "zone"] = "pose"
    oracle_only: bool = False


@dataclass(frozen=True)
class Asset:
    """A picture of the prompt."""

    kind: Literal["object", "scene"]
    objects: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Record:
    """A scene as its JSON has it."""

    task: str
    partition: str
    ee: Tool
    objects: tuple[Thing, ...]
    goals: tuple[Wish, ...]
    frames: tuple[tuple[Row, ...], ...]
    actions: tuple[tuple[float, float, float, float, float], ...] = ()
    slots: Mapping[str, Any] = field(default_factory=dict)
    prompt: str = ""
    max_steps: int = 8
    assets: Mapping[str, Asset] = field(default_factory=dict)
    flags: tuple[tuple[bool, bool], ...] = ()
    success: bool | None = None


@dataclass(frozen=True)
class Frame:
    """Where everything was, and where the two cameras saw it."""

    bodies: tuple[Body, ...]
    boxes: Mapping[str, Mapping[int, Box]]  # by camera, then by body; those that were seen


@dataclass(frozen=True, eq=False)
class Scene:
    """An episode of the real VIMA-Bench in our terms."""

    record: Record
    frames: tuple[Frame, ...]
    actions: Floats  # (N, 6)

    @property
    def name(self) -> str:
        """Partition and task."""
        return f"{self.record.partition}/{self.record.task}"

    @property
    def flags(self) -> tuple[tuple[bool, bool], ...]:
        """Success and failure after each action: as recorded, or else nothing until the end."""
        silent = ((False, False),) * (len(self.actions) - 1)
        return self.record.flags or (*silent, (self.record.success is True, self.record.success is False))


def read_scenes(path: Path) -> list[Scene]:
    """All scenes of a file. Raises DataError that names the scene and what is wrong with it."""
    value = read_json(path)
    if not isinstance(value, dict) or not isinstance(value.get("scenes"), list):
        raise DataError(f'{path}: no scenes of VIMA-Bench; expected {{"scenes": [...]}}')
    return [read_scene(scene, f"{path}: scene {k}") for k, scene in enumerate(value["scenes"])]


def read_scene(value: JSON, where: str = "scene") -> Scene:
    """One scene from its JSON. Raises DataError that says where it is not as the layout has it."""
    record = checked(Record, value, where)
    if not record.frames or len(record.actions) >= len(record.frames) + 1:
        raise DataError(f"{where}: {len(record.frames)} frames and {len(record.actions)} actions do not go together")
    try:
        shapes = {thing.id: shape_of(thing.name, thing.size) for thing in record.objects}
        frames = tuple(_frame(rows, record.objects, shapes) for rows in record.frames)
    except (KeyError, SimulatorError) as error:
        raise DataError(f"{where}: it has a thing that the tabletop does not know: {error}") from error
    return Scene(record, frames, _actions(record))


def _actions(record: Record) -> Floats:
    actions = np.zeros((len(record.actions), 6))
    actions[:, (0, 1, 3, 4, 5)] = np.array(record.actions).reshape(-1, 5)
    return actions


def shape_of(name: str, size: Sequence[float]) -> Shape:
    """The shape called `name` whose drawn extents at yaw 0 are `size` (3,) metres; most come in one size only."""
    x, y, z = size
    match name:
        case "container":
            return container(x - 0.002, y - 0.002)
        case "three-sided rectangle":
            return three_sided_rectangle(y - 0.02, x - 0.04)
        case "line":
            return line(x)
        case _:
            shape = sample(name, np.random.default_rng(0))
            tall = z / float(shape.box[1][2] - shape.box[0][2])
            # Only adjectives make things taller or flatter, and then by a factor; the rest is rounding.
            return scaled(shape, (1.0, 1.0, tall)) if shape.loose and abs(tall - 1) > 0.1 else shape


def _frame(rows: Sequence[Row], things: Sequence[Thing], shapes: Mapping[int, Shape]) -> Frame:
    textures = {thing.id: thing.texture for thing in things}
    bodies = []
    for number, x, y, z, yaw, tilt, *_ in rows:
        upright = Body(number, shapes[number], textures[number], x, y, z, yaw)
        bodies.append(_leaned(upright, *tilt) if tilt else upright)
    return Frame(
        tuple(bodies),
        {
            "front": {row[0]: Box(*row[6]) for row in rows if row[6] is not None},
            "top": {row[0]: Box(*row[7]) for row in rows if row[7] is not None},
        },
    )


def _leaned(upright: Body, roll: float, pitch: float) -> Body:
    """A body whose Euler angles are these, turned about x, then y, then by its yaw about z, as we keep its pose."""
    (cr, sr), (cp, sp), (cy, sy) = ((np.cos(angle), np.sin(angle)) for angle in (roll, pitch, upright.yaw))
    frame = np.array([
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ])  # fmt: skip
    x, y, z = frame[:, 2]
    body = replace(upright, lean=float(np.arccos(np.clip(z, -1, 1))), toward=float(np.arctan2(y, x)))
    turned = body.tilt().T @ frame  # we turn a body before we lean it
    return replace(body, yaw=float(np.arctan2(turned[1, 0], turned[0, 0])))


def problem_of(scene: Scene) -> Problem:
    """The tabletop's problem that is this scene before its first action."""
    record = scene.record
    text = record.prompt or " ".join([record.task.replace("_", " "), *(f"{{{slot}}}" for slot in record.assets)])
    pictures = {slot: _picture(asset, record) for slot, asset in record.assets.items()}
    return Problem(text, scene.frames[0].bodies, rule_of(scene), pictures, record.ee)


def _picture(asset: Asset, record: Record) -> Picture:
    bodies = []
    for k, (name, texture, front, top, *more) in enumerate(asset.objects):
        boxes = {view: Box(*box) for view, box in (("front", front), ("top", top)) if box is not None}
        shape = shape_of(name, more[1]) if len(more) > 1 else _pictured(name, texture, boxes, record)
        if asset.kind == "object":
            return Picture("object", portrait(shape, texture))
        pose = more[0] if more else pose_of(shape, boxes)
        bodies.append(Body(FIRST_SCENE_ID + k, shape, texture, *pose))
    return Picture("scene", tuple(bodies))


def _pictured(name: str, texture: str, boxes: Mapping[str, Box], record: Record) -> Shape:
    """The shape called `name` at the size its picture shows it in."""
    if name in ("container", "three-sided rectangle", "line"):
        sizes = {thing.texture: thing.size for thing in record.objects if thing.name == name}
        return shape_of(name, sizes.get(texture, next(iter(sizes.values()), (0.162, 0.162, 0.0465))))
    shape = sample(name, np.random.default_rng(0))
    if name == "small block":
        return scaled(shape, MAGNIFIED)
    if record.task.startswith("novel_adj") and shape.loose and "front" in boxes:
        return shape_of(name, (0.0, 0.0, height_of(shape, PORTRAIT_YAW, boxes["front"])))
    return shape


def rule_of(scene: Scene) -> Rule:
    """How the scene's task is judged, by the rules of the tabletop's own families."""
    return _sweeping(scene) if scene.record.ee == "spatula" else _placing(scene.record, scene.frames[0].bodies)


def _numbers(record: Record, role: Role) -> tuple[int, ...]:
    return tuple(thing.id for thing in record.objects if thing.role == role)


def _sweeping(scene: Scene) -> Sweeping:
    record = scene.record
    bounds, limit = (_only(scene.frames[0].bodies, name) for name in ("three-sided rectangle", "line"))
    targets = _numbers(record, "target")
    asked = {"any": 1, "one": 1, "two": 2, "three": 3}.get(str(record.slots.get("det")), len(targets))
    # Both stand across the table: their model's x runs along the table's y.
    wide, deep = bounds.shape.box[1][0] - 0.02, bounds.shape.box[1][1]
    length = float(limit.shape.box[1][0])
    exceeding = record.task == "sweep_without_exceeding"
    near, far = (limit.x + 0.035, bounds.x + deep + 0.015) if exceeding else (bounds.x - deep, bounds.x + deep)
    zone = Area((float(near), float(-wide)), (float(far), float(wide)))
    line = Area((limit.x - 0.02, limit.y - length), (limit.x + 0.02, limit.y + length))
    return Sweeping(targets, _numbers(record, "distractor"), asked, zone, line)


def _only(bodies: Sequence[Body], name: str) -> Body:
    found = next((body for body in bodies if body.shape.name == name), None)
    if found is None:
        raise DataError(f"a scene to sweep in has no {name}")
    return found


def _placing(record: Record, bodies: Sequence[Body]) -> Placing:
    turned, near = record.task in ("rotate", "twist"), _near(record.task, bodies)
    goals: list[Goal] = []
    spare: list[Goal] = []
    for wish in record.goals:
        x, y, _, yaw = wish.target
        (spare if wish.oracle_only else goals).append(Goal(wish.obj, x, y, yaw, turned, near))
    return Placing(
        tuple(_staged(record.task, goals)),
        _numbers(record, "distractor"),
        ordered=record.task in ("follow_order", "follow_motion"),
        patient=record.task in ("rearrange", "rearrange_then_restore"),
        aside=spare[0] if spare else None,
    )


def _staged(task: str, goals: Sequence[Goal]) -> Sequence[Goal]:
    """The goals with what must come after what."""
    match task:
        case "rearrange_then_restore":  # everything to its place, then everything back
            return [replace(goal, stage=2 * k // len(goals)) for k, goal in enumerate(goals)]
        case "manipulate_old_neighbor":
            return [replace(goal, stage=k, in_turn=k > 0) for k, goal in enumerate(goals)]
        case "pick_in_order_then_restore":  # the last is where it begins
            return [replace(goal, stage=k, in_turn=k < len(goals) - 1) for k, goal in enumerate(goals)]
        case _:
            return goals


def _near(task: str, bodies: Sequence[Body]) -> float:
    """How near a goal counts as there, in metres."""
    if task in ("twist", "pick_in_order_then_restore"):
        return 0.05
    if task in ("same_shape", "same_texture"):
        return 0.0875 if any(body.shape.name == "bowl" for body in bodies) else 0.125
    return NEAR


def expert_action(scene: Scene, rng: np.random.Generator) -> Floats:
    """What the tabletop's expert does next, (6,), on the table as the last frame has it.

    Raises SimulatorError where the episode is over or what it wants cannot be seen from above.
    """
    rule = rule_of(scene)
    rule.begin(scene.frames[0].bodies)
    for frame in scene.frames[1:]:
        rule.judge(frame.bodies, {})
    now = scene.frames[-1].bodies
    advice = rule.advise(now, rng)
    if advice is None:
        raise SimulatorError("the episode is over; the expert has nothing left to do")
    return action_of(advice, now, rng)
