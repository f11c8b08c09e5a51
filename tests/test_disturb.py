"""Episodes whose policy is told or shown otherwise than it is."""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from instar import plugins
from instar.compare import CompareConfig, compare
from instar.demo import Box, Image, Instruction, Observation, SceneObject
from instar.disturb import OTHER, Disturbance, Disturbed, disturbed
from instar.errors import ConfigError, PluginError
from instar.evaluate import EvaluateConfig, evaluate
from instar.inspection import InspectConfig, inspect
from instar.report import ReportConfig, write_report
from instar.robot import Floats
from instar.rollout import Outcome, rollout
from instar.run import read_run
from instar.simulator import Simulator, Task, Trial
from tests.point_world import PointWorld, Slider, trial

TASK = Task("visual_manipulation", "placement")
BENCHMARK = "tabletop:tasks=visual_manipulation+rotate,suites=placement,per_task=2,max_steps=2"


def table(disturbance: str = "") -> Simulator:
    world: Simulator = plugins.make("simulators", "tabletop")
    return Disturbed(world, Disturbance.parse(disturbance)) if disturbance else world


def opened(disturbance: str = "", task: Task = TASK, seed: int = 7) -> tuple[Instruction, Observation]:
    return table(disturbance).reset(task, seed)


def front(observation: Observation) -> Floats:
    return observation.images["front"].pixels.astype(np.float64)


def test_is_written_as_it_is_read_without_what_stays_as_it_is() -> None:
    assert Disturbance.parse("light=0.3, shift=4") == Disturbance(shift=4.0, light=0.3)
    assert str(Disturbance.parse("light=0.3,shift=4,paraphrase=false")) == "shift=4,light=0.3"
    assert str(Disturbance.parse("swapped=true,seed=2")) == "swapped=true,seed=2"
    assert [str(Disturbance.parse(text)) for text in ("", "shift=0", "seed=5")] == ["", "", ""]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sift=4", "no option 'sift'; did you mean 'shift'"),
        ("zzz=4", "no option 'zzz'; there are: light, noise, paraphrase, seed, shift, swapped"),
        ("shift=far", "disturb: shift: Input should be a valid number"),
        ("paraphrase", "'paraphrase' is not of the form option=value"),
        ("light=1.5", r"light is 1.5; it must be from 0 to 1"),
        ("noise=-1", "noise is -1"),
        ("shift=.nan", "shift is nan"),
    ],
)
def test_refuses_what_cannot_be_disturbed(text: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=why):
        Disturbance.parse(text)
    with pytest.raises(ConfigError, match=why):
        EvaluateConfig("expert", tmp_path, disturb=text)
    with pytest.raises(PluginError, match="'light' is not of the form"):
        Disturbance.parse("shift=4,light")


def test_where_nothing_is_disturbed_the_world_is_itself() -> None:
    assert isinstance(disturbed(PointWorld, Disturbance(seed=3)), PointWorld)
    assert isinstance(disturbed(PointWorld, Disturbance(noise=3.0)), Disturbed)


def test_a_paraphrase_has_other_words_and_the_same_references() -> None:
    (plain, scene), (told, same) = opened(), opened("paraphrase=true")
    assert told.text != plain.text
    assert list(told.references) == list(plain.references)
    assert all(f"{{{slot}}}" in told.text for slot in plain.references)
    np.testing.assert_array_equal(front(same), front(scene))
    texts = {opened("paraphrase=true", seed=seed)[0].text for seed in range(12)}
    assert len(texts) > 1


def test_a_swapped_instruction_is_that_of_another_episode_of_the_task() -> None:
    (_, scene), (told, same) = opened(), opened("swapped=true")
    other, elsewhere = opened(seed=7 + OTHER)
    np.testing.assert_array_equal(front(same), front(scene))
    assert not np.array_equal(front(scene), front(elsewhere))
    for slot, reference in other.references.items():
        np.testing.assert_array_equal(told.references[slot].images["front"].pixels, reference.images["front"].pixels)
        assert told.references[slot].objects[0].name == reference.objects[0].name


