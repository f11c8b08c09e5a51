"""Replies within a grammar against transformers' greedy `generate` on the same weights and prompts: actions a second.

The model is a small LLaVA that is taught LLaRA's answers (D-inBC) on the tabletop here, until what it says freely is
mostly well formed. A grown copy says the same with more and wider layers and a vocabulary of 32,000: there the passes
are what takes the time. Where the robot should go is not judged here, only how soon it is said, and whether it is read.
"""

import copy
import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest import mock

import torch

from benchmarks.harness import Comparison, Contender, Fact, Result, Size, compare
from instar import markup, plugins
from instar.backbone import padded
from instar.backbones import hf, hf_reading, tiny
from instar.backbones.hf import HfBackbone
from instar.backbones.hf_rules import Rules
from instar.backbones.hf_tokens import Tokens
from instar.chat import Conversation, Turn
from instar.demo import DemoSource
from instar.errors import ReplyError
from instar.grammar import Choice, Fixed, Grammar, Integer, Repeat, Text
from instar.recipes.llara import Llara

MOST: Final = 400  # tokens of a reply: six steps or so
BATCHES: Final = (1, 16)

# What random weights are asked for: numbers, free text, lists, and LLaRA's plans.
POINT: Final = Grammar("(", Fixed("x", 3, 0, 1), ", ", Fixed("y", 3, 0, 1), ")")
KINDS: Final = (
    POINT,
    Grammar("turn <r>[", Integer("turn", -359, 359), "]</r> degrees"),
    Grammar("the ", Choice("color", ("red", "green", "dark green")), " <p>", Text("thing", most=20), "</p>."),
    Grammar(Repeat("points", POINT, separator="; ", most=6), "."),
    *(markup.moves(1)[tool] for tool in ("suction", "spatula")),
)

METHOD: Final = (
    "Both answer the same prompts with the same weights, and all from conversation to text is timed, the reading of "
    "prompt and picture included. `generate` is called as transformers has it: left padding, its own cache, "
    "`do_sample=False`."
)
FLOOR: Final = (
    "The floor of a reply within its grammar is one pass for each word that is a choice. What is guessed from the "
    "prompt and from the reply itself goes below it; no guess is believed, the pass that reads it checks it."
)
GROWN: Final = (
    "The grown model's added layers write zeros, so that it says what the small one says at the cost of its size. On "
    "a CPU a pass over 16 rows takes longer the more words it reads, so that fewer passes gain little there, and "
    "the reading of prompt and picture is the same for both. Fewer passes should gain more where a pass is bound by "
    "reading the weights, as on a GPU; that is not yet measured."
)


class Asked(NamedTuple):
    """One question."""

    conversation: Conversation
    grammar: Grammar
    answer: str


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    taught: int  # episodes to learn from
    steps: int  # of learning
    prompts: int  # whose replies are compared
    timed: int  # of these, a round, in batches of 16; of the grown model, and one at a time, a third
    rounds: int
    random: int  # replies of random weights
    layers: int  # of the grown model
    inner: int  # width of its layers' inner part
    words: int  # of its vocabulary


SCALES: Final = {
    "small": Scale(1, 60, 12, 12, 1, 1000, 5, 512, 4000),
    "full": Scale(150, 150, 1000, 48, 3, 10_000, 8, 2048, 32_000),
}


