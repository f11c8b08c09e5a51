import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from instar.demos.archive import Archive
from instar.errors import DataError
from tests.vima_layout import write_files

FILES = {f"deep/{name}/mark": name.encode() * 500 for name in ("a", "b", "c")} | {"deep/a/in/side": b"x"}


@pytest.fixture(params=["folder", "deflated", "stored"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    path = tmp_path / request.param
    if request.param == "stored":
        with zipfile.ZipFile(path, "w") as stored:
            for name, data in FILES.items():
                stored.writestr(name, data)
    else:
        write_files(path, FILES, zipped=request.param == "deflated")
    return Archive(path)


def test_lists_and_reads_the_same_from_a_folder_and_a_zip(archive: Archive) -> None:
    assert sorted(archive.folders("mark")) == ["deep/a", "deep/b", "deep/c"]
    assert archive.missing("deep/a", ["in/side", "in", "mark", "no"]) == ["in", "no"]
    assert {name: archive.read(name) for name in FILES} == FILES


def test_a_file_that_is_absent_is_named(archive: Archive) -> None:
    with pytest.raises(DataError, match=r"deep/d/mark"):
        archive.read("deep/d/mark")


def test_hidden_folders_and_what_lies_below_a_found_one_are_not_listed(tmp_path: Path) -> None:
    write_files(tmp_path, {".partial/a/mark": b"", "a/mark": b"", "a/b/mark": b""}, zipped=False)
    assert Archive(tmp_path).folders("mark") == ["a"]


def test_the_fingerprint_looks_at_the_chosen_folders_only(archive: Archive, tmp_path: Path) -> None:
    before = archive.fingerprint(["deep/a"])
    assert before != archive.fingerprint(["deep/a", "deep/b"])
    other = Archive(tmp_path / "other")
    write_files(other.path, FILES | {"deep/b/mark": b"new"}, zipped=True)
    assert (other.fingerprint(["deep/a"]) == before) == archive.path.is_file()


def test_threads_share_a_zip(tmp_path: Path) -> None:
    write_files(tmp_path / "x.zip", FILES, zipped=True)
    archive = Archive(tmp_path / "x.zip")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(archive.read, list(FILES) * 50)) == list(FILES.values()) * 50


def test_a_zip_cut_short_is_said_to_be(tmp_path: Path) -> None:
    write_files(tmp_path / "x.zip", FILES, zipped=True)
    (tmp_path / "x.zip").write_bytes((tmp_path / "x.zip").read_bytes()[:-10])
    with pytest.raises(DataError, match=r"x\.zip: not a whole zip file .*; was the download cut short"):
        Archive(tmp_path / "x.zip").folders("mark")


@pytest.mark.parametrize("place", ["header", "contents"])
def test_a_damaged_member_is_named_and_the_others_are_whole(tmp_path: Path, place: str) -> None:
    path = tmp_path / "x.zip"
    write_files(path, FILES, zipped=True)
    with zipfile.ZipFile(path) as whole:
        member = whole.getinfo("deep/b/mark")
    data = bytearray(path.read_bytes())
    middle = member.header_offset + 30 + len(member.filename) + member.compress_size // 2
    data[middle if place == "contents" else member.header_offset] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"deep/b/mark is damaged"):
        Archive(path).read("deep/b/mark")
    assert Archive(path).read("deep/c/mark") == FILES["deep/c/mark"]


def test_a_member_packed_in_another_way_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "lzma.zip", "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("a/mark", b"x" * 100)
    with pytest.raises(DataError, match=r"a/mark is encrypted or packed in a way other than deflate"):
        Archive(tmp_path / "lzma.zip").read("a/mark")


def test_a_zip_that_is_replaced_is_opened_again(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "x.zip")
    write_files(archive.path, {"a/mark": b"old"}, zipped=True)
    assert archive.read("a/mark") == b"old"
    archive.path.unlink()
    write_files(archive.path, {"b/mark": b"newer"}, zipped=True)
    assert archive.folders("mark") == ["b"]
    assert archive.read("b/mark") == b"newer"
