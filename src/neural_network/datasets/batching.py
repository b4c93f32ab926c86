"""Mini-batches in a seeded order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_count, as_flag, as_generator, as_real
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ShapeError, sentence
from neural_network.functional.shaping import cut
from neural_network.public import public


@public
@explains_calls
def batches(
    X: ArrayLike,
    y: ArrayLike,
    batch_size: int,
    *,
    rng: int | np.random.Generator | None = None,
    shuffle: bool = True,
) -> Iterator[tuple[Array, Array]]:
    """Iterate once over the rows of ``X`` and ``y`` together, in mini-batches.

    Args:
        X: (n, …) inputs.
        y: (n, …) labels or targets.
        batch_size: rows in a batch, at least 1; the last one may be smaller.
        rng: a seed or a ``numpy.random.Generator`` for the order; the same seed
            gives the same order. Pass one Generator to every epoch to get a new
            order each time that still follows from one seed.
        shuffle: False keeps the order of the rows.

    Returns:
        An iterator of ``(X_batch, y_batch)``, copies in the arrays' own types.

    Raises:
        DTypeError: an argument does not hold numbers.
        ShapeError: different numbers of rows, or none.
        ArgumentError: ``batch_size`` below 1.

    >>> for X_batch, y_batch in batches([[1], [2], [3]], [10, 20, 30], 2, rng=0):
    ...     print(X_batch.ravel(), y_batch)
    [3 1] [30 10]
    [2] [20]
    """
    # Checked here and not in the generator below, so that the call raises the errors.
    X, y = as_real("batches", "X", X), as_real("batches", "y", y)
    if X.ndim == 0 or len(X) == 0:
        raise ShapeError(sentence("batches", "X", "at least one row", f"shape {X.shape}"))
    if y.ndim == 0 or len(y) != len(X):
        raise ShapeError(sentence("batches", "y", f"{len(X)} rows, as in X", f"shape {y.shape}"))
    size = as_count("batches", "batch_size", batch_size)
    generator = as_generator("batches", rng)
    order = (
        generator.permutation(len(X))
        if as_flag("batches", "shuffle", shuffle)
        else np.arange(len(X))
    )
    return ((X[rows], y[rows]) for rows in cut(order, size))
