"""Who says what reference pictures show: the source itself, nobody, the policy's own model, or a detector.

A recipe puts the objects of a reference picture into words. Here those objects are exchanged, before the recipe asks,
for what somebody found in the pixels. Where nothing is found the words are bare, and the question shows that they are.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, Protocol

import numpy as np

from instar import markup, plugins
from instar.chat import IMAGE, Conversation, Recipe, Turn
from instar.demo import Context, Image, Instruction, Reference, SceneObject
from instar.errors import ConfigError, MismatchError, PluginError, ReplyError
from instar.grammar import Grammar
from instar.plugins import Choice
from instar.policy import Policy, PolicySpec, Speaker, VlmPolicy
from instar.robot import ActionChunk, Camera
from instar.seeing.detect import Detector, Kind, Sighting
from instar.wording import Wording, drawn, fill, wording

Naming = Literal["found", "given"]  # who names what an object's picture shows: the finder, or the source as in LLaRA

TRUTH: Final = "truth"
NOBODY: Final = "nobody"
MODEL: Final = "model"
TOGETHER: Final = 16  # pictures that a model is asked about at once
REMEMBERED: Final = 20_000  # pictures whose sightings are kept


@dataclass(frozen=True)
class Asking:
    """How a policy is asked, where that differs from how it was taught."""

    references: str = ""  # truth, nobody, model, or a detector; empty: as it was taught
    naming: Naming = "found"
    prompt: str = ""  # options of the recipe, "past=0,sentence=7"

    @property
    def finds(self) -> bool:
        """Whether reference pictures are looked at by a model or a detector."""
        return self.references not in ("", TRUTH, NOBODY)

    def recipe(self, taught: Recipe) -> Recipe:
        """`taught` with the options that are asked for. Raises ConfigError for one that cannot be changed."""
        changes = dict(Choice.parse(f"prompt:{self.prompt}").options)
        free = tuple(getattr(taught, "adjustable", ()))
        for name in changes:
            if name not in free:
                raise ConfigError(
                    f"prompt option {name!r} cannot differ from what the policy was taught; "
                    f"those that can: {', '.join(free) or 'none'}"
                )
        if self.references:
            changes |= _described(taught, changes, boxes=self.references != NOBODY)
        return _with(taught, changes)

    def settings(self, taught: Recipe) -> dict[str, Any]:
        """What goes on record: who describes, and the value of every option that can be changed."""
        asked = self.recipe(taught)
        as_taught = TRUTH if getattr(asked, "describe", True) else NOBODY
        prompt = {name: getattr(asked, name) for name in getattr(taught, "adjustable", ())}
        if not self.finds:
            return {"references": self.references or as_taught, "prompt": prompt}
        who = MODEL if self.references == MODEL else _on_record(_detector(self.references))
        return {"references": who, "naming": self.naming, "prompt": prompt}


def _described(taught: Recipe, changes: Mapping[str, Any], *, boxes: bool) -> dict[str, Any]:
    """The change that makes a recipe say where objects are, or leave it out."""
    if changes.get("describe", boxes) != boxes:
        raise ConfigError(f"prompt option describe={changes['describe']} contradicts what references asks for; drop it")
    if hasattr(taught, "describe"):
        return {"describe": boxes}
    if not boxes:
        raise ConfigError(f"recipe {type(taught).__name__} has no option describe, so it cannot ask without boxes")
    return {}


def _with(taught: Recipe, changes: Mapping[str, Any]) -> Recipe:
    if not changes:
        return taught
    choice = plugins.choice_of("recipes", taught)
    asked: Recipe = plugins.make("recipes", Choice(choice.name, {**choice.options, **changes}))
    return asked


def _detector(references: str) -> Detector:
    try:
        detector: Detector = plugins.make("detectors", references)
    except PluginError as error:
        raise ConfigError(f"references are described by {TRUTH}, {NOBODY}, {MODEL} or a detector; {error}") from error
    return detector


def _on_record(detector: Detector) -> dict[str, Any]:
    choice = plugins.portable("detectors", detector)
    told = {"threshold": detector.threshold, "fingerprint": detector.fingerprint()}
    return {"detector": choice.name, **choice.options, **told}


def asked_as(policy: VlmPolicy, asking: Asking) -> Policy:
    """`policy` asked in another way. Raises ConfigError or MismatchError where it cannot be."""
    recipe = asking.recipe(policy.recipe)
    changed = replace(policy, recipe=recipe, robots=tuple(recipe.robot(robot) for robot in policy.robots))
    cameras = {camera.name: camera for robot in changed.robots for camera in robot.cameras}
    if not asking.finds:
        return changed
    if asking.references == MODEL:
        finders: dict[str, Finder] = {name: ModelFinder.of(changed, camera) for name, camera in cameras.items()}
    else:
        detector = _detector(asking.references)
        for name in cameras:
            require_camera(detector, name)
        finders = dict.fromkeys(cameras, DetectorFinder(detector))
    return DescribingPolicy(changed, finders, asking.naming)


def require_camera(detector: Detector, camera: str) -> None:
    """Raises MismatchError for a detector that was taught on the pictures of another camera."""
    if detector.camera not in ("", camera):
        raise MismatchError(
            f"the detector was taught on pictures of camera {detector.camera!r}, these are of {camera!r}; "
            "choose another camera or detector"
        )


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture to find objects in."""

    image: Image
    kind: Kind
    given: str = ""  # what the one object of an object's picture is called, where that may be used


