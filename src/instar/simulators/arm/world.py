"""The world at work: physics from one step of control to the next, and a hand that holds what it closes on.

As in RLBench, things are held by being attached: when both fingers touch a thing that can be held, it is welded to the
hand as it lies there, and let go when the hand opens. Friction alone would need far shorter steps of physics.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.embodiments.panda import JOINTS
from instar.errors import SimulatorError
from instar.robot import Floats
from instar.simulators.arm import skeleton
from instar.simulators.arm.engine import Data, Model, mujoco
from instar.simulators.arm.kinematics import Pose
from instar.simulators.arm.stage import document
from instar.simulators.arm.things import Thing

TICK: Final = 0.004  # seconds of one step of physics
SETTLING: Final = 0.2  # seconds before an episode begins
_FELT: Final = 5  # ticks after which the fingers are asked what they touch
_FINGER: Final = len(JOINTS)  # where the fingers' joints begin
_RESTING: Final = 0.02  # metres a second of fingers that have arrived
_OPEN: Final = skeleton.OPENING / 2

Colors = NDArray[np.float32]  # (geoms, 4) red, green, blue and opacity, 0 to 1


@dataclass(frozen=True, eq=False)
class Look:
    """All that a picture depends on, at one moment."""

    joints: Floats  # of the whole model
    colors: Colors


class World:
    """The arm and some things on a table, in MuJoCo."""

    def __init__(self, things: Sequence[Thing]) -> None:
        """Everything where it belongs and at rest, the hand at home and open."""
        mj = mujoco()
        self.things = tuple(things)
        self.model: Model = mj.MjModel.from_xml_string(document(things))
        self._data: Data = mj.MjData(self.model)
        self._colors: Colors = np.array(self.model.geom_rgba, dtype=np.float32)
        self._site = self._id("SITE", skeleton.GRIP)
        self._hand = self._id("BODY", skeleton.HAND)
        self._fingers = [self._id("GEOM", name) for name in skeleton.FINGERS]
        self._grips = {
            self._id("GEOM", grip): thing.name for thing in things for grip in thing.grips
        }  # by geom that can be held: the body that it belongs to
        self.held = ""  # the body that the hand holds
        self.opened = True  # whether the hand was last told to open
        self._data.qpos[: len(JOINTS)] = skeleton.HOME
        self._data.qpos[_FINGER : _FINGER + 2] = _OPEN
        mj.mj_forward(self.model, self._data)
        self.move(np.array(skeleton.HOME), opened=True, seconds=SETTLING)

    @property
    def joints(self) -> Floats:
        """Where the arm's joints are, (7,) radians."""
        return np.array(self._data.qpos[: len(JOINTS)], np.float64)

    @property
    def hand(self) -> Pose:
        """Where the hand is."""
        turn = np.array(self._data.site_xmat[self._site], np.float64).reshape(3, 3)
        return Pose(np.array(self._data.site_xpos[self._site], np.float64), turn)

    @property
    def grasping(self) -> bool:
        """Whether the fingers are on their way, apart or together."""
        return bool(np.abs(self._data.qvel[_FINGER : _FINGER + 2]).max() > _RESTING)

    @property
    def look(self) -> Look:
        """What there is to see now."""
        return Look(np.array(self._data.qpos, np.float64), self._colors.copy())

    def place(self, body: str) -> Floats:
        """Where a body is, (3,) metres."""
        return np.array(self._data.xpos[self._id("BODY", body)], np.float64)

    def turn(self, body: str) -> Floats:
        """How a body is turned, (3, 3): its own axes to the base's."""
        return np.array(self._data.xmat[self._id("BODY", body)], np.float64).reshape(3, 3)

    def yaw(self, body: str) -> float:
        """By how much a body is turned about the vertical, radians."""
        turn = self.turn(body)
        return float(np.arctan2(turn[1, 0], turn[0, 0]))

    def shift(self, joint: str) -> float:
        """How far a slide has moved, metres."""
        return float(self._data.qpos[self.model.jnt_qposadr[self._id("JOINT", joint)]])

    def speed(self, body: str) -> float:
        """How fast a loose body moves, metres a second."""
        start = int(self.model.body_dofadr[self._id("BODY", body)])
        return float(np.linalg.norm(self._data.qvel[start : start + 3]))

    def latch(self, equality: str) -> None:
        """From now on an equality of the model holds."""
        self._data.eq_active[self._id("EQUALITY", equality)] = 1

    def paint(self, geom: str, color: tuple[float, float, float, float]) -> None:
        """Give a geom another colour."""
        self._colors[self._id("GEOM", geom)] = color

    def move(self, joints: Floats, *, opened: bool, seconds: float) -> None:
        """Bring the arm to `joints` (7,) at an even pace, and the fingers apart or together.

        Raises SimulatorError where the physics has become unstable.
        """
        mj, data, start = mujoco(), self._data, self.joints
        ticks = max(1, round(seconds / TICK))
        if opened and not self.opened:
            self._let_go()
        self.opened = opened
        data.ctrl[14:16] = _OPEN if opened else 0.0
        data.ctrl[7:14] = (joints - start) / (ticks * TICK)
        for tick in range(ticks):
            data.ctrl[:7] = start + (joints - start) * (tick / ticks)
            mj.mj_step(self.model, data)
            if not opened and not self.held and tick % _FELT == 0:
                self._hold_what_is_touched()
        mj.mj_forward(self.model, data)
        if not np.isfinite(data.qpos).all() or data.warning[int(mj.mjtWarning.mjWARN_BADQACC)].number:
            raise SimulatorError("the physics of the arm became unstable; please report task, seed and actions")

    def _hold_what_is_touched(self) -> None:
        """Hold the thing between the fingers, if both touch it."""
        pairs = np.array(self._data.contact.geom).reshape(-1, 2)
        touched = [self._touched(pairs, finger) for finger in self._fingers]
        both = sorted(touched[0] & touched[1])
        if both:
            self._hold(both[0])

    def _touched(self, pairs: NDArray[np.int32], finger: int) -> set[str]:
        others = np.concatenate([pairs[pairs[:, 0] == finger, 1], pairs[pairs[:, 1] == finger, 0]])
        return {self._grips[int(geom)] for geom in others if int(geom) in self._grips}

    def _hold(self, body: str) -> None:
        """Weld a body to the hand as it lies now."""
        mj, data, equality = mujoco(), self._data, self._id("EQUALITY", f"hold {body}")
        number = self._id("BODY", body)
        back, place, turn = np.zeros(4), np.zeros(3), np.zeros(4)
        mj.mju_negQuat(back, data.xquat[self._hand])
        mj.mju_rotVecQuat(place, data.xpos[number] - data.xpos[self._hand], back)
        mj.mju_mulQuat(turn, back, data.xquat[number])
        # MuJoCo's layout of a weld: a point of the second body, that point and the turn as the first body sees them.
        self.model.eq_data[equality][:10] = [0.0, 0.0, 0.0, *place, *turn]
        data.eq_active[equality] = 1
        self.held = body

    def _let_go(self) -> None:
        if self.held:
            self._data.eq_active[self._id("EQUALITY", f"hold {self.held}")] = 0
            self.held = ""

    def _id(self, kind: str, name: str) -> int:
        mj = mujoco()
        number = int(mj.mj_name2id(self.model, int(getattr(mj.mjtObj, f"mjOBJ_{kind}")), name))
        assert number >= 0, f"no {kind.lower()} {name!r}"
        return number

    @property
    def owners(self) -> Mapping[int, int]:
        """By geom: the number of the thing that it is a part of, counted from one; other geoms are left out."""
        bodies = {self._id("BODY", thing.name): number for number, thing in enumerate(self.things, start=1)}
        found = {}
        for geom in range(int(self.model.ngeom)):
            body = int(self.model.geom_bodyid[geom])
            while body and body not in bodies:
                body = int(self.model.body_parentid[body])
            if body:
                found[geom] = bodies[body]
        return found
