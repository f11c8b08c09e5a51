import json
import os
import shutil
import zipfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from instar import plugins
from instar.demo import Box, Episode
from instar.demos.vima import Vima
from instar.embodiments.vima import FRONT, HEIGHT, VIMA, WIDTH
from instar.errors import ConfigError, DataError
from instar.testing import conform
from tests.vima_layout import Contents, write_vima

SAMPLE = Path(__file__).parents[3] / "shared/data/vima_sample.zip"
needs_sample = pytest.mark.skipif(not SAMPLE.exists(), reason="the sample of VIMA-Data is not beside the repository")

ROTATE = "vima_v6/rotate/000000"
SWEEP = "vima_v6/sweep_without_exceeding/000000"
REARRANGE = "vima_v6/rearrange/000000"


@pytest.fixture(params=["folder", "zip"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Vima:
    zipped = request.param == "zip"
    return Vima(write_vima(tmp_path / ("vima.zip" if zipped else "vima"), episodes=4, zipped=zipped))


def test_finds_episodes_by_task_and_index(source: Vima) -> None:
    assert source.ids() == [REARRANGE, ROTATE, "vima_v6/rotate/000001", SWEEP]


def test_reads_what_was_written(source: Vima) -> None:
    episode = source.episode(SWEEP)
    assert (episode.id, episode.robot, episode.length, len(episode.steps)) == (SWEEP, VIMA, 2, 3)
    assert episode.instruction.text == "Sweep all {swept_obj} into {bounds} without going past it."
    assert episode.success is True
    observation = episode.steps[2].observation
    assert [(thing.id, thing.name) for thing in observation.objects] == [
        (5, "blue bowl"),
        (4, "red swirl block"),
        (6, "green and blue polka dot letter A"),
    ]
    assert observation.state.tolist() == [1.0]
    assert episode.steps[2].action is None


def test_actions_start_and_end_where_the_moved_object_is(source: Vima) -> None:
    for id, moved in ((ROTATE, (4,)), (SWEEP, (4, 4)), (REARRANGE, (4, 6, 5))):
        episode = source.episode(id)
        for t, thing in enumerate(moved):
            action = episode.action(t)
            assert (action.dtype.name, action.shape) == ("float64", (6,))
            for frame, start in ((t, 0), (t + 1, 3)):
                box = box_of(episode, frame, thing)
                u, v = FRONT.project(action[start : start + 2])
                assert abs((box.left + box.right + 1) / 2 - u) < 1
                assert abs((box.top + box.bottom + 1) / 2 - v) < 1


def box_of(episode: Episode, frame: int, id: int) -> Box:
    return next(thing.boxes["front"] for thing in episode.steps[frame].observation.objects if thing.id == id)


def test_pictures_are_the_bytes_on_disk_and_references_the_pixels_in_the_pickle(tmp_path: Path) -> None:
    source = Vima(write_vima(tmp_path / "vima"))
    images = source.episode(ROTATE).steps[1].observation.images
    assert images["top"].data == (tmp_path / "vima" / ROTATE / "rgb_top/1.jpg").read_bytes()
    assert images["top"].pixels.shape == (HEIGHT, WIDTH, 3)
    reference = source.episode(ROTATE).instruction.references["dragged_obj"]
    assert reference.kind == "object"
    (thing,) = reference.objects
    assert (thing.id, thing.name) == (0, "red swirl block")
    box = thing.boxes["front"]
    assert reference.images["front"].pixels[box.top, box.left].tolist() == [200, 40, 40]


def test_scenes_have_all_their_objects_in_the_order_of_the_file(source: Vima) -> None:
    reference = source.episode(REARRANGE).instruction.references["scene"]
    last = source.episode(REARRANGE).steps[3].observation
    assert reference.kind == "scene"
    assert [(thing.name, thing.boxes) for thing in reference.objects] == [
        (thing.name, thing.boxes) for thing in last.objects
    ]


def test_a_hidden_object_stays_without_that_cameras_box(tmp_path: Path) -> None:
    def hide(contents: Contents) -> None:
        front = contents["obs.pkl"]["segm"]["front"]
        front[1][front[1] == 4] = 0

    source = Vima(write_vima(tmp_path / "vima", episodes=1, change=hide))
    before, after = (source.episode(ROTATE).steps[t].observation.objects for t in (0, 1))
    assert [thing.id for thing in after] == [thing.id for thing in before]
    assert set(before[0].boxes) == {"front", "top"}
    assert set(after[0].boxes) == {"top"}


def test_an_episode_travels_to_another_process_and_so_does_its_source(tmp_path: Path) -> None:
    source = Vima(write_vima(tmp_path / "vima.zip", zipped=True))
    digest = first_digest(source)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        assert list(pool.map(first_digest, [source] * 8)) == [digest] * 8
        assert pool.submit(digest_of, source.episode(ROTATE)).result() == digest


def first_digest(source: Vima) -> str:
    return digest_of(source.episode(ROTATE))


def digest_of(episode: Episode) -> str:
    return episode.steps[0].observation.images["front"].digest


def test_reads_nothing_but_the_pickles_until_a_picture_is_looked_at(tmp_path: Path) -> None:
    source = Vima(write_vima(tmp_path / "vima"))
    picture = tmp_path / "vima" / ROTATE / "rgb_top/0.jpg"
    picture.write_bytes(b"")
    observation = source.episode(ROTATE).steps[0].observation
    assert observation.images["front"].pixels.shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(DataError, match=rf"{ROTATE}/rgb_top/0\.jpg: 0 bytes that are no whole JPEG"):
        observation.images["top"]


def test_the_root_may_lie_above_or_below_the_published_one(tmp_path: Path) -> None:
    write_vima(tmp_path / "deep/er", episodes=1)
    assert Vima(tmp_path).ids() == [f"deep/er/{ROTATE}"]
    assert Vima(tmp_path / "deep/er/vima_v6").ids() == ["rotate/000000"]
    assert Vima(tmp_path).episode(f"deep/er/{ROTATE}").length == 1


def test_tasks_and_subsets_choose(tmp_path: Path) -> None:
    path = write_vima(tmp_path / "vima", episodes=6)
    assert Vima(path, tasks="rotate+rearrange").ids() == [REARRANGE, REARRANGE[:-1] + "1", ROTATE, ROTATE[:-1] + "1"]
    subset = tmp_path / "subset.json"
    subset.write_text(json.dumps({"train": [SWEEP, ROTATE, SWEEP], "val": [REARRANGE]}))
    assert Vima(path, subset=subset).ids() == [ROTATE, SWEEP]
    assert Vima(path, subset=subset, split="val").ids() == [REARRANGE]
    assert Vima(path / "vima_v6", subset=subset).ids() == ["rotate/000000", "sweep_without_exceeding/000000"]
    assert Vima(path, subset=subset, tasks="rotate").ids() == [ROTATE]
    subset.write_text(json.dumps([ROTATE, "vima_v6/rotate/000099"]))
    assert Vima(path, subset=subset).ids() == [ROTATE, "vima_v6/rotate/000099"]
    with pytest.raises(DataError, match=r"no such file|vima_v6/rotate/000099"):
        Vima(path, subset=subset).episode("vima_v6/rotate/000099")


def test_a_choice_that_leaves_nothing_is_an_error(tmp_path: Path) -> None:
    path = write_vima(tmp_path / "vima")
    subset = tmp_path / "subset.json"
    subset.write_text(json.dumps({"train": ["vima_v6/rotate/000099"]}))
    with pytest.raises(DataError, match="none of its 2 episodes is chosen"):
        Vima(path, subset=subset).ids()
    with pytest.raises(ConfigError, match="no list 'test' in it; there are: train"):
        Vima(path, subset=subset, split="test").ids()
    with pytest.raises(ConfigError, match="no task spin in it; there are: rotate, sweep_without_exceeding"):
        Vima(path, tasks="spin+rotate").ids()
    subset.write_text('{"train": 3}')
    with pytest.raises(DataError, match="should be a list of episode ids"):
        Vima(path, subset=subset).ids()


def test_an_empty_place_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no episode in it: no folder below the root has a trajectory\.pkl"):
        Vima(tmp_path).ids()
    with pytest.raises(DataError, match="no such file or folder"):
        Vima(tmp_path / "nowhere").ids()


def test_is_made_by_name_and_conforms(tmp_path: Path) -> None:
    path = write_vima(tmp_path / "vima.zip", episodes=3, zipped=True)
    made = plugins.make("demos", f"vima:{path},tasks=rotate+rearrange")
    assert made == Vima(path, tasks="rotate+rearrange")
    assert conform("demos", f"vima:{path}")


def test_the_fingerprint_follows_the_data_and_the_choice(tmp_path: Path) -> None:
    write_vima(tmp_path / "a.zip", episodes=3, zipped=True)
    shutil.copy(tmp_path / "a.zip", tmp_path / "b.zip")
    write_vima(tmp_path / "c.zip", episodes=3, seed=1, zipped=True)
    copies = [Vima(tmp_path / f"{name}.zip").fingerprint() for name in "abc"]
    assert copies[0] == copies[1]
    assert copies[0] != copies[2]
    assert Vima(tmp_path / "a.zip", tasks="rotate").fingerprint() != copies[0]
    folder = Vima(write_vima(tmp_path / "folder", episodes=3))
    before = folder.fingerprint()
    assert folder.fingerprint() == before
    os.utime(tmp_path / "folder" / ROTATE / "obs.pkl", ns=(1, 1))
    assert folder.fingerprint() != before


@needs_sample
def test_reads_every_episode_of_the_published_data() -> None:
    source = Vima(SAMPLE)
    lengths = {id: source.episode(id).length for id in source.ids()}
    assert len(lengths) == 26
    assert sum(lengths.values()) == 48
    assert lengths["vima_v6/rearrange_then_restore/000001"] == 4
    for id in source.ids():
        for view in source.episode(id).views():
            assert all(thing.boxes["front"] for thing in view.objects)
            assert view.images["front"].pixels.shape == (HEIGHT, WIDTH, 3)


@needs_sample
def test_reads_the_published_data_as_it_is() -> None:
    episode = Vima(SAMPLE).episode("vima_v6/twist/000000")
    assert episode.instruction.text.startswith('"Twist" is defined as rotating object a specific angle.')
    assert list(episode.instruction.references)[:2] == ["before_twist_1", "after_twist_1"]
    assert [thing.name for thing in episode.steps[0].observation.objects] == [
        "red swirl heart",
        "red swirl letter A",
        "red and blue polka dot letter G",
    ]
    assert np.allclose(episode.action(0)[[2, 5]], [0, -np.pi / 2], atol=1e-6)
    stacked = Vima(SAMPLE).episode("vima_v6/follow_order/000000").instruction.references["frame_2"]
    assert [set(thing.boxes) for thing in stacked.objects] == [{"front"}, {"front"}, {"front", "top"}]


@needs_sample
def test_the_published_data_is_the_same_from_a_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(SAMPLE) as archive:
        archive.extractall(tmp_path)
    packed, unpacked = Vima(SAMPLE), Vima(tmp_path)
    assert packed.ids() == unpacked.ids()
    for id in packed.ids()[::5]:
        one, other = packed.episode(id).steps, unpacked.episode(id).steps
        assert [step.observation.objects for step in one] == [step.observation.objects for step in other]
        assert [step.observation.images["front"].digest for step in one] == [
            step.observation.images["front"].digest for step in other
        ]
