"""Paths in place of models, pictures and histories; names of classes; what a small place lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import neural_network as nn
from neural_network import visual
from tests.visual.overlaps import drawn_texts, overlaps
from tests.visual.pictures_models import (
    GREY,
    GREYS,
    LABELS,
    POINTS,
    grey_model,
    images_in,
    plane_model,
)

MODEL, PICTURE = "run/model.safetensors", "photographs/7.png"
OF_MODELS: dict[str, Any] = {
    "show_activations": lambda path: visual.show_activations(path, GREY),
    "show_saliency": lambda path: visual.show_saliency(path, GREY),
    "show_grad_cam": lambda path: visual.show_grad_cam(path, GREY),
    "show_occlusion": lambda path: visual.show_occlusion(path, GREY),
    "saliency": lambda path: visual.saliency(path, GREY),
    "grad_cam": lambda path: visual.grad_cam(path, GREY),
    "occlusion": lambda path: visual.occlusion(path, GREY),
    "explain": lambda path: visual.explain(path, GREY),
    "show_filters": visual.show_filters,
    "show_histograms": visual.show_histograms,
    "show_graph": visual.show_graph,
    "show_mistakes": lambda path: visual.show_mistakes(path, GREYS, LABELS),
    "show_decision_surface": lambda path: visual.show_decision_surface(path, POINTS, LABELS),
    "slides": lambda path: visual.slides(path, GREYS, LABELS, "new"),
}
OF_PICTURES: dict[str, Any] = {
    "show_activations": lambda path: visual.show_activations(grey_model(), path),
    "show_saliency": lambda path: visual.show_saliency(grey_model(), path),
    "show_grad_cam": lambda path: visual.show_grad_cam(grey_model(), path),
    "show_occlusion": lambda path: visual.show_occlusion(grey_model(), path),
    "explain": lambda path: visual.explain(grey_model(), path),
    "show_flip": visual.show_flip,
    "show_feature_maps": lambda path: visual.show_feature_maps(path, "edges"),
    "explain_conv2d": lambda path: nn.explain_conv2d(path, "edges", 0, 0),
    "animate_convolution": lambda path: visual.animate_convolution(path, "edges"),
    "show_mistakes": lambda path: visual.show_mistakes(grey_model(), [path] * 12, LABELS),
    "show_histograms": lambda path: visual.show_histograms(
        grey_model(), "gradients", images=path, labels=LABELS
    ),
    "show_predictions": lambda path: visual.show_predictions(path, GREYS[:1, 0], [[0.1, 0.9]]),
    "show_images": visual.show_images,
    "slides": lambda path: visual.slides(grey_model(), [path] * 12, LABELS, "new"),
}


@pytest.mark.parametrize("kind", [str, Path])
def test_the_path_of_a_model_or_picture_is_answered(kind: Any) -> None:
    for name, draw in OF_MODELS.items():
        with pytest.raises(TypeError, match=rf"{name}: (model|layer): .*nn.load\(path\) reads one"):
            draw(kind(MODEL))
    for name, draw in OF_PICTURES.items():
        with pytest.raises(TypeError, match=rf"{name}: .*nn.load_picture\(path\) reads a picture"):
            draw(kind(PICTURE))
        with pytest.raises(TypeError, match=rf"{name}: .*nn.load\(path\) reads a model"):
            draw(kind(MODEL))


def test_the_log_of_a_run_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "log.CSV"
    rng = np.random.default_rng(0)
    trainer = nn.Trainer(plane_model().clone(), callbacks=[nn.CSVLog(path)], rng=0, progress=False)
    history = trainer.fit(rng.normal(size=(12, 2)), LABELS, epochs=3, validation=0.25)
    figure = visual.show_history(str(path))
    drawn = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    np.testing.assert_allclose(drawn["validation"], history["validation_loss"])
    two = visual.show_history({"first": path, "now": history}).axes[0].lines
    assert [line.get_label() for line in two][::2] == ["first", "now"]
    np.testing.assert_array_equal(two[0].get_ydata(), two[2].get_ydata())
    visual.animate_training(path, frames=1)
    path.write_text("epoch,loss,late\n1,2.0,\n2,1.0,0.5\n")
    late = visual.show_history(path).axes[1].lines[0].get_ydata()
    np.testing.assert_array_equal(late, [np.nan, 0.5])


@pytest.mark.parametrize("content", [b"", b"a,b\n1\n", b"a\nx\n", b"\xff\xfe\x00", b'a\n"\x00'])
def test_a_file_that_is_no_log(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(nn.FileFormatError, match="show_history: history: .*the CSV file of a run"):
        visual.show_history(path)
    with pytest.raises(FileNotFoundError):
        visual.show_history(tmp_path / "none.csv")
    path.write_bytes(b"epoch,loss\n")
    with pytest.raises(nn.ShapeError, match="history: expected at least one epoch"):
        visual.show_history(path)
    with pytest.raises(
        TypeError, match="or the path of a run's CSV file, as run/log.csv, received 'run'"
    ):
        visual.show_history("run")


def test_the_earlier_name_of_class_names_works_with_a_warning() -> None:
    arguments: Any = ([GREY[0]], GREYS[:1, 0], [[0.1, 0.9]])
    with pytest.warns(DeprecationWarning, match="'classes' is now called 'class_names'") as given:
        old = visual.show_predictions(*arguments, classes=["cat", "dog"])
    assert given[0].filename == __file__
    new = visual.show_predictions(*arguments, class_names=["cat", "dog"])
    titles = [[axes.get_title() for axes in figure.axes] for figure in (old, new)]
    assert titles[0] == titles[1] == ["picture 1", "prepared", "dog: 90.0%"]


def test_units_on_pictures_of_a_known_shape_are_tiles() -> None:
    def tiles(*layers: nn.Layer, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        model = nn.Sequential(*layers).initialize(shape, rng=0)
        return [one.shape for one in images_in(visual.show_filters(model).axes[0])]

    assert tiles(nn.Flatten(), nn.Dense(5), nn.Dense(2), shape=(1, 4, 3)) == [(4, 3)] * 5
    assert tiles(nn.Flatten(), nn.Dense(5), shape=(4, 3)) == [(4, 3)] * 5
    assert tiles(nn.Flatten(), nn.Dense(5), shape=(3, 4, 3)) == [(4, 3, 3)] * 5
    assert tiles(nn.Dense(5), shape=(12,)) == [(5, 12)]
    assert tiles(nn.Dense(5), shape=(1, 12)) == [(5, 12)]  # a single row of features
    assert tiles(nn.Flatten(), nn.Dense(300), shape=(4, 3)) == [(300, 12)]


def test_what_a_small_place_lacks_is_named_in_it() -> None:
    mixed = [
        one
        for _ in range(5)
        for one in (nn.Conv2D(4, 3, padding="same"), nn.BatchNorm(), nn.Activation("relu"))
    ]
    model = nn.Sequential(*mixed, nn.Flatten(), nn.Dense(10)).initialize((1, 9, 9), rng=0)
    model[-1].bias = np.linspace(-17.3, 11.1, 10)
    figure = Figure(figsize=(10.24, 7.68))
    grid = figure.subplots(2, 2)
    names = ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
    visual.show_activations(model, GREY, class_names=names, ax=grid[0, 0])
    visual.show_histograms(model, ax=grid[0, 1])
    visual.show_graph(model, ax=grid[1, 0])
    scores = nn.Sequential(nn.Flatten(), nn.Dense(10)).initialize((1, 9, 9), rng=0)
    narrow = grid[1, 1].inset_axes((0, 0, 0.4, 1))
    visual.show_activations(scores, GREY, ax=narrow)
    texts = drawn_texts(figure)
    assert overlaps(figure, texts) == []
    shown = [text.get_text() for text in texts]
    assert "6 of 17 layers" in shown
    assert "not drawn: 5 BatchNorm, 5 Activation, 1 Flatten" in shown
    assert "weights of 12 of 22 parameters" in shown
    assert "not drawn: 4 bias, 3 gamma, 3 beta" in shown
    assert {*names[:6], "sec.", "sie.", "-17"} <= set(shown)
    assert any(text.startswith("no space for the scores") for text in shown)


def test_given_axes_return_the_figure_of_the_caller_as_it_is() -> None:
    figure = Figure()
    before = {*vars(figure)}
    assert visual.show_filters(grey_model(), ax=figure.subplots()) is figure
    assert type(figure) is Figure  # which has no picture of ours for a notebook
    assert {*vars(figure)} == before


def test_long_names_of_classes_are_told_apart_and_keep_their_percentage() -> None:
    names = [f"ruby-throated-hummingbird-of-the-{end}" for end in ("north", "south")]
    pictures = [np.zeros((8, 8))]
    figure = visual.show_predictions(pictures, pictures, [[0.034, 0.966]], class_names=names)
    title = figure.axes[2].get_title()
    assert title == "ruby-throated-h…d-of-the-south\n96.6%"
    shown = [label.get_text() for label in figure.axes[2].get_yticklabels()]
    assert shown == ["ruby-throated-h…d-of-the-north", "ruby-throated-h…d-of-the-south"]
    figure.canvas.draw()
    box = figure.axes[2].title.get_window_extent()
    assert box.x1 <= figure.bbox.x1
