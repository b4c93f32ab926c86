"""Linear maps."""

from __future__ import annotations

from numpy.typing import ArrayLike

from neural_network.errors import ShapeError, sentence
from neural_network.functional.checks import Array, as_floating, check_ndim, rounded


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

    >>> matrix_multiply([[1, 2], [3, 4]], [[1, 0], [0, 10]])
    array([[ 1., 20.],
           [ 3., 40.]])
    """
    (X, W), dtype = as_floating("matrix_multiply", X=X, W=W)
    check_ndim("matrix_multiply", "X", X, 2)
    check_ndim("matrix_multiply", "W", W, 2)
    if X.shape[1] != W.shape[0]:
        raise ShapeError(
            sentence(
                "matrix_multiply",
                "W",
                f"{X.shape[1]} rows, one for each column of X {X.shape}",
                f"shape {W.shape}",
            )
        )
    return rounded(X @ W, dtype)
