"""The table of standards, and what is read where a dataset is not in it."""

from pathlib import Path

import numpy as np
from numpy.testing import assert_allclose

from instar.demos.rlds.folder import Folder
from instar.demos.rlds.standards import known, standard
from tests.demos.rlds.made import FEATURES, dataset, episode


def test_every_entry_has_seven_dimensions_with_units() -> None:
    for name, entry in known().items():
        assert len(entry.names) == len(entry.units) == 7, name
        assert entry.cameras, name
        assert entry.robot, name


def test_bridge_moves_as_its_arm_moved(tmp_path: Path) -> None:
    made = episode(1, length=5)
    made["steps/action"] = np.tile(np.array([9, 9, 9, 9, 9, 9, 1], np.float32), 5)
    folder = Folder(dataset(tmp_path, [[made]], FEATURES, name="bridge_dataset"), "train")
    entry = standard(folder.name, folder.layout)
    kept = entry.kept(folder.columns(0))
    # The first step is left out, and the last has no action.
    assert kept.length == 4
    assert entry.states(kept).shape == (4, 7)
    assert_allclose(entry.actions(kept), np.tile([0.14] * 6 + [1.0], (3, 1)), atol=1e-6)


def test_an_unknown_dataset_is_read_by_the_usual_names(tmp_path: Path) -> None:
    folder = Folder(dataset(tmp_path, [[episode(2, length=3)]]), "train")
    entry = standard(folder.name, folder.layout)
    assert entry.cameras == {"image_0": "observation/image_0"}
    assert entry.instruction == "language_instruction"
    kept = entry.kept(folder.columns(0))
    assert_allclose(entry.actions(kept), np.asarray(folder.columns(0).step("action")))
    assert entry.states(kept).shape == (3, 7)
