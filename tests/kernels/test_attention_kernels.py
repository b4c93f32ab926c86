"""The kernels of attention against the NumPy body: values and gradients, masks, memory, NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import Tensor, grad
from neural_network.functional import attention
from neural_network.functional.attention import attend
from tests.needs import need_fast
from tests.processes import output_of
from tests.threads import on_one_and_two_threads

need_fast()

# lead, queries, keys, size of a key, size of a value
SIZES = [
    ((2, 3), 5, 7, 4, 3), ((), 1, 1, 1, 1), ((4,), 70, 65, 16, 8), ((1, 2, 2), 9, 150, 5, 17),
    ((3,), 129, 16, 32, 24), ((2,), 64, 64, 16, 16), ((0, 2), 3, 3, 2, 2),
]  # fmt: skip


def drawn(lead: Any, count: int, keys: int, size: int, outputs: int) -> list[Any]:
    """Queries, keys, values, and a gradient for the result."""
    rng = np.random.default_rng([*lead, count, keys, size])
    shapes = ((count, size), (keys, size), (keys, outputs), (count, outputs))
    return [rng.standard_normal((*lead, *shape)).astype(np.float32) for shape in shapes]


def heads(array: Any) -> Any:
    """The same numbers, the heads of a token side by side in memory, as a network has them."""
    if array.ndim < 3:
        return array
    return np.ascontiguousarray(array.swapaxes(-2, -3)).swapaxes(-2, -3)


def computed(mode: str, arrays: list[Any], g: Any, **options: Any) -> list[Any]:
    """The result, and the gradients for queries, keys and values."""
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    with nn.use_kernels(mode):
        out = nn.scaled_dot_product_attention(*leaves, **options)
        out.backward(g)
    return [out.data, *(leaf.grad for leaf in leaves)]


def compare(arrays: list[Any], g: Any, **options: Any) -> None:
    expected = computed("numpy", arrays, g, **options)
    for actual, desired in zip(computed("numba", arrays, g, **options), expected, strict=True):
        assert actual.shape == desired.shape
        assert actual.dtype == desired.dtype
        np.testing.assert_allclose(actual, desired, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("sizes", SIZES[:-1])
@pytest.mark.parametrize("causal", [False, True])
def test_kernels_equal_numpy(sizes: Any, causal: bool) -> None:
    *arrays, g = drawn(*sizes)
    compare(arrays, g, causal=causal)
    compare([heads(array) for array in arrays], heads(g), causal=causal, scale=0.3)


def test_no_heads() -> None:
    *arrays, _ = drawn(*SIZES[-1])
    with nn.use_kernels("numba"), pytest.raises(nn.ShapeError, match="query: expected at least"):
        nn.scaled_dot_product_attention(*arrays)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", [(70, 65), (1, 65), (70, 1), (3, 1, 65), (2, 3, 70, 65), ()])
def test_masks(shape: Any, causal: bool) -> None:
    *arrays, g = drawn((2, 3), 70, 65, 16, 8)
    rng = np.random.default_rng(3)
    allowed = np.asarray(rng.random(shape) < 0.4)
    compare(arrays, g, causal=causal, mask=allowed)
    added = np.asarray(rng.standard_normal(shape), np.float32)
    compare(arrays, g, causal=causal, mask=added)
    compare(arrays, g, causal=causal, mask=np.where(allowed, added, np.float32(-np.inf)))
    compare(arrays, g, causal=causal, mask=np.asfortranarray(added)[..., ::1])


def test_a_query_that_may_look_at_nothing() -> None:
    *arrays, g = drawn((2,), 9, 12, 4, 8)
    mask = np.ones((9, 12), bool)
    mask[4] = False
    compare(arrays, g, mask=mask)
    assert not computed("numba", arrays, g, mask=mask)[0][:, 4].any()
    with_nan = [array.copy() for array in arrays]
    with_nan[1][0, 3, 0] = np.nan
    compare_places(with_nan, g, mask=mask)


def compare_places(arrays: list[Any], g: Any, **options: Any) -> None:
    """NaN and infinity are where they are in the NumPy body; other numbers agree."""
    expected = computed("numpy", arrays, g, **options)
    for actual, desired in zip(computed("numba", arrays, g, **options), expected, strict=True):
        np.testing.assert_array_equal(np.isnan(actual), np.isnan(desired))
        np.testing.assert_allclose(actual, desired, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("options", [{}, {"causal": True}, {"mask": np.arange(20) < 15}])
def test_nan_and_infinity(value: float, place: int, options: Any) -> None:
    arrays = drawn((2, 2), 10, 20, 8, 5)
    arrays[place][0, 1, 7, 2] = value
    *arrays, g = arrays
    compare_places(arrays, g, **options)


def test_large_scores() -> None:
    *arrays, g = drawn((2,), 9, 12, 4, 8)
    compare([40 * array for array in arrays], g)
    arrays[0] *= np.float32(1e30)
    arrays[1] *= np.float32(1e10)
    compare_places(arrays, g)


@pytest.mark.parametrize(
    "change",
    [
        np.asfortranarray, lambda X: X[..., ::-1].copy()[..., ::-1],
        lambda X: np.repeat(X, 2, axis=-1)[..., ::2], lambda X: X[:, ::-1].copy()[:, ::-1],
        lambda X: np.repeat(X, 2, axis=-2)[..., ::2, :], lambda X: np.broadcast_to(X[:1], X.shape),
        lambda X: np.pad(X, ((0, 0), (0, 0), (1, 2)))[..., 1:-2],
    ],
)  # fmt: skip
def test_memory_of_any_kind(change: Any) -> None:
    *arrays, g = drawn((3,), 11, 13, 8, 8)
    arrays, g = [change(array) for array in arrays], change(g)
    compare(arrays, g)
    for array in arrays:
        array.flags.writeable = False
    compare(arrays, g)


def test_results_lie_as_the_queries_do() -> None:
    *arrays, g = (heads(array) for array in drawn((2, 3), 9, 9, 8, 8))
    for array in computed("numba", arrays, g):
        assert array.swapaxes(1, 2).flags.c_contiguous


def test_arguments_are_not_changed() -> None:
    *arrays, g = drawn((2,), 9, 12, 4, 8)
    mask = np.zeros((9, 12), np.float32)
    before = [array.copy() for array in (*arrays, g, mask)]
    computed("numba", arrays, g, mask=mask)
    for array, copied in zip((*arrays, g, mask), before, strict=True):
        np.testing.assert_array_equal(array, copied)


@pytest.mark.parametrize("mode", ["numpy", "numba"])
def test_only_some_gradients_and_another_pass(mode: str) -> None:
    *arrays, g = drawn((2,), 9, 12, 4, 8)
    everything = computed(mode, arrays, g)
    for wanted in range(3):
        leaves = [Tensor(array, requires_grad=i == wanted) for i, array in enumerate(arrays)]
        with nn.use_kernels(mode):
            out = nn.scaled_dot_product_attention(*leaves)
            out.backward(g, retain_graph=True)
            out.backward(g)
        np.testing.assert_allclose(leaves[wanted].grad, 2 * everything[1 + wanted], rtol=1e-6)
        assert [leaf.grad is None for leaf in leaves].count(False) == 1


@pytest.mark.parametrize("mode", ["numpy", "numba"])
def test_the_mode_may_change_before_the_backward_pass(mode: str) -> None:
    *arrays, g = drawn((2,), 9, 12, 4, 8)
    other = "numpy" if mode == "numba" else "numba"
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    with nn.use_kernels(mode):
        out = nn.scaled_dot_product_attention(*leaves, causal=True)
    with nn.use_kernels(other):
        out.backward(g)
    for leaf, desired in zip(leaves, computed("numpy", arrays, g, causal=True)[1:], strict=True):
        np.testing.assert_allclose(leaf.grad, desired, rtol=1e-4, atol=1e-5)


def test_a_mask_with_a_gradient() -> None:
    *arrays, g = drawn((2,), 9, 12, 4, 8)
    added = np.random.default_rng(5).standard_normal((1, 12)).astype(np.float32)
    found = []
    for mode in ("numpy", "numba"):
        mask = Tensor(added, requires_grad=True)
        with nn.use_kernels(mode):
            nn.scaled_dot_product_attention(*arrays, mask=mask).backward(g)
        found.append(mask.grad)
    np.testing.assert_array_equal(*found)
    assert np.abs(found[0]).max() > 0.1


def test_second_derivatives() -> None:
    *arrays, g = drawn((2,), 9, 12, 4, 8)

    def penalty(query: Any) -> Any:
        slope = grad(lambda q: np.sum(g * nn.scaled_dot_product_attention(q, *arrays[1:])))
        return np.sum(np.square(slope(query)))

    with nn.use_kernels("numpy"):
        expected = grad(penalty)(arrays[0]).data
    with nn.use_kernels("numba"):
        np.testing.assert_allclose(grad(penalty)(arrays[0]).data, expected, rtol=1e-3, atol=1e-4)
    assert np.abs(expected).max() > 0.01


def test_which_body_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    from neural_network.kernels import attention as kernels

    calls: list[str] = []
    for name in ("attended", "attention_gradients"):
        own = getattr(kernels, name)
        monkeypatch.setattr(
            kernels, name, lambda *a, own=own, name=name, **o: [calls.append(name), own(*a, **o)][1]
        )
    for dtype, mode, expected in (
        (np.float32, "numba", ["attended", "attention_gradients"]),
        (np.float64, "numba", []), (np.float32, "numpy", []), (np.float32, "auto", []),
    ):  # fmt: skip
        *arrays, g = (array.astype(dtype) for array in drawn((2,), 9, 12, 4, 8))
        computed(mode, arrays, g)
        assert calls == expected
        calls.clear()
    *arrays, g = drawn((8,), 64, 64, 16, 16)
    computed("auto", arrays, g)
    assert calls == ["attended", "attention_gradients"]


def test_the_op_keeps_weights_for_numpy_alone() -> None:
    *arrays, _ = drawn((2,), 9, 12, 4, 8)
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    with nn.use_kernels("numba"):
        assert attend(leaves).node.values["kept"].value is None
    with nn.use_kernels("numpy"):
        kept = attend(leaves).node.values["kept"].value
    np.testing.assert_array_equal(kept, attention._weights(arrays, None, False, 1.0))


def test_threads_change_no_bit() -> None:
    *arrays, g = (heads(array) for array in drawn((3, 5), 130, 65, 16, 16))

    def flat() -> Any:
        return np.concatenate([one.ravel() for one in computed("numba", arrays, g, causal=True)])

    np.testing.assert_array_equal(*on_one_and_two_threads(flat))


def test_uncompiled() -> None:
    code = """
from tests.kernels.test_attention_kernels import compare, drawn
*arrays, g = drawn((2,), 5, 9, 4, 3)
compare(arrays, g, causal=True, mask=[[True] * 5 + [False] * 4])
"""
    output_of(code, NUMBA_DISABLE_JIT="1")
