"""Detectors taught on what demonstrations know, and measured on pictures of other episodes."""

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from typing_extensions import Doc

from instar import plugins
from instar.checkpoint import fingerprint, load_policy, versions
from instar.demo import held_out
from instar.edges import plain
from instar.errors import ConfigError, DataError
from instar.files import JSON, MANIFEST, door, read_json, write_json
from instar.metrics import SuccessRate, wilson
from instar.progress import Progress, silent
from instar.seeing.aim import Aim, aimed, remark_camera
from instar.seeing.album import collect, gather
from instar.seeing.describe import DetectorFinder, Finder, ModelFinder, Naming, Picture, require_camera
from instar.seeing.detect import KINDS, Detector, Kind, Labelled, Sighting, Tally, compared
from instar.seeing.effector import OBJECTS, Effector, sought
from instar.seeing.material import Material, require_sources
from instar.training.config import TrainConfig
from instar.training.run import Run, require_same

logger = logging.getLogger(__name__)

FORMAT: Final = 1  # of a detector's manifest
FREE: Final = ("out", "save_every", "keep", "log_every", "device", "workers")  # may differ when a run goes on
TOGETHER: Final = 32  # pictures looked at at once while measuring


@dataclass(frozen=True)
class DetectorTrainConfig:
    """Demonstrations in, a detector out."""

    out: Annotated[Path, Doc("folder of the detector; the same command again goes on with what was interrupted")]
    model: Annotated[str, Doc("folder of a detection model to finetune, or tiny:FAMILY for a small random one")]
    demos: Annotated[str, Doc("demonstrations that know what is to be found, as FORMAT:OPTIONS")] = ""
    finds: Annotated[
        str, Doc("objects, or effector: the robot's hand; effector:metres=0.1 in boxes of ten centimetres")
    ] = OBJECTS
    labels: Annotated[
        tuple[Path, ...],
        Doc("CSV or JSON files that say where the end effector is; beside demos or alone"),
    ] = ()
    detector: Annotated[str, Doc("the kind of detector, a plugin that can be taught")] = "detr"
    camera: Annotated[str, Doc("the camera whose pictures it learns from; empty: labelled ones of any")] = "front"
    pictures: Annotated[tuple[Kind, ...], Doc("frames of episodes, reference pictures of one object, of a scene")] = (
        KINDS
    )
    held_out: Annotated[float, Doc("share of the episodes, by a hash of their id, that is kept for measuring")] = 0.1
    episodes: Annotated[int | None, Doc("only the first so many episodes")] = None
    steps: Annotated[int | None, Doc("optimizer steps; not given: as many as the epochs have")] = None
    epochs: Annotated[float, Doc("times every picture is seen")] = 10.0
    batch: Annotated[int, Doc("pictures per optimizer step")] = 16
    lr: Annotated[float, Doc("highest learning rate")] = 1e-4
    warmup: Annotated[float, Doc("share of the steps in which the learning rate rises")] = 0.05
    schedule: Annotated[Literal["cosine", "linear", "constant_with_warmup"], Doc("how it falls after that")] = "cosine"
    weight_decay: Annotated[float, Doc("of AdamW")] = 1e-4
    names: Annotated[
        Literal["composed", "seen"],
        Doc("composed: any texture with any shape, each learned from all that bear it; or only the names seen"),
    ] = "composed"
    clip: Annotated[float, Doc("largest norm of a gradient; DETR's usual one is 0.1")] = 0.1
    brightness: Annotated[float, Doc("pictures made brighter or darker by up to this share; names tell colours")] = 0.0
    shift: Annotated[int, Doc("pictures moved by up to so many pixels")] = 0
    zoom: Annotated[float, Doc("pictures magnified by up to this share, anywhere that cuts nothing to be found")] = 0.0
    mirror: Annotated[bool, Doc("half of the pictures mirrored, left and right; not for objects: letters are not")] = (
        False
    )
    seed: Annotated[int, Doc("of new weights and of the order of pictures")] = 0
    precision: Annotated[Literal["auto", "float32", "bfloat16"], Doc("auto: bfloat16 where the GPU has it")] = "auto"
    device: Annotated[Literal["auto", "cpu"], Doc("auto: the GPU where there is one")] = "auto"
    save_every: Annotated[int, Doc("steps between states that a killed run goes on from")] = 500
    keep: Annotated[int, Doc("so many of the newest states stay")] = 1
    log_every: Annotated[int, Doc("steps between rows of metrics.jsonl")] = 10
    workers: Annotated[int, Doc("processes that read demonstrations; 0 is one per core")] = 0

    def __post_init__(self) -> None:
        if not 0 <= self.held_out < 1:
            raise ConfigError(f"held_out is {self.held_out}; it is a share of the episodes, from 0 to below 1")
        if not 0 <= self.brightness < 1 or min(self.shift, self.zoom) < 0:
            changes = f"brightness {self.brightness} must be from 0 to below 1, shift {self.shift} and zoom {self.zoom}"
            raise ConfigError(f"{changes} 0 or more")
        require_sources(self)
        if self.mirror and self.effector is None:
            raise ConfigError("objects are not learned from mirrored pictures: letters would be others")
        if not self.pictures or (self.steps is not None and self.steps < 1):
            raise ConfigError("there is nothing to learn: name kinds of pictures, and at least one step")
        if self.workers < 0 or (self.episodes is not None and self.episodes < 1):
            raise ConfigError("episodes must be at least 1 and workers at least 0")
        self.loop()  # refuses what any training refuses

    @property
    def effector(self) -> Effector | None:
        """How end effectors are learned; None where objects are."""
        return sought(self.finds)

    def loop(self) -> TrainConfig:
        """The options that it shares with the training of policies, as those."""
        shared = {name: getattr(self, name) for name in _SHARED}
        return TrainConfig(samples=(), model=self.model, out=self.out, loader_workers=0, **shared)

    def meaning(self) -> dict[str, JSON]:
        """Only what changes the result: a run goes on by the same meaning."""
        return {name: value for name, value in plain(self).items() if name not in FREE}


