"""Linear algebra: solutions, inverses, determinants, decompositions, norms, convolution in 1-D.

Matrices are the last two axes; leading axes are a batch. An op returns one array, so a
decomposition returns its parts in one, and ``autograd/rules/linalg.py`` takes them apart.

Sources of the gradients: Giles, "An extended collection of matrix derivative results", 2008;
Murray, "Differentiation of the Cholesky decomposition", 2016; Townsend, "Differentiating the
singular value decomposition", 2016; Golub and Pereyra, "The differentiation of
pseudo-inverses", 1973.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.errors import GradientError, sentence
from neural_network.functional.elementwise import sum_to, widened
from neural_network.functional.op import Call, Normal, call, gradient, op, sample_calls, samples
from neural_network.functional.reductions import spread
from neural_network.lifting import array_under

# NumPy's stubs differ between releases.
_np: Any = np


def well_conditioned(rng: np.random.Generator, *shape: int) -> Array:
    """Return matrices whose singular values differ, and are far from 0: for samples."""
    matrices: Array = rng.standard_normal(shape) + 3 * np.diag(np.arange(1.0, shape[-1] + 1))
    return matrices


# --- solutions and inverses -----------------------------------------------------------


@op
def solve(a: Any, b: Any) -> Array:
    """Return x with ``a @ x = b``; b is a vector or a batch of matrices."""
    return np.asarray(np.linalg.solve(a, b))


def _columns(x: Any, b_shape: tuple[int, ...]) -> Any:
    """Return a vector as a matrix of one column."""
    return x[..., None] if len(b_shape) == 1 else x


@gradient(solve, "a")
def _(g: Any, a: Any, out: Any, b_shape: Any) -> Any:
    back = np.linalg.solve(a.mT, _columns(g, b_shape))
    return sum_to(-back @ _columns(out, b_shape).mT, a.shape)


@gradient(solve, "b")
def _(g: Any, a: Any, b_shape: Any) -> Any:
    back = np.linalg.solve(a.mT, _columns(g, b_shape))
    return sum_to(back[..., 0] if len(b_shape) == 1 else back, b_shape)


@samples(solve)
def _(rng: np.random.Generator) -> Iterator[Call]:
    for a, b in [((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3, 1)), ((3, 3), (2, 3, 2))]:
        yield call(well_conditioned(rng, *a), rng.standard_normal(b))
    yield call(well_conditioned(rng, 2, 3, 3), rng.standard_normal(3))


@op
def inv(a: Any) -> Array:
    """Return the inverse."""
    return np.asarray(np.linalg.inv(a))


@gradient(inv, "a")
def _(g: Any, out: Any) -> Any:
    return -(out.mT @ g @ out.mT)


@samples(inv)
def _(rng: np.random.Generator) -> Iterator[Call]:
    yield call(well_conditioned(rng, 3, 3))
    yield call(well_conditioned(rng, 2, 2, 2))


@op
def pinv(a: Any, rcond: Any = None) -> Array:
    """Return the pseudo-inverse; singular values up to ``rcond`` times the largest count as 0.

    Where the rank is not full it changes nearby, so there is no gradient.
    """
    return np.asarray(np.linalg.pinv(a, rcond))


@gradient(pinv, "a")
def _(g: Any, a: Any, out: Any) -> Any:
    full = min(a.shape[-2:])
    projections = array_under(a) @ array_under(out)
    ranks = np.rint(np.trace(projections, axis1=-2, axis2=-1))
    if np.any(ranks < full):
        expected = f"matrices of rank {full} for a gradient"
        raise GradientError(sentence("pinv", "a", expected, f"rank {int(np.min(ranks))}"))
    # a @ out is the identity for a wide matrix, out @ a for a high one.
    square = g.mT @ out @ out.mT
    back = -(out.mT @ g @ out.mT) + square - a @ (out @ square)
    square = out.mT @ out @ g.mT
    return back + square - (square @ out) @ a


@samples(pinv)
def _(rng: np.random.Generator) -> Iterator[Call]:
    for shape in [(3, 2), (2, 3), (2, 3, 3)]:
        yield call(rng.standard_normal(shape) + 2 * _np.eye(*shape[-2:]))


# --- determinants -----------------------------------------------------------------------


@op
def det(a: Any) -> Array:
    """Return the determinant."""
    return np.asarray(np.linalg.det(a))


@gradient(det, "a")
def _(g: Any, a: Any) -> Any:
    return g[..., None, None] * cofactors(a)


@op
def cofactors(a: Any) -> Array:
    """Return ``det(a) · a⁻ᵀ``, by singular values, so that a singular matrix has them, too."""
    left, values, right = np.linalg.svd(a)
    others = ~np.eye(values.shape[-1], dtype=bool)
    products = np.prod(np.where(others, values[..., None, :], 1), axis=-1)
    return np.asarray(_orientation(left, right) * (left * products[..., None, :]) @ right)


def _orientation(left: Any, right: Any) -> Any:
    """Return the product of the determinants of two orthogonal matrices, 1 or −1."""
    left, right = array_under(left), array_under(right)
    return np.sign(np.linalg.det(left) * np.linalg.det(right))[..., None, None]


@gradient(cofactors, "a")
def _(g: Any, a: Any) -> Any:
    left, values, right = np.linalg.svd(a)
    size = values.shape[-1]
    same = np.eye(size, dtype=bool)
    # For each two singular values the product of all others.
    taken = same[:, None, :] | same[None, :, :]
    products = np.prod(np.where(taken, 1, values[..., None, None, :]), axis=-1)
    products = np.where(same, 0, products)
    inner = left.mT @ g @ right.mT
    own = products @ np.diagonal(inner, axis1=-2, axis2=-1)[..., None]
    middle = np.where(same, own, -products * inner.mT)
    return _orientation(left, right) * (left @ middle @ right)


@op
def logabsdet(a: Any) -> Array:
    """Return the logarithm of the determinant's absolute value; −∞ for a singular matrix."""
    return np.asarray(np.linalg.slogdet(a)[1])


