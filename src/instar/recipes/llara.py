"""LLaRA: acting as a conversation in plain text, with positions in the picture (Li et al., ICLR 2025).

    user       <image>
               <task>Put all objects into <p>blue bowl</p> at <b>(0.496, 0.609), {0.230, 0.305}</b>.</task>
               Each action is made of two positions ...
               You have finished: Step 1: Pick up the object at <b>(0.203, 0.719)</b>, rotate <r>[30]</r> degrees, ...
    assistant  Step 2: Pick up the <p>green heart</p> at <b>(0.391, 0.469)</b>, rotate <r>[-91]</r> degrees, ...

The names of LLaRA's data sets as options: D-inBC is `llara`, inBC is `llara:describe=false`, and their "single" forms
have `multi=false`. The wording is that of a pack (`llara.yaml`); positions and rotations are described in `markup`.
"""

import functools
import re
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from typing_extensions import Doc

from instar import compat, markup
from instar.chat import IMAGE, Conversation, Turn
from instar.demo import Context, Episode, Instruction, Reference, Step
from instar.errors import ConfigError, DataError, ReplyError
from instar.grammar import Grammar, Integer, Repeat
from instar.robot import Camera, Floats, Robot
from instar.wording import Wording, fill, wording


@dataclass(frozen=True)
class Llara:
    """LLaRA's way to ask for actions and to answer."""

    describe: Annotated[
        bool, Doc("put boxes of the reference pictures' objects into the task (D-inBC), or names only")
    ] = True
    multi: Annotated[bool, Doc("answer with all the steps that remain, or with the next one only")] = True
    past: Annotated[int, Doc("how many finished steps the question lists, the latest ones")] = 8
    camera: Annotated[str, Doc("the camera that everything is seen through")] = "front"
    wording: Annotated[str, Doc("path of a YAML wording pack; empty for instar's own")] = ""
    longest: Annotated[int, Doc("most steps in one answer")] = 8
    compat: Annotated[bool, Doc("whole pixels, step labels and reading as in LLaRA's published code")] = False

    def __post_init__(self) -> None:
        if self.past < 0 or self.longest < 1:
            raise ConfigError(f"llara: past={self.past} must be 0 or more and longest={self.longest} 1 or more")
        wording(self.wording)  # a bad pack is refused before any work

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
        """Picture, task, format of an action, and what was done so far, in one turn."""
        camera = self._camera(context.robot)
        image = context.observation.images.get(camera.name)
        if image is None:
            raise DataError(f"the observation has no picture of camera {camera.name!r}")
        lines = [IMAGE, self._task(context.instruction, camera), self._pack.format[_tool(context)]]
        lines += self._history(context, camera)
        return Conversation((Turn("user", "\n".join(lines)),), (image,))

    def answer(self, episode: Episode, t: int) -> str:
        """The demonstration's actions from step `t` on, each with the object that it moves."""
        context = episode.context(t, 0)
        camera = self._camera(episode.robot)
        steps = range(t, min(t + self.horizon, episode.length))
        return self.grammar(context).format({"steps": [_step(episode, k, camera) for k in steps]})

    def grammar(self, context: Context) -> Grammar:
        """Steps from the next one on, as many as the horizon allows, with the tool at hand."""
        return _plan(_tool(context), context.t, self.horizon)

    def read(self, reply: str, context: Context) -> Floats:
        """The actions in a reply, (n, 6). A last line that cannot be read is left out: a token limit cut it.

        Raises ReplyError where nothing can be read, or the steps are not numbered onward from the next one.
        """
        camera, numbers = self._camera(context.robot), compat.Numbers(self.compat)
        steps = compat.loose_moves(reply) if self.compat else _whole_steps(reply, self.grammar(context))
        return np.stack([numbers.action(step, camera, context.robot) for step in steps[: self.horizon]])

    @property
    def _pack(self) -> Wording:
        return wording(self.wording)

    def _camera(self, robot: Robot) -> Camera:
        markup.require_planar(robot)
        return robot.camera(self.camera)

    def _task(self, instruction: Instruction, camera: Camera) -> str:
        if IMAGE in instruction.text:
            raise DataError(f"the instruction {instruction.text!r} holds {IMAGE!r}, which stands for a picture")
        slots = re.findall(r"\{([^{}\s]+)\}", instruction.text)
        unknown = set(slots) - set(instruction.references)
        if unknown:
            raise DataError(
                f"the instruction {instruction.text!r} points to {', '.join(sorted(unknown))}; "
                f"its references are: {', '.join(instruction.references) or 'none'}"
            )
        words = {slot: self._words(slot, instruction.references[slot], camera) for slot in slots}
        return fill(self._pack.task, {"task": fill(instruction.text, words)})

    def _words(self, slot: str, reference: Reference, camera: Camera) -> str:
        """What stands in the task for a reference picture."""
        if reference.kind == "scene" and not self.describe:
            return slot
        seen = markup.visible(reference.objects, camera) if self.describe else reference.objects
        if not seen:
            raise DataError(
                f"reference {slot!r} has no known objects{f' in camera {camera.name!r}' if self.describe else ''}; "
                "LLaRA puts them into words. The source must know them, or a detector must find them"
            )
        if reference.kind == "scene":
            return markup.scene(seen, camera)
        if self.describe:
            return markup.LOCATED.format(markup.located(seen[0], camera))
        return markup.name("object").format({"object": seen[0].name})

    def _history(self, context: Context, camera: Camera) -> list[str]:
        steps = context.past[max(0, len(context.past) - self.past) :]
        if not steps:
            return []
        first = context.t - len(steps) + 1
        lines = [_done(context.robot, step, k, camera) for k, step in enumerate(steps, start=first)]
        return [fill(self._pack.history, {"steps": "\n".join(lines)})]


def _tool(context: Context) -> markup.Tool:
    return markup.tool(context.robot, context.observation.state)


@functools.lru_cache(maxsize=256)
def _plan(tool: markup.Tool, t: int, most: int) -> Grammar:
    def line(k: int) -> Grammar:
        number = Integer("step", t + 1 + k, t + 1 + k)
        return Grammar(markup.NONE, markup.loosely("Step "), number, markup.loosely(": "), markup.MOVES[tool])

    return Grammar(Repeat("steps", line, most=most), markup.NONE)


def _step(episode: Episode, k: int, camera: Camera) -> dict[str, Any]:
    """The values of one line of an answer."""
    move = markup.move_values(episode.action(k), camera)
    return {"step": k + 1, "object": markup.moved_object(episode, k, camera), **move}


def _done(robot: Robot, step: Step, k: int, camera: Camera) -> str:
    """One line of the history."""
    if step.action is None:
        raise DataError(f"step {k} of the past has no action")
    move = markup.PAST_MOVES[markup.tool(robot, step.observation.state)]
    return f"Step {k}: " + move.format(markup.move_values(step.action, camera))


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
