"""``predict`` and ``conv2d`` of Dask arrays: the library's own functions, block by block."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.advice import NamesAllRows
from neural_network.blas import threads_for_products
from neural_network.checks import Array, as_real, check_not_empty
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import (
    ArgumentError,
    DTypeError,
    ShapeError,
    brief,
    needs_extra,
    no_model,
    sentence,
)
from neural_network.functional.convolution.conv import conv2d as conv2d_of_array
from neural_network.functional.convolution.route import Method
from neural_network.functional.window import Padding, Sizes, Window
from neural_network.layers.layer import Layer
from neural_network.public import public

# So many are not taken for channels.
ROWS_OF_A_SENTENCE = 23
_public = public(top_level=False)


@_public
@explains_calls
def predict(model: Layer, X: Any) -> Any:
    """Compute a model's outputs for a Dask array of inputs, block by block.

    Args:
        model: a built model with one input and one output. Its weights are copied now.
        X: a Dask array (N, …) with the inputs' shape after its first axis; any chunks. Blocks are
            joined along all axes but the first.

    Returns:
        A Dask array (N, …) in the model's type, with the chunks of X along the first axis, those
        that are empty left out. Nothing is computed before ``compute()``.

    Raises:
        DTypeError: no model, no Dask array, or one of other than real numbers.
        ArgumentError: the model is not built, or has several inputs or outputs; or N is unknown.
        ShapeError: inputs of another shape.
        MissingDependencyError: dask is not installed (extra ``dask``).

    >>> import dask.array, neural_network as nn
    >>> model = nn.Sequential(nn.Dense(3)).initialize((4,), rng=0)
    >>> scores = nn.scale.dask.predict(model, dask.array.ones((10, 4), chunks=(5, 2)))
    >>> scores.chunks
    ((5, 5), (3,))
    >>> bool(np.all(scores.compute() == model.predict(np.ones((10, 4)))))
    True
    """
    if not isinstance(model, Layer):
        raise no_model("predict", model)
    model._check_built("predict")
    X = _as_dask("predict", "X", X)
    if X.ndim == 0 or X.shape[0] == 0:
        raise ShapeError(sentence("predict", "X", "at least one row", f"shape {X.shape}"))
    # One row of zeros shows shape and type of the answer, and has the model check the shape.
    try:
        row = model.predict(np.zeros((1, *X.shape[1:]), X.dtype))
    except ShapeError:
        # A single row may look like something else than rows; the sentence is that of several.
        several = (min(X.shape[0], ROWS_OF_A_SENTENCE), *X.shape[1:])
        with NamesAllRows(several, X.shape):
            model.predict(np.zeros(several, X.dtype))
        raise
    if not isinstance(row, np.ndarray):
        received = f"{len(row)} of them"
        raise ArgumentError(sentence("predict", "model", "a model with one output", received))
    import dask

    X = X.rechunk(dict.fromkeys(range(1, X.ndim), -1))
    # A value of its own, so that the graph holds the weights once, and later changes stay out.
    kept = dask.delayed(copy.deepcopy(model).eval(), pure=False)
    sizes = row.shape[1:]
    return X.map_blocks(
        _predicted,
        model=kept,
        dtype=row.dtype,
        chunks=(X.chunks[0], *((size,) for size in sizes)),
        drop_axis=list(range(1, X.ndim)),
        new_axis=list(range(1, 1 + len(sizes))),
        meta=np.empty((0,) * row.ndim, row.dtype),
    )


def _predicted(block: Array, model: Layer) -> Array:
    with threads_for_products(0):
        out: Array = model.predict(block)
    return out


@_public
@explains_calls
def conv2d(
    image: Any,
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
) -> Any:
    """Slide filters over a Dask array of images: ``neural_network.conv2d`` by blocks.

    Each block gets the rows and columns that its windows need of the blocks after it, so there
    are no seams. Memory: for each block that is being computed, what ``conv2d`` takes for it.

    Args:
        image: a Dask array of a shape that ``neural_network.conv2d`` takes. Its chunks may be
            any; they are joined along channels, and along height and width to multiples of the
            stride that are at least as large as the reach of a filter.
        filter_kernel, stride, padding, dilation, groups, bias, flip, method, precise: as of
            ``neural_network.conv2d``. ``method="auto"`` chooses for each block.

    Returns:
        A Dask array with the shape and type that ``neural_network.conv2d`` returns. Nothing is
        computed before ``compute()``.

    Raises:
        DTypeError, ShapeError, ArgumentError: as of ``neural_network.conv2d``, before anything is
            computed; no Dask array, or one of unknown shape.
        MissingDependencyError: dask is not installed (extra ``dask``).

    >>> import dask.array, neural_network as nn
    >>> image = dask.array.arange(36).reshape(6, 6).rechunk(3)
    >>> nn.scale.dask.conv2d(image, [[-1, 0, 1]], padding="same").compute()[0]
    array([ 1.,  2.,  2.,  2.,  2., -4.])
    """
    image = _as_dask("conv2d", "image", image)
    kernel = np.asarray(as_real("conv2d", "filter_kernel", filter_kernel))
    check_not_empty("conv2d", "image", image)
    if image.ndim < 2 or kernel.ndim < 2:
        expected = "at least 2 dimensions each"
        received = f"shapes {image.shape} and {kernel.shape}"
        raise ShapeError(sentence("conv2d", "image and filter_kernel", expected, received))
    check_not_empty("conv2d", "filter_kernel", kernel)
    window = Window.of("conv2d", image.shape[-2:], kernel.shape[-2:], stride, padding, dilation)
    options: dict[str, Any] = {
        "stride": window.stride, "dilation": window.dilation, "groups": groups, "bias": bias,
        "flip": flip, "method": method, "precise": precise,
    }  # fmt: skip
    # One window of zeros shows leading axes and type, and has everything else checked.
    probe = np.zeros((*image.shape[:-2], *window.reach), image.dtype)
    one = conv2d_of_array(probe, kernel, **options)
    import dask.array

    leading = image.ndim - 2
    if any(sum(pads) for pads in window.pads):
        image = dask.array.pad(image, [(0, 0)] * leading + list(window.pads))
    by_axis = list(zip(window.stride, window.reach, strict=True))
    sizes = dict(enumerate(map(_aligned, image.chunks[-2:], *zip(*by_axis, strict=True)), leading))
    image = image.rechunk(sizes | ({leading - 1: -1} if kernel.ndim == 4 else {}))
    counts = [
        _windows(chunks, step, reach)
        for chunks, (step, reach) in zip(image.chunks[-2:], by_axis, strict=True)
    ]
    # The numbers after a block that the last of its windows reach.
    after = {leading + axis: (0, reach - 1) for axis, reach in enumerate(window.reach)}
    overlapping = dask.array.overlap.overlap(image, after, "none", allow_rechunk=False)
    batch = image.chunks[: leading - (kernel.ndim == 4)]
    filters = [(len(kernel),)] if kernel.ndim > 2 else []
    return overlapping.map_blocks(
        _convolved,
        kernel,
        options,
        dtype=one.dtype,
        chunks=(*batch, *filters, *counts),
        new_axis=[leading] if kernel.ndim == 3 else None,
        meta=np.empty((0,) * one.ndim, one.dtype),
    )


def _convolved(block: Array, kernel: Array, options: dict[str, Any]) -> Array:
    with threads_for_products(0):
        return conv2d_of_array(block, kernel, **options)


def _aligned(chunks: Sizes, stride: int, reach: int) -> Sizes:
    """Return chunks of an axis in which each begins with a window and holds all of one.

    >>> from neural_network.scale.dask.blocks import _aligned
    >>> _aligned((10, 10, 3), 3, 5), _aligned((2, 2, 2, 2), 1, 3)
    ((12, 11), (3, 5))
    """
    length = sum(chunks)
    size = stride * -(-max(*chunks, reach) // stride)
    count = max(1, (length - reach) // size + 1)
    return (size,) * (count - 1) + (length - size * (count - 1),)


def _windows(chunks: Sizes, stride: int, reach: int) -> Sizes:
    """Return how many windows begin in each chunk; the last one has nothing after it."""
    return (*(size // stride for size in chunks[:-1]), (chunks[-1] - reach) // stride + 1)


def _as_dask(function: str, name: str, value: Any) -> Any:
    """Return a Dask array of real numbers with known sizes, without empty blocks."""
    with needs_extra(f"scale.dask.{function}", "dask"):
        import dask.array
        import dask.array.overlap
    if not isinstance(value, dask.array.Array):
        expected = "a Dask array (dask.array.from_array(x, chunks=…) makes one)"
        raise DTypeError(sentence(function, name, expected, brief(value)))
    if value.dtype.kind not in "fiub":
        raise DTypeError(sentence(function, name, "real numbers", f"dtype {value.dtype}"))
    if any(math.isnan(size) for size in value.shape):
        expected = "known sizes (compute_chunk_sizes() finds them)"
        raise ArgumentError(sentence(function, name, expected, f"shape {value.shape}"))
    if value.size and any(0 in sizes for sizes in value.chunks):  # as selecting rows leaves them
        value = value.rechunk(tuple(tuple(n for n in sizes if n) for sizes in value.chunks))
    return value
