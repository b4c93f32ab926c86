"""Models of several inputs and outputs in a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn

RNG = np.random.default_rng(0)
A = RNG.normal(size=(30, 5)).astype(np.float32)
IDS = RNG.integers(0, 7, 30)
Y, Z = RNG.integers(0, 3, 30), RNG.normal(size=(30, 1)).astype(np.float32)


class Two(nn.Layer):
    """Numbers and identities → classes and a number."""

    def __init__(self, kind: str = "tuple") -> None:
        self.kind = kind
        self.numbers, self.identities = nn.Dense(4), nn.Embedding(7, 4)
        self.classes, self.side = nn.Dense(3), nn.Dense(1)

    def forward(self, X: Any, ids: Any) -> Any:
        features = np.maximum(self.numbers(X) + self.identities(ids), 0)
        out = self.classes(features), self.side(features)
        return dict(zip("cs", out, strict=True)) if self.kind == "dict" else out


def both(outputs: Any, y: Any) -> Any:
    (classes, side), (labels, numbers) = (
        list(value.values()) if isinstance(value, dict) else value for value in (outputs, y)
    )
    return nn.softmax_cross_entropy(classes, labels) + nn.mse_loss(side, numbers)


def right(outputs: Any, y: Any) -> float:
    classes, labels = (v["c"] if isinstance(v, dict) else v[0] for v in (outputs, y))
    return nn.accuracy(classes, labels)


def make(kind: str = "tuple", **options: Any) -> nn.Trainer:
    own: dict[str, Any] = {"loss": both, "metrics": {"right": right}, "rng": 0, "progress": False}
    return nn.Trainer(Two(kind), **{**own, **options})


INPUTS: list[Any] = [(A, IDS), [A, IDS], {"X": A, "ids": IDS}, {"ids": IDS, "X": A}]


@pytest.mark.parametrize("kind", ["tuple", "dict"])
@pytest.mark.parametrize("X", INPUTS)
def test_all_forms_are_one_training(X: Any, kind: str) -> None:
    y: Any = {"c": Y, "s": Z} if kind == "dict" else (Y, Z)
    trainer, plain = make(kind), make()
    history = trainer.fit(X, y, epochs=2, batch_size=7, validation=0.2)
    assert history == plain.fit((A, IDS), (Y, Z), epochs=2, batch_size=7, validation=0.2)
    assert list(history) == ["loss", "right", "validation_loss", "validation_right"]
    outputs, found = trainer.model.predict(X, batch_size=7), trainer.evaluate(X, y)
    assert type(outputs) is (dict if kind == "dict" else tuple)
    parts = list(outputs.values()) if isinstance(outputs, dict) else outputs
    with trainer.model.in_mode(training=False), nn.no_grad():
        whole = plain.model.eval()(A, IDS)
    for part, wanted in zip(parts, whole, strict=True):
        np.testing.assert_allclose(part, wanted, rtol=1e-5, atol=1e-6)
    assert found["right"] == nn.accuracy(parts[0], Y)
    given = trainer.fit(X, y, validation=(X, y))
    assert given["validation_loss"][-1] == pytest.approx(trainer.evaluate(X, y)["loss"])


def test_rows_stay_together_when_they_are_shuffled() -> None:
    class Sum(nn.Layer):
        def __init__(self) -> None:
            self.dense = nn.Dense(1)

        def forward(self, X: Any, also: Any, more: Any = None) -> Any:
            for other in (also, more):
                np.testing.assert_array_equal(np.asarray(other)[:, 0], np.asarray(X)[:, 0])
            return self.dense(X)

    rows = np.arange(30, dtype=np.float32)[:, None]
    trainer = nn.Trainer(Sum(), loss="mse_loss", rng=0, progress=False)
    trainer.fit((rows, rows.copy(), rows.copy()), rows / 30, batch_size=4, validation=0.2)
    assert trainer.model.predict((rows, rows, rows)).shape == (30, 1)


def test_weights_of_rows_augmentation_and_iterables() -> None:
    def mean(outputs: Any, y: Any, reduction: str = "mean") -> Any:
        return nn.mse_loss(outputs[1], y[1], reduction=reduction)

    def louder(X: Any, rng: np.random.Generator) -> Any:
        return X[0] * rng.uniform(0.9, 1.1), X[1]

    losses = []
    for weights in (None, np.ones(30), np.arange(30)):
        trainer = make(loss=mean, augment=louder, metrics=())
        losses.append(trainer.fit((A, IDS), (Y, Z), sample_weights=weights)["loss"][-1])
    assert losses[0] == pytest.approx(losses[1])
    assert losses[0] != pytest.approx(losses[2])
    batches = [((A[:10], IDS[:10]), (Y[:10], Z[:10])), ({"X": A, "ids": IDS}, (Y, Z))]
    assert np.isfinite(make().fit(batches, epochs=2)["loss"]).all()
    with pytest.raises(nn.DTypeError, match="augment: expected a tuple of 2 arrays"):
        make(augment=lambda X, rng: X[0]).fit((A, IDS), (Y, Z))  # as it is called


def test_a_resumed_training_is_the_unbroken_one(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    histories = []
    for epochs, resume in ((3, None), (1, None), (3, path)):
        trainer = make(callbacks=[nn.Checkpoint(path)])
        options: dict[str, Any] = {"batch_size": 7, "validation": 0.2, "resume": resume}
        histories.append(trainer.fit((A, IDS), (Y, Z), epochs=epochs, **options))
    assert histories[0] == histories[2]
    with pytest.raises(nn.FileFormatError, match="data: expected"):
        make(callbacks=[nn.Checkpoint(path)]).fit((A, IDS), (Y, Z), epochs=3, resume=path)


def test_rows_of_one_input_stay_rows() -> None:
    model = nn.Sequential(nn.Dense(3)).initialize((5,), rng=0)
    wanted = model.predict(A)
    for rows in (list(A), tuple(A), A.tolist()):
        np.testing.assert_array_equal(model.predict(rows), wanted)
    histories = [
        nn.Trainer([nn.Dense(3)], rng=0, progress=False).fit(rows, Y) for rows in (A, list(A))
    ]
    assert histories[0] == histories[1]


def test_an_error_of_a_diverged_training_names_the_layer() -> None:
    trainer = make(optimizer=nn.SGD(1e30))
    with pytest.raises(
        nn.DivergenceError, match=r"the loss is nan .*it begins in model\.classes Dense"
    ):
        trainer.fit((A, IDS), (Y, Z), epochs=5)


BAD: dict[str, tuple[Any, Any, str]] = {
    "too few": ((A,), (Y, Z), r"fit: X: expected 2 inputs, .*forward takes \(X, ids\), received 1"),
    "too many": ((A, IDS, A), (Y, Z), "X: expected 2 inputs"),
    "names": ({"X": A, "id": IDS}, (Y, Z), "by the names of .*: X, ids, received X, id"),
    "rows": ((A, IDS[:9]), (Y, Z), r"X\[1\]: expected 30 rows, as in X\[0\], received 9"),
    "target rows": ((A, IDS), (Y, Z[:9]), r"y\[1\]: expected 30 rows, as in X"),
    "no number": ((A, IDS), (Y, Z * np.nan), r"y\[1\]: expected finite numbers"),
    "no row": ((A[:0], IDS[:0]), (Y[:0], Z[:0]), r"X\[0\]: expected \(n, …\) with at least one"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str) -> None:
    X, y, message = BAD[name]
    trainer = make()
    with pytest.raises(nn.ArgumentError, match=message):
        trainer.fit(X, y)
    assert not trainer.model.built


def test_a_loss_of_one_output_is_refused_before_the_training() -> None:
    message = r"one array with 'softmax_cross_entropy' \(a function of \(outputs, y\) takes more\)"
    with pytest.raises(nn.DTypeError, match=message):
        make(loss="softmax_cross_entropy", metrics=()).fit((A, IDS), Y)
    with pytest.raises(nn.DTypeError, match=message):
        nn.Trainer([nn.Dense(3)], progress=False).fit(A, (Y, Z))
    with pytest.raises(nn.ShapeError, match="predict: X.*expected 30 rows"):
        make().model.predict((A, IDS[:4]))


def test_a_summary_of_several_inputs_is_refused() -> None:
    model = Two().initialize((5,), (), rng=0, dtype=(np.float32, np.int64))
    for shape in (None, (5,)):
        with pytest.raises(nn.ArgumentError, match="summary: model: expected a model of one input"):
            model.summary(shape)
