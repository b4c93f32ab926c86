"""Export → ``onnx.checker`` → ONNX Runtime → import → the same numbers; then training goes on."""

from __future__ import annotations

import copy
import pickle
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.interop import onnx as interop
from neural_network.layers.activation import ACTIVATIONS
from neural_network.layers.saving import LAYERS
from tests.interop.functions import FUNCTIONS, PICTURES
from tests.interop.graphs import graph, node, numbers, onnx, runtime

VECTORS = (5,)
# Name of the layer → layers, shape of an input.
CASES: dict[str, tuple[Callable[[], nn.Layer], tuple[int, ...]]] = {
    "Dense": (lambda: nn.Dense(3), VECTORS),
    "Dense without bias": (lambda: nn.Dense(3, "tanh", bias=False), VECTORS),
    "Dense of sequences": (lambda: nn.Dense(3, "relu"), (6, 5)),
    "Dense of sequences without bias": (lambda: nn.Dense(3, bias=False), (6, 5)),
    "Conv1D": (lambda: nn.Conv1D(3, 3, stride=2, padding="same", activation="relu"), (4, 9)),
    "Conv1D dilated": (lambda: nn.Conv1D(3, 3, dilation=2, padding=((1, 2),)), (4, 9)),
    "Conv2D": (lambda: nn.Conv2D(3, (3, 2), stride=(2, 1), padding=1), PICTURES),
    "Conv2D same": (lambda: nn.Conv2D(3, (4, 3), padding="same", dilation=(1, 2)), PICTURES),
    "Conv2D same with stride": (lambda: nn.Conv2D(3, 4, padding="same", stride=2), PICTURES),
    "Conv2D same with stride and dilation": (
        lambda: nn.Conv2D(3, 3, padding="same", stride=2, dilation=2), PICTURES,
    ),
    "Conv2D with four paddings": (
        lambda: nn.Conv2D(3, 3, padding=((1, 0), (2, 3))), PICTURES,
    ),
    "Conv2D of groups": (lambda: nn.Conv2D(6, 3, groups=2, bias=False), PICTURES),
    "Conv3D": (lambda: nn.Conv3D(3, 2, padding=(1, 0, 1)), (2, 4, 5, 6)),
    "DepthwiseConv2D": (lambda: nn.DepthwiseConv2D(3, 2, padding="same"), PICTURES),
    "ConvTranspose2D": (
        lambda: nn.ConvTranspose2D(3, 3, stride=2, padding=1, output_padding=1), PICTURES,
    ),
    "ConvTranspose2D of groups": (
        lambda: nn.ConvTranspose2D(4, (2, 3), dilation=2, groups=2, bias=False), PICTURES,
    ),
    "MaxPool2D": (lambda: nn.MaxPool2D(2), PICTURES),
    "MaxPool2D beyond the end": (lambda: nn.MaxPool2D(3, 2, 1, ceil_mode=True), PICTURES),
    "MaxPool2D with four paddings": (lambda: nn.MaxPool2D(3, 2, ((1, 0), (1, 1))), PICTURES),
    "AvgPool2D with four paddings": (lambda: nn.AvgPool2D(3, 2, ((0, 1), (0, 0))), PICTURES),
    "MaxPool2D dilated": (lambda: nn.MaxPool2D(2, 1, dilation=(2, 3)), PICTURES),
    "MaxPool2D without the windows in the padding": (
        lambda: nn.MaxPool2D(2, 3, ((0, 1), (1, 0)), ceil_mode=True), (4, 9, 9),
    ),
    "MaxPool2D beyond the end of one axis": (
        lambda: nn.MaxPool2D(2, 2, 1, ceil_mode=True), (4, 5, 8),
    ),
    "AvgPool2D without the windows in the padding": (
        lambda: nn.AvgPool2D(2, 3, ((0, 1), (1, 0)), ceil_mode=True), (2, 3, 5),
    ),
    "AvgPool2D": (lambda: nn.AvgPool2D((3, 2), 2, (1, 0)), PICTURES),
    "AvgPool2D without padding": (
        lambda: nn.AvgPool2D(3, 2, 1, count_include_pad=False), PICTURES,
    ),
    "AvgPool2D beyond the end": (lambda: nn.AvgPool2D(3, 2, 1, ceil_mode=True), PICTURES),
    "GlobalAvgPool2D": (nn.GlobalAvgPool2D, PICTURES),
    "BatchNorm": (nn.BatchNorm, PICTURES),
    "BatchNorm of rows": (lambda: nn.BatchNorm(0.8, 0.01), VECTORS),
    "LayerNorm": (nn.LayerNorm, (6, 5)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 0.001), PICTURES),
    "Dropout": (lambda: nn.Dropout(0.3), VECTORS),
    "Dropout2D": (lambda: nn.Dropout2D(0.3), PICTURES),
    "Flatten": (nn.Flatten, PICTURES),
    "Activation": (lambda: nn.Activation("relu"), PICTURES),
    "Embedding": (lambda: nn.Embedding(7, 2), (4,)),
    "Residual": (lambda: nn.Residual(nn.Dense(5, "tanh"), nn.Dense(5)), VECTORS),
    "Residual with a shortcut": (
        lambda: nn.Residual(
            nn.Conv2D(2, 3, stride=2, padding=1), shortcut=nn.Conv2D(2, 1, stride=2)
        ), PICTURES,
    ),
    "Sequential": (lambda: nn.Sequential(nn.Flatten(), nn.Dense(4), nn.BatchNorm()), PICTURES),
}  # fmt: skip
CASES |= FUNCTIONS | {
    f"Activation {name}": (lambda name=name: nn.Activation(name), VECTORS) for name in ACTIVATIONS
}


