"""Mixtures: LLaRA's rule, drawn alike however the samples were built, and nothing missing without a word."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instar.build import BuildConfig, build
from instar.errors import ConfigError, DataError
from instar.mixture import NAMED, Draw, Mixture, Share, draw
from instar.samples import Samples
from tests.exchange.folders import SIX, toy_samples
from tests.vima_layout import write_vima

ACTIONS = 3 * (1 + 2 + 3)  # of nine episodes of three tasks


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine episodes of three tasks."""
    return write_vima(tmp_path_factory.mktemp("demos") / "vima", episodes=9)


@pytest.fixture(scope="module")
def samples(demos: Path, tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """All that is said about them."""
    return built(demos, tmp_path_factory.mktemp("samples") / "samples")


def built(demos: Path, out: Path, *, episodes_per_shard: int = 32, workers: int = 1) -> Samples:
    every = ("all",)
    build(BuildConfig(f"vima:{demos}", out, auxiliary=every, workers=workers, episodes_per_shard=episodes_per_shard))
    return Samples.open(out)


def drawn(text: str, *folders: Samples, seed: int = 0) -> Draw:
    return draw(Mixture.parse(text), folders, seed)


def kinds(samples: Samples, found: Draw) -> Counter[str]:
    return Counter(samples.sample(number).kind for part in found.parts for number in part.numbers.tolist())


def ids(samples: Samples, found: Draw) -> list[list[str]]:
    numbers = (found.main, *(part.numbers for part in found.parts))
    return [[samples.sample(number).id for number in part.tolist()] for part in numbers]


def test_names_are_those_of_llara() -> None:
    assert [share.name for share in Mixture.parse("B").shares] == ["obj_det", "obj_loc", "act_pred", "fut_pred"]
    assert [share.name for share in Mixture.parse("D").shares] == list(SIX)
    limited = [share.kind for share in Mixture.parse("C").shares if not share.references]
    assert limited == ["obj_det", "obj_loc", "spa_rel"]
    assert Mixture.parse("A").shares == Mixture.parse("C").shares[:4]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("B*0.5", "obj_det=0.5,obj_loc=0.5,act_pred=0.5,fut_pred=0.5"),
        ("obj_det=1, spa_rel=0.25", "obj_det=1,spa_rel=0.25"),
        ("limited_obj_det=2", "limited_obj_det=2"),
        ("A,tmp_rel=0", "limited_obj_det=1,limited_obj_loc=1,act_pred=1,fut_pred=1,tmp_rel=0"),
    ],
)
def test_reads_names_and_ratios(text: str, told: str) -> None:
    assert str(Mixture.parse(text)) == told


