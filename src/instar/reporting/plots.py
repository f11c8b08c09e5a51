"""Where the ink of a figure goes: scales, ticks and points, worked out here and drawn by the template."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

WIDTH: Final = 560  # of a figure, in its own units; the page scales it
REACH: Final = 15  # rows to either side of a moving average, at most
BINS: Final = 40
POINTS: Final = 600  # of a line; more cannot be seen

Place = Callable[[float, float], tuple[float, float]]  # step and value to the paper


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Series:
    """Values to draw as one line."""

    index: int  # of the run: decides colour and mark
    label: str
    steps: tuple[int, ...]
    values: tuple[float, ...]
    dashed: bool = False  # the same line as another run's, drawn so that both can be seen
    noisy: bool = True  # worth smoothing


@dataclass(frozen=True)
class Line:
    """A series on paper."""

    index: int
    raw: str  # points as SVG writes them; empty where smoothing changes nothing
    smooth: str
    end_x: float
    end_y: float
    dashed: bool
    words: str


@dataclass(frozen=True)
class Curve:
    """Lines over training steps."""

    title: str
    words: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_label: str = "step"
    width: int = WIDTH
    height: int = 260
    left: int = 54
    right: int = WIDTH - 16
    top: int = 10
    bottom: int = 214


@dataclass(frozen=True)
class Bar:
    """One bar of a histogram."""

    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True)
class Mark:
    """A named value on a histogram."""

    at: float
    top: float
    text: str
    anchor: str
    shift: int  # of the text, away from its line


@dataclass(frozen=True)
class Histogram:
    """How many policy calls took how long."""

    index: int
    label: str
    words: str
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    x_ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = 170
    left: int = 8
    right: int = WIDTH - 8
    top: int = 36
    bottom: int = 140


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers in [low, high], at most `most` and one more."""
    if high <= low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def number(value: float) -> str:
    """A number as people write it on an axis: 1500 as 1.5k, no trailing zeros."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def curve(title: str, series: Sequence[Series]) -> Curve:
    """Lines on shared axes; the vertical one begins at 0 where the values come near it."""
    steps = [step for one in series for step in one.steps]
    values = [value for one in series for value in one.values]
    x_low, x_high = min(steps), max(*steps, min(steps) + 1)
    y_low, y_high = min(values), max(values)
    y_low = min(0.0, y_low) if y_low < 0.5 * y_high else y_low
    y_high = y_high if y_high > y_low else y_low + 1
    frame = Curve(title, "", (), (), ())

    def place(step: float, value: float) -> tuple[float, float]:
        x = frame.left + (frame.right - frame.left) * (step - x_low) / (x_high - x_low)
        y = frame.bottom - (frame.bottom - frame.top) * (value - y_low) / (y_high - y_low)
        return round(x, 1), round(y, 1)

    return Curve(
        title,
        "; ".join(_told(one) for one in series),
        tuple(_line(one, place) for one in series),
        tuple(Tick(place(step, y_low)[0], number(step)) for step in ticks(x_low, x_high)),
        tuple(Tick(place(x_low, value)[1], number(value)) for value in ticks(y_low, y_high)),
    )


def _told(series: Series) -> str:
    return (
        f"{series.label}: {series.values[0]:.4g} at step {series.steps[0]}, "
        f"{series.values[-1]:.4g} at step {series.steps[-1]}"
    )


def _line(series: Series, place: Place) -> Line:
    smooth = smoothed(series.values) if series.noisy else series.values
    keep = thinned(len(series.steps))
    raw = [place(series.steps[k], series.values[k]) for k in keep]
    drawn = [place(series.steps[k], smooth[k]) for k in keep]
    return Line(
        series.index,
        _points(raw) if series.noisy and len(series.values) >= 20 else "",
        _points(drawn),
        *drawn[-1],
        series.dashed,
        _told(series),
    )


def smoothed(values: Sequence[float]) -> list[float]:
    """A moving average around each value, which neither lags nor bends the ends; few values are left as they are."""
    reach = min(REACH, len(values) // 20)
    last = len(values) - 1
    sides = [min(reach, k, last - k) for k in range(len(values))]
    return [sum(values[k - side : k + side + 1]) / (2 * side + 1) for k, side in enumerate(sides)]


def thinned(count: int) -> list[int]:
    """At most `POINTS` evenly spaced positions of `count`, the first and the last among them."""
    return sorted({round(k) for k in np.linspace(0, count - 1, min(count, POINTS))})


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in places)


def duration(milliseconds: float) -> str:
    """A time with its unit, as short as it can be said."""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.3g} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.2g} ms"


def histogram(index: int, label: str, milliseconds: Sequence[float], low: float, high: float) -> Histogram:
    """Policy calls by their duration, on a logarithmic axis from `low` to `high` milliseconds."""
    values = np.asarray(milliseconds, dtype=np.float64)
    median, tail, slowest = (float(value) for value in np.percentile(values, [50, 95, 100]))
    counts, edges = np.histogram(values, bins=np.geomspace(low, high, BINS + 1))
    frame = Histogram(index, label, "", (), (), ())
    unit = (frame.bottom - frame.top) / max(1, int(counts.max()))

    def place(time: float) -> float:
        share = math.log(time / low) / math.log(high / low)
        return round(frame.left + (frame.right - frame.left) * share, 1)

    bars = tuple(
        Bar(
            place(start) + 0.5,
            round(frame.bottom - count * unit, 1),
            round(place(end) - place(start) - 1, 1),
            round(count * unit, 1),
            f"{count} from {duration(start)} to {duration(end)}",
        )
        for count, start, end in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        if count
    )
    marks = (
        _mark(frame, place(median), 4, f"median {duration(median)}"),
        _mark(frame, place(tail), 18, f"95 % within {duration(tail)}"),
    )
    x_ticks = tuple(Tick(place(time), duration(time)) for time in round_times(low, high))
    words = f"{len(values)} calls, median {duration(median)}, 95 % within {duration(tail)}, slowest {duration(slowest)}"
    return Histogram(index, label, words, bars, marks, x_ticks)


def round_times(low: float, high: float) -> list[float]:
    """Numbers 1, 2 and 5 times a power of ten within [low, high], or only the powers where those are many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if high / low < 300 else (1,)
    return [10.0**power * factor for power in powers for factor in factors if low <= 10.0**power * factor <= high]


def _mark(frame: Histogram, at: float, top: float, text: str) -> Mark:
    left = at < (frame.left + frame.right) / 2
    return Mark(round(at, 1), top, text, "start" if left else "end", 5 if left else -5)
