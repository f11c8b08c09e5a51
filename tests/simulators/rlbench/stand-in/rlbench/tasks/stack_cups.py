"""A task whose script is wrong."""

from rlbench.backend.task import Task


class StackCups(Task):
    COUNT = 20

    def success(self) -> tuple[bool, bool]:
        raise ValueError("the cups are not there")
