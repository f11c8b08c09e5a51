"""Any detection model of the DETR family that transformers knows: RT-DETR, D-FINE, DETR, YOLOS and their like.

Its options are there without torch, which comes with the first picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from typing_extensions import Doc

from instar.checkpoint import fingerprint
from instar.demo import Image, Pixels
from instar.errors import ConfigError
from instar.files import JSON, MANIFEST, digest, read_json
from instar.progress import Progress
from instar.seeing.detect import Sighting, overlap

if TYPE_CHECKING:
    from instar.detectors.detr_eye import Eye
    from instar.seeing.album import Album
    from instar.seeing.teach_detector import DetectorTrainConfig, Learned


@dataclass(frozen=True)
class Detr:
    """A folder as `instar detector train` or save_pretrained writes it. Opened when first used."""

    LOCAL: ClassVar = ("path", "device", "batch")  # where and how fast, not what

    path: Annotated[str, Doc("folder of the detector")]
    threshold: Annotated[float, Doc("sightings with a lower score are not told")] = 0.6
    overlap: Annotated[float, Doc("of two sightings that overlap by more than this the surer one is told")] = 0.8
    most: Annotated[int, Doc("no more sightings of one picture than this")] = 15  # LLaRA's detector stops there
    device: Annotated[str, Doc("auto, cpu, cuda or cuda:1; auto is a GPU where there is one")] = "auto"
    batch: Annotated[
        int, Doc("pictures looked at together; more is faster on a GPU, and may change the last bits of a score")
    ] = 1

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1 or not 0 <= self.overlap <= 1:
            raise ConfigError(f"detr: threshold {self.threshold} and overlap {self.overlap} must be between 0 and 1")
        if self.most < 1 or self.batch < 1:
            raise ConfigError(f"detr: most is {self.most} and batch {self.batch}; they must be at least 1")

    def __reduce__(self) -> tuple[type["Detr"], tuple[str | float, ...]]:
        return (Detr, tuple(getattr(self, item.name) for item in fields(self)))

    @staticmethod
    def teach(config: "DetectorTrainConfig", album: "Album", progress: Progress) -> "Learned":
        """Finetune a model, or a small random one, on the pictures of an album."""
        from instar.detectors.detr_teaching import teach

        return teach(config, album, progress)

    @property
    def camera(self) -> str:
        """The camera whose pictures it was taught; empty where the folder does not say."""
        return str(self._manifest.get("camera", ""))

    @property
    def held_out(self) -> float:
        """The share of the episodes that it did not learn from; 0 where the folder does not say."""
        return float(self._manifest.get("share", 0.0))

    def fingerprint(self) -> str:
        """Of the weights and of the options that decide what is told."""
        from instar.detectors.detr_loading import require_detection

        require_detection(Path(self.path))
        return digest([fingerprint(Path(self.path)), self.threshold, self.overlap, self.most])

    def find(self, pictures: Sequence[Image]) -> list[tuple[Sighting, ...]]:
        """What is seen in each picture, the surest first. Raises DataError for a folder without a detector."""
        # One by one unless told otherwise: in a batch the last bits of a score depend on the others, and a threshold
        # may fall between.
        return [
            self._told(every)
            for some in _batches([picture.pixels for picture in pictures], self.batch)
            for every in self._eye.seen(some, self.threshold)
        ]

    def _told(self, every: Sequence[Sighting]) -> tuple[Sighting, ...]:
        """Those that no surer one hides."""
        told: list[Sighting] = []
        for sighting in every:
            if all(overlap(sighting.box, other.box) <= self.overlap for other in told):
                told.append(sighting)
        return tuple(told[: self.most])

    @cached_property
    def _manifest(self) -> dict[str, JSON]:
        place = Path(self.path) / MANIFEST
        manifest: Any = read_json(place) if place.is_file() else {}
        return manifest if isinstance(manifest, dict) else {}

    @cached_property
    def _eye(self) -> "Eye":
        from instar.detectors.detr_eye import Eye

        return Eye.open(Path(self.path), self.device)


def _batches(pictures: Sequence[Pixels], most: int) -> Iterator[Sequence[Pixels]]:
    """The pictures in order, at most so many together and only those of one size."""
    for _, same in groupby(pictures, key=lambda picture: picture.shape):
        some = list(same)
        yield from (some[start : start + most] for start in range(0, len(some), most))
