"""Success rates with intervals, paired comparison of two runs, and the error of single actions."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from instar.robot import ActionSpace, Floats
from instar.rollout import EpisodeRecord, Outcome


@dataclass(frozen=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class SuccessRate:
    """Successes among the episodes that were played to an end; crashed ones are counted apart."""

    successes: int
    n: int  # episodes with an outcome of the policy's making; crashed ones are not among them
    interval: Interval  # Wilson, 95 %
    crashed: int = 0

    @property
    def rate(self) -> float | None:
        """Successes per episode, None where no episode counts."""
        return self.successes / self.n if self.n else None

    def to_json(self) -> dict[str, Any]:
        """Fields and rate."""
        return {**asdict(self), "rate": self.rate}


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """The Wilson score interval of a proportion; [0, 1] for n = 0. After Wilson (JASA 1927)."""
    assert 0 <= successes <= n
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate = successes / n
    centre = rate + z * z / (2 * n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At the ends of the scale the interval touches them; rounding must not push it past.
    low = 0.0 if successes == 0 else (centre - half) / scale
    high = 1.0 if successes == n else (centre + half) / scale
    return Interval(low, high)


def success_rate(records: Iterable[EpisodeRecord]) -> SuccessRate:
    """The success rate of some records, with its interval."""
    outcomes = [record.outcome for record in records]
    crashed = outcomes.count(Outcome.CRASHED)
    successes, n = outcomes.count(Outcome.SUCCESS), len(outcomes) - crashed
    return SuccessRate(successes, n, wilson(successes, n), crashed)


@dataclass(frozen=True)
class Summary:
    """A run in numbers. Tasks are keyed "<suite>/<task>"; order is that of first appearance in sorted ids."""

    overall: SuccessRate
    suites: Mapping[str, SuccessRate]
    tasks: Mapping[str, SuccessRate]
    outcomes: Mapping[str, int]  # how many episodes ended in each way, every way named

    def to_json(self) -> dict[str, Any]:
        """As stored in the manifest of a run."""
        return {
            "overall": self.overall.to_json(),
            "suites": {name: rate.to_json() for name, rate in self.suites.items()},
            "tasks": {name: rate.to_json() for name, rate in self.tasks.items()},
            "outcomes": dict(self.outcomes),
        }


def summarise(records: Iterable[EpisodeRecord]) -> Summary:
    """Success per task, per suite and overall, whatever the order of `records`."""
    ordered = sorted(records, key=lambda record: (record.suite, record.task, record.seed))
    suites: dict[str, list[EpisodeRecord]] = {}
    tasks: dict[str, list[EpisodeRecord]] = {}
    for record in ordered:
        suites.setdefault(record.suite, []).append(record)
        tasks.setdefault(f"{record.suite}/{record.task}", []).append(record)
    return Summary(
        success_rate(ordered),
        {name: success_rate(group) for name, group in suites.items()},
        {name: success_rate(group) for name, group in tasks.items()},
        {outcome.value: sum(record.outcome is outcome for record in ordered) for outcome in Outcome},
    )


@dataclass(frozen=True)
class Comparison:
    """Two runs over the same episodes. Differences are B minus A."""

    n: int  # pairs that count
    rate_a: float | None  # over the pairs; None without any
    rate_b: float | None
    difference: float | None
    interval: Interval | None  # paired bootstrap, 95 %
    only_a: int  # pairs that A alone solved
    only_b: int
    both: int
    neither: int
    p: float  # exact McNemar, two-sided: 1 where nothing differs
    crashed: tuple[str, ...]  # ids left out because either run's simulator crashed
    unpaired_a: tuple[str, ...]  # ids that only A played
    unpaired_b: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)


def compare(a: Iterable[EpisodeRecord], b: Iterable[EpisodeRecord], seed: int = 0) -> Comparison:
    """Pair two runs by episode id and test whether B differs from A; `seed` is that of the bootstrap."""
    first = {record.id: record for record in a}
    second = {record.id: record for record in b}
    shared = sorted(first.keys() & second.keys())
    broken = [key for key in shared if Outcome.CRASHED in (first[key].outcome, second[key].outcome)]
    counted = sorted(set(shared) - set(broken))
    pairs = [(first[key].outcome is Outcome.SUCCESS, second[key].outcome is Outcome.SUCCESS) for key in counted]
    n, only_a, only_b = len(pairs), pairs.count((True, False)), pairs.count((False, True))
    both = pairs.count((True, True))
    return Comparison(
        n=n,
        rate_a=(both + only_a) / n if n else None,
        rate_b=(both + only_b) / n if n else None,
        difference=(only_b - only_a) / n if n else None,
        interval=paired_bootstrap(only_a, only_b, n, seed) if n else None,
        only_a=only_a,
        only_b=only_b,
        both=both,
        neither=n - both - only_a - only_b,
        p=mcnemar(only_a, only_b),
        crashed=tuple(broken),
        unpaired_a=tuple(sorted(first.keys() - second.keys())),
        unpaired_b=tuple(sorted(second.keys() - first.keys())),
    )


def mcnemar(only_a: int, only_b: int) -> float:
    """The exact two-sided p-value that discordant pairs fall either way alike. After McNemar (Psychometrika 1947)."""
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1))
    return min(1.0, 2 * tail / (1 << n))  # whole numbers until here: exact for any n


def paired_bootstrap(only_a: int, only_b: int, n: int, seed: int = 0, resamples: int = 10_000) -> Interval:
    """The 95 % percentile interval of rate B minus rate A when `n` pairs are drawn again with replacement.

    A pair contributes -1, 0 or +1, so drawing the three counts from their multinomial is drawing the pairs.
    """
    rng = np.random.default_rng(seed)
    chances = np.array([only_a, only_b, n - only_a - only_b]) / n
    counts = rng.multinomial(n, chances, size=resamples)
    low, high = np.percentile((counts[:, 1] - counts[:, 0]) / n, [2.5, 97.5])
    return Interval(float(low), float(high))


@dataclass(frozen=True)
class ActionError:
    """How far predicted actions are from the expert's, averaged, by the part of the action that is off."""

    n: int
    metres: Mapping[str, float]  # by point: "start", "end", or "position"; the straight distance
    degrees: Mapping[str, float]  # by angle: "start", "end"; the smaller way round, in [0, 180]

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)


