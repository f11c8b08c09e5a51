"""How long a command line lets people wait before it does anything: ours, bare interpreters, and our peers' tools.

Every start is a process of its own; the files are in the system's cache after the first, which is not timed.
"""

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.harness import Comparison, Contender, Fact, Result, Size, compare
from instar.cli import VERBS

LIMITS: Final = {"instar --help": 0.3, "instar list": 0.5}  # seconds
OURS: Final = ("instar eval --help", "instar list", "instar --help")
FLOORS: Final = ("python -c pass", "python -c 'import numpy'", "python -c 'import instar'")
PEERS: Final = ("accelerate --help", "transformers --help", "python -c 'import torch'")

HEAVY: Final = ("torch", "transformers", "pandas")
IMPORTS: Final = ("import instar", "import instar.cli", "import instar.build, instar.evaluate, instar.report")

FLOOR: Final = (
    "The floor of any command is an interpreter that does nothing, and numpy's import for one that computes. What "
    "`instar list` adds is the option parser (tyro) and the tables (rich). Reference is the first row, a peer's first "
    "page of help where one is installed."
)


def run(size: Size) -> Result:
    """Seconds from the start of a process to its end, and which heavy packages are loaded on the way."""
    full = size == "full"
    lines = [line for line in ((*PEERS, *FLOORS, *OURS) if full else (*FLOORS, *OURS)) if _runs(line)]
    started = compare("from start to end", "starts", [_start(line) for line in lines], rounds=11 if full else 1)
    helps = [f"instar {verb} --help" for verb in VERBS][: None if full else 2]
    explained = compare("help of a verb", "starts", [_start(line) for line in helps], rounds=3 if full else 1)
    slowest, longest = max(_seconds(explained).items(), key=lambda item: item[1])
    return Result(
        "Starting",
        (started,),
        (
            *(_timed(line, seconds) for line, seconds in _seconds(started).items()),
            Fact(f"the slowest help of a verb: {slowest}", longest, "s"),
            *(_bare(code) for code in IMPORTS),
        ),
        (FLOOR,),
    )


def _start(line: str) -> Contender:
    """One start of a command, from the beginning of its process to the end."""

    def work() -> float:
        subprocess.run(_command(line), check=True, capture_output=True)
        return 1.0

    return Contender(line, work)


def _command(line: str) -> Sequence[str]:
    """What a user types, with this interpreter and the scripts that are installed beside it."""
    program, *arguments = shlex.split(line)
    return [str(Path(sys.executable).with_name(program)), *arguments]


def _runs(line: str) -> bool:
    """Whether the command is installed here and does its work."""
    command = _command(line)
    return Path(command[0]).exists() and subprocess.run(command, check=False, capture_output=True).returncode == 0


def _seconds(found: Comparison) -> dict[str, float]:
    """The median seconds of every contender."""
    return {rate.name: 1 / rate.median for rate in found.rates}


def _timed(line: str, seconds: float) -> Fact:
    limit = LIMITS.get(line)
    return Fact(line, seconds, "s") if limit is None else Fact(line, seconds, "s", f"under {limit}", seconds < limit)


def _bare(code: str) -> Fact:
    """How many heavy packages a fresh interpreter holds once it has run `code`."""
    told = f"{code}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)
    none = done.stdout.strip() == "[]"
    return Fact(f"{', '.join(HEAVY)} after `{code}`", done.stdout.count("'") // 2, "loaded", "none", none)
