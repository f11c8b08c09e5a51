"""Plugins by name: every kind is a group of entry points, ours like everybody's.

A plugin is a frozen dataclass whose fields are its options. Users write `llara:past=3,camera=front`; the same choice as
JSON is stored in every artefact, so that what made it can be made again.
"""

import dataclasses
import difflib
import functools
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, get_type_hints

from instar.errors import PluginError

KINDS: Final = (
    "demos",
    "recipes",
    "auxiliary",
    "backbones",
    "simulators",
    "benchmarks",
    "policies",
    "detectors",
    "protocols",
)

# A module that is missing, and the extra that brings it.
EXTRAS: Final = {
    "peft": "train",
    "accelerate": "train",
    "av": "video",
    "h5py": "hdf5",
    "ray": "ray",
    "mujoco": "mujoco",
}


@dataclass(frozen=True)
class Choice:
    """A plugin and its options, as a user chose them."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Choice":
        """Read `name`, `name:first`, `name:key=value,key=value`; values are YAML scalars or [lists]."""
        name, _, rest = text.partition(":")
        options: dict[str, Any] = {}
        for position, part in enumerate(_split(rest)):
            key, equals, value = part.partition("=")
            if not equals and position > 0:
                raise PluginError(f"{text!r}: {part!r} is not of the form option=value")
            if equals:
                options[key.strip()] = _scalar(value)
            else:
                options[""] = key  # the first field of the plugin, whatever it is called
        return cls(name.strip(), options)

    def to_json(self) -> dict[str, Any]:
        """As stored in manifests and cards."""
        return {"name": self.name, "options": dict(self.options)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Choice":
        """Back from `to_json`."""
        return cls(value["name"], value.get("options", {}))

    def __str__(self) -> str:
        """As a user would type it."""
        options = ",".join(f"{key}={typed(value)}" for key, value in self.options.items())
        return f"{self.name}:{options}" if options else self.name


def _split(text: str) -> list[str]:
    """Split at commas that are not inside brackets or quotes."""
    return [part for part in _PART.findall(text) if part.strip()]


_PART = re.compile(r"""(?:"[^"]*"|\[[^\]]*\]|\{[^}]*\}|[^,])+""")


def _scalar(text: str) -> Any:
    import yaml

    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    if value is None:
        return None if text.strip() == "null" else text
    return value if isinstance(value, str | int | float | bool | list | dict) else text


def typed(value: Any) -> str:
    """`value` so that `_scalar` reads it back."""
    if isinstance(value, list | tuple):
        return "[" + ",".join(typed(item) for item in value) + "]"
    if isinstance(value, str):
        plain = value and not re.search(r"""[,\[\]{}"#:]""", value) and _scalar(value) == value
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, default=str)


def names(kind: str) -> list[str]:
    """The names of all installed plugins of a kind, sorted."""
    return sorted(_installed(kind))


def load(kind: str, name: str) -> Any:
    """The plugin class called `name`. Raises PluginError that says what is meant or what to install."""
    installed = _installed(kind)
    if name not in installed:
        raise PluginError(f"no {_singular(kind)} is called {name!r}{meant(name, installed)}")
    try:
        return installed[name].load()
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").split(".")[0])
        remedy = f'; install it with: pip install "instar[{extra}]"' if extra else ""
        raise PluginError(f"{_singular(kind)} {name!r} needs the module {error.name!r}{remedy}") from error
    except (ImportError, AttributeError, SyntaxError) as error:
        raise PluginError(f"{_singular(kind)} {name!r} ({installed[name].value}) does not load: {error}") from error


def make(kind: str, choice: str | Choice) -> Any:
    """A plugin with its options set. Raises PluginError naming the option that is unknown or will not do."""
    choice = Choice.parse(choice) if isinstance(choice, str) else choice
    plugin = load(kind, choice.name)
    fields = [item.name for item in dataclasses.fields(plugin) if item.init]
    options = _placed(choice, fields, kind)
    for option in options:
        if option not in fields:
            raise PluginError(f"{_singular(kind)} {choice.name!r} has no option {option!r}{meant(option, fields)}")
    converted = {
        name: _converted(value, _hints(plugin)[name], f"{choice.name}:{name}") for name, value in options.items()
    }
    missing = [item.name for item in dataclasses.fields(plugin) if _required(item) and item.name not in converted]
    if missing:
        raise PluginError(f"{_singular(kind)} {choice.name!r} needs the option {', '.join(missing)}")
    return plugin(**converted)


def _placed(choice: Choice, fields: list[str], kind: str) -> dict[str, Any]:
    options = dict(choice.options)
    if "" in options:
        if not fields:
            raise PluginError(f"{_singular(kind)} {choice.name!r} takes no options")
        options[fields[0]] = options.pop("")
    return options


def _required(item: "dataclasses.Field[Any]") -> bool:
    return item.init and item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING


def _converted(value: Any, hint: Any, where: str) -> Any:
    """`value` as the type that the option declares."""
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    # pydantic refuses a config for types that carry their own.
    config = None if dataclasses.is_dataclass(hint) else ConfigDict(arbitrary_types_allowed=True)
    try:
        return TypeAdapter(hint, config=config).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        inner = "".join(f"[{part}]" for part in first["loc"])
        raise PluginError(f"option {where}{inner}: {first['msg']} (got {first['input']!r})") from error


def _hints(plugin: Any) -> Mapping[str, Any]:
    return get_type_hints(plugin, include_extras=True)


def choice_of(kind: str, plugin: object) -> Choice:
    """The choice that makes an equal plugin again: its registered name and every option."""
    for name, entry in _installed(kind).items():
        # The name is looked at first so that finding one plugin does not import all the others.
        if entry.attr == type(plugin).__qualname__ and entry.load() is type(plugin):
            return Choice(name, _plain(plugin))
    raise PluginError(f"{type(plugin).__name__} is not registered as a {_singular(kind)}; known: {names(kind)}")


def portable(kind: str, plugin: object) -> Choice:
    """`choice_of` without the options that only say where things are on this machine: the plugin's `LOCAL`, if any."""
    choice = choice_of(kind, plugin)
    local: Collection[str] = getattr(plugin, "LOCAL", ())
    return Choice(choice.name, {name: value for name, value in choice.options.items() if name not in local})


def _plain(plugin: Any) -> dict[str, Any]:
    """Every init field as JSON-able values."""
    from pydantic import TypeAdapter

    hints = _hints(type(plugin))
    return {
        item.name: TypeAdapter(hints[item.name]).dump_python(getattr(plugin, item.name), mode="json")
        for item in dataclasses.fields(plugin)
        if item.init
    }


@functools.cache
def _installed(kind: str) -> Mapping[str, EntryPoint]:
    if kind not in KINDS:
        raise PluginError(f"no kind of plugin is called {kind!r}{meant(kind, KINDS)}")
    return {entry.name: entry for entry in entry_points(group=f"instar.{kind}")}


def _singular(kind: str) -> str:
    return {"policies": "policy", "auxiliary": "auxiliary task", "demos": "demonstration format"}.get(kind, kind[:-1])


def meant(name: str, known: Collection[str]) -> str:
    """What to say after an unknown name: the likeliest known one, or all of them."""
    close = difflib.get_close_matches(name, list(known), n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are: {', '.join(sorted(known)) or 'none'}"
