"""How weights begin: random, and so large that signals keep their size from layer to layer."""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt

import numpy as np

from neural_network.checks import Array
from neural_network.errors import ArgumentError, DTypeError, sentence
from neural_network.lazy import NameTable
from neural_network.public import named, public

Shape = tuple[int, ...]
Rng = np.random.Generator
# shape, fan_in, fan_out, rng → the weights. The fans say how many numbers meet in one
# output (fan_in) and how many outputs one number goes to (fan_out).
Initializer = Callable[[Shape, int, int, Rng], Array]


@named("initializer", "glorot", "glorot_uniform")
def glorot_uniform(shape: Shape, fan_in: int, fan_out: int, rng: Rng) -> Array:
    """Draw from U(−a, a), a = √(6 / (fan_in + fan_out)); for tanh, sigmoid and softmax.

    The variance a² / 3 is between 1 / fan_in, which keeps the size of signals on their
    way forward, and 1 / fan_out, which keeps that of gradients on their way back.

    Args:
        shape: of the weights.
        fan_in: how many numbers meet in one output.
        fan_out: how many outputs one number goes to.
        rng: the ``numpy.random.Generator`` to draw from.

    Returns:
        float64 weights of the shape.

    Raises:
        Nothing.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep
    feedforward neural networks", AISTATS 2010.

    >>> weights = INITIALIZERS["glorot_uniform"]((3, 3), 3, 3, np.random.default_rng(0))
    >>> bool(np.abs(weights).max() <= 1)
    True
    """
    bound = sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, shape)


@named("initializer")
def glorot_normal(shape: Shape, fan_in: int, fan_out: int, rng: Rng) -> Array:
    """Draw from N(0, 2 / (fan_in + fan_out)).

    Args:
        shape, fan_in, fan_out, rng: as of ``glorot_uniform``.

    Returns:
        float64 weights of the shape.

    Raises:
        Nothing.

    Source: as ``glorot_uniform``.

    >>> rng = np.random.default_rng(0)
    >>> weights = INITIALIZERS["glorot_normal"]((1000, 50), 50, 1000, rng)
    >>> round(float(np.var(weights)) * (50 + 1000), 1)
    2.0
    """
    return rng.normal(0, sqrt(2 / (fan_in + fan_out)), shape)


@named("initializer")
def he_uniform(shape: Shape, fan_in: int, fan_out: int, rng: Rng) -> Array:  # noqa: ARG001  # all share a signature
    """Draw from U(−a, a), a = √(6 / fan_in); as ``he_normal``.

    Args:
        shape, fan_in, fan_out, rng: as of ``glorot_uniform``.

    Returns:
        float64 weights of the shape.

    Raises:
        Nothing.

    Source: He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", arXiv 1502.01852.

    >>> rng = np.random.default_rng(0)
    >>> weights = INITIALIZERS["he_uniform"]((1000, 50), 50, 1000, rng)
    >>> round(float(np.var(weights)) * 50, 1)
    2.0
    """
    bound = sqrt(6 / fan_in)
    return rng.uniform(-bound, bound, shape)


@named("initializer", "he", "he_normal")
def he_normal(shape: Shape, fan_in: int, fan_out: int, rng: Rng) -> Array:  # noqa: ARG001  # all share a signature
    """Draw from N(0, 2 / fan_in); for relu and its kin, which let half of the signal through.

    Args:
        shape, fan_in, fan_out, rng: as of ``glorot_uniform``.

    Returns:
        float64 weights of the shape.

    Raises:
        Nothing.

    Source: He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", arXiv 1502.01852.

    >>> rng = np.random.default_rng(0)
    >>> weights = INITIALIZERS["he_normal"]((1000, 50), 50, 1000, rng)
    >>> round(float(np.var(weights)) * 50, 1)
    2.0
    """
    return rng.normal(0, sqrt(2 / fan_in), shape)


