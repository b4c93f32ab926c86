"""Tensors: the backward pass, gradients that may not be dropped, functions of functions."""

from __future__ import annotations

import gc
import math
import threading
import weakref
from typing import Any, NamedTuple

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import Tensor, debug, grad, jacobian, no_grad, value_and_grad
from neural_network.errors import DroppedGradientError, GradientError
from neural_network.functional.op import gradient, op


def leaf(*numbers: float) -> Tensor:
    return Tensor(np.array(numbers if len(numbers) != 1 else numbers[0]), requires_grad=True)


# --- the backward pass ----------------------------------------------------------


def test_gradients_add_up() -> None:
    x = leaf(1.0, 2.0)
    (x * x + x).sum().backward()
    np.testing.assert_array_equal(x.grad, [3, 5])
    (3 * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [6, 8])


def test_a_diamond_and_a_shared_part_are_walked_once() -> None:
    x = leaf(2.0)
    a = x * x
    (a * a + a).backward()
    assert x.grad == 4 * 8 + 4


@pytest.mark.slow
def test_a_chain_of_100_000_ops() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.backward()
    assert x.grad == 1
    del y
    gc.collect()


def test_only_the_asked_for_is_recorded() -> None:
    x, constant = leaf(1.0), Tensor(2.0)
    assert (constant * 2).node is None
    assert not (constant * 2).requires_grad
    with no_grad():
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad

    @no_grad()
    def quiet() -> Any:
        return x * 2

    assert not quiet().requires_grad
    assert not x.detach().requires_grad


def test_no_grad_is_of_one_thread() -> None:
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append((leaf(1.0) * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_two_leaves_share_no_gradient() -> None:
    a, b = (Tensor(np.ones(3), requires_grad=True) for _ in range(2))
    ((a + b) * 2).sum().backward()  # one array is the gradient of both
    assert a.grad is not None
    a.grad[0] = 7
    np.testing.assert_array_equal(b.grad, [2, 2, 2])


def test_a_gradient_is_ones_own_memory() -> None:
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (a + b).sum().backward()
    a.grad[:] = 99
    np.testing.assert_array_equal(b.grad, [1, 1])


def test_the_record_is_freed_after_the_walk() -> None:
    x = leaf(1.0, 2.0)
    y = np.exp(x)
    loss = (y * y).sum()
    kept = weakref.ref(y)
    del y
    loss.backward()
    with pytest.raises(GradientError, match=r"its record was freed .*retain_graph=True"):
        loss.backward()
    del loss
    gc.collect()
    assert kept() is None
    again = (x * x).sum()
    again.backward(retain_graph=True)
    again.backward()


def test_backward_needs_a_beginning() -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(
        nn.ShapeError,
        match=r"backward: the loss: expected a single number, received shape \(2,\); np.sum",
    ):
        (x * 2).backward()
    with pytest.raises(nn.ShapeError, match=r"expected shape \(2,\), received shape \(3,\)"):
        (x * 2).backward(np.ones(3))
    with pytest.raises(GradientError, match="received one that was not"):
        Tensor([1.0]).backward()
    (x * 2).backward([1.0, 10.0])
    np.testing.assert_array_equal(x.grad, [2, 20])


def test_what_can_be_a_tensor() -> None:
    with pytest.raises(nn.DTypeError, match="Tensor: data: expected real numbers"):
        Tensor(["a"])
    with pytest.raises(nn.DTypeError, match="expected a floating type for a gradient"):
        Tensor([1, 2], requires_grad=True)
    data = np.zeros(2)
    assert Tensor(data).data is data
    assert repr(leaf(1.0, 2.0)) == "Tensor([1., 2.], requires_grad=True)"


# --- what may not be dropped in silence -----------------------------------------


@pytest.mark.parametrize(
    "drop",
    [
        float,
        int,
        math.exp,
        np.asarray,
        lambda t: np.array([t]),
        lambda t: np.array([[t, t]]),
        lambda t: np.add(t, 1, out=np.zeros(())),
    ],
)
def test_dropping_a_gradient_raises_and_names_the_way(drop: Any) -> None:
    with pytest.raises(
        DroppedGradientError, match=r"np\.stack.*t\.item\(\)|t\.item\(\).*np\.stack"
    ):
        drop(leaf(1.0))
    drop(Tensor(1.0))  # without a gradient there is nothing to drop


def test_writing_a_tensor_into_an_array_raises() -> None:
    array = np.zeros(3)
    with pytest.raises(ValueError, match="sequence|gradient") as caught:
        array[0] = leaf(1.0)
    # NumPy puts its own words in front; ours are the cause.
    causes = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert any(isinstance(cause, DroppedGradientError) for cause in causes)
    with pytest.raises(DroppedGradientError, match=r"array\[i\] = tensor"):
        array[:2] = leaf(1.0, 2.0)
    assert not array.any()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (np.fft.fft, "numpy.fft.fft"),
        (np.linalg.qr, "numpy.linalg.qr"),
        (np.unique, "numpy.unique"),
        (np.subtract.accumulate, "numpy.subtract.accumulate"),
        (lambda t: np.nextafter(t, t), "numpy.nextafter"),
        (lambda t: np.sum(t, where=[True]), "numpy.sum: where"),
        (lambda t: np.sum(t, 0, None, np.zeros(())), "numpy.sum: out"),
        (lambda t: np.add(t, t, where=[True]), "numpy.add"),
        (lambda t: np.pad(t, 1, mode="mean"), "numpy.pad"),
        (lambda t: np.median(t, out=np.zeros(())), "numpy.median: out"),
    ],
)
def test_a_function_without_a_rule_is_named(call: Any, name: str) -> None:
    with pytest.raises(DroppedGradientError, match=name.replace(".", r"\.")):
        call(leaf(1.0, 2.0))


