"""Pieces of text as tokens, with tokenizers that have habits."""

from typing import Any

import pytest
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, processors
from transformers import PreTrainedTokenizerBase

from instar.backbones.hf_pieces import Piece
from instar.backbones.hf_rules import Rules
from instar.backbones.hf_tokens import Tokens
from instar.backbones.tiny_words import TAGS, words_tokenizer
from instar.grammar import Choice, Grammar, Integer


@pytest.fixture
def sentencepiece() -> PreTrainedTokenizerBase:
    """A tokenizer in the manner of Llama 2: a space before every text, bytes for what it does not know."""
    letters = ["\u2581", "A", "S", "T", ":", "a", "b", "<", ">", "x", "1", "2"]
    words = ["\u2581a", "\u2581x", "AS", "\u2581AS"]
    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2, **{f"<0x{byte:02X}>": 3 + byte for byte in range(256)}}
    vocabulary |= {token: 259 + k for k, token in enumerate(letters + words)}
    merges = [("\u2581", "a"), ("\u2581", "x"), ("A", "S"), ("\u2581", "AS")]
    unknown: Any = {"unk_token": "<unk>"}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, byte_fallback=True, **unknown))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    untyped: Any = transformers
    marks = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    made: PreTrainedTokenizerBase = untyped.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **marks)
    return made


def test_an_answer_goes_on_where_the_words_stopped(sentencepiece: PreTrainedTokenizerBase) -> None:
    tokens = Tokens(sentencepiece)
    parts = tokens.of(Piece("AST:")) + tokens.of(Piece(" a b", "answer"))
    whole = sentencepiece("AST: a b", add_special_tokens=False)["input_ids"]
    assert parts == whole


def test_a_text_in_the_middle_has_no_space_of_its_own(sentencepiece: PreTrainedTokenizerBase) -> None:
    tokens = Tokens(sentencepiece)
    assert sentencepiece.convert_ids_to_tokens(tokens.within("ab")) == ["a", "b"]
    assert tokens.within("") == []


def test_the_token_that_begins_every_text_is_known(sentencepiece: PreTrainedTokenizerBase) -> None:
    assert Tokens(sentencepiece).begin == [1]
    assert Tokens(words_tokenizer([], bos=None)).begin == []


@pytest.mark.parametrize("lead", ["", " "])
def test_rules_hold_for_tokenizers_that_add_spaces(sentencepiece: PreTrainedTokenizerBase, lead: str) -> None:
    grammar = Grammar("<b>", Choice("what", ("a x", "b")), Integer("n", 1, 2), "</b>")
    rule = Rules(Tokens(sentencepiece), frozenset({2})).rule(grammar, lead)
    said: list[int] = []
    while not rule.finished:
        allowed = rule.allowed().nonzero()[0].tolist()
        assert not {0, 1} & set(allowed)
        said.append(allowed[-1])
        rule.take(said[-1])
    text = Tokens(sentencepiece).tokenizer.decode([*Tokens(sentencepiece).within("x"), *said])
    assert isinstance(text, str)
    grammar.parse(text.removeprefix("x").removeprefix(lead))


def test_a_tag_is_one_token_that_a_grammar_can_say() -> None:
    tokenizer = words_tokenizer(["<image>"])
    tokens = Tokens(tokenizer)
    rule = Rules(tokens, frozenset({tokenizer.get_vocab()["</s>"]})).rule(Grammar("<b>", Integer("n"), "</b>"), "")
    tag = tokenizer.convert_tokens_to_ids("<b>")
    assert tokens.within("<b>") == [tag]
    assert rule.allowed()[tag]


@pytest.mark.parametrize(
    "text",
    [
        "Step 1: Pick up the <p>red swirl letter V</p> at <b>(0.254, 0.570)</b>, rotate <r>[-30]</r> degrees.",
        "\u65e5\u672c \t\n caf\u00e9  \u2014 x=1e-9 \n\n two  spaces < b> </ b",
        "\U0001f916\x00\x7f",
        " leading and trailing ",
    ],
)
def test_the_small_tokenizer_reads_back_any_text(text: str) -> None:
    tokenizer = words_tokenizer(["<image>"])
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_the_small_tokenizer_has_digits_words_and_tags_as_single_tokens() -> None:
    tokenizer = words_tokenizer([], ["the extraterrestrial gripper"] * 3)
    for text in ("0123456789", " swirl checkerboard hexagon", " extraterrestrial gripper", "".join(TAGS)):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        count = len(TAGS) if text.startswith("<") else len(text) if text[0] == "0" else len(text.split())
        assert len(ids) == count, tokenizer.convert_ids_to_tokens(ids)
    assert all(len(token) == 1 for token in tokenizer.get_vocab() if any(letter.isdigit() for letter in token))


def test_a_phrase_that_never_changes_is_one_token() -> None:
    phrase = "Each action is written <b>(x, y)</b>."
    tokenizer = words_tokenizer([], phrases=[phrase])
    text = f"Hello.\n{phrase}\nbye"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.get_vocab()[phrase] in ids
    assert tokenizer.decode(ids) == text
