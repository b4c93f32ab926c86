"""Every kind of bad value or type, and the sentence that answers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests.calls import ONE_HOT, I, K, W, X, Y, descend, differences, mlp_back

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
        lambda: nn.mse_loss([1.0], [np.nan]),
        "mse_loss: y: expected a number in every place, received 1 NaN",
    ),
    (
        lambda: nn.binary_cross_entropy([0.5], [np.nan]),
        "binary_cross_entropy: y: expected a number in every place",
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
        "cross_entropy: y: expected a number in every place",
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
        "backward_mlp: y: expected a number in every place, received 8 NaN",
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
        "gradient_descent: y: expected a number in every place, received 4 NaN",
    ),
    (
        lambda: descend(rng=-1),
        "gradient_descent: rng: expected a whole number of at least 0, received -1",
    ),
    (
        lambda: nn.train_mlp(X, ONE_HOT, hidden=(1, 2, 3)),
        "train_mlp: hidden: expected one or two sizes, received [1, 2, 3]",
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
        "accuracy: y_true: expected class indices from 0 to 2, received 3 at place 1",
    ),
    (
        lambda: nn.accuracy(np.ones((2, 3)), [0, -1]),
        "accuracy: y_true: expected class indices from 0 to 2, received -1 at place 1",
    ),
    (
        lambda: nn.accuracy(np.ones((1, 3)), [np.nan]),
        "accuracy: y_true: expected a number in every place",
    ),
    (lambda: nn.accuracy([[np.nan, 1]], [1]), "accuracy: y_pred: expected a number in every place"),
    (
        lambda: nn.accuracy(np.ones((1, 3)), [[1, 1, 0]]),
        "accuracy: y_true: expected rows with a single 1 among 0s",
    ),
    (
        lambda: nn.one_hot([0, 1.5]),
        "one_hot: labels: expected class indices from 0, received 1.5 at place 1",
    ),
    (
        lambda: nn.one_hot([0, 5], 3),
        "one_hot: labels: expected class indices from 0 to 2, received 5 at place 1",
    ),
    (
        lambda: nn.one_hot([-1]),
        "one_hot: labels: expected class indices from 0, received -1 at place 0",
    ),
    (
        lambda: nn.one_hot([np.inf]),
        "one_hot: labels: expected class indices from 0, received inf at place 0",
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
]

DTYPE = [
    (
        lambda: nn.conv2d(I.astype(complex), K),
        "conv2d: image: expected real numbers, received dtype complex128",
    ),
    (
        lambda: nn.conv2d(I, K.astype(object)),
        "conv2d: filter_kernel: expected real numbers, received dtype object",
    ),
    (lambda: nn.conv2d([["a"]], K), "conv2d: image: expected real numbers, received dtype <U1"),
    (lambda: nn.conv2d(None, K), "conv2d: image: expected real numbers, received dtype object"),
    (
        lambda: nn.conv2d(I.astype("datetime64[s]"), K),
        "conv2d: image: expected real numbers, received dtype datetime64",
    ),
    (
        lambda: nn.conv2d(np.ma.masked_equal(I, 0), K),
        "conv2d: image: expected an array without a mask",
    ),
    (lambda: nn.conv2d(I, K, bias="x"), "conv2d: bias: expected real numbers, received dtype <U1"),
    (
        lambda: nn.conv2d(I, K, stride=1.0),
        "conv2d: stride: expected a whole number of at least 1, received 1.0",
    ),
    (
        lambda: nn.conv2d(I, K, stride=True),
        "conv2d: stride: expected a whole number of at least 1, received True",
    ),
    (
        lambda: nn.conv2d(I, K, stride=None),
        "conv2d: stride: expected a whole number of at least 1, received None",
    ),
    (
        lambda: nn.conv2d(I, K, stride=("1", 1)),
        "conv2d: stride: expected a whole number of at least 1, received '1'",
    ),
    (
        lambda: nn.conv2d(I, K, dilation=1.5),
        "conv2d: dilation: expected a whole number of at least 1, received 1.5",
    ),
    (
        lambda: nn.conv2d(I, K, groups=1.0),
        "conv2d: groups: expected a whole number of at least 1, received 1.0",
    ),
    (
        lambda: nn.conv2d(I, K, padding=0.5),
        "conv2d: padding: expected a whole number of at least 0, received 0.5",
    ),
    (lambda: nn.conv2d(I, K, flip="no"), "conv2d: flip: expected True or False, received 'no'"),
    (
        lambda: nn.conv2d(I, K, method=None),
        "conv2d: method: expected one of 'auto', 'direct', 'fft', received None",
    ),
    (lambda: nn.relu("x"), "relu: Z: expected real numbers, received dtype <U1"),
    (lambda: nn.sigmoid([1j]), "sigmoid: Z: expected real numbers, received dtype complex128"),
    (lambda: nn.softmax([None]), "softmax: Z: expected real numbers, received dtype object"),
    (lambda: nn.normalize([["5"]]), "normalize: X: expected real numbers"),
    (lambda: nn.matrix_multiply(X, [[1j]]), "matrix_multiply: W: expected real numbers"),
    (lambda: nn.mse_loss(["a"], ["b"]), "mse_loss: y_pred: expected real numbers"),
    (lambda: descend(y=[["a"]] * 4), "gradient_descent: y: expected real numbers"),
    (
        lambda: descend(batch_size=2.0),
        "gradient_descent: batch_size: expected a whole number of at least 1, received 2.0",
    ),
    (
        lambda: descend(lr="fast"),
        "gradient_descent: lr: expected a finite number above 0, received 'fast'",
    ),
    (
        lambda: descend(rng="seed"),
        "gradient_descent: rng: expected a whole number of at least 0, received 'seed'",
    ),
    (
        lambda: differences(params={"W": np.ones(2, int)}),
        "numerical_gradient: params['W']: expected a floating-point array, received dtype int64",
    ),
    (
        lambda: differences(params={"W": 1.0}),
        "numerical_gradient: params['W']: expected a floating-point array, received <class 'float'>",
    ),
    (lambda: differences(params=[W]), "numerical_gradient: params: expected a dict of arrays"),
    (
        lambda: nn.l2_regularization(W, 0.1),
        "l2_regularization: weights: expected a list of arrays, received a single array",
    ),
    (
        lambda: nn.l2_regularization(["a"], 0.1),
        "l2_regularization: weights[0]: expected real numbers",
    ),
    (
        lambda: nn.dropout(X, 0.5, training="no"),
        "dropout: training: expected True or False, received 'no'",
    ),
    (
        lambda: nn.dropout(X, "half"),
        "dropout: p: expected a finite number from 0 to 1, received 'half'",
    ),
    (lambda: nn.one_hot(["5"]), "one_hot: labels: expected real numbers"),
    (lambda: nn.accuracy([["a", "b"]], [0]), "accuracy: y_pred: expected real numbers"),
    (
        lambda: nn.max_pool(I, 2.0),
        "max_pool: size: expected a whole number of at least 1, received 2.0",
    ),
    (lambda: nn.named_filter(3), "named_filter: name: expected one of edges"),
    (
        lambda: descend(loss_fn="mse"),
        "gradient_descent: loss_fn: expected a function, received 'mse'",
    ),
    (
        lambda: descend(activation_fn=None),
        "gradient_descent: activation_fn: expected a function, received None",
    ),
    (
        lambda: descend(loss_fn=lambda p, y: p),
        "gradient_descent: loss_fn: expected a result of one number, received shape (4, 1)",
    ),
    (
        lambda: descend(loss_fn=lambda p, y: None),
        "gradient_descent: loss_fn: expected a result of one number, received None",
    ),
    (
        lambda: descend(verbose="no"),
        "gradient_descent: verbose: expected True or False, received 'no'",
    ),
    (
        lambda: descend(lr=np.complex128(1 + 1j)),
        "gradient_descent: lr: expected a finite number above 0",
    ),
    (lambda: descend(lr=np.array(True)), "gradient_descent: lr: expected a finite number above 0"),
    (
        lambda: differences(loss_fn=3),
        "numerical_gradient: loss_fn: expected a function, received 3",
    ),
    (
        lambda: differences(loss_fn=lambda p, y: p),
        "numerical_gradient: loss_fn: expected a result of one number, received shape (4, 1)",
    ),
    (
        lambda: nn.l2_regularization(None, 0.1),
        "l2_regularization: weights: expected a list of arrays, received None",
    ),
    (
        lambda: nn.train_mlp(X, ONE_HOT, hidden=128),
        "train_mlp: hidden: expected a list of sizes, received 128",
    ),
    (
        lambda: nn.initial_parameters([2, 3], dtype=int),
        "initial_parameters: dtype: expected a floating type, received int64",
    ),
    (lambda: nn.save_arrays("x", None), "save_arrays: arrays: expected a dict of arrays"),
    (
        lambda: nn.save_arrays("x", {1: X}),
        "save_arrays: arrays: expected names other than '__metadata__', received 1",
    ),
    (
        lambda: nn.visual.show_history(None),
        "show_history: history: expected numbers or a dict of lists, received None",
    ),
    (
        lambda: nn.visual.save_figure(None, "x.png"),
        "save_figure: figure: expected a matplotlib figure, received None",
    ),
]


def cases(kind: type[Exception], table: list[Any]) -> list[Any]:
    return [pytest.param(kind, call, text, id=text[:70]) for call, text in table]


@pytest.mark.parametrize(
    ("kind", "call", "text"),
    cases(nn.ArgumentError, ARGUMENT) + cases(nn.DTypeError, DTYPE),
)
def test_the_sentence(kind: type[Exception], call: Callable[[], Any], text: str) -> None:
    with pytest.raises(kind, match=re.escape(text)) as caught:
        call()
    assert type(caught.value) is kind


def test_kinds_of_errors() -> None:
    assert issubclass(nn.ShapeError, ValueError)
    assert issubclass(nn.DTypeError, TypeError)
    assert issubclass(nn.DTypeError, ValueError)
    assert issubclass(nn.DatasetNotFoundError, FileNotFoundError)
