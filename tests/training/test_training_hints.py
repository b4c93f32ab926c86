"""Warnings of trainings that run, but probably not as their author wants them."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import Activation, Dense, Flatten, Sequential, Trainer, TrainingHint
from neural_network.training.hints.table import HINTS as TABLE

X = np.random.default_rng(0).standard_normal((12, 4)).astype(np.float32)
Y = np.arange(12) % 3
ROWS = np.eye(3)[Y]


class Wrapped(nn.Layer):
    """A model of one's own."""

    def __init__(self, function: Any) -> None:
        self.body = Sequential(Dense(5, "relu"), Dense(3))
        self.function = function

    def forward(self, X: Any) -> Any:
        return self.function(self.body(X))


def frozen(model: Sequential) -> Sequential:
    model.initialize((4,), rng=0)[-1].freeze()
    return model


SCE = nn.softmax_cross_entropy
BCE = nn.binary_cross_entropy_with_logits
HINTS: dict[str, tuple[Any, Any, Any, str]] = {
    "dense": ([Dense(3, "softmax")], SCE, Y, r"^fit: softmax_cross_entropy expects scores, of which it takes the softmax itself, and receives the result of softmax \(model\[0\] Dense\(3, 'softmax'\)\): .*leave that activation out, or use the loss 'cross_entropy'"),
    "by name": ([Dense(3, "softmax")], "softmax_cross_entropy", Y, "result of softmax"),
    "a layer": ([Dense(3), Activation("softmax")], SCE, Y, r"softmax \(model\[1\] Activation\('softmax'\)\)"),
    "a function": ([Dense(3, nn.softmax)], SCE, Y, r"softmax \(model\[0\] Dense\(3, softmax\)\)"),
    "in a container": ([Dense(4), Sequential(Dense(3), Activation("softmax"))], SCE, Y, r"model\[1\]\[1\] Act"),
    "before others": ([Dense(3, "softmax"), nn.Dropout(0.5), Flatten()], SCE, Y, r"model\[0\] Dense"),
    "own model": (Wrapped(nn.softmax), SCE, Y, r"softmax \(model Wrapped\)"),
    "own body": (Wrapped(Activation("softmax")), SCE, Y, r"softmax \(model.function Activation"),
    "own loss": ([Dense(3, "softmax")], lambda o, y: 2 * SCE(o, y), Y, "result of softmax"),
    "softmax in the loss": ([Dense(3)], lambda o, y: SCE(nn.softmax(o), y), Y, "result of softmax:"),
    "sigmoid": ([Dense(3, "sigmoid")], SCE, Y, "result of sigmoid .*'binary_cross_entropy'"),
    "soft labels": ([Dense(3, "softmax")], SCE, ROWS, "result of softmax"),
    "binary": ([Dense(3, "sigmoid")], BCE, ROWS, r"binary_cross_entropy_with_logits expects scores, of which it takes the sigmoid itself, .* sigmoid \(model\[0\]"),
    "binary, softmax": ([Dense(3, "softmax")], BCE, ROWS, "result of softmax"),
    "binary, logs": ([Dense(3, "log_softmax")], BCE, ROWS, "result of log_softmax .*'nll'"),
    "hinge": ([Dense(3, "softmax")], nn.hinge, Y, "hinge expects scores"),
    "hinge, sigmoid": ([Dense(3, "sigmoid")], nn.hinge, Y, "hinge expects scores"),
    "no rows of 1": ([Dense(3, "sigmoid")], nn.cross_entropy, ROWS, "cross_entropy expects probabilities that sum to 1 .* use softmax"),
    "last layer frozen": (frozen(Sequential(Dense(3), Dense(3, "softmax"))), SCE, Y, r"model\[1\]"),
}  # fmt: skip


def fitted(model: Any, loss: Any, y: Any) -> tuple[Trainer, list[warnings.WarningMessage]]:
    trainer = Trainer(model, nn.SGD(0.1), loss=loss, rng=0, progress=False)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        trainer.fit(X, y, epochs=3, batch_size=4)
        trainer.fit(X, y)
    return trainer, found


