"""Figures say what is what: numbers of classes, bars of colours, axes, runs."""

from __future__ import annotations

import numpy as np
import pytest

import neural_network as nn
from neural_network import visual
from tests.visual.pictures_models import COLOUR, colour_model, texts_in


def test_the_scores_of_activations_have_the_numbers_of_their_classes() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Dense(5)).initialize((1, 20, 20), rng=0)
    figure = visual.show_activations(model, np.random.default_rng(0).random((20, 20)))
    names, scores = figure.axes[4], figure.axes[5]
    assert {"0", "1", "2", "3", "4"} <= set(texts_in(scores))
    flat = figure.axes[3].images[0]
    assert flat.get_array().shape == (7, 64)  # and no line as thin as a hair
    assert len(names.child_axes) == 1  # the bar of colours


def test_histograms_have_labels_and_bars_that_suit_the_numbers() -> None:
    model = nn.Sequential(nn.Dense(8), nn.Dense(300)).initialize((30,), rng=0)
    figure = visual.show_histograms(model)
    assert [axes.get_xlabel() for axes in figure.axes] == ["weight"] * 4
    assert figure.axes[0].get_ylabel() == "how many"
    assert len(figure.axes[1].patches) <= 8  # of 8 biases
    assert len(figure.axes[2].patches) == 30
    assert len(visual.show_histograms(model, bins=7).axes[1].patches) == 7


def test_heat_maps_say_what_they_show() -> None:
    model = colour_model()
    for draw, meaning in [
        (visual.show_saliency, "slope of the score"),
        (visual.show_grad_cam, "in favour of the class"),
        (visual.show_occlusion, "drop in probability"),
    ]:
        figure = draw(model, COLOUR)
        assert figure.get_suptitle().startswith("predicted ")
        assert figure.axes[-1].get_ylabel() == meaning
        assert draw(model, COLOUR, target=1).get_suptitle().startswith("class 1, probability")


def test_filters_of_many_channels_stand_in_lines_with_numbers() -> None:
    weight = np.random.default_rng(0).standard_normal((6, 16, 3, 3))
    figure = visual.show_filters(weight)
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("channel", "filter")
    assert [text.get_text() for text in axes.get_xticklabels()] == [str(n) for n in range(16)]
    drawn = axes.images[0].get_array()
    np.testing.assert_array_equal(drawn[8:11, 20:23], weight[2, 5])
    assert axes.get_xticks()[5] == 21
    assert axes.get_yticks()[2] == 9


def test_two_runs_share_a_panel() -> None:
    first = {"loss": [3.0, 2.0], "validation_loss": [3.5, 2.5]}
    second = {"loss": [2.0, 1.0, 0.5], "accuracy": [0.1, 0.5, 0.9]}
    figure = visual.show_history({"SGD": first, "Adam": second})
    loss, accuracy = figure.axes[:2]
    labels = [line.get_label() for line in loss.lines]
    assert labels == ["SGD", "SGD, validation", "Adam"]
    assert loss.lines[0].get_color() == loss.lines[1].get_color() != loss.lines[2].get_color()
    assert [line.get_label() for line in accuracy.lines] == ["Adam"]
    beads = visual.show_history({"loss": np.linspace(1, 0, 300)}).axes[0].lines[0]
    assert beads.get_marker() in ("", "None")
    assert loss.lines[0].get_marker() == "o"


@pytest.mark.parametrize("count", [3, 9, 10, 24, 32])
@pytest.mark.parametrize("value", [0.0, -2.5])
@pytest.mark.parametrize("bins", [None, 4, 7])
def test_numbers_that_are_all_equal_have_a_bar_around_them(
    count: int, value: float, bins: int | None
) -> None:
    model = nn.Sequential(nn.Dense(count)).initialize((4,), rng=0)
    model[0].bias = np.full(count, value)
    axes = visual.show_histograms(model, bins=bins).axes[1]
    (bar,) = [patch for patch in axes.patches if patch.get_height()]
    assert bar.get_height() == count
    assert bar.get_x() + bar.get_width() / 2 == pytest.approx(value, abs=1e-6)
    assert bar.get_x() < value < bar.get_x() + bar.get_width()
    assert f"all {value:g}" in axes.get_title()
    assert "all" not in visual.show_histograms(model).axes[0].get_title()


def test_a_layer_has_its_colour_on_every_slide_of_histograms() -> None:
    model = nn.Sequential(*[nn.BatchNorm() for _ in range(5)]).initialize((3,), rng=0)
    labels, images = np.zeros(2, int), np.zeros((2, 3))
    made = visual.teaching._Set(model, images, labels, np.eye(3)[:2], ["a", "b", "c"], None, 3)
    whole = visual.show_histograms(model).axes
    drawn = [ax for draw in made.histograms() for ax in draw().axes if ax.axison]
    assert len(drawn) == 10
    for one, other in zip(whole, drawn, strict=False):
        assert one.get_title() == other.get_title()
        assert one.patches[0].get_facecolor() == other.patches[0].get_facecolor()
