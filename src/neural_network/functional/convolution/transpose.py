"""``conv_transpose1d`` … ``conv_transpose3d``: the transpose of a convolution."""

from __future__ import annotations

from numpy.typing import ArrayLike

from neural_network.advice import channels_moved, refused_rank
from neural_network.checks import (
    Array,
    as_count,
    as_floating,
    check_not_empty,
    check_shape,
    rounded,
    silent,
)
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ShapeError, sentence
from neural_network.functional.convolution.ops import correlate_transpose
from neural_network.functional.op import Normal, call, sample_calls
from neural_network.functional.window import Window
from neural_network.public import public

Size = int | tuple[int, ...]


@public
@explains_calls
@silent
def conv_transpose2d(
    X: ArrayLike,
    filters: ArrayLike,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    *,
    dilation: Size = 1,
    groups: int = 1,
    bias: ArrayLike | None = None,
) -> Array:
    """Spread each number over a window, times the filter, and add up where windows overlap.

    The transpose of ``conv2d`` as a linear map: what ``conv2d`` gathers from a window,
    this scatters to it. With a stride it enlarges images.

    Args:
        X: (N, C, H, W).
        filters: (C, F/groups, fh, fw): the filters of the convolution that it undoes
            in shape, which goes from F to C channels.
        stride: distance between the windows of neighbouring numbers.
        padding: rows and columns cut off at each side; what ``conv2d`` would have added.
        output_padding: rows and columns added at the end, below ``stride``: of the
            sizes that ``conv2d`` brings to the same, this chooses one.
        dilation: distance between neighbouring taps.
        groups: cut channels into this many independent groups.
        bias: (F,), added to each map.

    Returns:
        (N, F, OH, OW) in the widest floating type of the arguments, with
        OH = (H − 1)·s − 2·padding + d·(fh − 1) + 1 + output_padding.

    Raises:
        DTypeError: not real numbers; a size that is no whole number.
        ShapeError: shapes that do not fit, or nothing left after the cutting.
        ArgumentError: a stride or dilation below 1, a padding below 0, an
            ``output_padding`` of ``stride`` or more.

    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep
    learning", arXiv 1603.07285, chapter 4.

    >>> conv_transpose2d(np.ones((1, 1, 1, 2)), np.array([[[[1.0, 2.0]]]]), stride=2)
    array([[[[1., 2., 1., 2.]]]])
    """
    return _conv_transpose(
        "conv_transpose2d", X, filters, stride, padding, output_padding, dilation, groups, bias, 2
    )


@public
@explains_calls
@silent
def conv_transpose1d(
    X: ArrayLike,
    filters: ArrayLike,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    *,
    dilation: Size = 1,
    groups: int = 1,
    bias: ArrayLike | None = None,
) -> Array:
    """Transpose of ``conv1d``; see ``conv_transpose2d``.

    Args:
        X: (N, C, L).
        filters: (C, F/groups, fl).
        stride, padding, output_padding, dilation, groups, bias: as in ``conv_transpose2d``.

    Returns:
        (N, F, OL), in the widest floating type of the arguments.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``conv_transpose2d``.

    Source: as ``conv_transpose2d``.

    >>> conv_transpose1d([[[1.0, 10.0]]], [[[1.0, 2.0]]])
    array([[[ 1., 12., 20.]]])
    """
    return _conv_transpose(
        "conv_transpose1d", X, filters, stride, padding, output_padding, dilation, groups, bias, 1
    )


@public
@explains_calls
@silent
def conv_transpose3d(
    X: ArrayLike,
    filters: ArrayLike,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    *,
    dilation: Size = 1,
    groups: int = 1,
    bias: ArrayLike | None = None,
) -> Array:
    """Transpose of ``conv3d``; see ``conv_transpose2d``.

    Args:
        X: (N, C, D, H, W).
        filters: (C, F/groups, fd, fh, fw).
        stride, padding, output_padding, dilation, groups, bias: as in ``conv_transpose2d``.

    Returns:
        (N, F, OD, OH, OW), in the widest floating type of the arguments.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``conv_transpose2d``.

    Source: as ``conv_transpose2d``.

    >>> conv_transpose3d(np.ones((1, 1, 2, 2, 2)), np.ones((1, 1, 1, 1, 1)), stride=2).shape
    (1, 1, 3, 3, 3)
    """
    return _conv_transpose(
        "conv_transpose3d", X, filters, stride, padding, output_padding, dilation, groups, bias, 3
    )


def _conv_transpose(
    function: str,
    X: ArrayLike,
    filters: ArrayLike,
    stride: object,
    padding: object,
    output_padding: object,
    dilation: object,
    groups: int,
    bias: ArrayLike | None,
    axes: int,
) -> Array:
    named = {"X": X, "filters": filters}
    if bias is not None:
        named["bias"] = bias
    (X, W, *rest), dtype = as_floating(function, **named)
    if X.ndim != axes + 2:
        raise ShapeError(refused_rank(function, "X", X.shape, axes))
    check_not_empty(function, "X", X)
    check_not_empty(function, "filters", W, axes + 2)
    groups = as_count(function, "groups", groups)
    count, channels = X.shape[:2]
    if channels % groups:
        expected = f"a divisor of the {channels} channels"
        raise ShapeError(sentence(function, "groups", expected, groups))
    if len(W) != channels and (advice := channels_moved("X", X.shape, axes, len(W))):
        expected = f"{len(W)} channels along axis 1, as filters of shape {W.shape} take"
        raise ShapeError(sentence(function, "X", expected, f"shape {X.shape}{advice}"))
    check_shape(function, "filters", W, (channels, *W.shape[1:]))
    maps = W.shape[1] * groups
    for b in rest:
        check_shape(function, "bias", b, (maps,))
    window = Window.transposed(
        function, X.shape[2:], W.shape[2:], stride, padding, output_padding, dilation
    )
    grouped = X.reshape(count, groups, channels // groups, *X.shape[2:])
    weights = W.reshape(groups, channels // groups, *W.shape[1:])
    out = correlate_transpose(grouped, weights, window).reshape(count, maps, *window.sizes)
    for b in rest:
        out = out + b.reshape(-1, *[1] * axes)
    return rounded(out, dtype)


sample_calls(conv_transpose1d, call(Normal((2, 2, 4)), Normal((2, 3, 3)), 2, 1, 1))


sample_calls(
    conv_transpose2d,
    call(Normal((2, 2, 3, 4)), Normal((2, 3, 3, 2)), (2, 1)),
    call(Normal((1, 4, 3, 3)), Normal((4, 1, 2, 2)), dilation=2, groups=2),
)


sample_calls(conv_transpose3d, call(Normal((1, 2, 2, 3, 2)), Normal((2, 1, 2, 2, 2)), 2))
