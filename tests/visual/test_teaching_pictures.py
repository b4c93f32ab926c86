"""Pictures of a lesson: one scale for an image and its window, padding, unfilled maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import neural_network as nn
from neural_network import visual
from neural_network.visual.activations import activation_pages
from neural_network.visual.figures import as_picture, limits_of
from neural_network.visual.teaching import ANIMATED, SLIDE, _Set, dpi_within
from tests.visual.overlaps import drawn_texts, overlaps
from tests.visual.pictures_models import texts_in

SMALL = np.array([[1, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1]])
KERNEL = np.array([[2, 0, 1], [0, 1, 2], [1, 0, 2]])
TEN = np.array([[10, 10, 10, 0, 0, 0]] * 6)


def grey_of(image: Any) -> Any:
    """Return how bright a drawn picture is, 0 to 1."""
    return image.cmap(image.norm(image.get_array()))[..., 0]


def pixels_of(figure: Any) -> Any:
    """Draw a figure and return its (height, width, 3) pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).astype(int)[..., :3]


@pytest.mark.parametrize(
    "image", [SMALL, SMALL.astype(float), TEN, np.full((6, 6), 0.5), TEN - 5.0, TEN * 25, TEN * 900]
)
def test_a_window_is_as_bright_as_in_its_image(image: Any) -> None:
    figure = nn.explain_conv2d(image, KERNEL, 0, 1).draw()
    whole, window = (grey_of(figure.axes[place].images[0]) for place in (0, 1))
    np.testing.assert_allclose(window, whole[:3, 1:4], atol=0.01)
    if np.max(image) not in (3, 9000):  # two of them moving, since all take seconds
        return
    moving = visual.animate_convolution(image, KERNEL, frames=1).figure
    first = grey_of(moving.axes[0].images[0])[:3, :3]
    np.testing.assert_allclose(grey_of(moving.axes[1].images[0]), first, atol=0.01)


def test_small_numbers_are_not_all_black() -> None:
    for image in (SMALL, SMALL.astype(float), TEN, np.array([[0, 16], [8, 4]])):
        assert as_picture(image).max() == 1.0
        assert as_picture(np.stack([image] * 3)).max() == 1.0
    assert limits_of(np.array([[0, 90], [3, 4]])) == (0, 255)  # a dark photograph stays dark
    assert as_picture(np.full((2, 2), -3.0)).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("padding", "place"),
    [(1, (0, 0)), (2, (-1, -1)), ("same", (-1, -1)), (((0, 1), (2, 0)), (0, 0))],
)
def test_the_padding_is_drawn_and_the_window_lies_in_its_panel(
    padding: Any, place: tuple[int, int]
) -> None:
    figure = nn.explain_conv2d(SMALL, KERNEL, *place, padding=padding).draw()
    assert overlaps(figure) == []
    axes = figure.axes[0]
    assert axes.get_title() == "image, padded with\nzeros"
    pads = ((1, 1), (1, 1)) if padding == "same" else padding
    (above, below), (before, behind) = [(pads, pads)] * 2 if isinstance(pads, int) else pads
    assert axes.get_xlim() == (-before - 0.5, 3.5 + behind)
    assert axes.get_ylim() == (3.5 + below, -above - 0.5)
    frame, panel = axes.patches[0].get_window_extent(), axes.bbox.padded(1)
    assert panel.contains(*frame.min)
    assert panel.contains(*frame.max)
    assert axes.patches[1].get_hatch()
    numbers = [text for text in drawn_texts(figure) if text.axes is axes]
    assert len(numbers) == 1 + (4 + above + below) * (4 + before + behind)


