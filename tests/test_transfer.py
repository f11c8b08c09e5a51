"""The three protocols of transfer, walked at toy size."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from instar import cli, plugins
from instar.checkpoint import read_card
from instar.errors import ConfigError, MismatchError
from instar.files import write_json
from instar.rollout import Outcome
from instar.samples import read_manifest
from instar.transfer import PROTOCOLS, TransferConfig, TransferSummary, transfer
from tests.point_world import PointWorld

TASKS = "tasks=target_object+color_match"
PLAYED = f"suites=real,per_task=1,max_steps=1,{TASKS}"


def _small(out: Path) -> TransferConfig:
    return TransferConfig(
        out=out,
        source=f"tabletop:episodes=6,suite=real,{TASKS}",
        target=f"tabletop:episodes=2,suite=real,look=real,seed=50000,{TASKS}",
        benchmark=f"tabletop:{PLAYED},look=real",
        source_benchmark=f"tabletop:{PLAYED}",
        recipe="llara:multi=false",
        model="tiny:llava",
        batch=2,
        steps=2,
        target_steps=1,
        repeat=2,
        workers=1,
        loader_workers=0,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where zero-shot and finetuning were walked, in two calls."""
    return tmp_path_factory.mktemp("transfer")


@pytest.fixture(scope="module")
def zero_shot(folder: Path) -> TransferSummary:
    return transfer(replace(_small(folder), protocol="zero-shot"))


@pytest.fixture(scope="module")
def walked(folder: Path, zero_shot: TransferSummary) -> TransferSummary:
    """All three, the first of them resumed."""
    assert zero_shot.source is not None
    return transfer(_small(folder))


def test_zero_shot_needs_nothing_of_the_target_but_its_benchmark(zero_shot: TransferSummary) -> None:
    (run,) = zero_shot.runs
    assert run.name == "zero-shot"
    assert run.settings["simulator"]["options"] == {"look": "real", "hand": "oracle"}
    assert zero_shot.source is not None
    assert zero_shot.source.settings["simulator"]["options"] == {"look": "sim", "hand": "oracle"}
    assert zero_shot.comparisons == ()
    assert not any("target" in stage for stage in zero_shot.minutes)


def test_every_protocol_is_compared_with_every_other_on_the_same_episodes(walked: TransferSummary) -> None:
    assert [run.name for run in walked.runs] == list(PROTOCOLS)
    for run in walked.runs:
        assert len(run.records) == 2
        assert not {record.outcome for record in run.records} & {Outcome.CRASHED, Outcome.UNREADABLE}
    assert [(pair.a, pair.b) for pair in walked.comparisons] == [
        ("zero-shot", "finetune"),
        ("zero-shot", "joint"),
        ("finetune", "joint"),
    ]
    assert all(pair.comparison.n == 2 for pair in walked.comparisons)
    assert walked.report.stat().st_size > 10_000


def test_what_an_earlier_call_made_is_not_made_again(zero_shot: TransferSummary, walked: TransferSummary) -> None:
    assert walked.runs[0].records == zero_shot.runs[0].records
    assert walked.minutes["train source"] < zero_shot.minutes["train source"]


def test_finetuning_begins_with_the_sources_checkpoint(folder: Path, walked: TransferSummary) -> None:
    card = read_card(folder / "finetune")
    assert card.steps == 1
    assert card.training["model"] == str(folder / "source")
    assert walked.runs[1].settings["policy"] != walked.runs[0].settings["policy"]


def test_joint_training_sees_the_target_more_often_and_takes_the_steps_of_both(
    folder: Path, walked: TransferSummary
) -> None:
    assert len(walked.runs) == 3
    card = read_card(folder / "joint")
    assert card.steps == 3
    source, target = (read_manifest(folder / "samples" / name).digest for name in ("source", "target"))
    assert card.samples == (source, target, target)


def test_the_command_line_shows_the_protocols_beside_each_other(
    folder: Path, walked: TransferSummary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(walked.runs) == 3
    options = tmp_path / "transfer.yaml"
    write_json(options, TypeAdapter(TransferConfig).dump_python(_small(folder), mode="json"))  # JSON is YAML
    assert cli.run(["transfer", "--config", str(options)]) == 0
    shown = capsys.readouterr().out
    for said in ("source, at home", *PROTOCOLS, "real/color_match", "joint - zero-shot", "McNemar", "n=2"):
        assert said in shown


def test_domains_of_two_robots_are_refused_before_any_training(
    folder: Path, walked: TransferSummary, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plugins.make
    monkeypatch.setattr(
        plugins, "make", lambda kind, choice: PointWorld() if kind == "simulators" else made(kind, choice)
    )
    with pytest.raises(MismatchError, match=r"demonstrations and tabletop:.*name: .* vima, .* point"):
        transfer(replace(_small(folder), steps=77))  # would refuse to train where another run lies
    assert walked.runs


def test_options_that_cannot_work_are_refused() -> None:
    with pytest.raises(ConfigError, match="two domains"):
        TransferConfig(source="tabletop", target="tabletop")
    with pytest.raises(ConfigError, match="repeat is 0"):
        TransferConfig(repeat=0)
