"""The 82 textures of the table as small square pictures, drawn by rule from a palette."""

import colorsys
import re
from collections.abc import Callable
from functools import cache, lru_cache
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.demo import Pixels
from instar.errors import SimulatorError
from instar.robot import Floats

SIZE: Final = 256  # pixels per side
Color = tuple[int, int, int]
PALETTE: Final[dict[str, Color]] = {
    "red": (255, 87, 89), "green": (89, 169, 79), "blue": (78, 121, 167), "yellow": (237, 201, 72),
    "purple": (176, 122, 161), "cyan": (118, 183, 178), "olive": (128, 128, 0), "orange": (242, 142, 43),
    "pink": (255, 157, 167), "gray": (186, 176, 172),
}  # fmt: skip
WHITE: Final[Color] = (255, 255, 255)
_PATTERNED: Final = ("red", "yellow", "green", "blue", "purple")  # in the order in which pairs are named
PAIRS: Final = tuple(f"{one} and {two}" for one, two in combinations(_PATTERNED, 2))
SOLIDS: Final = ("red", "green", "blue", "yellow", "purple", "cyan", "olive", "orange", "pink")
STRIPES: Final = tuple(f"{pair} stripe" for pair in PAIRS)
POLKA_DOTS: Final = tuple(f"{pair} polka dot" for pair in PAIRS)
SWIRLS: Final = tuple(f"{color} swirl" for color in _PATTERNED)
PAISLEYS: Final = tuple(f"{color} paisley" for color in _PATTERNED)
MATERIALS: Final = (
    "brick", "tiles", "wooden", "granite", "plastic", "polka dot", "checkerboard", "tiger", "magma", "rainbow",
)  # fmt: skip
# Every texture that is not dark, in VIMA-Bench's order.
LIGHT: Final = (*MATERIALS, *STRIPES, *POLKA_DOTS, *SWIRLS, *PAISLEYS, *SOLIDS)
# Those that have a dark twin, "dark <name>".
TWINS: Final = (*(name for name in SOLIDS if name != "olive"), *STRIPES, *POLKA_DOTS, *SWIRLS)
NAMES: Final = (*LIGHT, *(f"dark {name}" for name in TWINS))

_V, _U = (axis / SIZE for axis in np.mgrid[0:SIZE, 0:SIZE].astype(np.float64))  # rows are v, columns u


@cache
def picture(name: str) -> Pixels:
    """The texture called `name` (or "gray"), (SIZE, SIZE, 3) RGB, read-only. Raises SimulatorError if unknown."""
    dark = name.startswith("dark ")
    plain = name.removeprefix("dark ")
    for pattern, draw in _DRAWERS.items():
        found = re.fullmatch(pattern, plain)
        if found:
            colors = [darker(PALETTE[color]) if dark else PALETTE[color] for color in found.groups()]
            image = np.clip(np.rint(draw(*colors)), 0, 255).astype(np.uint8)
            image.flags.writeable = False
            return image
    raise SimulatorError(f"no texture called {name!r}")


@cache
def planes(name: str) -> Pixels:
    """The same picture as one row of pixels for red, green and blue each, (3, SIZE * SIZE), read-only."""
    rows = np.ascontiguousarray(picture(name).reshape(-1, 3).T)
    rows.flags.writeable = False
    return rows


def darker(color: Color) -> Color:
    """`color` with its HSV value lowered by 0.3."""
    h, s, v = colorsys.rgb_to_hsv(*(c / 255 for c in color))
    r, g, b = colorsys.hsv_to_rgb(h, s, v - 0.3)
    return round(r * 255), round(g * 255), round(b * 255)


def _mix(mask: Floats, one: Color, two: Color) -> Floats:
    share = mask[..., None]
    return np.asarray(share * np.array(one, float) + (1 - share) * np.array(two, float))


@lru_cache(maxsize=4)
def _noise(seed: int, blur: float, across: float = 1.0) -> Floats:
    """Smooth noise that wraps around, each value's rank in [0, 1]; `across` stretches it along u.

    Whole numbers all the way, so that it is the same on every machine.
    """
    noise = np.random.PCG64(seed).random_raw(SIZE * SIZE).reshape(SIZE, SIZE) >> 52
    smooth = noise.astype(np.int64)
    for _ in range(3):  # three running means are close to a Gaussian
        smooth = _running_sum(_running_sum(smooth, round(blur), 0), round(blur * across), 1)
    ranks = np.empty(SIZE * SIZE)
    ranks[np.argsort(smooth, axis=None, kind="stable")] = np.linspace(0, 1, SIZE * SIZE)
    return ranks.reshape(SIZE, SIZE)


def _running_sum(values: NDArray[np.int64], reach: int, axis: int) -> NDArray[np.int64]:
    """Sums of each value and `reach` neighbours on both sides, around the edges."""
    ends = np.cumsum(np.concatenate([values] * 3, axis=axis), axis=axis)
    places = np.arange(SIZE, 2 * SIZE)
    return np.asarray(ends.take(places + reach, axis=axis) - ends.take(places - reach - 1, axis=axis))


def _plain(color: Color) -> Floats:
    return _mix(np.ones_like(_U), color, color)


