"""What the cameras see of some bodies, drawn when somebody looks: who looks through one camera waits for no other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from instar.demo import Box, Image, SceneObject
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.render import Shot, box_of
from instar.simulators.tabletop.views import VIEWS, View

Value = TypeVar("Value")
_VIEWS: Final = {view.name: view for view in VIEWS}
CAMERAS: Final = tuple(_VIEWS)


class ByCamera(Mapping[str, Value]):
    """Values by camera, each found when it is first asked for; pickled and copied as a plain dict of all of them."""

    def __init__(self, find: Callable[[str], Value | None], *, partial: bool = False) -> None:
        """`find` gives the value of a camera; where `partial`, None leaves the camera out."""
        self._find, self._partial = find, partial
        self._found: dict[str, Value | None] = {}

    def __getitem__(self, camera: str) -> Value:
        if camera not in self._found:
            if camera not in CAMERAS:
                raise KeyError(camera)
            self._found[camera] = self._find(camera)
        value = self._found[camera]
        if value is None:
            raise KeyError(camera)
        return value

    def __contains__(self, camera: object) -> bool:
        return camera in CAMERAS and (not self._partial or self.get(str(camera)) is not None)

    def __iter__(self) -> Iterator[str]:
        return (camera for camera in CAMERAS if camera in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[type[dict[str, Value]], tuple[dict[str, Value]]]:
        return dict, (dict(self),)


@dataclass(frozen=True, eq=False)
class Seen:
    """One look at bodies that will never change: they are frozen, and so is what `take` makes of them."""

    bodies: Sequence[Body]
    take: Callable[[View], Shot]  # the picture through one camera, the same whenever it is taken
    _shots: dict[str, Shot] = field(default_factory=dict, init=False, repr=False)

    @property
    def images(self) -> Mapping[str, Image]:
        """RGB by camera."""
        return ByCamera(lambda camera: Image.of(self._shot(camera).rgb))

    @property
    def segmentation(self) -> Mapping[str, NDArray[np.uint8]]:
        """Object ids (H, W) by camera, read-only."""
        return ByCamera(lambda camera: self._shot(camera).ids)

    @property
    def objects(self) -> tuple[SceneObject, ...]:
        """The bodies as scene objects, with the box of their visible pixels in each camera that sees them."""
        return tuple(SceneObject(body.id, body.shape.name, body.texture, self._boxes(body.id)) for body in self.bodies)

    def _boxes(self, number: int) -> Mapping[str, Box]:
        return ByCamera(lambda camera: box_of(self._shot(camera).ids == number), partial=True)

    def _shot(self, camera: str) -> Shot:
        if camera not in self._shots:
            self._shots[camera] = self.take(_VIEWS[camera])
        return self._shots[camera]