@gradient(logabsdet, "a")
def _(g: Any, a: Any, out: Any) -> Any:
    if np.any(np.isneginf(array_under(out))):
        expected = "matrices that have an inverse for a gradient"
        raise GradientError(sentence("slogdet", "a", expected, "a singular one"))
    return g[..., None, None] * np.linalg.inv(a).mT


for _function in (det, cofactors, logabsdet):
    sample_calls(_function, call(Normal((3, 3))), call(Normal((2, 2, 2))))


# --- decompositions ---------------------------------------------------------------------


def _lower(like: Any) -> Array:
    """Return 1 below the diagonal and ½ on it, as a matrix of this size and type.

    Times the gradient for a symmetric matrix plus its transpose, it is that for the lower
    triangle, which is all that ``cholesky`` and ``eigh`` read.
    """
    size = like.shape[-1]
    lower: Array = np.tri(size, dtype=like.dtype) - np.eye(size, dtype=like.dtype) / 2
    return lower


@op
def cholesky(a: Any) -> Array:
    """Return lower L with ``L @ L.mT = a``; a is symmetric, and its lower triangle is read."""
    return np.asarray(np.linalg.cholesky(a))


@gradient(cholesky, "a")
def _(g: Any, out: Any) -> Any:
    lower = _lower(out)
    half = np.linalg.solve(out.mT, (out.mT @ g) * lower)
    whole = np.linalg.solve(out.mT, half.mT)
    return (whole + whole.mT) * lower


@samples(cholesky)
def _(rng: np.random.Generator) -> Iterator[Call]:
    for shape in [(3, 3), (2, 2, 2)]:
        half = rng.standard_normal(shape)
        yield call(half @ half.mT + np.eye(shape[-1]))


@op
def eigh(a: Any, UPLO: str = "L") -> Array:
    """Return (…, 1 + n, n): eigenvalues, then eigenvectors as columns.

    The matrix is symmetric, and one of its triangles is read, the upper one for "U".
    """
    values, vectors = _np.linalg.eigh(a, UPLO)
    return np.concatenate([values[..., None, :], vectors], axis=-2)


