"""Differentiation inside differentiation."""

from __future__ import annotations

import copy
import gc
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from neural_network.errors import DroppedGradientError, DTypeError, GradientError

X = np.array([0.3, 1.2, -0.7])
V = np.array([1.0, -2.0, 0.5])


def bumpy(x: Any) -> Any:
    """A number of three, whose second derivatives are no diagonal matrix."""
    return np.sum(np.sin(x) * x**2) + x[0] * x[1] * np.exp(x[2])


def central(f: Callable[[Any], Any], x: Any, step: float = 1e-5) -> Any:
    """The gradient of ``f`` by differences."""
    x = np.asarray(x, float)
    slopes = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        sides = []
        for sign in (1, -1):
            moved = x.copy()
            moved[place] += sign * step
            sides.append(float(f(moved[()])))
        slopes[place] = (sides[0] - sides[1]) / (2 * step)
    return slopes[()]


def network(*layers: nn.Layer, shape: tuple[int, ...] = (3,)) -> nn.Sequential:
    model = nn.Sequential(*(layers or (nn.Dense(5, "tanh"), nn.Dense(1))))
    return model.initialize(shape, rng=0).astype(np.float64)


# --- what is closed over ----------------------------------------------------------------


def test_an_inner_argument_times_an_outer_one() -> None:
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: grad(lambda y: x * y * y)(x), 4 * 3.0),
        (lambda x: grad(lambda y: x**2 * y**3)(1.0), 6 * 3.0),
        (lambda x: x * grad(lambda y: y * grad(lambda z: x * y * z)(y))(x), 6 * 9.0),
        (lambda x: jacobian(lambda y: np.stack([x * y, x * x * y]))(2.0)[1], 2 * 3.0),
        (lambda x: value_and_grad(lambda y: x * y)(2.0)[0], 2.0),
        (lambda x: value_and_grad(lambda y: x * y)(2.0)[1] * x, 2 * 3.0),
        (lambda x: vjp(lambda y: x * y * y, 2.0)[1](x)[0], 8 * 3.0),
        (lambda x: jvp(lambda y: x * y * y, 2.0, x)[1], 8 * 3.0),
        (lambda x: hvp(lambda y: x * y**3, 2.0, x), 24 * 3.0),
        (lambda x: hessian(lambda y: x * x * y**3)(2.0), 24 * 3.0),
        (lambda x: grad(lambda y: 2 * y)(x) * x, 2.0),  # the inner slope does not depend on x
        (lambda x: x * grad(lambda y: y * y)(2.0), 4.0),
    ],
)
def test_closed_over(f: Callable[[Any], Any], expected: float) -> None:
    assert grad(f)(3.0) == pytest.approx(expected, rel=1e-12)


def test_a_slope_that_does_not_depend_on_the_outer_argument_is_0() -> None:
    assert grad(grad(lambda y: 2 * y))(3.0) == 0
    np.testing.assert_array_equal(hessian(lambda x: np.sum(2 * x))(X), np.zeros((3, 3)))
    np.testing.assert_array_equal(hvp(lambda x: np.sum(2 * x), X, V), np.zeros(3))


def test_higher_derivatives() -> None:
    slope = lambda x: x**5  # noqa: E731  # it is differentiated again and again
    for expected in (5 * 2.0**4, 20 * 2.0**3, 60 * 2.0**2, 120 * 2.0, 120.0):
        slope = grad(slope)
        assert slope(2.0) == pytest.approx(expected, rel=1e-12)


def test_a_jacobian_of_a_gradient() -> None:
    second = jacobian(grad(bumpy))(X)
    by_differences = np.stack([central(lambda x, i=i: grad(bumpy)(x)[i], X) for i in range(3)])
    np.testing.assert_allclose(second, by_differences, atol=1e-8)
    np.testing.assert_array_equal(second, hessian(bumpy)(X))


def test_no_grad_inside_the_function_cuts_every_level() -> None:
    def f(x: Any) -> Any:
        with nn.no_grad():
            fixed = x * 2
        return grad(lambda y: fixed * y * x)(1.0)

    assert grad(f)(3.0) == 6  # fixed · x, of which only x counts


