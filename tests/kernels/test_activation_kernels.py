"""The kernels of activation functions beside the library's own functions in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests import needs
from tests.kernels.test_cache import finish, start

kernels = needs.kernels("activations")

# The word of a kernel, its option, and the function.
CASES: list[tuple[str, float, Callable[[Any], Any]]] = [
    ("sigmoid", 0.0, nn.sigmoid),
    ("tanh", 0.0, nn.tanh),
    ("leaky_relu", 0.01, nn.leaky_relu),
    ("leaky_relu", -1.5, lambda Z: nn.leaky_relu(Z, -1.5)),
    ("elu", 1.0, nn.elu),
    ("elu", 0.3, lambda Z: nn.elu(Z, 0.3)),
    ("silu", 0.0, nn.silu),
    ("gelu", 0.0, nn.gelu),
]
SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-30], np.float32)


def computed(word: str, option: float, Z: Any, G: Any) -> tuple[Any, Any]:
    """Return the values and the gradients by the kernels."""
    kind, options = kernels.KINDS[word], np.array([option], np.float32)
    out, grad = np.full_like(Z, 7), np.full_like(Z, 7)
    kernels.activate(kind, options, Z, out)
    kernels.activate_backward(kind, options, Z, G, grad)
    return out, grad


def expected(function: Callable[[Any], Any], Z: Any, G: Any) -> tuple[Any, Any]:
    """Return the values and the gradients by the function, in float64."""
    z = nn.Tensor(Z.astype(float), requires_grad=True)
    out = function(z)
    out.backward(G.astype(float))
    return out.data, z.grad


def compare(word: str, option: float, function: Callable[[Any], Any], Z: Any) -> None:
    G = np.random.default_rng(len(Z)).standard_normal(len(Z)).astype(np.float32)
    for found, exact in zip(computed(word, option, Z, G), expected(function, Z, G), strict=True):
        np.testing.assert_allclose(found, exact, rtol=2e-6, atol=1.2e-6)


@pytest.mark.parametrize(("word", "option", "function"), CASES, ids=lambda case: str(case)[:12])
def test_they_equal_the_functions(word: str, option: float, function: Any) -> None:
    rng = np.random.default_rng(0)
    for scale, length in ((1, 5000), (10, 9001), (100, 33), (3, 1), (0.001, 8191)):
        compare(word, option, function, (scale * rng.standard_normal(length)).astype(np.float32))
    compare(word, option, function, np.linspace(-100, 100, 20001).astype(np.float32))


@pytest.mark.parametrize(("word", "option", "function"), CASES, ids=lambda case: str(case)[:12])
def test_what_is_not_finite_or_very_large(word: str, option: float, function: Any) -> None:
    # Beside others, so that vectors and single numbers are computed.
    for before in (0, 13, 31):
        Z = np.concatenate([np.ones(before, np.float32), SPECIAL])
        G = np.ones_like(Z)
        with np.errstate(all="ignore"):
            exact = [a.astype(np.float32) for a in expected(function, Z, G)]
        for found, desired in zip(computed(word, option, Z, G), exact, strict=True):
            np.testing.assert_allclose(found, desired, rtol=1e-6, atol=1e-6)


PLAIN = """
import numpy as np
from tests.kernels.test_activation_kernels import CASES, compare
for case in CASES:
    compare(*case, np.linspace(-20, 20, 4100).astype(np.float32))
"""


def test_their_bodies_compute_the_same() -> None:
    finish(start(PLAIN, NUMBA_DISABLE_JIT="1"))
