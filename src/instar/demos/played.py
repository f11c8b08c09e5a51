"""Demonstrations that a simulator's own expert plays, one task after another and round again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from instar.demo import Context, Episode, Step
from instar.errors import ConfigError, DataError, SimulatorError
from instar.simulator import Simulator, Task

SEEDS: Final = 100_000  # demonstrations use seeds below this; benchmarks start at 200 000
MOST_STEPS: Final = 12  # of pick and place: experts are far quicker


@dataclass(frozen=True)
class Rounds:
    """Ids `<place>/<task>/<seed>` of so many episodes."""

    place: str  # whose world, and which level
    tasks: tuple[str, ...]  # of one round; one that is there several times is played as often, on as many seeds
    episodes: int  # over all tasks
    seed: int  # the first of every task

    def __post_init__(self) -> None:
        if self.episodes < 1:
            raise ConfigError(f"episodes={self.episodes}: ask for at least one")
        last = self.seed + max(self._count(task) for task in self.tasks) - 1
        if self.seed < 0 or last >= SEEDS:
            raise ConfigError(
                f"demonstrations use the seeds 0 to {SEEDS - 1}, apart from those of evaluations; "
                f"seed={self.seed} with episodes={self.episodes} would need {self.seed} to {last}"
            )

    def ids(self) -> Sequence[str]:
        """In order."""
        found = []
        for k in range(self.episodes):
            whole, place = divmod(k, len(self.tasks))
            task = self.tasks[place]
            found.append(self._id(task, self.seed + whole * self.tasks.count(task) + self.tasks[:place].count(task)))
        return found

    def parsed(self, id: str) -> tuple[str, int]:
        """The task and the seed of an id. Raises DataError for one that is not of these."""
        task, _, number = id.removeprefix(f"{self.place}/").partition("/")
        if task in self.tasks and number.isdecimal():
            seed = int(number)
            if id == self._id(task, seed) and self.seed <= seed < self.seed + self._count(task):
                return task, seed
        raise DataError(f"{id}: not an episode of these demonstrations; the first is {self.ids()[0]}")

    def _count(self, task: str) -> int:
        """Episodes of a task."""
        whole, rest = divmod(self.episodes, len(self.tasks))
        return whole * self.tasks.count(task) + self.tasks[:rest].count(task)

    def _id(self, task: str, seed: int) -> str:
        return f"{self.place}/{task}/{seed:06d}"


def play(id: str, task: Task, simulator: Simulator, seed: int, most: int = MOST_STEPS) -> Episode:
    """What the scripted expert does with a seed, as an episode called `id` of at most so many steps.

    Raises DataError if it does not succeed.
    """
    instruction, observation = simulator.reset(task, seed)
    expert = simulator.expert()
    if expert is None:
        raise DataError(f"{id}: this simulator has no expert to learn from")
    steps: list[Step] = []
    for t in range(most):
        context = Context(simulator.robot, instruction, observation, t=t)
        try:
            action = expert.act([context])[0].actions[0]
        except SimulatorError as error:  # nothing is left to do, what it wants to move is hidden, or it is gone
            raise DataError(f"{id}: the expert has no action: {error}") from error
        steps.append(Step(observation, action))
        transition = simulator.step(action)
        observation = transition.observation
        if transition.success:
            return Episode(id, simulator.robot, instruction, [*steps, Step(observation, None)], success=True)
        if transition.terminated:
            raise DataError(f"{id}: the expert did not solve this seed: {transition.reason}")
    raise DataError(f"{id}: the expert did not solve this seed in {most} steps")
