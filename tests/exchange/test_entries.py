"""Entries in LLaVA's style: every picture in its place, and nothing that makes no sense is taken."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instar.chat import IMAGE, Conversation, Sample, Shown, Turn
from instar.demo import Image
from instar.errors import DataError
from instar.exchange.entries import entry, parse

PICTURE = Image.of(np.zeros((2, 2, 3), np.uint8))
EPISODE = "vima_v6/rotate/000007"
FRAME, FIRST, SECOND = (
    Shown(f"{EPISODE}/rgb_front/{name}", n) for name, n in (("0.jpg", 2), ("a_b.png", 0), ("a_c.png", 1))
)


def sample(text: str, *shows: Shown, kind: str = "llara", id: str = f"{EPISODE}/0/llara") -> Sample:
    said = Conversation((Turn("user", text),), (PICTURE,) * len(shows)).answered("Done.")
    return Sample(id, kind, said, shows=shows)


def talk(*values: str, **more: Any) -> dict[str, Any]:
    speakers = ("human", "gpt") * len(values)
    return {"conversations": [{"from": speakers[k], "value": value} for k, value in enumerate(values)], **more}


def test_the_observation_is_listed_last_and_references_in_the_instruction_s_order() -> None:
    # The text names the second reference first, and the first one twice.
    told = entry(
        sample("<image>\n<image>c into <image>b, the same <image>b", FRAME, SECOND, FIRST, FIRST),
        seeing=False,
        style="llara",
    )
    assert list(told) == ["image", "conversations", "id"]
    assert told["image"] == [FIRST.name, SECOND.name, FRAME.name]
    assert told["conversations"] == [
        {"from": "human", "value": "<image2>\n<image1>c into <image0>b, the same <image0>b"},
        {"from": "gpt", "value": "Done."},
    ]
    assert told["id"] == f"{EPISODE}_0"


def test_a_single_picture_is_number_0_for_acting_and_bare_for_seeing() -> None:
    only = Shown(FRAME.name, 0)
    assert (
        entry(sample("<image>\nAct.", only), seeing=False, style="llara")["conversations"][0]["value"]
        == "<image0>\nAct."
    )
    seen = entry(
        sample("<image>\nLook.", only, kind="obj_loc", id=f"{EPISODE}/0/obj_loc/3"), seeing=True, style="llara"
    )
    assert seen["conversations"][0]["value"] == "<image>\nLook."
    assert list(seen) == ["id", "image", "conversations"]
    assert seen["id"] == f"obj_loc/{EPISODE}/rgb_front/0.jpg"


def test_the_style_of_llava_knows_one_mark_and_the_order_of_the_text() -> None:
    told = entry(sample("<image> <image>c <image>b <image>b", FRAME, SECOND, FIRST, FIRST), seeing=False, style="llava")
    assert told["conversations"][0]["value"] == "<image> <image>c <image>b <image>b"
    assert told["image"] == [FRAME.name, SECOND.name, FIRST.name, FIRST.name]
    assert entry(sample("<image>", Shown(FRAME.name, 0)), seeing=False, style="llava")["image"] == FRAME.name


def test_the_second_time_an_episode_is_listed_has_the_id_of_the_first() -> None:
    assert (
        entry(sample("<image>", FRAME, id=f"{EPISODE}~2/0/llara"), seeing=False, style="llara")["id"] == f"{EPISODE}_0"
    )


@pytest.mark.parametrize("id", ["000000033471", "llara_7", "talk/llara_notes/3"])
def test_what_was_imported_keeps_its_id(id: str) -> None:
    assert entry(sample("<image>", FRAME, id=id), seeing=False, style="llara")["id"] == id


def test_words_alone_have_no_picture() -> None:
    assert list(entry(sample("Hello.", id="7"), seeing=False, style="llara")) == ["conversations", "id"]


def test_refuses_a_sample_that_does_not_know_its_pictures() -> None:
    lost = Sample("a/0/llara", "llara", Conversation((Turn("user", IMAGE),), (PICTURE,)).answered("!"))
    with pytest.raises(
        DataError, match="a/0/llara: does not know where its pictures come from; build the samples again"
    ):
        entry(lost, seeing=False, style="llara")


def test_refuses_words_that_would_be_a_picture() -> None:
    with pytest.raises(DataError, match="its text holds '<image3>'"):
        entry(sample("<image> next to the word <image3>", FRAME), seeing=False, style="llara")


@given(st.permutations([0, 1, 2]), st.lists(st.integers(0, 2), max_size=4), st.sampled_from(["llara", "llava"]))
def test_what_is_exported_is_imported_as_it_was(order: list[int], again: list[int], style: Any) -> None:
    shows = [(FRAME, SECOND, FIRST)[k] for k in (*order, *again)]
    before = sample(" and ".join(["<image>"] * len(shows)), *shows)
    after = parse(entry(before, seeing=False, style=style))
    assert after.turns == before.conversation.turns
    assert [shown.name for shown in after.shows] == [shown.name for shown in shows]
    if style == "llara":
        assert after.shows == before.shows


@pytest.mark.parametrize(
    ("image", "text", "names"),
    [
        ("a.jpg", "<image>\nWhat?", ["a.jpg"]),
        ("./sub/a.jpg", "What is in\n<image>", ["sub/a.jpg"]),
        (["a.jpg"], "<image0> and again <image>", ["a.jpg", "a.jpg"]),
        (["a.jpg", "b.jpg"], "<image1>\n<image0>", ["b.jpg", "a.jpg"]),
        (["a.jpg", "b.jpg"], "<image> then <image>", ["a.jpg", "b.jpg"]),  # as LLaVA's data of several pictures
        (["a.jpg", "b.jpg"], "<image> then <image1>", ["a.jpg", "b.jpg"]),
        (None, "What?", []),
        ([], "What?", []),
        ("", "What?", []),
    ],
)
def test_marks_and_pictures_belong_together(image: Any, text: str, names: list[str]) -> None:
    found = parse(talk(text, "This.", image=image))
    assert [shown.name for shown in found.shows] == names
    assert found.turns[0].text.count(IMAGE) == len(names)
    assert "<image0>" not in found.turns[0].text


def test_takes_many_turns_systems_and_other_names_for_speakers() -> None:
    value = talk("", "<image>\nWhat?", "This.", "Where?", "Here.", image="a.jpg", id=7)
    for turn, speaker in zip(value["conversations"], ("system", "user", "assistant", "human", "gpt"), strict=True):
        turn["from"] = speaker
    found = parse(value)
    assert [(turn.role, turn.learn) for turn in found.turns] == [
        ("system", False),
        ("user", False),
        ("assistant", True),
        ("user", False),
        ("assistant", True),
    ]
    assert found.id == "7"
    assert parse(talk("Hi.", "Ho.")).id == ""


def test_an_answer_before_the_first_question_is_left_out() -> None:
    value = talk("?", "Too early.", "What?", "This.")
    value["conversations"] = value["conversations"][1:]
    found = parse(value)
    assert found.began_with_answer
    assert [turn.text for turn in found.turns] == ["What?", "This."]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([1], "should be an object with conversations"),
        ({}, "conversations should be a list of turns, is None"),
        ({"conversations": []}, "conversations should be a list of turns"),
        ({"conversations": ["Hi."]}, "turn 0 should be"),
        ({"conversations": [{"from": "robot", "value": "Hi."}]}, "one of human, user, gpt, assistant, system"),
        ({"conversations": [{"from": "human", "value": 3}]}, "turn 0 should be"),
        ({"conversations": [{"from": ["human"], "value": "Hi."}]}, "turn 0 should be"),
        (talk("What?"), "ends without an answer"),
        (talk("What?", "This.", "Where?"), "ends without an answer"),
        ({"conversations": [{"from": "gpt", "value": "This."}]}, "ends without an answer"),
        (talk("<image>", "This."), "its text shows picture 0 of 0"),
        (talk("<image0><image2>", "This.", image=["a", "b"]), "its text shows picture 2 of 2"),
        (talk("<image><image>", "This.", image=["a", "b", "c"]), "lists 3 pictures and has 2 marks"),
        (talk("<image1>", "This.", image=["a", "b"]), "lists the picture 'a', which the text has no place for"),
        (talk("What?", "This.", image="a.jpg"), "lists the picture 'a.jpg'"),
        (talk("<image>", "This.", image=3), "image should be a path or a list of paths, is 3"),
        (talk("<image>", "This.", image=[""]), "image should be a path"),
        (talk("<image>", "This.", image="../secret.jpg"), "should be a path inside the folder of pictures"),
        (talk("<image>", "This.", image="/etc/secret.jpg"), "should be a path inside the folder of pictures"),
    ],
)
def test_says_what_is_wrong_with_an_entry(value: Any, told: str) -> None:
    with pytest.raises(DataError, match=told):
        parse(value)


def test_questions_and_answers_take_turns() -> None:
    value = talk("What?", "This.", "Where?", "Here.")
    value["conversations"].insert(1, {"from": "human", "value": "And?"})
    with pytest.raises(DataError, match="turn 1 is said by human, expected gpt"):
        parse(value)
