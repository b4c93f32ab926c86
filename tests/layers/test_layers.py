"""What all layers do: build, compute, differentiate, find what is inside, switch, freeze."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from neural_network import (
    Activation,
    AvgPool2D,
    BatchNorm,
    Buffer,
    Conv1D,
    Conv2D,
    Conv3D,
    ConvTranspose2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Dropout2D,
    Embedding,
    Flatten,
    GlobalAvgPool2D,
    GroupNorm,
    Layer,
    LayerNorm,
    MaxPool2D,
    Parameter,
    Residual,
    Sequential,
    Tensor,
    check_gradients,
    conv2d,
    no_grad,
    relu,
    watching,
)
from neural_network.layers.flat import gather_gradients, parts_of
from neural_network.layers.randomness import Draws, drawing
from neural_network.layers.saving import LAYERS

PICTURES, VECTORS = (3, 4, 5, 6), (3, 5)
# A layer, the shape of its input, and of its output.
CASES: dict[str, tuple[Callable[[], Layer], tuple[int, ...], tuple[int, ...]]] = {
    "Dense": (lambda: Dense(4, "tanh", l2=0.1), VECTORS, (3, 4)),
    "Dense of sequences": (lambda: Dense(4, bias=False), (2, 3, 5), (2, 3, 4)),
    "Conv1D": (lambda: Conv1D(2, 3, stride=2, activation="gelu"), (2, 4, 7), (2, 2, 3)),
    "Conv2D": (lambda: Conv2D(6, (3, 2), padding="same", groups=2), PICTURES, (3, 6, 5, 6)),
    "Conv3D": (lambda: Conv3D(2, 2, dilation=(1, 2, 1)), (2, 2, 3, 4, 3), (2, 2, 2, 2, 2)),
    "ConvTranspose2D": (
        lambda: ConvTranspose2D(2, 3, stride=2, padding=1, output_padding=1, groups=2),
        PICTURES, (3, 2, 10, 12),
    ),
    "DepthwiseConv2D": (lambda: DepthwiseConv2D(3, multiplier=2), PICTURES, (3, 8, 3, 4)),
    "MaxPool2D": (lambda: MaxPool2D(2, ceil_mode=True), PICTURES, (3, 4, 3, 3)),
    "AvgPool2D": (
        lambda: AvgPool2D(3, 2, 1, count_include_pad=False), PICTURES, (3, 4, 3, 3),
    ),
    "GlobalAvgPool2D": (GlobalAvgPool2D, PICTURES, (3, 4)),
    "BatchNorm": (BatchNorm, PICTURES, PICTURES),
    "BatchNorm of rows": (BatchNorm, VECTORS, VECTORS),
    "BatchNorm in evaluation": (lambda: BatchNorm().eval(), PICTURES, PICTURES),
    "LayerNorm": (LayerNorm, VECTORS, VECTORS),
    "GroupNorm": (lambda: GroupNorm(2), PICTURES, PICTURES),
    "Dropout": (lambda: Dropout(0.5), VECTORS, VECTORS),
    "Dropout2D": (lambda: Dropout2D(0.5), PICTURES, PICTURES),
    "Flatten": (Flatten, PICTURES, (3, 120)),
    "Activation": (lambda: Activation("softmax"), VECTORS, VECTORS),
    "Embedding": (lambda: Embedding(7, 2), (3, 4), (3, 4, 2)),
    "Residual": (lambda: Residual(Dense(5, "tanh"), Dense(5)), VECTORS, VECTORS),
    "Residual with a shortcut": (
        lambda: Residual(Conv2D(2, 3, stride=2, padding=1), shortcut=Conv2D(2, 1, stride=2)),
        PICTURES, (3, 2, 3, 3),
    ),
    "Sequential": (lambda: Sequential(Flatten(), Dense(3), BatchNorm()), PICTURES, (3, 3)),
}  # fmt: skip


def drawn(case: str, dtype: Any = np.float64) -> Any:
    shape = CASES[case][1]
    rng = np.random.default_rng(3)
    return (
        rng.integers(0, 7, shape) if case == "Embedding" else rng.normal(size=shape).astype(dtype)
    )


def places(layer: Layer) -> list[tuple[Layer, str]]:
    """Return where the parameters are: (layer, attribute), in the order of ``parameters()``."""
    return [
        (inner, name)
        for _, inner in layer.named_layers()
        for name, value in vars(inner).items()
        if isinstance(value, Parameter)
    ]


def test_every_layer_has_a_case() -> None:
    # ``ONNXModel`` is made of a graph: tests/interop/.
    assert set(LAYERS) - {"ONNXModel"} == {name.split()[0] for name in CASES}


@pytest.mark.parametrize("case", CASES)
def test_gradients(case: str) -> None:
    """With respect to the input and every parameter, in float64."""
    make, _, shape = CASES[case]
    X = drawn(case)
    layer = make().initialize(X.shape[1:], rng=0, dtype=X.dtype).astype("float64")
    parameters = layer.parameters()
    rng = np.random.default_rng(4)
    values = [p.data + rng.normal(0, 0.3, p.shape) for p in parameters]
    found = places(layer)

    def run(X: Any, *values: Any) -> Any:
        for (inner, name), value in zip(found, values, strict=True):
            vars(inner)[name] = value  # an assignment would copy the numbers
        with drawing(Draws(0, 0)):
            return layer(X)

    assert run(X, *values).shape == shape
    check_gradients(run, [X, *values], rng=5)


@pytest.mark.parametrize("case", CASES)
def test_float32_in_float32_out(case: str) -> None:
    make, _, shape = CASES[case]
    for dtype in (np.float32, np.float64):
        layer = make()
        out = layer(drawn(case, dtype))
        assert out.shape == shape
        assert out.dtype == np.float32
        for tensor in [*layer.parameters(), *(b for _, b in layer.named_buffers())]:
            assert tensor.dtype == np.float32
        assert layer.predict(drawn(case, dtype)).dtype == np.float32
    wide = make().astype(np.float64)  # before it is built
    assert wide(drawn(case)).dtype == np.float64
    assert {p.dtype for p in wide.parameters()} <= {np.dtype(np.float64)}


@pytest.mark.parametrize("case", CASES)
def test_predict_of_one_row_is_that_of_many(case: str) -> None:
    X = drawn(case)
    layer = CASES[case][0]().initialize(X.shape[1:], rng=0, dtype=X.dtype)
    whole = layer.predict(X)
    rows = np.concatenate([layer.predict(X[i : i + 1]) for i in range(len(X))])
    np.testing.assert_allclose(rows, whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(layer.predict(X, batch_size=2)[:2], layer.predict(X[:2]))
    np.testing.assert_array_equal(whole, layer.predict(X))
    np.testing.assert_array_equal(whole, layer.predict(Tensor(X)))


@pytest.mark.parametrize("case", CASES)
def test_integers_are_numbers(case: str) -> None:
    X = np.random.default_rng(0).integers(0, 7, CASES[case][1]).astype(np.uint8)
    out = CASES[case][0]()(X)
    assert out.dtype == (np.uint8 if case == "Flatten" else np.float32)


@pytest.mark.parametrize("case", CASES)
def test_lists_are_arrays(case: str) -> None:
    X = drawn(case)
    layer = CASES[case][0]().initialize(X.shape[1:], rng=0, dtype=X.dtype)
    np.testing.assert_array_equal(layer.predict(X.tolist()), layer.predict(X))


def test_what_comes_out() -> None:
    layer = Dense(2)
    assert isinstance(layer(np.ones((1, 3))), Tensor)
    assert isinstance(layer(Tensor(np.ones((1, 3)))), Tensor)
    with no_grad():
        assert type(layer(np.ones((1, 3)))) is np.ndarray
        assert isinstance(layer(Tensor(np.ones((1, 3)))), Tensor)
    assert type(layer.freeze()(np.ones((1, 3)))) is np.ndarray
    assert layer(Tensor(np.ones((1, 3)), requires_grad=True)).requires_grad


def test_numbers_by_hand() -> None:
    dense = Dense(2, "relu")
    dense(np.ones((1, 2)))
    dense.weight.data[...] = [[1, -1], [2, -2]]
    assert dense.bias is not None
    dense.bias.data[...] = [0.5, 9]
    np.testing.assert_array_equal(dense.predict([[1, 1], [3, 4]]), [[3.5, 6], [11.5, 0]])
    X = np.random.default_rng(0).normal(size=(2, 3, 6, 6)).astype(np.float32)
    layer = Conv2D(4, 3, stride=2, padding=1, activation=relu).initialize((3, 6, 6), rng=0)
    assert layer.bias is not None
    layer.bias.data[...] = [1, 2, 3, 4]
    expected = relu(conv2d(X, layer.weight.data, 2, 1, bias=layer.bias.data))
    np.testing.assert_allclose(layer.predict(X), expected, rtol=1e-4, atol=1e-5)
    words = Embedding(3, 2, initializer="ones")
    np.testing.assert_array_equal(words.predict([[0, 2]]), np.ones((1, 2, 2)))
    words(np.array([[1, 1]])).sum().backward()
    np.testing.assert_array_equal(words.weight.grad, [[0, 0], [2, 2], [0, 0]])


def test_a_residual_adds_what_went_in() -> None:
    X = np.array([[1.0, -2.0]])
    body = Dense(2, initializer="ones")
    np.testing.assert_array_equal(Residual(body).predict(X), [[0, -3]])
    np.testing.assert_array_equal(Residual([body, Activation("relu")]).predict(X), [[1, -2]])
    other = Residual(body, shortcut=Dense(2, initializer="zeros"))
    np.testing.assert_array_equal(other.predict(X), [[-1, -1]])
    assert [name for name, _ in other.named_layers()] == ["", "body.0", "shortcut"]
    # Small pictures as integers: the sum stays float32.
    assert Residual(Dense(2))(np.ones((1, 2), np.int64)).dtype == np.float32


def test_penalties() -> None:
    model = Sequential(Dense(2, l1=0.5, initializer="ones"), Residual(Dense(2, l2=0.25)))
    assert model.penalty() == 0
    model.initialize((3,), rng=0)
    weight = model[1].body[0].weight  # type: ignore[attr-defined]
    weight.data[...] = [[1, 2], [3, 4]]
    total = model.penalty()
    assert total.item() == 0.5 * 6 + 0.25 * 30
    total.backward()
    np.testing.assert_array_equal(weight.grad, 0.5 * weight.data)
    shared = Dense(3, l1=1.0, initializer="ones")
    assert Sequential(shared, shared).initialize((3,)).penalty().item() == 9


class Two(Layer):
    """A layer of two inputs, an option, and parts in lists and dicts."""

    def __init__(self, units: int, *, scale: float = 1.0) -> None:
        self.scale = scale
        self.parts = {"first": Dense(units), "more": [Dense(units)]}
        self.factors = [Parameter(np.ones(units))]
        self.seen = Buffer(np.zeros(1))
        self._first = self.parts["first"]  # private, but found

    def forward(self, X: Any, Y: Any, *, sign: int = 1) -> Any:
        both = self.parts["first"](X) + sign * self.parts["more"][0](Y)  # type: ignore[index, operator]
        return both * self.factors[0] * self.scale


def test_a_layer_of_ones_own() -> None:
    layer = Two(2, scale=0.5)
    X, Y = np.ones((3, 4)), np.ones((3, 5))
    assert not layer.built
    assert layer.initialize((4,), (5,), rng=0).built
    out = layer(X, Y)
    assert out.dtype == np.float32
    mean = (out + layer(X, Y, sign=-1)).data / 2
    np.testing.assert_allclose(mean, layer(X, 0 * Y).data, rtol=1e-5)
    same = Two(2).initialize((4,), (5,), rng=0).flat_parameters()
    np.testing.assert_array_equal(same, layer.flat_parameters())
    assert [name for name, _ in layer.named_layers()] == ["", "parts.first", "parts.more.0"]
    assert [name for name, _ in layer.named_parameters()] == [
        "factors.0", "parts.first.weight", "parts.first.bias",
        "parts.more.0.weight", "parts.more.0.bias",
    ]  # fmt: skip
    assert [name for name, _ in layer.named_buffers()] == ["seen"]
    assert layer.flat_parameters().size == 2 + 10 + 12
    assert repr(layer) == "Two(units=2, scale=0.5)"
    with no_grad():
        assert isinstance(layer(X, Tensor(Y)), Tensor)


def test_parts_that_build_makes() -> None:
    class Late(Layer):
        def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:  # noqa: ARG002
            self.inner = Sequential(Dense(shape[-1]), BatchNorm(), Dropout(0.5))

        def forward(self, X: Any) -> Any:
            return self.inner(X)

    layer = Late().astype("float64").initialize((3,), rng=0)
    norm: Any = layer.inner[1]
    np.testing.assert_array_equal(norm.running_variance.data, [1, 1, 1])
    assert {p.dtype for p in layer.parameters()} == {np.dtype(np.float64)}
    assert all(inner.training for _, inner in layer.named_layers())
    other = Late().initialize((3,), rng=0)
    np.testing.assert_allclose(other.flat_parameters(), layer.flat_parameters())


def test_readable_reprs() -> None:
    model = Sequential(
        Conv2D(8, 3, activation=relu), Residual(Dense(2), shortcut=Flatten()), BatchNorm()
    )
    assert repr(model) == (
        "Sequential(\n    Conv2D(filters=8, kernel_size=3, activation=relu),\n"
        "    Residual(\n        Dense(units=2),\n        shortcut=Flatten(),\n    ),\n"
        "    BatchNorm(),\n)"
    )
    assert repr(Dense(3, "relu", l2=0.1)) == "Dense(units=3, activation='relu', l2=0.1)"


def test_modes_come_back() -> None:
    model = Sequential(Dense(2), Residual(Dropout(0.5)), BatchNorm()).initialize((2,), rng=0)
    model[2].eval()

    def modes() -> list[bool]:
        return [layer.training for _, layer in model.named_layers()]

    before = modes()
    assert before == [True, True, True, True, False]
    X = np.ones((4, 2))
    np.testing.assert_array_equal(model.predict(X), model.predict(X))
    assert modes() == before
    with pytest.raises(ValueError, match="Dense: X"):
        model.predict(np.ones((4, 3)))
    assert modes() == before
    assert not any(layer.training for _, layer in model.eval().named_layers())
    assert all(layer.training for _, layer in model.train().named_layers())


def test_freezing() -> None:
    model = Sequential(Dense(2), Dense(3), Dense(4)).initialize((2,), rng=0)
    model[1].freeze()
    model(np.ones((1, 2))).sum().backward()
    assert [p.grad is None for p in model.parameters()] == [False, False, True, True, False, False]
    learned = [p.requires_grad for p in model.parameters()]
    assert parts_of(model.parameters(), learned) == [slice(0, 6), slice(15, 31)]
    gathered = np.ones(31, np.float32)
    gather_gradients(model.parameters(), gathered)
    assert (gathered[6:15] == 0).all()
    assert (gathered[15:27] != 0).any()
    assert all(p.requires_grad is False for p in deepcopy(model[1]).parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())
    assert all(p.requires_grad for p in model.unfreeze().parameters())


def test_watchers_and_pieces() -> None:
    model = Sequential(Flatten(), Dense(2), Dense(3)).initialize((2, 2), rng=0)
    seen: list[Any] = []
    with watching(lambda layer, X, out: seen.append((layer, np.shape(X), np.shape(out)))):
        model.predict(np.ones((5, 2, 2)))
    model.predict(np.ones((5, 2, 2)))
    assert [names for _, *names in seen] == [
        [(5, 2, 2), (5, 4)], [(5, 4), (5, 2)], [(5, 2), (5, 3)], [(5, 2, 2), (5, 3)],
    ]  # fmt: skip
    assert len(model) == 3
    assert tuple(model) == model.layers
    piece = model[1:]
    assert isinstance(piece, Sequential)
    assert piece[0] is model[1]
    assert model[-1].input_shape == (2,)
    assert model.input_dtype == np.float32
    assert Embedding(3, 2).initialize((4,), dtype=np.int64).input_dtype == np.int64
