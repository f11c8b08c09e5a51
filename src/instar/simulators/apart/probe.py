"""What an interpreter has of what a simulator needs, as one line of JSON; nothing is imported that might not be there.

Run by its path with the interpreter in question, of Python 3.8 or later: `python probe.py PACKAGES MODULE FOLDER`, with
PACKAGES as one word of module=distribution pairs, and MODULE as the simulator's own, which may lie in FOLDER.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib import metadata


def version(module: str, distribution: str) -> str | None:
    """The version of a distribution, "?" where only its module is there, None where neither is."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "?" if importlib.util.find_spec(module) else None


def main(packages: str, module: str, folder: str) -> None:
    """Print what is there."""
    if folder:
        sys.path.insert(0, folder)
    pairs = [pair.split("=") for pair in packages.split(",") if pair]
    simulator = importlib.util.find_spec(module)
    about = {
        "python": list(sys.version_info[:3]),
        "packages": {name: version(name, distribution) for name, distribution in pairs},
        "origin": (simulator.origin or next(iter(simulator.submodule_search_locations or ()), "")) if simulator else "",
    }
    sys.stdout.write(json.dumps(about) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3])
