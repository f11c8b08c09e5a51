"""Conversations cut into pieces by chat templates of many manners."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from instar.backbones.hf_loading import load_processor
from instar.backbones.hf_pieces import Piece, template
from instar.chat import IMAGE, Conversation, Turn
from instar.errors import DataError
from tests.backbones.conftest import asked, picture

Cut = Callable[[str, Conversation], list[Piece]]


@pytest.fixture
def cut(folder: Callable[[str], Path]) -> Cut:
    """Pieces by a template of one's own."""

    def pieces(source: str, conversation: Conversation) -> list[Piece]:
        processor = load_processor(folder("llava"))
        processor.chat_template = source
        return template(processor).pieces(conversation)

    return pieces


Role = Literal["system", "user", "assistant"]


def talk(*turns: tuple[Role, str]) -> Conversation:
    """A conversation without pictures."""
    return Conversation(tuple(Turn(role, text) for role, text in turns), ())


def test_an_answer_stands_alone_with_the_space_before_it(cut: Cut) -> None:
    source = "{% for m in messages %}{{ m.role }}: {{ m.content[0].text | trim }}</s>{% endfor %}"
    pieces = cut(source, talk(("user", "a"), ("assistant", "b "), ("user", "c"), ("assistant", "d")))
    assert [piece.text for piece in pieces] == [
        "user: a</s>assistant:",
        " b ",
        "</s>",
        "user: c</s>assistant:",
        " d",
        "</s>",
    ]
    assert [piece.kind for piece in pieces] == ["words", "answer", "end"] * 2
    assert [piece.turn for piece in pieces if piece.kind == "answer"] == [1, 3]


def test_a_template_without_an_end_is_given_the_end_token(cut: Cut) -> None:
    source = "{% for m in messages %}{{ m.role }}:{{ m.content[0].text }}\n{% endfor %}"
    pieces = cut(source, talk(("user", "a"), ("assistant", "b"), ("user", "c")))
    assert [piece.text for piece in pieces] == ["user:a\nassistant:", "b", "</s>", "user:c\n"]


def test_white_space_before_the_end_token_is_part_of_the_end(cut: Cut) -> None:
    source = "{% for m in messages %}{{ m.content[0].text }} </s>{% endfor %}"
    assert [piece.text for piece in cut(source, talk(("user", "a"), ("assistant", "b")))] == ["a </s>", "b", " </s>"]


def test_pictures_keep_their_place_in_the_sentence_where_the_template_allows_it(cut: Cut) -> None:
    source = (
        "{% for m in messages %}{% for p in m.content %}"
        "{{ '<image>' if p.type == 'image' else p.text }}{% endfor %}{% endfor %}"
    )
    pieces = cut(source, Conversation((Turn("user", f"is {IMAGE} like {IMAGE}?"),), (picture(0), picture(1))))
    assert [piece.text for piece in pieces] == ["is ", "<image>", " like ", "<image>", "?"]


def test_pictures_keep_their_place_where_the_template_would_move_them(cut: Cut) -> None:
    source = (
        "{% for m in messages %}{% for p in m.content if p.type == 'image' %}<image>{% endfor %}"
        "{% for p in m.content if p.type == 'text' %}{{ p.text }}{% endfor %}{% endfor %}"
    )
    pieces = cut(source, Conversation((Turn("user", f"is {IMAGE} like {IMAGE}?"),), (picture(0), picture(1))))
    assert [piece.text for piece in pieces] == ["is ", "<image>", " like ", "<image>", "?"]


def test_only_answers_can_be_learned(cut: Cut) -> None:
    conversation = Conversation((Turn("user", "a", learn=True),), ())
    with pytest.raises(DataError, match="turn 0 is the user's"):
        cut("{% for m in messages %}{{ m.content[0].text }}{% endfor %}", conversation)


def test_a_turn_that_the_template_leaves_out_is_missed(cut: Cut) -> None:
    source = "{% for m in messages if m.role != 'system' %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}"
    with pytest.raises(DataError, match="leaves out turn 0 \\(system\\)"):
        cut(source, talk(("system", "be brief"), ("user", "a")))


def test_a_template_that_refuses_says_why(cut: Cut) -> None:
    source = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{{ m.content[0].text }}{% endfor %}"
    )
    with pytest.raises(DataError, match="conversation of system, user: no system"):
        cut(source, talk(("system", "be brief"), ("user", "a")))


def test_without_a_chat_template_it_is_said_what_to_do(folder: Callable[[str], Path]) -> None:
    processor = load_processor(folder("llava"))
    processor.chat_template = None
    processor.tokenizer.chat_template = None
    with pytest.raises(DataError, match="no chat template"):
        template(processor).pieces(asked("a"))


def test_pieces_add_up_to_the_rendered_prompt(folder: Callable[[str], Path]) -> None:
    conversation = asked("\nWhere?", picture(0)).answered("here")
    cuts = template(load_processor(folder("qwen2_5_vl"))).pieces(conversation)
    assert "".join(piece.text for piece in cuts) == (
        "<|im_start|>system\nYou see.<|im_end|>\n<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>\nWhere?"
        "<|im_end|>\n<|im_start|>assistant\nhere<|im_end|>\n"
    )
    assert [replace(piece, text="") for piece in cuts if piece.learn] == [
        Piece("", "answer", learn=True, turn=1),
        Piece("", "end", learn=True, turn=1),
    ]
