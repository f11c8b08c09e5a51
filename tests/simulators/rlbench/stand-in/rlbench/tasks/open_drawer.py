"""A task that can be done."""

from rlbench.backend.task import Task


class OpenDrawer(Task):
    WORDS = ("open the drawer %s", "grip the handle and pull the drawer %s open")
