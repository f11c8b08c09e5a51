"""Building samples: the same bytes however it is done, and nothing lost however it ends."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tyro

from instar import plugins
from instar.build import BuildConfig, Job, Work, build, build_shard
from instar.demo import Episode
from instar.demos.vima import Vima
from instar.embodiments.vima import VIMA
from instar.errors import ConfigError, DataError, MismatchError
from instar.samples import Samples
from tests.vima_layout import write_vima

REAL = Path(__file__).parents[2] / "shared" / "data" / "vima_sample.zip"


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine episodes of three tasks in VIMA's layout."""
    return write_vima(tmp_path_factory.mktemp("demos") / "vima", episodes=9)


@pytest.fixture(scope="module")
def whole(demos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their samples, built in one process and one go."""
    folder = tmp_path_factory.mktemp("whole") / "samples"
    build(config(demos, folder))
    return folder


def config(demos: Path, out: Path) -> BuildConfig:
    return BuildConfig(demos=f"vima:{demos}", out=out, auxiliary=("all",), episodes_per_shard=2, workers=1)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def damaged(path: Path, *broken: str, episodes: int = 4) -> Path:
    """Episodes of which those called `broken` have lost a file."""
    write_vima(path, episodes=episodes)
    for name in broken:
        (path / "vima_v6" / name / "obs.pkl").unlink()
    return path


def test_a_build_leaves_a_plan_its_shards_and_a_manifest(whole: Path) -> None:
    shards = [f"views-{number:05d}.parquet" for number in range(5)]
    assert sorted(contents(whole)) == sorted(["plan.json", "manifest.json", *shards])


def test_the_summary_counts_what_was_built(demos: Path, tmp_path: Path) -> None:
    summary = build(config(demos, tmp_path / "samples"))
    actions = 3 * (1 + 2 + 3)  # steps of the three tasks, three times each
    assert (summary.episodes, summary.left_out, summary.resumed) == (9, (), 0)
    assert {summary.counts[kind] for kind in ("llara", "act_pred", "fut_pred")} == {actions}
    assert summary.views <= summary.counts["obj_det"], "every picture is in one row"
    assert summary.bytes == sum(path.stat().st_size for path in summary.folder.glob("*.parquet"))


def test_two_workers_build_the_same_bytes_as_one(demos: Path, whole: Path, tmp_path: Path) -> None:
    build(replace(config(demos, tmp_path / "samples"), workers=2))
    assert contents(tmp_path / "samples") == contents(whole)


@pytest.fixture(scope="module")
def ray_ends() -> Iterator[None]:
    """Ends the local cluster that the first build on Ray starts."""
    ray = pytest.importorskip("ray", reason="Ray is an extra and is not installed")
    yield
    ray.shutdown()


@pytest.mark.usefixtures("ray_ends")
def test_ray_builds_the_same_bytes(demos: Path, whole: Path, tmp_path: Path) -> None:
    build(replace(config(demos, tmp_path / "samples"), engine="ray", workers=2))
    assert contents(tmp_path / "samples") == contents(whole)


@pytest.mark.usefixtures("ray_ends")
def test_errors_keep_their_type_and_words_on_ray(tmp_path: Path) -> None:
    demos = damaged(tmp_path / "demos", "rearrange/000000")
    with pytest.raises(DataError, match="rearrange/000000"):
        build(replace(config(demos, tmp_path / "samples"), engine="ray", workers=2, strict=True))


def test_another_seed_changes_the_wording_and_not_the_pictures(demos: Path, whole: Path, tmp_path: Path) -> None:
    build(replace(config(demos, tmp_path / "samples"), seed=1))
    ours, theirs = Samples.open(tmp_path / "samples"), Samples.open(whole)
    assert [[image.digest for image in row.images] for row in ours] == [
        [image.digest for image in row.images] for row in theirs
    ]
    questions = [
        [sample.conversation.question for row in samples for sample in row.samples] for samples in (ours, theirs)
    ]
    assert questions[0] != questions[1]


def test_tasks_may_be_named_in_any_order(demos: Path, tmp_path: Path) -> None:
    for name, tasks in (("a", ("obj_loc", "obj_det")), ("b", ("obj_det", "obj_loc"))):
        build(replace(config(demos, tmp_path / name), auxiliary=tasks))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_the_manifest_can_make_the_recipe_again(whole: Path) -> None:
    choice = Samples.open(whole).recipe_choice
    assert choice is not None
    assert plugins.choice_of("recipes", plugins.make("recipes", choice)) == choice


def test_statistics_are_those_of_all_actions(demos: Path, whole: Path) -> None:
    source = Vima(demos)
    episodes = [source.episode(id) for id in source.ids()]
    actions = np.array([episode.action(t) for episode in episodes for t in range(episode.length)])
    statistics = Samples.open(whole).statistics
    assert statistics is not None
    assert statistics.count == len(actions) == 18
    assert np.array_equal(statistics.low, actions.min(axis=0))
    assert np.allclose(statistics.mean, actions.mean(axis=0))
    assert np.allclose(statistics.std, actions.std(axis=0))
    assert np.allclose(statistics.q99, np.quantile(actions, 0.99, axis=0))


def started(options: BuildConfig) -> "subprocess.Popen[bytes]":
    """The same build in a process of its own, as the head of its own group."""
    # Ctrl-C means something to it, also where these tests are run in the background, which ignores it.
    code = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from pathlib import PosixPath\nfrom instar.build import BuildConfig, build\n"
    return subprocess.Popen(
        [sys.executable, "-c", f"{code}build({options!r})"], stderr=subprocess.PIPE, start_new_session=True
    )


def wait_for_shards(folder: Path, count: int, process: "subprocess.Popen[bytes]") -> None:
    while len(list(folder.glob("views-*.parquet"))) < count:
        assert process.poll() is None, "the build ended before it could be stopped"
        time.sleep(0.002)


@pytest.fixture(scope="module")
def tabletop(tmp_path_factory: pytest.TempPathFactory) -> BuildConfig:
    """A build that takes seconds, done once without a break."""
    folder = tmp_path_factory.mktemp("tabletop") / "samples"
    options = BuildConfig(demos="tabletop:episodes=12", out=folder, episodes_per_shard=1, workers=2)
    build(options)
    return options


@pytest.mark.parametrize("shards", [0, 3])
def test_a_killed_build_goes_on_to_the_same_bytes(tabletop: BuildConfig, tmp_path: Path, shards: int) -> None:
    options = replace(tabletop, out=tmp_path / "samples")
    process = started(options)
    wait_for_shards(options.out, shards, process)
    process.kill()
    process.communicate(timeout=30)  # returns when no worker holds the pipe any more: none outlives the build
    assert not (options.out / "manifest.json").exists()
    there = {path: path.stat().st_mtime_ns for path in options.out.glob("views-*.parquet")}
    summary = build(options)
    assert summary.resumed >= shards
    assert all(path.stat().st_mtime_ns == written for path, written in there.items()), "what is whole stays"
    assert contents(options.out) == contents(tabletop.out)


def test_interrupting_ends_the_build_and_its_workers_at_once(tabletop: BuildConfig, tmp_path: Path) -> None:
    options = replace(tabletop, out=tmp_path / "samples", demos="tabletop:episodes=1000")
    process = started(options)
    wait_for_shards(options.out, 1, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, words = process.communicate(timeout=30)
    # One traceback may be a chain of several, wherever the interrupt met the build.
    assert words.decode().splitlines().count("KeyboardInterrupt") == 1, "the workers keep quiet"
    assert not list(options.out.glob(".*.tmp"))


def test_a_whole_folder_is_not_built_again(demos: Path, whole: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.iterdir()}
    heard: list[tuple[int, int, str]] = []
    summary = build(config(demos, whole), lambda *told: heard.append(told))
    assert (summary.episodes, summary.resumed, heard) == (9, 9, [])
    assert {path: path.stat().st_mtime_ns for path in whole.iterdir()} == before


@pytest.mark.parametrize("lost", ["views-00001.parquet", "manifest.json"])
def test_lost_and_damaged_files_are_built_again(demos: Path, whole: Path, tmp_path: Path, lost: str) -> None:
    options = config(demos, tmp_path / "samples")
    build(options)
    (options.out / lost).unlink()
    (options.out / "views-00003.parquet").write_bytes(b"PAR1 no more")
    build(options)
    assert contents(options.out) == contents(whole)


def test_progress_counts_episodes_up_to_all(demos: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int, str]] = []
    build(config(demos, tmp_path / "samples"), lambda *told: heard.append(told))
    assert [done for done, _, _ in heard] == [0, 2, 4, 6, 8, 9]
    assert {total for _, total, _ in heard} == {9}
    assert "samples" in heard[-1][2]


def test_an_episode_that_cannot_be_read_is_left_out_whole(tmp_path: Path) -> None:
    demos = damaged(tmp_path / "demos", "rearrange/000000")
    summary = build(config(demos, tmp_path / "samples"))
    assert summary.episodes == 3
    assert [left.id for left in summary.left_out] == ["vima_v6/rearrange/000000"]
    assert "obs.pkl" in summary.left_out[0].reason
    assert not [row.id for row in Samples.open(summary.folder) if "rearrange/000000" in row.id]


def test_strict_stops_at_it_and_names_it(tmp_path: Path) -> None:
    demos = damaged(tmp_path / "demos", "rearrange/000000")
    options = replace(config(demos, tmp_path / "samples"), episodes_per_shard=1, strict=True)
    with pytest.raises(DataError, match="rearrange/000000"):
        build(options)
    summary = build(replace(options, strict=False))
    assert summary.episodes == 3


def test_strict_holds_for_what_an_earlier_run_left_out(tmp_path: Path) -> None:
    demos = damaged(tmp_path / "demos", "rearrange/000000")
    options = config(demos, tmp_path / "samples")
    build(options)
    with pytest.raises(DataError, match="rearrange/000000"):
        build(replace(options, strict=True))


def test_no_usable_episode_is_an_error_with_the_first_reason(tmp_path: Path) -> None:
    demos = damaged(tmp_path / "demos", "rotate/000000", "sweep_without_exceeding/000000", episodes=2)
    with pytest.raises(DataError, match=r"none of the 2 episodes can be used; .*obs\.pkl"):
        build(config(demos, tmp_path / "samples"))
    assert not (tmp_path / "samples" / "manifest.json").exists()


def test_episodes_of_another_robot_are_refused_by_name(demos: Path) -> None:
    first, second = Vima(demos).ids()[:2]
    other = replace(VIMA, control="joint velocity")
    work = Work("plan", f"vima:{demos}", "llara", (), reworded=0.0, seed=0, strict=False, first=first, robot=other)
    with pytest.raises(MismatchError, match=rf"{first}.*{second}.*control: .*joint velocity.*pick and place"):
        build_shard(Job(0, (second,), work))


def test_a_bug_keeps_its_type_and_names_the_episode(
    demos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Vima.episode

    def trip(source: Vima, id: str) -> Episode:
        return read(source, id) if id != source.ids()[4] else read(source, id[1 // 0])

    monkeypatch.setattr(Vima, "episode", trip)
    with pytest.raises(ZeroDivisionError) as raised:
        build(config(demos, tmp_path / "samples"))
    assert Vima(demos).ids()[4] in raised.value.__notes__[0]


def test_a_full_disk_loses_nothing_that_was_written(
    demos: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def run_out(path: Path, data: bytes) -> int:
        if "views-00002" not in path.name:
            return write(path, data)
        write(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    options = config(demos, tmp_path / "samples")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", run_out)
        with pytest.raises(DataError, match="disk full"):
            build(options)
    assert sorted(contents(options.out)) == ["plan.json", "views-00000.parquet", "views-00001.parquet"]
    assert build(options).resumed == 4
    assert contents(options.out) == contents(whole)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 7}, "seed 0 there, 7 now"),
        ({"episodes": 3}, "episodes 9 there, 3 now"),
        ({"recipe": "llara:past=1"}, "recipe"),
        ({"auxiliary": ()}, "auxiliary"),
    ],
)
def test_another_plan_is_refused(demos: Path, whole: Path, change: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build(BuildConfig(**{**vars(config(demos, whole)), **change}))


def test_a_recipe_that_cannot_see_is_refused_before_any_work(demos: Path, tmp_path: Path) -> None:
    options = replace(config(demos, tmp_path / "samples"), recipe="llara:camera=ceiling")
    with pytest.raises(MismatchError, match="ceiling"):
        build(options)
    assert build(replace(options, recipe="llara")).episodes == 9, "the same folder will do"


def test_changed_demonstrations_are_another_plan(tmp_path: Path) -> None:
    demos = write_vima(tmp_path / "demos", episodes=2)
    build(config(demos, tmp_path / "samples"))
    write_vima(demos, episodes=2, seed=1)
    with pytest.raises(ConfigError, match="fingerprint"):
        build(config(demos, tmp_path / "samples"))


@pytest.mark.parametrize(
    ("change", "words"),
    [({"workers": -1}, "workers"), ({"episodes": 0}, "episodes"), ({"auxiliary": ("obj_det", "obj_det")}, "2 times")],
)
def test_options_that_cannot_work_are_refused(tmp_path: Path, change: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build(BuildConfig(**{**vars(config(tmp_path, tmp_path / "samples")), **change}))
    assert not (tmp_path / "samples").exists()


def test_every_option_has_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        tyro.cli(BuildConfig, args=["--help"])
    words = " ".join(capsys.readouterr().out.replace("\u2502", " ").split())
    for name in BuildConfig.__dataclass_fields__:
        assert f"--{name.replace('_', '-')}" in words
    assert "instead of leaving it out" in words


@pytest.mark.skipif(not REAL.exists(), reason="the sample of VIMA's data set is not beside the repository")
def test_real_demonstrations_give_the_samples_llara_counts(tmp_path: Path) -> None:
    summary = build(BuildConfig(demos=f"vima:{REAL}", out=tmp_path / "samples", auxiliary=("all",), workers=1))
    assert (summary.episodes, summary.left_out) == (26, ())
    assert {summary.counts[kind] for kind in ("llara", "act_pred", "fut_pred")} == {48}
    Samples.open(summary.folder).verify()
