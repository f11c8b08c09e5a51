"""Grammars as token rules: every spelling of a good reply is admitted, whatever tokens the tokenizer has."""

import pytest

from instar.backbones.hf_rules import Rules
from instar.backbones.hf_tokens import Tokens
from instar.backbones.tiny_words import words_tokenizer
from instar.grammar import Fixed, Grammar, Integer

REPLY = Grammar(
    "turn <r>[", Integer("turn", -359, 359), "]</r> degrees, and drop it at <b>(", Fixed("x", 3, 0, 1), ")</b>."
)
TEXT = REPLY.format({"turn": 30, "x": 0.513})


@pytest.mark.parametrize("phrases", [[], ["]</r> degrees, and drop it at <b>(0."], ["3)</b>.", "turn <r>[3"]])
def test_a_token_may_reach_over_the_end_of_forced_text(phrases: list[str]) -> None:
    tokenizer = words_tokenizer([], phrases=phrases)
    tokens = Tokens(tokenizer)
    end = tokenizer.eos_token_id
    assert isinstance(end, int)
    rule = Rules(tokens, frozenset({end})).rule(REPLY, "")
    spelled = tokens.within(TEXT)
    assert set(phrases) <= set(tokenizer.convert_ids_to_tokens(spelled))
    for token in spelled:
        assert rule.admits(token), tokenizer.convert_ids_to_tokens([token])
        rule.take(token)
    assert rule.finished or rule.allowed()[end]


def test_what_the_grammar_does_not_say_is_not_admitted() -> None:
    tokens = Tokens(words_tokenizer([]))
    rule = Rules(tokens, frozenset({tokens.tokenizer.eos_token_id})).rule(REPLY, "")
    assert not rule.admits(tokens.within("stop")[0])
    assert rule.admits(tokens.within("turn")[0])
