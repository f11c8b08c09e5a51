"""Training: what it refuses, what it leaves behind, and that a killed run ends as if nothing had happened."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from instar.checkpoint import read_card
from instar.errors import ConfigError, DataError
from instar.files import read_json, read_jsonl
from instar.train import Lora, TrainConfig, train
from tests.training.lessons import lessons, mute_row, run_of

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four toy episodes."""
    return lessons(tmp_path_factory.mktemp("samples"))


def _rows(out: Path) -> dict[str, float]:
    rows = {f"{row['step']} {row['name']}": row["value"] for row in read_jsonl(out / "metrics.jsonl")}
    assert len(rows) == len(read_jsonl(out / "metrics.jsonl"))  # no step twice
    return rows


def _losses(out: Path) -> dict[int, float]:
    return {int(name.split()[0]): value for name, value in _rows(out).items() if name.endswith(" loss")}


def _process(
    config: TrainConfig, *arguments: str, launcher: tuple[str, ...] = ()
) -> "subprocess.CompletedProcess[str]":
    """Train in a process of its own, or in those of a launcher."""
    config.out.parent.mkdir(parents=True, exist_ok=True)
    file = config.out.with_suffix(".config.json")
    file.write_text(json.dumps(config.to_json()), encoding="utf-8")
    command = [sys.executable, *launcher, "-m", "tests.training.runner", str(file), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240)


def test_learns_and_tells_how_it_goes(samples: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    config = run_of(samples, tmp_path / "out", steps=12, save_every=100, log_every=3)
    summary = train(config, lambda *progress: told.append(progress))
    losses = _losses(summary.checkpoint)
    assert list(losses) == [3, 6, 9, 12]
    assert losses[12] < losses[3] - 0.2
    assert summary.loss == losses[12]
    assert told == [(step, 12, f"loss {losses[step]:.4f}") for step in (3, 6, 9, 12)]
    assert not (summary.checkpoint / ".state").exists()


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(samples: Path, tmp_path: Path, optimizer: str) -> None:
    options = {"steps": 6, "save_every": 2, "accumulate": 2, "lora": Lora(rank=4, dropout=0.5), "optimizer": optimizer}
    whole = run_of(samples, tmp_path / "whole", **options)
    killed = run_of(samples, tmp_path / "killed", **options)
    train(whole)
    assert _process(killed, "5").returncode == -9
    assert not (killed.out / "card.json").exists()
    assert 5 in _losses(killed.out)  # done, recorded, and after the state of step 4
    summary = train(killed)
    assert summary.resumed == 4
    assert _rows(killed.out) == pytest.approx(_rows(whole.out), rel=1e-6)
    first, second = (load_file(config.out / "adapter_model.safetensors") for config in (whole, killed))
    assert first.keys() == second.keys()
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in first)


def test_two_processes_learn_what_one_learns_with_twice_the_batch(samples: Path, tmp_path: Path) -> None:
    alone = run_of(samples, tmp_path / "alone", batch=4, steps=3)
    shared = run_of(samples, tmp_path / "shared", batch=2, steps=3)
    train(alone)
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    done = _process(shared, launcher=launcher)
    assert done.returncode == 0, done.stderr
    assert _losses(shared.out) == pytest.approx(_losses(alone.out), rel=1e-4)
    assert read_card(shared.out).run["processes"] == 2
    assert sum(name.name == "card.json" for name in shared.out.rglob("*")) == 1
    first, second = (load_file(config.out / "model.safetensors") for config in (alone, shared))
    assert all(torch.allclose(first[name], second[name], atol=1e-4) for name in first)


def test_a_run_that_could_not_write_its_checkpoint_does_not_learn_again(samples: Path, tmp_path: Path) -> None:
    config = run_of(samples, tmp_path / "out", steps=2, save_every=2)
    obstacle = config.out / ".staged"

    def obstruct(done: int, steps: int, note: str) -> None:
        if done == steps:
            obstacle.write_text(note, encoding="utf-8")

    with pytest.raises(DataError, match="File exists"):
        train(config, obstruct)
    assert not (config.out / "card.json").exists()
    obstacle.unlink()
    before = read_jsonl(config.out / "metrics.jsonl")
    assert train(config).resumed == 2
    assert read_jsonl(config.out / "metrics.jsonl") == before
    assert read_card(config.out).steps == 2


def test_a_finished_run_is_not_done_again_and_another_is_refused(samples: Path, tmp_path: Path) -> None:
    config = run_of(samples, tmp_path / "out", steps=0)
    assert not train(config).finished_before
    assert train(config).finished_before
    with pytest.raises(ConfigError, match=r"holds another run: config\.lr: was 0\.001, is 0\.5"):
        train(run_of(samples, tmp_path / "out", steps=0, lr=0.5))
    assert train(run_of(samples, tmp_path / "out", steps=0, log_every=7)).finished_before  # changes nothing that counts


