"""Sliding windows: padding and output sizes, once, for any number of spatial dimensions.

Convolution and pooling both slide a window of ``taps`` over an axis of ``size``
numbers. With a dilation the taps stand ``dilation`` apart, so the window covers
``dilation · (taps − 1) + 1`` numbers, its *reach*.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from neural_network.checks import Array, as_count
from neural_network.errors import ArgumentError, ShapeError, sentence

Sizes: TypeAlias = tuple[int, ...]
Pads: TypeAlias = tuple[tuple[int, int], ...]
Padding: TypeAlias = int | str | Sequence[int] | Sequence[Sequence[int]]


# More is a slip of the finger: 32 gigabytes.
MOST_PADDED = 2**32


def times(sizes: Sequence[int]) -> str:
    """Write sizes as people do.

    >>> times((3, 5))
    '3×5'
    """
    return "×".join(str(size) for size in sizes)


def per_axis(function: str, name: str, value: object, axes: int, minimum: int = 1) -> Sizes:
    """Return one whole number for each spatial axis, from one for all or one each.

    >>> per_axis("conv2d", "stride", 2, axes=2)
    (2, 2)
    """
    if _is_sequence(value):
        if len(value) != axes:
            raise ShapeError(
                sentence(function, name, f"one number or {axes} of them", f"{len(value)} of them")
            )
        return tuple(as_count(function, name, item, minimum) for item in value)
    return (as_count(function, name, value, minimum),) * axes


def _is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def reach(taps: Sizes, dilation: Sizes) -> Sizes:
    """Return how many numbers the window covers along each axis: d·(t − 1) + 1."""
    return tuple(d * (t - 1) + 1 for t, d in zip(taps, dilation, strict=True))


def resolve_padding(
    function: str, padding: object, sizes: Sizes, covered: Sizes, stride: Sizes
) -> Pads:
    """Return the (before, after) padding of each axis.

    ``padding`` is a number for all axes, a number for each, a (before, after)
    pair for each, ``"valid"`` (none) or ``"same"``: as much as makes the output
    ``ceil(size / stride)``, an odd one left over going to the end.

    >>> resolve_padding("conv2d", "same", (5, 5), (2, 3), (1, 1))
    ((0, 1), (1, 1))
    """
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * len(sizes)
        if padding == "same":
            totals = [
                max((-(-size // s) - 1) * s + cover - size, 0)
                for size, cover, s in zip(sizes, covered, stride, strict=True)
            ]
            return tuple((total // 2, total - total // 2) for total in totals)
        raise ArgumentError(
            sentence(function, "padding", "'valid', 'same' or numbers", repr(padding))
        )
    if _is_sequence(padding) and any(_is_sequence(pair) for pair in padding):
        if len(padding) != len(sizes) or not all(
            _is_sequence(pair) and len(pair) == 2 for pair in padding
        ):
            raise ShapeError(
                sentence(function, "padding", f"{len(sizes)} (before, after) pairs", repr(padding))
            )
        return tuple(
            (as_count(function, "padding", before, 0), as_count(function, "padding", after, 0))
            for before, after in padding
        )
    each = per_axis(function, "padding", padding, len(sizes), minimum=0)
    return tuple((pad, pad) for pad in each)


def output_sizes(
    function: str,
    sizes: Sizes,
    taps: Sizes,
    stride: Sizes,
    pads: Pads,
    dilation: Sizes,
    window: str = "filter",
) -> Sizes:
    """Return how often the window fits: floor((size + pads − reach) / stride) + 1.

    Raises:
        ShapeError: the window does not fit even once.

    >>> output_sizes("conv2d", (28, 28), (3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1))
    (26, 26)
    """
    covered = reach(taps, dilation)
    padded = tuple(size + sum(pad) for size, pad in zip(sizes, pads, strict=True))
    if any(cover > size for cover, size in zip(covered, padded, strict=True)):
        spread = f", {times(covered)} by its dilation," if covered != taps else ""
        flat = {pad for pair in pads for pad in pair}
        given = next(iter(flat)) if len(flat) == 1 else pads
        raise ShapeError(
            f"{function}: a {times(taps)} {window}{spread} does not fit a {times(sizes)} image "
            f"(padding {given}); expected at most {times(padded)}"
        )
    return tuple(
        (size - cover) // s + 1 for size, cover, s in zip(padded, covered, stride, strict=True)
    )


def pad_spatial(X: Array, pads: Pads) -> Array:
    """Put zeros around the last axes; without padding, the array itself."""
    if not any(pad for pair in pads for pad in pair):
        return X
    padded = [n + sum(pair) for n, pair in zip(X.shape[-len(pads) :], pads, strict=True)]
    if prod(padded) > MOST_PADDED:
        raise ShapeError(
            sentence(
                "pad",
                "padding",
                f"a padded picture of at most {MOST_PADDED:,} numbers",
                times(padded),
            )
        )
    untouched = ((0, 0),) * (X.ndim - len(pads))
    return np.pad(X, untouched + pads)


def tap_slices(tap: Sizes, outputs: Sizes, stride: Sizes, dilation: Sizes) -> tuple[slice, ...]:
    """Return where one tap of the window stands while the window visits every output.

    ``X[..., *tap_slices(tap, …)][o]`` is the number under that tap at output ``o``.
    """
    return tuple(
        slice(t * d, t * d + (count - 1) * s + 1, s)
        for t, count, s, d in zip(tap, outputs, stride, dilation, strict=True)
    )
