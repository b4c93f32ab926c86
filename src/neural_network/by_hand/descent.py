"""Gradient descent with hand-written gradients, for one layer and for small networks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from neural_network.advice import in_shape
from neural_network.blas import threads_for_products
from neural_network.by_hand.hints import hint_one_output, hint_pixels, hint_rate
from neural_network.by_hand.networks import backward, check_columns, check_weight, forward
from neural_network.checks import (
    Array,
    as_callable,
    as_count,
    as_flag,
    as_floating,
    as_floating_type,
    as_generator,
    as_number,
    as_real,
    as_single,
    check_not_empty,
    check_probabilities,
    check_shape,
    is_iterable,
    rounded,
    within_memory,
)
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import (
    ArgumentError,
    DivergenceError,
    DTypeError,
    ShapeError,
    brief,
    give_hint,
    hints_of_fit,
    sentence,
)
from neural_network.functional.activations import identity
from neural_network.functional.losses.probabilities import cross_entropy
from neural_network.functional.shaping import cut, cut_evenly
from neural_network.public import public
from neural_network.terminal import write_line

# Losses from here on are written with a power of ten; and predictions so many times as large as the
# targets, and as they were before, are of steps that overshoot.
LONG, GROWN = 1e6, 100
Rng = int | np.random.Generator | None


class _Shown:
    """A function that ``help`` shows by its name, and not by its place in memory."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)

    def __repr__(self) -> str:
        return str(self.function.__name__)


