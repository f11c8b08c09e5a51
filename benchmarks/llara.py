"""LLaRA's own converter, run from a checkout of its repository: its notebook's functions, and nothing else of it."""

import ast
import contextlib
import io
import json
import pickle
import runpy
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from instar.demos.unpickle import Stranger, loads

NOTEBOOK: Final = Path("datasets") / "convert_vima.ipynb"
AUXILIARY: Final = ("obj_dec", "obj_loc", "act_pred", "fut_pred", "spa_rel", "tmp_rel")
SPLIT: Final = "bench"
CONVERTED: Final = "converted.zip"
DEPTH: Final = 3  # folders above an episode's files: vima_v6, task, index
_NOT_NEEDED: Final = ("torch", "transformers")  # for its RT-2 data only
_STRANGERS: Final = ("vimasim", "vima_bench", "functools.partial", "enum")


class LlaraConverter:
    """The notebook's data sets of every episode in a zip file of VIMA's layout, written to `folder`.

    Making one does the notebook's step 0, which turns the zip file into one of pictures and JSON; every data set then
    begins from that.
    """

    def __init__(self, checkout: Path, demos: Path, folder: Path) -> None:
        self._folder = folder
        self._named = _definitions(checkout / NOTEBOOK, folder)
        episodes = self._prepare(demos)
        # What the notebook's own cells leave behind. Its bars would be timed, too.
        self._named.update(zip_file=zipfile.ZipFile(folder / CONVERTED), episodes=episodes, tqdm=iter)
        self.ids = list(episodes)

    def auxiliary(self) -> None:
        """The six sets that teach seeing."""
        with self._quietly():
            for name in AUXILIARY:
                self._named[f"prepare_dt_{name}"](self.ids, SPLIT)

    def cloning(self, *, describe: bool) -> None:
        """D-inBC, or inBC; D-inBC looks into the first two sets of `auxiliary`."""
        with self._quietly():
            self._named["prepare_behavior_cloning_dataset"](self.ids, SPLIT, describe=describe)

    def samples(self) -> int:
        """How many the sets hold that are there."""
        return sum(len(json.loads(path.read_text())) for path in self._folder.glob(f"*-{SPLIT}-front.json"))

    def _prepare(self, demos: Path) -> dict[str, list[str]]:
        """The files of every episode in the zip file that is read from here on."""
        files: dict[str, list[str]] = {}
        with zipfile.ZipFile(demos) as there, zipfile.ZipFile(self._folder / CONVERTED, "w") as here:
            for name in there.namelist():
                if name.count("/") < DEPTH or name.endswith("/"):
                    continue  # about a task, or a folder
                *folder, file = name.split("/", DEPTH)
                made = self._converted(file, there.read(name))
                for path, data in made.items():
                    here.writestr("/".join((*folder, path)), data)
                files.setdefault("/".join(folder), []).extend(made)
        return files

    def _converted(self, file: str, data: bytes) -> Mapping[str, str | bytes]:
        """The files that one file of an episode becomes."""
        if file == "trajectory.pkl":
            told = _plain(loads(data, file, _STRANGERS))
            about = self._named["trajectory_to_json"](told)
            about["obj_id_to_info"] = self._named["prune_info"](told["obj_id_to_info"])
            about["prompt_assets"], pictures = self._named["prune_imgs"](told["prompt_assets"])
            return {"trajectory.json": json.dumps(about), **self._encoded(pictures)}
        if file == "obs.pkl":
            rest, pictures = self._named["prune_obs"](_plain(loads(data, file)))
            return {file: pickle.dumps(rest), **self._encoded(pictures)}
        return {file: data}

    def _encoded(self, pictures: Mapping[str, Any]) -> dict[str, bytes]:
        return {name: self._named["img_to_bytes"](pixels) for name, pixels in pictures.items()}

    @contextlib.contextmanager
    def _quietly(self) -> Iterator[None]:
        """It writes to where it stands, and tells of every file."""
        with contextlib.chdir(self._folder), contextlib.redirect_stdout(io.StringIO()):
            yield


def _definitions(notebook: Path, folder: Path) -> dict[str, Any]:
    """The names that the notebook's functions see: its imports, its lists of questions, and the functions."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    wanted = [node for source in sources for node in ast.parse(source).body if _defines(node)]
    module = folder / "definitions.py"
    module.write_text(ast.unparse(ast.Module(wanted, [])), encoding="utf-8")
    seen: dict[str, Any] = runpy.run_path(str(module))["get_all_files_for_episode"].__globals__
    return seen


def _defines(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import):
        return node.names[0].name not in _NOT_NEEDED
    if isinstance(node, ast.ImportFrom):
        return node.module not in _NOT_NEEDED
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]).startswith("prompt_")
    return isinstance(node, ast.FunctionDef)


def _plain(value: Any) -> Any:
    """Containers of numpy's own arrays, as any program may pickle and read them; strangers become their names."""
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    if isinstance(value, np.ndarray):
        return np.array(value, subok=False)
    return repr(value) if isinstance(value, Stranger) else value
