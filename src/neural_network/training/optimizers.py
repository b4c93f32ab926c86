"""Rules that turn a gradient into a step."""

from __future__ import annotations

from numpy.typing import ArrayLike

from neural_network.functional.checks import (
    Array,
    as_floating,
    as_number,
    check_same_shape,
    rounded,
)


def momentum_update(
    velocity: ArrayLike, gradient: ArrayLike, mu: float, lr: float
) -> tuple[Array, Array]:
    """One step of classical momentum: ``v ← mu · v − lr · gradient``.

    Args:
        velocity: the running step, any shape; zeros at first.
        gradient: the loss's gradient, the same shape.
        mu: how much of the old velocity stays, from 0 to 1.
        lr: learning rate, above 0.

    Returns:
        ``(v, v)``: the new velocity to keep, and the step to add to the
        parameter (``W = W + step``); equal values in two arrays,
        in the widest floating type of the two arguments.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: the shapes differ.
        ArgumentError: ``mu`` outside [0, 1], ``lr`` not above 0.

    Source: Polyak, "Some methods of speeding up the convergence of iteration
    methods", 1964.

    >>> velocity, step = momentum_update([1.0, 0.0], [2.0, 2.0], mu=0.5, lr=0.25)
    >>> step
    array([ 0. , -0.5])
    """
    function = "momentum_update"
    (v, g), dtype = as_floating(function, velocity=velocity, gradient=gradient)
    check_same_shape(function, "gradient", g, "velocity", v)
    mu = as_number(function, "mu", mu, between=(0, 1))
    lr = as_number(function, "lr", lr, above=0)
    updated = rounded(mu * v - lr * g, dtype)
    return updated, updated.copy()
