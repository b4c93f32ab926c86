"""The geometry of a sliding window, computed once for any number of spatial axes.

Convolution and pooling slide a window of ``taps`` over an axis of ``size`` numbers. With a
dilation the taps are ``dilation`` apart, so the window covers dilation · (taps − 1) + 1 numbers,
its *reach*. ``Window`` holds all sizes that follow from a call's arguments. It is made where the
arguments are checked and handed to everything that computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from sys import maxsize
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from neural_network.checks import Array, as_count
from neural_network.errors import ArgumentError, DTypeError, ShapeError, brief, sentence

Sizes: TypeAlias = tuple[int, ...]
# One number for all spatial axes, or one for each.
Size: TypeAlias = int | tuple[int, ...]
Pads: TypeAlias = tuple[tuple[int, int], ...]
Padding: TypeAlias = int | str | Sequence[int] | Sequence[Sequence[int]]
Slices: TypeAlias = tuple[slice, ...]


# A padded array of more numbers (32 gigabytes) is taken for a mistake.
MOST_PADDED = 2**32


@dataclass(frozen=True, slots=True)
class Window:
    """How a window slides: one number for each spatial axis in every attribute.

    Attributes:
        sizes: of the input, without padding.
        taps: of the window.
        stride: distance between neighbouring windows.
        dilation: distance between neighbouring taps.
        pads: (before, after) as the caller passed it.
        reach: how many numbers the window covers.
        outputs: how often the window fits.
        padded: sizes of the padded input. With ``ceil_mode`` the last window may reach beyond
            ``pads``; the padded input holds all of it.
    """

    sizes: Sizes
    taps: Sizes
    stride: Sizes
    dilation: Sizes
    pads: Pads
    reach: Sizes
    outputs: Sizes
    padded: Sizes

    @classmethod
    def of(
        cls,
        function: str,
        sizes: Sizes,
        taps: Sizes,
        stride: object = 1,
        padding: object = 0,
        dilation: object = 1,
        *,
        ceil_mode: bool = False,
        name: str = "filter",
    ) -> Window:
        """Check a caller's stride, padding and dilation, and compute what follows from them.

        Args:
            function: the public function, for the errors.
            sizes: of the input's spatial axes.
            taps: of the window.
            stride, padding, dilation: as the caller gave them.
            ceil_mode: whether a last window that reaches beyond the padding counts.
            name: what the window is called in the errors.

        Raises:
            DTypeError, ArgumentError: not whole numbers, or too small ones.
            ShapeError: another count of numbers, or a window that does not fit even once.

        >>> from neural_network.functional.window import Window
        >>> Window.of("conv2d", (28, 28), (3, 3), padding="same", stride=2).outputs
        (14, 14)
        """
        axes = len(sizes)
        steps = per_axis(function, "stride", stride, axes)
        spacing = per_axis(function, "dilation", dilation, axes)
        reach = tuple([d * (t - 1) + 1 for t, d in zip(taps, spacing, strict=True)])
        pads = resolve_padding(function, padding, sizes, reach, steps)
        padded = tuple([n + a + b for n, (a, b) in zip(sizes, pads, strict=True)])
        counts = []
        for i, (n, cover, s) in enumerate(zip(padded, reach, steps, strict=True)):
            if cover > n:
                raise _does_not_fit(function, name, sizes, taps, reach, pads, padded)
            whole, rest = divmod(n - cover, s)
            # One more where numbers are left over and a window still begins before the end.
            more = ceil_mode and rest > 0 and (whole + 1) * s < sizes[i] + pads[i][0]
            counts.append(whole + 1 + more)
        if ceil_mode:
            ends = [(n - 1) * s + r for n, s, r in zip(counts, steps, reach, strict=True)]
            padded = tuple([max(n, end) for n, end in zip(padded, ends, strict=True)])
        if padded != sizes and prod(padded) > MOST_PADDED:
            expected = f"a padded image of at most {MOST_PADDED:,} numbers"
            raise ShapeError(sentence(function, "padding", expected, times(padded)))
        return cls(sizes, taps, steps, spacing, pads, reach, tuple(counts), padded)

    @classmethod
    def transposed(
        cls,
        function: str,
        outputs: Sizes,
        taps: Sizes,
        stride: object,
        padding: object,
        output_padding: object,
        dilation: object,
    ) -> Window:
        """Return the window of the convolution that a transposed convolution is the transpose of.

        Its ``sizes`` are those of the transposed convolution's result; other arguments and
        errors as in ``of``.

        Args:
            function: the public function, for the errors.
            outputs: sizes of the transposed convolution's input.
            taps: of the window.
            stride, padding, output_padding, dilation: as the caller gave them.
        """
        axes = len(outputs)
        steps = per_axis(function, "stride", stride, axes)
        spacing = per_axis(function, "dilation", dilation, axes)
        cut = per_axis(function, "padding", padding, axes, minimum=0)
        more = per_axis(function, "output_padding", output_padding, axes, minimum=0)
        if any(m >= s for m, s in zip(more, steps, strict=True)):
            expected = f"less than the stride {steps}"
            raise ArgumentError(sentence(function, "output_padding", expected, more))
        reach = tuple([d * (t - 1) + 1 for t, d in zip(taps, spacing, strict=True)])
        padded = tuple(
            [(n - 1) * s + r + m for n, s, r, m in zip(outputs, steps, reach, more, strict=True)]
        )
        if any(2 * c >= size for c, size in zip(cut, padded, strict=True)):
            expected = f"less than half of the result {padded}"
            raise ShapeError(sentence(function, "padding", expected, cut))
        sizes = tuple([size - 2 * c for c, size in zip(cut, padded, strict=True)])
        pads = tuple([(c, c) for c in cut])
        return cls(sizes, taps, steps, spacing, pads, reach, outputs, padded)

    def over_images(self) -> Window:
        """Return this window of one axis as one that slides over images of one row."""
        ones = (1,)
        return Window(
            ones + self.sizes, ones + self.taps, ones + self.stride, ones + self.dilation,
            ((0, 0), *self.pads), ones + self.reach, ones + self.outputs, ones + self.padded,
        )  # fmt: skip

    @property
    def inside(self) -> Slices:
        """Where the input is in the padded input."""
        pairs = zip(self.pads, self.sizes, strict=True)
        return tuple([slice(before, before + n) for (before, _), n in pairs])

    def pad(self, X: Array) -> Array:
        """Put zeros around the last axes; without padding, return the array itself."""
        if self.padded == self.sizes:
            return X
        padded = np.zeros((*X.shape[: -len(self.sizes)], *self.padded), X.dtype)
        inside: tuple[Any, ...] = (..., *self.inside)
        padded[inside] = X
        return padded

    def axis_slices(self, outputs: Sizes | None = None) -> list[list[slice]]:
        """Return, for each axis and tap, the slice of the padded input that it reads.

        Args:
            outputs: how many outputs of each axis, counted from the first; all where left out.
        """
        counts = self.outputs if outputs is None else outputs
        axes = zip(self.taps, counts, self.stride, self.dilation, strict=True)
        return [
            [slice(t * d, t * d + (n - 1) * s + 1, s) for t in range(taps)]
            for taps, n, s, d in axes
        ]

    def tap_slices(self, outputs: Sizes | None = None) -> list[Slices]:
        """Return, for each tap of all axes, the slices of the padded input that it reads.

        ``X[..., *window.tap_slices()[tap]][o]`` is the number under that tap at output ``o``.
        The last axis varies fastest. ``outputs``: as in ``axis_slices``.
        """
        return list(product(*self.axis_slices(outputs)))

    def receptive_field(self, outputs: Slices) -> Slices:
        """Return the part of the padded input that the windows of these outputs cover."""
        axes = zip(outputs, self.stride, self.reach, strict=True)
        return tuple([slice(o.start * s, (o.stop - 1) * s + r) for o, s, r in axes])


def _does_not_fit(
    function: str, name: str, sizes: Sizes, taps: Sizes, reach: Sizes, pads: Pads, padded: Sizes
) -> ShapeError:
    spread = f", {times(reach)} by its dilation," if reach != taps else ""
    same = len({n for pair in pads for n in pair}) == 1
    padding = pads[0][0] if same else pads
    window, image = f"a {times(taps)} {name}", f"a {times(sizes)} image"
    if len(sizes) == 1:
        window, image = f"a {name} of {taps[0]}", f"an input of {sizes[0]}"
    return ShapeError(
        f"{function}: {window}{spread} does not fit {image} "
        f"(padding {padding}); expected at most {times(padded)}"
    )


def times(sizes: Sequence[int]) -> str:
    """Write sizes for an error message.

    >>> times((3, 5))
    '3×5'
    """
    return "×".join(str(size) for size in sizes)


def per_axis(function: str, name: str, value: object, axes: int, minimum: int = 1) -> Sizes:
    """Return one whole number for each spatial axis, from one for all or one each.

    >>> per_axis("conv2d", "stride", 2, axes=2)
    (2, 2)
    """
    if type(value) is int and minimum <= value <= maxsize:  # the usual case
        return (value,) * axes
    if _is_sequence(value):
        if len(value) != axes:
            expected = f"one number or {axes} of them"
            raise ShapeError(sentence(function, name, expected, f"{len(value)} of them"))
        return tuple([as_count(function, name, item, minimum) for item in value])
    if name == "padding" and isinstance(value, str):  # where it is cut off: words of Keras
        expected = (
            "what is cut off at each side: 0 for 'valid'; for 'same' (size - stride + 1) // 2 with "
            "output_padding=(size - stride) % 2"
        )
        raise DTypeError(sentence(function, name, expected, brief(value)))
    return (as_count(function, name, value, minimum),) * axes


def _is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def as_padding(
    function: str, padding: Padding, axes: int, taps: Sizes = (), dilation: Sizes = ()
) -> Padding:
    """Return a padding as it is; one that is none is refused before there is an input.

    ``taps`` and ``dilation`` of the window, where they are known, are for what the error says.
    """
    ones = (1,) * axes
    reach = tuple([(t - 1) * d + 1 for t, d in zip(taps, dilation, strict=True)]) or ones
    resolve_padding(function, padding, ones, reach, ones)
    return padding


def resolve_padding(
    function: str, padding: object, sizes: Sizes, reach: Sizes, stride: Sizes
) -> Pads:
    """Return the (before, after) padding of each axis.

    ``padding`` is a number for all axes, a number for each, a (before, after)
    pair for each, ``"valid"`` (none) or ``"same"``: as much as makes the output
    ``ceil(size / stride)``, where an odd one is added at the end.

    >>> resolve_padding("conv2d", "same", (5, 5), (2, 3), (1, 1))
    ((0, 1), (1, 1))
    """
    axes = len(sizes)
    if type(padding) is int and padding >= 0:  # the usual case
        return ((padding, padding),) * axes
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * axes
        if padding == "same":
            totals = [
                max((-(-size // s) - 1) * s + cover - size, 0)
                for size, cover, s in zip(sizes, reach, stride, strict=True)
            ]
            return tuple([(total // 2, total - total // 2) for total in totals])
        from neural_network.elsewhere.answers import with_meaning

        received = with_meaning(padding, ("valid", "same"))
        if padding == "full":  # of SciPy and NumPy: every overlap with the filter counts
            pads = tuple([cover - 1 for cover in reach])
            numbers = pads[0] if len(set(pads)) == 1 else pads
            # Where a layer is made, the size of its window is not known here.
            received += f"; padding={numbers if any(pads) else '(size - 1) · dilation'} is that"
        if padding == "causal":  # of Keras: no output sees what comes later
            before = reach[0] - 1 or "(size - 1) · dilation"
            received += f"; padding=(({before}, 0),) is that" if axes == 1 else " (of Conv1D)"
        if padding in ("reflect", "replicate", "circular", "symmetric", "edge", "wrap", "constant"):
            received += "; np.pad before adds other numbers than zeros"
        raise ArgumentError(sentence(function, "padding", "'valid', 'same' or numbers", received))
    if _is_sequence(padding) and any(_is_sequence(pair) for pair in padding):
        if len(padding) != axes or not all(
            _is_sequence(pair) and len(pair) == 2 for pair in padding
        ):
            expected = f"{axes} (before, after) pairs"
            raise ShapeError(sentence(function, "padding", expected, brief(padding)))
        return tuple([per_axis(function, "padding", pair, 2, minimum=0) for pair in padding])  # type: ignore[misc]  # two each
    return tuple([(n, n) for n in per_axis(function, "padding", padding, axes, minimum=0)])
