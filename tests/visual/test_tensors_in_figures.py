"""Figures take tensors: they have no gradient to lose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import visual
from tests.needs import need_module

need_module("matplotlib")

rng = np.random.default_rng(0)
picture = rng.random((8, 8))


def model() -> nn.Sequential:
    return nn.Sequential(nn.Conv2D(2, 3), nn.Flatten(), nn.Dense(3)).initialize((1, 8, 8), rng=0)


@pytest.mark.parametrize("form", [list, lambda losses: {"loss": losses}, np.stack])
def test_losses_that_were_collected_as_tensors(form: Any) -> None:
    w = nn.Tensor(2.0, requires_grad=True)
    losses = [w * 1, w * 0.5]
    figure = visual.show_history(form(losses))
    assert figure.axes[0].lines[0].get_ydata().tolist() == [2.0, 1.0]


def test_the_weights_of_a_convolution_are_filters() -> None:
    net = model()
    weight = net[0].weight
    figures = [
        visual.show_feature_maps(picture, weight),
        visual.show_feature_maps(picture, weight[:, 0]),
        visual.show_feature_maps(picture[None], list(weight.data[:, 0])),
        visual.show_feature_maps(nn.Tensor(picture, requires_grad=True), weight.data[:, 0]),
    ]
    expected = nn.conv2d(picture[None, None], weight.data)[0]
    for figure in figures:
        for axes, values in zip(figure.axes[1:3], expected, strict=False):
            assert np.allclose(axes.images[0].get_array(), values, atol=1e-6)


def test_a_layer_in_place_of_filters_is_told_its_weight() -> None:
    with pytest.raises(nn.DTypeError, match=r"layer\.weight .*show_activations\(model, image\)"):
        visual.show_feature_maps(picture, model()[0])
    with pytest.raises(nn.ShapeError, match="filters: expected 2 or 3 dimensions"):
        visual.show_feature_maps(picture, np.ones((2, 3, 3, 3)))


def test_outputs_that_are_recorded() -> None:
    net = model()
    inputs = rng.random((4, 1, 8, 8)).astype("f")
    figure = visual.show_predictions(inputs, inputs, nn.softmax(net(inputs)))
    assert len(figure.axes) >= 4
    counts = nn.Tensor([[3.0, 1.0], [0.0, 2.0]], requires_grad=True)
    assert visual.show_confusion_matrix(counts).axes[0].texts[0].get_text() == "3"


def test_lists_that_are_nested_too_deep() -> None:
    deep: Any = [1.0]
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(nn.ArgumentError, match="show_confusion_matrix: counts"):
        visual.show_confusion_matrix(deep)
