"""The checker finds mistakes, on layers too; what it refuses; a tensor as text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import Tensor, check_gradients
from neural_network.errors import DTypeError, GradientError, ShapeError
from neural_network.functional.op import gradient, op


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
    with pytest.raises(
        DTypeError, match=r"inputs: expected a list of the arguments of f, such as \[X\]"
    ):
        check_gradients(np.exp, np.ones(3))  # type: ignore[arg-type]  # that is the test
    with pytest.raises(DTypeError, match="inputs: expected at least one float64 array"):
        check_gradients(np.exp, [np.ones(3, "float32")])


def test_tensors_and_parameters_are_inputs_as_arrays_are() -> None:
    layer = nn.Dense(3).initialize((4,), rng=0)
    layer.astype("float64")
    before = layer.weight.data.copy()
    inputs: list[Any] = [layer.weight, {"b": nn.Tensor([1.0, 2.0, 3.0])}]
    check_gradients(lambda W, p: np.tanh(np.ones((2, 4)) @ W + p["b"]), inputs)
    assert np.array_equal(layer.weight.data, before)
    assert layer.weight.grad is None

    @op
    def double(a: Any, b: Any) -> Any:
        return 2 * a + b

    gradient(double, "a")(lambda g: g)
    gradient(double, "b")(lambda g: g)
    with pytest.raises(GradientError, match="check_gradients: a at"):
        check_gradients(double, [nn.Tensor([1.0]), np.ones(1)])


def test_the_checker_finds_planted_mistakes() -> None:
    x = np.random.default_rng(0).standard_normal((3, 4))

    def planted(formula: Any) -> Any:
        @op
        def f(a: Any) -> Any:
            e = np.exp(a)
            return e / e.sum(axis=-1, keepdims=True)

        gradient(f, "a")(formula)
        return f

    check_gradients(
        planted(lambda g, out: out * (g - np.sum(g * out, axis=-1, keepdims=True))), [x]
    )
    mistakes = [
        lambda g, out: g * 0,  # right for a gradient of ones: the slopes of a softmax add up to 0
        lambda g, out: out * (g - np.sum(g, axis=-1, keepdims=True)),
        lambda g, out: out * (g - np.sum(g * out, axis=0, keepdims=True)),
        lambda g, out: -out * (g - np.sum(g * out, axis=-1, keepdims=True)),
        lambda g, out: g * out,
        lambda g, out: 1.001 * out * (g - np.sum(g * out, axis=-1, keepdims=True)),
    ]
    for mistake in mistakes:
        with pytest.raises(
            GradientError, match=r"check_gradients: a at \[\d, \d\]: .* by differences"
        ):
            check_gradients(planted(mistake), [x])
    with pytest.raises(GradientError, match=r"f: gradient for a: expected shape \(3, 4\)"):
        check_gradients(planted(lambda g, out: g.sum(axis=0)), [x])
    with pytest.raises(GradientError, match="expected a recorded tensor"):
        check_gradients(lambda a: a.data, [x])
