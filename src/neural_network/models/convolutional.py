"""Networks for small images."""

from __future__ import annotations

import numpy as np

from neural_network.elsewhere.surface import explains_calls
from neural_network.layers.activation import Activation, Flatten
from neural_network.layers.containers import Residual, Sequential
from neural_network.layers.convolution import Conv2D
from neural_network.layers.dense import Dense
from neural_network.layers.dropout import Dropout
from neural_network.layers.layer import Layer
from neural_network.layers.normalization import BatchNorm
from neural_network.layers.pooling import AvgPool2D, GlobalAvgPool2D, MaxPool2D
from neural_network.public import named, public

Rng = int | np.random.Generator | None
Shape = tuple[int, int, int]


@public(top_level=False)
@named("model")
@explains_calls
def lenet5(classes: int = 10, *, input_shape: Shape = (1, 28, 28), rng: Rng = None) -> Sequential:
    """Return LeNet-5 with plain average pooling and a softmax layer's logits.

    The paper pads digits to 32×32, so the first convolution pads by 2 here.

    Args:
        classes: how many outputs.
        input_shape: (C, H, W) of one image.
        rng: a seed or a Generator for the weights.

    Returns:
        A built model from (N, C, H, W) to (N, classes) logits, of float32 type.

    Raises:
        DTypeError, ArgumentError, ShapeError: an argument that does not fit.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to
    document recognition", Proc. IEEE 86, 1998.

    >>> models.lenet5(rng=0).summary().parameters
    61706
    """
    model = Sequential(
        Conv2D(6, 5, padding=2, activation="tanh"),
        AvgPool2D(2),
        Conv2D(16, 5, activation="tanh"),
        AvgPool2D(2),
        Flatten(),
        Dense(120, "tanh"),
        Dense(84, "tanh"),
        Dense(classes),
    )
    return model.initialize(input_shape, rng=rng)


@public(top_level=False)
@named("model")
@explains_calls
def mnist_cnn(
    classes: int = 10, *, input_shape: Shape = (1, 28, 28), rng: Rng = None
) -> Sequential:
    """Return the convolutional network of the Keras example for MNIST.

    Args:
        classes: how many outputs.
        input_shape: (C, H, W) of one image.
        rng: a seed or a Generator for the weights.

    Returns:
        A built model from (N, C, H, W) to (N, classes) logits, of float32 type; 34,826
        parameters for digits.

    Raises:
        DTypeError, ArgumentError, ShapeError: an argument that does not fit.

    Source: Chollet, "Simple MNIST convnet", the Keras examples, 2015.

    >>> models.mnist_cnn(rng=0).summary().parameters
    34826
    """
    model = Sequential(
        Conv2D(32, 3, activation="relu"),
        MaxPool2D(2),
        Conv2D(64, 3, activation="relu"),
        MaxPool2D(2),
        Flatten(),
        Dropout(0.5),
        Dense(classes),
    )
    return model.initialize(input_shape, rng=rng)


@public(top_level=False)
@named("model")
@explains_calls
def tiny_cnn(classes: int = 10, *, input_shape: Shape = (1, 28, 28), rng: Rng = None) -> Sequential:
    """Return a network of under 20,000 parameters that reads digits well.

    Convolutions with batch norm, and the mean over all places instead of a large dense
    layer: that is where the parameters of older networks are.

    Args:
        classes: how many outputs.
        input_shape: (C, H, W) of one image.
        rng: a seed or a Generator for the weights.

    Returns:
        A built model from (N, C, H, W) to (N, classes) logits, of float32 type.

    Raises:
        DTypeError, ArgumentError, ShapeError: an argument that does not fit.

    Source: the parts are of Ioffe and Szegedy, arXiv 1502.03167, and of Lin, Chen and
    Yan, arXiv 1312.4400.

    >>> models.tiny_cnn(rng=0).summary().parameters
    17866
    """
    model = Sequential(
        *_block(16, pool=True),
        *_block(24, padding=1),
        *_block(32, padding=1, pool=True),
        *_block(24, padding=1),
        GlobalAvgPool2D(),
        Dense(classes),
    )
    return model.initialize(input_shape, rng=rng)


@public(top_level=False)
@named("model")
@explains_calls
def small_resnet(
    classes: int = 10,
    width: int = 16,
    *,
    input_shape: Shape = (1, 28, 28),
    rng: Rng = None,
) -> Sequential:
    """Return a residual network of three blocks, the second and third of half the size.

    Args:
        classes: how many outputs.
        width: channels of the first block; the others have two and four times as many.
        input_shape: (C, H, W) of one image.
        rng: a seed or a Generator for the weights.

    Returns:
        A built model from (N, C, H, W) to (N, classes) logits, of float32 type.

    Raises:
        DTypeError, ArgumentError, ShapeError: an argument that does not fit.

    Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition",
    arXiv 1512.03385.

    >>> models.small_resnet(rng=0).summary().parameters
    77754
    """
    model = Sequential(
        *_block(width, padding=1),
        *_residual(width, stride=1),
        *_residual(2 * width, stride=2),
        *_residual(4 * width, stride=2),
        GlobalAvgPool2D(),
        Dense(classes),
    )
    return model.initialize(input_shape, rng=rng)


def _block(filters: int, *, padding: int = 0, stride: int = 1, pool: bool = False) -> list[Layer]:
    """Convolution, batch norm (which makes a bias needless), relu.

    Pooling comes right after the convolution: what follows has a quarter of the work then.
    """
    return [
        Conv2D(filters, 3, padding=padding, stride=stride, bias=False, initializer="he"),
        *([MaxPool2D(2)] if pool else []),
        BatchNorm(),
        Activation("relu"),
    ]


def _residual(filters: int, *, stride: int) -> list[Layer]:
    """Two convolutions beside a shortcut, which is a 1×1 convolution where sizes change."""
    shortcut = None
    if stride > 1:
        shortcut = Sequential(Conv2D(filters, 1, stride=stride, bias=False), BatchNorm())
    body = [
        *_block(filters, padding=1, stride=stride),
        Conv2D(filters, 3, padding=1, bias=False, initializer="he"),
        BatchNorm(),
    ]
    return [Residual(*body, shortcut=shortcut), Activation("relu")]
