"""Simulators at work: in this process, or in worker processes that may die without taking the run with them.

Places are numbered; at each, one episode is in play. The parent posts orders to places and collects events. A worker is
sent orders only while it is idle, and answers each before it is idle again, so neither side can block the other.
"""

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection
from pathlib import Path
from typing import Final, Protocol

import cv2

from instar.demo import Instruction, Observation
from instar.errors import InstarError, SimulatorError
from instar.film import Film, Keep
from instar.robot import ActionChunk, Robot
from instar.rollout import EpisodeRecord, Move, Outcome, Play
from instar.simulator import Simulator, Trial

logger = logging.getLogger(__name__)

STARTUP: Final = 300.0  # seconds in which a worker must have made its first simulator


@dataclass(frozen=True)
class Setup:
    """What a worker needs to know once. Travels to other processes."""

    simulator: Callable[[], Simulator]  # importable by name, e.g. a functools.partial of a module's function
    past: int | None  # steps the policy looks back; None lets the simulators' own experts act
    replan: int = 1  # actions of a chunk that are taken before asking again
    folder: Path | None = None  # the run folder for films; None films nothing


@dataclass(frozen=True)
class Start:
    """The order to begin an episode."""

    place: int
    trial: Trial
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


@dataclass(frozen=True)
class Lost:
    """A worker died, and with it the episodes at its places; another one has taken them over."""

    places: tuple[int, ...]
    why: str


@dataclass(frozen=True)
class Failed:
    """Something went wrong that is not the simulator's failure: the run must stop."""

    error: Exception


Order = Start | Go
Event = Opened | Moved | Ended | Lost


class Crew(Protocol):
    """Who plays episodes for an evaluation."""

    places: Sequence[Sequence[int]]  # by worker: what dies together

    def post(self, orders: Sequence[Order]) -> None:
        """Hand over orders, at most one per place until its event has come."""
        ...

    def events(self, *, wait: bool) -> list[Event]:
        """What has happened; `wait` until there is something. Raises what stopped a worker."""
        ...

    def close(self) -> None:
        """Stop and release everything."""
        ...


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

    def obey(self, order: Order) -> Event:
        """Do one order and say what came of it."""
        play = self._start(order) if isinstance(order, Start) else self._go(order)
        if self._setup.past is None:
            while play.context is not None:
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
        play = Play(simulator, order.trial, self._setup.past, self._setup.replan, film)
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


class LocalCrew:
    """All places in this process: nothing runs at the same time, and a simulator that dies takes the run with it."""

    def __init__(self, setup: Setup, places: int) -> None:
        self.places: Sequence[Sequence[int]] = [range(places)]
        self._stage = Stage(setup)
        self._orders: list[Order] = []

    def post(self, orders: Sequence[Order]) -> None:
        """Keep the orders until somebody asks for events."""
        self._orders.extend(orders)

    def events(self, *, wait: bool) -> list[Event]:
        """Do one order and tell, so that every record is out before the next episode is played."""
        del wait
        return [self._stage.obey(self._orders.pop(0))] if self._orders else []

    def close(self) -> None:
        """Close the simulators."""
        self._stage.close()


@dataclass
class _Worker:
    """The parent's end of a worker process."""

    places: range
    process: multiprocessing.process.BaseProcess
    pipe: "connection.Connection[object, object]"
    ready: bool = False  # its first simulator exists
    busy: bool = True  # it has not yet said that it waits for orders
    heard: float = field(default_factory=time.monotonic)
    orders: list[Order] = field(default_factory=list)


