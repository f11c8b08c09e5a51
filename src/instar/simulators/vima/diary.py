"""What happened in an episode, pose by pose: a scene as `instar.simulators.tabletop.scenes` lays it out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from instar.demo import Instruction, Observation, SceneObject
from instar.robot import Floats
from instar.simulator import Task
from instar.simulators.vima.partitions import PARTITIONS

UPRIGHT: Final = 0.01  # radians; a thing that leans less stands


@dataclass
class Diary:
    """The frames and actions of the episode in play."""

    task: Task
    instruction: Instruction
    tool: str = "suction"
    frames: list[list[list[Any]]] = field(default_factory=list)
    actions: list[list[float]] = field(default_factory=list)
    flags: list[list[bool]] = field(default_factory=list)

    def note(self, observation: Observation, told: Mapping[str, Any], action: Floats | None = None) -> None:
        """Add a frame, and the action (6,) that led to it."""
        things = {thing.id: thing for thing in observation.objects}
        self.frames.append([_row(pose, things[int(pose[0])]) for pose in told["poses"]])
        self.tool = "spatula" if told["ee"] else "suction"
        if action is not None:
            start_x, start_y, start_yaw, end_x, end_y, end_yaw = (float(part) for part in action)
            self.actions.append([start_x, start_y, end_x, end_y, end_yaw - start_yaw])
            self.flags.append([bool(told["success"]), bool(told["failure"])])

    def scene(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """The scene so far; `about` is what the benchmark says of its objects and goals."""
        return {
            "task": self.task.name,
            "partition": PARTITIONS[self.task.suite],
            "ee": self.tool,
            "max_steps": about["max_steps"],
            "slots": about["slots"],
            "prompt": self.instruction.text,
            "objects": about["objects"],
            "goals": about["goals"],
            "frames": [list(frame) for frame in self.frames],
            "actions": [list(action) for action in self.actions],
            "assets": {slot: _asset(one.kind, one.objects) for slot, one in self.instruction.references.items()},
            "flags": [list(flags) for flags in self.flags],
        }


def _row(pose: Sequence[float], thing: SceneObject) -> list[Any]:
    id, x, y, z, roll, pitch, yaw = pose
    lean = [roll, pitch] if max(abs(roll), abs(pitch)) > UPRIGHT else 0
    return [int(id), x, y, z, yaw, lean, *_boxes(thing)]


def _asset(kind: str, things: Sequence[SceneObject]) -> dict[str, Any]:
    return {"kind": kind, "objects": [[thing.shape, thing.texture, *_boxes(thing)] for thing in things]}


def _boxes(thing: SceneObject) -> list[list[int] | None]:
    found = (thing.boxes.get(camera) for camera in ("front", "top"))
    return [None if box is None else [box.left, box.top, box.right, box.bottom] for box in found]
