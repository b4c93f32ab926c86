"""The perceptron and the multi-layer perceptrons: forward, and backward by hand.

``forward`` and ``backward`` compute networks of any depth; the four public functions check the
arguments for two and three layers and call them. Layer k computes
``Z_k = A_{k−1} · W_k + b_k`` and ``A_k = relu(Z_k)``, the last one softmax.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from neural_network.blas import threads_for_call
from neural_network.by_hand.hints import hint_pixels_of_call
from neural_network.checks import (
    Array,
    as_floating,
    check_no_nan,
    check_not_empty,
    check_probabilities,
    check_shape,
    rounded,
)
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ShapeError, give_hint_of_call, sentence
from neural_network.functional.activations import relu, sigmoid, softmax
from neural_network.functional.losses.reduction import hint_other_sums
from neural_network.public import public


@public
@explains_calls
def forward_perceptron(X: ArrayLike, W: ArrayLike, b: ArrayLike) -> Array:
    """One neuron: ``sigmoid(X · W + b)``.

    Args:
        X: (n, d), a row per sample.
        W: (d, 1).
        b: (1, 1) or (1,).

    Returns:
        (n, 1), values in [0, 1], in the widest floating type of the arguments.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: shapes that do not fit, or no sample.

    Source: Rosenblatt, "The Perceptron", 1958; with the logistic function in
    place of the step.

    >>> forward_perceptron([[1.0, 2.0]], [[0.5], [-0.25]], [0.0])
    array([[0.5]])
    """
    function = "forward_perceptron"
    (X, W, b), dtype = as_floating(function, X=X, W=W, b=b)
    _check_rows(function, X)
    check_columns(function, X, "W", W)
    check_shape(function, "W", W, (X.shape[1], 1))
    check_shape(function, "b", b, (1, 1), (1,))
    with np.errstate(all="ignore"):
        return rounded(sigmoid(X @ W + b), dtype)


@public
@explains_calls
def forward_mlp(
    X: ArrayLike, W1: ArrayLike, b1: ArrayLike, W2: ArrayLike, b2: ArrayLike
) -> tuple[Array, Array]:
    """Two layers forward: relu, then softmax.

    ``A1 = relu(X · W1 + b1)``, ``A2 = softmax(A1 · W2 + b2)``.

    Args:
        X: (n, d), a row per sample.
        W1, b1: (d, h) and (1, h) or (h,).
        W2, b2: (h, k) and (1, k) or (k,).

    Returns:
        ``(A1, A2)`` of shapes (n, h) and (n, k); the rows of ``A2`` sum to 1.
        In the widest floating type of the arguments.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: shapes that do not fit, or no sample.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, chapter 6.

    >>> A1, A2 = forward_mlp([[1.0]], [[2.0, -2.0]], [0.0, 0.0], np.zeros((2, 4)), np.zeros(4))
    >>> A1, A2
    (array([[2., 0.]]), array([[0.25, 0.25, 0.25, 0.25]]))
    """
    arrays = {"X": X, "W1": W1, "b1": b1, "W2": W2, "b2": b2}
    A1, A2 = _forward("forward_mlp", arrays)
    return A1, A2


@public
@explains_calls
def backward_mlp(
    X: ArrayLike,
    A1: ArrayLike,
    A2: ArrayLike,
    y: ArrayLike,
    W1: ArrayLike,
    W2: ArrayLike,
    Z1: ArrayLike,
) -> tuple[Array, Array, Array, Array]:
    """Two layers backward: the gradients of softmax with cross-entropy.

    With the error ``δ2 = A2 − y`` and ``δ1 = (δ2 · W2ᵀ) ⊙ [Z1 > 0]``:
    ``grad_W2 = A1ᵀ · δ2 / n``, ``grad_b2 = mean(δ2)``, ``grad_W1 = Xᵀ · δ1 / n``,
    ``grad_b1 = mean(δ1)``, means over the rows.

    Args:
        X: (n, d) inputs.
        A1: (n, h) hidden activations, from ``forward_mlp``.
        A2: (n, k) probabilities, from ``forward_mlp``.
        y: (n, k) one-hot labels.
        W1: (d, h).
        W2: (h, k).
        Z1: (n, h) sums before the relu, ``X @ W1 + b1``.

    Returns:
        ``(grad_W1, grad_b1, grad_W2, grad_b2)`` of shapes (d, h), (1, h), (h, k), (1, k),
        in the widest floating type of the arguments. Of a bias of shape (h,) the gradient is
        ``grad_b1[0]``.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: shapes that do not fit, or no sample.
        ArgumentError: a label is NaN or outside [0, 1].

    Source: Rumelhart, Hinton and Williams, "Learning representations by
    back-propagating errors", Nature 323, 1986.

    >>> X, A1, A2, y, Z1 = [[1.0]], [[2.0]], [[0.5, 0.5]], [[0, 1]], [[2.0]]
    >>> gradients = backward_mlp(X, A1, A2, y, W1=[[2.0]], W2=[[1, 3]], Z1=Z1)
    >>> for gradient in gradients:
    ...     print(gradient)
    [[-1.]]
    [[-1.]]
    [[ 1. -1.]]
    [[ 0.5 -0.5]]
    """
    arrays = {"X": X, "A1": A1, "A2": A2, "y": y, "W1": W1, "W2": W2, "Z1": Z1}
    grad_W1, grad_b1, grad_W2, grad_b2 = _backward("backward_mlp", arrays)
    return grad_W1, grad_b1, grad_W2, grad_b2


@public
@explains_calls
def forward_mlp_3layer(
    X: ArrayLike,
    W1: ArrayLike,
    b1: ArrayLike,
    W2: ArrayLike,
    b2: ArrayLike,
    W3: ArrayLike,
    b3: ArrayLike,
) -> tuple[Array, Array, Array]:
    """Three layers forward: relu, relu, softmax.

    Args:
        X: (n, d), a row per sample.
        W1, b1: (d, h1) and (1, h1) or (h1,).
        W2, b2: (h1, h2) and (1, h2) or (h2,).
        W3, b3: (h2, k) and (1, k) or (k,).

    Returns:
        ``(A1, A2, A3)`` of shapes (n, h1), (n, h2) and (n, k), in the widest floating
        type of the arguments.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: shapes that do not fit, or no sample.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, chapter 6.

    >>> eye, zero = np.eye(2), np.zeros(2)
    >>> forward_mlp_3layer([[3.0, -3.0]], eye, zero, eye, zero, 0 * eye, zero)[2]
    array([[0.5, 0.5]])
    """
    arrays = {"X": X, "W1": W1, "b1": b1, "W2": W2, "b2": b2, "W3": W3, "b3": b3}
    A1, A2, A3 = _forward("forward_mlp_3layer", arrays)
    return A1, A2, A3


@public
@explains_calls
def backward_mlp_3layer(
    X: ArrayLike,
    A1: ArrayLike,
    A2: ArrayLike,
    A3: ArrayLike,
    y: ArrayLike,
    W1: ArrayLike,
    W2: ArrayLike,
    W3: ArrayLike,
    Z1: ArrayLike,
    Z2: ArrayLike,
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Three layers backward: the gradients of softmax with cross-entropy.

    As ``backward_mlp``, one layer more: ``δ3 = A3 − y``,
    ``δ2 = (δ3 · W3ᵀ) ⊙ [Z2 > 0]``, ``δ1 = (δ2 · W2ᵀ) ⊙ [Z1 > 0]``.

    Args:
        X: (n, d) inputs.
        A1, A2: (n, h1) and (n, h2) hidden activations.
        A3: (n, k) probabilities.
        y: (n, k) one-hot labels.
        W1, W2, W3: (d, h1), (h1, h2) and (h2, k).
        Z1, Z2: (n, h1) and (n, h2), the sums before each relu.

    Returns:
        ``(grad_W1, grad_b1, grad_W2, grad_b2, grad_W3, grad_b3)``, biases as (1, h),
        in the widest floating type of the arguments. Of a bias of shape (h,) the gradient is
        ``grad_b1[0]``.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: shapes that do not fit, or no sample.
        ArgumentError: a label is NaN or outside [0, 1].

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 6.5.

    >>> one = np.ones((1, 1))
    >>> gradients = backward_mlp_3layer(one, one, one, 0.75 * one, one, one, one, one, one, one)
    >>> [gradient.item() for gradient in gradients]
    [-0.25, -0.25, -0.25, -0.25, -0.25, -0.25]
    """
    arrays = {"X": X, "A1": A1, "A2": A2, "A3": A3, "y": y}
    arrays |= {"W1": W1, "W2": W2, "W3": W3, "Z1": Z1, "Z2": Z2}
    grads = _backward("backward_mlp_3layer", arrays)
    grad_W1, grad_b1, grad_W2, grad_b2, grad_W3, grad_b3 = grads
    return grad_W1, grad_b1, grad_W2, grad_b2, grad_W3, grad_b3


