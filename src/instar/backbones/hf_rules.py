"""Grammars as rules over a tokenizer's words, by llguidance."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import llguidance
import llguidance.hf
import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from instar.backbones.hf_pieces import special_tokens
from instar.backbones.hf_tokens import Tokens
from instar.errors import DataError
from instar.grammar import Grammar

_KEPT: Final = 1024  # compiled grammars; an evaluation uses a few per robot and tool

_FEW: Final = 64  # tokens: the digits, or the bins of one place


@dataclass(frozen=True, eq=False)
class TokenRule:
    """One reply on its way through a grammar."""

    matcher: llguidance.LLMatcher

    def admits(self, token: int) -> bool:
        """Whether `token`, which is no end token, may come next."""
        return int(self.matcher.validate_tokens([token])) == 1

    def allowed(self) -> NDArray[np.bool_]:
        """Which tokens may come next, (V,); the end tokens where the grammar may end."""
        mask = np.frombuffer(self.matcher.compute_bitmask(), dtype=np.uint8)
        self._check()
        return np.unpackbits(mask, bitorder="little").astype(np.bool_)

    def take(self, token: int) -> None:
        """`token` comes next."""
        self.matcher.consume_token(token)
        self._check()

    def forced(self) -> list[int]:
        """The tokens that spell what must come next, but for a last one that might reach over its end."""
        return list(self.matcher.compute_ff_tokens())

    def few(self) -> list[int]:
        """All tokens that may come next, where those are few; none where text is forced, which has many spellings."""
        if self.matcher.compute_ff_bytes():
            return []
        ids = np.flatnonzero(self.allowed())
        return [int(token) for token in ids] if len(ids) <= _FEW else []

    def back(self, count: int) -> None:
        """The last `count` tokens are not taken after all."""
        self.matcher.rollback(count)
        self._check()

    @property
    def may_end(self) -> bool:
        """What was taken is a whole reply."""
        return bool(self.matcher.is_accepting())

    @property
    def finished(self) -> bool:
        """The grammar allows nothing more."""
        return bool(self.matcher.is_stopped())

    def _check(self) -> None:
        if self.matcher.is_error():
            first = self.matcher.get_error().splitlines()[0]
            raise DataError(f"a grammar cannot be followed with this tokenizer: {first}")


class Rules:
    """Grammars compiled for one tokenizer, each once."""

    def __init__(self, tokens: Tokens, ends: frozenset[int]) -> None:
        self._words = llguidance.LLTokenizer(llguidance.TokenizerWrapper(_Words(tokens, ends)), eos_token=sorted(ends))
        self._compiled = functools.lru_cache(maxsize=_KEPT)(self._compile)

    def rule(self, grammar: Grammar, lead: str) -> TokenRule:
        """A fresh rule for one reply, which may begin with `lead`. Raises DataError if it cannot be compiled."""
        return TokenRule(self._compiled(grammar.pattern(), lead).deep_copy())

    def _compile(self, pattern: str, lead: str) -> llguidance.LLMatcher:
        whole = f"(?:{lead})?(?:{pattern})" if lead else pattern
        matcher = llguidance.LLMatcher(self._words, llguidance.LLMatcher.grammar_from_regex(whole), log_level=0)
        if matcher.is_error():
            first = matcher.get_error().splitlines()[0]
            raise DataError(f"the decoder cannot use the grammar {pattern[:80]!r}: {first}")
        return matcher


class _Words:
    """What llguidance asks of a tokenizer.

    Its own reading of a tokenizer takes every added token that looks like <b> for a special one, which no grammar can
    then say; here only what the tokenizer itself calls special is.
    """

    def __init__(self, tokens: Tokens, ends: frozenset[int]) -> None:
        tokenizer = tokens.tokenizer
        if not isinstance(tokenizer, PreTrainedTokenizerFast):
            raise DataError(
                f"{type(tokenizer).__name__} is not a fast tokenizer, which replies within a grammar need; "
                "convert it, or ask without constraint"
            )
        read = llguidance.hf.from_tokenizer(tokenizer)
        self.tokens = [read.decode_bytes([token]) for token in range(read.vocab_size)]
        for token, added in tokenizer.added_tokens_decoder.items():
            self.tokens[token] = str(added).encode()
        special = special_tokens(tokenizer)
        self.special_token_ids = sorted({tokenizer.get_vocab()[token] for token in special} | ends)
        self.eos_token_id = min(ends)
        self.bos_token_id = None
        self._within = tokens.within

    def __call__(self, text: str) -> Sequence[int]:
        if not isinstance(text, str):
            raise TypeError("text, not bytes")  # tells the wrapper which of the two to send
        return self._within(text)
