"""Networks without convolutions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neural_network.checks import within_memory
from neural_network.elsewhere.surface import explains_calls
from neural_network.layers.activation import Flatten
from neural_network.layers.containers import Sequential
from neural_network.layers.dense import Dense
from neural_network.public import named, public

Rng = int | np.random.Generator | None


@public(top_level=False)
@named("model")
@explains_calls
def perceptron(
    classes: int = 10, *, input_shape: tuple[int, ...] = (1, 28, 28), rng: Rng = None
) -> Sequential:
    """Return one layer of neurons, one for each class: multinomial logistic regression.

    Args:
        classes: how many outputs.
        input_shape: of one input, without the batch axis; it is flattened.
        rng: a seed or a Generator for the weights.

    Returns:
        A built model from (N, …) to (N, classes) logits, of float32 type.

    Raises:
        DTypeError, ArgumentError: an argument of the wrong kind or value.

    Source: Rosenblatt, "The perceptron", Psychological Review 65, 1958.

    >>> models.perceptron(rng=0).summary().parameters
    7850
    """
    model = Sequential(Flatten(), Dense(classes))
    return model.initialize(input_shape, rng=rng)


@public(top_level=False)
@named("model")
@within_memory
def mlp(
    hidden: int | Sequence[int] = 128,
    classes: int = 10,
    *,
    activation: str = "relu",
    input_shape: tuple[int, ...] = (1, 28, 28),
    rng: Rng = None,
) -> Sequential:
    """Return a multilayer perceptron.

    Args:
        hidden: units of the hidden layer, or of several.
        classes: how many outputs.
        activation: after each hidden layer.
        input_shape: of one input, without the batch axis; it is flattened.
        rng: a seed or a Generator for the weights.

    Returns:
        A built model from (N, …) to (N, classes) logits, of float32 type.

    Raises:
        DTypeError, ArgumentError: an argument of the wrong kind or value.

    Source: Rumelhart, Hinton and Williams, "Learning representations by
    back-propagating errors", Nature 323, 1986.

    >>> models.mlp((256, 128), rng=0).summary().parameters
    235146
    """
    sizes = list(hidden) if isinstance(hidden, Sequence) else [hidden]
    layers = [Dense(units, activation, initializer="he") for units in sizes]
    return Sequential(Flatten(), *layers, Dense(classes)).initialize(input_shape, rng=rng)
