"""What all figures have in common: axes, titles, colormaps, nothing open, nothing changed."""

from __future__ import annotations

import inspect
import sys
import warnings
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import neural_network as nn
from neural_network import visual
from tests.visual.pictures_models import (
    COLOUR,
    COLOURS,
    GREY,
    GREYS,
    LABELS,
    POINTS,
    colour_model,
    grey_model,
    plane_model,
    state_of,
)

HISTORY = {"loss": [3.0, 2.0], "validation_loss": [4.0, 5.0], "accuracy": [0.1, 0.2]}
SHOWN: dict[str, Any] = {
    "show_filters": lambda **o: visual.show_filters(grey_model(), **o),
    "show_activations": lambda **o: visual.show_activations(colour_model(), COLOUR, **o),
    "show_saliency": lambda **o: visual.show_saliency(colour_model(), COLOUR, **o),
    "show_grad_cam": lambda **o: visual.show_grad_cam(colour_model(), COLOUR, **o),
    "show_occlusion": lambda **o: visual.show_occlusion(colour_model(), COLOUR, **o),
    "show_images": lambda **o: visual.show_images(GREYS, **o),
    "show_mistakes": lambda **o: visual.show_mistakes(grey_model(), GREYS, LABELS, **o),
    "show_confusion_matrix": lambda **o: visual.show_confusion_matrix([[9, 1], [0, 5]], **o),
    "show_history": lambda **o: visual.show_history(HISTORY, **o),
    "show_histograms": lambda **o: visual.show_histograms(plane_model(), bins=5, **o),
    "show_decision_surface": lambda **o: visual.show_decision_surface(
        plane_model(), POINTS, LABELS, steps=20, **o
    ),
    "show_graph": lambda **o: visual.show_graph(colour_model(), **o),
    "show_flip": lambda **o: visual.show_flip(GREY[0], "emboss", **o),
    "explain_conv2d": lambda **o: nn.explain_conv2d(COLOUR, "edges", 2, 3).draw(**o),
    "show_activations ": lambda **o: nn.explain(grey_model(), GREY).draw(**o),
    "explain_gradient": lambda **o: nn.explain_gradient(lambda x: np.sum(x * x), 2.0).draw(**o),
    "show_feature_maps": lambda **o: visual.show_feature_maps(GREY[0], ["mean", "edges"], **o),
    "show_feature_maps ": lambda **o: visual.show_feature_maps(COLOUR, "edges", **o),
    "draw_feature_maps": lambda **o: visual.draw_feature_maps(
        COLOUR, {"a": np.eye(2)}, {"a": GREY[0]}, **o
    ),
    "show_predictions": lambda **o: visual.show_predictions(
        [GREY[0] * 255, COLOUR * 255], GREYS[:2, 0], [[0.1, 0.9], [0.7, 0.3]], **o
    ),
    "animate_convolution": lambda **o: visual.animate_convolution(GREY, frames=2, **o).figure,
    "animate_training": lambda **o: visual.animate_training(HISTORY, frames=2, **o).figure,
}
# Their colormap is that of bars, boxes, curves, points or cells, not of images.
NO_IMAGES = {
    "show_history", "show_histograms", "show_graph", "show_decision_surface", "animate_training",
    "explain_gradient",
}  # fmt: skip
# What returns numbers or files; a lecture is many figures in a folder.
NO_PICTURES = {"saliency", "grad_cam", "occlusion", "save_figure", "slides"}
# What returns an object that prints, and draws itself by ``draw``.
RESULTS: dict[str, Any] = {
    "explain": lambda: nn.explain(grey_model(), GREY),
    "explain_conv2d": lambda: nn.explain_conv2d(COLOUR, "edges", 2, 3),
    "explain_gradient": lambda: nn.explain_gradient(lambda x: np.sum(x * x), 2.0),
}


@pytest.mark.parametrize("name", SHOWN)
def test_axes_title_and_colormap_are_the_callers(name: str) -> None:
    figure, (left, right) = plt.subplots(1, 2, layout="constrained")
    made = SHOWN[name](ax=right, title="mine $5", cmap="cividis")
    assert made is figure
    assert right.get_title() == "mine $5"
    assert left.get_title() == ""
    assert not left.images
    drawn = [axes for axes in figure.axes if axes is not left and axes.axison]
    used = {i.get_cmap().name for axes in figure.axes for i in axes.images}
    assert "cividis" in used or name in NO_IMAGES
    figure.draw_without_rendering()
    for axes in drawn:  # in the place that was given
        assert axes.get_position().x0 > left.get_position().x1 - 0.05
    check_title(figure, right)
    free = Figure(figsize=(10, 7)).add_axes((0.1, 0.1, 0.8, 0.75))
    assert SHOWN[name](ax=free, title="mine") is free.figure
    free.figure.draw_without_rendering()
    assert free.get_title() == "mine"
    check_title(free.figure, free)


