"""What TensorFlow Datasets reads from real episodes is what instar reads, to the last bit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from instar.demo import Image
from instar.demos.rlds import Rlds
from instar.demos.rlds.folder import Columns, Folder
from tests.demos.rlds.reference import NEEDS_TFDS, read_by_tfds
from tests.demos.rlds.test_source import BRIDGE

Told = Mapping[str, NDArray[Any]]

pytestmark = [
    NEEDS_TFDS,
    pytest.mark.skipif(not BRIDGE.is_dir(), reason="the sample of BridgeData V2 is not there"),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The sample of BridgeData V2 as TensorFlow Datasets reads it."""
    return read_by_tfds(BRIDGE / "1.0.0", tmp_path_factory.mktemp("bridge"))


def decoded(columns: Columns, name: str) -> NDArray[Any]:
    """A feature as arrays of numbers or words."""
    column = columns.steps.get(name) or columns.episode[name]
    rows = columns.step(name) if name in columns.steps else columns.of_episode(name)
    if column.kind == "image":
        return np.stack([Image.encoded(bytes(row)).pixels for row in rows])
    return np.array([bytes(row).decode() for row in rows]) if column.kind == "text" else np.asarray(rows)


def test_every_feature_of_every_episode_is_the_same(told: Told) -> None:
    folder = Folder(BRIDGE, "train")
    names = {key.partition("/")[2] for key in told}
    assert names == {*folder.layout.steps, *folder.layout.episode}
    assert len(told) == len(folder) * len(names)
    for key, theirs in told.items():
        index, _, name = key.partition("/")
        ours = decoded(folder.columns(int(index)), name)
        assert_array_equal(ours, theirs, err_msg=key, strict=True)


def test_an_episode_is_what_its_standard_makes_of_it(told: Told) -> None:
    source = Rlds(BRIDGE)
    for index, id in enumerate(source.ids()):
        episode = source.episode(id)
        actions, states = (told[f"{index}/{name}"][1:].astype(np.float64) for name in ("action", "observation/state"))
        assert episode.instruction.text == str(told[f"{index}/language_instruction"][0]).strip()
        assert_array_equal([step.observation.state for step in episode.steps], states)
        made = np.stack([episode.action(t) for t in range(episode.length)])
        assert_array_equal(made[:, :6], np.diff(states[:, :6], axis=0))
        assert_allclose(made[:, 6], opened(actions[:, 6])[:-1])
        for t, step in enumerate(episode.steps):
            for camera, theirs in (("primary", "image_0"), ("secondary", "image_1")):
                pixels = step.observation.images[camera].pixels
                assert_array_equal(pixels, told[f"{index}/observation/{theirs}"][t + 1])


def opened(gripper: NDArray[np.float64]) -> list[float]:
    """Open above 0.95, closed below 0.05, and between them what it is next: OpenVLA's rule, told from behind."""
    found: list[float] = []
    for value in gripper[::-1]:
        between = found[-1] if found else float(value)
        found.append(1.0 if value > 0.95 else 0.0 if value < 0.05 else between)
    return found[::-1]
