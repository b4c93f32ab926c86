"""Mini-batches in a seeded order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from neural_network.checks import Array, as_count, as_flag, as_generator, as_real
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ShapeError, sentence
from neural_network.functional.shaping import cut
from neural_network.layers.several import are_arrays, arrays_in, each
from neural_network.public import public


@public
@explains_calls
def batches(
    X: Any,
    y: Any,
    batch_size: int,
    *,
    rng: int | np.random.Generator | None = None,
    shuffle: bool = True,
) -> Iterator[tuple[Any, Any]]:
    """Iterate once over the rows of ``X`` and ``y`` together, in mini-batches.

    Args:
        X: (n, …) inputs; or a tuple or dict of such arrays.
        y: (n, …) labels or targets; or a tuple or dict of them.
        batch_size: rows in a batch, at least 1; the last one may be smaller: of 5000 rows in
            batches of 64 it has 8. A step of the full rate by the gradient of so few rows may
            undo much of an epoch: choose a divisor of n (50 of 5000), or a smaller rate.
        rng: a seed or a ``numpy.random.Generator`` for the order; the same seed
            gives the same order. Pass one Generator to every epoch to get a new
            order each time that still follows from one seed.
        shuffle: False keeps the order of the rows.

    Returns:
        An iterator of ``(X_batch, y_batch)``, copies in the arrays' own types, in tuples and dicts
        as they were given.

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
    X, y = _arrays("X", X), _arrays("y", y)
    rows, *others = [
        (f"{name}{p}", a) for name, of in (("X", X), ("y", y)) for p, a in arrays_in(of)
    ]
    first, found = rows
    if found.ndim == 0 or len(found) == 0:
        raise ShapeError(sentence("batches", first, "at least one row", f"shape {found.shape}"))
    for name, array in others:
        if array.ndim == 0 or len(array) != len(found):
            expected = f"{len(found)} rows, as in {first}"
            raise ShapeError(sentence("batches", name, expected, f"shape {array.shape}"))
    size = as_count("batches", "batch_size", batch_size)
    generator = as_generator("batches", rng)
    order = (
        generator.permutation(len(found))
        if as_flag("batches", "shuffle", shuffle)
        else np.arange(len(found))
    )
    return ((_at(rows, X), _at(rows, y)) for rows in cut(order, size))


def _arrays(name: str, value: Any) -> Any:
    """Return an array; or the tuple or dict of several."""
    if isinstance(value, dict) and value:
        return {k: as_real("batches", f"{name}[{k!r}]", array) for k, array in value.items()}
    if isinstance(value, tuple) and are_arrays(value):
        return value
    return as_real("batches", name, value)


def _at(rows: Array, value: Any) -> Any:
    return value[rows] if isinstance(value, np.ndarray) else each(lambda array: array[rows], value)
