"""Layers of weights without space: ``Dense`` and ``Embedding``."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.checks import as_count, silent
from neural_network.errors import ShapeError, sentence
from neural_network.functional.embeddings import embedding
from neural_network.functional.products import matmul
from neural_network.layers.activation import Function, steps_of
from neural_network.layers.initializers import Initializer
from neural_network.layers.weighted import Weighted
from neural_network.plan import dense
from neural_network.plan.vocabulary import Steps
from neural_network.public import named, public


@public
@named("layer")
class Dense(Weighted):
    """Fully connected layer: ``activation(X W + b)``.

    Args:
        units: outputs for each row.
        activation: a function or the name of one ("relu"); None for none.
        bias: whether to add b, which begins at 0.
        initializer: of W: a function or a name ("glorot_uniform", "he", "orthogonal" …).
        l1, l2: strengths of the penalties l1 · Σ|W| and l2 · ΣW².

    Attributes:
        weight: (inputs, units), made at the first call.
        bias: (units,), or None.

    Raises:
        DTypeError, ArgumentError: an argument of the wrong kind or value.
        ShapeError: (when called) inputs of another size than it was built for.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, chapter 6.

    >>> layer = Dense(2, activation="relu", initializer="ones")
    >>> layer(np.array([[1.0, 2.0]])).data
    array([[3., 3.]], dtype=float32)
    """

    def __init__(
        self,
        units: int,
        activation: str | Function | None = None,
        *,
        bias: bool = True,
        initializer: str | Initializer = "glorot_uniform",
        l1: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        self.units = as_count("Dense", "units", units)
        self._set_options(initializer, l1, l2, activation, bias)

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        """Make W and b."""
        if len(shape) < 2:
            raise ShapeError(sentence("Dense", "X", "(N, …, inputs)", f"shape {shape}"))
        sizes = (shape[-1], self.units)
        self._make_weight(sizes, sizes, rng)
        self._make_bias(self.units)

    def _check_input(self, shape: tuple[int, ...]) -> None:
        inputs = len(self.weight)
        if len(shape) < 2 or shape[-1] != inputs:
            expected = f"{inputs} numbers along the last axis, as it was built for"
            turned = "; X.T has them" if len(shape) == 2 and shape[0] == inputs else ""
            raise ShapeError(sentence("Dense", "X", expected, f"shape {shape}{turned}"))

    def forward(self, X: Any) -> Any:
        """(N, …, inputs) → (N, …, units)."""
        X = self._numbers(X)
        self._check_input(np.shape(X))
        return self.activation(self._affine(X))

    @silent
    def _affine(self, X: Any) -> Any:
        Z = matmul(X, self.weight)
        return Z if self.bias is None else Z + self.bias

    def _steps(self) -> Steps:
        """A dense layer and its activation, if stages know it."""
        after = steps_of(self.activation)
        return None if after is None else [dense.Dense(self.weight, self.bias), *after]

    def multiply_adds(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> int:
        """Return one for each weight and row."""
        return int(np.prod(outputs[1:])) * inputs[-1]


@public
@named("layer")
class Embedding(Weighted):
    """Table of vectors, one for each word: row numbers go in, rows come out.

    Args:
        vocabulary: how many rows.
        size: of each row.
        initializer: a function or a name; fans are (1, size).
        l1, l2: strengths of penalties, as in ``Dense``.

    Attributes:
        weight: (vocabulary, size).

    Raises:
        DTypeError, ArgumentError: an argument of the wrong kind or value.
        DTypeError, ArgumentError: (when called) indices that are no integers or no rows.

    Source: Bengio et al., "A Neural Probabilistic Language Model", JMLR 3, 2003.

    >>> Embedding(10, 3)(np.array([[1, 2]])).shape
    (1, 2, 3)
    """

    def __init__(
        self,
        vocabulary: int,
        size: int,
        *,
        initializer: str | Initializer = "glorot_uniform",
        l1: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        self.vocabulary = as_count("Embedding", "vocabulary", vocabulary)
        self.size = as_count("Embedding", "size", size)
        self._set_options(initializer, l1, l2)

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:  # noqa: ARG002  # sizes were given
        """Make the table."""
        self._make_weight((self.vocabulary, self.size), (1, self.size), rng)

    def forward(self, X: Any) -> Any:
        """(N, …) integers → (N, …, size)."""
        return embedding(X, self.weight)
