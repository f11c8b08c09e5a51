"""What a text goes on with if it goes on as before."""

import pytest

from instar.foresight import Foresight


@pytest.mark.parametrize(
    ("heard", "draft", "next_word"),
    [
        ([1, 2, 3, 4, 1, 2], [], 3),
        ([1, 2, 3, 4, 1], [2], 3),
        ([1, 2, 3, 4, 1, 2], [3], 4),
        ([1, 2, 3, 4, 1, 2], [7], None),  # never heard
        ([1, 2, 3, 1, 2, 4, 1, 2], [], None),  # went on in two ways
        ([0, 1, 2, 3, 5, 1, 2, 4, 0, 1, 2], [], 3),  # which a third word tells apart
        ([1], [], None),
        ([], [], None),
    ],
)
def test_words_are_followed_by_what_followed_them_every_time(
    heard: list[int], draft: list[int], next_word: int | None
) -> None:
    assert Foresight(heard).next(draft) == next_word


def test_a_guess_changes_nothing() -> None:
    foresight = Foresight([1, 2, 3, 1, 2])
    assert foresight.next([3, 1, 2]) == foresight.next([]) == 3
