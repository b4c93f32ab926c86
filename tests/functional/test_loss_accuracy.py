"""Losses keep the digits of sure predictions, and are never below 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import Tensor


def at(loss: Any, prediction: Any, *targets: Any) -> tuple[float, Any]:
    """The loss and its gradient for the prediction; nothing may warn."""
    t = Tensor(np.array(prediction), requires_grad=True)
    out = loss(t, *targets)
    out.backward()
    return out.item(), t.grad


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_right_prediction_costs_0_and_not_less(dtype: str) -> None:
    one, zero = np.ones((1, 2), dtype), np.zeros((1, 2), dtype)
    right = np.array([[0.0, 1.0]], dtype)
    for loss in (
        nn.binary_cross_entropy(right, [[0, 1]]),
        nn.cross_entropy(right, [[0, 1]]),
        nn.nll(np.array([[0.0, -np.inf]], dtype), [0]),
        nn.softmax_cross_entropy(np.array([[0.0, -np.inf]], dtype), [0]),
        nn.binary_cross_entropy_with_logits(np.array([np.inf, -np.inf], dtype), [1, 0]),
        nn.hinge(np.array([5.0], dtype), [1]),
        nn.mse_loss(one, one), nn.l1(zero, zero), nn.huber(one, one),
    ):  # fmt: skip
        assert loss == 0
        assert not np.signbit(loss)


@pytest.mark.parametrize("rest", [1e-6, 1e-9, 1e-12])
def test_probabilities_next_to_0_and_1(rest: float) -> None:
    exact = -np.log1p(-rest) - 1e-15  # with the loss's own ε
    np.testing.assert_allclose(nn.binary_cross_entropy([rest], [0]), exact, rtol=1e-12, atol=1e-18)
    near = 1 - rest  # whose distance from 1 is a number, too
    exact = -np.log1p(near - 1) - 1e-15
    for loss in (
        nn.binary_cross_entropy([near], [1]),
        nn.cross_entropy([[near, rest]], [[1, 0]]),
    ):
        np.testing.assert_allclose(loss, exact, rtol=1e-12, atol=1e-18)


def test_slopes_of_sure_scores() -> None:
    for dtype, score in (("float32", 20.0), ("float64", 40.0)):
        loss, slope = at(
            nn.binary_cross_entropy_with_logits, np.array([score, -score], dtype), [1, 0]
        )
        np.testing.assert_allclose(loss, np.exp(-score), rtol=1e-6)
        np.testing.assert_allclose(slope, np.exp(-score) / 2 * np.array([-1, 1]), rtol=1e-6)


def test_scores_that_are_infinite() -> None:
    loss, slope = at(nn.binary_cross_entropy_with_logits, [np.inf, -np.inf], [1, 0])
    assert (loss, slope.tolist()) == (0, [0, 0])
    loss, slope = at(nn.binary_cross_entropy_with_logits, [np.inf, -np.inf], [0, 1])
    assert (loss, slope.tolist()) == (np.inf, [0.5, -0.5])


def test_margins_of_large_scores() -> None:
    assert nn.hinge([[1e17, 1e17]], [0]) == 1
    assert at(nn.hinge, [[1e17, 1e17]], [0])[1].tolist() == [[-1, 1]]
