"""Every kind of bad value, and the sentence that answers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests.functional.calls import ONE_HOT, I, K, W, X, Y, descend, differences, mlp_back

ARGUMENT = [
    (
        lambda: nn.conv2d(I, K, stride=0),
        "conv2d: stride: expected a whole number of at least 1, received 0",
    ),
    (
        lambda: nn.conv2d(I, K, stride=(1, -1)),
        "conv2d: stride: expected a whole number of at least 1, received -1",
    ),
    (
        lambda: nn.conv2d(I, K, dilation=0),
        "conv2d: dilation: expected a whole number of at least 1, received 0",
    ),
    (
        lambda: nn.conv2d(I, K, dilation=-2),
        "conv2d: dilation: expected a whole number of at least 1, received -2",
    ),
    (
        lambda: nn.conv2d(I, K, groups=0),
        "conv2d: groups: expected a whole number of at least 1, received 0",
    ),
    (
        lambda: nn.conv2d(I, K, padding=-1),
        "conv2d: padding: expected a whole number of at least 0, received -1",
    ),
    (
        lambda: nn.conv2d(I, K, padding=((0, 0), (0, -1))),
        "conv2d: padding: expected a whole number of at least 0, received -1",
    ),
    (
        lambda: nn.conv2d(I, K, padding="full"),
        "conv2d: padding: expected 'valid', 'same' or numbers, received 'full'",
    ),
    (
        lambda: nn.conv2d(I, K, method="winograd"),
        "conv2d: method: expected one of 'auto', 'direct', 'fft', received 'winograd'",
    ),
    (
        lambda: nn.softmax_cross_entropy(np.eye(2, dtype="f"), [0, 1], class_weights=[1, 1e39]),
        "softmax_cross_entropy: class_weights: expected finite numbers of at least 0 in float32, "
        "received 1e+39 for class 1",
    ),
    (
        lambda: nn.softmax_cross_entropy(np.eye(2, dtype="f"), [0, 1], class_weights=[0, 1e-50]),
        "softmax_cross_entropy: class_weights: expected a class that weighs more than 0, "
        "received at most 1e-50",
    ),
    (
        lambda: nn.mse_loss([1.0], [np.nan]),
        "mse_loss: y: expected no NaN, received 1 NaN",
    ),
    (
        lambda: nn.binary_cross_entropy([0.5], [np.nan]),
        "binary_cross_entropy: y: expected no NaN",
    ),
    (
        lambda: nn.binary_cross_entropy([1.5], [1]),
        "binary_cross_entropy: A: expected values from 0 to 1, received values from 1.5 to 1.5",
    ),
    (
        lambda: nn.binary_cross_entropy([0.5], [-1]),
        "binary_cross_entropy: y: expected values from 0 to 1",
    ),
    (
        lambda: nn.cross_entropy([[0.5, 0.5]], [[0, np.nan]]),
        "cross_entropy: y: expected no NaN",
    ),
    (
        lambda: nn.cross_entropy([[5.0, -1.0]], [[0, 1]]),
        "cross_entropy: A: expected values from 0 to 1, received values from -1 to 5",
    ),
    (
        lambda: nn.cross_entropy([[0.5, 0.5]], [[0, 7]]),
        "cross_entropy: y: expected values from 0 to 1",
    ),
    (
        lambda: mlp_back(y=np.full((4, 2), np.nan)),
        "backward_mlp: y: expected no NaN, received 8 NaN",
    ),
    (lambda: descend(lr=0), "gradient_descent: lr: expected a finite number above 0, received 0.0"),
    (
        lambda: descend(lr=-1.0),
        "gradient_descent: lr: expected a finite number above 0, received -1.0",
    ),
    (
        lambda: descend(lr=np.nan),
        "gradient_descent: lr: expected a finite number above 0, received nan",
    ),
    (
        lambda: descend(batch_size=0),
        "gradient_descent: batch_size: expected a whole number of at least 1, received 0",
    ),
    (
        lambda: descend(num_epochs=-1),
        "gradient_descent: num_epochs: expected a whole number of at least 0, received -1",
    ),
    (
        lambda: descend(y=Y * np.nan),
        "gradient_descent: y: expected finite numbers, received nan",
    ),
    (
        lambda: descend(rng=-1),
        "gradient_descent: rng: expected a whole number of at least 0, received -1",
    ),
    (lambda: nn.train_mlp(X, ONE_HOT, lr=0), "train_mlp: lr: expected a finite number above 0"),
    (
        lambda: nn.train_mlp(X, ONE_HOT, hidden=(0,)),
        "train_mlp: hidden: expected a whole number of at least 1, received 0",
    ),
    (
        lambda: nn.initial_parameters([3]),
        "initial_parameters: sizes: expected at least two numbers, received [3]",
    ),
    (
        lambda: differences(h=0),
        "numerical_gradient: h: expected a finite number above 0, received 0.0",
    ),
    (
        lambda: differences(h=1e-30),
        "numerical_gradient: h: expected a step large enough to change params['W'][0, 0] = 1.0 (float64), received 1e-30",
    ),
    (
        lambda: nn.max_pool(I, 0),
        "max_pool: size: expected a whole number of at least 1, received 0",
    ),
    (
        lambda: nn.max_pool(I, 2, 0),
        "max_pool: stride: expected a whole number of at least 1, received 0",
    ),
    (
        lambda: nn.l2_regularization([W], -1),
        "l2_regularization: lambda_: expected a finite number from 0 up, received -1.0",
    ),
    (lambda: nn.dropout(X, 1.5), "dropout: p: expected a finite number from 0 to 1, received 1.5"),
    (
        lambda: nn.dropout(X, np.nan),
        "dropout: p: expected a finite number from 0 to 1, received nan",
    ),
    (
        lambda: nn.momentum_update([1.0], [1.0], 2, 0.1),
        "momentum_update: mu: expected a finite number from 0 to 1, received 2.0",
    ),
    (
        lambda: nn.momentum_update([1.0], [1.0], 0.9, 0),
        "momentum_update: lr: expected a finite number above 0",
    ),
    (
        lambda: nn.accuracy(np.ones((2, 3)), [0, 3]),
        "accuracy: y_true: expected class indices from 0 to 2, received 3 at index 1",
    ),
    (
        lambda: nn.accuracy(np.ones((2, 3)), [0, -1]),
        "accuracy: y_true: expected class indices from 0 to 2, received -1 at index 1",
    ),
    (
        lambda: nn.accuracy(np.ones((1, 3)), [np.nan]),
        "accuracy: y_true: expected no NaN",
    ),
    (lambda: nn.accuracy([[np.nan, 1]], [1]), "accuracy: y_pred: expected no NaN"),
    (
        lambda: nn.accuracy(np.ones((1, 3)), [[1, 1, 0]]),
        "accuracy: y_true: expected rows that sum to 1, received a sum of 2",
    ),
    (
        lambda: nn.one_hot([0, 1.5]),
        "one_hot: labels: expected class indices from 0, received 1.5 at index 1",
    ),
    (
        lambda: nn.one_hot([0, 5], 3),
        "one_hot: labels: expected class indices from 0 to 2, received 5 at index 1",
    ),
    (
        lambda: nn.one_hot([-1]),
        "one_hot: labels: expected class indices from 0, received -1 at index 0",
    ),
    (
        lambda: nn.one_hot([np.inf]),
        "one_hot: labels: expected class indices from 0, received inf at index 0",
    ),
    (
        lambda: nn.batches(X, Y, 0),
        "batches: batch_size: expected a whole number of at least 1, received 0",
    ),
    (
        lambda: nn.load_mnist("validation"),
        "load_mnist: split: expected one of 'train', 'test', received 'validation'",
    ),
    (
        lambda: nn.load_mnist(subset="half"),
        "load_mnist: subset: expected one of 'sample', 'full', received 'half'",
    ),
    (lambda: nn.load_mnist(path="/tmp"), "load_mnist: path: expected none with subset='sample'"),
    (lambda: nn.named_filter("blurr"), "named_filter: name: expected one of edges, horizontal"),
    (
        lambda: nn.visual.show_feature_maps(I, []),
        "show_feature_maps: filters: expected at least one filter",
    ),
    (
        lambda: nn.visual.show_feature_maps(I, ["mean", "mean"]),
        "show_feature_maps: filters: expected each filter once, received 'mean' twice",
    ),
    (
        lambda: nn.one_hot([10**9]),
        "one_hot: labels: expected class indices below 1,000,000 (or num_classes stated), received 1000000000",
    ),
    (
        lambda: nn.one_hot(np.array([2**64 - 1], "uint64")),
        "one_hot: labels: expected class indices below 1,000,000",
    ),
    (lambda: nn.one_hot([1e300]), "one_hot: labels: expected class indices below 1,000,000"),
    (lambda: nn.one_hot([0], 10**30), "one_hot: num_classes: expected at most 2,147,483,648"),
    (
        lambda: descend(lr=10**400),
        "gradient_descent: lr: expected a finite number above 0, received a larger one",
    ),
    (lambda: nn.train_mlp(X, ONE_HOT * 3), "train_mlp: y: expected values from 0 to 1"),
    (
        lambda: mlp_back(y=np.full((4, 2), 3.0)),
        "backward_mlp: y: expected values from 0 to 1, received values from 3 to 3",
    ),
    (
        lambda: nn.train_mlp(X, ONE_HOT * np.nan),
        "train_mlp: y: expected finite numbers, received nan",
    ),
    (
        lambda: nn.cross_entropy([[-1e-3, 0.5]], [[0, 1]]),
        "cross_entropy: A: expected values from 0 to 1",
    ),
    (
        lambda: nn.binary_cross_entropy([1.1], [1]),
        "binary_cross_entropy: A: expected values from 0 to 1, received values from 1.1 to 1.1",
    ),
    (
        lambda: descend(lr=np.inf),
        "gradient_descent: lr: expected a finite number above 0, received inf",
    ),
    (
        lambda: nn.one_hot([np.nan]),
        "one_hot: labels: expected no NaN, received 1 NaN",
    ),
    (
        lambda: nn.conv2d(I, K, padding=((-1, 0), (0, 0))),
        "conv2d: padding: expected a whole number of at least 0, received -1",
    ),
    (
        lambda: nn.visual.draw_feature_maps(I, {}, {}),
        "draw_feature_maps: maps: expected at least one map",
    ),
]


@pytest.mark.parametrize(("call", "text"), ARGUMENT, ids=[text[:70] for _, text in ARGUMENT])
def test_the_sentence(call: Callable[[], Any], text: str) -> None:
    with pytest.raises(nn.ArgumentError, match=re.escape(text)) as caught:
        call()
    assert type(caught.value) is nn.ArgumentError