class Finder(Protocol):
    """Says what pictures of one camera show."""

    def find(self, pictures: Sequence[Picture]) -> list[tuple[Sighting, ...]]:
        """What is seen in each picture, the surest first."""
        ...


@dataclass(frozen=True)
class DetectorFinder:
    """A detector; of an object whose name is given it tells what bears that name, as LLaRA does."""

    detector: Detector

    def find(self, pictures: Sequence[Picture]) -> list[tuple[Sighting, ...]]:
        """What is seen in each picture, the surest first."""
        found = self.detector.find([picture.image for picture in pictures])
        return [
            tuple(sighting for sighting in seen if picture.given.lower() in sighting.name.lower())
            for picture, seen in zip(pictures, found, strict=True)
        ]


@dataclass(frozen=True)
class ModelFinder:
    """A vision-language model that was taught LLaRA's obj_det and obj_loc, asked in the words of its pack."""

    speaker: Speaker
    camera: Camera
    words: Wording
    constrained: bool = True  # let it say only what can be read

    @classmethod
    def of(cls, policy: VlmPolicy, camera: Camera) -> "ModelFinder":
        """The model of `policy`, asked in the words of its recipe."""
        return cls(policy.speaker, camera, wording(str(getattr(policy.recipe, "wording", ""))), policy.constrained)

    def find(self, pictures: Sequence[Picture]) -> list[tuple[Sighting, ...]]:
        """What is seen in each picture, in the order in which the model says it."""
        seen: list[tuple[Sighting, ...]] = []
        for start in range(0, len(pictures), TOGETHER):
            some = pictures[start : start + TOGETHER]
            grammars = [self._grammar(picture) if self.constrained else None for picture in some]
            replies = self.speaker.generate([self.ask(picture) for picture in some], grammars)
            seen += [self.read(reply) for reply in replies]
        return seen

    def ask(self, picture: Picture) -> Conversation:
        """Where the named object is, or else what there is; the wording drawn by the picture, so always the same."""
        rng = np.random.default_rng(int(picture.image.digest, 16))
        if picture.given:
            name = markup.NAMED.format({"object": picture.given})
            question = fill(drawn(self.words.obj_loc, rng), {"object": name})
        else:
            question = drawn(self.words.obj_det, rng)
        return Conversation((Turn("user", f"{IMAGE}\n{question}"),), (picture.image,))

    def read(self, reply: str) -> tuple[Sighting, ...]:
        """The boxes that a reply lists; lines that cannot be read, such as one that was cut, are left out."""
        lines = [line.strip() for line in re.sub("</?scene>", "", reply).splitlines()]
        values = [one for line in lines for one in _readable(line)]
        return tuple(dict.fromkeys(Sighting(one["object"], markup.box(one, self.camera)) for one in values))

    def _grammar(self, picture: Picture) -> Grammar:
        return markup.LOCATED_SENTENCE if picture.given else markup.SCENE


