"""A demonstration."""

from importlib import import_module
from typing import Any


class Demo:
    def __init__(self, observations: list[Any], random_seed: Any = None, num_reset_attempts: int | None = None) -> None:
        self._observations = observations
        self.random_seed = random_seed
        self.num_reset_attempts = num_reset_attempts

    def __getitem__(self, i: int) -> Any:
        return self._observations[i]

    def restore_state(self) -> None:
        import_module("numpy.random").set_state(self.random_seed)
