"""What was typed after the first hour: each answer is about what was called, and names the cure."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn

rng = np.random.default_rng(0)
X, y = rng.random((6, 5)), np.arange(6) % 3
P, Y = nn.softmax(X[:, :3]), nn.one_hot(y, 3)
SAME = nn.initial_parameters([5, 3, 3], rng=0)
model: Any = nn.Sequential(nn.Dense(4), nn.Dense(2)).initialize((5,), rng=0)
residual: Any = nn.Residual(nn.Dense(5))
TUPLE = r"a tuple of 2 arrays; .*forward_mlp\(…\)\[-1\]"


class Own(nn.Layer):
    def __init__(self, layers: Any) -> None:
        self.layers = layers

    def forward(self, X: Any) -> Any:
        return self.layers[0](X)


def assigned() -> None:
    model.layers[-1] = nn.Dense(2)


def deleted() -> None:
    del model.layers[0]


def added() -> None:
    model.layers += [nn.Dense(2)]


def body() -> None:
    residual.body[0] = nn.Dense(5)


def fit(**options: Any) -> Any:
    return nn.Trainer(nn.Dense(3), rng=0, progress=False).fit(X, y, **options)


Case = tuple[Callable[[], Any], type[Exception], str]
CASES: dict[str, Case] = {
    # the function that was called
    "lr of Adam": (lambda: nn.Adam(lr=0.1), TypeError, r"nn\.Adam\(learning_rate="),  # type: ignore[call-arg]
    "lr of Lion": (lambda: nn.Lion(lr=0.1), TypeError, r"nn\.Lion\(learning_rate="),  # type: ignore[call-arg]
    "what SGD lacks": (lambda: nn.SGD(eps=1e-8), TypeError, "'eps'; it takes learning_rate, mom"),  # type: ignore[call-arg]
    "strides of Conv1D": (lambda: nn.Conv1D(8, 3, strides=2), TypeError, r"nn\.Conv1D\(8, 3, stride=2\)"),  # type: ignore[call-arg]
    "l2 of Conv2D": (lambda: nn.Conv2D(8, 3, weight_decay=1), TypeError, r"nn\.Conv2D\(8, 3, l2="),  # type: ignore[call-arg]
    "means, not maxima": (lambda: nn.avg_pool2d(X, kernel_size=2), TypeError, r"nn\.avg_pool2d\("),  # type: ignore[call-arg]
    "weight of conv1d": (lambda: nn.conv1d(X[0], weight=[1.0]), TypeError, "weight → filter_kernel$"),  # type: ignore[call-arg]
    "grey": (lambda: nn.load_image_folder("x", grayscale=True), TypeError, "→ grey=False for colours$"),  # type: ignore[call-arg]
    "peak": (nn.OneCycle, TypeError, r"nn\.Adam\(nn\.OneCycle\(0\.01\)\)"),  # type: ignore[call-arg]
    # names of torch.nn.functional
    "linear": (lambda: nn.functional.linear, AttributeError, r"X @ W \+ b"),  # type: ignore[attr-defined]
    "means of one axis": (lambda: nn.AdaptiveAvgPool1d, AttributeError, "adaptive_avg_pool1d"),  # type: ignore[attr-defined]
    "maximum of a channel": (lambda: nn.global_max_pool, AttributeError, "adaptive_max_pool2d"),  # type: ignore[attr-defined]
    "similarity": (lambda: nn.functional.cosine_similarity, AttributeError, "np.linalg.norm"),  # type: ignore[attr-defined]
    "inverse": (lambda: nn.Tensor(X).inverse, AttributeError, "np.linalg.inv"),  # type: ignore[attr-defined]
    # labels and predictions
    "label too large": (lambda: nn.cross_entropy(P[:2], [3, 0]), ValueError, r"class numbers from 0 to 3, and 3 columns are 0 to 2$"),
    "label below 0": (lambda: nn.cross_entropy(P[:2], [[-1], [0]]), ValueError, "class numbers from -1 to 0"),
    "scores": (lambda: nn.functional.cross_entropy(X - 0.5, np.arange(6) % 5), ValueError, "; softmax_cross_entropy takes scores and class numbers$"),
    "labels": (lambda: nn.functional.cross_entropy(P, y), ValueError, r"nn\.one_hot\(y, 3\) has it; softmax_cross_entropy, of scores"),
    "tuple, mse": (lambda: nn.mse_loss(nn.forward_mlp(X, **SAME), Y), ValueError, TUPLE),  # type: ignore[arg-type]
    "tuple, scores": (lambda: nn.softmax_cross_entropy(nn.forward_mlp(X, **SAME), y), ValueError, TUPLE),  # type: ignore[arg-type]
    "tuple of tensors": (lambda: nn.nll((nn.Tensor(P, requires_grad=True), P), y), ValueError, TUPLE),  # type: ignore[arg-type]
    "filter of conv1d": (lambda: nn.conv1d(X[0], "edges"), TypeError, "is a filter of that name, 3×3, for conv2d"),
    # layers of a model, and pairs
    "place": (assigned, TypeError, r"expected model\.replace\(-1, layer\), which changes the model"),
    "deletion": (deleted, TypeError, r"expected model\.remove\(0\)"),
    "sum": (added, TypeError, r"expected model\.append\(layer\)"),
    "body": (body, TypeError, r"model\.replace\(0, layer\)"),
    "pop": (lambda: model.layers.pop(-1), AttributeError, r"pop → model\.remove\(-1\)$"),
    "append": (lambda: Own([nn.Dense(2)]).layers.append(1), AttributeError, r"append → model\.append"),
    "pair": (lambda: [c.freeze() for c in model.children()], AttributeError, r"\[layer for _, layer in"),
    # files
    "resume": (lambda: fit(resume="no.ckpt"), FileNotFoundError, "^fit: resume: expected a safetensors file, received 'no.ckpt': No such.*; the first run has none yet: resume=path if os.path.exists"),
    "load": (lambda: nn.load("no.file"), FileNotFoundError, "^load: path: expected a safetensors file, received 'no.file': No such"),
    "picture": (lambda: nn.load_picture("no.png"), FileNotFoundError, "^load_picture: path: .*'no.png': No such"),
    "path through a file": (lambda: nn.load(f"{__file__}/x"), NotADirectoryError, "^load: path: .*Not a directory"),
    # schedules and groups
    "one schedule": (lambda: nn.Trainer(model, callbacks=nn.Cosine(0.1)), TypeError, r"nn\.Adam\(nn\.Cosine\(…\)\)"),  # type: ignore[arg-type]
    "class of schedules": (lambda: nn.Trainer(model, callbacks=[nn.OneCycle]), TypeError, r"nn\.Adam\(nn\.OneCycle\(…\)\)"),  # type: ignore[list-item]
    "schedule for an optimizer": (lambda: nn.Trainer(model, nn.Cosine(0.1)), TypeError, r"such as nn\.Adam\(nn\.Cosine\(…\)\)"),  # type: ignore[arg-type]
    "dict of parameters": (lambda: nn.Adam(parameters={"params": [], "lr": 1}), TypeError, r"for groups: nn\.OptimizerGroups"),  # type: ignore[arg-type]
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_answer_names_the_cure(name: str) -> None:
    mistake, kind, match = CASES[name]
    with pytest.raises(nn.NeuralNetworkError, match=match) as caught:
        mistake()
    assert isinstance(caught.value, kind)
    assert len(str(caught.value)) <= 500


def test_a_missing_file_says_which(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as caught:
        nn.load(tmp_path / "a.safetensors")
    assert caught.value.filename == str(tmp_path / "a.safetensors")
    assert caught.value.errno is not None


def test_layers_stay_a_tuple(tmp_path: Path) -> None:
    assert model.layers == tuple(model)
    assert isinstance(model.layers, tuple)
    assert not hasattr(model.layers, "append")
    assert dict(model.children()) == {"0": model[0], "1": model[1]}
    own = Own([nn.Dense(2)]).initialize((5,), rng=0)
    nn.save(own, tmp_path / "own.safetensors")
    loaded = nn.load(tmp_path / "own.safetensors", layers={"Own": Own})
    assert repr(loaded) == repr(own.clone()) == "Own(layers=[Dense(units=2)])"


def test_help_shows_no_addresses() -> None:
    shown = {
        name: str(inspect.signature(thing))
        for name in dir(nn)
        if inspect.isfunction(thing := getattr(nn, name)) or isinstance(thing, type(nn.Layer))
    }
    assert [name for name, text in shown.items() if " at 0x" in text] == []
    assert "activation_fn: 'Callable[[Any], Any]' = identity" in shown["gradient_descent"]


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "binary_cross_entropy_with_logits"])
@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize("column", [True, False])
def test_accuracy_of_two_classes_is_usual(loss: str, hard: bool, column: bool) -> None:
    last = "sigmoid" if loss == "binary_cross_entropy" else "identity"
    layers = [nn.Dense(1, last)] if column else [nn.Dense(1, last), nn.Activation(np.ravel)]
    targets = (y > 0).astype(float) * (1 if hard else 0.9)
    targets = targets[:, None] if column else targets
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer = nn.Trainer(nn.Sequential(*layers), loss=loss, rng=0, progress=False)
        history = trainer.fit(X, targets, epochs=2, validation=(X, targets))
    measured = {"loss", "accuracy"} if hard else {"loss"}
    assert set(history) == measured | {f"validation_{name}" for name in measured}
    assert set(trainer.evaluate(X, targets)) == measured
    if hard:
        sides = trainer.model.predict(X) > (0.5 if loss == "binary_cross_entropy" else 0)
        assert trainer.evaluate(X, targets)["accuracy"] == np.mean(sides == (targets > 0))


def test_given_metrics_and_other_targets_have_no_accuracy() -> None:
    loss, targets = "binary_cross_entropy_with_logits", (y > 0)[:, None]
    given = nn.Trainer(nn.Dense(1), loss=loss, metrics=[], rng=0, progress=False)
    assert set(given.fit(X, targets)) == {"loss"}
    several = nn.Trainer(nn.Dense(2), loss=loss, rng=0, progress=False)
    assert set(several.fit(X, np.hstack([targets, targets]))) == {"loss"}
    changed = nn.Trainer(nn.Dense(1), rng=0, progress=False)  # a loss of classes
    changed.loss = "mse_loss"  # type: ignore[assignment]
    assert set(changed.fit(X, X[:, :1])) == {"loss"}


def fitted(targets: Any, units: int = 1) -> None:
    nn.Trainer(nn.Dense(units), rng=0, progress=False).fit(X, targets)


def built(*layers: nn.Layer, shape: tuple[int, ...] = (3, 20)) -> None:
    nn.Sequential(*layers).initialize(shape, rng=0)


MORE: dict[str, tuple[Callable[[], Any], str]] = {
    "numbers to predict": (lambda: fitted(X[:, 0] * 9), r'; for numbers to predict: loss="mse_loss"$'),
    "rows of numbers": (lambda: fitted(X[:, :2], 2), r'; for numbers to predict: loss="mse_loss"$'),
    "targets in a list": (lambda: fitted([y, y]), r"received shape \(2, 6\); several targets are a tuple"),
    "pooled rows": (lambda: built(nn.Flatten(), nn.MaxPool2D(2)), r"rows of numbers; pooling stands before Flatten \["),
    "means of rows": (lambda: built(nn.Flatten(), nn.GlobalAvgPool2D()), r"; it stands before Flatten \["),
    "signals": (lambda: built(nn.Conv1D(4, 3), nn.Conv2D(4, 3)), r"; Conv1D takes \(N, C, L\) \["),
    "images": (lambda: built(nn.Conv2D(4, 3), nn.Conv1D(4, 3), shape=(1, 8, 8)), r"; Conv2D takes \(N, C, H, W\) \["),
}  # fmt: skip


@pytest.mark.parametrize("name", MORE)
def test_the_sentence_is_about_the_place(name: str) -> None:
    mistake, match = MORE[name]
    with pytest.raises(ValueError, match=match) as caught:
        mistake()
    assert len(str(caught.value)) <= 500


def test_a_class_number_has_no_word_of_numbers_to_predict() -> None:
    with pytest.raises(ValueError, match="class indices from 0 to 1") as caught:
        fitted(y, 2)
    assert "mse_loss" not in str(caught.value)


def test_lines_of_a_tape_fit_the_screen() -> None:
    lines = nn.explain_gradient(
        lambda w: (w @ np.ones((40, 30)) * 2.0).sum(), np.ones((50, 40))
    ).lines
    assert len(repr(lines)) < 1500
    assert "<Line w = given: (50, 40), gradient (50, 40)>" in repr(lines)
    assert repr(lines[-1]).endswith(": 120000, gradient 1>")
