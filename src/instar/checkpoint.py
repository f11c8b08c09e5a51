"""A checkpoint folder: weights, processor, and the card that says what they were taught; `load_policy` makes it act.

checkpoint/card.json              recipe, robot, statistics, versions, what it was trained on; written last
checkpoint/model*.safetensors     the weights, or with LoRA:
checkpoint/adapter_config.json, adapter_model.safetensors    the adapters; the card names the base they belong to
checkpoint/...                    processor and chat template
"""

import contextlib
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import instar
from instar import shipped
from instar.chat import Recipe
from instar.edges import checked, plain
from instar.errors import DataError, MismatchError, PluginError
from instar.files import JSON, digest, digest_file, door, read_json, write_json
from instar.plugins import Choice, make
from instar.policy import VlmPolicy
from instar.robot import Robot
from instar.samples import ActionStatistics

if TYPE_CHECKING:  # a card can be read without torch
    from instar.backbone import Backbone

CARD: Final = shipped.CARD
FORMAT: Final = 1  # of the card; a reader refuses those of its future
ADAPTER: Final = "adapter_config.json"

Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class Base:
    """The model that training began with."""

    model: str  # as the user named it
    path: str  # its folder at that time, seen from the checkpoint's; "" for a toy that is not kept
    fingerprint: str  # of its configuration and weights


@dataclass(frozen=True)
class Taught:
    """One of several sources that a model learned from."""

    source: str  # its name in the blend
    robot: Robot
    statistics: ActionStatistics | None  # of its demonstrated actions


@dataclass(frozen=True)
class Card:
    """What a checkpoint is: all that is needed to use it and to make it again."""

    name: str  # what it is called in reports
    recipe: Choice | None  # the only one that can make this model act; None for one that was taught to talk only
    robot: Robot | None  # the one it was taught on; None without a recipe
    backbone: Choice  # plugin that loads and feeds it, with its options
    base: Base
    statistics: ActionStatistics | None  # of the demonstrated actions, in the first samples folder that has any
    steps: int  # optimizer steps; 0 for an untrained model
    samples: tuple[str, ...] = ()  # digests of the manifests of the samples folders
    wording: str = ""  # digest of the recipe's words, where it has words that can be exchanged
    training: Mapping[str, JSON] = field(default_factory=dict)  # the TrainConfig
    run: Mapping[str, JSON] = field(default_factory=dict)  # what decides the result, digests of the samples included
    adapter: bool = False  # LoRA adapters, to be laid over the base
    versions: Mapping[str, str] = field(default_factory=dict)  # of the software that made it
    taught: tuple[Taught, ...] = ()  # where it learned from several sources: all of them, the first included
    format: int = FORMAT


def versions() -> dict[str, str]:
    """The versions of the software that matters for a model."""
    return {"instar": instar.__version__, **{name: version(name) for name in ("torch", "transformers", "peft")}}


def fingerprint(folder: Path) -> str:
    """A hash of a model's configuration and weights, from the sizes and a thousandth or so of large files."""
    files = sorted([*folder.glob("config.json"), *folder.glob("*.safetensors"), *folder.glob("*.bin")])
    if not files:
        raise DataError(f"{folder} holds no model: no config.json and no weights")
    return digest({path.name: [path.stat().st_size, _glimpse(path)] for path in files})


