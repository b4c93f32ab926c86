"""How weights begin: random, and so large that signals keep their size from layer to layer."""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt

import numpy as np

from neural_network.errors import ArgumentError, DTypeError, sentence
from neural_network.functional.checks import Array

# shape, fan_in, fan_out, rng → the weights. The fans say how many numbers meet in one
# output (fan_in) and how many outputs one number goes to (fan_out).
Initializer = Callable[[tuple[int, ...], int, int, np.random.Generator], Array]


def glorot_uniform(
    shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator
) -> Array:
    """Draw from U(−a, a), a = √(6 / (fan_in + fan_out)); for tanh, sigmoid and softmax.

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
    >>> np.abs(weights).max() <= 1
    np.True_
    """
    bound = sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, shape)


def glorot_normal(
    shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator
) -> Array:
    """Draw from N(0, 2 / (fan_in + fan_out)). Source: as ``glorot_uniform``."""
    return rng.normal(0, sqrt(2 / (fan_in + fan_out)), shape)


def he_uniform(
    shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator
) -> Array:
    """Draw from U(−a, a), a = √(6 / fan_in). Source: as ``he_normal``."""
    bound = sqrt(6 / fan_in)
    return rng.uniform(-bound, bound, shape)


def he_normal(shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    """Draw from N(0, 2 / fan_in); for relu and its kin, which let half of the signal through.

    Source: He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", arXiv 1502.01852.
    """
    return rng.normal(0, sqrt(2 / fan_in), shape)


def lecun_uniform(
    shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator
) -> Array:
    """Draw from U(−a, a), a = √(3 / fan_in). Source: as ``lecun_normal``."""
    bound = sqrt(3 / fan_in)
    return rng.uniform(-bound, bound, shape)


def lecun_normal(
    shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator
) -> Array:
    """Draw from N(0, 1 / fan_in).

    Source: LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, section 4.6.
    """
    return rng.normal(0, sqrt(1 / fan_in), shape)


def orthogonal(
    shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator
) -> Array:
    """Draw a matrix whose rows, or columns if there are fewer, are orthonormal.

    All axes but the one of the outputs are taken together. The QR decomposition of normal
    numbers, with the signs of R's diagonal moved to Q, is uniform among them.

    Source: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks", arXiv 1312.6120; Mezzadri,
    arXiv math-ph/0609050, for the signs.
    """
    rows = shape[0]
    columns = prod(shape[1:])
    tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
    Q, R = np.linalg.qr(tall)
    Q = Q * np.where(np.diag(R) < 0, -1.0, 1.0)
    return (Q if rows >= columns else Q.T).reshape(shape)


def zeros(shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    """Return zeros: for biases."""
    return np.zeros(shape)


def ones(shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    """Return ones: for factors."""
    return np.ones(shape)


INITIALIZERS: dict[str, Initializer] = {
    "glorot": glorot_uniform,
    "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal,
    "he": he_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "lecun": lecun_normal,
    "lecun_uniform": lecun_uniform,
    "lecun_normal": lecun_normal,
    "orthogonal": orthogonal,
    "zeros": zeros,
    "ones": ones,
}


def as_initializer(function: str, value: object) -> Initializer:
    """Return an initialiser: one of the table's by name, or the function that was given."""
    if callable(value):
        return value
    names = ", ".join(repr(name) for name in INITIALIZERS)
    if not isinstance(value, str):
        expected = f"a function or one of {names}"
        raise DTypeError(sentence(function, "initializer", expected, repr(value)))
    if value not in INITIALIZERS:
        raise ArgumentError(sentence(function, "initializer", f"one of {names}", repr(value)))
    return INITIALIZERS[value]
