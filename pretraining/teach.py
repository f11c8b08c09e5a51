"""The two stages: first the eye alone learns what its cells show, then the whole model learns to answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from instar import markup
from pretraining.lessons import IGNORE, Branches, Views
from pretraining.model import BRAIN, EYE, HEIGHT, WIDTH
from pretraining.reading import Step, line, step, weights_of
from pretraining.scenes import EVERY_SHAPE, EVERY_TEXTURE
from pretraining.told import MEANINGS

LOOKS_IN: Final = 2  # the layer, from 0, two of whose heads are taught where to look
QUOTES_IN: Final = 3  # the layer, two of whose heads are taught where in the question the next word stands
HEADS: Final = 2  # so taught; in the first of these layers two more look where the same was told before


class Read(NamedTuple):
    """What the language model makes of a group of questions."""

    hidden: torch.Tensor  # (R, T, D)
    cells: torch.Tensor  # (R, HEADS, T, N): how the taught heads look at the picture
    words: torch.Tensor  # (R, HEADS, T, T): how others look at the question
    before: torch.Tensor  # (R, HEADS, T, P + T): how those look at all there is that compare
    known: torch.Tensor  # (R, T, D): what it knows of each token where it is taught to look


class Examiner(nn.Module):
    """What is asked of cells while a model learns, one by one; thrown away afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(EYE)  # BRAIN is as wide
        self.texture = nn.Linear(EYE, len(EVERY_TEXTURE))
        self.shape = nn.Linear(EYE, len(EVERY_SHAPE))
        self.there = nn.Linear(EYE, 1)
        self.box = nn.Linear(EYE, 4)
        self.digits = nn.Linear(EYE, 4 * markup.DECIMALS * 10)  # as answers will write the box

    def forward(self, cells_BND: torch.Tensor, seen: Views) -> torch.Tensor:
        """How wrong it is about what is seen in each cell: texture, shape, whether, and the whole thing's box."""
        cells_BND = self.norm(cells_BND)
        some_BN, told_KF = _told(seen)
        mine_KD = cells_BND[some_BN]
        there = functional.binary_cross_entropy_with_logits(self.there(cells_BND)[..., 0].float(), some_BN.float())
        texture = functional.cross_entropy(self.texture(mine_KD).float(), told_KF[:, 0].long())
        shape = functional.cross_entropy(self.shape(mine_KD).float(), told_KF[:, 1].long())
        box = functional.l1_loss(self.box(mine_KD).float(), told_KF[:, 2:])
        powers = 10 ** torch.arange(markup.DECIMALS)
        told = (told_KF[:, 2:, None] * 10**markup.DECIMALS).round().long() // powers.flip(0) % 10
        digits = functional.cross_entropy(self.digits(mine_KD).float().view(-1, 10), told.flatten())
        return texture + shape + there + 5 * box + digits

    def marks(self, cells_BND: torch.Tensor, seen: Views) -> dict[str, float]:
        """Shares of the cells of things whose texture and shape are right, and pixels by which their centre is off."""
        some_BN, told_KF = _told(seen)
        mine_KD = self.norm(cells_BND)[some_BN]
        off = (self.box(mine_KD).float()[:, :2] - told_KF[:, 2:4]) * torch.tensor([2.0 * WIDTH, 2.0 * HEIGHT])
        return {
            "texture": (self.texture(mine_KD).argmax(-1) == told_KF[:, 0]).float().mean().item(),
            "shape": (self.shape(mine_KD).argmax(-1) == told_KF[:, 1]).float().mean().item(),
            "pixels off": off.norm(dim=-1).median().item(),
        }


def _told(seen: Views) -> tuple[torch.Tensor, torch.Tensor]:
    """Which cells show a thing, (B, N) bool; and the texture, shape, centre and size of each of those, (K, 6)."""
    return seen.seen > 0, torch.gather(seen.things, 1, seen.seen[..., None].expand(-1, -1, 6))[seen.seen > 0]


