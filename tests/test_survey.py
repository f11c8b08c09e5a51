"""What is odd about demonstrations is found and named, and what is well is not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from instar.demo import Episode, Image, Instruction
from instar.demos.recorded import RecordedSteps
from instar.errors import DataError
from instar.findings import Finding
from instar.robot import ActionSpace, Camera, Robot
from instar.survey import findings, survey
from tests.arm import arm_episode

NAMES = ("x", "y", "gripper")
ARM = Robot(
    "arm",
    "end effector motion",
    ActionSpace(NAMES, ("m", "m", "1"), "base", "delta", (-1.0, -1.0, 0.0), (1.0, 1.0, 1.0)),
    (Camera("front", 16, 16),),
    NAMES,
)


def episode(number: int, length: int = 20, words: str = "push it") -> Episode:
    """A well-made recording: it moves, closes its gripper on the way, and is seen."""
    rng = np.random.default_rng(number)
    motion = rng.uniform(0.01, 0.1, (length, 2)) * rng.choice([-1, 1], (length, 2))
    grip = np.where(np.arange(length) < length // 2, 1.0, 0.0)
    places = np.concatenate([[[0.0, 0.0]], np.cumsum(motion, axis=0)[:-1]])
    states = np.column_stack([places, np.concatenate([[1.0], grip[:-1]])])
    return made(number, np.column_stack([motion, grip]), states, words)


def made(number: int, actions: np.ndarray, states: np.ndarray, words: str = "push it", shade: int = 255) -> Episode:
    """A recording of these numbers."""
    pixels = np.random.default_rng(number).integers(0, shade, (16, 16, 3)).astype(np.uint8)
    steps = RecordedSteps(f"recording {number}", actions, states, {"front": lambda _: Image.of(pixels)})
    return Episode(f"all/{number}", ARM, Instruction(words), steps)


@dataclass(frozen=True)
class Source:
    """These episodes; None for one that is damaged."""

    episodes: Sequence[Episode | None]

    def ids(self) -> Sequence[str]:
        return [f"all/{number}" for number in range(len(self.episodes))]

    def episode(self, id: str) -> Episode:
        found = self.episodes[int(id.rpartition("/")[2])]
        if found is None:
            raise DataError(f"{id}: cut off")
        return found

    def fingerprint(self) -> str:
        return ""


WELL = [episode(number) for number in range(6)]


def said(episodes: Sequence[Episode | None]) -> dict[str, Finding]:
    """What there is to say, by subject."""
    return {finding.subject: finding for finding in findings(survey(Source(episodes)))}


def test_of_good_demonstrations_nothing_is_wrong() -> None:
    found = said(WELL)
    assert {finding.level for finding in found.values()} == {"ok"}
    assert found["episodes"].text == "6 with 120 actions"
    assert found["instructions"].text == "1 different, most often 'push it'"
    assert found["camera front"].text == "16 x 16 in 6 of 6 episodes"


@pytest.mark.parametrize(
    ("episodes", "subject", "text"),
    [
        ([*WELL, None], "damage", "1 cannot be read, first: all/6: cut off"),
        ([*WELL, episode(7, length=2)], "lengths", "all/7 are far shorter"),
        ([*WELL, episode(7, words=" ")], "instructions", "all/7 have none"),
        ([*WELL, replace(WELL[2], id="all/6")], "copies", "all/6 are the same as an earlier one"),
    ],
)
def test_an_odd_episode_is_named(episodes: list[Episode | None], subject: str, text: str) -> None:
    finding = said(episodes)[subject]
    assert finding.level in ("warn", "error")
    assert text in finding.text
    assert finding.remedy


def test_a_camera_that_sees_nothing_is_found() -> None:
    one = WELL[0]
    actions = np.stack([one.action(t) for t in range(one.length)])
    dark = made(6, actions, np.stack([step.observation.state for step in one.steps]), shade=3)
    assert "all/6 begin dark or of one colour" in said([*WELL, dark])["camera front"].text


def test_standing_still_is_found() -> None:
    actions = np.column_stack([np.zeros((20, 2)), np.ones(20)])
    finding = said([*WELL, made(6, actions, np.column_stack([np.zeros((20, 2)), np.ones(20)]))])["motion"]
    assert finding.level == "warn"
    assert finding.text == "14.3% of all steps do nothing; all/6 hardly move at all"


def test_a_leap_of_the_state_is_found_at_its_step() -> None:
    one = episode(6)
    states = np.stack([step.observation.state for step in one.steps])
    states[7:, 1] += 5
    finding = said([*WELL, made(6, np.stack([one.action(t) for t in range(20)]), states)])["jumps"]
    assert finding.text == "the state leaps in all/6 step 7 (y)"


def test_a_gripper_of_the_other_sign_is_found() -> None:
    turned = []
    for number, one in enumerate(WELL):
        actions = np.stack([one.action(t) for t in range(one.length)])
        actions[:, 2] = 1 - actions[:, 2]
        turned.append(made(number, actions, np.stack([step.observation.state for step in one.steps])))
    finding = said(turned)["gripper"]
    assert finding.level == "warn"
    assert "it closes where it is told to open" in finding.text


def test_a_dimension_that_never_changes_is_named() -> None:
    flat = []
    for number, one in enumerate(WELL):
        actions = np.stack([one.action(t) for t in range(one.length)])
        actions[:, 1] = 0.5
        flat.append(made(number, actions, np.stack([step.observation.state for step in one.steps])))
    assert said(flat)["actions"].text.endswith("y never change")


def hand(places: Sequence[tuple[float, float] | None], number: int = 0) -> Episode:
    """An episode in which a detector saw the hand in some frames."""
    one = episode(number, len(places))
    steps = []
    for step, place in zip(one.steps, places, strict=True):
        effector = {} if place is None else {"front": place}
        steps.append(replace(step, observation=replace(step.observation, effector=effector)))
    return replace(one, steps=steps)


STEADY: list[tuple[float, float] | None] = [(2.0 + t / 4, 5.0) for t in range(20)]


def test_of_a_hand_that_nobody_saw_nothing_is_said() -> None:
    assert "trace front" not in said(WELL)


def test_traces_are_told_by_their_gaps_and_jumps() -> None:
    gaps = [*STEADY[:4], None, None, *STEADY[6:]]
    finding = said([hand(STEADY, 0), hand(gaps, 1)])["trace front"]
    assert finding.level == "ok"
    assert finding.text == (
        "seen in 95.0% of 40 frames; the longest gap 2 (all/1 frame 4); 0.2 pixels a step in 99 % of them, 0.2 at most "
        "(all/0 frame 1)"
    )


@pytest.mark.parametrize(
    ("places", "odd"),
    [
        ([*STEADY[:14], *[None] * 6], "; traces have many gaps"),
        ([*STEADY[:6], *[None] * 14], "; traces are mostly gaps"),
        ([*STEADY[:10], (12.0, 15.0), *STEADY[11:]], "; it leaps"),
    ],
)
def test_traces_that_will_not_do_are_told(places: list[tuple[float, float] | None], odd: str) -> None:
    finding = said([hand(places)])["trace front"]
    assert finding.level == "warn"
    assert finding.text.endswith(odd)
    assert "raise its threshold" in finding.remedy


def test_episodes_that_never_show_the_hand_are_named() -> None:
    finding = said([*(hand(STEADY, number) for number in range(5)), hand([None] * 20, 5)])["trace front"]
    assert finding.level == "warn"
    assert finding.text.endswith("; all/5 never show it")


def test_a_calibrated_camera_tells_how_true_a_detector_is() -> None:
    worked_out = said([arm_episode(20)])["trace front"]
    assert worked_out.level == "ok"
    assert worked_out.text.startswith("worked out in 100.0% of 20 frames; no gap; 3.2 pixels a step")
    steps = [
        replace(step, observation=replace(step.observation, effector={"front": (64.0 + off, 32.0 + 3.2 * t)}))
        for t, (step, off) in enumerate(zip(arm_episode(20).steps, [1.0] * 10 + [2.0] * 10, strict=True))
    ]
    near = said([replace(arm_episode(20), steps=steps)])["trace front"]
    assert near.level == "ok"
    assert near.text.endswith("; off by 1.5 pixels, in 90 % by less than 2.0")
    far = [replace(s, observation=replace(s.observation, effector={"front": (20.0, 90.0)})) for s in steps]
    assert said([replace(arm_episode(20), steps=far)])["trace front"].text.endswith("; it is seen beside its place")


def test_of_many_a_few_are_looked_at() -> None:
    found = survey(Source(WELL), most=3)
    assert [look.id for look in found.looks] == ["all/0", "all/2", "all/5"]
    assert findings(found)[0].text == "6; 3 of them were looked at, with 60 actions"


def test_where_nothing_can_be_read_it_says_so() -> None:
    found = said([None, None])
    assert found["episodes"].level == "error"
    assert "2 cannot be read" in found["damage"].text
