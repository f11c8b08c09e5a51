"""What the auxiliary tasks of LLaRA have in common: their options, and a question about a picture with its answer."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Protocol

from typing_extensions import Doc

from instar.chat import IMAGE, Conversation, Turn
from instar.demo import View
from instar.errors import DataError
from instar.robot import Camera
from instar.wording import wording

CameraOption = Annotated[str, Doc("the camera that the question is about")]
ReferencesOption = Annotated[bool, Doc("ask about reference pictures too; LLaRA's limited_ data sets do not")]
WordingOption = Annotated[str, Doc("path of a YAML wording pack; empty for instar's own")]
CompatOption = Annotated[bool, Doc("numbers and slips as in LLaRA's published data")]


class _Worded(Protocol):
    @property
    def wording(self) -> str: ...


def _hash(task: _Worded) -> str:
    """Changes with every word of the pack in use."""
    return wording(task.wording).hash


WORDING_HASH: Final = property(_hash)  # every task's `wording_hash`: builds and cards ask for it by that name


def exchange(view: View, camera: Camera, question: str, answer: str) -> Conversation:
    """`question` asked about what `camera` sees, and `answer` to learn. Raises DataError without a picture."""
    return next(exchanges(view, camera, [question], [answer]))


def exchanges(
    view: View, camera: Camera, questions: Sequence[str], answers: Sequence[str], gap: str = "\n"
) -> Iterator[Conversation]:
    """As `exchange`, for each of `questions` with its answer; no picture is needed where there are none."""
    if not questions:
        return
    image = view.images.get(camera.name)
    if image is None:
        raise DataError(f"view {view.key!r} has no picture of camera {camera.name!r}")
    images, before = (image,), IMAGE + gap
    for question, answer in zip(questions, answers, strict=True):
        yield Conversation((Turn("user", before + question), Turn("assistant", answer, learn=True)), images)
