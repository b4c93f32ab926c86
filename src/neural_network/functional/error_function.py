"""The error function, which NumPy lacks, to double precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from neural_network.checks import Array, as_floating
from neural_network.functional.op import Call, call, gradient, op, samples

# Rational approximations of Cody, "Rational Chebyshev approximation for the error
# function", Math. Comp. 23, 1969; numerators and denominators, highest power first.
NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560, 113.864154151050156, 377.485237685302021,
     3209.37758913846947),
    (1.0, 23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062),
)  # fmt: skip
MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 66.1191906371416295,
     298.635138197400131, 881.952221241769090, 1712.04761263407058, 2051.07837782607147,
     1230.33935479799725),
    (1.0, 15.7449261107098347, 117.693950891312499, 537.181101862009858, 1621.38957456669019,
     3290.79923573345963, 4362.61909014324716, 3439.36767414372164, 1230.33935480374942),
)  # fmt: skip
FAR = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
     1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1,
     6.05183413124413191e-2, 2.33520497626869185e-3),
)  # fmt: skip


@op
def erf(X: Any) -> Array:
    """Error function: ``2/√π · ∫₀ˣ exp(−t²) dt``, from −1 to 1.

    Args:
        X: any shape.

    Returns:
        The same shape, in the floating type of ``X``, within 1e-15.

    Raises:
        DTypeError: ``X`` does not hold real numbers.

    Source: Cody, "Rational Chebyshev approximation for the error function", 1969.

    >>> erf(np.array([0.0, 1.0, -10.0])).round(6)
    array([ 0.      ,  0.842701, -1.      ])
    """
    (X,), dtype = as_floating("erf", X=X)
    x = X.astype(np.float64)
    size = np.abs(x)
    with np.errstate(under="ignore"):
        small = np.where(size > 0.5, 0, x)
        near = small * _ratio(NEAR, small * small)
        held = np.clip(size, 0.5, 6)  # beyond 6 the rest is below 1e-17
        middle = np.exp(-held * held) * _ratio(MIDDLE, held)
        inverse = 1 / (held * held)
        far = np.exp(-held * held) / held * (1 / np.sqrt(np.pi) - inverse * _ratio(FAR, inverse))
        rest = np.where(held <= 4, middle, far)  # 1 − erf(|x|)
    out = np.where(size <= 0.5, near, np.copysign(1 - rest, x))
    return np.asarray(np.where(np.isnan(x), x, out), dtype=dtype)


def _ratio(table: tuple[Sequence[float], Sequence[float]], x: Array) -> Array:
    ratio: Array = np.polyval(np.array(table[0]), x) / np.polyval(np.array(table[1]), x)
    return ratio


@gradient(erf, "X")
def _(g: Any, X: Any) -> Any:
    return g * (2 / np.sqrt(np.pi)).astype(g.dtype) * np.exp(-X * X)


@samples(erf)
def _(rng: np.random.Generator) -> Iterator[Call]:
    yield call(rng.uniform(-5, 5, (4, 5)))
