"""What a learner meets in the first hours: silent mistakes get a hint, sentences name the cure."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import neural_network as nn

IMAGES, LABELS = nn.load_mnist()
X, Y = IMAGES[:20].reshape(20, -1) / 255.0, nn.one_hot(LABELS[:20], 10)
P = nn.initial_parameters([784, 32, 10])
A1, A2 = nn.forward_mlp(X, **P)
Z1 = X @ P["W1"] + P["b1"]
x = np.linspace(0, 10, 10)
LINE: Any = (2 * x + 1)[:, None]
ZERO = np.zeros((1, 1))


def descent(inputs: Any, y: Any, W: Any = ZERO, *, lr: float = 0.01, **options: Any) -> Any:
    start = options.pop("b", np.zeros(1))
    loss = options.pop("loss_fn", nn.mse_loss)
    return nn.gradient_descent(inputs, y, W, start, lr, 20, 5, loss, **{"rng": 0, **options})


def digits(count: int) -> Any:
    paper = np.full((100, 240), 200.0)
    for place in range(count):
        paper[20:80, 20 + 70 * place : 32 + 70 * place] = 30
    return paper


class Misspelt(nn.Layer):
    def __init__(self, n: int) -> None:
        self.units = n

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:  # noqa: ARG002
        self.weight = nn.Parameter(np.zeros((shape[-1], self.n)))

    def forward(self, X: Any) -> Any:
        return X @ self.weight


def early(**options: Any) -> Any:
    stopping = nn.EarlyStopping(patience=2)
    trainer = nn.Trainer([nn.Dense(10)], callbacks=[stopping], rng=0, progress=False)
    return trainer.fit(X, LABELS[:20], epochs=3, **options)


def paper(picture: Any) -> Any:
    return nn.models.load_tiny_cnn().predict(picture)


HINTS: dict[str, tuple[Any, str]] = {
    "labels swapped": (lambda: nn.backward_mlp(X, A1, Y, A2, P["W1"], P["W2"], Z1), r"^backward_mlp: A2 holds nothing but 0 and 1, .*point uphill"),
    "overshoot": (lambda: descent(x[:, None], LINE, lr=1, verbose=False), r"^gradient_descent: the predictions have grown to .*; try lr=0.1"),
    "paper": (lambda: paper(1 - IMAGES[:1, None] / 255), r"^predict: the picture is of dark ink on bright paper.*nn\.prepare_digit\(picture\) turns, .*1 - X .* turns one"),
    "bytes of paper": (lambda: paper(255 - IMAGES[:1, None]), "dark ink on bright paper"),
    "digits": (lambda: nn.prepare_digit(digits(3)), "^prepare_digit: there seem to be 3 digits side by side"),
}  # fmt: skip
RIGHT: dict[str, Any] = {
    "backward": lambda: nn.backward_mlp(X, A1, A2, Y, P["W1"], P["W2"], Z1),
    "descent": lambda: descent(x[:, None], LINE, verbose=False),
    "digits": lambda: paper(IMAGES[:50, None] / 255),
    "one digit": lambda: nn.prepare_digit(digits(1)),
    "noise": lambda: paper(np.random.default_rng(0).random((3, 1, 28, 28))),
    "early": lambda: early(validation=(X, LABELS[:20])),
}
ERRORS: dict[str, tuple[Any, str]] = {
    "row of X": (lambda: descent(x, 2 * x), r"X: expected \(n, d\).*X\[:, None\] has a row for each"),
    "turned X": (lambda: descent(x[None], 2 * x), r"X: expected .*X\.T has a row for each"),
    "number W": (lambda: descent(x[:, None], LINE, 0.0), r"W: .*np.zeros\(\(1, 1\)\) is one weight"),
    "number b": (lambda: descent(x[:, None], LINE, b=0.0), r"b: .*np.full\(\(1,\), b\) has it"),
    "verbose": (lambda: descent(x[:, None], LINE, verbose=0), "True or False, received 0; verbose=False"),
    "loss": (lambda: descent(x[:, None], LINE, loss_fn="mse"), "received 'mse'; nn.mse_loss is a function"),
    "tuple": (lambda: nn.cross_entropy(nn.forward_mlp(X, **P), Y), r"A: .*a tuple of 2 arrays; .*forward_mlp\(…\)\[-1\]"),  # type: ignore[arg-type]
    "tuple, accuracy": (lambda: nn.accuracy(nn.forward_mlp(X, **P), Y), r"y_pred: .*a tuple of 2 arrays"),  # type: ignore[arg-type]
    "tuple of one shape": (lambda: nn.accuracy((A2, A2), LABELS[:20]), r"y_pred: .*a tuple of 2 arrays"),  # type: ignore[arg-type]
    "pool": (lambda: nn.avg_pool2d(np.ones((4, 4)), 2), r"X\[None, None\] is one image of one channel$"),
    "misspelt": (lambda: Misspelt(3)(X), "'n'; here: n → an attribute that has to be set before .*there are units"),
    "validation": (early, "received 'validation_loss'; fit has no validation data.*or observe 'loss'"),
    "backward": ((nn.Tensor([1.0, 2.0], requires_grad=True) ** 2).backward, r"a single number, received shape \(2,\); np.sum"),
    "pictures": (lambda: nn.forward_mlp(IMAGES[:5], **P), r"X.reshape\(len\(X\), -1\) has a row for each"),
    "activation": (lambda: nn.Sequential(nn.Dense(3), nn.relu), r"Activation\('relu'\) is one"),  # type: ignore[arg-type]
    "activation's name": (lambda: nn.Sequential(nn.Dense(3), "relu"), r"Activation\('relu'\) is one"),  # type: ignore[arg-type]
    "one label": (lambda: nn.one_hot(3, 10), r"\[labels\] is a list of one"),
}  # fmt: skip


@pytest.mark.parametrize("name", HINTS)
def test_silent_mistakes_get_a_hint(name: str) -> None:
    mistake, match = HINTS[name]
    with pytest.warns(nn.TrainingHint, match=match):
        mistake()


@pytest.mark.parametrize("name", RIGHT)
def test_right_programs_get_none(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RIGHT[name]()


@pytest.mark.parametrize("name", ERRORS)
def test_sentences_name_the_cure(name: str) -> None:
    mistake, match = ERRORS[name]
    with pytest.raises(nn.NeuralNetworkError, match=match):
        mistake()


def test_huge_losses_are_printed_short(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.warns(nn.TrainingHint):
        descent(x[:, None], LINE, lr=1)
    assert max(map(len, capsys.readouterr().out.splitlines())) < 40
