"""What an interpreter lacks to run a simulator, and what to type for it, as far as all of them are alike."""

import json
import platform
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from instar.edges import checked
from instar.errors import SimulatorError
from instar.findings import Finding
from instar.simulators.apart import child, probe
from instar.simulators.apart.program import Program, environment

PATIENCE: Final = 60.0  # seconds for the probe


@dataclass(frozen=True)
class Package:
    """Something that has to be installed there."""

    module: str
    name: str  # of the distribution
    wanted: str  # what to give to pip


@dataclass(frozen=True)
class Needs:
    """What an interpreter is asked about."""

    module: str  # the simulator's own
    packages: tuple[Package, ...]
    others: tuple[tuple[str, str], ...] = ()  # more modules with their distributions, for whoever asks to judge
    folder: str = ""  # where the module may lie, if it is not installed


@dataclass(frozen=True)
class About:
    """What an interpreter answered."""

    python: tuple[int, ...]
    packages: dict[str, str | None]  # versions by module; "?" where only the module is there, None where nothing is
    origin: str  # of the simulator's own module; empty where there is none


def probed(python: str, needs: Needs) -> About:
    """What the interpreter `python` has. Raises SimulatorError where it is none."""
    pairs = [*((one.module, one.name) for one in needs.packages), *needs.others]
    told = ",".join(f"{module}={name}" for module, name in pairs)
    order = [python, str(Path(probe.__file__).absolute()), told, needs.module, needs.folder]
    try:
        done = subprocess.run(order, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment())
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SimulatorError(f"{python} does not run: {error}") from error
    try:
        about = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1][:120]
        raise SimulatorError(f"{python} is no Python of 3.8 or later: {said}") from error
    return checked(About, about, python, SimulatorError)


def asked(python: str, needs: Needs, name: str) -> About | Finding:
    """What the interpreter has, or what is wrong with it; `name` is what people call the simulator."""
    try:
        return probed(python, needs)
    except SimulatorError as error:
        return Finding("error", "interpreter", str(error), f"name the python of the environment that has {name}")


def versioned(about: About, python: str, bounds: Sequence[tuple[int, int]], otherwise: tuple[str, str]) -> Finding:
    """Whether its Python is one of those (at least, below); `otherwise` says why it matters, and what to do."""
    text = f"{'.'.join(map(str, about.python))}, {python}"
    if bounds[0] <= about.python[:2] < bounds[1]:
        return Finding("ok", "interpreter", text)
    return Finding("warn", "interpreter", f"{text}; {otherwise[0]}", otherwise[1])


def installing(python: str) -> str:
    """The beginning of a command that installs something there."""
    return f"{shlex.quote(python)} -m pip install"


def packaged(found: Mapping[str, str | None], package: Package, python: str) -> Finding:
    """Whether a package is there."""
    there = found[package.module]
    if there is None:
        return Finding("error", package.name, "not installed", f'{installing(python)} "{package.wanted}"')
    return Finding("ok", package.name, "installed" if there == "?" else there)


def graphics() -> Finding:
    """Whether MuJoCo can draw without a screen."""
    found = child.drawn_with()
    if found or platform.system() != "Linux":
        return Finding("ok", "graphics", f"MUJOCO_GL={found}" if found else platform.system())
    remedy = "apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri"
    return Finding("error", "graphics", "neither libEGL nor libOSMesa is there: MuJoCo cannot draw", remedy)


Trial = Callable[[Program, float], Iterator[Finding]]  # what to try, and how many seconds the start took


def tried(start: Callable[[], Program], trial: Trial, mend: str) -> Iterator[Finding]:
    """Whether it starts, and what a trial finds; `mend` is what to do where an order fails."""
    begun = time.monotonic()
    try:
        program = start()
    except SimulatorError as error:
        yield Finding("error", "start", str(error), "mend what the message names: an import there fails")
        return
    try:
        yield from trial(program, time.monotonic() - begun)
    except SimulatorError as error:
        yield Finding("error", "episode", str(error), mend)
    finally:
        program.close()
