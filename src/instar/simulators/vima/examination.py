"""What an interpreter lacks to run VIMA-Bench, and what to type for it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from instar.findings import Finding
from instar.simulators.apart.examination import About, Needs, Package, asked, installing, packaged, tried, versioned
from instar.simulators.apart.program import Program

HOME: Final = "https://github.com/vimalabs/VIMABench"
PYTHONS: Final = ((3, 8), (3, 12))  # at least, below: those that pybullet 3.2.7 has wheels for
SHOWN: Final = 5  # missing files that are named

# What has to be there. VIMA-Bench asks for more (torch, kornia, hydra ...), of which nothing is used while an episode
# is played.
NEEDED: Final = (
    Package("numpy", "numpy", "numpy<2"),
    Package("pybullet", "pybullet", "pybullet"),
    Package("cv2", "opencv-python-headless", "opencv-python-headless<4.12"),  # 4.12 wants numpy 2
    Package("omegaconf", "omegaconf", "omegaconf"),
    Package("transforms3d", "transforms3d", "transforms3d"),
    Package("importlib_resources", "importlib-resources", "importlib-resources"),
)
GYMS: Final = (("gym", "gym"), ("gymnasium", "gymnasium"))  # one of them


def examine(python: str, checkout: str, command: Sequence[str], patience: float) -> Iterator[Finding]:
    """Everything about the interpreter, the checkout and what `command` starts, in the order in which to mend it."""
    about = asked(python, Needs("vima_bench", NEEDED, GYMS, checkout), "VIMA-Bench")
    if isinstance(about, Finding):
        yield about
        return
    findings = [_python(about, python), *packages(about.packages, python), _bench(about.origin)]
    yield from findings
    if not any(finding.level == "error" for finding in findings):
        start = partial(Program, command, patience, "VIMA-Bench")
        yield from tried(start, _trial, "reinstall pybullet; if that does not help, clone VIMA-Bench anew")


def _python(about: About, python: str) -> Finding:
    remedy = "python3.11 -m venv vima-env, and say vima:python=vima-env/bin/python"
    return versioned(about, python, PYTHONS, ("there are no wheels of pybullet for it", remedy))


def packages(found: Mapping[str, str | None], python: str) -> Iterator[Finding]:
    """One finding for each package that is needed; `found` has versions by module, None for what is not there."""
    pip = installing(python)
    for package in NEEDED:
        there = found[package.module]
        if package.module == "numpy" and there is not None and not there.startswith(("0.", "1.")):
            text = f"{there}; it runs, but rounds otherwise than numpy 1: some episodes differ from recorded ones"
            yield Finding("warn", package.name, text, f'{pip} "numpy<2" "opencv-python-headless<4.12"')
        else:
            yield packaged(found, package, python)
    gyms = [f"{name} {found[module]}" for module, name in GYMS if found[module] is not None]
    if gyms:
        yield Finding("ok", "gym", gyms[0])
    else:
        yield Finding("error", "gym", "neither gym nor gymnasium is installed", f"{pip} gymnasium")


def _bench(origin: str) -> Finding:
    if not origin:
        remedy = f"git clone {HOME}, and say vima:checkout=VIMABench (or set INSTAR_VIMA_CHECKOUT)"
        return Finding("error", "vima_bench", "not installed, and no checkout is named", remedy)
    return Finding("ok", "vima_bench", str(Path(origin).parent))


def _trial(program: Program, started: float) -> Iterator[Finding]:
    """Whether its files are there, and whether an episode can be played."""
    yield _files(program.ask({"do": "assets"}).header["absent"])
    yield _episode(program, started)


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
