"""The article's networks, differentiated with pencil and paper.

Nothing here knows of automatic differentiation: every gradient is a formula
that can be read and checked against ``numerical_gradient``.
"""

from neural_network.by_hand.descent import gradient_descent, initial_parameters, train_mlp
from neural_network.by_hand.differences import numerical_gradient
from neural_network.by_hand.networks import (
    backward_mlp,
    backward_mlp_3layer,
    forward_mlp,
    forward_mlp_3layer,
    forward_perceptron,
)

__all__ = [
    "backward_mlp",
    "backward_mlp_3layer",
    "forward_mlp",
    "forward_mlp_3layer",
    "forward_perceptron",
    "gradient_descent",
    "initial_parameters",
    "numerical_gradient",
    "train_mlp",
]
