"""The quick way to read is the model's own, losses fall, and a course that was interrupted goes on."""

from pathlib import Path

import numpy as np
import torch

from instar.backbones.hf import load
from pretraining.lessons import IGNORE, PICTURES, Scribe, ask, views
from pretraining.measure import Share, Tally
from pretraining.model import make
from pretraining.pictures import draw_all
from pretraining.teach import Examiner, Teacher
from pretraining.words import phrases, texts


def test_the_loss_of_words_is_that_of_the_model_itself(tmp_path: Path) -> None:
    folder = make(tmp_path / "model", texts(), phrases(), seed=1)
    backbone = load(folder, "cpu", "float32")
    scribe = Scribe(backbone.tokenizer)
    pictures = draw_all(tmp_path / "scenes", "teach", PICTURES, lambda *_: None)
    seen = views(pictures, range(PICTURES))
    branches = scribe.branches(ask(pictures, range(PICTURES), 2, np.random.default_rng(0)))
    teacher = Teacher(backbone.model, Examiner(), Examiner(), scribe.before()[0])
    backbone.model.train(mode=False)
    with torch.no_grad():
        teacher.loss(seen, branches)
        rows = branches[0]
        prefix = torch.tensor([[*scribe.before()[0], *[backbone.model.config.image_token_id] * 128]])
        ids = torch.cat([prefix.expand(len(rows.tokens), -1), rows.tokens], 1)
        logits = backbone.model(input_ids=ids, pixel_values=seen.rgb[rows.owner]).logits[:, prefix.shape[1] :]
        cells, _ = teacher.eye(seen)
        _, [read, *_] = teacher.read(cells, branches)
    learned = rows.labels != IGNORE
    torch.testing.assert_close(backbone.model.lm_head(read.hidden)[learned], logits[learned], atol=1e-4, rtol=1e-3)


def test_figures_say_shares_with_intervals() -> None:
    tally = Tally(
        errors=[(1, 3.0), (5, 12.0)],
        found=[(2, 2, 2, 1)],
        named=[True, False],
        counted=[True],
        told={"read": [True, True, False, True]},
    )
    figures = tally.figures()
    assert figures["median px off"] == 7.5
    assert figures["within 5 px"] == Share(1, 2)
    assert figures["within 10 px by things: 4 to 6"] == Share(0, 1)
    assert figures["found and named (recall)"] == Share(1, 2)
    assert str(figures["quoted word for word: read"]) == "75.0 % [30.1, 95.4] of 4"