def _stripe(one: Color, two: Color) -> Floats:
    return _mix((np.floor(_U * 20) % 2 == 0).astype(float), one, two)


def _dots(one: Color, two: Color) -> Floats:
    row = np.floor(_V * 11)
    u = (_U / 0.15 + 0.5 * (row % 2)) % 1.0 - 0.5
    v = (_V * 11) % 1.0 - 0.5
    return _mix((np.hypot(u * 0.15, v / 11) < 0.029).astype(float), one, two)


def _swirl(color: Color) -> Floats:
    x, y = _U - 0.5, _V - 0.5
    arms = np.sin(12 * np.arctan2(y, x) + 26 * np.hypot(x, y))
    return _mix((arms > 0).astype(float), color, WHITE)


def _paisley(color: Color) -> Floats:
    figure = np.abs(_noise(11, 3.2) - 0.5) + 0.35 * (_noise(12, 1.6) - 0.5)
    image = _mix((figure > np.quantile(figure, 0.47)).astype(float), color, WHITE)
    between = np.abs(figure - np.quantile(figure, 0.47)) < 0.03
    image[between] = (np.array(color) + 255) / 2
    return image


def _polka_dot() -> Floats:
    return _dots((0, 0, 0), WHITE)


def _checkerboard() -> Floats:
    even = ((np.floor(_U * 6) + np.floor(_V * 6)) % 2).astype(float)
    return _mix(even, (78, 77, 72), (190, 184, 169)) + 14 * (_noise(21, 5)[..., None] - 0.5)


def _rainbow() -> Floats:
    stops = [
        *((255, 0, 198), (67, 1, 151), (0, 46, 164), (0, 218, 254), (23, 186, 43)),
        *((184, 249, 5), (255, 209, 1), (255, 35, 1)),
    ]
    places = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(_V, places, [stop[k] for stop in stops]) for k in range(3)], axis=-1)


def _tiger() -> Floats:
    waves = np.sin(2 * np.pi * 9 * _V + 9 * (_noise(31, 14, across=2.0) - 0.5)) + 1.2 * (_noise(32, 5, 3.0) - 0.5)
    return _mix((waves > -0.2).astype(float), (222, 150, 35), (20, 9, 3))


def _granite() -> Floats:
    image, speck = _plain((194, 207, 201)), _noise(41, 1.2)
    image[speck > 0.69] = (159, 171, 170)
    image[speck > 0.91] = (84, 94, 101)
    return image


def _tiles() -> Floats:
    row = np.floor(_V * 16)
    u = (_U * 14 + 0.5 * (row % 2)) % 1.0
    joint = (u < 0.14) | ((_V * 16) % 1.0 < 0.14)
    kind = (np.floor(_U * 14 + 0.5 * (row % 2)) * 7 + row * 5) % 3 == 0
    image = _mix(kind.astype(float), (176, 175, 165), (137, 138, 135))
    image[joint] = (72, 68, 61)
    return image


def _wooden() -> Floats:
    tone = 0.6 * _noise(61, 1.2, across=16.0) + 0.4 * ((np.floor(_V * 6) * 5) % 6) / 5
    image = np.stack([np.interp(tone, [0, 0.5, 1], channel) for channel in ((198, 216, 227), (148, 171, 189))], axis=-1)
    blue = np.interp(tone, [0, 0.5, 1], (96, 122, 145))
    image = np.concatenate([image, blue[..., None]], axis=-1)
    image[(_V * 6) % 1.0 < 0.05] = (170, 122, 76)
    return image


def _plastic() -> Floats:
    folds = np.abs(_noise(71, 6) - 0.5) * 2
    return np.repeat((240 - 34 * folds**2 - 10 * (folds < 0.1))[..., None], 3, axis=-1)


def _brick() -> Floats:
    row = np.floor(_V * 12)
    u = (_U * 5 + 0.5 * (row % 2)) % 1.0
    image = _plain((184, 115, 97)) + 26 * (_noise(81, 2.5)[..., None] - 0.5)
    image[(u < 0.06) | ((_V * 12) % 1.0 < 0.14)] = (194, 183, 171)
    return image


def _magma() -> Floats:
    crust, crack = _noise(91, 4), np.abs(_noise(92, 7) - 0.5)
    image = _mix(crust, (96, 19, 6), (24, 3, 2))
    image[crack < 0.06] = (187, 68, 15)
    return image


_COLOR: Final = f"({'|'.join(PALETTE)})"
_DRAWERS: Final[dict[str, Callable[..., Floats]]] = {
    _COLOR: _plain,
    f"{_COLOR} and {_COLOR} stripe": _stripe,
    f"{_COLOR} and {_COLOR} polka dot": _dots,
    f"{_COLOR} swirl": _swirl,
    f"{_COLOR} paisley": _paisley,
    "polka dot": _polka_dot,
    "checkerboard": _checkerboard,
    "rainbow": _rainbow,
    "tiger": _tiger,
    "granite": _granite,
    "tiles": _tiles,
    "wooden": _wooden,
    "plastic": _plastic,
    "brick": _brick,
    "magma": _magma,
}
