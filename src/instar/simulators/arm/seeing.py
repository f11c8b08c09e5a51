"""What the cameras see at one moment, drawn when somebody looks: an episode that nobody looks at costs no picture."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.demo import Box, ByCamera, Image, Pixels, SceneObject
from instar.robot import Camera
from instar.simulators.arm.cameras import fovy
from instar.simulators.arm.engine import Data, Model, mujoco
from instar.simulators.arm.render import painter
from instar.simulators.arm.world import Look, World

_TURN: Final = threading.Lock()  # a model holds the place and the colours of what is being drawn


class Studio:
    """Where moments of one episode are drawn: a copy of its world that stands still."""

    def __init__(self, world: World, cameras: tuple[Camera, ...]) -> None:
        """Pictures of what is in `world`, as large as `cameras` say."""
        self._model: Model = world.model
        self._data: Data = mujoco().MjData(world.model)
        self._owners = np.zeros(int(world.model.ngeom) + 1, np.uint8)  # the last one is of pixels without a geom
        for geom, owner in world.owners.items():
            self._owners[geom] = owner
        self.things = world.things
        self.cameras = {camera.name: camera for camera in cameras}
        for name, camera in self.cameras.items():
            number = int(mujoco().mj_name2id(self._model, int(mujoco().mjtObj.mjOBJ_CAMERA), name))
            self._model.cam_fovy[number] = fovy(name, camera.height, camera.width)

    def picture(self, look: Look, name: str) -> Pixels:
        """RGB (H, W, 3) through a camera."""
        camera = self.cameras[name]
        with _TURN:
            self._set(look)
            return painter(camera.height, camera.width).rgb(self._model, self._data, name)

    def geoms(self, look: Look, name: str, group: int | None = None) -> NDArray[np.int64]:
        """Which geom each pixel shows (H, W), -1 where there is none; of one group alone where it is given."""
        camera = self.cameras[name]
        with _TURN:
            self._set(look)
            return painter(camera.height, camera.width).geoms(self._model, self._data, name, group)

    def ids(self, look: Look, name: str) -> NDArray[np.uint8]:
        """Which thing each pixel shows (H, W): its number, counted from one; 0 where it is none."""
        return np.asarray(self._owners[self.geoms(look, name)])

    def _set(self, look: Look) -> None:
        mj = mujoco()
        self._data.qpos[:] = look.joints
        self._model.geom_rgba[:] = look.colors
        mj.mj_kinematics(self._model, self._data)
        mj.mj_comPos(self._model, self._data)
        mj.mj_camlight(self._model, self._data)


@dataclass(frozen=True, eq=False)
class Seen:
    """One look at a world that has moved on since."""

    studio: Studio
    look: Look
    _ids: dict[str, NDArray[np.uint8]] = field(default_factory=dict, init=False, repr=False)

    @property
    def images(self) -> Mapping[str, Image]:
        """RGB by camera."""
        return ByCamera(self.studio.cameras, lambda camera: Image.of(self.studio.picture(self.look, camera)))

    @property
    def segmentation(self) -> Mapping[str, NDArray[np.uint8]]:
        """The things' numbers (H, W) by camera, read-only."""
        return ByCamera(self.studio.cameras, self._shown)

    @property
    def objects(self) -> tuple[SceneObject, ...]:
        """The things, with the box of their visible pixels in each camera that sees them."""
        return tuple(
            SceneObject(number, thing.shape, thing.color, self._boxes(number))
            for number, thing in enumerate(self.studio.things, start=1)
        )

    def _boxes(self, number: int) -> Mapping[str, Box]:
        return ByCamera(self.studio.cameras, lambda camera: box_of(self._shown(camera) == number), partial=True)

    def _shown(self, camera: str) -> NDArray[np.uint8]:
        if camera not in self._ids:
            ids = self.studio.ids(self.look, camera)
            ids.flags.writeable = False
            self._ids[camera] = ids
        return self._ids[camera]


def box_of(mask: NDArray[np.bool_]) -> Box | None:
    """The extent of the pixels in `mask`, or None where there are none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1]))
