"""Simulators at work: in this process, or in worker processes that may die without taking the run with them.

Places are numbered; at each, one episode is in play. The parent posts orders to places and collects events, when it has
time: it may be computing. Nobody waits for it, and nobody can block anybody, because

- a thread of the parent listens to each worker all the time, so what a worker has to say is never stuck in a full pipe;
- a worker is sent orders only while it is idle and therefore reading, by that thread or by who posts them;
- the thread itself never waits for anything but its worker: what it hears goes into a queue without end, which holds at
  most one event for each place.
"""

import contextlib
import itertools
import logging
import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from typing import Final, Protocol, TypeAlias

import cv2

from instar.errors import InstarError, SimulatorError
from instar.playing.stage import Done, Event, Order, Setup, Stage
from instar.playing.timesheet import Timesheet

logger = logging.getLogger(__name__)

STARTUP: Final = 300.0  # seconds in which a worker must have made its first simulator
# Threads of a model wait for each other after every operation: where a simulator holds the core of one, all wait. So
# simulators give way, and play where a core is free or the model waits for them.
YIELDING: Final = 10  # added to the niceness of a worker
LISTENING: Final = 0.5  # seconds after which a thread that hears nothing looks whether it is still needed


@dataclass(frozen=True)
class Lost:
    """A worker died, and with it the episodes at its places; another one has taken them over."""

    places: tuple[int, ...]
    why: str


@dataclass(frozen=True)
class Failed:
    """Something went wrong that is not the simulator's failure: the run must stop."""

    error: Exception


Pipe: TypeAlias = "connection.Connection[object, object]"
News = Event | Lost
Said = tuple["_Worker", object]  # a Done, a Failed, or None when the worker is gone


class Crew(Protocol):
    """Who plays episodes for an evaluation."""

    places: Sequence[Sequence[int]]  # by worker: what dies together
    concurrent: bool  # simulators play while the policy computes

    def post(self, orders: Sequence[Order]) -> None:
        """Hand over orders, at most one per place until its event has come."""
        ...

    def events(self, *, wait: bool) -> list[News]:
        """What has happened; `wait` until there is something. Raises what stopped a worker."""
        ...

    def close(self) -> None:
        """Stop and release everything."""
        ...


class LocalCrew:
    """All places in this process: nothing runs at the same time, and a simulator that dies takes the run with it."""

    concurrent = False

    def __init__(self, setup: Setup, places: int, sheet: Timesheet) -> None:
        self.places: Sequence[Sequence[int]] = [range(places)]
        self._stage, self._sheet = Stage(setup), sheet
        self._orders: list[Order] = []

    def post(self, orders: Sequence[Order]) -> None:
        """Keep the orders until somebody asks for events."""
        self._orders.extend(orders)

    def events(self, *, wait: bool) -> list[News]:
        """Do one order and tell, so that every record is out before the next episode is played."""
        del wait
        if not self._orders:
            return []
        done = self._stage.obey(self._orders.pop(0))
        self._sheet.simulated(done.seconds)
        return [done.event]

    def close(self) -> None:
        """Close the simulators."""
        self._stage.close()


class _Worker:
    """The parent's end of a worker process, with the thread that listens to it."""

    def __init__(self, process: BaseProcess, pipe: Pipe, places: range, said: "queue.SimpleQueue[Said]") -> None:
        """What the worker says goes into `said`; last of all, when it is gone, None."""
        self.process, self.places = process, places
        self.ready = False  # its first simulator exists
        self.busy = True  # it has not yet said that it waits for orders
        self.heard = time.monotonic()  # when it last said something or was sent orders
        self._pipe, self._said = pipe, said
        self._orders: list[Order] = []  # wait until it is idle
        self._sending = threading.Lock()
        self._dismissed = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def post(self, orders: Iterable[Order]) -> None:
        """Send orders as soon as the worker is idle."""
        with self._sending:
            self._orders.extend(orders)
            self._send()

    def _send(self) -> None:
        if self.busy or not self._orders:
            return
        orders, self._orders = self._orders, []
        self.busy, self.heard = True, time.monotonic()
        try:
            self._pipe.send(orders)
        except OSError:  # it has died; the listener finds out
            logger.debug("a worker was dead when it was sent orders")

    def _listen(self) -> None:
        """The life of the thread."""
        try:
            while not self._dismissed.is_set():
                if self._pipe.poll(LISTENING):
                    self._hear(self._pipe.recv())
        except (EOFError, OSError):
            self._said.put((self, None))
        except Exception as error:
            # Words that cannot be read in this process are told in the thread that asks for events.
            self._said.put((self, Failed(error)))

    def _hear(self, message: object) -> None:
        self.heard = time.monotonic()
        if message is not None:
            self._said.put((self, message))
            return
        with self._sending:
            self.ready, self.busy = True, False
            self._send()

    def dismiss(self, *, politely: bool = False) -> None:
        """End the process and the thread; `politely` lets an idle worker close its simulators first."""
        self._dismissed.set()
        if politely and not self.busy:
            try:
                self._pipe.send(None)
                self.process.join(timeout=5)
            except OSError:
                logger.debug("a worker was gone before it was asked to stop")
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self._listener.join(timeout=5)
        if not self._listener.is_alive():  # else a process that the worker began holds the pipe open, in mid-sentence
            self._pipe.close()


