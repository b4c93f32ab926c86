"""Losses that call the model and differentiate it: gradient penalties, physics-informed networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import grad

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 1, 6, 6)).astype(np.float32)
Y = np.arange(12) % 3


class Penalized(nn.Trainer):
    """It adds the mean of squared slopes of the outputs by the inputs."""

    def compute_loss(self, outputs: Any, batch: Any) -> Any:
        slopes = grad(lambda x: np.sum(self.model(x) ** 2))(batch.X)
        return super().compute_loss(outputs, batch) + np.mean(slopes**2)


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2D(4, 3, activation="relu"), nn.BatchNorm(), nn.MaxPool2D(2), nn.Flatten(),
        nn.Dropout(0.3), nn.Dense(3),
    )  # fmt: skip


def by_subclass(**options: Any) -> nn.Trainer:
    return Penalized(network(), **({"rng": 3, "progress": False} | options))


def by_closure(**options: Any) -> nn.Trainer:
    model = network()

    def loss(outputs: Any, y: Any) -> Any:
        slopes = grad(lambda x: np.sum(model(x) ** 2))(X[:3])
        return nn.softmax_cross_entropy(outputs, y) + np.mean(slopes**2)

    return nn.Trainer(model, loss=loss, **({"rng": 3, "progress": False} | options))


def fit(trainer: nn.Trainer, **options: Any) -> dict[str, Any]:
    """What was learned, running statistics included."""
    trainer.fit(X, Y, **({"epochs": 1, "batch_size": 3, "validation": (X[:6], Y[:6])} | options))
    return {name: array.copy() for name, array in trainer.memory.arrays().items()}


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.mark.parametrize("make", [by_subclass, by_closure])
@pytest.mark.parametrize("mode", ["auto", "numpy"])
def test_one_seed_gives_one_result(make: Any, mode: str) -> None:
    with nn.use_kernels(mode):
        first, second = make(), make()
        assert_same(fit(first), fit(second))
    assert dict(first.history) == dict(second.history)


@pytest.mark.parametrize("make", [by_subclass, by_closure])
def test_the_weights_begin_as_without_the_penalty(make: Any) -> None:
    begun: list[Any] = []

    class Note(nn.Callback):
        def on_fit_begin(self, trainer: nn.Trainer) -> None:
            begun.append(trainer.model.flat_parameters().copy())
            begun.append([buffer.data.copy() for _, buffer in trainer.model.named_buffers()])

    fit(make(callbacks=[Note()]))
    fit(nn.Trainer(network(), rng=3, progress=False, callbacks=[Note()]))
    np.testing.assert_array_equal(begun[0], begun[2])
    np.testing.assert_array_equal(begun[1], begun[3])


@pytest.mark.parametrize("make", [by_subclass, by_closure])
def test_validation_changes_nothing(make: Any) -> None:
    trainer = make()
    assert_same(fit(make()), fit(trainer, validation=None))
    before = [buffer.data.copy() for _, buffer in trainer.model.named_buffers()]
    assert trainer.evaluate(X, Y) == trainer.evaluate(X, Y)
    for buffer, array in zip(trainer.model.named_buffers(), before, strict=True):
        np.testing.assert_array_equal(buffer[1].data, array)


@pytest.mark.parametrize("make", [by_subclass, by_closure])
def test_a_resumed_training_ends_with_the_same_bits(make: Any, tmp_path: Path) -> None:
    file = tmp_path / "run.checkpoint"
    options = {"average": 0.9, "accumulate": 2}
    expected = fit(make(**options), epochs=2)
    fit(make(**options, callbacks=[nn.Checkpoint(file)]))
    assert_same(fit(make(**options), epochs=2, resume=file), expected)


def test_a_loss_that_is_refused_changes_nothing() -> None:
    model = network()

    def loss(outputs: Any, y: Any) -> Any:
        np.sum(grad(lambda x: np.sum(model(x)))(X[:6]))
        raise nn.ArgumentError("a user's own")

    trainer = nn.Trainer(model, loss=loss, rng=3, progress=False)
    for built in (False, True):
        if built:
            model.initialize(X.shape[1:], rng=0)
        before = [buffer.data.copy() for _, buffer in model.named_buffers()]
        with pytest.raises(nn.ArgumentError, match="a user's own"):
            trainer.fit(X, Y)
        assert model.built == built
        for buffer, array in zip(model.named_buffers(), before, strict=True):
            np.testing.assert_array_equal(buffer[1].data, array)


def test_a_physics_informed_network_learns() -> None:
    """u″ = f on [0, 1] with u = 0 at both ends; u is a sine."""

    class Residual(nn.Trainer):
        def compute_loss(self, outputs: Any, batch: Any) -> Any:  # noqa: ARG002
            slope = grad(lambda x: np.sum(self.model(x)))
            second = grad(lambda x: np.sum(slope(x)))(batch.X)
            ends = self.model(np.array([[0.0], [1.0]]))
            return np.mean((second - batch.y) ** 2) / 100 + np.mean(ends**2)

    x = np.linspace(0, 1, 16, dtype=np.float32)[:, None]
    model = nn.Sequential(nn.Dense(16, "tanh"), nn.Dense(1))
    trainer = Residual(model, nn.Adam(0.05), nn.mse_loss, rng=0, progress=False)
    history = trainer.fit(x, -(np.pi**2) * np.sin(np.pi * x), epochs=60, batch_size=16)
    assert history["loss"][-1] < history["loss"][0] / 5
