"""LLaRA: acting as a conversation in plain text, with positions in the picture (Li et al., ICLR 2025).

    user       <image>
               <task>Put all objects into <p>blue bowl</p> at <b>(0.496, 0.609), {0.230, 0.305}</b>.</task>
               Each action is made of two positions ...
               You have finished: Step 1: Pick up the object at <b>(0.203, 0.719)</b>, rotate <r>[30]</r> degrees, ...
    assistant  Step 2: Pick up the <p>green heart</p> at <b>(0.391, 0.469)</b>, rotate <r>[-91]</r> degrees, ...

The names of LLaRA's data sets as options:

    D-inBC    the default              inBC    describe=false
    D-RT2     actions=bins             RT2     actions=bins,describe=false
    I-D-RT2   actions=image-bins       I-RT2   actions=image-bins,describe=false
    -visual-  visual=true              -single-  multi=false             -top   camera=top

`compat=true` makes the published data byte by byte, but for the wording, and reads replies as the published evaluator
does; docs/llara.md lists what that changes. The wording is that of a pack (`llara.yaml`); positions and rotations are
described in `markup`.
"""

import functools
import hashlib
import re
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from typing_extensions import Doc

from instar import markup
from instar.chat import IMAGE, Conversation, Turn
from instar.compat import Numbers
from instar.demo import Context, Episode, Image, Instruction, Reference, Step
from instar.errors import ConfigError, DataError, ReplyError
from instar.grammar import Grammar, Integer, Repeat
from instar.recipes.llara_bins import Bins
from instar.recipes.llara_sentences import Sentences
from instar.robot import Camera, Floats, Robot
from instar.wording import Wording, fill, wording


