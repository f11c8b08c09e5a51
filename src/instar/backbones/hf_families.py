"""Where families of models differ: the only place that knows them by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import torch
import transformers
from transformers import PreTrainedModel, ProcessorMixin
from transformers.utils.import_utils import is_torchvision_available

from instar.backbone import Example
from instar.backbones.hf_pieces import Piece, chat_template, picture_token, template
from instar.chat import IMAGE, Conversation
from instar.errors import DataError

Tensors = dict[str, torch.Tensor]


class Positions(NamedTuple):
    """Where the tokens of a prompt are, as its model counts."""

    ids: torch.Tensor  # (B, T) or (axes, B, T)
    following: torch.Tensor  # (B,): the position of the first token after the prompt


def counted(batch: Tensors, first: int = 0) -> Positions:
    """Positions by counting the tokens that are not padding, from `first` on."""
    mask = batch["attention_mask"]
    ids = (mask.cumsum(-1) - 1).clamp(min=0) + first
    return Positions(ids, ids[:, -1] + 1)


def own_positions(model: PreTrainedModel, batch: Tensors) -> Positions:
    """Positions as the model counts: Qwen-VL and its kin count pictures along three axes, then on from the largest."""
    plain = counted(batch)
    inner: Any = model.base_model
    if not hasattr(inner, "get_rope_index"):
        return plain
    given = {key: batch[key] for key in ("image_grid_thw", "mm_token_type_ids") if key in batch}
    if "image_grid_thw" not in given:
        return Positions(plain.ids.expand(3, -1, -1), plain.following)
    ids, _ = inner.get_rope_index(batch["input_ids"], attention_mask=batch["attention_mask"], **given)
    return Positions(ids, ids.amax(dim=(0, 2)) + 1)


@dataclass(frozen=True)
class Family:
    """What has to be known of a family; the defaults suit most."""

    pieces: Callable[[ProcessorMixin], Callable[[Conversation], list[Piece]]] = lambda processor: (
        template(processor).pieces
    )
    positions: Callable[[PreTrainedModel, Tensors], Positions] = own_positions
    aligned: Callable[[Sequence[Piece], Sequence[int]], Tensors] = lambda _pieces, _counts: {}
    tiled: tuple[str, ...] = ()  # inputs of the shape (1, tiles of all pictures, ...)
    # Whether several samples fit one row: its attention is over all tokens alike, and pictures are seen by their
    # tokens only. Of a family that nobody has looked at this is not known.
    packs: bool = False
    both_ways: Callable[[Example], int] = lambda _example: 0  # so many tokens, from the first on, see each other
    vision: tuple[str, ...] = ("vision_tower", "vision_model", "visual", "vision_encoder", "image_tower")
    projector: tuple[str, ...] = (
        "multi_modal_projector",
        "connector",
        "visual.merger",
        "visual.deepstack_merger_list",
        "mm_projector",
        "image_newline",
    )


def family(model_type: str) -> Family:
    """What has to be known of models of this `model_type`, as their config.json names it."""
    return _FAMILIES.get(model_type, Family())


def _paligemma_pieces(processor: ProcessorMixin) -> Callable[[Conversation], list[Piece]]:
    """PaliGemma has no chat template: pictures first, then the question and a line break, then the answer."""
    if chat_template(processor):
        return template(processor).pieces
    picture, tokenizer = picture_token(processor), processor.tokenizer

    def pieces(conversation: Conversation) -> list[Piece]:
        found = [Piece(picture, "picture") for _ in conversation.images]
        waiting = str(tokenizer.bos_token)
        for k, turn in enumerate(conversation.turns):
            if turn.role == "assistant":
                found += [Piece(waiting), Piece(turn.text, "answer", turn.learn, k)]
                found.append(Piece(str(tokenizer.eos_token), "end", turn.learn, k))
                waiting = ""
            elif turn.learn:
                raise DataError(f"turn {k} is the {turn.role}'s; only answers of the assistant can be learned")
            else:
                waiting += turn.text.replace(IMAGE, "").strip() + "\n"
        return [*found, Piece(waiting)] if waiting else found

    return pieces


def _after_the_question(pieces: Sequence[Piece], counts: Sequence[int]) -> Tensors:
    """PaliGemma reads all up to the first answer both ways (0), and the rest in order (1)."""
    first = next((k for k, piece in enumerate(pieces) if piece.kind == "answer"), len(pieces))
    prefix, rest = sum(counts[:first]), sum(counts[first:])
    return {"token_type_ids": torch.tensor([0] * prefix + [1] * rest, dtype=torch.long)}


def _prefix(example: Example) -> int:
    return int((example.aligned["token_type_ids"] == 0).sum())


_PLAIN: Final = Family(packs=True)
_IDEFICS: Final = Family(tiled=("pixel_values", "pixel_attention_mask"), packs=True)
_PALIGEMMA: Final = Family(
    pieces=_paligemma_pieces,
    positions=lambda _model, batch: counted(batch, first=1),  # its positions begin at 1
    aligned=_after_the_question,
    packs=True,
    both_ways=_prefix,
)

_FAMILIES: Final[Mapping[str, Family]] = {
    "llava": _PLAIN,
    "qwen2_vl": _PLAIN,
    "qwen2_5_vl": _PLAIN,
    "idefics3": _IDEFICS,
    "smolvlm": _IDEFICS,
    "paligemma": _PALIGEMMA,
}


def processor_class(name: str) -> type[ProcessorMixin] | None:
    """The processor called `name` without what it wants torchvision for: films. None where that changes nothing."""
    found = getattr(transformers, name, None)
    if found is None or is_torchvision_available() or "video_processor" not in found.get_attributes():
        return None
    kept = [attribute for attribute in found.get_attributes() if attribute != "video_processor"]
    # The name stays, so that what is saved is what any other program loads.
    still: type[ProcessorMixin] = type(name, (found,), {"get_attributes": classmethod(lambda _cls: kept)})
    return still
