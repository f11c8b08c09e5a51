"""Finding objects in pictures: what a detector is, what demonstrations know to be true, how the two are compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, runtime_checkable

from instar.demo import Box, Episode, Image, Observation, Point, Reference, SceneObject

Kind = Literal["frame", "object", "scene"]  # of a picture: a moment of an episode, or a reference of either kind

KINDS: Final[tuple[Kind, ...]] = ("frame", "object", "scene")
OVERLAP: Final = 0.5  # intersection over union from which two boxes show the same thing


@dataclass(frozen=True)
class Sighting:
    """An object that somebody says is in a picture."""

    name: str  # texture and shape, "red swirl letter A"
    box: Box  # of that picture, inclusive pixels
    score: float = 1.0  # how sure they are, between 0 and 1
    shape: str = ""  # the part of the name that is not its texture, where somebody knows
    at: Point | None = None  # its middle, where that is known better than whole pixels inside the picture tell

    @property
    def place(self) -> Point:
        """Its middle, in continuous pixel coordinates."""
        box = self.box
        return self.at or ((box.left + box.right + 1) / 2, (box.top + box.bottom + 1) / 2)


@runtime_checkable
class Detector(Protocol):
    """Finds and names objects. Stateless: equal pictures get equal answers, whatever they come together with."""

    @property
    def threshold(self) -> float:
        """Sightings with a lower score are kept to itself."""
        ...

    @property
    def camera(self) -> str:
        """The camera whose pictures it was taught; empty where it does not matter."""
        ...

    def find(self, pictures: Sequence[Image]) -> list[tuple[Sighting, ...]]:
        """What is seen in each picture, the surest first."""
        ...

    def fingerprint(self) -> str:
        """Changes when it would find other things; does not depend on where it lies."""
        ...


@dataclass(frozen=True, eq=False)
class Labelled:
    """A picture, and what is known to be in it."""

    episode: str  # id of the episode it is from
    key: str  # of the view: "3", "a_scene"
    kind: Kind
    image: Image
    truth: tuple[Sighting, ...]


def labelled(episode: Episode, camera: str) -> Iterator[Labelled]:
    """Every picture of `camera` in an episode with the objects that it shows; pictures without any are left out."""
    shown: list[tuple[str, Kind, Observation | Reference]] = [
        (str(t), "frame", step.observation) for t, step in enumerate(episode.steps)
    ]
    shown += [(f"a_{slot}", reference.kind, reference) for slot, reference in episode.instruction.references.items()]
    for key, kind, look in shown:
        truth = known(look.objects, camera)
        if truth and camera in look.images:
            yield Labelled(episode.id, key, kind, look.images[camera], truth)


def known(objects: Sequence[SceneObject], camera: str) -> tuple[Sighting, ...]:
    """The objects that `camera` sees, as certain sightings."""
    seen = [thing for thing in objects if camera in thing.boxes]
    return tuple(Sighting(thing.name, thing.boxes[camera], shape=thing.shape) for thing in seen)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, counted in pixels."""
    width = min(one.right, other.right) - max(one.left, other.left) + 1
    height = min(one.bottom, other.bottom) - max(one.top, other.top) + 1
    shared = max(width, 0) * max(height, 0)
    return shared / (_area(one) + _area(other) - shared)


def _area(box: Box) -> int:
    return (box.right - box.left + 1) * (box.bottom - box.top + 1)


@dataclass(frozen=True)
class Tally:
    """How many sightings there were, how many objects there are, and how many of each belong together."""

    pictures: int = 0
    seen: int = 0  # sightings
    there: int = 0  # objects
    located: int = 0  # sightings in the place of an object, whatever they are called
    right: int = 0  # sightings in the place of an object of that name

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.pictures + other.pictures,
            self.seen + other.seen,
            self.there + other.there,
            self.located + other.located,
            self.right + other.right,
        )


def compared(seen: Sequence[Sighting], truth: Sequence[Sighting]) -> Tally:
    """One picture's sightings against what is there."""
    return Tally(1, len(seen), len(truth), pairs(seen, truth, named=False), pairs(seen, truth, named=True))


def pairs(seen: Sequence[Sighting], truth: Sequence[Sighting], *, named: bool, least: float = OVERLAP) -> int:
    """How many sightings have an object of their own that they overlap by at least `least`.

    The surest sighting chooses first, the object that it overlaps most; each object is chosen once. With `named` an
    object counts only for a sighting of its name. After the PASCAL VOC protocol (Everingham et al., IJCV 2010).
    """
    free = list(truth)
    count = 0
    for sighting in sorted(seen, key=lambda sighting: -sighting.score):
        fitting = [thing for thing in free if not named or thing.name == sighting.name]
        best = max(fitting, key=lambda thing: overlap(sighting.box, thing.box), default=None)
        if best is not None and overlap(sighting.box, best.box) >= least:
            free.remove(best)
            count += 1
    return count
