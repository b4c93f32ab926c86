"""Places where new users stopped or were misled, in the fourteenth round."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests.needs import need_module


class StopAfter(nn.Callback):
    """Ends a training after an epoch, as a limit of time does."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch_end(self, trainer: nn.Trainer, measures: Any) -> None:  # noqa: ARG002  # the base class takes it
        trainer.stop = trainer.epoch >= self.epoch


class GoOn(nn.Callback):
    def on_fit_begin(self, trainer: nn.Trainer) -> None:
        trainer.stop = False


def fit(*callbacks: nn.Callback, epochs: int = 6, **options: Any) -> nn.Trainer:
    X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    model = nn.Sequential(nn.Dense(2, "tanh"), nn.Dense(2)).initialize((3,), rng=0)
    trainer = nn.Trainer(model, rng=0, callbacks=callbacks, progress=False)
    trainer.fit(X, (X[:, 0] > 0).astype(int), epochs=epochs, batch_size=10, **options)
    return trainer


def test_a_training_that_a_callback_ended_is_over_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    assert fit(StopAfter(2), nn.Checkpoint(path)).epoch == 2
    with pytest.warns(nn.TrainingHint, match=r"ended this training after epoch 2 of 6: nothing is"):
        assert fit(StopAfter(9), nn.Checkpoint(path), resume=path).epoch == 2
    with warnings.catch_warnings():  # all epochs are done: nothing more was asked for
        warnings.simplefilter("error")
        assert fit(epochs=2, resume=path).epoch == 2


