"""Transposed convolution of few filters: products of each pixel with all taps, added up.

Filters are the columns of a matrix, and these are padded to whole vectors. Where a pixel of the
result has few filters, most of such a vector would be padding; with the taps beside each other
there is little. The products of each result are then added by single numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.copies import fill
from neural_network.kernels.products import products
from neural_network.kernels.runtime.compiler import kernel, prange
from neural_network.kernels.runtime.linking import cgutils, in_llvm

# Up to so many filters it is faster than a convolution for each phase of the stride.
FEW = 4


def _add_taps(
    x: Any, at: int, step: int, y: Any, y_at: int, apart: int, taps: int, count: int
) -> None:
    """``y[y_at + i·apart + t] += x[at + i·step + t]`` for ``taps`` t and ``count`` i."""
    for t in range(taps):
        for i in range(count):
            y[y_at + i * apart + t] += x[at + i * step + t]


def _write_add_taps(
    builder: Any, x: Any, at: Any, step: Any, y: Any, y_at: Any, apart: Any, taps: Any, count: Any
) -> None:
    add, mul, gep, load = builder.add, builder.mul, builder.gep, builder.load
    # The loop over the few taps is the outer one: otherwise each sum would wait for the one before.
    with cgutils.for_range(builder, taps) as t:
        source, target = gep(x, [add(at, t.index)]), gep(y, [add(y_at, t.index)])
        with cgutils.for_range(builder, count) as i:
            place = gep(target, [mul(i.index, apart)])
            found = load(gep(source, [mul(i.index, step)]))
            builder.store(builder.fadd(load(place), found), place)


add_taps = in_llvm(_add_taps, _write_add_taps)


@kernel
def transposed(
    X: Any, sizes: Any, W: Any, b: Any, out: Any, out_steps: Any, out_sizes: Any,
    fh: int, fw: int, sh: int, sw: int, corner: Any, top: int, left: int, relu: bool, band: int,
) -> None:  # fmt: skip
    """Fill ``out`` with the transposed convolution, plus ``b``, or with relu of it.

    Args:
        X: (N, H, W, columns), contiguous: images within a larger array.
        sizes: height, width and channels of the images.
        W: (C, columns): the filters (C, fh, fw, F), their columns padded to whole vectors.
        b: (F,), or empty.
        out, out_steps: (N, OH, OW, F), as ``layouts.as_line`` returns it.
        out_sizes: N, OH, OW and F.
        fh, fw: size of the filters.
        sh, sw: stride.
        corner: where the images begin in ``X``.
        top, left: rows and columns of the result that are cut off.
        relu: whether to apply relu.
        band: rows of ``out`` that a task computes.
    """
    _, high, wide, pixel = X.shape
    height, width, channels = sizes
    images, rows, positions, filters = out_sizes
    columns, numbers, weights = W.shape[1], X.reshape(-1), W.reshape(-1)
    bands, down = -(-rows // band), -(-fh // sh)
    length = max((width - 1) * sw + fw, left + positions) * filters
    for task in prange(images * bands):
        n, first = task // bands, task % bands * band
        end = min(first + band, rows)
        # The rows of the image that these rows of the result read.
        begin = max(0, (first + top) // sh - down + 1)
        count = max(0, min(height, (end - 1 + top) // sh + 1) - begin)
        sums = np.empty(count * width * columns, W.dtype)
        for y in range(count):
            at = ((n * high + corner[0] + begin + y) * wide + corner[1]) * pixel
            products(
                width, columns, numbers, at, pixel, 1, 1, 0, channels, weights, 0, columns, 0,
                sums, y * width * columns, columns, False,
            )  # fmt: skip
        line = np.empty(length, W.dtype)
        for u in range(first, end):
            fill(line, 0, length, np.float32(0))
            for i in range((u + top) % sh, fh, sh):
                y = (u + top - i) // sh - begin
                if 0 <= y < count:
                    add_taps(
                        sums, y * width * columns + i * fw * filters, columns,
                        line, 0, sw * filters, fw * filters, width,
                    )  # fmt: skip
            place, kept = n * out_steps[0] + u * out_steps[1], line[left * filters :]
            for f in range(filters):
                shift = b[f] if b.size > 0 else np.float32(0)
                for x in range(positions):
                    total = kept[x * filters + f] + shift
                    # In this form NaN is kept, because no comparison with it is true.
                    total = np.float32(0) if relu and total < 0 else total
                    out[place + x * out_steps[2] + f * out_steps[3]] = total