# --- values that leave their differentiation -----------------------------------------------------


def test_an_escaped_value() -> None:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        kept.append(x * 2)
        return np.sum(x * x)

    grad(f)(X)
    (escaped,) = kept
    np.testing.assert_array_equal(escaped.data, 2 * X)
    np.testing.assert_array_equal(escaped.detach().data, 2 * X)
    assert escaped.shape == (3,)
    assert repr(escaped).startswith("Tensor([")
    assert escaped.tolist() == (2 * X).tolist()
    with nn.no_grad():
        np.testing.assert_array_equal(np.asarray((escaped + 1).data), 2 * X + 1)
    leaf = nn.Tensor(X, requires_grad=True)
    for use in (
        lambda: escaped + 1,
        lambda: leaf * escaped,
        lambda: grad(lambda y: np.sum(y * escaped))(X),
        lambda: grad(np.sum)(escaped),
    ):
        with pytest.raises(GradientError, match="expected tensors of differentiations that have"):
            use()
    single: list[Any] = []
    grad(lambda x: single.append(x) or x * x)(3.0)
    assert single[0].item() == 3.0
    assert f"{single[0]:.1f}" == "3.0"


def test_an_escaped_value_cannot_be_copied_or_pickled() -> None:
    kept: list[Any] = []
    grad(lambda x: kept.append(x) or x * x)(3.0)
    with pytest.raises(GradientError, match="deepcopy"):
        copy.deepcopy(kept[0])
    with pytest.raises(GradientError, match="cannot leave its process"):
        pickle.dumps(kept[0])


def test_an_exception_inside_ends_the_level() -> None:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        kept.append(x)
        raise KeyError("a user's own")

    with pytest.raises(KeyError):
        grad(f)(3.0)
    with pytest.raises(GradientError, match="have not ended"):
        kept[0] * 2


def test_the_product_of_a_vjp_is_computed_after_its_level_has_ended() -> None:
    def f(x: Any) -> Any:
        _, pull = vjp(lambda y: x * y**3, 2.0)
        return pull(1.0)[0] * pull(x)[0]

    assert grad(f)(3.0) == pytest.approx(12 * 12 * 3 * 3.0**2)


def test_threads_do_not_share_levels() -> None:
    def once(c: float) -> float:
        return float(grad(lambda x: x * grad(lambda y: c * x * y * y)(2.0))(3.0))

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(once, np.arange(200.0)))
    np.testing.assert_allclose(found, 8 * 3 * np.arange(200.0))


@pytest.mark.parametrize("transform", [grad, hessian])
def test_a_copy_of_an_argument_is_the_argument(transform: Any) -> None:
    def f(x: Any) -> Any:
        return np.sum(copy.copy(x) ** 3)

    np.testing.assert_array_equal(transform(f)(X), transform(lambda x: np.sum(x**3))(X))
    product = grad(lambda x: x * grad(lambda y: copy.copy(x) * copy.copy(y))(2.0))
    assert product(3.0) == 6


def test_a_copy_shares_its_memory() -> None:
    def f(x: Any) -> Any:
        copied, y = copy.copy(x), x * x
        with nn.no_grad(), pytest.raises(GradientError, match="in-place change"):
            copied[0] = 100
        return np.sum(y)

    np.testing.assert_array_equal(grad(f)(X), 2 * X)


def test_an_argument_that_is_a_tensor_is_guarded_against_changes() -> None:
    t = nn.Tensor(X.copy())

    def f(x: Any) -> Any:
        y = x * x
        with pytest.raises(GradientError, match="in-place change"):
            t[0] = 100
        return np.sum(y)

    np.testing.assert_array_equal(grad(f)(t), 2 * X)


def test_a_formula_may_differentiate() -> None:
    @nn.op
    def cube(x: Any) -> Any:
        return x**3

    @nn.gradient(cube, "x")
    def _(g: Any, x: Any) -> Any:
        return vjp(lambda x: x**3, x)[1](g)[0]

    t = nn.Tensor(X, requires_grad=True)
    np.sum(cube(t)).backward()
    assert type(t.grad) is np.ndarray
    np.testing.assert_allclose(t.grad, 3 * X**2)
    np.testing.assert_allclose(grad(lambda x: np.sum(cube(x)))(X), 3 * X**2)


