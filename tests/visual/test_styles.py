"""Figures in matplotlib's dark style: every text differs from what lies behind it."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch

import neural_network as nn
from tests.visual.overlaps import drawn_texts

visual = nn.visual


def brightness(colour: Any) -> float:
    """Of black 0, of white 1."""
    red, green, blue = to_rgb(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue


@pytest.fixture(params=["default", "dark_background"])
def style(request: Any) -> Any:
    with mpl.style.context(request.param):
        yield request.param


def check_boxes(figure: Any) -> None:
    axes = figure.axes[0]
    boxes = [one for one in axes.patches if isinstance(one, FancyBboxPatch)]
    figure.canvas.draw()
    found = 0
    for box in boxes:
        extent = box.get_path().get_extents(box.get_patch_transform())
        for text in axes.texts:
            if extent.contains(*text.get_position()):
                found += 1
                assert abs(brightness(text.get_color()) - brightness(box.get_facecolor())) > 0.5
    assert found >= len(boxes) > 1


def test_boxes_of_a_model(style: str) -> None:  # the fixture sets it
    model = nn.Sequential(nn.Conv2D(4, 3, activation="relu"), nn.MaxPool2D(2), nn.Dense(3))
    check_boxes(visual.show_graph(model, (1, 8, 8)))


def test_boxes_of_a_tape(style: str) -> None:
    check_boxes(nn.explain_gradient(lambda x: (x * x).sum(), np.array([1.0, 2.0])).draw())


def test_histograms_of_many_layers(style: str) -> None:
    model = nn.Sequential(*(nn.Dense(5) for _ in range(8))).initialize((5,), rng=0)
    figure = visual.show_histograms(model)
    bars = [patch for axes in figure.axes for patch in axes.patches]
    assert len(bars) > 8
    for bar in bars:
        behind = brightness(bar.axes.get_facecolor())
        assert abs(brightness(bar.get_facecolor()) - behind) > 0.2


def test_the_note_of_a_small_place(style: str) -> None:
    figure = mpl.figure.Figure(layout="constrained")
    window = nn.explain_conv2d(np.random.default_rng(0).random((28, 28)), "edges", 7, 7)
    window.draw(ax=figure.subplots(2, 2)[0, 0])
    notes = [text for text in drawn_texts(figure) if "no space here" in text.get_text()]
    assert notes
    for note in notes:
        patch = note.get_bbox_patch()
        assert abs(brightness(note.get_color()) - brightness(patch.get_facecolor())) > 0.5
