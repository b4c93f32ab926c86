"""Activation functions, and how they are exported."""

from __future__ import annotations

import inspect
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from neural_network.functional import activations as functions
from neural_network.interop.onnx.limits import check_broadcast
from neural_network.interop.onnx.table import as_setting, exported, operator
from neural_network.interop.onnx.types import is_floating
from neural_network.layers.activation import Activation


@operator("Relu")
def relu(X: Any, *, consumed_inputs: Any = None) -> Any:
    """Relu, of whole numbers too."""
    return functions.relu(X) if is_floating(X) else np.maximum(X, 0)


@operator("LeakyRelu")
def leaky_relu(X: Any, *, alpha: float = 0.01, consumed_inputs: Any = None) -> Any:
    """Leaky relu."""
    return functions.leaky_relu(X, alpha)


@operator("PRelu")
def prelu(X: Any, slope: Any, *, opset: int, consumed_inputs: Any = None) -> Any:
    """Leaky relu with learned slopes, before version 7 one for each channel."""
    if opset < 7 and slope.ndim == 1 and X.ndim > 2:
        slope = np.reshape(slope, (-1, *[1] * (X.ndim - 2)))
    check_broadcast("PRelu", X, slope)
    return np.where(np.less(X, 0), X * slope, X)


@operator("Elu")
def elu(X: Any, *, alpha: float = 1.0, consumed_inputs: Any = None) -> Any:
    """Exponential linear unit."""
    return functions.elu(X, alpha)


@operator("Celu")
def celu(X: Any, *, alpha: float = 1.0) -> Any:
    """Continuously differentiable exponential linear unit."""
    return functions.elu(X / alpha, 1.0) * alpha


@operator("Selu")
def selu(
    X: Any,
    *,
    alpha: float = 1.6732632423543772,
    gamma: float = 1.0507009873554805,
    consumed_inputs: Any = None,
) -> Any:
    """Scaled exponential linear unit."""
    return functions.elu(X, alpha) * gamma


@operator("Gelu")
def gelu(X: Any, *, approximate: str = "none") -> Any:
    """Gaussian error linear unit."""
    return functions.gelu(X, approximate)  # type: ignore[arg-type]  # another word is refused


@operator("HardSigmoid")
def hard_sigmoid(
    X: Any,
    *,
    alpha: float = 0.2,
    beta: float = 0.5,
    consumed_inputs: Any = None,
) -> Any:
    """Piecewise linear sigmoid."""
    return np.clip(X * alpha + beta, 0, 1)


@operator("HardSwish")
def hard_swish(X: Any) -> Any:
    """Piecewise linear swish."""
    return functions.hardswish(X)


@operator("Swish")
def swish(X: Any, *, alpha: float = 1.0) -> Any:
    """``X · sigmoid(alpha · X)``."""
    return X * functions.sigmoid(X * alpha)


@operator("Mish")
def mish(X: Any) -> Any:
    """Mish."""
    return functions.mish(X)


@operator("Sigmoid")
def sigmoid(X: Any, *, consumed_inputs: Any = None) -> Any:
    """Logistic function."""
    return functions.sigmoid(X)


@operator("Tanh")
def tanh(input: Any, *, consumed_inputs: Any = None) -> Any:
    """Hyperbolic tangent."""
    return functions.tanh(input)


@operator("Softplus")
def softplus(X: Any) -> Any:
    """Smooth relu."""
    return functions.softplus(X)


@operator("Softsign")
def softsign(input: Any) -> Any:
    """``X / (1 + |X|)``."""
    return input / (1 + np.abs(input))


@operator("ThresholdedRelu")
def thresholded_relu(X: Any, *, alpha: float = 1.0) -> Any:
    """``X`` above a threshold, else 0."""
    return np.where(np.greater(X, alpha), X, np.zeros((), X.dtype))


@operator("Softmax")
def softmax(input: Any, *, axis: int | None = None, opset: int) -> Any:
    """Softmax along an axis; before version 13 along this one and all behind it."""
    return _along(functions.softmax, input, axis, opset)


@operator("LogSoftmax")
def log_softmax(input: Any, *, axis: int | None = None, opset: int) -> Any:
    """Logarithm of softmax; axes as of ``Softmax``."""
    return _along(functions.log_softmax, input, axis, opset)


def _along(function: Any, X: Any, axis: int | None, opset: int) -> Any:
    if opset >= 13:
        return function(X, -1 if axis is None else axis)
    first = 1 if axis is None else axis
    first = first if first == X.ndim else normalize_axis_index(first, X.ndim)
    rows = np.reshape(X, (prod(X.shape[:first]), prod(X.shape[first:])))
    return np.reshape(function(rows, -1), X.shape)


# --- export ----------------------------------------------------------------------------

# Functions that one operator computes: operator → function, and its option → attribute there.
_ATTRIBUTES: dict[str, tuple[Any, dict[str, str]]] = {
    "Relu": (functions.relu, {}),
    "LeakyRelu": (functions.leaky_relu, {"slope": "alpha"}),
    "Elu": (functions.elu, {"alpha": "alpha"}),
    "Gelu": (functions.gelu, {"approximate": "approximate"}),
    "HardSwish": (functions.hardswish, {}),
    "Mish": (functions.mish, {}),
    "Sigmoid": (functions.sigmoid, {}),
    "Tanh": (functions.tanh, {}),
    "Softplus": (functions.softplus, {}),
    "Softmax": (functions.softmax, {"axis": "axis"}),
    "LogSoftmax": (functions.log_softmax, {"axis": "axis"}),
}


def _writes(name: str, attributes: dict[str, str]) -> Any:
    def write(function: Any, graph: Any, X: str, **options: Any) -> str:
        parameters = inspect.signature(function).parameters
        values = {
            theirs: as_setting(function.__name__, ours, options.get(ours, parameters[ours].default))
            for ours, theirs in attributes.items()
        }
        return str(graph.node(name, [X], **values))

    return write


for _name, (_function, _attributes) in _ATTRIBUTES.items():
    exported(_name, _function)(_writes(_name, _attributes))


@exported("Sigmoid", functions.silu)
def _silu(_function: Any, graph: Any, X: str) -> Any:
    return graph.node("Mul", [X, graph.node("Sigmoid", [X])])


@exported("Relu", Activation)
def _activation(layer: Activation, graph: Any, X: str) -> Any:
    return graph.function(layer, layer.function, X)
