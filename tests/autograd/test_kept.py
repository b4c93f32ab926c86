"""What a forward function keeps for the gradients: the same numbers, computed once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import grad
from neural_network.functional.losses import cross_entropies
from neural_network.functional.op import NOTHING_KEPT, RULES

RNG = np.random.default_rng(0)
RULE = RULES[nn.softmax_cross_entropy]
Y = np.array([2, 0, 1, 2, 0, 1, 1])
SOFT = nn.softmax(RNG.standard_normal((7, 3)))
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "indices": (Y, {}),
    "whole floats": (Y.astype("f"), {}),
    "probabilities": (SOFT, {}),
    "class weights": (Y, {"class_weights": [0.5, 2.0, 0.0]}),
    "smoothing": (Y, {"label_smoothing": 0.3}),
    "ignored": (np.where(Y == 1, -1, Y), {"ignore_index": -1}),
    "all": (Y, {"class_weights": [1.0, 2.0, 3.0], "label_smoothing": 0.1, "ignore_index": 2}),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_the_gradient_has_the_bits_of_one_that_computes_anew(
    case: str, dtype: str, reduction: Any
) -> None:
    labels, options = CASES[case]
    Z = (3 * RNG.standard_normal((7, 3))).astype(dtype)
    t = nn.Tensor(Z, requires_grad=True)
    loss = nn.softmax_cross_entropy(t, labels, **options, reduction=reduction)
    np.testing.assert_array_equal(
        loss.data,
        np.asarray(nn.softmax_cross_entropy(Z, labels, **options, reduction=reduction), dtype),
    )
    g = np.asarray(RNG.standard_normal(loss.shape), dtype)
    loss.backward(g)
    given = {**RULE.bind((Z, labels), {**options, "reduction": reduction}), "kept": NOTHING_KEPT}
    expected = RULE.gradients["logits"].function(g, **given)
    np.testing.assert_array_equal(t.grad, expected.astype(dtype))


def test_exponentials_are_computed_once_for_both_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    own = cross_entropies._exponentials
    monkeypatch.setattr(
        cross_entropies, "_exponentials", lambda *args: calls.append(1) or own(*args)
    )
    t = nn.Tensor(RNG.standard_normal((7, 3)), requires_grad=True)
    loss = nn.softmax_cross_entropy(t, Y)
    loss.backward(retain_graph=True)
    once = t.grad.copy()
    loss.backward()
    assert calls == [1]
    np.testing.assert_array_equal(t.grad, 2 * once)


def test_other_differentiations_keep_nothing() -> None:
    Z = RNG.standard_normal((7, 3))
    t = nn.Tensor(Z, requires_grad=True)
    nn.softmax_cross_entropy(t, Y).backward()

    def loss(Z: Any) -> Any:
        return nn.softmax_cross_entropy(Z, Y)

    np.testing.assert_allclose(grad(loss)(Z), t.grad, rtol=1e-12)
    step = 1e-6 * RNG.standard_normal(Z.shape)
    second = grad(lambda Z: np.sum(grad(loss)(Z) * step))(Z)
    np.testing.assert_allclose(second, grad(loss)(Z + step) - grad(loss)(Z), rtol=1e-4, atol=1e-12)
    # A level above, and the backward pass of the lowest level through its result.
    u = nn.Tensor(Z, requires_grad=True)
    np.sum(grad(loss)(u) * step).backward()
    np.testing.assert_allclose(u.grad, second, rtol=1e-12)


def test_labels_that_change_between_the_passes_are_found_in_debug() -> None:
    labels = Y.copy()
    with nn.debug():
        loss = nn.softmax_cross_entropy(nn.Tensor(np.ones((7, 3)), requires_grad=True), labels)
        labels[0] = 1
        with pytest.raises(nn.GradientError, match="labels was changed after the op had used it"):
            loss.backward()


def test_logits_cannot_change_in_place_between_the_passes() -> None:
    t = nn.Tensor(np.ones((7, 3)), requires_grad=True)
    loss = nn.softmax_cross_entropy(t, Y)
    with (
        pytest.raises(nn.GradientError, match="the backward pass of softmax_cross_entropy"),
        nn.no_grad(),
    ):
        t *= 2
    loss.backward()
