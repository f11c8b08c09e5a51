"""Batches say to a model exactly what the checkpoint's own processor and template would."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from instar.backbones.hf import HfBackbone, load
from instar.chat import IMAGE, Conversation, Turn
from instar.demo import Image
from pretraining.exchange import Question
from pretraining.lessons import DIFFERS, GROUPS, IGNORE, PICTURES, Scribe, ask, views
from pretraining.model import COLUMNS, IMAGE_TOKENS, ROWS, make
from pretraining.pictures import Pictures, draw_all
from pretraining.questions import Asker
from pretraining.scenes import draw
from pretraining.told import Teller
from pretraining.words import phrases, texts


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untaught model."""
    return make(tmp_path_factory.mktemp("model") / "untaught", texts(), phrases(), seed=0)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """A few scenes."""
    return draw_all(tmp_path_factory.mktemp("scenes"), "lessons", 16, lambda *_: None)


@pytest.fixture(scope="module")
def backbone(folder: Path) -> HfBackbone:
    """The model as everything else in the toolkit uses it."""
    return load(folder, "cpu", "float32")


def _asked(pictures: Pictures) -> list[Question]:
    return [some[0] for some in ask(pictures, range(16), 4, np.random.default_rng(0))]


def test_rows_are_what_the_checkpoint_itself_reads(backbone: HfBackbone, pictures: Pictures) -> None:
    scribe = Scribe(backbone.tokenizer)
    before, places = scribe.before()
    picture = Image.of(np.zeros((128, 256, 3), np.uint8))
    read = 0
    for question in _asked(pictures):
        turns = (Turn("user", f"{IMAGE}\n{question.text}"), Turn("assistant", question.answer, learn=True))
        example = backbone.encode(Conversation(turns, (picture,)))
        length = example.length - places
        if length > max(GROUPS):
            continue  # too long for a row: nobody learns from it
        rows = next(rows for rows in scribe.branches([[question]] * PICTURES) if (rows.labels != IGNORE).any())
        assert example.input_ids[: len(before)].tolist() == before
        assert rows.tokens[0, :length].tolist() == example.input_ids[places:].tolist()
        learned = rows.labels[0][rows.labels[0] != IGNORE].tolist()
        assert learned == example.labels[example.labels != IGNORE].tolist()
        read += 1
    assert read > 10


def test_the_eye_gets_what_the_processor_makes_of_the_whole_picture(backbone: HfBackbone, pictures: Pictures) -> None:
    whole = Image.of(draw("lessons", 0, "plain", most=2).rgb)
    turns = (Turn("user", f"{IMAGE}\nWhere?"), Turn("assistant", "Here.", learn=True))
    seen = backbone.collate([backbone.encode(Conversation(turns, (whole,)))])["pixel_values"]
    mine = views(pictures, [0]).rgb
    assert mine.shape == seen.shape
    torch.testing.assert_close(mine, seen, atol=1.01 / 127.5, rtol=0)  # rounded otherwise at most


def test_pointers_mark_the_words_about_a_thing(backbone: HfBackbone, pictures: Pictures) -> None:
    scribe = Scribe(backbone.tokenizer)
    question = next(question for question in _asked(pictures) if len(question.pointers) == 1)
    question = replace(question, mentions=())
    rows = next(rows for rows in scribe.branches([[question]] * PICTURES) if (rows.labels != IGNORE).any())
    marked = rows.labels[0][rows.about[0] > 0]
    assert "".join(backbone.tokenizer.decode(marked)).strip() in question.answer
    assert set(rows.about[0].tolist()) == {0, question.pointers[0].number}
    assert "0." in backbone.tokenizer.decode(marked)


def test_mentions_mark_from_the_last_word_of_a_name_on(backbone: HfBackbone, pictures: Pictures) -> None:
    scribe, decode = Scribe(backbone.tokenizer), backbone.tokenizer.decode
    drawn = (Asker(pictures.scene(k), np.random.default_rng(k)).elsewhere() for k in range(16))
    question = next(question for question in drawn if question is not None and len(question.mentions) > 1)
    rows = next(rows for rows in scribe.branches([[question]] * PICTURES) if (rows.labels != IGNORE).any())
    asked = rows.labels[0] == IGNORE
    for mention in question.mentions:
        told = str(decode(rows.tokens[0, asked & (rows.about[0] == mention.number)])).replace(" ", "")
        assert question.text[mention.start : mention.stop].replace(" ", "") in told
    signed = rows.copied[0][(rows.labels[0] != IGNORE) & (rows.copied[0] > 0)][0]
    assert rows.about[0, signed] == question.pointers[0].number


