"""The samples in the order they are learned from: fixed by a seed, so that a run can go on from any position."""

import contextlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Subset

from instar.backbone import Backbone, Example
from instar.blend import Portion, portions
from instar.chat import Sample
from instar.checkpoint import Taught
from instar.errors import ConfigError, DataError, MismatchError
from instar.mixture import Draw
from instar.plugins import Choice
from instar.robot import Robot
from instar.samples import ActionStatistics, Samples
from instar.training.light import Light
from instar.training.order import Boxes, by_length, by_views

WORTH = 500  # samples that take about as long to encode as a process to start

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pool:
    """Several samples folders as one; all that have a recipe must have the same.

    So they must have the same robot, but for those of one blend, which are mixed on purpose.
    """

    portions: tuple[Portion, ...]

    @classmethod
    def open(cls, paths: Sequence[Path]) -> "Pool":
        """Open every folder. Raises MismatchError if they were not built for the same policy."""
        if not paths:
            raise ConfigError("there are no samples to train on; name at least one samples folder")
        found = tuple(portion for path in paths for portion in portions(path))
        _require_one_policy(found)
        return cls(found)

    @property
    def folders(self) -> tuple[Samples, ...]:
        """Where the samples are."""
        return tuple(portion.samples for portion in self.portions)

    @property
    def recipe(self) -> Choice | None:
        """The recipe of all folders that have one."""
        return next((folder.recipe_choice for folder in self.folders if folder.recipe_choice is not None), None)

    @property
    def robot(self) -> Robot | None:
        """The robot of the first folder that speaks of one."""
        return next((folder.robot for folder in self.folders if folder.robot is not None), None)

    @property
    def statistics(self) -> ActionStatistics | None:
        """Of the actions in the first folder that has any."""
        return next((folder.statistics for folder in self.folders if folder.statistics is not None), None)

    @property
    def taught(self) -> tuple[Taught, ...]:
        """Every robot with its source, where there are several sources."""
        return tuple(
            Taught(portion.source, portion.samples.robot, portion.samples.statistics)
            for portion in self.portions
            if portion.source and portion.samples.robot is not None
        )

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(len(folder.index) for folder in self.folders))

    def __len__(self) -> int:
        return self._ends[-1]

    def sample(self, index: int) -> Sample:
        """Sample `index`, counted through all folders."""
        folder = bisect_right(self._ends, index)
        return self.folders[folder].sample(index - (self._ends[folder - 1] if folder else 0))

    @cached_property
    def views(self) -> Indices:
        """Of every sample, the number of the row it is in: samples of one row are about the same pictures."""
        starts = accumulate((len(folder) for folder in self.folders), initial=0)
        return np.concatenate([folder.index.rows + start for folder, start in zip(self.folders, starts, strict=False)])

    def wanted(self, weights: Mapping[str, float]) -> Indices:
        """The samples that some epoch shows: neither their own weight nor that of their kind is 0."""
        parts = []
        for folder in self.folders:
            index = folder.index
            by_kind = np.array([weights.get(name, 1.0) for name in index.names])
            parts.append(index.weights * by_kind[index.kinds])
        return np.flatnonzero(np.concatenate(parts))

    def epoch(self, weights: Mapping[str, float], rng: np.random.Generator) -> Indices:
        """The samples of one epoch, shuffled: each comes as often as its weight and that of its kind say.

        Raises ConfigError for a kind that is in none of the folders.
        """
        known = sorted({name for folder in self.folders for name in folder.index.names})
        unknown = sorted(set(weights) - set(known))
        if unknown:
            raise ConfigError(f"no sample is of kind {', '.join(unknown)}; there are: {', '.join(known)}")
        parts = []
        for start, portion in zip([0, *self._ends], self.portions, strict=False):
            own = {kind: weight for kind, weight in weights.items() if kind in portion.samples.index.names}
            parts.append(portion.samples.indices(own, rng, portion.copies) + start)
        return np.asarray(rng.permutation(np.concatenate(parts)), dtype=np.int64)


def _require_one_policy(found: Sequence[Portion]) -> None:
    acting = [portion.samples for portion in found if portion.samples.recipe_choice is not None]
    blended = {id(portion.samples) for portion in found if portion.source}
    for other in acting[1:]:
        first = acting[0]
        if other.recipe_choice != first.recipe_choice:
            raise MismatchError(
                f"{first.folder} was built by {first.recipe_choice}, {other.folder} by {other.recipe_choice}; "
                "one policy has one recipe"
            )
        if id(other) not in blended and first.robot is not None and other.robot is not None:
            first.robot.require(other.robot, str(first.folder), str(other.folder))


