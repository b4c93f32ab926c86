"""What a layer was constructed with is fixed; anything else may be assigned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neural_network import (
    Activation,
    ArgumentError,
    AvgPool2D,
    BatchNorm,
    Buffer,
    Conv2D,
    Dense,
    Dropout,
    DTypeError,
    Embedding,
    Flatten,
    GradientError,
    GroupNorm,
    Layer,
    MaxPool2D,
    Parameter,
    Residual,
    Sequential,
    ShapeError,
    Tensor,
    gelu,
    load,
    save,
    tanh,
)

PICTURES = np.random.default_rng(0).standard_normal((2, 4, 9, 9)).astype("f4")
ROWS = np.random.default_rng(1).standard_normal((3, 4)).astype("f4")

# A layer, and the arguments that a clone of it has.
CLONES: dict[str, tuple[Callable[[], Layer], dict[str, Any]]] = {
    "activation": (lambda: Dense(3), {"activation": tanh}),
    "another activation": (lambda: Dense(3, "relu", l2=0.1), {"activation": gelu}),
    "no bias": (lambda: Dense(3), {"bias": False}),
    "a bias": (lambda: Dense(3, bias=False), {"bias": True}),
    "penalty": (lambda: Dense(3), {"l1": 0.5}),
    "units": (lambda: Dense(3), {"units": 5}),
    "stride": (lambda: Conv2D(2, 3), {"stride": (2, 1)}),
    "padding": (lambda: Conv2D(2, (3, 2)), {"padding": "same"}),
    "kernel_size, not stride": (lambda: MaxPool2D(2, 2), {"kernel_size": (3, 3)}),
    "pads": (lambda: AvgPool2D(3, padding=1), {"count_include_pad": False}),
    "epsilon": (BatchNorm, {"epsilon": 0.5}),
    "momentum": (BatchNorm, {"momentum": np.float32(0.5)}),
    "groups": (lambda: GroupNorm(2), {"groups": 4}),
    "rate": (lambda: Dropout(0.5, rng=np.random.default_rng(0)), {"rate": 0.25}),
    "layers": (lambda: Sequential(Flatten(), Dense(2)), {"layers": [Flatten(), Dense(3)]}),
    "shortcut": (lambda: Residual(Conv2D(4, 1)), {"shortcut": Activation("relu")}),
}


@pytest.mark.parametrize("built", [True, False])
@pytest.mark.parametrize("case", CLONES)
def test_a_clone_has_other_arguments_and_the_numbers_that_fit(
    case: str, built: bool, tmp_path: Path
) -> None:
    make, changes = CLONES[case]
    layer: Any = make()
    before = repr(layer)
    if built:
        layer.initialize(PICTURES.shape[1:], rng=0)
        layer.eval()
    clone = layer.clone(**changes)
    assert repr(layer) == before
    assert repr(clone) != before
    assert clone.built is built
    assert clone.training is not built
    model = Sequential(clone).initialize(PICTURES.shape[1:], rng=0)
    original = dict(layer.named_parameters())
    for name, parameter in clone.named_parameters():
        if built and name in original and original[name].shape == parameter.shape:
            np.testing.assert_array_equal(parameter.data, original[name].data)
            assert not np.shares_memory(parameter.data, original[name].data)
    save(model, tmp_path / "m.safetensors")
    read: Any = load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(read.predict(PICTURES), model.predict(PICTURES))


def test_a_clone_keeps_type_mode_and_what_is_frozen() -> None:
    layer = Sequential(Dense(3), BatchNorm()).initialize((4,), rng=0).astype("float64")
    layer[0].freeze()
    layer[1].eval()
    clone = layer.clone()
    assert clone.dtype == clone[0].weight.dtype == np.float64  # type: ignore[attr-defined]
    assert [p.requires_grad for p in clone.parameters()] == [False, False, True, True]
    assert [inner.training for inner in clone.all_layers()] == [True, True, False]
    np.testing.assert_array_equal(clone.predict(ROWS), layer.predict(ROWS))
    frozen = Dense(3).initialize((4,), rng=0).freeze().clone(activation="relu")
    assert [p.requires_grad for p in frozen.parameters()] == [False, False]
    clone[0].weight.data[...] = 0  # type: ignore[attr-defined]
    assert layer[0].weight.data.any()  # type: ignore[attr-defined]


def test_an_assignment_and_an_unknown_name_are_errors_of_attributes() -> None:
    for kind in (AttributeError, ArgumentError):
        with pytest.raises(kind, match="^Dense: units: expected a new layer for another value"):
            Dense(3).units = 4
    with pytest.raises(AttributeError, match="^'Dense' object has no attribute 'aa") as caught:
        getattr(Dense(3), "a" * 2000)
    assert len(str(caught.value)) < 500


def test_wrong_clones() -> None:
    with pytest.raises(ArgumentError, match="clone: changes: expected arguments of Dense: units, "):
        Dense(3).clone(unit=4)
    with pytest.raises(ArgumentError, match="clone: changes: expected arguments of Flatten: there"):
        Flatten().clone(unit=4)
    with pytest.raises(ArgumentError, match="Dense: units: expected a whole number"):
        Dense(3).clone(units=0)
    layer = Scaled(3)
    layer.more = Flatten()  # type: ignore[attr-defined]
    with pytest.raises(
        ArgumentError, match="clone: model: .* more of model Scaled that was changed"
    ):
        layer.clone(units=4)


class Scaled(Dense):
    def __init__(self, *args: Any, scale: float = 2.0, **options: Any) -> None:
        super().__init__(*args, **options)
        self.scale = scale


def test_a_clone_of_a_layer_that_takes_any_options() -> None:
    layer = Scaled(units=3, l2=0.5)
    clone = layer.clone(units=4, activation="tanh").clone(scale=3.0)
    assert (clone.units, clone.activation, clone.l2, clone.scale) == (4, tanh, 0.5, 3.0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'unit'"):
        layer.clone(unit=4)


def test_what_a_class_makes_in_place_of_its_own_keeps_its_arguments() -> None:
    class Short(Layer):
        def __new__(cls, size: int) -> Any:
            return Dense(size + 1)

        def __init__(self, size: int) -> None:
            raise NotImplementedError

    assert repr(Short(2)) == "Dense(units=3)"


FIXED: list[tuple[Callable[[], Layer], str, Any, str]] = [
    (lambda: Dense(3), "activation", "tanh", r"layer.clone\(activation='tanh'\) returns one"),
    (lambda: Dense(3), "activation", tanh, r"layer.clone\(activation=tanh\) returns one"),
    (lambda: Dense(3), "units", 5, r"layer.clone\(units=5\)"),
    (lambda: Dense(3), "bias", None, r"layer.clone\(bias="),
    (lambda: Dense(3, bias=False), "bias", Parameter(np.ones(3)), r"layer.clone\(bias=Param"),
    (lambda: Conv2D(2), "kernel_size", 5, r"layer.clone\(kernel_size=5\)"),
    (lambda: Conv2D(2), "size", 5, r"layer.clone\(size=5\)"),
    (
        lambda: Sequential(Dense(2)),
        "layers",
        [],
        r"layer.clone\(layers=\[\]\) returns one \(append, ins",
    ),
    (lambda: Dropout(0.5), "rng", 3, r"layer.clone\(rng=3\)"),
]


@pytest.mark.parametrize("built", [True, False])
@pytest.mark.parametrize(("make", "name", "value", "message"), FIXED)
def test_arguments_are_fixed(
    make: Callable[[], Layer], name: str, value: Any, message: str, built: bool
) -> None:
    layer = make()
    if built:
        layer.initialize(PICTURES.shape[1:], rng=0)
    before = repr(layer), layer._version
    error = f"{type(layer).__name__}: {name}: expected a new layer for another value: {message}"
    with pytest.raises(ArgumentError, match=error):
        setattr(layer, name, value)
    with pytest.raises(ArgumentError, match=f"{type(layer).__name__}: {name}: expected a new lay"):
        delattr(layer, name)
    assert (repr(layer), layer._version) == before


class Net(Layer):
    """Of one's own: attributes that are arguments, and parts that are not."""

    def __init__(self, head: Layer, scale: Any = 1.0, sizes: Any = ()) -> None:
        self.head, self.scale, self.sizes = head, scale, sizes
        self.scale = scale  # as often as one likes
        self.body = Dense(4, "relu")
        self.parts = [Dense(4), Dense(4)]
        self.table: dict[str, Any] = {}
        self.seen: list[Any] = [0.5]
        self.calls = 0

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:  # noqa: ARG002
        self.factor = Parameter(np.ones(4))
        self.count = Buffer(np.zeros(1))
        self.scale = self.scale or 2.0  # and in build

    def forward(self, X: Any) -> Any:
        self.calls += 1
        self.state = X
        self.seen.append(len(X))
        X = self.body(X) * self.factor
        for part in [*self.parts, *self.table.values()]:
            X = part(X) if callable(part) else X
        return self.head(X) * np.sum(self.scale)


