"""Runs held against each other: two run folders, or two result files, on the episodes that both played."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from typing_extensions import Doc

from instar.errors import ConfigError
from instar.metrics import Comparison
from instar.progress import Progress, silent
from instar.results import compare_results, read_results
from instar.run import Run, compare_runs, differing, read_run


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
    return Compared(_titled(a), _titled(b), compare_runs(a, b, config.seed), differing(a, b))


def _titled(run: Run) -> str:
    """The name of a run, and how it was disturbed."""
    return f"{run.name} ({run.disturbance})" if run.disturbance else run.name
