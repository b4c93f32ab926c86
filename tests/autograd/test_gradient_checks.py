"""The checker on layers, what it refuses, and a tensor as text."""

from __future__ import annotations

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import Tensor, check_gradients
from neural_network.errors import DTypeError, ShapeError


def test_a_single_number_can_be_written_as_text() -> None:
    loss = Tensor([1.0, 2.0], requires_grad=True).sum()
    assert f"{loss:.2f}" == "3.00"
    assert f"{loss}" == repr(loss)
    with pytest.raises(ShapeError, match=r"format: tensor: expected a single number .* \(2,\)"):
        format(Tensor([1.0, 2.0]), ".2f")


def test_layers_are_checked_in_the_precision_of_the_input() -> None:
    check_gradients(nn.Dense(3).initialize((4,), rng=0), [np.ones((2, 4))])
    check_gradients(nn.Conv2D(3).initialize((1, 5, 5), rng=0), [np.ones((1, 1, 5, 5))])


def test_the_checker_wants_a_list_with_a_float64_array() -> None:
    with pytest.raises(DTypeError, match="inputs: expected a list of the arguments of f, received"):
        check_gradients(np.exp, np.ones(3))  # type: ignore[arg-type]  # that is the test
    with pytest.raises(DTypeError, match="inputs: expected at least one float64 array"):
        check_gradients(np.exp, [np.ones(3, "float32")])
