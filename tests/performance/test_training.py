from benchmarks.training import run


def test_packed_samples_teach_the_same_for_less() -> None:
    found = run("small")
    names = [[rate.name for rate in comparison.rates] for comparison in found.comparisons]
    assert names == [["padded", "packed"], ["stock Trainer", "packed"]]
    assert all(rate.median > 0 for comparison in found.comparisons for rate in comparison.rates)
    facts = {fact.what: fact for fact in found.facts}
    alike = [fact for what, fact in facts.items() if what.startswith("mean loss")]
    assert len(alike) == 2
    assert all(fact.met for fact in alike)
    alone, padded, packed = (
        facts[f"tokens {of}"].value for of in ("of a sample by itself", "per sample: padded", "per sample: packed")
    )
    assert packed < alone < padded
    assert packed / alone < facts["tokens that packing leaves where samples are only shuffled"].value < 1
    assert facts["floor: multiply-adds, padded / packed"].value > 1
    assert facts["pictures encoded per sample: stock Trainer"].value == 1
