"""A task that takes CoppeliaSim with it."""

import os
import signal

from rlbench.backend.task import Task


class PushButtons(Task):
    COUNT = 50

    def init_episode(self, index: int) -> list[str]:
        print("about to die", flush=True)
        os.kill(os.getpid(), signal.SIGABRT)
        return super().init_episode(index)
