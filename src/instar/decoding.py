"""Replies word by word within a grammar: what should follow a word rides along with it in one pass, and is checked.

A forward pass gives the logits after every word that it reads. So it can read the word that was chosen last together
with a draft of the next ones, and tell what the model says after each. What it says otherwise is taken back: the reply
is that of one pass a word, in fewer passes (docs/decisions/0006-drafts-are-checked.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

# Legend: B rows of a batch, T words read at once, V words of the vocabulary. A word is a token.


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
    def widest(self) -> int:
        """The most words of a row that it reads at once: 1 for a model that cannot forget."""
        ...

    def read(self, words: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read on, in each row its words or none; the logits after each, (B, T, V), those of a row from 0 on."""
        ...

    def forget(self, counts: Sequence[int]) -> None:
        """So many of the last words of each row were never read."""
        ...

    def only(self, rows: Sequence[int]) -> None:
        """Go on with these rows, in this order."""
        ...


def speak(
    logits_BV: torch.Tensor, listener: Listener, rules: Sequence[Rule | None], stops: frozenset[int], most: int
) -> list[list[int]]:
    """The likeliest tokens of each row within its rule, without the stop token that ends it; at most `most` each.

    A reply that reaches `most` ends where its rule last let it end, if it did.
    """
    replies = [_Reply(rule, stops, most) for rule in rules]
    rows, logits_BTV = replies, logits_BV[:, None]
    while True:
        favourites = logits_BTV.argmax(dim=-1).tolist()
        vain = [reply.follow(logits_BTV[row], favourites[row]) for row, reply in enumerate(rows)]
        going = [row for row, reply in enumerate(rows) if not reply.ended]
        if not going:
            return [reply.said for reply in replies]
        listener.forget(vain)
        if 2 * len(going) <= len(rows):
            listener.only(going)
            rows = [rows[row] for row in going]
        logits_BTV = listener.read([reply.onward(listener.widest) for reply in rows])


@dataclass(eq=False)
class _Reply:
    """One reply on its way."""

    rule: Rule | None
    stops: frozenset[int]
    most: int
    said: list[int] = field(default_factory=list)
    draft: list[int] = field(default_factory=list)  # what should follow; its first `ahead` words have been read
    ahead: int = 0
    ended: bool = False

    def __post_init__(self) -> None:
        self.ended = self.most < 1

    def follow(self, logits_TV: torch.Tensor, favourites: Sequence[int]) -> int:
        """Say what the model says after the last word, and after the draft while that is what it says.

        How many words of the draft were read in vain.
        """
        read, self.ahead = self.ahead, 0
        for place in range(read + 1):
            if self.ended:
                return 0
            said = self._say(favourites[place], logits_TV[place])
            expected, self.draft = self.draft[:1], self.draft[1:]
            if expected != [said]:
                self.draft = []
                return read - place
        return 0

    def onward(self, widest: int) -> list[int]:
        """The words to read next: the last one and a draft of what should follow."""
        if self.ended:
            return []
        if widest > 1 and not self.draft and self.rule is not None:
            self.draft = list(self.rule.forced())
        self.ahead = min(len(self.draft), widest - 1, self.most - len(self.said) - 1)
        return [self.said[-1], *self.draft[: self.ahead]]

    def _say(self, favourite: int, logits_V: torch.Tensor) -> int:
        """Say the likeliest word that the rule admits.

        The free favourite is asked about first, so that a reply within its grammar is the one that would have been
        said without: where text is forced, `allowed` names only one of the ways to spell it.
        """
        rule = self.rule
        token = favourite
        if rule is not None and (token in self.stops or not rule.admits(token)):
            token = _likeliest(logits_V, rule.allowed())
        if token in self.stops:
            self.ended = True
            return token
        self.said.append(token)
        if rule is not None:
            rule.take(token)
            self.ended = rule.finished
        if len(self.said) == self.most and not self.ended:
            self._cut()
        return token

    def _cut(self) -> None:
        """End where the rule last let the reply end, if it did."""
        self.ended = True
        if self.rule is None:
            return
        for length in range(len(self.said), -1, -1):
            if self.rule.may_end:
                del self.said[length:]
                return
            if length:
                self.rule.back(1)


def _likeliest(logits_V: torch.Tensor, allowed: NDArray[np.bool_]) -> int:
    """The likeliest of the tokens that are allowed; the model may have words that its tokenizer does not know."""
    ids = torch.from_numpy(np.flatnonzero(allowed[: len(logits_V)])).to(logits_V.device)
    return int(ids[logits_V[ids].argmax()])
