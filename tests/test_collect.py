from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from instar.collect import CollectConfig, collect, collect_demos, raw_files
from instar.demo import DemoSource, Episode, Image, Instruction, Observation, Pixels, Reference, SceneObject, Step
from instar.demos.masks import boxes
from instar.demos.tabletop import TabletopDemos
from instar.demos.vima import Vima
from instar.embodiments.vima import HEIGHT, VIMA, WIDTH, canonical
from instar.errors import ConfigError, DataError, MismatchError
from tests.vima_layout import write_vima

CAMERAS = ("front", "top")


@dataclass(frozen=True)
class Drawn:
    """Episodes made of pixels, with what a test wants wrong about some of them."""

    names: tuple[str, ...] = ("drawn/stack/7", "drawn/stack/8", "drawn/sort/7")
    broken: str = ""

    def ids(self) -> Sequence[str]:
        return self.names

    def episode(self, id: str) -> Episode:
        if id == self.broken:
            raise DataError(f"{id}: torn in two")
        return drawn_episode(id)

    def fingerprint(self) -> str:
        return "drawn"


def drawn_episode(id: str) -> Episode:
    """Two random moves of three overlapping blocks, the last of which only the front camera sees."""
    rng = np.random.default_rng(len(id) + int(id[-1]))
    names = [SceneObject(5, "block", "red swirl"), SceneObject(6, "bowl", ""), SceneObject(200, "letter A", "green")]
    steps = [
        Step(drawn_observation(names, rng), canonical(rng.uniform(VIMA.actions.low, VIMA.actions.high)))
        for _ in range(2)
    ]
    alone = drawn_observation([SceneObject(0, "block", "red swirl")], rng)
    whole = drawn_observation(names, rng)
    references = {
        "thing": Reference("object", alone.images, alone.objects, alone.segmentation),
        "scene": Reference("scene", whole.images, whole.objects, whole.segmentation),
    }
    instruction = Instruction("Put the {thing} so that it looks like {scene}.", references)
    return Episode(id, VIMA, instruction, [*steps, Step(drawn_observation(names, rng), None)], success=True)


def drawn_observation(names: Sequence[SceneObject], rng: np.random.Generator) -> Observation:
    ids = [thing.id for thing in names]
    masks = {camera: np.full((HEIGHT, WIDTH), 255, dtype=np.uint8) for camera in CAMERAS}
    for camera in CAMERAS:
        for id in ids if camera == "front" else [id for id in ids if id != 200]:
            top, left = int(rng.integers(0, 90)), int(rng.integers(0, 200))
            masks[camera][top : top + 30, left : left + 40] = id
    found = dict(zip(CAMERAS, boxes([masks[camera] for camera in CAMERAS], ids), strict=True))
    seen = tuple(
        replace(thing, boxes={camera: found[camera][thing.id] for camera in CAMERAS if thing.id in found[camera]})
        for thing in names
    )
    images = {
        camera: Image.of(np.stack([masks[camera] ^ tint for tint in (0, 60, 120)], axis=-1)) for camera in CAMERAS
    }
    return Observation(images, np.zeros(1), seen, masks)


def after_jpeg(pixels: Pixels) -> Pixels:
    done, buffer = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert done
    return Image.encoded(buffer.tobytes()).pixels


def assert_same_look(one: Observation | Reference, other: Observation | Reference) -> None:
    """The same objects in the same places, and the same segmentation."""
    assert [(o.id, o.shape, o.texture, dict(o.boxes)) for o in one.objects] == [
        (o.id, o.shape, o.texture, dict(o.boxes)) for o in other.objects
    ]
    for camera in CAMERAS:
        assert np.array_equal(one.segmentation[camera], other.segmentation[camera])


def assert_comes_back(source: DemoSource, out: Path) -> None:
    """Everything about the episodes of `source` is found in `out`, and pictures are as JPEG leaves them."""
    back = {tuple(id.split("/")[-2:]): id for id in Vima(out).ids()}
    assert len(back) == len(source.ids())
    for id in source.ids():
        task, index = id.split("/")[-2:]
        written, read = source.episode(id), Vima(out).episode(back[task, f"{int(index):06d}"])
        assert (read.instruction.text, read.success) == (written.instruction.text, written.success)
        assert list(read.instruction.references) == list(written.instruction.references)
        for slot, reference in written.instruction.references.items():
            again = read.instruction.references[slot]
            assert again.kind == reference.kind
            assert_same_look(again, reference)
            for camera in CAMERAS:
                assert np.array_equal(again.images[camera].pixels, reference.images[camera].pixels)
        assert len(read.steps) == len(written.steps)
        for mine, theirs in zip(read.steps, written.steps, strict=True):
            assert_same_step(mine, theirs)


def assert_same_step(read: Step, written: Step) -> None:
    assert_same_look(read.observation, written.observation)
    assert np.array_equal(read.observation.state, written.observation.state)
    for camera in CAMERAS:
        pixels = written.observation.images[camera].pixels
        assert np.array_equal(read.observation.images[camera].pixels, after_jpeg(pixels))
    if written.action is None:
        assert read.action is None
    else:
        assert read.action is not None
        assert read.action.tobytes() == canonical(written.action).tobytes()


def test_drawn_episodes_come_back_whole(tmp_path: Path) -> None:
    summary = collect(Drawn(), tmp_path, Drawn().ids())
    assert (summary.episodes, summary.steps, summary.left_out) == (3, 6, ())
    assert Vima(tmp_path).ids() == ["vima_v6/sort/000007", "vima_v6/stack/000007", "vima_v6/stack/000008"]
    assert_comes_back(Drawn(), tmp_path)


