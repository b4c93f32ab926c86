"""From arrays of pictures and filters to the kernels' layout and back.

What networks compute with pictures, (N, C, H, W) outside, is done here on (N, H, W, C):
``sums`` and ``sums_and_maxima`` there, ``gradients`` and ``gradients_of_maxima`` back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neural_network.kernels import convolution, maxima
from neural_network.kernels.memory import aligned
from neural_network.kernels.numbers import added
from neural_network.kernels.products import padded
from neural_network.kernels.tile import LANES

Array = NDArray[Any]
Sizes = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]
# Gives memory for an array: (name, shape, dtype).
Take = Callable[[str, Sizes, Any], Array]

NO_BIAS = np.zeros(0, np.float32)
NO_PADS = ((0, 0), (0, 0))
# Into how many blocks pictures are cut for the filters' gradient: as many partial sums are
# kept, and added in order. Enough for many cores; fixed, so that threads do not matter.
BLOCKS = 16


class Gradients(NamedTuple):
    """For the picture (or None), the filters and the bias."""

    X: Array | None
    weight: Array
    bias: Array


def fresh(name: str, shape: Sizes, dtype: Any = np.float32) -> Array:  # noqa: ARG001  # a ``Take``
    """Return new memory."""
    return aligned(shape, dtype)


def channels_last(X: Array, pads: Pads, take: Take) -> Array:
    """Return (N, C, H, W) pictures as (N, H, W, C), contiguous, zeros around them."""
    seen = X.transpose(0, 2, 3, 1)
    (top, bottom), (left, right) = pads
    if not (top or bottom or left or right) and seen.flags.c_contiguous:
        return seen
    n, h, w, c = seen.shape
    out = take("pictures", (n, h + top + bottom, w + left + right, c), np.float32)
    convolution.channels_last(seen, out, top, left, _planar(seen))
    return out


def sums(X: Array, weight: Array, bias: Array, stride: Sizes, out: Array, rectify: bool) -> None:
    """Fill ``out`` (N, OH, OW, F) with the sums under each window of ``X``, channels last."""
    (fh, fw), (sh, sw) = weight.shape[2:], stride
    band = _band(len(X), out.shape[1])
    convolution.convolve(
        X, _matrix(weight), bias, out, fh, fw, sh, sw, 0, 0, rectify, _planar(out), band
    )


def sums_and_maxima(
    X: Array, weight: Array, bias: Array, stride: Sizes, pool: Sizes, out: Array, chosen: Array,
    rectify: bool,
) -> None:  # fmt: skip
    """Fill ``out`` with the largest sum of each pooling window, ``chosen`` with its place."""
    (fh, fw), (sh, sw), (ph, pw) = weight.shape[2:], stride, pool
    band = _band(len(X), out.shape[1])
    convolution.convolve_and_pool(
        X, _matrix(weight), bias, out, chosen, fh, fw, sh, sw, ph, pw, rectify, _planar(out), band
    )


def gradients(
    X: Array, weight: Array, G: Array, out: Array | None, stride: Sizes, pads: Pads, take: Take,
    wanted: bool = True,
) -> Gradients:  # fmt: skip
    """Carry the gradient of ``sums`` back.

    Args:
        X: (N, H, W, C), padded, as ``sums`` took it.
        weight: (F, C, fh, fw).
        G: (N, OH, OW, F), of any strides.
        out: what ``sums`` returned, if relu followed.
        stride: as in ``sums``.
        pads: how much of ``X`` is padding; its gradient is not asked for.
        take: gives memory.
        wanted: whether the picture's gradient is.
    """
    sizes = tuple(n - sum(pair) for n, pair in zip(X.shape[1:3], pads, strict=True))
    back = Back(weight.shape[2:], stride, G.shape[1:3], sizes, pads)
    spread, bias = back.spread(G, out, take, wanted)
    dW = back.for_filters(X, spread, len(weight), take, wanted)
    dX = back.for_pictures(spread, weight, take) if wanted else None
    return Gradients(dX, dW, bias)


def gradients_of_maxima(
    X: Array, weight: Array, G: Array, chosen: Array, stride: Sizes, pool: Sizes, pads: Pads,
    take: Take, wanted: bool = True,
) -> Gradients:  # fmt: skip
    """Carry the gradient of ``sums_and_maxima`` back; arguments as in ``gradients``."""
    n, filters = len(X), len(weight)
    (fh, fw), (sh, sw), (ph, pw) = weight.shape[2:], stride, pool
    blocks = min(n, BLOCKS)
    block, channels = -(-n // blocks), X.shape[3]
    shares = take("shares of bias", (blocks, filters), np.float32)
    if fw * channels < LANES and not wanted:
        columns = padded(filters)
        partial = take("shares of filters", (blocks, fh * fw * channels, columns), np.float32)
        maxima.gather_maxima(
            X, G, chosen, partial, shares, G.shape[1] * ph, G.shape[2] * pw,
            fh, fw, sh, sw, ph, pw, block,
        )  # fmt: skip
        found = added(partial)[:, :filters].T
        dX = None
    else:
        rows = aligned((filters, fh * fw * channels))
        rows[...] = weight.transpose(0, 2, 3, 1).reshape(filters, -1)
        partial = take("shares of filters", (blocks, *rows.shape), np.float32)
        dX = take("input's gradient", X.shape if wanted else (0, *X.shape[1:]), np.float32)
        maxima.follow_maxima(
            X, rows, G, chosen, dX, partial, shares,
            fh, fw, sh, sw, ph, pw, block,
        )  # fmt: skip
        found = added(partial)
    taps = found.reshape(filters, fh, fw, channels)
    dW = np.ascontiguousarray(taps.transpose(0, 3, 1, 2))
    (top, bottom), (left, right) = pads
    inner = None
    if wanted and dX is not None:
        inner = dX[:, top : X.shape[1] - bottom, left : X.shape[2] - right]
    return Gradients(inner, dW, shares.sum(axis=0))


class _Axis:
    """One spatial axis of the way back to the picture.

    The number at t = i + padding met output o by tap m where t = o · stride + m. All t that
    leave the same rest a by the stride meet the taps a, a + stride, …, so they are a
    convolution of their own, of every stride-th tap, over the outputs: a *phase*.

    Attributes:
        phases: (first number, step, first output counted from ``-before``, its taps from
            last to first) of each.
        before, after: how many zeros the outputs need at both ends.
    """

    def __init__(self, taps: int, stride: int, outputs: int, size: int, padding: int) -> None:
        self.size = size
        self.phases: list[tuple[int, int, int, list[int]]] = []
        self.before = last = 0
        begun = []
        for a in range(min(stride, size + padding)):
            own = list(range(a, taps, stride))[::-1]
            first = max(-(-(padding - a) // stride), 0)
            begin = a + first * stride - padding
            if begin >= size:
                continue
            last = max(last, first + -(-(size - begin) // stride))
            begun.append((begin, first - (len(own) - 1), own))
            self.before = max(self.before, -begun[-1][1])
        self.phases += [(begin, stride, first + self.before, own) for begin, first, own in begun]
        self.after = max(last - outputs, 0)


class Back:
    """The way back through a convolution, for given sizes.

    Args:
        taps, stride: of the filters.
        outputs: how often the window fitted.
        sizes: of the pictures without their padding.
        pads: the padding.
    """

    def __init__(
        self, taps: Sizes, stride: Sizes, outputs: Sizes, sizes: Sizes, pads: Pads = NO_PADS
    ) -> None:
        self.taps, self.stride, self.outputs = taps, stride, outputs
        self.axes = [
            _Axis(t, s, o, size, before)
            for t, s, o, size, (before, _) in zip(taps, stride, outputs, sizes, pads, strict=True)
        ]

    def spread(self, G: Array, out: Array | None, take: Take, wanted: bool) -> tuple[Array, Array]:
        """Lay gradients out for the two products that follow; return the bias's gradient too.

        Args:
            G: (N, OH, OW, F), of any strides.
            out: what relu returned, if it followed.
            take: gives memory.
            wanted: whether the picture's gradient is asked for, which needs zeros around.
        """
        n, filters = len(G), G.shape[3]
        top, left = self._corner(wanted)
        high, wide = (
            o + (axis.before + axis.after if wanted else 0)
            for o, axis in zip(self.outputs, self.axes, strict=True)
        )
        spread = take("gradients", (n, high, wide, padded(filters)), np.float32)
        share = take("shares of bias", (n, filters), np.float32)
        relu = G if out is None else out
        convolution.masked(
            G, relu, spread, share, out is not None, top, left, _planar(G), _planar(relu)
        )
        return spread, share.sum(axis=0)

    def for_filters(self, X: Array, spread: Array, filters: int, take: Take, wanted: bool) -> Array:
        """Return (F, C, fh, fw) from padded pictures, channels last, and spread gradients."""
        (fh, fw), (sh, sw), (rows, places) = self.taps, self.stride, self.outputs
        n, channels = len(X), X.shape[3]
        blocks = min(n, BLOCKS)
        partial = take(
            "shares of filters", (blocks, fh * fw * channels, spread.shape[3]), np.float32
        )
        convolution.filters_gradient(
            X, spread, partial, rows, places, fh, fw, sh, sw, *self._corner(wanted), -(-n // blocks)
        )
        taps = added(partial)[:, :filters].reshape(fh, fw, channels, filters)
        return np.ascontiguousarray(taps.transpose(3, 2, 0, 1))

    def for_pictures(self, spread: Array, weight: Array, take: Take) -> Array:
        """Return (N, H, W, C) without padding: a convolution for each phase."""
        n, columns = len(spread), spread.shape[3]
        filters, channels = weight.shape[:2]
        rows, places = self.axes
        out = take("input's gradient", (n, rows.size, places.size, channels), np.float32)
        for i, si, top, down in rows.phases:
            for j, sj, left, along in places.phases:
                part = out[:, i::si, j::sj]
                if not down or not along:  # no tap ever stood there
                    part[...] = 0
                    continue
                taps = np.zeros((columns, channels, len(down), len(along)), np.float32)
                taps[:filters] = weight[:, :, down][:, :, :, along]
                convolution.convolve(
                    spread, _matrix(taps.transpose(1, 0, 2, 3)), NO_BIAS, part,
                    len(down), len(along), 1, 1, top, left, False, False, _band(n, part.shape[1]),
                )  # fmt: skip
        return out

    def _corner(self, wanted: bool) -> Sizes:
        return tuple(axis.before if wanted else 0 for axis in self.axes)


def _matrix(weight: Array) -> Array:
    """Return filters (F, C, fh, fw) as a matrix (fh · fw · C, F), columns padded."""
    filters, channels, fh, fw = weight.shape
    matrix = aligned((fh, fw, channels, padded(filters)))
    matrix[..., filters:] = 0
    matrix[..., :filters] = weight.transpose(2, 3, 1, 0)
    return matrix.reshape(fh * fw * channels, -1)


def _band(pictures: int, rows: int) -> int:
    """Return how many rows a task computes: all of a picture, or less where pictures are few."""
    return max(1, rows * min(pictures, BLOCKS) // BLOCKS)


def _planar(X: Array) -> bool:
    """Say whether in (N, H, W, C) the numbers of a channel lie side by side."""
    return X.strides[3] > X.strides[2]
