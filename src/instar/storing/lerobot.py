"""`instar export lerobot`: demonstrations of any format as a LeRobotDataset v3.0."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from typing_extensions import Doc

from instar.demo import Image, Pixels
from instar.errors import ConfigError
from instar.progress import Progress, silent
from instar.robot import Camera, Robot
from instar.storing import pieces, video
from instar.storing.lerobot_files import BRIGHTNESS, ROWS, Assembly, film, write_rows
from instar.storing.pieces import ExportSummary, Order, Piece
from instar.storing.recording import Recording
from instar.storing.statistics import Counts, brightness

Pictures = Literal["image", "h264", "av1"]

WORST: Final[Mapping[video.Codec, int]] = {"h264": 51, "av1": 63}  # the largest crf that the encoders take


@dataclass(frozen=True)
class LeRobotConfig:
    """Write demonstrations of any format as a LeRobotDataset v3.0."""

    demos: pieces.Demos
    out: pieces.Out
    fps: Annotated[int, Doc("steps a second, as they were recorded; most formats do not say")]
    pictures: Annotated[Pictures, Doc("image: in the rows, as they are; h264, av1: in videos, a little is lost")] = (
        "image"
    )
    crf: Annotated[int | None, Doc("of videos: how much is lost, 0 for nearly nothing; by default 23, of av1 30")] = (
        None
    )
    episodes: pieces.Episodes = None
    slots: pieces.SlotWords = "refuse"
    workers: pieces.Workers = 0

    def __post_init__(self) -> None:
        if self.fps < 1:
            raise ConfigError(f"fps {self.fps}: say how many steps a second were recorded, 1 or more")
        if self.crf is not None and self.pictures == "image":
            raise ConfigError("crf is of videos; with pictures=image nothing is lost")
        if self.crf is not None and self.pictures != "image" and not 0 <= self.crf <= WORST[self.pictures]:
            raise ConfigError(f"crf {self.crf}: {self.pictures} takes 0 to {WORST[self.pictures]}")


def export(config: LeRobotConfig, progress: Progress = silent) -> ExportSummary:
    """Write the dataset that `config` asks for.

    Numbers are float32, as LeRobot's; an observation at the end without an action is left out. Raises what
    `pieces.export` does, and ConfigError for pictures that a video cannot hold.
    """
    order = Order(config.demos, config.out, config.episodes, config.slots, config.workers)
    crf = config.crf
    if crf is None and config.pictures != "image":
        crf = video.CRF[config.pictures]
    return pieces.export(order, LeRobotLayout(config.fps, config.pictures, crf), progress)


@dataclass(frozen=True)
class LeRobotLayout:
    """LeRobotDataset v3.0."""

    fps: int
    pictures: Pictures
    crf: int | None  # of videos

    @property
    def format(self) -> str:
        """As its reader is called."""
        return "lerobot"

    @property
    def options(self) -> Mapping[str, Any]:
        """What decides the bytes."""
        return {"version": "v3.0", "fps": self.fps, "pictures": self.pictures, "crf": self.crf}

    def require(self, robot: Robot) -> None:
        """Raise ConfigError where pictures cannot become a video, or names cannot become features."""
        for camera in robot.cameras:
            if "/" in camera.name:
                raise ConfigError(f"camera {camera.name!r}: LeRobot's names have no /; choose cameras by the source")
            if self.pictures != "image" and (camera.height % 2 or camera.width % 2):
                raise ConfigError(
                    f"camera {camera.name!r} is {camera.height}x{camera.width}; a video needs even sides: "
                    "take --pictures image"
                )
        if self.pictures != "image":
            video.require_encoder(self.pictures)

    def cut(self, recording: Recording, folder: Path) -> Mapping[str, Any]:
        """Rows with their pictures, or videos beside them; and how bright the pictures are."""
        counted, encoded = {}, {}
        for camera in recording.robot.cameras:
            counts = np.zeros((3, 256), np.int64)
            images = _counted(recording.images(camera), counts)
            if self.pictures == "image":
                encoded[camera.name] = [image.data for image in images]
            else:
                self._film(images, camera, folder)
            counted[camera.name] = counts.tolist()
        write_rows(recording, encoded, folder / ROWS)
        return {BRIGHTNESS: counted}

    def _film(self, images: Iterator[Image], camera: Camera, folder: Path) -> None:
        assert self.pictures != "image"
        assert self.crf is not None
        frames: Iterator[Pixels] = (image.pixels for image in images)
        video.encode(frames, camera, film(folder, camera.name), self.fps, self.pictures, self.crf)

    def assemble(self, pieces: Sequence[Piece], robot: Robot, out: Path) -> None:
        """All files, `meta/info.json` last: LeRobot begins with it."""
        codec = None if self.pictures == "image" else self.pictures
        with Assembly(out, robot, self.fps, codec) as assembly:
            for piece in pieces:
                assembly.add(piece)
            assembly.finish()


def _counted(images: Iterator[Image], counts: Counts) -> Iterator[Image]:
    """The same pictures, their brightness added to `counts`."""
    for image in images:
        counts += brightness(image.pixels)
        yield image
