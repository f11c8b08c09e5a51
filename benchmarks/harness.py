"""What a part of the benchmarks measures, and how: contenders take turns, and the ratio is taken round by round."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

from instar.files import JSON

Size = Literal["small", "full"]  # a few seconds to see that it works, or what is published


@dataclass(frozen=True)
class Contender:
    """One way of doing a job."""

    name: str
    work: Callable[[], float]  # does the job once; how much was done, in the unit of the comparison
    reset: Callable[[], object] | None = None  # before each time, outside the clock, e.g. to empty a folder


@dataclass(frozen=True)
class Rate:
    """How fast one contender was."""

    name: str
    median: float  # units per second
    low: float  # the slowest round
    high: float  # the quickest round


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as the reference one contender was, compared within each round."""

    name: str
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Contenders against the first of them."""

    what: str  # the job
    unit: str  # what is counted per second, e.g. "episodes"
    rounds: int
    rates: tuple[Rate, ...]  # the reference first
    ratios: tuple[Ratio, ...]  # of the others
    aim: float | None = None  # the ratio that the last contender should reach

    @property
    def met(self) -> bool | None:
        """Whether the last contender reached the aim; None without one."""
        return None if self.aim is None else self.ratios[-1].median >= self.aim


@dataclass(frozen=True)
class Fact:
    """A count or a size: what does not depend on the clock, or is one figure of it."""

    what: str
    value: float
    unit: str
    aim: str = ""  # in words, e.g. "at most 0.4"
    met: bool | None = None


@dataclass(frozen=True)
class Result:
    """What one part found."""

    title: str
    comparisons: tuple[Comparison, ...] = ()
    facts: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()  # what the input was, the floor, and what explains a gap

    def to_json(self) -> JSON:
        """As plain containers."""
        plain: JSON = asdict(self)
        return plain


ROUNDS: Final = 5


def compare(
    what: str, unit: str, contenders: Sequence[Contender], rounds: int = ROUNDS, aim: float | None = None
) -> Comparison:
    """Let every contender do the job once untimed, then `rounds` times in turns; the first one is the reference."""
    assert len(contenders) > 1, "a comparison needs a reference and another"
    for contender in contenders:
        _seconds(contender)
    per_second: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for turn in range(rounds):
        # Every other round backwards, so that none always runs while the machine is warm from the same other.
        for contender in contenders if turn % 2 == 0 else contenders[::-1]:
            seconds, done = _seconds(contender)
            per_second[contender.name].append(done / seconds)
    reference = per_second[contenders[0].name]
    ratios = {
        name: [mine / theirs for mine, theirs in zip(rates, reference, strict=True)]
        for name, rates in per_second.items()
    }
    return Comparison(
        what,
        unit,
        rounds,
        tuple(Rate(name, *_spread(rates)) for name, rates in per_second.items()),
        tuple(Ratio(contender.name, *_spread(ratios[contender.name])) for contender in contenders[1:]),
        aim,
    )


def _seconds(contender: Contender) -> tuple[float, float]:
    """Seconds that the job took, and how much was done."""
    if contender.reset is not None:
        contender.reset()
    gc.collect()
    begun = time.perf_counter()
    done = contender.work()
    return time.perf_counter() - begun, done


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    return statistics.median(values), min(values), max(values)
