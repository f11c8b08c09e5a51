"""What is seen: what was not asked for is None."""

from typing import Any


class Observation:
    def __init__(self, misc: dict[str, Any], **seen: Any) -> None:
        for name in ("left_shoulder", "right_shoulder", "overhead", "wrist", "front"):
            for kind in ("rgb", "depth", "mask", "point_cloud"):
                setattr(self, f"{name}_{kind}", seen.pop(f"{name}_{kind}", None))
        for name in ("joint_velocities", "joint_positions", "joint_forces", "gripper_open", "gripper_pose"):
            setattr(self, name, seen.pop(name, None))
        assert not seen
        self.misc = misc