def test_a_callback_goes_on_where_trainer_stop_had_ended_a_training(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    fit(StopAfter(2), nn.Checkpoint(path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resumed = fit(GoOn(), resume=path)
    whole = fit()
    assert resumed.epoch == 6
    for one, other in zip(resumed.model.parameters(), whole.model.parameters(), strict=True):
        np.testing.assert_array_equal(one.data, other.data)


class Longer(nn.EarlyStopping):
    """A subclass."""


@pytest.mark.parametrize("kind", [nn.EarlyStopping, Longer])
@pytest.mark.parametrize("others", [(), (nn.Callback(),)], ids=["alone", "beside another"])
def test_a_longer_patience_goes_on(kind: Any, others: Any, tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"

    def early(patience: int, **options: Any) -> nn.Trainer:
        # Nothing is an improvement, so that the training ends after so many epochs.
        stopping = kind("loss", patience=patience, threshold=10.0, restore_best=False)
        return fit(stopping, *others, nn.Checkpoint(path), epochs=9, **options)

    first = early(1).epoch
    assert first < 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert early(1, resume=path).epoch == first
        assert early(4, resume=path).epoch == first + 3


def test_early_stopping_beside_a_callback_that_ended(tmp_path: Path) -> None:
    path, early = tmp_path / "run.checkpoint", nn.EarlyStopping("loss", patience=9)
    fit(StopAfter(2), early, nn.Checkpoint(path))
    with pytest.warns(nn.TrainingHint, match="trainer.stop had ended this training after epoch 2"):
        assert fit(StopAfter(2), early, resume=path).epoch == 2


def test_two_that_have_ended_a_training(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"

    def early(*patience: int, **options: Any) -> int:
        stopping = [nn.EarlyStopping("loss", n, threshold=10.0) for n in patience]
        return fit(*stopping, nn.Checkpoint(path), epochs=9, **options).epoch

    first = early(1, 1)
    for patience in ((1, 4), (4, 1)):
        assert early(*patience, resume=path) == first
    assert early(4, 4, resume=path) == first + 3


def test_a_stop_within_an_epoch_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"

    class InEpoch(nn.Callback):
        def on_step_end(self, trainer: nn.Trainer, loss: float) -> None:  # noqa: ARG002  # the base class takes it
            trainer.stop = trainer.step == 3

    fit(InEpoch(), nn.Checkpoint(path, steps=1))
    with pytest.warns(nn.TrainingHint, match="had ended this training in epoch 2 of 6"):
        fit(InEpoch(), nn.Checkpoint(path, steps=1), resume=path)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Activation(nn.max_pool1d, 4),  # type: ignore[call-arg]
        lambda: nn.Activation(nn.max_pool1d, size=4),  # type: ignore[call-arg]
        lambda: nn.MaxPool1D(4),  # type: ignore[attr-defined]
    ],
    ids=["by place", "by name", "as a layer"],
)
def test_options_of_a_function_are_given_by_partial(make: Any) -> None:
    with pytest.raises((TypeError, AttributeError), match=r"partial\(nn\.max_pool1d, size="):
        make()


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (np.tanh, r"the function tanh of NumPy; nn\.tanh has an operator"),
        (partial(np.mean, axis=(2, 3)), r"mean of NumPy; nn\.functional\.mean has an operator"),
        (lambda x: nn.relu(x + 1), r"<lambda>; what can be read is a function by its name"),
        (np.sinc, r"the function sinc, in model\[1\]"),
    ],
    ids=["ufunc", "partial", "lambda", "unknown"],
)
def test_functions_that_onnx_cannot_read_have_a_cure(
    function: Any, sentence: str, tmp_path: Path
) -> None:
    need_module("onnx")
    model = nn.Sequential(nn.Conv2D(2, 3), nn.Activation(function)).initialize((1, 6, 6), rng=0)
    with pytest.raises(nn.ArgumentError, match=sentence):
        nn.interop.onnx.save(model, tmp_path / "a.onnx")


@pytest.mark.parametrize("name", ["show_images", "show_feature_maps"])
def test_a_model_in_the_place_of_pictures(name: str) -> None:
    need_module("matplotlib")
    model = nn.models.mlp(4, rng=0)
    expected = r"the layer Sequential; visual.show_activations\(model, image\) shows"
    with pytest.raises(nn.DTypeError, match=expected):
        getattr(nn.visual, name)(model)


def test_max_pool_of_a_batch_names_max_pool2d() -> None:
    with pytest.raises(nn.ShapeError, match=r"shape \(5, 2, 6, 6\); max_pool2d\(X, 2\) takes"):
        nn.max_pool(np.zeros((5, 2, 6, 6)), 2)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(nn.FileWriteError, match=r"mkdir\(parents=True\) makes its folder"):
        fit(nn.Checkpoint(tmp_path / "a" / "b" / "run.checkpoint"))


def test_names_of_other_loops_share_panels() -> None:
    need_module("matplotlib")
    history = {"train_loss": [2, 1], "val_loss": [3, 2], "train_acc": [0.1, 0.2], "val_acc": [0, 1]}
    figure = nn.visual.show_history(history)
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "acc"]
    assert all(len(axes.lines) == 2 for axes in figure.axes)
    alone = nn.visual.show_history({"train_loss": [2, 1], "train_acc": [0.1, 0.2]})
    assert [axes.get_ylabel() for axes in alone.axes] == ["train_loss", "train_acc"]
    names = ["train_loss", "training_loss", "val_loss"]
    unclear = nn.visual.show_history({name: [2, 1] for name in names})
    assert [axes.get_ylabel() for axes in unclear.axes] == names


def test_a_measure_of_held_out_rows_alone_is_drawn_as_such() -> None:
    need_module("matplotlib")
    history = {"loss": [2, 1], "validation_loss": [3, 2], "validation_accuracy": [0.1, 0.2]}
    both, alone = nn.visual.show_history(history).axes
    held_out = both.lines[1]
    assert alone.lines[0].get_linestyle() == held_out.get_linestyle() == "--"
    assert alone.lines[0].get_color() == held_out.get_color()


def test_several_axes_for_one() -> None:
    plt = need_module("matplotlib.pyplot")
    figure, axes = plt.subplots(1, 2)
    for several, place in ((axes, r"axes\.flat\[0\]"), ([*axes], r"axes\[0\]")):
        with pytest.raises(nn.DTypeError, match=f"one of them, as ax={place}, is divided"):
            nn.visual.show_history({"loss": [2, 1], "accuracy": [0, 1]}, ax=several)
    with pytest.raises(nn.DTypeError, match=r"received 'left'$"):
        nn.visual.show_history({"loss": [2, 1]}, ax="left")
    plt.close(figure)
