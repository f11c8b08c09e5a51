"""One pass over a line of tokens makes of every row what the model's own forward makes of it alone."""

import pytest
import torch
import transformers

from pretraining.reading import line, step, weights_of


@pytest.mark.parametrize("looking", [True, False])
def test_rows_behind_pictures_are_read_as_the_model_reads_them(*, looking: bool) -> None:
    model = _llama(layers=2)
    pictures = torch.randn(2, 4, 32)
    groups = [(torch.tensor([0, 1, 1]), torch.randn(3, 3, 32)), (torch.tensor([1]), torch.randn(1, 5, 32))]
    owners, rows = [owner for owner, _ in groups], [row for _, row in groups]
    with torch.no_grad():
        lie = line((2, 4), owners, [3, 5], model.config)
        x = torch.cat([part.flatten(0, 1) for part in (pictures, *rows)])
        for layer in model.layers:
            x, looks = step(x, lie, weights_of(layer), 2, looking=looking)
        found, *read = lie.parts(model.norm(x))
        torch.testing.assert_close(found, model(inputs_embeds=pictures).last_hidden_state, atol=1e-5, rtol=1e-4)
        for (owner, row), mine in zip(groups, read, strict=True):
            wanted = model(inputs_embeds=torch.cat([pictures[owner], row], 1)).last_hidden_state[:, 4:]
            torch.testing.assert_close(mine, wanted, atol=1e-5, rtol=1e-4)
    assert [tuple(look.shape) for look in looks] == ([(3, 2, 3, 7), (1, 2, 5, 9)] if looking else [])
    assert all(torch.allclose(look.sum(-1), torch.ones(())) for look in looks)


def _llama(layers: int) -> transformers.LlamaModel:
    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=layers, num_attention_heads=2, vocab_size=50
    )
    return transformers.LlamaModel(config)


def test_what_is_learned_does_not_depend_on_whether_looks_are_given_back() -> None:
    model = _llama(layers=1)
    weights = weights_of(model.layers[0])
    x = torch.randn(2 * 4 + 3 * 5, 32, requires_grad=True)
    lie = line((2, 4), [torch.tensor([0, 1, 1])], [5], model.config)
    slopes = [
        torch.autograd.grad(step(x, lie, weights, 2, looking=looking)[0].pow(2).sum(), (x, *weights))
        for looking in (True, False)
    ]
    torch.testing.assert_close(*slopes, atol=1e-5, rtol=1e-4)
