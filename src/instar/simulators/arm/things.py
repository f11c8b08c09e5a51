"""What stands on the table, in MuJoCo's XML: blocks, buttons, a cabinet with drawers, a broom, a hook and others.

Every thing stands on the table at z = 0; sizes are in metres.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.simulators.arm.palette import rgba

DRAWERS: Final = ("bottom", "middle", "top")  # upward
STEEL: Final = "0.25 0.27 0.3 1"
WOOD: Final = "0.55 0.38 0.22 1"
LIT: Final = (1.0, 1.0, 0.85, 1.0)  # a button's lamp

Spot = tuple[float, float, float]  # x, y and the turn about the vertical


@dataclass(frozen=True)
class Thing:
    """A body of the world, and what people call it."""

    name: str  # of its body
    shape: str  # "block"
    color: str = ""  # "red"
    xml: str = ""  # of the body; empty where another thing's has it
    rules: str = ""  # equalities that are not in force at first
    grips: tuple[str, ...] = ()  # geoms by which it can be held
    loose: bool = False  # whether it may lie anywhere

    @property
    def called(self) -> str:
        """Colour and shape."""
        return f"{self.color} {self.shape}" if self.color else self.shape


def block(name: str, color: str, half: float, spot: Spot, *, gripped: bool = True) -> Thing:
    """A cube that can be held."""
    xml = _loose(name, spot, half, _box(name, (half, half, half), (0, 0, 0), rgba(color), "thing"))
    return Thing(name, "block", color, xml, grips=(name,) if gripped else (), loose=True)


def slab(name: str, color: str, half: tuple[float, float, float], spot: Spot) -> Thing:
    """A block that is too wide to be held."""
    xml = _loose(name, spot, half[2], _box(name, half, (0, 0, 0), rgba(color), "slippery"))
    return Thing(name, "block", color, xml, loose=True)


def crumb(name: str, half: float, spot: Spot) -> Thing:
    """A bit of dirt."""
    xml = _loose(name, spot, half, _box(name, (half, half, half), (0, 0, 0), "0.2 0.14 0.09 1", "slippery"))
    return Thing(name, "dirt", "", xml, loose=True)


def patch(name: str, color: str, half: float, spot: Spot) -> Thing:
    """A square painted on the table."""
    xml = _fixed(name, spot, _box(name, (half, half, 0.001), (0, 0, 0), rgba(color), "paint"))
    return Thing(name, "target", color, xml)


def ball(name: str, place: tuple[float, float, float], radius: float) -> Thing:
    """A ball in the air that nothing touches."""
    x, y, z = place
    xml = (
        f'<body name="{name}" pos="{x} {y} {z}"><geom name="{name}" class="paint" type="sphere" size="{radius}" '
        'rgba="1 1 1 0.55"/></body>'
    )
    return Thing(name, "ball", "white", xml)


def button(name: str, color: str, size: float, spot: Spot) -> Thing:
    """A button with a lamp around it; once pressed down it can be latched there (`latch <name>`)."""
    side, radius = 0.036 * size, 0.024 * size
    xml = _fixed(
        name,
        spot,
        _box(f"{name} lamp", (side, side, 0.008), (0, 0, 0.008), STEEL, "fixed"),
        f'<body name="{name} cap" pos="0 0 0.016"><inertial pos="0 0 0.009" mass="0.03" diaginertia="1e-5 1e-5 1e-5"/>'
        f'<joint name="{name}" type="slide" axis="0 0 1" range="{-PRESS} 0" stiffness="60" damping="3" '
        'springref="0.01"/>'
        f'<geom name="{name} cap" class="fixed" type="cylinder" pos="0 0 0.009" size="{radius} 0.009" '
        f'rgba="{rgba(color)}"/></body>',
    )
    rule = f'<joint name="latch {name}" joint1="{name}" polycoef="{-PRESS} 0 0 0 0" active="false"/>'
    return Thing(name, "button", color, xml, rule)


PRESS: Final = 0.012  # metres that a button goes down
HANDLE: Final = 0.046  # metres that the handle of a drawer sticks out
BUTTON_TOP: Final = 0.034  # metres above the table


@dataclass(frozen=True)
class Cabinet:
    """Three drawers above each other, in front of which there are handles."""

    spot: Spot  # of the middle of its footprint; it opens along its own x
    size: float  # a share of the usual

    @property
    def width(self) -> float:
        """Half of it, along its own y."""
        return 0.105 * self.size

    @property
    def depth(self) -> float:
        """Half of it, along its own x."""
        return 0.085 * self.size

    @property
    def level(self) -> float:
        """From one drawer to the next."""
        return 0.068 * self.size

    @property
    def height(self) -> float:
        """Of its top above the table."""
        return len(DRAWERS) * self.level + 0.012

    @property
    def travel(self) -> float:
        """How far a drawer opens."""
        return 0.15 * self.size

    @property
    def handle(self) -> tuple[float, float]:
        """Where a handle is held, in the drawer's frame: x from its front, z above its floor."""
        return HANDLE - 0.016, 0.034 * self.size

    @property
    def outline(self) -> list[tuple[float, float]]:
        """Where an open drawer sticks out to, x and y: the end of its handle, and the corners of its front."""
        x, y, turn = self.spot
        front, c, s = self.depth + self.travel, float(np.cos(turn)), float(np.sin(turn))
        own = ((front + HANDLE, 0.0), (front, self.width), (front, -self.width))
        return [(x + c * ahead - s * beside, y + s * ahead + c * beside) for ahead, beside in own]

    def things(self, color: str) -> list[Thing]:
        """The cabinet, and its drawers from the bottom up."""
        width, depth, board = self.width, self.depth, 0.006
        middle, half = self.height / 2, self.height / 2
        sides = [
            _box("", (depth, board, half), (0, sign * (width - board), middle), rgba(color), "fixed")
            for sign in (-1, 1)
        ]
        back = _box("", (board, width, half), (board - depth, 0, middle), rgba(color), "fixed")
        top = _box("", (depth, width, board), (0, 0, self.height - board), rgba(color), "fixed")
        drawers = [self._drawer(name, 0.004 + k * self.level) for k, name in enumerate(DRAWERS)]
        xml = _fixed("cabinet", self.spot, *sides, back, top, *drawers)
        parts = [Thing(f"{name} drawer", f"{name} drawer", "", grips=(f"{name} handle",)) for name in DRAWERS]
        return [Thing("cabinet", "cabinet", color, xml), *parts]

    def _drawer(self, name: str, floor: float) -> str:
        """A drawer whose frame is on its floor, in the middle of its front."""
        wood, board, tall = "0.80 0.66 0.46 1", 0.005, self.level / 2 - 0.006
        wide, deep = self.width - 0.014, self.depth - 0.008
        _, high = self.handle
        parts = [
            _box("", (board, self.width - 0.002, self.level / 2 - 0.002), (-board, 0, self.level / 2), wood, "fixed"),
            _box("", (deep, wide, 0.003), (-deep, 0, 0.003), wood, "fixed"),
            _box("", (deep, 0.004, tall * 0.75), (-deep, wide - 0.004, tall * 0.75), wood, "fixed"),
            _box("", (deep, 0.004, tall * 0.75), (-deep, 0.004 - wide, tall * 0.75), wood, "fixed"),
            _box("", (0.004, wide, tall * 0.75), (0.004 - 2 * deep, 0, tall * 0.75), wood, "fixed"),
            _box(f"{name} handle", (HANDLE / 2, 0.008, 0.011), (HANDLE / 2, 0, high), STEEL, "fixed"),
        ]
        return (
            f'<body name="{name} drawer" pos="{self.depth} 0 {floor}">'
            f'<inertial pos="{-deep} 0 0.02" mass="0.4" diaginertia="0.001 0.001 0.001"/>'
            f'<joint name="{name} drawer" type="slide" axis="1 0 0" range="0 {self.travel}" damping="4" '
            f'frictionloss="0.6"/>{"".join(parts)}</body>'
        )


