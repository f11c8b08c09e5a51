"""Contact sheets and histograms: nothing of what there is gets lost on them."""

from pathlib import Path

import numpy as np
import pytest

from instar.demo import Image
from instar.doctor import DoctorConfig, examine
from instar.errors import ConfigError
from instar.sheets import GAP, MOST, TALL, contact_sheet, histograms
from tests.demos.rlbench.made import write_episode
from tests.simulators.arm.playing import needs_pictures


def shade(value: int, height: int = 64, width: int = 128) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_every_picture_is_on_the_sheet_in_its_order() -> None:
    sheet = contact_sheet([shade(value) for value in (10, 60, 110, 160, 210)])
    wide = 2 * TALL + GAP
    found = [int(sheet[top, left, 0]) for top in range(8, sheet.shape[0], TALL + GAP)
             for left in range(8, sheet.shape[1], wide)]  # fmt: skip
    assert [value for value in found if value != 255] == [10, 60, 110, 160, 210]


def test_of_many_pictures_the_sheet_has_the_first_and_the_last() -> None:
    sheet = contact_sheet([shade(1)] + [shade(100, 32, 32)] * 500 + [shade(2)])
    assert {1, 2, 100} <= set(np.unique(sheet).tolist())
    assert sheet.shape[0] * sheet.shape[1] <= 2 * MOST * (TALL + GAP) * (2 * TALL + GAP)


def test_a_histogram_shows_what_is_rare_and_what_never_changes() -> None:
    values = np.zeros((10_000, 2))
    values[0, 0] = 1.0
    drawn = histograms(("push", "still"), values)
    blue = (drawn == (70, 130, 200)).all(axis=-1)
    push, still = np.split(blue, 2, axis=1)
    assert push[:, : push.shape[1] // 2].any()
    assert push[:, push.shape[1] // 2 :].any(), "one in ten thousand"
    assert still.any()


def test_the_doctor_draws_demonstrations(tmp_path: Path) -> None:
    write_episode(tmp_path / "open_drawer/all_variations/episodes/episode0", 4, {"front": 0, "wrist": 9}, ["open it"])
    found = examine(DoctorConfig(plugin=f"rlbench:{tmp_path}", pictures=tmp_path / "out"))
    assert [finding.text for finding in found if finding.subject == "picture"] == [
        str(tmp_path / "out" / name) for name in ("front.png", "wrist.png", "actions.png")
    ]
    assert Image.encoded((tmp_path / "out" / "actions.png").read_bytes()).pixels.shape[1] == 4 * 220


def test_pictures_are_of_demonstrations(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="pictures are of demonstrations"):
        examine(DoctorConfig(pictures=tmp_path))


@needs_pictures
def test_demonstrations_that_bear_the_name_of_a_simulator_are_told_by_their_options() -> None:
    found = examine(DoctorConfig(plugin="arm:episodes=2,height=16,width=32,tasks=pick_and_lift"))
    assert "episodes" in {finding.subject for finding in found}
