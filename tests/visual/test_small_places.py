"""Figures in the place of axes that were given: a quarter of a slide, under each layout engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.patches import FancyBboxPatch

import neural_network as nn
from neural_network import visual
from tests.visual.overlaps import drawn_texts, overlaps
from tests.visual.pictures_models import GREYS, LABELS, grey_model
from tests.visual.test_every_figure import SHOWN

NAMES = ["T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker"]
COUNTS = np.arange(64).reshape(8, 8) % 11
DIGIT = np.random.default_rng(0).random((1, 28, 28))
LAYERS = nn.models.lenet5(rng=0)
MANY = {
    "lenet5": lambda **o: visual.show_activations(LAYERS, DIGIT, **o),
    "parameters": lambda **o: visual.show_histograms(LAYERS, **o),
    "boxes": lambda **o: visual.show_graph(LAYERS, **o),
    "channels": lambda **o: visual.show_filters(LAYERS[2], **o),
    "tiles": lambda **o: visual.show_filters(np.ones((32, 1, 3, 3)), **o),
    "names": lambda **o: visual.show_mistakes(
        grey_model(), GREYS, LABELS, class_names=NAMES[:3], **o
    ),
    "matrix": lambda **o: visual.show_confusion_matrix(COUNTS, NAMES, **o),
    "tape": lambda **o: nn.explain_gradient(
        lambda w, b: np.sum((np.tanh(w * 2.0 + b) - 1.0) ** 2 * w), 0.5, 0.1
    ).draw(**o),
}
# Each kind once: of those above with more to show than in ``SHOWN``, these.
LARGER = ("show_activations", "show_histograms", "show_graph", "show_mistakes")
EVERY: dict[str, Any] = {n: draw for n, draw in SHOWN.items() if not n.startswith(LARGER)} | MANY
FOURS = [sorted(EVERY)[n : n + 4] for n in range(0, len(EVERY), 4)]
# A slide of 1,024 × 768 pixels.
SLIDE: Any = {"figsize": (10.24, 7.68), "dpi": 100}
LEAST_PIXELS = 7.5
LAYOUTS = [None, "tight", None, "tight", "constrained"]  # the last one takes longest


@pytest.mark.parametrize(
    ("names", "layout"),
    # Each figure under one engine: all under all take a minute.
    [(names, LAYOUTS[place % len(LAYOUTS)]) for place, names in enumerate(FOURS)],
)
def test_four_figures_on_a_slide_are_readable(names: list[str], layout: Any) -> None:
    figure, grid = plt.subplots(2, 2, layout=layout, **SLIDE)
    for name, ax in zip(names, grid.flat, strict=False):
        EVERY[name](ax=ax)
    texts = drawn_texts(figure)
    assert overlaps(figure, texts) == []
    assert min(text.get_fontsize() * figure.dpi / 72 for text in texts) >= LEAST_PIXELS
    for ax in grid.flat[: len(names)]:  # no engine gave up
        box = ax.get_position(original=True)
        assert min(box.width, box.height) > 0.15
    for axes in figure.axes:  # each in a quarter
        assert min(axes.get_position().size) > 0
    plt.close(figure)


@pytest.mark.parametrize("name", sorted(MANY))  # the others: test_every_figure
def test_a_figure_of_its_own_on_a_slide_is_readable(name: str) -> None:
    figure = EVERY[name]()
    # Shown as wide or as high as a slide.
    figure.set_dpi(min(1024 / figure.get_figwidth(), 768 / figure.get_figheight()))
    texts = drawn_texts(figure)
    assert overlaps(figure, texts) == []
    assert min(text.get_fontsize() * figure.dpi / 72 for text in texts) >= LEAST_PIXELS


def test_texts_come_back_where_there_is_room() -> None:
    figure, grid = plt.subplots(6, 6, figsize=(5, 5))
    visual.show_confusion_matrix(COUNTS + 100, ax=grid[0, 0])
    counts = [text for text in grid[0, 0].texts if len(text.get_text()) == 3]
    assert not any(text.get_visible() for text in counts)
    figure.set_size_inches(50, 50)
    assert all(text.get_visible() for text in counts)
    plt.close(figure)


@pytest.mark.parametrize("size", [(6.4, 4.8), (8, 4.5), (9.6, 5.4), (8, 6)])
def test_boxes_of_a_model_in_a_quarter_have_their_names_and_no_note_on_them(size: Any) -> None:
    figure, grid = plt.subplots(2, 2, layout="constrained", figsize=size)
    for model, ax in [(LAYERS, grid[0, 0]), (nn.models.tiny_cnn(rng=0), grid[0, 1])]:
        visual.show_graph(model, ax=ax)
    assert overlaps(figure) == []
    for ax in grid[0]:
        boxes = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
        *texts, note = ax.texts
        assert len(texts) == len(boxes)
        assert all(text.get_visible() for text in texts)
        lowest = min(box.get_window_extent().y0 for box in boxes)
        assert not note.get_visible() or note.get_window_extent().y1 <= lowest + 1
        # The place is used.
        widest = max(box.get_window_extent().x1 for box in boxes)
        left = min(box.get_window_extent().x0 for box in boxes)
        assert widest - left > 0.35 * figure.bbox.width
    plt.close(figure)


@pytest.mark.parametrize("size", [(6.4, 4.8), (8, 4.5), (9.6, 5.4), (8, 6)])
@pytest.mark.parametrize("across", [1, 2])
def test_panels_of_four_convolutions_on_a_figure_keep_apart(size: Any, across: int) -> None:
    figure, grid = plt.subplots(across, 2, layout="constrained", figsize=size)
    for ax, name in zip(grid.flat, ("emboss", "vertical", "edges", "sobel-x"), strict=False):
        visual.show_flip(DIGIT[0], name, ax=ax)
    assert overlaps(figure) == []
    plt.close(figure)


def test_every_class_is_named_in_a_quarter_or_the_axis_says_so() -> None:
    figure, grid = plt.subplots(2, 2, layout="constrained")
    digits, clothes, many = grid.flat[:3]
    visual.show_confusion_matrix(np.arange(100).reshape(10, 10), ax=digits)
    visual.show_confusion_matrix(COUNTS, NAMES, ax=clothes)
    visual.show_confusion_matrix(np.eye(60, dtype=int), ax=many)
    assert overlaps(figure) == []
    assert [text.get_text() for text in digits.get_yticklabels()] == [str(n) for n in range(10)]
    assert [text.get_text() for text in clothes.get_xticklabels()] == NAMES
    assert digits.get_xlabel() == clothes.get_xlabel() == "predicted"
    step = int(many.get_yticks()[1])
    assert step > 1
    assert many.get_xlabel() == f"predicted (one name in {step})"
    plt.close(figure)


def test_products_have_their_name_in_a_line_and_lacking_numbers_are_told() -> None:
    figure, grid = plt.subplots(2, 2, layout="constrained")
    nn.explain_conv2d(DIGIT[0], "edges", 7, 7).draw(ax=grid[0, 0])
    texts = [text.get_text() for text in drawn_texts(figure)]
    assert any(text.startswith("= products") and "\nsum " in text for text in texts)
    assert "no space here for all numbers" in texts
    plt.close(figure)


def test_numbers_that_are_all_the_same_have_a_bar_that_is_seen() -> None:
    model = nn.Sequential(nn.Dense(4), nn.BatchNorm()).initialize((3,), rng=0)
    figure = visual.show_histograms(model)
    figure.draw_without_rendering()
    (axes,) = [axes for axes in figure.axes if "gamma" in axes.get_title()]
    (bar,) = [bar for bar in axes.patches if bar.get_height() > 0]
    low, high = axes.get_xlim()
    assert bar.get_width() > 0.01 * (high - low)
    assert bar.get_x() < 1 < bar.get_x() + bar.get_width()
