"""What an interpreter lacks to run VIMA-Bench, and what to type for it."""

import json
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from instar.errors import SimulatorError
from instar.findings import Finding
from instar.simulators.vima import probe
from instar.simulators.vima.program import Program, environment

HOME: Final = "https://github.com/vimalabs/VIMABench"
PYTHONS: Final = ((3, 8), (3, 12))  # at least, below: those that pybullet 3.2.7 has wheels for
PATIENCE: Final = 60.0  # seconds for the probe
SHOWN: Final = 5  # missing files that are named

# What has to be there: the module, its distribution, and what to install. VIMA-Bench asks for more (torch, kornia,
# hydra ...), of which nothing is used while an episode is played.
NEEDED: Final = (
    ("numpy", "numpy", "numpy<2"),
    ("pybullet", "pybullet", "pybullet"),
    ("cv2", "opencv-python-headless", "opencv-python-headless<4.12"),  # 4.12 wants numpy 2
    ("omegaconf", "omegaconf", "omegaconf"),
    ("transforms3d", "transforms3d", "transforms3d"),
    ("importlib_resources", "importlib-resources", "importlib-resources"),
)
GYMS: Final = (("gym", "gym"), ("gymnasium", "gymnasium"))  # one of them


def examine(command: Sequence[str], patience: float) -> Iterator[Finding]:
    """Everything about the interpreter, program and checkout of `command`, in the order in which to mend it."""
    python, checkout = command[0], command[-1]
    try:
        about = _probed(python, checkout)
    except SimulatorError as error:
        yield Finding("error", "interpreter", str(error), "name the python of the environment that has VIMA-Bench")
        return
    findings = [_python(about["python"], python), *packages(about["packages"], python), _bench(about["bench"])]
    yield from findings
    if not any(finding.level == "error" for finding in findings):
        yield from _trial(command, patience)


def _probed(python: str, checkout: str) -> Mapping[str, Any]:
    pairs = ",".join(f"{module}={name}" for module, name in [*((one, two) for one, two, _ in NEEDED), *GYMS])
    order = [python, str(Path(probe.__file__).absolute()), pairs, checkout]
    try:
        done = subprocess.run(order, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment())
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SimulatorError(f"{python} does not run: {error}") from error
    try:
        about = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1][:120]
        raise SimulatorError(f"{python} is no Python of 3.8 or later: {said}") from error
    assert isinstance(about, dict)
    return about


def _python(version: Sequence[int], python: str) -> Finding:
    text = f"{'.'.join(map(str, version))}, {python}"
    if PYTHONS[0] <= tuple(version[:2]) < PYTHONS[1]:
        return Finding("ok", "interpreter", text)
    remedy = "python3.11 -m venv vima-env, and say vima:python=vima-env/bin/python"
    return Finding("warn", "interpreter", f"{text}; there are no wheels of pybullet for it", remedy)


def packages(found: Mapping[str, str | None], python: str) -> Iterator[Finding]:
    """One finding for each package that is needed; `found` has versions by module, None for what is not there."""
    pip = f"{shlex.quote(python)} -m pip install"
    for module, name, wanted in NEEDED:
        there = found[module]
        if there is None:
            yield Finding("error", name, "not installed", f'{pip} "{wanted}"')
        elif module == "numpy" and not there.startswith(("0.", "1.")):
            text = f"{there}; it runs, but rounds otherwise than numpy 1: some episodes differ from recorded ones"
            yield Finding("warn", name, text, f'{pip} "numpy<2" "opencv-python-headless<4.12"')
        else:
            yield Finding("ok", name, "installed" if there == "?" else there)
    gyms = [f"{name} {found[module]}" for module, name in GYMS if found[module] is not None]
    if gyms:
        yield Finding("ok", "gym", gyms[0])
    else:
        yield Finding("error", "gym", "neither gym nor gymnasium is installed", f"{pip} gymnasium")


def _bench(origin: str | None) -> Finding:
    if origin is None:
        remedy = f"git clone {HOME}, and say vima:checkout=VIMABench (or set INSTAR_VIMA_CHECKOUT)"
        return Finding("error", "vima_bench", "not installed, and no checkout is named", remedy)
    return Finding("ok", "vima_bench", str(Path(origin).parent))


def _trial(command: Sequence[str], patience: float) -> Iterator[Finding]:
    """Whether it starts, whether its files are there, and whether an episode can be played."""
    begun = time.monotonic()
    try:
        program = Program(command, patience)
    except SimulatorError as error:
        yield Finding(
            "error", "start", str(error), "mend what the message names; it comes from VIMA-Bench's own imports"
        )
        return
    try:
        started = time.monotonic() - begun
        yield _files(program.ask({"do": "assets"}).header["absent"])
        yield _episode(program, started)
    except SimulatorError as error:
        yield Finding(
            "error", "episode", str(error), "reinstall pybullet; if that does not help, clone VIMA-Bench anew"
        )
    finally:
        program.close()


def _files(absent: Sequence[str]) -> Finding:
    if not absent:
        return Finding("ok", "assets", "every model and texture that its objects name is there")
    more = f" and {len(absent) - SHOWN} more" if len(absent) > SHOWN else ""
    text = f"{len(absent)} files are missing: {', '.join(absent[:SHOWN])}{more}"
    return Finding("error", "assets", text, f"git clone {HOME}, and use that checkout")


def _episode(program: Program, started: float) -> Finding:
    begun = time.monotonic()
    program.ask({"do": "reset", "partition": "train", "task": "rotate", "seed": 0})
    told = program.ask({"do": "step"}, program.ask({"do": "advise"}).arrays).header
    text = f"rotate/0 in {time.monotonic() - begun:.1f} s, after {started:.1f} s to start"
    if told["success"]:
        return Finding("ok", "episode", f"its oracle solves {text}")
    return Finding("warn", "episode", f"its oracle does not solve {text}", "compare pybullet with 3.2.7")
