"""What surrounds an interpreter that CoppeliaSim is to run in, as one line of JSON; nothing of it is loaded.

Run by its path with the interpreter in question, of Python 3.8 or later: `python surroundings.py`. What counts is what
that interpreter finds: it may be a program that sets the variables itself.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

LIBRARY = "libcoppeliaSim.so"


def main() -> None:
    """Print the variables that CoppeliaSim is found by, and whether it is where they say."""
    root = os.environ.get("COPPELIASIM_ROOT", "")
    searched = [part for part in os.environ.get("LD_LIBRARY_PATH", "").split(":") if part]
    plugins = os.environ.get("QT_QPA_PLATFORM_PLUGIN_PATH", "")
    about = {
        "root": root,
        "whole": bool(root) and (Path(root) / LIBRARY).is_file(),
        "searched": bool(root) and Path(root).resolve() in [Path(part).resolve() for part in searched],
        "plugins": plugins,
        "drawn": bool(plugins) and all(Path(part).is_dir() for part in plugins.split(":") if part),
        "display": os.environ.get("DISPLAY", ""),
    }
    sys.stdout.write(json.dumps(about) + "\n")


if __name__ == "__main__":
    main()
