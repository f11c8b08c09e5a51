"""Exported files: LLaRA's names and layout, entry by entry, and nothing half done or mixed up."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from instar.chat import Sample
from instar.demo import Episode, Step
from instar.errors import ConfigError, DataError
from instar.exchange import export as exporting
from instar.exchange.entries import Style, entry
from instar.exchange.export import ExportConfig, export
from instar.mixture import Mixture, draw
from instar.samples import Samples
from instar.wording import wording
from tests.exchange.folders import SIX, toy_samples
from tests.test_mixture import without_names
from tests.toy import toy_action, toy_episode

KEY = "vima_v6/rearrange/000042"
FRAMES = [f"{KEY}/rgb_front/{t}.png" for t in range(3)]
ASSET = f"{KEY}/rgb_front/a_scene.png"

# What the specification says of its toy episode (sections 3.6 and 4).
BOWL = "<p>blue bowl</p> at <b>(0.699, 0.617), {0.230, 0.305}</b>"
BLOCK = [f"<p>red swirl block</p> at <b>({x}), {{0.090, 0.180}}</b>" for x in ("0.199, 0.711", "0.699, 0.633")]
HEART = [f"<p>green heart</p> at <b>({x}), {{0.074, 0.148}}</b>" for x in ("0.387, 0.461", "0.191, 0.461")]
SCENES = [
    f"<scene>{BOWL}.\n{block}.\n{heart}.</scene>"
    for block, heart in zip((BLOCK[0], BLOCK[1], BLOCK[1]), (HEART[0], HEART[0], HEART[1]), strict=True)
]
MOVES = [
    f"Pick up the <p>{name}</p> at <b>({start})</b>, rotate <r>[{turn}]</r> degrees, and drop it at <b>({end})</b>."
    for name, start, turn, end in (
        ("red swirl block", "0.203, 0.719", 30, "0.703, 0.641"),
        ("green heart", "0.391, 0.469", -90, "0.195, 0.469"),
    )
]
PLACE = (
    "<p>blue bowl</p> is right and top from <p>red swirl block</p> with 2d center distance (x,y) of "
    "<d>(0.500, -0.094)</d> and euclidean center distance of <e>0.509</e>."
)
CHANGE = (
    "<p>red swirl block</p> moves closer to <p>blue bowl</p>. 2d center distance (x,y) of <p>blue bowl</p> from "
    "<p>red swirl block</p> changes by <d>(-0.500, 0.078)</d> and Euclidean center distance between them "
    "<e>-0.493</e>.\n"
)
PAST = "\nYou have finished: Step 1: " + MOVES[0].replace("<p>red swirl block</p>", "object")


def toy() -> Episode:
    """The toy episode with its actions in the middle of pixels, where cutting down to whole ones is sure."""
    moves = (toy_action((52.5, 92.5), (180.5, 82.5), -30.4), toy_action((100.5, 60.5), (50.5, 60.5), 90.6), None)
    before = toy_episode()
    return replace(before, steps=[Step(step.observation, move) for step, move in zip(before.steps, moves, strict=True)])


def exported(folder: Path, recipe: str = "llara:compat=true", *tasks: str, **options: Any) -> dict[str, Any]:
    """Every JSON file that is made of the toy episode, by name."""
    toy_samples(folder / "samples", [toy()], recipe=recipe, auxiliary=tasks)
    summary = export(ExportConfig(folder / "samples", folder / "out", **options))
    return {name: json.loads((folder / "out" / name).read_text()) for name in summary.files}


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One file per kind of all auxiliary kinds, as LLaRA would have made them but for the wording."""
    return exported(tmp_path_factory.mktemp("six"), "llara:compat=true", *(f"{name}:compat=true" for name in SIX))


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ("", "D-inBC-text-multi"),
        (",describe=false", "inBC-text-multi"),
        (",multi=false,visual=true", "D-inBC-visual-single"),
        (",actions=bins", "D-RT2-text-multi"),
        (",actions=image-bins,describe=false", "I-RT2-text-multi"),
        (",actions=image-bins", "I-D-RT2-text-multi"),
    ],
)
def test_files_are_called_as_llara_s(options: str, name: str, tmp_path: Path) -> None:
    (only,) = exported(tmp_path, f"llara:compat=true{options}", split="train-8k")
    assert only == f"{name}-train-8k-front.json"


