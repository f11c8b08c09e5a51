"""Instructions in other words."""

import re
from collections import Counter

import numpy as np
import pytest

from instar import plugins
from instar.paraphrase import FORMS, POLITE, Form, paraphrased
from instar.simulators.tabletop.simulator import draw_problem

NAMES = re.compile(r"<\w+>")
# As the prompts of VIMA-Bench are.
VIMA = """
Put the {dragged_obj_1} into the {base_obj}.
Rotate the {dragged_obj} 120 degrees.
Put the red swirl object in {scene} into the blue swirl object.
Sweep one {swept_obj} into {bounds} without exceeding {constraint}.
Sweep all {swept_obj} into {bounds} without touching {constraint}.
Rearrange to this {scene}.
Rearrange objects to this setup {scene} and then restore.
{demo_blicker_obj_1} is kobar than {demo_less_blicker_obj_1}. Put the less kobar {dragged_obj} into the {base_obj}.
This is a wug {base_obj}. This is a zup {dragged_obj_1}. Put a zup into a wug.
"Twist" is defined as rotating object a specific angle. For examples: From {before} to {after}. From {b} to {a}.
Now twist all red swirl objects.
Follow this motion for {dragged_obj}: {frame_0} {frame_1}.
Stack objects in this order {frame_0} {frame_1} {frame_2}.
Put all objects with the same texture as {base_obj} into it.
Put all objects with the same profile as {base_obj} into it.
First put {moved} into {base} then put the object that was previously at its east into the same {base}.
Put {dragged_obj} into {base_obj_1} then {base_obj_2}. Finally restore it into its original container.
""".strip().splitlines()


def said(text: str, seed: int = 0, *, taught: bool = False) -> str:
    return paraphrased(text, np.random.default_rng(seed), taught=taught)


def slots(text: str) -> Counter[str]:
    return Counter(re.findall(r"\{\w+\}", text))


def polite(text: str, told: str) -> bool:
    return told in [way.replace("<text>", text) for way in (*POLITE.judged, *POLITE.taught)]


def tabletop() -> list[str]:
    """Instructions of every task of the table."""
    benchmark = plugins.make("benchmarks", "tabletop:per_task=3,suites=placement+novel_task+real")
    return [draw_problem(trial.task, trial.seed).text for trial in benchmark.episodes()]


@pytest.mark.parametrize("form", [*FORMS, POLITE], ids=lambda form: form.said[0])
def test_every_way_to_say_a_form_has_its_names_once(form: Form) -> None:
    for names in [NAMES.findall(text) for text in (*form.said, *form.judged, *form.taught)]:
        assert sorted(names) == sorted(set(NAMES.findall(form.said[0])))
    ways = [*form.said, *form.judged, *form.taught]
    assert len(ways) == len(set(ways))


@pytest.mark.parametrize("taught", [False, True])
def test_every_sentence_of_the_tabletop_and_of_vima_bench_has_a_form_and_keeps_its_slots(*, taught: bool) -> None:
    for text in [*tabletop(), *VIMA]:
        for seed in range(4):
            told = said(text, seed, taught=taught)
            assert told != text
            assert not polite(text, told), text
            assert slots(told) == slots(text)
            assert not NAMES.search(told)


def test_numbers_colours_and_invented_words_stay() -> None:
    for seed in range(8):
        assert {"the", "red", "paisley", "letter", "G", "bowl"} <= words(
            said("Put the red paisley letter G into the bowl.", seed)
        )
        assert {"{dragged_obj}", "120", "degrees"} <= words(said("Rotate the {dragged_obj} 120 degrees.", seed))
        assert {"dax", "wug"} <= words(said("This is a wug: {base_obj}. Put the dax into the wug.", seed))


def words(text: str) -> set[str]:
    return set(re.findall(r"\{\w+\}|\w+", text.replace("The", "the")))


@pytest.mark.parametrize("taught", [False, True])
def test_there_are_several_ways_to_say_the_same(*, taught: bool) -> None:
    for text in tabletop():
        assert len({said(text, seed, taught=taught) for seed in range(20)}) > 1, text


def test_nobody_is_judged_by_words_that_were_taught() -> None:
    for text in tabletop():
        judged, learned = ({said(text, seed, taught=taught) for seed in range(40)} for taught in (False, True))
        assert not judged & learned


def test_an_instruction_of_unknown_form_is_asked_for_politely() -> None:
    text = "Open the drawer. Put the {cup} into the drawer."
    assert len({said(text, seed) for seed in range(20)}) == len(POLITE.judged)
    assert len({said(text, seed, taught=True) for seed in range(20)}) == len(POLITE.taught)
    assert all(polite(text, said(text, seed)) for seed in range(20))
