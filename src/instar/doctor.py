"""What this machine can and cannot do for instar, and what to type where something is missing."""

import dataclasses
import logging
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated, Final, Protocol

import tyro
from typing_extensions import Doc

from instar import plugins, survey
from instar.demo import Image, Pixels
from instar.errors import ConfigError, InstarError, PluginError
from instar.files import write_bytes
from instar.findings import Finding, Level
from instar.progress import Progress, silent
from instar.sheets import contact_sheet, histograms

logger = logging.getLogger(__name__)

PYTHON: Final = ((3, 11), (3, 14))  # at least, below: `requires-python` of this package
GIB: Final = 1024**3
DISK: Final = 10 * GIB  # a checkpoint of a 7 B model with its training state takes more than this
SHARED: Final = GIB  # what data loading workers need to hand batches over
DEVELOPERS: Final = "dev"  # the extra that only work on instar itself needs


@dataclass(frozen=True)
class DoctorConfig:
    """What to look at."""

    folder: Annotated[Path, Doc("folder whose disk is looked at: where samples and checkpoints go")] = Path()
    plugin: Annotated[
        tyro.conf.Positional[str],
        Doc(
            "examine this and not the machine: demonstrations, e.g. rlds:path/to/bridge, or vima:python=path/to/python"
        ),
    ] = ""
    pictures: Annotated[
        Path | None, Doc("of demonstrations: folder for contact sheets of every camera and histograms of the actions")
    ] = None


@dataclass(frozen=True)
class Requirement:
    """One line of a package's requirements: a distribution, the versions that do, and the extra that asks for it."""

    name: str
    bounds: str  # "<2.14,>=2.6"; empty where any version does
    extra: str  # empty where it is always needed

    @classmethod
    def parse(cls, line: str) -> "Requirement":
        """Read a `Requires-Dist` line as setuptools writes it."""
        wanted, _, marker = line.partition(";")
        found = re.match(r"\s*([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*\(?([^)]*)\)?", wanted)
        extra = re.search(r"""extra\s*==\s*["']([^"']+)["']""", marker)
        assert found
        return cls(found[1], found[2].replace(" ", ""), extra[1] if extra else "")

    def admits(self, version: str) -> bool:
        """Whether `version` lies within the bounds; what a bound other than <, <=, >, >=, == says is not judged."""
        return all(_admits(bound, version) for bound in self.bounds.split(",") if bound)


class Patient(Protocol):
    """A plugin that depends on more than Python packages, and can say what of that is missing."""

    def examine(self) -> Sequence[Finding]:
        """What is there and what is not, in the order in which to mend it."""
        ...


def examine(config: DoctorConfig | None = None, progress: Progress = silent) -> list[Finding]:
    """Everything there is to say about this machine, or about one plugin, in the order a person would ask.

    Raises PluginError if there is no such plugin, or if it needs nothing that could be missing.
    """
    config = config or DoctorConfig()
    if config.plugin:
        return _examined(config.plugin, config.pictures, progress)
    if config.pictures is not None:
        raise ConfigError("pictures are of demonstrations; say which, as FORMAT:PATH")
    return [
        _python(),
        *packages([Requirement.parse(line) for line in metadata.requires("instar") or []], _version),
        *rivals(_version),
        *accelerators(_nvidia(), _version("torch")),
        _processor(),
        _memory(),
        *shared_memory(Path("/dev") / "shm"),
        disk(config.folder),
        *_plugins(progress),
    ]


def _examined(text: str, pictures: Path | None, progress: Progress) -> list[Finding]:
    """What the plugin that `text` chooses says of itself; of demonstrations, what there is to say of any."""
    choice = plugins.Choice.parse(text)
    kinds = [kind for kind in plugins.KINDS if choice.name in plugins.names(kind)]
    for kind in kinds if not _is_recorded(choice) else ():  # RLBench is a simulator, and what it recorded a format
        plugin = plugins.load(kind, choice.name)
        known = {"", *(item.name for item in dataclasses.fields(plugin))}  # of demonstrations by the same name: others
        if hasattr(plugin, "examine") and known >= set(choice.options):
            patient: Patient = plugins.make(kind, choice)
            return list(patient.examine())
    if "demos" in kinds:
        found = survey.survey(plugins.make("demos", choice), progress=progress)
        return [*survey.findings(found), *(_drawn(found, pictures) if pictures is not None else ())]
    if kinds:
        raise PluginError(f"{choice.name!r} needs nothing but its packages, which `instar doctor` looks at")
    raise PluginError(f"no plugin of any kind is called {choice.name!r}; `instar list` shows what is installed")


