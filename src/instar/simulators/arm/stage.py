"""The whole scene as one document of MuJoCo's XML: table, light, cameras, the arm and what stands there."""

from collections.abc import Sequence
from typing import Final

from instar.simulators.arm import skeleton
from instar.simulators.arm.cameras import FRONT_PLACE, front_axes
from instar.simulators.arm.things import Thing

TABLE: Final = ((-0.25, 0.95), (-0.6, 0.6))  # metres: x from, to; y from, to

# What is fixed, and what slides in it, touches loose things and fingers, but not each other.
_CLASSES: Final = (
    '<default class="body"><geom density="500" conaffinity="3" friction="1 0.01 0.001"/>'
    '<default class="thing"/>'
    '<default class="slippery"><geom friction="0.35 0.005 0.0001" priority="1"/></default>'
    '<default class="fixed"><geom contype="0"/></default>'
    '<default class="paint"><geom contype="0" conaffinity="0" mass="0"/></default></default>'
)
# Shadows would be nearly all of the cost of a picture; so are several samples for each pixel.
_SIGHT: Final = (
    '<visual><quality shadowsize="0" offsamples="0"/><map znear="0.01" zfar="10"/>'
    '<headlight ambient="0.42 0.42 0.42" diffuse="0.22 0.22 0.22" specular="0 0 0"/></visual>'
    '<statistic extent="1" center="0.4 0 0.1"/>'
)
_LIGHTS: Final = (
    '<light directional="true" castshadow="false" dir="-0.35 0.45 -0.8" diffuse="0.5 0.5 0.5" specular="0 0 0"/>'
    '<light directional="true" castshadow="false" dir="-0.5 -0.6 -0.4" diffuse="0.16 0.16 0.16" specular="0 0 0"/>'
)


def document(things: Sequence[Thing]) -> str:
    """The scene with `things` in it."""
    welds = "".join(
        f'<weld name="hold {thing.name}" body1="{skeleton.HAND}" body2="{thing.name}" active="false" '
        'solref="0.012 1" solimp="0.95 0.99 0.001"/>'
        for thing in things
        if thing.grips
    )
    rules = "".join(thing.rules for thing in things)
    return (
        '<mujoco model="arm"><compiler angle="radian" autolimits="true"/><size memory="4M"/>'
        '<option timestep="0.004" integrator="implicitfast" impratio="3"/>'
        f"{_SIGHT}<default>{skeleton.defaults()}{_CLASSES}</default>"
        f"<worldbody>{_LIGHTS}{_front()}{skeleton.body()}{_table()}{''.join(thing.xml for thing in things)}</worldbody>"
        f"<equality>{skeleton.couplings()}{welds}{rules}</equality>"
        f"<actuator>{skeleton.drives()}</actuator></mujoco>"
    )


def _front() -> str:
    place, axes = (" ".join(f"{value:.9g}" for value in row) for row in (FRONT_PLACE, front_axes()))
    return f'<camera name="front" pos="{place}" xyaxes="{axes}"/>'


def _table() -> str:
    (back, near), (left, right) = TABLE
    x, y = (back + near) / 2, (left + right) / 2
    half = f"{(near - back) / 2} {(right - left) / 2}"
    return (
        f'<geom name="table" type="box" pos="{x} {y} -0.02" size="{half} 0.02" rgba="0.66 0.64 0.60 1" class="fixed"/>'
        f'<geom name="floor" class="paint" type="box" pos="0 0 -0.72" size="5 5 0.02" rgba="0.35 0.37 0.4 1"/>'
    )
