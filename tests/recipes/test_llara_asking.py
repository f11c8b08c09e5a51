"""Tests of how the LLaRA recipe asks: the user's sentence, spaces, and what the published evaluator does otherwise."""

import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from instar.demo import Context, Episode, Image, Instruction, Reference, SceneObject
from instar.errors import ConfigError, DataError, PluginError
from instar.files import read_yaml
from instar.plugins import choice_of, make
from instar.recipes.llara import Llara
from instar.wording import OURS, wording
from tests.toy import toy_episode, toy_reference, whole_pixel_episode

EVALUATOR = Llara(compat=True, evaluator=True)
LOCATED = "<p>blue bowl</p> at <b>(0.496, 0.609), {0.230, 0.305}</b>"


def asked(recipe: Llara, episode: Episode | None = None, t: int = 0) -> str:
    return recipe.ask((episode or toy_episode()).context(t, recipe.past)).question


def pack_without(folder: Path, *keys: str) -> str:
    path = folder / "pack.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in read_yaml(OURS).items() if key not in keys}))
    return str(path)


def test_options_that_change_only_the_question_are_named_and_exist() -> None:
    assert set(Llara.adjustable) <= {field.name for field in fields(Llara)}
    assert {"past", "sentence", "describe", "visual", "spaces"} <= set(Llara.adjustable)
    assert "adjustable" not in {field.name for field in fields(Llara)}


@pytest.mark.parametrize("k", [0, 7, 14])
def test_the_users_sentence_stands_between_task_and_format(k: int) -> None:
    before, after = asked(Llara()).split("</task>\n")
    assert asked(Llara(sentence=k)) == f"{before}</task>\n{wording().sentences[k]}\n{after}"


def test_no_sentence_is_said_unless_asked_for() -> None:
    assert not any(sentence in asked(Llara(), t=t) for sentence in wording().sentences for t in (0, 1))


def painted(context: Context, shade: int) -> Context:
    images = {name: Image.of(np.full((128, 256, 3), shade, np.uint8)) for name in ("front", "top")}
    return replace(context, observation=replace(context.observation, images=images))


def sentence_of(context: Context) -> str:
    question = Llara(sentence="random").ask(context).question
    [said] = [sentence for sentence in wording().sentences if f"</task>\n{sentence}\n" in question]
    return said


def test_a_random_sentence_depends_on_picture_and_instruction_only() -> None:
    context = toy_episode().context(0, 8)
    assert {sentence_of(painted(context, shade)) for shade in range(120)} == set(wording().sentences)
    same = replace(context, past=toy_episode().context(1, 8).past, t=1)
    assert sentence_of(same) == sentence_of(context)
    told = {sentence_of(replace(context, instruction=Instruction(f"Do {k}."))) for k in range(60)}
    assert len(told) > 5


def test_a_random_sentence_is_the_same_however_the_picture_is_encoded() -> None:
    for shade in range(20):
        context = painted(toy_episode().context(0, 8), shade)
        sent = {name: Image.encoded(image.data) for name, image in context.observation.images.items()}
        served = replace(context, observation=replace(context.observation, images=sent))
        assert sentence_of(served) == sentence_of(context)


