"""Jobs on every engine: all done, none piling up, and every way to fail told by its name."""

import contextlib
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import pytest

from instar import engines
from instar.errors import DataError, InstarError, PluginError


def square(number: int) -> int:
    return number * number


def refuse_three(number: int) -> int:
    if number == 3:
        raise DataError("three is not to be used")
    return number


class StubbornError(Exception):
    """Cannot be made again from its message, as pickle would."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


def stubborn(number: int) -> int:
    raise StubbornError("this", str(number))


def die(number: int) -> int:
    os._exit(number)


def sleep_on_one(number: int) -> int:
    time.sleep(120 if number == 1 else 0)
    return number


class Watched(Sequence[int]):
    """Numbers that remember how many were taken."""

    def __init__(self, count: int) -> None:
        self.taken = 0
        self._numbers = range(count)

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[int]:
        for number in self._numbers:
            self.taken += 1
            yield number

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        return self._numbers[index]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_is_done_once(workers: int) -> None:
    assert sorted(engines.run("local", square, range(20), workers)) == [n * n for n in range(20)]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_keeps_its_type_and_its_words(workers: int) -> None:
    with pytest.raises(DataError, match="three is not to be used"):
        list(engines.run("local", refuse_three, range(6), workers))


def test_an_error_that_cannot_travel_is_told_in_words() -> None:
    with pytest.raises(RuntimeError, match="StubbornError: this and"):
        list(engines.run("local", stubborn, range(4), 2))


def test_a_worker_that_dies_is_named_as_such() -> None:
    with pytest.raises(InstarError, match="a worker process died"):
        list(engines.run("local", die, range(1, 4), 2))


def test_a_script_that_every_worker_would_run_again_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("from instar import engines\nprint(list(engines.run('local', abs, range(-4, 0), 2)))\n")
    told = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=100)
    assert told.returncode == 1
    assert 'below `if __name__ == "__main__":`' in told.stderr


def test_jobs_wait_until_a_worker_comes_free() -> None:
    jobs = Watched(30)
    with contextlib.closing(engines.run("local", square, jobs, 2)) as results:
        for done, _ in enumerate(results, start=1):
            assert jobs.taken - done <= 3, "two at work, one in wait"
    assert jobs.taken == 30


def test_closing_ends_workers_that_are_busy() -> None:
    before = set(multiprocessing.active_children())
    started = time.monotonic()
    with contextlib.closing(engines.run("local", sleep_on_one, range(8), 2)) as results:
        assert next(results) != 1
    assert time.monotonic() - started < 60
    assert set(multiprocessing.active_children()) <= before


def test_no_jobs_give_no_results() -> None:
    assert list(engines.run("local", square, [], 4)) == []


def test_names_the_extra_that_brings_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(PluginError, match=r"instar\[ray\]"):
        list(engines.run("ray", square, range(2)))
