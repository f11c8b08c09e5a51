"""What is true of pictures, and how sightings are compared with it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instar.demo import Box, SceneObject, held_out
from instar.seeing.detect import Sighting, Tally, compared, labelled, overlap, pairs
from tests.toy import ALONE, BLOCK_BEFORE, BOWL, toy_episode

sides = st.integers(0, 60)
boxes = st.builds(
    lambda left, top, width, height: Box(left, top, left + width, top + height), sides, sides, sides, sides
)
sightings = st.lists(
    st.builds(Sighting, st.sampled_from(["red cube", "blue bowl"]), boxes, st.floats(0, 1)), max_size=6
)


def pixels(box: Box) -> set[tuple[int, int]]:
    return {(x, y) for x in range(box.left, box.right + 1) for y in range(box.top, box.bottom + 1)}


@given(boxes, boxes)
def test_overlap_is_shared_pixels_among_all_pixels(one: Box, other: Box) -> None:
    shared, every = pixels(one) & pixels(other), pixels(one) | pixels(other)
    assert overlap(one, other) == pytest.approx(len(shared) / len(every))
    assert overlap(one, other) == overlap(other, one)


@given(sightings)
def test_the_truth_finds_all_of_itself(truth: list[Sighting]) -> None:
    assert pairs(truth, truth, named=True) == pairs(truth, truth, named=False) == len(truth)


@given(sightings, sightings)
def test_no_more_pairs_than_either_side_has_and_names_only_lose_some(
    seen: list[Sighting], truth: list[Sighting]
) -> None:
    tally = compared(seen, truth)
    assert 0 <= tally.right <= tally.located <= min(tally.seen, tally.there)


def test_an_object_is_found_once_however_often_it_is_seen() -> None:
    twice = [Sighting("blue bowl", BOWL, 0.9), Sighting("blue bowl", BOWL, 0.8)]
    assert compared(twice, [Sighting("blue bowl", BOWL)]) == Tally(1, seen=2, there=1, located=1, right=1)


def test_a_wrong_name_is_located_and_not_right() -> None:
    assert compared([Sighting("red bowl", BOWL)], [Sighting("blue bowl", BOWL)]) == Tally(1, 1, 1, located=1, right=0)


def test_less_than_half_an_overlap_is_no_sighting() -> None:
    # 60x40 pixels: 20 to the right leaves 40/80, 21 leaves 39/81.
    just, beyond = replace(BOWL, left=170, right=229), replace(BOWL, left=171, right=230)
    assert overlap(BOWL, just) == 0.5
    assert pairs([Sighting("bowl", just)], [Sighting("bowl", BOWL)], named=True) == 1
    assert pairs([Sighting("bowl", beyond)], [Sighting("bowl", BOWL)], named=True) == 0


def test_tallies_add_up() -> None:
    assert Tally(1, 2, 3, 4, 5) + Tally(10, 20, 30, 40, 50) == Tally(11, 22, 33, 44, 55)


def test_an_episode_shows_its_frames_and_its_references_with_their_objects() -> None:
    looks = {look.key: look for kind in ("object", "scene") for look in labelled(toy_episode(kind), "front")}
    kinds = {key: look.kind for key, look in looks.items()}
    assert kinds == {"0": "frame", "1": "frame", "2": "frame", "a_base_obj": "object", "a_scene": "scene"}
    assert [thing.name for thing in looks["0"].truth] == ["blue bowl", "red swirl block", "green heart"]
    assert looks["0"].truth[1] == Sighting("red swirl block", BLOCK_BEFORE, shape="block")
    assert looks["a_base_obj"].truth == (Sighting("blue bowl", ALONE, shape="bowl"),)
    assert looks["a_scene"].episode == toy_episode("scene").id


def test_pictures_without_a_known_object_are_left_out() -> None:
    episode = toy_episode()
    first = episode.steps[0]
    unseen = replace(first.observation, objects=(SceneObject(4, "bowl", boxes={"top": BOWL}),))
    changed = replace(episode, steps=[replace(first, observation=unseen), *episode.steps[1:]])
    assert "0" not in [look.key for look in labelled(changed, "front")]
    assert next(labelled(changed, "top")).key == "0"


def test_a_share_of_the_episodes_is_held_out_always_the_same_ones() -> None:
    ids = [f"vima_v6/rotate/{k:06d}" for k in range(2000)]
    kept = {id for id in ids if held_out(id, 0.2)}
    assert abs(len(kept) / 2000 - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 2000)
    assert kept >= {id for id in ids if held_out(id, 0.1)}, "a larger share keeps what a smaller one kept"
    assert not any(held_out(id, 0.0) for id in ids)
    assert all(held_out(id, 1.0) for id in ids)