def _is_recorded(choice: plugins.Choice) -> bool:
    """Whether it names files of demonstrations, and not the interpreter of a simulator."""
    place = choice.options.get("", choice.options.get("path"))
    if not isinstance(place, str) or choice.name not in plugins.names("demos"):
        return False
    return Path(place).is_dir() or (Path(place).is_file() and not os.access(place, os.X_OK))


def _drawn(found: survey.Survey, out: Path) -> Iterator[Finding]:
    """Contact sheets of how episodes begin, and how often what was done."""
    cameras = dict.fromkeys(camera for look in found.looks for camera in look.first)
    for camera in cameras:
        firsts = [look.first[camera].pixels for look in found.looks if camera in look.first]
        yield _written(out / f"{re.sub(r'[^A-Za-z0-9._-]', '-', camera)}.png", contact_sheet(firsts))
    if len({look.actions.shape[1] for look in found.looks}) == 1:
        yield _written(out / "actions.png", histograms(found.robot.actions.names, found.actions))


def _written(path: Path, pixels: Pixels) -> Finding:
    write_bytes(path, Image.of(pixels).data)
    return Finding("ok", "picture", str(path))


def _python() -> Finding:
    version, low, high = platform.python_version(), PYTHON[0], PYTHON[1]
    text = f"{version} on {platform.system()} {platform.machine()}, {sys.executable}"
    if low <= sys.version_info[:2] < high:
        return Finding("ok", "python", text)
    return Finding("warn", "python", text, f"instar is tested on Python {low[0]}.{low[1]} to {high[0]}.{high[1] - 1}")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def packages(needs: Sequence[Requirement], version: Callable[[str], str | None]) -> Iterator[Finding]:
    """One finding per required package and one per extra; `version` tells what is installed, if anything."""
    for need in needs:
        if not need.extra:
            yield _package(need, version(need.name))
    for extra in dict.fromkeys(need.extra for need in needs if need.extra):
        yield _extra(extra, [need for need in needs if need.extra == extra], version)


def _package(need: Requirement, version: str | None) -> Finding:
    remedy = f'pip install "{need.name}{need.bounds}"'
    if version is None:
        return Finding("error", need.name, "not installed", remedy)
    if not need.admits(version):
        return Finding("error", need.name, f"{version}, but instar needs {need.bounds}", remedy)
    return Finding("ok", need.name, version)


def _extra(extra: str, needs: Sequence[Requirement], version: Callable[[str], str | None]) -> Finding:
    """What is there of an extra; a missing one is worth a warning only where it is begun or meant for users."""
    found = {need: version(need.name) for need in needs}
    missing = [need.name for need in needs if found[need] is None]
    wrong = [f"{need.name} {there} (needs {need.bounds})" for need, there in found.items() if _outside(need, there)]
    subject, remedy = f"extra {extra}", f'pip install "instar[{extra}]"'
    if wrong:
        return Finding("error", subject, "wrong versions: " + ", ".join(wrong), f"{remedy} --upgrade")
    if missing:
        level: Level = "ok" if extra == DEVELOPERS else "warn"
        return Finding(level, subject, "not installed: " + ", ".join(missing), remedy)
    return Finding("ok", subject, ", ".join(f"{need.name} {there}" for need, there in found.items()))


def _outside(need: Requirement, version: str | None) -> bool:
    return version is not None and not need.admits(version)


def _admits(bound: str, version: str) -> bool:
    found = re.fullmatch(r"(<=|>=|==|<|>)([0-9.]+)", bound)
    if not found:
        return True
    mine, theirs = _numbers(version), _numbers(found[2])
    width = max(len(mine), len(theirs))
    mine, theirs = mine + (0,) * (width - len(mine)), theirs + (0,) * (width - len(theirs))
    answers = {"<": mine < theirs, "<=": mine <= theirs, ">": mine > theirs, ">=": mine >= theirs, "==": mine == theirs}
    return answers[found[1]]


def _numbers(version: str) -> tuple[int, ...]:
    """The release part of a version: "2.13.0+cpu" is (2, 13, 0), "5.0rc1" is (5, 0)."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in release[0].split(".")) if release else (0,)


def rivals(version: Callable[[str], str | None]) -> Iterator[Finding]:
    """Packages that install the same module over each other."""
    rivals = ("opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless")
    for rival in rivals:
        if version(rival) and version("opencv-python-headless"):
            yield Finding(
                "warn",
                rival,
                "writes the same module cv2 as opencv-python-headless; which one is imported depends on the order",
                f"pip uninstall {rival} && pip install --force-reinstall --no-deps opencv-python-headless",
            )


def _nvidia() -> list[str] | None:
    """One line per NVIDIA GPU as its driver names them; None where there is no driver."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,memory.free,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return [line.strip() for line in done.stdout.splitlines() if line.strip()] if done.returncode == 0 else None


