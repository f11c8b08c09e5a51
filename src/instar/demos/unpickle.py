"""Foreign pickles read without running them: numpy and plain containers are built, named strangers become inert.

A pickle is a program that may call whatever it can name, so nothing it names is imported here. Arrays, dtypes and
scalars are rebuilt by code of ours from checked parts (numpy's own `__setstate__` trusts its input), objects of the
packages that wrote the file become `Stranger`s, and every other name is refused.
"""

import io
import math
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from instar.demos import opcodes
from instar.errors import DataError

LIMIT: Final = 1 << 30  # bytes; VIMA's longest trajectory is 2.1 MB

# Kinds and sizes that numpy writes for plain arrays: no structures and no dates, whose state could not be checked here.
_DTYPE_CODE: Final = re.compile(r"[<>|=]?(?:b1|[iu][1248]|f[248]|c(?:8|16)|[SU]\d{1,6}|O8?)")

_BROKEN: Final = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    ArithmeticError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Stranger:
    """Stands in for an object of a package that is not here: remembers what it was given and does nothing with it."""

    origin: str = ""  # "package.module.Name", as the pickle spells it
    args: tuple[object, ...]
    kwargs: dict[str, object]
    state: object  # what the pickle restores it from; mostly the dictionary of its attributes
    items: list[object]  # what was appended or assigned to it, for strangers that are containers

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        stranger = super().__new__(cls)
        stranger.args, stranger.kwargs, stranger.state, stranger.items = args, kwargs, None, []
        return stranger

    def __setstate__(self, state: object) -> None:
        self.state = state

    def __setitem__(self, key: object, value: object) -> None:
        self.items.append((key, value))

    def __call__(self, *_args: object, **_kwargs: object) -> Self:
        return self

    def __repr__(self) -> str:
        return f"<stranger {self.origin}>"

    def append(self, item: object) -> None:
        """Remember `item`, as a list would."""
        self.items.append(item)


def loads(data: bytes, where: str, strangers: Sequence[str] = ()) -> object:
    """What the pickle `data` holds, made of plain containers, numpy arrays and `Stranger`s.

    `strangers` are the packages ("vimasim") and single names ("functools.partial") that may be mentioned. Raises
    DataError, beginning with `where`, for a pickle that is cut short or broken and for one that names anything else.
    """
    if len(data) > LIMIT:
        raise DataError(f"{where}: a pickle of {len(data):,} bytes; at most {LIMIT:,} are read")
    try:
        opcodes.check(data)
        return _Unpickler(data, where, strangers).load()
    except DataError:
        raise
    except _BROKEN as error:
        reason = str(error) or type(error).__name__
        raise DataError(f"{where}: cut short or not a pickle of plain data ({reason})") from error


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, where: str, strangers: Sequence[str]) -> None:
        super().__init__(io.BytesIO(data))
        self._where = where
        self._strangers = tuple(strangers)
        self._met: dict[str, type[Stranger]] = {}

    def find_class(self, module: str, name: str) -> object:
        """Our own stand-in for `module`.`name`. Raises DataError if it is neither known nor an expected stranger."""
        spelt = f"{module}.{name}"
        if spelt in self._met:
            return self._met[spelt]
        full = f"{_modern(module)}.{name}"
        if full in _KNOWN:
            return _KNOWN[full]
        if not any(spelt == stranger or spelt.startswith(stranger + ".") for stranger in self._strangers):
            raise DataError(f"{self._where}: refused: the pickle asks for {spelt}, which is no plain data")
        self._met[spelt] = type(name, (Stranger,), {"origin": spelt})
        return self._met[spelt]


def _modern(module: str) -> str:
    """`module` as Python 3 and numpy 2 spell it."""
    if module == "numpy.core" or module.startswith("numpy.core."):
        return "numpy._core" + module.removeprefix("numpy.core")
    return {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module)


class _Known:
    """A callable that a pickle may call; without attributes, so that a pickle cannot change it."""

    __slots__ = ("_make",)
    _make: Callable[..., object]

    def __init__(self, make: Callable[..., object]) -> None:
        object.__setattr__(self, "_make", make)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} cannot be set by a pickle")

    def __call__(self, *args: object) -> object:
        return self._make(*args)