def broom(name: str, spot: Spot) -> Thing:
    """A brush that stands upright, 15 cm wide along its own y, with a handle on top."""
    brush = _box(name, (0.011, 0.075, 0.022), (0, 0, 0), "0.75 0.62 0.30 1", "slippery")
    grip = _box(f"{name} handle", (0.011, 0.009, 0.026), (0, 0, 0.048), STEEL, "thing")
    return Thing(name, "broom", "", _loose(name, spot, 0.022, brush, grip), grips=(f"{name} handle",), loose=True)


BROOM_GRIP: Final = 0.052  # metres from a broom's middle up to where it is held


def dustpan(name: str, color: str, spot: Spot) -> Thing:
    """A tray with walls on three sides; it is open toward its own x."""
    deep, wide = PAN
    floor = _box("", (deep, wide, 0.0008), (0, 0, 0), rgba(color), "paint")
    walls = [
        _box("", (deep, 0.005, 0.018), (0, sign * (wide + 0.005), 0.018), rgba(color), "fixed") for sign in (-1, 1)
    ]
    back = _box("", (0.005, wide + 0.01, 0.018), (-deep - 0.005, 0, 0.018), rgba(color), "fixed")
    return Thing(name, "dustpan", color, _fixed(name, spot, floor, *walls, back))


