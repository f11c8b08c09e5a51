"""Small detection models of real families, made on the spot with random weights: for tests, and to learn on a CPU."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import torch
import transformers
from transformers import PreTrainedConfig

from instar.backbones.hf_loading import quiet
from instar.errors import ConfigError
from instar.plugins import Choice

_untyped: Any = transformers  # most of its classes have no types


@dataclass(frozen=True)
class Size:
    """How large a small detector is, and the pictures it takes."""

    height: int = 128  # pixels that every picture is brought to
    width: int = 256
    hidden: int = 64  # of the transformer
    channels: int = 32  # of the first stage of the picture network; each later one has that many more
    blocks: int = 1  # of each of its four stages
    layers: int = 2  # of the decoder
    queries: int = 30  # most objects in a picture; RT-DETRs have one for every cell of their two coarsest grids


def make_toy(choice: Choice, out: Path, seed: int) -> Path:
    """A random detector in `out`, e.g. of the choice "tiny:rt_detr,hidden=96". Raises ConfigError."""
    options = dict(choice.options)
    family = str(options.pop("", "rt_detr"))
    if family not in _FAMILIES:
        raise ConfigError(f"no small detector of family {family!r}; there are: {', '.join(sorted(_FAMILIES))}")
    try:
        size = replace(Size(), **options)
    except TypeError as error:
        known = ", ".join(item.name for item in fields(Size))
        raise ConfigError(f"tiny:{family}: {error}; a small detector has the options {known}") from error
    make, processor = _FAMILIES[family]
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        model = _untyped.AutoModelForObjectDetection.from_config(make(size))
        model.save_pretrained(out)
        shape = {"height": size.height, "width": size.width}
        getattr(_untyped, processor)(size=shape, do_pad=False).save_pretrained(out)
    return out


def _stages(size: Size) -> dict[str, Any]:
    return {
        "embedding_size": size.channels,
        "hidden_sizes": [size.channels * k for k in (1, 2, 3, 4)],
        "depths": [size.blocks] * 4,
        "layer_type": "basic",
    }


def _rt(size: Size) -> dict[str, Any]:
    """What the RT-DETRs have in common: features in cells of 16 and of 32 pixels, and every cell a query.

    Published ones choose 300 of thousands of cells. Where none is chosen wrongly, boxes are learned from the first step
    on: of the tabletop's objects 26 in 98 were located after 1,280 pictures; with 30 chosen cells of three grids it was
    13 in 278 after 3,200 (both with the first weights of transformers, see below).
    """
    cells = sum((size.height // side) * (size.width // side) for side in (16, 32))
    return {
        "backbone_config": _untyped.RTDetrResNetConfig(**_stages(size), out_features=["stage3", "stage4"]),
        "freeze_backbone_batch_norms": False,  # they have learned nothing yet
        "encoder_hidden_dim": size.hidden,
        "encoder_in_channels": [size.channels * k for k in (3, 4)],
        "encoder_ffn_dim": 2 * size.hidden,
        "encoder_attention_heads": 4,
        "encode_proj_layers": [1],
        "feat_strides": [16, 32],
        "d_model": size.hidden,
        "num_queries": cells,
        "num_feature_levels": 2,
        "decoder_in_channels": [size.hidden] * 2,
        "decoder_ffn_dim": 2 * size.hidden,
        "decoder_layers": size.layers,
        "decoder_attention_heads": 4,
        "num_denoising": 0,  # costs more than it teaches where every cell learns
        # Names are learned far later than boxes: they count for more, and wrong ones less easily for nothing.
        "weight_loss_vfl": 3.0,
        "focal_loss_gamma": 1.0,
        # Its own is 0.01, meant for weights that are loaded: through three layers of so few numbers next to nothing
        # comes, and boxes stay in the middle of their cells. Of a dot in 64 pixels: 5.3 off after 200 steps, then 1.1.
        "initializer_range": size.hidden**-0.5,
    }


def _rt_detr(size: Size) -> PreTrainedConfig:
    config: PreTrainedConfig = _untyped.RTDetrConfig(**_rt(size))
    return config


def _rt_detr_v2(size: Size) -> PreTrainedConfig:
    config: PreTrainedConfig = _untyped.RTDetrV2Config(**_rt(size), decoder_n_levels=2)
    return config


def _detr(size: Size) -> PreTrainedConfig:
    config: PreTrainedConfig = _untyped.DetrConfig(
        use_timm_backbone=False,
        use_pretrained_backbone=False,
        backbone=None,
        backbone_config=_untyped.ResNetConfig(**_stages(size), out_features=["stage4"]),
        d_model=size.hidden,
        encoder_layers=1,
        decoder_layers=size.layers,
        encoder_ffn_dim=2 * size.hidden,
        decoder_ffn_dim=2 * size.hidden,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        num_queries=size.queries,
    )
    return config


def _yolos(size: Size) -> PreTrainedConfig:
    config: PreTrainedConfig = _untyped.YolosConfig(
        hidden_size=size.hidden,
        num_hidden_layers=2 * size.layers,
        num_attention_heads=4,
        intermediate_size=2 * size.hidden,
        image_size=[size.height, size.width],
        num_detection_tokens=size.queries,
    )
    return config


# By family: its configuration, and the image processor that its checkpoints come with.
_FAMILIES: Final[Mapping[str, tuple[Callable[[Size], PreTrainedConfig], str]]] = {
    "rt_detr": (_rt_detr, "RTDetrImageProcessorPil"),
    "rt_detr_v2": (_rt_detr_v2, "RTDetrImageProcessorPil"),
    "detr": (_detr, "DetrImageProcessorPil"),
    "yolos": (_yolos, "YolosImageProcessorPil"),
}
