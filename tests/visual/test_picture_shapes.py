"""Pictures with, without and in place of the axes that a model was built for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import visual

PICTURES = np.random.default_rng(0).random((12, 8, 8), dtype=np.float32)
LABELS = np.arange(12) % 3
GIVEN = {
    "grey": PICTURES,
    "one channel": PICTURES[:, np.newaxis],
    "flat": PICTURES.reshape(len(PICTURES), -1),
}
BUILT = {"grey": (8, 8), "one channel": (1, 8, 8), "flat": (64,)}
DRAWN: dict[str, Callable[[Any, Any], Any]] = {
    "show_mistakes": lambda model, X: visual.show_mistakes(model, X, LABELS),
    "show_saliency": lambda model, X: visual.show_saliency(model, X[0]),
    "show_occlusion": lambda model, X: visual.show_occlusion(model, X[0], size=4, stride=4),
    "show_occlusion, a batch": lambda model, X: visual.show_occlusion(model, X[:1], size=4),
}


def mlp(shape: tuple[int, ...]) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Dense(4, "relu"), nn.Dense(3)).initialize(shape, rng=0)


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("built", BUILT)
def test_pictures_fit_models_of_other_axes(built: str, given: str) -> None:
    model, usual = mlp(BUILT[built]), mlp((1, 8, 8))
    image = GIVEN[given][3]
    assert np.array_equal(
        visual.saliency(model, image).reshape(8, 8), visual.saliency(usual, PICTURES[3])[0]
    )
    falls = visual.occlusion(model, image, size=4)
    assert np.array_equal(falls, visual.occlusion(usual, PICTURES[3], size=4))
    assert (
        str(nn.explain(model, image)).splitlines()[-1]
        == (str(nn.explain(usual, PICTURES[3])).splitlines()[-1])
    )
    visual.show_activations(model, image)
    for draw in DRAWN.values():
        figure = draw(model, GIVEN[given])
        assert any(np.shape(drawn.get_array()) == (8, 8) for drawn in figure.axes[0].images)


@pytest.mark.slow
@pytest.mark.parametrize(("built", "given"), [("grey", "grey"), ("flat", "grey"), ("flat", "flat")])
def test_slides_of_a_dense_network(built: str, given: str, tmp_path: Path) -> None:
    written = visual.slides(mlp(BUILT[built]), GIVEN[given], LABELS, tmp_path / "slides")
    assert {"01_data.png", "03_weights_as_pictures.png"} <= {path.name for path in written}


def test_colour_for_a_flat_model() -> None:
    colour = np.random.default_rng(1).random((3, 3, 8, 8))
    model = mlp((192,))
    answers = (model.predict(colour.reshape(3, -1)).argmax(axis=1) + 1) % 3
    figure = visual.show_mistakes(model, colour, answers)
    assert np.shape(figure.axes[0].images[0].get_array()) == (8, 8, 3)


def test_a_network_with_a_convolution_behind_flat_inputs() -> None:
    unfold = nn.Activation(partial(nn.functional.reshape, shape=(-1, 1, 8, 8)))
    model = nn.Sequential(unfold, nn.Conv2D(2, 3), nn.Flatten(), nn.Dense(3))
    model.initialize((64,), rng=0)
    assert visual.grad_cam(model, PICTURES[0]).shape == (8, 8)
    visual.show_grad_cam(model, PICTURES[0].ravel())


@pytest.mark.parametrize(
    ("built", "images", "match"),
    [
        ((4,), np.ones((12, 4)), r"pictures \(N, C, H, W\), of which .* received shape \(12, 4\)"),
        ((192,), np.ones((12, 192)), r"pictures \(N, C, H, W\), .* received shape \(12, 192\)"),
        ((192,), np.ones((12, 8, 8, 3)), r"pictures \(N, C, H, W\), .* \(12, 8, 8, 3\)"),
        ((8, 8), np.ones((12, 8, 9)), r"expected shape \(8, 8\) for each"),
        ((64,), np.ones((12, 9, 9)), r"expected shape \(n, 64\), received shape \(12, 9, 9\)"),
    ],
)  # fmt: skip
def test_what_is_no_picture(built: tuple[int, ...], images: Any, match: str) -> None:
    with pytest.raises(nn.ShapeError, match=match):
        visual.show_mistakes(mlp(built), images, LABELS)


def test_the_channels_of_a_series_are_bands_that_can_be_seen() -> None:
    series = np.random.default_rng(0).random((6, 9, 128), np.float32)
    layers = nn.Conv1D(4, 5), nn.GlobalAvgPool2D(), nn.Dense(3)
    model = nn.Sequential(*layers).initialize((9, 128), rng=0)
    wrong = (model.predict(series).argmax(axis=1) + 1) % 3
    for figure, pictures in (
        (visual.show_saliency(model, series[0]), 3),
        (visual.show_occlusion(model, series[0]), 3),
        (visual.show_mistakes(model, series, wrong), 6),
    ):
        drawn = [image for axes in figure.axes for image in axes.images]
        assert len(drawn) >= pictures
        figure.canvas.draw()
        for image in drawn[:pictures]:
            box = image.get_window_extent()
            assert box.height > box.width / 5
            assert box.height > 0.25 * figure.dpi  # inches
