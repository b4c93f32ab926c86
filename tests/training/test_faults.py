"""What errors of a training blame: the data, the validation data, the learning rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import SGD, Dense, Trainer
from tests.training.test_trainer_errors import ONE_HOT, Explodes, X, Y, state, trained


def mapped(tmp_path: Path, array: np.ndarray) -> np.ndarray:
    np.save(tmp_path / "X.npy", array)
    loaded: np.ndarray = np.load(tmp_path / "X.npy", mmap_mode="r")
    return loaded


def with_number(number: float, dtype: Any = np.float64) -> np.ndarray:
    copy = X.astype(dtype)
    copy[7, 1] = number
    return copy


BEYOND = r"expected numbers that the model's float32 can hold, at most 3.4e\+38 \(scale them, or model.astype\(float\)\), received -?1e\+39 in 1 rows, first in row 7$"
NOT_FINITE = "expected finite numbers, received NaN or infinity in 1 rows, first in row 7$"


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize(("number", "match"), [(1e39, BEYOND), (-1e39, BEYOND), (np.nan, NOT_FINITE), (-np.inf, NOT_FINITE)])  # fmt: skip
def test_data_beyond_the_models_type_are_said_before(
    tmp_path: Path, number: float, match: str, on_disk: bool
) -> None:
    bad = with_number(number)
    if on_disk:
        bad = mapped(tmp_path, bad)
    for options, name in (({"X": bad}, "X"), ({"validation": (bad, Y)}, "validation: X")):
        trainer = trained()
        before = trainer.model.flat_parameters().copy()
        with pytest.raises(nn.ArgumentError, match=f"^fit: {name}: {match}"):
            trainer.fit(**({"X": X, "y": Y, "batch_size": 30} | options))
        np.testing.assert_array_equal(trainer.model.flat_parameters(), before)
    with pytest.raises(nn.ArgumentError, match=f"^evaluate: X: {match}"):
        trained().evaluate(bad, Y)


def test_batches_and_targets_beyond_the_models_type() -> None:
    bad = with_number(1e39)
    with pytest.raises(nn.ArgumentError, match=f"^fit: batch 1: X: {BEYOND}"):
        trained().fit([(bad, Y)])
    regression = Trainer([Dense(5)], SGD(0.1), "mse_loss", rng=0, progress=False)
    with pytest.raises(nn.ArgumentError, match=f"^fit: y: {BEYOND}"):
        regression.fit(X, bad)
    with pytest.raises(nn.ArgumentError, match=f"^fit: validation: y: {BEYOND}"):
        regression.fit(X, X, validation=(X, bad))
    wide = Trainer(nn.Sequential(Dense(3)).initialize((5,), rng=0).astype(float), rng=0, progress=False)  # fmt: skip
    wide.model.flat_parameters()[:] = 0
    assert wide.fit(with_number(1e39) * 0 + 1e-3, Y).epochs == 1
    assert np.isfinite(wide.evaluate(bad, Y)["loss"])


def test_predict_says_what_its_type_cannot_hold() -> None:
    model = trained().model
    model.predict(X)
    for number in (1e39, -1e39):
        match = rf"^predict: X: {BEYOND.split(', received', maxsplit=1)[0]}, received -?1e\+39$"
        with pytest.raises(nn.ArgumentError, match=match):
            model.predict(with_number(number))
    with np.errstate(all="ignore"):
        assert not np.isfinite(model.predict(with_number(np.inf))[7]).all()  # as it was given
    with np.errstate(all="raise"):
        assert np.isfinite(model.predict(with_number(1e-300))).all()


VALIDATIONS: dict[str, tuple[Any, str]] = {
    "no pair": (X, r"^fit: validation: expected a pair \(X, y\)"),
    "shape": ((X[:, :4], Y), r"^fit: validation: Dense: X: expected 5 numbers .* \[model\[0\] Dense\(4, 'relu'\)\]"),
    "labels": ((X, Y + 1), "^fit: validation: softmax_cross_entropy: labels: expected class indices from 0 to 2, received 3"),
    "kind": ((X, Y.astype(str)), "^fit: validation: y: expected real numbers"),
    "rows": ((X, Y[:9]), "^fit: validation: y: expected 30 rows"),
    "empty": ((X[:0], Y[:0]), "^fit: validation: X: expected .* at least one row"),
    "ragged": (([[1.0], [1.0, 2.0]], [0, 1]), "^fit: validation: X: expected rows of equal length"),
    "one-hot": ((X, np.eye(4)[Y]), "^fit: validation: softmax_cross_entropy: labels: expected shape"),
    "no rows of 1": ((X, ONE_HOT * 2), "^fit: validation: softmax_cross_entropy: labels: expected values from 0 to 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", VALIDATIONS)
def test_messages_about_validation_data_say_so(name: str) -> None:
    validation, match = VALIDATIONS[name]
    trainer = trained()
    before = state(trainer)
    with pytest.raises(nn.ArgumentError, match=match) as caught:
        trainer.fit(X, Y, validation=validation)
    assert str(caught.value).count("validation") == 1
    assert state(trainer) == before


def test_errors_of_metrics_on_validation_data_say_so() -> None:
    def metric(outputs: Any, y: Any) -> float:
        if len(outputs) in (2, 9):
            raise ZeroDivisionError("no positives")
        return 0.0

    trainer = trained(metrics={"own": lambda outputs, y: 0.0})
    trainer.metrics = {"own": metric}
    with pytest.raises(ZeroDivisionError) as caught:
        trainer.fit(X, Y, validation=(X[:9], Y[:9]), batch_size=30)
    assert caught.value.__notes__ == ["It was raised for the validation data of fit."]

    def refuse(outputs: Any, y: Any) -> float:
        if len(outputs) == 9:
            raise nn.ArgumentError("own: y: expected positives, received none")
        return 0.0

    trainer.metrics = {"own": refuse}
    with pytest.raises(nn.ArgumentError, match="^fit: validation: own: y: expected positives"):
        trainer.fit(X, Y, validation=(X[:9], Y[:9]), batch_size=30)


def spoil(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(np.arange(X.size).reshape(X.shape) == 3, np.nan, X)


CAUSES: dict[str, tuple[dict[str, Any], Any, Any, str]] = {
    "inputs": ({}, X * np.float32(1e38), Y, r"the inputs of this batch reach \d.*e\+38: scale them"),
    "targets": ({"loss": "mse_loss", "metrics": [], "model": [Dense(5)], "optimizer": SGD(0.1)}, X, X.astype(float) * 1e37, r"the targets of this batch reach \d.*e\+37: scale them"),
    "augmentation": ({"augment": spoil}, X, Y, "augment= has made inputs that are not finite in float32"),
    "no step": ({"loss": lambda o, y: nn.softmax_cross_entropy(o, y) / 0.0, "metrics": []}, X, Y, "no step was made before, so this is not the learning rate"),
    "no step, gradient": ({"model": [Dense(4), Explodes(), Dense(3)]}, X, Y, "no step was made before"),
    "rate": ({"optimizer": SGD(1e30)}, X, Y, "; a smaller learning rate or clip_norm= may help$"),
    "rate and scale": ({"optimizer": SGD(1e30)}, X * 100, Y, r"may help, and so may scaled inputs, which reach \d+ here$"),
}  # fmt: skip


@pytest.mark.parametrize("name", CAUSES)
def test_a_divergence_blames_what_is_at_fault(name: str) -> None:
    options, data, y, match = CAUSES[name]
    model = nn.Sequential(*options.pop("model", [Dense(4, "relu"), Dense(3)])).initialize((5,), rng=0)  # fmt: skip
    trainer = Trainer(model, **({"rng": 0, "progress": False, "clip_norm": None} | options))
    with pytest.raises(nn.DivergenceError, match=match) as caught:
        trainer.fit(data, y, epochs=200)
    assert len(str(caught.value)) <= 500


def test_many_parameters_are_counted_in_the_message() -> None:
    model = nn.Sequential(*(Dense(4) for _ in range(12)), Explodes(), Dense(3)).initialize((5,), rng=0)  # fmt: skip
    with pytest.raises(nn.DivergenceError, match=r"model\[0\].weight, model\[0\].bias, model\[1\].weight and 21 more is not"):  # fmt: skip
        Trainer(model, SGD(0.1), rng=0, progress=False).fit(X, Y)
