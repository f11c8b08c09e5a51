"""LLaRA's numbers worked out from a raw VIMA episode by numpy alone: what the recipe and the tasks are checked against.

Nothing here comes from the recipe, the markup or the reader of demonstrations, but for the unpickler: boxes are
measured on the masks, positions and turns computed from the recorded poses, sentences put together by f-strings.
"""

import math
import zipfile
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from instar.demos.unpickle import loads

Record = dict[Any, Any]
Boxes = list[tuple[str, tuple[float, float, float, float]]]  # tagged name, and centre and size in fractions

MAPS = {"front": (251, 3, 178, 34), "top": (251, 2, 252, 1)}  # pixel = scale * metres + origin, across and down
STRANGERS = ("vimasim", "vima_bench", "functools.partial", "enum")


@dataclass(frozen=True)
class RawEpisode:
    """The three pickles of an episode, seen through one camera."""

    id: str
    view: str
    trajectory: Record
    observed: Record
    poses: Record

    @property
    def length(self) -> int:
        return len(self.poses["pose0_position"])

    @property
    def spatula(self) -> bool:
        return bool(self.observed["ee"][0] > 0)

    @property
    def assets(self) -> Record:
        found: Record = self.trajectory["prompt_assets"]
        return found

    def frame(self, t: int) -> Boxes:
        """What is seen at step `t`."""
        return self._frames[t]

    @cached_property
    def _frames(self) -> list[Boxes]:
        names = {
            number: f"<p>{about['texture_name']} {about['obj_name']}</p>"
            for number, about in self.trajectory["obj_id_to_info"].items()
        }
        return [
            [(name, box(mask, number)) for number, name in names.items() if (mask == number).any()]
            for mask in self.observed["segm"][self.view]
        ]

    def asset(self, slot: str) -> Boxes:
        """What a reference picture shows."""
        return self._shown[slot]

    @cached_property
    def _shown(self) -> dict[str, Boxes]:
        shown = {}
        for slot, asset in self.assets.items():
            mask, about = asset["segm"][self.view], asset["segm"]["obj_info"]
            shown[slot] = [
                (f"<p>{one['obj_color']} {one['obj_name']}</p>", box(mask, one["obj_id"]))
                for one in (about if isinstance(about, list) else [about])
                if (mask == one["obj_id"]).any()
            ]
        return shown

    def is_scene(self, slot: str) -> bool:
        return isinstance(self.assets[slot]["segm"]["obj_info"], list)

    def turn(self, t: int) -> float:
        """Degrees about +z, of the end relative to the start."""
        start, end = (
            2 * math.degrees(math.atan2(float(turn[2]), float(turn[3])))
            for turn in (self.poses["pose0_rotation"][t], self.poses["pose1_rotation"][t])
        )
        return (end + 180) % 360 - 180 - ((start + 180) % 360 - 180)

    def pixels(self, t: int) -> list[float]:
        """Where action `t` starts and ends in the picture: across, down, across, down."""
        across, left, down, top = MAPS[self.view]
        ends = [self.poses[f"pose{k}_position"][t].astype(np.float64) for k in (0, 1)]
        return [pixel for x, y in ends for pixel in ((y + 0.5) * across + left, (x - 0.25) * down + top)]

    def fractions(self, t: int) -> list[float]:
        """The same after cutting pixels down, in fractions of the picture."""
        return [int(pixel) / size for pixel, size in zip(self.pixels(t), (256, 128) * 2, strict=True)]

    def values(self, t: int, *, image: bool) -> list[float]:
        """The five numbers of an action in the style of RT-2."""
        turn = (int(self.turn(t)) + 180) / 360
        if image:
            return [*self.fractions(t), turn]
        ends = [self.poses[f"pose{k}_position"][t].astype(np.float64) for k in (0, 1)]
        return [number for x, y in ends for number in ((x - 0.25) * 2, y + 0.5)] + [turn]

    def moved(self, t: int) -> str:
        """The object that lies nearest to the way of action `t` and itself went that way."""
        x0, y0, x1, y1 = self.fractions(t)

        def score(k: int) -> float:
            here, there = (np.array(self.frame(now)[k][1][:2]) for now in (t, t + 1))
            to_here, to_there = np.hypot(*(here - (x0, y0))), np.hypot(*(there - (x1, y1)))
            return float(to_here + to_there - np.hypot(*(here - there)))

        return self.frame(t)[int(np.argmin([score(k) for k in range(len(self.frame(t)))]))][0]

    def sentence(self, t: int, name: str | None = None) -> str:
        x0, y0, x1, y1 = self.fractions(t)
        verb, ending = ("Sweep", "stop") if self.spatula else ("Pick up", "drop it")
        start, end = f"<b>({x0:.3f}, {y0:.3f})</b>", f"<b>({x1:.3f}, {y1:.3f})</b>"
        turn = f"rotate <r>[{-int(self.turn(t))}]</r> degrees"
        return f"{verb} the {name or self.moved(t)} at {start}, {turn}, and {ending} at {end}."


def box(mask: NDArray[np.uint8], number: int) -> tuple[float, float, float, float]:
    """Centre and size of an object in a mask, in fractions of the picture."""
    rows, columns = np.nonzero(mask == number)
    left, right, top, bottom = (int(side) for side in (columns.min(), columns.max(), rows.min(), rows.max()))
    return (left + right) // 2 / 256, (top + bottom) // 2 / 128, (right - left) / 256, (bottom - top) / 128


def located(name: str, place: tuple[float, float, float, float]) -> str:
    x, y, w, h = place
    return f"{name} at <b>({x:.3f}, {y:.3f}), {{{w:.3f}, {h:.3f}}}</b>"


def scene(boxes: Boxes) -> str:
    return "<scene>" + "\n".join(f"{located(*one)}." for one in boxes) + "</scene>"


def read_raw(archive: zipfile.ZipFile, id: str, view: Literal["front", "top"] = "front") -> RawEpisode:
    """The episode in folder `id`."""
    tables: list[Any] = [
        loads(archive.read(f"{id}/{name}.pkl"), name, STRANGERS) for name in ("trajectory", "obs", "action")
    ]
    return RawEpisode(id, view, *tables)
