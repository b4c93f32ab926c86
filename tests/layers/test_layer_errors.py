"""Errors of layers: the class, what was expected and received, and in which layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neural_network import (
    Activation,
    ArgumentError,
    AvgPool2D,
    BatchNorm,
    Buffer,
    Conv1D,
    Conv2D,
    Conv3D,
    ConvTranspose2D,
    Dense,
    DepthwiseConv2D,
    DTypeError,
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
    ShapeError,
    Tensor,
    TrainingHint,
    watching,
)

A = ArgumentError
# Making a layer wrongly.
WRONG: list[tuple[Callable[..., Any], type[Exception], str]] = [
    (lambda: Dense(0), A, "Dense: units: expected a whole number of at least 1, received 0"),
    (lambda: Dense(2.0), DTypeError, "Dense: units: expected a whole number"),  # type: ignore[arg-type]
    (lambda: Dense(2, "rolu"), A, "Dense: activation: expected one of 'identity', .* 'rolu'"),
    (lambda: Dense(2, 3), DTypeError, "Dense: activation: expected a function or one of"),  # type: ignore[arg-type]
    (lambda: Dense(2, Flatten), DTypeError, "Dense: activation: expected a function"),  # type: ignore[arg-type]
    (lambda: Dense(2, bias=1), DTypeError, "Dense: bias: expected"),  # type: ignore[arg-type]
    (lambda: Dense(2, initializer="hé"), A, "Dense: initializer: expected one of 'glorot'"),
    (lambda: Dense(2, initializer=0), DTypeError, "Dense: initializer: expected a function or"),  # type: ignore[arg-type]
    (lambda: Dense(2, l1=-1), A, "Dense: l1: expected a finite number from 0 up"),
    (lambda: Dense(2, l2=np.nan), A, "Dense: l2: expected a finite number from 0 up"),
    (lambda: Embedding(0, 2), A, "Embedding: vocabulary: expected a whole number of at least 1"),
    (lambda: Embedding(2, "3"), DTypeError, "Embedding: size: expected a whole number"),  # type: ignore[arg-type]
    (lambda: Conv2D(0), A, "Conv2D: filters: expected a whole number of at least 1"),
    (lambda: Conv2D(2, (3, 3, 3)), ShapeError, "Conv2D: kernel_size: expected one number or 2 of them"),
    (lambda: Conv1D(2, 0), A, "Conv1D: kernel_size: expected a whole number of at least 1"),
    (lambda: Conv3D(2, stride=0), A, "Conv3D: stride: expected a whole number of at least 1"),
    (lambda: Conv2D(2, padding="smae"), A, "Conv2D: padding: expected 'valid', 'same'"),
    (lambda: Conv2D(2, padding=-1), A, "Conv2D: padding: expected a whole number of at least 0"),
    (lambda: Conv2D(2, dilation=1.5), DTypeError, "Conv2D: dilation: expected a whole"),  # type: ignore[arg-type]
    (lambda: Conv2D(2, groups=0), A, "Conv2D: groups: expected a whole number of at least 1"),
    (lambda: DepthwiseConv2D(3, 0), A, "DepthwiseConv2D: multiplier: expected a whole number"),
    (lambda: DepthwiseConv2D(0), A, "DepthwiseConv2D: kernel_size: expected a whole number"),
    (lambda: ConvTranspose2D(2, padding="same"), DTypeError, "ConvTranspose2D: padding: expected"),  # type: ignore[arg-type]
    (lambda: ConvTranspose2D(2, stride=0), A, "ConvTranspose2D: stride: expected a whole"),
    (lambda: MaxPool2D(0), A, "MaxPool2D: kernel_size: expected a whole number of at least 1"),
    (lambda: MaxPool2D(2, 0), A, "MaxPool2D: stride: expected a whole number of at least 1"),
    (lambda: MaxPool2D(padding="full"), A, "MaxPool2D: padding: .*'full'; padding=.size - 1. · dilation is that"),
    (lambda: AvgPool2D(ceil_mode=1), DTypeError, "AvgPool2D: ceil_mode: expected"),  # type: ignore[arg-type]
    (lambda: AvgPool2D((2, 2, 2)), ShapeError, "AvgPool2D: kernel_size: expected one number or 2"),
    (lambda: BatchNorm(1.5), A, "BatchNorm: momentum: expected a finite number from 0 to 1"),
    (lambda: BatchNorm(epsilon=0), A, "BatchNorm: epsilon: expected a finite number above 0"),
    (lambda: LayerNorm(0), A, "LayerNorm: epsilon: expected a finite number above 0"),
    (lambda: GroupNorm(0), A, "GroupNorm: groups: expected a whole number of at least 1"),
    (lambda: Activation("swush"), A, "Activation: function: expected one of"),
    (lambda: Activation(3), DTypeError, "Activation: function: expected a function"),  # type: ignore[arg-type]
    (Sequential, A, "Sequential: layers: expected at least one layer: .*append adds others, received none"),
    (lambda: Sequential([]), A, "Sequential: layers: expected at least one layer"),
    (lambda: Sequential(Dense(2), Flatten), DTypeError, r"layer 1: .* \(a class was given: call"),  # type: ignore[arg-type]
    (lambda: Sequential(Dense(2), "relu"), DTypeError, r"Sequential: layer 1: expected a layer"),  # type: ignore[arg-type]
    (lambda: Sequential(np.tanh), DTypeError, r"Sequential: layer 0: expected a layer such as"),  # type: ignore[arg-type]
    (Residual, A, "Residual: layers: expected at least one layer"),
    (lambda: Residual(Dense(2), shortcut=3), DTypeError, "Residual: layer 0: expected a layer"),  # type: ignore[arg-type]
    (lambda: Flatten(2), TypeError, "takes 0 positional arguments but 1 was"),  # type: ignore[call-arg]  # the mistake
    (lambda: GlobalAvgPool2D(size=2), TypeError, "unexpected keyword argument 'size'"),  # type: ignore[call-arg]
    (lambda: Parameter("a"), DTypeError, "Parameter: data: expected real numbers"),
    (lambda: Parameter(Tensor(1.0)), DTypeError, "Parameter: data: expected an array, received a"),
    (lambda: Buffer(None), DTypeError, "Buffer: data: expected real numbers"),  # type: ignore[arg-type]
]  # fmt: skip


@pytest.mark.parametrize(("make", "error", "message"), WRONG)
def test_wrong_arguments(make: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


# Calling one with an input that it cannot take at all, or not any more.
PICTURE = (2, 3, 8, 8)
INPUTS: list[tuple[Callable[[], Layer], Any, Any, str]] = [
    (lambda: Dense(2), None, (3,), r"Dense: X: expected \(N, …, inputs\), received shape \(3,\)"),
    (lambda: Dense(2), None, (3, 0), r"Dense: weight: expected at least one number"),
    (lambda: Dense(2), (3, 4), (3, 5), r"Dense: X: expected 4 numbers along the last axis"),
    (lambda: Dense(2), (3, 4), (4,), r"Dense: X: expected 4 numbers .* received shape \(4,\)"),
    (lambda: Conv2D(2), None, (8, 8), r"Conv2D: X: expected \(N, C, H, W\), received shape"),
    (lambda: Conv2D(2), None, (2, 8, 8), r"Conv2D: X: expected \(N, C, H, W\), received shape \(2, 8, 8\); X\[:, None\] are images of one channel, X\[None\]"),
    (lambda: Conv2D(2), PICTURE, (2, 4, 8, 8), "Conv2D: X: expected 3 channels along axis 1"),
    (lambda: Conv2D(2), PICTURE, (3, 8, 8), r"Conv2D: X: expected \(N, C, H, W\), received shape \(3, 8, 8\); X\[None\] is one image"),
    (lambda: Conv2D(2), None, (2, 3, 2, 2), "a 3×3 filter does not fit a 2×2 image"),
    (lambda: Conv2D(2, groups=2), None, PICTURE, "Conv2D: groups: expected a divisor of 3 chan"),
    (lambda: Conv1D(2), None, PICTURE, r"Conv1D: X: expected \(N, C, L\), received shape"),
    (lambda: Conv3D(2), None, PICTURE, r"Conv3D: X: expected \(N, C, D, H, W\), received shape \(.*\); X\[:, None\]"),
    (DepthwiseConv2D, PICTURE, (2, 4, 8, 8), "DepthwiseConv2D: X: expected 3 channels"),
    (lambda: ConvTranspose2D(2), None, (3, 8, 8), r"ConvTranspose2D: X: expected \(N, C, H, W\)"),
    (lambda: ConvTranspose2D(2), PICTURE, (2, 4, 8, 8), r"ConvTranspose2D: X: expected \(N, 3, H"),
    (lambda: ConvTranspose2D(3, groups=2), None, PICTURE, "groups: expected a divisor of 3 chan"),
    (MaxPool2D, None, (8, 8), "max_pool2d: X: expected"),
    (lambda: MaxPool2D(9), None, PICTURE, "does not fit a 8×8"),
    (GlobalAvgPool2D, None, (3, 4), "global_avg_pool: X: expected"),
    (BatchNorm, None, (3,), r"BatchNorm: X: expected \(N, C, …\), received shape \(3,\)"),
    (BatchNorm, None, (3, 0), "BatchNorm: gamma: expected at least one number"),
    (BatchNorm, (3, 4), (3, 5), "BatchNorm: X: expected 4 along axis 1, as it was built"),
    (BatchNorm, (3, 4), (1, 4), "batch_norm: X: expected more than one value per chan"),
    (LayerNorm, (3, 4), (3, 5), "LayerNorm: X: expected 4 along the last axis"),
    (lambda: GroupNorm(2), None, (3, 5), "group_norm: groups: expected a divisor of the 5 chan"),
    (lambda: GroupNorm(2), (3, 4), (3, 6), "GroupNorm: X: expected 4 along axis 1"),
    (lambda: Embedding(3, 2), None, (2, 2), "embedding: indices: expected whole numbers"),
    (lambda: Residual(Dense(3)), None, (2, 4), r"Residual: layers: expected the shape \(2, 4\)"),
    (Flatten, None, (), r"Flatten: X: expected \(N, …\), received a single number"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "before", "shape", "message"), INPUTS)
def test_wrong_inputs(make: Callable[[], Layer], before: Any, shape: Any, message: str) -> None:
    layer = make()
    if before is not None:
        layer(np.ones(before))
    with pytest.raises(ArgumentError, match=message):
        layer(np.ones(shape))


def test_inputs_that_are_no_numbers() -> None:
    for layer in (Dense(2), Activation("relu"), Conv2D(2), MaxPool2D(), BatchNorm()):
        with pytest.raises(DTypeError, match=f"{type(layer).__name__}: X: expected real numbers"):
            layer(np.full((2, 3, 4, 4), 1j))
    with pytest.raises(ArgumentError, match="embedding: indices: expected indices from 0 to 2"):
        Embedding(3, 2)(np.array([[3]]))


def test_the_sentence_says_which_layer() -> None:
    model = Sequential(
        Flatten(), Dense(4), Residual(Dense(4), Sequential(Activation("relu"), BatchNorm()))
    ).initialize((2, 2), rng=0)
    with pytest.raises(
        ShapeError,
        match=r"^Dense: X: expected 4 numbers .* received shape \(1, 6\) \[model\[1\] Dense\(4",
    ):
        model(np.ones((1, 2, 3)))
    with pytest.raises(ShapeError) as caught:
        model(np.ones((1, 2, 2)))
    assert str(caught.value).endswith(" [model[2].body[1][1] BatchNorm()]")
    wrong = Residual(Dense(3), shortcut=Conv2D(3))
    with pytest.raises(ShapeError, match=r"Conv2D: X: .* \[model.shortcut Conv2D\(3\)\]"):
        wrong(np.ones((1, 2)))


def test_a_failed_first_call_leaves_nothing() -> None:
    model = Sequential(Dense(4), Sequential(Dense(5), Conv2D(2)))
    for attempt in (
        lambda: model.initialize((3,), rng=0),
        lambda: model(np.ones((2, 3))),
        lambda: model.predict(np.ones((2, 3))),
    ):
        with pytest.raises(ShapeError, match="Conv2D: X: expected"):
            attempt()
        assert not any(layer.built for _, layer in model.named_layers())
        with pytest.warns(TrainingHint, match="no sizes, and so no parameters yet"):
            assert model.parameters() == []
        assert all(layer.training for _, layer in model.named_layers())
    model[1] = Dense(2)
    expected = Sequential(Dense(4), Dense(2)).initialize((6,), rng=0).flat_parameters()
    np.testing.assert_array_equal(model.initialize((6,), rng=0).flat_parameters(), expected)
    model.append(Dense(3))  # a later one, of a model that is built
    with pytest.raises(ShapeError, match="Conv2D: X: expected"):
        model.append(Conv2D(2))
    assert [layer.built for layer in model] == [True, True, False]


def test_wrong_ways_to_initialize() -> None:
    layer = Dense(2)
    with pytest.raises(DTypeError, match="initialize: shape: expected the sizes of one input"):
        layer.initialize(784)  # type: ignore[arg-type]
    with pytest.raises(DTypeError, match="initialize: shape: expected a whole number"):
        layer.initialize((2.5,))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="initialize: shape: expected a whole number of at"):
        layer.initialize((0,))
    nested: list[Any] = []
    for _ in range(100_000):  # deeper than Python writes
        nested = [nested]
    for shape in (nested, (3, nested)):
        with pytest.raises(DTypeError, match="initialize: shape: expected the sizes of one input"):
            layer.initialize(shape)  # type: ignore[arg-type]  # refused
    with pytest.raises(DTypeError, match="initialize: rng: expected a whole number"):
        layer.initialize((3,), rng="a")  # type: ignore[arg-type]
    with pytest.raises(DTypeError, match="embedding: indices: expected whole numbers"):
        Embedding(3, 2).initialize((4,))
    with pytest.raises(ShapeError, match=r"initializer: expected weights of shape \(3, 2\), rec"):
        Dense(2, initializer=lambda *_: np.ones(6)).initialize((3,))
    assert not layer.built


def test_wrong_ways_to_predict() -> None:
    layer = Dense(2).initialize((3,), rng=0)
    for empty in (np.ones((0, 3)), 1.0):
        with pytest.raises(ShapeError, match="predict: X: expected at least one row"):
            layer.predict(empty)
    with pytest.raises(ArgumentError, match="predict: batch_size: expected a whole number"):
        layer.predict(np.ones((1, 3)), batch_size=0)
    with pytest.raises(DTypeError, match="predict: X: expected real numbers"):
        layer.predict([["a"]])

    class Sum(Layer):
        def forward(self, X: Any) -> Any:
            return np.sum(X)

    with pytest.raises(ShapeError, match=r"predict: model: expected a row of results for each row"):
        Sum().predict(np.ones((4, 3)))


def test_what_needs_a_built_model() -> None:
    model = Sequential(Dense(2), Dense(3))
    for verb in ("freeze", "unfreeze"):
        with pytest.raises(ArgumentError, match=f"{verb}: model: expected a model that is built"):
            getattr(model, verb)()
    model[0](np.ones((1, 2)))
    with pytest.raises(ArgumentError, match=r"freeze: .* received model\[1\] without sizes"):
        model.freeze()


@pytest.mark.parametrize("dtype", ["int32", "abc", None, complex, bool])
def test_types_that_layers_do_not_work_in(dtype: Any) -> None:
    with pytest.raises(DTypeError, match="astype: dtype: expected a floating type, received"):
        Dense(2).astype(dtype)


def test_a_layer_without_forward() -> None:
    class Empty(Layer):
        pass

    with pytest.raises(TypeError, match="Empty: forward: expected a method, received none"):
        Empty()(np.ones(2))


def test_a_watcher_that_is_none() -> None:
    with pytest.raises(DTypeError, match="watching: watcher: expected a function"):
        watching(3).__enter__()  # type: ignore[arg-type]


@pytest.mark.parametrize("cls", [Conv1D, Conv2D, Conv3D, ConvTranspose2D, DepthwiseConv2D, Dense])
def test_a_wrong_call_names_the_class_that_was_called(cls: type[Layer]) -> None:
    make: Any = cls
    with pytest.raises(TypeError, match=rf"^{cls.__name__}: .*'sides'"):
        make(3, sides=2)
    if cls is not DepthwiseConv2D:
        with pytest.raises(TypeError, match=rf"^{cls.__name__}: missing"):
            make()


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (None, r"Dense: weight: expected an array or a Parameter of shape \(3, 2\), received None"),
        (Flatten(), r"of shape \(3, 2\), received Flatten\(\)"),
        (Parameter(np.ones((2, 3))), r"received a Parameter of shape \(2, 3\)"),
    ],
)
def test_what_a_layer_cannot_compute_with_takes_no_parameters_place(value: Any, match: str) -> None:
    layer = Dense(2).initialize((3,), rng=0)
    before = layer.weight
    with pytest.raises(ArgumentError, match=match):
        layer.weight = value
    assert layer.weight is before
    assert layer(np.ones((1, 3))).shape == (1, 2)