def _forward(function: str, arrays: dict[str, ArrayLike]) -> list[Array]:
    """Check X, W1, b1, W2, b2 … and return the activations A1, A2 …"""
    values, dtype = as_floating(function, **arrays)
    named = dict(zip(arrays, values, strict=True))
    A, depth = named["X"], len(arrays) // 2
    _check_rows(function, A)
    inputs = A.shape[1]
    check_columns(function, A, "W1", named["W1"])
    for k in range(1, depth + 1):
        W, b = named[f"W{k}"], named[f"b{k}"]
        check_weight(function, f"W{k}", W, inputs)
        inputs = W.shape[1]
        check_shape(function, f"b{k}", b, (1, inputs), (inputs,))

    hint_pixels_of_call(function, named["X"])
    with threads_for_call(_largest_product(named)):
        _, activations = forward(named["X"], named)
    return [rounded(A, dtype) for A in activations]


def _backward(function: str, arrays: dict[str, ArrayLike]) -> list[Array]:
    """Check the arrays of a forward pass and return grad_W1, grad_b1, grad_W2 …"""
    values, dtype = as_floating(function, **arrays)
    named = dict(zip(arrays, values, strict=True))
    X, depth = named["X"], sum(name.startswith("W") for name in arrays)
    _check_rows(function, X)
    n, inputs = X.shape
    check_columns(function, X, "W1", named["W1"])
    for k in range(1, depth + 1):
        check_weight(function, f"W{k}", named[f"W{k}"], inputs)
        inputs = named[f"W{k}"].shape[1]
        check_shape(function, f"A{k}", named[f"A{k}"], (n, inputs))
        if k < depth:
            check_shape(function, f"Z{k}", named[f"Z{k}"], (n, inputs))
    check_shape(function, "y", named["y"], (n, inputs))
    check_no_nan(function, "y", named["y"])
    check_probabilities(function, "y", named["y"], dtype)

    hint_other_sums(function, f"A{depth}", named[f"A{depth}"])
    _hint_swapped(function, f"A{depth}", named[f"A{depth}"], named["y"])
    sums = [named[f"Z{k}"] for k in range(1, depth)]
    activations = [named[f"A{k}"] for k in range(1, depth + 1)]
    with threads_for_call(_largest_product(named)):
        gradients = backward(X, sums, activations, named["y"], named)
    return [rounded(gradient, dtype) for gradient in gradients.values()]