def net() -> Any:
    return Net(Dense(3)).initialize((4,), rng=0)


def test_own_layers_assign_what_they_like() -> None:
    layer = net()
    version = layer._version
    layer(ROWS)
    assert layer.calls == 2
    assert layer.seen == [0.5, 2, 3]
    layer.note = {"any": [1, 2]}
    layer.note = None
    del layer.note
    layer.state = Tensor(ROWS)
    assert layer._version == version
    for name, value in (("scale", 3.0), ("head", Dense(5)), ("sizes", (1,))):
        with pytest.raises(ArgumentError, match=f"Net: {name}: expected a new layer for another"):
            setattr(layer, name, value)
    assert repr(layer) == "Net(head=Dense(units=3))"


def test_lists_that_were_given_are_tuples() -> None:
    sizes = [1, [2, 3]]
    layer = Net(Dense(3), sizes=sizes)
    assert layer.sizes == (1, (2, 3))
    sizes.append(4)
    assert repr(layer) == "Net(head=Dense(units=3), sizes=[1, [2, 3]])"
    conv = Conv2D(3, padding=[[0, 1], [1, 0]])  # type: ignore[arg-type]
    assert conv.padding == ((0, 1), (1, 0))


def test_assigned_arrays_are_copied_and_parameters_shared() -> None:
    model: Any = Sequential(Dense(4), Dense(4)).initialize((4,), rng=0)
    flat, weight = model.flat_parameters(), model[0].weight
    for numbers in (np.ones((4, 4)), np.arange(16).reshape(4, 4), [[1, 2, 3, 4]] * 4):
        model[0].weight = numbers
        assert model[0].weight is weight
        np.testing.assert_array_equal(weight.data, numbers)
        weight.data = np.asarray(numbers) * 2
        np.testing.assert_array_equal(flat[:16].reshape(4, 4), np.asarray(numbers) * 2)
    assert weight.dtype == np.float32
    assert model.flat_parameters() is flat
    model[1].weight = weight
    assert len(model.parameters()) == 3
    assert model[1].weight is model[0].weight
    assert model.flat_parameters().size == 16 + 4 + 4
    model.astype("float64")
    model[0].weight = Parameter(np.ones((4, 4)))
    assert model[0].weight.dtype == model.flat_parameters().dtype == np.float64


