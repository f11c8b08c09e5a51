"""Run parts of the benchmarks: python -m benchmarks [PART ...] [--size small] [--write]."""

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.harness import Result, Size
from benchmarks.machine import machine
from benchmarks.pages import PAGE, summary, text
from instar.files import JSON, read_json, write_json
from studies.pages import write_section

PARTS: Final = ("reading", "readers", "building", "training", "decoding", "evaluating", "simulating", "starting", "gpu")
RESULTS: Final = Path(__file__).parent / "results"


def main() -> None:
    """Print each part's section; with --write, put it into docs/performance.md and its figures into results/."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; without any, all of them")
    parser.add_argument("--size", choices=["small", "full"], default="full", help="small takes seconds and says little")
    parser.add_argument("--write", action="store_true", help="update docs/performance.md and benchmarks/results")
    options = parser.parse_args()
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    run_all(options.parts or PARTS, options.size, write=options.write)


def run_all(parts: Sequence[str], size: Size, *, write: bool) -> None:
    """Run the parts one after another; what one has found is out before the next begins."""
    for part in parts:
        begun = time.monotonic()
        result: Result = importlib.import_module(f"benchmarks.{part}").run(size)
        seconds, here = time.monotonic() - begun, machine()
        sys.stdout.write(text(part, result, here) + f"\n\n({seconds:.0f} s)\n\n")
        sys.stdout.flush()
        if write:
            write_json(RESULTS / f"{part}.json", {"size": size, "machine": here, "result": result.to_json()})
            write_section(PAGE, part, text(part, result, here))
            write_section(PAGE, "summary", summary(_kept()))


def _kept() -> dict[str, JSON]:
    """The results that are on disk, in the order of the parts."""
    paths = {part: RESULTS / f"{part}.json" for part in PARTS}
    return {part: read_json(path) for part, path in paths.items() if path.exists()}


if __name__ == "__main__":
    main()
