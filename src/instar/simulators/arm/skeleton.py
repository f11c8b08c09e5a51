"""The arm in MuJoCo's XML: Panda's joints where they are, drawn with capsules and boxes of ours.

Lengths are the Denavit-Hartenberg parameters of Franka Emika's own documentation; masses are rough, because gravity is
compensated. Links pass through things: only the hand and the fingers touch.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.embodiments.panda import JOINTS, JOINTS_HIGH, JOINTS_LOW

TCP: Final = 0.1034  # metres from the hand's frame to the point between the fingertips
TIP: Final = 0.009  # metres that the fingertips reach beyond it
OPENING: Final = 0.08  # metres between the fingers when open
SLACK: Final = 0.001  # metres that a finger could go further, so that it does not tremble at its limit
# The hand 25 cm above the table and 42 cm in front of the base, pointing down, closing from left and right.
HOME: Final = (0.0, -0.2754, 0.0, -2.5895, 0.0, 2.3141, 0.7854)

FINGERS: Final = ("finger_left", "finger_right")
HAND: Final = "hand"
GRIP: Final = "grip"  # the site between the fingertips
MARK: Final = "mark"  # a ball there that cameras do not see, unless somebody asks for its group
MARK_GROUP: Final = 5

_WHITE: Final = "0.78 0.78 0.80 1"
_GRAY: Final = "0.55 0.57 0.6 1"
_DARK: Final = "0.16 0.17 0.2 1"


@dataclass(frozen=True)
class _Link:
    """A link: where its joint is in the frame of the one before, and what is seen of it."""

    place: tuple[float, float, float]
    turn: float  # about x, radians
    mass: float
    capsules: tuple[str, ...]  # from-to and radius, in its own frame
    color: str = _WHITE


_LINKS: Final = (
    _Link((0, 0, 0.333), 0.0, 3.0, ("0 0 -0.2 0 0 -0.03 0.062",)),
    _Link((0, 0, 0), -np.pi / 2, 3.0, ("0 0 -0.055 0 0 0.055 0.062", "0 -0.02 0 0 -0.2 0 0.056")),
    _Link((0, -0.316, 0), np.pi / 2, 2.5, ("0 0 -0.1 0 0 0 0.054", "0 0 0 0.0825 0 0 0.05")),
    _Link((0.0825, 0, 0), np.pi / 2, 2.5, ("0 0 -0.05 0 0 0.05 0.054", "0 0 0 -0.0825 0.1 0 0.05")),
    _Link((-0.0825, 0.384, 0), -np.pi / 2, 2.0, ("0 0 -0.27 0 0 -0.05 0.05", "0 0.02 -0.1 0 0.03 0 0.042")),
    _Link((0, 0, 0), np.pi / 2, 1.5, ("0 0 -0.05 0 0 0.02 0.048", "0 0 0 0.088 0 0 0.044")),
    _Link((0.088, 0, 0), np.pi / 2, 0.7, ("0 0 0.02 0 0 0.085 0.04",), _GRAY),
)
# Stiffness and damping of the joints' drives; the torques are Franka's limits.
_DRIVES: Final = (*((6000.0, 300.0, 87.0),) * 4, *((3000.0, 150.0, 12.0),) * 3)


def body() -> str:
    """The arm as a body of the world, its base in the origin."""
    text = _hand()
    links = list(zip(JOINTS, JOINTS_LOW, JOINTS_HIGH, _LINKS, _DRIVES, strict=True))
    for name, low, high, link, (_, _, most) in reversed(links):
        seen = "".join(
            f'<geom type="capsule" class="link" {_capsule(one)} rgba="{link.color}"/>' for one in link.capsules
        )
        text = (
            f'<body name="link_{name}" pos="{_row(link.place)}" quat="{_row(_about_x(link.turn))}" gravcomp="1">'
            f'<inertial pos="0 0 0" mass="{link.mass}" diaginertia="0.03 0.03 0.03"/>'
            f'<joint name="{name}" axis="0 0 1" range="{low} {high}" armature="0.1" '
            f'actuatorfrcrange="-{most} {most}"/>{seen}{text}</body>'
        )
    base = f'<geom type="cylinder" class="link" fromto="0 0 0 0 0 0.13" size="0.075" rgba="{_WHITE}"/>'
    return f'<body name="base">{base}{text}</body>'


def _hand() -> str:
    fingers = "".join(
        f'<body name="{name}" pos="0 0 0.0584" gravcomp="1">'
        '<inertial pos="0 0 0.03" mass="0.05" diaginertia="2e-5 2e-5 2e-5"/>'
        f'<joint name="{name}" type="slide" axis="0 {sign} 0" range="{-SLACK} {OPENING / 2 + SLACK}" '
        'damping="5" armature="0.05"/>'
        f'<geom name="{name}" class="touch" type="box" pos="0 {sign * 0.007} 0.027" size="0.011 0.007 0.027" '
        f'rgba="{_DARK}" friction="1.5 0.01 0.001"/></body>'
        for name, sign in zip(FINGERS, (1, -1), strict=True)
    )
    return (
        f'<body name="{HAND}" pos="0 0 0.107" quat="{_row(_about_z(-np.pi / 4))}" gravcomp="1">'
        '<inertial pos="0 0 0.04" mass="0.6" diaginertia="0.002 0.002 0.002"/>'
        f'<geom class="touch" type="box" pos="0 0 0.033" size="0.026 0.085 0.025" rgba="{_WHITE}"/>'
        f'<geom class="link" type="box" pos="0 0 0.004" size="0.03 0.045 0.012" rgba="{_DARK}"/>'
        f'<site name="{GRIP}" pos="0 0 {TCP}" group="{MARK_GROUP}"/>'
        f'<geom name="{MARK}" class="link" type="sphere" pos="0 0 {TCP}" size="0.008" group="{MARK_GROUP}"/>'
        '<camera name="wrist" pos="0.075 0 0.01" xyaxes="0 1 0 0.98 0 0.2" fovy="45"/>'
        f"{fingers}</body>"
    )


def defaults() -> str:
    """What links and fingers have in common: links touch nothing, fingers touch things but not each other."""
    return (
        '<default class="link"><geom contype="0" conaffinity="0" mass="0"/></default>'
        '<default class="touch"><geom contype="2" conaffinity="1" mass="0"/></default>'
    )


def drives() -> str:
    """Actuators: of every joint its place and its speed, in this order, then the two fingers."""
    arm = "".join(f'<position joint="{name}" kp="{kp}"/>' for name, (kp, _, _) in zip(JOINTS, _DRIVES, strict=True))
    speeds = "".join(f'<velocity joint="{name}" kv="{kv}"/>' for name, (_, kv, _) in zip(JOINTS, _DRIVES, strict=True))
    fingers = "".join(f'<position joint="{name}" kp="600" kv="20" forcerange="-15 15"/>' for name in FINGERS)
    return arm + speeds + fingers


def couplings() -> str:
    """Equalities: the fingers move as one."""
    left, right = FINGERS
    return f'<joint joint1="{left}" joint2="{right}" polycoef="0 1 0 0 0" solref="0.02 1"/>'


def _capsule(text: str) -> str:
    *ends, radius = text.split()
    return f'fromto="{" ".join(ends)}" size="{radius}"'


def _row(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.9g}" for value in values)


def _about_x(turn: float) -> tuple[float, ...]:
    return (float(np.cos(turn / 2)), float(np.sin(turn / 2)), 0.0, 0.0)


def _about_z(turn: float) -> tuple[float, ...]:
    return (float(np.cos(turn / 2)), 0.0, 0.0, float(np.sin(turn / 2)))