def _glimpse(path: Path) -> str:
    """The digest of a small file, or of 64 blocks of a large one: any training changes nearly every weight."""
    size, block, count = path.stat().st_size, 1 << 16, 64
    if size <= block * count:
        return digest_file(path)
    with door(path), path.open("rb") as file:
        pieces = []
        for k in range(count):
            file.seek((size - block) * k // (count - 1))
            pieces.append(file.read(block).hex())
    return digest(pieces)


def write_checkpoint(folder: Path, save: Callable[[Path], None], card: Card) -> None:
    """Let `save` write weights and processor, then put them into `folder` with the card as the last file.

    Until the card is there the folder is not a checkpoint, so a kill at any moment leaves none that is half written.
    Raises DataError if there is one already.
    """
    if (folder / CARD).exists():
        raise DataError(f"{folder} is a checkpoint already; choose another folder")
    staged = folder / ".staged"
    shutil.rmtree(staged, ignore_errors=True)
    with door(folder):
        staged.mkdir(parents=True)
        save(staged)
        for path in sorted(staged.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)  # safetensors writes for the owner alone
            _take_place(path, folder / path.name)
        staged.rmdir()
    write_json(folder / CARD, plain(card))


def _take_place(path: Path, place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)  # left by an attempt that was killed
    path.replace(place)


def read_card(path: Path) -> Card:
    """The card of a checkpoint. Raises DataError if the folder has none, or one of a later format."""
    if not (path / CARD).exists():
        raise DataError(
            f"{path} has no {CARD}: it is not an instar checkpoint; `instar train` writes one, and continues an "
            "unfinished one when its command is repeated"
        )
    value = read_json(path / CARD)
    found = value.get("format") if isinstance(value, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise DataError(f"{path / CARD} is of format {found}, this instar reads up to {FORMAT}; install a newer instar")
    return checked(Card, value, str(path / CARD))


def checkpoint_folder(policy: str) -> Path | None:
    """The folder of the user's called `policy`, else that of the policy by this name that comes with instar, if any."""
    if Path(policy).is_dir():
        return Path(policy)
    return shipped.MODELS / policy if policy in shipped.policies() else None


def load_backbone(choice: Choice, folder: Path, device: str = "cpu", dtype: Precision = "auto") -> "Backbone":
    """The model in `folder` with its processor, by the plugin and options of `choice`.

    Raises DataError if the folder holds no such model.
    """
    placed = {"path": str(folder), "device": device, "dtype": dtype}
    backbone: Backbone = make("backbones", Choice(choice.name, {**choice.options, **placed}))
    return backbone


def load_policy(
    path: Path,
    *,
    device: str = "auto",
    dtype: Precision = "auto",
    constrained: bool = True,
    base: Path | None = None,
    source: str = "",
) -> VlmPolicy:
    """The policy in a checkpoint folder, asked by the recipe that taught it.

    One that learned from several sources acts on the robot of each; where two of them have the same robot with other
    bounds, `source` says whose are meant. `base` is where the base of LoRA adapters is now, if it moved. Raises
    DataError where there is no checkpoint or no base, and MismatchError where base or recipe is not the card's.
    """
    path = Path(path)
    card = read_card(path)
    recipe = recipe_of(path, card)
    robots = tuple(recipe.robot(robot) for robot in _robots(path, card, source))
    backbone = _speaker(path, card, base, (device, dtype))
    return VlmPolicy(card.name, robots, recipe, backbone, constrained)


def _robots(path: Path, card: Card, source: str) -> tuple[Robot, ...]:
    """The robots that a checkpoint can act on; with `source`, that one's."""
    if not source:
        assert card.robot is not None
        return tuple(taught.robot for taught in card.taught) or (card.robot,)
    found = tuple(taught.robot for taught in card.taught if taught.source == source)
    if not found:
        known = ", ".join(taught.source for taught in card.taught) or "only one, which needs no name"
        raise MismatchError(f"{path} was taught by no source {source!r}; there are: {known}")
    return found


def load_speaker(
    path: Path, *, device: str = "auto", dtype: Precision = "auto", base: Path | None = None
) -> "Backbone":
    """The model in a checkpoint folder without its recipe: it answers questions, and need not know how to act."""
    return _speaker(Path(path), read_card(path), base, (device, dtype))


def recipe_of(path: Path, card: Card) -> Recipe:
    """The recipe that taught the checkpoint in `path`. Raises MismatchError if there is none, or in other words now."""
    if card.recipe is None or card.robot is None:
        raise MismatchError(
            f"{path} was taught by samples without a recipe: it can be asked (`instar ask`) but it cannot act. "
            "Import with a recipe and a robot what a policy is to learn from"
        )
    try:
        recipe: Recipe = make("recipes", card.recipe)
    except PluginError as error:
        raise MismatchError(f"{path} was taught by the recipe {card.recipe}, not to be had: {error}") from error
    if wording_of(recipe) != card.wording:
        raise MismatchError(
            f"{path} was taught by the recipe {card.recipe} in other words than it has now; put back the wording"
        )
    return recipe


def wording_of(recipe: Recipe) -> str:
    """The digest of a recipe's words, "" where they are part of its code."""
    return str(getattr(recipe, "wording_hash", ""))


def _speaker(path: Path, card: Card, base: Path | None, placing: tuple[str, Precision]) -> "Backbone":
    device, dtype = placing
    if card.adapter != (path / ADAPTER).exists():
        raise DataError(f"{path}: {CARD} says adapter={card.adapter}, but {ADAPTER} says otherwise; copy it again")
    if not card.adapter:
        return load_backbone(card.backbone, path, device, dtype)
    backbone = load_backbone(card.backbone, find_base(path, card, base), device, dtype)
    return lay_over(backbone, path)


def find_base(path: Path, card: Card, base: Path | None = None) -> Path:
    """The folder of the base that the adapters in `path` belong to; `base` overrides the card's.

    A model that comes with instar is found by its name, wherever the package is now. Raises DataError if the base is
    not there and MismatchError if the folder holds another model.
    """
    places = [base] if base is not None else [path / card.base.path]  # an absolute path stands for itself
    if base is None and card.base.model in shipped.names():
        places.append(shipped.model_folder(card.base.model))
    there = [folder for folder in places if folder.is_dir()]
    if not there:
        raise DataError(
            f"{path} holds LoRA adapters for {card.base.model}, whose folder {places[0]} is not there; name the folder "
            "where it is now with the option base"
        )
    for folder in there:
        if fingerprint(folder) == card.base.fingerprint:
            return folder
    raise MismatchError(f"{there[0]} is not the model that the adapters in {path} were trained on; name that one")


def lay_over(backbone: "Backbone", adapter: Path) -> "Backbone":
    """`backbone` with the LoRA adapters of a checkpoint folder laid over it, unmerged."""
    from peft import PeftModel

    # PEFT puts the adapters into the layers of the model it is given; the wrapper around it is not needed.
    with peft_quiet():
        PeftModel.from_pretrained(backbone.model, str(adapter), is_trainable=False)
    backbone.model.eval()
    return backbone


@contextlib.contextmanager
def peft_quiet() -> Iterator[None]:
    """Without the warning that transformers 5.23 gives about what PEFT 0.21 asks of it; nothing a user could change."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        yield
