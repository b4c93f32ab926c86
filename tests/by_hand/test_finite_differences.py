"""The gradient of a function of one array by differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (1, 2, 2), (0,)])
def test_it_is_the_gradient_of_the_tape(shape: tuple[int, ...]) -> None:
    weights, x = RNG.normal(size=shape), RNG.normal(size=shape)

    def f(x: Any) -> Any:
        return (np.sin(x) * weights).sum() + (x**2).sum()

    before = x.copy()
    found = nn.finite_differences(f, x)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_allclose(found, nn.grad(f)(x), rtol=1e-6, atol=1e-7)
    assert np.shape(found) == shape
    assert isinstance(found, np.ndarray if shape else float)


def test_it_is_numerical_gradient() -> None:
    W = RNG.normal(size=(4, 2))
    X, y = RNG.normal(size=(5, 4)), RNG.normal(size=(5, 2))
    by_name = nn.numerical_gradient(X, y, {"W": W}, nn.mse_loss, lambda X, p: X @ p["W"])["W"]
    found = nn.finite_differences(lambda W: nn.mse_loss(X @ W, y), W)
    np.testing.assert_array_equal(found, by_name)


def test_what_is_given_is_not_changed_and_may_be_of_many_kinds() -> None:
    for x in ([1, -2], (1.0, -2.0), np.array([1, -2]), np.float32([1, -2]), nn.Tensor([1.0, -2])):
        np.testing.assert_allclose(nn.finite_differences(lambda w: (w * w).sum(), x), [2, -4])
    frozen = np.ones(2)
    frozen.flags.writeable = False

    def writes(w: Any) -> Any:
        w *= 3
        return w.sum()

    np.testing.assert_allclose(nn.finite_differences(writes, frozen), [3, 3])
    np.testing.assert_array_equal(frozen, [1, 1])
    assert nn.finite_differences(np.exp, 0) == pytest.approx(1)


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((np.ones(2), np.sum), nn.DTypeError, "f: expected a function"),
        ((lambda w: w, np.ones(2)), nn.DTypeError, r"f: expected a result of one number, received"),
        ((np.sum, ["a"]), nn.DTypeError, "x: expected real numbers"),
        ((np.sum, np.ones(2), 0), nn.ArgumentError, "h: expected a finite number above 0"),
        ((np.sum, np.ones(2), -1e-3), nn.ArgumentError, "h: expected a finite number above 0"),
        ((np.sum, np.ones(2), 1e-30), nn.ArgumentError, r"large enough to change x\[0\] = 1\.0"),
        ((np.exp, 1.0, 1e-30), nn.ArgumentError, r"large enough to change x = 1\.0 \(float64\)"),
        ((lambda w: "a", np.ones(2)), nn.NeuralNetworkError, "finite_differences: f"),
    ],
)
def test_what_is_refused(arguments: Any, error: Any, match: str) -> None:
    with pytest.raises(error, match=match) as caught:
        nn.finite_differences(*arguments)
    assert str(caught.value).startswith("finite_differences: ")
