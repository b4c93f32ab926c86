"""``conv1d``, ``conv2d``, ``conv3d``: the public functions, over one convolution of any rank."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import ArrayLike

from neural_network.advice import channels_moved
from neural_network.checks import (
    Array,
    as_choice,
    as_count,
    as_flag,
    as_floating,
    check_not_empty,
    check_shape,
    rounded,
    silent,
)
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ShapeError, give_hint, give_hint_of_call, sentence
from neural_network.functional.convolution.ops import correlate, depthwise
from neural_network.functional.convolution.route import Method
from neural_network.functional.op import Normal, call, sample_calls
from neural_network.functional.window import Padding, Sizes, Window
from neural_network.public import public


@public
@explains_calls
@silent
def conv2d(
    image: ArrayLike,
    filter_kernel: ArrayLike,
    stride: int | tuple[int, int] = 1,
    padding: Padding = 0,
    *,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    bias: ArrayLike | None = None,
    flip: bool = False,
    method: Method = "auto",
    precise: bool = True,
) -> Array:
    """Slide filters over images and sum the products under each window.

    ``out[i, j] = Σ_m Σ_n image[i·s + m·d, j·s + n·d] · filter[m, n]``, with stride
    s and dilation d, summed over channels where there are several.

    This is what every deep-learning framework calls convolution. Signal
    processing calls it *cross-correlation* and turns the filter by 180° first
    for what it calls convolution; ``flip=True`` does that, and then equals
    ``scipy.signal.convolve2d``, which the article's listing calls. The two agree
    for a filter that is its own 180° turn, such as a mean or an 8-centred edge
    filter; for an edge filter like ``[[-1, 0, 1]] * 3`` they differ in sign.

    Args:
        image: one of the shapes below.
        filter_kernel: one of the shapes below.

            ============ ======================= ===============
            image        filter_kernel           result
            ============ ======================= ===============
            (H, W)       (fh, fw)                (OH, OW)
            (H, W)       (F, fh, fw)             (F, OH, OW)
            (N, H, W)    (fh, fw)                (N, OH, OW)
            (N, H, W)    (F, fh, fw)             (N, F, OH, OW)
            (C, H, W)    (F, C/groups, fh, fw)   (F, OH, OW)
            (N, C, H, W) (F, C/groups, fh, fw)   (N, F, OH, OW)
            ============ ======================= ===============

        stride: steps of the window, an int or a (vertical, horizontal) pair.
        padding: zeros around the image: an int, a (vertical, horizontal) pair,
            ((top, bottom), (left, right)), ``"valid"`` for none, or ``"same"``
            for an output of ceil(input / stride), the odd row or column at the end.
        dilation: distance between neighbouring taps, an int or a pair.
        groups: cut channels and filters into this many independent groups.
        bias: (F,), added to each filter's map; also a scalar or (1,) for a
            single (fh, fw) filter.
        flip: turn the filters by 180° first (the listing's convolution).
        method: ``"direct"`` sums as the formula says; ``"fft"`` uses
            the Fourier transform, faster for large filters; ``"auto"`` takes
            the one expected to be faster. Images or filters with NaN or infinity are
            always summed, because a transform would spread them over the image.
        precise: sum float32 products in float64 where there are more than 16 of them,
            which keeps the bound below. False sums in float32, as layers do: twice
            as fast, and off by some 1e-7 times the window's Σ|image · filter|, at
            worst n · 6e-8 times for n products.

    Returns:
        A new array with OH = floor((H + pads − d·(fh − 1) − 1) / s) + 1, in the
        widest floating type of the arguments (float64 for integers). Its error
        is at most 1e-6 (float32) or 1e-12 (float64) times the window's
        Σ|image · filter|; with ``"fft"``, times the largest such sum in the
        image (more only where a huge pixel and a huge tap never meet in a window,
        for a transform multiplies them all the same; ``"auto"`` then sums).
        NaN and infinity reach just the outputs whose window holds them, whatever the
        method. Beyond input and output it takes a copy of the image
        where that is padded, not contiguous or of another type, and some megabytes.

    Raises:
        DTypeError: not real numbers; a stride, dilation or padding that is no
            whole number.
        ShapeError: shapes outside the table, an empty array, a filter that does
            not fit, channels that do not match ``groups``, a bias of another size.
        ArgumentError: a stride or dilation below 1, a negative padding, an
            unknown padding or method.

    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep
    learning", arXiv 1603.07285.

    >>> conv2d([[1, 1, 1, 1], [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1]], np.full((2, 2), 0.25))
    array([[1.25, 1.5 , 1.25],
           [1.5 , 2.  , 1.5 ],
           [1.25, 1.5 , 1.25]])
    >>> conv2d([[0, 0, 9, 9]], [[-1, 0, 1]]), conv2d([[0, 0, 9, 9]], [[-1, 0, 1]], flip=True)
    (array([[9., 9.]]), array([[-9., -9.]]))
    """
    return _conv(
        "conv2d", image, filter_kernel, stride, padding, dilation, groups, bias, flip, method,
        precise, 2,
    )  # fmt: skip


@public
@explains_calls
@silent
def conv1d(
    image: ArrayLike,
    filter_kernel: ArrayLike,
    stride: int = 1,
    padding: Padding = 0,
    *,
    dilation: int = 1,
    groups: int = 1,
    bias: ArrayLike | None = None,
    flip: bool = False,
    method: Method = "auto",
    precise: bool = True,
) -> Array:
    """Slide filters over signals of one spatial axis: ``conv2d`` with one axis less.

    ``out[i] = Σ_m image[i·s + m·d] · filter[m]``.

    Args:
        image: (L,), (N, L), (C, L) or (N, C, L), as in the table of ``conv2d``.
        filter_kernel: (fl,), (F, fl) or (F, C/groups, fl).
        stride, padding, dilation, groups, bias, flip, method, precise: as in ``conv2d``;
            a padding of its own for each end is ((before, after),).

    Returns:
        The shapes of ``conv2d`` without their last axis, in the widest floating type.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``conv2d``.

    Source: as ``conv2d``.

    >>> conv1d([1, 2, 4, 8], [-1, 1])
    array([1., 2., 4.])
    """
    return _conv(
        "conv1d", image, filter_kernel, stride, padding, dilation, groups, bias, flip, method,
        precise, 1,
    )  # fmt: skip


@public
@explains_calls
@silent
def conv3d(
    image: ArrayLike,
    filter_kernel: ArrayLike,
    stride: int | tuple[int, int, int] = 1,
    padding: Padding = 0,
    *,
    dilation: int | tuple[int, int, int] = 1,
    groups: int = 1,
    bias: ArrayLike | None = None,
    flip: bool = False,
    method: Method = "auto",
    precise: bool = True,
) -> Array:
    """Slide filters over volumes of three spatial axes: ``conv2d`` with one axis more.

    Args:
        image: (D, H, W), (N, D, H, W), (C, D, H, W) or (N, C, D, H, W), as in the
            table of ``conv2d``.
        filter_kernel: (fd, fh, fw), (F, fd, fh, fw) or (F, C/groups, fd, fh, fw).
        stride, padding, dilation, groups, bias, flip, method, precise: as in ``conv2d``,
            with three numbers where it has two.

    Returns:
        The shapes of ``conv2d`` with one axis more, in the widest floating type.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``conv2d``.

    Source: as ``conv2d``.

    >>> conv3d(np.ones((3, 3, 3)), np.ones((2, 2, 2))).shape
    (2, 2, 2)
    """
    return _conv(
        "conv3d", image, filter_kernel, stride, padding, dilation, groups, bias, flip, method,
        precise, 3,
    )  # fmt: skip


def _conv(
    function: str,
    image: ArrayLike,
    filter_kernel: ArrayLike,
    stride: object,
    padding: object,
    dilation: object,
    groups: int,
    bias: ArrayLike | None,
    flip: bool,
    method: Method,
    precise: bool,
    axes: int,
) -> Array:
    """Check a call of any number of spatial axes, and compute it.

    The steps read only shapes, or are ops, so tensors take the same path as arrays.
    """
    named = {"image": image, "filter_kernel": filter_kernel}
    if bias is not None:
        named["bias"] = bias
    (X, W, *rest), dtype = as_floating(function, **named)
    layer = _as_layer(function, X, W, axes)
    groups = _check_groups(function, layer, as_count(function, "groups", groups), X.shape)
    window = Window.of(function, X.shape[-axes:], W.shape[-axes:], stride, padding, dilation)
    images, filters = layer.images, layer.filters
    for b in rest:
        single = ((), (1,)) if W.ndim == axes else ()
        check_shape(function, "bias", b, (len(filters),), *single)
    # A call of Python is dear where the usual case needs none.
    if flip if type(flip) is bool else as_flag(function, "flip", flip):
        turned: tuple[Any, ...] = (..., *[slice(None, None, -1)] * axes)
        filters = filters[turned]
    as_choice(function, "method", method, ("auto", "direct", "fft"))
    exact = precise if type(precise) is bool else as_flag(function, "precise", precise)

    channels = filters.shape[1]
    images = images.reshape(len(images), groups, channels, *window.sizes)
    filters = filters.reshape(groups, -1, channels, *window.taps)
    added = rest[0].reshape(groups, -1) if rest else None
    if groups > 1 and channels == 1:
        arrays = [images, filters] if added is None else [images, filters, added]
        maps = depthwise(arrays, window, method, exact)
    else:
        maps = correlate(images, filters, window, method, exact, added)
    return rounded(maps.reshape(*layer.leading, *window.outputs), dtype)


class _Layer(NamedTuple):
    """A call of any row of the table, in the shapes of its last row."""

    images: Array  # (N, C, *sizes)
    filters: Array  # (F, C/groups, *taps)
    leading: Sizes  # the result's axes before the spatial ones


def _as_layer(function: str, X: Array, W: Array, axes: int) -> _Layer:
    """Find the row of the shape table; add the axes that the row leaves out."""
    check_not_empty(function, "image", X)
    check_not_empty(function, "filter_kernel", W)
    match (X.ndim - axes, W.ndim - axes):
        case (0 | 1, 0 | 1):
            if axes == 2 and X.ndim == 3 and X.shape[2] in (1, 3, 4):
                _hint_photograph(function, X.shape, W.shape)
            elif axes == 2 and W.ndim == 3 and W.shape[0] == W.shape[1] != W.shape[2]:
                _hint_keras(function, X.shape, W.shape)
            images = X.reshape(-1, 1, *X.shape[-axes:])
            filters = W.reshape(-1, 1, *W.shape[-axes:])
            return _Layer(images, filters, X.shape[:-axes] + W.shape[:-axes])
        case (1, 2):
            if W.shape[0] == W.shape[1] == W.shape[2] != W.shape[-1]:
                _hint_keras(function, X.shape, W.shape)
            return _Layer(X.reshape(1, *X.shape), W, (len(W),))
        case (2, 2):
            if W.shape[0] == W.shape[1] == W.shape[2] != W.shape[-1]:
                _hint_keras(function, X.shape, W.shape)
            return _Layer(X, W, (len(X), len(W)))
    if X.ndim not in (axes, axes + 1, axes + 2):
        expected = f"{axes}, {axes + 1} or {axes + 2} dimensions"
        raise ShapeError(sentence(function, "image", expected, f"shape {X.shape}"))
    allowed = [(axes, axes + 1), (axes, axes + 1, axes + 2), (axes + 2,)][X.ndim - axes]
    counts = " or ".join(", ".join(str(n) for n in allowed).rsplit(", ", 1))
    expected, received = f"{counts} dimensions for an image of shape {X.shape}", f"shape {W.shape}"
    if X.ndim == axes + 2 and X.shape[1] == 1 and W.ndim == axes + 1:
        received += "; filter_kernel[:, None] are filters of one channel"
    raise ShapeError(sentence(function, "filter_kernel", expected, received))


def _hint_photograph(function: str, shape: Sizes, taps: Sizes) -> None:
    """Warn of a picture (H, W, C), which is taken as H pictures of W×C, if it looks like one.

    Pictures of 3 columns, at least 8 of them and as many rows each, are not usual.
    """
    height, width, channels = shape
    alike = min(height, width) >= 8 and max(height, width) <= 3 * min(height, width)
    if alike and (channels > 1 or taps[-1] > 1):
        give_hint(
            f"{function}: image of shape {shape} is taken as {height} pictures of "
            f"{width}×{channels} pixels, and seems to be one picture with its channels last: "
            "image.transpose(2, 0, 1) is taken as a picture for each channel, and with a filter "
            f"(F, {channels}, fh, fw) as one picture of {channels} channels"
        )


def _check_groups(function: str, layer: _Layer, groups: int, shape: Sizes) -> int:
    channels, filters = layer.images.shape[1], len(layer.filters)
    axes, needed = layer.images.ndim - 2, layer.filters.shape[1] * groups
    if channels != needed and (advice := channels_moved("image", shape, axes, needed)):
        expected = (
            f"{needed} channels along axis {len(shape) - axes - 1}, as filter_kernel of shape "
            f"{layer.filters.shape} has"
        )
        raise ShapeError(sentence(function, "image", expected, f"shape {shape}{advice}"))
    if channels % groups or filters % groups:
        expected = f"a divisor of the {channels} channels and of the {filters} filters"
        raise ShapeError(sentence(function, "groups", expected, groups))
    if layer.filters.shape[1] != channels // groups:
        expected = (
            f"{channels // groups} channel{'s' * (channels != groups)} along axis 1 ({channels} in "
            f"the image, groups {groups})"
        )
        received = f"shape {layer.filters.shape}{_of_keras(layer.filters.shape, channels)}"
        raise ShapeError(sentence(function, "filter_kernel", expected, received))
    return groups


def _of_keras(shape: Sizes, channels: int) -> str:
    """Return how filters (fh, fw, C, F), as Keras has them, become (F, C, fh, fw)."""
    if len(shape) < 4 or shape[-2] != channels or len(set(shape[:-2])) != 1:
        return ""
    axes = len(shape) - 2
    order = (axes + 1, axes, *range(axes))
    return f"; filters are (F, C, fh, fw): filter_kernel.transpose{order} turns those of Keras"


def _hint_keras(function: str, X: Sizes, W: Sizes) -> None:
    """Warn of filters (fh, fw, C, F) that fit by chance, as three rows and three colours do.

    No filter is 3 × 8; in the order of Keras these are 8 filters of 3 × 3.
    """
    if len(W) == 4 and W[0] == W[1] == W[2] == X[-3] in (3, 4) and W[3] > 7:
        give_hint_of_call(
            f"{function}: filter_kernel of shape {W} is taken as {W[0]} filters of {W[2]}×{W[3]}, "
            f"and seems to be {W[3]} of {W[0]}×{W[1]} in the order of Keras; filters are (F, C, "
            "fh, fw): filter_kernel.transpose(3, 2, 0, 1)"
        )
    elif len(W) == 3 and len(X) == 3 and W[2] == X[0] in (3, 4) and W[0] == W[1] != W[2]:
        give_hint_of_call(
            f"{function}: filter_kernel of shape {W} is taken as {W[0]} filters of {W[1]}×{W[2]}, "
            f"and seems to be one filter of {W[0]}×{W[1]} and {W[2]} channels, which come first: "
            "filter_kernel.transpose(2, 0, 1)[None]"
        )


sample_calls(conv1d, call(Normal((2, 2, 7)), Normal((3, 2, 3)), 2, 1))


sample_calls(
    conv2d,
    call(Normal((5, 4)), Normal((3, 2)), flip=True),
    call(Normal((2, 4, 6, 5)), Normal((2, 4, 3, 2)), (2, 1), "same"),
    call(Normal((2, 4, 6, 5)), Normal((4, 2, 2, 2)), 1, (1, 0), dilation=2, groups=2),
)


sample_calls(conv3d, call(Normal((1, 2, 3, 4, 3)), Normal((2, 2, 2, 2, 2)), 1, 1))
