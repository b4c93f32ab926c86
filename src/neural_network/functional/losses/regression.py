"""Regression losses: squared, absolute, and Huber's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import as_floating, as_number, silent
from neural_network.functional.losses.reduction import (
    Loss,
    Reduction,
    check_pair,
    reduce_elements,
    share_of_elements,
)
from neural_network.functional.op import RULES, Call, call, op, samples
from neural_network.public import named, public


@public
@named("loss")
@op
@silent
def mse_loss(y_pred: ArrayLike, y: ArrayLike, *, reduction: Reduction = "mean") -> Loss:
    """Mean squared error: ``mean((y_pred − y)²)`` over all elements.

    Args:
        y_pred: predictions, any shape: (n,), (n, 1), (n, k) …
        y: targets of exactly the same shape; (n,) against (n, 1) is refused,
           because broadcasting would compare every row with every other.
        reduction: ``"mean"`` over the rows (the first axis), their ``"sum"``, or
            ``"none"``; a row's loss is the mean over its elements.

    Returns:
        A float; with ``"none"`` (n,), in the widest floating type of the arguments.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: the shapes differ, or are empty.
        ArgumentError: a target is NaN, or another word for ``reduction``.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 5.1.4.

    >>> mse_loss([1.0, 2.0], [0.0, 4.0])
    2.5
    """
    (y_pred, y), dtype = as_floating("mse_loss", y_pred=y_pred, y=y)
    check_pair("mse_loss", reduction, y_pred=y_pred, y=y)
    return reduce_elements(np.square(y_pred - y), reduction, dtype)


@public
@named("loss")
@op
@silent
def l1(y_pred: ArrayLike, y: ArrayLike, *, reduction: Reduction = "mean") -> Loss:
    """Mean absolute error: ``mean(|y_pred − y|)`` over all elements.

    Outliers have no larger gradient than other targets; at 0 the gradient is 0.

    Args:
        y_pred: predictions, any shape.
        y: targets of exactly the same shape.
        reduction: ``"mean"`` over the rows (the first axis), their ``"sum"``, or
            ``"none"``; a row's loss is the mean over its elements.

    Returns:
        A float; with ``"none"`` (n,), in the widest floating type of the arguments.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: the shapes differ, or are empty.
        ArgumentError: a target is NaN, or another word for ``reduction``.

    Source: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning",
    2nd edition, 2009, section 10.6.

    >>> l1([1.0, 2.0], [0.0, 4.0]), l1([1.0, 2.0], [0.0, 4.0], reduction="none")
    (1.5, array([1., 2.]))
    """
    (y_pred, y), dtype = as_floating("l1", y_pred=y_pred, y=y)
    check_pair("l1", reduction, y_pred=y_pred, y=y)
    return reduce_elements(np.abs(y_pred - y), reduction, dtype)


@public
@named("loss")
@op
@silent
def huber(
    y_pred: ArrayLike, y: ArrayLike, *, delta: float = 1.0, reduction: Reduction = "mean"
) -> Loss:
    """Huber's loss of the distance ``d = |y_pred − y|``: squared up to δ, linear beyond.

    ``d² / 2`` where d ≤ δ, ``δ · (d − δ / 2)`` beyond, averaged over all elements.

    Args:
        y_pred: predictions, any shape.
        y: targets of exactly the same shape.
        delta: δ, above 0.
        reduction: ``"mean"`` over the rows (the first axis), their ``"sum"``, or
            ``"none"``; a row's loss is the mean over its elements.

    Returns:
        A float; with ``"none"`` (n,), in the widest floating type of the arguments.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: the shapes differ, or are empty.
        ArgumentError: a target is NaN, ``delta`` is not above 0, or another word
            for ``reduction``.

    Source: Huber, "Robust Estimation of a Location Parameter", 1964.

    >>> huber([1.0, 4.0], [0.0, 0.0], delta=2.0, reduction="none")
    array([0.5, 6. ])
    """
    (y_pred, y), dtype = as_floating("huber", y_pred=y_pred, y=y)
    delta = as_number("huber", "delta", delta, above=0)
    check_pair("huber", reduction, y_pred=y_pred, y=y)
    distance = np.abs(y_pred - y)
    # Both pieces in one formula that squares no large distance, which could overflow.
    near = np.minimum(distance, delta)
    return reduce_elements(near * (distance - near / 2), reduction, dtype)


def _differentiate(loss: Callable[..., Any], slope: Callable[..., Any], *options: str) -> None:
    """Register the gradients of a loss of ``y_pred − y``.

    Args:
        loss: the op.
        slope: takes the gradient that each element's loss receives, the difference, and options.
        options: the names of further arguments that ``slope`` takes.
    """

    def for_prediction(g: Any, *, y_pred: Any, y: Any, reduction: Reduction, **values: Any) -> Any:
        difference = np.subtract(y_pred, y)
        return slope(share_of_elements(g, reduction, difference.shape), difference, **values)

    def for_target(g: Any, *, y_pred: Any, y: Any, **values: Any) -> Any:
        return for_prediction(g, y_pred=y, y=y_pred, **values)

    needs = ("y_pred", "y", "reduction", *options)
    for name, formula in (("y_pred", for_prediction), ("y", for_target)):
        RULES[loss].register(name, formula, needs)


_differentiate(mse_loss, lambda share, difference: share * 2 * difference)
_differentiate(l1, lambda share, difference: share * np.sign(difference))
_differentiate(
    huber, lambda share, difference, delta: share * np.clip(difference, -delta, delta), "delta"
)


@samples(mse_loss)
@samples(l1)
@samples(huber)
def _(rng: np.random.Generator) -> Iterator[Call]:
    for shape in ((3, 2), (4,), (2, 1, 3)):
        # Distances away from 0 and 1, where the slopes of l1 and huber jump or bend.
        distance = rng.choice([-1.7, -0.6, 0.5, 1.4], shape) + rng.uniform(-0.1, 0.1, shape)
        y = rng.standard_normal(shape)
        yield call(y + distance, y)
        yield call(y + distance, y, reduction="sum")
        yield call(y + distance, y, reduction="none")
    yield call(rng.uniform(1, 2, ()), rng.uniform(-1, 0.5, ()))
