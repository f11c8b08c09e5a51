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
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from multiprocessing.context import BaseContext
from typing import Any, Literal, TypeVar

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
    elder = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, _context(), _settle_in)
    done = False
    try:
        yield from _in_order_of_completion(pool, deed, jobs, workers)
        done = True
    except BrokenProcessPool as error:
        raise _died() from error
    finally:
        pool.shutdown(wait=done, cancel_futures=True)
        while not done and (left := set(multiprocessing.active_children()) - elder):
            # An error or an interruption: nobody waits for what is under way. One that was only just starting is found
            # in the next round.
            for child in left:
                child.kill()
                child.join()


def _in_order_of_completion(
    pool: ProcessPoolExecutor, deed: Callable[[J], R], jobs: Sequence[J], workers: int
) -> Generator[R]:
    pending: set[Future[R]] = set()
    for job in jobs:
        pending.add(pool.submit(_portably, deed, job))
        if len(pending) > workers:  # one job waits for the first worker that comes free
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in finished)
    while pending:
        finished, pending = wait(pending, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in finished)


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
        "a worker process died without a word, most often because memory ran out; nothing already written is lost: "
        "run again, with fewer --workers"
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