PAN: Final = (0.055, 0.095)  # half the depth and half the width of a dustpan, inside


def hook(name: str, spot: Spot) -> Thing:
    """A stick with a bar to one side at its far end, lying along its own x; the origin is where it is held."""
    stick = _box(f"{name} handle", (HOOK / 2 + 0.025, 0.008, 0.012), (HOOK / 2 - 0.017, 0, 0), WOOD, "thing")
    bar = _box(f"{name} bar", (0.008, 0.042, 0.012), (HOOK, 0.034, 0), WOOD, "slippery")
    return Thing(name, "hook", "", _loose(name, spot, 0.012, stick, bar), grips=(f"{name} handle",), loose=True)


HOOK: Final = 0.2  # metres from where a hook is held to its bar
HOOK_HALF: Final = 0.008  # half the thickness of its stick and of its bar


def jar(name: str, color: str, size: float, spot: Spot) -> Thing:
    """An open jar that stands fast."""
    radius, tall = 0.034 * size, JAR
    xml = _fixed(
        name,
        spot,
        _cylinder(radius, tall / 2, tall / 2, rgba(color), "paint"),
        _cylinder(radius * 0.8, 0.0006, tall, "0.08 0.08 0.1 1", "paint"),
        _unseen((radius * 0.8, radius * 0.8, tall / 2), (0, 0, tall / 2), "fixed"),
    )
    return Thing(name, "jar", color, xml)


JAR: Final = 0.07  # metres that jars are high
LID: Final = 0.007  # half the height of a lid


def lid(name: str, size: float, spot: Spot) -> Thing:
    """A lid with a knob."""
    radius = 0.036 * size
    plate = _cylinder(radius, LID, 0, STEEL, "paint") + _unseen((radius * 0.8, radius * 0.8, LID), (0, 0, 0), "thing")
    knob = _box(f"{name} knob", (0.011, 0.011, 0.014), (0, 0, LID + 0.014), "0.85 0.85 0.88 1", "thing")
    return Thing(name, "lid", "", _loose(name, spot, LID, plate, knob), grips=(f"{name} knob",), loose=True)


KNOB: Final = LID + 0.016  # metres from a lid's middle up to where it is held


def _cylinder(radius: float, half: float, z: float, color: str, kind: str) -> str:
    return f'<geom class="{kind}" type="cylinder" pos="0 0 {z}" size="{radius} {half}" rgba="{color}"/>'


def _unseen(half: Sequence[float], place: Sequence[float], kind: str) -> str:
    """A box that is felt where a cylinder is seen: boxes lie firmly on each other in every version of MuJoCo."""
    return f'<geom class="{kind}" type="box" pos="{_row(place)}" size="{_row(half)}" group="3"/>'


def _box(name: str, half: Sequence[float], place: Sequence[float], color: str, kind: str) -> str:
    named = f'name="{name}" ' if name else ""
    return f'<geom {named}class="{kind}" type="box" pos="{_row(place)}" size="{_row(half)}" rgba="{color}"/>'


def _fixed(name: str, spot: Spot, *parts: str) -> str:
    x, y, turn = spot
    return f'<body name="{name}" pos="{x} {y} 0" quat="{_row(_about_z(turn))}">{"".join(parts)}</body>'


def _loose(name: str, spot: Spot, height: float, *parts: str) -> str:
    """A body that may lie anywhere, its origin `height` above the table at first."""
    x, y, turn = spot
    place = f'pos="{x} {y} {height}" quat="{_row(_about_z(turn))}"'
    return f'<body name="{name}" {place}><freejoint name="{name}"/>{"".join(parts)}</body>'


def _about_z(turn: float) -> tuple[float, ...]:
    return (float(np.cos(turn / 2)), 0.0, 0.0, float(np.sin(turn / 2)))


def _row(values: Sequence[float]) -> str:
    return " ".join(f"{value:.9g}" for value in values)