def run(size: Size) -> Result:
    """Actions a second, passes a word, and whether the replies are those of free decoding."""
    scale = SCALES[size]
    with tempfile.TemporaryDirectory() as folder:
        lessons = list(asked(f"tabletop:episodes={scale.taught}"))
        small = taught(Path(folder) / "small", lessons, scale.steps)
        tests = list(itertools.islice(asked("tabletop:episodes=1000,seed=50000"), scale.prompts))
        grown = larger(small, Path(folder) / "grown", scale)
        both = _compared(small, tests)
        some, few = both.well[: scale.timed], both.well[: scale.timed // 3]
        speeds = [_speed("small model", small, some, batch, scale.rounds) for batch in BATCHES]
        speeds += [_speed("grown model", grown, few, batch, scale.rounds) for batch in BATCHES]
        speeds.append(_selecting(grown, few, scale.rounds))
        facts = (*_passes(small, some), *both.facts, _unreadable(Path(folder), scale.random))
    return Result("Decoding", tuple(speeds), facts, (METHOD, FLOOR, GROWN))


def asked(demos: str) -> Iterator[Asked]:
    """LLaRA's questions about demonstrations, with their grammars and answers."""
    source: DemoSource = plugins.make("demos", demos)
    recipe = Llara()
    for id in source.ids():
        episode = source.episode(id)
        for t in range(episode.length):
            context = episode.context(t, recipe.past)
            yield Asked(recipe.ask(context), recipe.grammar(context), recipe.answer(episode, t))


def taught(folder: Path, lessons: Sequence[Asked], steps: int) -> HfBackbone:
    """A small LLaVA that has seen eight lessons in each of `steps` steps."""
    texts = [text for lesson in lessons for text in (lesson.conversation.question, lesson.answer)]
    tiny.make_tiny("llava", folder, texts=texts, size=tiny.Size(hidden=128, layers=4))
    backbone = hf.load(folder, "cpu", "float32")
    examples = [backbone.encode(lesson.conversation.answered(lesson.answer)) for lesson in lessons]
    optimizer = torch.optim.AdamW(backbone.model.parameters(), lr=2e-3)
    draws = torch.Generator().manual_seed(0)
    backbone.model.train()
    for _ in range(steps):
        drawn = torch.randint(len(examples), (min(8, len(examples)),), generator=draws).tolist()
        loss = backbone.model(**backbone.collate([examples[k] for k in drawn])).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(backbone.model.parameters(), 1.0)
        optimizer.step()
    backbone.model.train(mode=False)
    return backbone


def larger(small: HfBackbone, folder: Path, scale: Scale) -> HfBackbone:
    """A model of another size that computes the same: what is added to its layers is written out as zeros."""
    config = copy.deepcopy(small.model.config)
    text = config.get_text_config()
    text.update({"num_hidden_layers": scale.layers, "intermediate_size": scale.inner, "vocab_size": scale.words})
    untyped: Any = type(small.model)
    model = untyped(config).float()
    known = small.model.state_dict()
    pad = small.tokenizer.pad_token_id
    for name, weights in model.state_dict().items():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            weights.zero_()
        if name in known:
            if name.endswith(("embed_tokens.weight", "lm_head.weight")):
                weights[:] = known[name][pad]  # words that are never the likeliest
            weights[tuple(slice(0, length) for length in known[name].shape)] = known[name]
    model.save_pretrained(folder)
    small.processor.save_pretrained(folder)
    return hf.load(folder, "cpu", "float32")


def generate(backbone: HfBackbone, asks: Sequence[Asked]) -> list[str]:
    """What transformers' own `generate` says, greedily."""
    prompts = [backbone.prompt(ask.conversation) for ask in asks]
    ids = [prompt.input_ids for prompt, _ in prompts]
    network: Any = backbone.model
    whole = network.generate(
        input_ids=padded(ids, network.config.get_text_config().pad_token_id, left=True),
        attention_mask=padded([torch.ones_like(row) for row in ids], 0, left=True),
        pixel_values=torch.cat(
            [picture.inputs["pixel_values"] for prompt, _ in prompts for picture in prompt.pictures]
        ),
        max_new_tokens=MOST,
        do_sample=False,
    )
    said = whole[:, max(map(len, ids)) :]
    texts = backbone.tokenizer.batch_decode(said, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return [text.removeprefix(lead) for text, (_, lead) in zip(texts, prompts, strict=True)]


def within(backbone: HfBackbone, asks: Sequence[Asked]) -> list[str]:
    """What ours says within the grammars."""
    return backbone.generate([ask.conversation for ask in asks], [ask.grammar for ask in asks], MOST)


def _selecting(model: HfBackbone, tests: Sequence[Asked], rounds: int) -> Comparison:
    """What it saves to ask the head about those words only that can follow, where they are few."""
    some = tests[: max(1, len(tests) // 3)]

    def work(least: float) -> float:
        with mock.patch.object(hf_reading, "LARGE", least):
            return sum(sum(map(steps, [ask], within(model, [ask]))) for ask in some)

    contenders = [
        Contender("the head asked about all words", partial(work, float("inf"))),
        Contender("about the digits where only digits can follow", partial(work, 0)),
    ]
    return compare("grown model, one at a time", "actions", contenders, rounds)


def steps(ask: Asked, reply: str) -> int:
    """How many actions a reply holds; 0 if it cannot be read."""
    try:
        return len(ask.grammar.parse(reply)["steps"])
    except ReplyError:
        return 0


def _speed(name: str, model: HfBackbone, tests: Sequence[Asked], batch: int, rounds: int) -> Comparison:
    some = tests if batch > 1 else tests[: max(1, len(tests) // 3)]
    parts = [some[start : start + batch] for start in range(0, len(some), batch)]

    def work(speak: Callable[[HfBackbone, Sequence[Asked]], list[str]]) -> float:
        return sum(sum(map(steps, part, speak(model, part))) for part in parts)

    contenders = [
        Contender("transformers, generate", partial(work, generate)),
        Contender("instar, within the grammar", partial(work, within)),
    ]
    rows = "one at a time" if batch == 1 else f"{batch} at a time"
    return compare(f"{name}, {rows}", "actions", contenders, rounds, aim=2.5)


class Passes:
    """Counts the passes of a model, and the words that they read after the prompts."""

    def __init__(self, model: HfBackbone) -> None:
        self.count = self.words = 0
        untyped: Any = model.model
        self._hook = untyped.get_decoder().register_forward_pre_hook(self._note, with_kwargs=True)

    def _note(self, _module: torch.nn.Module, _args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.count += 1
        ids = kwargs.get("input_ids")
        self.words += 0 if ids is None else ids.numel()

    def done(self) -> None:
        """Stop counting."""
        self._hook.remove()


def _passes(model: HfBackbone, tests: Sequence[Asked]) -> list[Fact]:
    """Passes a word, one reply at a time, and how many words are choices."""
    within(model, tests[:1])  # once the long way, to see that the short one gives the same
    passes = Passes(model)
    replies = [within(model, [ask])[0] for ask in tests]
    passes.done()
    words = sum(len(_words(model, reply)) + 1 for reply in replies)  # and the end
    choices = sum(_choices(model, ask, reply) for ask, reply in zip(tests, replies, strict=True))
    return [
        Fact("passes a word, of LLaRA's answers", passes.count / words, "", "at most 0.4", passes.count <= 0.4 * words),
        Fact("words of an answer", words / len(tests), ""),
        Fact("of these, choices: the floor without guesses", choices / len(tests), ""),
        Fact("words read a word said: what was guessed wrong is read in vain", passes.words / words, ""),
    ]


def _words(model: HfBackbone, reply: str) -> list[int]:
    return Tokens(model.tokenizer).within(f" {reply}")


def _choices(model: HfBackbone, ask: Asked, reply: str) -> int:
    """How many words of a reply its grammar does not force, the end among them."""
    ends = frozenset({model.tokenizer.get_vocab()["</s>"]})
    rule = Rules(Tokens(model.tokenizer), ends).rule(ask.grammar, " ")
    choices = 1
    for token in _words(model, reply):
        choices += not rule.forced()
        rule.take(token)
    return choices


def _well_formed(ask: Asked, reply: str) -> bool:
    """As the grammar writes it; reading forgives more."""
    return _read(ask.grammar, reply) and ask.grammar.format(ask.grammar.parse(reply)) == reply


class _Both(NamedTuple):
    """Free replies and those within the grammar."""

    well: list[Asked]  # the questions that are answered freely in the form asked for; only these are timed
    facts: list[Fact]


def _compared(model: HfBackbone, tests: Sequence[Asked]) -> _Both:
    """Whether replies within a grammar are those of free decoding where those are well formed."""
    well, same = [], 0
    for start in range(0, len(tests), 64):
        part = tests[start : start + 64]
        for ask, free, held in zip(part, generate(model, part), within(model, part), strict=True):
            if _well_formed(ask, free):
                well.append(ask)
                same += free == held
    every = same == len(well)
    facts = [
        Fact("prompts that `generate` answers in the form asked for", len(well), f"of {len(tests)}"),
        Fact("of these, answered in the same words within the grammar", same, f"of {len(well)}", "all", every),
    ]
    return _Both(well, facts)


def _unreadable(folder: Path, count: int) -> Fact:
    """How many replies of random weights cannot be read by the grammar that they were said within."""
    lost, models, batch = 0, 20, 50
    grammars = list(itertools.islice(itertools.cycle(KINDS), batch))
    for seed in range(models):
        made = tiny.make_tiny("llava", folder / f"random{seed}", seed, size=tiny.Size(hidden=32, layers=1))
        backbone = hf.load(made, "cpu", "float32")
        for start in range(0, count // models, batch):
            asks = [Conversation((Turn("user", f"{seed}, {start + k}?"),), ()) for k in range(batch)]
            replies = backbone.generate(asks, grammars)
            lost += sum(not _read(grammar, reply) for grammar, reply in zip(grammars, replies, strict=True))
    return Fact("unreadable replies of random weights", lost, f"of {count}", "none", lost == 0)


def _read(grammar: Grammar, reply: str) -> bool:
    try:
        grammar.parse(reply)
    except ReplyError:
        return False
    return True
