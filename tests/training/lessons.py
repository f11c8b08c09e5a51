"""Small samples folders and training runs for tests."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from instar import __version__
from instar.building.rows import Tools, rows_of
from instar.chat import Conversation, Sample, Turn
from instar.embodiments.vima import VIMA
from instar.files import MANIFEST, digest_file, write_bytes, write_json
from instar.plugins import Choice, choice_of, make
from instar.samples import FORMAT, ActionStatistics, Manifest, ShardEntry
from instar.shards import Row, ShardWriter
from instar.train import TrainConfig
from tests.toy import toy_episode


def lessons(folder: Path, *, episodes: int = 4, extra: Sequence[Row] = (), recipe: str = "llara") -> Path:
    """A samples folder of the toy episode, several times over, with its objects to detect, and any `extra` rows."""
    tools = Tools(make("demos", "vima:."), "llara", make("recipes", recipe), {"obj_det": make("auxiliary", "obj_det")})
    rows = [row for k in range(episodes) for row in rows_of(replace(toy_episode(), id=f"toy/{k}"), tools, seed=0)]
    writer = ShardWriter()
    writer.add([*rows, *extra])
    data = writer.finish("lessons", episodes, ())
    write_bytes(folder / "lessons.parquet", data)
    shard = ShardEntry("lessons.parquet", writer.views, len(data), digest_file(folder / "lessons.parquet"))
    actions = np.concatenate([row.actions for row in rows])
    manifest = Manifest(
        format=FORMAT,
        instar=__version__,
        plan="lessons",
        demos=Choice("vima"),
        recipe=choice_of("recipes", tools.recipe),
        auxiliary=(),
        seed=0,
        robot=VIMA,
        statistics=ActionStatistics.of(actions),
        episodes=episodes,
        views=writer.views,
        counts=dict(writer.counts),
        left_out=(),
        shards=(shard,),
    )
    write_json(folder / MANIFEST, manifest.sealed().to_json())
    return folder


def mute_row() -> Row:
    """A row with one sample in which nothing is said that could be learned."""
    talk = Conversation((Turn("user", "Look."), Turn("assistant", "Yes.")), ())
    return Row("mute/0", (), (Sample("mute/0/llara", "llara", talk),), np.empty((0, 6)))


def run_of(samples: Path, out: Path, **options: Any) -> TrainConfig:
    """A short run on a toy LLaVA in this process, all parts learning."""
    usual: dict[str, Any] = {
        "model": "tiny:llava",
        "steps": 4,
        "batch": 2,
        "lr": 1e-3,
        "freeze": (),
        "save_every": 2,
        "log_every": 1,
        "loader_workers": 0,
        "device": "cpu",
    }
    return TrainConfig((samples,), out=out, **{**usual, **options})
