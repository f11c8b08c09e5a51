"""Do the tabletop and the real VIMA-Bench mean the same by an action? Each world's expert acts in the other.

*There* is the tabletop's expert on VIMA-Bench: after every action the real scene is set up on the tabletop, whose own
expert looks at its own picture of it and says what to do; the real simulator does that. *Back* is VIMA-Bench's oracle
on the tabletop: the actions that solved an episode there are done on the tabletop, from the same first scene on and
without another look at the real one.

    python -m studies.two_worlds --python path/to/python --seeds 2
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from instar import plugins
from instar.benchmarks.vima import VimaBenchmark
from instar.demo import Context
from instar.embodiments.vima import VIMA
from instar.errors import SimulatorError
from instar.metrics import wilson
from instar.policy import PolicySpec
from instar.robot import ActionChunk
from instar.rollout import EpisodeRecord, Outcome, rollout
from instar.simulator import Trial
from instar.simulators.tabletop.scenes import Scene, expert_action, problem_of, read_scene
from instar.simulators.tabletop.simulator import done, generator
from instar.simulators.tabletop.tasks.problem import Verdict
from instar.simulators.vima import VimaBench
from studies.pages import RESULTS, table, write_section


@dataclass(frozen=True)
class Neighbour:
    """A policy for the episode in play on VIMA-Bench: what the tabletop's expert does in the scene as it stands."""

    simulator: VimaBench
    trial: Trial

    @property
    def spec(self) -> PolicySpec:
        """It acts on VIMA's robot, one action at a time."""
        return PolicySpec("the tabletop's expert", (VIMA,), past=0, horizon=1)

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        """The same action for each context: there is one episode in play."""
        scene = read_scene(self.simulator.scene(), self.trial.id)
        rng = generator("two worlds", self.trial.id, len(scene.actions))
        try:
            chunk = ActionChunk(expert_action(scene, rng)[None, :])
        except SimulatorError as error:
            chunk = ActionChunk(np.empty((0, VIMA.actions.dim)), unreadable=str(error))
        return [chunk for _ in contexts]


@dataclass(frozen=True)
class Crossing:
    """One episode from one world in the other."""

    trial: Trial
    tool: str
    solved: bool
    why: str  # how it ended if it was not solved


def there(simulator: VimaBench, trial: Trial) -> Crossing:
    """The tabletop's expert on VIMA-Bench."""
    record = rollout(Neighbour(simulator, trial), simulator, trial)
    return Crossing(trial, tool_of(trial), record.outcome is Outcome.SUCCESS, _ending(record))


def back(simulator: VimaBench, trial: Trial) -> Crossing | None:
    """The oracle's actions on the tabletop; None where the oracle itself did not solve the episode."""
    record = rollout(None, simulator, trial)
    if record.outcome is not Outcome.SUCCESS:
        return None
    verdict = replayed(read_scene(simulator.scene(), trial.id))
    return Crossing(trial, tool_of(trial), verdict.success, verdict.failure or "not finished")


def replayed(scene: Scene) -> Verdict:
    """How the scene's actions end on the tabletop, begun as the scene began."""
    problem = problem_of(scene)
    problem.rule.begin(problem.bodies)
    bodies, verdict = problem.bodies, Verdict()
    for action in scene.actions:
        bodies, trails = done(problem.tool, bodies, action)
        verdict = problem.rule.judge(bodies, trails)
        if verdict.over:
            break
    return verdict


def tool_of(trial: Trial) -> str:
    """What the task is done with."""
    return "spatula" if trial.task.name.startswith("sweep") else "suction cup"


def _ending(record: EpisodeRecord) -> str:
    return f"{record.outcome}: {record.error}" if record.error else str(record.outcome)


def crossings(benchmark: VimaBenchmark) -> Iterator[tuple[str, Crossing]]:
    """Every episode in both directions, as they end."""
    simulator = plugins.make("simulators", benchmark.simulator())
    assert isinstance(simulator, VimaBench)
    try:
        for trial in benchmark.episodes():
            yield "there", there(simulator, trial)
            returned = back(simulator, trial)
            if returned is not None:
                yield "back", returned
    finally:
        simulator.close()


