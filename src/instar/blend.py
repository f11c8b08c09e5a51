"""Samples of several sources as one: a folder of samples folders, each with its own robot, statistics and share.

blend/plan.json          the sources; written first
blend/0-rlds/            a samples folder for each source, whole in itself
blend/manifest.json      how often each is seen; written last
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from instar.edges import checked, plain
from instar.errors import ConfigError, DataError
from instar.files import MANIFEST, digest, read_json
from instar.plugins import Choice
from instar.samples import Samples, several

FORMAT: Final = 1  # of the manifest; a reader refuses any other

# What a weight means. sizes: how often each sample of a source is seen in an epoch, so that the chance of a source is
# its weight times its number of actions, as in OpenVLA. shares: the share of an epoch that is of a source, however
# large that is; then an epoch is as long as all sources together.
Rule = Literal["sizes", "shares"]


@dataclass(frozen=True)
class Part:
    """One source of a blend."""

    name: str  # of its folder, inside the blend's
    demos: Choice
    weight: float
    actions: int  # demonstrated ones
    copies: float  # times that each of its samples is seen in an epoch
    digest: str  # of its manifest


@dataclass(frozen=True)
class Blend:
    """What a folder of several sources holds."""

    format: int
    kind: Literal["blend"]
    rule: Rule
    parts: tuple[Part, ...]
    digest: str = ""  # of all the rest

    def sealed(self) -> "Blend":
        """The same blend with its digest set."""
        return replace(self, digest=digest(replace(self, digest="").to_json()))

    def to_json(self) -> Any:
        """As stored in the folder."""
        return plain(self)

    @property
    def shares(self) -> tuple[float, ...]:
        """Of each part, its share of the actions of an epoch."""
        seen = [part.copies * part.actions for part in self.parts]
        return tuple(one / sum(seen) for one in seen)


@dataclass(frozen=True, eq=False)
class Portion:
    """A samples folder, and how often each of its samples is seen in an epoch."""

    samples: Samples
    copies: float = 1.0
    source: str = ""  # its name in the blend that it is of


def copies(weights: Sequence[float], actions: Sequence[int], rule: Rule) -> tuple[float, ...]:
    """How often each sample of every source is seen in an epoch."""
    if rule == "sizes":
        return tuple(weights)
    total = sum(actions) / sum(weights)
    return tuple(weight * total / count for weight, count in zip(weights, actions, strict=True))


def require_weights(weights: Sequence[float], sources: int) -> None:
    """Raise ConfigError unless there is a positive weight for each source, or none at all."""
    if weights and len(weights) != sources:
        raise ConfigError(
            f"{len(weights)} weights for {sources} sources of demonstrations; give one for each, in order"
        )
    bad = [weight for weight in weights if not (math.isfinite(weight) and weight > 0)]
    if bad:
        raise ConfigError(f"weights must be above 0, not {bad[0]:g}; leave out a source that nobody should see")


def blended(folder: Path, names: Sequence[str], weights: Sequence[float], rule: Rule) -> Blend:
    """The blend of the samples folders `names` in `folder`. Raises DataError where one is not whole."""
    manifests = [Samples.open(folder / name).manifest for name in names]
    actions = [0 if one.statistics is None else one.statistics.count for one in manifests]
    often = copies(weights, actions, rule)
    parts = tuple(
        Part(name, one.demos, float(weight), count, times, one.digest)
        for name, one, weight, count, times in zip(names, manifests, weights, actions, often, strict=True)
    )
    return Blend(FORMAT, "blend", rule, parts).sealed()


def read_blend(folder: Path) -> Blend:
    """The blend in `folder`. Raises DataError where there is none, or one of another format."""
    path = folder / MANIFEST
    value = read_json(path)
    if isinstance(value, dict) and value.get("format", FORMAT) != FORMAT:
        raise DataError(f"{path}: format {value['format']}, but this version reads format {FORMAT}; build it again")
    return checked(Blend, value, f"{path}: not the manifest of samples of several sources")


def is_blend(folder: Path) -> bool:
    """Whether `folder` holds samples of several sources, all of them built."""
    return (folder / MANIFEST).is_file() and several(read_json(folder / MANIFEST))


def portions(folder: Path) -> list[Portion]:
    """The samples in `folder`: those of each source of a blend, or the folder's own.

    Raises DataError where a folder is not whole, or a source was built anew since the blend was made.
    """
    if not is_blend(folder):
        return [Portion(Samples.open(folder))]
    found = []
    for part in read_blend(folder).parts:
        samples = Samples.open(folder / part.name)
        if samples.manifest.digest != part.digest:
            raise DataError(f"{folder / part.name}: built anew since; run the same build of {folder} again")
        found.append(Portion(samples, part.copies, part.name))
    return found


def digest_of(folder: Path) -> str:
    """What the samples in `folder` are, of one source or of several, in one word."""
    return read_blend(folder).digest if is_blend(folder) else Samples.open(folder).manifest.digest
