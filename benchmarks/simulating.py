"""How fast the tabletop is: pictures, expert steps, resets and written episodes, against VIMA-Bench where it is there.

One process and one thread throughout, so that every figure is one of a core. Pictures are those of the expert's own
episodes at the first seeds of the benchmark; a painter with OpenCV's polygons and one colour for each face is there to
say what a picture costs that asks for neither textures nor exact edges.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Comparison, Contender, Fact, Result, Size, compare
from instar.benchmarks.tabletop import TabletopBenchmark
from instar.collect import collect, raw_files
from instar.demo import Box, Context, Observation, Pixels, Reference
from instar.demos.tabletop import TabletopDemos
from instar.rollout import Play, rollout
from instar.simulator import Simulator, Trial
from instar.simulators.tabletop import Tabletop
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.render import FLOOR_COLOR, TABLE_COLOR, TABLE_ID, forget, scene
from instar.simulators.tabletop.seeing import CAMERAS, Seen
from instar.simulators.tabletop.shapes import UP, Part
from instar.simulators.tabletop.simulator import done, draw_problem
from instar.simulators.tabletop.textures import picture
from instar.simulators.tabletop.views import FRONT, TABLE, View
from instar.simulators.vima import VimaBench
from instar.simulators.vima.simulator import VARIABLE

OBSERVATIONS: Final = 1000  # a second through one camera, at least
STEPS: Final = 300  # a second of an expert's episode with everything looked at, at least
Frames = Sequence[tuple[Body, ...]]


@dataclass(frozen=True)
class Amount:
    """How much is measured."""

    trials: Sequence[Trial]
    real: Sequence[Trial]  # those played in VIMA-Bench as well
    episodes: int  # written to files
    rounds: int


def amount(size: Size) -> Amount:
    """A few episodes, or two of every pair of level and task."""
    if size == "small":
        trials = TabletopBenchmark(tasks="rotate+visual_manipulation", suites="placement", per_task=1).episodes()
        return Amount(trials, trials[:1], 2, 1)
    trials = TabletopBenchmark(per_task=2).episodes()
    return Amount(trials, trials[::12], 48, 5)


def run(size: Size) -> Result:
    """Observations, expert steps, resets and files a second on one core, with the floor of a picture."""
    how_much = amount(size)
    with _one_thread():
        frames = _frames(how_much.trials)
        observations = _observations(frames, how_much.rounds)
        steps = _steps(how_much)
        moments = compare("moments of an episode", "times", _moments(how_much.trials), how_much.rounds)
        files = _files(how_much)
        facts = [*_bars(observations, steps), *_floor(frames)]
    return Result("Simulating", (observations, steps, moments, files), tuple(facts), (PICTURES, PAINTER, FLOOR))


PICTURES: Final = (
    "One process, one thread. Frames, steps and resets are those of the scripted expert on VIMA-Bench's 42 pairs of "
    "level and task, two seeds each, at 128 x 256 pixels. Looking at an observation asks for its picture, its "
    "segmentation and the box of every object; the tabletop draws a camera when somebody looks through it."
)
PAINTER: Final = (
    "The painter fills polygons in one colour for each face and finds boxes by np.nonzero: no texture, no exact edge, "
    "no order within a body. `from scratch` forgets before each frame all that was drawn before."
)
FLOOR: Final = (
    "The floor of an observation is one copy of its 131,072 bytes, as every frame is a picture of its own. The rest is "
    "bodies drawn anew because they moved (in the first step all of them drop onto the table), about 60 calls of numpy "
    "for each of them and camera on arrays too small to fill a call, which is where the time goes."
)


@contextmanager
def _one_thread() -> Iterator[None]:
    """OpenCV on one thread."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _frames(trials: Sequence[Trial]) -> Frames:
    """The bodies of every frame of the expert's episodes, in order."""
    frames, simulator = [], Tabletop()
    for trial in trials:
        rollout(None, simulator, trial, film=lambda _: frames.append(simulator.bodies))
    return frames


