"""A child process that obeys one order at a time; given up, with its last words, when it dies, fails or is silent."""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from instar.errors import SimulatorError
from instar.simulators.apart import child
from instar.simulators.apart.child import LOG, read_message, write_message

FILES: Final = "files"
TAIL: Final = 1000  # characters of what the child printed last
GRACE: Final = 5.0  # seconds a child has to end by itself

Array = NDArray[np.generic]


def command(python: str, world: Path, options: Mapping[str, Any]) -> list[str]:
    """What runs the file `world` (see `child.py`) with `options`, which JSON must hold, in the interpreter `python`."""
    return [python, "-u", str(Path(child.__file__).absolute()), str(world.absolute()), json.dumps(options)]


@dataclass(frozen=True, eq=False)
class Answer:
    """What the child said."""

    header: Mapping[str, Any]
    arrays: Mapping[str, Array]


class Program:
    """A running child that has greeted. A method that raises SimulatorError has ended the child."""

    def __init__(self, command: Sequence[str], patience: float, name: str) -> None:
        """Run `command` with a folder for its files and the numbers of two pipes as its last arguments.

        `patience` is in seconds, for every answer; `name` is what people call the simulator, in messages. Raises
        SimulatorError if it does not start or does not greet.
        """
        self.patience, self.name = patience, name
        self._folder = Path(tempfile.mkdtemp(prefix="instar-apart-"))
        (self._folder / FILES).mkdir()
        (read_orders, write_orders), (read_answers, write_answers) = os.pipe(), os.pipe()
        self._orders, self._ear = os.fdopen(write_orders, "wb"), _Ear(read_answers)
        arguments = [str(self._folder / FILES), str(read_orders), str(write_answers)]
        try:
            self._process = _started([*command, *arguments], self._folder / LOG, (read_orders, write_answers))
        except OSError as error:
            _release(self._orders, read_answers, self._folder)
            raise SimulatorError(f"{command[0]} does not start: {error.strerror or error}") from error
        finally:
            os.close(read_orders)
            os.close(write_answers)
        self._end = weakref.finalize(self, _end, self._process, self._orders, read_answers, self._folder)
        self.greeting = self._hear("greeting")

    def ask(self, order: Mapping[str, Any], arrays: Mapping[str, Array] | None = None) -> Answer:
        """What the child answers to `order`."""
        try:
            write_message(self._orders, order, arrays)
        except (OSError, ValueError) as error:
            raise self._lost(f"does not listen ({error})") from error
        return self._hear(order["do"])

    def close(self) -> None:
        """End the child and remove its files; closing twice does no harm."""
        self._end()

    def _hear(self, what: str) -> Answer:
        self._ear.deadline = time.monotonic() + self.patience
        try:
            message = read_message(self._ear)
        except TimeoutError as error:
            raise self._lost(f"said nothing for {self.patience:g} s ({what})") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._lost(f"answered what is no message ({what}): {error}") from error
        if message is None:
            raise self._lost(f"died ({what}, {self._cause()})")
        header, arrays = message
        if "error" in header:
            raise self._lost(f"failed ({what}): {header['error']}", quote=False)
        return Answer(header, arrays)

    def _cause(self) -> str:
        """How the process ended, in words."""
        try:
            code = self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            return "its pipe is closed"
        return f"exit code {code}" if code >= 0 else f"signal {-code}, {signal.Signals(-code).name}"

    def _lost(self, why: str, *, quote: bool = True) -> SimulatorError:
        """The error to raise, after the child was ended."""
        log = self._folder / LOG
        self._process.kill()  # it may hang, and nobody knows what state it is in
        said = log.read_bytes()[-TAIL:].decode(errors="replace").strip() if quote and log.exists() else ""
        self.close()
        words = f"; it said last: {' / '.join(said.splitlines())}" if said else ""
        return SimulatorError(f"the {self.name} process {why}{words}")


class _Ear:
    """Reads from a pipe until a deadline, in seconds of the monotonic clock."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self.deadline = 0.0

    def read(self, size: int, /) -> bytes:
        """What has come, at least a byte; nothing at the end. Raises TimeoutError."""
        ready, _, _ = select.select([self._pipe], [], [], max(0.0, self.deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        return os.read(self._pipe, min(size, 1 << 20))


def _started(command: Sequence[str], log: Path, pipes: tuple[int, int]) -> "subprocess.Popen[bytes]":
    with log.open("wb") as said:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            pass_fds=pipes,
            env=environment(),
            start_new_session=True,  # Ctrl-C is the parent's to handle
        )


# What makes an interpreter look for modules where ours finds them.
_OURS: Final = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"})

_CALM: Final = {
    # One thread: simulators run side by side. LP is Mesa's renderer on the processor.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "LP_NUM_THREADS": "0",
    "PYTHONHASHSEED": "0",  # a set of names has one order
    "PYTHONDONTWRITEBYTECODE": "1",
}


def environment() -> dict[str, str]:
    """The environment of another interpreter."""
    return {name: value for name, value in os.environ.items() if name not in _OURS} | _CALM


def _end(process: "subprocess.Popen[bytes]", orders: BinaryIO, answers: int, folder: Path) -> None:
    """A child whose orders end goes by itself; one that does not is killed."""
    _release(orders, answers, folder=None)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)


def _release(orders: BinaryIO, answers: int, folder: Path | None) -> None:
    with contextlib.suppress(OSError):  # the child is gone, and what was still to be written with it
        orders.close()
    os.close(answers)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