@gradient(eigh, "a")
def _(g: Any, out: Any, UPLO: str) -> Any:
    values, vectors = out[..., 0, :], out[..., 1:, :]
    inner = vectors.mT @ g[..., 1:, :]
    gaps = values[..., None, :] - values[..., :, None]
    same = _repeated(values)
    _check_distinct("eigh", "eigenvectors of a repeated eigenvalue", same, g[..., 1:, :])
    middle = inner * _inverse(gaps, same) + _diagonal(g[..., 0, :])
    whole = vectors @ middle @ vectors.mT
    return (whole + whole.mT) * (_lower(out) if UPLO == "L" else _lower(out).T)


sample_calls(eigh, call(Normal((3, 3))), call(Normal((2, 2, 2)), "U"))


def _diagonal(values: Any) -> Any:
    """Return matrices with these numbers on the diagonal."""
    return values[..., None, :] * np.eye(values.shape[-1], dtype=values.dtype)


def _inverse(numbers: Any, zero: Any) -> Any:
    """Return 1 over the numbers, and 0 where they count as 0."""
    return np.where(zero, 0, 1 / np.where(zero, 1, numbers))


def _negligible(numbers: Array, like: Array, axis: Any) -> Array:
    """Return which numbers are rounding errors beside the largest of ``like`` along axes."""
    unit = 10 * max(like.shape[-1], 1) * np.finfo(like.dtype).eps
    small: Array = np.abs(numbers) <= unit * np.max(np.abs(like), axis, keepdims=True, initial=0)
    return small


def _repeated(values: Any) -> Array:
    """Return which two of some values are the same number but for rounding."""
    values = array_under(values)
    gaps = values[..., None, :] - values[..., :, None]
    return _negligible(gaps, values[..., None, :], -1)


def _check_distinct(name: str, what: str, same: Array, g: Any) -> None:
    """Raise where the gradient is that for vectors (columns) of a value that is repeated.

    They are any basis of their space, so that they jump when the matrix changes.
    """
    plain = array_under(g)
    repeated = np.sum(same, axis=-2, keepdims=True) > 1
    if np.any(repeated & ~_negligible(plain, plain, (-2, -1))):
        expected = "distinct values for the gradient of what is computed from vectors"
        raise GradientError(sentence(name, "a", expected, what))


@op
def svd(a: Any, full_matrices: bool = True) -> Array:
    """Return left vectors, singular values and right vectors, each flat, along one axis.

    ``svd_parts`` takes them apart.
    """
    parts = np.linalg.svd(a, full_matrices=full_matrices)
    lead = parts[1].shape[:-1]
    sizes = [int(np.prod(part.shape[len(lead) :])) for part in parts]
    flat = [part.reshape(*lead, n) for part, n in zip(parts, sizes, strict=True)]
    return np.concatenate(flat, axis=-1)


def svd_parts(packed: Any, shape: tuple[int, ...], full_matrices: bool) -> tuple[Any, Any, Any]:
    """Return left vectors as columns, singular values, and right vectors as rows."""
    *lead, rows, columns = shape
    count = min(rows, columns)
    left, right = (rows, columns) if full_matrices else (count, count)
    middle = rows * left + count
    return (
        packed[..., : rows * left].reshape((*lead, rows, left)),
        packed[..., rows * left : middle],
        packed[..., middle:].reshape((*lead, right, columns)),
    )


@gradient(svd, "a")
def _(g: Any, out: Any, a_shape: Any, full_matrices: bool) -> Any:
    rows, columns = a_shape[-2:]
    count = min(rows, columns)
    left, values, right = svd_parts(out, a_shape, full_matrices)
    g_left, g_values, g_right = svd_parts(g, a_shape, full_matrices)
    extra = array_under(g_left)[..., count:], array_under(g_right)[..., count:, :]
    if any(np.any(part) for part in extra):
        expected = "full_matrices=False for the gradient of what is computed from vectors"
        raise GradientError(sentence("svd", "full_matrices", expected, "True"))
    left, g_left = left[..., :count], g_left[..., :count]
    right, g_right = right[..., :count, :].mT, g_right[..., :count, :].mT
    of_left, of_right = left.mT @ g_left, right.mT @ g_right
    same = _repeated(values)
    for part in (g_left, g_right):
        _check_distinct("svd", "vectors of a repeated singular value", same, part)
    across, down = values[..., None, :], values[..., :, None]
    factors = _inverse((across - down) * (across + down), same)
    middle = (
        factors * (of_left - of_left.mT) * across
        + down * factors * (of_right - of_right.mT)
        # As for |x|, the slope of a singular value at 0 is 0.
        + _diagonal(g_values * np.sign(values))
    )
    back = left @ middle @ right.mT
    if rows > columns:
        back = back + (g_left - left @ of_left) * _inverse_values(values, g_left) @ right.mT
    if columns > rows:
        back = back + left @ ((g_right - right @ of_right) * _inverse_values(values, g_right)).mT
    return back


