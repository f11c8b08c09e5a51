"""Steps that were recorded as columns: actions and states as arrays, pictures found when somebody asks for them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import overload

import numpy as np

from instar.demo import ByCamera, Image, Observation, Step
from instar.errors import DataError
from instar.robot import Floats

Pictures = Mapping[str, Callable[[int], Image]]  # by camera: the picture of a step


class RecordedSteps(Sequence[Step]):
    """T observations with T actions, or with one fewer: then the last has none."""

    def __init__(self, where: str, actions: Floats, states: Floats, pictures: Pictures) -> None:
        """`actions` are (T, D) or (T - 1, D), `states` (T, S). Raises DataError for other counts and for no numbers."""
        if len(states) - len(actions) not in (0, 1):
            raise DataError(f"{where}: {len(states)} observations and {len(actions)} actions")
        for what, numbers in (("actions", actions), ("states", states)):
            bad = np.flatnonzero(~np.isfinite(numbers).all(axis=1))
            if len(bad):
                raise DataError(
                    f"{where}: {what} of step {bad[0]} are {numbers[bad[0]].tolist()}; expected finite numbers"
                )
        self._actions, self._states, self._pictures = actions, states, pictures
        self._made: dict[int, Step] = {}

    def __len__(self) -> int:
        return len(self._states)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        if isinstance(index, slice):
            return [self[t] for t in range(len(self))[index]]
        t = range(len(self))[index]
        if t not in self._made:
            self._made[t] = self._make(t)
        return self._made[t]

    def _make(self, t: int) -> Step:
        images = ByCamera(self._pictures, partial(_picture, self._pictures, t))
        action = self._actions[t] if t < len(self._actions) else None
        return Step(Observation(images, self._states[t]), action)


def _picture(pictures: Pictures, t: int, camera: str) -> Image:
    return pictures[camera](t)
