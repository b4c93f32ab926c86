"""The gradient that is given to ``backward``: it may be of any memory, and is not kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neural_network.autograd import Tensor


@pytest.mark.parametrize(
    "op", [lambda t: t.reshape(3, 2), np.transpose, lambda t: t + 0.0, np.positive, lambda t: t]
)
@pytest.mark.parametrize("given", ["own", "view", "reversed", "read-only", "broadcast", "float64"])
def test_a_given_gradient_stays_the_callers(op: Any, given: str) -> None:
    leaf = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    out = op(leaf)
    numbers = np.arange(6, dtype=np.float32).reshape(out.shape).copy()  # owns its memory
    if given == "view":
        numbers = np.concatenate([numbers, numbers])[: len(numbers)]
    elif given == "reversed":
        numbers = numbers[::-1]
    elif given == "read-only":
        numbers.flags.writeable = False
    elif given == "broadcast":
        numbers = np.broadcast_to(numbers[:1], out.shape)
    elif given == "float64":
        numbers = numbers.astype(float)
    before = numbers.copy()
    out.backward(numbers)
    assert leaf.grad is not None
    assert not np.shares_memory(leaf.grad, numbers)
    assert leaf.grad.flags.writeable
    expected = before.T if op is np.transpose else before.reshape(2, 3)
    np.testing.assert_array_equal(leaf.grad, expected)
    leaf.grad += 1
    np.testing.assert_array_equal(numbers, before)