class _Dtype:
    """A numpy dtype on its way in: the code it is made of, then the byte order from its state."""

    __slots__ = ("dtype",)

    def __init__(self, code: str, *_align_and_copy: object) -> None:
        if not _DTYPE_CODE.fullmatch(code):
            raise pickle.UnpicklingError(f"arrays of type {code!r} are not read")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[object, ...]) -> None:
        order, *structure = state[1:5]
        if structure != [None, None, None] or order not in {"<", ">", "|", "="}:
            raise pickle.UnpicklingError(f"structured arrays of type {self.dtype} are not read")
        self.dtype = self.dtype.newbyteorder(order) if order in {"<", ">"} else self.dtype


_fill: Callable[..., None] = np.ndarray.__setstate__


class _Array(NDArray[np.generic]):
    """An array that fills itself only from a state whose parts agree."""

    def __setstate__(self, state: tuple[object, ...]) -> None:
        shape, dtype, fortran, raw = state[-4:]
        sizes = _sizes(shape)
        if not isinstance(dtype, _Dtype):
            raise pickle.UnpicklingError("an array without a type")
        kind = list if dtype.dtype.hasobject else bytes
        length = math.prod(sizes) * (1 if kind is list else dtype.dtype.itemsize)
        if not isinstance(raw, kind) or len(raw) != length:
            raise pickle.UnpicklingError(f"an array {sizes} of {dtype.dtype} has other contents than that")
        _fill(self, (1, sizes, dtype.dtype, bool(fortran), raw))


def _sizes(shape: object) -> tuple[int, ...]:
    if not isinstance(shape, tuple) or not all(isinstance(size, int) and size >= 0 for size in shape):
        raise pickle.UnpicklingError(f"an array cannot have the shape {shape!r}")
    return shape


def _array(*_class_shape_and_dtype: object) -> _Array:
    # The shape asked for here is always (0,) in an honest file; what counts comes with the state.
    return _Array(0, np.int8)


def _scalar(dtype: _Dtype, raw: bytes) -> object:
    if dtype.dtype.hasobject or len(raw) != dtype.dtype.itemsize:
        raise pickle.UnpicklingError(f"a scalar of {dtype.dtype} is not what follows")
    return np.frombuffer(raw, dtype.dtype)[0]


def _frombuffer(raw: bytes, dtype: _Dtype, shape: object, order: str) -> object:
    return np.frombuffer(raw, dtype.dtype).reshape(_sizes(shape), order="F" if order == "F" else "C")


def _latin1(text: str, _encoding: object) -> bytes:
    # Protocol 2 writes bytes as text of the same code points.
    return text.encode("latin1")


def _bytes(*args: object) -> bytes:
    match args:
        case ():
            return b""
        case (bytes(raw),):
            return raw
        case (str(text), _):
            return text.encode("latin1")
    raise pickle.UnpicklingError("bytes of something else than bytes")


def _stranger(cls: object, *args: object) -> Stranger:
    if not (isinstance(cls, type) and issubclass(cls, Stranger)):
        raise pickle.UnpicklingError("an object of a class that is not one to be made")
    return cls(*args)


def _refused(*_args: object) -> object:
    raise pickle.UnpicklingError("a class that may only be mentioned is called")


_KNOWN: Final[dict[str, object]] = {
    "builtins.set": set,
    "builtins.frozenset": frozenset,
    "builtins.complex": complex,
    "builtins.slice": slice,
    "builtins.bytes": _Known(_bytes),
    "builtins.bytearray": _Known(lambda *args: bytearray(_bytes(*args))),
    "collections.OrderedDict": OrderedDict,
    "collections.defaultdict": _Known(lambda *_factory: {}),
    "copyreg._reconstructor": _Known(lambda cls, _base, *state: _stranger(cls, *state)),
    "copyreg.__newobj__": _Known(_stranger),
    "_codecs.encode": _Known(_latin1),
    "numpy.dtype": _Known(_Dtype),
    "numpy._core.multiarray._reconstruct": _Known(_array),
    "numpy._core.multiarray.scalar": _Known(_scalar),
    "numpy._core.numeric._frombuffer": _Known(_frombuffer),
    "numpy.ndarray": _Known(_refused),
    **{f"builtins.{name}": _Known(_refused) for name in ("object", "dict", "list", "tuple", "int", "float", "str")},
}
