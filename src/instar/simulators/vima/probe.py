"""What an interpreter has of what VIMA-Bench needs, as one line of JSON; nothing is imported that might not be there.

Run by its path with the interpreter in question, of Python 3.8 or later: `python probe.py PACKAGES CHECKOUT`, with
PACKAGES as one word of module=distribution pairs.
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


def main(packages: str, checkout: str) -> None:
    """Print what is there."""
    if checkout:
        sys.path.insert(0, checkout)
    pairs = [pair.split("=") for pair in packages.split(",")]
    found = {module: version(module, distribution) for module, distribution in pairs}
    bench = importlib.util.find_spec("vima_bench")
    about = {"python": list(sys.version_info[:3]), "packages": found, "bench": bench.origin if bench else None}
    sys.stdout.write(json.dumps(about) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
