"""What answers wrong calls costs right ones nothing, or one call of Python that is saved inside."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn

PACKAGE = Path(nn.__file__).parent
X, y = np.ones((4, 3)), np.array([0, 1, 2, 0])
images, taps = np.ones((2, 1, 8, 8), np.float32), np.ones((3, 3), np.float32)
model = nn.Sequential(nn.Dense(3), nn.Activation("relu")).initialize((3,), rng=0)
optimizer, t = nn.SGD(0.1, parameters=model), nn.Tensor(X)


def files_of(call: Callable[[], Any]) -> list[str]:
    """Return the file of the library of each call of Python that a call makes."""
    found: list[str] = []

    def note(frame: Any, event: str, _argument: object) -> None:
        file = Path(frame.f_code.co_filename)
        if event == "call" and file.is_relative_to(PACKAGE):
            found.append(file.relative_to(PACKAGE).as_posix())

    with nn.use_kernels("numpy"):
        call()
        sys.setprofile(note)
        try:
            call()
        finally:
            sys.setprofile(None)
    return found


@pytest.mark.parametrize(
    "call",
    [
        lambda: nn.relu(X), lambda: nn.sigmoid(X), lambda: nn.softmax(X), lambda: nn.silu(X),
        lambda: nn.softmax_cross_entropy(X, y), lambda: nn.mse_loss(X, X),
        lambda: nn.hinge(X, y), lambda: nn.binary_cross_entropy_with_logits([0.5], [1]),
        lambda: nn.matrix_multiply(X, X.T), lambda: nn.interpolate(images, scale=2),
        lambda: t.sum(axis=0), lambda: np.tanh(t) * 2, lambda: t.reshape(-1),
        lambda: model(X), lambda: model[0](X),
        lambda: model.training, lambda: nn.Conv2D(2, 3), lambda: nn.Dense(3, "relu"),
    ],
)  # fmt: skip
def test_ops_and_layers_have_no_wrapper(call: Callable[[], Any]) -> None:
    assert [file for file in files_of(call) if file.startswith("elsewhere/")] == []


# As many calls of the library's functions as these made before they had a wrapper.
MOST: list[tuple[Callable[[], Any], int]] = [
    (lambda: nn.conv2d(images[0, 0], taps), 47),
    (lambda: nn.conv2d(images, taps[None, None]), 47),
    (lambda: nn.conv_transpose2d(images, taps[None, None]), 52),
    (lambda: nn.max_pool(images[0, 0]), 22),
    (lambda: nn.max_pool2d(images), 34),
    (lambda: nn.avg_pool2d(images), 35),
    (lambda: nn.adaptive_avg_pool2d(images, 2), 14),
    (lambda: nn.gelu(X), 20),
    (lambda: nn.dropout(X, 0.5), 5),
    (lambda: nn.batch_norm(X, np.zeros(3), np.ones(3)), 67),
    (lambda: nn.batch_statistics(X), 47),
    (lambda: nn.embedding(y, X), 9),
    (lambda: nn.scaled_dot_product_attention(X[None], X[None], X[None]), 27),
    (lambda: nn.accuracy(X, y), 11),
    (lambda: nn.momentum_update(X, X, 0.9, 0.1), 11),
    (lambda: model(X).sum().backward(), 137),
    (lambda: nn.forward_perceptron(X, X[:3, :1], [0.0]), 21),
]


@pytest.mark.parametrize(("call", "most"), MOST)
def test_a_wrapper_is_one_call_that_is_saved_inside(call: Callable[[], Any], most: int) -> None:
    files = files_of(call)
    assert files.count("elsewhere/surface.py") <= 1
    assert "elsewhere/answers.py" not in files
    assert len(files) <= most


def test_predict_and_zero_grad_have_one() -> None:
    for call in (lambda: model.predict(X), model.zero_grad, optimizer.zero_grad):
        own = [file for file in files_of(call) if file.startswith("elsewhere/")]
        assert own == ["elsewhere/surface.py"]
