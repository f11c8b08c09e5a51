import pytest
import torch

from benchmarks.gpu import NOT_MEASURED, run


@pytest.mark.skipif(torch.cuda.is_available(), reason="what is measured with a GPU takes minutes")
def test_without_a_gpu_it_runs_at_small_size_and_says_that_nothing_was_measured() -> None:
    result = run("full")
    assert NOT_MEASURED in result.notes
    training, alone, together = result.comparisons
    assert [rate.name for rate in training.rates] == ["padded", "packed"]
    assert all(comparison.met is None for comparison in result.comparisons)
    assert {rate.name for rate in (*alone.rates, *together.rates)} == {"model.generate, free", "constrained"}
    assert not any("peak" in fact.what or "memory" in fact.what for fact in result.facts)
