"""How a model of transformers answers: prompts read once, then on from the cache, within a grammar."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from transformers import PreTrainedModel

from instar.backbone import Read, padded, speak
from instar.backbones.hf_families import Family, Tensors
from instar.backbones.hf_rules import Rules
from instar.backbones.hf_tokens import Tokens
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
        self.model.train(mode=False)
        try:
            logits_BV, read = self.listen(prompts)
            said = speak(logits_BV, read, rules, self.ends, max_new_tokens)
        finally:
            self.model.train(training)
        return [self._text(tokens, lead) for tokens, lead in zip(said, leads, strict=True)]

    def listen(self, prompts: Tensors) -> tuple[torch.Tensor, Read]:
        """Read prompts padded on the left: the logits of each first answer token, (B, V), and how to read on."""
        device = self.model.device
        batch = {name: value.to(device) for name, value in prompts.items()}
        positions = self.family.positions(self.model, batch)
        out: Any = self.model(**batch, position_ids=positions.ids, use_cache=True, logits_to_keep=1)
        mask, following = batch["attention_mask"], positions.following
        axes = positions.ids.ndim

        def read(pending: Sequence[Sequence[int]]) -> torch.Tensor:
            nonlocal mask, following, out
            rows = [torch.tensor(tokens, dtype=torch.long) for tokens in pending]
            ids = padded(rows, 0, left=True).to(device)
            new = padded([torch.ones_like(row) for row in rows], 0, left=True).to(device)
            counted = following[:, None] + (new.cumsum(-1) - 1).clamp(min=0)
            mask, following = torch.cat([mask, new], dim=1), following + new.sum(-1)
            out = self.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=counted if axes == 2 else counted.expand(3, -1, -1),
                past_key_values=out.past_key_values,
                use_cache=True,
                logits_to_keep=1,
            )
            return _last(out)

        return _last(out), read

    @cached_property
    def _rules(self) -> Rules:
        return Rules(self.tokens, self.ends)

    def _text(self, tokens: list[int], lead: str) -> str:
        text = self.tokens.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        assert isinstance(text, str)
        return text.removeprefix(lead)


def _last(out: Any) -> torch.Tensor:
    logits: torch.Tensor = out.logits[:, -1].float()
    return logits
