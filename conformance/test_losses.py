"""Losses with every option, on drawn predictions and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.agreement import agree
from neural_network import functional as losses
from neural_network.functional import labels

REDUCTIONS = ["mean", "sum", "none"]
SHAPES = [(5,), (4, 3), (2, 3, 4)]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("loss", "options"),
    [
        (losses.mse_loss, {}),
        (losses.l1, {}),
        (losses.huber, {}),
        (losses.huber, {"delta": 0.3}),
        (losses.huber, {"delta": 2.5}),
    ],
)
def test_numbers(loss: Any, options: Any, shape: Any, reduction: str) -> None:
    rng = np.random.default_rng(1)
    y = rng.standard_normal(shape)
    agree(loss, y + 2 * rng.standard_normal(shape), y, reduction=reduction, **options)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_binary(shape: Any, reduction: str) -> None:
    rng = np.random.default_rng(2)
    A, Z = rng.uniform(0.02, 0.98, shape), 4 * rng.standard_normal(shape)
    hard, soft = rng.integers(0, 2, shape), rng.uniform(0, 1, shape)
    weights = rng.uniform(0.5, 3, shape[-1:])
    for y in (hard, soft):
        agree(losses.binary_cross_entropy, A, y, reduction=reduction)
        logits = losses.binary_cross_entropy_with_logits
        agree(logits, Z, y, reduction=reduction)
        agree(logits, Z, y, reduction=reduction, positive_weight=2.5)
        if len(shape) > 1:
            agree(logits, Z, y, reduction=reduction, positive_weight=weights)


def test_binary_with_scores_of_any_size() -> None:
    Z = np.array([-800.0, -30.0, 30.0, 800.0])
    for y in (np.zeros(4), np.ones(4), np.array([1, 0, 0, 1])):
        agree(losses.binary_cross_entropy_with_logits, Z, y, reduction="none")


WEIGHTS = [None, np.array([0.5, 2.0, 1.0, 0.0])]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("class_weights", WEIGHTS, ids=["plain", "weighted"])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("ignore_index", [None, 1, -100, 255])
def test_softmax_cross_entropy(
    ignore_index: Any, label_smoothing: float, class_weights: Any, reduction: str
) -> None:
    rng = np.random.default_rng(3)
    Z, y = 3 * rng.standard_normal((9, 4)), rng.integers(0, 4, 9)
    if ignore_index is not None:
        y[[0, 4]] = ignore_index
    options = {"class_weights": class_weights, "reduction": reduction}
    agree(
        losses.softmax_cross_entropy, Z, y, **options,
        label_smoothing=label_smoothing, ignore_index=ignore_index,
    )  # fmt: skip


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("class_weights", WEIGHTS, ids=["plain", "weighted"])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_softmax_cross_entropy_of_shares(
    label_smoothing: float, class_weights: Any, reduction: str
) -> None:
    rng = np.random.default_rng(4)
    Z, shares = 3 * rng.standard_normal((6, 4)), rng.dirichlet(np.ones(4), 6)
    for y in (shares, np.eye(4)[rng.integers(0, 4, 6)]):
        agree(
            losses.softmax_cross_entropy, Z, y,
            class_weights=class_weights, label_smoothing=label_smoothing, reduction=reduction,
        )  # fmt: skip


def test_softmax_cross_entropy_of_scores_of_any_size() -> None:
    Z = np.array([[1000.0, 0.0, -1000.0], [-1e4, -1e4, -1e4 + 1], [0.0, 0.0, 0.0]])
    agree(losses.softmax_cross_entropy, Z, np.array([2, 0, 1]), reduction="none")


def log_probabilities(rng: np.random.Generator, shape: Any) -> Any:
    return np.log(rng.dirichlet(np.ones(shape[1]), shape[0]) * 0.99 + 0.0025)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("class_weights", WEIGHTS, ids=["plain", "weighted"])
@pytest.mark.parametrize("ignore_index", [None, 2, -1])
def test_nll(ignore_index: Any, class_weights: Any, reduction: str) -> None:
    rng = np.random.default_rng(5)
    L, y = log_probabilities(rng, (7, 4)), rng.integers(0, 4, 7)
    if ignore_index is not None:
        y[3] = ignore_index
    options = {"class_weights": class_weights, "reduction": reduction}
    agree(losses.nll, L, y, ignore_index=ignore_index, **options)
    agree(losses.nll, L, rng.dirichlet(np.ones(4), 7), **options)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_distributions(reduction: str) -> None:
    rng = np.random.default_rng(6)
    L, p = log_probabilities(rng, (5, 4)), rng.dirichlet(np.ones(4), 5)
    agree(losses.kl, L, p, reduction=reduction)
    agree(losses.cross_entropy, np.exp(L), np.eye(4)[rng.integers(0, 4, 5)], reduction=reduction)
    p[0] = [0, 1, 0, 0]  # where the slope for p itself is another in both
    agree(losses.kl, L, p, reduction=reduction, fixed=("p",))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_hinge(reduction: str) -> None:
    rng = np.random.default_rng(7)
    for shape in SHAPES:
        S = 2 * rng.standard_normal(shape)
        agree(losses.hinge, S, rng.choice([-1, 1], shape), reduction=reduction)
    for k in (2, 5):
        S = 2 * rng.standard_normal((6, k))
        agree(losses.hinge, S, rng.integers(0, k, 6), reduction=reduction)


def test_l2_regularization() -> None:
    rng = np.random.default_rng(8)
    agree(losses.l2_regularization, [rng.normal(size=(3, 2)), rng.normal(size=4)], 0.3)


def test_one_hot() -> None:
    agree(labels.one_hot, np.array([2, 0, 1, 2]), order=0)
    agree(labels.one_hot, np.array([2, 0, 1, 2]), 5, order=0)
