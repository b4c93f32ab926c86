"""Trainings of drawn networks of dense layers, step by step beside a loop in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.direct_steps import noting_steps
from tests.needs import need_fast

import neural_network as nn
from conformance.counts import count

SEEDS = range(60)


class Drawn:
    """A network, its batches and its loss, drawn by a seed."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.sizes = [int(size) for size in rng.integers(1, 40, rng.integers(2, 6))]
        self.sizes[-1] = max(self.sizes[-1], 2)
        self.bias = [bool(flag) for flag in rng.integers(0, 3, len(self.sizes) - 1) > 0]
        self.of_classes = bool(rng.integers(2))
        self.batches = []
        for rows in rng.integers(1, 40, 6):
            X = rng.standard_normal((rows, self.sizes[0])).astype("f")
            targets = rng.standard_normal((rows, self.sizes[-1])).astype("f")
            labels = rng.integers(0, self.sizes[-1], rows)
            # The first one tells ``fit`` of several classes.
            labels[:2] = [0, 1][:rows]
            self.batches.append((X, labels if self.of_classes else targets))
        if len(self.batches[0][0]) < 2:
            self.batches[0] = tuple(np.repeat(one, 2, axis=0) for one in self.batches[0])

    def ours(self) -> Any:
        last = len(self.sizes) - 2
        return nn.Sequential(
            *[
                nn.Dense(units, "relu" if place < last else None, bias=bias)
                for place, (units, bias) in enumerate(zip(self.sizes[1:], self.bias, strict=True))
            ]
        ).initialize((self.sizes[0],), rng=len(self.sizes))

    def in_torch(self, model: Any) -> tuple[list[float], list[np.ndarray], list[np.ndarray]]:
        """Return the losses, the weights and the gradients of the last step."""
        values = [torch.tensor(p.data.copy(), requires_grad=True) for p in model.parameters()]
        loss_of = (
            torch.nn.functional.cross_entropy if self.of_classes else torch.nn.functional.mse_loss
        )
        rule, losses = torch.optim.SGD(values, 0.05, momentum=0.9), []
        for X, y in self.batches:
            out, left = torch.tensor(X), iter(values)
            for place, bias in enumerate(self.bias):
                out = out @ next(left)
                out = out + next(left) if bias else out
                out = torch.relu(out) if place < len(self.bias) - 1 else out
            rule.zero_grad()
            loss = loss_of(out, torch.tensor(y))
            loss.backward()
            rule.step()
            losses.append(loss.item())
        gradients = [value.grad.numpy() for value in values]
        return losses, [value.detach().numpy() for value in values], gradients


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return whether each step of a test had no tape."""
    return noting_steps(monkeypatch)


@pytest.mark.parametrize("mode", ["numpy", "numba"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_training_of_drawn_layers(seed: int, mode: str, served: list[bool]) -> None:
    if mode == "numba":
        need_fast()
    drawn = Drawn(seed)
    model = drawn.ours()
    losses, weights, gradients = drawn.in_torch(model)
    found: list[float] = []

    class Notes(nn.Callback):
        def on_step_end(self, trainer: Any, loss: float) -> None:  # noqa: ARG002
            found.append(loss)

    loss = "softmax_cross_entropy" if drawn.of_classes else "mse_loss"
    rule = nn.SGD(0.05, momentum=0.9)
    with nn.use_kernels(mode):
        nn.Trainer(model, rule, loss, callbacks=[Notes()], rng=0, progress=False).fit(drawn.batches)
    assert served == [True] * len(drawn.batches)
    np.testing.assert_allclose(found, losses, rtol=1e-4, atol=1e-5)
    for parameter, weight, gradient in zip(model.parameters(), weights, gradients, strict=True):
        np.testing.assert_allclose(parameter.data, weight, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(parameter.grad, gradient, rtol=1e-3, atol=1e-4)
    count("PyTorch calls")
