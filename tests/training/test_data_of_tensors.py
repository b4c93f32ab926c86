"""Tensors given as data: what arrays of the same numbers give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn

X = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
Y = np.arange(20) % 3


def trainer(loss: str = "softmax_cross_entropy", **options: Any) -> nn.Trainer:
    return nn.Trainer(nn.Sequential(nn.Dense(3)), "adam", loss, rng=0, progress=False, **options)


def tensors(value: Any) -> Any:
    """Return the arrays of a call as tensors."""
    if isinstance(value, np.ndarray):
        return nn.Tensor(value)
    if isinstance(value, dict):
        return {name: tensors(array) for name, array in value.items()}
    if isinstance(value, tuple | list):
        return type(value)([tensors(array) for array in value])
    return value


CALLS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "fit": (lambda X, y: trainer().fit(X, y), (X, Y)),
    "fit of one-hot rows": (lambda X, y: trainer().fit(X, y), (X, nn.one_hot(Y))),
    "fit of numbers": (lambda X, y: trainer("mse_loss").fit(X, y), (X, X[:, :3])),
    "fit of batches": (lambda b: trainer().fit(b), ([(X, Y), (X, Y, np.ones(20))],)),
    "fit of a fraction": (lambda X, y: trainer().fit(X, y, validation=0.2), (X, Y)),
    "validation": (lambda pair: trainer().fit(X, Y, validation=pair), ((X, Y),)),
    "sample_weights": (lambda w: trainer().fit(X, Y, sample_weights=w), (np.arange(20.0),)),
    "class_weights": (lambda w: trainer(class_weights=w).fit(X, Y), (np.arange(1.0, 4.0),)),
    "metrics": (lambda y: trainer(metrics=["accuracy", "f1"]).fit(X, y), (Y,)),
    "evaluate": (lambda X, y: trainer().evaluate(X, y), (X, Y)),
    "accuracy": (nn.accuracy, (X[:, :3], Y)),
    "accuracy of classes": (nn.accuracy, (Y, Y[::-1])),
    "top_k_accuracy": (lambda p, y: nn.top_k_accuracy(p, y, k=2), (X, Y)),
    "confusion_matrix": (nn.confusion_matrix, (X, Y)),
    "confusion_matrix of one-hot rows": (nn.confusion_matrix, (X[:, :3], nn.one_hot(Y))),
    "class_report": (lambda p, y: nn.class_report(p, y).f1, (X, Y)),
    "f1": (nn.f1, (X[:, 0], Y > 0)),
    "auc": (nn.auc, (X[:, 0], Y > 0)),
    "binary_accuracy": (nn.binary_accuracy, (X[:, 0], Y > 0)),
    "r2": (nn.r2, (X[:, 0], X[:, 1])),
    "mae": (nn.mae, (X[:, 0], X[:, 1])),
    "one_hot": (nn.one_hot, (Y,)),
    "softmax_cross_entropy": (lambda Z, y: float(nn.softmax_cross_entropy(Z, y)), (X, Y)),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore::neural_network.TrainingHint")
def test_tensors_give_what_arrays_give(name: str) -> None:
    function, arguments = CALLS[name]
    np.testing.assert_equal(function(*tensors(arguments)), function(*arguments))


@pytest.mark.filterwarnings("ignore::neural_network.TrainingHint")
def test_several_inputs_and_targets_may_be_tensors() -> None:
    class Two(nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Dense(2), nn.Dense(3)

        def forward(self, a: Any, b: Any) -> tuple[Any, Any]:
            return self.first(a), self.second(b)

    def loss(out: Any, y: Any) -> Any:
        return nn.mse_loss(out[0], y["a"]) + nn.softmax_cross_entropy(out[1], y["b"])

    def measured(*data: Any) -> Any:
        fitted = nn.Trainer(Two(), "adam", loss, rng=0, progress=False)
        return fitted.fit(*data, epochs=1), fitted.evaluate(*data)

    data = ({"a": X, "b": X}, {"a": X[:, :2], "b": Y})
    assert measured(*tensors(data)) == measured(*data)
