"""``explain_gradient``: the tape of a function, by the chain rule."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd.trees import leaves_of
from tests.visual.pictures_models import texts_in


def test_the_tape_of_a_gradient() -> None:
    W, b = np.random.default_rng(0).normal(size=(3, 2)), np.zeros(2)

    def f(W: Any, b: Any) -> Any:
        return nn.mse_loss(np.maximum(np.ones((4, 3)) @ W + b, 0), np.ones((4, 2)))

    tape = nn.explain_gradient(f, W, b)
    for found, expected in zip(tape.gradient, nn.grad(f, (0, 1))(W, b), strict=True):
        np.testing.assert_allclose(found, expected)
    assert tape.value == pytest.approx(f(W, b))
    names = [line.name for line in tape.lines]
    assert names == ["W", "b", "v1", "v2", "v3", "v4"]
    expressions = [line.expression for line in tape.lines[2:]]
    assert expressions == ["c1 @ W", "v1 + b", "maximum(v2, 0)", "mse_loss(v3, c2)"]
    assert {name: array.shape for name, array in tape.constants.items()} == {
        "c1": (4, 3), "c2": (4, 2),
    }  # fmt: skip
    # Each gradient, by differences: what the rest of the function makes of that value.
    v2 = tape.lines[3].value

    def rest(v: Any) -> Any:
        return nn.mse_loss(np.maximum(v, 0), np.ones((4, 2)))

    for place in [(0, 0), (3, 1)]:
        step = np.zeros_like(v2)
        step[place] = 1e-6
        slope = (rest(v2 + step) - rest(v2 - step)) / 2e-6
        assert tape.lines[3].gradient[place] == pytest.approx(slope, abs=1e-8)
    assert tape.lines[-1].gradient == 1
    rules = [part.rule for line in tape.lines[:2] for part in line.parts]
    assert rules == ["c1.T @ upstream", "upstream summed over axis 0"]
    figure = tape.draw()
    assert "v2 = v1 + b" in "".join(texts_in(figure.axes[0]))
    parameter = nn.Dense(1).initialize((2,), rng=0)
    assert nn.explain_gradient(lambda x: parameter(x).sum(), np.ones((1, 2))).value is not None
    assert parameter.weight.grad is None


def chain(weight: Any, bias: Any) -> Any:
    return (1.0 / (1.0 + np.exp(-(weight * 2.0 + bias))) - 1.0) ** 2


# Functions and their arguments.
EXPLAINED: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "chain": (chain, (0.3, -0.1)),
    "used twice": (lambda a, b: (a * b + a) * (b * b) * a, (0.3, -0.1)),
    "powers": (lambda x: sum(x**k for k in range(5)), (1.5,)),
    "matrices": (
        lambda p: nn.cross_entropy(nn.softmax(np.tanh(np.eye(3) @ p["W"] + p["b"]) - 1), np.eye(3)),
        ({"W": np.arange(9.0).reshape(3, 3) / 9, "b": np.zeros(3)},),
    ),
    "lists": (
        lambda layers, x: np.sum(layers[0]["W"] * x) + layers[1][0] @ x[:2],
        ([{"W": np.ones(3)}, (np.ones(2),)], np.array([1.0, -2.0, 0.5])),
    ),
    "shapes": (
        lambda x: np.concatenate([x, x]).mean(axis=0).sum() - x[0, 1] * np.ones((2, 2))[0, 0],
        (np.arange(4.0).reshape(2, 2),),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("f", "arguments"), EXPLAINED.values(), ids=EXPLAINED)
def test_gradients_are_sums_of_upstream_times_slope(f: Any, arguments: Any) -> None:
    tape = nn.explain_gradient(f, *arguments)
    gradient = tape.gradient if len(arguments) > 1 else (tape.gradient,)
    for found, expected in zip(
        gradient, nn.grad(f, tuple(range(len(arguments))))(*arguments), strict=True
    ):
        assert repr(type(found)) == repr(type(expected)) or isinstance(expected, np.generic)
        for one, other in zip(leaves_of(found), leaves_of(expected), strict=True):
            np.testing.assert_allclose(one, other)
    for line in tape.lines[:-1]:
        np.testing.assert_allclose(sum(part.product for part in line.parts), line.gradient)
        for part in line.parts:
            assert (part.slope is None) == bool(part.rule)
            if part.slope is not None:
                np.testing.assert_allclose(part.upstream * part.slope, part.product)
    tape.draw()


def test_the_tables_of_a_tape() -> None:
    text = str(nn.explain_gradient(chain, 0.3, -0.1))
    for row in (
        r"weight +given +0\.3",
        r"v1 +weight \* 2\.0 +0\.6",
        r"v5 +1\.0 \+ v4 +1\.607",
        r"v8 +v7 \*\* 2 +0\.1425",
        r" +through +upstream +x local slope +=",
        r"weight +v1 = weight \* 2\.0 +-0\.1774 +2 +-0\.3549",
    ):
        assert re.search(row, text), row
    powers = str(nn.explain_gradient(lambda x: sum(x**k for k in range(30)), 1.5))
    assert all(f"x ** {k} " in powers for k in range(30))
    named = nn.explain_gradient(lambda p: p["W1"] @ p["b1"], {"W1": np.ones(2), "b1": np.ones(2)})
    assert [line.name for line in named.lines] == ["W1", "b1", "v1"]
    assert nn.explain_gradient(lambda x: x * x, 3).gradient == 6.0
    matrix = str(nn.explain_gradient(lambda M: np.sum(M * M), np.arange(4.0).reshape(2, 2)))
    assert "[[0, 1]," in matrix
    assert " [2, 3]]" in matrix
    assert "30x30: 1 .. 1" in str(nn.explain_gradient(np.sum, np.ones((30, 30))))