WRONG: list[tuple[Any, type[Exception], str]] = [
    (Tensor(np.ones((4, 3))), DTypeError, "expected an array .*, or a Parameter to share, receive"),
    (
        np.ones((3, 4)),
        ShapeError,
        r"expected the shape \(4, 3\) that it has, received shape \(3, 4",
    ),
    (1.0, ShapeError, r"expected the shape \(4, 3\) that it has, received shape \(\)"),
    (np.full((4, 3), 1j), DTypeError, "expected real numbers, received dtype complex128"),
    ([["a"] * 3] * 4, DTypeError, "expected real numbers, received dtype"),
]


@pytest.mark.parametrize(("value", "error", "message"), WRONG)
def test_numbers_of_another_shape_or_kind(value: Any, error: type[Exception], message: str) -> None:
    layer = Dense(3).initialize((4,), rng=0)
    before = layer.weight.data.copy()
    with pytest.raises(error, match=f"Dense: weight: {message}"):
        layer.weight = value
    with pytest.raises(error, match=f"Parameter: data: {message}"):
        layer.weight.data = value
    np.testing.assert_array_equal(layer.weight.data, before)


def test_numbers_that_a_backward_pass_needs_stay() -> None:
    layer = Dense(3).initialize((4,), rng=0)
    X = Tensor(ROWS, requires_grad=True)
    out = layer(X)
    with pytest.raises(GradientError, match="the backward pass of .* still needs these numbers"):
        layer.weight = np.zeros((4, 3))
    out.sum().backward()
    layer.weight = np.zeros((4, 3))
    assert not layer.weight.data.any()


EARLY: list[tuple[Callable[[], Layer], str]] = [
    (lambda: Dense(3), "weight"),
    (lambda: Embedding(9, 3), "weight"),
    (lambda: Conv2D(2), "weight"),
    (BatchNorm, "gamma"),
    (BatchNorm, "running_mean"),
    (lambda: GroupNorm(1), "beta"),
]


@pytest.mark.parametrize(("make", "name"), EARLY)
def test_parameters_that_are_not_made_yet_are_not_assigned(
    make: Callable[[], Layer], name: str
) -> None:
    layer: Any = make()
    for value in (np.ones((4, 3)), Parameter(np.ones((4, 3))), None):
        with pytest.raises(
            ArgumentError,
            match=rf"{type(layer).__name__}: {name}: expected a layer that is built \(",
        ):
            setattr(layer, name, value)
    assert not hasattr(layer, name)
    layer.note = np.ones(3)
    layer.initialize((4, 5, 5) if isinstance(layer, Conv2D) else (4,), rng=0, dtype="int32")
    setattr(layer, name, getattr(layer, name).data + 1)


def test_what_an_own_build_uses_may_be_assigned_before_it() -> None:
    class Decoder(Dense):
        def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:  # noqa: ARG002  # nothing is drawn
            self.bias = Parameter(np.zeros(shape[1]))

    layer: Any = Decoder(4)
    layer.weight = Parameter(2 * np.eye(4))
    np.testing.assert_array_equal(layer(np.ones((1, 4))).data, [[2.0] * 4])


def test_the_rate_of_dropout_may_be_assigned(tmp_path: Path) -> None:
    model: Any = Sequential(Dense(3), Dropout(0.5)).initialize((4,), rng=0)
    with model._structure_fixed("fit"):
        model[1].rate = 0.25
    assert repr(model[1]) == "Dropout(rate=0.25)"
    assert 0.6 < (model[1](np.ones((400, 4))) > 0).mean() < 0.9
    save(model, tmp_path / "m.safetensors")
    read: Any = load(tmp_path / "m.safetensors")
    assert read[1].rate == 0.25
    for wrong in (1, -0.5, "half"):
        with pytest.raises(ArgumentError, match="Dropout: rate: expected a"):
            model[1].rate = wrong
    assert model[1].rate == 0.25