def _inverse_values(values: Any, g: Any) -> Any:
    """Return 1 over singular values as a row; vectors of the value 0 have no gradient."""
    plain = array_under(values)
    zero = _negligible(plain, plain, -1)[..., None, :]
    if np.any(zero & (array_under(g) != 0)):
        expected = "a matrix of full rank for the gradient of what is computed from vectors"
        raise GradientError(sentence("svd", "a", expected, "a singular value of 0"))
    return _inverse(values[..., None, :], zero)


@samples(svd)
def _(rng: np.random.Generator) -> Iterator[Call]:
    yield call(well_conditioned(rng, 3, 3))
    for shape in [(3, 2), (2, 4), (2, 3, 3)]:
        yield call(rng.standard_normal(shape) + 2 * _np.eye(*shape[-2:]), full_matrices=False)


# --- norms ------------------------------------------------------------------------------


@op
def norm(X: Any, ord: float = 2, axis: Any = None, keepdims: bool = False) -> Array:
    """Return ``(Σ |X|ᵖ)^(1/p)`` of the numbers along axes, for p = ``ord``; its slope at 0 is 0."""
    return np.asarray(_np.linalg.vector_norm(X, axis=axis, keepdims=keepdims, ord=ord))


@gradient(norm, "X")
def _(g: Any, X: Any, out: Any, ord: float, axis: Any, keepdims: bool) -> Any:
    g, out = (spread(part, X.shape, axis, keepdims) for part in (widened(g), out))
    if ord == 0:  # the count of what is not 0
        return 0 * g
    if ord == 1:
        return g * np.sign(X)
    size = np.abs(X)
    if np.isinf(ord):
        chosen = np.equal(size, out)
        counts = np.sum(chosen, axis=axis, keepdims=True, dtype=g.dtype)
        return g * np.sign(X) * (chosen / counts)
    zero = np.equal(out, 0) if ord == 2 else np.equal(out, 0) | np.equal(X, 0)
    safe = np.where(zero, 1, out)
    if ord == 2:
        return g * np.where(zero, 0, X / safe)
    ratios = np.where(zero, 1, size) / safe
    return g * np.where(zero, 0, np.sign(X) * ratios ** (ord - 1))


sample_calls(
    norm,
    *[call(Normal((3, 4)), ord) for ord in (2, 1, 3, 0.5, -1, np.inf, -np.inf)],
    call(Normal((2, 3, 4)), 2, (0, 2), True),
    call(Normal((2, 3)), 2.5, -1),
    call(Normal((2, 3)), 0, 0),
)


# --- convolution of vectors ---------------------------------------------------------------


@op
def convolve(a: Any, v: Any) -> Array:
    """Return ``out[k] = Σ_i a[i] · v[k − i]``, of size n + m − 1."""
    return np.convolve(a, v)


@op
def correlate(a: Any, v: Any) -> Array:
    """Return ``out[i] = Σ_k a[i + k] · v[k]``, of size n − m + 1; ``a`` is not shorter."""
    return np.correlate(a, v)


gradient(convolve, "a")(lambda g, v: correlate(g, v))  # its parameters count
gradient(convolve, "v")(lambda g, a: correlate(g, a))
gradient(correlate, "a")(lambda g, v: convolve(g, v))
gradient(correlate, "v")(lambda g, a: correlate(a, g))

sample_calls(convolve, call(Normal(5), Normal(3)), call(Normal(2), Normal(4)))
sample_calls(correlate, call(Normal(5), Normal(3)), call(Normal(4), Normal(4)))
