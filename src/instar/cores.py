"""The cores of this machine, shared between simulators in processes of their own and a model in this one."""

import contextlib
import os
import sys
from collections.abc import Iterator


def available() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@contextlib.contextmanager
def spared(cores: int) -> Iterator[None]:
    """With so many cores left to others: torch, where it is loaded, computes with the rest and one thread at least.

    Threads of torch wait for each other after every operation. Where one of them has to wait for a core that a
    simulator holds, all do: on two cores, two threads beside two busy simulators were five times slower than one.
    """
    torch = sys.modules.get("torch")  # whoever computes with it has loaded it
    if torch is None:
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, min(threads, available() - cores)))
    try:
        yield
    finally:
        torch.set_num_threads(threads)