def test_a_map_shows_what_is_filled_and_its_numbers() -> None:
    moving = visual.animate_convolution(TEN, "vertical")
    axes = moving.figure.axes[4]
    pixels_of(moving.figure)  # the first drawing shows the first picture
    moving._func(4)  # type: ignore[attr-defined]  # matplotlib's name of the function
    left = pixels_of(moving.figure)

    def cell(row: int, column: int) -> Any:
        corners = axes.transData.transform([(column - 0.4, row + 0.4), (column + 0.4, row - 0.4)])
        (x0, y0), (x1, y1) = corners.round().astype(int)
        return left[len(left) - y1 : len(left) - y0, x0:x1]

    plain, empty = cell(0, 0), cell(3, 3)
    assert len(np.unique(plain.reshape(-1, 3), axis=0)) < len(empty.reshape(-1, 3))
    assert np.median(plain) - np.median(empty) > 3  # grey beside the white of 0
    assert empty.std() > 10 > plain[:5].std()  # hatched
    shown = [text.get_text() for text in axes.texts if text.get_alpha() != 0]
    assert shown == ["0", "-30", "-30", "0", "0"]
    assert not any(text.get_text() for text in visual.animate_convolution(
        np.ones((40, 40)), "edges", frames=1).figure.axes[4].texts)  # fmt: skip


def test_colours_are_named_beside_their_windows() -> None:
    image = np.random.default_rng(0).random((3, 8, 8))
    assert {"red", "green", "blue"} <= set(
        texts_in(visual.animate_convolution(image, "edges", frames=1).figure.axes[1])
    )
    assert "channel 1" in texts_in(
        visual.animate_convolution(
            image[:2], np.ones((2, 3, 3)), frames=1
        ).figure.axes[1]
    )  # fmt: skip


def test_the_frame_is_seen_on_a_picture_of_its_own_colour() -> None:
    orange = np.ones((3, 9, 9)) * np.array([0xD5, 0x5E, 0x00])[:, None, None] / 255
    figure = nn.explain_conv2d(orange, "edges", 3, 3).draw()
    pixels = pixels_of(figure)
    axes = figure.axes[0]
    box = axes.bbox.padded(-4)
    inside = pixels[
        len(pixels) - int(box.y1) : len(pixels) - int(box.y0), int(box.x0) : int(box.x1)
    ]
    for colour in ([255, 255, 255], [0, 0, 0]):  # rims that no picture hides both of
        assert np.all(np.abs(inside - colour) < 60, axis=-1).sum() > 50


def run_of(height: float) -> dict[str, list[float]]:
    """Return a history whose curves fill the panels."""
    values = np.linspace(height, 0, 50)
    measures = ("loss", "accuracy", "validation_loss", "validation_accuracy")
    return {name: (values + n % 3).tolist() for n, name in enumerate(measures)}


@pytest.mark.parametrize(
    ("names", "place"),
    # Nine are more than a quarter of a figure holds.
    [(3, "figure"), (9, "figure"), (2, None), (3, None), (3, "constrained")],
)
def test_the_legend_of_several_runs_covers_nothing(names: int, place: Any) -> None:
    runs = {f"{8 * n} Neuronen": run_of(n + 1.0) for n in range(names)}
    if place == "figure":
        figure = visual.show_history(runs, title="Overfitting")
        legend, panels = figure.legends[0], figure.axes
    else:
        figure = Figure(layout=place)  # of the default size
        given = figure.subplots(2, 2)[0, 0]
        visual.show_history(runs, ax=given, title="Overfitting")
        legend, panels = given.get_legend(), figure.axes[4:]
    assert overlaps(figure) == []
    box = legend.get_window_extent()
    for axes in panels:
        if axes.lines:
            assert not box.overlaps(axes.get_tightbbox(for_layout_only=False).padded(-1))
    assert [text.get_text() for text in legend.get_texts()] == [*runs, "training", "validation"]
    assert figure.bbox.padded(1).contains(box.x0, box.y0)
    assert figure.bbox.padded(1).contains(box.x1, box.y1)


def set_of(model: Any, shape: tuple[int, ...], names: list[str]) -> Any:
    """Return the slides of a model and drawn pictures."""
    images = np.random.default_rng(0).random((12, *shape))
    labels = np.arange(12) % len(names)
    shares = np.eye(len(names))[(labels + 1) % len(names)]
    return _Set(model, images, labels, shares, names, run_of(1.0), len(names))


