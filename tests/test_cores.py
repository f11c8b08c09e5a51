"""Cores left to simulators."""

from collections.abc import Iterator

import pytest
import torch

from instar.cores import available, spared


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
def test_torch_computes_with_the_cores_that_are_left_and_then_with_all_again() -> None:
    torch.set_num_threads(available() + 3)
    with spared(0):
        assert torch.get_num_threads() == available()
    with spared(1):
        assert torch.get_num_threads() == max(1, available() - 1)
    with spared(1000):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == available() + 3


@pytest.mark.usefixtures("threads")
def test_who_asked_for_fewer_threads_keeps_them() -> None:
    torch.set_num_threads(1)
    with spared(0):
        assert torch.get_num_threads() == 1


@pytest.mark.usefixtures("threads")
def test_all_cores_come_back_after_an_error() -> None:
    torch.set_num_threads(2)
    with pytest.raises(ZeroDivisionError), spared(1000):
        raise ZeroDivisionError
    assert torch.get_num_threads() == 2
