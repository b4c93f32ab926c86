"""Convolution as three ops that are each other's gradients.

A convolution is linear in the images and linear in the filters. Its gradient for
the images is its transpose; its gradient for the filters is a sum over windows;
and the gradients of those two are made of the same three again. So convolution can
be differentiated as often as one likes, with three ops in all. ``depthwise`` is a fourth only
because compiled kernels find all of its gradients in one pass.

Shapes are those of ``direct``: images (N, G, C, *sizes), without padding; filters
(G, F, C, *taps); bias (G, F); results (N, G, F, *outputs).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.functional.convolution import compiled
from neural_network.functional.convolution.route import (
    Method,
    depthwise_compiled,
    route,
    route_filter_gradient,
    route_transpose,
)
from neural_network.functional.op import Call, call, gradient, op, samples
from neural_network.functional.window import Window


@op
def correlate(
    X: Any, W: Any, window: Window, method: Method = "auto", precise: bool = True, bias: Any = None
) -> Array:
    """Slide filters over images and sum the products under each window."""
    return route(X, W, window, method, precise)(X, W, bias, window)


@op
def correlate_transpose(Y: Any, W: Any, window: Window) -> Array:
    """Add, to each number of an image, what the windows over it hold, times the filter."""
    return route_transpose(Y, W, window)(Y, W, window)


@op
def correlate_filters(X: Any, Y: Any, window: Window) -> Array:
    """Add up, for each filter and tap, the numbers under it times the number of their window."""
    return route_filter_gradient(X, Y, window)(X, Y, window)


def _bias_gradient(g: Any) -> Any:
    return np.sum(g, axis=(0, *range(3, g.ndim)))


gradient(correlate, "X")(lambda g, W, window: correlate_transpose(g, W, window))
gradient(correlate, "W")(lambda g, X, window: correlate_filters(X, g, window))
gradient(correlate, "bias")(_bias_gradient)
gradient(correlate_transpose, "Y")(lambda g, W, window: correlate(g, W, window))
gradient(correlate_transpose, "W")(lambda g, Y, window: correlate_filters(g, Y, window))
gradient(correlate_filters, "X")(lambda g, Y, window: correlate_transpose(Y, g, window))
gradient(correlate_filters, "Y")(lambda g, X, window: correlate(X, g, window))


@op
def depthwise(
    arrays: Sequence[Any], window: Window, method: Method = "auto", precise: bool = True
) -> Array:
    """Compute ``correlate`` of one channel in each group.

    Args:
        arrays: images, filters and perhaps a bias: one argument, because their gradients
            are found together.
        window, method, precise: as in ``route``.
    """
    X, W, *bias = arrays
    return route(X, W, window, method, precise)(X, W, bias[0] if bias else None, window)


@gradient(depthwise, "arrays")
def _(g: Any, arrays: Any, window: Window, precise: bool) -> Any:
    X, W = arrays[:2]
    if depthwise_compiled(X, W, precise, g, *arrays[2:]):
        found = compiled.depthwise_gradients(g, X, W, window)
    else:
        for_X, for_W = correlate_transpose(g, W, window), correlate_filters(X, g, window)
        found = [for_X, for_W, _bias_gradient(g)]
    return found[: len(arrays)]


# Images, filters, stride, padding, dilation: one, two and three axes; groups; numbers left over
# that no window reaches.
SHAPES = [
    ((2, 1, 2, 6, 5), (1, 3, 2, 3, 2), 1, 0, 1),
    ((1, 2, 2, 6, 7), (2, 1, 2, 2, 3), (2, 3), 0, (2, 1)),
    ((2, 3, 1, 4, 4), (3, 1, 1, 3, 3), 1, ((1, 0), (0, 2)), 1),
    ((2, 1, 1, 7), (1, 2, 1, 3), 2, 1, 1),
    ((1, 1, 2, 3, 4, 3), (1, 2, 2, 2, 2, 2), (1, 2, 1), 0, 1),
]


def _drawn(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array, Window]]:
    """Yield images, filters, numbers for the results, and the window."""
    for images, filters, stride, padding, dilation in SHAPES:
        window = Window.of("correlate", images[3:], filters[3:], stride, padding, dilation)
        results = (images[0], *filters[:2], *window.outputs)
        X, W, Y = (rng.standard_normal(shape) for shape in (images, filters, results))
        yield X, W, Y, window


@samples(correlate)
def _(rng: np.random.Generator) -> Iterator[Call]:
    for X, W, _, window in _drawn(rng):
        yield call(X, W, window)
        yield call(X, W, window, "auto", True, rng.standard_normal(W.shape[:2]))


@samples(correlate_transpose)
def _(rng: np.random.Generator) -> Iterator[Call]:
    for _, W, Y, window in _drawn(rng):
        yield call(Y, W, window)


@samples(correlate_filters)
def _(rng: np.random.Generator) -> Iterator[Call]:
    for X, _, Y, window in _drawn(rng):
        yield call(X, Y, window)


@samples(depthwise)
def _(rng: np.random.Generator) -> Iterator[Call]:
    draw = rng.standard_normal
    window = Window.of("correlate", (5, 4), (3, 2), 1, ((1, 0), (1, 1)))
    yield call([draw((2, 3, 1, 5, 4)), draw((3, 1, 1, 3, 2)), draw((3, 1))], window)
    window = Window.of("correlate", (6, 5), (2, 3), (2, 1), ((0, 1), (0, 0)), (1, 2))
    yield call([draw((1, 2, 1, 6, 5)), draw((2, 2, 1, 2, 3))], window)
