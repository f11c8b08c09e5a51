"""Several sources in one build: each keeps its robot and statistics, and has the share that was asked for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from instar.blend import Blend, blended, copies, is_blend, portions, read_blend
from instar.build import BuildConfig, BuildSummary, build
from instar.checkpoint import load_policy, read_card
from instar.demo import Image
from instar.drawing import enlarge
from instar.errors import ConfigError, DataError, MismatchError
from instar.inspection import InspectConfig, inspect
from instar.policy import PolicySpec
from instar.samples import Samples
from instar.train import TrainConfig, train
from instar.training.data import Course, Pool
from tests.arm import PANDA
from tests.demos.hdf5.made import pictures
from tests.demos.hdf5.made import write as write_hdf5
from tests.demos.lerobot.made import dataset_2
from tests.demos.rlbench.made import Demo, observation, write_demo, write_episode
from tests.demos.rlds.made import dataset as write_rlds
from tests.demos.rlds.made import episode as recorded
from tests.vima_layout import write_vima

FRAMES = (5, 3)  # of the two episodes of a hobby arm, an action each
RECIPE = "llarva:trace=none,history=2"
LOOKS = 4  # of each of three episodes of a Panda, whose last has no action


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A hobby arm in LeRobot's layout, eight actions; a Panda in RLBench's, nine."""
    root = tmp_path_factory.mktemp("sources")
    for k in range(3):
        folder = root / f"panda/open_drawer/all_variations/episodes/episode{k}"
        write_episode(folder, LOOKS, {"front": 10 * k}, ["open the drawer"])
    return f"lerobot:{dataset_2(root / 'hobby', FRAMES)}", f"rlbench:{root / 'panda'}"


def config(sources: tuple[str, ...], out: Path, **options: Any) -> BuildConfig:
    usual: dict[str, Any] = {"demos": sources, "recipe": RECIPE, "workers": 1, "episodes_per_shard": 1}
    return BuildConfig(out=out, **{**usual, **options})


