"""Saliency, Grad-CAM and occlusion beside differences and plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.visual import grad_cam, occlusion, saliency
from neural_network.visual.map_cells import cells_of, enlarged
from tests.visual.pictures_models import COLOUR, GREY, MODELS, colour_model, grey_model, state_of


def double(model: nn.Sequential) -> nn.Sequential:
    return model.clone().eval().astype(np.float64)


@pytest.mark.parametrize(("make", "image"), MODELS)
@pytest.mark.parametrize("target", [0, 1, None])
def test_saliency_is_the_slope_by_differences(make: Any, image: Any, target: int | None) -> None:
    model, picture = double(make()), image.astype(float)
    found = saliency(model, picture, target=target)
    chosen = int(model.predict(picture[None])[0].argmax()) if target is None else target
    for place in [(0, 0, 0), (0, 4, 4), (len(picture) - 1, 8, 3)]:
        step = np.zeros_like(picture)
        step[place] = 1e-5
        high, low = (model.predict((picture + s)[None])[0, chosen] for s in (step, -step))
        assert found[place] == pytest.approx(abs(high - low) / 2e-5, rel=1e-5)


@pytest.mark.parametrize(("make", "image", "target"), [(*MODELS[0], 1), (*MODELS[1], 0)])
def test_grad_cam_is_its_formula(make: Any, image: Any, target: int) -> None:
    model, picture = double(make()), image.astype(float)
    front, rest = model[:3].astype(np.float64), model[3:].astype(np.float64)
    maps = front.predict(picture[None])
    weights = []
    for k in range(maps.shape[1]):  # the mean slope of a map is that of adding a number to it
        step = np.zeros_like(maps)
        step[:, k] = 1e-5
        slope = (rest.predict(maps + step) - rest.predict(maps - step))[0, target] / 2e-5
        weights.append(slope / maps[0, k].size)
    cam = np.maximum(sum(w * a for w, a in zip(weights, maps[0], strict=True)), 0)
    assert cam.max() > 0
    # The network's convolutions and pooling leave the cells at these pixels.
    expected = enlarged(cam, cells_of(model, model[2], picture[None], cam, (9, 9)), (9, 9))
    found = grad_cam(model, picture, target=target)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)
    for layer in (2, "2", model[2], 2 - len(model)):
        np.testing.assert_array_equal(grad_cam(model, picture, target=target, layer=layer), found)


@pytest.mark.parametrize(("make", "image"), MODELS)
@pytest.mark.parametrize(("size", "stride"), [(3, 2), (4, 4), (9, 1), (1, 1)])
def test_occlusion_is_a_plain_loop(make: Any, image: Any, size: int, stride: int) -> None:
    model, falls = make(), [[[] for _ in range(9)] for _ in range(9)]
    before = nn.softmax(model.predict(image[None]))[0, 1]
    starts = list(range(0, 10 - size, stride))
    starts += [] if starts[-1] == 9 - size else [9 - size]
    for row in starts:
        for column in starts:
            hidden = image.copy()
            hidden[:, row : row + size, column : column + size] = 0.25
            fall = before - nn.softmax(model.predict(hidden[None]))[0, 1]
            for i in range(row, row + size):
                for j in range(column, column + size):
                    falls[i][j].append(fall)
    expected = [[np.mean(several) for several in line] for line in falls]
    found = occlusion(model, image, target=1, size=size, stride=stride, value=0.25)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("compute", [saliency, grad_cam, occlusion])
def test_the_model_is_left_as_it_was(compute: Any) -> None:
    model = colour_model().clone().train()
    nn.softmax_cross_entropy(model(COLOUR[None]), np.array([1])).backward()
    before, image = state_of(model), COLOUR.copy()
    compute(model, COLOUR)
    for old, new in zip(before, state_of(model), strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(COLOUR, image)


def test_one_channel_needs_no_axis_and_frozen_parameters_do_not_matter() -> None:
    model = grey_model().clone()
    expected = saliency(model, GREY)
    np.testing.assert_array_equal(saliency(model, GREY[0]), expected)
    np.testing.assert_array_equal(saliency(model, GREY[None]), expected)
    np.testing.assert_array_equal(saliency(model.freeze(), GREY), expected)


def test_a_model_of_ones_own_with_probabilities() -> None:
    class Own(nn.Layer):
        def __init__(self) -> None:
            self.conv, self.head = nn.Conv2D(3, 3), nn.Dense(2)

        def forward(self, X: Any) -> Any:
            return nn.softmax(self.head(np.mean(np.maximum(self.conv(X), 0), axis=(2, 3))))

    model = Own().initialize((3, 9, 9), rng=0)
    assert grad_cam(model, COLOUR).shape == (9, 9)
    before = model.predict(COLOUR[None])[0, 0]
    hidden = COLOUR.copy()
    hidden[:] = 0
    fall = before - model.predict(hidden[None])[0, 0]
    np.testing.assert_allclose(occlusion(model, COLOUR, target=0, size=9), fall, atol=1e-7)


BUILT = nn.Sequential(nn.Flatten(), nn.Dense(3)).initialize((1, 9, 9), rng=0)


@pytest.mark.parametrize(
    ("call", "kind", "match"),
    [
        (lambda: saliency(nn.Dense(2), GREY), ValueError, "saliency: model: expected a model that is built"),
        (lambda: saliency(nn.Dense, GREY), TypeError, r"saliency: model: expected .*a class was given"),
        (lambda: saliency(grey_model(), COLOUR), ValueError, r"saliency: image: expected shape \(1, 9, 9\)"),
        (lambda: saliency(grey_model(), np.ones((2, 1, 9, 9))), ValueError, r"image\[0\] is one"),
        (lambda: saliency(colour_model(), np.ones((9, 9, 3))), ValueError, r"np.moveaxis\(image, -1, -3\)"),
        (lambda: saliency(grey_model(), "cat"), TypeError, "saliency: image: expected real numbers"),
        (lambda: saliency(grey_model(), GREY, target=3), ValueError, "saliency: target: expected a whole number from 0 to 2, received 3"),
        (lambda: saliency(grey_model(), GREY, target="1"), TypeError, "saliency: target: expected a whole number"),
        (lambda: nn.no_grad()(saliency)(grey_model(), GREY), RuntimeError, "saliency: expected a call outside no_grad"),
        (lambda: grad_cam(BUILT, GREY), ValueError, "grad_cam: model: expected a model with a 2-D convolution"),
        (lambda: grad_cam(grey_model(), GREY, layer="9"), ValueError, "grad_cam: layer: expected one of .*'5'.*received '9'"),
        (lambda: grad_cam(grey_model(), GREY, layer=5), ValueError, r"grad_cam: layer: expected one that gives maps \(N, C, H, W\), received a Dense"),
        (lambda: grad_cam(grey_model(), GREY, layer=nn.Dense(2)), ValueError, "grad_cam: layer: expected a layer of the model"),
        (lambda: grad_cam(grey_model(), GREY, layer=1.5), TypeError, "grad_cam: layer: expected a layer, its name or its place"),
        (lambda: occlusion(grey_model(), GREY, size=10), ValueError, "occlusion: size: expected a whole number from 1 to 9"),
        (lambda: occlusion(grey_model(), GREY, size=3, stride=4), ValueError, "occlusion: stride: expected a whole number from 1 to 3"),
        (lambda: occlusion(grey_model(), GREY, value=np.nan), ValueError, "occlusion: value: expected a finite number"),
        (lambda: occlusion(nn.Dense(2).initialize((4,)), np.ones(4)), ValueError, r"occlusion: image: expected a picture \(C, H, W\)"),
        (lambda: saliency(nn.Conv2D(2).initialize((1, 9, 9)), GREY), ValueError, "saliency: model: expected a row of scores"),
    ],
)  # fmt: skip
def test_bad_input(call: Any, kind: Any, match: str) -> None:
    with pytest.raises(kind, match=match) as caught:
        call()
    assert isinstance(caught.value, nn.NeuralNetworkError)
    assert len(str(caught.value)) <= 500
