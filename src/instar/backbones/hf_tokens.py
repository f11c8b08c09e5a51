"""Text to tokens piece by piece, as the pieces would become tokens in the middle of a prompt."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from transformers import PreTrainedTokenizerBase

from instar.backbones.hf_pieces import Piece

KEPT: Final = 1024  # texts whose tokens are remembered: a prompt is mostly pieces that come again


@dataclass(frozen=True, eq=False)
class Tokens:
    """A tokenizer without its habits at the beginning of a text: begin tokens and a space before the first word."""

    tokenizer: PreTrainedTokenizerBase

    def of(self, piece: Piece) -> list[int]:
        """The tokens of a piece; an answer goes on from words, everything else begins after a special token."""
        return self.within(piece.text) if piece.kind == "answer" else self._after(self._fence, piece.text)

    def within(self, text: str) -> list[int]:
        """Tokens of a text that other words come before."""
        # SentencePiece puts a space before a text, also after a special token, but not after a line break.
        return self._after(self._fence + "\n" if self._adds_space else self._fence, text)

    @cached_property
    def begin(self) -> list[int]:
        """The token that the tokenizer puts before every text by itself, if it does."""
        first = self.tokenizer.bos_token_id
        if not isinstance(first, int):
            return []
        by_itself = self.tokenizer("a")["input_ids"][:1] == [first] != self._ids("a")[:1]
        return [first] if by_itself else []

    @cached_property
    def _fence(self) -> str:
        return str(self.tokenizer.eos_token)

    @cached_property
    def _adds_space(self) -> bool:
        first = self.tokenizer.convert_ids_to_tokens(self._after(self._fence, "a"))[0]
        return first.startswith("\u2581")

    def _after(self, before: str, text: str) -> list[int]:
        return self._ids(before + text)[len(self._ids(before)) :]

    @cached_property
    def _ids(self) -> Callable[[str], list[int]]:
        return lru_cache(KEPT)(lambda text: list(self.tokenizer(text, add_special_tokens=False)["input_ids"]))
