"""The transforms of Winograd's convolution of 3 × 3 filters, written for LLVM.

4 × 4 neighbouring outputs read 6 × 6 numbers d of a channel, and need 144 products with its filter
g. Both can be transformed to 6 × 6 numbers each, so that 36 products suffice: with matrices B, G
and A, the outputs are ``Aᵀ [Σ_channels (G g Gᵀ) ⊙ (Bᵀ d B)] A``. They are seen as coefficients of
polynomials: G and A evaluate at five points and at infinity, where polynomials are multiplied
number by number, and B finds coefficients from values.

Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308. The
points are not theirs (0, ±1, ±2): how far they lie apart decides how much rounding grows, and with
0, ±3/4 and ±3/2 the largest error is a quarter of that with theirs. Their powers are exact in
float32.

The innermost loops take a vector of channels at once; see ``tile``. Beside them stands the same in
plain Python, which defines what they compute.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir

from neural_network.kernels.runtime.compiler import linked_part
from neural_network.kernels.runtime.linking import in_llvm
from neural_network.kernels.tile import LANES, Writer, by_width

# Outputs of a tile along an axis, taps of a filter, and numbers of a transform.
SIDE, TAPS = 4, 3
SIZE = SIDE + TAPS - 1
POINTS = np.array([0, 0.75, -0.75, 1.5, -1.5])
_OTHERS = [np.delete(POINTS, i) for i in range(len(POINTS))]
# Bᵀ, G and Aᵀ. The last row or column belongs to infinity.
OF_INPUT = np.array([*([*np.poly(others)[::-1], 0] for others in _OTHERS), np.poly(POINTS)[::-1]])
OF_FILTER = np.array(
    [
        *(
            [p**k / np.prod(p - others) for k in range(TAPS)]
            for p, others in zip(POINTS, _OTHERS, strict=True)
        ),
        [0] * (TAPS - 1) + [1],
    ]
)
OF_OUTPUT = np.array([[*POINTS**i, i == SIDE - 1] for i in range(SIDE)])
# For the filters' gradient: of the gradients of outputs, and back to taps. Transforms are
# linear, so that the gradient of one is the transposed one.
OF_GRADIENT, OF_TAPS = OF_OUTPUT.T, OF_FILTER.T
# The rows for a point and its negative have the same numbers at even places, and opposite ones at
# odd places. So their sum and their difference are computed, and then both rows.
_PAIRS = np.array(
    [
        [1, 0, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0], [0, 1, -1, 0, 0, 0],
        [0, 0, 0, 1, 1, 0], [0, 0, 0, 1, -1, 0], [0, 0, 0, 0, 0, 1],
    ]
)  # fmt: skip
_INVERSE = _PAIRS / np.sum(_PAIRS**2, axis=0)


def _transform(
    matrix: Any, x: Any, at: int, down: int, along: int, y: Any, to: int, y_down: int,
    y_along: int, length: int,
) -> None:  # fmt: skip
    """Compute ``matrix · x · matrixᵀ`` for each of ``length`` neighbouring channels."""
    rows, columns = matrix.shape
    for place in range(rows * rows):
        i, j = place // rows, place % rows
        total = np.zeros(length)
        for m in range(columns):
            for k in range(columns):
                numbers = x[at + m * down + k * along :][:length]
                total += matrix[i, m] * matrix[j, k] * numbers
        y[to + i * y_down + j * y_along :][:length] = total


def _input(
    x: Any, at: int, down: int, along: int, y: Any, to: int, y_down: int, y_along: int, length: int
) -> None:
    """Transform 6 × 6 numbers of an image: ``y[i, j] = Bᵀ x B``.

    Number (m, k) of channel c is ``x[at + m·down + k·along + c]``, and likewise for ``y``.
    ``length`` is a multiple of 8.
    """
    _transform(OF_INPUT, x, at, down, along, y, to, y_down, y_along, length)


def _filters(
    x: Any, at: int, down: int, along: int, y: Any, to: int, y_down: int, y_along: int, length: int
) -> None:
    """Transform 3 × 3 taps to 6 × 6 numbers, ``G x Gᵀ``; arguments as of ``_input``."""
    _transform(OF_FILTER, x, at, down, along, y, to, y_down, y_along, length)


def _output(
    x: Any, at: int, down: int, along: int, y: Any, to: int, y_down: int, y_along: int, length: int
) -> None:
    """Transform 6 × 6 sums of products to 4 × 4 outputs, ``Aᵀ x A``; arguments as of ``_input``."""
    _transform(OF_OUTPUT, x, at, down, along, y, to, y_down, y_along, length)


def _gradient(
    x: Any, at: int, down: int, along: int, y: Any, to: int, y_down: int, y_along: int, length: int
) -> None:
    """Transform the gradients of 4 × 4 outputs, ``A x Aᵀ``; arguments as of ``_input``."""
    _transform(OF_GRADIENT, x, at, down, along, y, to, y_down, y_along, length)


def _taps(
    x: Any, at: int, down: int, along: int, y: Any, to: int, y_down: int, y_along: int, length: int
) -> None:
    """Transform 6 × 6 sums to the gradients of 3 × 3 taps, ``Gᵀ x G``; as ``_input``."""
    _transform(OF_TAPS, x, at, down, along, y, to, y_down, y_along, length)


def _product(writer: Writer, row: Sequence[float], vectors: list[Any]) -> Any:
    """Write Σ row · vectors, without products with 0 and 1."""
    builder, total = writer.builder, None
    for number, vector in zip(row, vectors, strict=True):
        if number == 0:
            continue
        constant = ir.Constant(writer.vector, [float(np.float32(number))] * writer.lanes)
        if total is None:
            total = vector if number == 1 else builder.fmul(vector, constant)
        elif number == 1:
            total = builder.fadd(total, vector)
        else:
            total = writer.add_product(total, vector, constant)
    return total


def _in_pairs(writer: Writer, vectors: list[Any]) -> list[Any]:
    """Write the product of ``_PAIRS`` and vectors."""
    add, subtract = writer.builder.fadd, writer.builder.fsub
    first, a, b, c, d, last = vectors
    return [first, add(a, b), subtract(a, b), add(c, d), subtract(c, d), last]


def _written(matrix: Any) -> Callable[..., None]:
    """Return what writes the transform by a matrix of 6 rows, or of 6 columns."""
    to_pairs = len(matrix) == SIZE
    left, right = (_INVERSE, matrix) if to_pairs else (matrix, _INVERSE)
    factor = np.sum(left[:, :, None] * right, axis=1)

    def multiplied(writer: Writer, vectors: list[Any]) -> list[Any]:
        if not to_pairs:
            vectors = _in_pairs(writer, vectors)
        products = [_product(writer, row, vectors) for row in factor]
        return _in_pairs(writer, products) if to_pairs else products

    def write(
        builder: Any, x: Any, at: Any, down: Any, along: Any, y: Any, to: Any, y_down: Any,
        y_along: Any, length: Any,
    ) -> None:  # fmt: skip
        add, mul, number = builder.add, builder.mul, at.type

        def place(begin: Any, i: int, down: Any, j: int, along: Any) -> Any:
            return add(begin, add(mul(down, number(i)), mul(along, number(j))))

        def write_vector(writer: Writer, _: int, position: Any) -> None:
            first, target = add(at, position), add(to, position)
            size = range(matrix.shape[1])
            columns = [
                multiplied(writer, [writer.load(x, place(first, m, down, k, along)) for m in size])
                for k in size
            ]
            for i in range(len(matrix)):
                row = multiplied(writer, [column[i] for column in columns])
                for j, vector in enumerate(row):
                    writer.store(vector, y, place(target, i, y_down, j, y_along))

        by_width(builder, ((1, LANES), (1, 8)), length, write_vector)

    return write


_input_in_llvm = in_llvm(_input, _written(OF_INPUT))
_filters_in_llvm = in_llvm(_filters, _written(OF_FILTER))
_output_in_llvm = in_llvm(_output, _written(OF_OUTPUT))
_gradient_in_llvm = in_llvm(_gradient, _written(OF_GRADIENT))
_taps_in_llvm = in_llvm(_taps, _written(OF_TAPS))


@linked_part
def transform_input(
    x: Any, at: int, down: int, along: int, y: Any, to: int, y_down: int, y_along: int, length: int
) -> None:
    """Transform 6 × 6 numbers of an image; arguments as of ``_input``."""
    _input_in_llvm(x, at, down, along, y, to, y_down, y_along, length)


@linked_part
def transform_filters(
    x: Any, at: int, down: int, along: int, y: Any, to: int, y_down: int, y_along: int, length: int
) -> None:
    """Transform 3 × 3 taps; arguments as of ``_input``."""
    _filters_in_llvm(x, at, down, along, y, to, y_down, y_along, length)


@linked_part
def transform_output(
    x: Any, at: int, down: int, along: int, y: Any, to: int, y_down: int, y_along: int, length: int
) -> None:
    """Transform 6 × 6 sums of products; arguments as of ``_input``."""
    _output_in_llvm(x, at, down, along, y, to, y_down, y_along, length)


@linked_part
def transform_gradient(
    x: Any, at: int, down: int, along: int, y: Any, to: int, y_down: int, y_along: int, length: int
) -> None:
    """Transform the gradients of 4 × 4 outputs; arguments as of ``_input``."""
    _gradient_in_llvm(x, at, down, along, y, to, y_down, y_along, length)


@linked_part
def transform_taps(
    x: Any, at: int, down: int, along: int, y: Any, to: int, y_down: int, y_along: int, length: int
) -> None:
    """Transform 6 × 6 sums to the gradients of taps; arguments as of ``_input``."""
    _taps_in_llvm(x, at, down, along, y, to, y_down, y_along, length)
