"""Episodes as rows: what belongs to one picture is in one row, and chance depends on names alone."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from instar import plugins
from instar.building.rows import Tools, rows_of
from instar.chat import IMAGE, AuxiliaryTask, Conversation, Turn
from instar.demo import Episode, Image, Observation, Step, View
from instar.errors import DataError
from instar.recipes.llarva import Llarva
from instar.shards import Row
from tests.arm import arm_episode
from tests.toy import toy_episode

NAMES = plugins.names("auxiliary")


@dataclass(frozen=True)
class Dice:
    """Asks how the die fell: shows which random numbers a task is given."""

    def conversations(self, episode: Episode, view: View, rng: np.random.Generator) -> Iterator[Conversation]:
        del episode
        question = Turn("user", f"{IMAGE} How did the die fall?")
        yield Conversation((question,), (view.images["front"],)).answered(str(rng.integers(1 << 62)))


def tools(**auxiliary: AuxiliaryTask) -> Tools:
    source = plugins.make("demos", "tabletop:episodes=1")
    return Tools(source, "llara", plugins.make("recipes", "llara"), auxiliary)


def all_tools() -> Tools:
    return tools(**{name: plugins.make("auxiliary", name) for name in NAMES})


def throws(rows: list[Row]) -> dict[str, str]:
    samples = (sample for row in rows for sample in row.samples if sample.kind == "dice")
    return {sample.id: sample.conversation.turns[-1].text for sample in samples}


def test_counts_are_those_of_llara() -> None:
    rows = [row for kind in ("object", "scene") for row in rows_of(toy_episode(kind), all_tools(), seed=0)]
    counts = Counter(sample.kind for row in rows for sample in row.samples)
    expected = {"llara": 4, "obj_det": 8, "obj_loc": 22, "act_pred": 4, "fut_pred": 4, "spa_rel": 42, "tmp_rel": 24}
    assert {kind: counts[kind] for kind in expected} == expected


def test_all_that_is_said_about_a_picture_is_in_one_row() -> None:
    rows = rows_of(toy_episode("object"), all_tools(), seed=0)
    assert [row.id.rsplit("/", 1)[1] for row in rows] == ["0", "1", "2", "a_base_obj"]
    assert len({image.digest for row in rows for image in row.images}) == len(rows)
    assert {sample.kind for sample in rows[0].samples} >= {"llara", "obj_det", "act_pred", "tmp_rel"}


def test_a_reference_that_shows_the_same_as_a_frame_shares_its_row() -> None:
    rows = rows_of(toy_episode("scene"), all_tools(), seed=0)
    assert [row.id.rsplit("/", 1)[1] for row in rows] == ["0", "1", "2"]
    assert {sample.id.split("/")[3] for sample in rows[2].samples} == {"2", "a_scene"}


def test_every_sample_has_its_own_id() -> None:
    samples = [sample for row in rows_of(toy_episode(), all_tools(), seed=0) for sample in row.samples]
    assert len({sample.id for sample in samples}) == len(samples)
    ids = {sample.id for sample in samples}
    assert {"vima_v6/rearrange/000042/1/llara", "vima_v6/rearrange/000042/0/obj_loc/2"} <= ids


def test_the_demonstrated_actions_stand_beside_the_answers() -> None:
    episode = toy_episode()
    rows = rows_of(episode, tools(), seed=0)
    assert np.array_equal(np.concatenate([row.actions for row in rows]), [episode.action(t) for t in range(2)])
    assert rows_of(episode, all_tools(), seed=0)[2].actions.shape == (0, 6)


def test_chance_depends_on_seed_episode_view_and_kind_alone() -> None:
    alone = throws(rows_of(toy_episode(), tools(dice=Dice()), seed=3))
    among_others = throws(rows_of(toy_episode(), tools(other=Dice(), dice=Dice()), seed=3))
    assert alone == among_others
    assert len(set(alone.values())) == len(alone) == 4
    assert not set(alone.values()) & set(throws(rows_of(toy_episode(), tools(dice=Dice()), seed=4)).values())


def test_rows_of_one_view_about_other_pictures_are_told_apart() -> None:
    class Top:
        """Looks through the other camera."""

        def conversations(self, episode: Episode, view: View, rng: np.random.Generator) -> Iterator[Conversation]:
            del episode, rng
            yield Conversation((Turn("user", IMAGE),), (Image.of(view.images["top"].pixels[::-1]),)).answered("Yes.")

    rows = rows_of(toy_episode("object"), tools(top=Top()), seed=0)
    assert [row.id.rsplit("/", 1)[1] for row in rows] == ["0", "1", "0+2", "1+2", "2", "a_base_obj"]


def spoiled(episode: Episode, action: list[float] | None = None, image: Image | None = None) -> Episode:
    """`episode` with another first action or first picture."""
    seen = episode.steps[0].observation
    images = seen.images if image is None else {**seen.images, "front": image}
    first = Step(
        Observation(images, seen.state, seen.objects), episode.action(0) if action is None else np.array(action)
    )
    return replace(episode, steps=[first, *list(episode.steps)[1:]])


@pytest.mark.parametrize(
    ("episode", "words"),
    [
        (replace(toy_episode(), steps=()), "no actions"),
        (spoiled(toy_episode(), action=[0.5, 0.0, 0.0, np.nan, 0.0, 0.0]), "6 finite numbers"),
        (spoiled(toy_episode(), action=[0.5, 0.0]), "6 finite numbers"),
        (spoiled(toy_episode(), image=Image.encoded(b"torn")), "cannot be decoded"),
    ],
)
def test_an_episode_that_would_spoil_training_is_refused(episode: Episode, words: str) -> None:
    with pytest.raises(DataError, match=words):
        rows_of(episode, tools(), seed=0)


def test_a_share_of_episodes_is_told_in_other_words_and_their_actions_stay() -> None:
    episodes = [replace(toy_episode("object"), id=f"toy/{k}") for k in range(40)]
    told = [rows_of(episode, replace(tools(), reworded=0.5), seed=0) for episode in episodes]
    plain = [rows_of(episode, tools(), seed=0) for episode in episodes]
    changed = [_texts(one, "user") != _texts(other, "user") for one, other in zip(told, plain, strict=True)]
    assert 10 < sum(changed) < 30
    assert [_texts(rows, "assistant") for rows in told] == [_texts(rows, "assistant") for rows in plain]
    assert [_texts(rows_of(episode, replace(tools(), reworded=0.5), seed=0), "user") for episode in episodes] == [
        _texts(rows, "user") for rows in told
    ]


def _texts(rows: list[Row], role: str) -> list[str]:
    turns = (turn for row in rows for sample in row.samples for turn in sample.conversation.turns)
    return [turn.text for turn in turns if turn.role == role]


def test_noise_is_felt_in_questions_alone_and_is_the_same_wherever_a_step_is_told() -> None:
    def said(noise: float, seed: int = 0) -> list[tuple[str, str]]:
        recipe = Llarva(noise=noise, state="joint_1", trace="none")
        rows = rows_of(arm_episode(4), replace(tools(), kind="llarva", recipe=recipe), seed)
        turns = [sample.conversation.turns for row in rows for sample in row.samples]
        return [(question.text, answer.text) for question, answer in turns]

    plain, noisy = said(0.0), said(0.01)
    assert [answer for _, answer in plain] == [answer for _, answer in noisy]
    assert noisy == said(0.01)
    assert noisy != said(0.01, seed=1)
    told = [re.findall(r"\[(-?[0-9.]+)\]", question) for question, _ in noisy]
    assert [len(states) for states in told] == [1, 2, 3, 4]
    assert told[3][:3] == told[2]
    assert told != [re.findall(r"\[(-?[0-9.]+)\]", question) for question, _ in plain]
