"""What an episode looked like: its frames as JPEG files, and a video with the actions drawn in where PyAV is there."""

import importlib.util
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

import cv2
import numpy as np

from instar.demo import Image, Observation, Pixels
from instar.drawing import draw_action, enlarge
from instar.errors import DataError
from instar.files import door, read_json, write_bytes, write_json
from instar.robot import Camera, Robot
from instar.rollout import EpisodeRecord, Outcome

Keep = Literal["never", "failures", "always"]  # which endings of an episode are worth a film

QUALITY: Final = 95  # JPEG
ENLARGED: Final = 3  # a 128 x 256 picture is a stamp on today's screens
FRAMES_PER_SECOND: Final = 2


def place(id: str) -> Path:
    """The part of a path that belongs to an episode id: the same for frames and videos, safe for any id."""
    parts = [quote(part, safe=" ") if part.strip(".") else quote(part).replace(".", "%2E") for part in id.split("/")]
    return Path(*(part or "_" for part in parts))


class Film:
    """The observations of one episode through the robot's first camera, kept until it is known how it ended."""

    def __init__(self, robot: Robot) -> None:
        self._camera = robot.cameras[0]
        self._names = robot.actions.names
        self._images: list[Image] = []

    def __call__(self, observation: Observation) -> None:
        """Take one frame."""
        self._images.append(observation.images[self._camera.name])

    def save(self, run: Path, record: EpisodeRecord, keep: Keep) -> None:
        """Write frames and video into the run folder if an episode that ended like this is to be kept."""
        if not self._images or keep == "never" or (keep == "failures" and record.outcome is Outcome.SUCCESS):
            return
        folder = run / "frames" / place(record.id)
        shutil.rmtree(folder, ignore_errors=True)  # of an earlier, interrupted try
        with door(folder):
            folder.mkdir(parents=True)
        for t, image in enumerate(self._images):
            with door(folder):
                (folder / f"{t}.jpg").write_bytes(_jpeg(image.pixels))
        # Written last: its presence means that all frames are there.
        write_json(folder / "film.json", {"camera": asdict(self._camera), "names": list(self._names)})
        if importlib.util.find_spec("av") is not None:
            _write_video(run / "videos" / place(record.id).with_suffix(".mp4"), drawn_frames(run, record))


@dataclass(frozen=True)
class Frames:
    """The stored frames of one episode: one per observation, so one more than there were actions unless it crashed."""

    paths: tuple[Path, ...]  # JPEG, in order
    camera: Camera
    names: tuple[str, ...]  # of the robot's action dimensions, for `draw_action`


def frames(run: Path, id: str) -> Frames | None:
    """The frames kept of an episode, or None if it was not filmed. Raises DataError for a damaged film."""
    folder = run / "frames" / place(id)
    if not (folder / "film.json").is_file():
        return None
    film = read_json(folder / "film.json")
    try:
        told = film["camera"]["world_to_pixel"]  # null where nobody measured the camera
        matrix = told and tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in told)
        camera = Camera(**{**film["camera"], "world_to_pixel": matrix})
        names = tuple(str(name) for name in film["names"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{folder / 'film.json'}: not the description of a film: {error}") from error
    paths = sorted(folder.glob("*.jpg"), key=lambda path: int(path.stem))
    return Frames(tuple(paths), camera, names)


def drawn_frames(run: Path, record: EpisodeRecord, factor: int = ENLARGED) -> list[Pixels]:
    """The frames of an episode, enlarged, with the action that was taken on each drawn in; none if not filmed."""
    film = frames(run, record.id)
    if film is None:
        return []
    pictures = [enlarge(Image.encoded(path.read_bytes()).pixels, factor) for path in film.paths]
    actions: list[Sequence[float]] = [step.action for step in record.trace]
    actions += [()] * (len(pictures) - len(actions))
    return [
        draw_action(pixels, film.camera, action, film.names) for pixels, action in zip(pictures, actions, strict=False)
    ]


def _jpeg(pixels: Pixels) -> bytes:
    done, buffer = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert done
    return buffer.tobytes()


def _write_video(path: Path, pictures: Sequence[Pixels]) -> None:
    """Write an H.264 file that browsers play."""
    import io

    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(FRAMES_PER_SECOND), options={"crf": "20", "preset": "veryfast"}
        )
        stream.codec_context.thread_count = 1  # starting threads takes longer than ten small pictures
        # The colour format halves the picture in both directions: sides must be even.
        stream.height, stream.width = (side // 2 * 2 for side in pictures[0].shape[:2])
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            even = np.ascontiguousarray(picture[: stream.height, : stream.width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode(None))
    write_bytes(path, buffer.getvalue())
