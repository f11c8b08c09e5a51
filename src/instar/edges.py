"""Plain values at the edges: checked against our own types on the way in, plain again on the way out.

The checking is pydantic's, which is loaded when the first value comes: a type can be declared without it.
"""

from typing import TYPE_CHECKING, Any, Final, TypeVar

from instar.errors import DataError, InstarError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

_ADAPTERS: Final[dict[type[Any], "TypeAdapter[Any]"]] = {}


def adapter(kind: type[T]) -> "TypeAdapter[T]":
    """What pydantic knows of a type; worked out once."""
    from pydantic import TypeAdapter

    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def checked(kind: type[T], value: Any, where: str, refusal: type[InstarError] = DataError) -> T:
    """`value`, as JSON or YAML hold it, as a `kind`.

    Raises `refusal` with `where`, the first place in the value that will not do, and why.
    """
    from pydantic import ValidationError

    try:
        return adapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = [".".join(map(str, first["loc"]))] if first["loc"] else []
        raise refusal(": ".join([where, *place, first["msg"]])) from error


def plain(value: object) -> Any:
    """A value of one of our types as JSON holds it."""
    return adapter(type(value)).dump_python(value, mode="json")
