"""Hints about data, losses, metrics and callbacks, before the first step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import Conv1D, Conv2D, Conv3D, Dense, Embedding, Flatten, GlobalAvgPool2D
from neural_network.training.callbacks import Callback
from tests.training.hints.misfits import (
    DIGITS,
    PIXELS,
    POINTS,
    SIGNS,
    SUMS,
    THREE,
    Y,
    fit,
    hints_of,
    network,
    normal,
)

PICTURES = normal(12, 16, 16, 3)
CLASSES = np.arange(12) % 3


def pinball(y_true: Any, y_pred: Any) -> Any:
    error = y_true - y_pred
    return np.maximum(0.9 * error, -0.1 * error).mean()


def r2(y_true: Any, y_pred: Any) -> Any:
    return 1 - ((y_true - y_pred) ** 2).sum() / ((y_true - y_true.mean()) ** 2).sum()


class Anew(nn.Layer):
    """Makes its last layer in each call."""

    def __init__(self) -> None:
        self.body = Dense(4)

    def forward(self, X: Any) -> Any:
        return Dense(3)(self.body(X))


def convolved(*layers: nn.Layer) -> list[nn.Layer]:
    return [*layers, Flatten(), Dense(3)]


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "bytes": (lambda: fit(network(), PIXELS, Y), r"^fit: model\[0\] Dense\(32, 'relu'\) receives whole numbers from 0 to 255, .*X.astype\('float32'\) / 255"),
    "bytes as floats": (lambda: fit(network(), PIXELS.astype("f"), Y), "whole numbers from 0 to 255"),
    "bytes as integers": (lambda: fit(network(), PIXELS.astype(int), Y), "whole numbers from 0 to 255"),
    "bytes convolved": (lambda: fit(convolved(Conv2D(2)), PIXELS[:60].reshape(60, 1, 28, 28), Y[:60] % 3), r"model\[0\] Conv2D\(2\) receives whole numbers"),
    "bytes flattened": (lambda: fit([Flatten(), *network()], PIXELS[:60].reshape(60, 28, 28), Y[:60]), r"model\[1\] Dense"),
    "dark bytes": (lambda: fit(network(), PIXELS[:60] // 3, Y[:60]), "whole numbers from 0 to 85"),
    "16 bits": (lambda: fit(network(), PIXELS[:60].astype(np.uint16) * 257, Y[:60]), "receives numbers of about 2.*standardise each"),
    "large": (lambda: fit(network(3), POINTS * 1000, THREE), "receives numbers of about .*standardise each feature"),
    "far from 0": (lambda: fit(network(3), POINTS + 500, THREE), r"numbers of about 500 \(from 49"),
    "divided twice": (lambda: fit(network(), DIGITS[:60] / 255, Y[:60]), "at most 0.00392, .*divided by 255 twice"),
    "channels last": (lambda: fit(convolved(Conv2D(2)), PICTURES, CLASSES), r"^fit: model\[0\] Conv2D\(2\) takes 16 channels of 16×3 pixels from X of shape \(n, 16, 16, 3\), .*; X.transpose\(0, 3, 1, 2\) brings them to \(n, 3, 16, 16\)$"),
    "channels last, same": (lambda: fit([Conv2D(2, padding="same"), GlobalAvgPool2D(), Dense(3)], PICTURES, CLASSES), "channels seem to be the last axis"),
    "one channel last, same": (lambda: fit(convolved(Conv2D(2, padding="same")), PICTURES[..., :1], CLASSES), r"16×1 pixels .*\(n, 1, 16, 16\)"),
    "four channels last": (lambda: fit(convolved(Conv2D(2, 2)), normal(12, 20, 16, 4), CLASSES), r"to \(n, 4, 20, 16\)"),
    "depthwise": (lambda: fit(convolved(nn.DepthwiseConv2D()), PICTURES, CLASSES), "seem to be the last axis"),
    "signals of nine channels": (lambda: fit(convolved(Conv1D(2)), normal(12, 128, 9), CLASSES), r"takes 128 channels of 9 samples .*; X.transpose\(0, 2, 1\) brings them to \(n, 9, 128\)"),
    "signals of twelve channels": (lambda: fit(convolved(Conv1D(2)), normal(12, 100, 12), CLASSES), r"takes 100 channels of 12 samples .*; X.transpose\(0, 2, 1\) brings"),
    "signals of two channels": (lambda: fit([Conv1D(2, padding="same"), Flatten(), Dense(3)], normal(12, 40, 2), CLASSES), r"takes 40 channels of 2 samples .*; X.transpose\(0, 2, 1\) brings"),
    "signals": (lambda: fit(convolved(Conv1D(2)), normal(12, 40, 3), CLASSES), r"takes 40 channels of 3 samples .*; X.transpose\(0, 2, 1\) brings"),
    "volumes": (lambda: fit(convolved(Conv3D(2, (3, 3, 1))), normal(12, 9, 8, 8, 3), CLASSES), r"X.transpose\(0, 4, 1, 2, 3\)"),
    "broadcast": (lambda: fit(network(1), POINTS, SUMS[:, 0], lambda o, y: ((o - y) ** 2).mean()), r"^fit: the loss combines predictions of shape \(n, 1\) with targets of shape \(n,\), .*; y.reshape\(-1, 1\) has the shape"),
    "broadcast, absolute": (lambda: fit(network(1), POINTS, SUMS[:, 0], lambda o, y: np.abs(y - o).sum()), r"y.reshape\(-1, 1\)"),
    "broadcast, sum of rows": (lambda: fit(network(1), POINTS, SUMS[:, 0], lambda o, y: np.square(o - y).sum(axis=1).mean()), r"y.reshape\(-1, 1\)"),
    "broadcast, pieces": (lambda: fit(network(1), POINTS, SUMS[:, 0], lambda o, y: np.where(o > y, o - y, y - o).mean()), r"y.reshape\(-1, 1\)"),
    "broadcast, likelihood": (lambda: fit(network(1, "sigmoid"), POINTS, SIGNS[:, 0], lambda p, y: -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))), r"y.reshape\(-1, 1\)"),
    "broadcast, reverse": (lambda: fit(network(1), POINTS, SUMS, lambda o, y: ((o[:, 0] - y) ** 2).mean()), r"predictions of shape \(n,\) with targets of shape \(n, 1\), .*; y.reshape\(-1\) has"),
    "metric": (lambda: fit(network(1), POINTS, SIGNS[:, 0], lambda o, y: nn.mse_loss(o[:, 0], y), metrics={"right": lambda o, y: np.mean((o > 0) == y)}), r"^fit: the metric 'right' combines outputs of shape \(n, 1\)"),
    "swapped loss": (lambda: fit(network(1), POINTS, SUMS, pinball), r"^fit: the loss is a function of \(y_true, y_pred\), and is called with \(outputs, y\), .* lambda outputs, y: pinball\(y, outputs\)$"),
    "swapped metric": (lambda: fit(network(1), POINTS, SUMS, "mse_loss", metrics=[r2]), "^fit: the metric 'r2' is a function of"),
    "softmax of one": (lambda: fit(network(1, "softmax"), POINTS, SIGNS, "binary_cross_entropy"), r"^fit: softmax \(model\[1\] Dense\(1, 'softmax'\)\) is taken over one number"),
    "layers anew": (lambda: fit(Anew(), POINTS, THREE), r"^fit: forward makes a new Dense in each call.*self.layer = Dense\(…\)"),
    "one class": (lambda: fit(network(1), POINTS, SIGNS * 0, "binary_cross_entropy_with_logits"), "^fit: all 200 labels are 0: .* rows of each class"),
    "one class, 1": (lambda: fit(network(1, "sigmoid"), POINTS, SIGNS * 0 + 1, "binary_cross_entropy"), "all 200 labels are 1"),
    "one class in batches": (lambda: fit(network(3), [(POINTS[:9], THREE[:9] * 0 + 2)] * 3, None), "all 27 labels are 2"),
    "one class, hinge": (lambda: fit(network(3), [(POINTS[:9], THREE[:9] * 0)] * 3, None, "hinge"), "all 27 labels are 0"),
    "huge targets": (lambda: fit(network(1), POINTS, SUMS * 9000 + 200_000, "mse_loss"), r"^fit: the targets are of about 1.98e\+05 .*; train with standardised targets"),
    "sigmoid at the end": (lambda: fit(network(1, "sigmoid"), POINTS, SUMS, "mse_loss"), r"^fit: the model ends in sigmoid \(model\[1\] Dense\(1, 'sigmoid'\)\), which returns numbers from 0 to 1; the targets go from -"),
    "tanh at the end": (lambda: fit(network(1, "tanh"), POINTS, SUMS, "l1"), "ends in tanh .* from -1 to 1;"),
    "relu at the end": (lambda: fit([Dense(1, "relu")], POINTS, SUMS, "huber"), "ends in relu .* 0 or more;"),
    "pixels to sigmoid": (lambda: fit(network(784, "sigmoid"), DIGITS[:60], DIGITS[:60] * 255, "mse_loss"), "from 0 to 1; the targets go from 0 to 255"),
    "validation not scaled": (lambda: fit(network(), DIGITS[:60], Y[:60], validation=(PIXELS[60:90], Y[60:90])), "^fit: the numbers of X are of about 0.3.*and those of validation of about 8"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_data_gets_one_hint_with_the_cure(name: str) -> None:
    program, match = MISTAKES[name]
    texts = hints_of(program)
    assert len(texts) == 1, texts
    with pytest.raises(nn.TrainingHint, match=match):
        raise nn.TrainingHint(texts[0])


ERRORS: dict[str, tuple[Callable[[], Any], str]] = {
    "channels last, two layers": (lambda: fit(convolved(Conv2D(2), Conv2D(2)), PICTURES, CLASSES), r"does not fit a 14×1 image .*; the channels of X, of shape \(n, 16, 16, 3\), seem to be the last axis: X.transpose\(0, 3, 1, 2\)"),
    "channels last, pooled": (lambda: fit(convolved(Conv2D(2), nn.MaxPool2D(2)), PICTURES, CLASSES), r"X.transpose\(0, 3, 1, 2\)"),
    "one channel last": (lambda: fit(convolved(Conv2D(2)), PICTURES[..., :1], CLASSES), r"to \(n, 1, 16, 16\)"),
    "built for pictures": (lambda: fit(nn.Sequential(*convolved(Conv2D(2))).initialize((3, 16, 16)), PICTURES, CLASSES), r"expected 3 channels .*X.transpose\(0, 3, 1, 2\)"),
    "labels (n, 1)": (lambda: fit(network(3), POINTS, THREE[:, None]), r"received shape \(200, 1\); labels.reshape\(-1\) has it"),
    "labels from 1": (lambda: fit(network(3), POINTS, THREE + 1), "received 3 at index 2; labels - 1 begins at 0"),
    "one class": (lambda: fit(network(3), POINTS, THREE * 0), "expected labels of at least two classes, received only class 0"),
    "swapped": (lambda: fit(network(3), POINTS, np.eye(3)[THREE], lambda o, y: nn.softmax_cross_entropy(y, o)), r"the predictions come first: softmax_cross_entropy\(logits, labels\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_what_cannot_be_trained_is_an_error_with_the_cure(name: str) -> None:
    program, match = ERRORS[name]
    with pytest.raises(ValueError if name != "swapped" else nn.DroppedGradientError, match=match):
        program()


def verb(name: str, function: Any = lambda self, trainer, measures=None: None) -> Callable[[], Any]:
    callback = type("Mine", (Callback,), {name: function})
    return lambda: fit(network(3), POINTS, THREE, callbacks=[callback()])


# What was written → what was meant.
VERBS = {
    "on_epoch_ends": "on_epoch_end", "epoch_end": "on_epoch_end", "on_epochend": "on_epoch_end",
    "on_epoch_finished": "on_epoch_end", "onEpochEnd": "on_epoch_end", "after_epoch": "on_epoch_end",
    "on_train_epoch_end": "on_epoch_end", "on_epoch_start": "on_epoch_begin",
    "before_epoch": "on_epoch_begin", "on_train_begin": "on_fit_begin", "on_fit_start": "on_fit_begin",
    "on_training_end": "on_fit_end", "on_batch_end": "on_step_end", "on_steps_end": "on_step_end",
    "on_train_batch_end": "on_step_end", "on_batch_begin": "on_step_begin", "load_states": "load_state",
    "on_interrupted": "on_interrupt", "on_end_of_epoch": "on_epoch_end",
}  # fmt: skip


@pytest.mark.parametrize("name", VERBS)
def test_a_misspelt_method_of_a_callback_is_named_with_the_nearest(name: str) -> None:
    (text,) = hints_of(verb(name))
    assert text.startswith(f"fit: Mine.{name} is never called")
    assert f" {VERBS[name]}(self" in text


def test_methods_and_arguments_of_other_libraries() -> None:
    (text,) = hints_of(verb("on_validation_end"))
    assert "is never called: the methods that are called are on_epoch_begin, on_epoch_end" in text
    (text,) = hints_of(verb("on_epoch_end", lambda self, epoch, logs=None: None))
    assert "names its first argument 'epoch'" in text
    assert "write on_epoch_end(self, trainer, measures)" in text
    instance = Callback()
    instance.on_epoch_ends = print  # type: ignore[attr-defined]  # the mistake
    (text,) = hints_of(lambda: fit(network(3), POINTS, THREE, callbacks=[instance]))
    assert "Callback.on_epoch_ends is never called" in text


def test_an_embedding_reads_bytes_and_a_first_dense_layer_does_not() -> None:
    words = PIXELS[:60, 300:340]
    assert hints_of(lambda: fit([Embedding(256, 4), Flatten(), Dense(10)], words, Y[:60])) == []
    assert len(hints_of(lambda: fit(network(), words, Y[:60]))) == 1
