"""Which samples are learned from together: all of the main kind, and of each auxiliary kind a share drawn by a seed.

    B                   a mixture of LLaRA's by its name
    B*0.5               half as much of each of its auxiliary kinds
    obj_det=1,spa_rel=0.25    any kinds in any ratio to the number of main samples; B,spa_rel=0.25 adds one to a mixture
    limited_obj_det=1   without the conversations about reference pictures

The rule is LLaRA's (Li et al., ICLR 2025): the main samples, then of each auxiliary kind the first int(n * ratio) in a
random order, n being the number of main samples. Here the order depends on the seed and the kind alone.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar import plugins
from instar.errors import ConfigError
from instar.samples import Integers, Samples

LARGEST: Final = 1e6  # ratio; a thousandth of it is all there is
LIMITED: Final = "limited_"  # before the name of a kind: LLaRA's data sets without reference pictures

# B and D are named by LLaRA's author. A and C are B and D without reference pictures in the three kinds that have any.
NAMED: Final[Mapping[str, tuple[str, ...]]] = {
    "A": ("limited_obj_det", "limited_obj_loc", "act_pred", "fut_pred"),
    "B": ("obj_det", "obj_loc", "act_pred", "fut_pred"),
    "C": ("limited_obj_det", "limited_obj_loc", "act_pred", "fut_pred", "limited_spa_rel", "tmp_rel"),
    "D": ("obj_det", "obj_loc", "act_pred", "fut_pred", "spa_rel", "tmp_rel"),
}


@dataclass(frozen=True)
class Share:
    """So much of an auxiliary kind."""

    kind: str
    ratio: float  # samples of the kind per main sample
    references: bool = True  # whether conversations about reference pictures count

    @property
    def name(self) -> str:
        """The kind as LLaRA calls its data set: "obj_det", or "limited_obj_det" without reference pictures."""
        return self.kind if self.references else LIMITED + self.kind

    @property
    def amount(self) -> str:
        """The ratio in as few characters as say it exactly: "1", "0.25"."""
        return repr(int(self.ratio)) if self.ratio.is_integer() else repr(self.ratio)


@dataclass(frozen=True)
class Mixture:
    """Shares of auxiliary kinds, in the order in which LLaRA would name them."""

    shares: tuple[Share, ...]

    @classmethod
    def parse(cls, text: str) -> "Mixture":
        """Read `NAME`, `NAME*RATIO` and `KIND=RATIO`, joined by commas. Raises ConfigError that says what is wrong."""
        shares = tuple(share for term in text.split(",") for share in _term(term.strip(), text))
        kinds = [share.kind for share in shares]
        twice = [kind for kind in kinds if kinds.count(kind) > 1]
        if twice:
            raise ConfigError(f"mixture {text!r}: {twice[0]} is in it twice; give one ratio for each kind")
        return cls(shares)

    def __str__(self) -> str:
        """As a user would type it, kind by kind."""
        return ",".join(f"{share.name}={share.amount}" for share in self.shares)


def _term(term: str, text: str) -> Iterator[Share]:
    kind, equals, ratio = term.partition("=")
    name, times, factor = term.partition("*")
    if equals and kind.strip() in NAMED:
        raise ConfigError(f"mixture {text!r}: {kind.strip()} is a mixture, not a kind; write {kind.strip()}*{ratio}")
    if equals:
        yield _share(kind.strip(), _ratio(ratio, text))
    elif name.strip() in NAMED:
        for member in NAMED[name.strip()]:
            yield _share(member, _ratio(factor, text) if times else 1.0)
    else:
        known = ", ".join(NAMED)
        raise ConfigError(f"mixture {text!r}: {term!r} is neither one of {known} nor of the form kind=ratio")


def _share(name: str, ratio: float) -> Share:
    return Share(name.removeprefix(LIMITED), ratio, references=not name.startswith(LIMITED))


def _ratio(text: str, whole: str) -> float:
    try:
        ratio = float(text)
    except ValueError:
        ratio = math.nan
    if not 0 <= ratio <= LARGEST:  # not a number, too
        raise ConfigError(
            f"mixture {whole!r}: the ratio {text.strip()!r} should be a number, 0 or more, and at most {LARGEST:,.0f}"
        )
    return ratio


@dataclass(frozen=True, eq=False)
class Part:
    """What was drawn of one kind."""

    share: Share
    wanted: int  # int(n * ratio)
    numbers: Integers  # of the samples, in the order they were drawn; fewer than wanted where there are no more


@dataclass(frozen=True, eq=False)
class Draw:
    """The samples of a mixture, numbered through all folders."""

    main: Integers  # every sample that no auxiliary task made, in order
    parts: tuple[Part, ...]
    total: int  # samples there are, those that were not drawn included

    def __len__(self) -> int:
        return len(self.main) + sum(len(part.numbers) for part in self.parts)

    @property
    def chosen(self) -> NDArray[np.bool_]:
        """Of every sample there is, whether it is in the mixture."""
        mask = np.zeros(self.total, dtype=np.bool_)
        for numbers in (self.main, *(part.numbers for part in self.parts)):
            mask[numbers] = True
        return mask

    @property
    def shortages(self) -> tuple[str, ...]:
        """In words, the kinds of which there were fewer samples than wanted."""
        return tuple(
            f"the mixture wants {part.wanted:,} samples of {part.share.name} (ratio {part.share.amount}), "
            f"there are {len(part.numbers):,}: all of them are in"
            for part in self.parts
            if len(part.numbers) < part.wanted
        )


def draw(mixture: Mixture, folders: Sequence[Samples], seed: int) -> Draw:
    """Draw `mixture` from `folders`, taken as one; equal samples and seeds give equal draws, however they were built.

    Main samples are those of a recipe, and count for the ratios; samples of kinds that no auxiliary task makes are
    taken whole. Raises ConfigError where there is no main sample, or none of a kind that the mixture names.
    """
    kinds = _kinds(folders)
    recipes = {folder.recipe_choice.name for folder in folders if folder.recipe_choice is not None}
    seeing = {*plugins.names("auxiliary"), *(share.kind for share in mixture.shares)} - recipes
    _check(mixture, set(kinds.tolist()), recipes)
    main = np.flatnonzero(~np.isin(kinds, list(seeing)))
    count = int(np.isin(kinds, list(recipes)).sum()) or len(main)
    if count == 0:
        raise ConfigError(f"mixture {mixture}: its ratios are to the number of main samples, and there are none")
    parts = tuple(_part(share, folders, kinds, int(count * share.ratio), seed) for share in mixture.shares)
    return Draw(main, parts, len(kinds))


def _kinds(folders: Sequence[Samples]) -> NDArray[np.str_]:
    """The kind of every sample."""
    return np.concatenate([np.array(folder.index.names)[folder.index.kinds] for folder in folders])


def _check(mixture: Mixture, kinds: set[str], recipes: set[str]) -> None:
    for share in mixture.shares:
        if share.kind in recipes:
            raise ConfigError(f"mixture {mixture}: {share.kind} is the main kind, of which all samples are in")
        if share.kind not in kinds:
            there = ", ".join(sorted(kinds - recipes)) or "none"
            raise ConfigError(f"mixture {mixture}: there are no samples of {share.kind}; auxiliary kinds here: {there}")


def _part(share: Share, folders: Sequence[Samples], kinds: NDArray[np.str_], wanted: int, seed: int) -> Part:
    there = kinds == share.kind
    if not share.references:
        there &= ~_about_references(share, folders)
    drawn = np.random.default_rng(_entropy(seed, share.name)).permutation(np.flatnonzero(there))
    return Part(share, wanted, drawn[:wanted])


def _about_references(share: Share, folders: Sequence[Samples]) -> NDArray[np.bool_]:
    """Of every sample, whether it is about reference pictures only; not looked at in a folder without the kind."""
    parts = [
        folder.about_references if share.kind in folder.index.names else np.zeros(len(folder.index), np.bool_)
        for folder in folders
    ]
    return np.concatenate(parts)


def _entropy(seed: int, name: str) -> int:
    """A number that is the same in every process, unlike `hash`."""
    return int.from_bytes(hashlib.blake2b(json.dumps([seed, name]).encode(), digest_size=16).digest())
