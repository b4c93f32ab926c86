"""Single operators: what ONNX's own cases do not cover."""

from __future__ import annotations

import numpy as np
import pytest

import neural_network as nn
from neural_network.interop import onnx as interop
from tests.interop.graphs import graph, node, numbers
from tests.needs import need_module

onnxruntime = need_module("onnxruntime")


@pytest.mark.parametrize("kind", ["uint8", "int8", "float32"])
def test_padding_is_no_place_of_a_maximum(kind: str) -> None:
    """The smallest number of a type may be the maximum beside padding that is as small."""
    lowest = -np.inf if kind == "float32" else np.iinfo(kind).min
    X = np.full((2, 2, 3, 4), lowest, kind)
    X[0, 0, 1, 2] = 5
    code = {"float32": 1, "uint8": 2, "int8": 3}[kind]
    model = graph(
        node("MaxPool", "X", "Y,places", kernel_shape=[2, 2], pads=[1, 1, 1, 1], strides=[2, 2]),
        inputs=[("X", code, X.shape)],
        outputs=[("Y", code, None), ("places", 7, None)],
    )
    maxima, places = interop.load(model)(X)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    expected = session.run(None, {"X": X})
    assert np.array_equal(maxima, expected[0])
    assert np.array_equal(np.take(X, places), maxima)
    if kind != "float32":  # of −∞ alone ONNX Runtime has no place
        assert np.array_equal(places, expected[1])


def test_operators_that_were_replaced_are_read() -> None:
    """GroupNormalization of versions 18 to 20 has one scale for each group."""
    rng = np.random.default_rng(0)
    X, scale, bias = rng.normal(size=(2, 6, 3)), rng.normal(size=2), rng.normal(size=2)
    for opset in (18, 20):
        model = graph(
            node("GroupNormalization", "X,scale,bias", num_groups=2),
            initializers=[numbers("scale", scale, "f4"), numbers("bias", bias, "f4")],
            opset=opset,
        )
        groups = X.reshape(2, 2, 9)
        normed = (groups - groups.mean(2, keepdims=True)) / np.sqrt(
            groups.var(2, keepdims=True) + 1e-5
        )
        expected = normed * scale[:, None] + bias[:, None]
        assert np.allclose(interop.load(model).predict(X), expected.reshape(X.shape), atol=1e-5)


def test_powers_of_whole_numbers_have_no_gradient() -> None:
    model = graph(
        node("Pow", "X,Y", "Z"),
        inputs=[("X", 7, [3])],
        outputs=[("Z", 7, [3])],
        initializers=[numbers("Y", 2.0, "f4")],
    )
    assert interop.load(model)(np.array([1, 2, 3])).tolist() == [1, 4, 9]


SIZES = [
    ((1, 1, 3, 9), 4 / 3),
    ((1, 1, 7, 8), 12 / 7),
    ((1, 1, 10, 10), 2.3),
    ((1, 1, 6, 3), 5 / 3),
]


@pytest.mark.parametrize("opset", [7, 9, 11])
@pytest.mark.parametrize(("shape", "scale"), SIZES)
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_sizes_and_places_round_as_in_float32(
    opset: int, shape: tuple[int, ...], scale: float, mode: str
) -> None:
    X = np.random.default_rng(0).normal(size=shape).astype("f4")
    scales = numbers("scales", [1, 1, scale, scale], "f4")
    model = {
        7: lambda: graph(
            node("Upsample", "X", scales=[1.0, 1.0, scale, scale], mode=mode), opset=7
        ),
        9: lambda: graph(node("Upsample", "X,scales", mode=mode), initializers=[scales], opset=9),
        11: lambda: graph(
            node("Resize", "X,roi,scales", mode=mode),
            initializers=[scales, numbers("roi", [], "f4")],
            opset=11,
        ),
    }[opset]()
    model.ir_version = 6
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (expected,) = session.run(None, {"X": X})
    np.testing.assert_allclose(interop.load(model).predict(X), expected, atol=1e-5)


NO_ROWS = {
    "Conv": node("Conv", "X,W", strides=[2, 1]),
    "ConvTranspose": node("ConvTranspose", "X,W", strides=[2, 1]),
    "BatchNormalization": node("BatchNormalization", "X,v,v,v,v"),
    "InstanceNormalization": node("InstanceNormalization", "X,v,v"),
    "GroupNormalization": node("GroupNormalization", "X,v,v", num_groups=2),
    "MaxPool": node("MaxPool", "X", kernel_shape=[2, 2]),
    "AveragePool": node("AveragePool", "X", kernel_shape=[2, 2]),
    "GlobalAveragePool": node("GlobalAveragePool", "X"),
    "GlobalMaxPool": node("GlobalMaxPool", "X"),
    "Softmax": node("Softmax", "X"),
    "LRN": node("LRN", "X", size=3),
    "LayerNormalization": node("LayerNormalization", "X,w"),
    "Flatten": node("Flatten", "X"),
}


@pytest.mark.parametrize("kind", NO_ROWS)
def test_no_rows(kind: str) -> None:
    model = graph(
        NO_ROWS[kind],
        initializers=[
            numbers("W", np.ones((4, 4, 3, 2)), "f4"),
            numbers("v", np.ones(4), "f4"),
            numbers("w", np.ones(5), "f4"),
        ],
    )
    expected = interop.load(model)(np.ones((1, 4, 7, 5), "f4")).shape[1:]
    assert interop.load(model)(np.ones((0, 4, 7, 5), "f4")).shape == (0, *expected)


def test_dropout_drops_in_training() -> None:
    model = interop.load(interop.to_model(nn.Sequential(nn.Dropout(0.25)).initialize((1000,))))
    X = np.ones((20, 1000), np.float32)
    assert np.array_equal(model(X), X)
    dropped = model.train()(X)
    assert set(np.unique(dropped).tolist()) == {0.0, float(np.float32(1 / 0.75))}
    assert abs(np.mean(dropped == 0) - 0.25) < 0.02
    assert not np.array_equal(model(X), dropped)


def test_an_end_before_the_first_number_leaves_nothing() -> None:
    model = graph(
        node("Slice", "X,starts,ends"),
        initializers=[numbers("starts", [0]), numbers("ends", [-4])],
    )
    assert interop.load(model)(np.ones((3, 2), "f4")).shape == (0, 2)


@pytest.mark.parametrize("opset", [7, 11, 12, 13])
def test_softmax_before_version_13_is_over_all_axes_from_one_on(opset: int) -> None:
    X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("f4")
    powers = np.exp(X)
    expected = powers / powers.sum(1 if opset == 13 else (1, 2), keepdims=True)
    model = graph(node("Softmax", "X", axis=1), opset=opset)
    np.testing.assert_allclose(interop.load(model).predict(X), expected, rtol=1e-5)