HEADER: Final = ("who, and where", "tool", "level", "solved", "95 % interval")
NAMES: Final = {"there": "the tabletop's expert on VIMA-Bench", "back": "VIMA-Bench's oracle on the tabletop"}


def report(found: Sequence[tuple[str, Crossing]]) -> str:
    """The table, and every episode that was not solved."""
    rows = []
    for way, name in NAMES.items():
        mine = [crossing for direction, crossing in found if direction == way]
        for tool in dict.fromkeys(crossing.tool for crossing in mine):
            group = [crossing for crossing in mine if crossing.tool == tool]
            suites = dict.fromkeys(crossing.trial.task.suite for crossing in group)
            rows += [
                _row(name, tool, suite, [one for one in group if one.trial.task.suite == suite]) for suite in suites
            ]
            rows.append(_row(name, tool, "all", group))
    lost = [f"* {NAMES[way]}, {one.trial.id}: {one.why}" for way, one in found if not one.solved]
    return table(HEADER, rows) + ("\n\nNot solved:\n\n" + "\n".join(lost) if lost else "")


def _row(name: str, tool: str, suite: str, group: Sequence[Crossing]) -> tuple[str, ...]:
    solved, n = sum(crossing.solved for crossing in group), len(group)
    interval = wilson(solved, n)
    return (
        name,
        tool,
        suite,
        f"{solved} of {n} ({100 * solved / n:.1f} %)",
        f"{100 * interval.low:.1f} to {100 * interval.high:.1f} %",
    )


INTRODUCTION: Final = """## Two worlds, one meaning of an action

Made by `python -m studies.two_worlds --python PATH --seeds {seeds}` with the real VIMA-Bench (see [vima](vima.md)),
on the seeds {first} to {last} of each of its pairs of level and task, with at most 8 actions an episode.

* *The tabletop's expert on VIMA-Bench*: after every action the real scene is set up on the tabletop, the tabletop's
  own expert decides by its own picture of it, and the real simulator does what it says.
* *VIMA-Bench's oracle on the tabletop*: the actions with which the scripted oracle solves the real episode are done on
  the tabletop, from the same first scene on, without another look at the real one.

Intervals are Wilson's."""


def main() -> None:
    """Print the table and write it into the results page."""
    parser = argparse.ArgumentParser(description="each world's expert acts in the other")
    parser.add_argument("--python", default="", help="interpreter that has VIMA-Bench")
    parser.add_argument("--checkout", default="", help="folder of VIMABench, where it is not installed there")
    parser.add_argument("--seeds", type=int, default=2, help="episodes of each pair of level and task")
    parser.add_argument("--first-seed", type=int, default=200_000, help="seeds count up from this")
    parser.add_argument("--tasks", default="", help="only these, one+another")
    parser.add_argument("--print-only", action="store_true", help="leave docs/results.md as it is")
    options = parser.parse_args()
    told = {"python": options.python, "checkout": options.checkout, "tasks": options.tasks}
    chosen = ",".join(f"{name}={json.dumps(value)}" for name, value in told.items() if value)
    benchmark = plugins.make(
        "benchmarks", f"vima:per_task={options.seeds},seed={options.first_seed}" + (f",{chosen}" if chosen else "")
    )
    found = []
    for way, crossing in crossings(benchmark):
        found.append((way, crossing))
        if not crossing.solved:
            sys.stderr.write(f"{NAMES[way]}: {crossing.trial.id}: {crossing.why}\n")
    text = report(found)
    sys.stdout.write(text + "\n")
    if not options.print_only:
        last = options.first_seed + options.seeds - 1
        introduction = INTRODUCTION.format(seeds=options.seeds, first=options.first_seed, last=last)
        write_section(RESULTS, "two worlds", f"{introduction}\n\n{text}")


if __name__ == "__main__":
    main()
