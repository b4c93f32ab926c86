"""Convolutions of many channels, prepared once for given sizes: from arrays to kernels and back.

What networks compute with pictures, (N, C, H, W) outside, is done here on (N, H, W, C).
``Sums`` goes there; ``Back`` goes back through a convolution, ``BackAlongMaxima`` through one
with pooling behind it. Each takes its memory when it is made. Kernels are called without
waiting for a turn: whoever calls is in a ``parallel_region``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural_network.kernels.convolution import maxima, tiles
from neural_network.kernels.products import padded
from neural_network.kernels.runtime.aligned import aligned
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


def fresh(name: str, shape: Sizes, dtype: Any = np.float32) -> Array:  # noqa: ARG001  # a ``Take``
    """Return new memory."""
    return aligned(shape, dtype)


def contiguous(X: Array) -> Array:
    """Return (N, H, W, C) pictures of any strides as they lie side by side."""
    if X.flags.c_contiguous:
        return X
    laid = aligned(X.shape)
    tiles.channels_last.compiled(X, laid, 0, 0, _planar(X))
    return laid


class Sums:
    """The way there, for given sizes.

    Args:
        sizes: (N, H, W, C) of the pictures, without padding.
        filters: the shape (F, C, fh, fw) of the filters.
        stride: steps of the window.
        pads: zeros around the pictures.
        pool: the size of the pooling window behind, or None.
        outputs: how often the window fitted, or the pooling window behind it.
        take: gives memory.

    Attributes:
        chosen: (N, PH, PW, F) uint8: with pooling, which place had the largest sum.
    """

    def __init__(
        self, sizes: Sizes, filters: Sizes, stride: Sizes, pads: Pads, pool: Sizes | None,
        outputs: Sizes, take: Take,
    ) -> None:  # fmt: skip
        n, h, w, c = sizes
        (top, bottom), (left, right) = pads
        self._padded = bool(top or bottom or left or right)
        self._corner = (top, left)
        self._laid: Array | None = None
        self._take, self._room = take, (n, h + top + bottom, w + left + right, c)
        self._matrix = _Matrix(filters, take)
        # All rows of a picture make one task, or some of them where pictures are few.
        band = max(1, outputs[0] * min(n, BLOCKS) // BLOCKS)
        self.chosen: Array | None = None
        # From where to where rows are no padding, sizes and steps, and a corner or the pool.
        self._numbers = (top, top + h, *filters[2:], *stride, *(pool or (0, 0)))
        self._band = band
        if pool is not None:
            self.chosen = take("chosen", (n, *outputs, filters[0]), np.uint8)

    def __call__(self, X: Array, weight: Array, bias: Array, out: Array, rectify: bool) -> Array:
        """Fill ``out`` with the sums under each window, or the largest of each pooling window.

        Args:
            X: (N, H, W, C), of any strides.
            weight: (F, C, fh, fw).
            bias: (F,), or ``NO_BIAS``.
            out: (N, OH, OW, F), of any strides.
            rectify: whether relu follows.

        Returns:
            The pictures as the filters saw them: padded, contiguous.
        """
        seen = self._seen(X)
        matrix, planar = self._matrix.of(weight), _planar(out)
        if self.chosen is None:
            tiles.convolve.compiled(
                seen, matrix, bias, out, *self._numbers, rectify, planar, self._band
            )
        else:
            tiles.convolve_and_pool.compiled(
                seen, matrix, bias, out, self.chosen, *self._numbers, rectify, planar, self._band
            )
        return seen

    def _seen(self, X: Array) -> Array:
        if not self._padded and X.flags.c_contiguous:
            return X
        if self._laid is None:
            self._laid = self._take("pictures", self._room, np.float32)
        tiles.channels_last.compiled(X, self._laid, *self._corner, _planar(X))
        return self._laid


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
        sizes: (N, H, W, C) of the pictures, without padding.
        filters: the shape (F, C, fh, fw) of the filters.
        stride: steps of the window.
        pads: zeros around the pictures.
        outputs: how often the window fitted.
        take: gives memory.
        wanted: whether the pictures' gradient is asked for, which needs zeros around.
    """

    def __init__(
        self, sizes: Sizes, filters: Sizes, stride: Sizes, pads: Pads, outputs: Sizes, take: Take,
        *, wanted: bool,
    ) -> None:  # fmt: skip
        n, *size, channels = sizes
        # The rows that are no padding, of the pictures and of the gradients laid out.
        self._rows = (pads[0][0], pads[0][0] + size[0])
        self._sizes, self._filters, self._outputs, self._stride = sizes, filters, outputs, stride
        taps = filters[2:]
        self._axes = [
            _Axis(t, s, o, length, before)
            for t, s, o, length, (before, _) in zip(taps, stride, outputs, size, pads, strict=True)
        ]
        self._corner = tuple(axis.before if wanted else 0 for axis in self._axes)
        high, wide = (
            o + (axis.before + axis.after if wanted else 0)
            for o, axis in zip(outputs, self._axes, strict=True)
        )
        self._spread_rows = (self._corner[0], self._corner[0] + outputs[0])
        columns = padded(filters[0])
        self.spread = take("gradients", (n, high, wide, columns), np.float32)
        self._bias = take("shares of bias", (n, filters[0]), np.float32)
        blocks = min(n, BLOCKS)
        self._block = -(-n // blocks)
        self._shares = take(
            "shares of filters", (blocks, taps[0] * taps[1] * channels, columns), np.float32
        )
        self._phases = list(self._prepared_phases(columns, take)) if wanted else []

    def _prepared_phases(self, columns: int, take: Take) -> Any:
        """Yield of each phase: where its numbers stand, its taps, its matrix, where it begins."""
        (n, *_), (_, channels, *_) = self._sizes, self._filters
        rows, places = self._axes
        for i, si, top, down in rows.phases:
            band = max(1, -(-(rows.size - i) // si) * min(n, BLOCKS) // BLOCKS)
            for j, sj, left, along in places.phases:
                shape = (channels, columns, len(down), len(along))
                # Where one axis has a single phase, its taps are turned by a view.
                matrix = _Matrix(shape, take, f"filters {i} {j}") if down and along else None
                yield (slice(i, None, si), slice(j, None, sj)), (down, along), matrix, (
                    *self._spread_rows, len(down), len(along), 1, 1, top, left, False, False, band,
                )  # fmt: skip

    def spread_out(self, G: Array, out: Array | None) -> Array:
        """Lay gradients out for the products that follow; return the bias's gradient.

        Args:
            G: (N, OH, OW, F), of any strides.
            out: what relu returned, if it followed.
        """
        relu = G if out is None else out
        tiles.masked.compiled(
            G, relu, self.spread, self._bias, out is not None, *self._corner, _planar(G),
        )  # fmt: skip
        share: Array = self._bias[0]
        return share

    def for_filters(self, X: Array) -> Array:
        """Return the filters' gradient (F, C, fh, fw) as a view; ``X``: padded pictures."""
        filters, channels, fh, fw = self._filters
        tiles.filters_gradient.compiled(
            X, self.spread, self._shares, *self._rows, *self._outputs, fh, fw, *self._stride,
            *self._corner, self._block,
        )  # fmt: skip
        taps: Array = self._shares[0, :, :filters].reshape(fh, fw, channels, filters)
        return taps.transpose(3, 2, 0, 1)

    def for_pictures(self, weight: Array, out: Array) -> None:
        """Fill ``out`` (N, H, W, C), without padding: a convolution for each phase."""
        for where, (down, along), matrix, numbers in self._phases:
            part = out[:, where[0], where[1]]
            if matrix is None:  # no tap ever stood there
                part[...] = 0
                continue
            taps = weight[:, :, down][:, :, :, along]
            tiles.convolve.compiled(self.spread, matrix.turned(taps), NO_BIAS, part, *numbers)


class BackAlongMaxima:
    """The way back through a convolution with pooling behind it; arguments as in ``Back``.

    Args:
        sizes, filters, stride, pads, outputs, take, wanted: as in ``Back``.
        pool: the size of the pooling window.

    Attributes:
        dX: (N, H, W, C), without padding: the pictures' gradient after a call, if it is wanted.
    """

    def __init__(
        self, sizes: Sizes, filters: Sizes, stride: Sizes, pads: Pads, outputs: Sizes, take: Take,
        pool: Sizes, *, wanted: bool,
    ) -> None:  # fmt: skip
        n, h, w, channels = sizes
        count, _, fh, fw = filters
        (top, bottom), (left, right) = pads
        self._filters = filters
        blocks = min(n, BLOCKS)
        self._numbers = (fh, fw, *stride, *pool, -(-n // blocks))
        self._bias = take("shares of bias", (blocks, count), np.float32)
        # Lists of maxima cost more than they save where windows hold few numbers.
        self._few = fw * channels < LANES and not wanted
        if self._few:
            shape = (blocks, fh * fw * channels, padded(count))
            self._before = (outputs[0] * pool[0], outputs[1] * pool[1])
        else:
            shape = (blocks, count, fh * fw * channels)
            self._rows = take("rows of filters", (count, fh, fw, channels), np.float32)
            high, wide = h + top + bottom, w + left + right
            room = (n if wanted else 0, high, wide, channels)
            self._dX = take("padded gradient", room, np.float32)
            # The pictures' gradient, after a call.
            self.dX = self._dX[:, top : high - bottom, left : wide - right]
        self._shares = take("shares of filters", shape, np.float32)

    def __call__(self, X: Array, weight: Array, G: Array, chosen: Array) -> tuple[Array, Array]:
        """Return the gradients for the filters and the bias, as views of memory.

        Args:
            X: (N, H, W, C), padded, as ``Sums`` saw it.
            weight: (F, C, fh, fw).
            G: (N, PH, PW, F), of any strides.
            chosen: what ``Sums`` noted.
        """
        filters, channels, fh, fw = self._filters
        if self._few:
            maxima.gather_maxima.compiled(
                X, G, chosen, self._shares, self._bias, *self._before, *self._numbers
            )
            taps = self._shares[0, :, :filters].reshape(fh, fw, channels, filters)
            return taps.transpose(3, 2, 0, 1), self._bias[0]
        np.copyto(self._rows, weight.transpose(0, 2, 3, 1))
        maxima.follow_maxima.compiled(
            X, self._rows.reshape(filters, -1), G, chosen, self._dX, self._shares, self._bias,
            *self._numbers,
        )  # fmt: skip
        taps = self._shares[0].reshape(filters, fh, fw, channels)
        return taps.transpose(0, 3, 1, 2), self._bias[0]


class _Matrix:
    """Memory for filters as kernels read them: (fh · fw · C, F), columns padded to whole vectors.

    Args:
        filters: their shape (F, C, fh, fw).
        take: gives memory.
        name: of the memory.
    """

    def __init__(self, filters: Sizes, take: Take, name: str = "filters") -> None:
        count, channels, fh, fw = filters
        self._memory = take(name, (fh, fw, channels, padded(count)), np.float32)
        self._shown = self._memory[..., :count]
        self._rest = self._memory[..., count:]
        self._flat = self._memory.reshape(fh * fw * channels, -1)

    def of(self, weight: Array) -> Array:
        """Return the matrix of filters (F, C, fh, fw)."""
        if self._rest.size:
            self._rest[...] = 0
        np.copyto(self._shown, weight.transpose(2, 3, 1, 0))
        return self._flat

    def turned(self, weight: Array) -> Array:
        """Return the matrix that leads back, from filters to channels; zeros for the rest."""
        memory, given = self._shown, len(weight)
        if given < memory.shape[2]:
            memory[:, :, given:] = 0
        if self._rest.size:
            self._rest[...] = 0
        np.copyto(memory[:, :, :given], weight.transpose(2, 3, 0, 1))
        return self._flat


def _planar(X: Array) -> bool:
    """Say whether in (N, H, W, C) the numbers of a channel lie side by side."""
    return X.strides[3] > X.strides[2]
