"""Any family of transformers models through one backbone: what is learned, what is said, in batches and alone."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from instar import plugins
from instar.backbone import IGNORE, Backbone
from instar.backbones import hf
from instar.backbones.hf import HfBackbone
from instar.backbones.tiny import make_tiny
from instar.chat import IMAGE, Conversation, Turn
from instar.demo import Image
from instar.errors import DataError
from instar.grammar import Fixed, Grammar, Integer, Space, Text
from tests.backbones.conftest import FAMILIES, asked, picture

Get = Callable[[str], HfBackbone]
ENDS = {"llava": "</s>", "qwen2_5_vl": "<|im_end|>", "smolvlm": "<end_of_utterance>", "paligemma": "<eos>"}
# Templates that leave the space before an answer to the model, as LLaVA's and SmolVLM's own do.
LEADS = {"llava": " ", "qwen2_5_vl": "", "smolvlm": " ", "paligemma": ""}
ANSWERS = (
    "<b>(0.5, 0.25)</b>",
    "Where is the bowl?",  # word for word in the question
    "ASSISTANT: \n USER: it said. assistant",
    "  spaces around and a break \n",
    "1",
    "caf\u00e9 \u65e5\u672c \U0001f916",
)
POINT = Grammar("(", Fixed("x", 3, 0, 1), ",", Space(), Fixed("y", 3, 0, 1), ")")
ACT = Grammar("Step ", Integer("k", 1, 9), ": Pick up the <p>", Text("what", most=12), "</p> at <b>", POINT, "</b>.")


def learned(backbone: HfBackbone, conversation: Conversation) -> str:
    """The text that a conversation teaches."""
    labels = backbone.encode(conversation).labels
    said = backbone.tokenizer.decode(labels[labels != IGNORE])
    assert isinstance(said, str)
    return said


def spread(count: int) -> list[Conversation]:
    """Questions of different lengths, with none, one or two pictures."""
    return [
        asked(f"\nQuestion {n}: " + "where is the red bowl? " * (n % 4), *(picture(n + k) for k in range(n % 3)))
        for n in range(count)
    ]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("answer", ANSWERS)
def test_learns_the_answer_and_its_end_and_nothing_else(backbone: Get, family: str, answer: str) -> None:
    conversation = asked("\nWhere is the bowl? Say: Where is the bowl? 1", picture(0)).answered(answer)
    assert learned(backbone(family), conversation) == LEADS[family] + answer + ENDS[family]


@pytest.mark.parametrize("family", FAMILIES)
def test_learns_every_marked_answer_of_a_long_conversation(backbone: Get, family: str) -> None:
    turns = (
        Turn("system", "Be brief."),
        Turn("user", f"{IMAGE}\nIs it red?"),
        Turn("assistant", "red", learn=True),
        Turn("user", "Is it blue?"),
        Turn("assistant", "not blue"),
        Turn("user", f"And now {IMAGE} red?"),
        Turn("assistant", "blue", learn=True),
    )
    said = learned(backbone(family), Conversation(turns, (picture(0), picture(1))))
    lead, end = LEADS[family], ENDS[family]
    assert said == f"{lead}red{end}{lead}blue{end}"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_prompt_is_the_beginning_of_what_is_learned_from(backbone: Get, family: str) -> None:
    model = backbone(family)
    conversation = asked("\nWhere is the bowl?", picture(0))
    prompt, _ = model.prompt(conversation)
    whole = model.encode(conversation.answered("At (0.5, 0.5)."))
    assert torch.equal(prompt.input_ids, whole.input_ids[: prompt.length])
    assert (whole.labels[: prompt.length] == IGNORE).all()
    assert whole.labels[prompt.length] != IGNORE


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl", "smolvlm"])
def test_prompts_are_those_of_the_models_own_template(backbone: Get, family: str) -> None:
    model = backbone(family)
    content: Any = [{"type": "image"}, {"type": "text", "text": "Where is the red bowl?"}]
    own: Any = model.processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
    )
    begun = own.startswith(model.tokenizer.bos_token or "\0")
    pixels = np.array(picture(0).pixels)
    made = model.processor(text=[own], images=[pixels], return_tensors="pt", add_special_tokens=not begun)
    ids = made["input_ids"][0]
    between = "\n" if family == "llava" else ""  # its template breaks the line after a picture
    prompt, _ = model.prompt(asked(f"{between}Where is the red bowl?", picture(0)))
    assert model.tokenizer.decode(prompt.input_ids) == model.tokenizer.decode(ids)
    assert torch.equal(prompt.input_ids, ids)


def test_paligemma_prompts_are_those_of_its_processor(backbone: Get) -> None:
    model = backbone("paligemma")
    made = model.processor(
        text=["<image>where is the bowl"], suffix=["here"], images=[np.array(picture(0).pixels)], return_tensors="np"
    )
    example = model.encode(asked("where is the bowl", picture(0)).answered("here"))
    assert torch.equal(example.input_ids, torch.from_numpy(made["input_ids"][0]))
    assert torch.equal(example.aligned["token_type_ids"], torch.from_numpy(made["token_type_ids"][0]))
    assert torch.equal(example.labels, torch.from_numpy(made["labels"][0]))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_kth_place_shows_the_kth_picture(backbone: Get, family: str) -> None:
    model = backbone(family)
    one, two = picture(1), picture(2)
    batch = [model.encode(asked(" same?", *pair).answered("no")) for pair in ((one, two), (two, one))]
    pixels = [model.collate([example])["pixel_values"] for example in batch]
    flat = [tensor.flatten(0, 1) if family == "smolvlm" else tensor for tensor in pixels]
    half = len(flat[0]) // 2
    assert torch.equal(flat[0][:half], flat[1][half:])
    assert not torch.equal(flat[0], flat[1])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_has_the_loss_of_its_samples(backbone: Get, family: str) -> None:
    model = backbone(family)
    examples = [model.encode(c.answered(f"answer {n} " * (n + 1))) for n, c in enumerate(spread(4))]
    with torch.no_grad():
        alone = [float(model.model(**model.collate([example])).loss) for example in examples]
        together = float(model.model(**model.collate(examples)).loss)
    # The first token of a row is predicted by nothing, but it is never learned either.
    counts = [example.learned for example in examples]
    assert together == pytest.approx(np.average(alone, weights=counts), rel=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_in_a_batch_are_those_given_alone(backbone: Get, family: str) -> None:
    model = backbone(family)
    asks = spread(5)
    grammars = [None, ACT, POINT, None, ACT]
    alone = [model.generate([ask], [grammar], 24)[0] for ask, grammar in zip(asks, grammars, strict=True)]
    assert model.generate(asks, grammars, 24) == alone


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_in_a_batch_are_those_alone(backbone: Get, family: str) -> None:
    model = backbone(family)
    prompts = [model.prompt(ask)[0] for ask in spread(4)]
    with torch.inference_mode():
        together, listener = model.listen(prompts)
        words = [[5, 9], [6], [], [7, 8]]
        following = torch.split(listener.read(words), [len(tokens) for tokens in words])
        for row, (prompt, tokens) in enumerate(zip(prompts, words, strict=True)):
            alone, listener = model.listen([prompt])
            assert torch.allclose(together[row], alone[0], atol=1e-5)
            if tokens:
                assert torch.allclose(following[row], listener.read([tokens]), atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_says_what_transformers_itself_would_say(backbone: Get, family: str) -> None:
    model = backbone(family)
    ask = asked("\nWhere is the bowl?", picture(3))
    prompt, lead = model.prompt(ask)
    network: Any = model.model
    batch = model.collate([prompt])
    del batch["labels"]
    whole = network.generate(**batch, max_new_tokens=20, do_sample=False)
    theirs = model.tokenizer.decode(whole[0, prompt.length :], skip_special_tokens=True)
    assert isinstance(theirs, str)
    assert model.generate([ask], [None], 20) == [theirs.removeprefix(lead)]


@pytest.mark.parametrize("family", FAMILIES)
def test_replies_within_a_grammar_can_always_be_read(backbone: Get, family: str) -> None:
    asks = spread(30)
    for reply in backbone(family).generate(asks, [ACT] * len(asks), 120):
        assert ACT.format(ACT.parse(reply)) == reply


def teach(model: HfBackbone, conversation: Conversation) -> None:
    """Teach one answer by heart: until every token of it is the likeliest."""
    network: PreTrainedModel = model.model
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    batch = model.collate([model.encode(conversation)])
    labels = batch["labels"][:, 1:]
    for _ in range(200):
        optimizer.zero_grad()
        out = network(**batch)
        if torch.equal(out.logits[:, :-1].argmax(-1)[labels != IGNORE], labels[labels != IGNORE]):
            return
        out.loss.backward()
        optimizer.step()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_grammar_changes_nothing_where_the_reply_was_well_formed(folder: Callable[[str], Path], family: str) -> None:
    model = hf.load(folder(family), "cpu")
    ask = asked("\nWhere?", picture(0))
    answer = ACT.format({"k": 3, "what": "red bowl", "x": 0.25, "y": 0.125})
    teach(model, ask.answered(answer))
    assert model.generate([ask], [None], 80) == [answer]
    assert model.generate([ask], [ACT], 80) == [answer]


def test_a_reply_cut_short_is_what_was_said_so_far(backbone: Get) -> None:
    reply = backbone("llava").generate([asked("?", picture(0))], [ACT], 4)[0]
    assert 0 < len(reply) < 20
    assert reply.startswith("Step ")


def test_nobody_asked_gets_no_answer(backbone: Get) -> None:
    assert backbone("llava").generate([], []) == []


def test_a_sample_that_teaches_nothing_is_refused_by_name(backbone: Get) -> None:
    silent = Conversation((Turn("user", "Hello"), Turn("assistant", "Hello")), ())
    with pytest.raises(DataError, match="a/7/llara: no turn is marked"):
        backbone("llava").encode(silent, "a/7/llara")


def test_text_with_a_special_token_is_refused(backbone: Get) -> None:
    with pytest.raises(DataError, match=r"x: the text of turn 0 contains '</s>'"):
        backbone("llava").encode(asked("Stop</s> now").answered("yes"), "x")


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_saved_is_what_is_loaded(backbone: Get, family: str, tmp_path: Path) -> None:
    model = backbone(family)
    model.save(tmp_path)
    again = hf.load(tmp_path, "cpu")
    for (name, mine), (_, theirs) in zip(model.model.named_parameters(), again.model.named_parameters(), strict=True):
        assert torch.equal(mine, theirs), name
    example, other = (b.encode(asked("hello", picture(0)).answered("you")) for b in (model, again))
    assert torch.equal(example.input_ids, other.input_ids)
    assert torch.equal(example.pictures[0].inputs["pixel_values"], other.pictures[0].inputs["pixel_values"])
    assert list(tmp_path.glob("*.safetensors"))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_parameter_belongs_to_one_part(backbone: Get, family: str) -> None:
    model = backbone(family)
    parts = model.parts()
    counts = dict.fromkeys(parts, 0)
    for name, _ in model.model.named_parameters():
        fitting = {part: [p for p in prefixes if name.startswith(p)] for part, prefixes in parts.items()}
        longest = max((len(p), part) for part, prefixes in fitting.items() for p in prefixes)
        counts[longest[1]] += 1
    assert all(counts.values())


def test_travels_as_its_options(folder: Callable[[str], Path]) -> None:
    model = hf.load(folder("llava"), "cpu")
    again = copy.deepcopy(model)  # by the same door as pickle
    assert again == model
    assert "model" in vars(model)
    assert "model" not in vars(again)


def test_is_the_plugin_called_hf(folder: Callable[[str], Path]) -> None:
    made = plugins.make("backbones", f"hf:{folder('llava')},device=cpu")
    assert isinstance(made, Backbone)
    assert plugins.choice_of("backbones", made).options["device"] == "cpu"


@pytest.mark.parametrize("family", FAMILIES)
def test_bfloat16_weights_answer_too(folder: Callable[[str], Path], family: str) -> None:
    model = hf.load(folder(family), "cpu", "bfloat16")
    assert next(model.model.parameters()).dtype == torch.bfloat16
    POINT.parse(model.generate([asked("?", picture(0))], [POINT], 40)[0])


def test_images_of_one_sample_stay_encoded_until_needed(backbone: Get) -> None:
    broken = Image.encoded(b"no picture")
    with pytest.raises(DataError, match=r"s/0: 10 bytes that should be a PNG or JPEG"):
        backbone("llava").encode(asked("?", broken).answered("!"), "s/0")


def test_a_seed_makes_the_same_model_again(folder: Callable[[str], Path], tmp_path: Path) -> None:
    again = make_tiny("llava", tmp_path / "again")
    other = make_tiny("llava", tmp_path / "other", seed=1)
    first = (folder("llava") / "model.safetensors").read_bytes()
    assert (again / "model.safetensors").read_bytes() == first
    assert (other / "model.safetensors").read_bytes() != first