def check_title(figure: Any, ax: Any) -> None:
    """The title of given axes lies on no other text."""
    mine = ax.title.get_window_extent()
    for other in (
        t for axes in figure.axes for t in (*axes.texts, axes.title) if t is not ax.title
    ):
        if other.get_text().strip() and other.get_visible():
            assert not mine.overlaps(other.get_window_extent()), other.get_text()


def test_what_cannot_be_drawn_in_a_title_is_a_question_mark() -> None:
    figure, axes = plt.subplots()
    nn.visual.show_confusion_matrix(
        np.eye(2, dtype=int), ["a\x07", "b"], ax=axes, title="a\x00\n\ud800b"
    )
    assert axes.get_title() == "a?\n?b"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.canvas.draw()


@pytest.mark.parametrize("name", SHOWN)
def test_bad_axes_titles_and_colormaps(name: str) -> None:
    for options, kind, match in [
        ({"ax": 3}, TypeError, f"{name.strip()}: ax: expected the axes of a matplotlib figure"),
        (
            {"title": 3},
            TypeError,
            f"{name.strip()}: title: expected text of at most 300 letters in 10 lines, received 3",
        ),
        (
            {"cmap": "grey-ish"},
            ValueError,
            f"{name.strip()}: cmap: expected a colormap .*'grey-ish'",
        ),
        ({"cmap": 3}, TypeError, f"{name.strip()}: cmap: expected a colormap"),
    ]:
        with pytest.raises(kind, match=match):
            SHOWN[name](**options)


@pytest.mark.parametrize("name", SHOWN)
def test_without_matplotlib_the_extra_is_named(name: str, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        nn.MissingDependencyError, match=r'pip install "neural-network-numpy\[plot\]"'
    ):
        SHOWN[name]()


@pytest.mark.parametrize("name", SHOWN)
def test_nothing_is_changed_or_open_and_texts_are_readable(name: str) -> None:
    models = (grey_model(), colour_model(), plane_model())
    before = [state_of(model) for model in models]
    figure = SHOWN[name]()
    assert isinstance(figure, Figure)
    assert plt.get_fignums() == []
    for old, model in zip(before, models, strict=True):
        for was, now in zip(old, state_of(model), strict=True):
            np.testing.assert_array_equal(was, now)
    figure.set_dpi(800 / figure.get_figwidth())  # shown 800 pixels wide
    figure.draw_without_rendering()
    whole, used = figure.get_size_inches(), figure.get_tightbbox()
    assert min(used.x0, used.y0) >= -0.03, used
    assert used.x1 <= whole[0] + 0.03, used
    assert used.y1 <= whole[1] + 0.03, used
    texts = check_texts(figure)
    assert all(t.get_fontsize() * figure.dpi / 72 >= 8 for t in texts)


def check_texts(figure: Any) -> list[Any]:
    """Return the texts of a figure, none of which may lie on another."""
    texts = [t for axes in figure.axes for t in (*axes.texts, axes.title)]
    texts += [figure._suptitle] if figure.get_suptitle() else []
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts if t.get_text().strip()]
    for place, (text, one) in enumerate(boxes):
        for other_text, other in boxes[:place]:
            wide = min(one.x1, other.x1) - max(one.x0, other.x0)
            high = min(one.y1, other.y1) - max(one.y0, other.y0)
            assert min(wide, high) < 1.5, (text, other_text)
    return texts


def test_a_notebook_shows_a_figure_and_a_script_opens_a_window(monkeypatch: Any) -> None:
    figure = visual.show_history([1.0, 0.5])
    assert figure._repr_png_().startswith(b"\x89PNG")
    shown: list[Any] = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.figure(plt.get_fignums()[0])))
    figure.show()
    assert shown == [figure]
    assert plt.get_fignums() == []


def test_every_function_is_here() -> None:
    drawing = {name.strip() for name in SHOWN}
    assert {*visual.__all__} == drawing | NO_PICTURES | {"explain"}
    assert COLOURS.shape[1] == 3


@pytest.mark.parametrize("name", sorted({*visual.__all__} - NO_PICTURES))
def test_every_picture_takes_axes_a_title_and_a_colormap_last(name: str) -> None:
    function = getattr(visual, name)
    if name in RESULTS:
        function = RESULTS[name]().draw
    last = list(inspect.signature(function).parameters.values())[-3:]
    assert [(one.name, one.default) for one in last] == [
        ("ax", None), ("title", None), ("cmap", None),
    ]  # fmt: skip
    assert "ax: matplotlib axes to draw on; None for" in inspect.getdoc(function)
