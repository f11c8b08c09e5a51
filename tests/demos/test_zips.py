import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instar.demos import zips
from instar.demos.zips import ZipIndex
from instar.errors import DataError

NAMES = st.text(st.characters(exclude_characters="\0\\", exclude_categories=["Cs"]), min_size=1, max_size=20)
FILES = st.dictionaries(NAMES, st.binary(max_size=300), max_size=6)


def packed(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.comment = comment
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@contextmanager
def opened(data: bytes) -> Iterator[ZipIndex]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.zip"
        path.write_bytes(data)
        with closing(ZipIndex(path)) as index:
            yield index


def contents(index: ZipIndex) -> dict[str, bytes]:
    return {member.name: index.read(member) for member in index.members()}


@given(FILES, st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]), st.binary(max_size=40))
def test_reads_what_the_standard_library_wrote(files: dict[str, bytes], method: int, comment: bytes) -> None:
    with opened(packed(files, method, comment)) as index:
        assert contents(index) == files
        for name, data in files.items():
            member = index.find(name)
            assert member is not None
            assert index.read(member) == data
        assert index.find("not there") is None
        assert sorted(index.names("a")) == sorted(name for name in files if name.endswith("a"))


def test_reads_sizes_and_places_beyond_32_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {name: name.encode() * 300 for name in ("a/x", "b/x", "c/x")}
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)  # as if four gigabytes were a hundred bytes
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    data = packed(files)
    assert b"PK\6\6" in data
    with opened(data) as index:
        assert contents(index) == files
        assert list(index.names("/x")) == list(files)


@given(st.data())
def test_a_flipped_byte_gives_the_right_bytes_or_a_data_error(data: st.DataObject) -> None:
    files = {"a/x": b"apple" * 9, "b/x": b"pear" * 20}
    whole = bytearray(packed(files))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert read_or_refused(bytes(whole)) <= set(files.values())


@given(st.data())
def test_a_zip_cut_anywhere_is_refused(data: st.DataObject) -> None:
    whole = packed({"a/x": b"apple" * 9, "b/x": b"pear" * 20})
    with pytest.raises(DataError, match=r"not a whole zip file .*; was the download cut short"):
        opened(whole[: data.draw(st.integers(0, len(whole) - 1))]).__enter__()


def read_or_refused(data: bytes) -> set[bytes]:
    """What the members hold that can be read."""
    found = set()
    try:
        with opened(data) as index:
            for member in index.members():
                found.add(index.read(member))
    except DataError:
        return found
    return found


@given(st.binary(max_size=200))
def test_noise_is_no_zip(noise: bytes) -> None:
    assert read_or_refused(noise) == set()
    assert read_or_refused(packed({})[:4] + noise + packed({})) == set()


def test_a_member_with_a_long_name_and_extra_field_is_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        about = zipfile.ZipInfo("far/" * 200 + "x")
        about.extra = b"zz" + (400).to_bytes(2, "little") + bytes(400)
        archive.writestr(about, b"apple" * 99)
        archive.writestr("next", b"pear")
    with opened(buffer.getvalue()) as index:
        assert list(contents(index).values()) == [b"apple" * 99, b"pear"]


@pytest.mark.parametrize("told", [10, 2_000_000])
@pytest.mark.parametrize("limit", [1 << 30, 1 << 10], ids=["unpacked at once", "unpacked with care"])
def test_a_member_that_lies_about_its_size_is_refused(told: int, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = packed({"a": b"x" * 1_000})
    lied = data.replace((1_000).to_bytes(4, "little"), told.to_bytes(4, "little"))
    assert lied != data
    with opened(lied) as index:
        member = index.find("a")
        assert member is not None
        assert member.size == told
        monkeypatch.setattr(zips, "LIMIT", max(limit, told))
        with pytest.raises(DataError, match=r"a is damaged: its bytes do not give the recorded checksum"):
            index.read(member)