_SHARED: Final = (
    *("steps", "epochs", "batch", "lr", "warmup", "schedule", "weight_decay", "clip", "seed", "precision", "device"),
    *("save_every", "keep", "log_every"),
)


@dataclass(frozen=True)
class Learned:
    """What teaching came to, and how to write it."""

    save: Callable[[Path], None]
    names: int  # that the detector can give
    steps: int
    resumed: int  # the step that this call went on from


@dataclass(frozen=True)
class DetectorSummary:
    """What a detector was taught."""

    detector: Path
    names: int  # that it can give
    pictures: int
    episodes: int
    held_out: int  # episodes kept for measuring
    left_out: int  # episodes that could not be read
    steps: int
    loss: float | None
    resumed: int = 0


def train_detector(config: DetectorTrainConfig, progress: Progress = silent) -> DetectorSummary:
    """Gather pictures, teach a detector on them, or go on with that, and write it.

    Raises ConfigError where `config.out` holds another run or the plugin cannot be taught, and DataError where the
    demonstrations show nothing that is known.
    """
    material = Material.of(config)
    identity = {"config": config.meaning(), **material.identity}
    run = Run(config.out)
    if (config.out / MANIFEST).exists():
        require_same(config.out, read_json(config.out / MANIFEST)["run"], identity)
        run.finish()
        return _told(config.out)
    plugin = plugins.load("detectors", config.detector)
    if not hasattr(plugin, "teach"):
        raise ConfigError(f"detector {config.detector!r} cannot be taught; choose another kind")
    run.claim(identity)
    learning = material.only(lambda episode: not held_out(episode, config.held_out))
    pictures = collect(run.states / "album", learning.wanted, config.workers, progress, learning.by_hand)
    learned: Learned = plugin.teach(config, pictures, progress)
    facts = {
        "names": learned.names,
        "pictures": len(pictures),
        "episodes": pictures.episodes(),
        "held_out": material.episodes - learning.episodes,
        "left_out": pictures.left_out,
        "steps": learned.steps,
        "loss": run.last_loss(),
    }
    about = {"detector": config.detector, "camera": config.camera, "share": config.held_out, "run": identity}
    _write(config.out, learned, {"kind": "detector", "format": FORMAT, **about, "facts": facts})
    run.finish()
    return _told(config.out, learned.resumed)


