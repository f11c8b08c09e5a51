"""The command line waits for nothing that it does not need: which packages are loaded, in interpreters of their own."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest
from typing_extensions import Doc

from instar.cli import VERBS

HEAVY = {"torch", "transformers", "peft", "accelerate", "llguidance", "pandas", "scipy", "ray"}
SCIENCE = {"numpy", "cv2", "pyarrow", "pydantic"}

TELL = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"


def loaded(code: str, where: Path | None = None) -> set[str]:
    """The packages outside the standard library that are loaded once `code` has run."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{TELL}"],
        check=False,
        capture_output=True,
        text=True,
        cwd=where,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return set(done.stdout.splitlines()[-1].split())


def verbs(*lines: str) -> str:
    """Code that runs verbs as a user would type them, one after another."""
    return "from instar.cli import run\n" + "\n".join(f"assert run({line.split()!r}) == 0" for line in lines)


def test_a_fresh_interpreter_is_bare() -> None:
    assert not loaded("pass") & (HEAVY | SCIENCE | {"instar", "tyro", "rich"})


@pytest.mark.parametrize("code", ["import instar", "import instar.cli", verbs("--help"), verbs("--version")])
def test_the_first_page_of_help_needs_nothing_but_python(code: str) -> None:
    assert loaded(code) - loaded("pass") == {"instar"}


def test_the_list_loads_no_plugin_and_nothing_to_compute_with() -> None:
    assert not loaded(verbs("list")) & (HEAVY | SCIENCE)


def test_no_verb_needs_torch_to_explain_itself() -> None:
    every_help = f"""
import contextlib, sys
from instar.cli import run
for verb in {list(VERBS)!r}:
    with contextlib.suppress(SystemExit):
        run([*verb.split(), "--help"])
    assert not {HEAVY | {"pydantic", "jinja2"}!r} & set(sys.modules), verb
"""
    assert "tyro" in loaded(every_help)


@pytest.mark.parametrize("name", VERBS)
def test_options_are_explained_in_one_style_without_capitals_and_full_stops(name: str) -> None:
    module, _, config = VERBS[name].config.partition(":")
    hints = get_type_hints(getattr(importlib.import_module(module), config), include_extras=True)
    told = {
        option: note.documentation
        for option, hint in hints.items()
        for note in getattr(hint, "__metadata__", ())
        if isinstance(note, Doc)
    }
    assert not [option for option, text in told.items() if text.removesuffix("...").endswith(".") or text[:2].istitle()]


def test_what_needs_no_model_is_listed_with_its_options_without_torch() -> None:
    kinds = ("demos", "recipes", "auxiliary", "simulators", "benchmarks", "policies", "detectors")
    assert not loaded(verbs(*(f"list {kind}" for kind in kinds))) & HEAVY


def test_the_road_without_a_model_needs_no_torch(tmp_path: Path) -> None:
    world = "tabletop:tasks=rotate,suites=placement,per_task=1"
    road = verbs(
        "collect --demos tabletop:tasks=rotate,episodes=1 --out demos --workers 1",
        "build --demos vima:demos --auxiliary all --out samples --workers 1",
        "inspect samples",
        f"eval --policy random --benchmark {world} --out runs/random --workers 1",
        f"eval --policy expert --benchmark {world} --out runs/expert --workers 1",
        "inspect runs/random",
        "compare runs/random runs/expert",
        "report --runs runs/random runs/expert --out report.html",
    )
    assert not loaded(road, tmp_path) & HEAVY
    assert (tmp_path / "report.html").exists()