@pytest.mark.parametrize("name", HINTS)
def test_probabilities_for_scores_are_said_once(name: str) -> None:
    model, loss, y, match = HINTS[name]
    _, found = fitted(model, loss, y)
    assert [warning.category for warning in found] == [TrainingHint]
    with pytest.raises(TrainingHint, match=match):
        raise found[0].message  # type: ignore[misc]  # a warning is an exception
    assert found[0].filename == __file__
    assert len(str(found[0].message)) <= 500
    assert issubclass(TrainingHint, UserWarning)


RIGHT: dict[str, tuple[Any, Any, Any]] = {
    "scores": ([Dense(3)], SCE, Y),
    "softmax inside": ([Dense(4, "softmax"), Dense(3)], SCE, Y),
    "logs": ([Dense(3, "log_softmax")], SCE, Y),  # their softmax is the softmax of the scores
    "probabilities": ([Dense(3, "softmax")], nn.cross_entropy, ROWS),
    "nll": ([Dense(3, "log_softmax")], nn.nll, Y),
    "binary": ([Dense(3, "sigmoid")], nn.binary_cross_entropy, ROWS),
    "binary scores": ([Dense(3)], BCE, ROWS),
    "squares": ([Dense(3, "softmax")], nn.mse_loss, ROWS),
    "own model": (Wrapped(nn.relu), SCE, Y),
    "all ignored in a batch": ([Dense(3, "softmax")], nn.cross_entropy, ROWS),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_fits_is_not_warned_of(name: str) -> None:
    assert fitted(*RIGHT[name])[1] == []


def test_a_hint_can_be_an_error_that_changes_nothing() -> None:
    trainer = Trainer([Dense(3, "softmax")], rng=0, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainingHint)
        with pytest.raises(TrainingHint):
            trainer.fit(X, Y)
    assert trainer.step == 0


DOCUMENT = Path(__file__).parents[2] / "docs" / "training.md"


def documented() -> str:
    """Return the table of all hints as it stands in the documents."""
    lines = ["| given by | what was seen | what mends it |", "| --- | --- | --- |"]
    for when, hints in TABLE.items():
        for place, hint in enumerate(hints):
            lines.append(f"| {'' if place else when} | {hint.seen} | {hint.cure} |")
    return "\n".join(lines)


def test_the_documents_list_all_hints() -> None:
    assert f"<!-- hints -->\n{documented()}\n<!-- end -->" in DOCUMENT.read_text()
    names = [hint.name for hints in TABLE.values() for hint in hints]
    assert len(set(names)) == len(names)


def test_the_line_of_the_documents_silences_hints() -> None:
    line = re.search(
        r"^warnings.filterwarnings.*TrainingHint\)$", DOCUMENT.read_text(), re.MULTILINE
    )
    assert line is not None
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        exec(line.group(), {"warnings": warnings, "nn": nn})
        Trainer([Dense(3, "softmax")], rng=0, progress=False).fit(X * 1000, Y)
        nn.conv2d(np.ones((16, 16, 3)), np.ones((3, 3)))
    assert found == []


def of_rows(y_true: Any, y_pred: Any) -> Any:
    return nn.cross_entropy(y_pred, nn.one_hot(y_true, 3))


def of_numbers(y_true: Any, y_pred: Any) -> Any:
    return nn.softmax_cross_entropy(y_pred, y_true)


def by_index(labels: Any, outputs: Any) -> Any:
    return -np.mean(outputs[np.arange(len(labels)), labels])


@pytest.mark.parametrize("loss", [of_rows, of_numbers, by_index])
def test_a_loss_that_fails_with_swapped_arguments_names_their_order(loss: Any) -> None:
    with pytest.raises(Exception, match=r".") as caught:
        Trainer([Dense(3, "softmax")], loss=loss, rng=0, progress=False).fit(X, Y)
    line = f"(outputs, y), in this order: pass lambda outputs, y: {loss.__name__}(y, outputs)"
    assert line in caught.value.__notes__[-1]


def test_another_error_of_a_loss_gets_no_note_of_its_order() -> None:
    def broken(outputs: Any, y: Any) -> Any:
        raise nn.ArgumentError("broken")

    with pytest.raises(nn.ArgumentError, match="broken") as caught:
        Trainer([Dense(3)], loss=broken, rng=0, progress=False).fit(X, Y)
    assert not any("order" in note for note in getattr(caught.value, "__notes__", ()))
