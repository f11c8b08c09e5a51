"""How a model of transformers answers: prompts read once, then on from the cache, within a grammar."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from transformers import PreTrainedModel

from instar.backbones.hf_families import Family, Tensors
from instar.backbones.hf_reading import Logits, reader
from instar.backbones.hf_rules import Rules
from instar.backbones.hf_tokens import Tokens
from instar.decoding import Listener, speak
from instar.grammar import Grammar


@dataclass(frozen=True, eq=False)
class Voice:
    """A model that answers."""

    model: PreTrainedModel
    tokens: Tokens
    family: Family
    ends: frozenset[int]  # tokens that end an answer

    @torch.inference_mode()
    def reply(
        self, prompts: Tensors, leads: Sequence[str], grammars: Sequence[Grammar | None], max_new_tokens: int
    ) -> list[str]:
        """The likeliest answer to each prompt of a batch padded on the left, without the space it may begin with."""
        rules = [
            None if grammar is None else self._rules.rule(grammar, lead)
            for grammar, lead in zip(grammars, leads, strict=True)
        ]
        training = self.model.training
        if training:  # to say so to every module takes longer than a pass of a small model
            self.model.train(mode=False)
        try:
            logits_BV, listener = self.listen(prompts)
            said = speak(logits_BV, listener, rules, self.ends, max_new_tokens)
        finally:
            if training:
                self.model.train()
        return [self._text(tokens, lead) for tokens, lead in zip(said, leads, strict=True)]

    def listen(self, prompts: Tensors) -> tuple[torch.Tensor, Listener]:
        """Read prompts padded on the left: the logits of each first answer token, (B, V), and who reads on."""
        device = self.model.device
        batch = {name: value.to(device) for name, value in prompts.items()}
        positions = self.family.positions(self.model, batch)
        out: Any = self.model(**batch, position_ids=positions.ids, use_cache=True, logits_to_keep=1)
        return out.logits[:, -1].float(), reader(self._logits, batch, positions, out.past_key_values)

    @cached_property
    def _logits(self) -> Logits:
        return Logits(self.model)

    @cached_property
    def _rules(self) -> Rules:
        return Rules(self.tokens, self.ends)

    def _text(self, tokens: list[int], lead: str) -> str:
        text = self.tokens.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        assert isinstance(text, str)
        return text.removeprefix(lead)
