"""The benchmark of evaluation, at its smallest: its parts, and that all ways of playing come to the same."""

from benchmarks.evaluating import run


def test_all_ways_of_playing_are_compared_and_come_to_the_same() -> None:
    found = run("small")
    (comparison,) = found.comparisons
    assert comparison.rates[0].name == "one episode at a time"
    assert len(comparison.ratios) == 3
    assert comparison.aim == 4
    facts = {fact.what: fact for fact in found.facts}
    assert facts["small: episodes that another way played otherwise"].met
    assert 0 < facts["small: the model computes"].value <= 100
    assert facts["small: contexts per call"].value > 1
    assert facts["small: time over the floor, the busier of the two"].value >= 1
