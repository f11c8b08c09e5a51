"""Lines with intervals over a logarithmic axis, several small pictures side by side, as one SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

COLORS: Final = ("#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#e15759", "#76b7b2")
WIDTH, HEIGHT = 300, 220  # of a picture, in the figure's own units
LEFT, RIGHT, TOP, BOTTOM = 40, 12, 26, 34
COLUMNS: Final = 3
FONT: Final = 'font-family="sans-serif" font-size="11"'

Point = tuple[float, float, float, float]  # x, value, and the ends of its interval


@dataclass(frozen=True)
class Line:
    """One way over all x."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Panel:
    """A picture of its own; values from 0 to 100."""

    title: str
    lines: tuple[Line, ...]
    x_label: str = "demonstrations"


def draw(panels: Sequence[Panel]) -> str:
    """All panels, row by row, and one legend below."""
    rows = -(-len(panels) // COLUMNS)
    names = [line.name for line in panels[0].lines]
    height = rows * HEIGHT + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {COLUMNS * WIDTH} {height}" {FONT}>',
        f'<rect width="{COLUMNS * WIDTH}" height="{height}" fill="white"/>',
    ]
    for k, panel in enumerate(panels):
        moved = f'<g transform="translate({k % COLUMNS * WIDTH},{k // COLUMNS * HEIGHT})">'
        parts += [moved, *_panel(panel), "</g>"]
    for k, name in enumerate(names):
        x, y = 20 + k * (COLUMNS * WIDTH - 40) / len(names), height - 12
        parts.append(f'<circle cx="{x:.0f}" cy="{y - 4}" r="4" fill="{COLORS[k % len(COLORS)]}"/>')
        parts.append(f'<text x="{x + 8:.0f}" y="{y}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel) -> list[str]:
    xs = sorted({point[0] for line in panel.lines for point in line.points})
    low, high = math.log(xs[0]), math.log(xs[-1])
    inner, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def across(x: float) -> float:
        return LEFT + inner * ((math.log(x) - low) / (high - low) if high > low else 0.5)

    def down(value: float) -> float:
        return TOP + tall * (1 - value / 100)

    parts = [f'<text x="{LEFT}" y="{TOP - 10}" font-weight="bold">{escape(panel.title)}</text>']
    for value in range(0, 101, 25):
        y = down(value)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value}</text>')
    parts += [f'<text x="{across(x):.1f}" y="{HEIGHT - 18}" text-anchor="middle">{x:g}</text>' for x in xs]
    parts.append(f'<text x="{LEFT + inner / 2}" y="{HEIGHT - 4}" text-anchor="middle">{escape(panel.x_label)}</text>')
    for k, line in enumerate(panel.lines):
        color, beside = (
            COLORS[k % len(COLORS)],
            3 * (k - (len(panel.lines) - 1) / 2),
        )  # intervals do not cover each other
        places = [(across(x) + beside, down(value), down(least), down(most)) for x, value, least, most in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        for x, y, bottom, top in places:
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}" stroke="{color}"/>')
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{color}"/>')
    return parts
