"""A second course beside the model of a first: what both see in the same pictures, and how the second learned.

python -m pretraining.again build/larva-1 --model src/instar/models/larva

Measures the two models and writes the comparison into the card of the first, in place of an earlier one.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeGuard

import tyro
from typing_extensions import Doc

from instar.files import read_json, read_jsonl, write_json
from instar.progress import Progress, silent
from pretraining.card import curves
from pretraining.measure import Figures, Measuring, Share, measure
from studies.command import logged
from studies.pages import table, write_section

BETTER, WORSE, ALIKE = "better", "worse", "alike"
MARKS: Final = {BETTER: " ▲", WORSE: " ▼", ALIKE: ""}


@dataclass(frozen=True)
class AgainConfig:
    """Which two."""

    course: Annotated[tyro.conf.Positional[Path], Doc("folder of the second course, finished")]
    model: Annotated[Path, Doc("folder of the first's model, whose card tells of it")]
    scenes: Annotated[int, Doc("pictures of each kind to measure on")] = 300


def write_comparison(config: AgainConfig, progress: Progress = silent) -> str:
    """Measure both, and tell in the card."""
    models = config.model, config.course / "model"
    first, second = (measure(Measuring(folder, config.scenes), progress) for folder in models)
    write_json(config.course / "figures.json", second)
    course, log = read_json(config.course / "course.json"), read_jsonl(config.course / "log.jsonl")
    text = comparison(course, log, first, second, config.scenes)
    write_section(config.model / "README.md", "second run", text)
    return text


def comparison(course: dict[str, Any], log: list[Any], first: Figures, second: Figures, asked: int) -> str:
    """The text of the section, of figures from so many pictures of each kind."""
    both = [(found[name], second[kind][name]) for kind, found in first.items() for name in found]
    counts = Counter(_against(*shares) for shares in both if _asked(shares))
    return TEXT.format(
        **course,
        minutes=f"{log[-1]['minutes']:.0f}",
        asked=asked,
        beside=beside(first, second),
        better=counts[BETTER],
        worse=counts[WORSE],
        alike=counts[ALIKE],
        curves=curves(log),
    )


def beside(first: Figures, second: Figures) -> str:
    """Both figures in every cell of the card's table."""
    names = next(iter(first.values()))
    rows = [(name, *(_cell(first[kind][name], second[kind][name]) for kind in first)) for name in names]
    return table(("", *(kind.replace("_", " ") for kind in first)), rows)


def _cell(*figures: Share | float) -> str:
    if _asked(figures):
        return f"{' / '.join(f'{100 * share.right / share.of:.1f}' for share in figures)} %{MARKS[_against(*figures)]}"
    return "-" if isinstance(figures[0], Share) else " / ".join(map(str, figures))


def _asked(figures: tuple[Share | float, ...]) -> TypeGuard[tuple[Share, ...]]:
    return all(isinstance(figure, Share) and figure.of for figure in figures)


def _against(one: Share, other: Share) -> str:
    """How the second does beside the first, by intervals that lie apart."""
    if other.interval.low > one.interval.high:
        return BETTER
    return WORSE if other.interval.high < one.interval.low else ALIKE


TEXT: Final = """## A second run

From nothing again, in one course: `python -m pretraining --out build/larva-{seed} --seed {seed} --compile`, {look}
steps of looking and {speak} of speaking in {minutes} minutes of training. The weights that it begins with, the
pictures and the order of all questions are others. Both were asked about the same {asked} pictures of each kind
(`python -m pretraining.again`); in each cell the first run / the second, ▲ and ▼ where the second is better or worse
and the two Wilson intervals lie apart ({better} and {worse} of the shares; the other {alike} are alike within their
intervals):

{beside}

How the second learned:

{curves}"""


def main() -> None:
    """Compare and show."""
    config = tyro.cli(AgainConfig, prog="python -m pretraining.again", description=__doc__)
    sys.stdout.write(write_comparison(config, logged()) + "\n")


if __name__ == "__main__":
    main()
