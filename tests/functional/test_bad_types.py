"""Every kind of bad type, and the sentence that answers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests.functional.calls import ONE_HOT, I, K, W, X, descend, differences

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
        lambda: nn.train_mlp(X, ONE_HOT, after_epoch=np.ones(2)),  # type: ignore[arg-type]  # the point
        "train_mlp: after_epoch: expected a function, received",
    ),
    *(
        (lambda layer=layer: layer.forward(np), f"{type(layer).__name__}: X: expected real numbers")
        for layer in (
            nn.Flatten(),
            nn.Dense(2),
            nn.Conv1D(2, 3),
            nn.Conv2D(2, 3),
            nn.Conv3D(2, 3),
            nn.DepthwiseConv2D(3),
            nn.ConvTranspose2D(2, 3),
            nn.BatchNorm(),
            nn.LayerNorm(),
            nn.MaxPool2D(2),
            nn.AvgPool2D(2),
            nn.GlobalAvgPool2D(),
            nn.Dropout(0.5),
            nn.GroupNorm(2),
        )
    ),
    (
        lambda: nn.initial_parameters([2, 3], dtype=int),
        "initial_parameters: dtype: expected a floating type, received int64",
    ),
    (lambda: nn.save_arrays("x", None), "save_arrays: arrays: expected a dict of arrays"),
    (
        lambda: nn.save_arrays("x", {1: X}),
        "save_arrays: arrays: expected names in Unicode other than '__metadata__', received 1",
    ),
    (
        lambda: nn.visual.show_history(None),
        "show_history: history: expected numbers or a dict of lists, or the path of a run's CSV file, as run/log.csv, received None",
    ),
    (
        lambda: nn.visual.save_figure(None, "x.png"),
        "save_figure: figure: expected a matplotlib figure, received None",
    ),
    (
        lambda: descend(lr="0.1"),
        "gradient_descent: lr: expected a finite number above 0, received '0.1'",
    ),
    (
        lambda: descend(lr=True),
        "gradient_descent: lr: expected a finite number above 0, received True",
    ),
]


@pytest.mark.parametrize(("call", "text"), DTYPE, ids=[text[:70] for _, text in DTYPE])
def test_the_sentence(call: Callable[[], Any], text: str) -> None:
    with pytest.raises(nn.DTypeError, match=re.escape(text)) as caught:
        call()
    assert type(caught.value) is nn.DTypeError


def test_kinds_of_errors() -> None:
    assert issubclass(nn.ShapeError, ValueError)
    assert issubclass(nn.DTypeError, TypeError)
    assert issubclass(nn.DTypeError, ValueError)
    assert issubclass(nn.DatasetNotFoundError, FileNotFoundError)
