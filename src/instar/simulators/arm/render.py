"""Pictures by OpenGL: one context for each thread and size of picture, whatever the scene."""

import atexit
import contextlib
import threading
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from instar.demo import Pixels
from instar.errors import SimulatorError
from instar.robot import Floats
from instar.simulators.arm import skeleton
from instar.simulators.arm.engine import Data, Model, mujoco, remedy, require_drawing

GEOMS: Final = 400  # that a scene may have
_HERE: Final = threading.local()  # a context belongs to the thread that made it
_FAILURES: Final[list[str]] = []
_SHADOW: Final = (0.055, 0.055, 0.0005)  # of the hand on the table: half its sides


@dataclass(frozen=True)
class Painter:
    """What OpenGL needs to draw pictures of one size."""

    height: int
    width: int
    context: Any  # of OpenGL: mujoco.GLContext
    canvas: Any  # mujoco.MjrContext
    scene: Any  # mujoco.MjvScene

    @classmethod
    def made(cls, height: int, width: int) -> "Painter":
        """A new one, current in this thread. Raises SimulatorError that says what to install where it cannot be."""
        mj = mujoco()
        require_drawing()
        if _FAILURES:  # a library that has failed once is not asked again: some end the process then
            raise SimulatorError(_FAILURES[0])
        sheet = mj.MjModel.from_xml_string(
            f'<mujoco><visual><global offwidth="{width}" offheight="{height}"/>'
            '<quality shadowsize="0" offsamples="0" numslices="20" numstacks="10"/></visual><worldbody/></mujoco>'
        )
        try:
            context = mj.GLContext(width, height)
            context.make_current()
            canvas = mj.MjrContext(sheet, int(mj.mjtFontScale.mjFONTSCALE_50))
        except Exception as error:  # each library has exceptions of its own
            what = f"{type(error).__name__}: {error}"
            _FAILURES.append(f"MuJoCo cannot draw pictures here ({what}). {remedy()}")
            raise SimulatorError(_FAILURES[0]) from error
        mj.mjr_setBuffer(int(mj.mjtFramebuffer.mjFB_OFFSCREEN), canvas)
        return cls(height, width, context, canvas, mj.MjvScene(sheet, GEOMS))

    def rgb(self, model: Model, data: Data, camera: str) -> Pixels:
        """The picture (H, W, 3), with the hand's shadow on the table."""
        self._set(model, data, camera)
        self._cast(model, data)
        return self._read()

    def geoms(self, model: Model, data: Data, camera: str, group: int | None = None) -> NDArray[np.int64]:
        """Which geom every pixel shows (H, W), -1 where there is none; of one `group` alone where it is given."""
        mj = mujoco()
        self._set(model, data, camera, group)
        flags = [int(mj.mjtRndFlag.mjRND_SEGMENT), int(mj.mjtRndFlag.mjRND_IDCOLOR)]
        self.scene.flags[flags] = 1
        seen = self._read().astype(np.int64)
        self.scene.flags[flags] = 0
        numbers = seen[..., 0] + 256 * seen[..., 1] + 65536 * seen[..., 2]
        table = np.full(int(self.scene.ngeom) + 1, -1, np.int64)
        for geom in self.scene.geoms[: int(self.scene.ngeom)]:
            if geom.segid >= 0 and geom.objtype == int(mj.mjtObj.mjOBJ_GEOM):
                table[geom.segid + 1] = geom.objid
        return np.asarray(table[numbers])

    def close(self) -> None:
        """Give everything back to the library."""
        with contextlib.suppress(Exception):
            self.context.make_current()
            self.canvas.free()
            self.context.free()

    def _set(self, model: Model, data: Data, camera: str, group: int | None = None) -> None:
        mj = mujoco()
        self.context.make_current()
        option, view = _option(group), mj.MjvCamera()
        view.type = int(mj.mjtCamera.mjCAMERA_FIXED)
        view.fixedcamid = mj.mj_name2id(model, int(mj.mjtObj.mjOBJ_CAMERA), camera)
        mj.mjv_updateScene(model, data, option, None, view, int(mj.mjtCatBit.mjCAT_ALL), self.scene)

    def _cast(self, model: Model, data: Data) -> None:
        """Lay a dark disc under the hand: it shows how high that is, for the price of one geom."""
        mj = mujoco()
        site = mj.mj_name2id(model, int(mj.mjtObj.mjOBJ_SITE), skeleton.GRIP)
        place: Floats = np.array([*data.site_xpos[site][:2], 0.0015])
        disc = self.scene.geoms[int(self.scene.ngeom)]
        kind, size, color = (
            int(mj.mjtGeom.mjGEOM_ELLIPSOID),
            np.array(_SHADOW),
            np.array([0.0, 0.0, 0.0, 0.3], np.float32),
        )
        mj.mjv_initGeom(disc, kind, size, place, np.eye(3).ravel(), color)
        disc.specular = 0.0
        self.scene.ngeom += 1

    def _read(self) -> Pixels:
        mj = mujoco()
        frame, pixels = mj.MjrRect(0, 0, self.width, self.height), np.empty((self.height, self.width, 3), np.uint8)
        mj.mjr_render(frame, self.scene, self.canvas)
        mj.mjr_readPixels(pixels, None, frame, self.canvas)
        return np.ascontiguousarray(pixels[::-1])


def painter(height: int, width: int) -> Painter:
    """What draws pictures of a size in this thread. Raises SimulatorError where nothing can be drawn."""
    mine: dict[tuple[int, int], Painter] = _HERE.__dict__.setdefault("painters", {})
    if (height, width) not in mine:
        mine[height, width] = Painter.made(height, width)
        atexit.register(mine[height, width].close)
    return mine[height, width]


def _option(group: int | None) -> Any:
    """Which groups of geoms are drawn: those that MuJoCo draws unless told otherwise, or one alone."""
    option = mujoco().MjvOption()
    if group is not None:
        option.geomgroup[:] = 0
        option.geomgroup[group] = 1
    return option