def test_acting_has_llara_s_layout(six: dict[str, Any]) -> None:
    form = wording("").format["suction"]
    assert [list(entry) for entry in six["D-inBC-text-multi-train-front.json"]] == [
        ["image", "conversations", "id"]
    ] * 2
    assert six["D-inBC-text-multi-train-front.json"] == [
        {
            "image": [FRAMES[0]],
            "conversations": [
                {"from": "human", "value": f"<image0>\n<task>Rearrange to this {SCENES[2]}.</task>\n{form}"},
                {"from": "gpt", "value": f"Step 1: {MOVES[0]}\nStep 2: {MOVES[1]}"},
            ],
            "id": f"{KEY}_0",
        },
        {
            "image": [FRAMES[1]],
            "conversations": [
                {"from": "human", "value": f"<image0>\n<task>Rearrange to this {SCENES[2]}.</task>\n{form}{PAST}"},
                {"from": "gpt", "value": f"Step 2: {MOVES[1]}"},
            ],
            "id": f"{KEY}_1",
        },
    ]


def test_acting_with_pictures_of_references_lists_the_observation_last(tmp_path: Path) -> None:
    (entries,) = exported(tmp_path, "llara:compat=true,visual=true").values()
    assert [entry["image"] for entry in entries] == [[ASSET, FRAMES[0]], [ASSET, FRAMES[1]]]
    asked = entries[0]["conversations"][0]["value"]
    assert asked.startswith(f"<image1>\n<task>Rearrange to this <image0>{SCENES[2]}.</task>\n")


def test_acting_in_characters_has_llara_s_layout(tmp_path: Path) -> None:
    (entries,) = exported(tmp_path, "llara:compat=true,actions=image-bins").values()
    assert [turn["value"] for entry in entries for turn in entry["conversations"]] == [
        f"<image0>\n<task>Rearrange to this {SCENES[2]}.</task>\n",
        "Step 1: 氏码園朝ച\nStep 2: 更初得初否",
        f"<image0>\n<task>Rearrange to this {SCENES[2]}.</task>\n\nYou have finished: Step 1: 氏码園朝ച",
        "Step 2: 更初得初否",
    ]


@pytest.mark.parametrize(
    ("kind", "pictures"),
    [
        ("obj_det", [*FRAMES, ASSET]),
        ("obj_loc", [name for name in (*FRAMES, ASSET) for _ in range(3)]),
        ("act_pred", FRAMES[:2]),
        ("fut_pred", FRAMES[:2]),
        ("spa_rel", [name for name in (*FRAMES, ASSET) for _ in range(6)]),
        ("tmp_rel", [name for name in FRAMES[:2] for _ in range(6)]),
    ],
)
def test_seeing_has_llara_s_layout(six: dict[str, Any], kind: str, pictures: list[str]) -> None:
    entries = six[f"aux-{kind}-train-front.json"]
    assert [list(entry) for entry in entries] == [["id", "image", "conversations"]] * len(entries)
    assert [entry["image"] for entry in entries] == [[name] for name in pictures]
    assert [entry["id"] for entry in entries] == [f"{kind}/{name}" for name in pictures]
    for told in entries:
        assert [turn["from"] for turn in told["conversations"]] == ["human", "gpt"]
        assert told["conversations"][0]["value"].startswith("<image>/n" if kind == "tmp_rel" else "<image>\n")


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        ("obj_det", [*SCENES, SCENES[2]]),
        ("obj_loc", [f"{line}." for line in (BOWL, BLOCK[0], HEART[0], BOWL, BLOCK[1], HEART[0])]),
        ("act_pred", MOVES),
        ("fut_pred", SCENES[1:]),
        ("spa_rel", [PLACE]),
        ("tmp_rel", [CHANGE]),
    ],
)
def test_seeing_has_the_answers_of_the_specification(six: dict[str, Any], kind: str, answers: list[str]) -> None:
    said = [entry["conversations"][1]["value"] for entry in six[f"aux-{kind}-train-front.json"]]
    assert said[: len(answers)] == answers


