"""Samples, read back: what was written, by number and by kind, and never a damaged byte."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from instar import engines, plugins
from instar.build import BuildConfig, build
from instar.building.rows import Tools, rows_of
from instar.errors import ConfigError, DataError
from instar.samples import Samples
from instar.shards import ROWS_PER_GROUP, Row
from tests.vima_layout import write_vima

TASKS = ("obj_det", "obj_loc")


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve episodes, more rows than one group holds."""
    return write_vima(tmp_path_factory.mktemp("demos") / "vima", episodes=12)


@pytest.fixture(scope="module")
def folder(demos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their samples in two shards."""
    out = tmp_path_factory.mktemp("samples") / "samples"
    build(BuildConfig(demos=f"vima:{demos}", out=out, auxiliary=TASKS, episodes_per_shard=7, workers=1))
    return out


@pytest.fixture
def samples(folder: Path) -> Samples:
    """The same, opened."""
    return Samples.open(folder)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """The same in a place where it may be damaged."""
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.fixture(scope="module")
def rows(demos: Path) -> list[Row]:
    """What should have been written, straight from the demonstrations."""
    source = plugins.make("demos", f"vima:{demos}")
    auxiliary = {name: plugins.make("auxiliary", name) for name in TASKS}
    tools = Tools(source, "llara", plugins.make("recipes", "llara"), auxiliary)
    return [row for id in source.ids() for row in rows_of(source.episode(id), tools, seed=0)]


def test_every_row_reads_back_as_it_was_written(samples: Samples, rows: list[Row]) -> None:
    assert len(samples) == len(rows) > 2 * ROWS_PER_GROUP
    for number, wrote in enumerate(rows):
        read = samples[number]
        assert read.id == wrote.id
        assert [image.data for image in read.images] == [image.data for image in wrote.images]
        assert np.array_equal(read.actions.reshape(-1), wrote.actions.reshape(-1))
        assert [sample.shows for sample in read.samples] == [sample.shows for sample in wrote.samples]
        assert all(len(sample.shows) == len(read.images) for sample in read.samples)
        assert [(sample.id, sample.kind, sample.weight, sample.conversation.turns) for sample in read.samples] == [
            (sample.id, sample.kind, sample.weight, sample.conversation.turns) for sample in wrote.samples
        ]


def test_knows_which_samples_are_about_references(samples: Samples) -> None:
    views = [samples.sample(number).id.split("/")[3] for number in range(len(samples.index))]
    assert samples.about_references.tolist() == [view.startswith("a_") for view in views]
    assert 0 < samples.about_references.sum() < len(views)


def test_a_row_is_the_same_in_any_order(samples: Samples) -> None:
    in_order = [row.id for row in samples]
    shuffled = np.random.default_rng(0).permutation(len(samples)).tolist()
    assert [samples[number].id for number in shuffled] == [in_order[number] for number in shuffled]


@pytest.mark.parametrize("number", [-1, 1_000_000])
def test_there_is_no_row_outside(samples: Samples, number: int) -> None:
    with pytest.raises(IndexError):
        samples[number]


def test_the_index_finds_every_sample(samples: Samples, rows: list[Row]) -> None:
    expected = [sample.id for row in rows for sample in row.samples]
    assert [samples.sample(number).id for number in range(len(samples.index))] == expected
    assert [samples.index.names[kind] for kind in samples.index.kinds] == [
        sample.kind for row in rows for sample in row.samples
    ]


def test_a_conversation_brings_its_pictures(samples: Samples) -> None:
    conversation = samples.conversation(0)
    assert conversation.images[0].pixels.shape == (128, 256, 3)
    assert [turn.learn for turn in conversation.turns] == [False, True]


def test_every_sample_once_without_weights(samples: Samples) -> None:
    assert samples.indices({}, np.random.default_rng(0)).tolist() == list(range(len(samples.index)))


def test_weights_multiply_and_thin_out_kinds(samples: Samples) -> None:
    chosen = samples.indices({"llara": 2, "obj_det": 0, "obj_loc": 0.5}, np.random.default_rng(0))
    kinds = samples.index.kinds[chosen]
    counts = {name: int((kinds == code).sum()) for code, name in enumerate(samples.index.names)}
    there = samples.manifest.counts
    assert counts["llara"] == 2 * there["llara"]
    assert counts["obj_det"] == 0
    assert abs(counts["obj_loc"] - there["obj_loc"] / 2) < 3 * np.sqrt(there["obj_loc"] / 4), "within three deviations"


@pytest.mark.parametrize(("weights", "words"), [({"obj_dett": 1.0}, "obj_det"), ({"llara": -1.0}, "0 or more")])
def test_weights_that_cannot_work_are_refused(samples: Samples, weights: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        samples.indices(weights, np.random.default_rng(0))


def ids_of(samples: Samples) -> list[str]:
    return [row.id for row in samples]


def test_travels_to_other_processes_light_and_whole(samples: Samples) -> None:
    ids = ids_of(samples)
    assert len(pickle.dumps(samples)) < 10_000, "rows that were read stay here"
    assert list(engines.run("local", ids_of, [samples, samples], 2)) == [ids, ids]


def test_there_is_one_example_of_every_kind(samples: Samples) -> None:
    assert {kind: sample.kind for kind, sample in samples.examples().items()} == {
        kind: kind for kind in ("llara", "obj_det", "obj_loc")
    }
    described = json.loads(json.dumps(samples.describe()))
    assert described["counts"] == samples.manifest.counts
    assert described["examples"]["llara"]["turns"][0]["text"].startswith("<image>")


def flip(path: Path, place: float) -> None:
    """Turn one bit over, as a failing disk does."""
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 4
    path.write_bytes(data)


def test_a_folder_from_before_manifests_had_notes_verifies(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    del manifest["notes"]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    older = Samples.open(copy)
    older.verify()
    assert older.manifest.notes == ()


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_whole_folder_verifies_and_one_flipped_bit_is_found(copy: Path, place: float) -> None:
    Samples.open(copy).verify()
    flip(copy / "views-00001.parquet", place)
    with pytest.raises(DataError, match=r"views-00001\.parquet: damaged"):
        Samples.open(copy).verify()


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5])
def test_one_flipped_bit_in_the_rows_is_found_by_reading(copy: Path, place: float) -> None:
    flip(copy / "views-00000.parquet", place)
    with pytest.raises(DataError, match=r"views-00000\.parquet"):
        list(Samples.open(copy))


def test_an_edited_manifest_is_found_by_verifying(copy: Path) -> None:
    path = copy / "manifest.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 5'))
    with pytest.raises(DataError, match="edited"):
        Samples.open(copy).verify()


def test_an_unfinished_folder_says_how_to_finish_it(copy: Path) -> None:
    (copy / "manifest.json").unlink()
    with pytest.raises(DataError, match="run the same build again"):
        Samples.open(copy)


def test_a_folder_that_never_held_samples_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no samples here"):
        Samples.open(tmp_path / "nowhere")


def test_a_shard_that_is_gone_or_cut_short_is_named(copy: Path) -> None:
    shard = copy / "views-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"views-00001\.parquet: missing or cut short"):
        Samples.open(copy)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"format": 2}', "format 2"),
        ('{"format": 1}', "not the manifest of a samples folder"),
        ("[]", "not the manifest"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(copy: Path, text: str, words: str) -> None:
    (copy / "manifest.json").write_text(text)
    with pytest.raises(DataError, match=words):
        Samples.open(copy)
