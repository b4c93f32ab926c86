"""Plain NumPy code on tensors: the same numbers, the right slopes, plain decisions."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import grad
from neural_network.autograd import Tensor, check_gradients
from neural_network.autograd.methods import REFUSED
from neural_network.autograd.protocols import WITHOUT_GRADIENT
from neural_network.errors import DroppedGradientError

X = np.random.default_rng(0).uniform(0.2, 0.9, (3, 4))
Y = np.random.default_rng(1).uniform(0.2, 0.9, (3, 4))
S = X[:, :3] + np.eye(3)

PLAIN: dict[str, Any] = {
    "arithmetic": lambda x: (2 - x) * x / (1 + x) ** 2 - -x + abs(x - 0.5) ** 1.5 + 3**x,
    "array first": lambda x: Y + x - Y * x / Y + Y**x + (Y @ x.T) @ Y,
    "ufuncs": lambda x: np.exp(x) + np.log(x) + np.sqrt(x) + np.sin(x) + np.cos(x) + np.tanh(x)
    + np.square(x) + np.expm1(x) + np.log1p(x) + np.log2(x) + np.log10(x) + np.exp2(x)
    + np.tan(x) + np.reciprocal(x) + np.fabs(x) + np.positive(x) + np.negative(x),
    "two": lambda x: np.maximum(x, Y) + np.minimum(x, 0.5) + np.logaddexp(x, Y) + np.hypot(x, Y)
    + np.float_power(x, 2.0) + np.divide(x, Y) + np.power(x, Y) + np.subtract(Y, x),
    "inverses": lambda x: np.arcsin(x) + np.arccos(x) + np.arctan(x) + np.arcsinh(x) + np.arctanh(x)
    + np.arccosh(1 + x) + np.sinh(x) + np.cosh(x) + np.cbrt(x) + np.sinc(x) + np.conjugate(x)
    + np.deg2rad(x) + np.radians(x) + np.rad2deg(x) + np.degrees(x),
    "pairs": lambda x: np.arctan2(x, Y) + np.logaddexp2(x, Y) + np.fmax(x, Y) + np.fmin(x, Y) + np.fmod(3, x)
    + np.remainder(-3, x) + np.floor_divide(x, Y) + np.copysign(x, -Y) + np.heaviside(x, Y) + np.ldexp(x, 3)
    + np.divmod(3 * x, Y)[1] + np.modf(3 * x)[0] + np.fix(x),
    "flat": lambda x: np.floor(x) + np.ceil(x) + np.rint(x) + np.trunc(x) + np.sign(x) + np.round(x, 1) + x,
    "sums": lambda x: np.sum(x) + np.mean(x, axis=0) + np.var(x, axis=0) + np.std(x, 0, ddof=1)
    + np.max(x, axis=0) + np.min(x) + np.prod(x, axis=0) + np.cumsum(x, axis=1)[:, :4] + np.cumprod(x, axis=1) + np.cumprod(x)[0] + np.prod(x),
    "reduce": lambda x: np.add.reduce(x) + np.maximum.reduce(x, axis=0) + np.minimum.reduce(x),
    "shapes": lambda x: np.reshape(x, (4, 3)).T + np.transpose(x.T).reshape(3, 4)
    + np.swapaxes(x, 0, 1).swapaxes(0, 1) + np.moveaxis(x, 0, 1).T
    + np.squeeze(np.expand_dims(x, 1), 1) + np.ravel(x)[:4] + np.matrix_transpose(x).T,
    "joins": lambda x: np.concatenate([x, Y, x]).sum(0) + np.stack([x, x * 2], axis=1)[:, 1]
    + np.vstack([x[0], x[1]])[0] + np.hstack([x, Y])[:, :4] + np.split(x, 2, axis=1)[1].sum()
    + np.broadcast_to(x[0], (3, 4)) + np.atleast_2d(x[0]),
    "moves": lambda x: np.flip(x, 0) + np.roll(x, 1, axis=1) + np.tile(x, 2)[:, :4]
    + np.repeat(x, 2, axis=0)[:3] + np.take(x, [1, 0, 1], axis=0) + np.sort(x, axis=1)
    + np.pad(x, ((0, 0), (1, 0)))[:, :4] + np.diff(x, axis=1).sum() + np.copy(x),
    "matrices": lambda x: np.dot(x, x.T) + np.matmul(x, x.T) + np.inner(x, Y) + x.T[:3, :3].dot(x[:, :3])
    + np.outer(x[0, :3], x[1, :3]) + np.einsum("ij,kj->ik", x, Y) + np.diagonal(x)[:3]
    + np.trace(x[:, :3]) + np.diag(x[0, :3]) + np.vdot(x, Y) + np.linalg.norm(x, axis=1),
    "choices": lambda x: np.where(x > 0.5, x * x, -x) + np.clip(x, 0.3, 0.8) + x * (x > 0.4),
    "index": lambda x: x[0] + x[:, [0, 0, 1, 1]] + x[x > 0.5].sum() + x[..., None, -1] + x[1, 2],
    "methods": lambda x: x.sum() + x.mean(1, keepdims=True) + x.std(0) + x.var() + x.max(0) + x.min()
    + x.prod(0) + x.cumsum(1) + x.cumprod(0) + x.clip(0.3, 0.8) + x.round(1) + x.ravel()[0] + x.flatten()[1]
    + x.repeat(2, 1)[:, ::2] + x.take([2, 1, 0], axis=0) + x.squeeze() + x.copy() + x.astype("float64")
    + x.trace() + x.diagonal().sum() + x.mT.T + x.compress([True, False, True], 0)[0],
    "loops": lambda x: sum((row * i for i, row in enumerate(x)), start=0.0),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", PLAIN)
def test_plain_numpy_gives_the_same_numbers_and_the_right_slopes(name: str) -> None:
    f = PLAIN[name]
    tensor = f(Tensor(X, requires_grad=True))
    assert isinstance(tensor, Tensor)
    np.testing.assert_allclose(tensor.data, f(X), rtol=1e-12)
    check_gradients(f, [X], tolerance=1e-5)


def test_decisions_are_plain_arrays() -> None:
    t = Tensor(X, requires_grad=True)
    for decided in (t > 0.5, t == Y, t != Y, t <= Y, t > 0.5, np.isnan(t), np.argmax(t, axis=1),
                    np.zeros_like(t), t.argmax(1), t.argsort(), np.isclose(t, X), t > Y):  # fmt: skip
        assert isinstance(decided, np.ndarray)
    assert np.array_equal(t, X)
    assert np.allclose(t, X)
    assert np.shape(t) == (3, 4)
    assert (np.ndim(t), np.size(t), len(t)) == (2, 12, 3)
    assert t.any()
    assert t.all()
    assert t.tolist() == X.tolist()
    assert X[0, 0] in t
    assert bool(t[0, 0])
    assert {t: 1}[t] == 1
    assert len(WITHOUT_GRADIENT) > 50


def test_every_attribute_of_ndarray_answers() -> None:
    t = Tensor(X, requires_grad=True)
    silent = {"imag", "data"}  # imag: tensors are real
    for name in dir(np.ndarray):
        if name.startswith("_") or name in silent:
            continue
        if name in REFUSED:
            with pytest.raises(nn.GradientError, match=f"Tensor.{name}: not for tensors; use"):
                getattr(t, name)
        else:
            assert hasattr(t, name), name
    with pytest.raises(AttributeError, match="no attribute 'gpu'"):
        t.gpu  # noqa: B018


def test_functions_of_the_library_take_tensors() -> None:
    t = Tensor(X.astype("float32"), requires_grad=True)
    for function in (nn.relu, nn.sigmoid, nn.softmax, nn.identity):
        out: Any = function(t)
        assert isinstance(out, Tensor)
        assert out.dtype == np.float32
        np.testing.assert_array_equal(out.data, function(t.data))
    for loss in (
        lambda t: nn.mse_loss(t, X),
        lambda t: nn.cross_entropy(nn.softmax(t), np.eye(4)[:3]),
    ):
        value: Any = loss(t)
        assert isinstance(value, Tensor)
        assert (value.dtype, value.shape) == (np.float32, ())
    penalty, gradients = nn.l2_regularization([t, t], 0.5)
    penalty.backward()
    np.testing.assert_allclose(t.grad, 2 * X, rtol=1e-6)
    np.testing.assert_allclose(gradients[0].data, X, rtol=1e-6)
    dropped: Any = nn.dropout(t, 0.5, rng=0)
    dropped.sum().backward()
    np.testing.assert_allclose(t.grad - 2 * X, dropped.data != 0, atol=1e-6)
    image = np.random.default_rng(2).standard_normal((5, 6))
    kernel = np.random.default_rng(3).standard_normal((3, 2))
    check_gradients(lambda x, k: nn.conv2d(x, k, 2, "same", flip=True), [image, kernel])
    check_gradients(lambda x, k, b: nn.conv2d(x, k, padding=1, bias=b), [image, kernel, np.ones(1)])
    check_gradients(lambda x, k: nn.conv2d(x, k, method="fft"), [image, kernel])


@pytest.mark.parametrize(
    "other", [None, "a", 0.4, [0.4, 0.7, 0.9, 0.2], object(), np.zeros((3, 1))]
)
def test_comparisons_are_those_of_arrays(other: Any) -> None:
    t = Tensor(X, requires_grad=True)
    for compare in (operator.eq, operator.ne, operator.lt, operator.ge):
        try:
            expected = compare(X, other)
        except TypeError:
            with pytest.raises(TypeError, match=r"ufunc '(less|greater)|not supported between"):
                compare(t, other)
        else:
            np.testing.assert_array_equal(compare(t, other), expected)
    with pytest.raises(ValueError, match="broadcast"):
        t == np.zeros(3)  # noqa: B015  # raises


def test_methods_take_what_those_of_arrays_take() -> None:
    a = np.arange(6.0).reshape(2, 3)
    t = Tensor(a, requires_grad=True)
    assert t.item(1, 2) == a.item(1, 2)
    assert t.item(4) == 4
    np.testing.assert_array_equal(t[1].searchsorted([3.5, 9], side="right"), [1, 3])
    assert t.reshape(3, 2, copy=None).shape == (3, 2)
    with pytest.raises(DroppedGradientError, match="reshape: copy: has no rule"):
        t.reshape(3, 2, copy=True)
    for name, use in (("sort", "np.sort"), ("resize", "np.resize"), ("imag", "np.zeros_like")):
        with pytest.raises(DroppedGradientError, match=use):
            getattr(t, name)


NOT_OF_NUMBERS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "^": (lambda x: x ^ 2, r"a power is a \*\* b"),
    "r^": (lambda x: 2 ^ x, r"a power is a \*\* b"),
    "array ^": (lambda x: np.ones(2) ^ x, r"a power is a \*\* b"),
    "^=": (lambda x: operator.ixor(x, 2), r"a power is a \*\* b"),
    "&": (lambda x: (x > 0) & x, r"\(a > 0\) & \(b > 0\)"),
    "r&": (lambda x: 1 & x, r"\(a > 0\) & \(b > 0\)"),
    "|": (lambda x: x | 1, r"\(a > 0\) \| \(b > 0\)"),
    "r|": (lambda x: 1 | x, r"\(a > 0\) \| \(b > 0\)"),
    "<<": (lambda x: x << 1, r"a \* 2\.0\*\*b"),
    "r<<": (lambda x: 1 << x, r"a \* 2\.0\*\*b"),
    ">>": (lambda x: x >> 1, r"np\.floor\(a / 2\.0\*\*b\)"),
    "r>>": (lambda x: 1 >> x, r"np\.floor\(a / 2\.0\*\*b\)"),
    "~": (lambda x: ~x, "the opposite is -a"),
    "place": (lambda x: [1, 2, 3, 4][x], r"a\[int\(t\)\]"),
    "range": (range, r"range\(int\(t\)\)"),
}


@pytest.mark.parametrize("written", NOT_OF_NUMBERS)
@pytest.mark.parametrize("make", [nn.Tensor, lambda v: nn.Tensor(v, requires_grad=True)])
def test_operators_that_are_not_of_floating_numbers(written: str, make: Any) -> None:
    compute, advice = NOT_OF_NUMBERS[written]
    with pytest.raises(nn.DTypeError, match=advice) as raised:
        compute(make(3.0))
    assert isinstance(raised.value, TypeError)
    with pytest.raises(nn.DTypeError, match=advice):
        grad(compute)(3.0)


@pytest.mark.parametrize(
    "compute", [math.sqrt, math.floor, math.ceil, math.trunc, float, int, complex]
)
def test_conversions_to_numbers_of_python(compute: Any) -> None:
    assert compute(nn.Tensor(2.6)) == compute(2.6)
    with pytest.raises(nn.DroppedGradientError, match="would drop the gradient"):
        grad(compute)(2.6)


def test_operators_of_bits_and_rounding() -> None:
    a, b = np.array([1, 6]), np.array([3, 2])
    s, t = nn.Tensor(a), nn.Tensor(b)
    for function in (operator.xor, operator.and_, operator.or_, operator.lshift, operator.rshift):
        for left, right in ((s, t), (s, b), (a, t)):
            np.testing.assert_array_equal(function(left, right), function(a, b))
    np.testing.assert_array_equal(~s, ~a)
    assert (round(nn.Tensor(2.76), 1).item(), round(nn.Tensor(2.76)).item()) == (2.8, 3)
    assert grad(lambda x: x * round(x))(2.6) == 3
    with pytest.raises(ValueError, match=r"np\.delete"):
        del s[0]


def test_a_number_of_numpy_as_data_is_shown() -> None:
    w = nn.Tensor(2.0, requires_grad=True)
    w.data = w.data - 0.5
    assert repr(w) == "Tensor(1.5, requires_grad=True)"
