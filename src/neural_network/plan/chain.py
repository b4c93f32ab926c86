"""All dense layers of a small network by one kernel: predictions, and training batches."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from operator import is_
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.functional.losses.cross_entropies import softmax_cross_entropy
from neural_network.functional.losses.regression import mse_loss
from neural_network.kernels.runtime.aligned import address, aligned
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.plan.dense import DenseStage
from neural_network.plan.matching import Match

# So many numbers of rows keep their memory: those of most batches, and of the last one of an epoch.
MOST_KEPT = 4
# What the kernel is given for the labels or the targets that a loss does not have.
NO_LABELS, NO_TARGETS = np.zeros(0, np.intp), np.zeros((0, 0), np.float32)


def _is_known(match: Match) -> bool:
    """Return whether the kernels compute such stages."""
    return all(type(stage) is DenseStage and stage.norm is None for stage in match.stages)


def _table(match: Match) -> tuple[Array, int]:
    """Return the layers as the kernels read them, and how many outputs the last one has."""
    places, layers = iter(match.places), []
    for stage in match.stages:
        assert isinstance(stage, DenseStage)
        (inputs,), (units,) = stage.input_shape, stage.output_shape
        weight, bias = next(places), next(places) if stage.parameters > 1 else -1
        layers.append((inputs, units, weight, bias, stage.relu))
    return np.array(layers, np.intp), units


class ChainOutputs:
    """Predictions of many rows: the results of a match's dense layers, in float32.

    Args:
        match: one that ``serves`` has accepted.
    """

    def __init__(self, match: Match) -> None:
        self._match = match
        self._table, self._outputs = _table(match)
        # The layers' arrays, and the buffer that they follow each other in, if there is one.
        self._bound: tuple[list[Array], Array | None] | None = None
        self._size = 0, 0  # of the last number of rows: the numbers that it is computed in
        self._unused: list[Array] = []  # memory that no call uses: new memory costs more than a row

    serves = staticmethod(_is_known)

    def predicted(self, X: Array) -> Array | None:
        """Compute rows (N, inputs); None where there is no kernel for so many, or the arrays."""
        if not kernel_wanted("dense rows", len(X) * self._match.work):
            return None
        arrays, bound = [tensor.data for tensor in self._match.parameters], self._bound
        if bound is None or not all(map(is_, arrays, bound[0])):
            bound = arrays, self._flat(arrays)
            self._bound = bound
        flat = bound[1]
        if flat is None:
            # Arrays of a deep copy, for one, have memory of their own. Each may be changed in place
            # before the next call, so the copy is not kept.
            if any(array.dtype != np.float32 for array in arrays):
                return None
            flat = np.concatenate([array.reshape(-1) for array in arrays])
        from neural_network.kernels.dense_chain import chain_outputs, workspace_size  # loads Numba

        X = X if X.flags.carray else np.array(X, order="C")
        rows, size = self._size  # read once: another thread may replace it
        if rows != len(X):
            size = workspace_size(self._table, len(X))
            self._size = len(X), size
        try:
            work = self._unused.pop()
        except IndexError:
            work = np.zeros(0, np.float32)
        if len(work) < size:
            work = aligned((size,))
        out = np.empty((len(X), self._outputs), np.float32)
        chain_outputs(X, flat, self._table, work, out.reshape(-1))
        self._unused.append(work)
        return out

    def _flat(self, arrays: list[Array]) -> Array | None:
        """Return the buffer of all parameters, where they follow each other in one of a model."""
        base, begin = arrays[0].base, address(arrays[0])
        if type(base) is not np.ndarray or base.ndim != 1 or not base.flags.carray:
            return None
        for array, place in zip(arrays, self._match.places, strict=True):
            fits = array.base is base and array.dtype == base.dtype == np.float32
            if not (fits and array.flags.carray and address(array) == begin + 4 * place):
                return None
        flat: Array = base[(begin - address(base)) // 4 :]
        return flat


class Chain:
    """The dense layers of a match, in float32, as the kernel reads them.

    Args:
        match: its parameters follow each other in one buffer.
        loss: one that ``serves`` has accepted.
    """

    def __init__(self, match: Match, loss: Callable[..., Any]) -> None:
        from neural_network.kernels import dense_chain  # loads Numba

        self._kernel, self._size = dense_chain.chain, dense_chain.workspace_size
        self._place = dense_chain.outputs_place
        self._table, self._outputs = _table(match)
        self._of_classes = loss is softmax_cross_entropy
        # For each number of rows: what the kernel computes in, and the outputs in it.
        self._work: dict[int, tuple[Array, Array]] = {}

    @staticmethod
    def serves(match: Match, loss: Callable[..., Any]) -> bool:
        """Return whether the kernel computes such stages and such a loss."""
        return (loss is softmax_cross_entropy or loss is mse_loss) and _is_known(match)

    def compute(
        self, X: Array, y: Array, flat: Array, gradients: Array
    ) -> tuple[float, Array, int | None] | None:
        """Compute the loss of a batch, and fill the gradients.

        Args:
            X: (N, inputs) of float32.
            y: labels or targets.
            flat, gradients: the buffer of the parameters, and one of the same layout.

        Returns:
            The loss; the outputs, which the next batch overwrites; how many rows have their largest
            score at the label, where there are several. None where the loss is not finite, and for
            labels or targets that the kernel does not read; the gradients are as they were then.
        """
        rows = len(X)
        labels, targets = NO_LABELS, NO_TARGETS
        # The kernel would be compiled anew for memory that cannot be written.
        if self._of_classes:
            if y.shape != (rows,) or y.dtype.kind not in "iu":
                return None
            usual = y.dtype == np.intp and y.flags.carray
            labels = y if usual else y.astype(np.intp)
        else:
            if y.shape != (rows, self._outputs) or y.dtype != np.float32:
                return None
            targets = y if y.flags.carray else y.copy()
        if rows not in self._work:
            self._work[rows] = self._new_work(rows)
        work, outputs = self._work[rows]
        X = X if X.flags.carray else np.array(X, order="C")
        loss, right = self._kernel(X, labels, targets, flat, gradients, self._table, work)
        if not 0 <= loss < inf:
            return None
        return loss, outputs, right if self._of_classes and self._outputs > 1 else None

    def _new_work(self, rows: int) -> tuple[Array, Array]:
        if len(self._work) == MOST_KEPT:
            self._work.clear()
        work = aligned((self._size(self._table, rows),))
        begin, columns = self._place(self._table, rows)
        outputs = work[begin : begin + rows * columns].reshape(rows, columns)
        return work, outputs[:, : self._outputs]
