"""A model of LLaVA-1.5-7B's size on a GPU: packed against padded training, constrained against free replies.

Its weights are random: what a step or a reply costs does not depend on them. Without a GPU the same is done by a tiny
model on the CPU, which shows that it runs and nothing else.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import torch
import transformers
from torch import nn

from benchmarks.harness import Comparison, Contender, Fact, Result, Size, compare
from instar.backbone import Example
from instar.backbones import tiny
from instar.backbones.hf import HfBackbone
from instar.build import BuildConfig, build
from instar.chat import Conversation
from instar.demo import Context
from instar.demos.tabletop import TabletopDemos
from instar.grammar import Grammar
from instar.mixture import Mixture, draw
from instar.recipes.llara import Llara
from instar.slots import Choice, Fixed, Integer
from instar.training.config import Lora
from instar.training.data import Course, Pool
from instar.training.model import adapt, checkpoint_activations, part_of
from instar.training.order import Boxes

_untyped: Any = transformers  # its configuration classes have no types

# Dense bfloat16 multiply-add units, NVIDIA's data sheets: operations a second.
PEAK: Final = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "4090": 165e12}
AIM: Final = 2.5  # times the samples a second of padded batches, and the actions a second of free replies
NOT_MEASURED: Final = (
    "**Not yet measured**: no GPU was there. What stands above is a tiny model on the CPU, which shows that the "
    "program runs; its ratios say nothing about a 7B model on a GPU."
)
NOTE: Final = (
    "LoRA of rank 128 on the language model, activations recomputed, AdamW, batches made beforehand; model FLOPs are "
    "two per weight and token forward and two back (frozen weights have no gradient), attention and recomputation left "
    "out. Replies are one step in LLaRA's words about the things of the scene; free ones are made as long as those are "
    "on average."
)


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    seven: bool  # LLaVA-1.5-7B's size
    batch: int
    steps: int
    rounds: int
    episodes: int
    dtype: Literal["float32", "bfloat16"]


FULL: Final = Scale(seven=True, batch=16, steps=2, rounds=3, episodes=12, dtype="bfloat16")
SMALL: Final = Scale(seven=False, batch=8, steps=1, rounds=1, episodes=3, dtype="float32")

Batch = dict[str, torch.Tensor]


def run(size: Size) -> Result:
    """Samples and actions a second, memory, and the share of the GPU's peak."""
    measured = size == "full" and torch.cuda.is_available()
    scale = FULL if measured else SMALL
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(BuildConfig(_demos(scale), folder / "samples", auxiliary=("all",), workers=1))
        pool = Pool.open([folder / "samples"])
        base = _base(folder / "base", pool, scale)
        backbone = HfBackbone(str(base), "auto" if measured else "cpu", scale.dtype)
        replies, told = _replies(backbone, scale)
        training, figures = _training(backbone, pool, scale)
    where = torch.cuda.get_device_name() if measured else "the CPU"
    notes = (f"On {where}, {scale.dtype}, torch {torch.__version__}.", NOTE)
    return Result(
        "A 7B model on a GPU", (training, *replies), (*figures, *told), notes if measured else (*notes, NOT_MEASURED)
    )


def _demos(scale: Scale) -> str:
    return f"tabletop:episodes={scale.episodes},tasks=visual_manipulation+rearrange"


def _base(folder: Path, pool: Pool, scale: Scale) -> Path:
    """A checkpoint with random weights whose processor makes 576 tokens of a picture, or a tiny one."""
    texts = [turn.text for k in range(len(pool)) for turn in pool.sample(k).conversation.turns]
    side = 336 if scale.seven else 56
    tiny.make_tiny("llava", folder, texts=texts, size=tiny.Size(side=side))
    if scale.seven:
        small = _untyped.LlavaConfig.from_pretrained(folder)
        with torch.device("cuda"):
            model: Any = _untyped.AutoModelForImageTextToText.from_config(_seven(small), dtype=torch.bfloat16)
        model.save_pretrained(folder)
    return folder


