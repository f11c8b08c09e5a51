"""The model card: what the model is, what it learned from, for how long, and what it sees.

python -m pretraining.card build/larva --model src/instar/models/larva

Measures the model of a finished course, writes its README.md and puts both where the package has its models.
"""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import tyro
from typing_extensions import Doc

from instar.files import read_json, read_jsonl, write_bytes, write_json
from instar.progress import Progress, silent
from pretraining.measure import Figures, Measuring, as_table, measure
from studies.command import logged
from studies.pages import table

ROWS: Final = 8  # of a learning curve
CURVE: Final = {
    "look": ("step", "minutes", "texture", "shape", "pixels off"),
    "speak": (
        "step",
        "minutes",
        "test words",
        "test looks",
        "test quotes",
        "test alike",
        "test means",
        "test eye",
        "test inner",
    ),
}


@dataclass(frozen=True)
class CardConfig:
    """Which course, and where its model goes."""

    course: Annotated[tyro.conf.Positional[Path], Doc("folder of a finished course")]
    model: Annotated[Path, Doc("folder that the model and its card are put into")]
    scenes: Annotated[int, Doc("pictures of each kind to measure on")] = 300


def write_card(config: CardConfig, progress: Progress = silent) -> str:
    """Measure, publish and tell."""
    figures = measure(Measuring(config.course / "model", config.scenes), progress)
    write_json(config.course / "figures.json", figures)
    shutil.copytree(config.course / "model", config.model, dirs_exist_ok=True)
    for path in config.model.iterdir():
        path.chmod(0o644)
    text = card(config, figures)
    write_bytes(config.model / "README.md", text.encode())
    return text


def card(config: CardConfig, figures: Figures) -> str:
    """The text of the card."""
    course = read_json(config.course / "course.json")
    log = read_jsonl(config.course / "log.jsonl")
    return CARD.format(
        **course,
        looked=course["look"] * 64,
        spoken=course["speak"] * 16,
        asked=course["speak"] * 16 * course["questions"],
        minutes=f"{log[-1]['minutes']:.0f}",
        figures=as_table(figures),
        curves=curves(log),
    )


def curves(log: Sequence[Any]) -> str:
    """The learning curve of each stage in a few rows."""
    return "\n\n".join(_curve(log, stage) for stage in CURVE)


def _curve(log: Sequence[Any], stage: str) -> str:
    rows = [row for row in log if row["stage"] == stage]
    chosen = rows[:: max(1, -(-len(rows) // ROWS))]
    if rows and chosen[-1] is not rows[-1]:
        chosen.append(rows[-1])
    names = CURVE[stage]
    return table((f"{stage}: {names[0]}", *names[1:]), [[str(row.get(name, "-")) for name in names] for row in chosen])


CARD: Final = """# larva

A vision-language model of 4.9 million weights that sees the tabletop and can be asked about it. It comes with instar
so that a policy can be taught to act in minutes without a GPU, as LLaRA teaches LLaVA: it understands pictures and
reads what it is told, and has never been told what to do in a picture.

* **Kind**: LLaVA of transformers. Eye: a small ResNet, positions, two transformer layers (`dpt`, hybrid), 64 by 128
  pixels in, 128 image tokens out. Language model: Llama, 5 layers 192 wide. Half precision on disk.
* **Tokenizer**: its own, of some 1,400 tokens; every digit is one token; sentences that never change are one each.
* **Learned from**: {scenes} pictures drawn by `pretraining/`, half random tables, half tables as tasks set them, with
  questions made from what stands where. Shapes and textures of VIMA-Bench's training partitions only: what its level
  L3 adds was never shown. No demonstration, no scene of an evaluation. Some questions tell of a step in plain words,
  of random things at random places, and want it written as a step: form, without a picture that it fits.
* **Course**: {look} steps of 64 pictures ({looked} in all) in which the eye learns what each of its cells shows; then
  {speak} steps of 16 pictures ({spoken}, {asked} questions) in which everything learns to answer, the language model's
  matrices by Muon; two heads of attention are told where to look, two more where in the question the next word stands
  already, and two where the same was told before. {minutes} minutes of training on two CPU cores.
* **Made by** `python -m pretraining --out build/larva --seed {seed} --compile`, then
  `python -m pretraining.card build/larva --model src/instar/models/larva`. Licence: Apache-2.0.

## What it sees

On pictures that it did not learn from; replies within the grammar of the answer; pixels are those of the camera's
picture of 256 by 128; intervals are Wilson's at 95 %. *Unseen textures* and *unseen shapes* were never shown.

{figures}

A box is found where it overlaps by half or more. *Quoted*: the answer stands in the question, which tells of a scene,
of two or three in which something moved, of an angle, or of invented comparatives (*likened*: which of two that are
told; *meant*: which of four ways); right is what is the same to the last digit.

## What it does not

It knows one table, one camera, and words of a few kinds of sentences. Names of shapes it has never seen mean nothing
to it. It does not know how things are turned.

## How it learned

{curves}
"""


def main() -> None:
    """Write the card and show it."""
    config = tyro.cli(CardConfig, prog="python -m pretraining.card", description=__doc__)
    sys.stdout.write(write_card(config, logged()))


if __name__ == "__main__":
    main()
