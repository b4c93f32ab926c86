"""What the figures of weights, maps and heat hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt

import neural_network as nn
from neural_network import visual
from tests.visual.pictures_models import (
    COLOUR,
    GREY,
    MODELS,
    colour_model,
    grey_model,
    images_in,
    texts_in,
)


def test_a_tile_for_each_filter_with_its_numbers() -> None:
    layer = grey_model()[0]
    figure = visual.show_filters(layer)
    axes = figure.axes[0]
    assert axes.get_title() == "Conv2D: 4 filters 3×3"
    for image, weight in zip(axes.images, layer.weight.data[:, 0], strict=True):
        np.testing.assert_array_equal(image.get_array(), weight)
        top = np.abs(layer.weight.data).max()
        assert image.get_clim() == (-top, top)
        assert image.get_cmap().name == "RdBu_r"
    texts = texts_in(axes)
    assert texts[:4] == ["0", "1", "2", "3"]
    assert [float(t) for t in texts[4:13]] == pytest.approx(layer.weight.data[0].ravel(), abs=0.005)


def test_filters_of_three_channels_are_in_colour() -> None:
    weight = colour_model()[0].weight.data
    top = np.abs(weight).max()
    images = images_in(visual.show_filters(colour_model()).axes[0])
    assert len(images) == 6
    np.testing.assert_allclose(images[2], 0.5 + weight[2].transpose(1, 2, 0) / (2 * top), atol=1e-7)
    apart = images_in(visual.show_filters(colour_model(), cmap="PiYG").axes[0])
    np.testing.assert_array_equal(apart[2][:, 4:7], weight[2, 1])
    assert np.isnan(apart[2][:, 3]).all()


@pytest.mark.parametrize(
    ("layer", "count", "shape"),
    [
        (nn.Conv1D(6, 5).initialize((2, 30), rng=0), 6, (2, 5)),
        (nn.Conv3D(4, 2).initialize((1, 9, 9, 9), rng=0), 4, (2, 5)),
        (nn.DepthwiseConv2D(3).initialize((5, 8, 8), rng=0), 5, (3, 3)),
        (nn.ConvTranspose2D(7, 2).initialize((1, 5, 5), rng=0), 7, (2, 2)),
        (nn.Conv2D(1, 7).initialize((1, 9, 9), rng=0), 1, (7, 7)),
        (nn.Conv2D(300, 3).initialize((1, 9, 9), rng=0), 300, (3, 3)),
        (nn.Dense(5).initialize((12,), rng=0), 1, (5, 12)),
        (nn.Embedding(9, 4).initialize((2,), rng=0, dtype=int), 1, (4, 9)),
        (np.ones((3, 4, 5)), 3, (4, 5)),
        ([[1, 2], [3, 4]], 1, (2, 2)),
    ],
)
def test_weights_of_any_layer(layer: Any, count: int, shape: tuple[int, int]) -> None:
    images = images_in(visual.show_filters(layer).axes[0])
    assert [image.shape for image in images] == [shape] * count


def test_a_dense_layer_by_the_shape_of_its_inputs() -> None:
    layer = nn.Dense(4).initialize((12,), rng=0)
    figure = visual.show_filters(layer, shape=(3, 4), title="units")
    assert figure.axes[0].get_title() == "units"
    np.testing.assert_array_equal(
        images_in(figure.axes[0])[1], layer.weight.data[:, 1].reshape(3, 4)
    )


@pytest.mark.parametrize(("make", "image"), MODELS)
def test_a_line_for_every_layer(make: Any, image: Any) -> None:
    model = make()
    figure = visual.show_activations(model, image, most=4)
    lines = list(zip(figure.axes[::2], figure.axes[1::2], strict=True))
    assert len(lines) == 1 + len(model)
    X = image[None]
    for place, (layer, (names, maps)) in enumerate(zip(model, lines[1:], strict=True)):
        X = layer.predict(X)
        label = names.texts[0].get_text().split("\n")
        assert label[0] == f"{place} {type(layer).__name__}"
        shown = ", 4 shown" if X.ndim == 4 and X.shape[1] > 4 else ""
        assert label[1] == "×".join(map(str, X.shape[1:])) + shown
        assert [float(n) for n in label[2].split(" … ")] == pytest.approx(
            [X.min(), X.max()], rel=0.06
        )
        drawn = images_in(maps)
        expected = X[0, :4] if X.ndim == 4 else X[:1]
        np.testing.assert_allclose(drawn, expected if X.ndim == 4 else expected[None], atol=1e-6)
        assert maps.images[0].get_cmap().name == ("RdBu_r" if (X[0, :4] < 0).any() else "viridis")
    assert images_in(lines[0][1])[0].shape == ((9, 9) if len(image) == 1 else (9, 9, 3))


def test_the_last_line_has_the_numbers() -> None:
    figure = visual.show_activations(grey_model(), GREY)
    scores = grey_model().predict(GREY[None])[0]
    written = [float(text) for text in texts_in(figure.axes[-1])]
    assert written[: len(scores)] == pytest.approx(scores, abs=0.05)
    assert written[len(scores) :] == list(range(len(scores)))  # their classes


HEAT: list[Any] = [
    (visual.show_saliency, lambda m, x: visual.saliency(m, x).max(axis=0), "saliency"),
    (visual.show_grad_cam, visual.grad_cam, "Grad-CAM"),
    (visual.show_occlusion, visual.occlusion, "drop in probability"),
]


@pytest.mark.parametrize(("make", "image"), MODELS)
@pytest.mark.parametrize(("show", "compute", "label"), HEAT)
def test_heat_maps(show: Any, compute: Any, label: str, make: Any, image: Any) -> None:
    figure = show(make(), image)
    picture, heat, both = figure.axes[:3]
    assert [axes.get_title() for axes in (picture, heat, both)] == ["input", label, "both"]
    np.testing.assert_allclose(images_in(heat)[0], compute(make(), image), atol=1e-7)
    shown = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    np.testing.assert_allclose(images_in(picture)[0], shown, atol=1e-7)
    assert len(both.images) == 2
    shares = nn.softmax(make().predict(image[None]))[0]
    # A second line may say that nothing on the map matters.
    found = figure.get_suptitle().splitlines()[0]
    assert found == f"predicted {shares.argmax()}, probability {shares.max():.1%}"
    names = ["cat", "dog", "owl"][: len(shares)]
    named = show(make(), image, class_names=names, target=1)
    assert named.get_suptitle().splitlines()[0] == f"class dog, probability {shares[1]:.1%}"


@pytest.mark.parametrize(
    ("call", "kind", "match"),
    [
        (lambda: visual.show_filters(nn.Conv2D(4)), ValueError, "show_filters: layer: expected a model that is built"),
        (lambda: visual.show_filters(nn.Flatten().initialize((2, 2))), ValueError, "show_filters: layer: expected a layer with weights"),
        (lambda: visual.show_filters("conv"), TypeError, "show_filters: layer: expected a layer, a model"),
        (lambda: visual.show_filters([]), ValueError, "show_filters: layer: expected at least one element"),
        (lambda: visual.show_filters(np.ones(4)), ValueError, "show_filters: layer: expected weights of 2 to 5 axes"),
        (lambda: visual.show_filters(np.ones((12, 2)), shape=(5, 5)), ValueError, "show_filters: shape: expected sizes whose product is the 12 inputs"),
        (lambda: visual.show_filters(np.ones((2, 12)), shape=(3, 4)), ValueError, r"the 2 inputs, such as \(28, 28\), received \(3, 4\); its transpose, W.T, has"),
        (lambda: visual.show_filters(grey_model(), shape=(5, 5)), ValueError, "show_filters: shape: expected None for filters"),
        (lambda: visual.show_activations(grey_model(), COLOUR), ValueError, "show_activations: image: expected shape"),
        (lambda: visual.show_activations(grey_model(), GREY, most=0), ValueError, "show_activations: most: expected a whole number"),
        (lambda: visual.show_saliency(grey_model(), GREY, class_names=["a"]), ValueError, "show_saliency: class_names: expected 3 names, received 1"),
        (lambda: visual.show_grad_cam(grey_model(), GREY, target=7), ValueError, "show_grad_cam: target: expected a whole number from 0 to 2"),
        (lambda: visual.show_occlusion(nn.Dense(2).initialize((4,)), np.ones(4)), ValueError, "show_occlusion: image: expected a picture"),
    ],
)  # fmt: skip
def test_bad_input(call: Any, kind: Any, match: str) -> None:
    with pytest.raises(kind, match=match) as caught:
        call()
    assert isinstance(caught.value, nn.NeuralNetworkError)
    assert plt.get_fignums() == []


def test_a_drop_that_means_nothing_is_said() -> None:
    images, _ = nn.load_mnist("test")
    model = nn.models.load_tiny_cnn()
    image = images[0, None] / 255
    drops = visual.occlusion(model, image)
    assert np.abs(drops).max() < 0.1
    figure = visual.show_occlusion(model, image)
    assert "no square changes it by more than 0.00" in figure.get_suptitle()
    _, axes = plt.subplots(2, 2)
    drawn = visual.show_occlusion(model, image, ax=axes[0, 0])
    drawn.canvas.draw()
    widths = [one.get_window_extent().width for one in drawn.axes if one.images]
    assert np.ptp(widths) < 1
    plt.close(drawn)
