"""What is installed: every plugin of every kind, with its options; and runs held against each other."""

import dataclasses
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import tyro
from typing_extensions import Doc

from instar import plugins
from instar.errors import ConfigError, PluginError
from instar.metrics import Comparison
from instar.progress import Progress, silent
from instar.results import compare_results, read_results
from instar.run import compare_runs, differing, read_run


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
    """One plugin."""

    kind: str
    name: str
    summary: str
    options: tuple[Option, ...] = ()


def catalogue(config: ListConfig, _progress: Progress = silent) -> list[Entry]:
    """Every plugin by kind and name; with a kind, what each is and its options. Raises PluginError for no such kind.

    Without a kind nothing is imported, so the list is there at once.
    """
    if not config.kind:
        return [Entry(kind, name, "") for kind in plugins.KINDS for name in plugins.names(kind)]
    return [_entry(config.kind, name) for name in plugins.names(config.kind)]


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


@dataclass(frozen=True)
class CompareConfig:
    """Two runs on the same episodes."""

    a: Annotated[tyro.conf.Positional[Path], Doc("folder of the first run, or a result file of LLaRA")]
    b: Annotated[tyro.conf.Positional[Path], Doc("folder of the second run, or another result file")]
    seed: Annotated[int, Doc("of the bootstrap")] = 0


@dataclass(frozen=True)
class Compared:
    """Two runs by name, and what their shared episodes say of them."""

    a: str
    b: str
    comparison: Comparison
    differing: tuple[str, ...] = ()  # settings in which the runs differ: the policy, or how it was asked


def compare(config: CompareConfig, _progress: Progress = silent) -> Compared:
    """Pair two runs by episode. Raises MismatchError if they did not play the same benchmark."""
    files = [path.suffix == ".json" for path in (config.a, config.b)]
    if all(files):
        found = compare_results(read_results(config.a), read_results(config.b), config.seed)
        return Compared(config.a.stem, config.b.stem, found)
    if any(files):
        raise ConfigError(
            "a run and a result file are not compared; make a result file of the run: instar export results"
        )
    a, b = read_run(config.a), read_run(config.b)
    return Compared(a.name, b.name, compare_runs(a, b, config.seed), differing(a, b))
