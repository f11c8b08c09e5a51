"""Pictures of a video file by their times, each decoded once where they are asked for in order.

One reel is one episode's stretch of a file, which may hold many. A time finds the frame that is shown then, within a
tolerance: what is further away is an error, as in LeRobot.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from instar.demo import Image, Pixels
from instar.errors import DataError, PluginError

KEPT: Final = 32  # pictures of an episode that stay ready, for those who look back a few steps
_AHEAD: Final = 2.0  # seconds that are decoded to get on rather than jumped over


class Reel:
    """One camera of one episode. `times` (T,) are seconds into the file, ascending."""

    def __init__(self, path: Path, times: Sequence[float], tolerance: float) -> None:
        self.path, self.times, self.tolerance = path, times, tolerance
        self._ready: OrderedDict[int, Image] = OrderedDict()
        self._frames: Iterator[tuple[float, Any]] | None = None
        self._at = float("-inf")  # the time up to which `_frames` was read

    def image(self, t: int) -> Image:
        """The picture of step `t`. Raises DataError if the file shows none at its time."""
        if t not in self._ready:
            self._ready[t] = Image.of(self._decoded(self.times[t]))
            if len(self._ready) > KEPT:
                self._ready.popitem(last=False)
        return self._ready[t]

    def _decoded(self, time: float) -> Pixels:
        if self._frames is None or not self._at < time <= self._at + _AHEAD:
            self._frames, self._at = _frames(self.path, time), float("nan")
        for shown, frame in self._frames:
            self._at = shown
            if abs(shown - time) <= self.tolerance:
                return np.asarray(frame.to_ndarray(format="rgb24"))
            if shown > time:
                break
        raise DataError(
            f"{self.path}: no picture at {time:.4f} s within {self.tolerance} s; the next is at {self._at:.4f} s. "
            "Video and table do not belong together, or the tolerance is too small"
        )


def _frames(path: Path, time: float) -> Iterator[tuple[float, Any]]:
    """Every frame from the last one on that can be decoded alone before `time`, and when it is shown."""
    try:
        import av
    except ModuleNotFoundError as error:
        raise PluginError(f'{path} is a video; what reads it comes with: pip install "instar[video]"') from error
    try:
        with av.open(str(path)) as file:
            stream = file.streams.video[0]
            stream.thread_type = "AUTO"
            file.seek(int(max(time, 0) * av.time_base), backward=True)
            for frame in file.decode(stream):
                if frame.time is not None:
                    yield frame.time, frame
    except (av.error.FFmpegError, IndexError) as error:
        raise DataError(f"{path}: not a video that can be decoded: {error}") from error