class ProcessCrew:
    """Worker processes, each with several places; one that dies or is silent for too long is replaced."""

    concurrent = True

    def __init__(self, setup: Setup, workers: int, places: int, patience: float, sheet: Timesheet) -> None:
        """`places` in all, spread over `workers`; `patience` is in seconds."""
        self._setup, self._patience, self._sheet = setup, patience, sheet
        # Spawned, not forked: a policy in this process may have threads and a GPU, which do not survive a fork.
        self._processes = multiprocessing.get_context("spawn")
        self._said: queue.SimpleQueue[Said] = queue.SimpleQueue()
        bounds = [places * k // workers for k in range(workers + 1)]
        self.places: Sequence[Sequence[int]] = [range(*pair) for pair in itertools.pairwise(bounds)]
        self._workers = [self._hire(range(*pair)) for pair in itertools.pairwise(bounds)]

    def _hire(self, places: range) -> _Worker:
        ours, theirs = self._processes.Pipe()
        process = self._processes.Process(target=_work, args=(theirs, self._setup, places[0]), daemon=True)
        process.start()
        theirs.close()  # so that the worker's death closes the pipe
        return _Worker(process, ours, places, self._said)

    def post(self, orders: Sequence[Order]) -> None:
        """Send orders to idle workers, keep those of busy ones until they are idle."""
        for worker in self._workers:
            worker.post([order for order in orders if order.place in worker.places])

    def events(self, *, wait: bool) -> list[News]:
        """What the workers have said since the last call. Raises SimulatorError if a worker cannot start."""
        events: list[News] = []
        while not events:
            events += [
                event for worker, message in self._heard(wait=wait) for event in self._understand(worker, message)
            ]
            for worker in filter(self._late, list(self._workers)):
                events.append(self._replace(worker, f"silent for more than {self._patience:g} s"))
            if not wait:
                break
        return events

    def _heard(self, *, wait: bool) -> Iterator[Said]:
        with contextlib.suppress(queue.Empty):
            yield self._said.get(timeout=1.0) if wait else self._said.get_nowait()
            while True:
                yield self._said.get_nowait()

    def _understand(self, worker: _Worker, message: object) -> Iterator[News]:
        if worker not in self._workers:
            return  # it has been replaced since
        if message is None:
            worker.process.join(timeout=5)
            yield self._replace(worker, _cause(worker.process.exitcode))
        elif isinstance(message, Failed):
            raise message.error
        else:
            assert isinstance(message, Done)
            self._sheet.simulated(message.seconds)
            yield message.event

    def _late(self, worker: _Worker) -> bool:
        patience = self._patience if worker.ready else max(STARTUP, self._patience)
        return worker.busy and time.monotonic() - worker.heard > patience

    def _replace(self, worker: _Worker, why: str) -> Lost:
        """Put a new worker in the place of one that is lost."""
        worker.dismiss()
        if not worker.ready:
            raise SimulatorError(f"a simulator worker died while starting: {why}; try --workers 0 to see its own error")
        logger.warning("a simulator worker was lost (%s) and is replaced", why)
        self._workers[self._workers.index(worker)] = self._hire(worker.places)
        return Lost(tuple(worker.places), f"its simulator process was lost: {why}")

    def close(self) -> None:
        """Ask all workers to stop, then make them."""
        for worker in self._workers:
            worker.dismiss(politely=True)


def _cause(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None or code >= 0:
        return f"exit code {code}"
    return f"signal {-code} ({signal.Signals(-code).name})"


def _work(pipe: Pipe, setup: Setup, first: int) -> None:
    """The life of a worker process: orders in, events out, None whenever it is idle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if sys.platform != "win32":
        os.nice(YIELDING)
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