def test_quotes_mark_where_in_the_question_a_word_of_the_answer_stands(
    backbone: HfBackbone, pictures: Pictures
) -> None:
    scribe, decode = Scribe(backbone.tokenizer), backbone.tokenizer.decode
    for k, kind in enumerate(("where", "both", "read", "moved", "turned", "done") * 3):
        asker = (Asker if kind in ("where", "both") else Teller)(pictures.scene(k % 16), np.random.default_rng(k))
        question = getattr(asker, kind)()
        if question is None:
            continue
        question = replace(question, signs=())
        found = [rows for rows in scribe.branches([[question]] * PICTURES) if (rows.labels != IGNORE).any()]
        if found:  # else it is too long for every group
            copied, labels = found[0].copied[0], found[0].labels[0]
            (places,) = torch.nonzero(copied, as_tuple=True)
            assert (copied[places] < places).all()
            said, there = labels[places], found[0].tokens[0, copied[places]]
            for one, other in zip(said, there, strict=True):
                ends = str(decode([one])).strip(), str(decode([other])).strip()
                assert ends[0].endswith(ends[1]) or ends[1].endswith(ends[0])
            assert all(part in str(decode(said)).replace(" ", "") for part in _values(question))


def _values(question: Question) -> list[str]:
    """What an answer to a question of telling says: places, or else an angle or a name; nothing where none is told."""
    if not question.quotes:
        return []
    if not question.pointers and "<b>" in question.answer:
        return [found[1] for found in re.finditer(r"0\.(\d{3})", question.answer)]
    return [found[1] or found[2] for found in re.finditer(r"<r>\[(\d+)\]|<p>(\w+)", question.answer)][:1]


def test_what_is_told_again_is_alike_or_differs(backbone: HfBackbone, pictures: Pictures) -> None:
    scribe, decode = Scribe(backbone.tokenizer), backbone.tokenizer.decode
    asked = [Teller(pictures.scene(k), np.random.default_rng(k)).moved() for k in range(12)]
    written = [rows for question in asked for rows in scribe.branches([[question]] * PICTURES)]
    told = [rows for rows in written if (rows.labels != IGNORE).any()]
    assert len(told) > 5
    for found in told:
        tokens, alike = found.tokens[0], found.alike[0]
        (same,) = torch.nonzero(alike > 0, as_tuple=True)
        assert (alike[same] < same).all()
        assert (tokens[alike[same]] == tokens[same]).all()
        (other,) = torch.nonzero(alike == DIFFERS, as_tuple=True)
        assert all(str(decode([token])).strip().isdigit() for token in tokens[other])
        (signed,) = torch.nonzero((found.copied[0] > 0) & (found.about[0] == 0), as_tuple=True)
        assert set(found.copied[0][signed].tolist()) & set(other.tolist()), "what gives a name away is a digit"


def test_shapes_never_change(backbone: HfBackbone, pictures: Pictures) -> None:
    scribe = Scribe(backbone.tokenizer)
    asked = ask(pictures, range(PICTURES), 6, np.random.default_rng(1))
    found = {rows.tokens.shape[1]: rows.tokens.shape[0] for rows in scribe.branches(asked)}
    assert found == GROUPS


def test_cells_show_the_thing_of_which_most_is_seen(pictures: Pictures) -> None:
    seen = views(pictures, [1])
    scene = pictures.scene(1)
    for cell in torch.nonzero(seen.seen[0]).flatten().tolist():
        row, column = divmod(cell, COLUMNS)
        block = scene.ids[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8]
        counts = np.bincount(block.ravel(), minlength=14)[1:]
        assert counts[seen.seen[0, cell] - 1] == counts.max()
        assert seen.shares[0, seen.seen[0, cell], cell]
    assert seen.seen.shape == (1, IMAGE_TOKENS)
    assert ROWS * COLUMNS == IMAGE_TOKENS


def test_scenes_on_disk_are_drawn_once(tmp_path: Path) -> None:
    first = draw_all(tmp_path, "twice", 4, lambda *_: None)
    changed = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = draw_all(tmp_path, "twice", 4, lambda *_: None)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == changed
    assert np.array_equal(first.rgb, again.rgb)
    assert first.scene(2).things == draw("twice", 2, "plain", most=3).things
