"""Replies token by token, and rows of different lengths side by side."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from instar.backbone import IGNORE, Example, Rule, padded, speak, stacked

WORDS = 6
STOP = 5


class Counter:
    """A model whose likeliest next token is the last one plus one, and then the one after that."""

    def __init__(self, *starts: int) -> None:
        self.last = list(starts)
        self.heard: list[list[int]] = []

    def logits(self) -> torch.Tensor:
        """The logits of what follows, (B, V)."""
        places = torch.arange(WORDS)[None, :] - torch.tensor(self.last)[:, None] - 1
        return -(places % WORDS).float()

    def read(self, pending: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read on."""
        self.heard.append([len(tokens) for tokens in pending])
        self.last = [tokens[-1] if tokens else last for tokens, last in zip(pending, self.last, strict=True)]
        return self.logits()


class Within:
    """Only these tokens, at most so many."""

    def __init__(self, tokens: Sequence[int], most: int) -> None:
        self.tokens = tokens
        self.left = most

    def admits(self, token: int) -> bool:
        """One of those tokens."""
        return token in self.tokens

    def allowed(self) -> NDArray[np.bool_]:
        """Those tokens; it does not know the last word of the model."""
        return np.isin(np.arange(WORDS - 1), self.tokens)

    def take(self, token: int) -> None:
        """One less."""
        assert token in self.tokens
        self.left -= 1

    @property
    def finished(self) -> bool:
        """None left."""
        return self.left == 0


def said(model: Counter, rules: Sequence[Rule | None], most: int = 10) -> list[list[int]]:
    return speak(model.logits(), model.read, rules, frozenset({STOP}), most)


def test_every_row_goes_on_until_it_stops_by_itself() -> None:
    model = Counter(2, 0, 4)
    assert said(model, [None, None, None]) == [[3, 4], [1, 2, 3, 4], []]
    assert model.heard == [[1, 1, 0], [1, 1, 0], [0, 1, 0], [0, 1, 0]]


def test_a_rule_picks_the_likeliest_of_what_it_allows() -> None:
    assert said(Counter(0, 0), [Within([3, 4], 3), None]) == [[3, 4, 3], [1, 2, 3, 4]]


class Forced(Within):
    """Names only one of the tokens that it admits, as llguidance does where the text is forced."""

    def allowed(self) -> NDArray[np.bool_]:
        """The first of those tokens."""
        return np.isin(np.arange(WORDS - 1), self.tokens[:1])


def test_the_free_favourite_wins_where_a_rule_admits_it_though_another_spelling_is_forced() -> None:
    assert said(Counter(0), [Forced([3, 1], 1)]) == [[1]]


def test_words_that_the_tokenizer_does_not_know_are_never_said_within_a_rule() -> None:
    assert said(Counter(4), [Within([0, 1, 2, 3, 4], 2)]) == [[0, 1]]


def test_a_reply_ends_at_the_limit() -> None:
    model = Counter(0)
    assert said(model, [None], most=2) == [[1, 2]]


@pytest.mark.parametrize("left", [False, True])
def test_rows_are_filled_up_to_the_longest(*, left: bool) -> None:
    rows = [torch.tensor([1, 2, 3]), torch.tensor([4]), torch.tensor([], dtype=torch.long)]
    expected = [[1, 2, 3], [9, 9, 4], [9, 9, 9]] if left else [[1, 2, 3], [4, 9, 9], [9, 9, 9]]
    assert padded(rows, 9, left=left).tolist() == expected


def test_pictures_of_different_sizes_are_filled_up_with_zeros() -> None:
    out = stacked([torch.ones(1, 2, 3), torch.ones(2, 1, 4)])
    assert out.shape == (3, 2, 4)
    assert out.sum() == 6 + 8
    assert out[0, :, 3].tolist() == [0, 0]


def test_pictures_of_one_size_stay_as_they_are() -> None:
    assert stacked([torch.zeros(2, 3), torch.ones(1, 3)]).tolist() == [[0] * 3, [0] * 3, [1] * 3]


def test_an_example_counts_what_it_holds_and_what_it_teaches() -> None:
    example = Example("x", torch.tensor([7, 8, 9]), torch.tensor([IGNORE, 8, 9]))
    assert (example.length, example.learned) == (3, 2)
