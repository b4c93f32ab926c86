"""Reductions, linear maps and shaping on drawn shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.agreement import agree
from neural_network import functional
from neural_network.functional import shaping


def drawn(seed: int, *, least: int = 1, most: int = 4) -> tuple[np.random.Generator, Any]:
    """A generator, and an array of 1 to 4 axes."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(least, 6, rng.integers(1, most + 1)))
    return rng, rng.standard_normal(shape)


def axes_of(rng: np.random.Generator, X: Any) -> Any:
    """None, an axis, or several, counted from either end."""
    chosen = [int(a) for a in np.flatnonzero(rng.random(X.ndim) < 0.5)]
    signed = [a - X.ndim if rng.random() < 0.5 else a for a in chosen]
    if not signed:
        return None
    return signed[0] if len(signed) == 1 else tuple(signed)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "logsumexp"])
def test_reductions(name: str, seed: int) -> None:
    rng, X = drawn(seed)
    agree(getattr(functional, name), X, axis=axes_of(rng, X), keepdims=bool(seed % 2))


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("seed", range(12))
def test_var(seed: int, ddof: int) -> None:
    rng, X = drawn(seed, least=2)
    X = X + 10 * rng.standard_normal()  # away from 0, where squares minus a square lose digits
    agree(functional.var, X, axis=axes_of(rng, X), keepdims=bool(seed % 2), ddof=ddof)


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_equal_extremes_share_the_gradient(name: str, axis: Any) -> None:
    X = np.random.default_rng(1).integers(0, 3, (4, 5)).astype(float)
    agree(getattr(functional, name), X, axis=axis, order=1)


def test_logsumexp_of_large_numbers() -> None:
    agree(functional.logsumexp, np.array([[1000.0, 999.5, -1000.0], [-500.0, -501.0, 3.0]]), axis=1)


def test_normalize() -> None:
    rng = np.random.default_rng(3)
    for shape in [(4,), (6, 1), (7, 3), (2, 5)]:
        agree(functional.normalize, 5 + 3 * rng.standard_normal(shape))


@pytest.mark.parametrize("seed", range(16))
def test_matmul(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, n, p = (int(k) for k in rng.integers(1, 6, 3))
    stack = [int(k) for k in rng.integers(1, 4, rng.integers(0, 3))]
    left, right = ([k if rng.random() < 0.6 else 1 for k in stack] for _ in range(2))
    a = (n,) if rng.random() < 0.25 else (*left, m, n)
    b = (n,) if rng.random() < 0.25 else (*right[int(rng.random() < 0.3) :], n, p)
    agree(functional.matmul, rng.standard_normal(a), rng.standard_normal(b))


def test_matrix_multiply() -> None:
    rng = np.random.default_rng(4)
    for m, n, p in [(1, 1, 1), (2, 5, 3), (7, 2, 1)]:
        agree(functional.matrix_multiply, rng.normal(size=(m, n)), rng.normal(size=(n, p)))


LETTERS = [
    "i->", "ij->ji", "ijk->ki", "ij,ij->", "ij,ij->ij", "i,j->ij", "bij,bjk->bik", "ij,kj,k->i",
    "nhqd,nhkd->nhqk", "abc,cd,db->a", "ij,k->i", "ab,bc,cd,de->ae",
]  # fmt: skip


@pytest.mark.parametrize("subscripts", LETTERS)
def test_einsum(subscripts: str) -> None:
    rng = np.random.default_rng(5)
    sizes = {letter: int(rng.integers(1, 5)) for letter in sorted(set(subscripts) - set(",->"))}
    inputs = subscripts.partition("->")[0].split(",")
    operands = [rng.standard_normal([sizes[letter] for letter in part]) for part in inputs]
    agree(functional.einsum, subscripts, *operands)


@pytest.mark.parametrize("seed", range(8))
def test_shaping(seed: int) -> None:
    rng, X = drawn(seed)
    agree(functional.transpose, X, tuple(int(a) for a in rng.permutation(X.ndim)))
    agree(functional.reshape, X, (-1, X.shape[-1]))
    agree(functional.broadcast_to, X, (2, *X.shape))
    agree(functional.pad, X, [tuple(int(n) for n in rng.integers(0, 3, 2)) for _ in X.shape])
    axis = int(rng.integers(-X.ndim, X.ndim))
    agree(functional.concatenate, [X, 2 * X, np.flip(X, axis).copy()], axis=axis)
    agree(functional.stack, [X, X[::-1].copy()], axis=axis)
    agree(functional.split, X, [1, max(1, X.shape[axis] - 1)], axis=axis)
    agree(functional.split, X, X.shape[axis], axis=axis)


@pytest.mark.parametrize("seed", range(8))
def test_indexing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((4, 3, 5))
    rows = rng.integers(-4, 4, 6)
    for key in [
        rows,
        (rows, rng.integers(0, 3, 6)),
        (slice(None), rng.integers(0, 3, (2, 2))),
        (slice(3, None, -2), ..., rng.integers(0, 5)),
        rng.random((4, 3, 5)) < 0.3,
        (None, 1, slice(None, None, 2)),
    ]:
        agree(shaping.index, X, key)
        agree(shaping.unindex, rng.standard_normal(X[key].shape), key, X.shape)
