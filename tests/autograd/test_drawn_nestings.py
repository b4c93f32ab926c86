"""A thousand drawn functions with differentiations inside differentiations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neural_network import grad, jacobian, jvp
from tests.autograd.test_nesting import central

UNARY = (np.sin, np.tanh, np.exp, np.square, lambda a: 1.0 / (2.0 + a * a), np.cos)
BINARY = (np.add, np.subtract, np.multiply, lambda a, b: a / (1.5 + b * b))


def drawn(rng: np.random.Generator, names: int, depth: int, levels: int) -> Callable[..., Any]:
    """Return a function of ``names`` numbers, with differentiations inside it."""
    choice = rng.integers(4) if depth else 0
    if levels and (choice == 3 or not depth):
        inner = drawn(rng, names + 1, max(depth - 1, 1), levels - 1)
        point = drawn(rng, names, 0, 0)
        kind = rng.integers(3)

        def differentiated(*args: Any) -> Any:
            def f(y: Any) -> Any:
                return inner(*args, y) * y

            at = np.tanh(point(*args))
            if kind == 0:
                return grad(f)(at)
            if kind == 1:
                return jacobian(f)(at)
            return jvp(f, at, 1.0)[1]

        return differentiated
    if choice == 0:
        which = int(rng.integers(names))
        return lambda *args: args[which]
    if choice == 1:
        f, g = UNARY[rng.integers(len(UNARY))], drawn(rng, names, depth - 1, levels)
        return lambda *args: f(np.tanh(g(*args)))
    f, left, right = (
        BINARY[rng.integers(len(BINARY))],
        drawn(rng, names, depth - 1, levels),
        drawn(rng, names, depth - 1, 0),
    )
    return lambda *args: f(left(*args), right(*args))


@pytest.mark.parametrize("block", range(10))
def test_drawn_nestings_of_three_levels(block: int) -> None:
    for seed in range(100 * block, 100 * (block + 1)):
        rng = np.random.default_rng(seed)
        inner = drawn(rng, 1, 3, 2)
        x = float(rng.uniform(-1, 1))

        def f(x: Any, inner: Any = inner) -> Any:
            return inner(x) * x

        expected = central(f, x)
        found = grad(f)(x)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6, err_msg=str(seed))
