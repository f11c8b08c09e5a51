"""TFRecord files: what was written is read back, and every kind of damage has its error."""

from pathlib import Path

import pytest

from instar.errors import DataError
from instar.storing.records import Records, masked, write_records

THREE = [b"one", b"", b"three" * 1000]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.tfrecord"
    assert write_records(path, THREE) == [3, 0, 5000]
    return path


def test_a_checksum_is_that_of_the_published_format() -> None:
    # RFC 3720, B.4: the CRC-32C of 32 bytes of zeros is 8a9136aa; turned by 15 bits, and a282ead8 added.
    assert masked(bytes(32)) == ((0x8A9136AA >> 15 | 0x8A9136AA << 17) + 0xA282EAD8) % 2**32


def test_reads_any_record_back(file: Path) -> None:
    records = Records(file)
    assert len(records) == 3
    assert [records.read(index) for index in (2, 0, 1)] == [THREE[2], THREE[0], THREE[1]]


def test_a_changed_byte_is_found_when_its_record_is_read(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[12 + 1] ^= 1
    file.write_bytes(data)
    records = Records(file)
    assert records.read(2) == THREE[2]
    with pytest.raises(DataError, match="record 0 at byte 0 does not fit its checksum"):
        records.read(0)


def test_a_changed_length_is_found_before_anything_is_read(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[0] ^= 1
    file.write_bytes(data)
    with pytest.raises(DataError, match="record 0 at byte 0 does not fit its checksum"):
        len(Records(file))


@pytest.mark.parametrize("left", [5, 14, 30, 60])
def test_a_file_that_was_cut_off_says_where(file: Path, left: int) -> None:
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(DataError, match="ends inside record"):
        len(Records(file))


def test_names_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.tfrecord"):
        len(Records(tmp_path / "gone.tfrecord"))
