from pathlib import Path

import pytest

from benchmarks import readers
from instar.demos.rlds import Rlds
from tests.demos.rlds.test_source import BRIDGE


def test_a_small_run_measures_instar_alone_where_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(readers.TFDS, raising=False)
    found = readers.run("small")
    assert not found.comparisons
    assert found.notes == (readers.ABSENT,)
    facts = {fact.what.rpartition(": ")[2]: fact for fact in found.facts}
    assert facts["counts of episodes and pictures"].met
    assert all(facts[what].value > 0 for what in (f"processor time, {readers.OURS}", f"peak memory, {readers.OURS}"))


@pytest.mark.skipif(not BRIDGE.is_dir(), reason="the sample of BridgeData V2 is not there")
def test_larger_pictures_are_of_the_same_episodes(tmp_path: Path) -> None:
    large = Rlds(readers.repeated(BRIDGE / "1.0.0", tmp_path / "large", 2, 32), standard="plain")
    assert len(large.ids()) == 50
    ours, theirs = large.episode("train/000026"), Rlds(BRIDGE, standard="plain").episode("train/000001")
    assert ours.instruction.text == theirs.instruction.text
    assert (ours.action(3) == theirs.action(3)).all()
    assert ours.steps[0].observation.images["image_3"].pixels.shape == (32, 32, 3)
