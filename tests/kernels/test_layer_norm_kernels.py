"""The kernels of layer norm against the NumPy body: values and gradients, memory, NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import Tensor, grad
from neural_network.functional.normalization.sample_norms import normalize_rows
from tests.needs import need_fast
from tests.processes import output_of
from tests.threads import on_one_and_two_threads

need_fast()

# The shape of X, and how many of its last axes are normalized.
SHAPES = [((1, 1), 1), ((5, 3), 1), ((70, 33), 1), ((4,), 1), ((2, 3, 40, 64), 1), ((9, 5, 7), 2),
          ((3, 4, 5), 3)]  # fmt: skip


def drawn(shape: Any, count: int, dtype: Any = np.float32) -> list[Any]:
    """X, γ, β, and a gradient for the result."""
    rng = np.random.default_rng([*shape, count])
    sizes = shape[len(shape) - count :]
    X, g = rng.standard_normal((2, *shape))
    return [array.astype(dtype) for array in (3 * X + 1, *rng.standard_normal((2, *sizes)), g)]


def computed(mode: str, arrays: list[Any], g: Any, epsilon: float = 1e-5) -> list[Any]:
    """The result, and the gradients for X, γ and β."""
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    axes = tuple(range(-arrays[1].ndim, 0))
    with nn.use_kernels(mode):
        out = nn.layer_norm(*leaves, axes=axes, epsilon=epsilon)
        out.backward(g)
    return [out.data, *(leaf.grad for leaf in leaves)]


def compare(arrays: list[Any], g: Any, tolerance: float = 1e-4, **options: Any) -> None:
    expected = computed("numpy", arrays, g, **options)
    for actual, desired in zip(computed("numba", arrays, g, **options), expected, strict=True):
        assert actual.shape == desired.shape
        assert actual.dtype == desired.dtype
        np.testing.assert_array_equal(np.isnan(actual), np.isnan(desired))
        np.testing.assert_allclose(actual, desired, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("shape", "count"), SHAPES)
def test_kernels_equal_numpy(shape: Any, count: int) -> None:
    *arrays, g = drawn(shape, count)
    compare(arrays, g)
    compare(arrays, g, epsilon=0.5)
    *arrays, g = drawn(shape, count, np.float64)
    compare(arrays, g, tolerance=1e-10)


@pytest.mark.parametrize("mode", ["numpy", "numba"])
@pytest.mark.parametrize(("shape", "count"), SHAPES[1:])
def test_it_is_its_formula(mode: str, shape: Any, count: int) -> None:
    X, gamma, beta, _ = drawn(shape, count, np.float64)
    axes = tuple(range(-count, 0))
    mean = X.mean(axes, keepdims=True)
    expected = gamma * (X - mean) / np.sqrt(X.var(axes, keepdims=True) + 0.1) + beta
    with nn.use_kernels(mode):
        found = nn.layer_norm(X, gamma, beta, axes=axes, epsilon=0.1)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
        without = nn.layer_norm(X, None, beta, axes=axes, epsilon=0.1)
        np.testing.assert_allclose(without, (expected - beta) / gamma + beta, rtol=1e-8, atol=1e-9)


def test_a_large_mean_costs_no_digits() -> None:
    *arrays, g = drawn((40, 64), 1)
    arrays[0] += np.float32(1e4)
    exact = [array.astype(np.float64) for array in arrays]
    for mode in ("numpy", "numba"):
        found = computed(mode, arrays, g)[0]
        np.testing.assert_allclose(found, computed("numpy", exact, g)[0], rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", range(4))
def test_nan_and_infinity(value: float, place: int) -> None:
    arrays = drawn((6, 40), 1)
    arrays[place][..., 7] = value
    *arrays, g = arrays
    compare(arrays, g)


@pytest.mark.parametrize(
    "change",
    [
        np.asfortranarray, lambda X: X[..., ::-1].copy()[..., ::-1],
        lambda X: np.repeat(X, 2, axis=-1)[..., ::2], lambda X: np.broadcast_to(X[:1], X.shape),
        lambda X: np.ascontiguousarray(X.swapaxes(0, 1)).swapaxes(0, 1),
    ],
)  # fmt: skip
def test_memory_of_any_kind(change: Any) -> None:
    X, gamma, beta, g = drawn((3, 11, 13), 1)
    for array in (gamma, beta):
        array.flags.writeable = False
    before = [array.copy() for array in (X, gamma, beta, g)]
    compare([change(X), gamma, beta], change(g))
    for array, copied in zip((X, gamma, beta, g), before, strict=True):
        np.testing.assert_array_equal(array, copied)


@pytest.mark.parametrize("mode", ["numpy", "numba"])
def test_no_row(mode: str) -> None:
    with nn.use_kernels(mode), pytest.raises(nn.ShapeError, match="layer_norm: X: expected at"):
        nn.layer_norm(np.zeros((0, 4), np.float32), np.ones(4), np.ones(4))


@pytest.mark.parametrize("mode", ["numpy", "numba"])
def test_only_some_gradients_and_another_pass(mode: str) -> None:
    *arrays, g = drawn((9, 12), 1)
    everything = computed(mode, arrays, g)
    for wanted in range(3):
        leaves = [Tensor(array, requires_grad=i == wanted) for i, array in enumerate(arrays)]
        with nn.use_kernels(mode):
            out = nn.layer_norm(*leaves)
            out.backward(g, retain_graph=True)
            out.backward(g)
        np.testing.assert_allclose(leaves[wanted].grad, 2 * everything[1 + wanted], rtol=1e-6)
        assert [leaf.grad is None for leaf in leaves].count(False) == 1


@pytest.mark.parametrize("mode", ["numpy", "numba"])
def test_the_mode_may_change_before_the_backward_pass(mode: str) -> None:
    *arrays, g = drawn((9, 12), 1)
    other = "numpy" if mode == "numba" else "numba"
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    with nn.use_kernels(mode):
        out = normalize_rows(leaves, 1e-5)
    assert (out.node.values["kept"].value is None) == (mode == "numba")
    with nn.use_kernels(other):
        out.backward(g)
    for leaf, desired in zip(leaves, computed("numpy", arrays, g)[1:], strict=True):
        np.testing.assert_allclose(leaf.grad, desired, rtol=1e-4, atol=1e-5)


def test_second_derivatives() -> None:
    X, gamma, beta, g = drawn((9, 12), 1)

    def penalty(X: Any) -> Any:
        slope = grad(lambda x: np.sum(g * nn.layer_norm(x, gamma, beta)))
        return np.sum(np.square(slope(X)))

    with nn.use_kernels("numpy"):
        expected = grad(penalty)(X).data
    with nn.use_kernels("numba"):
        np.testing.assert_allclose(grad(penalty)(X).data, expected, rtol=1e-3, atol=1e-4)
    assert np.abs(expected).max() > 0.01


def test_threads_change_no_bit() -> None:
    *arrays, g = drawn((7, 100, 64), 1)

    def flat() -> Any:
        return np.concatenate([one.ravel() for one in computed("numba", arrays, g)])

    np.testing.assert_array_equal(*on_one_and_two_threads(flat))


def test_uncompiled() -> None:
    code = """
from tests.kernels.test_layer_norm_kernels import compare, drawn
*arrays, g = drawn((4, 5), 1)
compare(arrays, g)
"""
    output_of(code, NUMBA_DISABLE_JIT="1")
