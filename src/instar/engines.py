"""Many jobs at once: in this process, on this machine's cores, or on a Ray cluster, behind one call."""

import contextlib
import copy
import importlib
import logging
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.context import BaseContext
from queue import SimpleQueue
from typing import Any, Generic, Literal, TypeVar

import cv2

from instar.errors import InstarError, PluginError

J = TypeVar("J")
R = TypeVar("R")

Engine = Literal["local", "ray"]


def run(engine: Engine, deed: Callable[[J], R], jobs: Sequence[J], workers: int = 0) -> Generator[R]:
    """`deed(job)` for every job, each as soon as it is done and so in no fixed order.

    `deed` is a function of a module, `jobs` and results are picklable. `workers` is how many run at once; 0 is one per
    core, of this machine or of the cluster. Only as many jobs are under way as there are workers, and one more, so
    results never pile up. What a job raises is raised here and ends the run; close the iterator to end it early
    (`contextlib.closing`). Raises InstarError if a worker process dies.
    """
    if engine == "ray":
        return _on_ray(deed, jobs, workers)
    workers = min(workers or available_cores(), len(jobs))
    return _on_cores(deed, jobs, workers) if workers > 1 else (deed(job) for job in jobs)


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _on_cores(deed: Callable[[J], R], jobs: Sequence[J], workers: int) -> Generator[R]:
    """As `run`, in a pool of processes.

    A thread of its own talks to the pool. Ctrl-C interrupts the main thread wherever it is, and one that holds a lock
    of the pool at that moment would keep it for ever.
    """
    elder = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, _context(), _settle_in)
    line: _Line[R] = _Line()
    feeder = threading.Thread(target=_feed, args=(pool, deed, jobs, line), daemon=True)
    feeder.start()
    try:
        for _ in range(workers + 1):  # one job waits for the first worker that comes free
            line.turns.put(None)
        for _ in range(len(jobs)):
            result = line.finished.get().result()
            yield result
            line.turns.put(None)
        feeder.join()
    except BrokenProcessPool as error:
        raise _died() from error
    finally:
        line.closed.set()
        line.turns.put(None)
        while feeder.is_alive():  # an error or an interruption: nobody waits for what is under way
            for child in set(multiprocessing.active_children()) - elder:
                child.kill()
            feeder.join(0.02)


@dataclass(frozen=True)
class _Line(Generic[R]):
    """What passes between the main thread and the one that feeds the pool."""

    turns: "SimpleQueue[None]" = field(default_factory=SimpleQueue)  # one for every job that may be under way
    finished: "SimpleQueue[Future[R]]" = field(default_factory=SimpleQueue)
    closed: threading.Event = field(default_factory=threading.Event)  # nobody wants more


def _feed(pool: ProcessPoolExecutor, deed: Callable[[J], R], jobs: Sequence[J], line: _Line[R]) -> None:
    """Submit every job when its turn has come, and end the pool after the last."""
    waiting = iter(jobs)
    with pool:
        for _ in range(len(jobs)):
            line.turns.get()
            if line.closed.is_set():
                return
            try:
                pool.submit(_portably, deed, next(waiting)).add_done_callback(line.finished.put)
            except Exception as error:  # here nobody would hear it
                lost: Future[R] = Future()
                lost.set_exception(error)
                line.finished.put(lost)
                return


def _context() -> BaseContext:
    """A way to start workers that inherits no threads or locks; a forked copy of a threaded process may hang."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    return multiprocessing.get_context("forkserver")


def _settle_in() -> None:
    """Leave Ctrl-C to the process that started this one, and end with it even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)  # the processes share the cores already
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _portably(deed: Callable[[J], R], job: J) -> R:
    """`deed(job)`; an exception that cannot travel between processes is told in words."""
    try:
        return deed(job)
    except Exception as error:
        if _travels(error):
            raise
        raise RuntimeError(f"{type(error).__name__}: {error}") from error


def _travels(error: Exception) -> bool:
    with contextlib.suppress(Exception):  # an exception's own constructor may do anything
        pickle.dumps(copy.copy(error))
        return True
    return False


def _died() -> InstarError:
    return InstarError(
        "a worker process died; nothing already written is lost. Most often memory ran out: run again, "
        'with fewer --workers. A script of yours may start workers only below `if __name__ == "__main__":`'
    )


def _on_ray(deed: Callable[[J], R], jobs: Sequence[J], workers: int) -> Generator[R]:
    try:
        ray: Any = importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise PluginError('--engine ray needs Ray; install it with: pip install "instar[ray]"') from error
    if not ray.is_initialized():  # stays up for whatever this process does next; Ray ends it at exit
        ray.init(log_to_driver=False, logging_level=logging.WARNING, include_dashboard=False)
    yield from _ray_results(ray, deed, jobs, workers or int(ray.cluster_resources().get("CPU", 1)))


def _ray_results(ray: Any, deed: Callable[[J], R], jobs: Sequence[J], workers: int) -> Generator[R]:
    remote = ray.remote(_portably)
    pending: list[Any] = []
    try:
        for job in jobs:
            pending.append(remote.remote(deed, job))
            if len(pending) > workers:
                finished, pending = ray.wait(pending)
                yield from (_ray_result(ray, reference) for reference in finished)
        while pending:
            finished, pending = ray.wait(pending)
            yield from (_ray_result(ray, reference) for reference in finished)
    finally:  # none are left unless there was an error or an interruption
        for reference in pending:
            ray.cancel(reference, force=True)


def _ray_result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise _died() from error
