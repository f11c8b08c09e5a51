import os
import pickle
import subprocess
import sys
import types
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from enum import Enum
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from numpy.typing import NDArray

from instar.demos.unpickle import Stranger, loads
from instar.errors import DataError

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
PLAIN = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=8,
)
DTYPES = st.one_of(
    stn.boolean_dtypes(),
    stn.integer_dtypes(),
    stn.integer_dtypes(endianness=">"),
    stn.floating_dtypes(sizes=(16, 32, 64)),
    stn.complex_number_dtypes(sizes=(64, 128)),
    stn.unicode_string_dtypes(),
    stn.byte_string_dtypes(),
)
ARRAYS = stn.arrays(DTYPES, stn.array_shapes(min_dims=0, min_side=0))
PROTOCOLS = st.integers(0, pickle.HIGHEST_PROTOCOL)


@given(PLAIN, PROTOCOLS)
def test_plain_data_comes_back_at_every_protocol(value: object, protocol: int) -> None:
    assert loads(pickle.dumps(value, protocol), "here") == value


@given(ARRAYS, PROTOCOLS)
def test_arrays_come_back_at_every_protocol_and_in_both_orders(array: NDArray[np.generic], protocol: int) -> None:
    for laid_out in (np.ascontiguousarray(array), np.asfortranarray(array)):
        again = loads(pickle.dumps([laid_out], protocol), "here")
        assert isinstance(again, list)
        back = np.asarray(again[0])
        assert type(back) is np.ndarray
        native = laid_out.dtype.newbyteorder("=")  # numpy itself turns foreign byte orders
        assert (back.shape, back.dtype.newbyteorder("=")) == (laid_out.shape, native)
        assert back.astype(native).tobytes() == laid_out.astype(native).tobytes()


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        frozenset("ab"),
        bytearray(b"xyz"),
        bytearray(),
        b"",
        slice(1, 2),
        2 - 3j,
        OrderedDict(a=1),
        defaultdict(list, {"a": [1]}),
        np.float32(2.5),
        np.int64(-3),
        np.bool_(1),
        np.str_("word"),
    ],
    ids=lambda value: type(value).__name__,  # a set is spelled differently in every process
)
def test_other_plain_values_come_back(value: object) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert loads(pickle.dumps(value, protocol), "here") == value


def test_arrays_of_objects_and_dtypes_come_back() -> None:
    array = np.array([{"a": 1}, None, "word"], dtype=object)
    again = loads(pickle.dumps((array, np.dtype(">f4"))), "here")
    assert isinstance(again, tuple)
    assert np.asarray(again[0]).tolist() == array.tolist()
    assert np.dtype(again[1]) == np.dtype(">f4")


def test_numpy_is_known_by_its_old_and_its_new_name() -> None:
    new = pickle.dumps(np.arange(3), protocol=4)
    old = _renamed(new, "numpy._core.multiarray", "numpy.core.multiarray")
    assert old != new
    for data in (new, old):
        assert np.array_equal(np.asarray(loads(data, "here")), [0, 1, 2])


def _renamed(data: bytes, before: str, after: str) -> bytes:
    """Protocol 4 with one short word exchanged, and the frame as long as it then is."""
    changed = data.replace(bytes([len(before)]) + before.encode(), bytes([len(after)]) + after.encode())
    length = int.from_bytes(changed[3:11], "little") + len(changed) - len(data)
    return changed[:3] + length.to_bytes(8, "little") + changed[11:]


@pytest.fixture
def foreign() -> Iterator[types.ModuleType]:
    """A package that is there when the pickle is written, and not when it is read."""
    module = types.ModuleType("vimasim.pedia")
    sys.modules["vimasim"] = types.ModuleType("vimasim")
    sys.modules["vimasim.pedia"] = module
    yield module
    sys.modules.pop("vimasim", None)
    sys.modules.pop("vimasim.pedia", None)


def _foreign_class(module: types.ModuleType, name: str, *bases: type) -> type:
    made = type(name, bases or (object,), {"__module__": "vimasim.pedia", "__qualname__": name})
    setattr(module, name, made)
    return made


def test_strangers_are_remembered_and_never_imported(foreign: types.ModuleType) -> None:
    thing = _foreign_class(foreign, "Thing")()
    thing.size = 3
    crowd = _foreign_class(foreign, "Crowd", list)([1, 2])
    index = _foreign_class(foreign, "Index", dict)({"a": 1})
    Kind = Enum("Kind", {"FLAT": 7}, module="vimasim.pedia")
    foreign.__dict__["Kind"] = Kind
    value = {
        "thing": thing,
        "crowd": crowd,
        "index": index,
        "kind": Kind["FLAT"],
        "call": partial(foreign.Thing, 1, x=2),
    }
    pickles = [pickle.dumps(value, protocol) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)]
    del sys.modules["vimasim.pedia"], sys.modules["vimasim"]
    for data in pickles:
        read = loads(data, "here", ("vimasim", "functools.partial"))
        assert isinstance(read, dict)
        assert all(isinstance(stranger, Stranger) for stranger in read.values())
        assert (read["thing"].origin, read["thing"].state) == ("vimasim.pedia.Thing", {"size": 3})
        assert read["crowd"].items == [1, 2]
        assert read["index"].items == [("a", 1)]
        assert read["kind"].args == (7,)
        assert read["call"].state[1:3] == ((1,), {"x": 2})
    assert "vimasim.pedia" not in sys.modules


