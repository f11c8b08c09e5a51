"""From scenes and questions to batches: one picture, and all questions about it as branches behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from pretraining.exchange import Question, Quote
from pretraining.model import IMAGE_TOKENS
from pretraining.pictures import LEAST_SHARE, Pictures
from pretraining.questions import Asker

# Legend: B pictures, N cells of one, M things in it, R questions about all of them, T tokens of a question.

BEFORE, AFTER = "USER: ", " ASSISTANT:"  # as the chat template has them
IGNORE: Final = -100
DIFFERS: Final = -1  # another token was told of the same thing before
# Questions are read in groups of these lengths, with so many rows for every 16 pictures: as the shapes never change,
# kernels are made once. What does not fit is left out; what is left is padding.
GROUPS: Final = {40: 23, 56: 16, 80: 14, 112: 13, 176: 13, 272: 10}  # rows by tokens
PICTURES: Final = 16

Integers = NDArray[np.int64]
Columns = tuple[Integers, ...]  # tokens, labels, about, copied, alike, means


@dataclass(frozen=True, eq=False)
class Views:
    """Pictures, and what their cells show."""

    rgb: torch.Tensor  # (B, 3, H, W) float32 in -1..1
    seen: torch.Tensor  # (B, N) int64: the thing of which a cell shows most, 0 is nothing
    things: torch.Tensor  # (B, M + 1, 6) float32: texture, shape, centre, width and height of thing m; of 0 nothing
    shares: torch.Tensor  # (B, M + 1, N) bool: which cells show something of a thing


@dataclass(frozen=True, eq=False)
class Branches:
    """Questions and answers about the pictures of a batch, each a row that begins behind its picture."""

    owner: torch.Tensor  # (R,) int64: which picture of the batch
    tokens: torch.Tensor  # (R, T) int64
    labels: torch.Tensor  # (R, T) int64: the token that comes next, IGNORE where nothing is learned
    about: torch.Tensor  # (R, T) int64: the thing that the answer's next token, or a question's, is about; 0 is none
    copied: torch.Tensor  # (R, T) int64: where in the row the next token stands, or what gives it away; 0 is nowhere
    alike: torch.Tensor  # (R, T) int64: where this token was told of the same thing before, or DIFFERS; 0 is not told
    means: torch.Tensor  # (R, T) int64: which of MEANINGS the invented word has that ends here, IGNORE where none ends


def views(pictures: Pictures, chosen: Sequence[int] | Integers, least: float = LEAST_SHARE) -> Views:
    """The chosen pictures; a cell shows a thing that covers the `least` share of it."""
    k = np.asarray(chosen)
    rgb = torch.from_numpy(pictures.rgb[k]).permute(0, 3, 1, 2)  # channels last, which convolutions like
    counts = np.stack([pictures.cells(int(one)) for one in k])
    best = counts[:, 1:].argmax(1) + 1
    shown = np.take_along_axis(counts, best[:, None], 1)[:, 0] >= least * counts[:1, :, :1].sum()
    rows = pictures.things[k].astype(np.float32)
    size = np.array([pictures.rgb.shape[2] * 2, pictures.rgb.shape[1] * 2], np.float32)
    low, high = rows[..., 2:4], rows[..., 4:6]
    told = np.concatenate([rows[..., :2], (low + high) // 2 / size, (high - low) / size], -1)  # as answers have it
    things = np.concatenate([np.zeros((len(k), 1, 6), np.float32), told], 1)
    return Views(
        rgb.float() / 127.5 - 1,
        torch.from_numpy(np.where(shown, best, 0)),
        torch.from_numpy(things),
        torch.from_numpy(counts > 0),
    )


class _Written(NamedTuple):
    """A text's tokens, and the characters that each of them stands for."""

    tokens: list[int]
    spans: list[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Scribe:
    """Writes questions as the checkpoint's own tokenizer and template do."""

    tokenizer: Any

    def before(self) -> tuple[list[int], int]:
        """The tokens before a picture; and how many places it and they take."""
        tokens = [self.tokenizer.bos_token_id, *self._written([BEFORE])[0].tokens]
        return tokens, len(tokens) + IMAGE_TOKENS

    def branches(self, asked: Sequence[Sequence[Question]]) -> list[Branches]:
        """Picture b of a batch has the questions `asked[b]`; those of about the same length together."""
        flat = [(owner, question) for owner, some in enumerate(asked) for question in some]
        prompts = self._written([f"\n{question.text}{AFTER}" for _, question in flat])
        said = self._written([f" {question.answer}" for _, question in flat])
        end = self.tokenizer.eos_token_id
        written = [
            (owner, _branch(question, prompt, answer, end))
            for (owner, question), prompt, answer in zip(flat, prompts, said, strict=True)
        ]
        groups: dict[int, list[tuple[int, Columns]]] = {length: [] for length in GROUPS}
        rooms = {length: rows * len(asked) // PICTURES for length, rows in GROUPS.items()}
        for row in written:
            fitting = (
                length for length, rows in groups.items() if len(row[1][0]) <= length and len(rows) < rooms[length]
            )
            length = next(fitting, None)
            if length is not None:
                groups[length].append(row)
        return [self._together(rows, length, rooms[length]) for length, rows in groups.items()]

    def _together(self, rows: Sequence[tuple[int, Columns]], length: int, count: int) -> Branches:
        fills = (self.tokenizer.pad_token_id, IGNORE, 0, 0, 0, IGNORE)
        owner = torch.zeros(count, dtype=torch.long)
        columns = [torch.full((count, length), fill) for fill in fills]
        for k, (mine, values) in enumerate(rows):
            owner[k] = mine
            for column, value in zip(columns, values, strict=True):
                column[k, : len(value)] = torch.from_numpy(value)
        return Branches(owner, *columns)

    def _written(self, texts: list[str]) -> list[_Written]:
        found = self.tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
        return [_Written(*row) for row in zip(found["input_ids"], found["offset_mapping"], strict=True)]


def _branch(question: Question, prompt: _Written, answer: _Written, end: int) -> Columns:
    """Tokens, the next where it is learned, what that is about and copied from; and what was told before."""
    tokens = np.array([*prompt.tokens, *answer.tokens, end])
    labels = np.full(len(tokens), IGNORE)
    first = len(prompt.tokens) - 1
    labels[first:-1] = tokens[first + 1 :]
    ends = {stop - 1: k for k, (_, stop) in enumerate(prompt.spans)}  # by characters after the first, a line break
    about, copied, alike = (np.zeros_like(labels) for _ in range(3))
    means = np.full_like(labels, IGNORE)
    for one in question.senses:
        means[ends[one.stop]] = one.meaning
    for j, (start, stop) in enumerate(answer.spans):  # characters after the first, a space
        about[first + j] = next((one.number for one in question.pointers if one.start < start <= one.stop), 0)
        copied[first + j] = _source(question.quotes, stop - 1, ends) or _sign(question.signs, stop - 1, ends)
    for k, (_, stop) in enumerate(prompt.spans):
        about[k] = about[k] or next((one.number for one in question.mentions if one.start < stop - 1 <= one.stop), 0)
        if before := _source(question.again, stop - 1, ends):
            alike[k] = before if tokens[before] == tokens[k] else DIFFERS
    return tokens, labels, about, copied, alike, means


def _source(quotes: Sequence[Quote], stop: int, ends: Mapping[int, int]) -> int:
    """The token of the question that ends where what ends at `stop` is quoted from; 0 for none.

    Words end alike, but for a space that they may begin with.
    """
    return next((ends.get(stop - one.start + one.source, 0) for one in quotes if one.start < stop <= one.stop), 0)


def _sign(signs: Sequence[Quote], stop: int, ends: Mapping[int, int]) -> int:
    """The token of the question that gives away what ends at `stop`; 0 for none."""
    return next((ends.get(one.source, 0) for one in signs if one.start < stop <= one.stop), 0)


def ask(
    pictures: Pictures, chosen: Sequence[int] | Integers, count: int, rng: np.random.Generator
) -> list[list[Question]]:
    """Questions about the chosen pictures, at least one about each."""
    return [_some(Asker(pictures.scene(int(k)), rng), count) for k in chosen]


def _some(asker: Asker, count: int) -> list[Question]:
    return asker.several(count) or [question for question in (asker.all(), asker.count()) if question][:1]
