"""Pictures and actions kept as files, so that a changed world shows in review.

After a change that is meant, raise WORLD_VERSION, write them again with `INSTAR_GOLDEN=write pytest tests` and look.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from instar.demo import Context, Image, Observation
from instar.embodiments.vima import VIMA
from instar.simulator import Task
from instar.simulators.tabletop import WORLD_VERSION, Tabletop
from instar.simulators.tabletop.tasks import FAMILIES

FOLDER = Path(__file__).parent / "golden"
SUITES = {family.name: family.suites[0] for family in FAMILIES}
SEED = 42


def _sheet(observation: Observation) -> Image:
    """Both cameras under one another."""
    return Image.of(np.concatenate([observation.images[camera].pixels for camera in ("front", "top")]))


def _facts(name: str) -> tuple[dict[str, object], Image]:
    simulator = Tabletop()
    instruction, observation = simulator.reset(Task(name, SUITES[name]), SEED)
    action = simulator.expert().act([Context(VIMA, instruction, observation)])[0].actions[0]
    boxes = {
        thing.name + f" {thing.id}": {
            camera: [box.left, box.top, box.right, box.bottom] for camera, box in thing.boxes.items()
        }
        for thing in observation.objects
    }
    facts: dict[str, object] = {"text": instruction.text, "action": action.round(6).tolist(), "boxes": boxes}
    return facts, _sheet(observation)


@pytest.mark.parametrize("name", SUITES)
def test_the_world_is_as_it_was(name: str) -> None:
    facts, sheet = _facts(name)
    text, picture = FOLDER / f"{name}.json", FOLDER / f"{name}.png"
    if os.environ.get("INSTAR_GOLDEN") == "write":
        text.write_text(json.dumps({"world": WORLD_VERSION, **facts}, indent=1) + "\n", encoding="utf-8")
        picture.write_bytes(sheet.data)
    assert json.loads(text.read_text(encoding="utf-8")) == {"world": WORLD_VERSION, **facts}
    kept = Image.encoded(picture.read_bytes()).pixels
    # Another processor may round a ray to the other side of an edge; a change of the world moves far more.
    assert (kept != sheet.pixels).any(axis=-1).mean() < 1e-4