class ProcessCrew:
    """Worker processes, each with several places; one that dies or is silent for too long is replaced."""

    def __init__(self, setup: Setup, workers: int, places: int, patience: float) -> None:
        """`places` in all, spread over `workers`; `patience` is in seconds."""
        self._setup, self._patience = setup, patience
        # Spawned, not forked: a policy in this process may have threads and a GPU, which do not survive a fork.
        self._processes = multiprocessing.get_context("spawn")
        each = -(-places // workers)
        self.places: Sequence[Sequence[int]] = [range(k * each, (k + 1) * each) for k in range(workers)]
        self._workers = [self._hire(range(places[0], places[-1] + 1)) for places in self.places]

    def _hire(self, places: range) -> _Worker:
        ours, theirs = self._processes.Pipe()
        process = self._processes.Process(target=_work, args=(theirs, self._setup, places[0]), daemon=True)
        process.start()
        theirs.close()  # so that the worker's death closes the pipe
        return _Worker(places, process, ours)

    def post(self, orders: Sequence[Order]) -> None:
        """Send orders to idle workers, keep those of busy ones until they are idle."""
        for worker in self._workers:
            worker.orders.extend(order for order in orders if order.place in worker.places)
            self._send(worker)

    def _send(self, worker: _Worker) -> None:
        if worker.busy or not worker.orders:
            return
        orders, worker.orders = worker.orders, []
        worker.busy, worker.heard = True, time.monotonic()
        try:
            worker.pipe.send(orders)
        except OSError:  # it has died; the next look at its pipe finds out
            logger.debug("a worker was dead when it was sent orders")

    def events(self, *, wait: bool) -> list[Event]:
        """What the workers have said since the last call. Raises SimulatorError if a worker cannot start."""
        events: list[Event] = []
        while not events:
            talking = connection.wait([worker.pipe for worker in self._workers], timeout=1.0 if wait else 0)
            for index, worker in enumerate(self._workers):
                if worker.pipe in talking:
                    events += self._hear(index)
                elif self._late(worker):
                    events.append(self._replace(index, f"silent for more than {self._patience:g} s"))
            if not wait:
                break
        return events

    def _late(self, worker: _Worker) -> bool:
        patience = self._patience if worker.ready else max(STARTUP, self._patience)
        return worker.busy and time.monotonic() - worker.heard > patience

    def _hear(self, index: int) -> Iterable[Event]:
        worker = self._workers[index]
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(timeout=5)
            yield self._replace(index, _cause(worker.process.exitcode))
            return
        worker.heard = time.monotonic()
        if isinstance(message, Failed):
            raise message.error
        if message is None:
            worker.ready, worker.busy = True, False
            self._send(worker)
        else:
            assert isinstance(message, Opened | Moved | Ended)
            yield message

    def _replace(self, index: int, why: str) -> Lost:
        """Put a new worker in the place of one that is lost."""
        worker = self._workers[index]
        _dismiss(worker)
        if not worker.ready:
            raise SimulatorError(f"a simulator worker died while starting: {why}; try --workers 0 to see its own error")
        logger.warning("a simulator worker was lost (%s) and is replaced", why)
        self._workers[index] = self._hire(worker.places)
        return Lost(tuple(worker.places), f"its simulator process was lost: {why}")

    def close(self) -> None:
        """Ask all workers to stop, then make them."""
        for worker in self._workers:
            if not worker.busy:
                try:
                    worker.pipe.send(None)
                    worker.process.join(timeout=5)
                except OSError:
                    logger.debug("a worker was gone before it was asked to stop")
            _dismiss(worker)


def _dismiss(worker: _Worker) -> None:
    if worker.process.is_alive():
        worker.process.kill()
    worker.process.join()
    worker.pipe.close()


def _cause(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None or code >= 0:
        return f"exit code {code}"
    return f"signal {-code} ({signal.Signals(-code).name})"


def _work(pipe: "connection.Connection[object, object]", setup: Setup, first: int) -> None:
    """The life of a worker process: orders in, events out, None whenever it is idle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    cv2.setNumThreads(1)
    stage = Stage(setup)
    try:
        stage.prepare(first)
        pipe.send(None)
        while (orders := pipe.recv()) is not None:
            assert isinstance(orders, list)
            for order in orders:
                pipe.send(stage.obey(order))
            pipe.send(None)
        stage.close()
    except (EOFError, BrokenPipeError):
        logger.debug("the parent is gone")
    except InstarError as error:
        pipe.send(Failed(error))
    except Exception as error:
        logger.exception("a simulator worker failed")
        # Its own type may not travel between processes; its words do.
        pipe.send(Failed(RuntimeError(f"in a simulator worker: {type(error).__name__}: {error}")))
