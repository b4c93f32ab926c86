"""Hints about models of several inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import Conv2D, Dense, Embedding, Flatten, Layer, Sequential
from tests.training.hints.misfits import PIXELS, POINTS, SIGNS, SUMS, THREE, fit, hints_of, normal

N = 200
BYTES = PIXELS[:N].reshape(N, 1, 28, 28)
IMAGES = (BYTES / 255).astype("f")
PHOTOGRAPHS = normal(N, 12, 12, 3)
WORDS = np.random.default_rng(2).integers(0, 30, (N, 5))
LABEL = SIGNS[:, 0].astype(int)


class Mixed(Layer):
    """A picture and numbers → classes and a number."""

    def __init__(self, classes: Any = None, number: Any = None, hidden: Any = "relu") -> None:
        self.picture = Sequential(Conv2D(2, 3, padding="same"), nn.GlobalAvgPool2D(), Dense(4))
        self.numbers = Dense(4)
        self.both = Dense(8, hidden)
        self.classes = Dense(3, classes)
        self.number = Dense(1, number)

    def forward(self, image: Any, numbers: Any) -> Any:
        features = self.both(self.picture(image) + self.numbers(numbers))
        return self.classes(features), self.number(features)


class Joined(Layer):
    """Two inputs → one output."""

    def __init__(self, units: int = 3, activation: Any = None) -> None:
        self.image, self.numbers = Sequential(Flatten(), Dense(4, "relu")), Dense(4, "relu")
        self.out = Dense(units, activation)

    def forward(self, image: Any, numbers: Any) -> Any:
        return self.out(self.image(image) + self.numbers(numbers))


class Read(Layer):
    """Words and numbers → one output, the numbers scaled by itself."""

    def __init__(self) -> None:
        self.words, self.numbers, self.out = Embedding(256, 4), Dense(4), Dense(3)

    def forward(self, words: Any, numbers: Any) -> Any:
        return self.out(self.words(words).mean(axis=1) + self.numbers(numbers / 1000))


class Heads(Layer):
    """One input → a dict of outputs."""

    def __init__(self, kind: Any = None, size: Any = None) -> None:
        self.body, self.kind, self.size = Dense(16, "relu"), Dense(3, kind), Dense(1, size)

    def forward(self, X: Any) -> Any:
        features = self.body(X)
        return {"kind": self.kind(features), "size": self.size(features)}


class Anew(Layer):
    """Makes a layer in each call."""

    def __init__(self) -> None:
        self.body = Dense(4)

    def forward(self, a: Any, b: Any) -> Any:
        return Dense(3)(self.body(a) + self.body(b))


class Dead(Layer):
    """A relu that returns nothing in one of its branches."""

    def __init__(self) -> None:
        self.first, self.second, self.out = Dense(6), Dense(6, "relu"), Dense(3)

    def forward(self, a: Any, b: Any) -> Any:
        return self.out(nn.relu(self.first(a) - 99) + self.second(b)), self.out(self.second(b))


def both(outputs: Any, y: Any) -> Any:
    (classes, number), (labels, values) = (
        list(value.values()) if isinstance(value, dict) else value for value in (outputs, y)
    )
    return nn.softmax_cross_entropy(classes, labels) + nn.mse_loss(number, values)


def by_hand(outputs: Any, y: Any) -> Any:
    return nn.softmax_cross_entropy(outputs[0], y[0]) + 0.1 * ((outputs[1] - y[1]) ** 2).mean()


def binary(outputs: Any, y: Any) -> Any:
    loss = nn.binary_cross_entropy_with_logits(outputs[1], y[1])
    return loss + nn.softmax_cross_entropy(outputs[0], y[0])


def swapped(y_true: Any, y_pred: Any) -> Any:
    labels, values = (y_true[0][:, :1], y_true[1]), (y_pred[0], y_pred[1])
    error = labels[1] - values[1]
    return np.maximum(0.9 * error, -0.1 * error).mean() + ((labels[0] - values[0]) ** 2).mean()


def bias(y_true: Any, y_pred: Any) -> float:
    return float(np.mean(y_pred[1] - 2 * y_true[1]))


def right(outputs: Any, y: Any) -> float:
    return float(np.mean((outputs[1] > 0) == y[1]))


def each_other(outputs: Any, y: Any) -> Any:
    a, b = outputs[1], y[1]
    near = np.exp(-((a - a.reshape(1, -1)) ** 2)).mean() - 2 * np.exp(-((a - b) ** 2)).mean()
    return near + nn.softmax_cross_entropy(outputs[0], y[0])


X = (IMAGES, POINTS)
MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "pixels": (lambda: fit(Mixed(), (BYTES, POINTS), (THREE, SUMS), both), r"^fit: model.picture\[0\] Conv2D\(2, 3, padding='same'\), from X\[0\] \(image\), receives whole numbers from 0 to 255, .* scale them: X\[0\].astype\('float32'\) / 255"),
    "pixels by name": (lambda: fit(Mixed(), {"numbers": POINTS, "image": BYTES.astype("f")}, (THREE, SUMS), both), r"from X\[0\] \(image\), receives whole numbers"),
    "pixels of one output": (lambda: fit(Joined(), (BYTES, POINTS), THREE), r"model.image\[1\] Dense\(4, 'relu'\), from X\[0\] \(image\), receives whole"),
    "pixels second": (lambda: fit(Joined(), (POINTS, PIXELS[:N]), THREE), r"model.numbers Dense\(4, 'relu'\), from X\[1\] \(numbers\), receives whole"),
    "large numbers": (lambda: fit(Mixed(), (IMAGES, POINTS * 1000), (THREE, SUMS), both), r"from X\[1\] \(numbers\), receives numbers of about .*\(X\[1\] - X\[1\].mean\(axis=0\)\) / X\[1\].std\(axis=0\)"),
    "divided twice": (lambda: fit(Joined(), (IMAGES / 255, POINTS), THREE), r"from X\[0\] \(image\), receives numbers of at most 0.00392"),
    "channels last": (lambda: fit(Mixed(), (PHOTOGRAPHS, POINTS), (THREE, SUMS), both), r"takes 12 channels of 12×3 pixels from X\[0\] \(image\) of shape \(n, 12, 12, 3\), .*; X\[0\].transpose\(0, 3, 1, 2\) brings"),
    "softmax twice": (lambda: fit(Mixed("softmax"), X, (THREE, SUMS), both), r"softmax_cross_entropy expects scores, .* softmax \(model.classes Dense\(3, 'softmax'\)\)"),
    "softmax twice, dict": (lambda: fit(Heads("softmax"), POINTS, {"kind": THREE, "size": SUMS}, both), r"softmax \(model.kind Dense"),
    "sigmoid twice": (lambda: fit(Mixed(number="sigmoid"), X, (THREE, SIGNS), binary), "expects scores, of which it takes the sigmoid itself"),
    "softmax of one": (lambda: fit(Mixed(number="softmax"), X, (THREE, SIGNS), both), "softmax .* is taken over one number"),
    "softmax twice, one output": (lambda: fit(Joined(3, "softmax"), X, THREE), "expects scores"),
    "broadcast": (lambda: fit(Mixed(), X, (THREE, SUMS[:, 0]), by_hand), r"combines predictions of shape \(n, 1\) with targets of shape \(n,\)"),
    "broadcast, one output": (lambda: fit(Joined(1), X, SUMS[:, 0], lambda o, y: ((o - y) ** 2).mean()), r"combines predictions of shape \(n, 1\)"),
    "metric": (lambda: fit(Mixed(), X, (THREE, LABEL), lambda o, y: both(o, (y[0], y[1][:, None])), metrics=[right]), r"the metric 'right' combines outputs of shape \(n, 1\) with targets of shape \(n,\), .*; y\[1\].reshape\(-1, 1\)"),
    "swapped": (lambda: fit(Mixed(), X, (np.eye(3, dtype="f")[THREE], SUMS), swapped), r"the loss is a function of \(y_true, y_pred\)"),
    "swapped metric": (lambda: fit(Mixed(), X, (THREE, SUMS), both, metrics=[bias]), "the metric 'bias' is a function of"),
    "layers anew": (lambda: fit(Anew(), (POINTS, POINTS[::-1].copy()), THREE), "forward makes a new Dense in each call"),
    "one class": (lambda: fit(Mixed(), X, (THREE * 0, SUMS), both), r"all 200 labels of y\[0\] are 0: .* y\[0\] needs rows of each class"),
    "one class, dict": (lambda: fit(Heads(), POINTS, {"kind": THREE * 0 + 2, "size": SUMS}, both), r"all 200 labels of y\['kind'\] are 2"),
    "one class of two": (lambda: fit(Mixed(), X, (THREE, SIGNS * 0), binary), r"all 200 labels of y\[1\] are 0"),
    "one class in batches": (lambda: fit(Mixed(), [((IMAGES[:9], POINTS[:9]), (THREE[:9] * 0, SUMS[:9]))] * 3, None, both), r"all 27 labels of y\[0\] are 0"),
    "huge targets": (lambda: fit(Mixed(), X, (THREE, SUMS * 9000 + 200_000), both, epochs=1), r"the targets y\[1\] are of about .*\(y\[1\] - y\[1\].mean\(\)\)"),
    "out of reach": (lambda: fit(Mixed(number="sigmoid"), X, (THREE, SUMS), both), r"ends in sigmoid \(model.number Dense\(1, 'sigmoid'\)\), .* the targets y\[1\] go from"),
    "out of reach, dict": (lambda: fit(Heads(size="tanh"), POINTS, {"kind": THREE, "size": SUMS}, both), r"ends in tanh .* the targets y\['size'\] go from"),
    "validation": (lambda: fit(Joined(), X, THREE, validation=((BYTES, POINTS), THREE)), r"the numbers of X\[0\] are of about 0.3.*X\[0\] / 255"),
    "validation of the second": (lambda: fit(Joined(), X, THREE, validation=((IMAGES, POINTS * 99), THREE)), r"the numbers of X\[1\] are of about"),
    "dead relu": (lambda: fit(Dead(), (POINTS, POINTS), (THREE, THREE), lambda o, y: nn.softmax_cross_entropy(o[0], y[0]) + nn.softmax_cross_entropy(o[1], y[1])), "the relu of the model returns 0 for each of 200 rows"),
    "dead relu, one output": (lambda: fit(Joined(3), X, THREE, optimizer=nn.SGD(1e4)), "returns 0 for each of 200 rows"),
    "nothing learned": (lambda: fit(Joined(), X, THREE, optimizer=nn.SGD(1e-7), epochs=3), "nothing was learned; the weights have moved"),
    "falls back": (lambda: fit(Mixed(hidden="tanh"), X, (THREE, SUMS), both, optimizer=nn.Adam(30.0), batch_size=10), "the loss only falls back; a smaller rate"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_one_of_several_gets_one_hint_with_its_place(name: str) -> None:
    program, match = MISTAKES[name]
    texts = hints_of(program)
    assert len(texts) == 1, texts
    with pytest.raises(nn.TrainingHint, match=match):
        raise nn.TrainingHint(texts[0])


class Deep(Layer):
    """Its convolutions fit no picture of three pixels' height."""

    def __init__(self) -> None:
        self.picture = Sequential(Conv2D(2), Conv2D(2), Flatten(), Dense(3))
        self.numbers = Dense(3)

    def forward(self, numbers: Any, image: Any) -> Any:
        return self.picture(image) + self.numbers(numbers)


