"""Gradients by central differences: slow, but they check all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neural_network.checks import Array, as_callable, as_number, as_real, as_single
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, brief, sentence
from neural_network.public import public


@public
@explains_calls
def numerical_gradient(
    X: Any,
    y: Any,
    params: dict[str, NDArray[Any]],
    loss_fn: Callable[[Any, Any], float],
    forward_fn: Callable[[Any, dict[str, NDArray[Any]]], Any],
    h: float = 1e-4,
) -> dict[str, Array]:
    """Central differences for every entry of every parameter.

    ``grad = (loss(p + h) − loss(p − h)) / (2h)``, whose error shrinks with h²,
    where a one-sided difference shrinks with h only. Two forward passes for
    each number: for checking gradients, not for training.

    Args:
        X: inputs, handed to ``forward_fn`` as they are.
        y: targets, handed to ``loss_fn`` as they are.
        params: name → floating array of any shape. Each entry is changed by ±h in
            place and restored; afterwards all are bit for bit as before, also when a
            function raises. (Of a read-only array a copy is changed.)
        loss_fn: ``loss_fn(prediction, y)`` → one number.
        forward_fn: ``forward_fn(X, params)`` → prediction.
        h: half the distance, above 0. Use float64 parameters: in float32 the
            result has two or three correct digits at most.

    Returns:
        name → gradient, with the shape and type of the parameter.

    Raises:
        DTypeError (a TypeError): ``params`` is no dict of arrays, or an array is
            not floating: a step of 1e-4 would vanish in an integer.
        ArgumentError: ``h`` is not above 0, or too small to change a parameter.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 11.5.

    >>> W = np.array([3.0])
    >>> gradient = numerical_gradient(2.0, 0.0, {"W": W}, lambda p, y: p.item() ** 2,
    ...                               lambda X, params: X * params["W"])
    >>> gradient["W"].round(6)
    array([24.])
    """
    function = "numerical_gradient"
    step = as_number(function, "h", h, above=0)
    if not isinstance(params, dict):
        raise DTypeError(sentence(function, "params", "a dict of arrays", brief(type(params))))
    for name, array in params.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            kind = f"dtype {array.dtype}" if isinstance(array, np.ndarray) else type(array)
            received = f"{kind}; np.array({name}, float) is one"
            raise DTypeError(
                sentence(function, f"params[{name!r}]", "a floating-point array", received)
            )
    as_callable(function, "loss_fn", loss_fn)
    as_callable(function, "forward_fn", forward_fn)
    moved = {name: a if a.flags.writeable else a.copy() for name, a in params.items()}

    def loss() -> float:
        # A copy of the dict, which forward_fn may change.
        return as_single(function, "loss_fn", loss_fn(forward_fn(X, dict(moved)), y))

    shown = {name: f"params[{name!r}]" for name in moved}
    return _slopes(function, loss, moved, step, shown)


@public
@explains_calls
def finite_differences(f: Callable[[Array], Any], x: ArrayLike, h: float = 1e-4) -> Any:
    """Return the gradient of a function of one array by central differences.

    ``(f(x + h) − f(x − h)) / (2h)`` for each number of ``x``, as ``numerical_gradient`` has it for
    the parameters of a network.

    Args:
        f: takes an array of the shape of ``x``, and returns one number.
        x: a number, or an array of any shape; computed in float64.
        h: half the distance, above 0.

    Returns:
        The gradient, in float64: of the shape of ``x``, or a number.

    Raises:
        DTypeError (a TypeError): ``x`` holds no real numbers, ``f`` is no function, or does not
            return one number.
        ArgumentError: ``h`` is not above 0, or too small to change a number.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 11.5.

    >>> finite_differences(lambda w: np.sum(w**2), [1.0, -2.0]).round(6)
    array([ 2., -4.])
    >>> round(finite_differences(np.sin, 0.0), 6)
    1.0
    """
    function = "finite_differences"
    step = as_number(function, "h", h, above=0)
    as_callable(function, "f", f)
    moved = {"x": np.array(as_real(function, "x", x), np.float64)}

    def value() -> float:
        return as_single(function, "f", f(moved["x"].copy()))

    gradient = _slopes(function, value, moved, step, {"x": "x"})["x"]
    return gradient if gradient.ndim else float(gradient)


def _slopes(
    function: str,
    loss: Callable[[], float],
    moved: dict[str, Array],
    h: float,
    shown: dict[str, str],
) -> dict[str, Array]:
    """Return the central differences for every entry of arrays that ``loss`` reads.

    Args:
        function: the public function, for errors.
        loss: returns the number for the arrays as they are.
        moved: the arrays, which are changed and restored.
        h: half the distance.
        shown: what the errors call each array.
    """
    before = {name: a.copy() for name, a in moved.items()}

    def restore() -> None:
        for name, array in moved.items():
            array[...] = before[name]

    gradients = {}
    for name, array in moved.items():
        gradient = np.zeros(array.shape, array.dtype)
        for index in np.ndindex(array.shape):
            try:
                gradient[index] = _slope(function, loss, array, index, h, shown[name])
            finally:
                # All arrays, because forward_fn may have written into any of them.
                restore()
        gradients[name] = gradient
    return gradients


def _slope(
    function: str,
    loss: Callable[[], float],
    array: Array,
    index: tuple[int, ...],
    h: float,
    name: str,
) -> float:
    """Return the central difference for one entry."""
    original = array[index]
    array[index] = original + h
    above, up = float(array[index]), loss()
    array[index] = original - h
    below, down = float(array[index]), loss()
    if np.isfinite(original) and above == below:
        place = f"{name}{list(index)}" if index else name
        entry = f"{place} = {original} ({array.dtype})"
        expected = f"a step large enough to change {entry}"
        raise ArgumentError(sentence(function, "h", expected, h))
    # The actual difference, which in float32 is not exactly 2h.
    return (up - down) / (above - below)
