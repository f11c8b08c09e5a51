"""Plays the oracle in a plain loop, without our messages, and writes the episode as VIMA's raw data set has it.

Run in the interpreter of VIMA-Bench or of the stand-in:

    python recorder.py WORLD CHECKOUT FILES OUT PARTITION TASK SEED
"""

from __future__ import annotations

import importlib
import pickle
import random
import sys
import tempfile
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np


def record(bench: Any, out: Path, partition: str, task: str, seed: int) -> None:
    """One episode of the oracle into the folder `out`."""
    random.seed(seed)
    importlib.import_module("numpy.random").seed(seed)
    arguments = bench.PARTITION_TO_SPECS["test"][partition][task]
    env = bench.make(task, task_kwargs=arguments, modalities=["rgb", "segm"], seed=seed)
    observations, actions, told = [env.reset()], [], {"success": False, "failure": False}
    while not (told["success"] or told["failure"]):
        action = env.task.oracle(env).act(observations[-1])
        space = env.action_space
        action = {
            key: np.clip(value, space[key].low, space[key].high).astype(np.float32) for key, value in action.items()
        }
        observed, _, _, told = env.step(action, skip_oracle=False)
        observations.append(observed)
        actions.append(action)
    # Enums are left out: some Pythons (3.11.0 to 3.11.3) pickle them as a call of getattr, which no reader should make.
    named = {
        id: {key: value for key, value in about.items() if not isinstance(value, Enum)}
        for id, about in env.meta_info["obj_id_to_info"].items()
    }
    info = {
        **env.meta_info,
        "obj_id_to_info": named,
        **told,
        "prompt": env.prompt,
        "prompt_assets": env.prompt_assets,
        "steps": len(actions),
    }
    write(out, observations, actions, info)


def write(out: Path, observations: list[Any], actions: list[Any], trajectory: dict[str, Any]) -> None:
    """The files of an episode; its pictures twice, as the data set has them and without loss."""
    encode = importlib.import_module("cv2").imencode
    for t, seen in enumerate(observations):
        for view, rgb in seen["rgb"].items():
            (out / f"rgb_{view}").mkdir(parents=True, exist_ok=True)
            bgr = np.ascontiguousarray(rgb.transpose(1, 2, 0)[:, :, ::-1])
            for ending in ("jpg", "png"):
                (out / f"rgb_{view}" / f"{t}.{ending}").write_bytes(encode("." + ending, bgr)[1].tobytes())
    segm = {view: np.stack([seen["segm"][view] for seen in observations]) for view in observations[0]["segm"]}
    observed = {"segm": segm, "ee": np.array([seen["ee"] for seen in observations])}
    done = {key: np.stack([action[key] for action in actions]) for key in actions[0]}
    for name, content in (("obs", observed), ("action", done), ("trajectory", trajectory)):
        (out / f"{name}.pkl").write_bytes(pickle.dumps(content))


def main(world: str, checkout: str, files: str, out: str, *what: str) -> None:
    """Record one episode."""
    sys.path.insert(0, str(Path(world).parent))
    tempfile.tempdir = files
    record(importlib.import_module("world").load(checkout), Path(out), what[0], what[1], int(what[2]))


if __name__ == "__main__":
    main(*sys.argv[1:])
