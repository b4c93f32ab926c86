"""The stage of a dense layer with batch norm in evaluation and relu."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.functional.linear import matmul
from neural_network.plan.vocabulary import (
    NO_BIAS,
    BatchNorm,
    Flatten,
    PreparedStage,
    Reader,
    ReLU,
    Shape,
    Stage,
    Step,
)
from neural_network.plan.workspace import StageBuffers


@dataclass(frozen=True, eq=False)
class Dense(Step):
    """``X · W + b`` with weights (inputs, units) and a bias (units,) or none."""

    weight: Tensor
    bias: Tensor | None

    @property
    def parameters(self) -> list[Tensor]:
        """The weights and the bias."""
        return [self.weight] if self.bias is None else [self.weight, self.bias]

    def by_ops(self, X: Any, weight: Any, bias: Any = None) -> Any:
        """Compute it by ops."""
        product: Any = matmul(X, weight)
        return product if bias is None else product + bias


class DenseStage(Stage):
    """``X · W + b`` and relu.

    Args:
        dense: the weights.
        norm: batch norm in evaluation, right behind them, or None.
        relu: whether relu follows.
    """

    def __init__(self, dense: Dense, norm: BatchNorm | None, *, relu: bool) -> None:
        self.dense, self.norm, self.relu = dense, norm, relu
        inputs, units = dense.weight.shape
        self.input_shape, self.output_shape = (inputs,), (units,)
        self.parameters = len(dense.parameters)
        self.work = dense.weight.size
        self.needs_output = relu

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

    def prepare(self, rows: int, buffers: StageBuffers, *, needs_input_grad: bool) -> PreparedStage:
        """Allocate buffers for padded weights."""
        return PreparedDense(self, rows, buffers, needs_input_grad=needs_input_grad)


class PreparedDense(PreparedStage):
    """A dense stage with its buffers.

    Args:
        stage: what is computed.
        rows: how many.
        buffers: of the stage.
        needs_input_grad: whether the gradient of the input is needed.
    """

    def __init__(
        self, stage: DenseStage, rows: int, buffers: StageBuffers, *, needs_input_grad: bool
    ) -> None:
        from neural_network.kernels import dense, products  # loads Numba

        self._stage, self._buffers, self._needs_input_grad = stage, buffers, needs_input_grad
        self._affine, self._gradients = dense.affine.compiled, dense.affine_backward.compiled
        (inputs,), (units,) = stage.input_shape, stage.output_shape
        self._columns = products.padded_columns(units)
        self._padded_weight: Array | None = None
        if units != self._columns:
            self._padded_weight = buffers.buffer("padded weight", (inputs, self._columns))
        self.out = buffers.buffer("out", (rows, units))
        self._saved_input = self._output = self.out
        # Backward buffers are allocated on first use.
        self._padded_grad: Array | None = None
        self._dX = np.empty((0, inputs), np.float32)
        self._db: Array | None = None

    def forward(self, X: Array, out: Array) -> None:
        """Fill ``out``; keep the input, and the result for relu."""
        dense, norm = self._stage.dense, self._stage.norm
        W, bias = dense.weight.data, NO_BIAS if dense.bias is None else dense.bias.data
        if norm is not None:
            W, bias = norm.folded(W, bias, axis=1)
        if self._padded_weight is not None:
            units = W.shape[1]
            self._padded_weight[:, :units] = W
            self._padded_weight[:, units:] = 0
            W = self._padded_weight
        self._affine(X, W, bias, out, self._stage.relu)
        self._saved_input, self._output = X, out

    def release(self) -> None:
        """Drop the references to the input, the result and the input gradient."""
        self._saved_input = self._output = self.out
        if self._buffers.first:
            self._dX = self._dX[:0]

    def backward(self, grad_out: Array, gradients: Sequence[Array]) -> Array | None:
        """Compute the gradients by three products; that of the input only if it is needed."""
        dense, X, buffers = self._stage.dense, self._saved_input, self._buffers
        if self._padded_grad is None:
            self._padded_grad = buffers.buffer("padded gradient", (len(X), self._columns))
            if dense.bias is None:
                self._db = buffers.buffer("bias", self._stage.output_shape)
        if self._needs_input_grad and (buffers.first or self._dX.size == 0):
            self._dX = buffers.persistent_buffer("input gradient", X.shape)
        self._gradients(
            X, dense.weight.data, grad_out, self._output, self._padded_grad, gradients[0],
            gradients[1] if self._db is None else self._db, self._dX, self._stage.relu,
        )  # fmt: skip
        return self._dX if self._needs_input_grad else None