def test_episodes_of_the_tabletop_come_back_whole(tmp_path: Path) -> None:
    source = TabletopDemos(episodes=6)
    collect(source, tmp_path, source.ids())
    assert_comes_back(source, tmp_path)


def test_pictures_that_are_jpegs_already_keep_their_bytes(tmp_path: Path) -> None:
    source = Vima(write_vima(tmp_path / "in", episodes=1))
    collect(source, tmp_path / "out", source.ids())
    copy = Vima(tmp_path / "out")
    for id in source.ids():
        for camera in CAMERAS:
            before, after = (place.episode(id).steps[1].observation.images[camera].data for place in (source, copy))
            assert before == after


def test_the_same_episode_gives_the_same_bytes() -> None:
    assert raw_files(drawn_episode("a/b/1")) == raw_files(drawn_episode("a/b/1"))


def test_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    source = Drawn()
    first = collect(source, tmp_path, source.ids()[:1])
    kept = tmp_path / "vima_v6/stack/000007/obs.pkl"
    time_of_first = kept.stat().st_mtime_ns
    killed = tmp_path / ".partial/vima_v6.sort.000007.1"
    killed.mkdir(parents=True)
    (killed / "trajectory.pkl").write_bytes(b"half")
    assert len(Vima(tmp_path).ids()) == 1
    second = collect(source, tmp_path, source.ids())
    assert (first.episodes, first.resumed) == (1, 0)
    assert (second.episodes, second.resumed) == (3, 1)
    assert kept.stat().st_mtime_ns == time_of_first
    assert not killed.exists()


def test_leaves_out_what_cannot_be_read_and_says_why(tmp_path: Path) -> None:
    source = Drawn(broken="drawn/stack/8")
    told: list[tuple[int, int, str]] = []
    summary = collect(source, tmp_path, source.ids(), lambda *news: told.append(news))
    assert [(left.id, left.reason) for left in summary.left_out] == [("drawn/stack/8", "drawn/stack/8: torn in two")]
    assert summary.episodes == 2
    assert told[-1] == (3, 3, "1 left out")
    assert collect(Drawn(), tmp_path, source.ids()).episodes == 3  # and takes it in once it can be read


def test_refuses_to_make_an_empty_folder(tmp_path: Path) -> None:
    source = Drawn(names=("a/b/0",), broken="a/b/0")
    with pytest.raises(DataError, match=r"none of 1 episodes could be written; a/b/0: a/b/0: torn in two"):
        collect(source, tmp_path, source.ids())


def test_refuses_two_episodes_for_one_place(tmp_path: Path) -> None:
    source = Drawn(names=("train/stack/1", "test/stack/01"))
    with pytest.raises(
        DataError, match=r"train/stack/1 and test/stack/01 would both be written to vima_v6/stack/000001"
    ):
        collect(source, tmp_path, source.ids())


def test_ids_without_numbers_are_counted_and_stay_inside_the_folder(tmp_path: Path) -> None:
    assert collect(Drawn(), tmp_path / "out", ["../../x1", "../../y2"]).episodes == 2
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert Vima(tmp_path / "out").ids() == ["vima_v6/_/000000", "vima_v6/_/000001"]


def test_refuses_another_robot(tmp_path: Path) -> None:
    episode = drawn_episode("a/b/1")
    with pytest.raises(MismatchError, match=r"control: the raw VIMA layout pick and place or sweep, a/b/1 juggling"):
        raw_files(replace(episode, robot=replace(VIMA, control="juggling")))
    assert not list(tmp_path.iterdir())


def test_names_what_the_layout_needs_and_the_episode_lacks() -> None:
    episode = drawn_episode("a/b/1")
    with pytest.raises(DataError, match=r"a/b/1: 2 actions and 2 frames"):
        raw_files(replace(episode, steps=episode.steps[:2]))
    blind = [Step(replace(step.observation, segmentation={}), step.action) for step in episode.steps]
    with pytest.raises(DataError, match=r"a/b/1: frame 0: needs a segmentation \(128, 256\) uint8 by camera 'front'"):
        raw_files(replace(episode, steps=blind))
    scene = episode.instruction.references["scene"]
    crowded = replace(episode.instruction, references={"thing": replace(scene, kind="object")})
    with pytest.raises(DataError, match=r"a/b/1: thing: a reference of kind 'object' with 3 objects"):
        raw_files(replace(episode, instruction=crowded))


def test_a_folder_is_for_one_source_and_says_what_is_in_it(tmp_path: Path) -> None:
    write_vima(tmp_path / "in.zip", episodes=3, zipped=True)
    out = tmp_path / "out"
    config = CollectConfig(f"vima:{tmp_path / 'in.zip'}", out, workers=1)
    assert collect_demos(config).episodes == 3
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert collect_demos(config).resumed == 3
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert out / "manifest.json" in before
    assert out / "vima_v6/rotate/metadata.pkl" in before
    with pytest.raises(ConfigError, match="holds other demonstrations"):
        collect_demos(replace(config, demos=f"vima:{tmp_path / 'in.zip'},tasks=rotate"))
    with pytest.raises(ConfigError, match="is not empty and holds no demonstrations collected here"):
        collect_demos(replace(config, out=tmp_path))


def test_many_workers_write_the_same_bytes(tmp_path: Path) -> None:
    source = Vima(write_vima(tmp_path / "in", episodes=3))
    for workers in (1, 2):
        collect(source, tmp_path / str(workers), source.ids(), workers=workers)
    alone, together = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*.*")}
        for root in (tmp_path / "1", tmp_path / "2")
    )
    assert alone == together
