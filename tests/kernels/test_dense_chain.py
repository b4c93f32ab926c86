"""The kernel of a whole training batch of dense layers beside NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests import needs
from tests.kernels.test_cache import finish, start

chain = needs.kernels("dense_chain")
padded_columns = needs.kernels("products").padded_columns

# The sizes of the layers, and the rows of a batch.
SIZES = [
    ((1, 1), 1), ((3, 2), 5), ((5, 7, 3), 4), ((20, 64, 64, 3), 32), ((30, 100, 2), 37),
    ((8, 16, 8), 8), ((9, 17, 33, 70), 13), ((130, 3, 129, 5), 2), ((4, 10, 3), 150),
]  # fmt: skip


class Case:
    """Drawn layers and a drawn batch; ``plain`` layers have no bias."""

    def __init__(self, sizes: Sequence[int], rows: int, plain: Sequence[int] = ()) -> None:
        rng = np.random.default_rng(sum(sizes) + rows)
        table, end = [], 0
        for layer, (inputs, units) in enumerate(pairwise(sizes)):
            bias = -1 if layer in plain else end + inputs * units
            # A last layer may end in relu as well.
            relu = layer < len(sizes) - 2 or rows == 13
            table.append((inputs, units, end, bias, relu))
            end += inputs * units + units * (layer not in plain)
        self.table = np.array(table, np.intp)
        self.flat = rng.standard_normal(end).astype("f") * np.float32(0.3)
        self.X = rng.standard_normal((rows, sizes[0])).astype("f")
        self.labels = rng.integers(0, sizes[-1], rows)
        self.targets = rng.standard_normal((rows, sizes[-1])).astype("f")
        self.gradients = np.full_like(self.flat, np.nan)
        self.work = np.full(chain.workspace_size(self.table, rows), np.nan, "f")

    def by_kernel(self, of_classes: bool) -> tuple[float, int, Any, Any]:
        labels = self.labels if of_classes else np.zeros(0, np.intp)
        targets = np.zeros((0, 0), "f") if of_classes else self.targets
        loss, right = chain.chain(
            self.X, labels, targets, self.flat, self.gradients, self.table, self.work
        )
        begin, columns = chain.outputs_place(self.table, len(self.X))
        outputs = self.work[begin:][: len(self.X) * columns].reshape(len(self.X), -1)
        return loss, right, outputs[:, : self.table[-1, 1]], self.gradients

    def by_numpy(self, of_classes: bool) -> tuple[float, int, Any, Any]:
        flat, results, rows = self.flat.astype(float), [self.X.astype(float)], len(self.X)
        for inputs, units, weight, bias, relu in self.table:
            Z = results[-1] @ flat[weight:][: inputs * units].reshape(inputs, units)
            Z = Z + (flat[bias:][:units] if bias >= 0 else 0)
            results.append(np.maximum(Z, 0) if relu else Z)
        Z, at = results[-1], (np.arange(rows), self.labels)
        if of_classes:
            powers = np.exp(Z - Z.max(axis=1, keepdims=True))
            P = powers / powers.sum(axis=1, keepdims=True)
            loss, right = -np.log(P[at]).mean(), int((Z.argmax(axis=1) == self.labels).sum())
            P[at] -= 1
            g = P / rows
        else:
            loss, right = np.square(Z - self.targets).mean(), 0
            g = 2 * (Z - self.targets) / Z.size
        gradients = np.zeros_like(flat)
        for layer in reversed(range(len(self.table))):
            inputs, units, weight, bias, relu = self.table[layer]
            g = g * (results[layer + 1] > 0) if relu else g
            gradients[weight:][: inputs * units] = (results[layer].T @ g).ravel()
            if bias >= 0:
                gradients[bias:][:units] = g.sum(axis=0)
            g = g @ flat[weight:][: inputs * units].reshape(inputs, units).T
        return float(loss), right, Z, gradients


@pytest.mark.parametrize("of_classes", [True, False], ids=["classes", "squares"])
@pytest.mark.parametrize("plain", [(), (0, 2)], ids=["bias", "none"])
@pytest.mark.parametrize(("sizes", "rows"), SIZES, ids=str)
def test_it_equals_numpy(
    sizes: tuple[int, ...], rows: int, plain: tuple[int, ...], of_classes: bool
) -> None:
    case = Case(sizes, rows, plain)
    found, expected = case.by_kernel(of_classes), case.by_numpy(of_classes)
    assert found[1] == expected[1]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)


def test_what_was_in_the_memory_does_not_matter() -> None:
    case = Case((9, 17, 33, 70), 13, (1,))
    first = [np.copy(one) for one in case.by_kernel(of_classes=True)]
    for value in (np.nan, np.inf, -1e38):
        case.work[:] = value
        for one, other in zip(first, case.by_kernel(of_classes=True), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("of_classes", [True, False], ids=["classes", "squares"])
def test_the_padding_of_gradients_is_zero(of_classes: bool) -> None:
    # Products of subnormal numbers take five times as long as those of zeros.
    case = Case((30, 100, 2), 37)
    case.work[:] = 1e-40
    case.by_kernel(of_classes)
    begin, narrow = chain.outputs_place(case.table, 37)
    wide = padded_columns(100)
    gradients = case.work[begin + 37 * narrow :]
    assert narrow > 2
    assert np.all(gradients[: 37 * narrow].reshape(37, narrow)[:, 2:] == 0)
    assert wide > 100
    assert np.all(gradients[37 * wide : 2 * 37 * wide].reshape(37, wide)[:, 100:] == 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("of_classes", [True, False], ids=["classes", "squares"])
def test_a_loss_that_is_not_finite_leaves_the_gradients(value: float, of_classes: bool) -> None:
    case = Case((3, 2), 5)
    case.X[3, 1] = value
    case.gradients[:] = 7
    assert not np.isfinite(case.by_kernel(of_classes)[0])
    assert np.all(case.gradients == 7)


@pytest.mark.parametrize("label", [-1, 3, 2**62])
def test_a_label_that_is_no_class(label: int) -> None:
    case = Case((5, 7, 3), 4)
    case.labels[2], case.gradients[:] = label, 7
    assert case.by_kernel(of_classes=True)[0] == -1
    assert np.all(case.gradients == 7)


def test_relu_lets_nan_pass_as_numpy_does() -> None:
    case = Case((5, 7, 3), 4)
    case.flat[:] = np.abs(case.flat)
    case.flat[5 * 7 + 2] = -np.inf  # a bias: relu makes 0 of it
    found, expected = case.by_kernel(of_classes=True), case.by_numpy(of_classes=True)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
    np.testing.assert_allclose(found[3], expected[3], rtol=1e-4, atol=1e-6)


def test_the_first_of_equal_scores_is_the_largest() -> None:
    case = Case((3, 4), 5)
    case.flat[:] = 0
    case.labels[:] = [0, 1, 0, 3, 2]
    assert case.by_kernel(of_classes=True)[1] == 2


PLAIN = """
import numpy as np
from tests.kernels.test_dense_chain import Case
for sizes, rows in (((5, 7, 3), 4), ((9, 17, 10), 13)):
    for of_classes in (True, False):
        case = Case(sizes, rows, (1,))
        for found, expected in zip(case.by_kernel(of_classes), case.by_numpy(of_classes)):
            np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)
"""


def test_the_body_computes_the_same() -> None:
    finish(start(PLAIN, NUMBA_DISABLE_JIT="1"))