def test_questions_hold_what_the_specification_puts_into_them(six: dict[str, Any]) -> None:
    asked = {kind: six[f"aux-{kind}-train-front.json"][0]["conversations"][0]["value"] for kind in SIX}
    assert SCENES[1] in asked["act_pred"]
    assert asked["act_pred"].endswith("\n" + wording("").format["suction"])
    assert "p" + MOVES[0].removesuffix(".")[1:] in asked["fut_pred"]
    assert "<p>blue bowl</p>" in asked["obj_loc"]
    assert "<p>blue bowl</p>" in asked["spa_rel"]
    assert SCENES[1] in asked["tmp_rel"]


def test_a_file_is_what_json_would_write_in_ascii(tmp_path: Path) -> None:
    exported(tmp_path, "llara:compat=true,actions=bins")
    data = (tmp_path / "out" / "D-RT2-text-multi-train-front.json").read_bytes()
    assert data == json.dumps(json.loads(data), indent=2).encode()
    assert b"\\u5f97" in data


def test_pictures_are_those_of_the_samples(tmp_path: Path) -> None:
    exported(tmp_path, "llara", *SIX)
    found = {str(path.relative_to(tmp_path / "out/images")) for path in (tmp_path / "out/images").rglob("*.*")}
    assert found == {*FRAMES, ASSET}
    for row in Samples.open(tmp_path / "samples"):
        for sample in row.samples:
            for shown, image in zip(sample.shows, sample.conversation.images, strict=True):
                assert (tmp_path / "out/images" / shown.name).read_bytes() == image.data


def test_a_mixture_is_one_file_in_the_order_of_the_draw(tmp_path: Path) -> None:
    (name, entries), *others = exported(tmp_path, "llara", *SIX, mixture="B*0.5,tmp_rel=3", split="train-0d8k").items()
    aux = "aux-obj_det_aux-obj_loc_aux-act_pred_aux-fut_pred_aux-tmp_rel"
    assert name == f"D-inBC-text-multi_{aux}0.5_0.5_0.5_0.5_3-train-0d8k-front.json"
    assert not others
    samples = Samples.open(tmp_path / "samples")
    drawn = draw(Mixture.parse("B*0.5,tmp_rel=3"), [samples], 0)
    expected = [f"{KEY}_0", f"{KEY}_1"]
    for part in drawn.parts:
        expected += [f"{part.share.kind}/{samples.sample(number).shows[0].name}" for number in part.numbers.tolist()]
    assert [entry["id"] for entry in entries] == expected
    answers = [samples.sample(number).conversation.turns[1].text for number in drawn.parts[-1].numbers.tolist()]
    assert [entry["conversations"][1]["value"] for entry in entries[-6:]] == answers


def test_a_mixture_may_have_its_kinds_beside_it(tmp_path: Path) -> None:
    files = exported(tmp_path, "llara", *SIX, mixture="limited_obj_det=1,act_pred=1", each=True)
    assert {name: len(entries) for name, entries in files.items()} == {
        "D-inBC-text-multi_aux-limited_obj_det_aux-act_pred1_1-train-front.json": 6,
        "D-inBC-text-multi-train-front.json": 2,
        "aux-limited_obj_det-train-front.json": 3,
        "aux-act_pred-train-front.json": 2,
    }


def test_what_a_mixture_lacks_is_told(tmp_path: Path) -> None:
    toy_samples(tmp_path / "samples")
    summary = export(ExportConfig(tmp_path / "samples", tmp_path / "out", mixture="act_pred=2"))
    assert summary.notes == ("the mixture wants 4 samples of act_pred (ratio 2), there are 2: all of them are in",)


def test_what_is_there_is_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_samples(tmp_path / "samples")
    config = ExportConfig(tmp_path / "samples", tmp_path / "out", mixture="B")
    first = export(config)
    monkeypatch.delattr(exporting, "write")
    assert export(replace(config, mixture="B*1.0")).files == first.files


def stops_at_relations(sample: Sample, *, seeing: bool, style: Style) -> dict[str, Any]:
    """Somebody loses patience in the middle."""
    if sample.kind == "spa_rel":
        raise KeyboardInterrupt
    return entry(sample, seeing=seeing, style=style)