def accelerators(gpus: Sequence[str] | None, torch: str | None) -> Iterator[Finding]:
    """What models can run on, judged without importing torch: lines of nvidia-smi, and the version of torch."""
    if gpus is None:
        apple = platform.system() == "Darwin" and platform.machine() == "arm64"
        text = "Apple silicon (torch device mps)" if apple else "none found: models run on the processor, slowly"
        yield Finding("ok" if apple else "warn", "gpu", text, "" if apple else "train and serve where there is a GPU")
        return
    for line in gpus:
        fields = [*(part.strip() for part in line.split(",")), "", "", ""]
        yield Finding("ok", "gpu", f"{fields[0]}, {fields[1]} ({fields[2]} free), driver {fields[3]}")
    if gpus and torch and torch.endswith("+cpu"):
        remedy = "pip uninstall torch && pip install torch, without an index of CPU builds"
        yield Finding("error", "torch", f"{torch} is built without CUDA and cannot use the GPU", remedy)


def _processor() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Finding("ok", "processor", f"{cores} {'core' if cores == 1 else 'cores'} for this process")


def _memory() -> Finding:
    total, free = _total_memory(), _available_memory()
    limit = _memory_limit()
    if not total:
        return Finding("ok", "memory", "this system does not say")
    text = f"{total / GIB:.1f} GiB"
    if free is not None:
        text += f", {free / GIB:.1f} GiB available"
    if limit is not None and limit < total:
        text += f"; this container may use {limit / GIB:.1f} GiB"
    if min(total, limit or total) < 4 * GIB:
        return Finding("warn", "memory", text, "building and small evaluations need about 4 GiB")
    return Finding("ok", "memory", text)


def _total_memory() -> int:
    """Bytes of memory of the whole machine; 0 where the system does not say."""
    if not hasattr(os, "sysconf"):
        return 0
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _available_memory() -> int | None:
    """Bytes that can be had without swapping, as Linux says; None elsewhere."""
    meminfo = Path("/proc/meminfo")
    found = re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text()) if meminfo.exists() else None
    return int(found[1]) * 1024 if found else None


def _memory_limit() -> int | None:
    """Bytes this container may use; None where there is no limit."""
    for place in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        if place.exists() and (text := place.read_text().strip()).isdigit():
            return int(text)
    return None


def shared_memory(place: Path) -> Iterator[Finding]:
    """A warning where shared memory is so small that data loading workers die: Docker's default is 64 MiB."""
    if place.exists() and (size := shutil.disk_usage(place).total) < SHARED:
        text = f"{place} holds {size / GIB:.2f} GiB; data loading workers may die with a bus error"
        yield Finding("warn", "shared memory", text, "docker run --shm-size=8g, or train with workers=0")


def disk(folder: Path) -> Finding:
    """The space where `folder` is, or will be."""
    there = next((path for path in (folder.absolute(), *folder.absolute().parents) if path.exists()), Path())
    free = shutil.disk_usage(there).free
    text = f"{free / GIB:.1f} GiB free at {there}"
    if not os.access(there, os.W_OK):
        return Finding("error", "disk", f"{there} cannot be written to", "choose another folder, or its permissions")
    if free < DISK:
        return Finding("warn", "disk", text, "make room: a 7 B checkpoint with its training state takes over 10 GiB")
    return Finding("ok", "disk", text)


def _plugins(progress: Progress) -> Iterator[Finding]:
    """One line per kind for the plugins that load, and one finding for each that does not."""
    for done, kind in enumerate(plugins.KINDS):
        progress(done, len(plugins.KINDS), f"loading {kind}")
        failures = {name: reason for name in plugins.names(kind) if (reason := _failure(kind, name))}
        loaded = [name for name in plugins.names(kind) if name not in failures]
        yield Finding("ok", f"plugins {kind}", ", ".join(loaded) or "none")
        for name, reason in failures.items():
            yield _unloadable(kind, name, reason)


def _failure(kind: str, name: str) -> str:
    """Why a plugin does not load; empty where it does."""
    try:
        plugins.load(kind, name)
    except InstarError as error:
        return str(error)
    except Exception as error:  # a stranger's module may raise anything while it is imported
        logger.exception("%s %s does not load", kind, name)
        return f"{type(error).__name__} while it is imported: {error}"
    return ""


def _unloadable(kind: str, name: str, reason: str) -> Finding:
    text, _, install = reason.partition("; install it with: ")
    if install:  # an extra that was left out on purpose, perhaps
        return Finding("warn", f"plugin {kind}/{name}", text, install)
    return Finding("error", f"plugin {kind}/{name}", text, "update or uninstall the package that brings it")
