"""Initial weights, scaled so that signals keep their variance from layer to layer."""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt
from typing import Any

import numpy as np

from neural_network.checks import (
    MOST_AXES,
    Array,
    as_function,
    as_generator,
    as_number,
    as_shape,
    within_memory,
)
from neural_network.errors import NeuralNetworkError, ShapeError, brief, sentence, shorten_traceback
from neural_network.lazy import NameTable
from neural_network.public import named, public

Shape = tuple[int, ...]
Rng = np.random.Generator
# shape, fan_in, fan_out, rng → the weights. The fans are how many numbers meet in one
# output (fan_in) and how many outputs one number goes to (fan_out).
Initializer = Callable[[Shape, int, int, Rng], Array]


# Weights of a variance of 1 / fan are numbers that can be drawn.
LEAST_FAN = 1e-30
# What ``help`` shows of an initialiser that ``variance_scaling`` has made.
_DOCUMENTED = """Draw from a {distribution} distribution of the variance {scale:g} / {fan}.

Args:
    shape: of the weights.
    fan_in: how many numbers meet in one output.
    fan_out: how many outputs one number goes to.
    rng: the ``numpy.random.Generator`` to draw from.

Returns:
    float64 weights of the shape.

Raises:
    Nothing.

Source: {source}

>>> INITIALIZERS["{name}"]((2, 3), 2, 3, np.random.default_rng(0)).shape
(2, 3)
"""


def variance_scaling(
    name: str, scale: float, fan: str, distribution: str, source: str
) -> Initializer:
    """Return an initialiser of random weights whose variance is ``scale / fan``.

    With fan_in, each sum of products keeps the size of its inputs on the way forward; with
    fan_out, gradients keep theirs in the backward pass.

    Args:
        name: of the function.
        scale: 1; 2 for relu and similar activations, which halve the variance.
        fan: "fan_in", "fan_out", or "the mean of both fans".
        distribution: "uniform", from −√(3 · variance) to √(3 · variance), or "normal".
        source: where it was described.

    Returns:
        A function of (shape, fan_in, fan_out, rng) that returns float64 weights.

    Raises:
        Nothing.

    Source: as of the initialisers below.

    >>> from neural_network.layers.initializers import variance_scaling
    >>> weights = variance_scaling("own", 2, "fan_in", "normal", "this example")
    >>> drawn = weights((1000, 50), 50, 1000, np.random.default_rng(0))
    >>> round(float(np.var(drawn)) * 50, 1)
    2.0
    """

    def initializer(shape: Shape, fan_in: int, fan_out: int, rng: Rng) -> Array:
        shape, fan_in, fan_out, rng = _checked(name, shape, fan_in, fan_out, rng)
        size = {"fan_in": fan_in, "fan_out": fan_out}.get(fan, (fan_in + fan_out) / 2)
        if distribution == "uniform":
            bound = sqrt(3 * scale / size)
            return rng.uniform(-bound, bound, shape)
        return rng.normal(0, sqrt(scale / size), shape)

    initializer.__name__ = initializer.__qualname__ = name
    initializer.__doc__ = _DOCUMENTED.format(
        name=name, scale=scale, fan=fan, distribution=distribution, source=source
    )
    return within_memory(initializer)


def _checked(
    name: str, shape: Shape, fan_in: Any, fan_out: Any, rng: object
) -> tuple[Shape, Any, Any, Rng]:
    """Return the arguments that all initialisers take."""
    try:
        inputs = as_number(name, "fan_in", fan_in, between=(LEAST_FAN, np.inf))
        outputs = as_number(name, "fan_out", fan_out, between=(LEAST_FAN, np.inf))
        sizes = as_shape(name, "shape", shape)
        if len(sizes) > MOST_AXES:
            raise ShapeError(sentence(name, "shape", f"at most {MOST_AXES} sizes", brief(shape)))
        return sizes, inputs, outputs, as_generator(name, rng)
    except NeuralNetworkError as error:
        shorten_traceback(error)
        raise


