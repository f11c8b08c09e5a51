"""Demonstrations without a download: the tabletop's scripted expert plays them as they are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from typing_extensions import Doc

from instar.demo import Context, Episode, Step
from instar.errors import ConfigError, DataError
from instar.files import digest
from instar.simulator import Task
from instar.simulators.tabletop import WORLD_VERSION, Tabletop
from instar.simulators.tabletop.expert import Hand
from instar.simulators.tabletop.look import Look
from instar.simulators.tabletop.selection import TASKS, set_at, suites_of, tasks_of

SEEDS: Final = 100_000  # demonstrations use seeds below this; benchmarks start at 200 000
MOST_STEPS: Final = 12  # the expert is far quicker


@dataclass(frozen=True)
class TabletopDemos:
    """Episodes of the scripted expert, interleaved over tasks; the same id is the same episode everywhere."""

    episodes: Annotated[int, Doc("how many episodes, over all tasks")] = 800
    tasks: Annotated[tuple[str, ...] | str, Doc("which tasks, as a list or one+another")] = TASKS
    suite: Annotated[str, Doc("the level whose shapes and textures are used")] = "placement"
    seed: Annotated[int, Doc("the first seed of every task")] = 0
    look: Annotated[Look, Doc("sim, or real: another table, light and noise, and a camera that has moved")] = "sim"
    hand: Annotated[
        Hand, Doc("oracle picks anywhere and turns all, as VIMA-Bench's; steady picks near the middle, turns if asked")
    ] = "oracle"

    def __post_init__(self) -> None:
        suites_of((self.suite,))
        if self.episodes < 1:
            raise ConfigError(f"episodes={self.episodes}: ask for at least one")
        last = self.seed + (self.episodes - 1) // len(self._names())
        if self.seed < 0 or last >= SEEDS:
            raise ConfigError(
                f"demonstrations use the seeds 0 to {SEEDS - 1}, apart from those of evaluations; "
                f"seed={self.seed} with episodes={self.episodes} would need {self.seed} to {last}"
            )

    def ids(self) -> Sequence[str]:
        """Ids `tabletop/<suite>/<task>/<seed>`, one task after another and round again."""
        names = self._names()
        return [self._id(names[k % len(names)], self.seed + k // len(names)) for k in range(self.episodes)]

    def episode(self, id: str) -> Episode:
        """The expert at play. Raises DataError for a foreign id, and for the rare seed the expert does not solve."""
        task, seed = self._parsed(id)
        return play(id, task, Tabletop(self.look, self.hand), seed)

    def fingerprint(self) -> str:
        """Of the options and of the world's rules."""
        names = list(self._names())
        return digest({"world": WORLD_VERSION, "tasks": names, "suite": self.suite, "seed": self.seed} | {
            "episodes": self.episodes, "look": self.look, "hand": self.hand
        })  # fmt: skip

    def _names(self) -> tuple[str, ...]:
        names = set_at(self.suite, tasks_of(self.tasks))
        if not names:
            raise ConfigError(f"none of the tasks {', '.join(tasks_of(self.tasks))} exists in suite {self.suite!r}")
        return names

    def _id(self, task: str, seed: int) -> str:
        return f"{self._place()}/{self.suite}/{task}/{seed:06d}"

    def _place(self) -> str:
        # The same seed in the other look, or by the other hand, is another episode: all may be trained on together.
        usual = {"sim", "oracle"}
        return "-".join(["tabletop", *(chosen for chosen in (self.look, self.hand) if chosen not in usual)])

    def _parsed(self, id: str) -> tuple[Task, int]:
        parts = id.split("/")
        names = self._names()
        if len(parts) == 4 and parts[2] in names and parts[3].isdecimal():
            seed, place = int(parts[3]), names.index(parts[2])
            count = (self.episodes - 1 - place) // len(names) + 1  # episodes of this task
            if id == self._id(parts[2], seed) and self.seed <= seed < self.seed + count:
                return Task(parts[2], self.suite), seed
        raise DataError(f"{id}: not an episode of these demonstrations; the first is {self.ids()[0]}")


def play(id: str, task: Task, simulator: Tabletop, seed: int) -> Episode:
    """What the scripted expert does with a seed, as an episode called `id`. Raises DataError if it does not succeed."""
    instruction, observation = simulator.reset(task, seed)
    expert = simulator.expert()
    steps: list[Step] = []
    for t in range(MOST_STEPS):
        context = Context(simulator.robot, instruction, observation, t=t)
        action = expert.act([context])[0].actions[0]
        steps.append(Step(observation, action))
        transition = simulator.step(action)
        observation = transition.observation
        if transition.success:
            return Episode(id, simulator.robot, instruction, [*steps, Step(observation, None)], success=True)
        if transition.terminated:
            raise DataError(f"{id}: the expert did not solve this seed: {transition.reason}")
    raise DataError(f"{id}: the expert did not solve this seed in {MOST_STEPS} steps")