# --- beside Tensor.backward ------------------------------------------------------------------


def test_a_backward_pass_after_an_inner_gradient() -> None:
    w = nn.Tensor([1.0, 2.0], requires_grad=True)
    slopes = grad(lambda x: np.sum(w * x * x))(np.array([3.0, 4.0]))
    assert isinstance(slopes, nn.Tensor)
    np.sum(slopes * slopes).backward()
    assert w.grad is not None
    np.testing.assert_array_equal(w.grad, [8 * 9, 8 * 2 * 16])


def test_without_anything_to_differentiate_outside_arrays_come_out() -> None:
    model = network()
    model.freeze()
    assert type(grad(lambda x: np.sum(model(x)))(X[None])) is np.ndarray


def test_a_backward_pass_on_an_inner_value_raises() -> None:
    t = nn.Tensor([2.0], requires_grad=True)

    def f(w: Any) -> Any:
        np.sum(w * t * t).backward()
        return w * w

    with pytest.raises(GradientError, match="backward: expected a tensor that does not depend"):
        grad(f)(3.0)
    assert t.grad is None


def test_a_backward_pass_of_its_own_inside() -> None:
    def f(x: Any) -> Any:
        t = nn.Tensor([2.0], requires_grad=True)
        np.sum(t**3).backward()
        return x * np.sum(t.grad)

    assert grad(f)(3.0) == 12


@pytest.mark.parametrize("mode", ["auto", "numpy"])
def test_a_gradient_penalty_reaches_the_weights(mode: str) -> None:
    model, batch = network(), np.random.default_rng(0).standard_normal((4, 3))

    def penalty() -> Any:
        slopes = grad(lambda x: np.sum(model(x)))(batch)
        return 100 * np.mean((np.sqrt(np.sum(slopes**2, axis=1)) - 1) ** 2)

    with nn.use_kernels(mode):
        penalty().backward()
        weight = model.layers[0].weight
        found = weight.grad.copy()

        def moved(numbers: Any) -> float:
            before = weight.data.copy()
            weight.data = numbers
            result = penalty().item()
            weight.data = before
            return result

        np.testing.assert_allclose(found, central(moved, weight.data), rtol=1e-6, atol=1e-6)


def test_optimizers_refuse_what_is_differentiated_outside() -> None:
    optimizer = nn.SGD(0.1)
    optimizer.start(X.copy())
    buffer = X.copy()

    def f(x: Any) -> Any:
        optimizer.update(buffer, grad(lambda y: np.sum(x * y * y))(X))
        return np.sum(x * buffer)

    with pytest.raises(DTypeError, match="gradients.* received Tensor .*can be differentiated"):
        grad(f)(X)
    np.testing.assert_array_equal(buffer, X)


def test_a_value_that_is_dropped_is_named() -> None:
    with pytest.raises(DroppedGradientError, match="which does not depend on it"):
        grad(lambda x: x.item() * 2)(3.0)


# --- long and many -----------------------------------------------------------------------------


def test_a_long_chain_on_two_levels() -> None:
    def f(x: Any) -> Any:
        for _ in range(5_000):
            x = x * 1.0001
        return x * x

    assert grad(grad(f))(1.0) == pytest.approx(2 * 1.0001**10_000)


def test_many_differentiations_leave_nothing_behind() -> None:
    model = network()

    def once() -> None:
        slopes = grad(lambda x: np.sum(model(x)))(X[None])
        np.sum(slopes**2).backward()
        grad(lambda x: x * hvp(lambda y: x * y**3, 2.0, 1.0))(3.0)
        with pytest.raises(ZeroDivisionError):
            grad(lambda x: x * jvp(lambda y: y / x + 1 // 0, 2.0, 1.0)[1])(3.0)

    gc.disable()  # what is in a cycle would be kept until it runs
    try:
        once()
        before = len(gc.get_objects())
        for _ in range(50):
            once()
        assert len(gc.get_objects()) < before + 50
    finally:
        gc.enable()
