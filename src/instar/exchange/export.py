"""A samples folder as LLaVA-style JSON files and a folder of pictures, for other trainers."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from instar.errors import ConfigError, DataError
from instar.exchange.entries import Style, entry
from instar.exchange.names import Names, seeing
from instar.exchange.writing import Output, write
from instar.files import read_json, sweep, write_json
from instar.mixture import Draw, Mixture, draw
from instar.progress import Progress, silent
from instar.samples import Samples

logger = logging.getLogger(__name__)

RECORD: Final = "export.json"  # which samples every file of the folder is of


@dataclass(frozen=True)
class ExportConfig:
    """Samples as LLaVA-style JSON and a folder of pictures. Several exports may share a folder and its pictures."""

    samples: Path  # samples folder
    out: Path  # folder for the JSON files and images/; what is there and the same is not written again
    # only these, in one file: A, B, C or D of LLaRA, B*0.5 for half of each kind, obj_det=1,spa_rel=0.25 in ratios to
    # the main samples, limited_obj_det=1 without reference pictures; joined by commas; else all, a file for each kind
    mixture: str | None = None
    mixture_seed: int = 0  # of the draw of the mixture's samples
    each: bool = False  # with a mixture: write all samples of its kinds as well, a file for each kind
    split: str = "train"  # what the files' names call the selection of episodes, e.g. train-8k
    # llara numbers the pictures, <image0>, and lists the observation last; llava is for trainers that know <image> only
    style: Style = "llara"

    def __post_init__(self) -> None:
        if self.mixture is not None:
            Mixture.parse(self.mixture)
        elif self.each:
            raise ConfigError("each needs a mixture; without one there is a file for each kind anyway")
        if not self.split or "/" in self.split:
            raise ConfigError(f"split {self.split!r} is a part of file names; it cannot be empty or have a /")


@dataclass(frozen=True)
class ExportSummary:
    """What an export wrote, or found written."""

    folder: Path
    files: Mapping[str, int]  # samples by name of the JSON file
    notes: tuple[str, ...]  # kinds of which the mixture wanted more than there are
    seconds: float


def export(config: ExportConfig, progress: Progress = silent) -> ExportSummary:
    """Write the JSON files that are not there yet, with their pictures.

    Raises ConfigError where a file of that name holds other samples, and DataError where the samples do not say where
    their pictures come from.
    """
    started = time.monotonic()
    samples = Samples.open(config.samples)
    drawn = None
    if config.mixture is not None:
        drawn = draw(Mixture.parse(config.mixture), [samples], config.mixture_seed)
        for shortage in drawn.shortages:
            logger.warning("%s", shortage)
    outputs = _outputs(config, samples, drawn)
    _write(config, samples, outputs, progress)
    files = {output.name: output.count for output in outputs}
    return ExportSummary(config.out, files, drawn.shortages if drawn else (), time.monotonic() - started)


def _write(config: ExportConfig, samples: Samples, outputs: Sequence[Output], progress: Progress) -> None:
    tasks = seeing(samples.manifest)
    record = Record(config.out)
    missing = record.claim({output.name: _identity(config, samples, output) for output in outputs})
    sweep(config.out)
    if not missing:
        return
    write(
        samples,
        [output for output in outputs if output.name in missing],
        config.out,
        lambda sample: entry(sample, seeing=sample.kind in tasks, style=config.style),
        lambda done: progress(done, len(samples), "views exported"),
    )
    record.finish(missing)


def _outputs(config: ExportConfig, samples: Samples, drawn: Draw | None) -> list[Output]:
    """The files to write; none is empty."""
    names = Names(samples.manifest, config.split)
    tasks = seeing(samples.manifest)
    kinds = np.array(samples.index.names)[samples.index.kinds]
    if drawn is None:
        return [Output(names.file(kind), kinds == kind) for kind in samples.index.names]
    main = [kind for kind in samples.index.names if kind not in tasks]
    of = samples.manifest.recipe
    named = [of.name] if of is not None and of.name in main else main
    shares = [part.share for part in drawn.parts]
    straight = np.zeros(drawn.total, dtype=np.bool_)
    straight[drawn.main] = True
    merged = Output(names.merged(named, shares), straight, tuple(part.numbers for part in drawn.parts))
    if not config.each:
        return [merged]
    whole = [Output(names.file(kind), kinds == kind) for kind in main]
    for share in shares:
        there = (kinds == share.kind) & (True if share.references else ~samples.about_references)
        whole.append(Output(names.file(share.kind, references=share.references), there))
    return [merged, *whole]


def _identity(config: ExportConfig, samples: Samples, output: Output) -> dict[str, Any]:
    """What decides the bytes of a file."""
    mixed: dict[str, Any] = {}
    if config.mixture is not None and output.shuffled:
        mixed = {"mixture": str(Mixture.parse(config.mixture)), "mixture_seed": config.mixture_seed}
    return {"samples": samples.manifest.digest, "style": config.style, "count": output.count, **mixed}


@dataclass(frozen=True)
class Record:
    """The folder's own list of its files: what they are of, and which are whole."""

    folder: Path

    def claim(self, wanted: Mapping[str, Any]) -> set[str]:
        """Enter the files that are to be made; those that are not there yet. Raises ConfigError if one is another's."""
        there = self.files()
        for name, identity in wanted.items():
            known = there.get(name)
            if known is None and (self.folder / name).exists():
                raise ConfigError(
                    f"{self.folder / name}: is there and was not exported by instar; choose another folder"
                )
            if known is not None and known["of"] != identity:
                differing = ", ".join(key for key in identity if known["of"].get(key) != identity[key])
                raise ConfigError(
                    f"{self.folder / name}: holds another export ({differing} differ); choose another folder or split"
                )
        done = {name for name in wanted if there.get(name, {}).get("whole") and (self.folder / name).exists()}
        missing = set(wanted) - done
        self._note(there, {name: {"of": wanted[name], "whole": False} for name in missing})
        return missing

    def finish(self, names: set[str]) -> None:
        """Note that the files are whole."""
        there = self.files()
        self._note(there, {name: {**there[name], "whole": True} for name in names})

    def _note(self, there: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        if new:
            write_json(self.folder / RECORD, {"format": 1, "files": {**there, **new}})

    def files(self) -> dict[str, Any]:
        """What every file is of, and whether it is whole. Raises DataError where the record is not one."""
        path = self.folder / RECORD
        if not path.exists():
            if self.folder.is_file():
                raise ConfigError(f"{self.folder}: is a file; an export goes into a folder")
            return {}
        value = read_json(path)
        files = value.get("files") if isinstance(value, dict) else None
        if not isinstance(files, dict) or not all(
            isinstance(known, dict) and isinstance(known.get("of"), dict) for known in files.values()
        ):
            raise DataError(f"{path}: not the record of an export; choose another folder")
        return files
