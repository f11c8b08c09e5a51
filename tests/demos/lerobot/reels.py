"""Small videos whose pictures can be told from one another."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FPS = 10


def grey(frame: int) -> int:
    """How bright a frame is."""
    return 20 + 4 * frame


def write_video(path: Path, frames: int, gop: int = 4) -> Path:
    """A video of so many frames, each evenly grey; every `gop` of them one that can be decoded alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS), options={"crf": "1", "g": str(gop), "bf": "2"})
        stream.codec_context.thread_count = 1
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        for frame in range(frames):
            picture = np.full((16, 32, 3), grey(frame), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path
