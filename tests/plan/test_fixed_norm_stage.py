"""Batch norm in evaluation behind pooling or relu equals what NumPy computes layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests.needs import need_fast
from tests.plan.row_networks import network
from tests.plan.test_single_row import by_kernels, by_numpy, check

need_fast()

NAME = "batch norm behind pooling"


def rows(X: Any, count: int) -> Any:
    numbers = np.random.default_rng(5).standard_normal((count, *X.shape[1:]))
    return numbers.astype(np.float32)


@pytest.mark.parametrize("count", [2, 7])
def test_values(count: int, runs: list[tuple[str, list[str]]]) -> None:
    model, X = network(NAME)
    for _ in range(2):
        some = rows(X, count)
        check(by_kernels(model, some), by_numpy(model, some))
        for tensor in (*model.parameters(), *(one for _, one in model.named_buffers())):
            tensor.data *= np.float32(1.5)  # is seen in the next call
    stages = ["ConvStage", "FixedNormStage", "ConvStage", "FixedNormStage", "DenseStage"]
    assert [one for one in runs if one[0] == "Run"] == [("Run", stages)] * 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_comes_through(value: float) -> None:
    model, X = network(NAME)
    some = rows(X, 3)
    some[1, 0, 4, 4] = value
    found, expected = by_kernels(model, some), by_numpy(model, some)
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
    finite = np.isfinite(expected)
    check(found[finite], expected[finite])


def test_one_that_is_recorded_is_computed_by_ops() -> None:
    model, X = network(NAME)
    model.eval()
    found = []
    for mode in ("numba", "numpy"):
        model.zero_grad()
        with nn.use_kernels(mode):
            model(rows(X, 3)).sum().backward()
        found.append([parameter.grad for parameter in model.parameters()])
    for ours, expected in zip(*found, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_batch_norm_of_a_block_in_evaluation() -> None:
    """A shortcut that begins with batch norm, whose input is that of the block."""
    layers = nn.Residual(
        nn.Conv2D(4, 3, padding=1), shortcut=nn.Sequential(nn.BatchNorm(), nn.Activation("relu"))
    )
    model = nn.Sequential(nn.Conv2D(4, 3), layers, nn.GlobalAvgPool2D()).initialize((2, 9, 8))
    for count in (1, 4):
        some = rows(np.empty((1, 2, 9, 8)), count)
        check(by_kernels(model, some), by_numpy(model, some))
