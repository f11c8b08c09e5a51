"""Seeing objects: what is in a picture, and where a given thing is. After LLaRA (Li et al., ICLR 2025)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from instar import markup
from instar.auxiliary.exchange import (
    WORDING_HASH,
    CameraOption,
    CompatOption,
    ReferencesOption,
    WordingOption,
    exchange,
    exchanges,
)
from instar.chat import Conversation
from instar.demo import Episode, View
from instar.wording import drawn, drawn_each, fill, wording


@dataclass(frozen=True)
class Detection:
    """obj_det: list all objects with their boxes; one question for every picture."""

    camera: CameraOption = "front"
    references: ReferencesOption = True
    wording: WordingOption = ""
    compat: CompatOption = False
    wording_hash = WORDING_HASH

    def conversations(self, episode: Episode, view: View, rng: np.random.Generator) -> Iterator[Conversation]:
        """One, or none where the camera sees no object."""
        camera = episode.robot.camera(self.camera)
        if (view.t is not None or self.references) and markup.sight(view.objects, camera).things:
            question = drawn(wording(self.wording).obj_det, rng)
            yield exchange(view, camera, question, markup.scene(view.objects, camera))


@dataclass(frozen=True)
class Localization:
    """obj_loc: give the box of a named object; one question for every object in every picture."""

    camera: CameraOption = "front"
    references: ReferencesOption = True
    wording: WordingOption = ""
    compat: CompatOption = False
    wording_hash = WORDING_HASH

    def conversations(self, episode: Episode, view: View, rng: np.random.Generator) -> Iterator[Conversation]:
        """One for each object that the camera sees."""
        camera = episode.robot.camera(self.camera)
        if view.t is None and not self.references:
            return
        things = markup.sight(view.objects, camera).things
        templates = drawn_each(wording(self.wording).obj_loc, rng, len(things))
        names = [markup.NAMED.format({"object": thing.name}) for thing in things]
        questions = [fill(template, {"object": name}) for template, name in zip(templates, names, strict=True)]
        answers = [markup.LOCATED_SENTENCE.format(markup.located(thing, camera)) for thing in things]
        yield from exchanges(view, camera, questions, answers)