ERRORS: dict[str, tuple[Callable[[], Any], str]] = {
    "channels last": (lambda: fit(Deep(), (POINTS, PHOTOGRAPHS), THREE), r"does not fit .*; the channels of X\[1\], of shape \(n, 12, 12, 3\), seem to be the last axis: X\[1\].transpose\(0, 3, 1, 2\)"),
    "built for pictures": (lambda: fit(Deep().initialize((4,), (3, 12, 12)), (POINTS, PHOTOGRAPHS), THREE), r"expected 3 channels .*transpose\(0, 3, 1, 2\) .*model.picture\[0\]"),
    "labels (n, 1)": (lambda: fit(Mixed(), X, (THREE[:, None], SUMS), both), r"received shape \(32, 1\); labels.reshape\(-1\) has it"),
    "labels (n, 1), one output": (lambda: fit(Joined(), X, THREE[:, None]), r"received shape \(200, 1\); labels.reshape\(-1\) has it"),
    "swapped outputs": (lambda: fit(Mixed(), X, (SUMS, THREE), both), "softmax_cross_entropy: labels: expected"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_what_cannot_be_trained_is_an_error_with_the_cure(name: str) -> None:
    program, match = ERRORS[name]
    with pytest.raises(nn.ArgumentError, match=match):
        program()


RIGHT: dict[str, Callable[[], Any]] = {
    "two and two": lambda: fit(Mixed(), X, (THREE, SUMS), both, epochs=3),
    "dicts": lambda: fit(Heads(), POINTS, {"kind": THREE, "size": SUMS}, both, epochs=3),
    "a loss by hand": lambda: fit(Mixed(), X, (THREE, SUMS), by_hand, epochs=2),
    "one output": lambda: fit(Joined(), X, THREE, epochs=3, metrics=["accuracy"]),
    "words and numbers it scales": lambda: fit(Read(), (WORDS, POINTS * 1000), THREE),
    "bytes of words": lambda: fit(Read(), (PIXELS[:N, 300:340], POINTS), THREE),
    "binary": lambda: fit(Mixed(), X, (THREE, SIGNS), binary, metrics=[right]),
    "sigmoid": lambda: fit(Mixed(number="sigmoid"), X, (THREE, SIGNS), both),
    "softmax": lambda: fit(Heads("softmax"), POINTS, {"kind": np.eye(3)[THREE], "size": SUMS}, lambda o, y: nn.cross_entropy(o["kind"], y["kind"]) + nn.mse_loss(o["size"], y["size"])),
    "validation": lambda: fit(Joined(), X, THREE, validation=0.2, epochs=2),
    "all pairs": lambda: fit(Mixed(), X, (THREE, SUMS[:, 0]), each_other),
    "scaled in the loss": lambda: fit(Mixed(number="sigmoid"), X, (THREE, SUMS**2 * 100), lambda o, y: nn.softmax_cross_entropy(o[0], y[0]) + nn.mse_loss(o[1] * 1000, y[1]) / 1e6),
    "weights of rows": lambda: fit(Joined(), X, THREE, class_weights=[1, 1, 9]),
    "in batches": lambda: fit(Mixed(), [((IMAGES[:9], POINTS[:9]), (THREE[:9], SUMS[:9]))] * 3, None, both),
    "a high rate": lambda: fit(Mixed(), X, (THREE, SUMS), both, optimizer=nn.SGD(0.1), epochs=3),
    "pictures channels first": lambda: fit(Mixed(), (PHOTOGRAPHS.transpose(0, 3, 1, 2), POINTS), (THREE, SUMS), both),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_training_of_several_gets_no_hint(name: str) -> None:
    assert hints_of(RIGHT[name]) == []
