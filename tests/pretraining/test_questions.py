"""What is asked about a scene is answered truly, and pointers point at what the words are about."""

import re

import numpy as np
import pytest

from instar import markup
from instar.auxiliary.relations import PLACE
from instar.demo import Box
from instar.embodiments.vima import FRONT
from pretraining.exchange import Question
from pretraining.places import SIDES
from pretraining.questions import HIGHER, NOTHING, NUMBERS, Asker
from pretraining.scenes import Scene, Thing, draw


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    """Some crowded ones."""
    return [draw("questions", number, "plain", most=7) for number in range(30)]


def _asked(scenes: list[Scene], kind: str) -> list[tuple[Scene, Question]]:
    found = []
    for k, scene in enumerate(scenes):
        question = getattr(Asker(scene, np.random.default_rng(k)), kind)()
        if question is not None:
            found.append((scene, question))
    assert len(found) > 5
    return found


def _by_number(scene: Scene, number: int) -> Thing:
    return next(thing for thing in scene.things if thing.number == number)


def test_where_is_answered_with_the_box_of_the_one_thing_that_is_called_so(scenes: list[Scene]) -> None:
    for scene, question in _asked(scenes, "where"):
        row = markup.LOCATED_SENTENCE.parse(question.answer)
        (pointer,) = question.pointers
        thing = _by_number(scene, pointer.number)
        assert row["object"] == thing.name
        assert markup.box(row, FRONT) == thing.box
        fitting = [other for other in scene.things if f" {question.text} ".count(other.name)]
        assert fitting in ([thing], []), "a whole name in the question is the thing's own"


def test_what_asks_for_a_point_that_shows_the_thing(scenes: list[Scene]) -> None:
    for scene, question in _asked(scenes, "what"):
        if question.answer == NOTHING:
            continue
        point = markup.pair("x", "y").parse(question.text.partition("<b>")[2].partition("</b>")[0])
        row, column = round(point["y"] * FRONT.height), round(point["x"] * FRONT.width)
        assert scene.ids[row, column] == question.pointers[0].number


def test_a_list_has_everything_from_left_to_right_and_points_at_each(scenes: list[Scene]) -> None:
    for scene, question in _asked(scenes, "all"):
        rows = markup.SCENE.parse(question.answer)["objects"]
        assert sorted(row["object"] for row in rows) == sorted(thing.name for thing in scene.things)
        assert [row["cx"] for row in rows] == sorted(row["cx"] for row in rows)
        for pointer in question.pointers:
            said = markup.LOCATED_SENTENCE.parse(question.answer[pointer.start : pointer.stop])
            assert said["object"] == _by_number(scene, pointer.number).name


def test_relations_are_those_of_the_boxes(scenes: list[Scene]) -> None:
    for scene, question in _asked(scenes, "relation"):
        row = PLACE.parse(question.answer)
        middles = {thing.name: markup.middle(thing.box, FRONT) for thing in scene.things}
        dx = middles[row["ego"]][0] - middles[row["ref"]][0]
        assert row["dx"] == pytest.approx(dx, abs=6e-4)


def test_counts_count(scenes: list[Scene]) -> None:
    for scene, question in _asked(scenes, "count"):
        what = next(
            sum(kind(other) == kind(thing) for other in scene.things)
            for thing in scene.things
            for kind, called in ((_shape, f"{thing.shape}s"), (_texture, f"{thing.texture} objects"))
            if f" {called}" in question.text.replace("?", "").replace(".", "") + " "
        )
        assert question.answer == f"{NUMBERS[what]}."


def _shape(thing: Thing) -> str:
    return thing.shape


def _texture(thing: Thing) -> str:
    return thing.texture


def test_two_things_are_told_in_the_order_they_are_asked_for(scenes: list[Scene]) -> None:
    for scene, question in _asked(scenes, "both"):
        first, second = (_by_number(scene, pointer.number) for pointer in question.pointers)
        rows = [markup.LOCATED_SENTENCE.parse(line) for line in question.answer.split("\n")]
        assert [row["object"] for row in rows] == [first.name, second.name]
        for quote in question.quotes:
            assert question.text[quote.source :].startswith(question.answer[quote.start : quote.stop])


def test_what_is_alike_is_all_there_is_of_a_kind(scenes: list[Scene]) -> None:
    for scene, question in _asked(scenes, "alike"):
        rows = [markup.LOCATED_SENTENCE.parse(line) for line in question.answer.split("\n")]
        kin = [thing for thing in scene.things if f" {thing.shape}s" in question.text] or [
            thing for thing in scene.things if f" {thing.texture} objects" in question.text
        ]
        assert sorted(row["object"] for row in rows) == sorted(thing.name for thing in kin)
        assert [row["cx"] for row in rows] == sorted(row["cx"] for row in rows)


def test_what_is_in_the_way_stands_where_a_thing_is_to_go(scenes: list[Scene]) -> None:
    said = _asked(scenes, "blocked")
    for scene, question in said:
        (told,) = markup.SCENE.parse(f"<scene>{question.text.split('scene>')[1][:-2]}</scene>")["objects"]
        goal = markup.box(told, FRONT)
        there = {thing.number for thing in scene.things if _overlap(thing.box, goal)}
        assert there == {pointer.number for pointer in question.pointers}
        assert (question.answer == NOTHING) == (not there)
    assert {question.answer == NOTHING for _, question in said} == {True, False}


