from benchmarks.decoding import run


def test_replies_within_the_grammar_are_compared_with_free_ones_and_all_can_be_read() -> None:
    found = run("small")
    assert [comparison.what for comparison in found.comparisons][:4] == [
        f"{model} model, {rows} at a time" for model in ("small", "grown") for rows in ("one", "16")
    ]
    facts = {fact.what: fact for fact in found.facts}
    well = facts["prompts that `generate` answers in the form asked for"].value
    assert well > 0
    assert facts["of these, answered in the same words within the grammar"].value == well
    assert facts["unreadable replies of random weights"].value == 0
    assert facts["passes a word, of LLaRA's answers"].value < 0.5
