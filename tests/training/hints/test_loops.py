"""Hints in a loop of one's own, and of calls."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import Adam, Sequential
from tests.training.hints.misfits import (
    DIGITS,
    POINTS,
    SUMS,
    THREE,
    Y,
    fit,
    hints_of,
    network,
    normal,
)

X, T = DIGITS[:50], Y[:50]


def loop(order: str, loss: Any = nn.softmax_cross_entropy, *, steps: int = 3, layers: Any = None) -> Callable[[], Any]:  # fmt: skip
    """Return a loop of zero_grad (z), the loss (l), backward (b) and step (s), in some order."""

    def run() -> None:
        model = Sequential(*(layers or network())).initialize((784,), rng=0).train()
        optimizer = Adam(0.01, parameters=model)
        for _ in range(steps):
            value: Any = None
            for word in order:
                match word:
                    case "z":
                        optimizer.zero_grad()
                    case "l":
                        value = loss(model(X), T)
                    case "b":
                        value.backward()
                    case "s":
                        optimizer.step()

    return run


def broadcast(outputs: Any, y: Any) -> Any:
    return ((outputs - y) ** 2).mean()


ONE_HOT, PROBABILITIES = nn.one_hot(T, 10), nn.softmax(normal(50, 10))
PHOTOGRAPH = normal(24, 16, 3)
SOBEL = np.ones((3, 3))
MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "no backward": (loop("zls"), r"^Adam.step: none of the 4 parameters has a gradient, .*: optimizer.zero_grad\(\); loss.backward\(\); optimizer.step\(\)$"),
    "no backward in one step": (loop("ls", steps=1), "^Adam.step: none of the 4"),
    "no step": (loop("zlb", steps=4), r"^Adam.zero_grad: gradients are forgotten for the 3rd time, .*: optimizer.zero_grad\(\); loss.backward\(\); optimizer.step\(\)$"),
    "no step, zero_grad last": (loop("lbz", steps=9), "^Adam.zero_grad: .* no step was made"),
    "zero_grad before step": (loop("lbzs"), "has to stand before step"),
    "no zero_grad": (loop("lbs"), r"^Adam.step: the gradients of this step are added to those of the step before: optimizer.zero_grad\(\)"),
    "no zero_grad in two steps": (loop("lbs", steps=2), "are added to those of the step before"),
    "softmax": (loop("zlbs", layers=network(10, "softmax")), "^backward: softmax_cross_entropy expects scores"),
    "softmax in the loss": (loop("zlbs", lambda o, y: nn.softmax_cross_entropy(nn.softmax(o), y)), "result of softmax:"),
    "softmax of one": (loop("zlbs", lambda o, y: nn.binary_cross_entropy(o[:, 0], y > 4), layers=network(1, "softmax")), "^backward: softmax is taken over one number"),
    "broadcast": (loop("zlbs", broadcast, layers=network(1)), r"^backward: the loss combines predictions of shape \(n, 1\)"),
    "sum beside another part": (loop("zlbs", lambda o, y: nn.mse_loss(o, np.eye(10)[y], reduction="sum") / 50 + (o**2).mean()), r"^backward: mse_loss with reduction='sum' adds up the means of the rows: 1/10 of .*; 10 \* mse_loss\(…\), without"),
    "sum, logits": (loop("zlbs", lambda o, y: nn.binary_cross_entropy_with_logits(o, np.eye(10)[y], reduction="sum") + 0.1 * np.abs(o).sum()), "^backward: binary_cross_entropy_with_logits with reduction='sum'"),
    "photograph": (lambda: nn.conv2d(PHOTOGRAPH, SOBEL), r"^conv2d: image of shape \(24, 16, 3\) is taken as 24 pictures of 16×3 pixels, .*: image.transpose\(2, 0, 1\)"),
    "photograph, same": (lambda: nn.conv2d(PHOTOGRAPH, SOBEL, padding="same"), "seems to be one picture"),
    "photograph, filters": (lambda: nn.conv2d(PHOTOGRAPH, np.ones((5, 3, 3))), r"with a filter \(F, 3, fh, fw\)"),
    "photograph, bytes": (lambda: nn.conv2d(np.zeros((32, 32, 3), np.uint8), SOBEL), "32 pictures of 32×3"),
    "photograph, transparent": (lambda: nn.conv2d(normal(16, 16, 4), SOBEL), "16 pictures of 16×4"),
    "photograph, grey": (lambda: nn.conv2d(PHOTOGRAPH[..., :1], SOBEL, padding=1), "24 pictures of 16×1"),
    "photograph, tensor": (lambda: nn.conv2d(nn.Tensor(PHOTOGRAPH), SOBEL), "24 pictures of 16×3"),
    "labels first": (lambda: nn.cross_entropy(ONE_HOT, PROBABILITIES), r"^cross_entropy: the first argument holds nothing but 0 and 1, .*cross_entropy\(y_pred, y_true\)$"),
    "labels first, scores": (lambda: nn.softmax_cross_entropy(ONE_HOT, PROBABILITIES), r"^softmax_cross_entropy: the first"),
    "labels first, two": (lambda: nn.binary_cross_entropy((T > 4) * 1.0, PROBABILITIES[:, 0]), "^binary_cross_entropy: the first"),
    "labels first, two scores": (lambda: nn.binary_cross_entropy_with_logits((T > 4) * 1.0, PROBABILITIES[:, 0]), "^binary_cross_entropy_with_logits: the first"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_loop_or_a_call_gets_one_hint(name: str) -> None:
    program, match = MISTAKES[name]
    texts = hints_of(program)
    assert len(texts) == 1, texts
    with pytest.raises(nn.TrainingHint, match=match):
        raise nn.TrainingHint(texts[0])


def test_gradients_that_other_steps_use_or_a_look_at_them_get_no_hint() -> None:
    model = Sequential(*network()).initialize((784,), rng=0)
    optimizer = Adam(0.01, parameters=model)

    def own_steps() -> None:
        for _ in range(6):
            optimizer.zero_grad()
            nn.softmax_cross_entropy(model(X), T).backward()
            for parameter in model.parameters():
                parameter.data -= 0.1 * parameter.grad

    assert hints_of(own_steps) == []
    assert hints_of(loop("zlb", steps=3)) == []
    assert hints_of(loop("z", steps=9)) == []


def calls_of_hints(function: Callable[[], Any]) -> list[str]:
    """Return the functions of the hints that a program calls."""
    found = []

    def note(frame: Any, event: str, _argument: Any) -> None:
        if event == "call" and "/training/hints/" in frame.f_code.co_filename.replace("\\", "/"):
            found.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return [name for name in found if not name.startswith(("<", "test_", "later", "step"))]


@pytest.mark.parametrize(
    "loss",
    [
        lambda o, y: nn.mse_loss(o, np.eye(10)[y], reduction="sum"),
        lambda o, y: -(-nn.mse_loss(o, np.eye(10)[y], reduction="sum") / 50),
        lambda o, y: nn.mse_loss(o[:, 0], y / 10, reduction="sum") + (o**2).sum(),
        lambda o, y: nn.mse_loss(o[:, :1], y[:, None] / 10, reduction="sum") + (o**2).sum(),
        lambda o, y: 10 * nn.mse_loss(o, np.eye(10)[y]) + (o**2).mean(),
        lambda o, y: nn.softmax_cross_entropy(o, y, reduction="sum") + (o**2).sum(),
    ],
)
def test_other_sums_get_no_hint(loss: Any) -> None:
    assert hints_of(loop("zlbs", loss)) == []


def test_a_later_step_calls_nothing_of_the_hints() -> None:
    model = Sequential(*network()).initialize((784,), rng=0).train()
    optimizer = Adam(0.01, parameters=model)

    def step() -> None:
        optimizer.zero_grad()
        nn.softmax_cross_entropy(model(X), T).backward()
        optimizer.step()

    assert "_look" in calls_of_hints(step)
    assert "look_at_gradients" in calls_of_hints(step)
    assert calls_of_hints(step) == []


def test_a_later_epoch_looks_for_attributes_only() -> None:
    def calls(epochs: int) -> list[str]:
        return calls_of_hints(lambda: fit(network(3), POINTS, THREE, epochs=epochs))

    five, seven = calls(5), calls(7)
    more = Counter(seven) - Counter(five)
    assert more == Counter(
        after_epoch=2, _give=2, stopped_by_another_name=2, stopped_while_the_rate_rose=2
    )


def test_a_trainer_looks_at_no_loop_and_a_loop_at_no_trainer() -> None:
    model = Sequential(*network(1)).initialize((784,), rng=0)
    optimizer = Adam(0.01, parameters=model)
    assert hints_of(lambda: fit(model, DIGITS[:60], SUMS[:60], "mse_loss", optimizer)) == []
