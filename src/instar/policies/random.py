"""Actions drawn evenly from what the robot can do: the floor that every policy must rise above."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from typing_extensions import Doc

from instar.demo import Context
from instar.policy import PolicySpec
from instar.robot import ActionChunk, Floats


@dataclass(frozen=True)
class RandomPolicy:
    """One action per call, uniform between the robot's `low` and `high` in every dimension.

    Stateless like every policy: the draw is a function of the seed and of what the context shows.
    """

    seed: Annotated[int, Doc("another seed draws other actions")] = 0

    @property
    def spec(self) -> PolicySpec:
        """Acts on any robot and remembers nothing."""
        return PolicySpec("random", (), past=0, horizon=1)

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        """One chunk of one action per context."""
        return [ActionChunk(self._draw(context)[None]) for context in contexts]

    def _draw(self, context: Context) -> Floats:
        space = context.robot.actions
        rng = np.random.default_rng(int.from_bytes(self._fingerprint(context), "big"))
        return rng.uniform(space.low, space.high)

    def _fingerprint(self, context: Context) -> bytes:
        fingerprint = hashlib.blake2b(digest_size=16)
        images = context.observation.images
        shown = [text.encode() for text in (str(self.seed), context.instruction.text, str(context.t))]
        # The pixels, not the encoded bytes: a robot's PNG and a simulator's frame of one view are one picture.
        shown += [part for name in sorted(images) for part in (name.encode(), images[name].pixels.tobytes())]
        for data in shown:
            # The length first, so that no two lists look alike.
            fingerprint.update(len(data).to_bytes(8, "big") + data)
        return fingerprint.digest()
