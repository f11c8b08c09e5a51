"""Any vision-language model that transformers knows, with its own processor and chat template."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import PreTrainedModel, PreTrainedTokenizerBase, ProcessorMixin
from typing_extensions import Doc

from instar.backbone import IGNORE, Example, Picture, padded
from instar.backbones.hf_families import Family, Tensors, family
from instar.backbones.hf_loading import load_model, load_processor, load_skeleton, model_type, pick_device, quiet
from instar.backbones.hf_packing import attends_plainly, batch_of, inputs, shown, understand
from instar.backbones.hf_pictures import Fit, Looks, Seen, look
from instar.backbones.hf_pieces import Piece, check_plain, picture_token, special_tokens
from instar.backbones.hf_speaking import Voice
from instar.backbones.hf_tokens import Tokens
from instar.backbones.toys import Words, toy
from instar.chat import Conversation, Turn
from instar.decoding import Listener
from instar.demo import Image
from instar.errors import DataError
from instar.files import door
from instar.grammar import Grammar
from instar.packing import identities, pack
from instar.plugins import Choice


def load(path: Path, device: str = "auto", dtype: Literal["auto", "float32", "bfloat16"] = "auto") -> "HfBackbone":
    """The checkpoint in `path`, weights and all. Raises DataError that says what is missing."""
    backbone = HfBackbone(str(path), device, dtype)
    _ = backbone.processor, backbone.model
    return backbone


@dataclass(frozen=True)
class HfBackbone:
    """A checkpoint folder as save_pretrained writes it. Opened when first used; pickled, it is its options again."""

    path: Annotated[str, Doc("folder of the checkpoint")]
    device: Annotated[str, Doc("auto, cpu, cuda or cuda:1; auto is a GPU where there is one")] = "auto"
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16"], Doc("precision of the weights; auto is as stored, float32 on a CPU")
    ] = "auto"
    fit: Annotated[
        Fit,
        Doc(
            "pictures that are not square: own (whatever the model's processor does), pad, stretch, "
            "or auto (pad where the processor would cut the sides off)"
        ),
    ] = "auto"

    def __reduce__(self) -> tuple[type["HfBackbone"], tuple[str, ...]]:
        return (HfBackbone, tuple(getattr(self, item.name) for item in fields(self)))

    @staticmethod
    def toy(choice: Choice, folder: Path, seed: int, texts: Sequence[str] = (), phrases: Sequence[str] = ()) -> Path:
        """A small random model in `folder`, e.g. of the choice "tiny:llava,layers=4". Raises ConfigError."""
        options = dict(choice.options)
        return toy(str(options.pop("", "llava")), options, folder, seed, Words(texts, phrases))

    @cached_property
    def model(self) -> PreTrainedModel:
        """The network."""
        model_type(Path(self.path))
        device = pick_device(self.device)
        dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}.get(self.dtype)
        if self.dtype == "auto" and device.type == "cpu":
            dtype = torch.float32
        model = load_model(Path(self.path), device, dtype)
        understand(model)
        return model

    @cached_property
    def processor(self) -> ProcessorMixin:
        """Tokenizer, picture processor and chat template."""
        model_type(Path(self.path))
        processor = load_processor(Path(self.path))
        picture_token(processor)
        return processor

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer."""
        tokenizer: PreTrainedTokenizerBase = self.processor.tokenizer
        return tokenizer

    def encode(self, conversation: Conversation, id: str = "conversation") -> Example:
        """Tokens and labels; the answers marked `learn`, each with its end token, are learned from.

        Raises DataError naming `id` where nothing is to be learned.
        """
        if not any(turn.learn for turn in conversation.turns):
            raise DataError(f"{id}: no turn is marked to be learned from; a sample needs at least one answer")
        try:
            pieces = self._pieces(conversation)
            seen = [self._look(image) for image in conversation.images]
            return self._example(id, pieces, conversation.images, seen)
        except DataError as error:
            raise DataError(f"{id}: {error}") from error

    def collate(self, examples: Sequence[Example]) -> dict[str, torch.Tensor]:
        """One batch, padded on the right, ready for `model(**batch)`; on the CPU.

        A picture that several examples show is in it once, where the family allows.
        """
        batch = self._batch(examples, left=False)
        batch["labels"] = padded([example.labels for example in examples], IGNORE)
        pictures = [picture.image.digest for example in examples for picture in example.pictures]
        if not self._family.packs or len(set(pictures)) == len(pictures):
            return batch
        batch["position_ids"] = self._family.positions(self._skeleton, batch).ids
        rows = [(k, np.arange(example.length)) for k, example in enumerate(examples)]
        return {**batch, **shown(rows, examples, self._family)}

    @cached_property
    def packs(self) -> bool:
        """Whether `pack` is known to be exact for this model."""
        return self._family.packs and attends_plainly(self._skeleton)

    def pack(self, examples: Sequence[Example]) -> dict[str, torch.Tensor]:
        """One batch with the loss and gradients of `collate`, in which what examples begin with alike is there once.

        Raises DataError for a family of which nobody knows that this is exact.
        """
        if not self.packs:
            raise DataError(f"{self.path}: models of this family cannot be packed; train with packing off")
        block = [self._family.both_ways(example) for example in examples]
        found = pack(identities(examples, block), block)
        batch = batch_of(found, examples, [self._positions(example) for example in examples])
        return {**batch, **shown([(0, path) for path in found.places], examples, self._family)}

    def generate(
        self, conversations: Sequence[Conversation], grammars: Sequence[Grammar | None], max_new_tokens: int = 1024
    ) -> list[str]:
        """The likeliest next turn of each conversation, word by word, within its grammar where there is one."""
        assert len(conversations) == len(grammars)
        if not conversations:
            return []
        prompts = [self.prompt(conversation) for conversation in conversations]
        batch = self._batch([example for example, _ in prompts], left=True)
        return self._voice.reply(batch, [lead for _, lead in prompts], grammars, max_new_tokens)

    def prompt(self, conversation: Conversation) -> tuple[Example, str]:
        """A conversation up to where its next answer begins, and the space that the model may begin it with."""
        pieces = self._pieces(Conversation((*conversation.turns, Turn("assistant", "!")), conversation.images))
        last = len(conversation.turns)
        cut = next(k for k, piece in enumerate(pieces) if piece.kind == "answer" and piece.turn == last)
        seen = [look(self.processor, image, self.fit) for image in conversation.images]
        return self._example("prompt", pieces[:cut], conversation.images, seen), pieces[cut].text.removesuffix("!")

    def listen(self, prompts: Sequence[Example]) -> tuple[torch.Tensor, Listener]:
        """Read the prompts: the logits of each first answer token, (B, V), and who reads on."""
        return self._voice.listen(self._batch(prompts, left=True))

    def parts(self) -> dict[str, tuple[str, ...]]:
        """Prefixes of the parameter names of "vision", "projector" and "language"; the longest that fits counts."""
        found: dict[str, list[str]] = {"vision": [], "projector": [], "language": []}
        for part, known in (("vision", self._family.vision), ("projector", self._family.projector)):
            names = [name for name, _ in (*self.model.named_modules(), *self.model.named_parameters())]
            found[part] = [name for name in names if name.removeprefix("model.") in known]
        seen = (*found["vision"], *found["projector"])
        rest = [name for name, _ in self.model.named_parameters() if not name.startswith(seen)]
        depth = {name: 2 if name.startswith("model.") else 1 for name in rest}
        found["language"] = list(dict.fromkeys(".".join(name.split(".")[: depth[name]]) for name in rest))
        return {part: tuple(names) for part, names in found.items()}

    def save(self, folder: Path) -> None:
        """Weights and processor in `folder`, for `load` or for any other program that reads such folders."""
        try:
            with door(folder), quiet():
                self.model.save_pretrained(folder)
                self.processor.save_pretrained(folder)
        except SafetensorError as error:
            raise DataError(f"{folder}: the weights cannot be written: {error}") from error

    @cached_property
    def _family(self) -> Family:
        return family(model_type(Path(self.path)))

    @cached_property
    def _specials(self) -> tuple[str, ...]:
        return tuple(sorted(special_tokens(self.tokenizer)))

    @cached_property
    def _template(self) -> Callable[[Conversation], list[Piece]]:
        return self._family.pieces(self.processor)

    @cached_property
    def _skeleton(self) -> PreTrainedModel:
        """The network without weights: a process that only makes batches needs no more."""
        return load_skeleton(Path(self.path))

    def _positions(self, example: Example) -> torch.Tensor:
        """The positions of an example's tokens, (T,) or (axes, T)."""
        return self._family.positions(self._skeleton, self._batch([example], left=False)).ids.squeeze(-2)

    @cached_property
    def _look(self) -> Looks:
        return Looks(lambda image: look(self.processor, image, self.fit))

    @cached_property
    def _ends(self) -> frozenset[int]:
        """Tokens that end an answer: the template's, and those that the checkpoint names."""
        asked = Conversation((Turn("user", "?"), Turn("assistant", "!")), ())
        ends = [self._tokens.of(piece)[-1] for piece in self._template(asked) if piece.kind == "end"]
        named = getattr(self.model.generation_config, "eos_token_id", None)
        ends += named if isinstance(named, list) else [named] if isinstance(named, int) else []
        return frozenset(ends)

    @cached_property
    def _tokens(self) -> Tokens:
        return Tokens(self.tokenizer)

    @cached_property
    def _voice(self) -> Voice:
        return Voice(self.model, self._tokens, self._family, self._ends)

    def _pieces(self, conversation: Conversation) -> list[Piece]:
        check_plain(conversation, self._specials)
        return self._template(conversation)

    def _example(self, id: str, pieces: Sequence[Piece], images: Sequence[Image], seen: Sequence[Seen]) -> Example:
        waiting = iter(seen)
        rows = [next(waiting).tokens if piece.kind == "picture" else self._tokens.of(piece) for piece in pieces]
        begin = self._tokens.begin
        if begin and rows and rows[0][:1] != begin:
            pieces, rows = [Piece(), *pieces], [begin, *rows]
        counts = [len(row) for row in rows]
        learn = [piece.learn for piece, count in zip(pieces, counts, strict=True) for _ in range(count)]
        input_ids = torch.tensor([token for row in rows for token in row], dtype=torch.long)
        labels = input_ids.masked_fill(~torch.tensor(learn, dtype=torch.bool), IGNORE)
        ends = accumulate(counts)
        starts = [
            end - count for piece, count, end in zip(pieces, counts, ends, strict=True) if piece.kind == "picture"
        ]
        placed = list(zip(images, starts, seen, strict=True))
        aligned = self._family.aligned(pieces, counts)
        if any(sight.types for sight in seen):
            aligned["mm_token_type_ids"] = torch.zeros_like(input_ids)
            for _, start, sight in placed:
                aligned["mm_token_type_ids"][start : start + len(sight.types)] = torch.tensor(sight.types)
        pictures = tuple(Picture(image, start + sight.features, sight.inputs) for image, start, sight in placed)
        return Example(id, input_ids, labels, aligned, pictures)

    def _batch(self, examples: Sequence[Example], *, left: bool) -> Tensors:
        pad = self.tokenizer.pad_token_id
        ids = [example.input_ids for example in examples]
        batch = {"input_ids": padded(ids, pad if isinstance(pad, int) else 0, left=left)}
        batch["attention_mask"] = padded([torch.ones_like(row) for row in ids], 0, left=left)
        for name in sorted({name for example in examples for name in example.aligned}):
            rows = [example.aligned.get(name, torch.zeros_like(example.input_ids)) for example in examples]
            batch[name] = padded(rows, 0, left=left)
        return {**batch, **inputs([picture for example in examples for picture in example.pictures], self._family)}
