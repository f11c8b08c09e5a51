"""What lies in a folder of ours, or in demonstrations, in a few facts, tables and examples."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

import tyro
from typing_extensions import Doc

from instar import plugins, shipped
from instar.checkpoint import CARD
from instar.errors import ConfigError, DataError
from instar.exchange.export import RECORD
from instar.files import MANIFEST, read_json
from instar.inspecting.demos import collected, demos_of
from instar.inspecting.description import Description
from instar.inspecting.llava import conversations, exported, is_list
from instar.inspecting.models import CONFIG, checkpoint, detector, model
from instar.inspecting.pictures import draw_samples
from instar.inspecting.runs import played, results_file
from instar.inspecting.samples import samples_folder, several_sources
from instar.progress import Progress, silent
from instar.results import read_results
from instar.run import RUN, read_run
from instar.samples import PLAN
from instar.training.run import STATE


@dataclass(frozen=True)
class InspectConfig:
    """The command line of `instar inspect`."""

    what: Annotated[
        tyro.conf.Positional[str],
        Doc(
            "folder of samples, a checkpoint, a model, a detector, a run or an export; the name of a model that comes "
            "with instar; a result file or a JSON list of conversations; or demonstrations: vima:data.zip"
        ),
    ]
    pictures: Annotated[Path | None, Doc("of samples: folder for some pictures with traces and actions drawn in")] = (
        None
    )

    def __post_init__(self) -> None:
        if self.pictures is not None and not (Path(self.what) / MANIFEST).is_file():
            raise ConfigError(f"{self.what}: pictures are drawn of samples folders that are whole")


def inspect(config: InspectConfig, _progress: Progress = silent) -> Description:
    """Describe whatever `config.what` names. Raises DataError or PluginError where it is nothing of ours."""
    found = _described(config)
    if config.pictures is None:
        return found
    written = draw_samples(Path(config.what), config.pictures)
    return replace(found, facts=(*found.facts, ("pictures", f"{len(written)} in {config.pictures}")))


def _described(config: InspectConfig) -> Description:
    folder = Path(config.what)
    if config.what in shipped.names():
        folder = shipped.model_folder(config.what)
    if folder.suffix == ".json" and folder.is_file():
        return conversations(folder) if is_list(folder) else results_file(read_results(folder))
    if not folder.is_dir():
        return demos_of(config.what)
    for holds, describe in _FOLDERS:
        if holds(folder):
            return describe(folder)
    formats = ", ".join(f"{name}:{config.what}" for name in plugins.names("demos"))
    raise DataError(
        f"{folder}: no samples, checkpoint or run of instar; for demonstrations say their format: {formats}"
    )


def _said(path: Path) -> Mapping[str, Any]:
    """The entries of a JSON file; none where there is no such file."""
    value = read_json(path) if path.is_file() else {}
    return value if isinstance(value, dict) else {}


# What a folder is, told by its files; the first that fits.
_FOLDERS: Final[Sequence[tuple[Callable[[Path], bool], Callable[[Path], Description]]]] = (
    (lambda folder: (folder / CARD).is_file() or (folder / STATE).is_dir(), checkpoint),
    (lambda folder: (folder / RECORD).is_file(), exported),
    (lambda folder: (folder / RUN).is_file(), lambda folder: played(read_run(folder))),
    (lambda folder: _said(folder / MANIFEST).get("kind") == "detector", detector),
    (lambda folder: "layout" in _said(folder / PLAN), collected),
    (lambda folder: "sources" in _said(folder / PLAN), several_sources),
    (lambda folder: (folder / PLAN).is_file() or (folder / MANIFEST).is_file(), samples_folder),
    (lambda folder: "model_type" in _said(folder / CONFIG), model),
)