def _write(out: Path, learned: Learned, manifest: Mapping[str, JSON]) -> None:
    """Weights first, the manifest last: its presence means the folder is whole."""
    staged = out / ".staged"
    shutil.rmtree(staged, ignore_errors=True)
    with door(out):
        staged.mkdir(parents=True)
        learned.save(staged)
        for path in sorted(staged.iterdir()):
            path.chmod(0o644)  # safetensors writes for the owner alone
            path.replace(out / path.name)
        staged.rmdir()
    write_json(out / MANIFEST, {**manifest, "weights": fingerprint(out), "versions": versions()})


def _told(out: Path, resumed: int | None = None) -> DetectorSummary:
    facts = read_json(out / MANIFEST)["facts"]
    return DetectorSummary(detector=out, **facts, resumed=facts["steps"] if resumed is None else resumed)


@dataclass(frozen=True)
class DetectorMeasureConfig:
    """Precision and recall on pictures whose objects are known, or how near an end effector is to its place."""

    demos: Annotated[str, Doc("demonstrations that know what is to be found, as FORMAT:OPTIONS")] = ""
    detector: Annotated[str | None, Doc("a detector, e.g. detr:detector/ or detr:detector/,threshold=0.4")] = None
    policy: Annotated[Path | None, Doc("or a checkpoint folder, whose own model is asked")] = None
    finds: Annotated[str, Doc("objects, or effector: the robot's hand; effector:name=gripper if called so")] = OBJECTS
    labels: Annotated[
        tuple[Path, ...], Doc("CSV or JSON files that say where the end effector is; beside demos or alone")
    ] = ()
    camera: Annotated[str, Doc("the camera whose pictures are looked at")] = "front"
    pictures: Annotated[tuple[Kind, ...], Doc("frames of episodes, reference pictures of one object, of a scene")] = (
        KINDS
    )
    held_out: Annotated[
        float | None,
        Doc("share of the episodes that is measured on: that which a detector did not learn from, or all (1)"),
    ] = None
    episodes: Annotated[int | None, Doc("only the first so many episodes, before any is held out")] = None
    naming: Annotated[Naming, Doc("who names the object of an object's picture: what is measured, or the truth")] = (
        "found"
    )
    constrained: Annotated[bool, Doc("let a model say only what can be read")] = True
    device: Annotated[str, Doc("where a checkpoint runs: auto, cpu, cuda")] = "auto"
    workers: Annotated[int, Doc("processes that read demonstrations; 0 is one per core")] = 0

    def __post_init__(self) -> None:
        if (self.detector is None) == (self.policy is None):
            raise ConfigError("name a detector or a policy to measure, one of them")
        if self.held_out is not None and not 0 < self.held_out <= 1:
            raise ConfigError(f"held_out is {self.held_out}; it is a share of the episodes, above 0 and at most 1")
        require_sources(self)
        if self.policy is not None and sought(self.finds) is not None:
            raise ConfigError("a policy's own model is not asked for end effectors; name a detector")


@dataclass(frozen=True)
class Score:
    """How well the objects of some pictures were found, at an overlap of one half; intervals are Wilson's, 95 %."""

    kind: str  # of the pictures; "all" for all of them
    pictures: int
    precision: SuccessRate  # sightings in the place of an object of that name
    recall: SuccessRate  # objects of which there is such a sighting
    precision_unnamed: SuccessRate  # the same, whatever they are called
    recall_unnamed: SuccessRate


@dataclass(frozen=True)
class Detection:
    """What was measured, and how it came out."""

    subject: str
    demos: str
    camera: str
    episodes: int
    scores: tuple[Score, ...]  # of objects
    aim: Aim | None = None  # of end effectors


