"""Small vision-language models of real families, made on the spot with random weights: for tests, trials and demos."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import torch
import transformers
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast, ProcessorMixin

from instar.backbones.hf_families import processor_class
from instar.backbones.hf_loading import quiet
from instar.backbones.tiny_words import words_tokenizer
from instar.errors import ConfigError

_untyped: Any = transformers  # most of its classes have no types

# Roles in capitals and nothing that ends an answer, as LLaVA-1.5 checkpoints come; the end token is added in encoding.
LLAVA_TEMPLATE: Final = (
    "{% for message in messages %}{% if message.role != 'system' %}{{ message.role | upper }}: {% endif %}"
    "{% for part in message.content if part.type == 'image' %}<image>\n{% endfor %}"
    "{% for part in message.content if part.type == 'text' %}{{ part.text }} {% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
QWEN_TEMPLATE: Final = (
    "{% for message in messages %}"
    "{% if loop.first and message.role != 'system' %}<|im_start|>system\nYou see.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message.role }}\n{% for part in message.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SMOLVLM_TEMPLATE: Final = (
    "<|im_start|>{% for message in messages %}{{ message.role | capitalize }}"
    "{% if message.content[0].type == 'image' %}:{% else %}: {% endif %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)


@dataclass(frozen=True)
class Size:
    """How large a small model is."""

    hidden: int = 64  # width of the language model
    layers: int = 2
    vision_hidden: int = 32
    vision_layers: int = 2
    side: int = 56  # pixels of the square the picture becomes
    patch: int = 14  # pixels of the square that is one token

    @property
    def text(self) -> dict[str, Any]:
        """Options of the language model's configuration."""
        return {
            "hidden_size": self.hidden,
            "intermediate_size": 2 * self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": max(2, self.hidden // 32),
            "num_key_value_heads": max(2, self.hidden // 32),
            "max_position_embeddings": 4096,
        }

    @property
    def vision(self) -> dict[str, Any]:
        """Options of the vision tower's configuration."""
        return {
            "hidden_size": self.vision_hidden,
            "intermediate_size": 2 * self.vision_hidden,
            "num_hidden_layers": self.vision_layers,
            "num_attention_heads": max(2, self.vision_hidden // 32),
            "image_size": self.side,
            "patch_size": self.patch,
        }


# 64 cells of 16 by 32 pixels for a picture of 128 by 256.
DEMO: Final = Size(hidden=96, layers=3, vision_hidden=96, vision_layers=2, side=128, patch=16)

Parts = tuple[PreTrainedConfig, ProcessorMixin]


def make_tiny(family: str, out: Path, seed: int = 0, texts: Iterable[str] = (), size: Size | None = None) -> Path:
    """A checkpoint of `family` with random weights in the folder `out`, as save_pretrained writes it.

    `texts` teach the tokenizer more words. Families: llava, qwen2_5_vl, smolvlm, paligemma. Raises ConfigError.
    """
    if family not in _MAKERS:
        raise ConfigError(f"no small model of family {family!r}; there are: {', '.join(sorted(_MAKERS))}")
    config, processor = _MAKERS[family](size or Size(), texts)
    return written(from_config(config, seed), processor, out)


def demo_model(
    out: Path, seed: int = 0, texts: Iterable[str] = (), phrases: Iterable[str] = (), size: Size = DEMO
) -> Path:
    """A LLaVA of less than a million random weights in the folder `out`, small enough to be taught on a CPU.

    The picture becomes a square whatever its shape, and its positions begin as waves, which a young model reads sooner
    than the noise that positions usually begin as. `texts` teach the tokenizer words; each of `phrases` becomes one
    token, which shortens prompts that always say the same.
    """
    config, processor = _demo(size, texts, phrases)
    model = from_config(config, seed)
    with torch.no_grad():
        table = model.get_parameter("model.vision_tower.embeddings.position_embedding.weight")
        table.copy_(waves(size.side // size.patch, size.vision_hidden))
    return written(model, processor, out)


def waves(cells: int, width: int) -> torch.Tensor:
    """Position vectors (cells * cells, width) of a square grid: sines and cosines of row and column."""
    place = torch.arange(cells, dtype=torch.float32)
    speed = torch.exp(-torch.linspace(0, 4, width // 4))  # from a radian a cell to one in 55
    turns = place[:, None] * speed[None, :]
    axis = torch.cat([turns.sin(), turns.cos()], dim=1)
    rows, columns = axis.repeat_interleave(cells, dim=0), axis.repeat(cells, 1)
    return torch.cat([rows, columns], dim=1)


def from_config(config: PreTrainedConfig, seed: int) -> PreTrainedModel:
    """A model with random weights, the same for equal seeds."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made: Any = _untyped.AutoModelForImageTextToText.from_config(config)
    return cast("PreTrainedModel", made)


def written(model: PreTrainedModel, processor: ProcessorMixin, out: Path) -> Path:
    """The folder `out` with a model and its processor, as save_pretrained writes them."""
    tokenizer = processor.tokenizer
    model.generation_config = _untyped.GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    with quiet():
        model.save_pretrained(out)
        processor.save_pretrained(out)
    return out


def _tokens(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _id(tokenizer: PreTrainedTokenizerFast, token: str) -> int:
    found = tokenizer.convert_tokens_to_ids(token)
    assert isinstance(found, int)
    return found


def _llava(size: Size, texts: Iterable[str]) -> Parts:
    tokenizer = words_tokenizer(["<image>"], texts)
    config = _untyped.LlavaConfig(
        vision_config=_untyped.CLIPVisionConfig(**size.vision),
        text_config=_untyped.LlamaConfig(**size.text, **_tokens(tokenizer)),
        image_token_id=_id(tokenizer, "<image>"),
        image_seq_length=(size.side // size.patch) ** 2,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )
    pictures = _untyped.CLIPImageProcessorPil(
        size={"shortest_edge": size.side}, crop_size={"height": size.side, "width": size.side}
    )
    processor = _untyped.LlavaProcessor(
        image_processor=pictures,
        tokenizer=tokenizer,
        patch_size=size.patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,  # CLIP's class token, which the strategy takes away again
        chat_template=LLAVA_TEMPLATE,
    )
    return config, processor


def _demo(size: Size, texts: Iterable[str], phrases: Iterable[str]) -> Parts:
    tokenizer = words_tokenizer(["<image>"], texts, phrases)
    config = _untyped.LlavaConfig(
        vision_config=_untyped.SiglipVisionConfig(**size.vision, vision_use_head=False),
        text_config=_untyped.LlamaConfig(**size.text, **_tokens(tokenizer), tie_word_embeddings=False),
        image_token_id=_id(tokenizer, "<image>"),
        image_seq_length=(size.side // size.patch) ** 2,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    processor = _untyped.LlavaProcessor(
        image_processor=_untyped.SiglipImageProcessorPil(size={"height": size.side, "width": size.side}),
        tokenizer=tokenizer,
        patch_size=size.patch,
        vision_feature_select_strategy="full",
        chat_template=LLAVA_TEMPLATE,
    )
    return config, processor


def _qwen(size: Size, texts: Iterable[str]) -> Parts:
    marks = ["<|im_start|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tokenizer = words_tokenizer(marks, texts, bos=None, eos="<|im_end|>")
    head = size.hidden // size.text["num_attention_heads"]
    vision = {
        "hidden_size": size.vision_hidden,
        "intermediate_size": 2 * size.vision_hidden,
        "depth": size.vision_layers,
        "num_heads": 2,
        "patch_size": size.patch,
        "window_size": 4 * size.patch,
        "fullatt_block_indexes": [size.vision_layers - 1],
        "out_hidden_size": size.hidden,
    }
    rope = {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "mrope_section": [head // 8, head // 8 * 3 // 2, head // 8 * 3 // 2],
    }
    config = _untyped.Qwen2_5_VLConfig(
        vision_config=vision,
        text_config={**size.text, **_tokens(tokenizer), "rope_parameters": rope},
        image_token_id=_id(tokenizer, "<|image_pad|>"),
        video_token_id=_id(tokenizer, "<|video_pad|>"),
        vision_start_token_id=_id(tokenizer, "<|vision_start|>"),
        vision_end_token_id=_id(tokenizer, "<|vision_end|>"),
    )
    pictures = _untyped.Qwen2VLImageProcessorPil(
        patch_size=size.patch, size={"shortest_edge": 4 * size.patch**2, "longest_edge": 2 * size.side**2}
    )
    make = processor_class("Qwen2_5_VLProcessor") or _untyped.Qwen2_5_VLProcessor
    return config, make(image_processor=pictures, tokenizer=tokenizer, chat_template=QWEN_TEMPLATE)


def _smolvlm(size: Size, texts: Iterable[str]) -> Parts:
    # SmolVLM checkpoints are of the class Idefics3 (SmolVLM2 has its own, whose processor needs a video library).
    rows = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    marks = ["<|im_start|>", "<fake_token_around_image>", "<image>", "<global-img>", *rows]
    tokenizer = words_tokenizer(marks, texts, bos="<|im_start|>", eos="<end_of_utterance>")
    config = _untyped.Idefics3Config(
        vision_config=size.vision,
        text_config=_untyped.LlamaConfig(**size.text, **_tokens(tokenizer)),
        image_token_id=_id(tokenizer, "<image>"),
        pad_token_id=tokenizer.pad_token_id,
        scale_factor=2,
    )
    pictures = _untyped.Idefics3ImageProcessorPil(
        size={"longest_edge": 2 * size.side}, max_image_size={"longest_edge": size.side}, return_row_col_info=True
    )
    processor = _untyped.Idefics3Processor(
        image_processor=pictures,
        tokenizer=tokenizer,
        image_seq_len=(size.side // size.patch // 2) ** 2,
        chat_template=SMOLVLM_TEMPLATE,
    )
    return config, processor


def _paligemma(size: Size, texts: Iterable[str]) -> Parts:
    tokenizer = words_tokenizer(["<image>"], texts, bos="<bos>", eos="<eos>")
    count = (size.side // size.patch) ** 2
    pictures = _untyped.SiglipImageProcessorPil(size={"height": size.side, "width": size.side}, image_seq_length=count)
    processor = _untyped.PaliGemmaProcessor(
        image_processor=pictures, tokenizer=tokenizer
    )  # adds 1,152 tokens of its own
    vision = {**size.vision, "projection_dim": size.hidden, "vision_use_head": False, "num_image_tokens": count}
    config = _untyped.PaliGemmaConfig(
        vision_config=_untyped.SiglipVisionConfig(**vision),
        text_config=_untyped.GemmaConfig(**size.text, **_tokens(tokenizer), head_dim=32),
        image_token_id=_id(tokenizer, "<image>"),
        projection_dim=size.hidden,
        hidden_size=size.hidden,
    )
    return config, processor


_MAKERS: Final[Mapping[str, Callable[[Size, Iterable[str]], Parts]]] = {
    "llava": _llava,
    "qwen2_5_vl": _qwen,
    "smolvlm": _smolvlm,
    "paligemma": _paligemma,
}
