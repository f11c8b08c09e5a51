"""Replies word by word: drafts save passes and change no word."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from instar.decoding import Rule, speak

WORDS = 6
STOP = 5


class Counter:
    """A model whose likeliest next token is the last one plus one, and then the one after that."""

    def __init__(self, *starts: int, widest: int = 8, selects: bool = False) -> None:
        self.read_so_far = [[start] for start in starts]
        self.prompts = [[start] for start in starts]
        self.widest = widest
        self.selects = selects
        self.asked: list[list[int]] = []  # the words that it may choose among, pass by pass
        self.heard: list[list[int]] = []  # words that each row has read, pass by pass

    def begin(self) -> torch.Tensor:
        """The logits of each row's first word, (B, V)."""
        return torch.stack([self._after(row[-1]) for row in self.read_so_far])

    def read(self, words: Sequence[Sequence[int]], among: Sequence[int] = ()) -> torch.Tensor:
        """Read on."""
        self.heard.append([len(row) for row in words])
        self.asked.append(list(among))
        for row, tokens in enumerate(words):
            self.read_so_far[row] += tokens
        logits = torch.stack([self._after(token) for tokens in words for token in tokens])
        return (
            logits
            if not among
            else torch.full_like(logits, -torch.inf).index_copy(1, torch.tensor(among), logits[:, list(among)])
        )

    def forget(self, counts: Sequence[int]) -> None:
        """So many of the last words were not read."""
        for row, count in zip(self.read_so_far, counts, strict=True):
            del row[len(row) - count :]

    def only(self, rows: Sequence[int]) -> None:
        """Go on with these rows."""
        self.read_so_far = [self.read_so_far[row] for row in rows]

    def _after(self, token: int) -> torch.Tensor:
        return -((torch.arange(WORDS) - token - 1) % WORDS).float()


class Within:
    """Only these tokens, at most so many; it draws up what it is told to call forced."""

    def __init__(self, tokens: Sequence[int], most: int, forced: Sequence[int] = ()) -> None:
        self.tokens = tokens
        self.left = most
        self.hint = forced

    def admits(self, token: int) -> bool:
        """One of those tokens."""
        return token in self.tokens

    def allowed(self) -> NDArray[np.bool_]:
        """Those tokens; it does not know the last word of the model."""
        return np.isin(np.arange(WORDS - 1), self.tokens)

    def forced(self) -> Sequence[int]:
        """What it was told."""
        return self.hint

    def few(self) -> Sequence[int]:
        """Those tokens where nothing is forced."""
        return [] if self.hint else self.tokens

    def take(self, token: int) -> None:
        """One less."""
        assert token in self.tokens
        self.left -= 1

    def back(self, count: int) -> None:
        """So many more."""
        self.left += count

    @property
    def may_end(self) -> bool:
        """After every second word."""
        return self.left % 2 == 0

    @property
    def finished(self) -> bool:
        """None left."""
        return self.left == 0


def said(model: Counter, rules: Sequence[Rule | None], most: int = 10) -> list[list[int]]:
    return speak(model.begin(), model, rules, frozenset({STOP}), most)


def test_every_row_goes_on_until_it_stops_by_itself() -> None:
    assert said(Counter(2, 0, 4), [None, None, None]) == [[3, 4], [1, 2, 3, 4], []]


def test_rows_that_have_ended_are_left_behind_once_they_are_half() -> None:
    model = Counter(2, 0, 4)
    said(model, [None, None, None])
    assert model.heard == [[1, 1, 0], [1, 1, 0], [1], [1]]


def test_a_rule_picks_the_likeliest_of_what_it_allows() -> None:
    assert said(Counter(0, 0), [Within([3, 4], 3), None]) == [[3, 4, 3], [1, 2, 3, 4]]


class Forced(Within):
    """Names only one of the tokens that it admits, as llguidance does where the text is forced."""

    def allowed(self) -> NDArray[np.bool_]:
        """The first of those tokens."""
        return np.isin(np.arange(WORDS - 1), self.tokens[:1])


def test_the_free_favourite_wins_where_a_rule_admits_it_though_another_spelling_is_forced() -> None:
    assert said(Counter(0), [Forced([3, 1], 1)]) == [[1]]


class NeverWhole(Within):
    """May end nowhere."""

    @property
    def may_end(self) -> bool:
        """No."""
        return False


def test_words_that_the_tokenizer_does_not_know_are_never_said_within_a_rule() -> None:
    assert said(Counter(4), [NeverWhole([0, 1, 2, 3, 4], 2)]) == [[0, 1]]


def test_a_reply_ends_at_the_limit() -> None:
    assert said(Counter(0), [None], most=2) == [[1, 2]]


@pytest.mark.parametrize(("most", "words"), [(3, 2), (4, 4), (1, 0)])
def test_a_reply_that_reaches_the_limit_ends_where_it_was_last_whole(most: int, words: int) -> None:
    assert said(Counter(0), [Within([0, 1, 2, 3, 4], 6)], most) == [[1, 2, 3, 4][:words]]


def test_a_reply_that_was_never_whole_is_what_was_said_so_far() -> None:
    assert said(Counter(0), [NeverWhole([1, 2, 3], 6)], 3) == [[1, 2, 3]]


@pytest.mark.parametrize("draft", [[], [2], [2, 3, 4], [2, 3, 3, 1], [4, 4, 4]])
@pytest.mark.parametrize("widest", [1, 2, 8])
@pytest.mark.parametrize("most", [1, 2, 3, 5, 9])
def test_a_draft_changes_no_word_right_or_wrong(draft: list[int], widest: int, most: int) -> None:
    alone = [said(Counter(start), [Within([1, 2, 3, 4], 7)], most)[0] for start in range(4)]
    model = Counter(*range(4), widest=widest)
    assert said(model, [Within([1, 2, 3, 4], 7, draft) for _ in range(4)], most) == alone


def test_a_right_draft_saves_its_passes() -> None:
    model = Counter(0)
    assert said(model, [Within([1, 2, 3, 4], 4, [2, 3])]) == [[1, 2, 3, 4]]
    assert model.heard == [[3]]


def test_what_was_read_in_vain_is_forgotten() -> None:
    model = Counter(0)
    said(model, [Within([1, 2, 3, 4], 4, [2, 4, 4])])
    assert model.read_so_far[0][:4] == [0, 1, 2, 3]


def test_a_model_is_only_asked_about_the_words_that_some_row_may_say() -> None:
    rules = ([1, 2], [2, 4])
    model = Counter(0, 0, selects=True)
    assert said(model, [Within(tokens, 5) for tokens in rules]) == said(
        Counter(0, 0), [Within(tokens, 5) for tokens in rules]
    )
    assert model.asked[0] == [1, 2, 4]


@pytest.mark.parametrize("other", [None, Within([1, 2, 3], 3, [2])])
def test_a_model_is_asked_about_all_words_where_one_row_may_say_any_or_is_forced(other: Rule | None) -> None:
    model = Counter(0, 0, selects=True)
    said(model, [Within([1, 2], 3), other])
    assert model.asked[0] == []
