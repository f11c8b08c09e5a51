"""A task of twenty variations."""

from rlbench.backend.task import Task


class CloseJar(Task):
    COUNT = 20
    WORDS = ("close the jar %s", "screw the lid on the jar %s")