def _readable(line: str) -> list[dict[str, Any]]:
    try:
        return [markup.LOCATED_SENTENCE.parse(line if line.endswith(".") else f"{line}.")]
    except ReplyError:
        return []


@dataclass(frozen=True, eq=False)
class DescribingPolicy:
    """A policy whose reference pictures are described by what was found in them, whatever their source knows.

    Stateless: what it remembers of a picture is what it would find again.
    """

    policy: Policy
    finders: Mapping[str, Finder]  # by camera
    naming: Naming = "found"
    known: dict[tuple[str, str, str, str], tuple[Sighting, ...]] = field(default_factory=dict, repr=False)

    @property
    def spec(self) -> PolicySpec:
        """That of the policy."""
        return self.policy.spec

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        """Look at the pictures that are new, all at once, and ask the policy about all contexts."""
        self._look([context.instruction for context in contexts])
        return self.policy.act(
            [replace(context, instruction=self._described(context.instruction)) for context in contexts]
        )

    def _look(self, instructions: Sequence[Instruction]) -> None:
        """Find what is in every picture that is not known yet."""
        if len(self.known) > REMEMBERED:
            self.known.clear()
        for camera, finder in self.finders.items():
            fresh = {
                self._key(camera, reference): Picture(reference.images[camera], reference.kind, self._given(reference))
                for instruction in instructions
                for reference in mentioned(instruction).values()
                if camera in reference.images and self._key(camera, reference) not in self.known
            }
            self.known.update(zip(fresh, finder.find(list(fresh.values())), strict=True) if fresh else ())

    def _key(self, camera: str, reference: Reference) -> tuple[str, str, str, str]:
        return (camera, reference.images[camera].digest, reference.kind, self._given(reference))

    def _given(self, reference: Reference) -> str:
        """The name that an object's picture comes with, where it may be used."""
        alone = reference.kind == "object" and self.naming == "given" and reference.objects
        return reference.objects[0].name if alone else ""

    def _described(self, instruction: Instruction) -> Instruction:
        shown = {slot: self._redescribed(reference) for slot, reference in mentioned(instruction).items()}
        return replace(instruction, references={**instruction.references, **shown})

    def _redescribed(self, reference: Reference) -> Reference:
        """`reference` with the objects that were found; with one that is nowhere, if there are none."""
        found = [
            (camera, sighting)
            for camera in self.finders
            if camera in reference.images
            for sighting in self.known[self._key(camera, reference)][: 1 if reference.kind == "object" else None]
        ]
        objects = tuple(
            SceneObject(k, _sayable(sighting.name), boxes={camera: sighting.box})
            for k, (camera, sighting) in enumerate(found)
        )
        nothing = (SceneObject(0, self._given(reference) or markup.UNNAMED),)
        return replace(reference, objects=objects or nothing, segmentation={})


def _sayable(name: str) -> str:
    """`name` as markup can write it: a detector may call things whatever it likes."""
    return re.sub(r"[<>\n]", " ", name)[: markup.LONGEST_NAME].strip() or markup.UNNAMED


def mentioned(instruction: Instruction) -> dict[str, Reference]:
    """The references that the words of an instruction point to, by slot."""
    slots = set(re.findall(r"\{([^{}\s]+)\}", instruction.text))
    return {slot: reference for slot, reference in instruction.references.items() if slot in slots}