def measure_detector(config: DetectorMeasureConfig, progress: Progress = silent) -> Detection:
    """What a detector or a model finds, compared with the truth.

    Raises DataError where there is nothing to measure on, MismatchError for another camera than it was taught on.
    """
    finder, share = _finder(config)
    material = Material.of(config).only(lambda episode: share >= 1 or held_out(episode, share))
    if not material.episodes:
        raise DataError(f"{_named(config)}: none of its episodes is held out; name more episodes, or held_out 1")
    looked = _looked(finder, _pictures(config, material, progress), config.naming)
    effector = sought(config.finds)
    scores = () if effector else _scores(looked)
    aim = aimed(looked, effector.name) if effector else None
    if not scores and (aim is None or not aim.pictures):
        raise DataError(f"{_named(config)}: no picture of camera {config.camera!r} shows what is known to be there")
    subject = config.detector or str(config.policy)
    return Detection(subject, _named(config), config.camera, material.episodes, scores, aim)


def _named(config: DetectorMeasureConfig) -> str:
    return ", ".join(filter(None, [config.demos, *map(str, config.labels)]))


def _pictures(config: DetectorMeasureConfig, material: Material, progress: Progress) -> Iterator[Sequence[Labelled]]:
    yield material.by_hand
    for done, found in enumerate(gather(material.wanted, config.workers), start=1):
        if found.problem:
            logger.warning("left out %s: %s", found.id, found.problem)
        yield found.pictures
        progress(done, len(material.wanted.ids), "episodes looked at")


def _finder(config: DetectorMeasureConfig) -> tuple[Finder, float]:
    """Who looks, and the share of all episodes that is measured on."""
    if config.detector is not None:
        detector: Detector = plugins.make("detectors", config.detector)
        if sought(config.finds):
            remark_camera(detector, config.camera)
        else:
            require_camera(detector, config.camera)
        share = config.held_out or float(getattr(detector, "held_out", 0.0)) or 1.0
        return DetectorFinder(detector), share
    assert config.policy is not None
    policy = load_policy(config.policy, device=config.device, constrained=config.constrained)
    return ModelFinder.of(policy, policy.robots[0].camera(config.camera)), config.held_out or 1.0


def _looked(
    finder: Finder, pictures: Iterable[Sequence[Labelled]], naming: Naming
) -> Iterator[tuple[Labelled, Sequence[Sighting]]]:
    """Every picture with what is seen in it."""
    for together in pictures:
        for start in range(0, len(together), TOGETHER):
            some = together[start : start + TOGETHER]
            asked = [Picture(look.image, look.kind, _given(look, naming)) for look in some]
            yield from zip(some, finder.find(asked), strict=True)


def _scores(looked: Iterable[tuple[Labelled, Sequence[Sighting]]]) -> tuple[Score, ...]:
    tallies: dict[str, Tally] = {}
    for look, seen in looked:
        # Of an object alone only the surest sighting is ever used.
        tally = compared(seen[:1] if look.kind == "object" else seen, look.truth)
        tallies[look.kind] = tallies.get(look.kind, Tally()) + tally
    if not tallies:
        return ()
    whole = {kind: tallies[kind] for kind in KINDS if kind in tallies}
    return tuple(_score(kind, tally) for kind, tally in [*whole.items(), ("all", sum(tallies.values(), Tally()))])


def _given(look: Labelled, naming: Naming) -> str:
    return look.truth[0].name if naming == "given" and look.kind == "object" else ""


def _score(kind: str, tally: Tally) -> Score:
    def share(count: int, of: int) -> SuccessRate:
        return SuccessRate(count, of, wilson(count, of))

    return Score(
        kind,
        tally.pictures,
        precision=share(tally.right, tally.seen),
        recall=share(tally.right, tally.there),
        precision_unnamed=share(tally.located, tally.seen),
        recall_unnamed=share(tally.located, tally.there),
    )


__all__ = [
    "Detection",
    "DetectorMeasureConfig",
    "DetectorSummary",
    "DetectorTrainConfig",
    "Learned",
    "Score",
    "measure_detector",
    "train_detector",
]
