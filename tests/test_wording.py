"""Tests of wording packs: ours is whole, and a broken one says what is broken."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from instar.errors import DataError
from instar.files import digest, read_yaml
from instar.wording import FAMILIES, OURS, drawn, drawn_each, fill, wording


def written(folder: Path, pack: Any) -> str:
    path = folder / "pack.yaml"
    path.write_text(yaml.safe_dump(pack), encoding="utf-8")
    return str(path)


def test_our_pack_has_as_many_different_templates_as_llara() -> None:
    counts = {family: len(set(getattr(wording(), family))) for family in FAMILIES}
    assert counts == {"obj_det": 15, "obj_loc": 15, "act_pred": 15, "fut_pred": 15, "spa_rel": 14, "tmp_rel": 14}


def test_our_pack_has_as_many_user_sentences_as_llara_and_a_form_of_characters_for_each_tool() -> None:
    pack = wording()
    assert len(set(pack.sentences)) == 15
    assert all("\n" not in sentence and "{" not in sentence for sentence in pack.sentences)
    assert pack.bins["suction"] != pack.bins["spatula"]


def test_a_pack_without_the_optional_parts_keeps_the_hash_that_it_had_before_there_were_any(tmp_path: Path) -> None:
    old = {key: words for key, words in read_yaml(OURS).items() if key not in ("sentences", "bins")}
    read = wording(written(tmp_path, old))
    assert (read.sentences, dict(read.bins)) == ((), {})
    assert read.hash == digest(old) != wording().hash


def test_every_template_about_boxes_states_how_to_write_them() -> None:
    pack = wording()
    for family in (pack.obj_det, pack.obj_loc, pack.act_pred, pack.fut_pred):
        assert all(
            "<b>(x, y), {w, h}</b>" in template and "top left" in template.replace("upper", "top")
            for template in family
        )


def test_each_tool_is_told_its_own_format() -> None:
    pack = wording()
    assert pack.format["suction"] != pack.format["spatula"]
    assert all(tag in text for text in pack.format.values() for tag in ("<b>(x, y)</b>", "<r>[r]</r>", "-359 to 359"))


def test_a_pack_of_other_words_has_another_hash(tmp_path: Path) -> None:
    pack = read_yaml(OURS)
    same = wording(written(tmp_path, pack))
    assert same == wording()
    assert same.hash == wording().hash
    (tmp_path / "other").mkdir()
    pack["obj_det"][3] += " "
    assert wording(written(tmp_path / "other", pack)).hash != wording().hash


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("obj_det", ["one"], "obj_det has 1 templates, not 15"),
        ("obj_loc", ["where?"] * 15, r"obj_loc\[0\] lacks \{object\}"),
        ("tmp_rel", ["{scene} {ego} {ref}"] * 14, r"tmp_rel\[13\] lacks \{example\}"),
        ("task", "do it", r"task lacks \{task\}"),
        ("history", "before:", r"history lacks \{steps\}"),
        ("format", {"suction": "so"}, "format has nothing for spatula"),
        ("format", {"suction": "so", "spatula": "so", "fork": "so"}, "format.fork"),
        ("fut_pred", ["<image> {action}"] * 15, r"fut_pred\[0\] holds '<image>'"),
        ("act_pred", 7, "act_pred: Input should be a valid tuple"),
        ("sentences", ["what now?"], "sentences has 1 sentences, not 15"),
        ("sentences", ["<image>"] * 15, r"sentences\[0\] holds '<image>'"),
        ("bins", {"suction": "so"}, "bins has nothing for spatula"),
        ("farewell", "bye", "farewell: Unexpected keyword argument"),
        ("task", "<task>{task}, I say, {task}</task>", r"task has \{task\} 2 times, not once"),
        ("obj_det", ["list all"] * 14 + ["list {object}"], r"obj_det\[14\] has \{object\}, which nothing is put into"),
        ("history", "{steps} before {scene}", r"history has \{scene\}, which nothing is put into"),
        ("obj_det", [" "] * 15, r"obj_det\[0\] is empty"),
        ("act_pred", ["<image0> {scene}"] * 15, r"act_pred\[0\] holds '<image0>'"),
    ],
)
def test_a_broken_pack_is_refused_with_the_place(tmp_path: Path, key: str, value: Any, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        wording(written(tmp_path, {**read_yaml(OURS), key: value}))


def test_a_pack_that_is_missing_a_part_or_is_missing_itself_is_refused(tmp_path: Path) -> None:
    pack = read_yaml(OURS)
    del pack["history"]
    with pytest.raises(DataError, match="history: Field required"):
        wording(written(tmp_path, pack))
    with pytest.raises(DataError, match="no such file"):
        wording(str(tmp_path / "absent.yaml"))


def test_filling_leaves_other_braces_alone_and_looks_at_nothing_twice() -> None:
    assert fill("{a} {w, h} {b} {c}", {"a": "{b}", "b": "2"}) == "{b} {w, h} 2 {c}"
    assert fill("{a}", {}) == "{a}"
    assert fill("5% of {a}, %s and {a}", {"a": "10%"}) == "5% of 10%, %s and 10%"


def test_every_template_is_drawn_sooner_or_later_and_the_same_seed_draws_the_same() -> None:
    templates = wording().spa_rel
    rng = np.random.default_rng(1)
    assert {drawn(templates, rng) for _ in range(500)} == set(templates)
    assert drawn(templates, np.random.default_rng(2)) == drawn(templates, np.random.default_rng(2))


def test_drawing_many_at_once_gives_what_drawing_them_one_by_one_gives() -> None:
    for templates in (wording().spa_rel, wording().obj_loc, ("only one",)):
        alone, together = np.random.default_rng(3), np.random.default_rng(3)
        for count in (0, 1, 2, 7, 30):
            one_by_one = [drawn(templates, alone) for _ in range(count)]
            assert drawn_each(templates, together, count) == one_by_one
