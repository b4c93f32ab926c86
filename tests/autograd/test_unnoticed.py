"""Wherever a tensor stands in an argument, it has its gradient, or the call raises."""

from __future__ import annotations

import copy
import math
import operator
import statistics
from array import array
from collections import UserList, deque
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import grad
from neural_network.autograd import Tensor, check_gradients
from neural_network.errors import (
    DroppedGradientError,
    DTypeError,
    GradientError,
    NeuralNetworkError,
)
from neural_network.functional.op import gradient, op

A = np.array([0.5, 1.5])
X = np.array([0.4, 0.7])


class Foreign:
    """An array of another library."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array([5.0, 6.0])


# Functions of x, (2,), and s, a number; all of them have slopes.
RECORDED: dict[str, Any] = {
    "a list as operand": lambda x, s: x * [x[0], x[1]] + [x[1], s] * x + [1, 2] * x,
    "rows of a list": lambda x, s: x - [[x[0], 1], [2, x[1]]],
    "a tuple": lambda x, s: x / (x[0], s) - (1, s),
    "a list in a product": lambda x, s: [[x[0], s], [1, x[1]]] @ x @ [x, [s, 1]],
    "a list of arrays": lambda x, s: x * [A * s, x],
    "concatenate": lambda x, s: np.concatenate([x, [x[0] * 10], [s, 2.0]]),
    "concatenate rows": lambda x, s: np.concatenate([x[None], [[s, x[1]], (1, s)]], axis=0),
    "stack": lambda x, s: np.stack([x, [x[0] * s, 1.0], A]),
    "vstack and hstack": lambda x, s: np.vstack([x, [s, s]]) * np.hstack([x, [s], s])[:2],
    "dot": lambda x, s: np.dot(x, [1, 2]) + np.dot([x[0], s], x) + x.dot([s, s]),
    "inner, outer, vdot": lambda x, s: np.inner(x, [s, 2]) + np.outer([s, 1], x) + np.vdot(x, [s, s]),
    "einsum": lambda x, s: np.einsum("i,i", x, [x[0], s]) + np.einsum(x, [0], [s, s], [1], [1, 0]),
    "where": lambda x, s: np.where([True, False], [x[1], 2.0], x * s),
    "a condition": lambda x, s: np.where(x > 0.5, x, s) + np.where(x, x, s),
    "maximum": lambda x, s: np.maximum(x, [s, 0.1]) + np.minimum([s, s], x),
    "clip": lambda x, s: np.clip(x, 0.5, [s, 0.6]) + np.clip(A, x, s) + x.clip(s, 0.9),
    "full_like": lambda x, s: np.full_like(x, s) + np.full_like(x, [s, x[1]]),
    "pad": lambda x, s: np.pad(x, (1, 2), constant_values=s),
    "diff": lambda x, s: np.diff(x, prepend=s, append=[s, x[0]]) + np.diff(A, append=s)[0],
    "comparisons": lambda x, s: x * (x < [s, 1.0]) + s * (x < A) + x * (x != [s, 1]),
    "index": lambda x, s: x[Tensor([1, 0, 1])] * s + x[[Tensor(0), 1, 1]] + x[Tensor(1) :],
    "another library": lambda x, s: x * Foreign() + Foreign() / x + np.stack([x, Foreign()]) * s,
    "objects": lambda x, s: np.frompyfunc(lambda v: v * s, 1, 1)(A).sum() + x,
    "fromfunction": lambda x, s: np.fromfunction(lambda i: i * s, (2,)) + x,
    "functions of Python": lambda x, s: sum(x) + max(x) * min([s, 2 * s]) + sorted(x)[1] + abs(-x)
    + pow(x, 2) + math.prod([s, s]) + sum([s * 2, x[1]], start=s),
    "loops": lambda x, s: sum(a * b for a, b in zip(x, reversed(x), strict=True)) * list(x)[1] + s,
    "operators": lambda x, s: operator.mul(x, s) + operator.neg(x) + operator.truediv(s, x),
    "accumulate": lambda x, s: np.add.accumulate(x) * s + np.multiply.accumulate(x),
    "activations": lambda x, s: nn.relu([x[0], s]) + nn.softmax([[x[0], s]]) + nn.gelu((s, x[1])),
    "losses": lambda x, s: nn.mse_loss([x[0], 1.0], [s, 2.0])
    + nn.cross_entropy([[x[0], 1 - x[0]]], [[0, 1]]) + nn.binary_cross_entropy([s], [1]),
    "conv2d": lambda x, s: nn.conv2d([[x[0], x[1]], [1.0, s]], [[s]]),
    "pooling": lambda x, s: nn.max_pool([[x[0], x[1]], [s, 0.0]]) + nn.normalize([x, [s, 1], [2, 3]]),
    "choose and select": lambda x, s: np.choose([0, 1], [x, A]) * s
    + np.select([A > 5, A > 4], [x * [x[0], s], s], default=s),
    "append and insert": lambda x, s: np.append(x, [s, x[0]])[2:] * np.insert(x, 1, [s])[:2],
    "interp": lambda x, s: np.interp(x, [0.0, s, 2.0], [1.0, x[0], s], left=s),
    "statistics": lambda x, s: np.average(x, weights=[s, x[1]]) + np.quantile(x, [0.3, s]),
    "linear algebra": lambda x, s: np.linalg.solve([[2.0, s], [x[0], 3.0]], x)
    + np.linalg.multi_dot([x, [[s, 1.0], [x[1], 2.0]]]) + np.cross([s, 1, 2], np.append(x, 1.0))[:2],
    "other sequences": lambda x, s: np.dot(x, deque([1.0, 2.0])) + UserList([3, 4]) @ x * s
    + np.einsum("i,i", x, range(2)) + np.interp(s, array("d", [0, 1]), x) + np.inner(x, (3, 4)),
    "methods of arrays": lambda x, s: A.clip(x, 2.0) * A.clip(s, s + 1) + A.clip(max=s),
    "outer": lambda x, s: np.subtract.outer(x, [s, x[1], 2.0]) + np.multiply.outer(x, np.ones(3))
    + np.maximum.outer(2 * x, s)[:, None],
    "an axis that is an array": lambda x, s: np.sum(x, axis=np.array(0)) + np.std(x, np.array(-1))
    + np.max(x[None], axis=Tensor(1)) + np.cumsum(x, np.array(0)) * s,
    "a copy": lambda x, s: x * 2 + copy.copy(x * s),
    "perceptron": lambda x, s: nn.forward_perceptron([[x[0]], [s]], [[x[1]]], [0.1]),
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDED)
def test_a_tensor_anywhere_has_its_gradient(name: str) -> None:
    f = RECORDED[name]
    check_gradients(f, [X, np.array(0.55)])

    def loss(both: Any) -> Any:
        return np.sum(f(*both) ** 2)

    slopes = grad(loss)([X, 0.55])
    tensors = [Tensor(X, requires_grad=True), Tensor(0.55, requires_grad=True)]
    loss(tensors).backward()
    for slope, tensor in zip(slopes, tensors, strict=True):
        np.testing.assert_allclose(
            slope, np.zeros(np.shape(slope)) if tensor.grad is None else tensor.grad
        )


def into(change: Any) -> Any:
    """A function that changes an array, which has to stay as it was where that raises."""

    def call(x: Any, s: Any) -> None:
        array = np.zeros(2)
        try:
            change(array, x, s)
        finally:
            assert not array.any()

    return call


REFUSED: dict[str, Any] = {
    "lists alone": lambda x, s: np.concatenate([[s], [s]]),
    "lists alone in a ufunc": lambda x, s: np.maximum([s, s], 0),
    "array": lambda x, s: np.array([s, 1.0]),
    "array of arrays": lambda x, s: np.array([[1.0, 2.0], x]),
    "array of objects": lambda x, s: np.array([x, x], dtype=object),
    "Tensor": lambda x, s: Tensor(x),
    "Tensor of a list": lambda x, s: Tensor([1.0, s]),
    "full": lambda x, s: np.full(2, s),
    "full with a type": lambda x, s: np.full(2, s, float),
    "full_like of an array": lambda x, s: np.full_like(A, s),
    "pad of an array": lambda x, s: np.pad(A, 1, constant_values=s),
    "nan_to_num": lambda x, s: np.nan_to_num(A, nan=s),
    "select": lambda x, s: np.select([A > 5], [A], default=s),
    "where=": lambda x, s: np.add(A, A, where=x),
    "where= of a sum": lambda x, s: np.sum(x, where=x),
    "initial=": lambda x, s: np.sum(x, initial=s),
    "out=": lambda x, s: np.add(x, 1, out=np.zeros(2)),
    "out= of a sum": lambda x, s: np.sum(x, out=np.zeros(())),
    "out= in its place": lambda x, s: np.sum(x, 0, None, np.zeros(())),
    "mean=": lambda x, s: np.std(A, mean=s),
    "ddof": lambda x, s: np.var(x, ddof=s),
    "order of a norm": lambda x, s: np.linalg.norm(A, s + 2),
    "a masked array": lambda x, s: x * np.ma.array(A, mask=[True, False]),
    "a masked array first": lambda x, s: np.ma.array(A, mask=[True, False]) * x,
    "a masked array among others": lambda x, s: np.concatenate([x, np.ma.array(A)]),
    "a masked array in a list": lambda x, s: x * [np.ma.array(A, mask=[True, False]), x],
    "a matrix": lambda x, s: x * A.view(np.matrix),
    "a matrix first": lambda x, s: A.view(np.matrix) * x,
    "a matrix in a product": lambda x, s: x @ np.eye(2).view(np.matrix),
    "a recarray": lambda x, s: x + A.view(np.recarray),
    "integers": lambda x, s: x.astype(int) * 2.0,
    "booleans": lambda x, s: x.astype(bool),
    "np.astype": lambda x, s: np.astype(x, np.int32),
    "a sum of integers": lambda x, s: np.sum(x, dtype=int),
    "complex numbers": lambda x, s: x * 1j,
    "a complex type": lambda x, s: x.astype(complex),
    "a fraction": lambda x, s: x * Fraction(1, 2),
    "an array of objects": lambda x, s: x * np.array([1.0, 2.0], object),
    "tensors in an array of objects": lambda x, s: x * np.frompyfunc(lambda v: v * s, 1, 1)(A),
    "durations": lambda x, s: x * np.timedelta64(3, "s"),
    "an index": lambda x, s: A[x],
    "a += x": into(lambda a, x, s: operator.iadd(a, x)),
    "a *= x": into(lambda a, x, s: operator.imul(a, x)),
    "a @= x": into(lambda a, x, s: np.matmul(x, np.eye(2), out=a)),
    "a[:] = x": into(lambda a, x, s: operator.setitem(a, slice(None), x)),
    "a[:] = [s, 1]": into(lambda a, x, s: operator.setitem(a, slice(None), [s, 1])),
    "copyto": into(lambda a, x, s: np.copyto(a, x)),
    "copyto by name": into(lambda a, x, s: np.copyto(src=x, dst=a)),
    "put": into(lambda a, x, s: np.put(a, [0], s)),
    "place": into(lambda a, x, s: np.place(a, [True, False], [s])),
    "putmask": into(lambda a, x, s: np.putmask(a, [True, False], x)),
    "put_along_axis": into(lambda a, x, s: np.put_along_axis(a, np.array([0]), s, 0)),
    "fill_diagonal": lambda x, s: np.fill_diagonal(np.zeros((2, 2)), s),
    "flat": into(lambda a, x, s: operator.setitem(a.flat, slice(None), x)),
    "add.at": into(lambda a, x, s: np.add.at(a, [0], s)),
    "add.at of a tensor": lambda x, s: np.add.at(x, [0], 1.0),
    "vectorize": lambda x, s: np.vectorize(lambda v: v * s)(A),
    "vectorize of a tensor": lambda x, s: np.vectorize(lambda v: v * 2)(x),
    "apply_along_axis": lambda x, s: np.apply_along_axis(lambda v: v * s, 0, A),
    "frompyfunc": lambda x, s: np.frompyfunc(lambda v: v * 2, 1, 1)(x),
    "piecewise": lambda x, s: np.piecewise(A, [A > 0], [lambda v: v * s]),
    "r_": lambda x, s: np.r_[x, x],
    "c_": lambda x, s: np.c_[x, A],
    "arange": lambda x, s: np.arange(s),
    "mgrid": lambda x, s: np.mgrid[0:s:1],
    "random": lambda x, s: np.random.default_rng(0).normal(s, 1),
    "probabilities": lambda x, s: np.random.default_rng(0).choice(2, p=x),
    "tostring": lambda x, s: x.tobytes(),
    "math": lambda x, s: math.exp(s) + math.hypot(s, 1),
    "fsum": lambda x, s: math.fsum([s, s]),
    "fmean": lambda x, s: statistics.fmean(x),
    "float": lambda x, s: [*map(float, x)],
    "complex": lambda x, s: complex(s),
    "text": lambda x, s: "%f" % s,  # noqa: UP031  # converts it
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_or_the_call_raises(name: str) -> None:
    x, s = Tensor(X, requires_grad=True), Tensor(0.55, requires_grad=True)
    with pytest.raises(
        (DroppedGradientError, DTypeError), match=r"gradient|expected|use |in-place"
    ) as caught:
        REFUSED[name](x, s)
    assert len(str(caught.value)) > 30
    # Of a differentiation by grad, too.
    with pytest.raises(NeuralNetworkError):
        grad(lambda both: REFUSED[name](*both))([X, 0.55])


@pytest.mark.parametrize(
    "call",
    [
        lambda s: operator.setitem(np.zeros(2), 0, s),
        lambda s: np.zeros(2).fill(s),
        lambda s: np.fromiter([s], float),
        lambda s: np.sum(A, initial=s),
        lambda s: np.max(A, initial=s),
    ],
)
def test_where_numpy_raises_an_error_of_its_own(call: Any) -> None:
    """Ours is the cause of it."""
    with pytest.raises(ValueError, match="set") as caught:
        call(Tensor(0.55, requires_grad=True))
    causes = [caught.value.__cause__, caught.value.__context__]
    assert any(isinstance(cause, DroppedGradientError) for cause in causes)
    with pytest.raises(ValueError, match="Error setting single item"):
        np.zeros(2).flat[0] = Tensor(0.55, requires_grad=True)
    call(Tensor(0.55))  # without a gradient there is nothing to drop


def test_the_errors_of_full_and_of_joining_show_what_to_use() -> None:
    x = Tensor(X, requires_grad=True)
    for call in (lambda: np.full(2, x[0]), lambda: np.r_[x, x], lambda: np.array([x, x])):
        with pytest.raises(DroppedGradientError) as caught:
            call()
        for use in ("np.stack", "np.concatenate", "np.full_like(x, …)", "np.broadcast_to"):
            assert use in str(caught.value)
        assert len(str(caught.value)) <= 500
    assert (
        grad(lambda x: np.broadcast_to(x[0], (3,)).sum() + np.full_like(x, x[1]).sum())(X)[0] == 3
    )


def test_a_copy_inside_a_differentiation_is_its_argument() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(copy.copy(x) ** 2))(X), 2 * X)
    with pytest.raises(GradientError, match="deepcopy: expected a leaf"):
        grad(lambda x: np.sum(copy.deepcopy(x) ** 2))(X)


def test_predict_refuses_what_it_would_drop() -> None:
    model = nn.Dense(1).initialize((2,), rng=0)
    for X_ in (lambda x: x[None], lambda x: [x, x], lambda x: [[x[0], 1.0]]):
        with pytest.raises(DroppedGradientError, match="predict: X: expected an array"):
            grad(lambda x, X_=X_: np.sum(x) * np.sum(model.predict(X_(x))))(X)
    np.testing.assert_array_equal(model.predict([Tensor(X), X]), model.predict([X, X]))


def test_what_requires_no_gradient_may_be_written() -> None:
    t, a = Tensor(X), np.zeros(2)
    np.copyto(a, t)
    np.testing.assert_array_equal(a, X)
    np.put(a, [0], Tensor(3.0))
    np.add.at(a, [1, 1], t)
    a += t
    np.add(a, t, out=a)
    np.testing.assert_allclose(a, [3 + 2 * X[0], X[1] * 3 + X.sum()])
    b = Tensor(np.zeros(2))
    np.copyto(b, t)
    np.add.at(b, [0], 1.0)
    b //= Tensor([0.5, 0.5])
    b %= [2, 2]
    np.testing.assert_allclose(b.data, (X + np.array([1, 0])) // 0.5 % 2)
    b @= np.eye(2)
    assert t.astype(int).dtype == int
    assert isinstance(np.full_like(t, 3.0), np.ndarray)
    assert np.array_equal(np.where(t)[0], [0, 1])


def test_an_op_takes_a_list_as_it_is_annotated() -> None:
    @op
    def total(arrays: list[Any]) -> Any:
        assert isinstance(arrays, list)
        return sum(arrays)

    @gradient(total, "arrays")
    def _(g: Any, arrays: Any) -> Any:
        return [g] * len(arrays)

    @op
    def cube(x: Any) -> Any:
        return x**3

    @gradient(cube, "x")
    def _(g: Any, x: Any) -> Any:
        return g * 3 * x**2

    check_gradients(lambda x: total([x, [x[0], 2.0]]) * cube([x[0], [x[1]][0]]), [X])


def test_lists_of_tensors_of_several_levels() -> None:
    def outer(x: Any) -> Any:
        def inner(y: Any) -> Any:
            return np.sum(np.concatenate([y * x, [x * y[0] ** 2, x]]) ** 2) + np.sum(y * [x, y[1]])

        return np.sum(grad(inner)(X))

    def by_hand(x: Any) -> Any:  # of Σ (xy)² + x²y₀⁴ + x² + y₀x + y₁²
        return 2 * x * x * X.sum() + 4 * x * x * X[0] ** 3 + x + 2 * X[1]

    np.testing.assert_allclose(outer(0.3), by_hand(0.3))
    np.testing.assert_allclose(grad(outer)(0.3), grad(by_hand)(0.3))


def test_a_number_of_its_own_type_widens_the_result() -> None:
    t = Tensor(np.float32(1.5), requires_grad=True)
    for out, expected in [
        (t * np.float64(2), "float64"),
        (t * 2.0, "float32"),
        ([1] * t, "float64"),
    ]:
        assert out.dtype == expected
