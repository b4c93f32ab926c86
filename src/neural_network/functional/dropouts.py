"""Dropout as the article defines it, and of whole channels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import (
    Array,
    as_flag,
    as_floating,
    as_generator,
    as_number,
    rounded,
    silent,
)
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, ShapeError, give_hint_of_line, sentence
from neural_network.functional.op import Normal, call, sample_calls
from neural_network.lifting import is_tensor
from neural_network.public import public

# Who keeps fewer of the numbers inside a network has probably meant the share to drop.
LEAST_KEPT = 0.5


def least_kept(rate: float) -> Any:
    """Return the least number that keeps, of numbers drawn from all uint32."""
    return np.uint32(rate * 2**32)


def mask_of(drawn: Array, rate: float, dtype: Any) -> Array:
    """Return ``keep / (1 − rate)`` for uint32 numbers that were drawn."""
    # A comparison of whole numbers saves a pass and loses no bit.
    mask: Array = np.multiply(drawn >= least_kept(rate), 1 / (1 - rate), dtype=dtype)
    return mask


@public
@explains_calls
@silent
def dropout(
    A: ArrayLike,
    p: float,
    training: bool = True,
    *,
    rng: int | np.random.Generator | None = None,
) -> Array:
    """Keep each element with probability ``p``, set the others to 0; no rescaling.

    There are two conventions. Here, as in the article, ``p`` is the probability of **keeping**
    an element, and kept elements are not changed. Most frameworks take the probability of
    *dropping* and divide kept elements by the probability of keeping.

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

    Warns:
        TrainingHint: of a tensor less than half is kept, as where ``p`` is PyTorch's; once for
            each line of a program.

    Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks
    from Overfitting", JMLR 15, 2014.

    >>> dropout(np.ones(6), 0.5, rng=0)
    array([1., 0., 0., 0., 1., 1.])
    """
    (A,), dtype = as_floating("dropout", A=A)
    keep = as_number("dropout", "p", p, between=(0, 1))
    if not (training if type(training) is bool else as_flag("dropout", "training", training)):
        return A.astype(dtype)
    if 0 < keep < LEAST_KEPT and is_tensor(A):  # inside a network
        give_hint_of_line(
            f"dropout: p = {keep:g} is the share that is kept: {1 - keep:.0%} of the numbers "
            "become 0, and the others are not divided by it; the layer nn.Dropout(rate) has the "
            f"rate of other libraries, 1 - p: nn.Dropout({keep:g}) drops {keep:.0%} and rescales"
        )
    binomial = np.random.binomial if rng is None else as_generator("dropout", rng).binomial
    mask = binomial(1, keep, size=A.shape)
    return rounded(np.where(mask != 0, A, np.zeros((), A.dtype)), dtype)


@public
@explains_calls
@silent
def dropout2d(
    X: ArrayLike,
    rate: float,
    *,
    training: bool = True,
    rng: int | np.random.Generator | None = None,
) -> Array:
    """Set whole channels to 0 with probability ``rate``; divide the others by ``1 − rate``.

    ``out[n, c] = X[n, c] · kept[n, c] / (1 − rate)``, so that the expected sum stays.
    Neighbouring elements of a channel are correlated, so that dropping single ones has little
    effect. There are two conventions: ``rate`` is the probability of **dropping**; ``p`` of the
    article's ``dropout`` is that of keeping, and nothing is divided there.

    Args:
        X: (N, C, …) with spatial axes, one or more.
        rate: probability of dropping a channel, from 0 to below 1.
        training: False makes it the identity.
        rng: a seed or a ``numpy.random.Generator``; None draws anew each time.

    Returns:
        A new array of the same shape, in the floating type of ``X``. NaN or ∞ in a
        dropped channel becomes NaN.

    Raises:
        DTypeError: ``X`` does not hold real numbers, ``training`` is no boolean.
        ShapeError: ``X`` has no spatial axis.
        ArgumentError: ``rate`` is negative, or 1 or more.

    Source: Tompson et al., "Efficient Object Localization Using Convolutional
    Networks", arXiv 1411.4280, section 3.2 (spatial dropout).

    >>> dropout2d(np.ones((1, 3, 2)), 0.5, rng=0)
    array([[[2., 2.],
            [0., 0.],
            [0., 0.]]])
    """
    (X,), dtype = as_floating("dropout2d", X=X)
    if X.ndim < 3:
        raise ShapeError(
            sentence("dropout2d", "X", "(N, C, …) with spatial axes", f"shape {X.shape}")
        )
    dropped = as_number("dropout2d", "rate", rate, between=(0, 1))
    if dropped == 1:
        raise ArgumentError(
            sentence("dropout2d", "rate", "a rate below 1, which keeps something", rate)
        )
    if not (training if type(training) is bool else as_flag("dropout2d", "training", training)):
        return X.astype(dtype)
    kept = as_generator("dropout2d", rng).random(X.shape[:2]) >= dropped
    factors = (kept / (1 - dropped)).astype(X.dtype)
    return rounded(X * factors.reshape((*X.shape[:2], *(1,) * (X.ndim - 2))), dtype)


sample_calls(dropout, call(Normal((4, 3)), 0.6, rng=1))
sample_calls(dropout2d, call(Normal((3, 4, 2)), 0.4, rng=1))
