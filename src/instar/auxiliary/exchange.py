"""One question about one picture and its answer: what every auxiliary task of LLaRA yields."""

from instar.chat import IMAGE, Conversation, Turn
from instar.demo import View
from instar.errors import DataError
from instar.robot import Camera


def exchange(view: View, camera: Camera, question: str, answer: str) -> Conversation:
    """`question` asked about what `camera` sees, and `answer` to learn. Raises DataError without a picture."""
    image = view.images.get(camera.name)
    if image is None:
        raise DataError(f"view {view.key!r} has no picture of camera {camera.name!r}")
    return Conversation((Turn("user", f"{IMAGE}\n{question}"),), (image,)).answered(answer)
