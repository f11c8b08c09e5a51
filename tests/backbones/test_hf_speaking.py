"""Replies in fewer passes than words are the replies of one pass a word, alone or side by side."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from instar.backbones import hf
from instar.backbones.hf import HfBackbone
from instar.backbones.hf_rules import Rules
from instar.backbones.hf_tokens import Tokens
from instar.backbones.tiny import make_tiny
from instar.chat import Conversation
from instar.decoding import Listener, speak
from instar.errors import ReplyError
from instar.grammar import Choice, Fixed, Grammar, Integer, Repeat, Text
from tests.backbones.conftest import FAMILIES, asked, picture

Get = Callable[[str], HfBackbone]
POINT = Grammar("<b>(", Fixed("x", 3, 0, 1), ", ", Fixed("y", 3, 0, 1), ")</b>")
TURN = Grammar("rotate <r>[", Integer("turn", -359, 359), "]</r> degrees.")
ACT = Grammar("Pick up the <p>", Text("what", most=16), "</p> at ", POINT, ".")
PLAN = Grammar(Repeat("moves", ACT, separator="\n", most=3))
NAMED = Grammar("The ", Choice("color", ("red", "green", "dark green")), " one.")
GRAMMARS = (ACT, POINT, PLAN, TURN, NAMED)


class Patient:
    """A listener that is only told one word of a row at a time."""

    widest = 1

    def __init__(self, listener: Listener) -> None:
        self.prompts, self.selects = listener.prompts, listener.selects
        self.read, self.forget, self.only = listener.read, listener.forget, listener.only


class Counted(Patient):
    """A listener whose passes are counted."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self.widest, self._read, self.passes, self.narrow = listener.widest, listener.read, 1, 0
        self.read = self._counted

    def _counted(self, words: Sequence[Sequence[int]], among: Sequence[int] = ()) -> torch.Tensor:
        self.passes += 1
        self.narrow += bool(among)
        return self._read(words, among)


@torch.inference_mode()
def said(
    model: HfBackbone,
    asks: Sequence[Conversation],
    grammars: Sequence[Grammar],
    through: Callable[[Listener], Listener] = lambda listener: listener,
    most: int = 300,
) -> list[list[int]]:
    """The tokens of the replies."""
    prompts = [model.prompt(ask) for ask in asks]
    ends = frozenset({int(model.model.generation_config.eos_token_id)})
    rules = Rules(Tokens(model.tokenizer), ends)
    made = [rules.rule(grammar, lead) for grammar, (_, lead) in zip(grammars, prompts, strict=True)]
    logits, listener = model.listen([prompt for prompt, _ in prompts])
    return speak(logits, through(listener), made, ends, most)


def questions(count: int) -> list[Conversation]:
    """Questions of different lengths, about one of three pictures."""
    return [asked(f"\nPick {n}: " + "where is the red bowl? " * (n % 3), picture(n % 3)) for n in range(count)]


@pytest.fixture(scope="session")
def taught(folder: Callable[[str], Path]) -> Get:
    """A model of a family that has learned to answer in the form of PLAN."""
    made: dict[str, HfBackbone] = {}

    def get(family: str) -> HfBackbone:
        if family not in made:
            made[family] = teach(hf.load(folder(family), "cpu", "float32"))
        return made[family]

    return get


