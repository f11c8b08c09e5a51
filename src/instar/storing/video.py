"""Videos of one camera: frames of an episode encoded, and episodes joined to a longer file without encoding anew.

Every other frame can be decoded alone, as LeRobot has it, so that any frame is near; none looks ahead, so frames lie in
the order in which they are shown and pieces can be joined.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal

from instar.demo import Pixels
from instar.errors import DataError, PluginError
from instar.robot import Camera

Codec = Literal["h264", "av1"]

PIXELS: Final = "yuv420p"
GROUP: Final = 2  # frames, of which the first can be decoded alone
CRF: Final[Mapping[Codec, int]] = {"h264": 23, "av1": 30}  # x264's own, and LeRobot's
_ENCODERS: Final[Mapping[Codec, str]] = {"h264": "libx264", "av1": "libsvtav1"}
_OPTIONS: Final[Mapping[Codec, Mapping[str, str]]] = {
    "h264": {"bf": "0"},
    # One thread, as episodes are encoded side by side; frames are not smoothed over time. Presets from 10 on lost
    # colours of small pictures.
    "av1": {"preset": "8", "svtav1-params": "lp=1:enable-tf=0"},
}


def require_av() -> Any:
    """PyAV. Raises PluginError that says where it comes from."""
    try:
        import av
    except ModuleNotFoundError as error:
        raise PluginError('what writes videos comes with: pip install "instar[video]"') from error
    return av


def require_encoder(codec: Codec) -> None:
    """Raise PluginError where PyAV is not there or comes without the encoder."""
    if _ENCODERS[codec] not in require_av().codecs_available:
        others = ", ".join(name for name in _ENCODERS if name != codec)
        raise PluginError(f"the installed PyAV cannot encode {codec} ({_ENCODERS[codec]}); take {others}")


def encode(frames: Iterable[Pixels], camera: Camera, path: Path, fps: int, codec: Codec, crf: int) -> None:
    """Write the frames (H, W, 3) of a camera to `path`; both sides of the picture must be even."""
    av = require_av()
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 tells of every video it begins, unless it is to tell of errors only
    try:
        with av.open(str(path), "w") as container:
            _encode(av, container, _stream(container, camera, fps, codec, crf), frames)
    except ValueError as error:  # what FFmpeg calls an invalid argument
        size = f"{camera.height}x{camera.width}"
        raise DataError(f"pictures of {size} cannot become a video of {codec} and crf {crf}: {error}") from error


def _stream(container: Any, camera: Camera, fps: int, codec: Codec, crf: int) -> Any:
    options = {"g": str(GROUP), "crf": str(crf), **_OPTIONS[codec]}
    stream = container.add_stream(_ENCODERS[codec], rate=fps, options=options)
    stream.height, stream.width, stream.pix_fmt = camera.height, camera.width, PIXELS
    stream.codec_context.thread_count = 1
    return stream


def _encode(av: Any, container: Any, stream: Any, frames: Iterable[Pixels]) -> None:
    for number, pixels in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = number, 1 / stream.average_rate
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


class Joined:
    """A video that grows by whole episodes; `frames` says how many are in it."""

    def __init__(self, container: Any, fps: int) -> None:
        self._container, self._fps = container, fps
        self._stream: Any = None
        self.frames = 0

    def append(self, path: Path) -> None:
        """Put the frames of another video of the same camera behind those that are there, as they are encoded."""
        with require_av().open(str(path)) as piece:
            if self._stream is None:
                self._stream = self._container.add_stream_from_template(piece.streams.video[0], opaque=True)
            for packet in piece.demux(video=0):
                if packet.size:  # the last one only says that it is over
                    packet.stream = self._stream
                    packet.time_base = Fraction(1, self._fps)
                    packet.pts = packet.dts = self.frames
                    packet.duration = 1
                    self._container.mux(packet)
                    self.frames += 1


@contextlib.contextmanager
def joined(path: Path, fps: int) -> Iterator[Joined]:
    """A video at `path` that is whole when this ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with require_av().open(str(path), "w") as container:
        yield Joined(container, fps)
