"""Errors of a training: their messages, and that nothing has changed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import SGD, Adam, BatchNorm, Dense, Trainer

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 5)).astype(np.float32)
Y = np.arange(30) % 3
ONE_HOT = np.eye(3)[Y]


def batches(*items: Any) -> Any:
    class Source:
        def __iter__(self) -> Any:
            return iter(items)

    return Source()


def with_nan(array: np.ndarray, place: Any) -> np.ndarray:
    copy = array.astype(float)
    copy[place] = np.nan
    return copy


ONE_SHOT = iter([(X, Y)] * 9)
BAD_DATA: dict[str, tuple[dict[str, Any], str]] = {
    "label too high": ({"y": Y + 1}, "labels: expected class indices from 0 to 2, received 3 at index 2"),
    "label negative": ({"y": Y - 1}, "expected class indices from 0 to 2, received -1 at index 0"),
    "label a fraction": ({"y": Y / 2}, "expected class indices from 0 to 2, received 0.5 at index 1"),
    "labels are text": ({"y": Y.astype(str)}, "fit: y: expected real numbers, received dtype <U"),
    "labels NaN": ({"y": with_nan(Y, 4)}, "fit: y: expected finite numbers, .* first in row 4"),
    "one-hot of other width": ({"y": np.eye(4)[Y]}, r"labels: expected shape \(30,\) or \(30, 3\)"),
    "labels as a column": ({"y": Y[:, None]}, r"labels: expected shape \(30,\) or \(30, 3\), received"),
    "more labels": ({"y": [*Y, 1]}, r"fit: y: expected 30 rows, as in X, received shape \(31,\)"),
    "no labels": ({"y": None}, "fit: y: expected labels for the rows of X .*, received None"),
    "a label for all": ({"y": 1}, "fit: y: expected 30 rows"),
    "one class": ({"y": Y * 0 + 2}, "fit: y: expected labels of at least two classes, received only class 2"),
    "one class, one-hot": ({"y": np.eye(3)[Y * 0]}, "received only class 0"),
    "NaN picture": ({"X": with_nan(X, (7, 1))}, "fit: X: expected finite numbers, received NaN or infinity in 1 rows, first in row 7"),
    "text": ({"X": [["a"]] * 30}, "fit: X: expected real numbers"),
    "ragged": ({"X": [[1.0]] * 29 + [[1.0, 2.0]]}, "fit: X: expected rows of equal length"),
    "flat": ({"X": X[:, 0]}, r"fit: X: expected \(n, …\), a row of features for each sample, received shape \(30,\)"),
    "empty": ({"X": X[:0], "y": Y[:0]}, "with at least one row, received shape"),
    "another shape": ({"X": X[:, :4]}, "Dense: X: expected 5 numbers along the last axis, as it was built for"),
    "no epoch": ({"epochs": 0}, "fit: epochs: expected a whole number of at least 1, received 0"),
    "negative epochs": ({"epochs": -1}, "received -1"),
    "epochs 1.5": ({"epochs": 1.5}, "fit: epochs: expected a whole number of at least 1, received 1.5"),
    "epochs 2.0": ({"epochs": 2.0}, "received 2.0"),
    "epochs True": ({"epochs": True}, "received True"),
    "empty batches": ({"batch_size": 0}, "fit: batch_size: expected a whole number of at least 1, received 0"),
    "validation no pair": ({"validation": X}, r"fit: validation: expected a pair \(X, y\), or a fraction such as 0.1, received ndarray"),
    "validation shape": ({"validation": (X[:, :4], Y)}, "Dense: X: expected 5 numbers"),
    "validation labels": ({"validation": (X, Y + 1)}, "expected class indices from 0 to 2, received 3"),
    "validation rows": ({"validation": (X, Y[:9])}, "fit: validation: y: expected 30 rows"),
    "validation NaN": ({"validation": (with_nan(X, 0), Y)}, "fit: validation: X: expected finite"),
    "weights short": ({"sample_weights": [1.0]}, "fit: sample_weights: expected one for each of the 30 rows, received shape"),
    "weights zero": ({"sample_weights": Y * 0}, "fit: sample_weights: expected a weight above 0, received only zeros"),
    "weights NaN": ({"sample_weights": with_nan(Y, 3)}, "expected finite numbers of at least 0, received nan for row 3"),
    "weights negative": ({"sample_weights": Y - 1.0}, "received -1.0 for row 0"),
    "weights for batches": ({"X": [(X, Y)], "y": None, "sample_weights": Y}, "whose batches .* bring their own"),
    "a generator": ({"X": ((X, Y) for _ in range(9)), "y": None, "epochs": 2}, "fit: X: expected batches that can be iterated over .*, received an iterator"),
    "the same iterator": ({"X": lambda epoch: ONE_SHOT, "y": None}, "received the same iterator twice"),
    "a function of nothing good": ({"X": lambda epoch: 3, "y": None}, "expected a function that returns batches, received one that returns 3"),
    "no batch": ({"X": batches(), "y": None}, "fit: X: expected at least one batch, received an empty iterable"),
    "an empty list": ({"X": [], "y": None}, "fit: X: expected at least one batch, received none"),
    "odd batches": ({"X": batches(X), "y": None}, r"fit: batch 1: expected \(X, y\) or \(X, y, weights\), received ndarray"),
    "batch rows": ({"X": batches((X, Y[:3])), "y": None}, "fit: batch 1: y: expected 30 rows"),
    "batch weights": ({"X": batches((X, Y, -Y)), "y": None}, "fit: batch 1: weights: expected finite numbers of at least 0"),
    "a word": ({"X": "pictures", "y": None}, "fit: y: expected labels"),
    "no such file": ({"resume": "none.checkpoint"}, "No such file"),
}  # fmt: skip


def trained(**options: Any) -> Trainer:
    model = nn.Sequential(Dense(4, "relu"), BatchNorm(), Dense(3)).initialize((5,), rng=0)
    trainer = Trainer(model, **({"optimizer": Adam(0.1), "rng": 0, "progress": False} | options))
    trainer.fit(X, Y)
    return trainer


def state(trainer: Trainer) -> tuple[Any, ...]:
    arrays = [*trainer.memory.arrays().values(), *trainer.optimizer.state().values()]
    return (
        [array.tobytes() for array in arrays],
        trainer.history,
        trainer.step,
        trainer.model.training,
    )


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_change_nothing(name: str) -> None:
    options, match = BAD_DATA[name]
    trainer = trained()
    before = state(trainer)
    error = FileNotFoundError if "resume" in options else nn.errors.ArgumentError
    with pytest.raises(error, match=match):
        trainer.fit(**({"X": X, "y": Y} | options))
    assert state(trainer) == before


def test_a_model_keeps_no_size_that_was_a_mistake() -> None:
    trainer = Trainer([Dense(4), Dense(3)], rng=0, progress=False)
    with pytest.raises(nn.ShapeError, match="expected 30 rows"):
        trainer.fit(X[:, :4], Y[:9])
    with pytest.raises(nn.ArgumentError, match="class indices"):
        trainer.fit(X[:, :4], Y + 1)
    assert not trainer.model.built
    trainer.fit(X, Y)
    assert trainer.model.input_shape == (5,)


BAD_TRAINERS: dict[str, tuple[dict[str, Any], str]] = {
    "model": ({"model": "cnn"}, "Trainer: model: expected a layer or model, received 'cnn'"),
    "layers": ({"model": [Dense]}, "expected a layer such as Dense"),
    "optimizer": ({"optimizer": "adem"}, "expected one of .*'adam'.*, received 'adem'"),
    "loss": ({"loss": "mse"}, "Trainer: loss: expected one of .*'mse_loss'.*, received 'mse'"),
    "loss kind": ({"loss": 3}, r"Trainer: loss: expected a function of \(outputs, y\), or one of"),
    "metric": ({"metrics": ["precision"]}, "of 'accuracy', .*received 'precision'"),
    "metric kind": ({"metrics": [3]}, "Trainer: metrics: expected functions"),
    "metrics kind": ({"metrics": 3}, "Trainer: metrics: expected"),
    "metrics twice": ({"metrics": [lambda a, b: 0, lambda a, b: 1]}, "names that differ.*'<lambda>' twice"),
    "metric called loss": ({"metrics": {"loss": max}}, "names that differ, also from 'loss'"),
    "no callback": ({"callbacks": [print]}, r"Trainer: callbacks\[0\]: expected a Callback such as"),
    "a callback's class": ({"callbacks": [nn.EarlyStopping]}, r"callbacks\[0\]: expected a Callback"),
    "a single callback": ({"callbacks": nn.EarlyStopping()}, "callbacks: expected a list of callbacks"),
    "seed": ({"rng": -1}, "Trainer: rng: expected a whole number of at least 0, received -1"),
    "seed kind": ({"rng": 0.5}, "Trainer: rng"),
    "augment": ({"augment": 3}, r"Trainer: augment: expected a function, received 3"),
    "clip_norm": ({"clip_norm": 0}, "Trainer: clip_norm: expected a finite number above 0"),
    "clip_value": ({"clip_value": -1}, "Trainer: clip_value: expected a finite number above 0"),
    "accumulate": ({"accumulate": 0}, "Trainer: accumulate: expected a whole number of at least 1"),
    "average": ({"average": 1.0}, "decay: expected a number below 1"),
    "progress": ({"progress": "no"}, "Trainer: progress: expected True or False, received 'no'"),
    "class_weights": ({"class_weights": [1, -1, 1]}, "Trainer: class_weights: expected finite numbers of at least 0"),
    "class_weights 0": ({"class_weights": [0, 0, 0]}, "not all 0"),
    "class_weights NaN": ({"class_weights": {1: float("nan")}}, "expected finite numbers"),
    "class_weights keys": ({"class_weights": {"a": 1}}, "expected class number → weight"),
    "class_weights loss": ({"class_weights": [1, 2], "loss": "mse_loss"}, "none with a loss that has no classes"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_TRAINERS)
def test_bad_trainers(name: str) -> None:
    options, match = BAD_TRAINERS[name]
    with pytest.raises(nn.errors.ArgumentError, match=match):
        Trainer(**({"model": [Dense(3)]} | options))


BAD_FITS: dict[str, tuple[dict[str, Any], Any, str]] = {
    "too few class weights": ({"class_weights": [1, 2]}, Y, "expected weights of the 3 classes that the model has, received 2 weights"),
    "too many": ({"class_weights": [1, 2, 3, 4]}, Y, "received 4 weights"),
    "no such class": ({"class_weights": {3: 2.0}}, Y, "expected weights of the 3 classes that the model has, received class 3"),
    "no such measure": ({"callbacks": [nn.EarlyStopping("validation_loss")]}, Y, "EarlyStopping: measure: expected one of loss, accuracy, received 'validation_loss'"),
    "partial loss": ({"loss": partial(nn.softmax_cross_entropy, label_smoothing=0.1)}, [*Y[:-1], 7], "received 7 at index 29"),
    "loss without mean": ({"loss": lambda outputs, y: nn.softmax_cross_entropy(outputs, y, reduction="none")}, Y, r"Trainer: loss: expected a result of one number, received shape \(30,\)"),
    "loss that is no tensor": ({"loss": lambda outputs, y: float(np.mean(outputs.data))}, Y, "Trainer: loss: expected a tensor that is computed from the outputs, received float"),
    "metric of many": ({"metrics": {"each": lambda outputs, y: y}}, Y, "metric 'each': result: expected a result of one number"),
    "one class, signs": ({"loss": nn.hinge}, 2 * np.eye(3)[Y * 0 + 1] - 1, "received only class 1"),
    "column against row": ({"loss": "mse_loss", "model": [Dense(1)]}, X[:, 0], r"mse_loss: y: expected the shape \(30, 1\) of y_pred, received shape \(30,\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FITS)
def test_what_does_not_fit_the_model(name: str) -> None:
    options, y, match = BAD_FITS[name]
    trainer = Trainer(**({"model": [Dense(3)], "progress": False} | options))
    with pytest.raises(nn.errors.ArgumentError, match=match):
        trainer.fit(X, y)
    assert not trainer.model.built or name == "no such measure"
    assert trainer.optimizer.slots_state == {}


def test_weights_need_a_loss_of_rows() -> None:
    def own(outputs: Any, y: np.ndarray) -> Any:
        return np.mean(outputs**2)

    def wrong(outputs: Any, y: np.ndarray, reduction: str = "mean") -> Any:
        return outputs**2

    for loss, match in ((own, 'a number for each row with reduction="none", because rows have weights, received own'),
                        (wrong, r'30 numbers with reduction="none", one for each row, received shape \(30, 3\)')):  # fmt: skip
        trainer = Trainer([Dense(3)], loss=loss, progress=False)
        with pytest.raises(nn.errors.ArgumentError, match=match):
            trainer.fit(X, Y, sample_weights=Y)
        assert not trainer.model.built


def test_everything_frozen_and_several_outputs() -> None:
    trainer = trained()
    trainer.model.freeze()
    with pytest.raises(
        nn.errors.ArgumentError, match="parameters that are trained, received none, or all frozen"
    ):
        trainer.fit(X, Y)
    with pytest.raises(nn.errors.ArgumentError, match="parameters that are trained"):
        Trainer([nn.Flatten()]).fit(X, Y)

    class Two(nn.Layer):
        def forward(self, X: Any) -> Any:
            return self.inner(X), X

    two = Two()
    two.inner = Dense(3)
    with pytest.raises(
        nn.DTypeError, match="model: expected one array with 'softmax_cross_entropy'"
    ):
        Trainer(two).fit(X, Y)


def test_a_bad_batch_later_on_leaves_that_step_undone() -> None:
    trainer, before = trained(), []

    def items(epoch: int) -> Any:
        yield X, Y
        before.append(state(trainer)[0])
        yield X, Y + 1

    with pytest.raises(nn.errors.ArgumentError, match="received 3"):
        trainer.fit(items)
    assert state(trainer)[0] == before[-1]
    assert trainer.step == 1


def test_an_epoch_without_batches_is_said() -> None:
    with pytest.raises(nn.ShapeError, match="fit: X: expected a batch in epoch 2, received none"):
        trained().fit(lambda epoch: [] if epoch else [(X, Y)], epochs=2)


# --- divergence -----------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_names_batch_layer_and_gradient(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    trainer = trained(callbacks=[nn.Checkpoint(path, steps=1)])
    good, old = [], []

    def items(epoch: int) -> Any:
        yield X, Y
        good.append(state(trainer)[0])
        old.append(path.read_bytes() if path.exists() else b"")
        yield X * np.float32(1e38), Y

    with pytest.raises(nn.errors.DivergenceError, match=(
        r"fit: the loss is nan in epoch 1, batch 2; it begins in model\[0\] Dense\(4, 'relu'\); "
        r"the largest gradient before was [0-9.]+, of model\[[02]\]\.(weight|bias); "
        r"the inputs of this batch reach [0-9.]+e\+38: scale them"
    )):  # fmt: skip
        trainer.fit(items)
    assert state(trainer)[0] == good[-1]  # the statistics of batch norm too
    assert path.read_bytes() == old[-1]
    assert trainer.model.training


class Explodes(nn.Layer):
    """Finite on its way, and no gradient."""

    def forward(self, X: Any) -> Any:
        return np.sqrt(np.abs(X) * 0.0) + X


def test_a_gradient_that_is_not_finite_names_the_parameter() -> None:
    model = nn.Sequential(Dense(4), Explodes(), Dense(3)).initialize((5,), rng=0)
    trainer = Trainer(model, SGD(0.1), progress=False)
    before = model.flat_parameters().copy()
    with pytest.raises(
        nn.errors.DivergenceError,
        match=r"gradient of model\[0\].weight, model\[0\].bias is not finite in epoch 1, batch 1",
    ):
        trainer.fit(X, Y)
    np.testing.assert_array_equal(model.flat_parameters(), before)


class Poison(nn.Callback):
    def on_step_end(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002
        trainer.model[0].bias.data = np.full(4, np.nan)


def test_weights_that_somebody_ruined_overwrite_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    trainer = trained(optimizer=SGD(0.1), callbacks=[nn.Checkpoint(path)])
    old = path.read_bytes()
    trainer.callbacks.insert(0, Poison())
    with pytest.raises(
        nn.errors.DivergenceError, match="weights are not finite after step 1; .* is left as it was"
    ):
        trainer.fit(X, Y)
    assert path.read_bytes() == old


@pytest.mark.parametrize("average", [None, 0.9])
@pytest.mark.parametrize("rate", [1e38, 1e300])
def test_a_last_step_that_runs_away_is_not_made(rate: float, average: float | None) -> None:
    """The rate is finite, and so are loss and gradients: only what they make is not."""
    model = nn.Sequential(Dense(4, "relu"), BatchNorm(), Dense(3)).initialize((5,), rng=0)
    before = [t.data.copy() for _, t in [*model.named_parameters(), *model.named_buffers()]]
    optimizer = SGD(rate, weight_decay=1e30)
    trainer = Trainer(model, optimizer, average=average, rng=0, progress=False)
    with pytest.raises(nn.errors.DivergenceError, match=(
        r"fit: model\[0\]\.weight.* would not be finite after step 1, in epoch 1, batch 1, with a rate of 1e\+"
    )):  # fmt: skip
        trainer.fit(X, Y)
    for (_, tensor), numbers in zip(
        [*model.named_parameters(), *model.named_buffers()], before, strict=True
    ):
        np.testing.assert_array_equal(tensor.data, numbers)
    assert trainer.step == 0


def test_large_weights_are_no_infinity() -> None:
    """Their squares overflow float32; a step may lead there."""
    model = nn.Sequential(Dense(3)).initialize((5,), rng=0)
    Trainer(model, SGD(1e30), rng=0, progress=False).fit(X, Y)
    assert 1e25 < np.abs(model.flat_parameters()).max() < np.inf