@public
@explains_calls
def gradient_descent(
    X: ArrayLike,
    y: ArrayLike,
    W: ArrayLike,
    b: ArrayLike,
    lr: float,
    num_epochs: int,
    batch_size: int,
    loss_fn: Callable[[Any, Any], float],
    activation_fn: Callable[[Any], Any] = _Shown(identity),  # noqa: B008  # it never changes
    *,
    verbose: bool = True,
    rng: Rng = None,
) -> tuple[Array, Array, list[float]]:
    """Mini-batch gradient descent of one linear layer.

    For each batch: ``error = activation(X · W + b) − y``,
    ``W ← W − lr · Xᵀ · error / batch``, ``b ← b − lr · mean(error)``. For one output
    that is the gradient of the squared error (halved) for the identity, and of binary
    cross-entropy for sigmoid. For several outputs it is for ``W``, and of cross-entropy
    for softmax, too; but ``mean(error)`` is then one number for all biases, and with
    softmax it is 0, as each row of errors sums to 0: the biases stay as they were.
    ``train_mlp`` and ``Trainer`` train a bias for each output.

    Args:
        X: (n, d), a row per sample.
        y: (n, 1) targets; (n, k) for k outputs.
        W: (d, 1) initial weights; (d, k).
        b: (1,) or (1, 1) initial bias, one for all outputs; (k,) or (1, k).
            ``mean(error)`` is one number, over rows and outputs, as in the article,
            whose layer has one output.
        lr: learning rate, above 0.
        num_epochs: passes over the data, at least 0.
        batch_size: rows in a batch, at least 1; the last one may be smaller, and its step by
            the gradient of few rows is of the full rate: choose a divisor of n, or a smaller lr.
        loss_fn: ``loss_fn(prediction, y)`` → float, evaluated over the whole set
            after each epoch, such as ``mse_loss``.
        activation_fn: applied to the linear output, such as ``sigmoid``.
        verbose: print ``Epoch 1/10, Loss: 0.1234`` after each epoch.
        rng: a seed or a ``numpy.random.Generator`` for the order of the rows.
            None draws one ``np.random.permutation(n)`` an epoch, so that
            ``np.random.seed`` governs it.

    Returns:
        ``(W, b, losses)``: new arrays in the widest floating type of ``X``, ``y``, ``W``
        and ``b``, and one loss (a float) for each epoch.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: shapes that do not fit, or no sample.
        ArgumentError: ``lr`` or ``batch_size`` not above 0, ``num_epochs`` below 0,
            NaN or infinity in an array.
        DivergenceError: after an epoch the loss or the weights are not finite.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 5.9.

    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> W, b, losses = gradient_descent(X, 2 * X + 1, np.zeros((1, 1)), np.zeros(1), 0.1, 200, 2,
    ...                                 lambda p, y: float(np.mean((p - y) ** 2)),
    ...                                 verbose=False, rng=0)
    >>> print(W.round(3), b.round(3))
    [[2.]] [1.]
    """
    function = "gradient_descent"
    (X, y, W, b), dtype = as_floating(function, X=X, y=y, W=W, b=b)
    _check_column(function, X, y)
    check_not_empty(function, "X", X, 2)
    if W.ndim < 2:
        received = f"shape {W.shape}; np.zeros(({X.shape[1]}, 1)) is one weight for each column"
        raise ShapeError(sentence(function, "W", "2 dimensions", f"{received} of X"))
    check_not_empty(function, "W", W, 2)
    rows, outputs = len(X), W.shape[1]
    check_columns(function, X, "W", W)
    check_weight(function, "W", W, X.shape[1])
    check_shape(function, "b", b, (1,), (1, 1), (outputs,), (1, outputs))
    check_shape(function, "y", y, (rows, outputs))
    _check_finite(function, X=X, y=y, W=W, b=b)
    hint_pixels(function, X)
    lr, num_epochs, batch_size = _check_schedule(function, lr, num_epochs, batch_size)
    as_callable(function, "loss_fn", loss_fn)
    as_callable(function, "activation_fn", activation_fn)
    verbose = as_flag(function, "verbose", verbose)
    # The article calls np.random.permutation once an epoch; so do we, for the same numbers.
    permutation = np.random.permutation if rng is None else as_generator(function, rng).permutation

    def predict(X: Array) -> Array:
        prediction = as_real(function, "activation_fn", activation_fn(X @ weight + bias))
        if prediction.shape != (len(X), outputs):
            expected = f"a result of shape {(len(X), outputs)}"
            received = f"shape {prediction.shape}"
            raise ShapeError(sentence(function, "activation_fn", expected, received))
        return prediction

    weight, bias = W.copy(), b.copy()
    losses = []
    for epoch in range(1, num_epochs + 1):
        with (
            threads_for_products(min(rows, batch_size) * W.size),
            np.errstate(all="ignore"),  # the result is checked below
        ):
            for batch in cut(permutation(rows), batch_size):
                error = predict(X[batch]) - y[batch]
                weight = weight - lr * (X[batch].T @ error) / len(batch)
                bias = bias - lr * np.mean(error)
            _check_converges(function, epoch, lr, W=rounded(weight, dtype), b=rounded(bias, dtype))
            losses.append(_loss(function, loss_fn, predict(X), y))
        _check_converges(function, epoch, lr, loss=losses[-1])
        if verbose:
            shown = f"{losses[-1]:.4f}" if abs(losses[-1]) < LONG else f"{losses[-1]:.4g}"
            write_line(sys.stdout, f"Epoch {epoch}/{num_epochs}, Loss: {shown}")
    if losses:
        with np.errstate(all="ignore"):
            one = np.zeros((1, 1), X.dtype)
            if outputs == 1 and np.all(predict(X) == 1) and np.all(activation_fn(one) == 1):
                cure = "activation_fn=sigmoid with loss_fn=binary_cross_entropy is for one output"
                hint_one_output(function, "W", cure)
            highest = float(np.max(np.abs(predict(X))))
            if highest > GROWN * max(float(np.max(np.abs(y))), float(np.max(np.abs(X @ W + b)))):
                give_hint(
                    f"{function}: the predictions have grown to {highest:.3g}, far beyond y, which "
                    f"goes up to {np.max(np.abs(y)):.3g} (loss {losses[-1]:.3g}): each step "
                    f"overshoots; try lr={lr / 10:.3g}, or X scaled to about [-1, 1]"
                )
    return rounded(weight, dtype), rounded(bias, dtype), losses


@public
@within_memory
def initial_parameters(
    sizes: Sequence[int], *, rng: Rng = 0, dtype: DTypeLike = np.float32
) -> dict[str, Array]:
    """Draw the weights of a multi-layer perceptron; biases are 0.

    He's initialisation, ``W ~ N(0, 2 / inputs)``, keeps the variance
    of the activations from layer to layer, where relu sets half of them to 0.

    Args:
        sizes: inputs, hidden sizes …, classes; at least two numbers.
        rng: a seed or a ``numpy.random.Generator``.
        dtype: floating type of the arrays.

    Returns:
        ``{"W1": (inputs, h1), "b1": (1, h1), "W2": …}``, names as in ``forward_mlp``;
        all of type ``dtype``.

    Raises:
        ArgumentError: fewer than two sizes, or a size below 1.

    Source: He et al., "Delving Deep into Rectifiers", ICCV 2015, arXiv 1502.01852.

    >>> {name: array.shape for name, array in initial_parameters([784, 128, 10]).items()}
    {'W1': (784, 128), 'b1': (1, 128), 'W2': (128, 10), 'b2': (1, 10)}
    """
    function = "initial_parameters"
    checked = _counts(function, "sizes", sizes)
    as_floating_type(function, "dtype", dtype)
    if len(checked) < 2:
        raise ArgumentError(sentence(function, "sizes", "at least two numbers", checked))
    generator = as_generator(function, rng)
    parameters = {}
    for k, (inputs, outputs) in enumerate(pairwise(checked), start=1):
        spread = np.sqrt(2 / inputs)
        parameters[f"W{k}"] = (generator.standard_normal((inputs, outputs)) * spread).astype(dtype)
        parameters[f"b{k}"] = np.zeros((1, outputs), dtype)
    return parameters


