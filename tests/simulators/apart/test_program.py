"""Child processes: greeting, asking, and every way to lose one."""

import gc
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from instar.errors import SimulatorError
from instar.simulators.apart import child
from instar.simulators.apart.program import Program

# A child that speaks the protocol: it greets with its number, doubles arrays, and has a way of dying for every order.
SPEAKER = f"""
import os, sys, time
sys.path.insert(0, {str(Path(child.__file__).parent)!r})
from child import read_message, write_message
folder, orders, answers = sys.argv[1], os.fdopen(int(sys.argv[2]), "rb"), os.fdopen(int(sys.argv[3]), "wb")
open(os.path.join(folder, "file"), "w").close()
print("hello from the child", flush=True)
write_message(answers, dict(pid=os.getpid(), folder=folder))
while True:
    message = read_message(orders)
    if message is None:
        break
    order, arrays = message
    if order["do"] == "leave":
        print("first\\nlast words", file=sys.stderr)
        sys.exit(7)
    if order["do"] == "abort":
        os.abort()
    if order["do"] == "sleep":
        time.sleep(60)
    if order["do"] == "babble":
        os.write(answers.fileno(), b"\\0\\0\\0\\4\\0\\0\\0\\0nope")
    if order["do"] == "fail":
        write_message(answers, dict(error="ValueError: no room"))
    write_message(answers, dict(order), {{name: 2 * array for name, array in arrays.items()}})
"""


def started(tmp_path: Path, text: str = SPEAKER, patience: float = 20.0) -> Program:
    """A running child."""
    (tmp_path / "speaker.py").write_text(text)
    return Program([sys.executable, str(tmp_path / "speaker.py")], patience, "Toy")


def alive(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_asks_and_is_answered_with_arrays(tmp_path: Path) -> None:
    program = started(tmp_path)
    answer = program.ask({"do": "double", "words": "größer"}, {"x": np.arange(3.0), "ids": np.ones((2, 0), np.uint8)})
    assert answer.header == {"do": "double", "words": "größer"}
    assert answer.arrays["x"].tolist() == [0.0, 2.0, 4.0]
    assert answer.arrays["ids"].shape == (2, 0)
    program.close()


def test_closing_ends_the_process_and_removes_its_files_and_may_be_done_twice(tmp_path: Path) -> None:
    program = started(tmp_path)
    pid, folder = program.greeting.header["pid"], Path(program.greeting.header["folder"])
    assert alive(pid)
    assert (folder / "file").exists()
    program.close()
    program.close()
    assert not alive(pid)
    assert not folder.parent.exists()


def test_a_program_that_is_forgotten_does_not_stay(tmp_path: Path) -> None:
    program = started(tmp_path)
    pid = program.greeting.header["pid"]
    del program
    gc.collect()
    assert not alive(pid)


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("leave", r"died \(leave, exit code 7\); it said last: hello from the child / first / last words"),
        ("abort", r"died \(abort, signal 6, SIGABRT\)"),
        ("babble", r"answered what is no message \(babble\)"),
        ("fail", r"failed \(fail\): ValueError: no room$"),
    ],
)
def test_every_way_to_lose_a_child_has_its_own_words(tmp_path: Path, deed: str, said: str) -> None:
    program = started(tmp_path)
    pid = program.greeting.header["pid"]
    with pytest.raises(SimulatorError, match=said):
        program.ask({"do": deed})
    assert not alive(pid)
    with pytest.raises(SimulatorError, match="does not listen"):
        program.ask({"do": "double"})


def test_a_child_that_hangs_is_given_up_in_time(tmp_path: Path) -> None:
    program = started(tmp_path)
    program.patience = 0.3
    begun = time.monotonic()
    with pytest.raises(SimulatorError, match=r"said nothing for 0.3 s \(sleep\)"):
        program.ask({"do": "sleep"})
    assert time.monotonic() - begun < 4
    assert not alive(program.greeting.header["pid"])


def test_what_cannot_be_started_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "program").write_text("no program")
    with pytest.raises(SimulatorError, match="does not start: Permission denied"):
        Program([str(tmp_path / "program")], 5.0, "Toy")
    with pytest.raises(SimulatorError, match=r"died .greeting, exit code 1.; it said last: .*ZeroDivisionError"):
        started(tmp_path, "1 / 0")
    assert not list((tmp_path / "temporary").iterdir())


def test_an_interpreters_own_variables_do_not_reach_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/of/ours")
    monkeypatch.setenv("SOMETHING", "else")
    told = SPEAKER.replace("dict(pid=os.getpid()", "dict(env=dict(os.environ), pid=os.getpid()")
    program = started(tmp_path, told)
    environment = program.greeting.header["env"]
    program.close()
    assert "PYTHONPATH" not in environment
    assert environment["SOMETHING"] == "else"
    assert environment["OMP_NUM_THREADS"] == "1"
