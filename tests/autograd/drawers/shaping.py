"""Functions that rearrange, repeat, cut and join arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.functional.op import Call, call
from tests.autograd.draws import Draw, draws


@draws(np.reshape)
def _(draw: Draw) -> Call:
    a = draw.array()
    shape: Any = draw.pick(
        -1, (a.size,), a.shape[::-1], (1, -1), (-1, *a.shape[:1]), (a.size + 1,), 7
    )
    options = {"order": draw.pick("C", "F", "A", "K")} if draw.flag(0.3) else {}
    return call(laid_out(draw, a), shape, **options)


@draws(np.ravel)
def _(draw: Draw) -> Call:
    options = {"order": draw.pick("C", "F", "A", "K", "X")} if draw.flag() else {}
    return call(laid_out(draw, draw.array()), **options)


def laid_out(draw: Draw, a: np.ndarray) -> np.ndarray:
    """The array in the memory of its transpose, in one of four."""
    return np.asfortranarray(a) if draw.flag(0.25) else a


@draws(np.transpose)
def _(draw: Draw) -> Call:
    a = draw.array()
    order = [int(i) for i in draw.rng.permutation(a.ndim)]
    signed = [i - a.ndim if draw.flag() else i for i in order]
    return call(a, axes=draw.pick(None, order, tuple(signed), signed[:1] + signed[:-1]))


@draws(np.matrix_transpose)
def _(draw: Draw) -> Call:
    return call(draw.array())


@draws(np.moveaxis)
def _(draw: Draw) -> Call:
    a = draw.array()
    if draw.flag():
        return call(a, draw.axis(a.ndim), draw.axis(a.ndim))
    several = [tuple(draw.axis(a.ndim) for _ in range(draw.number(0, 2))) for _ in range(2)]
    return call(a, *several)


@draws(np.swapaxes)
def _(draw: Draw) -> Call:
    a = draw.array()
    return call(a, draw.axis(a.ndim), draw.axis(a.ndim))


@draws(np.squeeze)
def _(draw: Draw) -> Call:
    shape = tuple(1 if draw.flag() else n for n in draw.shape())
    return call(draw.array(shape), axis=draw.axes(len(shape)))


@draws(np.expand_dims)
def _(draw: Draw) -> Call:
    a = draw.array()
    return call(a, draw.pick(draw.axis(a.ndim + 1), (0, -1), (1, 1), ()))


@draws(np.broadcast_to)
def _(draw: Draw) -> Call:
    shape = draw.shape(most=3)
    return call(draw.partner(shape), draw.pick(shape, (2, *shape), list(shape)))


@draws(np.atleast_2d)
def _(draw: Draw) -> Call:
    return call(*[draw.listed(draw.array()) for _ in range(draw.number(1, 3))])


@draws(np.full_like)
def _(draw: Draw) -> Call:
    a = draw.array()
    options: dict[str, Any] = {"dtype": draw.pick("float64", "float32")} if draw.flag(0.3) else {}
    if draw.flag(0.2):
        options["shape"] = (2, *a.shape)
    return call(
        a, draw.pick(0.5, draw.partner(a.shape), draw.listed(draw.array(a.shape))), **options
    )


# --- joining and cutting ----------------------------------------------------------------


def along(draw: Draw, axis: int, shape: tuple[int, ...]) -> list[Any]:
    """Arrays that differ along an axis; sometimes elsewhere too."""
    arrays = []
    for _ in range(draw.number(1, 3)):
        own = list(shape)
        if own and draw.flag(0.7):
            own[axis] = draw.number(0, 3)
        if own and draw.flag(0.05):
            own[draw.number(0, len(own) - 1)] += 1
        arrays.append(draw.listed(draw.array(tuple(own))))
    return arrays


@draws(np.concatenate)
def _(draw: Draw) -> Call:
    shape = draw.shape(least=draw.pick(0, 1, 1))
    real = draw.number(-len(shape), len(shape) - 1) if shape else 0
    axis = draw.pick(real, real, real, draw.axis(len(shape)), None)
    return call(draw.pick(list, tuple)(along(draw, real, shape)), axis=axis)


@draws(np.stack)
def _(draw: Draw) -> Call:
    shape = draw.shape(most=3)
    arrays = (
        along(draw, 0, shape)
        if draw.flag(0.1)
        else [draw.array(shape) for _ in range(draw.number(1, 3))]
    )
    return call([draw.listed(a) for a in arrays], axis=draw.axis(len(shape) + 1))


@draws(np.vstack)
def _(draw: Draw) -> Call:
    return call(along(draw, 0, draw.shape(most=3)))


@draws(np.hstack)
def _(draw: Draw) -> Call:
    shape = draw.shape(most=3)
    return call(tuple(along(draw, 0 if len(shape) < 2 else 1, shape)))


@draws(np.split)
def _(draw: Draw) -> Call:
    a = draw.array(draw.shape(least=draw.pick(0, 1, 1)))
    axis = draw.axis(a.ndim)
    size = a.shape[axis] if -a.ndim <= axis < a.ndim else 2
    places = [draw.number(-1, size + 1) for _ in range(draw.number(0, 3))]
    return call(a, draw.pick(1, max(size, 1), 2, sorted(places), places), axis=axis)


@draws(np.pad)
def _(draw: Draw) -> Call:
    a = draw.array(draw.shape(most=3))
    each = [(draw.number(0, 2), draw.number(0, 2)) for _ in range(a.ndim)]
    width = draw.pick(1, (1, 2), [[1, 0]], each, each, each, [[1], [2]], 1.5, (0, -1))
    mode = draw.pick("constant", "constant", "edge", "wrap", "reflect", "symmetric", "mean", "none")
    options: dict[str, Any] = {"mode": mode} if draw.flag(0.8) else {}
    if draw.flag(0.4):
        options["constant_values"] = draw.pick(0, 0.5, (1, 2), draw.array(()))
    return call(a, width, **options)


# --- choosing elements --------------------------------------------------------------------


@draws(np.flip)
def _(draw: Draw) -> Call:
    a = draw.array()
    return call(a, axis=draw.axes(a.ndim))


@draws(np.take)
def _(draw: Draw) -> Call:
    a = draw.array(draw.shape(least=1))
    axis = draw.pick(None, *[draw.axis(a.ndim)] * 3)
    size = a.size if axis is None else a.shape[axis] if -a.ndim <= axis < a.ndim else 1
    low, high = (-size, size - 1) if draw.flag(0.8) and size else (-9, 9)
    chosen = draw.rng.integers(low, high + 1, draw.shape(most=2))
    indices = draw.pick(chosen, chosen.tolist(), chosen, [0.5], [True])
    options = {"mode": draw.pick("wrap", "clip", "raise", "x")} if draw.flag(0.2) else {}
    return call(a, indices, axis=axis, **options)


@draws(np.compress)
def _(draw: Draw) -> Call:
    a = draw.array()
    axis = draw.pick(None, draw.axis(a.ndim))
    condition = draw.rng.random(draw.shape(most=draw.pick(1, 1, 2))) < 0.5
    return call(condition, a, axis=axis)


@draws(np.repeat)
def _(draw: Draw) -> Call:
    a = draw.array()
    axis = draw.pick(None, draw.axis(a.ndim))
    size = a.size if axis is None else a.shape[axis] if -a.ndim <= axis < a.ndim else 1
    several = [draw.number(0, 2) for _ in range(size)]
    return call(a, draw.pick(0, 2, several, several, [*several, 1], -1, 1.5), axis=axis)


@draws(np.tile)
def _(draw: Draw) -> Call:
    return call(draw.array(draw.shape(most=3)), draw.pick(0, 2, (2, 1), [1, 2, 1, 1], (), (-1,)))


@draws(np.roll)
def _(draw: Draw) -> Call:
    a = draw.array()
    axes = draw.axes(a.ndim)
    shift = draw.pick(
        1, -2, 5, (1, 2), [draw.number(-3, 3)] * (len(axes) if isinstance(axes, tuple) else 1)
    )
    return call(a, shift, axis=axes)


@draws(np.diagonal, np.trace)
def _(draw: Draw) -> Call:
    a = draw.array(draw.shape(least=draw.pick(0, 2, 2, 2)))
    options = {"axis1": draw.axis(a.ndim), "axis2": draw.axis(a.ndim)} if draw.flag() else {}
    return call(a, offset=draw.number(-2, 2), **options)


@draws(np.diag)
def _(draw: Draw) -> Call:
    return call(
        draw.array(draw.shape(least=draw.pick(0, 1), most=draw.pick(2, 2, 3))), k=draw.number(-2, 2)
    )


@draws(np.sort)
def _(draw: Draw) -> Call:
    a = draw.array()
    options = {"kind": draw.pick("stable", "quicksort", None, "x")} if draw.flag(0.3) else {}
    return call(a, axis=draw.pick(None, *[draw.axis(a.ndim)] * 3), **options)