@dataclass(frozen=True)
class Llara:
    """LLaRA's way to ask for actions and to answer."""

    # What may differ between training and evaluation: it changes how a model is asked, not what it answers.
    adjustable: ClassVar[tuple[str, ...]] = ("past", "sentence", "describe", "visual", "spaces", "evaluator")

    describe: Annotated[
        bool, Doc("put boxes of the reference pictures' objects into the task (D-inBC), or names only")
    ] = True
    multi: Annotated[bool, Doc("answer with all the steps that remain, or with the next one only")] = True
    past: Annotated[int, Doc("how many finished steps the question lists, the latest ones")] = 8
    camera: Annotated[str, Doc("the camera that everything is seen through")] = "front"
    wording: Annotated[str, Doc("path of a YAML wording pack; empty for instar's own")] = ""
    longest: Annotated[int, Doc("most steps in one answer")] = 8
    compat: Annotated[bool, Doc("numbers, slips and reading as in LLaRA's published code")] = False
    actions: Annotated[
        Literal["sentence", "bins", "image-bins"],
        Doc("actions in words (inBC), or as five characters (RT-2 style) of robot or of image coordinates"),
    ] = "sentence"
    visual: Annotated[bool, Doc("show the reference pictures too, each before its words")] = False
    sentence: Annotated[
        Literal["none", "random"] | int, Doc("what the user says after the task: none, random, or one from 0 to 14")
    ] = "none"
    spaces: Annotated[int, Doc("spaces in the first position of a sentence; LLaRA's released models write 2")] = 1
    evaluator: Annotated[
        bool | Literal["detector", "model"],
        Doc("with compat: ask as LLaRA's evaluator does, also where a detector or the model describes the references"),
    ] = False

    def __post_init__(self) -> None:
        if self.past < 0 or self.longest < 1:
            raise ConfigError(f"llara: past={self.past} must be 0 or more and longest={self.longest} 1 or more")
        if not 0 <= self.spaces <= 8:
            raise ConfigError(f"llara: spaces={self.spaces} must be from 0 to 8")
        if self.evaluator and not self.compat:
            raise ConfigError(f"llara: evaluator={self.evaluator} asks as LLaRA's evaluator does; it needs compat=true")
        pack = self._pack  # a bad pack is refused before any work
        if self._binned and not self.compat and not pack.bins:
            raise ConfigError(f"llara: actions={self.actions} needs `bins` in the wording pack {self.wording}")
        if self.sentence != "none" and not pack.sentences:
            raise ConfigError(f"llara: sentence={self.sentence} needs `sentences` in the wording pack {self.wording}")
        if isinstance(self.sentence, int) and not 0 <= self.sentence < len(pack.sentences):
            raise ConfigError(f"llara: sentence={self.sentence} must be none, random or 0 to {len(pack.sentences) - 1}")

    @property
    def dataset(self) -> str:
        """LLaRA's name of the data set that these options make, as in its file names: "I-D-RT2-text-multi"."""
        style = {"sentence": "inBC", "bins": "RT2", "image-bins": "RT2"}[self.actions]
        described = f"{'I-' if self.actions == 'image-bins' else ''}{'D-' if self.describe else ''}{style}"
        return f"{described}-{'visual' if self.visual else 'text'}-{'multi' if self.multi else 'single'}"

    @property
    def horizon(self) -> int:
        """At most so many actions are read from one reply."""
        return self.longest if self.multi else 1

    @property
    def wording_hash(self) -> str:
        """Changes with every word of the pack in use."""
        return self._pack.hash

    def robot(self, robot: Robot) -> Robot:
        """`robot` with the one camera in use. Raises MismatchError for a robot that LLaRA cannot speak of."""
        markup.require_planar(robot)
        return replace(robot, cameras=(robot.camera(self.camera),))

    def ask(self, context: Context) -> Conversation:
        """Picture, task, perhaps the user's sentence, form of an action, and what was done so far, in one turn.

        The first image is what is observed; with `visual` the reference pictures follow in the order of the task.
        """
        camera = self._camera(context.robot)
        image = context.observation.images.get(camera.name)
        if image is None:
            raise DataError(f"the observation has no picture of camera {camera.name!r}")
        lines = [IMAGE, self._task(context.instruction, camera), *self._sentence(context.instruction, image)]
        lines += [self._format(_tool(context)), *self._history(context, camera)]
        return Conversation((Turn("user", "\n".join(lines)),), (image, *self._pictures(context.instruction, camera)))

    def answer(self, episode: Episode, t: int) -> str:
        """The demonstration's actions from step `t` on, each with the object that it moves."""
        context = episode.context(t, 0)
        camera = self._camera(episode.robot)
        # LLaRA's "single" data counts from the number of all steps.
        first = t + episode.length if self.compat and not self.multi else t + 1
        steps = range(t, min(t + self.horizon, episode.length))
        lines = [{"step": first + k - t, **self._manner.values(episode, k, camera)} for k in steps]
        return self.grammar(context).format({"steps": lines})

    def grammar(self, context: Context) -> Grammar:
        """Steps from the next one on, as many as the horizon allows, with the tool at hand."""
        first = None if self.compat and not self.multi else context.t + 1
        return _plan(self._manner.move(_tool(context)), first, self.horizon)

    def read(self, reply: str, context: Context) -> Floats:
        """The actions in a reply, (n, 6). A last line that cannot be read is left out: a token limit cut it.

        Raises ReplyError where nothing can be read, or the steps are not numbered onward from the next one. With
        `compat` only the numbers are looked at, whatever is written around them.
        """
        camera, manner = self._camera(context.robot), self._manner
        steps = manner.loose(reply) if self.compat else _whole_steps(reply, self.grammar(context))
        return np.stack([manner.action(step, camera, context.robot) for step in steps[: self.horizon]])

    @property
    def _pack(self) -> Wording:
        return wording(self.wording)

    @property
    def _binned(self) -> bool:
        return self.actions != "sentence"

    @property
    def _manner(self) -> Sentences | Bins:
        if self._binned:
            return Bins(picture=self.actions == "image-bins", compat=self.compat)
        return Sentences(Numbers(self.compat), self.spaces)

    def _camera(self, robot: Robot) -> Camera:
        markup.require_planar(robot)
        return robot.camera(self.camera)

    def _task(self, instruction: Instruction, camera: Camera) -> str:
        words = {slot: self._words(slot, instruction.references[slot], camera) for slot in _slots(instruction)}
        if self.visual:
            gap = "\n" if self.evaluator else ""
            words = {slot: f"{IMAGE}{gap}{text}" for slot, text in words.items()}
        return fill(self._pack.task, {"task": fill(instruction.text, words)})

    def _pictures(self, instruction: Instruction, camera: Camera) -> list[Image]:
        """The reference pictures that the task shows, one for every time that it points to one."""
        if not self.visual:
            return []
        slots = _slots(instruction)
        absent = [slot for slot in slots if camera.name not in instruction.references[slot].images]
        if absent:
            raise DataError(f"reference {absent[0]!r} has no picture of camera {camera.name!r}")
        return [instruction.references[slot].images[camera.name] for slot in slots]

    def _words(self, slot: str, reference: Reference, camera: Camera) -> str:
        """What stands in the task for a reference picture; objects that nobody could locate stay bare names."""
        located = self.describe and (not reference.objects or any(thing.boxes for thing in reference.objects))
        if reference.kind == "scene" and not located:
            bare = "" if self.describe else slot
            return f"<scene>{bare}</scene>" if self.evaluator else slot
        sight = markup.sight(reference.objects, camera)
        seen = sight.things if located else reference.objects
        if not seen:
            raise DataError(
                f"reference {slot!r} has no known objects{f' in camera {camera.name!r}' if located else ''}; "
                "LLaRA puts them into words. The source must know them, or a detector must find them"
            )
        if reference.kind == "scene":
            return self._scene(sight)
        if located:
            return markup.LOCATED.format(markup.located(seen[0], camera))
        return markup.NAMED.format({"object": seen[0].name})

    def _scene(self, sight: markup.Sight) -> str:
        if self.evaluator not in ("detector", "model"):
            return sight.scene
        lines = [markup.LOCATED.format(markup.located(thing, sight.camera)) for thing in sight.things]
        # LLaRA's evaluator writes a detector's boxes without full stops, and loses the last line of a model's.
        inside = "\n".join(lines) if self.evaluator == "detector" else "".join(f"{line}.\n" for line in lines[:-1])
        return f"<scene>{inside}</scene>"

    def _sentence(self, instruction: Instruction, image: Image) -> list[str]:
        """What the user says; at random, but always the same in the same place."""
        if self.sentence == "none":
            return []
        choices = self._pack.sentences
        return [choices[_drawn(instruction.text, image, len(choices)) if self.sentence == "random" else self.sentence]]

    def _format(self, tool: markup.Tool) -> str:
        """How an action is to be written. LLaRA's RT-2 data do not say, and its evaluator says it of sentences."""
        if self._binned and not self.evaluator:
            return "" if self.compat else self._pack.bins[tool]
        return self._pack.format[tool]

    def _history(self, context: Context, camera: Camera) -> list[str]:
        steps = context.past[max(0, len(context.past) - self.past) :]
        if not steps:
            return []
        first = context.t - len(steps) + 1
        lines = [self._done(context.robot, step, k, camera) for k, step in enumerate(steps, start=first)]
        return [fill(self._pack.history, {"steps": "\n".join(lines)})]

    def _done(self, robot: Robot, step: Step, k: int, camera: Camera) -> str:
        """One line of the history."""
        if step.action is None:
            raise DataError(f"step {k} of the past has no action")
        tool = markup.tool(robot, step.observation.state)
        return f"Step {k}: " + self._manner.done(step.action, tool, camera, robot)


