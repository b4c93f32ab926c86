"""The kernels of dense layers beside NumPy, for sizes on both sides of every block."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests import needs
from tests.kernels.test_cache import finish, start
from tests.threads import on_one_and_two_threads

dense = needs.kernels("dense")

# Rows, inputs and units.
SIZES = [
    (1, 1, 1), (2, 3, 10), (5, 70, 33), (7, 8, 8), (13, 65, 64), (64, 200, 72), (65, 97, 136),
    (3, 513, 520), (258, 67, 18), (513, 20, 129), (0, 9, 17),
    (257, 64, 64), (1021, 33, 60), (300, 64, 200), (256, 130, 7),
]  # fmt: skip


def gradients(sizes: tuple[int, int, int], relu: bool, *, with_input: bool) -> tuple[Any, Any]:
    """Return the result and the three gradients by the kernels, and by NumPy in float64."""
    rows, inputs, units = sizes
    rng = np.random.default_rng(rows + inputs + units)

    def drawn(*shape: int) -> Any:
        return rng.standard_normal(shape).astype(np.float32)

    X, W, b, G = drawn(rows, inputs), drawn(inputs, units), drawn(units), drawn(rows, units)
    columns = -(-units // 8) * 8
    padded = np.pad(W, ((0, 0), (0, columns - units)))
    out, dW, db = np.full_like(G, np.nan), np.full_like(W, np.nan), np.full_like(b, np.nan)
    dX = np.full_like(X, np.nan) if with_input else np.empty((0, inputs), np.float32)
    dense.affine(X, padded, b, out, relu)
    masked = np.full((rows, columns), np.nan, np.float32)
    dense.affine_backward(X, W, G, out, masked, dW, db, dX, relu)
    Z = X.astype(float) @ W + b
    M = np.where(Z > 0, G, 0) if relu else G.astype(float)
    expected = [np.maximum(Z, 0) if relu else Z, X.T @ M, M.sum(axis=0)]
    found = [out, dW, db, dX]
    return found, [*expected, M @ W.T.astype(float) if with_input else dX]


@pytest.mark.parametrize("with_input", [True, False], ids=["input too", "parameters"])
@pytest.mark.parametrize("relu", [True, False], ids=["relu", "linear"])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_they_equal_numpy(sizes: tuple[int, int, int], relu: bool, with_input: bool) -> None:
    for found, expected in zip(*gradients(sizes, relu, with_input=with_input), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("sizes", [(65, 97, 136), (258, 67, 18), (513, 20, 30)], ids=str)
def test_they_have_the_same_bits_on_any_number_of_threads(sizes: tuple[int, int, int]) -> None:
    found = on_one_and_two_threads(lambda: gradients(sizes, True, with_input=True)[0])
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)


PLAIN = """
import numpy as np
from tests.kernels.test_dense_kernels import gradients
for sizes in ((2, 3, 10), (3, 17, 24), (2, 5, 70)):
    for found, expected in zip(*gradients(sizes, True, with_input=True)):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-4)
"""


def test_their_bodies_compute_the_same() -> None:
    finish(start(PLAIN, NUMBA_DISABLE_JIT="1"))
