"""What the cameras see of some bodies, drawn when somebody looks: who looks through one camera waits for no other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.demo import Box, ByCamera, Image, SceneObject
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.render import Shot, box_of
from instar.simulators.tabletop.views import VIEWS, View

_VIEWS: Final = {view.name: view for view in VIEWS}
CAMERAS: Final = tuple(_VIEWS)


@dataclass(frozen=True, eq=False)
class Seen:
    """One look at bodies that will never change: they are frozen, and so is what `take` makes of them."""

    bodies: Sequence[Body]
    take: Callable[[View], Shot]  # the picture through one camera, the same whenever it is taken
    _shots: dict[str, Shot] = field(default_factory=dict, init=False, repr=False)

    @property
    def images(self) -> Mapping[str, Image]:
        """RGB by camera."""
        return ByCamera(CAMERAS, lambda camera: Image.of(self._shot(camera).rgb))

    @property
    def segmentation(self) -> Mapping[str, NDArray[np.uint8]]:
        """Object ids (H, W) by camera, read-only."""
        return ByCamera(CAMERAS, lambda camera: self._shot(camera).ids)

    @property
    def objects(self) -> tuple[SceneObject, ...]:
        """The bodies as scene objects, with the box of their visible pixels in each camera that sees them."""
        return tuple(SceneObject(body.id, body.shape.name, body.texture, self._boxes(body.id)) for body in self.bodies)

    def _boxes(self, number: int) -> Mapping[str, Box]:
        return ByCamera(CAMERAS, lambda camera: box_of(self._shot(camera).ids == number), partial=True)

    def _shot(self, camera: str) -> Shot:
        if camera not in self._shots:
            self._shots[camera] = self.take(_VIEWS[camera])
        return self._shots[camera]