@public
@explains_calls
def train_mlp(
    X: ArrayLike,
    y: ArrayLike,
    *,
    hidden: Sequence[int] = (128,),
    lr: float = 0.1,
    num_epochs: int = 10,
    batch_size: int = 64,
    rng: Rng = 0,
    after_epoch: Callable[[int, float, dict[str, Array]], None] | None = None,
) -> tuple[dict[str, Array], list[float]]:
    """Train the 2- or 3-layer network with its hand-written gradients.

    Args:
        X: (n, d) inputs; scaled to about [0, 1] or [−1, 1].
        y: (n, k) one-hot labels (see ``one_hot``).
        hidden: the sizes of the hidden layers: one for ``forward_mlp``, two for
            ``forward_mlp_3layer``. More are trained as well; their outputs are computed layer
            by layer, ``A = relu(A @ p["W1"] + p["b1"])``, the last one by ``softmax``.
        lr: learning rate, above 0.
        num_epochs: passes over the data, at least 0.
        batch_size: the most rows in a batch, at least 1. All batches have this size where it
            divides n, and else they are of nearly equal size (5000 rows: 79 batches of 63 or
            64). A last batch of the 8 rows left over, as ``batches`` and ``range(0, n, 64)``
            make it, would take a step of the full rate by the gradient of 8 rows, which
            may undo much of an epoch.
        rng: a seed or a ``numpy.random.Generator``, for the weights and the order.
        after_epoch: called with (epoch from 1, mean loss of its batches, the
            parameters, which the next epoch changes).

    Returns:
        ``(parameters, losses)``: the arrays by the names of ``forward_mlp``, in
        the widest floating type of ``X`` and ``y``, and
        the mean loss of each epoch's batches.

    Raises:
        DTypeError, ShapeError, ArgumentError, DivergenceError: as ``gradient_descent``.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, sections 5.9 and 6.5.

    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> exclusive_or = np.array([[1, 0], [0, 1], [0, 1], [1, 0]])
    >>> parameters, losses = train_mlp(X, exclusive_or, hidden=(16,), lr=0.5, num_epochs=300)
    >>> forward_mlp(X, **parameters)[1].argmax(axis=1)
    array([0, 1, 1, 0])
    """
    function = "train_mlp"
    (X, y), dtype = as_floating(function, X=X, y=y)
    if X.ndim > 2 and X.size:
        expected = "rows of numbers (n, d)"
        received = f"shape {X.shape}; X.reshape(len(X), -1) has a row for each picture"
        raise ShapeError(sentence(function, "X", expected, received))
    check_not_empty(function, "X", X, 2)
    _check_finite(function, X=X, y=y)
    _check_samples(function, X, y)
    _check_one_hot(function, y, len(X))
    pixels = hint_pixels(function, X)
    lr, num_epochs, batch_size = _check_schedule(function, lr, num_epochs, batch_size)
    check_probabilities(function, "y", y, dtype)
    hidden = _counts(function, "hidden", hidden)
    if after_epoch is not None:
        as_callable(function, "after_epoch", after_epoch)
    generator = as_generator(function, rng)
    sizes = [X.shape[1], *hidden, y.shape[1]]
    parameters = initial_parameters(sizes, rng=generator, dtype=X.dtype)
    largest = min(len(X), batch_size) * max(array.size for array in parameters.values())

    losses = []
    for epoch in range(1, num_epochs + 1):
        total = 0.0
        with (
            threads_for_products(largest),
            np.errstate(all="ignore"),  # the result is checked below
            hints_of_fit(),
        ):
            for batch in cut_evenly(generator.permutation(len(X)), batch_size):
                inputs, labels = X[batch], y[batch]
                sums, activations = forward(inputs, parameters)
                gradients = backward(inputs, sums, activations, labels, parameters)
                for name, gradient in gradients.items():
                    parameters[name] -= lr * gradient
                total += cross_entropy(activations[-1], labels) * len(batch)
            rounded_all = {name: rounded(array, dtype) for name, array in parameters.items()}
        losses.append(total / len(X))
        _check_converges(function, epoch, lr, loss=losses[-1], **rounded_all)
        if after_epoch is not None:
            after_epoch(epoch, losses[-1], parameters)
    if losses and y.shape[1] == 1:
        hint_one_output(function, "y", "np.hstack([1 - y, y]) has a column for each of two classes")
    if not pixels:
        hint_rate(function, lr, losses, y)
    return {name: rounded(array, dtype) for name, array in parameters.items()}, losses