@pytest.fixture(scope="module")
def built(sources: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> BuildSummary:
    return build(config(sources, tmp_path_factory.mktemp("built") / "samples"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_each_source_keeps_its_robot_and_its_statistics(built: BuildSummary) -> None:
    hobby, panda = (Samples.open(built.folder / name) for name in ("0-lerobot", "1-rlbench"))
    assert hobby.robot is not None
    assert panda.robot is not None
    assert (hobby.robot.name, panda.robot.name) == ("so100", "panda")
    assert hobby.statistics is not None
    assert panda.statistics is not None
    assert (hobby.statistics.count, panda.statistics.count) == (8, 9)
    assert (built.episodes, built.counts) == (5, {"llarva": 17})
    assert built.shares == {"0-lerobot": pytest.approx(8 / 17), "1-rlbench": pytest.approx(9 / 17)}


def test_two_workers_build_the_same_bytes_and_a_second_run_nothing(
    sources: tuple[str, str], built: BuildSummary, tmp_path: Path
) -> None:
    again = config(sources, tmp_path / "samples", workers=2)
    build(again)
    assert contents(again.out) == contents(built.folder)
    assert build(again).resumed == 5


def test_other_weights_build_nothing_anew(sources: tuple[str, str], tmp_path: Path) -> None:
    build(config(sources, tmp_path))
    before = read_blend(tmp_path)
    assert build(config(sources, tmp_path, weights=(3.0, 1.0))).resumed == 5
    after = read_blend(tmp_path)
    assert [part.digest for part in before.parts] == [part.digest for part in after.parts]
    assert before.digest != after.digest, "a training of the one does not go on with the other"


def test_weights_by_size_are_those_of_openvla() -> None:
    # Its rule: the chance of a source is its weight times its number of transitions, over the sum of those.
    often = copies((1.0, 0.5), (300, 100), "sizes")
    seen = np.array(often) * (300, 100)
    assert (seen / seen.sum()).tolist() == pytest.approx([300 / 350, 50 / 350])


def test_shares_do_not_depend_on_size_and_an_epoch_is_as_long_as_ever() -> None:
    seen = np.array(copies((1.0, 3.0), (300, 100), "shares")) * (300, 100)
    assert seen.tolist() == pytest.approx([100, 300])


def test_an_epoch_shows_each_source_by_its_share(sources: tuple[str, str], tmp_path: Path) -> None:
    build(config(sources, tmp_path, weights=(2.0, 0.5)))
    pool = Pool.open([tmp_path])
    course = Course(pool, {}, seed=0)
    shown = np.concatenate([course.epoch(number) for number in range(40)]) < 8
    assert shown.sum() == 40 * 8 * 2, "twice, every time"
    assert (~shown).sum() == pytest.approx(40 * 9 * 0.5, rel=0.15)


def test_a_policy_of_several_robots_knows_each_by_what_it_means(built: BuildSummary, tmp_path: Path) -> None:
    train(TrainConfig((built.folder,), "tiny:llava,layers=1", tmp_path / "out", steps=0, device="cpu"))
    card = read_card(tmp_path / "out")
    assert [taught.source for taught in card.taught] == ["0-lerobot", "1-rlbench"]
    policy = load_policy(tmp_path / "out", device="cpu")
    for taught in card.taught:
        assert policy.spec.own(taught.robot).actions.low == taught.robot.actions.low
    with pytest.raises(MismatchError, match=r"taught on 2 robots and this is none of them.*so100.*panda"):
        policy.spec.own(replace(PANDA, name="sawyer"))
    assert len(load_policy(tmp_path / "out", device="cpu", source="1-rlbench").robots) == 1
    with pytest.raises(MismatchError, match="no source 'rlbench'; there are: 0-lerobot, 1-rlbench"):
        load_policy(tmp_path / "out", device="cpu", source="rlbench")


def test_one_robot_with_two_bounds_must_be_told_apart() -> None:
    slower = replace(PANDA, actions=replace(PANDA.actions, low=(-1.0,) * 8))
    assert PolicySpec("two", (PANDA, PANDA), 0, 1).own(PANDA) == PANDA
    with pytest.raises(MismatchError, match="2 sources with other bounds of actions; name the source"):
        PolicySpec("two", (PANDA, slower), 0, 1).own(PANDA)


def test_folders_that_are_not_of_one_blend_still_must_have_one_robot(built: BuildSummary) -> None:
    apart = [built.folder / name for name in ("0-lerobot", "1-rlbench")]
    with pytest.raises(MismatchError, match="do not describe the same robot"):
        Pool.open(apart)
    assert len(Pool.open([built.folder]).portions) == 2


def test_a_source_that_was_built_anew_is_noticed(sources: tuple[str, str], tmp_path: Path) -> None:
    out = tmp_path / "samples"
    build(config(sources, out))
    (out / "0-lerobot").rename(tmp_path / "gone")
    build(config(sources[:1], out / "0-lerobot", seed=1))
    with pytest.raises(DataError, match="0-lerobot: built anew since"):
        portions(out)


def test_what_is_held_out_is_a_matter_of_the_id(sources: tuple[str, str], tmp_path: Path) -> None:
    kept = build(config(sources, tmp_path / "kept", holdout=0.5))
    held = build(config(sources, tmp_path / "held", holdout=0.5, held_out=True))
    assert kept.episodes + held.episodes == 5
    ids = [{row.id.rpartition("/")[0] for part in portions(one.folder) for row in part.samples} for one in (kept, held)]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": (1.0,)}, "1 weights for 2 sources"),
        ({"weights": (1.0, 0.0)}, "weights must be above 0"),
        ({"held_out": True}, "holdout is the share"),
        ({"holdout": 1.0}, "holdout is the share"),
        ({"demos": ()}, "no demonstrations are named"),
    ],
)
def test_bad_options_are_refused(
    sources: tuple[str, str], tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        config(sources, tmp_path, **options)


def test_a_source_that_cannot_be_read_is_found_before_anything_is_built(
    sources: tuple[str, str], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="nowhere"):
        build(config((*sources, f"hdf5:{tmp_path / 'nowhere.hdf5'}"), tmp_path / "samples"))
    assert not (tmp_path / "samples").exists()


def test_a_folder_holds_the_same_sources_for_ever(
    sources: tuple[str, str], built: BuildSummary, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="holds another build: sources"):
        build(config(sources[::-1], built.folder))
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(ConfigError, match="something other than these samples"):
        build(config(sources, tmp_path))


def test_one_source_of_several_must_be_named_where_only_one_will_do(built: BuildSummary) -> None:
    assert is_blend(built.folder)
    with pytest.raises(DataError, match=r"samples of several sources; for this, name one of them: .*0-lerobot"):
        Samples.open(built.folder)


def test_inspect_shows_every_source_and_its_share(built: BuildSummary) -> None:
    found = inspect(InspectConfig(str(built.folder)))
    assert found.kind == "blend"
    [table] = [table for table in found.tables if table.title == "sources"]
    assert [row[0] for row in table.rows] == ["0-lerobot", "1-rlbench"]
    assert [one.title.rpartition(":")[0] for one in found.examples] == ["0-lerobot: llarva", "1-rlbench: llarva"]


def test_shares_are_of_actions(built: BuildSummary) -> None:
    names = ("0-lerobot", "1-rlbench")
    found: Blend = blended(built.folder, names, (1.0, 1.0), "shares")
    assert found.shares == pytest.approx((0.5, 0.5))


def test_inspect_draws_what_is_said_into_pictures(tmp_path: Path) -> None:
    out, pictures = tmp_path / "samples", tmp_path / "pictures"
    folder = write_episode(tmp_path / "task/all_variations/episodes/episode0", LOOKS, {"front": 0}, ["go"])
    write_demo(folder, Demo([observation(t, gripper_pose=np.array([0.04 * t, 0, 0.8, 0, 0, 0, 1])) for t in range(4)]))
    build(config((f"rlbench:{tmp_path}",), out, recipe="llarva:history=1"))
    found = inspect(InspectConfig(str(out), pictures))
    assert dict(found.facts)["pictures"] == f"3 in {pictures}"
    plain = Samples.open(out)[0].images[0].pixels
    [first, *_] = sorted(pictures.iterdir())
    shown = Image.encoded(first.read_bytes()).pixels
    factor = shown.shape[0] // plain.shape[0]
    assert (shown != enlarge(plain, factor)).any(), "a trace is drawn in"


def test_only_samples_have_pictures_to_draw(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="samples folders that are whole"):
        InspectConfig("vima:data.zip", tmp_path)


@pytest.fixture(scope="module")
def every_format(sources: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Demonstrations of five robots in five formats."""
    root = tmp_path_factory.mktemp("formats")
    rlds = write_rlds(root, [[recorded(0, 3), recorded(1, 2)]])
    observed = {
        "agentview_rgb": lambda length: pictures(length, 0),
        "ee_states": lambda length: np.ones((length, 6)),
        "gripper_states": lambda length: np.zeros((length, 2)),
    }
    libero = write_hdf5(root / "put_it_there_demo.hdf5", {}, observed, {"demo_0": 4, "demo_1": 3})
    vima = write_vima(root / "vima", episodes=3)
    return f"rlds:{rlds}", f"hdf5:{libero}", f"vima:{vima}", *sources


def test_every_format_goes_into_one_build_with_one_worker_or_two(every_format: tuple[str, ...], tmp_path: Path) -> None:
    weights = tuple(1.0 + k for k in range(len(every_format)))
    once = build(config(every_format, tmp_path / "once", weights=weights, balance="shares"))
    assert all("points to pictures" in left.reason for left in once.left_out), "whole scenes have no name"
    assert list(once.shares.values()) == pytest.approx(np.array(weights) / sum(weights))
    robots = {portion.samples.robot.name for portion in portions(once.folder) if portion.samples.robot is not None}
    assert {"vima", "so100", "panda"} <= robots
    twice = build(config(every_format, tmp_path / "twice", weights=weights, balance="shares", workers=2))
    assert contents(twice.folder) == contents(once.folder)
