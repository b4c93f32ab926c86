"""Layers whose ``forward`` differentiates, such as a force, which is the gradient of an energy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import grad
from neural_network.errors import GradientError

X = np.random.default_rng(0).standard_normal((12, 3)).astype(np.float32)


class Force(nn.Layer):
    def __init__(self) -> None:
        self.energy = nn.Sequential(nn.Dense(8, "tanh"), nn.Dropout(0.2), nn.Dense(1))

    def forward(self, X: Any) -> Any:
        return -grad(lambda x: np.sum(self.energy(x)))(X)


def by_hand(model: Force) -> Any:
    """What ``predict`` returns."""
    first, last = model.energy[0], model.energy[2]
    hidden = np.tanh(X @ first.weight.data + first.bias.data)
    return -((1 - hidden**2) * last.weight.data[:, 0]) @ first.weight.data.T


def test_it_is_built_and_predicts() -> None:
    model = Force().initialize((3,), rng=0)
    found = model.predict(X)
    assert type(found) is np.ndarray
    np.testing.assert_allclose(found, by_hand(model), rtol=1e-5, atol=1e-6)
    assert model.summary().parameters == 3 * 8 + 8 + 8 + 1
    np.testing.assert_array_equal(model.eval()(X).data, found)
    with nn.no_grad():
        np.testing.assert_array_equal(model.predict(X), found)
        with pytest.raises(GradientError, match="grad: expected a call outside of no_grad"):
            model(X)


def test_what_follows_it_may_change() -> None:
    model = nn.Sequential(Force(), nn.Dense(2)).initialize((3,), rng=0)
    model.append(nn.Dense(4)).initialize((3,), rng=0)
    assert model.predict(X).shape == (12, 4)


def test_nothing_is_recorded_for_backward_in_predict() -> None:
    seen: list[Any] = []

    class Noting(Force):
        def forward(self, X: Any) -> Any:
            seen.append(super().forward(X))
            seen.append(self.energy(X))
            return seen[-2]

    Noting().initialize((3,), rng=0).predict(X)
    assert [isinstance(value, nn.Tensor) and value.requires_grad for value in seen] == [False] * 4


def test_a_change_in_place_is_refused_in_predict_as_well() -> None:
    class Wrong(nn.Layer):
        def forward(self, X: Any) -> Any:
            def energy(x: Any) -> Any:
                x += 1
                return np.sum(x * x)

            return grad(energy)(X)

    with pytest.raises(GradientError, match="in-place change"):
        Wrong().predict(X)


def test_it_is_trained_and_resumed(tmp_path: Path) -> None:
    file = tmp_path / "run.checkpoint"

    def fit(epochs: int, *callbacks: nn.Callback, **options: Any) -> nn.Trainer:
        trainer = nn.Trainer(
            Force(), nn.Adam(0.02), nn.mse_loss, callbacks=callbacks, rng=0, progress=False
        )
        trainer.fit(X, -2 * X, epochs, 6, validation=(X, -2 * X), **options)
        return trainer

    whole = fit(8)
    assert whole.history["validation_loss"][-1] < whole.history["validation_loss"][0]
    fit(4, nn.Checkpoint(file))
    resumed = fit(8, resume=file)
    np.testing.assert_array_equal(resumed.model.predict(X), whole.model.predict(X))