@pytest.mark.slow
def test_slides_fit_a_projector_and_are_readable(monkeypatch: Any) -> None:
    monkeypatch.setattr(visual.teaching, "FRAMES", 1)
    mixed = [
        one
        for _ in range(3)
        for one in (nn.Conv2D(4, 3, padding="same"), nn.BatchNorm(), nn.Activation("relu"))
    ]
    deep = nn.Sequential(*mixed, nn.GlobalAvgPool2D(), nn.Dense(3))
    deep.initialize((3, 12, 8), rng=0)  # as high pictures as of a telephone
    made = set_of(deep, (3, 12, 8), ["Apfel", "Banane", "Erdbeere (süß)"])
    kinds = []
    for name, text, draw in made.slides():
        drawn = draw()
        figure = getattr(drawn, "figure", None) or drawn
        pixels = ANIMATED if figure is not drawn else SLIDE
        figure.set_dpi(dpi_within(figure, pixels))
        wide, high = figure.bbox.size
        assert wide <= pixels[0]
        assert high <= pixels[1]
        assert max(wide / pixels[0], high / pixels[1]) > 0.95
        least = min(float(one.get_fontsize()) for one in drawn_texts(figure)) * figure.dpi / 72
        assert least >= (12 if figure is drawn else 9), (name, least)
        kinds.append(name)
        if name == "activations":
            assert f"one picture ({kinds.count(name)} of 4)" in text
    assert (kinds.count("activations"), kinds.count("histograms")) == (4, 2)


def test_pages_of_activations_hold_all_layers_once() -> None:
    layers = [nn.Conv2D(2, 3, padding="same") for _ in range(4)]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Dense(3)).initialize((1, 8, 8), rng=0)
    image, names = np.eye(8), ["a", "Banane", "Erdbeere (süß)"]

    def told(figures: list[Any]) -> list[str]:
        return [
            text.split("\n")[0]
            for figure in figures
            for axes in figure.axes[::2]
            for text in texts_in(axes)
        ]

    pages = [draw() for draw in activation_pages(model, image, names, 3.0)]
    whole = visual.show_activations(model, image, class_names=names)
    assert told(pages) == told([whole])
    assert len(pages) > 2
    for figure in [whole, pages[-1]]:
        assert overlaps(figure) == []
        shown = [text.get_text() for text in drawn_texts(figure)]
        assert set(names) <= set(shown)  # whole, since the row is empty to the right


@pytest.mark.parametrize("channels", [1, 3])
def test_weights_of_pixels_are_drawn_as_pictures(channels: int, tmp_path: Any) -> None:
    shape = (channels, 6, 6)
    model = nn.Sequential(nn.Flatten(), nn.Dense(50), nn.Dense(2)).initialize(shape, rng=0)
    images = np.random.default_rng(0).random((4, *shape))
    made = _Set(
        model, images, np.array([0, 1, 0, 1]), np.full((4, 2), 0.5), ["a", "b"], None, 2
    )  # fmt: skip
    ((name, _, draw),) = made.weight_slides()
    figure = draw()
    assert (name, figure.axes[0].get_title()) == ("weights_as_pictures", "Dense: 40 of 50 units")
    assert [image.get_array().shape[:2] for image in figure.axes[0].images] == [(6, 6)] * 40


@pytest.mark.parametrize(
    ("names", "rotation"),
    [(["Apfel", "Banane", "Erdbeere"], 0), (["Apfel", "Banane", "Erdbeere (süß)"], 90),
     (["ja", "nein"], 0), ([f"Klasse {n}" for n in range(10)], 90)],
)  # fmt: skip
def test_short_names_of_a_confusion_matrix_lie_flat_and_counts_are_large(
    names: list[str], rotation: int
) -> None:
    figure = visual.show_confusion_matrix(np.full((len(names), len(names)), 61), names)
    axes = figure.axes[0]
    assert overlaps(figure) == []
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {rotation}
    assert min(text.get_fontsize() for text in axes.texts if text.get_text()) >= (
        16 if len(names) < 4 else 10
    )
    given = Figure(figsize=(10.24, 7.68))
    grid = given.subplots(2, 2)
    visual.show_confusion_matrix(np.full((len(names), len(names)), 61), names, ax=grid[0, 1])
    assert overlaps(given) == []
