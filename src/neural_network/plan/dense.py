"""The stage of a dense layer with batch norm in evaluation and relu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from neural_network.checks import Array, silent
from neural_network.functional.products import matmul
from neural_network.plan.vocabulary import (
    BatchNorm,
    Flatten,
    LinearStep,
    PlainStage,
    PreparedStage,
    Reader,
    ReLU,
    Shape,
)


class Dense(LinearStep):
    """``X · W + b`` with weights (inputs, units) and a bias (units,) or none."""

    output_axis, of_vectors = 1, True

    @silent
    def by_ops(self, X: Any, weight: Any, bias: Any = None) -> Any:
        """Compute it by ops."""
        product: Any = matmul(X, weight)
        return product if bias is None else product + bias


class PreparedDense(PreparedStage):
    """A dense stage with its buffers."""

    stage: DenseStage

    def __init__(self, *args: Any, **options: Any) -> None:
        from neural_network.kernels import dense, products  # loads Numba

        super().__init__(*args, **options)
        self._affine, self._gradients = dense.affine.compiled, dense.affine_backward.compiled
        (inputs,), (units,) = self.stage.input_shape, self.stage.output_shape
        self._columns = products.padded_columns(units)
        self._padded_weight: Array | None = None
        if units != self._columns:
            self._padded_weight = self.buffers.buffer("padded weight", (inputs, self._columns))
        # Backward buffers are allocated on first use.
        self._padded_grad: Array | None = None
        self._dX = np.empty((0, inputs), np.float32)
        self._db: Array | None = None

    def forward(self, X: Array, out: Array) -> None:
        """Fill ``out``; keep the input, and the result for relu."""
        W, bias = self.stage.dense.arrays(self.stage.norm)
        if self._padded_weight is not None:
            units = W.shape[1]
            self._padded_weight[:, :units] = W
            self._padded_weight[:, units:] = 0
            W = self._padded_weight
        self._affine(X, W, bias, out, self.stage.relu)
        self.saved_input, self.output = X, out

    def release(self) -> None:
        """Drop the references to the input, the result and the input gradient."""
        super().release()
        if self.buffers.first:
            self._dX = self._dX[:0]

    def backward(self, grad_out: Array, gradients: Sequence[Array]) -> Array | None:
        """Compute the gradients by three products; that of the input only if it is needed."""
        dense, X, buffers = self.stage.dense, self.saved_input, self.buffers
        if self._padded_grad is None:
            self._padded_grad = buffers.buffer("padded gradient", (len(X), self._columns))
            if dense.bias is None:
                self._db = buffers.buffer("bias", self.stage.output_shape)
        if self.needs_input_grad and (buffers.first or self._dX.size == 0):
            self._dX = buffers.persistent_buffer("input gradient", X.shape)
        self._gradients(
            X, dense.weight.data, grad_out, self.output, self._padded_grad, gradients[0],
            gradients[1] if self._db is None else self._db, self._dX, self.stage.relu,
        )  # fmt: skip
        return self._dX if self.needs_input_grad else None


class DenseArrays(NamedTuple):
    """What NumPy computes a dense stage into; None for new arrays.

    Attributes:
        out: the result, (N, units).
        passed: whether relu passed each number of it.
        masked: its gradient where relu passed.
        input_grad: the gradient of the input, (N, inputs).
    """

    out: Array | None = None
    passed: Array | None = None
    masked: Array | None = None
    input_grad: Array | None = None


NEW_ARRAYS = DenseArrays()


class DenseStage(PlainStage):
    """``X · W + b`` and relu.

    Args:
        dense: the weights.
        norm: batch norm in evaluation, that follows directly, or None.
        relu: whether relu follows.
    """

    prepared = PreparedDense

    def __init__(self, dense: Dense, norm: BatchNorm | None, *, relu: bool) -> None:
        self.dense, self.norm, self.relu = dense, norm, relu
        inputs, units = dense.weight.shape
        self.input_shape, self.output_shape = (inputs,), (units,)
        self.parameters = len(dense.parameters)
        self.work = dense.weight.size
        self.needs_output = relu

    def write(self, program: Any, source: Any) -> Any:
        """Write the stage into the program of a single row."""
        return program.dense(source, self.dense, self.norm, relu=self.relu)

    @classmethod
    def match(cls, reader: Reader, shape: Shape) -> Self | None:
        """Match [Flatten*, Dense, BatchNorm?, ReLU?, Flatten*]; vectors are flat already."""
        if len(shape) != 1:
            return None
        while reader.next(Flatten):
            pass
        dense = reader.next(Dense)
        if dense is None or shape != (dense.weight.shape[0],):
            return None
        norm = reader.next(BatchNorm, lambda norm: norm.has_channels(dense.weight.shape[1]))
        relu = reader.next(ReLU) is not None
        while reader.next(Flatten):
            pass
        return cls(dense, norm, relu=relu)

    def arrays(self, rows: int) -> DenseArrays:
        """Return arrays for so many rows, of the type of the weights."""
        (inputs,), (units,), dtype = self.input_shape, self.output_shape, self.dense.weight.dtype
        out, masked = np.empty((rows, units), dtype), np.empty((rows, units), dtype)
        return DenseArrays(
            out, np.empty(out.shape, bool), masked, np.empty((rows, inputs), dtype)
        )  # fmt: skip

    def by_numpy(self, X: Array, arrays: DenseArrays = NEW_ARRAYS) -> tuple[Array, Any]:
        """Compute it by NumPy, and return the input as well."""
        weight, bias = self.dense.arrays(self.norm)
        out: Array = np.matmul(X, weight, out=arrays.out)
        if bias.size:
            out += bias
        return (np.maximum(out, 0, out=out) if self.relu else out), X

    def gradients_by_numpy(
        self, saved: Any, out: Array, g: Any, gradients: Sequence[Array], *,
        needs_input_grad: bool, arrays: DenseArrays = NEW_ARRAYS,
    ) -> Array | None:  # fmt: skip
        """Compute the gradients by two products and a sum."""
        if self.relu:
            g = np.multiply(g, np.greater(out, 0, out=arrays.passed), out=arrays.masked)
        np.matmul(saved.T, g, out=gradients[0])
        if self.dense.bias is not None:
            np.add.reduce(g, axis=0, out=gradients[1])
        if not needs_input_grad:
            return None
        grad: Array = np.matmul(g, self.dense.weight.data.T, out=arrays.input_grad)
        return grad