def test_what_is_elsewhere_is_where_the_picture_has_it_and_goes_where_it_is_told(scenes: list[Scene]) -> None:
    said = _asked(scenes * 3, "elsewhere")
    for scene, question in said:
        first, *later = [
            markup.SCENE.parse(text)["objects"] for text in re.findall("<scene>.*?</scene>", question.text, re.DOTALL)
        ]
        mentioned = [question.text[mention.start + 1 : mention.stop] for mention in question.mentions]
        names = [_by_number(scene, mention.number).name for mention in question.mentions]
        assert [f"<p>{name}{place}}}</b>." for name, place in zip(names, mentioned, strict=True)] == [
            markup.LOCATED_SENTENCE.format(row) for row in first
        ]
        boxes = {thing.name: thing.box for thing in scene.things}
        if question.answer == NOTHING:
            assert all(markup.box(row, FRONT) == boxes[row["object"]] for row in first)
            continue
        now, goal, *then = [markup.LOCATED_SENTENCE.parse(line) for line in question.answer.split("\n")]
        assert markup.box(now, FRONT) == boxes[now["object"]] == _by_number(scene, question.pointers[0].number).box
        assert goal in first
        assert goal["object"] == now["object"]
        assert goal != now
        assert len(then) == len(later)
        assert all(row in told for row, told in zip(then, later, strict=True))
        assert question.text[: question.signs[0].source].endswith(
            markup.LOCATED_SENTENCE.format(goal).partition("}")[0]
        )
    assert {question.answer == NOTHING for _, question in said} == {True, False}


def test_what_is_beside_lies_in_that_direction_and_nothing_nearer(scenes: list[Scene]) -> None:
    pointed = before = 0
    for scene, question in _asked(scenes * 3, "beside"):
        side = next(side for side in SIDES if f" {side} " in question.text)
        if question.answer == NOTHING:
            continue
        before += "was" in question.text
        if "<b>" in question.text:
            point = markup.pair("x", "y").parse(question.text.partition("<b>")[2].partition("</b>")[0])
            x, y = point["x"], point["y"]
            pointed += 1
        else:
            beside = next(one for one in scene.things if f"the {one.name}" in question.text)
            assert [one.number for one in question.mentions] == [beside.number]
            x, y = markup.middle(beside.box, FRONT)
        row = markup.LOCATED_SENTENCE.parse(question.answer)
        dx, dy = row["cx"] - x, row["cy"] - y
        assert dx * SIDES[side][0] + dy * SIDES[side][1] > 0
    assert pointed > before > 5


def test_points_are_in_the_order_of_the_names_and_do_not_say_them(scenes: list[Scene]) -> None:
    several = told = 0
    for scene, question in _asked(scenes * 3, "points"):
        assert "<p>" not in question.answer
        points = [markup.pair("x", "y").parse(line[3:-4]) for line in question.answer.split("\n")]
        for point, pointer, mention in zip(points, question.pointers, question.mentions, strict=True):
            thing = _by_number(scene, pointer.number)
            assert (point["x"], point["y"]) == pytest.approx(markup.middle(thing.box, FRONT), abs=6e-4)
            assert mention.number == thing.number
            assert question.text[: mention.stop].endswith(thing.name)
        assert [mention.start for mention in question.mentions] == sorted(one.start for one in question.mentions)
        several += len(points) > 1
        told += "<b>" in question.text
    assert min(several, told) > 5


def test_a_comparative_fits_what_is_as_dark_or_as_high_as_in_the_examples(scenes: list[Scene]) -> None:
    more, by_height = [], 0
    for scene, question in _asked(scenes * 3, "likened"):
        lesson = re.search(
            r"<p>[^<]*</p>[^<]*<b>[^<]*</b> is (?:daxer|blicker|modier|kobar) than <p>.*?</b>", question.text
        )
        assert lesson
        first, second = (markup.LOCATED.parse(one) for one in re.findall(r"<p>.*?\}</b>", lesson.group()))
        thing = _by_number(scene, question.pointers[0].number)
        less = " is less " in question.text
        if first["object"] == second["object"]:
            high = (first["h"] > second["h"]) != less
            heights = [other.box.bottom - other.box.top for other in scene.things]
            mine = thing.box.bottom - thing.box.top
            assert any(mine >= HIGHER * other if high else other >= HIGHER * mine for other in heights)
            by_height += 1
            more.append(high)
        else:
            assert thing.texture.startswith("dark ") == (first["object"].startswith("dark ") != less)
            more.append(thing.texture.startswith("dark "))
    assert 2 < sum(more) < len(more) - 2
    assert 2 < by_height < len(more) - 2


def _overlap(one: Box, other: Box) -> bool:
    wide = min(one.right, other.right) - max(one.left, other.left)
    return wide > 0 and min(one.bottom, other.bottom) - max(one.top, other.top) > 0


def test_nothing_is_at_a_point_that_nothing_is_near(scenes: list[Scene]) -> None:
    asked = [(scene, Asker(scene, np.random.default_rng(k)).what()) for k, scene in enumerate(scenes * 6)]
    empty = [(scene, one) for scene, one in asked if one is not None and one.answer == NOTHING]
    for scene, question in empty:
        point = markup.pair("x", "y").parse(question.text.partition("<b>")[2].partition("</b>")[0])
        row, column = round(point["y"] * FRONT.height), round(point["x"] * FRONT.width)
        assert scene.ids[min(row, FRONT.height - 1), min(column, FRONT.width - 1)] == 0
    assert empty