BOTH = "the mean of both fans"
GLOROT = """Glorot and Bengio, "Understanding the difficulty of training deep feedforward
neural networks", AISTATS 2010; for tanh, sigmoid and softmax."""
HE = """He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", arXiv 1502.01852; for relu
and similar activations, which halve the variance."""
LECUN = """LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, section 4.6; where no
activation changes the size of signals."""

glorot_uniform = named("initializer", "glorot", "glorot_uniform")(
    variance_scaling("glorot_uniform", 1, BOTH, "uniform", GLOROT)
)
glorot_normal = named("initializer")(variance_scaling("glorot_normal", 1, BOTH, "normal", GLOROT))
he_uniform = named("initializer")(variance_scaling("he_uniform", 2, "fan_in", "uniform", HE))
he_normal = named("initializer", "he", "he_normal")(
    variance_scaling("he_normal", 2, "fan_in", "normal", HE)
)
lecun_uniform = named("initializer")(
    variance_scaling("lecun_uniform", 1, "fan_in", "uniform", LECUN)
)
lecun_normal = named("initializer", "lecun", "lecun_normal")(
    variance_scaling("lecun_normal", 1, "fan_in", "normal", LECUN)
)


@named("initializer")
@within_memory
def orthogonal(shape: Shape, fan_in: int, fan_out: int, rng: Rng) -> Array:  # all share a signature
    """Draw a matrix whose rows, or columns if there are fewer, are orthonormal.

    The first axis is one side of the matrix, all others together are the other: of Dense
    (inputs × units), of convolutions (filters × everything that meets in one output).
    The QR decomposition of normal numbers, with the signs of R's diagonal moved to Q, is
    uniform among such matrices.

    Args:
        shape: of the weights.
        fan_in, fan_out: how many numbers meet in one output, and how many outputs one number
            goes to; they are not used.
        rng: the ``numpy.random.Generator`` to draw from.

    Returns:
        float64 weights of the shape.

    Raises:
        Nothing.

    Source: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks", arXiv 1312.6120; Mezzadri,
    arXiv math-ph/0609050, for the signs.

    >>> W = INITIALIZERS["orthogonal"]((2, 5), 5, 2, np.random.default_rng(0))
    >>> np.abs(W @ W.T).round(6)
    array([[1., 0.],
           [0., 1.]])
    """
    shape, _, _, rng = _checked("orthogonal", shape, fan_in, fan_out, rng)
    rows, columns = (shape or (1,))[0], prod(shape[1:])
    tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
    Q, R = np.linalg.qr(tall)
    Q = Q * np.where(np.diag(R) < 0, -1.0, 1.0)
    return (Q if rows >= columns else Q.T).reshape(shape)


@named("initializer")
@within_memory
def zeros(shape: Shape, fan_in: int, fan_out: int, rng: Rng) -> Array:  # all share a signature
    """Return zeros; what all begin equal stays equal, so this is for biases.

    Args:
        shape, fan_in, fan_out, rng: as of ``orthogonal``.

    Returns:
        float64 weights of the shape.

    Raises:
        Nothing.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 8.4.

    >>> INITIALIZERS["zeros"]((2,), 1, 1, np.random.default_rng(0))
    array([0., 0.])
    """
    return np.zeros(_checked("zeros", shape, fan_in, fan_out, rng)[0])


@named("initializer")
@within_memory
def ones(shape: Shape, fan_in: int, fan_out: int, rng: Rng) -> Array:  # all share a signature
    """Return ones: for factors, and for examples that are checked by hand.

    Args:
        shape, fan_in, fan_out, rng: as of ``orthogonal``.

    Returns:
        float64 weights of the shape.

    Raises:
        Nothing.

    Source: as ``zeros``.

    >>> INITIALIZERS["ones"]((2,), 1, 1, np.random.default_rng(0))
    array([1., 1.])
    """
    return np.ones(_checked("ones", shape, fan_in, fan_out, rng)[0])


INITIALIZERS: NameTable[Initializer] = public(NameTable("initializer"))


def as_initializer(function: str, value: object) -> Initializer:
    """Return an initialiser: one of the table's by name, or the function that was given."""
    return as_function(function, "initializer", value, INITIALIZERS)
