"""The end effector as something to find in pictures: where demonstrations know it is, and where somebody says so.

By hand, a CSV file with a header, or a JSON list of objects, one row a picture:

    image,x,y                      where its middle is; or image,left,top,right,bottom
    episode_3/000.jpg,41.5,20
    episode_3/008.jpg,,            nowhere in this picture

Coordinates are continuous pixels: the middle of the first pixel is 0.5. `image` is found from the file's own folder. A
column `episode` says which pictures belong together, so that they are learned from or measured on together.
"""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from typing_extensions import Doc

from instar.demo import Box, Episode, Image, Point
from instar.edges import checked
from instar.errors import ConfigError, DataError
from instar.files import door, read_json
from instar.plugins import Choice, meant
from instar.seeing.detect import Labelled, Sighting
from instar.tracing import pixels_per_metre, points

NAME: Final = "end effector"
OBJECTS: Final = "objects"
EFFECTOR: Final = "effector"
_COLUMNS: Final = ("image", "x", "y", "left", "top", "right", "bottom", "episode")


@dataclass(frozen=True)
class Effector:
    """How the known place of an end effector becomes a box to learn."""

    box: Annotated[float, Doc("side in pixels of the box around a known place")] = 24.0
    metres: Annotated[float, Doc("its side in metres at the distance of the hand, where the camera's map is known")] = (
        0.0
    )
    every: Annotated[int, Doc("every so-manieth frame of an episode")] = 1
    name: Annotated[str, Doc("what a detector calls it")] = NAME

    def __post_init__(self) -> None:
        if self.box < 1 or self.metres < 0 or self.every < 1:
            raise ConfigError(
                f"effector: box={self.box:g} and every={self.every} must be 1 or more, metres={self.metres:g} 0 or more"
            )


def sought(finds: str) -> Effector | None:
    """What `finds` says: None for objects, else the end effector and its options, "effector:metres=0.1,every=2"."""
    choice = Choice.parse(finds)
    if choice.name == EFFECTOR:
        known = tuple(Effector.__dataclass_fields__)
        for option in choice.options:
            if option not in known:
                raise ConfigError(f"effector has no option {option!r}{meant(option, known)}")
        return checked(Effector, dict(choice.options), f"finds {finds}", ConfigError)
    if choice.name != OBJECTS or choice.options:
        raise ConfigError(f"finds is {finds!r}; a detector finds {OBJECTS} or the {EFFECTOR}")
    return None


def known_places(episode: Episode, camera: str, size: Effector) -> Iterator[Labelled]:
    """Frames of an episode with the end effector where it is known to be; none where it is outside the picture.

    Raises DataError where its place is not known in any frame.
    """
    eye = episode.robot.camera(camera)
    places = points(episode, 0, eye)
    if not any(places):
        raise DataError(f"{episode.id}: the end effector is in no picture of camera {camera!r}, as far as is known")
    for t in range(0, len(places), size.every):
        observation, place = episode.steps[t].observation, places[t]
        if camera in observation.images:
            scale = pixels_per_metre(observation, episode.robot, eye) if size.metres else None
            side = max(1.0, size.metres * scale) if scale is not None else size.box
            yield Labelled(episode.id, str(t), "frame", observation.images[camera], _around(place, side, size.name))


def told(path: Path, size: Effector) -> list[Labelled]:
    """The pictures of a file of labels. Raises DataError naming the row that will not do."""
    found: dict[str, Labelled] = {}
    for number, row in _rows(path):
        where = f"{path}: row {number}"
        name = str(row.get("image") or "")
        if not name or name in found:
            raise DataError(f"{where}: {name or 'no image'}{' once more' if name else ''}; one row a picture")
        image = _opened(path.parent / name, where)
        height, width = image.pixels.shape[:2]
        truth = _told(row, size, where)
        if any(_misses(thing.box, height, width) for thing in truth):
            raise DataError(f"{where}: {name} is {width} x {height}; the label lies outside")
        found[name] = Labelled(str(row.get("episode") or name), name, "frame", image, truth)
    if not any(look.truth for look in found.values()):
        raise DataError(f"{path}: no picture with an end effector")
    return list(found.values())


def _opened(path: Path, where: str) -> Image:
    with door(path):
        image = Image.encoded(path.read_bytes())
    try:
        image.require_whole()
    except DataError as error:
        raise DataError(f"{where}: {path}: {error}") from error
    return image


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows of a file by their numbers: in a JSON list from 1, in a CSV file the line if none is broken."""
    rows = _of_json(path) if path.suffix.lower() == ".json" else _of_csv(path)
    for number, row in rows:
        if unknown := sorted({str(name) for name in row} - set(_COLUMNS)):
            raise DataError(f"{path}: row {number}: unknown {', '.join(unknown)}; there are {', '.join(_COLUMNS)}")
        yield number, row


def _of_json(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    rows = read_json(path)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path}: expected a list of objects with {', '.join(_COLUMNS)}")
    yield from enumerate(rows, start=1)


def _of_csv(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with door(path):
        data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from error
    yield from enumerate(csv.DictReader(io.StringIO(text), restkey="more than the header"), start=2)


def _told(row: Mapping[str, Any], size: Effector, where: str) -> tuple[Sighting, ...]:
    """The end effector of a row; nothing where it has neither a place nor a box."""
    place = _numbers(row, ("x", "y"), where)
    sides = _numbers(row, ("left", "top", "right", "bottom"), where)
    if sides:
        left, top, right, bottom = sides
        if left >= right or top >= bottom:
            raise DataError(f"{where}: a box from {left:g}, {top:g} to {right:g}, {bottom:g} has no inside")
        return (_sighting(size.name, left, top, right, bottom),)
    return _around((place[0], place[1]) if place else None, size.box, size.name)


def _numbers(row: Mapping[str, Any], names: Sequence[str], where: str) -> list[float]:
    """The numbers of these columns; none where all are empty."""
    written = [row.get(name) for name in names]
    if all(value in (None, "") for value in written):
        return []
    try:
        numbers = [float(value) for value in written if value is not None]
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: {', '.join(names)} are {written}; expected numbers") from error
    if len(numbers) < len(names) or not all(map(math.isfinite, numbers)):
        raise DataError(f"{where}: {', '.join(names)} are {written}; expected finite numbers")
    return numbers


def _around(place: Point | None, side: float, name: str) -> tuple[Sighting, ...]:
    """A square about a place; it may reach beyond the picture, so that its middle is the place everywhere."""
    if place is None:
        return ()
    left, top = place[0] - side / 2, place[1] - side / 2
    return (_sighting(name, left, top, left + side, top + side),)


def _sighting(name: str, left: float, top: float, right: float, bottom: float) -> Sighting:
    """A box between continuous coordinates, in whole pixels, as many as between them and at least one."""
    across, down = (max(1, round(end - first)) for first, end in ((left, right), (top, bottom)))
    first, upper = round(left), round(top)
    return Sighting(name, Box(first, upper, first + across - 1, upper + down - 1), shape=name)


def _misses(box: Box, height: int, width: int) -> bool:
    return box.right < 0 or box.bottom < 0 or box.left >= width or box.top >= height


__all__ = ["EFFECTOR", "NAME", "OBJECTS", "Effector", "known_places", "sought", "told"]
