"""How near a detector's end effector is to the truth, picture by picture."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from instar.metrics import SuccessRate, wilson
from instar.seeing.detect import Detector, Labelled, Sighting
from instar.seeing.effector import NAME
from instar.seeing.track import Distances

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Aim:
    """How often the end effector was found, and how far from its place."""

    pictures: int
    found: SuccessRate  # pictures that show it and in which it was found
    invented: SuccessRate  # pictures that do not show it and in which it was found all the same
    errors: Distances | None  # pixels; None where none was found


def aimed(looked: Iterable[tuple[Labelled, Sequence[Sighting]]], name: str = NAME) -> Aim:
    """The surest sighting of that name in every picture, against where it is."""
    best = [(picture, surest(seen, name)) for picture, seen in looked]
    shown = [found for picture, found in best if picture.truth]
    absent = [found for picture, found in best if not picture.truth]
    errors = [
        (float(np.hypot(*np.subtract(found.place, picture.truth[0].place))), _where(picture))
        for picture, found in best
        if found is not None and picture.truth
    ]
    return Aim(len(best), _share(shown), _share(absent), Distances.of(errors))


def surest(seen: Sequence[Sighting], name: str = NAME) -> Sighting | None:
    """The surest sighting of that name; None where there is none."""
    return max((one for one in seen if one.name == name), key=lambda one: one.score, default=None)


def remark_camera(detector: Detector, camera: str) -> None:
    """Say that the detector was taught on another camera: a hand looks alike from many, but not from all."""
    if detector.camera not in ("", camera):
        logger.warning(
            "the detector was taught on pictures of camera %r, these are of %r; label some of them by hand, and "
            "`instar detector measure --finds effector --labels` says how well it sees there",
            detector.camera,
            camera,
        )


def _share(found: Sequence[Sighting | None]) -> SuccessRate:
    count = sum(one is not None for one in found)
    return SuccessRate(count, len(found), wilson(count, len(found)))


def _where(picture: Labelled) -> str:
    return picture.key if picture.key.startswith(picture.episode) else f"{picture.episode} frame {picture.key}"
