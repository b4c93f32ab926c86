"""The transforms: products with derivatives, their arguments, results and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import Tensor, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from neural_network.errors import DroppedGradientError, DTypeError, GradientError, ShapeError
from tests.autograd.test_nesting import V, X, bumpy

# --- products with the Jacobian and the second derivatives ------------------------------------


def test_products() -> None:
    f = lambda x: np.stack([x[0] * x[1], np.sin(x[2]), np.sum(x**2), 1.0 * x[0]])  # noqa: E731
    J = jacobian(f)(X)
    value, pull = vjp(f, X)
    np.testing.assert_array_equal(value, f(X))
    for cotangent in np.random.default_rng(0).standard_normal((3, 4)):  # it can be called often
        np.testing.assert_allclose(pull(cotangent)[0], cotangent @ J, rtol=1e-12)
    value, slope = jvp(f, (X,), (V,))
    np.testing.assert_array_equal(value, f(X))
    np.testing.assert_allclose(slope, J @ V, rtol=1e-12)
    np.testing.assert_allclose(hvp(bumpy, X, V), hessian(bumpy)(X) @ V, rtol=1e-12)


def test_products_of_nested_arguments_and_results() -> None:
    def f(p: Any, c: Any) -> Any:
        return {"a": p["w"] * c, "b": (np.sum(p["w"]), 2.0), "c": [c]}

    p, c, t = {"w": X}, 2.0, {"w": V}
    value, pull = vjp(f, p, c)
    np.testing.assert_array_equal(value["a"], 2 * X)
    assert value["b"][1] == 2.0
    for_p, for_c = pull({"a": V, "b": (3.0, 7.0), "c": [1.0]})
    np.testing.assert_array_equal(for_p["w"], 2 * V + 3)
    assert for_c == pytest.approx(V @ X + 1)
    _, slope = jvp(f, (p, c), (t, 1.0))
    np.testing.assert_allclose(slope["a"], 2 * V + X)
    assert slope["b"] == (pytest.approx(V.sum()), 0.0)
    assert slope["c"] == [1.0]
    for_p, for_c = hvp(lambda p, c: np.sum(p["w"] ** 2) * c**2, (p, c), (t, 1.0))
    np.testing.assert_allclose(for_p["w"], 2 * V * 4 + 2 * X * 2 * 2)
    assert for_c == pytest.approx(2 * X @ V * 2 * c + 2 * X @ X)


def test_types_follow_the_arguments() -> None:
    x = X.astype(np.float32)
    for result in (
        hvp(bumpy, x, V), hessian(bumpy)(x), jvp(np.sin, x, V)[1], vjp(np.sin, x)[1](V)[0],
    ):  # fmt: skip
        assert result.dtype == np.float32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jvp(np.sin, X, V[:2]), r"jvp: tangents: expected shape \(3,\), received .*\(2,\)"),
        (lambda: jvp(np.sin, (X,), (V, V)), r"jvp: tangents: expected the form"),
        (lambda: hvp(bumpy, (X,), V), r"hvp: tangents: expected the form"),
        (lambda: vjp(lambda x: {"a": x}, X)[1]({"a": X, "b": X}), r"vjp: cotangent: .*the form"),
        (lambda: vjp(np.sin, X)[1](V[:2]), r"vjp: cotangent: expected shape \(3,\)"),
        (lambda: vjp(lambda x: {"a": x}, X)[1](V), r"vjp: cotangent: expected the form"),
        (lambda: hvp(np.sin, X, V), r"expected a single number"),
        (lambda: vjp(lambda: 3.0), r"vjp: primals: expected at least one argument"),
        (lambda: jvp(lambda: 3.0, (), ()), r"jvp: primals: expected at least one argument"),
        (lambda: hvp(lambda: 3.0, [], []), r"hvp: primals: expected at least one argument"),
        (lambda: hessian(bumpy)([1.0, 2.0]), r"hessian: the argument: expected an array.* list"),
        (lambda: hessian(bumpy, 1)(X), r"hessian: argnums: expected places among 1"),
        (lambda: grad(lambda x: (x, x))(2.0), r"expected a single number or array.*tuple of 2"),
        (lambda: jacobian(lambda x: [x])(2.0), r"expected a single number or array.*list of 1"),
        (lambda: grad(bumpy)(()), r"the argument: expected at least one.*empty tuple"),
        (lambda: grad(bumpy)({}), r"the argument: expected at least one.*empty dict"),
        (grad(bumpy), r"argnums: expected places among 0 arguments"),
    ],
)
def test_what_does_not_fit(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        call()


def test_text_and_integers_are_refused() -> None:
    with pytest.raises(DTypeError, match="vjp: the argument: expected floating numbers"):
        vjp(np.sin, 3)
    with pytest.raises(DTypeError, match="jvp: tangents: expected real numbers"):
        jvp(np.sin, 3.0, "a")


@pytest.mark.parametrize("transform", [grad, jacobian, hessian, value_and_grad])
def test_no_grad_is_named(transform: Any) -> None:
    expected = f"^{transform.__name__}: expected .* no_grad"
    with nn.no_grad(), pytest.raises(GradientError, match=expected):
        transform(bumpy)(X)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hessian(bumpy)(np.array([1, 2, 3])), "^hessian: the argument: .* dtype int64"),
        (lambda: hvp(bumpy, np.array([1, 2, 3]), V), "^hvp: the argument: .* dtype int64"),
        (lambda: grad(bumpy)({"w": X, "b": None}), r"dtype object \(a NoneType\)"),
        (lambda: grad(3.0), "^grad: f: expected a function, received 3.0"),  # type: ignore[arg-type]
        (lambda: value_and_grad(None), "^value_and_grad: f: expected a function"),  # type: ignore[arg-type]
        (lambda: jacobian(np.sum(X)), "^jacobian: f: expected a function"),
        (lambda: hessian(np.sum(X)), "^hessian: f: expected a function"),
        (lambda: vjp(X, X), "^vjp: f: expected a function"),  # type: ignore[arg-type]
        (lambda: jvp(X, X, X), "^jvp: f: expected a function"),  # type: ignore[arg-type]
        (lambda: hvp(X, X, X), "^hvp: f: expected a function"),  # type: ignore[arg-type]
    ],
)
def test_an_error_names_the_transform_that_was_called(
    call: Callable[[], Any], message: str
) -> None:
    with pytest.raises(DTypeError, match=message):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda many: grad(lambda x: many)(2.0),
        lambda many: grad(bumpy, many)(X),
        grad,
        lambda many: hvp(bumpy, (X,), (many, many, many)),
        lambda many: vjp(lambda x: {"a": x}, X)[1]({"b": many}),
    ],
)
def test_errors_are_short(call: Callable[[Any], Any]) -> None:
    with pytest.raises((DroppedGradientError, ValueError), match="expected") as raised:
        call(np.arange(900.0))
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("argnums", [None, "x", 1.0, (), [0, "x"]])
def test_argnums_of_a_wrong_kind(argnums: Any) -> None:
    """It is said at once, and not when the function that is returned is called."""
    with pytest.raises(DTypeError, match="grad: argnums: expected the place of an argument"):
        grad(bumpy, argnums)


@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian])
@pytest.mark.parametrize("place", [3.0, 3, np.array([1.0, 2.0]), Tensor(3.0)])
def test_the_argument_is_not_passed_beside_the_function(transform: Any, place: Any) -> None:
    name = transform.__name__
    with pytest.raises(nn.NeuralNetworkError, match=rf"{name}: argnums: .*{name}\(f\)\(3.0\)"):
        transform(lambda x: x**2, place)


def test_argnums_of_every_kind_of_integer() -> None:
    f = lambda a, b: np.sum(a * b)  # noqa: E731  # called in three ways
    np.testing.assert_array_equal(grad(f, np.int64(1))(X, V), X)  # type: ignore[arg-type]
    np.testing.assert_array_equal(grad(f, [0, -1])(X, V), [V, X])
    with pytest.raises(DTypeError, match="hessian: argnums: expected the place of one argument"):
        hessian(f, (0, 1))(X, V)
    with pytest.raises(ShapeError, match="argnums: .* arguments passed by position"):
        grad(f)(a=X, b=V)


def test_results_share_memory_with_nothing() -> None:
    for f in (lambda x: x, lambda x: x + 1, np.exp):
        x, v = X.copy(), V.copy()
        value, pull = vjp(f, x)
        expected = pull(v)[0].copy()
        for result in (pull(v)[0], *jvp(f, x, v), value):
            assert not np.shares_memory(result, x)
            assert not np.shares_memory(result, v)
        value[...] = x[...] = 100.0  # neither is read again
        np.testing.assert_array_equal(pull(v)[0], expected)
        leaf = nn.Tensor(X, requires_grad=True)
        f(leaf).backward(v)
        assert not np.shares_memory(leaf.grad, v)
    one = np.ones(1)
    assert not np.shares_memory(value_and_grad(lambda x: x)(one)[0], one)


def test_derivatives_of_single_numbers_are_numbers() -> None:
    for transform in (grad, jacobian, hessian):
        assert type(transform(lambda x: x**3)(2.0)) is np.float64
