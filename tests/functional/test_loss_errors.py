"""What the losses refuse, and in which words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn

ENTROPY = nn.softmax_cross_entropy
BINARY = nn.binary_cross_entropy_with_logits
THREE = np.zeros((2, 3))
LOG3 = nn.log_softmax(THREE)
REFUSED: list[tuple[Any, str]] = [
    (lambda: ENTROPY(THREE, [0, 3]), "labels: expected class indices from 0 to 2, received 3 at index 1"),
    (lambda: ENTROPY(THREE, [0, -1]), "labels: expected class indices from 0 to 2, received -1"),
    (lambda: ENTROPY(THREE, [0.5, 1]), "labels: expected class indices from 0 to 2, received 0.5"),
    (lambda: ENTROPY(THREE, [np.nan, 1]), "labels: expected no NaN, received 1 NaN"),
    (lambda: ENTROPY(THREE, [np.inf, 1]), "labels: expected class indices from 0 to 2, received inf"),
    (lambda: ENTROPY(THREE, [0, 5], ignore_index=-1), "labels: expected class indices from 0 to 2, received 5 at index 1"),
    (lambda: ENTROPY(THREE, [0, 1, 2]), r"softmax_cross_entropy: labels: expected shape \(2,\) or \(2, 3\), received shape \(3,\)"),
    (lambda: ENTROPY(THREE, [0]), r"labels: expected shape \(2,\) or"),
    (lambda: ENTROPY(THREE, [[0], [1]]), r"labels: expected shape \(2,\) or \(2, 3\), received shape \(2, 1\)"),
    (lambda: ENTROPY(THREE, 0), r"labels: expected shape \(2,\) or"),
    (lambda: ENTROPY(THREE, ["a", "b"]), "labels: expected real numbers, received dtype <U1"),
    (lambda: ENTROPY(THREE, np.full((2, 3), 0.5)), "labels: expected rows that sum to 1, received a sum of 1.5 in row 0"),
    (lambda: ENTROPY(THREE, [[1, 0, 0], [2, -1, 0]]), "labels: expected values from 0 to 1, received values from -1 to 2"),
    (lambda: ENTROPY(THREE, [[1, 0, 0], [np.nan, 1, 0]]), "labels: expected no NaN"),
    (lambda: ENTROPY(THREE, np.eye(3)[:2], ignore_index=0), "ignore_index: expected None, because rows of probabilities hold no index, received 0"),
    (lambda: ENTROPY(THREE, [0, 1], ignore_index=0.0), "ignore_index: expected a whole number"),
    (lambda: ENTROPY(THREE, [7, 7], ignore_index=7), "labels: expected a row that counts, for a mean over the rows, received 2 that are ignored"),
    (lambda: ENTROPY(THREE, [0, 0], class_weights=[0, 1, 1]), "labels: expected a row that counts"),
    (lambda: ENTROPY(THREE, [0, 1], class_weights=[1, 1]), r"class_weights: expected shape \(3,\), received shape \(2,\)"),
    (lambda: ENTROPY(THREE, [0, 1], class_weights=2.0), r"class_weights: expected shape \(3,\), received shape \(\)"),
    (lambda: ENTROPY(THREE, [0, 1], class_weights=[1, -1, 1]), "class_weights: expected finite numbers of at least 0 in float64, received -1 for class 1"),
    (lambda: ENTROPY(THREE, [0, 1], class_weights=[1, 1, np.nan]), "class_weights: expected finite numbers of at least 0 in float64, received nan for class 2"),
    (lambda: ENTROPY(THREE, [0, 1], class_weights=[0, 0, 0]), "class_weights: expected a class that weighs more than 0, received only zeros"),
    (lambda: ENTROPY(THREE, [0, 1], label_smoothing=1.5), "label_smoothing: expected a finite number from 0 to 1, received 1.5"),
    (lambda: ENTROPY(THREE, [0, 1], reduction="batch"), "softmax_cross_entropy: reduction: expected one of 'mean', 'sum', 'none'"),  # type: ignore[arg-type]
    (lambda: ENTROPY(THREE[0], [0]), r"logits: expected 2 dimensions, received shape \(3,\)"),
    (lambda: ENTROPY(np.zeros((0, 3)), []), "logits: expected at least one element"),
    (lambda: ENTROPY(THREE + 1j, [0, 1]), "logits: expected real numbers"),
    (lambda: nn.nll(LOG3, [0, 3]), "nll: labels: expected class indices from 0 to 2, received 3"),
    (lambda: nn.nll(LOG3, [0, 1], class_weights=[1, -1, 1]), "nll: class_weights: expected finite numbers"),
    (lambda: nn.nll(LOG3, [7, 7], ignore_index=7), "nll: labels: expected a row that counts"),
    (lambda: nn.nll(np.exp(LOG3), [0, 1]), "nll: log_probabilities: expected logarithms of probabilities, none above 0, received 0.3333"),
    (lambda: nn.kl(np.exp(LOG3), np.exp(LOG3)), "kl: log_q: expected logarithms of probabilities"),
    (lambda: nn.kl(LOG3, LOG3), "kl: p: expected values from 0 to 1"),
    (lambda: nn.kl(LOG3, THREE), "kl: p: expected rows that sum to 1, received a sum of 0 in row 0"),
    (lambda: nn.kl(LOG3, np.exp(LOG3[:1])), r"kl: p: expected the shape \(2, 3\) of log_q, received shape \(1, 3\)"),
    (lambda: nn.kl(LOG3[0], np.exp(LOG3[0])), "kl: log_q: expected 2 dimensions"),
    (lambda: BINARY([0.0], [[1]]), r"y: expected the shape \(1,\) of logits"),
    (lambda: BINARY([0.0], [2]), "y: expected values from 0 to 1, received values from 2 to 2"),
    (lambda: BINARY([0.0], [np.nan]), "y: expected no NaN"),
    (lambda: BINARY([0.0], [1], positive_weight=-1), "positive_weight: expected a finite number above 0"),
    (lambda: BINARY([0.0], [1], positive_weight=[1]), r"positive_weight: expected a single number for logits of shape \(1,\)"),
    (lambda: BINARY(THREE, THREE, positive_weight=[1, 1]), r"positive_weight: expected shape \(3,\)"),
    (lambda: BINARY(THREE, THREE, positive_weight=[1, 1, -2]), "positive_weight: expected finite numbers of at least 0 in float64, received -2"),
    (lambda: nn.hinge([1.0, 2.0], [0, 1]), "hinge: y: expected labels −1 and 1, received 0"),
    (lambda: nn.hinge(THREE, [0, 3]), "hinge: y: expected class indices from 0 to 2, received 3"),
    (lambda: nn.hinge([[1.0], [2.0]], [1, -1]), r"hinge: y: expected the shape \(2, 1\) of scores with −1 and 1, received shape \(2,\)"),
    (lambda: nn.hinge(THREE, [0, 1, 2]), r"hinge: y: expected the shape \(2, 3\) of scores with −1 and 1, or \(2,\) with class indices"),
    (lambda: nn.hinge([], []), "hinge: scores: expected at least one element"),
    (lambda: nn.hinge(THREE, [0, 1], reduction="all"), "hinge: reduction: expected one of"),  # type: ignore[arg-type]
    (lambda: nn.l1([1.0, 2.0], [[1.0], [2.0]]), r"l1: y: expected the shape \(2,\) of y_pred"),
    (lambda: nn.l1([1.0], [np.nan]), "l1: y: expected no NaN"),
    (lambda: nn.huber([1.0], [1.0, 2.0]), r"huber: y: expected the shape \(1,\) of y_pred"),
    (lambda: nn.huber([1.0], [1.0], delta=0), "huber: delta: expected a finite number above 0, received 0"),
    (lambda: nn.mse_loss(1.0, 2.0, reduction="none"), "mse_loss: y_pred: expected at least one axis for reduction='none'"),
    (lambda: nn.mse_loss([1.0], [2.0], reduction=None), "mse_loss: reduction: expected one of"),  # type: ignore[arg-type]
    (lambda: nn.binary_cross_entropy([0.5], [1], reduction="rows"), "reduction: expected one of"),  # type: ignore[arg-type]
    (lambda: nn.cross_entropy([[1.0]], [[1]], reduction="rows"), "cross_entropy: reduction: expected"),  # type: ignore[arg-type]
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "complaint"), REFUSED)
def test_what_is_refused(wrong: Any, complaint: str) -> None:
    with pytest.raises(nn.errors.ArgumentError, match=complaint):
        wrong()
