"""The options of `instar train`; no torch here, so that its help is there at once."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from instar.edges import plain
from instar.errors import ConfigError
from instar.files import JSON, read_json
from instar.mixture import Mixture

# Options that change how a run is done, not what comes out: they may differ when it is continued.
FREE: Final = ("samples", "out", "keep", "loader_workers", "log_every", "save_every", "check", "device", "packing")


@dataclass(frozen=True)
class Lora:
    """Low-rank adapters on all linear layers of the language part, in place of training its weights."""

    rank: int = 0  # rank of the adapters; 0 trains the weights themselves
    alpha: int | None = None  # the adapters' scale is alpha / rank; twice the rank where not given, as in LLaVA
    dropout: float = 0.05  # on the adapters' input
    projector: bool = True  # train the projector's own weights too
    merge: bool = False  # write one merged model: merged in float32, and compared with the unmerged one


@dataclass(frozen=True)
class TrainConfig:
    """Samples in, a checkpoint out. The defaults are LLaRA's full finetuning of LLaVA-1.5 (Li et al., ICLR 2025)."""

    samples: tuple[Path, ...]  # samples folders; several are mixed, all with the same recipe and robot, or none
    # folder of the checkpoint to begin with, a model that comes with instar (larva), or tiny:FAMILY (demo, llava, ...)
    # for a random toy
    model: str
    out: Path  # folder of the checkpoint; the same command again continues what was interrupted
    backbone: str = "hf"  # how the model is loaded and fed, with options, e.g. hf:fit=pad
    steps: int | None = None  # optimizer steps; 0 writes the untrained model; not given: as many as the epochs have
    epochs: float = 2.0  # times every sample is seen
    batch: int = 8  # samples per device and forward pass
    accumulate: int = 1  # forward passes per optimizer step
    lr: float = 2e-5  # highest learning rate; with LoRA 2e-4 is usual
    warmup: float = 0.03  # share of the steps in which the learning rate rises
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"  # how it falls after that
    # adamw; or muon (Jordan et al., 2024), which turns matrices along their singular vectors and leaves the rest to
    # AdamW: from few steps small models learn more, each of which takes a little longer
    optimizer: Literal["adamw", "muon"] = "adamw"
    weight_decay: float = 0.0  # the optimizer's
    betas: tuple[float, float] = (0.9, 0.999)  # AdamW's; a lower second one suits small batches and new weights
    clip: float = 1.0  # largest norm of a gradient
    seed: int = 0  # of the order of samples, dropout and new weights
    lora: Lora = field(default_factory=Lora)  # adapters in place of full finetuning
    freeze: tuple[str, ...] = ("vision",)  # parts that do not learn: vision, projector, language
    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # auto: bfloat16 where the device has it
    gradient_checkpointing: bool = False  # recompute activations: less memory, a third more time
    # of which kinds how much: A, B, C or D of LLaRA, B*0.5 for half of each, obj_det=1,spa_rel=0.25 in ratios to the
    # main samples, limited_obj_det=1 without reference pictures; joined by commas. All samples where not given
    mixture: str | None = None
    mixture_seed: int = 0  # of the draw of the mixture's samples, the same for all epochs
    weights: Mapping[str, float] = field(default_factory=dict)  # times a sample of a kind is seen per epoch; else 1
    # what is shown together in another order than the seed's shuffle, so that less has to be read; an epoch shows the
    # same. views: all conversations about the same pictures; lengths: those of similar length; none: as shuffled
    group: Literal["views", "lengths", "none"] = "views"
    # read what conversations begin with alike once, pictures above all; the result is that of padded batches, which are
    # used where this is off or the model's family cannot
    packing: bool = True
    # show every picture in another light at each step, against learning what one lamp looks like: brightness, contrast
    # and saturation by up to this share, the hue by a quarter of it; 0.2 is OpenVLA's
    jitter: float = 0.0
    max_tokens: int | None = None  # longest sample allowed, pictures included
    drop_long: bool = False  # leave longer samples out and say how many, rather than refuse to start
    check: bool = True  # encode every sample once before the first step: a bad one is found now, not after hours
    save_every: int = 500  # steps between states that a killed run continues from
    keep: int = 1  # so many of the newest states stay
    log_every: int = 10  # steps between rows of metrics.jsonl
    loader_workers: int = 2  # processes that decode and tokenise, if it is much; 0 does it in the training process
    device: Literal["auto", "cpu"] = "auto"  # auto: the GPU where there is one
    fsdp: bool = False  # shard the model over all processes by FSDP; needs torchrun or accelerate launch
    fsdp_config: Path | None = None  # a JSON file of transformers' fsdp_config: wrapping, offloading
    deepspeed: Path | None = None  # a DeepSpeed configuration file; needs the deepspeed package

    def __post_init__(self) -> None:
        least = {
            "batch": 1,
            "accumulate": 1,
            "save_every": 1,
            "keep": 1,
            "log_every": 1,
            "seed": 0,
            "mixture_seed": 0,
            "loader_workers": 0,
        }
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least {low}")
        if self.steps is not None and self.steps < 0:
            raise ConfigError(f"steps is {self.steps}; it cannot be negative")
        for name in ("lr", "epochs"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be above 0")
        if not 0 <= self.warmup <= 1:
            raise ConfigError(f"warmup is {self.warmup}; it is a share of the steps, between 0 and 1")
        if not 0 <= self.jitter < 1:
            raise ConfigError(f"jitter is {self.jitter}; it is a share, from 0 to below 1, such as 0.2")
        if self.mixture is not None:
            Mixture.parse(self.mixture)
        self._require_sense()

    def _require_sense(self) -> None:
        """Options that need or exclude each other."""
        if self.drop_long and (self.max_tokens is None or not self.check):
            raise ConfigError("drop_long needs max_tokens, to know how long is too long, and check, to look")
        if self.group == "lengths" and not self.check:
            raise ConfigError("group lengths needs check, which finds out how long the samples are")
        if self.fsdp and self.deepspeed is not None:
            raise ConfigError("fsdp and deepspeed both shard the model; give one of them")
        if self.optimizer == "muon" and (self.fsdp or self.deepspeed is not None):
            raise ConfigError("muon turns whole matrices, and fsdp and deepspeed shard them; take optimizer adamw")
        if self.fsdp_config is not None and not self.fsdp:
            raise ConfigError("fsdp_config needs fsdp")
        if self.deepspeed is not None:
            _require_deepspeed(self.deepspeed)

    def to_json(self) -> dict[str, JSON]:
        """As stored in run.json and card.json."""
        told: dict[str, JSON] = plain(self)
        return told

    def meaning(self) -> dict[str, JSON]:
        """Only what changes the result: a run is continued by the same meaning."""
        told = {name: value for name, value in self.to_json().items() if name not in FREE}
        if self.group == "none":
            del told["group"]  # the first runs had no choice
        if self.optimizer == "adamw":
            del told["optimizer"]  # nor of this
        if not self.jitter:
            del told["jitter"]  # nor of that
        if self.mixture is None:
            return {name: value for name, value in told.items() if name not in ("mixture", "mixture_seed")}
        return {**told, "mixture": str(Mixture.parse(self.mixture))}


def _require_deepspeed(config: Path) -> None:
    if importlib.util.find_spec("deepspeed") is None:
        raise ConfigError("training with deepspeed needs its package; install it with: pip install deepspeed")
    zero = read_json(config).get("zero_optimization", {})
    if zero.get("stage") == 3 and not zero.get("stage3_gather_16bit_weights_on_model_save"):
        raise ConfigError(f"{config}: ZeRO-3 needs stage3_gather_16bit_weights_on_model_save to write a checkpoint")


@dataclass(frozen=True)
class TrainSummary:
    """What a training run came to."""

    checkpoint: Path
    steps: int
    loss: float | None  # the last one recorded; None for the untrained model
    resumed: int  # the step that this call went on from
    finished_before: bool = False  # the checkpoint was already there