def test_who_listens_fails_under_a_swapped_instruction_and_the_scenes_own_expert_does_not() -> None:
    goes, line = Slider(), trial(seed=5)
    assert rollout(goes, PointWorld(), line).outcome is Outcome.SUCCESS
    world = Disturbed(PointWorld(), Disturbance(swapped=True))
    heard = rollout(goes, world, line).instruction
    assert heard == PointWorld().reset(line.task, line.seed + OTHER)[0].text
    expert = rollout(None, table("swapped=true,shift=9,noise=20,light=0.5,paraphrase=true"), Trial(TASK, 7))
    assert expert.outcome is Outcome.SUCCESS


def test_a_shift_moves_the_picture_and_repeats_its_edge() -> None:
    plain, moved = front(opened()[1]), front(opened("shift=4")[1])
    assert not np.array_equal(plain, moved)
    found = [
        (right, down)
        for right in range(-4, 5)
        for down in range(-4, 5)
        if np.array_equal(_rolled(plain, right, down)[8:-8, 8:-8], moved[8:-8, 8:-8])
    ]
    assert len(found) == 1
    assert 3.3 < np.hypot(*found[0]) < 4.7
    right, down = found[0]
    np.testing.assert_array_equal(
        moved,
        cv2.warpAffine(
            plain, np.array([[1.0, 0.0, right], [0.0, 1.0, down]]), plain.shape[1::-1], borderMode=cv2.BORDER_REPLICATE
        ),
    )


def _rolled(pixels: Floats, right: int, down: int) -> Floats:
    return np.roll(pixels, (down, right), axis=(0, 1))


@pytest.mark.parametrize("shift", ["shift=6", "shift=60"])
def test_boxes_and_segmentation_are_those_of_the_moved_picture(shift: str) -> None:
    for seed in range(4):
        _, seen = opened(shift, seed=seed)
        for camera, ids in seen.segmentation.items():
            for thing in seen.objects:
                rows, columns = np.nonzero(ids == thing.id)
                assert (camera in thing.boxes) == bool(len(rows))
                if len(rows):
                    assert thing.boxes[camera] == Box(columns.min(), rows.min(), columns.max(), rows.max())


def test_boxes_move_where_there_is_no_segmentation() -> None:
    world = Boxed()
    found = Disturbed(world, Disturbance(shift=5.0)).reset(trial().task, 1)[1].objects
    plain = world.observe().objects
    assert found[0].boxes["eye"] != plain[0].boxes["eye"]
    assert found[0].boxes["eye"].right - found[0].boxes["eye"].left == 3
    far = [Disturbed(world, Disturbance(shift=500.0)).reset(trial().task, seed)[1].objects[0] for seed in range(9)]
    assert all(len(thing.boxes) == 0 for thing in far)


class Boxed(PointWorld):
    """The point's world with a box that somebody drew in the middle of its picture."""

    def observe(self) -> Observation:
        seen = super().observe()
        return Observation(seen.images, seen.state, (SceneObject(1, "point", boxes={"eye": Box(14, 7, 17, 8)}),))


def test_light_is_one_for_an_episode_and_another_for_the_next() -> None:
    ratios = []
    for seed in (1, 2):
        plain, lit = table(), table("light=0.3")
        _, first = plain.reset(TASK, seed)
        _, shown = lit.reset(TASK, seed)
        away = np.array([0.3, 0.4, 0.0, 0.3, 0.4, 0.0])
        later, later_shown = plain.step(away).observation, lit.step(away).observation
        brightness = _ratio(front(first), front(shown))
        np.testing.assert_allclose(_ratio(front(later), front(later_shown)), brightness, atol=0.02)
        assert np.all(np.abs(brightness - 1) < 0.3 * 1.4)
        ratios.append(brightness)
    assert np.abs(ratios[0] - ratios[1]).max() > 0.02
    assert len(set(np.round(ratios[0], 3))) > 1  # a colour cast


def _ratio(plain: Floats, lit: Floats) -> Floats:
    middling = np.all((plain > 60) & (plain < 180), axis=-1)
    return np.asarray(np.median(lit[middling] / plain[middling], axis=0))


