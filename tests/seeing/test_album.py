"""Pictures gathered from demonstrations into a folder."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from instar import plugins
from instar.demo import DemoSource
from instar.errors import DataError
from instar.files import write_json
from instar.plugins import Choice
from instar.seeing.album import Album, Wanted, collect, gather
from instar.seeing.detect import KINDS, Labelled, labelled

DEMOS = Choice("tabletop", {"tasks": ["rotate", "rearrange", "visual_manipulation"], "episodes": 12})
SOURCE: DemoSource = plugins.make("demos", DEMOS)
WANTED = Wanted(DEMOS, tuple(SOURCE.ids()), "front", KINDS)


def facts(look: Labelled) -> tuple[object, ...]:
    return (look.episode, look.key, look.kind, look.image.digest, look.truth)


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Album:
    return collect(tmp_path_factory.mktemp("album"), WANTED)


def test_an_album_holds_every_picture_in_the_order_of_the_demonstrations(album: Album) -> None:
    expected = [facts(look) for id in SOURCE.ids() for look in labelled(SOURCE.episode(id), "front")]
    assert [facts(album[k]) for k in range(len(album))] == expected
    assert album.episodes() == 12
    assert album.left_out == 0


def test_names_come_apart_into_texture_and_shape(album: Album) -> None:
    truth = {(thing.name, thing.shape) for k in range(len(album)) for thing in album[k].truth}
    assert {(f"{texture} {shape}".strip(), shape) for texture, shape in album.names()} == truth
    assert all(texture and shape for texture, shape in album.names())


def test_an_album_that_is_there_is_opened_as_it_is(album: Album) -> None:
    before = (album.folder / "pictures.bin").stat()
    again = collect(album.folder, WANTED)
    assert again.rows == album.rows
    assert (album.folder / "pictures.bin").stat() == before


def test_workers_gather_the_same_in_the_same_order() -> None:
    alone = [facts(look) for found in gather(WANTED) for look in found.pictures]
    together = [facts(look) for found in gather(WANTED, workers=2) for look in found.pictures]
    assert alone == together


def test_only_the_wanted_kinds_are_gathered(tmp_path: Path) -> None:
    some = collect(tmp_path, replace(WANTED, kinds=("object",)))
    assert {some[k].kind for k in range(len(some))} == {"object"}


def test_an_episode_that_cannot_be_read_is_left_out_and_counted(tmp_path: Path) -> None:
    some = collect(tmp_path, replace(WANTED, ids=("tabletop/placement/rotate/999999", *WANTED.ids[:2])))
    assert some.left_out == 1
    assert some.episodes() == 2


def test_no_picture_at_all_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"no picture of kind frame, object, scene by camera 'side'.*has no camera 'side'"
    ):
        collect(tmp_path, replace(WANTED, camera="side"))
    assert list(tmp_path.iterdir()) == []


def test_an_album_that_lost_rows_is_refused(tmp_path: Path) -> None:
    some = collect(tmp_path, replace(WANTED, ids=WANTED.ids[:2]))
    rows = (tmp_path / "pictures.jsonl").read_text().splitlines(keepends=True)
    assert len(rows) == len(some) == json.loads((tmp_path / "manifest.json").read_text())["pictures"]
    (tmp_path / "pictures.jsonl").write_text("".join(rows[:-1]))
    with pytest.raises(DataError, match="gather again"):
        Album.open(tmp_path)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "manifest.json", {"kind": "samples"})
    with pytest.raises(DataError, match="holds no pictures gathered from demonstrations"):
        Album.open(tmp_path)
