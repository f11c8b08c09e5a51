"""What is taught to see: a LLaVA of 4 million weights, its tokenizer of a thousand words, and its eye of 64 by 128."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast

import torch
import transformers
from transformers import PreTrainedModel, ProcessorMixin

from instar.backbones.tiny import LLAVA_TEMPLATE, from_config, waves, written
from instar.backbones.tiny_words import words_tokenizer

_untyped: Any = transformers  # most of its classes have no types

HEIGHT, WIDTH = 64, 128  # pixels of the picture as the eye gets it: half of the table's
CELL: Final = 8  # pixels of a side of the square that one image token stands for
ROWS, COLUMNS = HEIGHT // CELL, WIDTH // CELL
IMAGE_TOKENS: Final = ROWS * COLUMNS
EYE: Final = 192  # width of the vision tower
BRAIN: Final = 192  # width of the language model
LAYERS: Final = 5


def make(out: Path, texts: Iterable[str], phrases: Iterable[str], seed: int) -> Path:
    """The untaught model in the folder `out`, as save_pretrained writes it.

    `texts` teach the tokenizer words; each of `phrases`, which prompts repeat, becomes one token.
    """
    processor = _processor(texts, phrases)
    model = from_config(_config(processor.tokenizer), seed)
    with torch.no_grad():
        places = model.get_parameter("model.vision_tower.embeddings.position_embeddings")
        places[0, 1:].copy_(waves(ROWS, EYE))  # a square grid, which the tower stretches over its rectangle
        _pass_on(model)
    return written(model, processor, out)


def _pass_on(model: PreTrainedModel) -> None:
    """Let the projector begin as the identity: what the eye knows reaches the language model from the first step on.

    From random weights, and with a non-linearity in it, it had lost where things are, and relearned it hardly ever.
    """
    for layer, scale in (("linear_1", 1.0), ("linear_2", 0.5)):
        weight = model.get_parameter(f"model.multi_modal_projector.{layer}.weight")
        weight.copy_(scale * torch.eye(*weight.shape))
        model.get_parameter(f"model.multi_modal_projector.{layer}.bias").zero_()


def _processor(texts: Iterable[str], phrases: Iterable[str]) -> ProcessorMixin:
    tokenizer = words_tokenizer(["<image>"], texts, phrases)
    made = _untyped.LlavaProcessor(
        image_processor=_untyped.SiglipImageProcessorPil(
            size={"height": HEIGHT, "width": WIDTH}, resample=4
        ),  # 4: box, the mean of four pixels
        tokenizer=tokenizer,
        patch_size=CELL,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,  # the class token, which the strategy takes away again
        chat_template=LLAVA_TEMPLATE,
    )
    return cast("ProcessorMixin", made)


def _config(tokenizer: Any) -> Any:
    vision = {
        "model_type": "dpt",  # convolutions, then positions, then a transformer
        "is_hybrid": True,
        "backbone_config": {
            "model_type": "resnet",
            "embedding_size": 32,
            "hidden_sizes": [64, 160],
            "depths": [1, 3],
            "layer_type": "basic",
            "out_features": ["stem", "stage1", "stage2"],
        },
        "backbone_featmap_shape": [1, 160, ROWS, COLUMNS],
        "image_size": [HEIGHT, WIDTH],
        "patch_size": [CELL, CELL * WIDTH // HEIGHT],
        "hidden_size": EYE,
        "intermediate_size": 2 * EYE,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
    }
    text = _untyped.LlamaConfig(
        hidden_size=BRAIN,
        intermediate_size=512,
        num_hidden_layers=LAYERS,
        num_attention_heads=BRAIN // 48,
        num_key_value_heads=BRAIN // 48,
        max_position_embeddings=4096,
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
    )
    return _untyped.LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=IMAGE_TOKENS,
        projector_hidden_act="linear",
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
    )