@dataclass(frozen=True, eq=False)
class Course:
    """The order in which samples are learned from: fixed by the seed, epoch after epoch."""

    pool: Pool
    weights: Mapping[str, float]
    seed: int
    left_out: frozenset[int] = frozenset()  # samples that are not learned from
    drawn: Draw | None = None  # the samples of a mixture; None for all
    group: Literal["views", "lengths", "none"] = "none"  # what is shown together
    boxes: Boxes = field(default_factory=Boxes)  # what a step and a forward pass show
    lengths: Indices | None = None  # of every sample, its tokens, where they group the samples

    def wanted(self) -> Indices:
        """The samples that some epoch shows, those that are left out included."""
        return self._of_mixture(self.pool.wanted(self.weights))

    def epoch(self, number: int) -> Indices:
        """The samples of one epoch, shuffled. Raises ConfigError if there are none."""
        chosen = self._of_mixture(self.pool.epoch(self.weights, np.random.default_rng([self.seed, number])))
        if self.left_out:
            chosen = chosen[~np.isin(chosen, list(self.left_out))]
        if len(chosen) == 0:
            raise ConfigError("an epoch has no samples; raise the weights, or max_tokens, or build more samples")
        return chosen

    def _of_mixture(self, indices: Indices) -> Indices:
        return indices if self.drawn is None else indices[self.drawn.chosen[indices]]

    def take(self, total: int) -> Indices:
        """The sample at each of the first `total` positions, (total,), through as many epochs as that needs."""
        parts, begun = [np.empty(0, np.int64)], 0
        while begun < total:
            parts.append(self._grouped(len(parts) - 1, begun))
            begun += len(parts[-1])
        return np.concatenate(parts)[:total]

    def _grouped(self, number: int, begun: int) -> Indices:
        """The samples of one epoch, `begun` samples after the beginning of the run, in the order they are shown."""
        shuffled = self.epoch(number)
        boxes, rng = replace(self.boxes, begun=begun), np.random.default_rng([self.seed, number, 1])
        if self.group == "views":
            return by_views(shuffled, self.pool.views[shuffled], boxes, rng)
        if self.group == "lengths":
            assert self.lengths is not None
            return by_length(shuffled, self.lengths[shuffled], boxes, rng)
        return shuffled


class Encoded(Dataset[Example]):
    """The examples at the positions of an `order`, encoded when they are asked for, in a loader's worker."""

    def __init__(
        self,
        pool: Pool,
        indices: Indices,
        backbone: Backbone,
        max_tokens: int | None = None,
        light: Light | None = None,
    ) -> None:
        self.pool = pool
        self.indices = indices
        self.backbone = backbone
        self.max_tokens = max_tokens
        self.light = light

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, position: int) -> Example:
        """The example at `position`. Raises DataError if it teaches nothing or is too long."""
        sample = self.pool.sample(int(self.indices[position]))
        said = sample.conversation if self.light is None else self.light.on(sample.conversation, position)
        example = self.backbone.encode(said, sample.id)
        if example.learned == 0:
            raise DataError(f"{sample.id}: no token of this sample is learned from")
        if self.max_tokens is not None and example.length > self.max_tokens:
            raise DataError(too_long(sample.id, example.length, self.max_tokens))
        return example


def too_long(id: str, length: int, limit: int) -> str:
    """What to tell about a sample that is longer than allowed."""
    return f"{id}: {length} tokens are more than max_tokens={limit}; raise it, or leave such samples out with drop_long"


@contextlib.contextmanager
def unwrapped() -> Iterator[None]:
    """A DataError from a loader's worker, which torch hides in a traceback, as it was raised."""
    try:
        yield
    except DataError as error:
        marker = f"{DataError.__module__}.{DataError.__qualname__}: "
        _, found, message = str(error).rpartition(marker)
        raise DataError(message.strip() if found else str(error)) from error


def helpers(wanted: int, samples: int) -> int:
    """How many processes to encode so many samples with: of few, it takes less time than starting a process."""
    return min(wanted, samples // WORTH)


def lengths(data: Encoded, workers: int, rank: int = 0, world: int = 1) -> Iterator[tuple[int, int]]:
    """(position, tokens) of every `world`-th example from `rank` on, encoding each once.

    Raises DataError naming the first sample that teaches nothing.
    """
    mine = range(rank, len(data), world)
    workers = helpers(workers, len(mine))
    loader: DataLoader[Example] = DataLoader(
        Subset(data, mine),
        num_workers=workers,
        collate_fn=_length,
        multiprocessing_context="spawn" if workers else None,
    )
    yield from zip(mine, loader, strict=True)


def _length(examples: list[Example]) -> int:
    return examples[0].length