@named("initializer")
def lecun_uniform(shape: Shape, fan_in: int, fan_out: int, rng: Rng) -> Array:  # noqa: ARG001  # all share a signature
    """Draw from U(−a, a), a = √(3 / fan_in); as ``lecun_normal``.

    Args:
        shape, fan_in, fan_out, rng: as of ``glorot_uniform``.

    Returns:
        float64 weights of the shape.

    Raises:
        Nothing.

    Source: LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, section 4.6.

    >>> rng = np.random.default_rng(0)
    >>> weights = INITIALIZERS["lecun_uniform"]((1000, 50), 50, 1000, rng)
    >>> round(float(np.var(weights)) * 50, 1)
    1.0
    """
    bound = sqrt(3 / fan_in)
    return rng.uniform(-bound, bound, shape)


@named("initializer", "lecun", "lecun_normal")
def lecun_normal(shape: Shape, fan_in: int, fan_out: int, rng: Rng) -> Array:  # noqa: ARG001  # all share a signature
    """Draw from N(0, 1 / fan_in), which keeps the size of signals where nothing bends them.

    Args:
        shape, fan_in, fan_out, rng: as of ``glorot_uniform``.

    Returns:
        float64 weights of the shape.

    Raises:
        Nothing.

    Source: LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, section 4.6.

    >>> rng = np.random.default_rng(0)
    >>> weights = INITIALIZERS["lecun_normal"]((1000, 50), 50, 1000, rng)
    >>> round(float(np.var(weights)) * 50, 1)
    1.0
    """
    return rng.normal(0, sqrt(1 / fan_in), shape)


@named("initializer")
def orthogonal(shape: Shape, fan_in: int, fan_out: int, rng: Rng) -> Array:  # noqa: ARG001  # all share a signature
    """Draw a matrix whose rows, or columns if there are fewer, are orthonormal.

    The first axis is one side of the matrix, all others together are the other: of Dense
    (inputs × units), of convolutions (filters × everything that meets in one output).
    The QR decomposition of normal numbers, with the signs of R's diagonal moved to Q, is
    uniform among such matrices.

    Args:
        shape, fan_in, fan_out, rng: as of ``glorot_uniform``.

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
    rows, columns = shape[0], prod(shape[1:])
    tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
    Q, R = np.linalg.qr(tall)
    Q = Q * np.where(np.diag(R) < 0, -1.0, 1.0)
    return (Q if rows >= columns else Q.T).reshape(shape)


@named("initializer")
def zeros(shape: Shape, fan_in: int, fan_out: int, rng: Rng) -> Array:  # noqa: ARG001  # all share a signature
    """Return zeros; what all begin equal stays equal, so this is for biases.

    Args:
        shape, fan_in, fan_out, rng: as of ``glorot_uniform``.

    Returns:
        float64 weights of the shape.

    Raises:
        Nothing.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 8.4.

    >>> INITIALIZERS["zeros"]((2,), 1, 1, np.random.default_rng(0))
    array([0., 0.])
    """
    return np.zeros(shape)


@named("initializer")
def ones(shape: Shape, fan_in: int, fan_out: int, rng: Rng) -> Array:  # noqa: ARG001  # all share a signature
    """Return ones: for factors, and for examples that are checked by hand.

    Args:
        shape, fan_in, fan_out, rng: as of ``glorot_uniform``.

    Returns:
        float64 weights of the shape.

    Raises:
        Nothing.

    Source: as ``zeros``.

    >>> INITIALIZERS["ones"]((2,), 1, 1, np.random.default_rng(0))
    array([1., 1.])
    """
    return np.ones(shape)


INITIALIZERS: NameTable[Initializer] = public(NameTable("initializer"))


def as_initializer(function: str, value: object) -> Initializer:
    """Return an initialiser: one of the table's by name, or the function that was given."""
    if callable(value) and not isinstance(value, type):
        return value
    names = ", ".join(repr(name) for name in INITIALIZERS)
    if not isinstance(value, str):
        expected = f"a function or one of {names}"
        raise DTypeError(sentence(function, "initializer", expected, repr(value)))
    if value not in INITIALIZERS:
        raise ArgumentError(sentence(function, "initializer", f"one of {names}", repr(value)))
    return INITIALIZERS[value]
