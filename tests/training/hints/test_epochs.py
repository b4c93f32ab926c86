"""Hints about what the first epochs have done."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import SGD, Adam, Dense, Trainer
from tests.training.hints.misfits import (
    DIGITS,
    LABELS,
    POINTS,
    SIGNS,
    SUMS,
    THREE,
    Y,
    fit,
    hints_of,
    network,
)

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 20, np.float32)
SHUFFLED = np.random.default_rng(0).permutation(LABELS[:1000])


def with_bias(number: float) -> nn.Sequential:
    model = nn.Sequential(*network()).initialize((784,), rng=0)
    model[0].bias.data = np.full(32, number)
    return model


class Setting(nn.Callback):
    """Sets an attribute that nothing reads."""

    def __init__(self, name: str) -> None:
        self.name = name

    def on_epoch_end(self, trainer: Any, measures: Any) -> None:  # noqa: ARG002  # of the base
        holder, _, name = self.name.rpartition(".")
        setattr(getattr(trainer, holder) if holder else trainer, name, 0.1)


class Own(Trainer):
    """A class of the user's own may have attributes of any name; those of the library raise."""


class OwnModel(nn.Layer):
    def __init__(self) -> None:
        self.body = nn.Sequential(*network(3))

    def forward(self, X: Any) -> Any:
        return self.body(X)


class OwnSGD(SGD):
    pass


def set_by_callback(name: str) -> None:
    trainer = Own(OwnModel(), OwnSGD(0.1), callbacks=[Setting(name)], rng=0, progress=False)
    trainer.fit(POINTS, THREE, epochs=2)


class Lowered(nn.Layer):
    """A relu that is no layer's."""

    def __init__(self) -> None:
        self.first, self.last = Dense(9), Dense(10)

    def forward(self, X: Any) -> Any:
        return self.last(nn.relu(self.first(X) - 99))


class Forgets(Trainer):
    """Computes no gradient."""

    def train_step(self, batch: Any) -> float:
        value = float(self.compute_loss(self.model(batch.X), batch).data)
        self.memory.zero_grad()
        self.memory.add_gradients(batch.rows, batch.rows, value, alone=True)
        self.add_measures({"loss": value}, batch.y, batch.rows)
        self.rows += batch.rows
        return value


def forgetful() -> None:
    Forgets(network(3), SGD(0.1), metrics=[], rng=0, progress=False).fit(POINTS, THREE, epochs=2)


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "dead": (lambda: fit(with_bias(-99.0), DIGITS, Y), r"^fit: after epoch 1 the relu of model\[0\] Dense\(32, 'relu'\) returns 0 for each of 1000 rows: .*Adam\(0.0005\)"),
    "dead from a rate": (lambda: fit(network(), DIGITS, Y, optimizer=SGD(1000.0)), r"the relu of model\[0\] Dense\(32, 'relu'\) returns 0"),
    "dead zeros": (lambda: fit([Dense(9, "relu", initializer="zeros"), Dense(10)], DIGITS, Y, epochs=3), "the relu of model"),
    "dead function": (lambda: fit(Lowered(), DIGITS, Y), r"the relu of the model returns 0"),
    "rate of 10": (lambda: fit(network(), DIGITS, Y, optimizer=SGD(10.0)), r"^fit: the loss was 2.\d+ before the first step, \d+.* in the mean of epoch 1, and is .* now: with the learning rate 10 .* a smaller rate: SGD\(0.2\)$"),
    "rate of 1, Adam": (lambda: fit(network(), DIGITS, Y, optimizer=Adam(1.0), epochs=2), r"the loss only falls back; a smaller rate: Adam\(|returns 0 .*\(Adam\(0.01\)\)"),
    "rate of 10, tanh": (lambda: fit([Dense(32, "tanh"), Dense(10)], DIGITS, Y, optimizer=Adam(10.0)), "the loss only falls back"),
    "rate, regression": (lambda: fit(network(1), POINTS, SUMS * 0.1, "mse_loss", Adam(5.0), batch_size=10), "the loss only falls back"),
    "rate, two classes": (lambda: fit(network(1), POINTS, SIGNS, "binary_cross_entropy_with_logits", SGD(50.0), batch_size=10), "the loss only falls back|returns 0"),
    "rate, all rows in a batch": (lambda: fit(network(), DIGITS, Y, optimizer=SGD(30.0), epochs=30, batch_size=1000), "the loss only falls back|returns 0"),
    "too small, all rows": (lambda: fit(network(), DIGITS, Y, optimizer=SGD(1e-6), epochs=12, batch_size=1000), "1e-06 is too small"),
    "too small a rate": (lambda: fit(network(), DIGITS, Y, optimizer=SGD(1e-7)), r"^fit: after 20 steps the loss is 2.3\d*, and 2.29\d* would be that of the frequencies of the classes, .* the weights have moved by .*, so the learning rate 1e-07 is too small; SGD\(0.2\) is usual$"),
    "too small, Adam": (lambda: fit(network(), DIGITS, Y, optimizer=Adam(1e-8)), r"1e-08 is too small; Adam\(0.01\)"),
    "too small, two classes": (lambda: fit(network(1), DIGITS, (Y > 4)[:, None].astype("f"), "binary_cross_entropy_with_logits", SGD(1e-7)), "1e-07 is too small"),
    "too small, probabilities": (lambda: fit(network(1, "sigmoid"), DIGITS, (Y > 4)[:, None].astype("f"), "binary_cross_entropy", SGD(1e-7)), "1e-07 is too small"),
    "too small, one-hot": (lambda: fit(network(10, "softmax"), DIGITS, np.eye(10)[Y], "cross_entropy", SGD(1e-7)), "1e-07 is too small"),
    "rising": (lambda: fit([Dense(3, initializer="zeros")], POINTS, THREE, optimizer=SGD(1.0), epochs=3, batch_size=10), r"the loss has risen from .* so the learning rate 1 is too high; a smaller rate: SGD\(0.1\)"),
    "rising more": (lambda: fit([Dense(3, initializer="zeros")], POINTS, THREE, optimizer=SGD(3.0), epochs=3, batch_size=10), "the learning rate 3 is too high"),
    "zeros": (lambda: fit([Dense(9, "tanh", initializer="zeros"), Dense(10, initializer="zeros")], DIGITS, Y), "the outputs are the same for every row"),
    "other order": (lambda: fit([Dense(10)], DIGITS, SHUFFLED, optimizer=SGD(0.01), epochs=3, batch_size=25), r"are the rows of y in the order of those of X.*, or a hidden layer before the last one, as Dense\(16, \"relu\"\): without one, planes alone separate the classes$"),
    "other order, hidden layer": (lambda: fit(network(), DIGITS, SHUFFLED, optimizer=SGD(0.001), epochs=3, batch_size=25), r"are the rows of y in the order of those of X.*, or more units$"),
    "exclusive or": (lambda: fit([Dense(2)], CORNERS, np.array([0, 1, 1, 0] * 20), optimizer=Adam(0.05), epochs=50), "nothing was learned; .* or a hidden layer before the last one"),
    "stop_training": (lambda: set_by_callback("stop_training"), r"^fit: trainer.stop_training was set, which nothing reads; trainer.stop = True"),
    "model.stop_training": (lambda: set_by_callback("model.stop_training"), "^fit: model.stop_training was set"),
    "lr": (lambda: set_by_callback("lr"), "^fit: trainer.lr was set"),
    "optimizer.lr": (lambda: set_by_callback("optimizer.lr"), r"optimizer.lr was set, .*optimizer.learning_rate"),
    "no backward": (forgetful, r"^fit: 7 steps were made, and backward\(\) has reached no parameter"),
}  # fmt: skip


