"""The article's normalization of columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_floating, check_not_empty, rounded, silent
from neural_network.functional.op import Normal, call, gradient, op, sample_calls
from neural_network.public import public


@public
@op
@silent
def normalize(X: ArrayLike) -> Array:
    """Scale each column to mean 0 and standard deviation 1: ``(X − mean) / std``.

    The standard deviation is the population's (divided by n). A constant column
    becomes 0, because a deviation of 0 must not divide.
    Sums are computed in float64, so that float32 and float16 columns lose no digits.

    Args:
        X: (n, d), a row per sample; or (n,), one column.

    Returns:
        The same shape, in the floating type of ``X`` (float64 for integers).

    Raises:
        DTypeError: ``X`` does not hold real numbers.
        ShapeError: not one or two dimensions, or empty.

    Source: LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, section 4.3.

    >>> normalize([[1.0, 5.0], [3.0, 5.0]])
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    (X,), dtype = as_floating("normalize", X=X)
    check_not_empty("normalize", "X", X, 1, 2)
    wide = X.astype(np.result_type(X.dtype, np.float64), copy=False)
    # Comparison is exact. The mean of equal numbers may be rounded, and the rounding error divided
    # by itself would give ±1.
    constant = np.all(wide == wide[0], axis=0)
    # A column with ∞ becomes NaN without a warning.
    # Scaling by a power of two is exact and keeps squares from under- and overflow.
    _, power = np.frexp(np.max(np.abs(wide), axis=0))
    wide = np.ldexp(wide, -power)
    deviation = np.where(constant, 1, np.std(wide, axis=0))
    centred = np.where(constant, 0, wide - np.mean(wide, axis=0))
    return rounded(centred / deviation, dtype)


@gradient(normalize, "X")
def _(g: Any, X: Any, out: Any) -> Any:
    # Mean and deviation depend on every element, which removes the mean of g and the part of g
    # along the result.
    constant = np.all(np.equal(X, X[0]), axis=0)
    left = g - np.mean(g, axis=0) - out * np.mean(g * out, axis=0)
    return np.where(constant, 0, left / np.where(constant, 1, np.std(X, axis=0)))


sample_calls(normalize, call(Normal((5, 3))), call(Normal(4)))
