"""Small samples folders for tests of mixtures and exchange."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from instar import plugins
from instar.building.rows import Tools, rows_of
from instar.demo import Episode
from instar.embodiments.vima import VIMA
from instar.files import MANIFEST, digest_file, write_bytes, write_json
from instar.plugins import Choice
from instar.samples import FORMAT, ActionStatistics, Manifest, Samples, ShardEntry
from instar.shards import Row, ShardWriter
from tests.toy import toy_episode

SIX = ("obj_det", "obj_loc", "act_pred", "fut_pred", "spa_rel", "tmp_rel")


def toy_samples(
    folder: Path,
    episodes: Sequence[Episode] | None = None,
    *,
    recipe: str = "llara",
    auxiliary: Sequence[str] = SIX,
    extra: Sequence[Row] = (),
) -> Samples:
    """The samples of `episodes`, by default LLaRA's toy episode under the id it has in the specification."""
    if episodes is None:
        episodes = [replace(toy_episode(), id="vima_v6/rearrange/000042")]
    asker = plugins.make("recipes", recipe)
    tasks = {Choice.parse(text).name: plugins.make("auxiliary", text) for text in auxiliary}
    tools = Tools(plugins.make("demos", "vima:."), Choice.parse(recipe).name, asker, tasks)
    rows = [*(row for episode in episodes for row in rows_of(episode, tools, seed=0)), *extra]
    writer = ShardWriter()
    writer.add(rows)
    data = writer.finish("toys", len(episodes), ())
    write_bytes(folder / "toys.parquet", data)
    actions = np.concatenate([row.actions for row in rows if row.actions.shape[1]])
    manifest = Manifest(
        format=FORMAT,
        instar="0",
        plan="toys",
        demos=Choice("vima"),
        recipe=plugins.choice_of("recipes", asker),
        auxiliary=tuple(plugins.choice_of("auxiliary", task) for task in tasks.values()),
        seed=0,
        robot=VIMA,
        statistics=ActionStatistics.of(actions),
        episodes=len(episodes),
        views=writer.views,
        counts=dict(writer.counts),
        left_out=(),
        shards=(ShardEntry("toys.parquet", writer.views, len(data), digest_file(folder / "toys.parquet")),),
    )
    write_json(folder / MANIFEST, manifest.sealed().to_json())
    return Samples.open(folder)
