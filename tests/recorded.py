"""Run folders for tests, as an evaluation leaves them: every outcome, words, actions and frames."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from instar.demo import Image, Observation
from instar.embodiments.vima import FRONT, VIMA
from instar.files import write_json
from instar.playing.film import Film, Keep
from instar.rollout import EpisodeRecord, Outcome, TraceStep
from instar.run import FORMAT, RUN, append_record, close_run

ACTION = (0.5, -0.25, 0.0, 0.6, 0.3, 1.5)  # from pixel (65.75, 78.5) to pixel (203.8, 96.3) of the front picture
SUITE = "placement"


def step(reply: str = "Pick <b>(0.500)</b>.", question: str = "What next?", milliseconds: float = 120.0) -> TraceStep:
    """A step that could be read."""
    return TraceStep(question, reply, ACTION, None, milliseconds)


def garbled(reply: str) -> TraceStep:
    """A step that could not."""
    return TraceStep("What next?", reply, (), "reply unreadable at character 0", 90.0)


def record(
    task: str, seed: int, outcome: Outcome, trace: Sequence[TraceStep] = (step(),), error: str = ""
) -> EpisodeRecord:
    """One episode of the placement suite."""
    words = f"Do {task} number {seed}."
    steps = sum(bool(one.action) for one in trace)
    return EpisodeRecord(f"{SUITE}/{task}/{seed}", SUITE, task, seed, outcome, steps, words, tuple(trace), error)


def records(*, solved: int, of: int = 10, task: str = "rotate") -> list[EpisodeRecord]:
    """So many episodes of one task, the first of them solved."""
    return [record(task, k, Outcome.SUCCESS if k < solved else Outcome.TIMEOUT) for k in range(of)]


def settings(policy: Mapping[str, Any] | str = "mine", count: int = 10) -> dict[str, Any]:
    """As an evaluation stores them."""
    identity = {"kind": "plugin", "name": policy, "options": {}} if isinstance(policy, str) else dict(policy)
    return {
        "policy": identity,
        "benchmark": {"name": "tabletop", "options": {"per_task": count}},
        "simulator": {"name": "tabletop", "options": {}},
        "replan": 1,
        "limit": None,
        "episodes": {"count": count, "digest": f"of {count}"},
    }


def run(
    folder: Path,
    episodes: Sequence[EpisodeRecord],
    policy: Mapping[str, Any] | str = "mine",
    *,
    planned: int | None = None,
    films: Keep = "never",
) -> Path:
    """A run folder; it is whole unless more was `planned` than there is."""
    count = planned or len(episodes)
    about = {"versions": {"instar": "0.1.0"}}
    write_json(folder / RUN, {"format": FORMAT, "settings": settings(policy, count), **about})
    for episode in episodes:
        append_record(folder, episode)
        film(episode).save(folder, episode, films)
    if count == len(episodes):
        close_run(folder)
    return folder


def film(episode: EpisodeRecord) -> Film:
    """One grey frame before every action and one after the last, each a little lighter."""
    taken = Film(VIMA)
    for t in range(episode.steps + 1):
        pixels = np.full((FRONT.height, FRONT.width, 3), 60 + 5 * t, np.uint8)
        taken(Observation({"front": Image.of(pixels)}, np.zeros(1)))
    return taken
