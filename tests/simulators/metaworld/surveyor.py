"""Measures where Meta-World's cameras see the goal, without anything of ours; run in the interpreter that has it.

    python surveyor.py HEIGHT WIDTH CAMERA...

Prints, as JSON by camera: the goal's place in metres, and the middle of its pixels (u, v) in the picture as drawn.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import numpy as np


def survey(height: int, width: int, names: list[str]) -> dict[str, list[list[float]]]:
    """What is seen of the goal of a task that shows it as a ball."""
    engine = importlib.import_module("mujoco")
    env: Any = importlib.import_module("metaworld.env_dict").ALL_V3_ENVIRONMENTS["reach-v3"]()
    vars(env).update(_partially_observable=False, _set_task_called=True, _freeze_rand_vec=False)
    env.seeded_rand_vec = True
    env.seed(0)
    env.reset()
    goal = env.data.site("goal")
    found = {}
    with engine.Renderer(env.model, height, width) as renderer:
        renderer.enable_segmentation_rendering()
        for name in names:
            renderer.update_scene(env.data, name)
            kinds = renderer.render()
            mine = (kinds[..., 0] == goal.id) & (kinds[..., 1] == int(engine.mjtObj.mjOBJ_SITE))
            rows, columns = np.nonzero(mine)
            found[name] = [goal.xpos.tolist(), [float(columns.mean()) + 0.5, float(rows.mean()) + 0.5]]
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(survey(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])) + "\n")