def _loss(function: str, loss_fn: Callable[..., Any], predictions: Array, y: Array) -> float:
    """Return the loss of all rows; what a softmax over one number has made gets another hint."""
    single = predictions.shape[1] == 1 and bool(np.all(predictions == 1))
    with hints_of_fit() if single else nullcontext():
        return as_single(function, "loss_fn", loss_fn(predictions, y))


def _check_converges(function: str, epoch: int, lr: float, **numbers: Any) -> None:
    """Raise DivergenceError for a loss or parameters that are not finite after an epoch."""
    bad = [name for name, array in numbers.items() if not np.all(np.isfinite(array))]
    if bad:
        raise DivergenceError(
            f"{function}: {', '.join(bad)}: expected finite numbers after epoch {epoch} with "
            f"lr={lr:g}, received NaN or infinity; a smaller lr, or inputs scaled to about "
            "[−1, 1], may help"
        )


def _check_finite(function: str, **arrays: Array) -> None:
    """Raise ArgumentError for NaN or infinity, from which nothing can be learned."""
    for name, array in arrays.items():
        wrong = ~np.isfinite(array)
        if np.any(wrong):
            first = tuple(np.argwhere(wrong)[0].tolist())
            received = f"{array[first]} at {list(first)}"
            raise ArgumentError(sentence(function, name, "finite numbers", received))


def _check_column(function: str, X: Array, y: Array) -> None:
    """Raise ShapeError for samples of one number each that are not a column."""
    rows = y.shape[:1]
    expected = "(n, d), a row per sample"
    if X.ndim == 1 and X.shape == rows:
        received = f"shape {X.shape}; X[:, None] has a row for each of the {len(y)} numbers of y"
        raise ShapeError(sentence(function, "X", expected, received))
    if X.ndim == 2 and len(X) == 1 != len(y) and X.shape[1:] == rows:
        received = f"shape {X.shape}; X.T has a row for each of the {len(y)} numbers of y"
        raise ShapeError(sentence(function, "X", expected, received))


def _check_samples(function: str, X: Array, y: Array) -> None:
    """Raise ShapeError for columns in place of rows for the samples, of X, of y or of both."""
    if y.ndim != 2 or len(X) == len(y):
        if y.ndim == 1 and X.shape[1] == len(y) != len(X):
            expected = f"{len(y)} rows, one per sample, as y has labels"
            received = f"shape {X.shape}; X.T has them"
            raise ShapeError(sentence(function, "X", expected, received))
        return
    (rows, columns), (labels, classes) = X.shape, y.shape
    turned = {"X": columns == labels, "y": rows == classes, "X, y": columns == classes}
    name = next((name for name, fits in turned.items() if fits), None)
    if name is None or min(X.shape + y.shape) == 1:
        return
    cure = "X.T or y.T has" if turned["X"] and turned["y"] else f"{name}.T has"
    expected = "a row for each sample in both X and y"
    received = f"X of shape {X.shape}, y {y.shape}; {cure} it".replace(
        "X, y.T has", "X.T, y.T have"
    )
    raise ShapeError(sentence(function, "X, y" if "or" in cure else name, expected, received))


def _check_one_hot(function: str, y: Array, rows: int) -> None:
    """Raise ShapeError for class numbers, or for labels of another number of rows."""
    if y.ndim != 2 or (y.shape[1] == 1 and np.max(y, initial=0) > 1):
        advice = in_shape("y", y, (rows, int(np.max(y, initial=1)) + 1))
        received = f"shape {y.shape}{advice if 'one_hot' in advice else ''}"
        raise ShapeError(sentence(function, "y", "one-hot rows (n, k)", received))
    check_shape(function, "y", y, (rows, y.shape[1]))


def _counts(function: str, name: str, sizes: Sequence[int]) -> list[int]:
    if not isinstance(sizes, list | tuple | np.ndarray) or not is_iterable(sizes):
        single: Any = sizes
        line = f"; {name}=({sizes},) is one" if type(single) is int and single > 0 else ""
        raise DTypeError(sentence(function, name, "a list of sizes", brief(sizes) + line))
    return [as_count(function, name, size) for size in sizes]


def _check_schedule(
    function: str, lr: float, num_epochs: int, batch_size: int
) -> tuple[float, int, int]:
    return (
        as_number(function, "lr", lr, above=0),
        as_count(function, "num_epochs", num_epochs, minimum=0),
        as_count(function, "batch_size", batch_size),
    )
