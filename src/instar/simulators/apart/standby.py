"""The child process of one simulator: started when it is first asked, and anew after it was lost."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from instar.errors import SimulatorError
from instar.simulators.apart.program import Answer, Array, Program

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Made = TypeVar("Made", bound=DataclassInstance)

logger = logging.getLogger(__name__)


class Standby:
    """What a simulator asks; it holds a `Program` while there is one."""

    def __init__(self, name: str, plugin: str, command: Sequence[str]) -> None:
        """`name` is what people call the simulator, `plugin` what instar calls it; `command` is what to run."""
        self._name, self._plugin, self._command = name, plugin, command
        self._program: Program | None = None

    def ask(self, patience: float, order: Mapping[str, Any], arrays: Mapping[str, Array] | None = None) -> Answer:
        """The child's answer, which may take `patience` seconds.

        Raises SimulatorError where the child fails, dies or is silent. Then it is gone, with the episode in play, and
        the next order starts another.
        """
        try:
            if self._program is None:
                self._program = Program(self._command, patience, self._name)
            self._program.patience = patience
            return self._program.ask(order, arrays)
        except SimulatorError:
            self.close()
            raise

    def prepare(self, patience: float) -> Answer:
        """Make sure that the simulator starts, and end it; its greeting. Raises SimulatorError: where to look."""
        try:
            greeting = self.ask(patience, {"do": "greet"})
            versions = greeting.header["versions"].items()
            logger.info("%s runs on %s", self._name, ", ".join(f"{name} {version}" for name, version in versions))
        except SimulatorError as error:
            raise SimulatorError(f"{error}. `instar doctor {self._plugin}` says what to install") from error
        finally:
            self.close()
        return greeting

    def close(self) -> None:
        """End the child process, if there is one."""
        if self._program is not None:
            self._program.close()
            self._program = None


def afresh(simulator: "Made") -> "tuple[type[Made], tuple[Any, ...]]":
    """How to copy or pickle a simulator: one with the same options is made, because a process cannot be sent."""
    return type(simulator), tuple(getattr(simulator, item.name) for item in fields(simulator) if item.init)
