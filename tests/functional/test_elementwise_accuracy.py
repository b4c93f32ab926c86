"""Elementary functions, activations and their slopes beside exact ones, from the smallest number to ∞."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import Tensor, check_gradients, grad
from neural_network.autograd.rules.elementwise import UFUNCS
from neural_network.functional import logsumexp
from neural_network.functional.elementwise import EXACT
from neural_network.names import NAMED
from tests.needs import need

try:
    import mpmath  # noqa: F401
except ImportError:
    need(False, "mpmath")
from tests.functional.accuracy import ALLOWED, EXCEPTIONS, excepted, measure, special, units
from tests.functional.exact import CASES, mp

# Ufuncs that are made of the others, or are no functions of single numbers.
NOT_COMPARED = {"divmod", "modf", "ldexp"}


def test_every_ufunc_and_every_activation_is_compared() -> None:
    names = {f.__name__ for f in UFUNCS if f.signature is None}  # not products of vectors
    assert {f.numpy.__name__ for f in CASES.values() if f.numpy} == names - NOT_COMPARED | {"sinc"}
    activations = {name for entry in NAMED["activation"].values() for name in entry.split()}
    known = {name.removeprefix("nn.") for name in CASES}
    assert activations - {"softmax", "log_softmax"} <= known
    assert len(EXCEPTIONS) <= 10


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_values_and_slopes_are_exact_to_four_units(name: str, dtype: Any) -> None:
    for result, worst in measure(CASES[name], dtype, draws=40).items():
        assert worst.compared >= 40
        if not excepted(name, result, dtype):
            assert worst.error <= ALLOWED, f"{name}, {result}: {worst}"


def test_units_are_counted_from_the_last_place() -> None:
    one = mp.mpf(1)
    assert units(np.float64(1), one, one) == 0
    assert units(np.nextafter(np.float64(1), 2), one, one) == 1
    assert units(np.float32(1) + np.float32(2**-22), one, one) == 2
    assert units(np.float64(5e-324), mp.mpf(0), mp.mpf(0)) == 1
    assert units(np.float64(np.inf), mp.mpf(2) ** 1024, mp.mpf(2) ** 1024) == 0
    assert units(np.float64(np.inf), -(mp.mpf(2) ** 1024), mp.mpf(2) ** 1024) > 1e15
    assert units(np.float64(np.nan), one, one) == np.inf
    assert len(special(np.float32)) == 23


# --- places that were wrong once ------------------------------------------------------------------


def at(f: Any, x: Any, dtype: str = "float64") -> tuple[Any, Any]:
    """The value and the slope of a function of single numbers."""
    t = Tensor(np.array(x, dtype), requires_grad=True)
    out = f(t)
    out.backward(np.ones(out.shape, out.dtype))
    assert t.grad is not None
    return out.data, t.grad


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_hypot_neither_overflows_nor_vanishes(size: float) -> None:
    value, by_a = at(lambda a: np.hypot(a, 4 * size), 3 * size)
    np.testing.assert_allclose(value / size, 5, rtol=1e-15)
    np.testing.assert_allclose(by_a, 0.6, rtol=1e-15)
    assert at(lambda a: np.hypot(a, a), 0.0)[1] == 0


def test_the_slope_of_logaddexp_keeps_the_rounding_of_the_difference() -> None:
    a, b = 0.1, 700.3  # a − b is rounded, and the exponential would magnify that
    share = mp.exp(mp.mpf(a)) / (mp.exp(mp.mpf(a)) + mp.exp(mp.mpf(b)))
    found = nn.grad(lambda a: np.logaddexp(a, b))(a)
    assert units(found, share, share) <= ALLOWED


@pytest.mark.parametrize("join", [np.logaddexp, np.logaddexp2])
@pytest.mark.parametrize("size", [1e20, -1e20, 1e308])
def test_logaddexp_of_large_equal_numbers(join: Any, size: float) -> None:
    assert at(lambda a: join(a, size), size)[1] == 0.5


def test_logsumexp_of_large_equal_numbers() -> None:
    assert at(logsumexp, [1e20, 1e20])[1].tolist() == [0.5, 0.5]
    assert at(logsumexp, [-np.inf, -np.inf])[1].tolist() == [0, 0]


def test_norm_and_std_have_the_slope_0_at_0() -> None:
    for f in (np.linalg.norm, np.std, lambda t: t.std(), lambda t: np.linalg.norm(t[None], axis=1)):
        value, by_x = at(f, [0.0, 0.0, 0.0])
        assert not np.any(value)
        assert by_x.tolist() == [0, 0, 0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_quotient_by_a_small_number(dtype: str) -> None:
    small = np.array(1e-30, dtype)
    by_b = at(lambda b: np.array(1e-30, dtype) / b, small, dtype)[1]
    np.testing.assert_allclose(by_b, -1e30, rtol=1e-6)


def test_slopes_far_out_are_small_and_not_0() -> None:
    for f in (nn.elu, np.expm1, nn.sigmoid, nn.softplus):
        np.testing.assert_allclose(at(f, -20.0, "float32")[1], 2.0611537e-9, rtol=1e-6)
    np.testing.assert_allclose(at(np.tanh, 20.0, "float32")[1], 4 * np.exp(-40.0), rtol=1e-6)
    np.testing.assert_allclose(at(nn.sigmoid, 40.0)[1], np.exp(-40.0), rtol=1e-15)
    np.testing.assert_allclose(at(nn.gelu, -10.0)[0], -7.61985302416047e-23, rtol=1e-14)


def test_powers_of_0() -> None:
    exponents = np.array([0.0, 0.5, 1.0, 2.0])
    np.testing.assert_array_equal(at(lambda b: 0.0**b, exponents)[1], 0)
    with np.errstate(divide="ignore"):  # NumPy warns of 1 / 0
        assert at(lambda b: np.power(0.0, b), -1.0)[1] == -np.inf
    assert at(lambda a: a ** np.array(exponents), np.zeros(4))[1].tolist() == [0, np.inf, 1, 0]
    # 1 less is rounded to an even number.
    for dtype, exponent in [("float16", 32752), ("float32", 2 * EXACT), ("float64", 2**54)]:
        b = np.array(exponent, dtype)
        assert at(lambda a, b=b: a**b, -1.0, dtype)[1] == -exponent
        with np.errstate(over="ignore"):  # as NumPy does
            assert at(lambda a, b=b: a**b, -2.0, dtype)[1] == -np.inf
        assert at(lambda a, n=exponent: a**n, -1.0, dtype)[1] == -exponent
    assert at(lambda a: np.float_power(a, np.float16(4100)), -1.0, "float16")[1] == -4100


def test_sinc_at_0_has_derivatives() -> None:
    check_gradients(np.sinc, [np.array([0.0, 0.1, -0.25, 1.0])])
    check_gradients(lambda x: np.sinc(x) * grad(np.sinc)(x), [np.asarray(0.0)])
    np.testing.assert_allclose(grad(grad(np.sinc))(0.0), -(np.pi**2) / 3, rtol=1e-14)


ACTIVATIONS = sorted({name.removeprefix("nn.") for name in CASES if not CASES[name].numpy and
                      hasattr(nn, name.removeprefix("nn."))} - {"erf"})  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_have_their_limits_at_both_ends(name: str) -> None:
    below, slope_below = at(getattr(nn, name), -np.inf)
    above, slope_above = at(getattr(nn, name), np.inf)
    ends = {"tanh": (-1, 1), "sigmoid": (0, 1), "elu": (-1, np.inf)}
    low, high = ends.get(name, (-np.inf if name in ("identity", "leaky_relu") else 0, np.inf))
    assert (below, above) == (low, high)
    assert slope_above == (0 if high == 1 else 1)
    assert slope_below == {"identity": 1, "leaky_relu": 0.01}.get(name, 0)
    assert np.isnan(at(getattr(nn, name), np.nan)[0])


def test_a_leaky_relu_without_a_leak_is_relu() -> None:
    assert at(lambda z: nn.leaky_relu(z, 0.0), [-np.inf, -1.0, 2.0])[0].tolist() == [0, 0, 2]
    with np.errstate(all="raise"):
        assert nn.leaky_relu([1e308], 100.0) == [1e308]


def test_fmax_and_fmin_pass_the_gradient_to_the_number() -> None:
    for f in (np.fmax, np.fmin):
        assert at(lambda a, f=f: f(a, np.nan), 2.0) == (2, 1)
        assert at(lambda a, f=f: f(a, 1.0), np.nan) == (1, 0)


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")
def test_the_parts_of_a_quotient_and_of_a_number() -> None:
    x = np.array([-7.5, 7.5, np.inf])
    for ours, theirs in zip(np.modf(Tensor(x)), np.modf(x), strict=True):
        np.testing.assert_array_equal(ours.data, theirs)
    for ours, theirs in zip(np.divmod(Tensor(x[:2]), 2.0), np.divmod(x[:2], 2.0), strict=True):
        np.testing.assert_array_equal(ours.data, theirs)
    np.testing.assert_array_equal(np.fix(Tensor(x)).data, np.fix(x))
    for refused in (np.nextafter, np.spacing, np.frexp):
        with pytest.raises(nn.GradientError, match="has no rule for tensors"):
            refused(*[Tensor(x)] * refused.nin)


def test_types_are_numpys() -> None:
    for name, case in CASES.items():
        if case.numpy:
            for dtype in ("float16", "float32", "float64", "int8", "int64"):
                plain = [np.ones(2, dtype)] * case.arguments
                with np.errstate(divide="ignore"):  # arctanh(1)
                    out = case.function(*[Tensor(a) for a in plain])
                    assert out.dtype == case.function(*plain).dtype, (name, dtype)
