"""Simulators in worker processes: the same records as in this process, and what happens when a worker dies."""

import functools
import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from instar.demo import Context, Image, Instruction, Observation
from instar.errors import MismatchError, SimulatorError
from instar.evaluate import EvaluateConfig, play
from instar.policy import Policy
from instar.robot import ActionChunk
from instar.rollout import EpisodeRecord, Outcome, rollout
from instar.simulator import Simulator, Task, Trial
from tests.point_world import POINT, SPACE, PointWorld, Slider, trial

TRIALS = [*(trial(seed=seed) for seed in range(7)), trial("crash", 1), trial("refuse", 2), trial(seed=99, max_steps=1)]


def played(
    policy: Policy | None, trials: Sequence[Trial], out: Path, workers: int, batch: int, **options: float
) -> dict[str, EpisodeRecord]:
    config = EvaluateConfig(
        "expert",
        out,
        workers=workers,
        batch=batch,
        replan=int(options.get("replan", 1)),
        patience=options.get("patience", 60.0),
        videos="none",
    )
    records = list(play(policy, functools.partial(PointWorld, out), trials, config))
    assert [name for name, count in Counter(record.id for record in records).items() if count > 1] == []
    return {record.id: record for record in records}


def untimed(records: dict[str, EpisodeRecord]) -> dict[str, EpisodeRecord]:
    return {name: record.untimed() for name, record in records.items()}


@pytest.fixture(scope="module")
def alone() -> dict[str, EpisodeRecord]:
    """What plain rollouts make of the trials, one after the other."""
    policy = Slider(past=2, horizon=3, stride=0.02)
    return {item.id: rollout(policy, PointWorld(), item, replan=2).untimed() for item in TRIALS}


@pytest.mark.parametrize("batch", [1, 3, 16])
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_records_do_not_depend_on_workers_and_batch(
    alone: dict[str, EpisodeRecord], tmp_path: Path, workers: int, batch: int
) -> None:
    policy = Slider(past=2, horizon=3, stride=0.02)
    assert untimed(played(policy, TRIALS, tmp_path, workers, batch, replan=2)) == alone


@pytest.mark.parametrize("workers", [0, 2])
def test_the_expert_plays_where_the_simulators_are(tmp_path: Path, workers: int) -> None:
    alone = {item.id: rollout(None, PointWorld(), item).untimed() for item in TRIALS}
    assert untimed(played(None, TRIALS, tmp_path, workers, batch=4)) == alone


def test_the_policy_is_asked_about_as_many_contexts_at_once_as_there_are(tmp_path: Path) -> None:
    sizes: list[int] = []

    class Counting(Slider):
        def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
            sizes.append(len(contexts))
            return super().act(contexts)

    played(Counting(), [trial(seed=seed) for seed in range(12)], tmp_path, workers=0, batch=4)
    assert max(sizes) == 4
    assert sum(sizes) / len(sizes) > 3


def test_an_episode_whose_worker_dies_once_is_played_again(tmp_path: Path) -> None:
    trials = [trial("die once", seed) if seed == 3 else trial(seed=seed) for seed in range(6)]
    records = played(Slider(), trials, tmp_path, workers=1, batch=3)
    assert {record.outcome for record in records.values()} == {Outcome.SUCCESS}
    assert len(records) == 6
    assert (tmp_path / "3").exists(), "nobody died"


def test_an_episode_that_kills_its_worker_twice_crashes_and_takes_no_other_with_it(tmp_path: Path) -> None:
    trials = [trial("die", seed) if seed in (1, 4) else trial(seed=seed) for seed in range(6)]
    records = played(Slider(), trials, tmp_path, workers=2, batch=6)
    crashed = {name for name, record in records.items() if record.outcome is Outcome.CRASHED}
    assert crashed == {"line/die/1", "line/die/4"}
    assert len(records) == 6
    assert "SIGKILL" in records["line/die/1"].error


def test_a_simulator_that_hangs_is_given_up(tmp_path: Path) -> None:
    records = played(Slider(), [trial("hang"), trial()], tmp_path, workers=1, batch=2, patience=0.5)
    assert records["line/slide/0"].outcome is Outcome.SUCCESS
    assert records["line/hang/0"].outcome is Outcome.CRASHED
    assert "silent" in records["line/hang/0"].error


