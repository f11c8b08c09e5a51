"""Names as users choose them: a list or one+another, each once, and what is said of an unknown one."""

import pytest

from instar.errors import ConfigError
from instar.simulators.names import chosen

KNOWN = ("rotate", "rearrange", "twist")


@pytest.mark.parametrize("choice", ["twist+rotate", "twist + rotate+twist", ["twist", "rotate"]])
def test_names_are_chosen_in_their_order_and_each_once(choice: str | list[str]) -> None:
    assert chosen(choice, KNOWN, "task", "the toy") == ("twist", "rotate")


def test_an_unknown_name_and_none_at_all_are_refused_with_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"the toy has no task 'rotat'; did you mean 'rotate'\? There are: rotate,"):
        chosen("rotat", KNOWN, "task", "the toy")
    with pytest.raises(ConfigError, match="no task of the toy is chosen; there are: rotate, rearrange, twist"):
        chosen([], KNOWN, "task", "the toy")
