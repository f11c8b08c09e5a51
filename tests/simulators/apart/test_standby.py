"""A world of three lines in a child process: entered from its file, asked, lost, and entered again."""

import sys
from pathlib import Path

import numpy as np
import pytest

from instar.errors import ConfigError, SimulatorError
from instar.simulators.apart.interpreter import interpreter
from instar.simulators.apart.program import command
from instar.simulators.apart.standby import Standby

WORLD = """
import os
from dataclasses import dataclass

@dataclass
class Toy:
    factor: int
    folder: str
    asked: int = 0

    def greet(self):
        return {"versions": {"toy": "3"}}, {}

    def obey(self, order, arrays):
        self.asked += 1
        if order["do"] == "fail":
            raise ValueError("no room")
        if order["do"] == "leave":
            os._exit(4)
        return {"asked": self.asked}, {"x": self.factor * arrays["x"]}

    def close(self):
        open(os.path.join(os.path.dirname(__file__), "closed"), "w").close()

def enter(options, folder):
    print(options["says"])
    return Toy(options["factor"], folder)
"""


def toy(folder: Path, text: str = WORLD, factor: int = 2) -> Standby:
    """The world on standby."""
    (folder / "toy.py").write_text(text)
    options = {"factor": factor, "says": "hällo, “world”"}
    return Standby("Toyland", "toy", command(sys.executable, folder / "toy.py", options))


def test_a_world_is_entered_with_its_options_when_it_is_first_asked_and_closed(tmp_path: Path) -> None:
    standby = toy(tmp_path, factor=3)
    answers = [standby.ask(20.0, {"do": "times"}, {"x": np.arange(3)}) for _ in range(2)]
    assert [answer.header["asked"] for answer in answers] == [1, 2]
    assert answers[0].arrays["x"].tolist() == [0, 3, 6]
    assert not (tmp_path / "closed").exists()
    standby.close()
    assert (tmp_path / "closed").exists()


@pytest.mark.parametrize(
    ("deed", "said"),
    [("fail", r"the Toyland process failed \(fail\): ValueError: no room"), ("leave", r"died \(leave, exit code 4\)")],
)
def test_a_child_that_is_lost_is_replaced_when_it_is_asked_again(tmp_path: Path, deed: str, said: str) -> None:
    standby = toy(tmp_path)
    with pytest.raises(SimulatorError, match=said):
        standby.ask(20.0, {"do": deed})
    assert standby.ask(20.0, {"do": "times"}, {"x": np.ones(1)}).header["asked"] == 1
    standby.close()


def test_every_greeting_tells_versions_and_protocol(tmp_path: Path) -> None:
    standby = toy(tmp_path)
    standby.prepare(20.0)
    header = standby.ask(20.0, {"do": "greet"}).header
    assert (header["versions"], header["protocol"]) == ({"toy": "3"}, 2)
    standby.close()


def test_a_world_that_cannot_be_entered_says_why_and_where_to_look(tmp_path: Path) -> None:
    standby = toy(tmp_path, "import a_module_that_nobody_has")
    with pytest.raises(SimulatorError, match=r"a_module_that_nobody_has.*`instar doctor toy` says what to install"):
        standby.prepare(20.0)


def test_an_interpreter_is_the_one_chosen_or_that_of_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOY_PYTHON", raising=False)
    with pytest.raises(ConfigError, match="its own interpreter: say toy:python=PATH, or set TOY_PYTHON"):
        interpreter("", "TOY_PYTHON", "toy", "Toyland")
    monkeypatch.setenv("TOY_PYTHON", sys.executable)
    assert interpreter("", "TOY_PYTHON", "toy", "Toyland") == sys.executable
    with pytest.raises(ConfigError, match="nowhere/python: no such interpreter"):
        interpreter("nowhere/python", "TOY_PYTHON", "toy", "Toyland")