def test_an_argument_without_a_gradient_is_named() -> None:
    with pytest.raises(DroppedGradientError, match="var: ddof: .* var has gradients for X, or"):
        np.var(leaf(1.0, 2.0), ddof=leaf(0.0))


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.__iadd__(1),
        lambda t: t.__isub__(1),
        lambda t: t.__imul__(2),
        lambda t: t.__itruediv__(2),
        lambda t: t.__ipow__(2),
        lambda t: t.__setitem__(0, 5.0),
        lambda t: np.add(t, 1, out=t),
        lambda t: t.reshape(2, 1).__setitem__(0, 5.0),
        lambda t: t[1:].__imul__(3),
    ],
)
def test_changing_what_a_walk_needs_raises(change: Any) -> None:
    x = leaf(1.0, 2.0)
    for needed in (Tensor(np.array([3.0, 4.0])), x * 1.0):
        before = needed.data.copy()
        loss = (needed * x * needed).sum()
        with pytest.raises(GradientError, match="in-place change"):
            change(needed)
        np.testing.assert_array_equal(needed.data, before)
        loss.backward()


def test_what_no_walk_needs_may_change() -> None:
    constant = Tensor(np.array([3.0, 4.0]))
    x = leaf(1.0, 2.0)
    loss = (x + constant).sum()  # a sum needs no values
    constant += 1
    constant[0] = 9
    np.add(constant, 1, out=constant)
    np.testing.assert_array_equal(constant.data, [10, 6])
    loss.backward()
    product = (x * constant).sum()
    product.backward()
    constant *= 2  # the backward pass is over
    with no_grad():
        x -= 0.1 * x.grad
    np.testing.assert_allclose(x.data, [1 - 1.1, 2 - 0.7])
    with pytest.raises(DroppedGradientError, match="would not be recorded"):
        x += 1
    with pytest.raises(DroppedGradientError, match="would not be recorded"):
        constant[0] = x[0]


def test_debug_sees_changes_that_went_around_the_tensor() -> None:
    array = np.array([1.0, 2.0])
    with debug():
        loss = (Tensor(array) * leaf(1.0, 2.0)).sum()
        array[0] = 7
        with pytest.raises(GradientError, match="multiply: a was changed after the op had used it"):
            loss.backward()


# --- functions of functions -----------------------------------------------------


def test_grad_of_nested_containers() -> None:
    class Pair(NamedTuple):
        a: Any
        b: Any

    p = {"layers": [Pair(np.ones(2), 3.0)], "x": (np.array([[2.0]]),)}

    def loss(p: Any) -> Any:
        pair = p["layers"][0]
        return np.sum(pair.a * pair.b) * p["x"][0][0, 0]

    value, g = value_and_grad(loss)(p)
    assert value == 12
    assert isinstance(g["layers"][0], Pair)
    np.testing.assert_array_equal(g["layers"][0].a, [6, 6])
    assert g["layers"][0].b == 4
    assert g["x"][0].tolist() == [[6]]