@dataclass
class Teacher:
    """A model, and the examiners of its eye and of what its language model makes of the same cells."""

    model: Any  # LlavaForConditionalGeneration
    examiner: Examiner
    inner: Examiner  # of the cells as they come to the layer that is taught where to look
    before: list[int]  # tokens before a picture
    compiled: Step = step  # what reads where something is learned; elsewhere it would have to be compiled once more
    sense: nn.Module = field(
        default_factory=lambda: nn.Sequential(nn.LayerNorm(BRAIN), nn.Linear(BRAIN, len(MEANINGS)))
    )
    words: dict[str, float] = field(default_factory=dict)  # the parts of the last loss

    def eye(self, seen: Views) -> tuple[torch.Tensor, torch.Tensor]:
        """What the eye makes of pictures, (B, N, EYE); and how wrong it is."""
        tower = self.model.model.vision_tower
        cells = tower(seen.rgb, output_hidden_states=True).hidden_states[-1][:, 1:]
        return cells, self.examiner(cells, seen)

    def loss(self, seen: Views, asked: Sequence[Branches]) -> torch.Tensor:
        """Of the words, of where the model looks for them, and of what it knows of the cells, outside and inside."""
        cells, eye = self.eye(seen)
        known, read = self.read(cells, asked)
        inner = self.inner(known, seen)
        labels = torch.cat([rows.labels[rows.labels != IGNORE] for rows in asked])
        pairs = list(zip(read, asked, strict=True))
        logits = torch.cat([self.model.lm_head(group.hidden[rows.labels != IGNORE]) for group, rows in pairs])
        words = functional.cross_entropy(logits.float(), labels)
        looks = _mean([_looks(group.cells, seen, rows) for group, rows in pairs])
        quotes = _mean([_read_in(group.words, rows.copied) for group, rows in pairs])
        alike = _mean([_compares(group.before, rows.alike) for group, rows in pairs])
        means = _mean([self._means(group.known, rows.means) for group, rows in pairs])
        others = {"looks": looks, "quotes": quotes, "alike": alike, "means": means, "eye": eye, "inner": inner}
        self.words = {name: part.item() for name, part in {"words": words, **others}.items()}
        weighted: torch.Tensor = words + 0.3 * sum(others.values())
        return weighted

    def _means(self, known: torch.Tensor, meanings: torch.Tensor) -> torch.Tensor:
        """How surprising it would be what invented words mean, for each of them."""
        told = meanings != IGNORE
        return functional.cross_entropy(self.sense(known[told]).float(), meanings[told], reduction="none")

    def read(self, cells: torch.Tensor, asked: Sequence[Branches]) -> tuple[torch.Tensor, list[Read]]:
        """What the language model knows of the cells, (B, N, D), where it is taught to look; and of questions.

        A picture is read once, however many questions there are about it.
        """
        language, config = self.model.model.language_model, self.model.config.text_config
        pictures = self._pictures(cells)
        told = language.get_input_embeddings()(torch.cat([rows.tokens.flatten() for rows in asked]))
        lengths = [rows.tokens.shape[1] for rows in asked]
        lie = line((len(cells), pictures.shape[1]), [rows.owner for rows in asked], lengths, config)
        x, one = torch.cat([pictures.flatten(0, 1), told]), self.compiled if torch.is_grad_enabled() else step
        reached, looks = x, {}
        for k, layer in enumerate(language.layers):
            reached = x if k == LOOKS_IN else reached
            looking = k in (LOOKS_IN, QUOTES_IN)
            x, looks[k] = one(x, lie, weights_of(layer), config.num_attention_heads, looking=looking)
        (known, *knows), (_, *hidden) = lie.parts(reached), lie.parts(language.norm(x))
        cut, behind = slice(len(self.before), known.shape[1]), slice(known.shape[1], None)
        return known[:, cut], [
            Read(group, there[:, :HEADS, :, cut], words[:, :HEADS, :, behind], there[:, HEADS : 2 * HEADS], knew)
            for group, there, words, knew in zip(hidden, looks[LOOKS_IN], looks[QUOTES_IN], knows, strict=True)
        ]

    def _pictures(self, cells: torch.Tensor) -> torch.Tensor:
        """What every question begins with, (B, P, D): the first words and the picture."""
        before = self.model.get_input_embeddings()(torch.tensor(self.before))[None].expand(len(cells), -1, -1)
        return torch.cat([before, self.model.model.multi_modal_projector(cells).to(before.dtype)], 1)


def _mean(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Over all of them, 0 over none."""
    every = torch.cat(tuple(parts))
    return every.sum() / max(1, len(every))


def _looks(attention: torch.Tensor, seen: Views, asked: Branches) -> torch.Tensor:
    """How little of the attention goes to the thing that the next word is about, for each such word and head."""
    row, place = torch.nonzero(asked.about, as_tuple=True)
    cells_KN = seen.shares[asked.owner[row], asked.about[row, place]]
    mass_KH = (attention[row, :, place].float() * cells_KN[:, None]).sum(-1)
    return -torch.log(mass_KH + 1e-4).flatten()


def _read_in(attention: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """How little of the attention (R, HEADS, T, T) goes to the `sources` (R, T), for each token that has one."""
    row, place = torch.nonzero(sources, as_tuple=True)
    mass_KH = attention[row, :, place, sources[row, place]].float()
    return -torch.log(mass_KH + 1e-4).flatten()


def _compares(attention: torch.Tensor, alike: torch.Tensor) -> torch.Tensor:
    """How little of the attention (R, HEADS, T, P + T) goes where the same token was told of the same thing before.

    Where another was told, it belongs to the very first place: comparing is looking for what is alike. So whether
    something differs stands in where a head has looked; from two numbers side by side it was not learned.
    """
    row, place = torch.nonzero(alike, as_tuple=True)
    behind = attention.shape[-1] - alike.shape[1]
    there = alike[row, place]
    column = torch.where(there > 0, there + behind, 0)
    return -torch.log(attention[row, :, place, column].float() + 1e-4).flatten()
