"""What the pictures of a conversation are called: where in the episode they are from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from instar.chat import Shown
from instar.demo import Episode, Image, View, original


@dataclass(frozen=True, eq=False)
class _Found:
    name: str
    order: int  # references in the instruction's order, then whatever is no reference


def shows(images: Sequence[Image], view: View, episode: Episode) -> tuple[Shown, ...]:
    """Where each of `images` is from: they are of `view`, or references of the episode's instruction.

    A picture that is neither, made by a task for itself, is called by its digest.
    """
    found = [_find(image, view, episode) for image in images]
    distinct = {place.name: place.order for place in found}
    numbers = {name: number for number, name in enumerate(sorted(distinct, key=lambda name: distinct[name]))}
    return tuple(Shown(place.name, numbers[place.name]) for place in found)


def _find(image: Image, view: View, episode: Episode) -> _Found:
    for same in (lambda other: other is image, lambda other: other.digest == image.digest):
        for key, camera, other in _candidates(view, episode):
            if same(other):
                return _Found(_path(episode, f"rgb_{camera}/{key}", image), _order(key, episode))
    return _Found(_path(episode, f"made/{image.digest}", image), len(episode.instruction.references))


def _candidates(view: View, episode: Episode) -> Iterator[tuple[str, str, Image]]:
    """(view, camera, picture) of all that a conversation about `view` may show, read one after the other."""
    for camera in view.images:
        yield view.key, camera, view.images[camera]
    for slot, reference in episode.instruction.references.items():
        for camera in reference.images:
            yield f"a_{slot}", camera, reference.images[camera]


def _order(key: str, episode: Episode) -> int:
    keys = [f"a_{slot}" for slot in episode.instruction.references]
    return keys.index(key) if key in keys else len(keys)


def _path(episode: Episode, place: str, image: Image) -> str:
    ending = "jpg" if image.data.startswith(b"\xff\xd8") else "png"
    return f"{original(episode.id)}/{place}.{ending}"