@pytest.mark.parametrize(
    "options", ["sentence=random", "sentence=7", "sentence=none", "compat=true,evaluator=detector", "spaces=2"]
)
def test_is_a_recipe_with_options_that_make_it_again(options: str) -> None:
    recipe = make("recipes", f"llara:{options}")
    assert make("recipes", choice_of("recipes", recipe)) == recipe


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"sentence": 15}, "sentence=15 must be none, random or 0 to 14"),
        ({"sentence": -1}, "sentence=-1 must be"),
        ({"spaces": -1}, "spaces=-1"),
        ({"evaluator": True}, "needs compat=true"),
        ({"evaluator": "model"}, "needs compat=true"),
    ],
)
def test_options_that_cannot_work_are_refused_at_once(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        make("recipes", "llara:" + ",".join(f"{key}={value}" for key, value in options.items()))


@pytest.mark.parametrize("options", ["sentence=always", "actions=tokens", "evaluator=oracle"])
def test_a_choice_that_is_none_is_refused(options: str) -> None:
    with pytest.raises(PluginError, match="llara:"):
        make("recipes", f"llara:{options}")


def test_an_old_pack_serves_until_what_it_lacks_is_asked_for(tmp_path: Path) -> None:
    pack = pack_without(tmp_path, "sentences", "bins")
    assert asked(Llara(wording=pack)) == asked(Llara())
    assert Llara(wording=pack, actions="bins", compat=True).horizon == 8
    with pytest.raises(ConfigError, match=f"sentence=random needs `sentences` in the wording pack {re.escape(pack)}"):
        Llara(wording=pack, sentence="random")
    with pytest.raises(ConfigError, match="actions=image-bins needs `bins`"):
        Llara(wording=pack, actions="image-bins")


def test_two_spaces_stand_in_the_first_position_of_answers_and_of_the_past() -> None:
    episode = whole_pixel_episode()
    wide = Llara(compat=True, spaces=2)
    assert "at <b>(0.203,  0.719)</b>, rotate <r>[30]</r> degrees, and drop it at <b>(0.703, 0.641)</b>" in (
        wide.answer(episode, 0)
    )
    assert "object at <b>(0.203,  0.719)</b>" in asked(wide, episode, 1)
    assert asked(wide, episode, 1).count(",  ") == 1
    for recipe in (wide, Llara(), Llara(compat=True)):
        read = recipe.read(wide.answer(episode, 0), episode.context(0, 0))
        assert np.allclose(read[:, :2], [episode.action(t)[:2] for t in (0, 1)], atol=0.006)


def test_a_decoder_is_held_to_the_number_of_spaces_that_was_taught() -> None:
    episode = toy_episode()
    for spaces in (0, 1, 2):
        recipe = Llara(spaces=spaces)
        pattern = recipe.grammar(episode.context(0, 0)).pattern()
        fits = [re.fullmatch(pattern, Llara(spaces=k).answer(episode, 0)) is not None for k in (0, 1, 2)]
        assert fits == [k == spaces for k in (0, 1, 2)]


def test_the_evaluator_asks_like_the_data_where_references_are_described() -> None:
    for episode in (whole_pixel_episode("scene"), whole_pixel_episode("object")):
        for t in (0, 1):
            assert asked(EVALUATOR, episode, t) == asked(Llara(compat=True), episode, t)


def test_the_evaluator_puts_tags_around_the_name_of_a_scene() -> None:
    bare = Llara(compat=True, evaluator=True, describe=False)
    assert "<task>Rearrange to this <scene>scene</scene>.</task>" in asked(bare)
    assert "<task>Put all objects into <p>blue bowl</p>.</task>" in asked(bare, toy_episode("object"))


def test_the_evaluator_breaks_the_line_after_a_reference_picture() -> None:
    shown = replace(EVALUATOR, visual=True)
    assert "this <image>\n<scene>" in asked(shown)
    assert f"into <image>\n{LOCATED}." in asked(shown, toy_episode("object"))


def test_the_evaluator_tells_how_sentences_are_written_even_of_characters() -> None:
    binned = replace(EVALUATOR, actions="bins")
    assert asked(binned).endswith(f"</task>\n{wording().format['suction']}")
    assert wording().format["suction"] not in asked(replace(binned, evaluator=False))


def test_a_detectors_boxes_lack_their_full_stops() -> None:
    task = asked(replace(EVALUATOR, evaluator="detector")).split("</task>")[0]
    lines = re.findall("<scene>(.*)</scene>", task, re.DOTALL)[0].split("\n")
    assert len(lines) == 3
    assert all(line.startswith("<p>") and line.endswith("</b>") for line in lines)


def test_a_models_boxes_lose_their_last_line() -> None:
    task = asked(replace(EVALUATOR, evaluator="model"))
    assert "green heart" not in task
    assert "<scene><p>blue bowl</p> at <b>(0.699, 0.617), {0.230, 0.305}</b>.\n<p>red swirl" in task
    assert "{0.090, 0.180}</b>.\n</scene>.</task>" in task


def with_objects(kind: str, *objects: SceneObject) -> Context:
    reference: Reference = replace(toy_reference("scene" if kind == "scene" else "object"), objects=objects)
    return replace(toy_episode().context(0, 0), instruction=Instruction("Make {it}.", {"it": reference}))


def test_what_nobody_could_locate_stays_a_bare_name() -> None:
    nowhere = SceneObject(0, "bowl", "blue", {})
    for recipe in (Llara(), EVALUATOR):
        assert "<task>Make <p>blue bowl</p>.</task>" in recipe.ask(with_objects("object", nowhere)).question
    assert "<task>Make it.</task>" in Llara().ask(with_objects("scene", nowhere)).question
    assert "<task>Make <scene></scene>.</task>" in EVALUATOR.ask(with_objects("scene", nowhere)).question


def test_what_another_camera_sees_is_still_refused() -> None:
    elsewhere = toy_reference("object").objects[0]
    elsewhere = replace(elsewhere, boxes={"top": elsewhere.boxes["top"]})
    with pytest.raises(DataError, match="no known objects in camera 'front'"):
        Llara().ask(with_objects("object", elsewhere))


def test_a_reference_named_twice_is_shown_twice() -> None:
    bowl, block = toy_reference("object"), toy_reference("scene")
    context = replace(
        toy_episode().context(0, 0), instruction=Instruction("{b} {a} {b}", {"a": bowl, "b": block, "c": bowl})
    )
    images = Llara(visual=True).ask(context).images[1:]
    assert images == (block.images["front"], bowl.images["front"], block.images["front"])
