"""A stage: the simulators of one process, each at its place, and what they are told and tell."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from instar.demo import Instruction, Observation
from instar.playing.film import Film, Keep
from instar.robot import ActionChunk, Robot
from instar.rollout import EpisodeRecord, Move, Outcome, Play
from instar.simulator import Simulator, Trial

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Setup:
    """What a worker needs to know once. Travels to other processes."""

    simulator: Callable[[], Simulator]  # importable by name, e.g. a functools.partial of a module's function
    replan: int = 1  # actions of a chunk that are taken before asking again
    folder: Path | None = None  # the run folder for films; None films nothing


@dataclass(frozen=True)
class Start:
    """The order to begin an episode."""

    place: int
    trial: Trial
    past: int | None  # steps the policy looks back; None lets the simulator's own expert play the whole episode
    keep: Keep = "never"


@dataclass(frozen=True, eq=False)
class Go:
    """The order to go on with an episode."""

    place: int
    chunk: ActionChunk
    milliseconds: float


@dataclass(frozen=True, eq=False)
class Opened:
    """An episode has begun and waits for its first chunk."""

    place: int
    robot: Robot
    instruction: Instruction
    observation: Observation


@dataclass(frozen=True, eq=False)
class Moved:
    """Actions were taken; the episode waits for the next chunk."""

    place: int
    moves: tuple[Move, ...]


@dataclass(frozen=True, eq=False)
class Ended:
    """An episode has its record."""

    place: int
    record: EpisodeRecord


Order = Start | Go
Event = Opened | Moved | Ended


@dataclass(frozen=True)
class Done:
    """An order was obeyed."""

    event: Event
    seconds: float  # that it took


class Stage:
    """The simulators of one process, one per place, made when first needed."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._simulators: dict[int, Simulator] = {}
        self._plays: dict[int, tuple[Play, Film | None, Keep]] = {}

    def prepare(self, place: int) -> Simulator:
        """The simulator at `place`."""
        if place not in self._simulators:
            self._simulators[place] = self._setup.simulator()
        return self._simulators[place]

    def obey(self, order: Order) -> Done:
        """Do one order and say what came of it."""
        begun = time.perf_counter()
        event = self._obey(order)
        return Done(event, time.perf_counter() - begun)

    def _obey(self, order: Order) -> Event:
        play = self._start(order) if isinstance(order, Start) else self._go(order)
        while play.context is not None and isinstance(order, Start) and order.past is None:
            play.follow_expert()
        if play.record is not None:
            return self._end(order.place, play.record)
        assert play.context is not None
        if isinstance(order, Start):
            context = play.context
            return Opened(order.place, context.robot, context.instruction, context.observation)
        return Moved(order.place, tuple(play.moves))

    def _start(self, order: Start) -> Play:
        simulator = self.prepare(order.place)
        film = Film(simulator.robot) if self._setup.folder is not None and order.keep != "never" else None
        play = Play(simulator, order.trial, order.past, self._setup.replan, film)
        self._plays[order.place] = (play, film, order.keep)
        return play

    def _go(self, order: Go) -> Play:
        play = self._plays[order.place][0]
        play.advance(order.chunk, order.milliseconds)
        return play

    def _end(self, place: int, record: EpisodeRecord) -> Ended:
        _, film, keep = self._plays.pop(place)
        if film is not None and self._setup.folder is not None:
            film.save(self._setup.folder, record, keep)
        if record.outcome is Outcome.CRASHED:
            self._discard(place)
        return Ended(place, record)

    def _discard(self, place: int) -> None:
        """Close a simulator that crashed; nobody knows what state it is in, so the next episode gets a new one."""
        try:
            self._simulators.pop(place).close()
        except Exception:
            logger.warning("a crashed simulator could not be closed", exc_info=True)

    def close(self) -> None:
        """Close all simulators."""
        for simulator in self._simulators.values():
            simulator.close()
        self._simulators.clear()