def moved(model: nn.Layer) -> nn.Layer:
    """Give the parameters and statistics numbers that are all different."""
    rng = np.random.default_rng(3)
    for parameter in model.parameters():
        parameter.data += rng.normal(0, 0.2, parameter.shape)
    for _, buffer in model.named_buffers():
        buffer.data += rng.uniform(0, 0.5, buffer.shape)
    return model


def inputs(case: str, rows: int = 3) -> Any:
    rng = np.random.default_rng(4)
    shape = (rows, *CASES[case][1])
    if case == "Embedding":
        return rng.integers(0, 7, shape)
    return rng.normal(size=shape).astype(np.float32)


def made(case: str) -> nn.Layer:
    make, shape = CASES[case]
    dtype = np.int64 if case == "Embedding" else np.float32
    return moved(make().initialize(shape, rng=0, dtype=dtype))


def test_every_layer_has_a_case() -> None:
    assert set(LAYERS) - {"ONNXModel"} == {name.split()[0] for name in CASES}


@pytest.mark.parametrize("case", CASES)
def test_round_trip(case: str) -> None:
    model = made(case)
    message = interop.to_model(model)
    onnx.checker.check_model(message, full_check=True)
    back = interop.load(message)
    for rows in (3, 1):  # the batch dimension is free
        X = inputs(case, rows)
        expected = model.predict(X)
        np.testing.assert_allclose(runtime(message, X), expected, rtol=1e-5, atol=1e-5)
        # Positions of an interpolation are read in float64.
        close = 1e-5 if "interpolate" in case else 1e-6
        np.testing.assert_allclose(back.predict(X), expected, rtol=1e-5, atol=close)
    assert back.input_shape == CASES[case][1]
    assert len(back.parameters()) == len(model.parameters())
    if not case.startswith("Dropout2D"):
        assert len(back.named_buffers()) == len(model.named_buffers())


