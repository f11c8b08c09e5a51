"""What an interpreter lacks to run LIBERO, and what to type for it."""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from instar.demos import unpickle
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
from instar.simulators.libero.protocol import SEED, SETTLING, WAITING, WORLD, suites

HOME: Final = "https://github.com/Lifelong-Robot-Learning/LIBERO"
PYTHONS: Final = ((3, 8), (3, 14))  # at least, below
TRIAL: Final = ("libero_object", 0)  # the task that is tried

# What has to be there of all that LIBERO asks for: torch, transformers, robomimic and wandb are for training.
NEEDED: Final = (
    Package("robosuite", "robosuite", "robosuite==1.4.0"),  # 1.5 has other controllers
    Package("bddl", "bddl", "bddl==1.0.1"),
    Package("mujoco", "mujoco", "mujoco<3.9"),
    Package("numba", "numba", "numba"),
    Package("scipy", "scipy", "scipy"),
    Package("cv2", "opencv-python-headless", "opencv-python-headless"),
    Package("PIL", "pillow", "pillow"),
    Package("yaml", "pyyaml", "pyyaml"),
    Package("easydict", "easydict", "easydict"),
    Package("cloudpickle", "cloudpickle", "cloudpickle"),
    Package("matplotlib", "matplotlib", "matplotlib"),
    Package("termcolor", "termcolor", "termcolor"),
    Package("future", "future", "future"),
)
GYMS: Final = (("gym", "gym"), ("gymnasium", "gymnasium"))  # one of them
BARE: Final = ("robosuite", "bddl")  # to be installed without what they ask for


def examine(checkout: str, command: Sequence[str], patience: float) -> Iterator[Finding]:
    """Everything about the interpreter, the clone and what `command` starts, in the order in which to mend it."""
    python = command[0]
    about = asked(python, Needs("libero", NEEDED, GYMS, checkout), WORLD)
    if isinstance(about, Finding):
        yield about
        return
    findings = [_python(about, python), *_packages(about, python), graphics(), _libero(about.origin, checkout)]
    yield from findings
    if not any(finding.level == "error" for finding in findings):
        yield from tried(partial(Program, command, patience, WORLD), _trial, f"clone LIBERO anew: git clone {HOME}")


def _python(about: About, python: str) -> Finding:
    remedy = "python3.11 -m venv libero-env, and say libero:python=libero-env/bin/python"
    return versioned(about, python, PYTHONS, ("nobody has tried it", remedy))


def _packages(about: About, python: str) -> Iterator[Finding]:
    for package in NEEDED:
        finding = packaged(about.packages, package, python)
        if finding.level == "error" and package.module in BARE:
            remedy = f'{installing(python)} --no-deps "{package.wanted}"'
            finding = Finding("error", package.name, finding.text, remedy)
        yield finding
    there = about.packages["robosuite"]
    if there is not None and not there.startswith("1.4."):
        remedy = f'{installing(python)} --no-deps "robosuite==1.4.0"'
        yield Finding("error", "version", f"robosuite {there}; LIBERO's controllers are those of 1.4", remedy)
    if not any(about.packages[module] for module, _ in GYMS):
        yield Finding("error", "gym", "neither gym nor gymnasium is installed", f"{installing(python)} gymnasium")


def _libero(origin: str, checkout: str) -> Finding:
    if not origin and not checkout:
        remedy = f"git clone {HOME}, and say libero:checkout=LIBERO (or set INSTAR_LIBERO_CHECKOUT)"
        return Finding("error", "libero", "not installed, and no clone is named", remedy)
    return Finding("ok", "libero", checkout or str(Path(origin)))


def _trial(program: Program, started: float) -> Iterator[Finding]:
    """Whether its files are there, and whether an episode can be played."""
    assets = program.ask({"do": "assets"}).header
    if not assets["there"]:
        text = f"no models and textures at {assets['place']}: they do not come with every installation"
        yield Finding("error", "assets", text, f"git clone {HOME}, and use that clone")
        return
    yield Finding("ok", "assets", str(assets["place"]))
    suite, number = TRIAL
    where = {"suite": suite, "task": suites()[suite].tasks[number]}
    begun = time.monotonic()
    told = program.ask({"do": "states", **where}).arrays["pickle"]
    states = np.asarray(unpickle.loads(told.tobytes(), "the beginnings of the trial"), dtype=np.float64)
    order = {"do": "reset", **where, "seed": SEED, "settle": SETTLING, "waiting": list(WAITING)}
    program.ask(order, {"state": states[0]})
    program.ask({"do": "step"}, {"action": np.array(WAITING)})
    seconds = time.monotonic() - begun
    text = f"{suite}/{number} begins and waits in {seconds:.1f} s, after {started:.1f} s to start"
    yield Finding("ok", "episode", text)