def _seven(small: Any) -> Any:
    """LLaVA-1.5-7B's configuration (Liu et al., 2023), with the small model's ids of special tokens."""
    text = {name: getattr(small.text_config, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    return _untyped.LlavaConfig(
        vision_config=_untyped.CLIPVisionConfig(
            hidden_size=1024,
            intermediate_size=4096,
            num_hidden_layers=24,
            num_attention_heads=16,
            image_size=336,
            patch_size=14,
            projection_dim=768,
        ),
        text_config=_untyped.LlamaConfig(vocab_size=32064, max_position_embeddings=4096, rms_norm_eps=1e-5, **text),
        image_token_id=small.image_token_id,
        image_seq_length=576,
    )


def _training(backbone: HfBackbone, pool: Pool, scale: Scale) -> tuple[Comparison, list[Fact]]:
    """Samples a second of the same steps, padded and packed, with the tokens, memory and share of the peak of each."""
    drawn = draw(Mixture.parse("D"), pool.folders, 0)
    course = Course(pool, {}, seed=0, drawn=drawn, group="views", boxes=Boxes(scale.batch, scale.batch))
    samples = [pool.sample(int(index)) for index in course.take(scale.batch * scale.steps)]
    examples = [backbone.encode(sample.conversation, sample.id) for sample in samples]
    steps = [examples[start : start + scale.batch] for start in range(0, len(examples), scale.batch)]
    learner = adapt(backbone, Lora(rank=128), ("vision",))
    checkpoint_activations(learner)
    learner.train()
    ways: dict[str, Callable[[Sequence[Example]], Batch]] = {"padded": backbone.collate, "packed": backbone.pack}
    batches = {name: [make(step) for step in steps] for name, make in ways.items()}
    memory: dict[str, float] = {}
    contenders = [_learns(name, learner, made, (len(examples), memory)) for name, made in batches.items()]
    found = compare(
        f"learn from {len(examples)} samples", "samples", contenders, scale.rounds, AIM if scale.seven else None
    )
    tokens = {name: sum(_tokens(batch) for batch in made) / len(examples) for name, made in batches.items()}
    rates = {rate.name: rate.median * tokens[rate.name] for rate in found.rates}
    weights = _language(backbone)
    facts = [Fact(f"tokens per second: {name}", rate, "tokens") for name, rate in rates.items()]
    facts += [Fact(f"share of the peak (MFU): {name}", 100 * share, "%") for name, share in _shares(rates, weights)]
    facts += [Fact(f"most memory: {name}", most / 2**30, "GiB") for name, most in memory.items() if most]
    return found, facts


def _learns(name: str, learner: nn.Module, batches: Sequence[Batch], told: tuple[int, dict[str, float]]) -> Contender:
    device = next(learner.parameters()).device
    ready = [{key: value.to(device) for key, value in batch.items()} for batch in batches]
    optimizer = torch.optim.AdamW([weight for weight in learner.parameters() if weight.requires_grad], lr=1e-6)
    samples, memory = told

    def work() -> float:
        _reset_memory()
        for batch in ready:
            loss: torch.Tensor = learner(**batch).loss
            torch.autograd.backward(loss)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        memory[name] = _most_memory()
        return float(samples)

    return Contender(name, work)


def _reset_memory() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()


def _most_memory() -> float:
    """Bytes; 0 where there is no GPU. Waits until all is done."""
    if not torch.cuda.is_available():
        return 0.0
    torch.cuda.synchronize()
    return float(torch.cuda.max_memory_allocated())


def _tokens(batch: Batch) -> int:
    """Tokens that are read, padding left out."""
    if "attention_mask" in batch and batch["attention_mask"].ndim == 2:
        return int(batch["attention_mask"].sum())
    return int(batch["input_ids"].numel())


def _language(backbone: HfBackbone) -> int:
    """Weights that every token passes."""
    parts = backbone.parts()
    return sum(
        weight.numel()
        for name, weight in backbone.model.named_parameters()
        if part_of(name, parts) == "language" and "embed" not in name and "lora" not in name
    )


def _shares(rates: dict[str, float], weights: int) -> list[tuple[str, float]]:
    if not torch.cuda.is_available():
        return []
    known = [peak for name, peak in PEAK.items() if name in torch.cuda.get_device_name()]
    return [(name, 4 * weights * rate / peak) for name, rate in rates.items() for peak in known[:1]]


def _replies(backbone: HfBackbone, scale: Scale) -> tuple[list[Comparison], list[Fact]]:
    """Actions a second of one request at a time and of a batch of them."""
    asked = _asked(scale)
    counts = (1, len(asked))
    compared, facts = [], []
    for count in counts:
        found = _answered(backbone, asked[:count], scale)
        compared.append(found)
        facts += [Fact(f"{rate.name}, {count} at a time", 1000 / rate.median, "ms an action") for rate in found.rates]
    return compared, facts


def _asked(scale: Scale) -> list[tuple[Conversation, Grammar]]:
    recipe, source = Llara(), TabletopDemos(scale.episodes, "visual_manipulation+rearrange")
    contexts = [source.episode(id).context(0, recipe.past) for id in source.ids()]
    return [(recipe.ask(context), _one_step(context)) for context in contexts]


def _one_step(context: Context) -> Grammar:
    """One of LLaRA's steps about a thing that is there: random weights would fill free names with endless words."""
    names = tuple(sorted({f"{thing.texture} {thing.shape}" for thing in context.observation.objects}))
    a, b, c, d = (Fixed(name, 3, 0, 1) for name in "abcd")
    return Grammar(
        "Step 1: Pick up the <p>", Choice("name", names), "</p> at <b>(", a, ", ", b, ")</b>, rotate <r>[",
        Integer("angle", -359, 359), "]</r> degrees, and drop it at <b>(", c, ", ", d, ")</b>.",
    )  # fmt: skip


def _answered(backbone: HfBackbone, asked: Sequence[tuple[Conversation, Grammar]], scale: Scale) -> Comparison:
    conversations, grammars = [one for one, _ in asked], [one for _, one in asked]
    replies = backbone.generate(conversations, grammars)
    length = sum(len(backbone.tokenizer(reply)["input_ids"]) for reply in replies) // len(replies)

    def constrained() -> float:
        return float(len(backbone.generate(conversations, grammars)))

    def free() -> float:
        prompts = _left([backbone.prompt(conversation)[0] for conversation in conversations], backbone)
        model: Any = backbone.model
        model.generate(**prompts, do_sample=False, min_new_tokens=length, max_new_tokens=length)
        return float(len(conversations))

    what = f"reply to {len(asked)} at a time, {length} tokens each"
    contenders = [Contender("model.generate, free", free), Contender("constrained", constrained)]
    return compare(what, "actions", contenders, scale.rounds, AIM if scale.seven else None)


def _left(prompts: Sequence[Example], backbone: HfBackbone) -> Batch:
    """Prompts as one batch, padded on the left as model.generate wants them."""
    batch = backbone.collate(prompts)
    width = batch["input_ids"].shape[1]
    for name in ("input_ids", "attention_mask"):
        rows = [batch[name][k].roll(width - prompt.length) for k, prompt in enumerate(prompts)]
        batch[name] = torch.stack(rows)
    kept = ("input_ids", "attention_mask", "pixel_values")
    return {name: batch[name].to(backbone.model.device) for name in kept}
