"""What users of other libraries meet beside names and arguments: keys, text, orders, files."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests.needs import need_module

rng = np.random.default_rng(0)
X, y = rng.standard_normal((24, 4)).astype("f"), np.arange(24) % 3
NUMBERED = r"np\.unique\(names, return_inverse=True\)\[1\]"


def trainer(**options: Any) -> nn.Trainer:
    model = nn.Sequential(nn.Dense(4, "relu"), nn.Dense(3))
    return nn.Trainer(model, rng=0, progress=False, **options)


class Reading(nn.Callback):
    """Look a measure up, as Keras names it."""

    def __init__(self, read: Any) -> None:
        self.read, self.found = read, []

    def on_epoch_end(self, trainer: nn.Trainer, measures: Any) -> None:  # noqa: ARG002
        self.found.append(self.read(measures))


def test_a_callback_that_reads_val_loss_is_told_the_key() -> None:
    reading = Reading(lambda measures: measures["val_loss"])
    with pytest.raises(KeyError, match="val_loss → validation_loss"):
        trainer(callbacks=[reading]).fit(X, y, validation=(X, y))


def test_get_of_another_librarys_key_gives_a_hint() -> None:
    reading = Reading(lambda measures: measures.get("val_accuracy", 0.0))
    with pytest.warns(nn.TrainingHint, match="no measure 'val_accuracy'; here: val_accuracy → va"):
        history = trainer(callbacks=[reading]).fit(X, y, validation=(X, y))
    assert reading.found == [0.0]
    with pytest.warns(nn.TrainingHint, match="History: no measure 'val_loss'"):
        assert history.get("val_loss") is None


def test_get_of_our_own_keys_gives_none(recwarn: pytest.WarningsRecorder) -> None:
    reading = Reading(lambda measures: (measures.get("loss"), measures.get("mine", 3)))
    history = trainer(callbacks=[reading]).fit(X, y)
    assert reading.found == [(history["loss"][0], 3)]
    assert history.get("val_loss") is None  # there is no validation to name
    assert history.get("loss") == history["loss"]
    with pytest.raises(TypeError, match="History.get: key: expected the name of a measure"):
        history.get([])
    assert not recwarn.list


def test_a_schedule_is_no_number() -> None:
    for use in (float, lambda s: s * 2, lambda s: 2 * s, lambda s: s < 0.1, "{:.3f}".format):
        with pytest.raises(nn.DTypeError, match=r"Cosine: .* is a schedule.* trainer\.rate"):
            use(nn.Cosine(0.1))
    assert f"{nn.Cosine(0.1)}" == str(nn.Cosine(0.1))
    assert nn.Cosine(0.1) != 3.0


def test_a_layer_of_ones_own_may_have_a_learning_rate() -> None:
    class Net(nn.Layer):
        def forward(self, X: Any) -> Any:
            return X

    net = Net()
    net.learning_rate = 0.1
    assert net.learning_rate == 0.1


def test_a_report_names_the_classes() -> None:
    report = nn.class_report([1, 0, 1, 1], [1, 0, 0, 1], class_names=["cat", "dog"])
    assert [line.split()[0] for line in str(report).splitlines()[2:]] == ["cat", "dog"]
    assert "<td>dog</td>" in report._repr_html_()
    assert report.class_names == ("cat", "dog")
    with pytest.raises(nn.ShapeError, match="class_names: expected a name for each of 2 classes"):
        nn.class_report([1, 0], [1, 0], class_names=["cat"])
    with pytest.raises(nn.DTypeError, match="class_report: class_names: expected a list of names"):
        nn.class_report([1, 0], [1, 0], class_names="cd")


@pytest.mark.parametrize("kind", ["object", "list", "str", "series", "category"])
def test_labels_that_are_text_become_numbers_by_one_line(kind: str) -> None:
    names: Any = np.array(["cat", "dog", "eel"])[y]
    if kind in ("series", "category"):
        pandas = need_module("pandas")
        names = pandas.Series(names).astype("object" if kind == "series" else kind)
    else:
        names = names.astype(object) if kind == "object" else names
        names = names.tolist() if kind == "list" else names
    with pytest.raises(nn.DTypeError, match=f"fit: y: expected real numbers, .*{NUMBERED}") as w:
        trainer().fit(X, names)
    assert str(w.value).count("np.unique") == 1
    assert "get_dummies" not in str(w.value)


def test_a_column_of_text_is_named_still() -> None:
    pandas = need_module("pandas")
    table = pandas.DataFrame({"a": ["x", "y"], "b": [1.0, 2.0]})
    with pytest.raises(nn.DTypeError, match=r"the column 'a' holds no numbers: pandas\.get_d") as w:
        trainer().fit(table, [0, 1])
    assert "np.unique" not in str(w.value)


SCORES = rng.standard_normal((24, 3)) * 9


@pytest.mark.parametrize(
    ("loss", "first", "second", "match"),
    [
        (nn.cross_entropy, SCORES, y, "softmax_cross_entropy takes scores and class numbers"),
        (nn.nll, SCORES, y, r"of scores: softmax_cross_entropy\(scores, labels\)"),
        (nn.cross_entropy, y, SCORES, r"the predictions come first: cross_entropy\(A, y\)"),
        (nn.nll, y, SCORES, r"come first: nll\(log_probabilities, labels\)"),
        (nn.softmax_cross_entropy, y, SCORES, r"come first: softmax_cross_entropy\(logits, lab"),
    ],
)
def test_losses_of_another_kind_or_order(loss: Any, first: Any, second: Any, match: str) -> None:
    with pytest.raises(nn.ArgumentError, match=match):
        loss(first, second)


def test_one_row_is_still_told_its_axis() -> None:
    with pytest.raises(nn.ShapeError, match=r"A\[None\] is one row"):
        nn.cross_entropy([0.2, 0.8], [[0, 1], [1, 0], [0, 1]])


def test_weights_of_another_picture_size() -> None:
    small, large = (
        nn.Sequential(nn.Conv2D(2, 3), nn.Flatten(), nn.Dense(3)).initialize((1, n, n), rng=0)
        for n in (8, 12)
    )
    state = nn.interop.torch.state_dict(small)
    with pytest.raises(nn.ShapeError, match="takes inputs of another size: initialize the model"):
        nn.interop.torch.load_weights(large, state)


def test_a_model_of_ours_is_no_file_of_pytorchs(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Dense(4), nn.Dense(4)).initialize((4,), rng=0)
    other = model.clone().initialize((4,), rng=1)
    before = other.predict(X)
    nn.save(model, tmp_path / "m.safetensors")
    # The names and shapes are the same, the layouts are not.
    with pytest.raises(nn.FileFormatError, match=r"a model that nn\.save wrote: nn\.load\(path\)"):
        nn.interop.torch.load_weights(other, tmp_path / "m.safetensors")
    assert np.array_equal(other.predict(X), before)
    state = nn.interop.torch.state_dict(nn.load(tmp_path / "m.safetensors"))
    nn.interop.torch.load_weights(other, state)
    assert np.array_equal(other.predict(X), model.predict(X))


def test_cross_entropy_of_class_numbers_names_both_cures() -> None:
    with pytest.raises(
        nn.ShapeError, match=r"nn\.one_hot\(y, 3\) .*; softmax_cross_entropy, of sc"
    ):
        trainer(loss="cross_entropy").fit(X, y)
    history = trainer(loss="softmax_cross_entropy").fit(X, y)
    assert history.epochs == 1


def test_series_that_are_taken_as_pictures_are_told() -> None:
    need_module("sklearn")
    series = rng.standard_normal((12, 9, 128)).astype("f")
    quick: Any = {"filters": 2, "max_iter": 5, "tol": 9.0, "n_iter_no_change": 1, "random_state": 0}
    match = r"ConvNetClassifier.fit: X: rows of shape \(9, 128\) .*TrainerClassifier\(.*nn\.Conv1D"
    with pytest.warns(nn.TrainingHint, match=match):
        nn.estimators.ConvNetClassifier(**quick).fit(series, y[:12])
    with pytest.warns(nn.TrainingHint, match=r"ConvNetRegressor.fit: .*TrainerRegressor\("):
        nn.estimators.ConvNetRegressor(**quick).fit(series, y[:12])
    with warnings.catch_warnings():
        warnings.simplefilter("error", nn.TrainingHint)
        nn.estimators.ConvNetClassifier(image_shape=(9, 128), **quick).fit(series, y[:12])
        nn.estimators.ConvNetClassifier(**quick).fit(series[:, :, :32], y[:12])
        nn.estimators.Conv2DFeatures("random", n_filters=2).fit(series)


@pytest.mark.parametrize("kind", ["ConvNetClassifier", "TrainerRegressor", "MLPRegressor"])
def test_lines_of_example_are_of_the_estimator_that_was_used(kind: str) -> None:
    need_module("sklearn")
    estimator = getattr(nn.estimators, kind)()
    with pytest.raises(AttributeError, match=rf"nn\.estimators\.{kind}\(optimizer="):
        estimator.compile(optimizer="adam")
    with pytest.raises(TypeError, match=rf"nn\.estimators\.{kind}\(max_iter=20\)"):
        estimator.fit(X, y, epochs=3)
