"""Gathering: rows or slices at listed places, and the sum that carries gradients back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from neural_network.checks import Array
from neural_network.functional.op import Call, call, gradient, op, samples

Rng: TypeAlias = "np.random.Generator"

# Up to so many slices for one place are added round by round, which is faster.
FEW = 16


@op
def gather(X: Any, places: Any, axis: int) -> Array:
    """Return the slices of ``X`` at places (n,) along an axis; one may be asked for often.

    >>> gather(np.array([10, 20, 30]), np.array([2, 0, 2]), 0)
    array([30, 10, 30])
    """
    return np.asarray(np.take(X, places, axis=axis))


@op
def scatter_add(g: Any, places: Any, axis: int, size: int) -> Array:
    """Return zeros of ``size`` along an axis, with each slice of ``g`` added at its place.

    What ``gather`` does, backwards. (``np.add.at`` goes number by number and takes
    several times as long.)

    >>> scatter_add(np.array([1.0, 2.0, 4.0]), np.array([2, 0, 2]), 0, 3)
    array([2., 0., 5.])
    """
    out = np.zeros((*g.shape[:axis], size, *g.shape[axis + 1 :]), g.dtype)
    if len(places) == 0:
        return out
    lead = (slice(None),) * axis
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))
    lengths = np.diff(begins, append=len(ordered))
    if lengths.max() <= FEW:
        # In each round every place gets at most one slice.
        for nth in range(lengths.max()):
            having = begins[lengths > nth] + nth
            out[(*lead, _run(ordered[having]))] += np.take(g, order[having], axis)
    else:
        out[(*lead, ordered[begins])] = np.add.reduceat(np.take(g, order, axis), begins, axis)
    return out


def _run(places: Array) -> Any:
    """Return the slice where increasing places have no gap: it is read and written faster."""
    first, last = int(places[0]), int(places[-1])
    return slice(first, last + 1) if last - first + 1 == len(places) else places


@gradient(gather, "X")
def _(g: Any, places: Any, axis: int, X_shape: Any) -> Any:
    return scatter_add(g, places, axis, X_shape[axis])


@gradient(scatter_add, "g")
def _(g: Any, places: Any, axis: int) -> Any:
    return gather(g, places, axis)


@samples(gather)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.standard_normal((3, 2)), np.array([1, 1, 0, 1]), 0)
    yield call(rng.standard_normal((2, 3, 4)), np.array([3, 0]), 2)


@samples(scatter_add)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.standard_normal((4, 2)), np.array([1, 1, 0, 1]), 0, 3)
    yield call(rng.standard_normal((2, FEW + 2)), np.array([2] * (FEW + 1) + [0]), 1, 3)
    yield call(rng.standard_normal((0, 2)), np.array([], int), 0, 3)
