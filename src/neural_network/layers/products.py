"""The matrix products of a model: how large they are, from the shapes of its weights."""

from __future__ import annotations

from math import prod

from neural_network.functional.convolution.direct import LARGEST_COLUMNS


class Products:
    """The largest matrix product of a model, which grows with the number of inputs.

    A convolution of many inputs is cut into products of at most so many columns.
    """

    __slots__ = ("_block", "_convolution", "_product")

    def __init__(self) -> None:
        # Multiplications for one input: of a product, and of a convolution; of a block of it.
        self._product = self._convolution = self._block = 0

    def add(self, shape: tuple[int, ...], built_for: tuple[tuple[int, ...], str] | None) -> None:
        """Count a weight of a layer that was built for such inputs.

        Each weight is used once for each position of the input: a pixel for a filter, a row of a
        sequence for a matrix. (With a stride it is used less often.) Rows are looked up by
        integers.
        """
        if len(shape) < 2 or built_for is None or not built_for[1].startswith("float"):
            return
        inputs = built_for[0]
        if len(shape) == 2:
            self._product = max(self._product, prod(shape) * prod(inputs[1:-1]))
        else:
            self._convolution = max(self._convolution, prod(shape) * prod(inputs[2:]))
            self._block = max(self._block, shape[0] * LARGEST_COLUMNS)

    def largest(self, rows: int) -> int:
        """Return the multiplications of the largest product for so many inputs, about."""
        return max(rows * self._product, min(rows * self._convolution, self._block))