def test_argnums() -> None:
    def f(x, y, z=1.0):
        return x * y * y * z

    assert grad(f, 1)(2.0, 3.0) == 12
    assert grad(f, (0, -1))(2.0, 3.0) == (9, 12)
    assert grad(f)(2.0, 3.0, z=2.0) == 18
    with pytest.raises(
        nn.ShapeError,
        match="argnums: expected places among 2 arguments passed by position, received 2",
    ):
        grad(f, 2)(2.0, 3.0)


def test_higher_derivatives() -> None:
    def f(x):
        return np.sin(x) * x**2

    third = grad(grad(grad(f)))
    x = 0.7
    expected = -np.cos(x) * x**2 - 6 * x * np.sin(x) + 6 * np.cos(x)
    assert third(x) == pytest.approx(expected, rel=1e-12)
    # d/dx of (d/dy x·y² at y = x)
    assert grad(lambda x: grad(lambda y: x * y * y)(x))(3.0) == pytest.approx(12)


def test_hessian_by_jacobian_of_grad() -> None:
    def f(x):
        return np.sum(x**3) + x[0] * x[1]

    hessian = jacobian(grad(f))(np.array([1.0, 2.0]))
    np.testing.assert_allclose(hessian, [[6, 1], [1, 12]])


def test_jacobian_shapes() -> None:
    A = np.random.default_rng(0).standard_normal((2, 3))
    J = jacobian(lambda x: A @ x)(np.ones((3, 4)))
    assert J.shape == (2, 4, 3, 4)
    np.testing.assert_allclose(J[:, 1, :, 1], A)


def test_the_function_must_depend_on_its_argument_and_be_one_number() -> None:
    with pytest.raises(DroppedGradientError, match="the result of the function: expected a number"):
        grad(lambda x: 3.0)(1.0)
    with pytest.raises(DroppedGradientError, match="which does not depend on it"):
        grad(lambda x: x.item() * 2)(1.0)
    with pytest.raises(nn.ShapeError, match=r"expected a single number \(jacobian takes more\)"):
        grad(lambda x: x * 2)(np.ones(2))
    with pytest.raises(nn.DTypeError, match=r"expected floating numbers \(2.0 and not 2\)"):
        grad(lambda x: x * 2)(2)
    g = grad(lambda p: p["used"] * 2.0)({"used": 1.0, "unused": np.ones(2)})
    np.testing.assert_array_equal(g["unused"], [0, 0])


def test_a_users_own_op() -> None:
    @op
    def cube(x: Any) -> Any:
        return x**3

    @gradient(cube, "x")
    def _(g: Any, x: Any) -> Any:
        return g * 3 * x * x

    assert grad(cube)(2.0) == 12
    assert grad(grad(cube))(2.0) == 12
    assert cube(2.0) == 8
    with pytest.raises(
        TypeError,
        match=r"gradient for x: expected a function of g.* received parameters \(g, nonsense\)",
    ):
        gradient(cube, "x")(lambda g, nonsense: g)


# --- three answers to one gradient ----------------------------------------------


def test_the_articles_formulas_in_plain_numpy() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((11, 5)), np.eye(4)[rng.integers(0, 4, 11)]
    p = nn.initial_parameters([5, 7, 4], rng=1, dtype=float)

    def loss(p: Any) -> Any:
        # Typed as the article has it; nothing here depends on tensors.
        Z1 = X @ p["W1"] + p["b1"]
        A1 = np.maximum(0, Z1)
        Z2 = A1 @ p["W2"] + p["b2"]
        shifted = np.exp(Z2 - np.max(Z2, axis=1, keepdims=True))
        A2 = shifted / np.sum(shifted, axis=1, keepdims=True)
        return -np.mean(np.sum(y * np.log(A2 + 1e-15), axis=1))

    tape = grad(loss)(p)
    A1, A2 = nn.forward_mlp(X, **p)
    hand = nn.backward_mlp(X, A1, A2, y, p["W1"], p["W2"], X @ p["W1"] + p["b1"])
    differences = nn.numerical_gradient(X, y, p, lambda out, y: out, lambda X, p: loss(p), h=1e-5)
    for by_hand, name in zip(hand, p, strict=True):
        np.testing.assert_allclose(tape[name], by_hand, atol=1e-12)
        np.testing.assert_allclose(tape[name], differences[name], atol=1e-8)