def _observations(frames: Frames, rounds: int) -> Comparison:
    """Pictures with ids and boxes of given frames."""

    def painted() -> float:
        for bodies in frames:
            paint(bodies, FRONT)
        return len(frames)

    def seen(cameras: Sequence[str], *, afresh: bool = False) -> float:
        for bodies in frames:
            if afresh:
                forget()
            _look(Seen(bodies, partial(scene, bodies)), cameras)
        return len(frames)

    return compare(
        "one observation: RGB, segmentation and boxes",
        "observations",
        [
            Contender("painter with polygons, one camera", painted),
            Contender("tabletop, from scratch, one camera", partial(seen, CAMERAS[:1], afresh=True)),
            Contender("tabletop, as episodes go, both cameras", partial(seen, CAMERAS), forget),
            Contender("tabletop, as episodes go, one camera", partial(seen, CAMERAS[:1]), forget),
        ],
        rounds,
    )


def _look(seen: Observation | Reference | Seen, cameras: Sequence[str]) -> None:
    """Ask for all that some cameras show."""
    objects = seen.objects
    for camera in cameras:
        assert seen.images[camera].pixels.shape[:2] == seen.segmentation[camera].shape
        for thing in objects:
            thing.boxes.get(camera)


def _steps(how_much: Amount) -> Comparison:
    """The expert's episodes with more and more eyes closed; before them VIMA-Bench's own, if it is there."""
    bench = [Contender("VIMA-Bench and its oracle", _real(how_much.real))] if os.environ.get(VARIABLE) else []
    looks = {
        "both cameras and the prompt's pictures": (CAMERAS, CAMERAS),
        "both cameras": (CAMERAS, ()),
        "one camera": (CAMERAS[:1], ()),
        "nobody looks": ((), ()),
    }
    ours = [
        Contender(f"tabletop, {who}", partial(_play, how_much.trials, Tabletop(), *cameras), forget)
        for who, cameras in looks.items()
    ]
    return compare("the expert's episodes, resets included", "steps", [*bench, *ours], how_much.rounds)


def _real(trials: Sequence[Trial]) -> Callable[[], float]:
    """Episodes of the oracle in VIMA-Bench's child process, which renders and answers with every picture."""
    simulator = VimaBench()
    return partial(_play, trials, simulator, (), ())


def _play(trials: Sequence[Trial], simulator: Simulator, cameras: Sequence[str], prompt: Sequence[str]) -> float:
    """Play the expert's episodes as `rollout` does, looking at observations and at the prompt; the steps taken."""
    steps = 0
    for trial in trials:
        play = Play(simulator, trial, None, film=lambda observation: _look(observation, cameras))
        if play.context is not None:
            for reference in play.context.instruction.references.values():
                _look(reference, prompt)
        while play.context is not None:
            play.follow_expert()
        assert play.record is not None
        steps += play.record.steps
    return steps


def _moments(trials: Sequence[Trial]) -> list[Contender]:
    """What an episode is made of, without pictures: a new scene, and the expert's advice with the step it leads to."""

    def reset() -> float:
        for trial in trials:
            simulator.reset(trial.task, trial.seed)
        return len(trials)

    def replay() -> float:
        for bodies, action, tool in moves:
            done(tool, bodies, action)
        return len(moves)

    def advise() -> float:
        for context, expert in waiting:
            expert.act([context])
        return len(waiting)

    simulator = Tabletop()
    moves, waiting = [], []
    for trial in trials:
        world = Tabletop()
        instruction, observation = world.reset(trial.task, trial.seed)
        expert = world.expert()
        context = Context(world.robot, instruction, observation)
        action = expert.act([context])[0].actions[0]
        waiting.append((context, expert))
        moves.append((world.bodies, action, draw_problem(trial.task, trial.seed).tool))
    return [
        Contender("reset", reset, forget),
        Contender("the expert's advice", advise, forget),
        Contender("physics", replay),
    ]


