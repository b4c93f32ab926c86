"""Error messages with hints, for common first mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn

MISTAKES: list[tuple[Any, str]] = [
    (
        lambda: nn.softmax_cross_entropy(np.zeros((2, 3)), np.array(["cat", "dog"])),
        r"labels: expected real numbers, received dtype <U3 \(text: np.unique\(names",
    ),
    (
        lambda: nn.softmax_cross_entropy(np.zeros((2, 1, 4, 10)), [0, 1]),
        r"logits: expected 2 dimensions, received shape \(2, 1, 4, 10\) .*needs Flatten\(\)",
    ),
    (
        lambda: nn.mse_loss(np.zeros((3, 1)), np.zeros(3)),
        r"y: expected the shape \(3, 1\) of y_pred, received shape \(3,\); y.reshape\(-1, 1\)",
    ),
    (
        lambda: nn.Adam(nn.models.perceptron(rng=0).parameters()),  # type: ignore[arg-type]
        r"Adam: the learning rate comes first; here: nn.Adam\(0.001, parameters=model\)",
    ),
    (
        lambda: nn.Trainer(nn.models.perceptron(rng=0), optimizer=nn.Adam),  # type: ignore[arg-type]
        r"optimizer: expected an optimizer, such as Adam\(\), received the class Adam",
    ),
]


@pytest.mark.parametrize(("mistake", "sentence"), MISTAKES)
def test_a_first_mistake_is_told_what_to_do(mistake: Any, sentence: str) -> None:
    with pytest.raises(nn.ArgumentError, match=sentence):
        mistake()


def test_a_loss_without_a_gradient_is_refused_with_a_hint() -> None:
    class Forgetful(nn.Layer):
        def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
            self.weight = nn.Parameter(rng.standard_normal((shape[-1], 3)))

        def forward(self, X: Any) -> Any:
            return X @ self.weight.data

    trainer = nn.Trainer(Forgetful(), rng=0, progress=False)
    with pytest.raises(
        nn.GradientError, match=r"Trainer: loss: expected one .*t.data has no gradient"
    ):
        trainer.fit(np.eye(6), np.arange(6) % 3)


def test_a_model_without_sizes_has_no_flat_buffer_yet() -> None:
    with pytest.raises(nn.ArgumentError, match=r"flat_parameters: model: expected a model that is"):
        nn.Sequential(nn.Dense(3)).flat_parameters()
    assert nn.Flatten().initialize((2, 2)).flat_parameters().size == 0