class Wide(PointWorld):
    """Shows so much that one look does not fit into a pipe, and leaves a mark in its folder whenever it has begun."""

    def observe(self) -> Observation:
        seen = super().observe()
        return Observation({**seen.images, "wall": Image.of(np.zeros((800, 800, 3), np.uint8))}, seen.state)

    def reset(self, task: Task, seed: int) -> tuple[Instruction, Observation]:
        opening = super().reset(task, seed)
        assert self.graves is not None
        (self.graves / f"begun {seed}").touch()
        return opening


@dataclass(frozen=True)
class Watching(Slider):
    """Looks, while it thinks about its first answer, how many episodes have begun, until there are `expected`."""

    graves: Path = Path()
    expected: int = 0
    seen: list[int] = field(default_factory=list)

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        deadline = time.monotonic() + 20
        while not self.seen and len(list(self.graves.glob("begun *"))) < self.expected and time.monotonic() < deadline:
            time.sleep(0.01)
        self.seen.append(len(list(self.graves.glob("begun *"))))
        return super().act(contexts)


def test_simulators_play_on_while_the_policy_computes(tmp_path: Path) -> None:
    policy = Watching(graves=tmp_path, expected=8)
    config = EvaluateConfig("expert", tmp_path, workers=1, batch=4, videos="none")
    trials = [trial(seed=seed) for seed in range(12)]
    records = list(play(policy, functools.partial(Wide, tmp_path), trials, config))
    assert len(records) == 12
    assert policy.seen[0] == 8, "four more than the policy was asked about, though nobody read what their worker said"


@dataclass(frozen=True)
class Wordy(Slider):
    """Says so much that one chunk does not fit into a pipe."""

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        return [replace(chunk, question=chunk.question + 500_000 * "!") for chunk in super().act(contexts)]


def test_nobody_waits_for_anybody_where_both_have_more_to_say_than_a_pipe_holds(tmp_path: Path) -> None:
    trials = [trial("die once", seed) if seed == 5 else trial(seed=seed) for seed in range(9)]
    config = EvaluateConfig("expert", tmp_path, workers=2, batch=4, videos="none")
    records = list(play(Wordy(), functools.partial(Wide, tmp_path), trials, config))
    assert {record.id: record.steps for record in records} == {
        item.id: rollout(Wordy(), PointWorld(), trial(seed=item.seed)).steps for item in trials
    }
    assert (tmp_path / "5").exists(), "nobody died"
    assert all(record.trace[0].question.endswith("!!!") for record in records)


def test_a_policy_gets_half_of_those_in_play_when_few_are_left(tmp_path: Path) -> None:
    sizes: list[int] = []

    class Counting(Slider):
        def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
            sizes.append(len(contexts))
            return super().act(contexts)

    played(Counting(), [trial(seed=seed) for seed in range(6)], tmp_path, workers=1, batch=16)
    assert max(sizes) <= 6
    assert sizes[0] >= 3


def unmakeable() -> Simulator:
    raise SimulatorError("no licence for this world")


def test_a_simulator_that_cannot_be_made_stops_the_run_with_its_own_words(tmp_path: Path) -> None:
    config = EvaluateConfig("expert", tmp_path, workers=1, videos="none")
    with pytest.raises(SimulatorError, match="no licence"):
        list(play(None, unmakeable, [trial()], config))


class Expertless(PointWorld):
    def expert(self) -> None:
        return None


def test_a_disagreement_found_in_a_worker_is_told_by_its_own_type(tmp_path: Path) -> None:
    config = EvaluateConfig("expert", tmp_path, workers=1, videos="none")
    with pytest.raises(MismatchError, match="no expert"):
        list(play(None, Expertless, [trial()], config))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_policy_for_another_robot_is_refused_before_it_is_asked(tmp_path: Path, workers: int) -> None:
    class Silent(Slider):
        def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
            raise AssertionError(f"asked about {len(contexts)} contexts")

    config = EvaluateConfig("expert", tmp_path, workers=workers, videos="none")
    policy = Silent(robots=(replace(POINT, actions=replace(SPACE, frame="end effector")),))
    with pytest.raises(MismatchError, match="action frame"):
        list(play(policy, PointWorld, [trial()], config))


def test_no_process_and_no_thread_is_left_when_somebody_stops_listening(tmp_path: Path) -> None:
    config = EvaluateConfig("expert", tmp_path, workers=2, batch=2, videos="none")
    before = threading.active_count()
    records = play(Slider(), PointWorld, [trial(seed=seed) for seed in range(5)], config)
    next(iter(records))
    assert len(multiprocessing.active_children()) == 2
    records.close()
    assert multiprocessing.active_children() == []
    assert threading.active_count() == before