def _files(how_much: Amount) -> Comparison:
    """Demonstrations in the raw VIMA layout: what the encoding alone takes, and the whole way to the disk."""
    source = TabletopDemos(episodes=how_much.episodes)
    ids = source.ids()
    episodes = [source.episode(id) for id in ids]
    folder = Path(tempfile.mkdtemp())

    def encode() -> float:
        for episode in episodes:
            raw_files(episode)
        return len(episodes)

    def play() -> float:
        for id in ids:
            source.episode(id)
        return len(ids)

    def write() -> float:
        return collect(source, folder, ids).episodes

    def empty() -> None:
        forget()
        shutil.rmtree(folder, ignore_errors=True)

    return compare(
        "demonstrations",
        "episodes",
        [
            Contender("JPEG and pickles of episodes looked at before", encode),
            Contender("played, nobody looks", play, forget),
            Contender("played and written", write, reset=empty),
        ],
        how_much.rounds,
    )


def _bars(observations: Comparison, steps: Comparison) -> list[Fact]:
    """The rates that have a bar of their own."""
    rates = {rate.name: rate.median for rate in (*observations.rates, *steps.rates)}
    bars = {
        "tabletop, as episodes go, one camera": (OBSERVATIONS, "observations/s"),
        "tabletop, from scratch, one camera": (OBSERVATIONS, "observations/s"),
        "tabletop, both cameras and the prompt's pictures": (STEPS, "steps/s"),
        "tabletop, both cameras": (STEPS, "steps/s"),
    }
    return [
        Fact(name, rates[name], unit, f"at least {least}", rates[name] >= least) for name, (least, unit) in bars.items()
    ]


def _floor(frames: Frames) -> list[Fact]:
    """What one picture cannot do without: one copy of its bytes; and how many of its pixels are bodies'."""
    shots = [scene(bodies, FRONT) for bodies in frames]
    copies = 2000
    begun = time.perf_counter()
    for k in range(copies):
        shot = shots[k % len(shots)]
        shot.rgb.copy(), shot.ids.copy()
    seconds = (time.perf_counter() - begun) / copies
    covered = float(np.mean([(shot.ids > TABLE_ID).mean() for shot in shots]))
    return [
        Fact("floor of an observation through one camera: one copy of its bytes", 1e6 * seconds, "microseconds"),
        Fact("bodies in a frame", float(np.mean([len(bodies) for bodies in frames])), "bodies"),
        Fact("pixels of the front picture that show a body", 100 * covered, "%"),
    ]


def paint(bodies: Sequence[Body], view: View) -> tuple[Pixels, NDArray[np.uint8], dict[int, Box]]:
    """A plain picture: faces filled in one colour from below, ids beside it, and boxes by np.nonzero."""
    rgb = np.full((view.height, view.width, 3), FLOOR_COLOR, np.uint8)
    ids = np.zeros((view.height, view.width), np.uint8)
    left, top, right, bottom = TABLE[view.name]
    rgb[top : bottom + 1, left : right + 1], ids[top : bottom + 1, left : right + 1] = TABLE_COLOR, TABLE_ID
    for body in sorted(bodies, key=lambda body: body.z):
        color = picture(body.texture)[0, 0]
        for part in body.shape.parts:
            low, high = (_outline(body, part, height, view) for height in (part.z0, part.z1))
            for corners, shade in ((cv2.convexHull(np.concatenate([low, high])), part.side_shade), (high, UP)):
                cv2.fillPoly(rgb, [corners], (color * shade).tolist())
                cv2.fillPoly(ids, [corners], body.id)
    boxes = {}
    for body in bodies:
        rows, columns = np.nonzero(ids == body.id)
        if len(rows):
            boxes[body.id] = Box(int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max()))
    return rgb, ids, boxes


def _outline(body: Body, part: Part, height: float, view: View) -> NDArray[np.int32]:
    """The corners of a part at a height, as pixels; circles get 32."""
    x, y, r = part.circles[0] if part.circles else (0.0, 0.0, 0.0)
    flat = part.edges[:, :2] if len(part.edges) else np.array([x, y]) + r * _CIRCLE
    world = np.column_stack([body.outline(flat), np.full(len(flat), body.z + height)])
    return np.rint(view.project(world)).astype(np.int32)


_CIRCLE: Final = np.stack([np.cos(np.linspace(0, 6.2, 32)), np.sin(np.linspace(0, 6.2, 32))], axis=-1)
