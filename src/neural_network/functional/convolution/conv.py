"""``conv2d``: the shapes and options that callers see, over one general convolution."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from neural_network.errors import ShapeError, sentence
from neural_network.functional.checks import (
    Array,
    as_choice,
    as_count,
    as_flag,
    as_floating,
    check_not_empty,
    check_shape,
    rounded,
)
from neural_network.functional.convolution.direct import convolve_direct, cost_direct
from neural_network.functional.convolution.fft import convolve_fft, cost_fft
from neural_network.functional.window import (
    Padding,
    Sizes,
    output_sizes,
    pad_spatial,
    per_axis,
    reach,
    resolve_padding,
)

Method = Literal["auto", "direct", "fft"]
# The transform's rounding spreads over the picture, so it has to be clearly
# faster before "auto" takes it.
FFT_ADVANTAGE = 2.0


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
) -> Array:
    """Slide filters over pictures and sum the products under each window.

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
        padding: zeros around the picture: an int, a (vertical, horizontal) pair,
            ((top, bottom), (left, right)), ``"valid"`` for none, or ``"same"``
            for an output of ceil(input / stride), the odd row or column at the end.
        dilation: distance between neighbouring taps, an int or a pair.
        groups: cut channels and filters into this many independent groups.
        bias: (F,), added to each filter's map; also a scalar or (1,) for a
            single (fh, fw) filter.
        flip: turn the filters by 180° first (the listing's convolution).
        method: ``"direct"`` sums as the formula says; ``"fft"`` goes through
            the Fourier transform, faster for large filters; ``"auto"`` takes
            the one expected to be faster, and never ``"fft"`` for numbers that
            are not finite.

    Returns:
        A new array with OH = floor((H + pads − d·(fh − 1) − 1) / s) + 1, in the
        widest floating type of the arguments (float64 for integers). Its error
        is at most 1e-6 (float32) or 1e-12 (float64) times the window's
        Σ|image · filter|; with ``"fft"``, times the largest such sum in the
        picture. With ``"direct"``, NaN and infinity reach just the outputs whose
        window holds them.

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
    function = "conv2d"
    if bias is None:
        (X, W), dtype = as_floating(function, image=image, filter_kernel=filter_kernel)
        b = None
    else:
        (X, W, b), dtype = as_floating(
            function, image=image, filter_kernel=filter_kernel, bias=bias
        )
    call = _as_layer(X, W)
    groups = _check_groups(call, as_count(function, "groups", groups))
    steps = per_axis(function, "stride", stride, axes=2)
    spacing = per_axis(function, "dilation", dilation, axes=2)
    sizes, taps = X.shape[-2:], W.shape[-2:]
    pads = resolve_padding(function, padding, sizes, reach(taps, spacing), steps)
    outputs = output_sizes(function, sizes, taps, steps, pads, spacing)
    if b is not None:
        single = ((), (1,)) if W.ndim == 2 else ()
        check_shape(function, "bias", b, (len(call.filters),), *single)
    filters = call.filters
    if as_flag(function, "flip", flip):
        filters = filters[..., ::-1, ::-1]
    as_choice(function, "method", method, ("auto", "direct", "fft"))

    count, channels = call.pictures.shape[:2]
    grouped = pad_spatial(call.pictures, pads).reshape(
        count,
        groups,
        channels // groups,
        *(size + sum(pad) for size, pad in zip(sizes, pads, strict=True)),
    )
    weights = filters.reshape(groups, -1, *filters.shape[1:])
    maps = _convolve(grouped, weights, outputs, steps, spacing, method)
    out = maps.reshape(count, -1, *outputs)
    if b is not None:
        out += b.reshape(-1, 1, 1)
    return rounded(out.reshape(*call.leading, *outputs), dtype)


class _Layer(NamedTuple):
    """A row of the table, seen as its last and most general one."""

    pictures: Array  # (N, C, H, W)
    filters: Array  # (F, C/groups, fh, fw)
    leading: Sizes  # the result's axes before (OH, OW)


def _as_layer(X: Array, W: Array) -> _Layer:
    """Find the row of the shape table; add the axes that the row leaves out."""
    check_not_empty("conv2d", "image", X)
    check_not_empty("conv2d", "filter_kernel", W)
    H, fh = X.shape[-2:], W.shape[-2:]
    match (X.ndim, W.ndim):
        case (2, 2):
            return _Layer(X.reshape(1, 1, *H), W.reshape(1, 1, *fh), ())
        case (2, 3):
            return _Layer(X.reshape(1, 1, *H), W.reshape(-1, 1, *fh), (len(W),))
        case (3, 2):
            return _Layer(X.reshape(-1, 1, *H), W.reshape(1, 1, *fh), (len(X),))
        case (3, 3):
            return _Layer(X.reshape(-1, 1, *H), W.reshape(-1, 1, *fh), (len(X), len(W)))
        case (3, 4):
            return _Layer(X.reshape(1, *X.shape), W, (len(W),))
        case (4, 4):
            return _Layer(X, W, (len(X), len(W)))
    if X.ndim not in (2, 3, 4):
        raise ShapeError(sentence("conv2d", "image", "2, 3 or 4 dimensions", f"shape {X.shape}"))
    allowed = {2: "2 or 3", 3: "2, 3 or 4", 4: "4"}[X.ndim]
    raise ShapeError(
        sentence(
            "conv2d",
            "filter_kernel",
            f"{allowed} dimensions for an image of shape {X.shape}",
            f"shape {W.shape}",
        )
    )


def _check_groups(call: _Layer, groups: int) -> int:
    channels, filters = call.pictures.shape[1], len(call.filters)
    if channels % groups or filters % groups:
        raise ShapeError(
            sentence(
                "conv2d",
                "groups",
                f"a divisor of the {channels} channels and of the {filters} filters",
                groups,
            )
        )
    if call.filters.shape[1] != channels // groups:
        raise ShapeError(
            sentence(
                "conv2d",
                "filter_kernel",
                f"{channels // groups} channels along axis 1 "
                f"({channels} in the image, groups {groups})",
                f"shape {call.filters.shape}",
            )
        )
    return groups


def _convolve(
    X: Array, W: Array, outputs: Sizes, stride: Sizes, dilation: Sizes, method: Method
) -> Array:
    if method == "auto":
        by_sum = cost_direct(len(X), W, outputs)
        by_fft = cost_fft(len(X), X, W, stride, dilation)
        faster = by_sum > FFT_ADVANTAGE * by_fft
        method = "fft" if faster and _fft_is_safe(X, W) else "direct"
    compute = convolve_fft if method == "fft" else convolve_direct
    return compute(X, W, outputs, stride, dilation)


def _fft_is_safe(X: Array, W: Array) -> bool:
    """Whether no number is NaN or infinite, nor a sum over the whole picture could become so."""
    with np.errstate(over="ignore", invalid="ignore"):
        largest_sum = np.max(np.abs(X)).astype(float) * np.sum(np.abs(W), dtype=float) * X[0].size
    return bool(np.isfinite(largest_sum))
