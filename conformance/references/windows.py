"""References for convolution, transposed convolution and pooling in one to three dimensions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch.nn import functional as F, grad as nn_grad

from neural_network import functional as ours
from neural_network.functional.convolution import ops as conv_ops
from neural_network.functional.pooling import ops as pool_ops

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
BY_FILTERS = {1: nn_grad.conv1d_weight, 2: nn_grad.conv2d_weight, 3: nn_grad.conv3d_weight}
MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
MEAN = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
GLOBAL = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


def _around(X: Any, padding: Any, value: float = 0.0) -> tuple[Any, Any]:
    """Put a (before, after) padding around, which PyTorch's windows do not take themselves."""
    if isinstance(padding, tuple) and isinstance(padding[0], tuple):
        return F.pad(X, [side for pair in reversed(padding) for side in pair], value=value), 0
    return X, padding


def _conv(axes: int) -> Callable[..., Any]:
    def conv(
        image: Any,
        filter_kernel: Any,
        stride: Any = 1,
        padding: Any = 0,
        *,
        dilation: Any = 1,
        groups: int = 1,
        bias: Any = None,
        flip: bool = False,
        method: str = "auto",  # noqa: ARG001  (PyTorch has one)
    ) -> Any:
        plain_X, plain_W = image.ndim - axes, filter_kernel.ndim - axes
        X, padding = _around(image, padding)
        sizes, W = X.shape[-axes:], filter_kernel
        if plain_W < 2:  # without channels: each image is a batch of its own
            X, W = X.reshape(-1, 1, *sizes), W.reshape(-1, 1, *W.shape[-axes:])
        if flip:
            W = W.flip(tuple(range(2, 2 + axes)))
        bias = None if bias is None else bias.reshape(-1)
        out = CONV[axes](X, W, bias, stride, padding, dilation, groups)
        if plain_W < 2:
            lead = [len(X)] * (plain_X == 1) + [len(W)] * (plain_W == 1)
            out = out.reshape(*lead, *out.shape[-axes:])
        return out

    return conv


def _conv_transpose(axes: int) -> Callable[..., Any]:
    def conv_transpose(
        X: Any,
        filters: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        *,
        dilation: Any = 1,
        groups: int = 1,
        bias: Any = None,
    ) -> Any:
        return TRANSPOSED[axes](X, filters, bias, stride, padding, output_padding, groups, dilation)

    return conv_transpose


def _merged(a: Any) -> Any:
    """(a, b, c, …) → (a · b, c, …)."""
    return a.reshape(-1, *a.shape[2:])


def correlate(
    X: Any,
    W: Any,
    window: Any,
    method: str = "auto",  # noqa: ARG001  # ours has it
    precise: bool = True,  # noqa: ARG001  # ours has it
    bias: Any = None,
) -> Any:
    N, G = X.shape[:2]
    images, _ = _around(_merged_channels(X), window.pads)
    bias = None if bias is None else bias.reshape(-1)
    out = CONV[len(window.taps)](images, _merged(W), bias, window.stride, 0, window.dilation, G)
    return out.reshape(N, G, -1, *out.shape[2:])


def correlate_transpose(Y: Any, W: Any, window: Any) -> Any:
    N, G = Y.shape[:2]
    covered = zip(window.padded, window.outputs, window.stride, window.reach, strict=True)
    rest = [n - (o - 1) * s - r for n, o, s, r in covered]
    out = TRANSPOSED[len(window.taps)](
        _merged_channels(Y), _merged(W), None, window.stride, 0, rest, G, window.dilation
    )
    return out.reshape(N, G, -1, *window.padded)[(..., *window.inside)]


def correlate_filters(X: Any, Y: Any, window: Any) -> Any:
    G, C, F_ = *X.shape[1:3], Y.shape[2]
    images, _ = _around(_merged_channels(X), window.pads)
    out = BY_FILTERS[len(window.taps)](
        images, (G * F_, C, *window.taps), _merged_channels(Y), window.stride, 0, window.dilation, G
    )
    return out.reshape(G, F_, C, *window.taps)


def _merged_channels(X: Any) -> Any:
    """(N, G, C, …) → (N, G · C, …)."""
    return X.reshape(len(X), -1, *X.shape[3:])


def depthwise(arrays: Any, window: Any) -> Any:
    X, W, *bias = arrays
    return correlate(X, W, window, bias=bias[0] if bias else None)


def window_max(X: Any, window: Any) -> Any:
    return MAX[len(window.taps)](X, window.taps, window.stride, 0, window.dilation)


def window_sum(X: Any, window: Any, divisor: float = 1.0) -> Any:
    ones = X.new_ones(1, 1, *window.taps)
    out = CONV[len(window.taps)](_merged(X)[:, None], ones, None, window.stride, 0, window.dilation)
    return out.reshape(*X.shape[:2], *out.shape[2:]) / divisor


def _max_pool(axes: int) -> Callable[..., Any]:
    def max_pool(
        X: Any,
        size: Any = 2,
        stride: Any = None,
        padding: Any = 0,
        *,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> Any:
        X, padding = _around(X, padding, -np.inf)
        return MAX[axes](X, size, stride, padding, dilation, ceil_mode)

    return max_pool


def _avg_pool(axes: int) -> Callable[..., Any]:
    def avg_pool(
        X: Any,
        size: Any = 2,
        stride: Any = None,
        padding: Any = 0,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> Any:
        X, padding = _around(X, padding)  # of each side: counted, and without ceil_mode
        return MEAN[axes](X, size, stride, padding, ceil_mode, count_include_pad)

    return avg_pool


def max_pool(X: Any, size: Any = 2, stride: Any = 2) -> Any:
    if X.ndim == 2:
        return F.max_pool2d(X[None], size, stride)[0]
    out = F.max_pool2d(X.permute(2, 0, 1), size, stride).permute(1, 2, 0)
    return out[..., 0] if X.shape[2] == 1 else out


def global_avg_pool(X: Any) -> Any:
    axes = X.ndim - 2
    return GLOBAL[axes](X, 1).reshape(X.shape[:2])


REFERENCES: dict[Callable[..., Any], Callable[..., Any]] = {
    ours.conv1d: _conv(1),
    ours.conv2d: _conv(2),
    ours.conv3d: _conv(3),
    ours.conv_transpose1d: _conv_transpose(1),
    ours.conv_transpose2d: _conv_transpose(2),
    ours.conv_transpose3d: _conv_transpose(3),
    conv_ops.correlate: correlate,
    conv_ops.correlate_transpose: correlate_transpose,
    conv_ops.correlate_filters: correlate_filters,
    conv_ops.depthwise: depthwise,
    pool_ops.window_max: window_max,
    pool_ops.window_sum: window_sum,
    ours.max_pool: max_pool,
    ours.max_pool1d: _max_pool(1),
    ours.max_pool2d: _max_pool(2),
    ours.max_pool3d: _max_pool(3),
    ours.avg_pool1d: _avg_pool(1),
    ours.avg_pool2d: _avg_pool(2),
    ours.avg_pool3d: _avg_pool(3),
    ours.global_avg_pool: global_avg_pool,
}