def test_a_stranger_must_be_expected() -> None:
    data = pickle.dumps(partial(int, "3"))
    with pytest.raises(DataError, match=r"^x\.pkl: refused: the pickle asks for functools\.partial, which"):
        loads(data, "x.pkl")
    with pytest.raises(DataError, match=r"functools\.partial"):
        loads(data, "x.pkl", ("func", "functools.part"))


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_command_in_a_pickle_is_refused_by_name_and_does_not_run(tmp_path: Path, protocol: int) -> None:
    trap = tmp_path / "sprung"
    data = pickle.dumps({"innocent": Calls(os.system, f"touch {trap}")}, protocol)
    with pytest.raises(DataError, match=r"here: refused: the pickle asks for (posix|nt)\.system"):
        loads(data, "here", ("vimasim", "functools.partial"))
    assert not trap.exists()
    ordinary = "import pickle, sys; pickle.load(sys.stdin.buffer)"
    subprocess.run([sys.executable, "-c", ordinary], input=data, check=True)  # the trap is a real one
    assert trap.exists()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (Calls(eval, "1"), r"builtins\.eval"),
        (Calls(exec, "1"), r"builtins\.exec"),
        (Calls(getattr, "x", "upper"), r"builtins\.getattr"),
        (Calls(subprocess.Popen, "true"), r"subprocess\.Popen"),
        (Calls(open, "x", "w"), r"(_io|io)\.open"),
        (Calls(np.load, "x"), r"numpy\.load"),
        (Calls(np.empty, 3), r"numpy.*\.empty"),
        (Calls(range, 3), r"builtins\.range"),
        (Calls(__import__, "os"), r"builtins\.__import__"),
    ],
)
def test_every_other_function_is_refused_by_name(call: Calls, name: str) -> None:
    with pytest.raises(DataError, match=f"refused: the pickle asks for {name}"):
        loads(pickle.dumps(call), "here", ("vimasim",))


def test_a_dotted_name_does_not_lead_out_of_an_allowed_module() -> None:
    data = b"\x80\x04\x8c\x05numpy\x8c\x0bos.system()\x93."
    with pytest.raises(DataError, match=r"refused: the pickle asks for numpy\.os\.system"):
        loads(data, "here")


def test_classes_that_may_be_mentioned_may_not_be_called() -> None:
    for function in (np.ndarray, list, dict, object):
        arguments = ((1 << 40,),) if function is np.ndarray else ()
        with pytest.raises(DataError, match="may only be mentioned"):
            loads(pickle.dumps(Calls(function, *arguments)), "here")


@given(PLAIN | ARRAYS, st.data())
def test_a_pickle_cut_anywhere_is_refused(value: object, data: st.DataObject) -> None:
    whole = pickle.dumps(value)
    end = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(DataError, match=r"^here: cut short or not a pickle"):
        loads(whole[:end], "here")


def _refusal(data: bytes) -> str | None:
    try:
        loads(data, "here", ("vimasim",))
    except DataError as error:
        return str(error)
    return None


@given(st.binary(max_size=60))
def test_noise_is_refused_or_read_and_never_anything_else(noise: bytes) -> None:
    assert (_refusal(noise) or "here: ").startswith("here: ")


@given(st.data())
def test_a_flipped_byte_is_refused_or_read_and_never_anything_else(data: st.DataObject) -> None:
    whole = bytearray(pickle.dumps({"a": np.arange(6).reshape(2, 3), "b": np.float32(1)}))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    assert (_refusal(bytes(whole)) or "here: ").startswith("here: ")


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04Nr\xff\xff\xff\x7f.",  # a memo of two billion places
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x00.",  # bytes longer than any disk
        b"\x80\x05\x96\xff\xff\xff\xff\xff\x00\x00\x00.",  # a bytearray of a terabyte
        b"\x80\x04\x82\x01.",  # from the registry of extensions
        b"\x80\x04K\x01Q.",  # something persistent, elsewhere
    ],
)
def test_what_would_fill_the_memory_or_look_elsewhere_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match=r"^here: cut short or not a pickle of plain data"):
        loads(data, "here")


class Forged:
    """Pickles as an array with a state of one's choice."""

    def __init__(self, shape: object, dtype: np.dtype[np.generic], contents: object) -> None:
        self.state = (1, shape, dtype, False, contents)

    def __reduce__(self) -> tuple[object, ...]:
        return (np.zeros(1).__reduce__()[0], (np.ndarray, (0,), b"b"), self.state)


@pytest.mark.parametrize("shape", [(2, 4), (-1, 3), (2, "a"), (1 << 62, 1 << 62), 6, None])
def test_an_array_must_be_as_large_as_it_says(shape: object) -> None:
    assert np.asarray(loads(pickle.dumps(Forged((2, 3), np.dtype("u1"), b"abcdef")), "here")).shape == (2, 3)
    with pytest.raises(DataError, match=r"here: .*an array"):
        loads(pickle.dumps(Forged(shape, np.dtype("u1"), b"abcdef")), "here")


@pytest.mark.parametrize(("shape", "contents"), [((2,), b"A" * 16), ((2,), [None]), ((1 << 40,), [])])
def test_an_array_of_objects_cannot_be_made_of_anything_but_as_many_objects(shape: object, contents: object) -> None:
    with pytest.raises(DataError, match="has other contents than that"):
        loads(pickle.dumps(Forged(shape, np.dtype(object), contents)), "here")


def test_structured_arrays_are_refused() -> None:
    with pytest.raises(DataError, match="arrays of type 'V"):
        loads(pickle.dumps(np.zeros(2, dtype=[("a", "f4")])), "here")
