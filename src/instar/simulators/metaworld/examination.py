"""What an interpreter lacks to run Meta-World, and what to type for it."""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from instar.findings import Finding
from instar.simulators.apart.examination import (
    About,
    Needs,
    Package,
    asked,
    graphics,
    installing,
    packaged,
    tried,
    versioned,
)
from instar.simulators.apart.program import Program
from instar.simulators.metaworld.tasks import WORLD

PYTHONS: Final = ((3, 9), (3, 14))  # at least, below: those that MuJoCo 3.3.0 has wheels for
TESTED: Final = "3.1"  # of Meta-World
MOST: Final = 60  # actions of the trial
NEEDED: Final = (
    Package("metaworld", "metaworld", "metaworld==3.1.1"),
    Package("mujoco", "mujoco", "mujoco==3.3.0"),
    Package("packaging", "packaging", "packaging"),  # gymnasium imports it, and says so nowhere
)


def examine(command: Sequence[str], patience: float) -> Iterator[Finding]:
    """Everything about the interpreter and what `command` starts, in the order in which to mend it."""
    python = command[0]
    about = asked(python, Needs("metaworld", NEEDED), WORLD)
    if isinstance(about, Finding):
        yield about
        return
    findings = [_python(about, python), *(packaged(about.packages, one, python) for one in NEEDED), graphics()]
    yield from findings
    yield from _version(about, python)
    if not any(finding.level == "error" for finding in findings):
        start = partial(Program, command, patience, WORLD)
        yield from tried(start, _episode, f"{installing(python)} --force-reinstall metaworld==3.1.1")


def _python(about: About, python: str) -> Finding:
    remedy = "python3.11 -m venv metaworld-env, and say metaworld:python=metaworld-env/bin/python"
    return versioned(about, python, PYTHONS, ("there are no wheels of mujoco 3.3.0 for it", remedy))


def _version(about: About, python: str) -> Iterator[Finding]:
    there = about.packages["metaworld"]
    if there is not None and not there.startswith(f"{TESTED}."):
        text = f"{there}; instar is tested with {TESTED}: its scenes and results may be others"
        yield Finding("warn", "version", text, f'{installing(python)} "metaworld==3.1.1"')


def _episode(program: Program, started: float) -> Iterator[Finding]:
    """Whether an episode can be played."""
    begun = time.monotonic()
    program.ask({"do": "reset", "task": "reach-v3", "seed": 0})
    told, steps = {"success": False}, 0
    while not told["success"] and steps < MOST:
        told = dict(program.ask({"do": "step"}, program.ask({"do": "advise"}).arrays).header)
        steps += 1
    seconds = time.monotonic() - begun
    text = f"reach-v3/0 with {steps} pictures in {seconds:.1f} s, after {started:.1f} s to start"
    if told["success"]:
        yield Finding("ok", "episode", f"its scripted policy solves {text}")
    else:
        yield Finding("warn", "episode", f"its scripted policy does not solve {text}", "compare with metaworld 3.1.1")
