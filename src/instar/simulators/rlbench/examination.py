"""What an interpreter and its surroundings lack to run RLBench, and what to type for it."""

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from instar.edges import checked
from instar.errors import SimulatorError
from instar.findings import Finding
from instar.robot import Floats
from instar.simulators.apart.examination import PATIENCE, About, Needs, Package, asked, installing, packaged, tried
from instar.simulators.apart.program import Answer, Program, environment
from instar.simulators.rlbench import surroundings
from instar.simulators.rlbench.options import Control
from instar.simulators.rlbench.tasks import ORIGINAL, PERACT, WORLD

PYREP: Final = "git+https://github.com/stepjam/PyRep.git"
FORK: Final = "git+https://github.com/MohitShridhar/RLBench.git@peract"
ARCHIVE: Final = "https://downloads.coppeliarobotics.com/V4_1_0/CoppeliaSim_Edu_V4_1_0_Ubuntu20_04.tar.xz"
XVFB: Final = "apt-get install xvfb, and put before the command: xvfb-run -a -s '-screen 0 1280x1024x24'"
TRIAL: Final = "open_drawer"
NEEDED: Final = (
    Package("numpy", "numpy", "numpy"),
    Package("cffi", "cffi", "cffi"),
    Package("pyrep", "PyRep", PYREP),
    Package("rlbench", "rlbench", FORK),
    Package("PIL", "Pillow", "Pillow"),
    Package("pyquaternion", "pyquaternion", "pyquaternion"),
    Package("scipy", "scipy", "scipy"),
    Package("natsort", "natsort", "natsort"),
)


@dataclass(frozen=True)
class Surroundings:
    """What `surroundings.py` says."""

    root: str
    whole: bool
    searched: bool
    plugins: str
    drawn: bool
    display: str


def examine(command: Sequence[str], control: Control, patience: float) -> Iterator[Finding]:
    """Everything about the interpreter and what `command` starts, in the order in which to mend it."""
    python = command[0]
    about = asked(python, Needs("rlbench", NEEDED), WORLD)
    if isinstance(about, Finding):
        yield about
        return
    findings = [_python(about, python), *_coppelia(_surroundings(python)), *_packages(about, python)]
    yield from findings
    if not any(finding.level == "error" for finding in findings):
        start = partial(Program, command, patience, WORLD)
        yield from tried(start, partial(_trial, control, python), "compare with the installation in docs/rlbench.md")


def _python(about: About, python: str) -> Finding:
    return Finding("ok", "interpreter", f"{'.'.join(map(str, about.python))}, {python}")


def _packages(about: About, python: str) -> Iterator[Finding]:
    for package in NEEDED:
        yield packaged(about.packages, package, python)


def _surroundings(python: str) -> Surroundings:
    order = [python, str(Path(surroundings.__file__).absolute())]
    try:
        done = subprocess.run(order, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment())
        told = json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, IndexError, ValueError) as error:
        raise SimulatorError(f"{python} does not say what surrounds it: {error}") from error
    return checked(Surroundings, told, python, SimulatorError)


def _coppelia(found: Surroundings) -> Iterator[Finding]:
    """CoppeliaSim itself, the three variables that it is found by, and something to draw on."""
    yield _root(found)
    yield _variable(
        "LD_LIBRARY_PATH",
        "has the folder of CoppeliaSim" if found.searched else "",
        "does not have the folder of CoppeliaSim: its library is not found",
        "export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$COPPELIASIM_ROOT",
    )
    yield _variable(
        "QT_QPA_PLATFORM_PLUGIN_PATH",
        found.plugins if found.drawn else "",
        f"{found.plugins}: no such folder" if found.plugins else "is not set: Qt does not find what it draws with",
        "export QT_QPA_PLATFORM_PLUGIN_PATH=$COPPELIASIM_ROOT",
    )
    yield _variable("DISPLAY", found.display, "is not set: CoppeliaSim draws on an X server, headless too", XVFB)


def _root(found: Surroundings) -> Finding:
    if found.whole:
        return Finding("ok", "COPPELIASIM_ROOT", found.root)
    remedy = (
        f"export COPPELIASIM_ROOT=$HOME/CoppeliaSim; mkdir -p $COPPELIASIM_ROOT; curl -L {ARCHIVE} | "
        "tar -xJ -C $COPPELIASIM_ROOT --strip-components 1"
    )
    text = f"{found.root}: has no {surroundings.LIBRARY}" if found.root else "is not set: where CoppeliaSim 4.1 is"
    return Finding("error", "COPPELIASIM_ROOT", text, remedy)


def _variable(name: str, there: str, otherwise: str, remedy: str) -> Finding:
    return Finding("ok", name, there) if there else Finding("error", name, otherwise, remedy)


def _trial(control: Control, python: str, program: Program, started: float) -> Iterator[Finding]:
    """Which of the reported tasks are there, and whether an episode can be played and seen."""
    yield _tasks(program.greeting.header["tasks"], python)
    begun = time.monotonic()
    seen = program.ask({"do": "reset", "task": TRIAL, "seed": 0, "variation": -1})
    told = program.ask({"do": "step"}, {"action": holding(control, seen)}).header
    text = f"{TRIAL}/0 in {time.monotonic() - begun:.1f} s, after {started:.1f} s to start"
    if told["refused"]:
        yield Finding("error", "episode", f"to stay where it is is refused: {told['refused']}", "reinstall PyRep")
    else:
        yield Finding("ok", "episode", f"begins and takes a step: {text}")
    yield _pictures(seen)


def _tasks(there: Sequence[str], python: str) -> Finding:
    missing = [task for task in PERACT if task not in there]
    if not missing:
        return Finding("ok", "tasks", f"all {len(PERACT)} that PerAct and LLARVA report, of {len(there)}")
    others = ", ".join(f"{task} ({ORIGINAL[task]} is another)" if task in ORIGINAL else task for task in missing)
    remedy = f"{installing(python)} --force-reinstall --no-deps {FORK}, or name the tasks to play"
    return Finding(
        "warn", "tasks", f"{len(missing)} of {len(PERACT)} that PerAct reports are missing: {others}", remedy
    )


def _pictures(seen: Answer) -> Finding:
    plain = [name for name, pixels in seen.arrays.items() if name.startswith("rgb/") and np.ptp(pixels) == 0]
    if plain:
        return Finding("error", "pictures", f"{', '.join(plain)}: one shade all over: nothing is drawn", XVFB)
    return Finding("ok", "pictures", "show something")


def holding(control: Control, seen: Answer) -> Floats:
    """The action (8,) that leaves arm and gripper as they are."""
    arm = {
        "joint_velocity": np.zeros(7),
        "joint_position": seen.arrays["joint_positions"],
        "end_effector_pose": seen.arrays["gripper_pose"],
    }[control]
    return np.asarray(np.concatenate([arm, seen.arrays["gripper_open"]]), dtype=np.float64)
