"""Bars of colours, titles, legends and ticks: where they stand, in figures and in small places."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import neural_network as nn
from neural_network import visual
from tests.visual.overlaps import drawn_texts, overlaps
from tests.visual.pictures_models import COLOUR, colour_model

PLACES = ["figure", "plain", "tight", "constrained"]
MODEL = nn.models.lenet5(rng=0)
COUNTS = np.arange(16).reshape(4, 4)
WITH_BARS: dict[str, Any] = {
    "saliency": lambda **o: visual.show_saliency(colour_model(), COLOUR, **o),
    "grad_cam": lambda **o: visual.show_grad_cam(colour_model(), COLOUR, **o),
    "occlusion": lambda **o: visual.show_occlusion(colour_model(), COLOUR, size=6, stride=6, **o),
    "filters": lambda **o: visual.show_filters(np.eye(24).reshape(64, 1, 3, 3)[:8], **o),
    "lines": lambda **o: visual.show_filters(np.ones((16, 8, 3, 3)), **o),
    "counts": lambda **o: visual.show_confusion_matrix(COUNTS, **o),
}
CURVES = {
    "loss": [1.2, 0.6, 0.4, 0.3], "validation_loss": [0.9, 0.6, 0.5, 0.45],
    "accuracy": [0.6, 0.8, 0.87, 0.9], "validation_accuracy": [0.65, 0.8, 0.85, 0.86],
}  # fmt: skip
LOSSES = {name: CURVES[name] for name in ("loss", "validation_loss")}


def drawn(draw: Any, place: str) -> Any:
    """Draw a figure of its own, or in the first of 2 × 2 places of the default size."""
    if place == "figure":
        return draw()
    figure = Figure(layout=None if place == "plain" else place)
    draw(ax=figure.subplots(2, 2)[0, 0])
    return figure


@pytest.mark.parametrize(
    ("name", "place"),
    # Each under two or more engines: the kinds differ, and all under all take long.
    [(name, PLACES[n % 4]) for place, name in enumerate(WITH_BARS) for n in (place, place + 1)]
    + [("saliency", "constrained"), ("filters", "constrained"), ("counts", "plain")],
)
def test_a_bar_is_as_tall_as_its_pictures(name: str, place: str) -> None:
    figure = drawn(WITH_BARS[name], place)
    figure.draw_without_rendering()
    bar = next(axes for axes in figure.axes if axes.yaxis.get_ticks_position() == "right")
    pictures = [axes for axes in figure.axes if axes.images]
    boxes = [axes.get_window_extent() for axes in pictures]
    low, high = min(box.y0 for box in boxes), max(box.y1 for box in boxes)
    extent = bar.get_window_extent()
    np.testing.assert_allclose([extent.y0, extent.y1], [low, high], atol=1.5)
    right = max(box.x1 for box in boxes)
    assert right < extent.x0 < right + 0.25 * figure.dpi
    assert extent.x1 <= figure.bbox.width
    if place != "figure" and len(pictures) > 1:  # the title is right above them
        title = figure.axes[0].title.get_window_extent()
        top = max(axes.title.get_window_extent().y1 for axes in pictures)
        assert 0 <= title.y0 - top < 0.15 * figure.dpi


@pytest.mark.parametrize(
    ("curves", "place"),
    [(CURVES, place) for place in PLACES] + [(LOSSES, place) for place in PLACES[1:3]],
)
def test_a_legend_covers_no_curve(curves: Any, place: str) -> None:
    figure = drawn(lambda **o: visual.show_history(curves, **o), place)
    figure.draw_without_rendering()
    (legend,) = [
        *figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())
    ]  # fmt: skip
    extent = legend.get_window_extent()
    assert 0 <= extent.x0 <= extent.x1 <= figure.bbox.width
    assert 0 <= extent.y0 <= extent.y1 <= figure.bbox.height
    for axes in figure.axes:
        for line in axes.lines:
            points = axes.transData.transform(line.get_xydata())
            for one, other in pairwise(points):
                between = one + np.linspace(0, 1, 50)[:, np.newaxis] * (other - one)
                inner = (between > extent.min).all(axis=1) & (between < extent.max).all(axis=1)
                assert not inner.any()
    assert overlaps(figure) == []


def test_a_curve_that_falls_to_a_thousandth_has_a_logarithmic_axis() -> None:
    for losses, scale in [
        ([33, 1, 0.01, 4e-4], "log"), ([33, 1, 0.5], "linear"), ([1e4, 0.0], "linear"),
        ([5.0, np.nan, 1e-4], "log"), ([np.nan, np.nan], "linear"),
    ]:  # fmt: skip
        axes = visual.show_history(losses).axes[0]
        assert axes.get_yscale() == scale
        assert ("logarithmic" in axes.get_ylabel()) == (scale == "log")


@pytest.mark.parametrize(
    ("place", "factor"),
    [("figure", 1e-2), ("plain", 1.0), ("plain", 1e-7), ("tight", 1e5), ("constrained", 1e-2)],
)
def test_the_numbers_of_histograms_do_not_touch(place: str, factor: float) -> None:
    weight = factor * np.random.default_rng(0).normal(size=(30, 8))
    model = nn.Sequential(nn.Dense(8), nn.Dense(3)).initialize((30,), rng=0)
    model[0].weight = weight
    figure = drawn(lambda **o: visual.show_histograms(model, **o), place)
    assert overlaps(figure, drawn_texts(figure)) == []
    (axes,) = [axes for axes in figure.axes if axes.get_title().startswith("0.weight")]
    low, high = axes.get_xlim()
    labels = [text for text in axes.get_xticklabels() if low <= text.get_position()[0] <= high]
    boxes = [text.get_window_extent() for text in labels]
    assert len(labels) >= 2
    for one, other in pairwise(boxes):
        assert other.x0 - one.x1 >= 2
    for text in labels:
        assert float(text.get_text()) == pytest.approx(text.get_position()[0], rel=1e-2)


def test_the_numbers_of_curves_do_not_touch() -> None:
    figure = Figure()
    for ax in figure.subplots(3, 2).flat:
        visual.show_history({name: CURVES[name] for name in ("loss", "accuracy")}, ax=ax)
    assert overlaps(figure) == []


def test_numbers_in_neighbouring_cells_have_a_gap() -> None:
    figure = visual.show_filters(np.full((4, 1, 3, 3), -0.33))
    figure.draw_without_rendering()
    numbers = [t for t in figure.axes[0].texts if t.get_text() == "-.33" and t.get_visible()]
    assert len(numbers) == 36
    first, second = (text.get_window_extent() for text in numbers[:2])
    assert second.x0 - first.x1 > 0.2 * first.width


def test_a_faint_grad_cam_says_so() -> None:
    model = nn.Sequential(
        nn.Conv2D(1, 1, bias=False), nn.GlobalAvgPool2D(), nn.Dense(2)
    ).initialize((1, 4, 4), rng=0)
    model[0].weight = np.ones((1, 1, 1, 1))
    model[2].weight = [[1.0, -1.0]]
    picture = np.full((4, 4), -1.0)
    picture[0, 0] = 0.01
    heading = visual.show_grad_cam(model, picture, target=0).get_suptitle()
    assert "faint: at most 0.00062 speaks for the class, up to 0.062 against it" in heading
    assert "faint" not in visual.show_grad_cam(model, picture, target=1).get_suptitle()