@np.errstate(all="ignore")
def forward(X: Array, p: Mapping[str, Array]) -> tuple[list[Array], list[Array]]:
    """Return the sums Z1, Z2 … and the activations A1, A2 … of arrays that fit.

    ``p`` holds W1, b1, W2, b2 …; the last activation is softmax, the others relu.
    """
    depth = sum(name.startswith("W") for name in p)
    sums, activations, A = [], [], X
    for k in range(1, depth + 1):
        sums.append(A @ p[f"W{k}"] + p[f"b{k}"])
        A = softmax(sums[-1]) if k == depth else relu(sums[-1])
        activations.append(A)
    return sums, activations


@np.errstate(all="ignore")
def backward(
    X: Array,
    sums: Sequence[Array],
    activations: Sequence[Array],
    y: Array,
    p: Mapping[str, Array],
) -> dict[str, Array]:
    """Return the gradients for W1, b1, W2, b2 … from what ``forward`` returned."""
    n, depth = len(X), len(activations)
    # The derivative of cross-entropy after softmax, both in one: A − y.
    delta = activations[-1] - y
    gradients: dict[str, Array] = {}
    for k in range(depth, 0, -1):
        A = activations[k - 2] if k > 1 else X
        own = {f"W{k}": A.T @ delta / n, f"b{k}": np.mean(delta, axis=0, keepdims=True)}
        gradients = own | gradients
        if k > 1:
            delta = (delta @ p[f"W{k}"].T) * (sums[k - 2] > 0)
    return gradients


