"""Demonstrations of Meta-World: its own scripted policies play them as they are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, ClassVar

from typing_extensions import Doc

from instar.demo import Episode
from instar.demos.played import Rounds, play
from instar.files import digest
from instar.simulator import Task, repeated
from instar.simulators.metaworld import MetaWorld, options
from instar.simulators.metaworld.tasks import TASKS, WORLD, suite_of
from instar.simulators.names import chosen


@dataclass(frozen=True)
class MetaWorldDemos:
    """Episodes of Meta-World's scripted policies up to success; those that they do not solve are left out."""

    LOCAL: ClassVar = options.LOCAL
    python: options.Python = ""
    episodes: Annotated[int, Doc("how many episodes, over all tasks")] = 500
    tasks: Annotated[tuple[str, ...] | str, Doc("which tasks, as a list or one+another*3")] = TASKS
    seed: Annotated[int, Doc("the first seed of every task")] = 0
    cameras: options.Cameras = "corner4"
    height: options.Height = 128
    width: options.Width = 256
    fov: options.Fov = 0.0
    repeat: options.Repeat = 5
    finish: options.Finish = "plain"
    wordings: options.Wordings = "first"
    patience: options.Patience = 120.0
    _simulator: MetaWorld = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        size = (self.height, self.width, self.fov)
        simulator = MetaWorld(self.python, self.cameras, *size, self.repeat, self.finish, self.wordings, self.patience)
        object.__setattr__(self, "_simulator", simulator)  # starts its process when it is first needed
        assert self._rounds

    def ids(self) -> Sequence[str]:
        """Ids `metaworld/<task>/<seed>`, one task after another and round again."""
        return self._rounds.ids()

    def episode(self, id: str) -> Episode:
        """The scripted policy at play. Raises DataError for a foreign id and for a seed that it does not solve.

        Raises SimulatorError where the process is lost in play.
        """
        task, seed = self._rounds.parsed(id)
        most = options.STEPS // self.repeat
        return play(id, Task(task, suite_of(task), most), self._simulator, seed, most)

    def fingerprint(self) -> str:
        """Of what is played and how it is seen, not of where."""
        seen = [self.cameras, self.height, self.width, self.fov, self.repeat, self.finish, self.wordings]
        told = {"world": WORLD, "tasks": list(self._rounds.tasks), "seed": self.seed, "episodes": self.episodes}
        return digest({**told, "seen": seen})

    @cached_property
    def _rounds(self) -> Rounds:
        often = repeated(self.tasks)
        names = chosen(tuple(often), TASKS, "task", WORLD)
        return Rounds("metaworld", tuple(name for name in names for _ in range(often[name])), self.episodes, self.seed)
