"""A convolution for given shapes, by the kernel that is faster for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neural_network.kernels.convolution import tiles, winograd
from neural_network.kernels.finite import all_finite
from neural_network.kernels.products import padded_columns
from neural_network.kernels.runtime.layouts import Array, Sizes, as_line
from neural_network.kernels.winograd_tile import SIDE, TAPS

# Returns the memory of an array: (name, shape, dtype) -> array.
Buffer = Callable[[str, Sizes, Any], Array]

NO_BIAS = np.zeros(0, np.float32)
# No moments of blocks are computed.
NO_MOMENTS = (1, 1, np.zeros(0), np.zeros(0))
# A batch is cut into this many blocks for the filters' gradient; one partial sum is kept for each
# block, and the sums are added in order. Fixed, so that results do not depend on the number of
# threads; large enough for many cores.
BLOCKS = 16
# Estimates of what Winograd's transform costs, in products of a sum: of a tile for each channel and
# each filter, and of each channel of a filter. Only their ratios matter. It is used where it takes
# clearly fewer; ``python benchmarks/thresholds.py winograd`` prints how many times as fast it is.
OF_TILE, OF_FILTER, ADVANTAGE = 800, 1500, 1.15
# With fewer channels or filters it gains little and only adds its rounding; with fewer images, what
# it saves is less than the transform of the filters costs. From there on the choice does not depend
# on the number of images, so that parts of a batch are rounded as the whole.
FEWEST_CHANNELS, FEWEST_IMAGES, USUAL_IMAGES = 32, 4, 16
# Tiles whose sums are computed at once: at most so many, whose numbers stay in the second-level
# cache, and at least so many where that leaves work for several threads.
MOST_TILES, FEWEST_TILES = 48, 12
# Tiles whose products are added up at once in the filters' gradient: their transforms are kept.
GRADIENT_TILES = 256


def by_winograd(
    images: int, channels: int, filters: int, taps: Sizes, stride: Sizes, outputs: Sizes
) -> bool:
    """Return whether a convolution is computed by Winograd's transform.

    >>> sizes = (3, 3), (1, 1), (14, 14)
    >>> by_winograd(64, 64, 64, *sizes), by_winograd(64, 24, 64, *sizes)
    (True, False)
    """
    if (*taps, *stride) != (TAPS, TAPS, 1, 1) or channels % 8 != 0:
        return False
    if min(channels, filters) < FEWEST_CHANNELS or images < FEWEST_IMAGES:
        return False
    rows, positions = outputs
    of_tile = channels * filters * winograd.NUMBERS + OF_TILE * (channels + filters)
    of_image = -(-rows // SIDE) * -(-positions // SIDE) * of_tile
    products = channels * filters * TAPS * TAPS * rows * positions
    return products > ADVANTAGE * (of_image + OF_FILTER * channels * filters / USUAL_IMAGES)


def lines_of_tasks(images: int, outputs: Sizes, *, whole_images: bool) -> tuple[int, int]:
    """Return how many lines of tiles a task computes, and how many of them at once.

    >>> lines_of_tasks(64, (14, 14), whole_images=False)
    (12, 12)
    >>> lines_of_tasks(64, (32, 32), whole_images=True)
    (8, 4)
    """
    of_image, in_line = (-(-size // SIDE) for size in outputs)
    tiles = images * of_image * in_line
    tasks = max(-(-tiles // MOST_TILES), min(BLOCKS, tiles // FEWEST_TILES))
    together = -(-images * of_image // max(1, tasks))
    if not whole_images:
        return together, together
    if together >= of_image:
        together -= together % of_image
        return together, together
    parts = -(-of_image // together)
    return of_image, -(-of_image // parts)


class WindowSums:
    """A convolution, with its bias, relu and max pooling.

    Args:
        images: how many.
        weight_shape: (F, C, fh, fw), C as many channels as the images have in memory.
        stride: of the convolution.
        rows: the first of the padded images' rows that is no padding, and where they end.
        corner: position of the first window, (0, 0) with pooling.
        pool: size of the pooling window, or None.
        output_sizes: height and width of the result: of the convolution, or of the pooling.
        buffer: allocates memory.
        name: of the memory of the filters.

    Attributes:
        whole_images: whether a task computes all rows of an image.
    """

    def __init__(
        self, images: int, weight_shape: Sizes, stride: Sizes, rows: Sizes, corner: Sizes,
        pool: Sizes | None, output_sizes: Sizes, buffer: Buffer, name: str = "filters",
    ) -> None:  # fmt: skip
        filters, channels, *taps = weight_shape
        high, wide = output_sizes
        self._matrix = _WeightMatrix(weight_shape, buffer, name)
        self._rows, self._taps, self._stride = rows, taps, stride
        self._place = corner if pool is None else pool
        # A task computes all rows of an image, or some of them where there are few images.
        self._band = max(1, high * min(images, BLOCKS) // BLOCKS)
        self.whole_images = pool is None and self._band == high
        self._transformed: Array | None = None
        outputs = output_sizes if pool is None else (high * pool[0], wide * pool[1])
        if (pool is None or SIDE % pool[0] == 0) and by_winograd(
            images, channels, filters, (*taps,), stride, outputs
        ):
            size = channels * padded_columns(filters)
            self._transformed = buffer(f"transformed {name}", (winograd.NUMBERS, size), np.float32)
            self._lines = lines_of_tasks(images, outputs, whole_images=self.whole_images)

    def __call__(
        self, images: Array, weight: Array, bias: Array, out: Array, *, relu: bool,
        added: Array | None = None, moments: tuple[Any, ...] = NO_MOMENTS,
        argmax: Array | None = None,
    ) -> None:  # fmt: skip
        """Fill ``out`` with the sums of each window, or the largest sum of each pooling window.

        Args:
            images: (N, H, W, C), padded; the numbers of a row are adjacent.
            weight: (F, C, fh, fw).
            bias: (F,), or ``NO_BIAS``.
            out: (N, OH, OW, F), of any strides that are not negative.
            relu: whether to apply relu.
            added: (N, OH, OW, F), as ``out``: added before relu; only without pooling.
            moments: the last arguments of ``tiles.convolve``.
            argmax: with pooling, as of ``tiles.convolve_and_pool``.
        """
        line, steps = as_line(out)
        matrix = self._matrix.filled(weight)
        given = *as_line(images), images.shape[3], matrix
        result = bias, line, steps, out.shape
        summand = (NO_BIAS, steps) if added is None else as_line(added)
        if self._transformed is None:
            numbers = *self._rows, *self._taps, *self._stride, *self._place, relu, self._band
            if argmax is None:
                tiles.convolve.compiled(*given, *result, *summand, *numbers, *moments)
            else:
                tiles.convolve_and_pool.compiled(*given, *result, argmax.reshape(-1), *numbers)
            return
        winograd.fill_transformed.compiled(matrix, self._transformed)
        numbers = *self._rows, *self._place, relu, *self._lines
        if argmax is None:
            winograd.convolve.compiled(
                *given, self._transformed, *result, *summand, *numbers, *moments
            )
        else:
            winograd.convolve_and_pool.compiled(
                *given, self._transformed, *result, argmax.reshape(-1), *numbers
            )


class FiltersGradient:
    """The gradient of a convolution's filters.

    Args:
        images: how many.
        weight_shape: (F, C, fh, fw).
        stride: of the convolution.
        rows: the first of the padded images' rows that is no padding, and where they end.
        corner: where the gradient begins in its array.
        output_sizes: height and width of the convolution's result.
        buffer: allocates memory.
    """

    def __init__(
        self, images: int, weight_shape: Sizes, stride: Sizes, rows: Sizes, corner: Sizes,
        output_sizes: Sizes, buffer: Buffer,
    ) -> None:  # fmt: skip
        filters, channels, *taps = weight_shape
        self._rows, self._corner, self._output_sizes = rows, corner, output_sizes
        self._taps, self._stride = taps, stride
        columns, blocks = padded_columns(filters), min(images, BLOCKS)
        shape, self._block = (taps[0] * taps[1] * channels, columns), -(-images // blocks)
        self._sums_shape, self._together = (blocks, *shape), 0
        if by_winograd(images, channels, filters, (*taps,), stride, output_sizes):
            in_line = -(-output_sizes[1] // SIDE)
            lines = images * -(-output_sizes[0] // SIDE)
            self._together = min(lines, max(1, GRADIENT_TILES // in_line))
            numbers = winograd.NUMBERS * self._together * in_line
            self._memory = (
                buffer("transformed images", (numbers * channels,), np.float32),
                buffer("transformed gradient", (numbers * columns,), np.float32),
                buffer("transformed sums", (winograd.NUMBERS * channels * columns,), np.float32),
                buffer("filters' gradient", shape, np.float32),
            )
        else:
            self._sums = buffer("filter sums", self._sums_shape, np.float32)

    def __call__(self, X: Array, G: Array) -> Array:
        """Return the gradient (fh · fw · C, columns), as a view of a buffer.

        Args:
            X: (N, H, W, C), the padded images.
            G: (N, GH, GW, columns): the gradient for the result, its columns padded.
        """
        images = *as_line(X), X.shape[3], G
        numbers = *self._rows, len(X), *self._output_sizes
        if self._together:
            winograd.filters_gradient.compiled(
                *images, *numbers, *self._corner, *self._memory, self._together
            )
            result: Array = self._memory[-1]
            if all_finite(result.reshape(-1)):
                return result
            # A transform would spread NaN and infinity over all taps.
            sums = np.empty(self._sums_shape, np.float32)
        else:
            sums = self._sums
        tiles.filters_gradient.compiled(
            *images[:-1], G, sums, *numbers, *self._taps, *self._stride, *self._corner, self._block
        )
        total: Array = sums[0]
        return total


class _WeightMatrix:
    """Filters as kernels read them: (fh · fw · C, F), columns padded to whole vectors.

    Args:
        weight_shape: (F, C, fh, fw).
        buffer: allocates memory.
        name: of the memory.
    """

    def __init__(self, weight_shape: Sizes, buffer: Buffer, name: str) -> None:
        filters, channels, fh, fw = weight_shape
        memory = buffer(name, (fh, fw, channels, padded_columns(filters)), np.float32)
        self._filters, self._padding = memory[..., :filters], memory[..., filters:]
        self._matrix = memory.reshape(fh * fw * channels, -1)

    def filled(self, weight: Array) -> Array:
        """Return the matrix of filters (F, C, fh, fw); those of channels that are missing are 0."""
        given = weight.shape[1]
        self._filters[:, :, given:] = 0
        self._padding[...] = 0
        np.copyto(self._filters[:, :, :given], weight.transpose(2, 3, 1, 0))
        return self._matrix
