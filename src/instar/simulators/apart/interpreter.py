"""The interpreter where the user has a simulator."""

import os
import shutil
from pathlib import Path

from instar.errors import ConfigError


def interpreter(chosen: str, variable: str, plugin: str, name: str) -> str:
    """The absolute path of the interpreter `chosen`, or else of the one that the environment variable names.

    `plugin` is what instar calls the simulator, `name` what people do. Raises ConfigError, in one line, where there is
    no such interpreter.
    """
    wanted = chosen or os.environ.get(variable, "")
    if not wanted:
        raise ConfigError(f"{name} runs in its own interpreter: say {plugin}:python=PATH, or set {variable}")
    found = shutil.which(Path(wanted).expanduser())
    if found is None:
        raise ConfigError(f"{wanted}: no such interpreter; it should be the python that {name} is installed for")
    return str(Path(found).absolute())
