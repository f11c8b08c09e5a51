"""The program that a simulator runs in: it obeys messages on one pipe and answers on another, until the first closes.

    python child.py WORLD OPTIONS FOLDER ORDERS ANSWERS

It is started by its path with the interpreter where the user has the simulator, and needs nothing but numpy there: no
package of ours, and no syntax that Python 3.8 does not have. WORLD is the path of a file that knows the simulator; it
has a function `enter(options, folder)`, which returns a `World`. OPTIONS are JSON, FOLDER is for the world's files,
ORDERS and ANSWERS are the numbers of two pipes. `read_message` and `write_message` are the wire format for both ends: a
length, a line of JSON, and the bytes of arrays.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import json
import os
import shutil
import struct
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np

if TYPE_CHECKING:  # Python 3.8 cannot evaluate these
    Arrays = dict[str, Any]  # arrays by name
    Message = tuple[dict[str, Any], Arrays]

LOG = "log.txt"  # beside the folder of the world's files: what anybody prints, unless it goes elsewhere
PROTOCOL = 2  # rises when the messages change
LARGEST = 1 << 28  # bytes of a message; more is a broken pipe, not an observation

# What MuJoCo can draw with where there is no screen: its name for it, and the files of the library.
DRAWING = (("egl", ("libEGL.so.1", "libEGL.so")), ("osmesa", ("libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so")))


class World(Protocol):
    """A simulator as the child has it. What it raises is told to the parent, which then ends the child."""

    def greet(self) -> Message:
        """Who is here: `versions` of what it runs on, by name, and whatever else the parent wants to know."""
        ...

    def obey(self, order: dict[str, Any], arrays: Arrays) -> Message:
        """The answer to one order; `order["do"]` says what to do. An answer has no key `error` or `arrays`."""
        ...

    def close(self) -> None:
        """Release everything."""
        ...


def write_message(pipe: BinaryIO, header: Mapping[str, Any], arrays: Mapping[str, Any] | None = None) -> None:
    """Send one message: its length, JSON that ends with the arrays' names, types and shapes, then their bytes."""
    arrays = {name: np.ascontiguousarray(array) for name, array in (arrays or {}).items()}
    listed = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
    head = json.dumps({**header, "arrays": listed}).encode()
    body = b"".join(array.tobytes() for array in arrays.values())
    pipe.write(struct.pack(">II", len(head), len(body)) + head + body)
    pipe.flush()


class Source(Protocol):
    """Where bytes come from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


def read_message(pipe: Source) -> Message | None:
    """The next message, or None where the other end has closed. Raises ValueError for what is no message."""
    sizes = _exactly(pipe, 8)
    if sizes is None:
        return None
    head_size, body_size = struct.unpack(">II", sizes)
    if head_size + body_size > LARGEST:
        raise ValueError(f"a message of {head_size + body_size} bytes")
    head, body = _exactly(pipe, head_size), _exactly(pipe, body_size)
    if head is None or body is None:
        return None
    header = json.loads(head.decode())
    arrays, place = {}, 0
    for name, kind, shape in header.pop("arrays"):
        count = int(np.prod(shape, dtype=np.int64))
        array = np.frombuffer(body, np.dtype(kind), count, place).reshape(shape)
        arrays[name], place = array, place + array.nbytes
    return header, arrays


def _exactly(pipe: Source, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        part = pipe.read(size - len(data))
        if not part:
            return None
        data += part
    return data


def entered(world: str, options: dict[str, Any], folder: str) -> World:
    """What the file `world` makes of the simulator. Raises what stops it."""
    spec = importlib.util.spec_from_file_location("world", world)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["world"] = module  # its dataclasses and pickles find themselves
    spec.loader.exec_module(module)
    made: World = module.enter(options, folder)
    return made


def serve(world: World, orders: BinaryIO, answers: BinaryIO) -> None:
    """Greet, and obey until there are no more orders; an exception is an answer too."""
    message: Message | None = ({"do": "greet"}, {})
    while message is not None:
        try:
            answer = _greeting(world) if message[0]["do"] == "greet" else world.obey(*message)
        except Exception as error:
            answer = _failure(error)
        write_message(answers, *answer)
        message = read_message(orders)
    world.close()


def _greeting(world: World) -> Message:
    header, arrays = world.greet()
    return {"protocol": PROTOCOL, **header}, arrays


def _failure(error: Exception) -> Message:
    traceback.print_exc()
    return {"error": f"{type(error).__name__}: {error}"}, {}


def drawn_with() -> str:
    """What MuJoCo draws with: what the variable MUJOCO_GL says, or else the first library that is there, if any."""
    chosen = os.environ.get("MUJOCO_GL", "")
    if chosen or not sys.platform.startswith("linux"):
        return chosen
    return next((name for name, files in DRAWING if any(map(_loads, files))), "")


def _loads(file: str) -> bool:
    try:
        ctypes.CDLL(file)
    except OSError:
        return False
    return True


def main(file: str, options: str, folder: str, orders: BinaryIO, answers: BinaryIO) -> None:
    """Obey until the end. What anybody prints goes to the error stream, where it disturbs nobody."""
    os.dup2(2, 1)
    here = Path(__file__).resolve().parent  # what lies beside this file is not for the simulator to import
    sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != here]
    if drawn_with():
        os.environ["MUJOCO_GL"] = drawn_with()  # MuJoCo looks at it while it is imported
    try:
        world = entered(file, json.loads(options), folder)
    except Exception as error:
        write_message(answers, *_failure(error))
        return
    serve(world, orders, answers)
    # Whoever started us may have been killed, and then nobody else tidies up.
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        Path(folder).with_name(LOG).unlink()
        Path(folder).parent.rmdir()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], os.fdopen(int(sys.argv[4]), "rb"), os.fdopen(int(sys.argv[5]), "wb"))
