"""The kernels of networks of tokens beside PyTorch, in float32, of drawn sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.needs import need_fast
from torch.nn import functional as F

import neural_network as nn

need_fast()

DRAWN = range(30)


def compare(ours: list[Any], theirs: list[torch.Tensor]) -> None:
    for found, expected in zip(ours, theirs, strict=True):
        desired = expected.detach().numpy()
        scale = float(np.abs(desired).max()) + 1e-3
        np.testing.assert_allclose(found, desired, rtol=1e-3, atol=1e-4 * scale)


def both(function: Any, reference: Any, arrays: list[Any], rng: np.random.Generator) -> None:
    """Compare results, and gradients for a drawn one of the result."""
    leaves = [nn.Tensor(array, requires_grad=True) for array in arrays]
    theirs = [torch.from_numpy(array.copy()).requires_grad_() for array in arrays]
    with nn.use_kernels("numba"):
        out = function(*leaves)
        g = rng.standard_normal(out.shape).astype(np.float32)
        out.backward(g)
    expected = reference(*theirs)
    expected.backward(torch.from_numpy(g))
    compare([out.data, *(leaf.grad for leaf in leaves)], [expected, *(t.grad for t in theirs)])


def normal(rng: np.random.Generator, *shape: int) -> Any:
    return rng.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("seed", DRAWN)
def test_attention(seed: int) -> None:
    rng = np.random.default_rng(seed)
    most = [4, 4, 150, 150, 40, 40]
    rows, heads, count, keys, size, outputs = (int(n) for n in rng.integers(1, most))
    shapes = (count, size), (keys, size), (keys, outputs)
    arrays = [normal(rng, rows, heads, *shape) for shape in shapes]
    options: dict[str, Any] = {"scale": float(rng.uniform(0.05, 1))}
    masks: dict[str, Any] = {}
    if seed % 3 == 1:
        masks = {"causal": True}
    if seed % 3 == 2:
        mask = rng.random((count, keys)) < 0.5
        mask[:, 0] = True  # of a query that may look at nothing, PyTorch's result is NaN
        masks = {"mask": mask}

    def reference(*tensors: Any) -> Any:
        given = masks.get("mask")
        given = None if given is None else torch.from_numpy(given)
        return F.scaled_dot_product_attention(
            *tensors, attn_mask=given, is_causal=bool(masks.get("causal")), **options
        )

    both(lambda *a: nn.scaled_dot_product_attention(*a, **masks, **options), reference, arrays, rng)


@pytest.mark.parametrize("seed", DRAWN)
def test_layer_norm(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(1, 40, rng.integers(1, 4)))
    sizes = shape[int(rng.integers(len(shape))) :]
    arrays = [3 * normal(rng, *shape) + 1, normal(rng, *sizes), normal(rng, *sizes)]
    axes = tuple(range(-len(sizes), 0))
    both(
        lambda *a: nn.layer_norm(*a, axes=axes, epsilon=0.01),
        lambda X, gamma, beta: F.layer_norm(X, sizes, gamma, beta, 0.01), arrays, rng,
    )  # fmt: skip


@pytest.mark.parametrize("seed", DRAWN)
def test_embedding(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vocabulary, size, rows, tokens = (int(n) for n in rng.integers(1, 60, 4))
    places = rng.integers(0, vocabulary, (rows, tokens))
    both(
        lambda table: nn.embedding(places, table),
        lambda table: F.embedding(torch.from_numpy(places), table),
        [normal(rng, vocabulary, size)], rng,
    )  # fmt: skip


@pytest.mark.parametrize("seed", DRAWN)
def test_dense_layers_of_tokens(seed: int) -> None:
    rng = np.random.default_rng(seed)
    most = [9, 70, 150, 150, 90]
    rows, tokens, inputs, hidden, outputs = (int(n) for n in rng.integers(1, most))
    model = nn.Sequential(nn.Dense(hidden, "relu"), nn.Dense(outputs, bias=seed % 2 > 0))
    model.initialize((tokens, inputs), rng=seed)

    def theirs(X: Any, *parameters: Any) -> Any:
        W, b, V, *c = parameters
        out = torch.relu(X @ W + b) @ V
        return out + c[0] if c else out

    X, parameters = normal(rng, rows, tokens, inputs), model.parameters()
    g = normal(rng, rows, tokens, outputs)
    leaf = nn.Tensor(X, requires_grad=True)
    with nn.use_kernels("numba"):
        out = model(leaf)
        out.backward(g)
    given = X, *(p.data for p in parameters)
    tensors = [torch.from_numpy(array.copy()).requires_grad_() for array in given]
    expected = theirs(*tensors)
    expected.backward(torch.from_numpy(g))
    compare(
        [out.data, leaf.grad, *(p.grad for p in parameters)], [expected, *(t.grad for t in tensors)]
    )
