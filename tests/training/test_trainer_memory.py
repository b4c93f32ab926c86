"""The optimizer updates the arrays that the layers compute with, wherever they were moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import SGD, Dense, Trainer

RNG = np.random.default_rng(0)
X = RNG.standard_normal((64, 8)).astype(np.float32)
Y = RNG.integers(0, 3, 64)


def model() -> nn.Sequential:
    return nn.Sequential(Dense(8, "tanh"), Dense(3)).initialize((8,), rng=1)


class Do(nn.Callback):
    """Does something at one place, each time."""

    def __init__(self, place: str, deed: Callable[[Trainer], Any]) -> None:
        setattr(self, place, lambda trainer, *_: deed(trainer))


def fitted(deed: Callable[[Trainer], Any], place: str = "on_step_end", **options: Any) -> Trainer:
    chosen = {"optimizer": "adam", "rng": 0, "progress": False, "callbacks": [Do(place, deed)]}
    trainer = Trainer(model(), **(chosen | options))
    trainer.fit(X, Y, epochs=3, batch_size=16, validation=(X, Y))
    return trainer


def shares(trainer: Trainer) -> None:
    nn.Sequential(trainer.model[1]).flat_parameters()


RELAYOUTS = {
    "a child": lambda trainer: [child.flat_gradients() for child in trainer.model.layers],
    "a shared layer": shares,
    "a larger model": lambda trainer: (
        nn.Sequential(*trainer.model.layers, Dense(2)).initialize((8,)).flat_parameters()
    ),
    "the whole in another order": lambda t: nn.Sequential(t.model[1], t.model[0]).flat_parameters(),
    "copies": lambda trainer: [
        setattr(p, "data", np.asfortranarray(p.data)) for p in trainer.model.parameters()
    ],
    "another type": lambda trainer: [
        setattr(p, "data", p.data.astype(float)) for p in trainer.model.parameters()
    ],
}


@pytest.mark.parametrize("average", [None, 0.5])
@pytest.mark.parametrize("place", ["on_fit_begin", "on_step_begin", "on_step_end", "on_epoch_end"])
@pytest.mark.parametrize("name", RELAYOUTS)
def test_another_buffer_detaches_no_layer(name: str, place: str, average: float | None) -> None:
    calm = fitted(lambda _: None, average=average)
    other = fitted(RELAYOUTS[name], place, average=average)
    assert other.history == calm.history
    for own, expected in zip(other.model.parameters(), calm.model.parameters(), strict=True):
        np.testing.assert_array_equal(own.data, expected.data)


@pytest.mark.parametrize("name", RELAYOUTS)
def test_another_buffer_in_the_middle_of_a_step(name: str) -> None:
    def augment(X: np.ndarray, _: np.random.Generator) -> np.ndarray:
        if trainer and trainer[0].step:
            RELAYOUTS[name](trainer[0])
        return X

    trainer: list[Trainer] = []
    calm = fitted(lambda _: None)
    other = fitted(trainer.append, "on_fit_begin", augment=augment)
    assert other.history == calm.history
    np.testing.assert_array_equal(other.model.flat_parameters(), calm.model.flat_parameters())


@pytest.mark.parametrize("average", [None, 0.5])
def test_a_clamp_by_assignment_counts(average: float | None) -> None:
    def in_place(trainer: Trainer) -> None:
        weight = trainer.model[0].weight.data
        np.clip(weight, -0.1, 0.1, out=weight)

    def assigned(trainer: Trainer) -> None:
        trainer.model[0].weight.data = np.clip(trainer.model[0].weight.data, -0.1, 0.1)

    one, other = fitted(in_place, average=average), fitted(assigned, average=average)
    assert one.history == other.history
    np.testing.assert_array_equal(one.model.flat_parameters(), other.model.flat_parameters())
    free = fitted(lambda _: None, average=average)
    assert np.abs(free.model[0].weight.data).max() > 0.2


def test_early_stopping_gives_back_to_layers_that_were_relaid() -> None:
    stop = nn.EarlyStopping(patience=9)
    trainer = fitted(lambda _: None, callbacks=[stop, Do("on_epoch_end", shares)])
    loss = trainer.history["validation_loss"]
    assert trainer.evaluate(X, Y)["loss"] == min(loss)


def test_a_parameter_of_another_shape_is_refused() -> None:
    def grow(trainer: Trainer) -> None:
        trainer.model[1].bias.data = np.zeros((2, 3), np.float32)

    with pytest.raises(
        nn.ShapeError, match=r"Parameter: data: expected the shape \(3,\) that it has, received sh"
    ):
        fitted(grow)


def test_two_trainers_may_share_a_layer_in_turns() -> None:
    shared = model()
    other = nn.Sequential(Dense(8), shared[1]).initialize((8,), rng=2)
    pair = [Trainer(m, SGD(0.1), rng=0, progress=False) for m in (shared, other)]
    for trainer in (*pair, *pair):
        before = shared[1].weight.data.copy()
        trainer.fit(X, Y)
        assert not np.array_equal(before, shared[1].weight.data)
        assert np.shares_memory(shared[1].weight.data, trainer.memory.flat)
