"""What is installed: every plugin of every kind, with its options, and the models that come with instar."""

import dataclasses
import inspect
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_type_hints

import tyro
from typing_extensions import Doc

from instar import plugins, shipped
from instar.errors import PluginError
from instar.progress import Progress, silent

MODELS: Final = "models"  # the kind that is no plugin's
POLICIES: Final = "policies"


@dataclass(frozen=True)
class ListConfig:
    """What to list."""

    kind: Annotated[
        tyro.conf.Positional[str], Doc("one kind, with the options of each plugin; all kinds if left out")
    ] = ""


@dataclass(frozen=True)
class Option:
    """One option of a plugin."""

    name: str
    default: str  # as it would be typed; "required" where there is none
    help: str


@dataclass(frozen=True)
class Entry:
    """One plugin, or one model."""

    kind: str
    name: str
    summary: str
    options: tuple[Option, ...] = ()


def catalogue(config: ListConfig, _progress: Progress = silent) -> list[Entry]:
    """Every plugin by kind and name; with a kind, what each is and its options. Raises PluginError for no such kind.

    Without a kind nothing is imported, so the list is there at once.
    """
    if not config.kind:
        kinds = (*plugins.KINDS, MODELS)
        return [Entry(kind, name, "") for kind in kinds for name in (*_installed(kind), *_shipped(kind))]
    entries = [_entry(config.kind, name) for name in _installed(config.kind)]
    return entries + [Entry(config.kind, name, shipped.summary(name)) for name in _shipped(config.kind)]


def _installed(kind: str) -> list[str]:
    return [] if kind == MODELS else plugins.names(kind)


def _shipped(kind: str) -> list[str]:
    if kind == MODELS:
        return shipped.names()
    return shipped.policies() if kind == POLICIES else []  # a model that has learned to act is a policy, too


def _entry(kind: str, name: str) -> Entry:
    try:
        plugin = plugins.load(kind, name)
    except PluginError as error:
        return Entry(kind, name, f"does not load: {error}")
    summary = (inspect.getdoc(plugin) or "").split("\n")[0]
    return Entry(kind, name, summary, tuple(_options(plugin)))


def _options(plugin: Any) -> list[Option]:
    hints = get_type_hints(plugin, include_extras=True)
    return [_option(item, hints[item.name]) for item in dataclasses.fields(plugin) if item.init]


def _option(item: "dataclasses.Field[Any]", hint: Any) -> Option:
    said = [note.documentation for note in getattr(hint, "__metadata__", ()) if isinstance(note, Doc)]
    if item.default is not dataclasses.MISSING:
        default = plugins.typed(item.default)
    elif item.default_factory is not dataclasses.MISSING:
        default = plugins.typed(item.default_factory())
    else:
        default = "required"
    return Option(item.name, default, said[0] if said else "")
