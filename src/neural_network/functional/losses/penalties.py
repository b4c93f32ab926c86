"""Penalties of weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_floating, as_number, is_iterable, rounded, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import DTypeError, brief, sentence
from neural_network.lifting import lift_hook
from neural_network.public import public


@public
@explains_calls
@silent
def l2_regularization(weights: Iterable[ArrayLike], lambda_: float) -> tuple[float, list[Array]]:
    """Ridge penalty ``λ · Σ ‖W‖²`` of all weights, and its gradients ``2 · λ · W``.

    Args:
        weights: a list of arrays of any shapes.
        lambda_: the strength λ, at least 0.

    Returns:
        The penalty as a float, and one gradient for each weight, in the weight's
        own floating type.

    Raises:
        DTypeError: ``weights`` is a single array, or holds other things than numbers.
        ArgumentError: ``lambda_`` is negative or not finite.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 7.1.1.

    >>> l2_regularization([np.array([[3.0], [4.0]])], 0.5)
    (12.5, [array([[3.],
           [4.]])])
    """
    function = "l2_regularization"
    strength = as_number(function, "lambda_", lambda_, between=(0, np.inf))
    if isinstance(weights, np.ndarray | range) or not is_iterable(weights):
        # Iterating over an array would treat each row as a weight, over a range each number.
        received = "a single array" if isinstance(weights, np.ndarray) else brief(weights)
        raise DTypeError(sentence(function, "weights", "a list of arrays", received))
    penalty: Any = 0.0
    gradients = []
    for index, weight in enumerate(weights):
        (W,), dtype = as_floating(function, **{f"weights[{index}]": weight})
        penalty = penalty + strength * np.sum(np.square(W))
        gradients.append(rounded(2 * strength * W, dtype))
    return penalty if lift_hook([penalty]) else float(penalty), gradients
