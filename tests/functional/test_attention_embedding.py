"""Attention and embedding against their definitions, row by row; gathering's sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import Tensor, check_gradients
from neural_network.functional.shaping import FEW, scatter_add
from tests.needs import need_fast

RNG = np.random.default_rng(0)
attend = nn.scaled_dot_product_attention
LEADS = [(), (2,), (2, 3)]


def trio(lead: Any, Lq: int = 4, Lk: int = 5, d: int = 3, dv: int = 2) -> Any:
    draw = RNG.standard_normal
    return draw((*lead, Lq, d)), draw((*lead, Lk, d)), draw((*lead, Lk, dv))


def by_hand(Q: Any, K: Any, V: Any, bias: Any, scale: float) -> Any:
    """Query by query; a query whose keys are all forbidden gets zeros."""
    out = np.zeros((*Q.shape[:-1], V.shape[-1]))
    bias = np.broadcast_to(bias, (*Q.shape[:-1], K.shape[-2]))
    for place in np.ndindex(Q.shape[:-1]):
        keys, values = K[place[:-1]], V[place[:-1]]
        seen = [j for j in range(len(keys)) if bias[(*place, j)] > -np.inf]
        shares = [np.exp(scale * Q[place] @ keys[j] + bias[(*place, j)]) for j in seen]
        for j, share in zip(seen, shares, strict=True):
            out[place] += share / sum(shares) * values[j]
    return out


@pytest.mark.parametrize("lead", LEADS)
def test_attention_is_its_definition(lead: Any) -> None:
    Q, K, V = trio(lead)
    np.testing.assert_allclose(attend(Q, K, V), by_hand(Q, K, V, 0.0, 3**-0.5))
    np.testing.assert_allclose(attend(Q, K, V, scale=0.3), by_hand(Q, K, V, 0.0, 0.3))
    check_gradients(attend, [Q, K, V])


@pytest.mark.parametrize("lead", LEADS)
def test_causal_queries_see_no_later_key(lead: Any) -> None:
    for Lq, Lk in ((4, 4), (3, 5), (5, 3)):
        Q, K, V = trio(lead, Lq, Lk)
        bias = np.where(np.arange(Lq)[:, None] >= np.arange(Lk), 0, -np.inf)
        out = attend(Q, K, V, causal=True)
        np.testing.assert_allclose(out, by_hand(Q, K, V, bias, 3**-0.5))
        np.testing.assert_allclose(out[..., 0, :], V[..., 0, :])
        check_gradients(lambda *a: attend(*a, causal=True), [Q, K, V])


@pytest.mark.parametrize("shape", [(4, 5), (1, 5), (4, 1), (2, 1, 1, 5), (3, 4, 5), ()])
def test_masks_broadcast(shape: Any) -> None:
    Q, K, V = trio((2, 3))
    allowed = np.asarray(RNG.random(shape) > 0.3)
    bias = np.where(allowed, 0, -np.inf)
    out = attend(Q, K, V, mask=allowed)
    np.testing.assert_allclose(out, by_hand(Q, K, V, bias, 3**-0.5))
    np.testing.assert_allclose(attend(Q, K, V, mask=bias), out)
    check_gradients(lambda *a: attend(*a, mask=allowed), [Q, K, V])
    weighed = np.asarray(RNG.standard_normal(shape))
    np.testing.assert_allclose(
        attend(Q, K, V, mask=weighed), by_hand(Q, K, V, weighed, 3**-0.5), rtol=1e-6
    )
    check_gradients(lambda q, k, v, m: attend(q, k, v, mask=m), [Q, K, V, weighed])


def test_a_mask_and_causal_both_have_to_allow() -> None:
    Q, K, V = trio((), 4, 4)
    allowed = RNG.random((4, 4)) > 0.3
    np.testing.assert_allclose(
        attend(Q, K, V, mask=allowed, causal=True),
        attend(Q, K, V, mask=allowed & np.tri(4, dtype=bool)),
    )


@pytest.mark.parametrize("kind", ["boolean", "added"])
def test_a_query_that_may_look_at_nothing_gets_zeros_and_no_gradient(kind: str) -> None:
    Q, K, V = trio((2,))
    mask: Any = np.ones((4, 5), bool)
    mask[1] = False
    if kind == "added":
        mask = np.where(mask, 0.5, -np.inf)
    out = attend(Q, K, V, mask=mask)
    np.testing.assert_array_equal(out[:, 1], 0)
    np.testing.assert_allclose(out[:, [0, 2, 3]], attend(Q, K, V)[:, [0, 2, 3]])
    check_gradients(lambda *a: attend(*a, mask=mask), [Q, K, V])
    q = Tensor(Q, requires_grad=True)
    attend(q, K, V, mask=mask).backward(np.ones(out.shape))
    np.testing.assert_array_equal(q.grad[:, 1], 0)


def test_attention_by_hand_and_far_scores() -> None:
    # Scores 0 and log 3: shares ¼ and ¾.
    out = attend([[1.0]], [[0.0], [np.log(3)]], [[4.0], [8.0]])
    np.testing.assert_allclose(out, [[7.0]])
    far = attend(np.full((1, 4), 1e19, "float32"), np.eye(2, 4, dtype="float32"), [[1.0], [2.0]])
    np.testing.assert_allclose(far, [[1.5]])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_attention_keeps_types(dtype: str) -> None:
    Q, K, V = (part.astype(dtype) for part in trio((2,)))
    assert attend(Q, K, V, causal=True).dtype == dtype
    assert attend(Q, K, V, mask=np.zeros((4, 5), dtype)).dtype == dtype
    assert nn.embedding([1], V[0]).dtype == dtype


Q, K, V = trio((2,))


@pytest.mark.parametrize(
    ("error", "match", "call"),
    [
        (nn.ShapeError, r"query: expected \(…, L, d\)", lambda: attend([1.0], K, V)),
        (nn.ShapeError, "key: expected", lambda: attend(Q, [1.0], V)),
        (nn.ShapeError, "query: expected at least one", lambda: attend(Q[:, :0], K, V)),
        (nn.ShapeError, r"key: expected \(2, Lk, 3\)", lambda: attend(Q, K[..., :2], V)),
        (nn.ShapeError, r"key: expected \(2, Lk, 3\)", lambda: attend(Q, K[:1], V[:1])),
        (nn.ShapeError, r"key: expected \(Lk, 3\)", lambda: attend(Q[0], K, V)),
        (nn.ShapeError, r"value: expected \(2, 5, dv\)", lambda: attend(Q, K, V[:, 1:])),
        (nn.ShapeError, "value: expected", lambda: attend(Q, K, V[0])),
        (nn.ShapeError, "mask: expected a shape", lambda: attend(Q, K, V, mask=np.ones((3, 5)))),
        (nn.ShapeError, "mask: expected a", lambda: attend(Q, K, V, mask=np.ones((3, 1, 4, 5), bool))),
        (nn.DTypeError, "mask: expected booleans", lambda: attend(Q, K, V, mask=[[1]])),
        (nn.DTypeError, "causal: ", lambda: attend(Q, K, V, causal=1)),  # type: ignore[arg-type]
        (nn.ArgumentError, "scale: ", lambda: attend(Q, K, V, scale=np.inf)),
        (nn.DTypeError, "key: expected real", lambda: attend(Q, K * 1j, V)),
        (nn.DTypeError, r"indices: expected whole numbers", lambda: nn.embedding([0.0], K[0])),
        (nn.DTypeError, r"indices: expected whole numbers", lambda: nn.embedding([True], K[0])),
        (nn.ArgumentError, r"from 0 to 4, received -1 at \[1\]", lambda: nn.embedding([0, -1], K[0])),
        (nn.ArgumentError, r"received 5 at \[0, 1\]", lambda: nn.embedding([[0, 5]], K[0])),
        (nn.ArgumentError, r"received 9 at \[\]", lambda: nn.embedding(9, K[0])),
        (nn.ShapeError, "weight: expected 2 dim", lambda: nn.embedding([0], K)),
        (nn.DTypeError, "weight: expected real", lambda: nn.embedding([0], [["a"]])),
    ],
)  # fmt: skip
def test_errors_are_sentences(error: Any, match: str, call: Any) -> None:
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (2, 0)])
@pytest.mark.parametrize("dtype", ["int64", "uint8", "int32"])
def test_embedding_looks_up_rows(shape: Any, dtype: str) -> None:
    weight = RNG.standard_normal((6, 3))
    indices = RNG.integers(0, 6, shape, dtype=dtype)
    out = nn.embedding(indices, weight)
    assert out.shape == (*shape, 3)
    np.testing.assert_array_equal(out, weight[indices])
    np.testing.assert_array_equal(nn.embedding(Tensor(indices), Tensor(weight)).data, out)
    assert not np.shares_memory(out, weight)
    check_gradients(lambda W: nn.embedding(indices, W), [weight])


def test_a_row_asked_for_often_gets_all_its_gradients() -> None:
    weight = Tensor(np.ones((3, 2)), requires_grad=True)
    nn.embedding([[2, 0], [2, 2]], weight).backward([[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
    np.testing.assert_array_equal(weight.grad, [[3, 4], [0, 0], [13, 16]])


def test_integers_are_looked_up_as_floats() -> None:
    assert nn.embedding([1], [[1, 2], [3, 4]]).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 3, 64])
def test_rows_of_a_table_are_added_by_a_kernel(size: int, dtype: Any) -> None:
    need_fast()
    rng = np.random.default_rng(size)
    places = rng.integers(0, 9, 500).astype(np.int32)
    memories = rng.standard_normal((500, size)).astype(dtype), np.zeros((500, size), dtype)
    for g in (memories[0], memories[0][::-1], np.asfortranarray(memories[0])):
        with nn.use_kernels("numpy"):
            expected = scatter_add(g, places, 0, 11)
        with nn.use_kernels("numba"):
            found = scatter_add(g, places, 0, 11)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
        exact = np.zeros((11, size))
        np.add.at(exact, places, g)
        np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-4)
    g = memories[1]
    g[3], g[4] = np.nan, np.inf
    g.flags.writeable = False
    with nn.use_kernels("numba"):
        found = scatter_add(g, places, 0, 11)
        assert np.isnan(found[places[3]]).all()
        with pytest.raises(IndexError):
            scatter_add(g, places, 0, 8)


@pytest.mark.parametrize("most", [1, FEW, FEW + 1, 100])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_scattered_slices_are_added(axis: int, most: int) -> None:
    """Both ways of adding, and rows without an index."""
    places = RNG.permutation(np.repeat([5, 0, 3, 2], [1, 2, most, 1]))
    shape = [2, 3, 4]
    shape[axis] = len(places)
    g = RNG.standard_normal(shape)
    expected = np.zeros([7 if i == axis else n for i, n in enumerate(shape)])
    np.add.at(expected, (*(slice(None),) * axis, places), g)
    np.testing.assert_allclose(scatter_add(g, places, axis, 7), expected, atol=1e-13)


def test_bytes_are_compared_with_numbers_that_no_byte_is() -> None:
    # NumPy before 2.2.6 reads beyond the memory of a strided array.
    words = np.arange(256, dtype=np.uint8).reshape(8, 32)[:, ::2]
    for _ in range(20):
        assert nn.embedding(words, np.ones((256, 3))).shape == (8, 16, 3)
        assert nn.one_hot(words[:, 3], 300).sum() == 8