def test_frozen_parts_come_out_as_they_went_in(samples: Path, tmp_path: Path) -> None:
    before = train(run_of(samples, tmp_path / "before", steps=0, freeze=("vision", "language"))).checkpoint
    after = train(run_of(samples, tmp_path / "after", steps=2, freeze=("vision", "language"), warmup=0.0)).checkpoint
    old, new = (load_file(folder / "model.safetensors") for folder in (before, after))
    changed = {name for name in old if not torch.equal(old[name], new[name])}
    assert changed
    assert all("projector" in name for name in changed)
    assert read_json(after / "config.json") == read_json(before / "config.json")  # the Trainer's own settings included


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_recomputing_activations_changes_no_loss(samples: Path, tmp_path: Path, precision: str) -> None:
    usual = train(run_of(samples, tmp_path / "usual", steps=2, precision=precision)).checkpoint
    config = run_of(samples, tmp_path / "less", steps=2, precision=precision, gradient_checkpointing=True)
    assert _losses(train(config).checkpoint) == pytest.approx(_losses(usual), rel=1e-4)
    stored = {tensor.dtype for tensor in load_file(usual / "model.safetensors").values()}
    assert stored == {getattr(torch, precision)}


def test_a_device_of_whatever_kind_there_is_learns_in_bfloat16(samples: Path, tmp_path: Path) -> None:
    config = run_of(samples, tmp_path / "auto", steps=1, precision="bfloat16", device="auto")
    assert (train(config).checkpoint / "card.json").exists()


def test_names_a_sample_that_teaches_nothing(tmp_path: Path) -> None:
    samples = lessons(tmp_path / "samples", episodes=1, extra=[mute_row()])
    with pytest.raises(DataError, match=r"^mute/0/llara: "):
        train(run_of(samples, tmp_path / "out", steps=None, epochs=1.0))


def test_looks_only_at_samples_that_its_steps_will_show(tmp_path: Path) -> None:
    samples = lessons(tmp_path / "samples", episodes=1, extra=[mute_row()])
    assert (
        train(run_of(samples, tmp_path / "out", steps=1)).steps == 1
    )  # this seed's first batch is without the mute one


def test_names_a_bad_sample_that_a_loader_s_process_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("instar.training.data.WORTH", 1)  # else so few samples are encoded without one
    samples = lessons(tmp_path / "samples", episodes=1, extra=[mute_row()])
    with pytest.raises(DataError, match=r"^mute/0/llara: "):
        train(run_of(samples, tmp_path / "out", steps=None, loader_workers=1, check=False))


def test_refuses_long_samples_before_the_first_step_or_leaves_them_out(
    samples: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DataError, match=r"^toy/\d/\d/llara: \d+ tokens are more than max_tokens=300"):
        train(run_of(samples, tmp_path / "out", max_tokens=300))
    assert not (tmp_path / "out" / "metrics.jsonl").exists()
    train(run_of(samples, tmp_path / "short", steps=1, max_tokens=300, drop_long=True))
    assert "samples have more than 300 tokens and are left out" in caplog.text


def test_says_what_it_will_take_before_it_starts(
    samples: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="instar")
    train(run_of(samples, tmp_path / "out", steps=1))
    lines = [record.getMessage() for record in caplog.records if "parameters learn" in record.getMessage()]
    assert len(lines) == 1
    assert "for 1 steps" in lines[0]


def test_a_loss_that_is_no_number_stops_the_run(samples: Path, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"the loss is nan at step \d; lower lr"):
        train(run_of(samples, tmp_path / "out", steps=4, lr=1e30, clip=1e30, warmup=0.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 0}, "batch is 0"),
        ({"steps": -1}, "steps is -1"),
        ({"warmup": 2.0}, "share of the steps"),
        ({"drop_long": True}, "drop_long needs max_tokens"),
        ({"fsdp_config": Path("fsdp.json")}, "fsdp_config needs fsdp"),
        ({"optimizer": "muon", "fsdp": True}, "muon turns whole matrices"),
        ({"deepspeed": Path("zero.json")}, "pip install deepspeed"),
    ],
)
def test_refuses_options_that_cannot_work(options: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        run_of(tmp_path, tmp_path / "out", **options)


@pytest.mark.parametrize("model", ["tiny:demo,layers=1,side=64", "tiny:paligemma,layers=1"])
def test_a_toy_model_of_any_family_is_made_on_the_spot(samples: Path, tmp_path: Path, model: str) -> None:
    out = train(run_of(samples, tmp_path / "out", model=model, steps=1)).checkpoint
    assert read_card(out).base.model == model
    assert "rotation" in (out / "tokenizer.json").read_text(encoding="utf-8")  # a word of the samples


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "nowhere/llava"}, "is no folder"),
        ({"model": "tiny:llava,legs=2"}, "a toy model has the options hidden, layers"),
        ({"model": "tiny:lava"}, "no small model of family 'lava'"),
        ({"freeze": ("vision", "projector", "language")}, "leaves nothing to train"),
        ({"fsdp": True}, "fsdp needs a GPU"),
        ({"weights": {"obj_dex": 1.0}}, "no sample is of kind obj_dex"),
    ],
)
def test_refuses_what_cannot_be_trained(
    samples: Path, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        train(run_of(samples, tmp_path / "out", **options))
