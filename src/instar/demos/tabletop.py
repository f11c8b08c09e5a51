"""Demonstrations without a download: the tabletop's scripted expert plays them as they are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from typing_extensions import Doc

from instar.demo import Episode
from instar.demos.played import Rounds, play
from instar.errors import ConfigError
from instar.files import digest
from instar.simulator import Task, repeated
from instar.simulators.tabletop import WORLD_VERSION, Tabletop
from instar.simulators.tabletop.expert import Hand
from instar.simulators.tabletop.look import Look
from instar.simulators.tabletop.selection import TASKS, set_at, suites_of, tasks_of


@dataclass(frozen=True)
class TabletopDemos:
    """Episodes of the scripted expert, interleaved over tasks; the same id is the same episode everywhere."""

    episodes: Annotated[int, Doc("how many episodes, over all tasks")] = 800
    tasks: Annotated[
        tuple[str, ...] | str, Doc("which tasks, as a list or one+another; another*3 comes three times as often")
    ] = TASKS
    suite: Annotated[str, Doc("the level whose shapes and textures are used")] = "placement"
    seed: Annotated[int, Doc("the first seed of every task")] = 0
    look: Annotated[Look, Doc("sim, or real: another table, light and noise, and a camera that has moved")] = "sim"
    hand: Annotated[
        Hand, Doc("oracle picks anywhere and turns all, as VIMA-Bench's; steady picks near the middle, turns if asked")
    ] = "oracle"

    def __post_init__(self) -> None:
        suites_of((self.suite,))
        assert self._rounds

    def ids(self) -> Sequence[str]:
        """Ids `tabletop/<suite>/<task>/<seed>`, one task after another and round again."""
        return self._rounds.ids()

    def episode(self, id: str) -> Episode:
        """The expert at play. Raises DataError for a foreign id, and for the rare seed the expert does not solve."""
        task, seed = self._rounds.parsed(id)
        return play(id, Task(task, self.suite), Tabletop(self.look, self.hand), seed)

    def fingerprint(self) -> str:
        """Of the options and of the world's rules."""
        names = list(self._rounds.tasks)
        return digest({"world": WORLD_VERSION, "tasks": names, "suite": self.suite, "seed": self.seed} | {
            "episodes": self.episodes, "look": self.look, "hand": self.hand
        })  # fmt: skip

    @cached_property
    def _rounds(self) -> Rounds:
        often = repeated(self.tasks)
        asked = tasks_of(tuple(often))
        names = tuple(name for name in set_at(self.suite, asked) for _ in range(often[name]))
        if not names:
            raise ConfigError(f"none of the tasks {', '.join(asked)} exists in suite {self.suite!r}")
        # The same seed in the other look, or by the other hand, is another episode: all may be trained on together.
        usual = {"sim", "oracle"}
        place = "-".join(["tabletop", *(chosen for chosen in (self.look, self.hand) if chosen not in usual)])
        return Rounds(f"{place}/{self.suite}", names, self.episodes, self.seed)
