"""A task that has other variations than the one that publications speak of."""

from rlbench.backend.task import Task


class TurnTap(Task):
    COUNT = 5
