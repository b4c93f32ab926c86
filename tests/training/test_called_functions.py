"""Functions of one's own that a training calls: what they take, and what they are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn

X = np.random.default_rng(0).random((20, 1, 8, 8)).astype(np.float32)
LABELS = np.arange(20) % 2
SHIFT = nn.Shift(2)


def model() -> nn.Layer:
    return nn.Sequential(nn.Flatten(), nn.Dense(2))


class Two(nn.Layer):
    """A model of pictures and other pictures."""

    def __init__(self) -> None:
        self.flat, self.dense = nn.Flatten(), nn.Dense(2)

    def forward(self, image: Any, other: Any) -> Any:
        return self.dense(np.concatenate([self.flat(image), self.flat(other)], 1))


def one(X: Any) -> Any:
    return X


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"augment": lambda X: X},
            r"augment: .*called with \(X, rng\), received a lambda of \(X\)",
        ),
        ({"augment": one}, r"augment: .*called with \(X, rng\), received one with \(X"),
        ({"loss": lambda Z: Z}, r"loss: .*called with \(outputs, y\), received a lambda of \(Z\)"),
        ({"loss": lambda Z, y, w: Z + y + w}, r"loss: .*called with .*\(Z, y, w\)"),
        ({"metrics": [one]}, r"metrics: .*called with \(outputs, y\), received one with \(X"),
        ({"metrics": {"own": lambda: 1}}, r"metrics: .*called with \(outputs, y\)"),
    ],
)
def test_functions_of_other_arguments_are_refused(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(nn.DTypeError, match=text):
        nn.Trainer(model(), **arguments)


@pytest.mark.parametrize("verb", [v for v in vars(nn.Callback) if v.startswith("on_")])
def test_methods_of_callbacks_that_lack_an_argument_are_refused(verb: str) -> None:
    callback = type("Own", (nn.Callback,), {verb: lambda _: None})()
    with pytest.raises(nn.DTypeError, match=rf"Own.{verb}: .*called with \(trainer"):
        nn.Trainer(model(), callbacks=[callback])


def with_names(X: Any, rng: Any) -> Any:
    return {"image": X["image"], "other": X["other"]}


AUGMENTS: list[tuple[Callable[..., Any], str]] = [
    (SHIFT, r"several inputs a function of \(X, rng\), with X a tuple of 2, .*own\(X\[0\], rng\)"),
    (nn.Augment(SHIFT), r"received Augment\(Shift.*own\(X\[0\], rng\), \*X\[1:\]"),
    (with_names, r"with X a tuple of 2 in the order of the model's forward, received TypeError"),
    (lambda X, _: X * 0.9, "with X a tuple of 2 in the order of the model's forward"),
    (lambda X, rng: SHIFT((X[1], X[0]), rng), r"received a tuple of 2; augment\(X\[0\], rng\)"),
    (lambda X, _: X[0], "augment: expected a tuple of 2 arrays"),
]


@pytest.mark.parametrize(("augment", "text"), AUGMENTS)
@pytest.mark.parametrize("inputs", [(X, X), {"other": X, "image": X}])
def test_several_inputs(augment: Any, text: str, inputs: Any) -> None:
    trainer = nn.Trainer(
        Two(), loss="softmax_cross_entropy", augment=augment, rng=0, progress=False
    )
    with pytest.raises((nn.ArgumentError, nn.DTypeError), match=text):
        trainer.fit(inputs, LABELS)
    assert not trainer.model.built


def test_one_of_several_inputs_is_augmented() -> None:
    seen: list[Any] = []

    def augment(X: Any, rng: Any) -> Any:
        seen.append(X)
        return SHIFT(X[0], rng), X[1]

    trainer = nn.Trainer(
        Two(), loss="softmax_cross_entropy", augment=augment, rng=0, progress=False
    )
    trainer.fit({"other": X + 1, "image": X}, LABELS)
    assert all(image.max() <= 1 <= other.min() for image, other in seen)


def test_a_tuple_of_arrays_is_no_batch_of_pictures() -> None:
    for made in (SHIFT, nn.Augment(SHIFT), nn.Cutout(2)):
        with pytest.raises(nn.DTypeError, match="X: expected one array of pictures"):
            made((X[:, 0], X[:, 0]), rng=0)
    assert SHIFT([X[0], X[1]], rng=0).shape == (2, 1, 8, 8)  # a list of pictures is


class Best(nn.Callback):
    """As the page about training shows it."""

    best = float("inf")

    def on_epoch_end(self, trainer: Any, measures: Any) -> None:  # noqa: ARG002  # the base class takes it
        self.best = min(self.best, measures["loss"])

    def state(self) -> dict[str, Any]:
        return {"best": np.array(self.best)}

    def load_state(self, state: Any) -> None:
        self.best = float(state["best"])


def test_a_callback_goes_on_with_its_state(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    best = Best()
    again = Best()
    for callback, resume in ((best, None), (again, path)):
        callbacks = [nn.Checkpoint(path), callback]
        trainer = nn.Trainer(model(), callbacks=callbacks, rng=0, progress=False)
        trainer.fit(X, LABELS, epochs=3, resume=resume)
    assert again.best == best.best < float("inf")