def _hint_swapped(function: str, name: str, A: Array, y: Array) -> None:
    """Warn of labels in the place of probabilities, which turns all gradients around.

    Labels that are smoothed have two values, and probabilities are hardly ever 0 and 1 alone.
    """
    if A[0, 0] not in (0, 1) or not np.all((A == 0) | (A == 1)) or np.array_equal(A, y):
        return
    if len(np.unique(y)) > 2:
        give_hint_of_call(
            f"{function}: {name} holds nothing but 0 and 1, and y numbers from {np.min(y):.3g} to "
            f"{np.max(y):.3g}: {name} is what forward_{function.partition('_')[2]} returned, and y "
            "the one-hot labels; the other way round the gradients point uphill"
        )


def _largest_product(arrays: Mapping[str, Array]) -> int:
    """Return the multiplications of the largest product of ``forward`` or ``backward``."""
    return len(arrays["X"]) * max(W.size for name, W in arrays.items() if name[0] == "W")


def _check_rows(function: str, X: Array) -> None:
    if X.ndim > 2 and X.size:
        expected = "rows of numbers (n, d)"
        received = f"shape {X.shape}; X.reshape(len(X), -1) has a row for each picture"
        raise ShapeError(sentence(function, "X", expected, received))
    check_not_empty(function, "X", X, 2)


def check_columns(function: str, X: Array, name: str, W: Array) -> None:
    """Raise ShapeError for inputs with a column, in place of a row, for each sample.

    The transpose fits then; where it does not, the weights are of another number of inputs. A
    single picture has its height and width in the place of rows and columns.
    """
    if X.ndim == W.ndim == 2 and X.shape[1] != len(W) == X.size:
        expected = f"(n, {len(W)}), a row per sample, as {name} of shape {W.shape} takes"
        received = f"shape {X.shape}; X.reshape(1, -1) is the row of one picture"
        raise ShapeError(sentence(function, "X", expected, received))
    if X.ndim == W.ndim == 2 and X.shape[1] != len(W) == len(X):
        expected = f"(n, {len(W)}), a row per sample, as {name} of shape {W.shape} takes"
        received = f"shape {X.shape}; X.T has it"
        raise ShapeError(sentence(function, "X", expected, received))


def check_weight(function: str, name: str, W: Array, inputs: int) -> None:
    """Raise ShapeError for weights that have not a row for each input."""
    check_not_empty(function, name, W, 2)
    if W.shape[1] == inputs != len(W):
        expected = f"({inputs}, outputs), a row for each input"
        received = f"shape {W.shape}; {name}.T has it"
        raise ShapeError(sentence(function, name, expected, received))
    check_shape(function, name, W, (inputs, W.shape[1]))