UNBALANCED = np.repeat([0, 1, 2, 3], (60, 60, 18, 60))
RARE = np.repeat([0.0, 1.0], (180, 18))[:, None]
BARELY = np.random.default_rng(2).standard_normal((198, 6)).astype("f") + UNBALANCED[:, None] * 0.1


def weighted(loss: Any, y: Any, units: int, **options: Any) -> Callable[[], Any]:
    """Return a training that learns a little, by a loss in which rows have weights."""
    model = [Dense(units, initializer="zeros")]
    return lambda: fit(model, BARELY, y, loss, SGD(0.05), 12, 18, **options)


@pytest.mark.parametrize(
    "program",
    [
        weighted("softmax_cross_entropy", UNBALANCED, 4, class_weights="balanced"),
        weighted("softmax_cross_entropy", UNBALANCED, 4, class_weights={2: 9.0}),
        weighted(
            partial(nn.softmax_cross_entropy, class_weights=[1, 1, 3.5, 1]), UNBALANCED, 4
        ),
        weighted(partial(nn.binary_cross_entropy_with_logits, positive_weight=[9.0]), RARE, 1),
    ],
)  # fmt: skip
def test_a_loss_with_weights_is_compared_with_weighted_frequencies(
    program: Callable[[], Any],
) -> None:
    assert hints_of(program) == []


def test_nothing_learned_is_seen_beside_class_weights() -> None:
    texts = hints_of(lambda: fit(network(), DIGITS, Y, optimizer=SGD(1e-7), class_weights={3: 5.0}))
    assert len(texts) == 1
    assert "of the classes with their weights, without a look at X" in texts[0]


@pytest.mark.parametrize("name", MISTAKES)
def test_an_epoch_without_a_use_gets_one_hint_with_the_cure(name: str) -> None:
    program, match = MISTAKES[name]
    texts = hints_of(program)
    assert len(texts) == 1, texts
    with pytest.raises(nn.TrainingHint, match=match):
        raise nn.TrainingHint(texts[0])


def test_a_hint_after_an_epoch_can_be_an_error() -> None:
    trainer = Trainer(network(), SGD(1e-7), rng=0, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", nn.TrainingHint)
        with pytest.raises(nn.TrainingHint, match="too small"):
            trainer.fit(DIGITS, Y, epochs=3, batch_size=50)
    assert trainer.history.epochs == 1
    assert trainer.step == 20


def test_hints_change_no_number() -> None:
    def trained(action: Any) -> nn.Trainer:
        with warnings.catch_warnings(record=True):
            warnings.simplefilter(action, nn.TrainingHint)
            layers = [Dense(16, "relu"), nn.BatchNorm(), nn.Dropout(0.5), Dense(10)]
            return fit(layers, DIGITS * 255, Y, epochs=3)

    one, other = trained("ignore"), trained("always")
    assert one.history == other.history
    np.testing.assert_array_equal(one.model.flat_parameters(), other.model.flat_parameters())
