"""Linear maps: matrix products and sums of products over named axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_floating, check_ndim, rounded
from neural_network.errors import ArgumentError, ShapeError, brief, sentence
from neural_network.functional.elementwise import sum_to
from neural_network.functional.op import Normal, call, gradient, op, sample_calls
from neural_network.public import public


@public
@op
def matrix_multiply(X: ArrayLike, W: ArrayLike) -> Array:
    """Matrix product: ``out[i, j] = Σ_k X[i, k] · W[k, j]``.

    Args:
        X: (m, n).
        W: (n, p).

    Returns:
        (m, p), in the widest floating type of the two (float64 for integers).

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: an argument is not a matrix, or the inner sizes differ.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 2.2.

    >>> matrix_multiply([[1, 2], [3, 4]], [[1, 0], [0, 10]])
    array([[ 1., 20.],
           [ 3., 40.]])
    """
    (X, W), dtype = as_floating("matrix_multiply", X=X, W=W)
    check_ndim("matrix_multiply", "X", X, 2)
    check_ndim("matrix_multiply", "W", W, 2)
    if X.shape[1] != W.shape[0]:
        expected = f"{X.shape[1]} rows, one for each column of X {X.shape}"
        raise ShapeError(sentence("matrix_multiply", "W", expected, f"shape {W.shape}"))
    with np.errstate(all="ignore"):
        return rounded(X @ W, dtype)


gradient(matrix_multiply, "X")(lambda g, W, X_dtype: rounded(g @ W.T, X_dtype))
gradient(matrix_multiply, "W")(lambda g, X, W_dtype: rounded(X.T @ g, W_dtype))


sample_calls(matrix_multiply, call(Normal((3, 4)), Normal((4, 2))))


@public(top_level=False)
@op
def matmul(a: Any, b: Any) -> Array:
    """Return ``a @ b``: vectors, matrices, or stacks of matrices that broadcast."""
    return np.asarray(np.matmul(a, b))


@gradient(matmul, "a")
def _(g: Any, b: Any, a_shape: Any) -> Any:
    if b.ndim == 1:  # the same vector for every row of a
        return sum_to(g[..., None] * b, a_shape)
    if len(a_shape) == 1:  # a single row
        return sum_to((g[..., None, :] @ _transposed(b))[..., 0, :], a_shape)
    return sum_to(g @ _transposed(b), a_shape)


@gradient(matmul, "b")
def _(g: Any, a: Any, b_shape: Any) -> Any:
    if a.ndim == len(b_shape) == 1:
        return a * g
    if a.ndim == 1:
        return sum_to(a[:, None] * g[..., None, :], b_shape)
    if len(b_shape) == 1:
        return sum_to((_transposed(a) @ g[..., None])[..., 0], b_shape)
    return sum_to(_transposed(a) @ g, b_shape)


def _transposed(matrices: Array) -> Array:
    return np.swapaxes(matrices, -1, -2)


sample_calls(
    matmul,
    call(Normal((3, 4)), Normal((4, 2))),
    call(Normal(4), Normal(4)),
    call(Normal(4), Normal((4, 2))),
    call(Normal((3, 4)), Normal(4)),
    call(Normal((2, 3, 4)), Normal((4, 2))),
    call(Normal((2, 1, 3, 4)), Normal((5, 4, 2))),
    call(Normal(4), Normal((2, 4, 3))),
    call(Normal((2, 3, 4)), Normal(4)),
)


@public(top_level=False)
@op
def einsum(subscripts: str, *operands: Any) -> Array:
    """Sum products over named axes, as ``np.einsum``: ``"ij,jk->ik"`` is a matrix product.

    The letters of the result have to be written out (``->``), and no letter may
    stand twice in one operand.
    """
    _parse(subscripts, len(operands))
    if len(operands) <= 2:
        return np.asarray(np.einsum(subscripts, *operands))
    # Products of two are computed first, which have to be of the type of the result.
    arrays = [np.asarray(operand) for operand in operands]
    dtype = np.result_type(*arrays)
    arrays = [array.astype(dtype, copy=False) for array in arrays]
    return np.asarray(np.einsum(subscripts, *arrays, optimize=True))


@gradient(einsum, "operands")
def _(g: Array, subscripts: str, operands: Any) -> list[Array]:
    inputs, output = _parse(subscripts, len(operands))
    gradients = []
    for i, letters in enumerate(inputs):
        others = [k for k in range(len(operands)) if k != i]
        # The gradient is an einsum in which operand and result are exchanged. Along a letter that
        # only the operand has, it was summed, and the gradient is constant.
        known = "".join(inputs[k] for k in others) + output
        kept = "".join(letter for letter in letters if letter in known)
        terms = ",".join([output, *(inputs[k] for k in others)])
        part = np.einsum(f"{terms}->{kept}", g, *(operands[k] for k in others))
        # Along an axis of size 1 it was repeated.
        sizes = dict(zip(letters, np.shape(operands[i]), strict=True))
        used = [1 if sizes[k] == 1 else n for k, n in zip(kept, part.shape, strict=True)]
        part = sum_to(part, tuple(used))
        alone = tuple(place for place, letter in enumerate(letters) if letter not in known)
        gradients.append(np.broadcast_to(np.expand_dims(part, alone), tuple(sizes.values())))
    return gradients


def _parse(subscripts: str, count: int) -> tuple[list[str], str]:
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    plain = all(len(set(letters)) == len(letters) for letters in inputs)
    if not arrow or len(inputs) != count or not plain or not (left + output).isascii():
        expected = f"{count} operands of different letters and a result, such as 'ij,jk->ik'"
        raise ArgumentError(sentence("einsum", "subscripts", expected, brief(subscripts)))
    return inputs, output


sample_calls(
    einsum,
    call("ij,jk->ik", Normal((2, 3)), Normal((3, 4))),
    call("ij->j", Normal((2, 3))),
    call("bij,bjk,k->bi", Normal((2, 3, 4)), Normal((2, 4, 5)), Normal(5)),
    call("ab,c->bca", Normal((2, 3)), Normal(2)),
    call("ab,ab,b->a", Normal((2, 1)), Normal((2, 3)), Normal(1)),
)
