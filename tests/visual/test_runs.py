"""Curves of one run and of several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import visual

# Learns by heart: its training loss falls, that of its validation rises.
OVERFIT = {"loss": np.geomspace(2, 1e-3, 30), "validation_loss": np.linspace(1, 1.3, 30)}
FINE = {"loss": np.geomspace(1, 1e-4, 30), "validation_loss": np.geomspace(1, 1e-3, 30)}


def test_a_logarithmic_axis_hides_no_rise_of_the_validation() -> None:
    scale = {
        name: visual.show_history(runs).axes[0].get_yscale()
        for name, runs in {
            "overfit": OVERFIT, "fine": FINE, "overfit runs": {"a": OVERFIT, "b": OVERFIT},
            "alone": OVERFIT["loss"], "validation": {"validation_loss": FINE["loss"]},
        }.items()
    }  # fmt: skip
    assert scale == {
        "overfit": "linear", "fine": "log", "overfit runs": "linear", "alone": "log",
        "validation": "log",
    }  # fmt: skip


def test_the_scale_can_be_chosen() -> None:
    for history in (OVERFIT, FINE, [0.5, 0.4]):
        assert visual.show_history(history, log=True).axes[0].get_yscale() == "log"
        assert visual.show_history(history, log=False).axes[0].get_yscale() == "linear"
    message = "log: expected numbers above 0 where axes are logarithmic, received 0 in 'loss'"
    with pytest.raises(nn.ArgumentError, match=message):
        visual.show_history({"loss": [1, 0.0], "accuracy": [0.0, 0.5]}, log=True)
    with pytest.raises(nn.DTypeError, match="log: expected True or False"):
        visual.show_history([1, 0.5], log="no")  # type: ignore[arg-type]


def test_points_fill_no_gaps_of_dashes() -> None:
    dashed = visual.show_history(OVERFIT).axes[0].lines[1]
    assert (dashed.get_linestyle(), dashed.get_marker()) == ("--", "")
    few = visual.show_history({"loss": [1, 0.5], "validation_loss": [1, 0.6]}).axes[0].lines[1]
    assert few.get_marker() == "o"


def test_several_runs_are_animated(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("epoch,loss\n1,0.9\n2,0.8\n3,0.7\n")
    runs = {
        "a": {"loss": [1, 0.5], "validation_loss": [1, 0.6]}, "b": log, "by hand": [2.0, 1.0],
    }  # fmt: skip
    animation = visual.animate_training(runs)
    assert animation.frame_count == 3
    lines = animation.figure.axes[0].lines
    assert [line.get_label() for line in lines] == ["a", "a, validation", "b", "by hand"]
    assert len({line.get_color() for line in lines}) == 3
    assert visual.show_history(runs).axes[0].get_ylabel() == "loss"


@pytest.mark.parametrize("draw", [visual.show_history, visual.animate_training])
def test_lists_of_losses_by_name_are_runs_and_lists_of_measures_are_not(draw: Any) -> None:
    first, second = [0.9, 0.5, 0.4], [0.8, 0.2]
    cases: list[tuple[dict[Any, Any], list[str], list[str]]] = [
        ({"2 layers": first, "3 layers": second}, ["loss"], ["2 layers", "3 layers"]),
        ({0.1: np.array(first), 0.01: nn.Tensor(second)}, ["loss"], ["0.1", "0.01"]),
        ({"SGD loss": first, "loss of Adam": second}, ["loss"], ["SGD loss", "loss of Adam"]),
        ({"Accuracy, A": first, "accuracy, B": second}, ["accuracy"], ["Accuracy, A", "accuracy, B"]),
        ({"2 layers": first, "3 layers": {"loss": second, "norm": second}}, ["loss", "norm"], ["2 layers", "3 layers"]),
        ({"loss": first, "2 layers": second}, ["loss", "2 layers"], ["training"]),
        ({"kl_loss": first, "pixel_loss": second}, ["kl_loss", "pixel_loss"], ["training"]),
        ({"train_accuracy": first, "learning_rate": second}, ["train_accuracy", "learning_rate"], ["training"]),
        ({"training loss": first, "test accuracy": second}, ["training loss", "test accuracy"], ["training"]),
        ({"Loss": first, "norm": second}, ["Loss", "norm"], ["training"]),
        ({"2 layers": first}, ["2 layers"], ["training"]),
        (nn.History({"gain": first, "norm": second}), ["gain", "norm"], ["training"]),
    ]  # fmt: skip
    for curves, panels, labels in cases:
        drawn = draw(curves)
        axes = getattr(drawn, "figure", drawn).axes
        assert [one.get_ylabel() for one in axes] == panels
        assert [line.get_label() for line in axes[0].lines] == labels


def test_what_a_training_returned_is_told_where_its_losses_are() -> None:
    trained = nn.train_mlp(np.eye(4), np.eye(4), num_epochs=2)
    descended = nn.gradient_descent(
        np.eye(4), np.ones((4, 1)), np.zeros((4, 1)), np.zeros(1), 0.1, 2, 4, nn.mse_loss,
        verbose=False,
    )  # fmt: skip
    runs: list[Any] = [trained, descended]
    for returned in runs:
        with pytest.raises(nn.DTypeError, match=r"history\[-1\] are its losses"):
            visual.show_history(returned)
        with pytest.raises(nn.DTypeError, match=r"history\['b'\]\[-1\] are its losses"):
            visual.show_history({"a": [1.0], "b": returned})
    with pytest.raises(nn.ShapeError, match=r"history\['b'\]: expected 1 dimension"):
        visual.show_history({"a": [1.0], "b": [[1.0, 2.0]]})


@pytest.mark.parametrize("draw", [visual.show_history, visual.animate_training])
def test_runs_without_names(draw: object) -> None:
    for runs in ([OVERFIT, FINE], (OVERFIT,), ["a.csv", "b.csv"]):
        with pytest.raises(nn.DTypeError, match="expected a dict of name → history for several"):
            draw(runs)  # type: ignore[operator]


def test_labels_in_place_of_counts() -> None:
    with pytest.raises(nn.ShapeError, match=r"nn\.confusion_matrix\(y_pred, y_true\) counts"):
        visual.show_confusion_matrix([0, 1, 1], [0, 1, 0])  # type: ignore[list-item]


def test_a_chosen_logarithm_is_of_the_losses() -> None:
    history = {"loss": [1, 0.5], "accuracy": [0.0, 0.5], "dice_loss": [0.5, 0.2]}
    scales = [axes.get_yscale() for axes in visual.show_history(history, log=True).axes]
    assert scales == ["log", "linear", "log"]
    assert visual.show_history({"accuracy": [0.2, 0.5]}, log=True).axes[0].get_yscale() == "log"


def test_one_epoch_has_one_tick() -> None:
    one = {"loss": [0.5], "validation_loss": [0.7], "accuracy": [0.9]}
    for axes in visual.show_history(one).axes:
        assert axes.get_xticks().tolist() == [1]
    runs = {"a": {"loss": [0.5]}, "b": {"loss": [0.7, 0.4]}}
    assert visual.show_history(runs).axes[0].get_xticks().tolist() != [1]
