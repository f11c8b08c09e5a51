"""What is asked about a scene is answered truly, and pointers point at what the words are about."""

import itertools
import re

import numpy as np
import pytest

from instar import markup
from instar.auxiliary.relations import PLACE
from instar.embodiments.vima import FRONT
from pretraining.questions import ANGLE, NUMBERS, Asker, Question
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


def test_what_moved_is_what_two_told_scenes_do_not_share(scenes: list[Scene]) -> None:
    for _, question in _asked(scenes, "moved"):
        told = [markup.SCENE.parse(f"<scene>{part}</scene>")["objects"]
                for part in re.findall("<scene>(.*?)</scene>", question.text, re.DOTALL)]  # fmt: skip
        moved = [[row for row in after if row not in before] for before, after in itertools.pairwise(told)]
        assert [markup.LOCATED_SENTENCE.parse(row) for row in question.answer.split("\n")] == [row for (row,) in moved]


def test_what_is_read_stands_in_the_told_scene(scenes: list[Scene]) -> None:
    for _, question in _asked(scenes, "read"):
        assert question.answer in question.text
        assert f"the {markup.LOCATED_SENTENCE.parse(question.answer)['object']}" in question.text
    for _, question in _asked(scenes, "turned"):
        assert f" {ANGLE.parse(question.answer)['angle']} degrees" in question.text


def test_what_was_done_is_written_as_the_question_tells_it(scenes: list[Scene]) -> None:
    for _, question in _asked(scenes, "done"):
        step = question.answer.removeprefix("Step 1: ")
        row = markup.MOVES["spatula" if step.startswith("Sweep") else "suction"].parse(step)
        assert row["object"] in question.text
        assert f"by {row['degrees']} degrees" in question.text
        for quote in question.quotes:
            said = question.answer[quote.start : quote.stop]
            assert question.text[quote.source :].startswith(said)
        assert len(question.quotes) == 4
