"""Replies word by word within a grammar: what should follow a word rides along with it in one pass, and is checked.

A forward pass gives the logits after every word that it reads. So it can read the word that was chosen last together
with a draft of the next ones, and tell what the model says after each. What it says otherwise is taken back: the reply
is that of one pass a word, in fewer passes (docs/decisions/0006-drafts-are-checked.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from instar.foresight import Foresight

# Legend: B rows of a batch, T words read at once in a row, N in all rows, V words of the vocabulary. A word is a token.


_GUESSES: Final = 2  # most words of a draft that nothing forces


class Rule(Protocol):
    """What one reply may be, word by word."""

    def admits(self, token: int) -> bool:
        """Whether `token`, which is no end token, may come next; also where it spells forced text in its own way."""
        ...

    def allowed(self) -> NDArray[np.bool_]:
        """Which tokens may come next, (V,)."""
        ...

    def forced(self) -> Sequence[int]:
        """The tokens that spell what must come next; none where there is a choice."""
        ...

    def few(self) -> Sequence[int]:
        """All tokens that may come next, where those are few, as digits and bins are; otherwise none."""
        ...

    def take(self, token: int) -> None:
        """`token` comes next."""
        ...

    def back(self, count: int) -> None:
        """The last `count` tokens are not taken after all."""
        ...

    @property
    def may_end(self) -> bool:
        """What was taken is a whole reply."""
        ...

    @property
    def finished(self) -> bool:
        """Nothing may come next but the end."""
        ...


class Listener(Protocol):
    """A model that has read a batch of prompts, one a row, and reads on."""

    @property
    def prompts(self) -> Sequence[Sequence[int]]:
        """The tokens of each prompt."""
        ...

    @property
    def widest(self) -> int:
        """The most words of a row that it reads at once: 1 for a model that cannot forget."""
        ...

    @property
    def selects(self) -> bool:
        """It is quicker to be asked about a few words than about all."""
        ...

    def read(self, words: Sequence[Sequence[int]], among: Sequence[int] = ()) -> torch.Tensor:
        """Read on, in each row its words or none; the logits after each, (N, V), row after row.

        Where words are given to choose among, all others may have logits of minus infinity.
        """
        ...

    def forget(self, counts: Sequence[int]) -> None:
        """So many of the last words of each row were never read."""
        ...

    def only(self, rows: Sequence[int]) -> None:
        """Go on with these rows, which come in their old order."""
        ...


def speak(
    logits_BV: torch.Tensor, listener: Listener, rules: Sequence[Rule | None], stops: frozenset[int], most: int
) -> list[list[int]]:
    """The likeliest tokens of each row within its rule, without the stop token that ends it; at most `most` each.

    A reply that reaches `most` ends where its rule last let it end, if it did.
    """
    asked = zip(rules, listener.prompts, strict=True)
    replies = [_Reply(rule or _Anything(), stops, most, Foresight(prompt)) for rule, prompt in asked]
    rows, logits_NV = replies, logits_BV
    while True:
        favourites, start = logits_NV.argmax(dim=-1).tolist(), 0
        vain = []
        for reply in rows:
            heard = slice(start, start + reply.reading)
            vain.append(reply.follow(logits_NV[heard], favourites[heard]))
            start = heard.stop
        going = [row for row, reply in enumerate(rows) if not reply.ended]
        if not going:
            return [reply.said for reply in replies]
        listener.forget(vain)
        if 2 * len(going) <= len(rows):
            listener.only(going)
            rows = [rows[row] for row in going]
        width = _width([reply.waiting(listener.widest) for reply in rows])
        words = [reply.onward(width) for reply in rows]
        logits_NV = listener.read(words, _among(rows) if listener.selects else ())


def _width(waiting: Sequence[int]) -> int:
    """How many words each row reads at once, of those it has waiting: so many that half of what is read are words."""
    widths = range(max(waiting), 0, -1)
    return next(width for width in widths if 2 * sum(min(count, width) for count in waiting) >= width * len(waiting))


def _among(rows: Sequence["_Reply"]) -> list[int]:
    """All words that may come next in any row, where those are few in every row; otherwise none."""
    found: set[int] = set()
    for reply in rows:
        if not reply.ended:
            few = reply.few()
            if not few:
                return []
            found.update(few)
    return sorted(found)


@dataclass(eq=False)
class _Reply:
    """One reply on its way."""

    rule: Rule
    stops: frozenset[int]
    most: int
    foresight: Foresight
    said: list[int] = field(default_factory=list)
    draft: list[int] = field(default_factory=list)  # what should follow what was said
    reading: int = 1  # words that are being read: the last one said, and the first ones of the draft
    ended: bool = False

    def __post_init__(self) -> None:
        self.ended = self.most < 1

    def follow(self, logits_TV: torch.Tensor, favourites: Sequence[int]) -> int:
        """Say what the model says after the last word, and after each of the draft while that is what it says.

        How many words were read in vain.
        """
        for place, favourite in enumerate(favourites):
            if self.ended:
                return 0
            said = self._say(favourite, logits_TV[place])
            expected, self.draft = self.draft[:1], self.draft[1:]
            if expected != [said]:
                self.draft = []
                return len(favourites) - place - 1
        return 0

    def waiting(self, widest: int) -> int:
        """How many words there are to read next, `widest` at the most."""
        if self.ended:
            return 0
        if widest > 1 and not self.draft:
            self.draft = self._foreseen()
        return min(1 + len(self.draft), widest, self.most - len(self.said))

    def onward(self, width: int) -> list[int]:
        """The words to read next, `width` at the most: the last one and a draft of what should follow."""
        self.reading = min(self.waiting(width), width)
        return [*self.said[-1:], *self.draft][: self.reading]

    def few(self) -> Sequence[int]:
        """All words that may follow what is being read, where those are few; none if a draft is read, too."""
        return self.rule.few() if self.reading == 1 else ()

    def _foreseen(self) -> list[int]:
        """What is forced, what comes next if all goes on as before, what is forced then, and so on."""
        draft: list[int] = []
        for _ in range(_GUESSES):
            for token in self.rule.forced():
                self.rule.take(token)
                draft.append(token)
            guess = self.foresight.next(draft)
            if guess is None or guess in self.stops or not self.rule.admits(guess):
                break
            self.rule.take(guess)
            draft.append(guess)
        self.rule.back(len(draft))
        return draft

    def _say(self, favourite: int, logits_V: torch.Tensor) -> int:
        """Say the likeliest word that the rule admits.

        The free favourite is asked about first, so that a reply within its grammar is the one that would have been
        said without: where text is forced, `allowed` names only one of the ways to spell it.
        """
        token = favourite
        if not (self.rule.may_end if token in self.stops else self.rule.admits(token)):
            token = _likeliest(logits_V, self.rule.allowed())
        if token in self.stops:
            self.ended = True
            return token
        self.said.append(token)
        self.foresight.hear(token)
        self.rule.take(token)
        self.ended = self.rule.finished
        if len(self.said) == self.most and not self.ended:
            self._cut()
        return token

    def _cut(self) -> None:
        """End where the rule last let the reply end, if it did."""
        self.ended = True
        for length in range(len(self.said), -1, -1):
            if self.rule.may_end:
                del self.said[length:]
                return
            if length:
                self.rule.back(1)


class _Anything:
    """The rule of a reply that nothing is asked of."""

    may_end = True
    finished = False

    def admits(self, _token: int) -> bool:
        return True

    def allowed(self) -> NDArray[np.bool_]:
        raise AssertionError("whatever is likeliest may come next")

    def forced(self) -> Sequence[int]:
        return ()

    def few(self) -> Sequence[int]:
        return ()

    def take(self, _token: int) -> None:
        return

    def back(self, _count: int) -> None:
        return


def _likeliest(logits_V: torch.Tensor, allowed: NDArray[np.bool_]) -> int:
    """The likeliest of the tokens that are allowed; the model may have words that its tokenizer does not know."""
    ids = torch.from_numpy(np.flatnonzero(allowed[: len(logits_V)])).to(logits_V.device)
    return int(ids[logits_V[ids].argmax()])
