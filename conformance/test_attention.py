"""Embedding and attention: masks of both kinds, causal, queries that may look at nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.agreement import agree
from neural_network.functional.attention import scaled_dot_product_attention
from neural_network.functional.embeddings import embedding
from neural_network.functional.shaping import gather, scatter_add


@pytest.mark.parametrize("shape", [(), (7,), (2, 3), (2, 0)])
def test_embedding(shape: Any) -> None:
    rng = np.random.default_rng(1)
    order = 2 if np.prod(shape) else 1  # of no rows PyTorch has no second derivative
    indices = np.asarray(rng.integers(0, 5, shape))
    agree(embedding, indices, rng.standard_normal((5, 3)), order=order)


@pytest.mark.parametrize("count", [1, 12, 200])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_gathering(axis: int, count: int) -> None:
    rng = np.random.default_rng(2)
    X, places = rng.standard_normal((4, 5, 6)), rng.integers(0, 4, count)
    agree(gather, X, places, axis)
    agree(scatter_add, np.take(X, places, axis), places, axis, 5)


def drawn(lead: Any, lq: int, lk: int) -> tuple[np.random.Generator, list[Any]]:
    rng = np.random.default_rng([*lead, lq, lk])
    sizes = ((lq, 3), (lk, 3), (lk, 2))
    return rng, [2 * rng.standard_normal((*lead, *size)) for size in sizes]


@pytest.mark.parametrize(("lq", "lk"), [(4, 4), (2, 5), (5, 2), (1, 1)])
@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
@pytest.mark.parametrize("causal", [False, True])
def test_attention(causal: bool, lead: Any, lq: int, lk: int) -> None:
    rng, parts = drawn(lead, lq, lk)
    agree(scaled_dot_product_attention, *parts, causal=causal)
    agree(scaled_dot_product_attention, *parts, causal=causal, scale=0.25)
    mask = rng.random((lq, lk)) < 0.6
    mask[:, 0] = True
    agree(scaled_dot_product_attention, *parts, causal=causal, mask=mask)
    added = rng.standard_normal((*lead, lq, lk))
    agree(scaled_dot_product_attention, *parts, causal=causal, mask=added)
    closed = np.where(mask, 0.0, -np.inf)
    agree(scaled_dot_product_attention, *parts, causal=causal, mask=closed, fixed=("mask",))


def test_a_query_that_may_look_at_nothing() -> None:
    _, parts = drawn((2,), 3, 4)
    mask = np.ones((3, 4), bool)
    mask[1] = False
    agree(scaled_dot_product_attention, *parts, mask=mask, order=1)
