"""Maps are drawn where their cells look: a stroke in a picture is found again at its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.visual.map_cells import Cells, cells_of, enlarged

SIZE = 28
COLUMNS = (7, 10, 14, 18, 20)


def passing(*layers: Any) -> Any:
    """Return a network whose filters pass on what lies under their middle, and that adds it up."""
    model = nn.Sequential(*layers, nn.GlobalAvgPool2D(), nn.Dense(1))
    model.initialize((1, SIZE, SIZE), rng=0)
    for layer in model.all_layers():
        if isinstance(layer, nn.Conv2D):
            weight = np.zeros(layer.weight.shape, np.float32)
            weight[:, :, weight.shape[2] // 2, weight.shape[3] // 2] = 1
            layer.weight = weight
    model[-1].weight = np.ones(model[-1].weight.shape, np.float32)
    return model


def conv(size: int, **options: Any) -> Any:
    return nn.Conv2D(1, size, bias=False, **options)


NETWORKS = {
    "3×3, pool, 3×3": lambda: [conv(3), nn.AvgPool2D(2), conv(3)],
    "5×5, pool, 5×5": lambda: [conv(5), nn.AvgPool2D(2), conv(5)],
    "9×9": lambda: [conv(9)],
    "same": lambda: [conv(3, padding="same"), nn.AvgPool2D(2), conv(3, padding="same")],
    "dilated": lambda: [conv(5, dilation=2), conv(3, dilation=3)],
    "one side padded": lambda: [conv(5, padding=((0, 4), (0, 4)))],
    "nested": lambda: [nn.Sequential(conv(5), nn.Activation("relu")), nn.Sequential(conv(3))],
    "a residual": lambda: [conv(5), nn.Residual(conv(3, padding="same")), conv(5)],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_stroke_is_found_at_its_place(name: str) -> None:
    model = passing(*NETWORKS[name]())
    for axis in (0, 1):
        for column in COLUMNS:
            picture = np.zeros((SIZE, SIZE), np.float32)
            picture[:, column] = 1
            found = nn.visual.grad_cam(model, picture.T if axis == 0 else picture, target=0)
            line = found[:, SIZE // 2] if axis == 0 else found[SIZE // 2]
            place = float(line @ np.arange(SIZE) / line.sum())
            assert abs(place - column) < 0.75, (axis, column)


def test_strides_are_followed() -> None:
    model = passing(conv(5, stride=3), conv(3, padding=1))
    (down, along) = cells_of(model, model[1], np.zeros((1, 1, 28, 28)), np.zeros((8, 8)), (28, 28))
    assert down == along == Cells(8, 2.0, 3.0)
    shortcut = nn.Residual(conv(3, stride=2, padding=1), shortcut=conv(1, stride=2))
    model = passing(conv(3), shortcut)
    for layer in (shortcut, shortcut.body[0], shortcut.shortcut):
        found = cells_of(model, layer, np.zeros((1, 1, 28, 28)), np.zeros((13, 13)), (28, 28))
        assert found == [Cells(13, 1.0, 2.0)] * 2


class Cropped(nn.Layer):
    """A layer of a user's own whose window is not known."""

    def forward(self, X: Any) -> Any:
        return X[:, :, 2:-2, 2:-2]


def test_unknown_layers_stretch_the_maps() -> None:
    model = passing(Cropped(), conv(3))
    found = cells_of(model, model[1], np.zeros((1, 1, 28, 28)), np.zeros((22, 22)), (28, 28))
    assert found == [Cells(22, 28 / 22 / 2 - 0.5, 28 / 22)] * 2
    maps = np.random.default_rng(0).random((22, 22))
    expected = nn.interpolate(maps[None, None], size=28, mode="bilinear")[0, 0]
    np.testing.assert_allclose(enlarged(maps, found, (28, 28)), expected, atol=1e-12)


def test_a_layer_that_is_used_twice_has_its_last_place() -> None:
    shared = conv(5)
    model = passing(shared, shared)
    found = cells_of(model, shared, np.zeros((1, 1, 28, 28)), np.zeros((20, 20)), (28, 28))
    assert found == [Cells(20, 4.0, 1.0)] * 2


def test_maps_are_enlarged_in_their_type() -> None:
    cells = [Cells(2, 0.5, 2.0), Cells(3, 0.0, 1.0)]
    maps = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = enlarged(maps, cells, (4, 3))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, 0], [0, 0.75, 2.25, 3])
    np.testing.assert_allclose(found[0], [0, 1, 2])
