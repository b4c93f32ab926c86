"""A training batch of a chain of dense layers: loss and all gradients by one call, on one thread.

A step of a small network is mostly calls of Python. Larger networks are computed by the kernels of
each layer (``dense.py``), on several threads.

Rows of results and gradients are padded with zeros to whole vectors. The products compute with the
padding as well: subnormal numbers, as new memory may contain, would take five times as long.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.copies import turn
from neural_network.kernels.products import PADDED_TO, padded_columns, products
from neural_network.kernels.runtime.compiler import part, serial_kernel

# The columns of the table of layers; a place of −1 is that of no bias.
INPUTS, UNITS, WEIGHT, BIAS, RELU = range(5)


def workspace_size(table: Any, rows: int) -> int:
    """Return how many numbers ``chain`` computes in, for so many rows."""
    units = table[:, UNITS].tolist()
    columns = [padded_columns(count) for count in units]
    # A padded weight, its gradient, or the transposed weight.
    largest = max(
        max(inputs * padded_columns(count), count * padded_columns(inputs))
        for inputs, count in zip(table[:, INPUTS].tolist(), units, strict=True)
    )
    return int(rows * (sum(columns) + 2 * max(columns)) + largest)


def outputs_place(table: Any, rows: int) -> tuple[int, int]:
    """Return where ``chain`` leaves the outputs, and the length of one of their rows."""
    *before, columns = [padded_columns(count) for count in table[:, UNITS].tolist()]
    return rows * sum(before), columns


@serial_kernel
def chain(
    X: Any, labels: Any, targets: Any, flat: Any, gradients: Any, table: Any, work: Any
) -> Any:
    """Compute the mean loss of a batch, and fill the gradients if it is finite.

    Args:
        X: (N, inputs), contiguous, N above 0.
        labels: (N,) classes, of type intp, for the cross-entropy of the outputs; or empty.
        targets: then (N, outputs) for the squared error, contiguous; or empty.
        flat: all parameters.
        gradients: of the same layout, to be filled.
        table: (layers, 5), of type intp: inputs, units, the places of the weight and of the bias
            in ``flat``, and whether relu follows.
        work: at least ``workspace_size`` numbers; the outputs are left at ``outputs_place``.

    Returns:
        The loss, −1 if a label is no class; and how many rows have their largest score at the
        label.
    """
    count, x = X.shape[0], X.reshape(-1)
    end, wide = 0, 0
    for layer in range(table.shape[0]):
        columns = _padded(table[layer, UNITS])
        end, wide = end + count * columns, max(wide, columns)
    scratch = end + 2 * count * wide
    at = _forward(count, x, flat, table, work, scratch)
    units, right = table[-1, UNITS], 0
    if labels.shape[0] > 0:
        loss, right = _cross_entropy(labels, count, units, work, at, end)
    else:
        loss = _squares(targets.reshape(-1), count, units, work, at, end)
    if 0 <= loss < np.inf:
        _backward(count, x, flat, gradients, table, work, at, end, end + count * wide, scratch)
    return loss, right


@serial_kernel
def chain_outputs(X: Any, flat: Any, table: Any, work: Any, out: Any) -> None:
    """Fill ``out``, (N, outputs) as one axis, with the results of the last layer.

    Args:
        X, flat, table, work: as of ``chain``.
        out: to be filled.
    """
    count, units, end = X.shape[0], table[-1, UNITS], 0
    for layer in range(table.shape[0]):
        end += count * _padded(table[layer, UNITS])
    at = _forward(count, X.reshape(-1), flat, table, work, end)
    _narrow(work, at, count, _padded(units), out, 0, units)


@part
def _forward(count: int, x: Any, flat: Any, table: Any, work: Any, scratch: int) -> int:
    """Compute the results of all layers, one after the other; return where the last begins."""
    at, before = 0, 0
    for layer in range(table.shape[0]):
        inputs, units = table[layer, INPUTS], table[layer, UNITS]
        columns, weights, place = _padded(units), flat, table[layer, WEIGHT]
        if columns != units:
            _pad(flat, place, inputs, units, work, scratch)
            weights, place = work, scratch
        _fill(flat, table[layer, BIAS], units, count, work, at)
        if layer == 0:
            products(count, columns, x, 0, inputs, 1, 1, 0, inputs,
                     weights, place, columns, 0, work, at, columns, True)  # fmt: skip
        else:
            products(count, columns, work, before, _padded(inputs), 1, 1, 0, inputs,
                     weights, place, columns, 0, work, at, columns, True)  # fmt: skip
        if table[layer, RELU]:
            _relu(work[at : at + count * columns])
        before, at = at, at + count * columns
    return before


@part
def _backward(
    count: int, x: Any, flat: Any, gradients: Any, table: Any, work: Any,
    at: int, grad: int, other: int, scratch: int,
) -> None:  # fmt: skip
    """Fill the gradients, from the last layer to the first.

    Args:
        count: of rows.
        x: the input.
        flat, gradients, table, work: as of ``chain``.
        at: where the result of the last layer is in ``work``.
        grad, other: where its gradient is, and memory for that of the layer before.
        scratch: memory for one padded weight.
    """
    for back in range(table.shape[0]):
        layer = table.shape[0] - 1 - back
        inputs, units = table[layer, INPUTS], table[layer, UNITS]
        columns, before = _padded(units), _padded(inputs)
        if table[layer, RELU]:
            size = count * columns
            _mask(work[grad : grad + size], work[at : at + size])
        bias = table[layer, BIAS]
        if bias >= 0:
            _sum_rows(work, grad, count, columns, gradients[bias : bias + units])
        result, place = gradients, table[layer, WEIGHT]
        if columns != units:
            result, place = work, scratch
        at -= count * before
        if layer == 0:
            products(inputs, columns, x, 0, 1, inputs, 1, 0, count,
                     work, grad, columns, 0, result, place, columns, False)  # fmt: skip
        else:
            products(inputs, columns, work, at, 1, before, 1, 0, count,
                     work, grad, columns, 0, result, place, columns, False)  # fmt: skip
        if columns != units:
            _narrow(work, scratch, inputs, columns, gradients, table[layer, WEIGHT], units)
        if layer > 0:
            turn(flat, table[layer, WEIGHT], units, inputs, units, work, scratch, before)
            products(count, before, work, grad, columns, 1, 1, 0, units,
                     work, scratch, before, 0, work, other, before, False)  # fmt: skip
            grad, other = other, grad


@part
def _padded(columns: int) -> int:
    return -(-columns // PADDED_TO) * PADDED_TO


@part
def _pad(source: Any, at: int, rows: int, columns: int, target: Any, to: int) -> None:
    """Copy a matrix, with zeros behind each row up to whole vectors."""
    wide = _padded(columns)
    for i in range(rows):
        row = source[at + i * columns : at + (i + 1) * columns]
        out = target[to + i * wide : to + (i + 1) * wide]
        for c in range(columns):
            out[c] = row[c]
        for c in range(columns, wide):
            out[c] = np.float32(0)


@part
def _narrow(source: Any, at: int, rows: int, wide: int, target: Any, to: int, columns: int) -> None:
    """Copy a matrix without what ``_pad`` adds."""
    for i in range(rows):
        row = source[at + i * wide : at + (i + 1) * wide]
        out = target[to + i * columns : to + (i + 1) * columns]
        for c in range(columns):
            out[c] = row[c]


@part
def _fill(flat: Any, bias: int, units: int, rows: int, target: Any, to: int) -> None:
    """Fill each row with the bias, and zeros behind it; with zeros alone where there is none."""
    wide, first = _padded(units), max(bias, 0)
    numbers, kept = flat[first : first + units], units if bias >= 0 else 0
    for i in range(rows):
        out = target[to + i * wide : to + (i + 1) * wide]
        for c in range(kept):
            out[c] = numbers[c]
        for c in range(kept, wide):
            out[c] = np.float32(0)


@part
def _relu(numbers: Any) -> None:
    for i in range(numbers.shape[0]):
        numbers[i] = np.float32(0) if numbers[i] < 0 else numbers[i]


@part
def _mask(grad: Any, out: Any) -> None:
    """Set a gradient to 0 where relu has not passed."""
    for i in range(grad.shape[0]):
        grad[i] = grad[i] if out[i] > 0 else np.float32(0)


@part
def _sum_rows(source: Any, at: int, rows: int, wide: int, total: Any) -> None:
    """Add up the rows of a matrix, of each the first numbers."""
    for c in range(total.shape[0]):
        total[c] = np.float32(0)
    for i in range(rows):
        row = source[at + i * wide : at + (i + 1) * wide]
        for c in range(total.shape[0]):
            total[c] += row[c]


@part
def _cross_entropy(labels: Any, rows: int, classes: int, work: Any, at: int, grad: int) -> Any:
    """Return the mean cross-entropy of scores and how many are right; fill their gradient."""
    wide = _padded(classes)
    total, right = 0.0, 0
    share = np.float32(1) / np.float32(rows)
    for i in range(rows):
        label = labels[i]
        if label < 0 or label >= classes:
            return -1.0, 0
        scores = work[at + i * wide : at + (i + 1) * wide]
        slopes = work[grad + i * wide : grad + (i + 1) * wide]
        highest, first = scores[0], 0
        for c in range(1, classes):
            if scores[c] > highest:
                highest, first = scores[c], c
        right += first == label
        exponentials = np.float32(0)
        for c in range(classes):
            power = np.exp(scores[c] - highest)
            slopes[c] = power
            exponentials += power
        total += np.log(exponentials) - (scores[label] - highest)
        factor = share / exponentials
        for c in range(classes):
            slopes[c] *= factor
        slopes[label] -= share
        slopes[classes:] = np.float32(0)
    return total / rows, right


@part
def _squares(targets: Any, rows: int, outputs: int, work: Any, at: int, grad: int) -> Any:
    """Return the mean squared error of outputs; fill their gradient."""
    wide = _padded(outputs)
    total = 0.0
    share = np.float32(2) / np.float32(rows * outputs)
    for i in range(rows):
        out = work[at + i * wide : at + (i + 1) * wide]
        slopes = work[grad + i * wide : grad + (i + 1) * wide]
        for c in range(outputs):
            difference = out[c] - targets[i * outputs + c]
            total += difference * difference
            slopes[c] = share * difference
        slopes[outputs:] = np.float32(0)
    return total / (rows * outputs)
