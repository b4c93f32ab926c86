"""Automatic differentiation: a tensor remembers how it was made, and walks back."""

from neural_network.autograd.check import check_gradients, gradient_error
from neural_network.autograd.engine import debug, no_grad
from neural_network.autograd.tensor import Tensor
from neural_network.autograd.transforms import grad, jacobian, value_and_grad

__all__ = [
    "Tensor",
    "check_gradients",
    "debug",
    "grad",
    "gradient_error",
    "jacobian",
    "no_grad",
    "value_and_grad",
]
