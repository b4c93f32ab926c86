"""Rearranging arrays: shapes, axes, parts, and joining."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np

from neural_network.checks import Array, as_real
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import refusal
from neural_network.functional.elementwise import sum_to
from neural_network.functional.op import Call, Normal, call, gradient, op, sample_calls, samples
from neural_network.functional.reductions import normal_axes, normal_axis
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.kernels.runtime.layouts import contiguous
from neural_network.public import public

# Up to this many slices for one place are added one round after the other, which is faster.
FEW = 16


@public(top_level=False)
@op
def reshape(X: Any, shape: int | Sequence[int]) -> Array:
    """Return the array in another shape; one size may be −1."""
    return np.reshape(X, shape)


gradient(reshape, "X")(lambda g, X_shape: g.reshape(X_shape))


sample_calls(reshape, call(Normal((2, 6)), (3, -1)), call(Normal((2, 3, 2)), -1))


@public(top_level=False)
@op
def transpose(X: Any, axes: Sequence[int] | None = None) -> Array:
    """Return the array with its axes in another order; reversed where none is given."""
    return np.transpose(X, axes)


@gradient(transpose, "X")
def _(g: Any, axes: Any) -> Any:
    if axes is None:
        return g.transpose()
    return g.transpose(np.argsort(normal_axes(axes, g.ndim)))


sample_calls(transpose, call(Normal((2, 3, 4))), call(Normal((2, 3, 4)), (1, -1, 0)))


@public(top_level=False)
@op
def index(X: Any, key: Any) -> Array:
    """Return ``X[key]``, with slices, numbers, masks or lists of places."""
    return np.asarray(np.asarray(X)[key])


@op
def unindex(g: Any, key: Any, shape: tuple[int, ...]) -> Array:
    """Return zeros of a shape with ``g`` added at ``[key]``: the transpose of ``index``.

    A position that the key contains twice gets both.
    """
    out = np.zeros(shape, np.asarray(g).dtype)
    parts = key if isinstance(key, tuple) else (key,)
    if all(isinstance(p, int | np.integer | slice | None | type(...)) for p in parts):
        out[key] = g  # slices contain no position twice
    else:
        np.add.at(out, key, g)
    return out


gradient(index, "X")(lambda g, key, X_shape: unindex(g, key, X_shape))
gradient(unindex, "g")(lambda g, key: index(g, key))


KEYS = (
    1,
    (slice(None), 2),
    (..., slice(None, None, -2)),
    (None, slice(1, 3)),
    ([0, 2, 0],),
    (np.array([[0, 1], [1, 1]]), slice(0, 2)),
)


@samples(index)
def _(rng: np.random.Generator) -> Iterator[Call]:
    X = rng.standard_normal((3, 4))
    for key in (*KEYS, X > 0):
        yield call(X, key)


sample_calls(unindex, *[call(Normal(np.zeros((3, 4))[key].shape), key, (3, 4)) for key in KEYS])


@op
def gather(X: Any, places: Any, axis: int) -> Array:
    """Return the slices of ``X`` at places (n,) along an axis; places may repeat.

    >>> gather(np.array([10, 20, 30]), np.array([2, 0, 2]), 0)
    array([30, 10, 30])
    """
    return np.asarray(np.take(X, places, axis=axis))


@op
def scatter_add(g: Any, places: Any, axis: int, size: int) -> Array:
    """Return zeros of ``size`` along an axis, with each slice of ``g`` added at its place.

    The transpose of ``gather``. ``np.add.at`` takes several times as long, because it adds
    single elements.

    >>> scatter_add(np.array([1.0, 2.0, 4.0]), np.array([2, 0, 2]), 0, 3)
    array([2., 0., 5.])
    """
    out = np.zeros((*g.shape[:axis], size, *g.shape[axis + 1 :]), g.dtype)
    if len(places) == 0:
        return out
    if axis == 0 and g.ndim == 2 and kernel_wanted("sum of rows", g.size, g):
        from neural_network.kernels.scattering import add_rows

        if 0 <= places.min() <= places.max() < size:  # the kernel does not check them
            add_rows(*contiguous(g, places.astype(np.intp, copy=False)), out)
            return out
    lead = (slice(None),) * axis
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))
    lengths = np.diff(begins, append=len(ordered))
    if lengths.max() <= FEW:
        # In each round every place gets at most one slice.
        for nth in range(lengths.max()):
            rounds = begins[lengths > nth] + nth
            out[(*lead, _run(ordered[rounds]))] += np.take(g, order[rounds], axis)
    else:
        out[(*lead, ordered[begins])] = np.add.reduceat(np.take(g, order, axis), begins, axis)
    return out


def _run(places: Array) -> Any:
    """Return a slice if increasing places have no gap, because it is faster."""
    first, last = int(places[0]), int(places[-1])
    return slice(first, last + 1) if last - first + 1 == len(places) else places


gradient(gather, "X")(lambda g, places, axis, X_shape: scatter_add(g, places, axis, X_shape[axis]))
gradient(scatter_add, "g")(lambda g, places, axis: gather(g, places, axis))


sample_calls(
    gather,
    call(Normal((3, 2)), np.array([1, 1, 0, 1]), 0),
    call(Normal((2, 3, 4)), np.array([3, 0]), 2),
)


sample_calls(
    scatter_add,
    call(Normal((4, 2)), np.array([1, 1, 0, 1]), 0, 3),
    call(Normal((2, FEW + 2)), np.array([2] * (FEW + 1) + [0]), 1, 3),
    call(Normal((0, 2)), np.array([], int), 0, 3),
)


@public(top_level=False)
@op
def broadcast_to(X: Any, shape: tuple[int, ...]) -> Array:
    """Return the array repeated to a shape, as NumPy broadcasts."""
    return np.broadcast_to(X, shape)


gradient(broadcast_to, "X")(lambda g, X_shape: sum_to(g, X_shape))


sample_calls(broadcast_to, call(Normal((3, 1)), (2, 3, 4)), call(Normal(()), (2,)))


@public(top_level=False)
@op
def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Array:
    """Join arrays along an axis; None joins their numbers in one row."""
    return np.concatenate(arrays, axis=axis)


@gradient(concatenate, "arrays")
def _(g: Array, arrays_shape: Any, axis: int | None) -> list[Array]:
    along = 0 if axis is None else normal_axis(axis, g.ndim)
    ends = accumulate(prod(s) if axis is None else s[along] for s in arrays_shape)
    lead: tuple[Any, ...] = (slice(None),) * along
    parts = [g[(*lead, slice(a, b))] for a, b in pairwise([0, *ends])]
    if axis is None:
        return [part.reshape(shape) for part, shape in zip(parts, arrays_shape, strict=True)]
    return parts


@samples(concatenate)
def _(rng: np.random.Generator) -> Iterator[Call]:
    parts = [rng.standard_normal((2, n, 2)) for n in (1, 3, 2)]
    yield call(parts, axis=1)
    yield call([part[0] for part in parts])
    yield call((parts[0], parts[0]), axis=-1)
    yield call([parts[0], parts[1][0]], axis=None)


@public(top_level=False)
@op
def stack(arrays: Sequence[Any], axis: int = 0) -> Array:
    """Join arrays along a new axis."""
    # NumPy's own function reads beyond the memory of a matrix's rows.
    rows = np.asarray(arrays) if isinstance(arrays, np.matrix) else arrays
    return np.stack(rows, axis=axis)


@gradient(stack, "arrays")
def _(g: Array, arrays_shape: Any, axis: int) -> list[Array]:
    lead: tuple[Any, ...] = (slice(None),) * normal_axis(axis, g.ndim)
    return [g[(*lead, i)] for i in range(len(arrays_shape))]


sample_calls(stack, call([Normal((2, 3))] * 3), call([Normal((2, 3))] * 3, axis=-1))


@public(top_level=False)
@op
def pad(X: Any, pad_width: Sequence[tuple[int, int]]) -> Array:
    """Pad with zeros: (before, after) for each axis."""
    return np.pad(X, pad_width)


@gradient(pad, "X")
def _(g: Any, X_shape: Any, pad_width: Any) -> Any:
    inner = tuple(
        slice(before, before + n) for (before, _), n in zip(pad_width, X_shape, strict=True)
    )
    return g[inner]


sample_calls(pad, call(Normal((2, 3)), ((0, 1), (2, 0))))


@public(top_level=False)
@explains_calls
def split(X: Any, sections: int | Sequence[int], axis: int = 0) -> list[Array]:
    """Split into equal sections, or at places, along an axis.

    >>> from neural_network.functional import split
    >>> [part.tolist() for part in split(np.arange(5), [2, 3])]
    [[0, 1], [2], [3, 4]]
    """
    X = as_real("split", "X", X)
    try:
        along = normal_axis(axis, X.ndim)
        # NumPy splits the places; indexing, which has a gradient, splits the array.
        places = np.split(np.arange(X.shape[along]), sections)
    except Exception as error:  # NumPy raises many kinds; the class stays
        raise refusal("split", {"X": X, "sections": sections, "axis": axis}, error) from error
    lead: tuple[Any, ...] = (slice(None),) * along
    return [X[(*lead, slice(p[0], p[-1] + 1) if len(p) else slice(0, 0))] for p in places]


def cut(order: Array, batch_size: int) -> Iterator[Array]:
    """Yield ``order`` in pieces of ``batch_size``; the last may be shorter.

    >>> [piece.tolist() for piece in cut(np.arange(5), 2)]
    [[0, 1], [2, 3], [4]]
    """
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def cut_evenly(order: Array, most: int) -> list[Array]:
    """Return ``order`` in as few pieces of at most ``most`` as there can be, of nearly equal size.

    >>> [piece.tolist() for piece in cut_evenly(np.arange(7), 3)]
    [[0, 1, 2], [3, 4], [5, 6]]
    """
    return np.array_split(order, -(-len(order) // most))