def action_error(predicted: Floats, expert: Floats, space: ActionSpace) -> ActionError:
    """The mean error of actions (n, dim) against (n, dim), both in the units of `space`.

    Dimensions called `<point>_x`, `<point>_y`, `<point>_z` in metres are points, `<point>_yaw` in radians are angles,
    and the point of a plain `x` or `yaw` is called "position"; other dimensions do not count.
    """
    assert predicted.shape == expert.shape
    assert predicted.ndim == 2
    assert predicted.shape[1] == space.dim
    off = predicted - expert
    points: dict[str, list[int]] = {}
    angles: dict[str, int] = {}
    for position, (name, unit) in enumerate(zip(space.names, space.units, strict=True)):
        point, _, axis = name.rpartition("_")
        if axis in ("x", "y", "z") and unit == "m":
            points.setdefault(point or "position", []).append(position)
        elif axis == "yaw" and unit == "rad":
            angles[point or "position"] = position
    return ActionError(
        len(off),
        {point: _mean(np.linalg.norm(off[:, axes], axis=1)) for point, axes in points.items()},
        {point: _mean(np.degrees(_turn(off[:, axis]))) for point, axis in angles.items()},
    )


def _turn(radians: Floats) -> Floats:
    """Differences of angles as the smaller way round, in [0, pi]."""
    return np.asarray(np.abs((radians + np.pi) % (2 * np.pi) - np.pi))


def _mean(values: Floats | Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