def test_an_export_that_was_cut_off_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_samples(tmp_path / "samples")
    config = ExportConfig(tmp_path / "samples", tmp_path / "out", mixture="D")
    with monkeypatch.context() as patch:
        patch.setattr(exporting, "entry", stops_at_relations)
        with pytest.raises(KeyboardInterrupt):
            export(config)
    assert not list((tmp_path / "out").glob("D-*"))
    (name,) = export(config).files
    assert len(json.loads((tmp_path / "out" / name).read_text())) == 7 * 2


def test_a_killed_export_leaves_nothing_behind_once_it_is_done_again(tmp_path: Path) -> None:
    toy_samples(tmp_path / "samples")
    config = ExportConfig(tmp_path / "samples", tmp_path / "out")
    export(config)
    whole = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    picture = next(path for path in whole if path.suffix == ".png")
    for path in (picture, tmp_path / "out/obj_det.json"):
        path.with_name(f".{path.name}.99999999.tmp").write_bytes(b"half")
    picture.unlink()
    record = json.loads((tmp_path / "out/export.json").read_text())
    for known in record["files"].values():
        known["whole"] = False
    (tmp_path / "out/export.json").write_text(json.dumps(record))
    export(config)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == whole


def test_other_samples_never_pass_for_these(tmp_path: Path) -> None:
    toy_samples(tmp_path / "samples", auxiliary=("obj_det",))
    config = ExportConfig(tmp_path / "samples", tmp_path / "out", mixture="obj_det=0.5")
    export(config)
    with pytest.raises(ConfigError, match=r"holds another export \(mixture_seed differ\)"):
        export(replace(config, mixture_seed=1))
    toy_samples(tmp_path / "others", auxiliary=("obj_det", "obj_loc"))
    with pytest.raises(ConfigError, match=r"holds another export \(samples differ\); choose another folder or split"):
        export(replace(config, samples=tmp_path / "others"))
    export(replace(config, samples=tmp_path / "others", split="val"))


def test_refuses_a_folder_that_holds_something_else(tmp_path: Path) -> None:
    toy_samples(tmp_path / "samples", auxiliary=())
    config = ExportConfig(tmp_path / "samples", tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/D-inBC-text-multi-train-front.json").write_text("[]")
    with pytest.raises(ConfigError, match="is there and was not exported by instar"):
        export(config)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file; an export goes into a folder"):
        export(replace(config, out=tmp_path / "file"))
    (tmp_path / "out/export.json").write_text("{}")
    with pytest.raises(DataError, match=r"export.json: not the record of an export"):
        export(config)


def test_refuses_another_picture_of_the_same_name(tmp_path: Path) -> None:
    toy_samples(tmp_path / "samples", auxiliary=())
    place = tmp_path / "out/images" / FRAMES[0]
    place.parent.mkdir(parents=True)
    place.write_bytes(b"something else")
    with pytest.raises(DataError, match=r"0.png: holds another picture than the samples do"):
        export(ExportConfig(tmp_path / "samples", tmp_path / "out"))


def test_refuses_samples_from_before_pictures_had_names(tmp_path: Path) -> None:
    samples = toy_samples(tmp_path / "samples", auxiliary=())
    without_names(tmp_path / "samples/toys.parquet")
    shard = replace(samples.manifest.shards[0], bytes=(tmp_path / "samples/toys.parquet").stat().st_size)
    manifest = replace(samples.manifest, shards=(shard,)).sealed()
    (tmp_path / "samples/manifest.json").write_text(json.dumps(manifest.to_json()))
    assert len(Samples.open(tmp_path / "samples")[0].samples[0].conversation.images) == 1
    with pytest.raises(DataError, match="does not know where its pictures come from; build the samples again"):
        export(ExportConfig(tmp_path / "samples", tmp_path / "out"))


@pytest.mark.parametrize(
    ("options", "told"),
    [({"mixture": "E"}, "'E'"), ({"each": True}, "each needs a mixture"), ({"split": "a/b"}, "it cannot be empty")],
)
def test_refuses_options_that_make_no_sense(options: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told):
        ExportConfig(tmp_path, tmp_path, **options)