@pytest.mark.parametrize("case", [name for name in CASES if made(name).parameters()])
def test_gradients_are_those_of_the_layers(case: str) -> None:
    """Of every parameter, in training, where batch norm uses the batch's statistics."""
    model = made(case).train()
    back = interop.load(interop.to_model(model)).train()
    X = inputs(case, 5)
    names = {id(p): name for name, p in model.named_parameters()}
    slope = np.random.default_rng(5).normal(size=np.shape(model(X).data)).astype(np.float32)
    np.sum(model(X) * slope).backward()
    np.sum(back(X) * slope).backward()
    for parameter in model.parameters():
        own = back.weights[names[id(parameter)]]
        np.testing.assert_allclose(own.grad, parameter.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", nn.models.MODELS)
def test_models(name: str, tmp_path: Path) -> None:
    model = moved(nn.models.MODELS[name](rng=0))
    path = tmp_path / "model.onnx"
    interop.save(model, path)
    X = np.random.default_rng(0).random((4, 1, 28, 28)).astype(np.float32)
    expected = model.predict(X)
    scale = np.abs(expected).max()
    message = onnx.load(path)
    back = interop.load(path)
    np.testing.assert_allclose(runtime(message, X) / scale, expected / scale, atol=1e-5)
    np.testing.assert_allclose(back.predict(X) / scale, expected / scale, atol=1e-5)


def test_an_imported_model_is_trained_saved_and_exported_again(tmp_path: Path) -> None:
    X, y = nn.datasets.load_mnist()[:2]
    X, y = X[:400, None] / np.float32(255), y[:400]
    model = interop.load(interop.to_model(nn.models.load_tiny_cnn()))
    before = {name: tensor.data.copy() for name, tensor in model.named_buffers()}
    trained = interop.load(interop.to_model(nn.models.tiny_cnn(rng=0)))
    history = nn.Trainer(trained, nn.Adam(0.01), "softmax_cross_entropy", rng=0).fit(
        X, y, epochs=3, batch_size=50
    )
    assert history["loss"][-1] < 0.6 * history["loss"][0]
    moved_buffers = [name for name, b in trained.named_buffers() if b.data.any()]
    assert len(moved_buffers) == len(before)  # running statistics follow the training
    nn.save(trained, tmp_path / "trained.safetensors")
    again = nn.load(tmp_path / "trained.safetensors")
    assert np.array_equal(again.predict(X), trained.predict(X))
    interop.save(again, tmp_path / "trained.onnx")
    assert np.array_equal(interop.load(tmp_path / "trained.onnx").predict(X), again.predict(X))
    np.testing.assert_allclose(
        runtime(onnx.load(tmp_path / "trained.onnx"), X), again.predict(X), rtol=1e-4, atol=1e-4
    )


def test_training_is_that_of_the_library_s_layers() -> None:
    """The same losses, step by step: imported batch norm and parameters learn as the own ones."""
    X = np.random.default_rng(0).normal(size=(60, 1, 8, 8)).astype(np.float32)
    y = np.arange(60) % 3
    own = nn.Sequential(
        nn.Conv2D(4, 3, bias=False),
        nn.BatchNorm(),
        nn.Activation("relu"),
        nn.Flatten(),
        nn.Dense(3),
    ).initialize((1, 8, 8), rng=1)
    imported = interop.load(interop.to_model(own))
    losses = [
        nn.Trainer(model, nn.SGD(0.1), "softmax_cross_entropy", rng=0)
        .fit(X, y, epochs=3, batch_size=20)["loss"]
        for model in (own, imported)
    ]  # fmt: skip
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    np.testing.assert_allclose(own.predict(X), imported.predict(X), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("opset", [13, 21, min(25, onnx.defs.onnx_opset_version())])
def test_an_imported_model_with_a_new_head(opset: int, tmp_path: Path) -> None:
    """As for transfer learning: the imported part may be of another version of ONNX."""
    backbone = helper_model(opset)
    model = nn.Sequential(interop.load(backbone), nn.Dense(4, "relu"), nn.Dense(2))
    model.initialize((5,), rng=0)
    model[0].freeze()
    X, y = inputs("Dense", 40), np.arange(40) % 2
    before = model[0].flat_parameters().copy()
    nn.Trainer(model, nn.Adam(0.01), "softmax_cross_entropy", rng=0).fit(X, y, epochs=2)
    assert np.array_equal(model[0].flat_parameters(), before)
    nn.save(model, tmp_path / "m.safetensors")
    assert np.array_equal(nn.load(tmp_path / "m.safetensors").predict(X), model.predict(X))
    message = interop.to_model(model)
    onnx.checker.check_model(message, full_check=True)
    np.testing.assert_allclose(runtime(message, X), model.predict(X), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(interop.load(message).predict(X), model.predict(X), rtol=1e-5)


def helper_model(opset: int) -> Any:
    rng = np.random.default_rng(0)
    return graph(
        node("MatMul", "X,W", "Z"), node("Add", "Z,b", "A"), node("Softmax", "A", axis=-1),
        inputs=[("X", 1, ["N", 5])], outputs=[("Y", 1, ["N", 3])],
        initializers=[numbers("W", rng.normal(size=(5, 3)), np.float32),
                      numbers("b", rng.normal(size=3), np.float32)], opset=opset,
    )  # fmt: skip


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    message = graph(
        node("Mul", "A,w", "m"), node("Add", "m,B"), node("Cast", "B", "whole", to=7),
        inputs=[("A", 1, ["N", 2]), ("B", 1, ["N", 2])],
        outputs=[("Y", 1, ["N", 2]), ("whole", 7, ["N", 2])],
        initializers=[numbers("w", [2.0, 3.0], np.float32)],
    )  # fmt: skip
    model = interop.load(message)
    A, B = np.ones((3, 2), np.float32), np.full((3, 2), 4, np.float32)
    for X in ((A, B), {"A": A, "B": B}, {"B": B, "A": A}):
        Y, whole = model.predict(X)
        assert np.array_equal(Y, [[6, 7]] * 3)
        assert (whole.dtype, whole.tolist()) == (np.int64, [[4, 4]] * 3)
    Y, whole = model(A, B)
    assert isinstance(Y, nn.Tensor)
    assert isinstance(whole, np.ndarray)
    with pytest.raises(nn.errors.ArgumentError, match=r"2 inputs"):
        model.predict((A,))
    interop.save(model, tmp_path / "m.onnx")
    assert np.array_equal(interop.load(tmp_path / "m.onnx").predict((A, B))[0], Y.data)


def test_a_fixed_number_of_rows() -> None:
    model = interop.load(graph(node("Reshape", "X,s"), inputs=[("X", 1, [1, 4])],
                               initializers=[numbers("s", [1, 2, 2])]))  # fmt: skip
    X = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert np.array_equal(model.predict(X), X.reshape(3, 2, 2))
    for wrong, text in [
        (X, r'expected shape \(1, 4\) .*the number of rows; dynamic_axes={"X": {0: "rows"}}'),
        (X[:, :3], r"X: expected shape \(1, 4\), received shape \(3, 3\)"),
    ]:
        with pytest.raises(nn.errors.ShapeError, match=text):
            model(wrong)


def test_half_precision_is_kept_and_trained_in_float32() -> None:
    import ml_dtypes

    for code, dtype in ((10, np.float16), (16, ml_dtypes.bfloat16)):
        weights = numbers("W", np.random.default_rng(0).normal(size=(5, 3)), dtype)
        model = interop.load(
            graph(node("MatMul", "X,W"), inputs=[("X", code, ["N", 5])],
                  outputs=[("Y", code, ["N", 3])], initializers=[weights])
        )  # fmt: skip
        X = inputs("Dense").astype(dtype)
        with nn.no_grad():
            out = model(X)
        assert out.dtype == dtype
        exact = X.astype(np.float64) @ onnx.numpy_helper.to_array(weights).astype(np.float64)
        np.testing.assert_allclose(out.astype(np.float64), exact, rtol=0.02, atol=0.02)
        recorded = model(X)
        np.sum(recorded).backward()
        assert model.weights["W"].dtype == np.float32
        assert model.weights["W"].grad is not None


def test_what_is_trained_and_what_stays() -> None:
    """Settings, masks and whole numbers are no parameters."""
    model = interop.load(
        graph(
            node("Add", "X,mask", "m"), node("Clip", "m,low", "c"), node("Mul", "c,W", "p"),
            node("Reshape", "p,shape"),
            initializers=[
                numbers("mask", [0, -np.inf], np.float32), numbers("low", -1, np.float32),
                numbers("W", [2, 3], np.float32), numbers("shape", [-1]),
            ],
        )
    )  # fmt: skip
    assert sorted(model.weights) == ["W"]
    with nn.no_grad():
        assert np.array_equal(model(np.ones((1, 2), np.float32)), [2, -3])


def test_copies() -> None:
    model = interop.load(interop.to_model(made("Sequential")))
    X = inputs("Sequential")
    for copied in (model.clone(), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(copied.predict(X), model.predict(X))
        copied.parameters()[0].data += 1
        assert not np.array_equal(copied.predict(X), model.predict(X))


def test_float64(tmp_path: Path) -> None:
    model = made("Dense").astype(np.float64)
    X = np.random.default_rng(0).normal(size=(3, 5))
    message = interop.to_model(model)
    back = interop.load(message)
    assert back.dtype == np.float64
    np.testing.assert_allclose(back.predict(X), model.predict(X), rtol=1e-14)
    np.testing.assert_allclose(runtime(message, X), model.predict(X), rtol=1e-14)
    nn.save(back, tmp_path / "m.safetensors")
    assert np.array_equal(nn.load(tmp_path / "m.safetensors").predict(X), back.predict(X))


def test_shared_parameters_are_written_once() -> None:
    layer = nn.Dense(5, "tanh")
    model = nn.Sequential(layer, layer).initialize((5,), rng=0)
    message = interop.to_model(model)
    assert len(message.graph.initializer) == 2
    X = inputs("Dense")
    np.testing.assert_allclose(interop.load(message).predict(X), model.predict(X), rtol=1e-6)


def test_the_page_of_operators_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "onnx.md"
    write = runpy.run_path(str(page.parents[1] / "tools" / "onnx_page.py"))["page"]
    text = page.read_text("utf-8")
    assert write(text) == text, "python tools/onnx_page.py"
