"""Dropout, as the article's series defines it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from neural_network.functional.checks import (
    Array,
    as_flag,
    as_floating,
    as_generator,
    as_number,
    rounded,
)


def dropout(
    A: ArrayLike,
    p: float,
    training: bool = True,
    *,
    rng: int | np.random.Generator | None = None,
) -> Array:
    """Keep each element with probability ``p``, set the others to 0; no rescaling.

    Beware of two conventions. Here, as in the article's series, ``p`` is the
    **keep** probability and the survivors keep their size. Most frameworks take
    the *drop* rate and divide the survivors by what is kept.

    Args:
        A: activations of any shape.
        p: probability of keeping an element, from 0 to 1.
        training: False makes it the identity.
        rng: a seed or a ``numpy.random.Generator``; None draws from
            ``np.random.binomial``, so that ``np.random.seed`` governs it.

    Returns:
        A new array of the same shape, in the floating type of ``A``.

    Raises:
        DTypeError: ``A`` does not hold real numbers, ``training`` is no boolean.
        ArgumentError: ``p`` lies outside [0, 1].

    Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks
    from Overfitting", JMLR 15, 2014.

    >>> dropout(np.ones(6), 0.5, rng=0)
    array([1., 0., 0., 0., 1., 1.])
    """
    (A,), dtype = as_floating("dropout", A=A)
    keep = as_number("dropout", "p", p, between=(0, 1))
    if not as_flag("dropout", "training", training):
        return A.astype(dtype)
    binomial = np.random.binomial if rng is None else as_generator("dropout", rng).binomial
    mask = binomial(1, keep, size=A.shape)
    return rounded(np.where(mask != 0, A, np.zeros((), A.dtype)), dtype)
