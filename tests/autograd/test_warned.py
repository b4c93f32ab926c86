"""What NumPy warns of inside a differentiation names the caller's line."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import grad

LARGE = np.full(3, 3e38, np.float32)
# What is computed → what NumPy says of it.
WARNED: dict[str, tuple[Callable[[], Any], str]] = {
    "a function": (lambda: grad(np.sqrt)(-1.0), "invalid value encountered in sqrt"),
    "a power": (lambda: grad(lambda x: x**4)(1e200), "overflow encountered in power"),
    "a quotient": (
        lambda: nn.value_and_grad(lambda x: np.sum(1 / x))(np.zeros(2)),
        "divide by zero encountered in divide",
    ),
    "a sum": (lambda: grad(lambda x: np.sum(np.sum(x)))(LARGE), "overflow encountered in sum"),
    "a product": (
        lambda: grad(lambda x: np.sum(x @ x))(np.full((2, 2), 1e200)),
        "overflow encountered in matmul",
    ),
    "numbers of the caller's": (
        lambda: grad(lambda x: x * np.sum(LARGE * np.float32(10)))(1.0),
        "overflow encountered",
    ),
    "a matrix of slopes": (lambda: nn.jacobian(np.log)(np.zeros(2)), "divide by zero encountered"),
    "a tape": (
        lambda: nn.explain_gradient(lambda x: np.sum(np.log(x)), np.array([0.0, 1.0])),
        "divide by zero encountered in log",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WARNED)
def test_warnings_of_numpy_name_the_callers_line(name: str) -> None:
    call, text = WARNED[name]
    with pytest.warns(RuntimeWarning, match=text) as found:
        call()
    lines, first = inspect.getsourcelines(call)
    for one in found:
        assert one.filename == __file__
        assert first - 2 <= one.lineno < first + len(lines)


def test_what_the_caller_has_asked_numpy_for_stays() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(all="ignore"):
            assert np.isnan(grad(np.sqrt)(-1.0))
    with np.errstate(all="raise"), pytest.raises(FloatingPointError, match="divide by zero"):
        grad(np.log)(0.0)
    before = np.geterr(), np.geterrcall()
    grad(np.sin)(1.0)
    assert (np.geterr(), np.geterrcall()) == before
