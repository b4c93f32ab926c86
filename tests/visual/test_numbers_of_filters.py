"""Filters under their maps, and panels of pictures in the place of given axes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import visual
from tests.needs import need_module

need_module("matplotlib")

picture = np.random.default_rng(0).random((28, 28))
NAMES = ["mean", "gaussian-blur", "sharpen", "edges"]


def drawn(figure: Any) -> None:
    figure.draw_without_rendering()


def numbers(axes: Any) -> list[str]:
    """Return the texts that are drawn in the cells."""
    return [text.get_text() for text in axes.texts if text.get_visible()]


def filters_of(figure: Any, shape: tuple[int, int] = (3, 3)) -> list[Any]:
    return [
        axes
        for axes in figure.axes
        if axes.images and axes.images[0].get_array().shape[:2] == shape
    ]


@pytest.mark.parametrize("dpi", [100, 160])
def test_smoothing_filters_have_numbers_at_the_size_of_a_slide(dpi: int) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained", dpi=dpi)
    for axes, name in zip(figure.subplots(2, 2).flat, NAMES, strict=True):
        visual.show_feature_maps(picture, [name], ax=axes, title=name)
    drawn(figure)
    mean, blur, sharpen, edges = filters_of(figure)
    assert numbers(mean) == [".11"] * 9
    assert numbers(blur) == [".06", ".12", ".06", ".12", ".25", ".12", ".06", ".12", ".06"]
    assert numbers(sharpen) == ["0", "-1", "0", "-1", "5", "-1", "0", "-1", "0"]
    assert len(numbers(edges)) == 9


def test_numbers_leave_a_gap_between_two_cells() -> None:
    figure = visual.show_feature_maps(picture, NAMES)
    drawn(figure)
    for axes in filters_of(figure):
        assert len(numbers(axes)) == 9
        boxes = [text.get_window_extent() for text in axes.texts]
        for left, right in pairwise(boxes):
            assert left.x1 + 1 < right.x0 or right.x1 < left.x0


def test_numbers_are_not_rounded_to_what_they_are_not() -> None:
    filters = np.random.default_rng(0).normal(size=(8, 5, 5))
    figure = visual.show_feature_maps(picture, filters)
    drawn(figure)
    for axes, values in zip(filters_of(figure, (5, 5)), filters, strict=True):
        for text, number in zip(numbers(axes), values.ravel(), strict=False):
            assert abs(float(text) - number) <= 0.05


def test_cells_of_one_colour_are_told_apart() -> None:
    figure = visual.show_feature_maps(picture, [np.ones((3, 3)), np.ones((2, 5))])
    for axes, (rows, columns) in ((filters_of(figure)[0], (3, 3)),):
        assert axes.get_yticks(minor=True).tolist() == [0.5, 1.5][: rows - 1]
        assert axes.get_xticks(minor=True).tolist() == [0.5, 1.5][: columns - 1]


def test_panels_of_pictures_stand_in_the_middle_with_their_title() -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=100)
    place = figure.subplots()
    visual.explain_conv2d(picture, np.ones((3, 3)), 8, 8).draw(ax=place)
    drawn(figure)
    outer = place.get_position()
    boxes = [axes.get_position() for axes in figure.axes if axes.images]
    below = min(box.y0 for box in boxes) - outer.y0
    above = outer.y1 - max(box.y1 for box in boxes)
    title = place.title.get_window_extent().transformed(figure.transFigure.inverted())
    assert 0.1 < below < above + 0.1
    assert max(box.y1 for box in boxes) < title.y0 < max(box.y1 for box in boxes) + 0.1


def test_filters_stand_right_below_their_maps() -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained", dpi=100)
    left, right = figure.subplots(1, 2)
    visual.show_feature_maps(picture, ["gaussian-blur", "sobel-y"], ax=left, title="Two filters")
    visual.show_confusion_matrix(np.eye(8), [f"class {n}" for n in range(8)], ax=right)
    drawn(figure)
    maps = filters_of(figure, (26, 26))
    for above, below in zip(maps, filters_of(figure), strict=True):
        gap = above.get_position().y0 - below.get_position().y1
        assert 0 <= gap < 0.05
    # Nothing is cut at the lower edge.
    tight = figure.get_tightbbox()
    assert tight.y0 >= 0
    bar = next(axes for axes in figure.axes if axes.get_ylabel() == "map value")
    assert bar.get_position().height < 3 * maps[0].get_position().height


def test_a_model_for_other_pictures_names_the_shape_to_build_it_for() -> None:
    model = nn.models.tiny_cnn(classes=3, rng=0)
    X = np.random.default_rng(0).random((6, 3, 60, 80)).astype("f")
    with pytest.raises(nn.ShapeError, match=r"nn\.models take input_shape=\(3, 60, 80\)") as w:
        nn.Trainer(model, progress=False).fit(X, [0, 1, 2, 0, 1, 2], epochs=1)
    assert len(str(w.value)) <= 500
    assert nn.models.tiny_cnn(classes=3, input_shape=(3, 60, 80)).predict(X).shape == (6, 3)


def test_the_numbers_of_an_explanation_can_be_multiplied() -> None:
    grey = np.full((5, 5), 254 / 255)
    figure = nn.explain_conv2d(grey, "edges", 1, 1).draw()
    drawn(figure)
    window, kernel, products = (numbers(axes) for axes in figure.axes[1:4])
    assert window == [".996"] * 9
    assert kernel[4] == "8"
    assert products[4] == "7.97"
    for one, two, three in zip(window, kernel, products, strict=True):
        assert abs(float(one) * float(two) - float(three)) < 0.01


def test_maps_are_larger_than_their_filters_where_the_height_is_small() -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 2.5), dpi=100)
    place = figure.subplots()
    visual.show_feature_maps(picture, ["edges"], ax=place)
    drawn(figure)
    (above,), (below,) = filters_of(figure, (26, 26)), filters_of(figure)
    high, low = above.get_position().height, below.get_position().height
    assert 1.5 < high / low < 2.5
    assert high + low > 0.5 * place.get_position().height
