"""Convolution as three ops that are each other's gradients.

A convolution is linear in the picture and linear in the filters. Its gradient for
the picture is its transpose; its gradient for the filters is a sum over windows;
and the gradients of those two are made of the same three again. So convolution can
be differentiated as often as one likes, with three bodies in all.

Shapes are those of ``direct``: pictures (N, G, C, *sizes), padded; filters
(G, F, C, *taps); results (N, G, F, *outputs).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, Literal, TypeAlias

import numpy as np

from neural_network.checks import Array
from neural_network.functional.convolution.direct import (
    convolve_direct,
    convolve_filters,
    convolve_transpose,
    cost_direct,
)
from neural_network.functional.convolution.fft import convolve_fft, cost_fft, rounds_within
from neural_network.functional.op import Call, call, gradient, op, samples
from neural_network.functional.window import Sizes, output_sizes
from neural_network.kernels.convolution.single_channel import shifts_serve

Method = Literal["auto", "direct", "fft"]
Rng: TypeAlias = "np.random.Generator"
# The transform's rounding spreads over the picture, so it has to be clearly
# faster before "auto" takes it.
FFT_ADVANTAGE = 2.0
# Where both are compiled, what they cost is known better, and the one along columns rounds less.
COMPILED_FFT_ADVANTAGE = 1.25
# Fewer taps than this are never worth a transform, nor an estimate.
WORTH_A_THOUGHT = 16
# What the contract of ``conv2d`` allows, times the largest sum in the picture.
ROUNDING = {"float32": 1e-6, "float64": 1e-12}


@op
def correlate(
    X: Any,
    W: Any,
    stride: Sizes,
    dilation: Sizes,
    method: Method = "auto",
    precise: bool = True,
) -> Array:
    """Slide filters over padded pictures and sum the products under each window."""
    none = ((0, 0),) * len(stride)
    outputs = output_sizes("correlate", X.shape[3:], W.shape[3:], stride, none, dilation)
    if method == "auto":
        method = _faster(X, W, outputs, stride, dilation, precise)
    if method == "fft":
        return convolve_fft(X, W, outputs, stride, dilation)
    return convolve_direct(X, W, outputs, stride, dilation, precise)


def _faster(
    X: Array, W: Array, outputs: Sizes, stride: Sizes, dilation: Sizes, precise: bool
) -> Method:
    """Take the transform where it is clearly faster and its rounding is small enough."""
    # A transform computes every place and keeps one in a stride.
    if prod(W.shape[3:]) < WORTH_A_THOUGHT * prod(stride):
        return "direct"
    by_sum = cost_direct(X, W, outputs, dilation, precise)
    by_fft = cost_fft(X, W, outputs, stride, dilation)
    advantage = COMPILED_FFT_ADVANTAGE if shifts_serve(X, W, outputs) else FFT_ADVANTAGE
    if by_sum <= advantage * by_fft:
        return "direct"
    bound = ROUNDING.get(X.dtype.name, 1e-12)
    with np.errstate(over="ignore", invalid="ignore"):  # not finite: no bound can hold
        safe = rounds_within(bound, X, W, outputs, stride, dilation)
    return "fft" if safe else "direct"


@op
def correlate_transpose(Y: Any, W: Any, sizes: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Add to each number of a picture what the windows over it hold, times the filter."""
    return convolve_transpose(Y, W, sizes, stride, dilation)


@op
def correlate_filters(X: Any, Y: Any, taps: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Add up what the windows showed times their number, for each filter and tap."""
    return convolve_filters(X, Y, taps, stride, dilation)


@gradient(correlate, "X")
def _(g: Any, W: Any, X_shape: Any, stride: Sizes, dilation: Sizes) -> Any:
    return correlate_transpose(g, W, X_shape[3:], stride, dilation)


@gradient(correlate, "W")
def _(g: Any, X: Any, W_shape: Any, stride: Sizes, dilation: Sizes) -> Any:
    return correlate_filters(X, g, W_shape[3:], stride, dilation)


@gradient(correlate_transpose, "Y")
def _(g: Any, W: Any, stride: Sizes, dilation: Sizes) -> Any:
    return correlate(g, W, stride, dilation)


@gradient(correlate_transpose, "W")
def _(g: Any, Y: Any, W_shape: Any, stride: Sizes, dilation: Sizes) -> Any:
    return correlate_filters(g, Y, W_shape[3:], stride, dilation)


@gradient(correlate_filters, "X")
def _(g: Any, Y: Any, X_shape: Any, stride: Sizes, dilation: Sizes) -> Any:
    return correlate_transpose(Y, g, X_shape[3:], stride, dilation)


@gradient(correlate_filters, "Y")
def _(g: Any, X: Any, stride: Sizes, dilation: Sizes) -> Any:
    return correlate(X, g, stride, dilation)


# Pictures, filters, stride, dilation: one, two and three dimensions; groups; a rest
# that no window reaches.
SHAPES = [
    ((2, 1, 2, 6, 5), (1, 3, 2, 3, 2), (1, 1), (1, 1)),
    ((1, 2, 2, 6, 7), (2, 1, 2, 2, 3), (2, 3), (2, 1)),
    ((2, 3, 1, 4, 4), (3, 1, 1, 3, 3), (1, 1), (1, 1)),
    ((2, 1, 1, 7), (1, 2, 1, 3), (2,), (1,)),
    ((1, 1, 2, 3, 4, 3), (1, 2, 2, 2, 2, 2), (1, 2, 1), (1, 1, 1)),
]


@samples(correlate)
def _(rng: Rng) -> Iterator[Call]:
    for picture, kernel, stride, dilation in SHAPES:
        yield call(rng.standard_normal(picture), rng.standard_normal(kernel), stride, dilation)


@samples(correlate_transpose)
def _(rng: Rng) -> Iterator[Call]:
    for picture, kernel, stride, dilation in SHAPES:
        X, W = rng.standard_normal(picture), rng.standard_normal(kernel)
        Y = rng.standard_normal(np.shape(correlate(X, W, stride, dilation)))
        yield call(Y, W, picture[3:], stride, dilation)


@samples(correlate_filters)
def _(rng: Rng) -> Iterator[Call]:
    for picture, kernel, stride, dilation in SHAPES:
        X, W = rng.standard_normal(picture), rng.standard_normal(kernel)
        Y = rng.standard_normal(np.shape(correlate(X, W, stride, dilation)))
        yield call(X, Y, kernel[3:], stride, dilation)
