"""Steps of gradient descent by hand, and what is said where they go wrong."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest

from neural_network import DroppedGradientError, GradientError, Tensor, TrainingHint, no_grad


def test_a_parameter_changed_in_place_is_told_how() -> None:
    w = Tensor(np.ones(3), requires_grad=True)
    loss = (w * w).sum()
    with pytest.raises(
        GradientError, match=r"call backward\(\) first, then step inside no_grad\(\)"
    ):
        w -= 1.0
    loss.backward()
    with pytest.raises(
        DroppedGradientError, match=r"step inside no_grad\(\): with nn.no_grad\(\): w -="
    ):
        w -= 0.1 * w.grad
    with no_grad():
        w -= 0.1 * w.grad
    result = Tensor(np.ones(3), requires_grad=True) * 1.0
    with pytest.raises(DroppedGradientError, match=r"would not be recorded; write t = t \+ …"):
        result -= 1.0


def test_a_look_at_the_gradient_of_a_result_gets_a_word() -> None:
    w = Tensor(np.ones(3), requires_grad=True)
    (w * w).sum().backward()
    w = w - 0.1 * w.grad  # the trap
    (w * w).sum().backward()
    with pytest.warns(TrainingHint, match=r"Tensor.grad: .*leaves only.*w -= 0\.1 \* w\.grad"):
        assert w.grad is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        leaf = Tensor(np.ones(3), requires_grad=True)
        assert leaf.grad is Tensor(np.ones(3)).grad is None
        result = copy.copy(leaf * 2)
        repr(result)
        dir(result)
        result.grad = None
        assert result.grad is None


def test_a_part_that_two_losses_share_is_detached_in_one() -> None:
    w = Tensor(np.ones(3), requires_grad=True)
    fake = w * 2.0
    (fake**2).sum().backward()
    with pytest.raises(GradientError, match=r"the first takes t\.detach\(\), as D\(fake\.detach"):
        fake.sum().backward()
    fake = w * 2.0
    (fake.detach() * w).sum().backward()
    fake.sum().backward()
