"""What is to be seen."""

from pyrep.const import RenderMode


class CameraConfig:
    def __init__(
        self,
        *,
        rgb: bool = True,
        depth: bool = True,
        point_cloud: bool = True,
        mask: bool = True,
        image_size: tuple[int, int] = (128, 128),
        render_mode: RenderMode = RenderMode.OPENGL3,
    ) -> None:
        self.rgb, self.depth, self.point_cloud, self.mask = rgb, depth, point_cloud, mask
        self.image_size, self.render_mode = image_size, render_mode

    def set_all(self, value: object) -> None:
        self.rgb = self.depth = self.point_cloud = self.mask = bool(value)


class ObservationConfig:
    def __init__(
        self,
        left_shoulder_camera: CameraConfig | None = None,
        right_shoulder_camera: CameraConfig | None = None,
        overhead_camera: CameraConfig | None = None,
        wrist_camera: CameraConfig | None = None,
        front_camera: CameraConfig | None = None,
    ) -> None:
        self.left_shoulder_camera = left_shoulder_camera or CameraConfig()
        self.right_shoulder_camera = right_shoulder_camera or CameraConfig()
        self.overhead_camera = overhead_camera or CameraConfig()
        self.wrist_camera = wrist_camera or CameraConfig()
        self.front_camera = front_camera or CameraConfig()
        self.set_all_low_dim(True)

    def set_all_low_dim(self, value: object) -> None:
        self.joint_velocities = self.joint_positions = self.joint_forces = bool(value)
        self.gripper_open = self.gripper_pose = self.gripper_matrix = bool(value)
        self.gripper_joint_positions = self.gripper_touch_forces = bool(value)
        self.wrist_camera_matrix = self.task_low_dim_state = bool(value)