@given(
    st.lists(st.tuples(st.sampled_from(SIX), st.floats(0, 1e3), st.booleans()), min_size=1, unique_by=lambda t: t[0])
)
def test_what_is_written_is_read_back(shares: list[tuple[str, float, bool]]) -> None:
    mixture = Mixture(tuple(Share(kind, ratio, references=references) for kind, ratio, references in shares))
    assert Mixture.parse(str(mixture)) == mixture


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("E", r"'E' is neither one of A, B, C, D nor of the form kind=ratio"),
        ("", r"'' is neither"),
        ("B*many", r"the ratio 'many' should be a number, 0 or more"),
        ("obj_det=-1", r"the ratio '-1'"),
        ("obj_det=nan", r"the ratio 'nan'"),
        ("obj_det=1e300", r"the ratio '1e300' should be a number, 0 or more, and at most 1,000,000"),
        ("B=0.5", r"B is a mixture, not a kind; write B\*0.5"),
        ("B,obj_det=1", r"obj_det is in it twice"),
        ("obj_det=1,limited_obj_det=1", r"obj_det is in it twice"),
    ],
)
def test_refuses_what_is_no_mixture(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Mixture.parse(text)


@pytest.mark.parametrize("name", NAMED)
def test_a_named_mixture_has_as_many_of_each_kind_as_there_are_actions(samples: Samples, name: str) -> None:
    found = drawn(name, samples)
    assert {samples.sample(number).kind for number in found.main.tolist()} == {"llara"}
    assert len(found.main) == ACTIONS
    assert kinds(samples, found) == dict.fromkeys((share.kind for share in Mixture.parse(name).shares), ACTIONS)
    assert len(found) == found.chosen.sum() == ACTIONS * (1 + len(NAMED[name]))
    assert found.shortages == ()


def test_limited_kinds_are_about_frames_only(samples: Samples) -> None:
    whole, limited = (drawn(f"{name}obj_loc=1000", samples).parts[0].numbers for name in ("", "limited_"))
    views = [[samples.sample(number).id.split("/")[3] for number in part.tolist()] for part in (whole, limited)]
    assert any(view.startswith("a_") for view in views[0])
    assert sorted(views[1]) == sorted(view for view in views[0] if not view.startswith("a_"))


def test_a_ratio_is_cut_down_to_whole_samples(samples: Samples) -> None:
    found = drawn("obj_det=0.3,obj_loc=0", samples)
    assert [part.wanted for part in found.parts] == [int(ACTIONS * 0.3), 0] == [5, 0]
    assert kinds(samples, found) == {"obj_det": 5}


def test_what_there_is_too_little_of_is_told(samples: Samples) -> None:
    found = drawn("act_pred=2,obj_det=1", samples)
    assert kinds(samples, found) == {"act_pred": ACTIONS, "obj_det": ACTIONS}
    assert found.shortages == ("the mixture wants 36 samples of act_pred (ratio 2), there are 18: all of them are in",)


def test_the_draw_is_the_same_however_the_samples_were_built(demos: Path, samples: Samples, tmp_path: Path) -> None:
    other = built(demos, tmp_path / "other", episodes_per_shard=2, workers=2)
    assert len(other.manifest.shards) == 5
    assert len(samples.manifest.shards) == 1
    for seed in range(3):
        assert ids(other, drawn("C", other, seed=seed)) == ids(samples, drawn("C", samples, seed=seed))


def test_another_seed_draws_others(samples: Samples) -> None:
    first, second = (drawn("B", samples, seed=seed) for seed in (0, 1))
    assert ids(samples, first)[0] == ids(samples, second)[0]
    assert all(one != other for one, other in zip(ids(samples, first)[1:3], ids(samples, second)[1:3], strict=True))


def test_a_kind_is_drawn_alike_in_every_mixture(samples: Samples) -> None:
    assert ids(samples, drawn("D", samples))[:5] == ids(samples, drawn("B", samples))
    half, whole = ids(samples, drawn("spa_rel=0.5", samples))[1], ids(samples, drawn("spa_rel=1", samples))[1]
    assert whole[: len(half)] == half


def test_several_folders_are_one(samples: Samples, tmp_path: Path) -> None:
    toys = toy_samples(tmp_path / "toys")
    found = drawn("act_pred=1", toys, samples)
    assert len(found.main) == 2 + ACTIONS
    assert len(found.parts[0].numbers) == 2 + ACTIONS
    assert found.total == len(toys.index) + len(samples.index)


@pytest.mark.parametrize(
    ("text", "auxiliary", "told"),
    [
        ("obj_dex=1", SIX, r"there are no samples of obj_dex; auxiliary kinds here: act_pred, fut_pred"),
        ("B", ("obj_det",), r"there are no samples of obj_loc; auxiliary kinds here: obj_det"),
        ("llara=0.5", SIX, r"llara is the main kind, of which all samples are in"),
    ],
)
def test_refuses_kinds_that_are_not_there(text: str, auxiliary: Sequence[str], told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told):
        drawn(text, toy_samples(tmp_path, auxiliary=auxiliary))


def test_a_folder_from_before_pictures_had_names_is_refused_where_they_matter(tmp_path: Path) -> None:
    old = toy_samples(tmp_path)
    without_names(tmp_path / "toys.parquet")
    assert len(drawn("B", old)) == 5 * 2
    with pytest.raises(DataError, match="build it again"):
        drawn("A", Samples(tmp_path, old.manifest))


def without_names(shard: Path) -> None:
    """Take out of a shard what the first shards did not have."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(shard)
    records = table.to_pylist()
    for record in records:
        for said in record["conversations"]:
            del said["shows"]
    field = table.schema.field("conversations")
    fields = [item for item in field.type.value_type if item.name != "shows"]
    schema = table.schema.set(
        table.schema.get_field_index("conversations"), pa.field(field.name, pa.list_(pa.struct(fields)))
    )
    pq.write_table(pa.Table.from_pylist(records, schema=schema), shard, row_group_size=16)
