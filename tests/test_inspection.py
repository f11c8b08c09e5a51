"""What `instar inspect` says of every artefact."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from instar.build import BuildConfig, build
from instar.collect import CollectConfig, collect_demos
from instar.errors import DataError, PluginError
from instar.files import append_jsonl, write_json
from instar.inspecting.description import Description, size
from instar.inspection import InspectConfig, inspect
from instar.storing.rlds import RldsConfig, export
from tests.recorded import records, run

DEMOS = "tabletop:tasks=rotate,episodes=2"


def look(what: Path | str) -> Description:
    """The description of an artefact."""
    return inspect(InspectConfig(str(what)))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder built from two demonstrations."""
    folder = tmp_path_factory.mktemp("built") / "samples"
    build(BuildConfig(demos=DEMOS, out=folder, auxiliary=("obj_det",), workers=1))
    return folder


def test_samples_tell_what_made_them_and_what_is_in_them(samples: Path) -> None:
    found = look(samples)
    facts = dict(found.facts)
    assert (found.kind, found.name, found.whole) == ("samples", "samples", True)
    assert facts["episodes"] == 2
    assert str(facts["recipe"]).startswith("llara")
    assert str(facts["demonstrations"]).startswith("tabletop")
    assert facts["bytes"] == size(samples)
    [kinds, actions] = found.tables
    counts = {row[0]: row[1] for row in kinds.rows}
    assert counts.keys() == {"llara", "obj_det"}
    assert facts["conversations"] == sum(value for value in counts.values() if isinstance(value, int))
    assert [row[0] for row in actions.rows] == ["start_x", "start_y", "start_yaw", "end_x", "end_y", "end_yaw"]


def test_samples_tell_which_mixtures_they_have_and_what_those_are_short_of(samples: Path, tmp_path: Path) -> None:
    assert "mixtures" not in look(samples).to_json()["tables"], "they need kinds that are not there"
    tasks = ("obj_det", "obj_loc", "act_pred", "fut_pred")
    build(BuildConfig(demos=DEMOS, out=tmp_path / "all", auxiliary=tasks, workers=1))
    described = look(tmp_path / "all").to_json()
    actions = described["facts"]["actions"]
    assert described["tables"]["mixtures"] == [
        {"mixture": name, "samples": 5 * actions, "short_of": None} for name in ("A", "B")
    ]


def test_samples_show_one_conversation_of_every_kind_and_what_is_learned(samples: Path) -> None:
    shown = look(samples).examples
    assert [example.title.split(":")[0] for example in shown] == ["llara", "obj_det"]
    for example in shown:
        assert example.lines[-1].role == "assistant"
        assert [line.learn for line in example.lines] == [line.role == "assistant" for line in example.lines]


def test_a_build_that_was_interrupted_says_how_to_go_on(samples: Path, tmp_path: Path) -> None:
    write_json(tmp_path / "plan.json", json.loads((samples / "plan.json").read_text()))
    found = look(tmp_path)
    assert not found.whole
    assert "run the same build again" in str(dict(found.facts)["state"])


def test_a_checkpoint_is_described_by_its_card_and_its_last_metrics(tmp_path: Path) -> None:
    card = {
        "name": "mine",
        "recipe": {"name": "llara", "options": {"past": 2}},
        "robot": {"name": "vima"},
        "backbone": "hf",
        "base": {"model": "llava-1.5-7b", "path": "models/llava", "fingerprint": "f"},
        "steps": 20,
        "adapter": True,
        "training": {"lr": 2e-5, "samples": ["samples"]},
        "versions": {"torch": "2.7"},
    }
    write_json(tmp_path / "card.json", card)
    for step, loss in ((10, 2.0), (20, 1.0)):
        append_jsonl(tmp_path / "metrics.jsonl", {"step": step, "name": "loss", "value": loss})
    found = look(tmp_path)
    facts = dict(found.facts)
    assert (found.kind, found.name, found.whole) == ("checkpoint", "mine", True)
    assert (facts["recipe"], facts["base"], facts["robot"]) == ("llara:past=2", "llava-1.5-7b", "vima")
    assert (facts["last loss"], facts["last step logged"], facts["adapter"]) == (1.0, 20, True)
    assert [table.title for table in found.tables] == ["training", "versions"]


def test_a_training_that_is_not_finished_says_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / ".state").mkdir()
    append_jsonl(tmp_path / "metrics.jsonl", {"step": 10, "name": "loss", "value": 2.0})
    found = look(tmp_path)
    assert (found.kind, found.whole, found.name) == ("checkpoint", False, tmp_path.name)
    assert dict(found.facts)["last step logged"] == 10