def test_noise_is_as_strong_as_asked_and_new_in_every_picture() -> None:
    plain, noisy = table(), table("noise=8")
    first, shown = plain.reset(TASK, 3)[1], noisy.reset(TASK, 3)[1]
    middling = (front(first) > 40) & (front(first) < 215)
    off = (front(shown) - front(first))[middling]
    assert abs(off.std() - 8) < 0.3
    assert abs(off.mean()) < 0.3
    nowhere = np.array([0.3, 0.4, 0.0, 0.3, 0.4, 0.0])
    later, later_shown = plain.step(nowhere).observation, noisy.step(nowhere).observation
    assert not np.array_equal(front(later_shown) - front(later), front(shown) - front(first))
    corner, later_corner = (seen.images["top"].pixels[:40, :40] for seen in (shown, later_shown))
    assert not np.array_equal(corner, later_corner)


def test_the_same_episode_is_disturbed_alike_whatever_was_played_before_and_however_it_travels() -> None:
    everything = "paraphrase=true,swapped=true,shift=4,light=0.3,noise=8"
    used = table(everything)
    used.reset(TASK, 1)
    told, seen = used.reset(TASK, 7)
    again, same = copy.deepcopy(opened(everything))  # becomes plain, as when it is sent to another process
    assert told.text == again.text
    assert {name: image.digest for name, image in seen.images.items()} == {
        name: image.digest for name, image in same.images.items()
    }
    assert [dict(thing.boxes) for thing in seen.objects] == [dict(thing.boxes) for thing in same.objects]
    other = opened(everything + ",seed=1")[1]
    assert not np.array_equal(front(other), front(seen))


def test_a_camera_through_which_nobody_looks_takes_no_picture() -> None:
    world = Counting()
    seen = Disturbed(world, Disturbance(shift=3.0, noise=2.0, light=0.1)).reset(trial().task, 0)[1]
    assert list(seen.images) == ["eye"]
    assert world.taken_pictures == 0
    assert seen.images["eye"].pixels is seen.images["eye"].pixels
    assert world.taken_pictures == 1


class Counting(PointWorld):
    """Counts how often somebody looks."""

    taken_pictures = 0

    def observe(self) -> Observation:
        seen = super().observe()
        return Observation(_Counted(self, seen.images), seen.state)


class _Counted(Mapping[str, Image]):
    def __init__(self, world: Counting, images: Mapping[str, Image]) -> None:
        self._world, self._images = world, images

    def __getitem__(self, camera: str) -> Image:
        self._world.taken_pictures += 1
        return self._images[camera]

    def __contains__(self, camera: object) -> bool:
        return camera in self._images

    def __iter__(self) -> Iterator[str]:
        return iter(self._images)

    def __len__(self) -> int:
        return len(self._images)


def test_a_run_records_its_disturbance_and_an_undisturbed_one_says_nothing_of_it(tmp_path: Path) -> None:
    plain = evaluate(EvaluateConfig("random", tmp_path / "plain", BENCHMARK, videos="none"))
    assert "disturb" not in plain.settings
    moved = EvaluateConfig("random", tmp_path / "moved", BENCHMARK, videos="none", disturb="noise=8,shift=4")
    run = evaluate(moved)
    assert run.settings["disturb"] == run.disturbance == "shift=4,noise=8"
    with pytest.raises(ConfigError, match=r"disturb: 'shift=4,noise=8' there, 'shift=5' now"):
        evaluate(EvaluateConfig("random", tmp_path / "moved", BENCHMARK, videos="none", disturb="shift=5"))
    found = compare(CompareConfig(tmp_path / "plain", tmp_path / "moved"))
    assert (found.a, found.b, found.differing) == ("plain", "moved (shift=4,noise=8)", ("disturb",))
    assert ("disturb", "shift=4,noise=8") in inspect(InspectConfig(str(tmp_path / "moved"))).facts
    page = tmp_path / "page.md"
    write_report(ReportConfig((tmp_path / "plain", tmp_path / "moved"), tmp_path / "page.html"))
    told = page.read_text()
    assert "random under shift=4,noise=8" in told
    assert "--disturb shift=4,noise=8" in told
    assert "disturbed by" in (tmp_path / "page.html").read_text()


def test_workers_disturb_alike(tmp_path: Path) -> None:
    everything = "paraphrase=true,swapped=true,shift=4,light=0.3,noise=8"
    runs = [
        evaluate(EvaluateConfig("random", tmp_path / str(n), BENCHMARK, workers=n, videos="none", disturb=everything))
        for n in (0, 2)
    ]
    assert [record.untimed() for record in runs[0].records] == [record.untimed() for record in runs[1].records]
    assert read_run(tmp_path / "2").whole
