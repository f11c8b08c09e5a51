"""Train in a process of its own: `python -m tests.training.runner config.json [die after step]`."""

import json
import os
import signal
import sys
from pathlib import Path

from pydantic import TypeAdapter

from instar.train import TrainConfig, train


def main(arguments: list[str]) -> None:
    """Train as the file says; with a step, die after it as by `kill -9`."""
    config = TypeAdapter(TrainConfig).validate_python(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
    last = int(arguments[1]) if len(arguments) > 1 else -1

    def die(done: int, steps: int, note: str) -> None:
        del steps, note
        if done == last:
            os.kill(os.getpid(), signal.SIGKILL)

    train(config, die)


if __name__ == "__main__":
    main(sys.argv[1:])
