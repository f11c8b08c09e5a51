"""Which point of a shape every pixel shows."""

import numpy as np
import pytest

from instar.robot import Floats
from instar.simulators.tabletop.body import Pose
from instar.simulators.tabletop.cast import NEVER, cast, covers
from instar.simulators.tabletop.shapes import Part, sample
from instar.simulators.tabletop.slabs import side_by_side
from instar.simulators.tabletop.views import FRONT, TOP, VIEWS, View

UPRIGHT = Pose(0.47, 0.13, 0.02, 0.7, 0.0, 0.0)
LEANING = UPRIGHT._replace(lean=0.4, toward=1.1)
SHAPES = ("bowl", "pan", "container", "pallet", "frame", "block", "letter A", "ring", "flower")


def _parts(name: str) -> tuple[Part, ...]:
    return sample(name, np.random.default_rng(0)).parts


def _layers(parts: tuple[Part, ...], pose: Pose, view: View) -> Floats:
    """Height, texel and shade (3, H, W) of the whole picture."""
    whole = np.full((3, view.height, view.width), NEVER)
    seen = cast(parts, pose, view)
    assert seen is not None
    whole[(slice(None), *seen.window)] = np.where(
        seen.height > NEVER, np.stack([seen.height, seen.texel, seen.shade]), NEVER
    )
    return whole


@pytest.mark.parametrize("pose", [UPRIGHT, LEANING], ids=["upright", "leaning"])
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
@pytest.mark.parametrize("name", SHAPES)
def test_all_parts_at_once_show_what_each_alone_does(name: str, view: View, pose: Pose) -> None:
    parts = _parts(name)
    expected = np.full((3, view.height, view.width), NEVER)
    for part in parts:
        alone = _layers((part,), pose, view)
        nearer = alone[0] > expected[0]
        expected[:, nearer] = alone[:, nearer]
    assert (_layers(parts, pose, view) == expected).all()


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_covers_what_its_caps_show_from_straight_above(name: str) -> None:
    parts = _parts(name)
    cover, seen = covers(parts, UPRIGHT, TOP), cast(parts, UPRIGHT, TOP)
    assert cover is not None
    assert seen is not None
    assert cover.window == seen.window
    assert (cover.mask == (seen.height > NEVER)).all()


def test_from_straight_above_a_higher_thing_looks_the_same() -> None:
    parts = _parts("letter G")
    low, high = cast(parts, UPRIGHT, TOP), cast(parts, UPRIGHT._replace(z=0.3), TOP)
    assert low is not None
    assert high is not None
    assert low.window == high.window
    assert (low.texel == high.texel).all()


def test_what_is_outside_the_picture_has_no_cast() -> None:
    outside = UPRIGHT._replace(x=3.0)
    assert cast(_parts("block"), outside, FRONT) is None
    assert covers(_parts("block"), outside, FRONT) is None


def test_slabs_number_straight_sides_before_round_ones() -> None:
    pan, bowl = side_by_side(_parts("pan")), side_by_side(_parts("bowl"))
    for slabs in (pan, bowl):
        none = len(slabs.edges) + 2 * len(slabs.circles)
        assert sorted(n for n in slabs.numbers.ravel().tolist() if n != none) == list(range(none))
        assert (slabs.numbers[:, -1] == none).all()
        assert len(slabs.shades) == none
    assert len(bowl.edges) == 0
    assert len(pan.parts) == len(_parts("pan"))
