"""What MuJoCo draws with in a child process."""

import sys

import pytest

from instar.simulators.apart import child


def test_what_the_user_chose_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    assert child.drawn_with() == "glfw"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="MuJoCo finds its own way elsewhere")
def test_it_is_the_first_library_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    nowhere, everywhere = ("libnothing.so.9",), ("libnothing.so.9", "libc.so.6")
    monkeypatch.setattr(child, "DRAWING", (("egl", nowhere), ("osmesa", everywhere)))
    assert child.drawn_with() == "osmesa"
    monkeypatch.setattr(child, "DRAWING", (("egl", nowhere), ("osmesa", nowhere)))
    assert child.drawn_with() == ""