def _tool(context: Context) -> markup.Tool:
    return markup.tool(context.robot, context.observation.state)


def _slots(instruction: Instruction) -> list[str]:
    """The references that the words point to, in their order there. Raises DataError for one that is not known."""
    if IMAGE in instruction.text:
        raise DataError(f"the instruction {instruction.text!r} holds {IMAGE!r}, which stands for a picture")
    slots = re.findall(r"\{([^{}\s]+)\}", instruction.text)
    unknown = set(slots) - set(instruction.references)
    if unknown:
        raise DataError(
            f"the instruction {instruction.text!r} points to {', '.join(sorted(unknown))}; "
            f"its references are: {', '.join(instruction.references) or 'none'}"
        )
    return slots


def _drawn(text: str, image: Image, count: int) -> int:
    """A number below `count` that depends on the words and the pixels only: training, serving and evaluation agree."""
    drawn = hashlib.blake2b(text.encode(), digest_size=8)
    drawn.update(image.pixels.tobytes())
    return int.from_bytes(drawn.digest()) % count


@functools.lru_cache(maxsize=256)
def _plan(move: Grammar, first: int | None, most: int) -> Grammar:
    """Lines of one move each, numbered from `first` on, or by any numbers."""

    def line(k: int) -> Grammar:
        number = Integer("step", 0, 999) if first is None else Integer("step", first + k, first + k)
        return Grammar(markup.NONE, markup.loosely("Step "), number, markup.loosely(": "), move)

    return Grammar(Repeat("steps", line, most=most), markup.NONE)


def _whole_steps(reply: str, grammar: Grammar) -> list[dict[str, Any]]:
    try:
        return list(grammar.parse(reply)["steps"])
    except ReplyError as error:
        whole, cut, _ = reply.rstrip().rpartition("\n")
        if not cut:
            raise
        try:
            return list(grammar.parse(whole)["steps"])
        except ReplyError:
            raise error from None
