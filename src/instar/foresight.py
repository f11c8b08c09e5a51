"""What comes next if a text goes on as it did before: a guess that costs nothing and needs no second model."""

from collections.abc import Iterable
from typing import Final

_LENGTHS: Final = (3, 2)  # how many of the last words are looked up, most first
_OPEN: Final = -1  # the words came twice and went on differently


class Foresight:
    """Words heard one after another, and how each stretch of them went on.

    After Saxena's prompt lookup decoding (2023), but only where all the earlier times agree.
    """

    def __init__(self, heard: Iterable[int]) -> None:
        self._heard: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}
        for token in heard:
            self.hear(token)

    def hear(self, token: int) -> None:
        """`token` came next."""
        for key in self._keys(self._heard):
            if self._after.setdefault(key, token) != token:
                self._after[key] = _OPEN
        self._heard.append(token)

    def next(self, draft: list[int]) -> int | None:
        """What came every time after the last words, with `draft`; None if they are new or went on in two ways."""
        for key in self._keys([*self._heard[-max(_LENGTHS) :], *draft]):
            token = self._after.get(key, _OPEN)
            if token != _OPEN:
                return token
        return None

    @staticmethod
    def _keys(words: list[int]) -> Iterable[tuple[int, ...]]:
        return [tuple(words[-length:]) for length in _LENGTHS if len(words) >= length]
