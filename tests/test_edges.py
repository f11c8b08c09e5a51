"""Values from outside become our own types or are refused with their place, and come out plain again."""

from dataclasses import dataclass

import pytest

from instar.edges import checked, plain
from instar.errors import ConfigError, DataError


@dataclass(frozen=True)
class Inner:
    size: int


@dataclass(frozen=True)
class Outer:
    name: str
    parts: tuple[Inner, ...] = ()


def test_reads_back_what_it_made_plain() -> None:
    value = Outer("a", (Inner(1), Inner(2)))
    assert plain(value) == {"name": "a", "parts": [{"size": 1}, {"size": 2}]}
    assert checked(Outer, plain(value), "here") == value


def test_a_refusal_says_where_and_why() -> None:
    with pytest.raises(DataError, match=r"^file.json: parts.1.size: Input should be a valid integer"):
        checked(Outer, {"name": "a", "parts": [{"size": 1}, {"size": "many"}]}, "file.json")
    with pytest.raises(ConfigError, match=r"^file.yaml: name: Field required$"):
        checked(Outer, {}, "file.yaml", ConfigError)


def test_what_is_no_mapping_at_all_has_no_place_of_its_own() -> None:
    with pytest.raises(DataError, match=r"^file.json: Input should be a dictionary"):
        checked(Outer, 3, "file.json")
