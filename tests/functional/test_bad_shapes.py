"""Every kind of shape that does not fit, and the sentence that answers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests.functional.calls import B, F, I, K, L, W, X, descend, mlp, mlp_back

SHAPE = [
    # conv2d: ranks, sizes, channels
    (
        lambda: nn.conv2d(np.ones(5), K),
        "conv2d: image: expected 2, 3 or 4 dimensions, received shape (5,)",
    ),
    (lambda: nn.conv2d(np.ones((1,) * 5), K), "conv2d: image: expected 2, 3 or 4 dimensions"),
    (lambda: nn.conv2d(3.0, K), "conv2d: image: expected 2, 3 or 4 dimensions, received shape ()"),
    (lambda: nn.conv2d(I, np.ones(3)), "conv2d: filter_kernel: expected 2 or 3 dimensions"),
    (lambda: nn.conv2d(I, F), "conv2d: filter_kernel: expected 2 or 3 dimensions"),
    (
        lambda: nn.conv2d(L, K),
        "conv2d: filter_kernel: expected 4 dimensions for an image of shape (2, 4, 5, 5)",
    ),
    (
        lambda: nn.conv2d(np.ones((3, 3)), np.ones((5, 5))),
        "conv2d: a 5×5 filter does not fit a 3×3 image (padding 0); expected at most 3×3",
    ),
    (
        lambda: nn.conv2d(np.ones((3, 3)), np.ones((6, 5)), padding=1),
        "conv2d: a 6×5 filter does not fit a 3×3 image (padding 1); expected at most 5×5",
    ),
    (
        lambda: nn.conv2d(np.ones((3, 3)), np.ones((6, 5)), padding=(1, 0)),
        "does not fit a 3×3 image (padding ((1, 1), (0, 0))); expected at most 5×3",
    ),
    (
        lambda: nn.conv2d(I, K, dilation=3),
        "a 3×3 filter, 7×7 by its dilation, does not fit a 5×5 image",
    ),
    (
        lambda: nn.conv2d(np.ones((0, 5)), K),
        "conv2d: image: expected at least one element, received an empty array (0, 5)",
    ),
    (lambda: nn.conv2d(np.ones((0, 4, 5, 5)), F), "conv2d: image: expected at least one element"),
    (
        lambda: nn.conv2d(I, np.ones((0, 3, 3))),
        "conv2d: filter_kernel: expected at least one element",
    ),
    (
        lambda: nn.conv2d(L, np.ones((6, 3, 3, 3))),
        "conv2d: filter_kernel: expected 4 channels along axis 1 (4 in the image, groups 1), received shape (6, 3, 3, 3)",
    ),
    (lambda: nn.conv2d(L, F, groups=2), "conv2d: filter_kernel: expected 2 channels along axis 1"),
    (
        lambda: nn.conv2d(L, F, groups=3),
        "conv2d: groups: expected a divisor of the 4 channels and of the 6 filters, received 3",
    ),
    (
        lambda: nn.conv2d(L, np.ones((6, 1, 3, 3)), groups=4),
        "conv2d: groups: expected a divisor of the 4 channels",
    ),
    (lambda: nn.conv2d(I, K, groups=2), "conv2d: groups: expected a divisor of the 1 channels"),
    (
        lambda: nn.conv2d(L, F, bias=np.ones(4)),
        "conv2d: bias: expected shape (6,), received shape (4,)",
    ),
    (lambda: nn.conv2d(L, F, bias=1.0), "conv2d: bias: expected shape (6,), received shape ()"),
    (lambda: nn.conv2d(I, K, bias=np.ones((1, 1))), "conv2d: bias: expected shape (1,) or ()"),
    (
        lambda: nn.conv2d(I, K, stride=(1, 1, 1)),
        "conv2d: stride: expected one number or 2 of them, received 3",
    ),
    (
        lambda: nn.conv2d(I, K, padding=()),
        "conv2d: padding: expected one number or 2 of them, received 0",
    ),
    (
        lambda: nn.conv2d(I, K, padding=((1, 1),)),
        "conv2d: padding: expected 2 (before, after) pairs",
    ),
    (
        lambda: nn.conv2d(I, K, padding=((1, 1), 1)),
        "conv2d: padding: expected 2 (before, after) pairs",
    ),
    (
        lambda: nn.conv2d([[1, 2], [3]], K),
        "conv2d: image: expected rows of equal length, received a ragged sequence",
    ),
    # the other functions of the article
    (
        lambda: nn.normalize(np.ones((2, 2, 2))),
        "normalize: X: expected 1 or 2 dimensions, received shape (2, 2, 2)",
    ),
    (lambda: nn.normalize([]), "normalize: X: expected at least one element"),
    (
        lambda: nn.matrix_multiply(X, np.ones((4, 2))),
        "matrix_multiply: W: expected 3 rows, one for each column of X (4, 3), received shape (4, 2)",
    ),
    (lambda: nn.matrix_multiply(np.ones(3), W), "matrix_multiply: X: expected 2 dimensions"),
    (lambda: nn.matrix_multiply(X, np.ones(3)), "matrix_multiply: W: expected 2 dimensions"),
    (
        lambda: nn.softmax(1.0),
        "softmax: Z: expected at least one axis, received shape ()",
    ),
    (
        lambda: nn.softmax(np.ones((3, 0))),
        "softmax: Z: expected at least one class along axis -1, received shape (3, 0)",
    ),
    (
        lambda: nn.mse_loss(np.ones(4), np.ones((4, 1))),
        "mse_loss: y: expected the shape (4,) of y_pred, received shape (4, 1)",
    ),
    (lambda: nn.mse_loss([], []), "mse_loss: y_pred: expected at least one element"),
    (
        lambda: nn.binary_cross_entropy([0.5], [[1]]),
        "binary_cross_entropy: y: expected the shape (1,) of the prediction A",
    ),
    (
        lambda: nn.binary_cross_entropy([], []),
        "binary_cross_entropy: A: expected at least one element",
    ),
    (lambda: nn.cross_entropy([0.5, 0.5], [0, 1]), "cross_entropy: A: expected 2 dimensions"),
    (
        lambda: nn.cross_entropy([[0.5, 0.5]], [1]),
        "cross_entropy: y: expected the shape (1, 2) of the prediction A, received shape (1,)",
    ),
    (
        lambda: nn.cross_entropy(np.ones((0, 2)), np.ones((0, 2))),
        "cross_entropy: A: expected at least one element",
    ),
    (
        lambda: nn.forward_perceptron(X, np.ones((2, 1)), B),
        "forward_perceptron: W: expected shape (3, 1), received shape (2, 1)",
    ),
    (
        lambda: nn.forward_perceptron(X, W, np.ones(2)),
        "forward_perceptron: b: expected shape (1, 1) or (1,), received shape (2,)",
    ),
    (
        lambda: nn.forward_perceptron(np.ones(3), W, B),
        "forward_perceptron: X: expected 2 dimensions",
    ),
    (
        lambda: nn.forward_perceptron(np.ones((0, 3)), W, B),
        "forward_perceptron: X: expected at least one element",
    ),
    (
        lambda: mlp(W1=np.ones((4, 5))),
        "forward_mlp: X: expected (n, 4), a row per sample, as W1 of shape (4, 5) takes, received "
        "shape (4, 3); X.T has it",
    ),
    (
        lambda: mlp(W1=np.ones((6, 5))),
        "forward_mlp: W1: expected shape (3, 5), received shape (6, 5)",
    ),
    (
        lambda: mlp(W2=np.ones((4, 2))),
        "forward_mlp: W2: expected shape (5, 2), received shape (4, 2)",
    ),
    (
        lambda: mlp(b1=np.ones((4, 5))),
        "forward_mlp: b1: expected shape (1, 5) or (5,), received shape (4, 5)",
    ),
    (
        lambda: mlp(b2=np.ones(1)),
        "forward_mlp: b2: expected shape (1, 2) or (2,), received shape (1,)",
    ),
    (lambda: mlp(X=np.ones(3)), "forward_mlp: X: expected 2 dimensions"),
    (
        lambda: mlp_back(y=np.zeros(4)),
        "backward_mlp: y: expected shape (4, 2), received shape (4,)",
    ),
    (
        lambda: mlp_back(A1=np.ones((3, 5))),
        "backward_mlp: A1: expected shape (4, 5), received shape (3, 5)",
    ),
    (
        lambda: mlp_back(Z1=np.ones((4, 2))),
        "backward_mlp: Z1: expected shape (4, 5), received shape (4, 2)",
    ),
    (lambda: mlp_back(X=np.ones((0, 3))), "backward_mlp: X: expected at least one element"),
    (
        lambda: nn.forward_mlp_3layer(
            X, np.ones((3, 5)), np.ones(5), np.ones((5, 4)), np.ones(4), np.ones((5, 2)), np.ones(2)
        ),
        "forward_mlp_3layer: W3: expected shape (4, 2), received shape (5, 2)",
    ),
    (
        lambda: nn.backward_mlp_3layer(
            X,
            *[np.ones((4, 2))] * 4,
            np.ones((3, 2)),
            np.ones((2, 2)),
            np.ones((2, 2)),
            np.ones((4, 2)),
            np.ones((4, 3)),
        ),
        "backward_mlp_3layer: Z2: expected shape (4, 2), received shape (4, 3)",
    ),
    (
        lambda: descend(y=np.ones(4)),
        "gradient_descent: y: expected shape (4, 1), received shape (4,)",
    ),
    (
        lambda: descend(y=np.ones((3, 1))),
        "gradient_descent: y: expected shape (4, 1), received shape (3, 1)",
    ),
    (
        lambda: descend(W=np.ones((2, 1))),
        "gradient_descent: W: expected shape (3, 1), received shape (2, 1)",
    ),
    (lambda: descend(W=np.ones(3)), "gradient_descent: W: expected 2 dimensions"),
    (lambda: descend(b=np.ones(3)), "gradient_descent: b: expected shape"),
    (
        lambda: descend(X=np.ones((0, 3)), y=np.ones((0, 1))),
        "gradient_descent: X: expected at least one element",
    ),
    (
        lambda: descend(activation_fn=lambda Z: Z.ravel()),
        "gradient_descent: activation_fn: expected a result of shape (2, 1), received shape (2,)",
    ),
    (
        lambda: nn.train_mlp(X, np.ones((3, 2))),
        "train_mlp: X: expected a row for each sample in both X and y, received X of shape (4, 3), "
        "y (3, 2); X.T has it",
    ),
    (
        lambda: nn.train_mlp(X, np.ones((5, 2))),
        "train_mlp: y: expected shape (4, 2), received shape (5, 2)",
    ),
    # the later parts of the series
    (lambda: nn.max_pool(np.ones(4)), "max_pool: X: expected 2 or 3 dimensions"),
    (lambda: nn.max_pool(np.ones((2, 0))), "max_pool: X: expected at least one element"),
    (
        lambda: nn.max_pool(np.ones((2, 2)), 3),
        "max_pool: a 3×3 window does not fit a 2×2 image (padding 0); expected at most 2×2",
    ),
    (
        lambda: nn.momentum_update([1.0], [1.0, 2.0], 0.9, 0.1),
        "momentum_update: gradient: expected the shape (1,) of velocity, received shape (2,)",
    ),
    (
        lambda: nn.accuracy(np.ones((4, 3)), np.ones(3, int)),
        "accuracy: y_true: expected shape (4,) or (4, 3), received shape (3,)",
    ),
    (
        lambda: nn.accuracy(np.ones(4), np.ones(4, int)),
        "accuracy: y_pred: expected scores (n, k), a column for each class",
    ),
    (
        lambda: nn.accuracy(np.ones((4, 1)), np.ones(4, int)),
        "accuracy: y_pred: expected at least two columns",
    ),
    (lambda: nn.accuracy(np.ones((0, 2)), []), "accuracy: y_pred: expected at least one element"),
    (lambda: nn.one_hot([[1]]), "one_hot: labels: expected 1 dimension"),
    (lambda: nn.one_hot([]), "one_hot: labels: expected at least one element"),
    (
        lambda: nn.batches(X, np.ones(3), 2),
        "batches: y: expected 4 rows, as in X, received shape (3,)",
    ),
    (lambda: nn.batches([], [], 2), "batches: X: expected at least one row"),
    (
        lambda: nn.visual.show_feature_maps(np.ones((2, 2, 5, 5))),
        "show_feature_maps: image: expected 2 or 3 dimensions",
    ),
    (lambda: nn.visual.show_history([]), "show_history: history: expected at least one epoch"),
    (
        lambda: nn.conv2d(I, K, padding=10**9),
        "conv2d: padding: expected a padded image of at most 4,294,967,296 numbers, received 2000000005×2000000005",
    ),
    (
        lambda: nn.softmax(X, axis=2),
        "softmax: axis: expected an axis of the shape (4, 3), received 2",
    ),
]


@pytest.mark.parametrize(("call", "text"), SHAPE, ids=[text[:70] for _, text in SHAPE])
def test_the_sentence(call: Callable[[], Any], text: str) -> None:
    with pytest.raises(nn.ShapeError, match=re.escape(text)):
        call()
