"""A second ``fit`` with the same need is not tried again; what decides it is noticed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.errors import ArgumentError, NeuralNetworkError
from neural_network.training import dry_run

rng = np.random.default_rng(0)
X, y = rng.standard_normal((40, 5)).astype(np.float32), rng.integers(0, 3, 40)


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that each trial of a model adds to."""
    found: list[Any] = []
    outputs = dry_run._outputs

    def noted(model: Any, name: str, X: Any) -> Any:
        found.append(name)
        return outputs(model, name, X)

    monkeypatch.setattr(dry_run, "_outputs", noted)
    return found


def trainer(*layers: nn.Layer, **options: Any) -> nn.Trainer:
    model = nn.Sequential(*(layers or (nn.Dense(4, "relu"), nn.Dense(3))))
    return nn.Trainer(model, rng=0, progress=False, **options)


def test_the_same_need_is_tried_once(trials: list[Any]) -> None:
    own = trainer()
    for _ in range(2):  # the first one builds the model and collects its parameters in one buffer
        own.fit(X, y, batch_size=8)
    trials.clear()
    own.fit(X, y, batch_size=8)
    own.fit(X + 1, 2 - y, batch_size=8)
    assert trials == []


@pytest.mark.parametrize(
    "change",
    [
        lambda own: own.fit(X[:30], y[:30], batch_size=8),
        lambda own: own.fit(X, y, batch_size=10),
        lambda own: own.fit(X.astype(np.float64), y, batch_size=8),
        lambda own: own.fit(X, y.astype(np.float32), batch_size=8),
        lambda own: own.fit(X, y, batch_size=8, validation=(X, y)),
        lambda own: setattr(own, "loss", "hinge") or own.fit(X, y, batch_size=8),
        lambda own: setattr(own, "metrics", ["f1"]) or own.fit(X, y, batch_size=8),
        lambda own: (own.model.append(nn.Dense(3)), own.fit(X, y, batch_size=8)),
        lambda own: (
            own.model.replace(0, nn.Dense(4, "tanh")),
            own.fit(X, y, batch_size=8),
        ),
    ],
)
def test_what_decides_it_is_noticed(trials: list[Any], change: Any) -> None:
    own = trainer()
    for _ in range(2):
        own.fit(X, y, batch_size=8)
    trials.clear()
    change(own)
    assert "model" in trials


class Own(nn.Layer):
    def forward(self, X: Any) -> Any:
        return X * 1


@pytest.mark.parametrize(
    "own",
    [
        lambda: trainer(nn.Dense(3), Own()),
        lambda: trainer(loss=lambda out, y: nn.softmax_cross_entropy(out, y) * 2),
        lambda: trainer(metrics={"own": lambda out, y: 1 - nn.accuracy(out, y)}),
        lambda: trainer(augment=lambda X, rng: X),
        lambda: trainer(nn.Dense(3), nn.Activation(lambda X: X * 1)),
    ],
    ids=["layer", "loss", "metric", "augment", "activation"],
)
def test_functions_of_ones_own_are_tried_each_time(trials: list[Any], own: Any) -> None:
    made = own()
    for _ in range(2):
        made.fit(X, y, batch_size=8)
    trials.clear()
    made.fit(X, y, batch_size=8)
    assert "model" in trials


@pytest.mark.parametrize("labels", [y + 1, y - 1, np.zeros(40, int), np.full(40, 3)])
def test_other_labels_are_refused(labels: Any) -> None:
    own = trainer()
    for _ in range(2):
        own.fit(X, y, batch_size=8)
    before = own.model.flat_parameters().copy()
    with pytest.raises(ArgumentError, match="class"):
        own.fit(X, labels, batch_size=8)
    np.testing.assert_array_equal(own.model.flat_parameters(), before)


def test_a_loss_that_refuses_outputs_does_so_before_anything_changes() -> None:
    class Begun(nn.Callback):
        times = 0

        def on_fit_begin(self, *_: Any) -> None:
            self.times += 1

    begun = Begun()
    model = nn.Sequential(nn.Dense(3)).initialize((5,), rng=0)
    model[0].weight.data[...] = 0.0
    model[0].bias.data[...] = 1 / 3
    own = nn.Trainer(model, nn.SGD(1e-6), "cross_entropy", callbacks=[begun], progress=False)
    for _ in range(2):
        own.fit(X, nn.one_hot(y, 3), batch_size=8)
    history = own.history
    model[0].bias.data[...] = -5.0  # no probabilities any more
    with pytest.raises(ArgumentError, match="cross_entropy"):
        own.fit(X, nn.one_hot(y, 3), batch_size=8)
    assert begun.times == 2
    assert own.history is history


def test_the_hint_of_an_array_that_nothing_trains_is_given_later() -> None:
    class Holding(nn.Layer):
        def __init__(self) -> None:
            self.d: dict[str, Any] = {}

        def forward(self, X: Any) -> Any:
            return X * 1

    own = trainer(nn.Dense(3), layer := Holding())
    for _ in range(2):
        own.fit(X, y, batch_size=8)
    layer.d["w"] = np.ones(4)
    with pytest.warns(nn.TrainingHint, match=r"d\['w'\] is an array"):
        own.fit(X, y, batch_size=8)


def test_the_numbers_are_those_of_a_new_trainer() -> None:
    one, other = (
        nn.Sequential(nn.Dense(4, "relu"), nn.Dense(3)).initialize((5,), rng=1) for _ in "ab"
    )
    again = nn.Trainer(one, rng=0, progress=False)
    for rows in (40, 40, 33):
        history = again.fit(X[:rows], y[:rows], epochs=2, batch_size=8)
        fresh = nn.Trainer(other, rng=0, progress=False).fit(
            X[:rows], y[:rows], epochs=2, batch_size=8
        )
        assert history["loss"] == fresh["loss"]
        np.testing.assert_array_equal(one.flat_parameters(), other.flat_parameters())


def test_another_model_and_loss_are_computed() -> None:
    own = trainer()
    for _ in range(2):
        own.fit(X, y, batch_size=8)
    for loss in ("softmax_cross_entropy", "hinge"):
        one, other = (nn.Sequential(nn.Dense(3)).initialize((5,), rng=1) for _ in "ab")
        own.model, own.loss = one, loss
        history = own.fit(X, y, batch_size=8)
        fresh = nn.Trainer(other, loss=loss, rng=0, progress=False).fit(X, y, batch_size=8)
        assert history["loss"] == fresh["loss"]
        np.testing.assert_array_equal(one.flat_parameters(), other.flat_parameters())


def test_a_model_without_trained_parameters_is_refused_again() -> None:
    own = trainer()
    for _ in range(2):
        own.fit(X, y, batch_size=8)
    own.model.freeze()
    with pytest.raises(NeuralNetworkError, match="all frozen"):
        own.fit(X, y, batch_size=8)
