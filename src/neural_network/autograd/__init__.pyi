"""What type checkers and editors see of the package; written by ``make api``."""

from neural_network.autograd.check import (
    check_gradients as check_gradients,
    gradient_error as gradient_error,
)
from neural_network.autograd.engine import debug as debug, no_grad as no_grad
from neural_network.autograd.tensor import Tensor as Tensor
from neural_network.autograd.transforms import (
    grad as grad,
    hessian as hessian,
    hvp as hvp,
    jacobian as jacobian,
    jvp as jvp,
    value_and_grad as value_and_grad,
    vjp as vjp,
)