def teach(model: HfBackbone) -> HfBackbone:
    """Four plans, until they are nearly said by heart."""
    moves = [{"what": name, "x": k / 16, "y": 1 - k / 9} for k, name in enumerate(("red bowl", "block", "dark star"))]
    plans = [PLAN.format({"moves": moves[k % 3 : k % 3 + 1 + k // 2]}) for k in range(4)]
    batch = model.collate([model.encode(ask.answered(plan)) for ask, plan in zip(questions(4), plans, strict=True)])
    network: Any = model.model
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    for _ in range(80):
        loss = network(**batch).loss
        if loss < 0.1:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


@pytest.mark.parametrize("family", FAMILIES)
def test_random_weights_say_word_for_word_what_they_say_in_one_pass_a_word(backbone: Get, family: str) -> None:
    grammars = [GRAMMARS[n % len(GRAMMARS)] for n in range(20)]
    fast, slow = (said(backbone(family), questions(20), grammars, through) for through in (Counted, Patient))
    assert fast == slow


@pytest.mark.parametrize("family", FAMILIES)
def test_a_taught_model_says_word_for_word_what_it_says_in_one_pass_a_word(taught: Get, family: str) -> None:
    fast, slow = (said(taught(family), questions(24), [PLAN] * 24, through) for through in (Counted, Patient))
    assert fast == slow


@pytest.mark.parametrize("family", FAMILIES)
def test_well_formed_free_replies_are_those_within_the_grammar(taught: Get, family: str) -> None:
    model, asks = taught(family), questions(48)
    free, held = model.generate(asks, [None] * 48, 300), model.generate(asks, [PLAN] * 48, 300)
    well = [k for k, reply in enumerate(free) if readable(PLAN, reply) and PLAN.format(PLAN.parse(reply)) == reply]
    assert len(well) > 12
    assert [held[k] for k in well] == [free[k] for k in well]
    assert all(readable(PLAN, reply) for reply in held)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_taught_model_needs_less_than_half_a_pass_a_word(taught: Get, family: str) -> None:
    seen: list[Counted] = []

    def counted(listener: Listener) -> Listener:
        seen.append(Counted(listener))
        return seen[-1]

    replies = [said(taught(family), [ask], [PLAN], counted)[0] for ask in questions(6)]
    assert sum(one.passes for one in seen) < 0.5 * sum(map(len, replies))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_head_that_is_only_asked_about_a_few_words_changes_none(
    taught: Get, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks, seen = questions(8), list[Counted]()

    def counted(listener: Listener) -> Listener:
        seen.append(Counted(listener))
        return seen[-1]

    for grammar in (PLAN, TURN):
        whole = [said(taught(family), [ask], [grammar], counted)[0] for ask in asks]
        assert not sum(one.narrow for one in seen)
        monkeypatch.setattr("instar.backbones.hf_reading.LARGE", 0)
        assert [said(taught(family), [ask], [grammar], counted)[0] for ask in asks] == whole
        assert sum(one.narrow for one in seen)
        monkeypatch.undo()
        seen.clear()


@pytest.mark.parametrize("family", FAMILIES)
def test_replies_side_by_side_are_those_alone(taught: Get, family: str) -> None:
    grammars = [GRAMMARS[n % len(GRAMMARS)] for n in range(10)]
    alone = [said(taught(family), [ask], [grammar])[0] for ask, grammar in zip(questions(10), grammars, strict=True)]
    assert said(taught(family), questions(10), grammars) == alone


@pytest.mark.parametrize("seed", range(1, 6))
def test_no_reply_of_random_weights_is_unreadable(seed: int, tmp_path: Path) -> None:
    model = hf.load(make_tiny("llava", tmp_path, seed), "cpu", "float32")
    asks = [asked(f"{n}?") for n in range(50)]
    grammars = [GRAMMARS[n % len(GRAMMARS)] for n in range(50)]
    assert all(map(readable, grammars, model.generate(asks, grammars)))


@pytest.mark.parametrize("most", [1, 25, 61, 110])
def test_a_reply_that_reaches_the_limit_ends_with_a_whole_move_if_it_has_one(backbone: Get, most: int) -> None:
    model = backbone("llava")
    for ask in questions(3):
        (whole,), (cut,) = (said(model, [ask], [PLAN], most=limit) for limit in (300, most))
        texts = [model.tokenizer.decode(whole[:length]) for length in range(min(most, len(whole)) + 1)]
        good = [k for k, text in enumerate(texts) if isinstance(text, str) and readable(PLAN, text.removeprefix(" "))]
        assert cut == whole[: good[-1] if good else most]


def test_a_model_that_sees_only_so_far_is_read_word_by_word(tmp_path: Path) -> None:
    """What lies behind a sliding window is gone, so that nothing can be taken back."""
    untyped: Any = transformers
    model = hf.load(make_tiny("llava", tmp_path / "whole"), "cpu", "float32")
    config = untyped.LlavaConfig.from_pretrained(tmp_path / "whole")
    kept = {
        key: value for key, value in config.text_config.to_dict().items() if key not in ("model_type", "architectures")
    }
    config.text_config = untyped.MistralConfig(**kept | {"sliding_window": 12})
    torch.manual_seed(0)
    untyped.LlavaForConditionalGeneration(config).save_pretrained(tmp_path / "near")
    model.processor.save_pretrained(tmp_path / "near")
    near = hf.load(tmp_path / "near", "cpu", "float32")
    with torch.inference_mode():
        _, listener = near.listen([near.prompt(asked("?", picture(0)))[0]])
    assert listener.widest == 1
    assert said(near, questions(3), [PLAN] * 3) == [said(near, [ask], [PLAN])[0] for ask in questions(3)]
    assert all(readable(PLAN, reply) for reply in near.generate(questions(3), [PLAN] * 3))


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_forgotten_leaves_no_trace(backbone: Get, family: str) -> None:
    prompts = [backbone(family).prompt(ask)[0] for ask in questions(3)]
    with torch.inference_mode():
        _, straight = backbone(family).listen(prompts)
        _, astray = backbone(family).listen(prompts)
        straight.read([[5], [6, 7], [8]])
        astray.read([[5, 50, 51], [6, 7, 52], [8]])
        astray.forget([2, 1, 0])
        after = [[9, 10], [11], [12, 13, 14]]
        assert torch.allclose(straight.read(after), astray.read(after), atol=1e-5)
        for listener in (straight, astray):
            listener.only([0, 2])
        assert torch.allclose(straight.read([[15], [16]]), astray.read([[15], [16]]), atol=1e-5)


def readable(grammar: Grammar, reply: str) -> bool:
    """Whether the grammar reads the reply."""
    try:
        grammar.parse(reply)
    except ReplyError:
        return False
    return True
