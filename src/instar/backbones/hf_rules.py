"""Grammars as rules over a tokenizer's words, by llguidance."""

import functools
from dataclasses import dataclass
from typing import Final

import llguidance
import llguidance.hf
import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from instar.errors import DataError
from instar.grammar import Grammar

_KEPT: Final = 1024  # compiled grammars; an evaluation uses a few per robot and tool


@dataclass(frozen=True, eq=False)
class TokenRule:
    """One reply on its way through a grammar."""

    matcher: llguidance.LLMatcher

    def allowed(self) -> NDArray[np.bool_]:
        """Which tokens may come next, (V,); the end tokens where the grammar may end."""
        mask = np.frombuffer(self.matcher.compute_bitmask(), dtype=np.uint8)
        self._check()
        return np.unpackbits(mask, bitorder="little").astype(np.bool_)

    def take(self, token: int) -> None:
        """`token` comes next."""
        self.matcher.consume_token(token)
        self._check()

    @property
    def finished(self) -> bool:
        """The grammar allows nothing more."""
        return bool(self.matcher.is_stopped())

    def _check(self) -> None:
        if self.matcher.is_error():
            raise DataError(f"a grammar cannot be followed with this tokenizer: {self.matcher.get_error()}")


class Rules:
    """Grammars compiled for one tokenizer, each once."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, ends: frozenset[int]) -> None:
        if not isinstance(tokenizer, PreTrainedTokenizerFast):
            raise DataError(
                f"{type(tokenizer).__name__} is not a fast tokenizer, which replies within a grammar need; "
                "convert it, or ask without constraint"
            )
        self._tokenizer = llguidance.hf.from_tokenizer(tokenizer, eos_token=sorted(ends))
        self._compiled = functools.lru_cache(maxsize=_KEPT)(self._compile)

    def rule(self, grammar: Grammar, lead: str) -> TokenRule:
        """A fresh rule for one reply, which may begin with `lead`. Raises DataError if it cannot be compiled."""
        return TokenRule(self._compiled(grammar.pattern(), lead).deep_copy())

    def _compile(self, pattern: str, lead: str) -> llguidance.LLMatcher:
        whole = f"(?:{lead})?(?:{pattern})" if lead else pattern
        matcher = llguidance.LLMatcher(self._tokenizer, llguidance.LLMatcher.grammar_from_regex(whole))
        if matcher.is_error():
            raise DataError(f"the decoder cannot use the grammar {pattern[:80]!r}: {matcher.get_error()}")
        return matcher