def test_a_model_is_described_by_its_config_and_the_shapes_of_its_weights(tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", {"architectures": ["QuadrupedForActing"], "model_type": "quadruped"})
    save_file({"model.legs.weight": np.ones((3, 4), np.float16)}, tmp_path / "model-1.safetensors")
    save_file({"head.weight": np.ones((2, 4), np.float32)}, tmp_path / "model-2.safetensors")
    told = look(tmp_path).to_json()
    assert told["kind"] == "model"
    assert told["whole"]
    assert told["facts"]["class"] == "QuadrupedForActing"
    assert told["facts"]["parameters"] == 20
    assert told["facts"]["dtype"] == "F16, F32"
    assert [(row["part"], row["count"]) for row in told["tables"]["parameters"]] == [("head", 8), ("legs", 12)]


def test_a_model_that_lacks_a_shard_is_not_whole(tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", {"model_type": "quadruped"})
    assert dict(look(tmp_path).facts)["state"] == "no weights in safetensors"
    save_file({"legs": np.ones(3)}, tmp_path / "model-1.safetensors")
    index = {"legs": "model-1.safetensors", "head": "model-2.safetensors"}
    write_json(tmp_path / "model.safetensors.index.json", {"weight_map": index})
    found = look(tmp_path)
    assert not found.whole
    assert dict(found.facts)["state"] == "model-2.safetensors is missing"


def test_refuses_weights_that_are_none(tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", {"model_type": "quadruped"})
    (tmp_path / "model.safetensors").write_bytes(b"version https://git-lfs")
    with pytest.raises(DataError, match=r"model\.safetensors: not a file of weights.*downloaded whole"):
        look(tmp_path)


def test_what_comes_with_instar_is_found_by_its_name() -> None:
    assert look("larva").kind == "model"
    assert look("imago").kind == "checkpoint"


def test_a_run_is_described_by_its_success(tmp_path: Path) -> None:
    found = look(run(tmp_path / "a", records(solved=7), planned=12))
    facts = dict(found.facts)
    assert (found.kind, found.name, found.whole) == ("run", "a", False)
    assert (facts["episodes played"], facts["episodes planned"]) == (10, 12)
    assert facts["success"] == pytest.approx(0.7)
    assert facts["success low"] == pytest.approx(0.3968, abs=1e-4)
    assert found.tables[0].rows[0][:3] == ("placement/rotate", 7, 10)
    assert ("timeout", 3) in found.tables[1].rows


def test_demonstrations_are_described_by_their_first_episode() -> None:
    found = look(DEMOS)
    facts = dict(found.facts)
    assert (found.kind, facts["episodes"], facts["robot"]) == ("demos", 2, "vima")
    assert facts["cameras"] == "front 256 x 128, top 256 x 128"
    assert len(found.tables[1].rows) == facts["its actions"]


def test_collected_demonstrations_tell_where_they_come_from(tmp_path: Path) -> None:
    collect_demos(CollectConfig(DEMOS, tmp_path / "demos"))
    found = look(tmp_path / "demos")
    facts = dict(found.facts)
    assert (found.kind, found.name, found.whole, facts["episodes"]) == ("demos", "demos", True, 2)
    assert str(facts["collected from"]).startswith("tabletop")
    (tmp_path / "demos" / "manifest.json").unlink()
    assert not look(tmp_path / "demos").whole


def test_exported_demonstrations_tell_where_they_come_from(tmp_path: Path) -> None:
    export(RldsConfig(DEMOS, tmp_path / "demos", slots="names", workers=1))
    found = look(tmp_path / "demos")
    facts = dict(found.facts)
    assert (found.kind, found.name, found.whole, facts["episodes"]) == ("demos", "demos", True, 2)
    assert str(facts["exported from"]).startswith("tabletop")


def test_every_description_is_json(samples: Path, tmp_path: Path) -> None:
    write_json(tmp_path / "taught" / "card.json", {"name": "taught"})
    for what in (samples, tmp_path / "taught", run(tmp_path / "a", records(solved=1)), DEMOS):
        found = look(what)
        told = json.loads(json.dumps(found.to_json(), allow_nan=False))
        assert (told["kind"], told["whole"]) == (found.kind, True)
        assert len(told["facts"]) == len(found.facts)
        assert len(told["tables"]) == len(found.tables)
        assert not [name for name in told["facts"] if " " in name]


def test_tables_in_json_are_rows_by_name(tmp_path: Path) -> None:
    told = look(run(tmp_path / "a", records(solved=7))).to_json()
    [row] = told["tables"]["success_by_task"]
    assert row["task"] == "placement/rotate"
    assert np.isclose(row["success"], 0.7)


def test_says_what_to_type_where_nothing_of_ours_is_found(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no samples, checkpoint or run .* vima:"):
        look(tmp_path)
    with pytest.raises(DataError, match=r"no such folder.* vima:nowhere/data\.zip"):
        look("nowhere/data.zip")
    with pytest.raises(PluginError, match="did you mean 'vima'"):
        look("vimaa:data.zip")


def test_refuses_damaged_papers(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text("[1]")
    with pytest.raises(DataError, match="not the card"):
        look(tmp_path)
    write_json(tmp_path / "card.json", {"name": "x"})
    append_jsonl(tmp_path / "metrics.jsonl", {"step": 10})
    with pytest.raises(DataError, match="without step, name and value"):
        look(tmp_path)
