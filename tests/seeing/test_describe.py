"""Who says what reference pictures show, and what the question says then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from instar import markup
from instar.chat import Conversation
from instar.demo import Box, Context, Image
from instar.embodiments.vima import FRONT, VIMA
from instar.errors import ConfigError, MismatchError
from instar.grammar import Grammar
from instar.policy import VlmPolicy
from instar.recipes.llara import Llara
from instar.seeing.describe import (
    Asking,
    DescribingPolicy,
    DetectorFinder,
    ModelFinder,
    Naming,
    Picture,
    asked_as,
    require_camera,
)
from instar.seeing.detect import Sighting, known
from instar.wording import wording
from tests.toy import ALONE, BOWL, toy_episode, toy_picture

RECIPE = Llara()


@dataclass
class Told:
    """A model that knows the pictures by heart, and keeps what it was asked."""

    replies: dict[str, str]  # by the picture's digest
    asked: list[Conversation] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    grammars: list[Grammar | None] = field(default_factory=list)

    def generate(self, conversations: Sequence[Conversation], grammars: Sequence[Grammar | None]) -> list[str]:
        self.asked += conversations
        self.grammars += grammars
        self.calls.append(len(conversations))
        return [self.replies.get(conversation.images[0].digest, "") for conversation in conversations]


@dataclass(frozen=True)
class Memory:
    """A detector that knows the pictures by heart."""

    seen: Mapping[str, tuple[Sighting, ...]]
    camera: str = "front"
    threshold: float = 0.5
    asked: list[int] = field(default_factory=list)

    def find(self, pictures: Sequence[Image]) -> list[tuple[Sighting, ...]]:
        self.asked.append(len(pictures))
        return [self.seen.get(picture.digest, ()) for picture in pictures]

    def fingerprint(self) -> str:
        return "by heart"


def contexts() -> list[Context]:
    """A scene and an object as reference, at two steps each."""
    return [toy_episode(kind).context(t, 8) for kind in ("object", "scene") for t in (0, 1)]


def truth() -> dict[str, tuple[Sighting, ...]]:
    every = [reference for context in contexts() for reference in context.instruction.references.values()]
    return {reference.images["front"].digest: known(reference.objects, "front") for reference in every}


def policy(speaker: Told | None = None, recipe: Llara = RECIPE) -> VlmPolicy:
    return VlmPolicy("toy", (recipe.robot(VIMA),), recipe, speaker or Told({}))


def questions(asked: DescribingPolicy | VlmPolicy, of: Sequence[Context]) -> list[str]:
    return [chunk.question for chunk in asked.act(of)]


def described(memory: Memory, naming: Naming = "found") -> DescribingPolicy:
    return DescribingPolicy(policy(), {"front": DetectorFinder(memory)}, naming)


@pytest.mark.parametrize("naming", ["found", "given"])
def test_whoever_finds_the_truth_asks_as_the_truth_does(naming: Naming) -> None:
    assert questions(described(Memory(truth()), naming), contexts()) == questions(policy(), contexts())


def test_nothing_of_the_truth_is_in_the_question_that_the_finder_did_not_say() -> None:
    wrong = {digest: (Sighting("green heart", BOWL, 0.7), Sighting("red cube", ALONE, 0.6)) for digest in truth()}
    thing, _, goal, _ = questions(described(Memory(wrong)), contexts())
    assert "into <p>green heart</p> at <b>(0.699, 0.617), {0.230, 0.305}</b>.</task>" in thing
    assert "<p>red cube</p> at <b>(0.496, 0.609), {0.230, 0.305}</b>.</scene>" in goal
    assert "bowl" not in thing + goal


def test_every_picture_is_looked_at_once_and_all_new_ones_together() -> None:
    memory = Memory(truth())
    asked = described(memory)
    asked.act(contexts())
    asked.act(contexts())
    assert memory.asked == [2]


def test_answers_do_not_depend_on_the_company_or_on_what_came_before() -> None:
    warm = described(Memory(truth()))
    together = questions(warm, contexts())
    alone = [questions(described(Memory(truth())), [context])[0] for context in contexts()]
    assert together == alone == list(reversed(questions(warm, list(reversed(contexts())))))


def test_where_nothing_is_found_the_words_are_bare() -> None:
    thing, _, goal, _ = questions(described(Memory({})), contexts())
    assert "<task>Put all objects into <p>object</p>.</task>" in thing
    assert "<task>Rearrange to this scene.</task>" in goal


def test_a_given_name_stays_where_nothing_is_found() -> None:
    assert "into <p>blue bowl</p>.</task>" in questions(described(Memory({}), "given"), contexts())[0]


def test_a_given_name_chooses_among_the_sightings() -> None:
    seen = (Sighting("green heart", BOWL, 0.9), Sighting("dark Blue bowl", ALONE, 0.6))
    memory = Memory(dict.fromkeys(truth(), seen))
    assert "<p>dark Blue bowl</p> at <b>(0.496, 0.609)" in questions(described(memory, "given"), contexts())[0]
    assert "<p>green heart</p> at <b>(0.699, 0.617)" in questions(described(memory), contexts())[0]


def test_a_name_that_markup_cannot_write_is_made_sayable() -> None:
    odd = dict.fromkeys(truth(), (Sighting("a<b>\n" + "x" * 90, BOWL), Sighting("", BOWL)))
    thing, _, goal, _ = questions(described(Memory(odd)), contexts())
    assert "<p>a b  " + "x" * 55 + "</p> at" in thing
    assert "<p>object</p> at" in goal


def scene_reply(*things: tuple[str, Box]) -> str:
    values = [{"object": name, **_numbers(box)} for name, box in things]
    return markup.SCENE.format({"objects": values})


def _numbers(box: Box) -> dict[str, float]:
    thing = replace(toy_episode().steps[0].observation.objects[0], boxes={"front": box})
    return {name: value for name, value in markup.located(thing, FRONT).items() if name != "object"}


def test_the_model_is_asked_in_its_own_words_what_is_there_and_read_back() -> None:
    told = Told({digest: scene_reply(*((thing.name, thing.box) for thing in seen)) for digest, seen in truth().items()})
    finder = ModelFinder.of(policy(told), FRONT)
    pictures = [
        Picture(look.images["front"], look.kind) for look in toy_episode("object").instruction.references.values()
    ]
    [seen] = finder.find(pictures)
    assert [(thing.name, thing.box) for thing in seen] == [("blue bowl", ALONE)]
    question = told.asked[0].turns[0].text
    assert question.removeprefix("<image>\n") in wording().obj_det
    assert told.grammars == [markup.SCENE]


def test_with_a_given_name_the_model_is_asked_where_that_is() -> None:
    picture = toy_picture(toy_episode().steps[0].observation.objects, FRONT)
    told = Told({picture.digest: "<p>blue bowl</p> at <b>(0.496, 0.609), {0.230, 0.305}</b>."})
    finder = ModelFinder.of(policy(told), FRONT)
    assert finder.find([Picture(picture, "object", "blue bowl")]) == [(Sighting("blue bowl", ALONE),)]
    template = told.asked[0].turns[0].text.removeprefix("<image>\n").replace("<p>blue bowl</p>", "{object}")
    assert template in wording().obj_loc
    assert told.grammars == [markup.LOCATED_SENTENCE]


def test_the_same_picture_is_asked_about_in_the_same_words_and_others_in_others() -> None:
    finder = ModelFinder(Told({}), FRONT, wording())
    pictures = [Picture(Image.of(np.full((128, 256, 3), k, dtype=np.uint8)), "scene") for k in range(40)]
    asked = [finder.ask(picture).turns[0].text for picture in pictures]
    assert asked == [finder.ask(picture).turns[0].text for picture in pictures]
    assert len(set(asked)) > 5


A, B = (f"<p>{name}</p> at <b>(0.500, 0.500), {{0.100, 0.100}}</b>" for name in "ab")


@pytest.mark.parametrize(
    ("reply", "names"),
    [
        ("", []),
        ("I see nothing.", []),
        (f"<scene>{A}.", ["a"]),
        (A, ["a"]),
        (A.replace(", ", ",  "), ["a"]),
        (f"<scene>{A}.\n{B}.</scene>", ["a", "b"]),
        (f"<scene>{A}.\n{B[:20]}", ["a"]),
        (f"<scene>{A}.\n{A}.\n{A}.</scene>", ["a"]),
    ],
)
def test_what_can_be_read_of_a_reply_is_read(reply: str, names: list[str]) -> None:
    seen = ModelFinder(Told({}), FRONT, wording(), constrained=False).read(reply)
    assert [thing.name for thing in seen] == names


def test_boxes_survive_being_said() -> None:
    rng = np.random.default_rng(0)
    for left, top, width, height in rng.integers(0, [200, 100, 56, 28], size=(500, 4)).tolist():
        box = Box(left, top, left + width, top + height)
        [seen] = ModelFinder(Told({}), FRONT, wording()).read(scene_reply(("thing", box)))
        assert seen.box == box


def test_asking_as_taught_changes_nothing() -> None:
    plain = policy()
    assert asked_as(plain, Asking()) == plain
    assert asked_as(plain, Asking("truth")) == plain


def test_nobody_is_the_form_without_boxes() -> None:
    assert questions_of(Asking("nobody")) == questions(policy(recipe=Llara(describe=False)), contexts())


def test_the_truth_describes_for_a_policy_that_was_taught_without() -> None:
    bare = policy(recipe=Llara(describe=False))
    [asked] = [asked_as(bare, Asking("truth"))]
    assert isinstance(asked, VlmPolicy)
    assert questions(asked, contexts()) == questions(policy(), contexts())


def questions_of(asking: Asking) -> list[str]:
    asked = asked_as(policy(), asking)
    assert isinstance(asked, VlmPolicy | DescribingPolicy)
    return questions(asked, contexts())


def test_options_of_the_prompt_are_those_of_the_recipe() -> None:
    assert questions_of(Asking(prompt="past=0,sentence=7")) == questions(
        policy(recipe=Llara(past=0, sentence=7)), contexts()
    )


@pytest.mark.parametrize(
    ("asking", "words"),
    [
        (
            Asking(prompt="camera=top"),
            "prompt option 'camera' cannot differ from what the policy was taught; those that",
        ),
        (Asking("oracle"), "described by truth, nobody, model or a detector; no detector is called 'oracle'"),
        (Asking(prompt="pest=0"), "prompt option 'pest' cannot differ"),
        (Asking("truth", prompt="describe=false"), "contradicts what references asks for"),
        (Asking("nobody", prompt="describe=true"), "contradicts what references asks for"),
    ],
)
def test_what_cannot_be_asked_is_refused(asking: Asking, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        asked_as(policy(), asking)


def test_a_run_records_who_describes_and_every_option_that_can_differ() -> None:
    free = {name: getattr(Llara(), name) for name in Llara.adjustable}
    assert Asking().settings(Llara()) == {"references": "truth", "prompt": free}
    assert Asking("nobody").settings(Llara()) == Asking().settings(Llara(describe=False))
    assert Asking(prompt="describe=false").settings(Llara()) == Asking("nobody").settings(Llara())
    model = Asking("model", "given", "past=2").settings(Llara(describe=False))
    assert model == {"references": "model", "naming": "given", "prompt": {**free, "past": 2}}


def test_the_models_own_eyes_are_those_of_the_policy() -> None:
    told = Told({digest: scene_reply(*((thing.name, thing.box) for thing in seen)) for digest, seen in truth().items()})
    asked = asked_as(policy(told), Asking("model"))
    assert isinstance(asked, DescribingPolicy)
    assert questions(asked, contexts()) == questions(policy(), contexts())
    assert told.calls == [2, 4], "two pictures, then four contexts"


def test_a_detector_for_another_camera_is_refused() -> None:
    require_camera(Memory({}), "front")
    require_camera(Memory({}, camera=""), "front")
    with pytest.raises(MismatchError, match="taught on pictures of camera 'top', these are of 'front'"):
        require_camera(Memory({}, camera="top"), "front")
