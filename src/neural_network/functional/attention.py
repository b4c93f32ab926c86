"""Scaled dot-product attention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import (
    Array,
    as_flag,
    as_floating,
    as_number,
    as_real,
    check_not_empty,
    rounded,
    silent,
)
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import DTypeError, ShapeError, sentence
from neural_network.functional.activations import softmax, softmax_gradient
from neural_network.functional.elementwise import sum_to
from neural_network.functional.op import Call, Kept, call, gradient, keeping, op, samples
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.lifting import is_tensor, lift_hook
from neural_network.public import public


@public
@explains_calls
@silent
def scaled_dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    causal: bool = False,
    scale: float | None = None,
) -> Array:
    """Average the values with the attention weights: ``softmax(scale · Q Kᵀ + mask) V``.

    A query for which all keys are masked (a row of padding) gets zeros and has no gradient,
    instead of NaN.

    Args:
        query: (…, Lq, d).
        key: (…, Lk, d), with the same leading sizes; nothing is broadcast.
        value: (…, Lk, dv).
        mask: booleans, True where a query may attend to a key; or floating numbers that
            are added to the scores (−∞ masks). Broadcastable to (…, Lq, Lk).
        causal: query i attends only to keys 0 to i, whatever Lk is; a mask masks further ones.
        scale: left out, ``1 / √d``.

    Returns:
        (…, Lq, dv), in the widest floating type of the arguments.

    Raises:
        DTypeError: an argument holds no real numbers; a mask of whole numbers;
            ``causal`` that is no boolean.
        ShapeError: shapes that do not belong together, or are empty.
        ArgumentError: a ``scale`` that is not finite.

    Source: Vaswani et al., "Attention Is All You Need", arXiv 1706.03762, section 3.2.1.

    >>> Q, K = np.array([[0.0], [1000.0]]), np.array([[1.0], [2.0]])
    >>> scaled_dot_product_attention(Q, K, [[10.0], [20.0]])
    array([[15.],
           [20.]])
    >>> scaled_dot_product_attention(Q, K, [[10.0], [20.0]], causal=True)
    array([[10.],
           [20.]])
    """
    function = "scaled_dot_product_attention"
    values: dict[str, ArrayLike] = {"query": query, "key": key, "value": value}
    allowed: Array | None = None
    if mask is not None:
        array = as_real(function, "mask", mask)
        if array.dtype.kind == "b":
            allowed = np.asarray(array)
        elif array.dtype.kind == "f":
            values["mask"] = mask
        else:
            expected = "booleans, or floating numbers to add"
            raise DTypeError(sentence(function, "mask", expected, f"dtype {array.dtype}"))
    (query, key, value, *added), dtype = as_floating(function, **values)
    _check_shapes(function, query, key, value)
    shape = (*query.shape[:-1], key.shape[-2])
    for part in (allowed, *added):
        if part is not None:
            _check_mask(function, part, shape)
    triangular = as_flag(function, "causal", causal)
    factor = query.shape[-1] ** -0.5 if scale is None else as_number(function, "scale", scale)
    if added and not is_tensor(added[0]):
        allowed, added = added[0], []
    return rounded(attend([query, key, value, *added], allowed, triangular, factor), dtype)


@op
@silent
def attend(
    arrays: Sequence[Any], mask: Array | None = None, causal: bool = False, factor: float = 1.0
) -> Array:
    """Return ``softmax(factor · Q Kᵀ + mask) V``; arguments are checked by the function above.

    Args:
        arrays: queries, keys and values, and perhaps a mask to add of which a gradient may be
            needed: one argument, because all gradients are computed together.
        mask: of which none is needed: booleans, or numbers to add; or None.
        causal: whether query i attends only to keys 0 to i.
        factor: of the scores.
    """
    return _attended(Kept(), arrays, mask, causal, factor)


@silent
def _attended(
    kept: Kept, arrays: Sequence[Any], mask: Array | None = None, causal: bool = False,
    factor: float = 1.0,
) -> Array:  # fmt: skip
    """Compute ``attend``; keep the weights, which kernels compute again."""
    if len(arrays) == 3 and (kernels := _kernels_for(*arrays)):
        out: Array = kernels.attended(*arrays, _to_add(mask), causal=causal, factor=factor)
        return out
    kept.value = _weights(arrays, mask, causal, factor)
    return np.asarray(np.matmul(kept.value, arrays[2]))


keeping(attend, _attended)


@gradient(attend, "arrays")
def _(g: Any, arrays: Any, mask: Any, causal: bool, factor: float, kept: Kept) -> list[Any]:
    query, key, value, *added = arrays
    weights = None
    if not lift_hook([g, *arrays]):
        if kept.value is None and not added and (kernels := _kernels_for(*arrays, g)):
            found: list[Any] = kernels.attention_gradients(
                g, query, key, value, _to_add(mask), causal=causal, factor=factor
            )
            return found
        weights = kept.value
    if weights is None:  # recorded, as functions of the arrays; or kernels have computed them
        weights = _weights(arrays, mask, causal, factor)
    for_weights = np.matmul(g, np.swapaxes(value, -1, -2))
    for_scores = softmax_gradient(for_weights, weights, -1)
    allowed = _allowed(weights.shape, added[0] if added else mask, causal)
    if allowed is not None:
        for_scores = np.where(allowed, for_scores, np.zeros((), for_scores.dtype))
    return [
        np.matmul(for_scores, key) * factor,
        np.matmul(np.swapaxes(for_scores, -1, -2), query * factor),
        np.matmul(np.swapaxes(weights, -1, -2), g),
        *(sum_to(for_scores, part.shape) for part in added),
    ]


def _weights(arrays: Sequence[Any], mask: Array | None, causal: bool, factor: float) -> Any:
    """Return the attention weights: (…, Lq, Lk)."""
    query, key, _, *added = arrays
    scores: Any = np.matmul(query * factor, np.swapaxes(key, -1, -2))
    part = added[0] if added else mask
    if part is not None and part.dtype.kind == "f":
        scores = scores + part
    allowed = _allowed(scores.shape, part, causal)
    zero = np.zeros((), scores.dtype)
    if allowed is not None:
        # −∞ and not a large number, so that the weight of a masked key is exactly 0.
        scores = np.where(allowed, scores, zero - np.inf)
    weights = softmax(scores)
    if allowed is not None and not np.all(attends := np.any(allowed, axis=-1, keepdims=True)):
        # The softmax of a row of −∞ is NaN. It is replaced here, and has no gradient.
        weights = np.where(attends, weights, zero)
    return weights


def _allowed(shape: tuple[int, ...], mask: Any, causal: bool) -> Any:
    """Return which keys a query may attend to, as booleans that broadcast; None for all of them."""
    allowed = mask
    if mask is not None and mask.dtype.kind == "f":
        allowed = np.not_equal(mask, -np.inf)
    if causal:
        causal_mask = np.arange(shape[-2])[:, None] >= np.arange(shape[-1])
        allowed = causal_mask if allowed is None else allowed & causal_mask
    return allowed


def _to_add(mask: Array | None) -> Array | None:
    """Return a mask as numbers to add."""
    if mask is None or mask.dtype.kind == "f":
        return mask
    return np.where(mask, np.float32(0), np.float32(-np.inf))


def _kernels_for(query: Any, key: Any, value: Any, *others: Any) -> Any:
    """Return the module of compiled kernels if they are to compute with these arrays."""
    work = query.size * key.shape[-2] + value.size * query.shape[-2]
    arrays = query, key, value, *others
    if query.dtype != np.float32 or not kernel_wanted("attention", work, *arrays):
        return None
    from neural_network.kernels import attention

    return attention


def _check_shapes(function: str, query: Array, key: Array, value: Array) -> None:
    for name, array in (("query", query), ("key", key), ("value", value)):
        if array.ndim < 2:
            raise ShapeError(sentence(function, name, "(…, L, d)", f"shape {array.shape}"))
        check_not_empty(function, name, array)
    lead = query.shape[:-2]
    if key.shape[:-2] != lead or key.shape[-1] != query.shape[-1]:
        sizes = ", ".join([*map(str, lead), "Lk", str(query.shape[-1])])
        expected = f"({sizes}) as query {query.shape} has it"
        raise ShapeError(sentence(function, "key", expected, f"shape {key.shape}"))
    if value.shape[:-1] != key.shape[:-1]:
        expected = f"({', '.join(map(str, key.shape[:-1]))}, dv), a value for each key"
        raise ShapeError(sentence(function, "value", expected, f"shape {value.shape}"))


def _check_mask(function: str, mask: Array, shape: tuple[int, ...]) -> None:
    """Raise ShapeError unless the mask broadcasts to the scores and leaves them their shape."""
    try:
        fits = mask.ndim <= len(shape) and np.broadcast_shapes(mask.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        expected = f"a shape that broadcasts to {shape}"
        raise ShapeError(sentence(function, "mask", expected, f"shape {mask.shape}"))


@samples(scaled_dot_product_attention)
def _(rng: np.random.Generator) -> Iterator[Call]:
    yield call(*(rng.standard_normal(shape) for shape in [(2, 3, 4), (2, 5, 4), (2, 5, 2)]))
    yield call(*rng.standard_normal((3, 4, 2)), causal=True, scale=0.5)
    allowed = np.array([[True, False, True], [False, False, False]])
    yield call(*(rng.standard_normal(shape) for shape in [(2, 2), (3, 2), (3, 1)]), mask=allowed)


@samples(attend)
def _(rng: np.random.Generator) -> Iterator[Call]:
    parts = [rng.standard_normal(shape) for shape in [(2, 3, 4), (2, 5, 4), (2, 5, 2)]]
    yield call(parts, None, False, 0.5)
    yield call([*parts, rng.standard_normal((3, 5))], None, True, 0.7)
    yield call(parts, rng.random((2, 1, 5)) < 0.5)
