"""What type checkers and editors see of the package; written by ``make api``."""

from neural_network.by_hand.descent import (
    gradient_descent as gradient_descent,
    initial_parameters as initial_parameters,
    train_mlp as train_mlp,
)
from neural_network.by_hand.differences import (
    finite_differences as finite_differences,
    numerical_gradient as numerical_gradient,
)
from neural_network.by_hand.networks import (
    backward_mlp as backward_mlp,
    backward_mlp_3layer as backward_mlp_3layer,
    forward_mlp as forward_mlp,
    forward_mlp_3layer as forward_mlp_3layer,
    forward_perceptron as forward_perceptron,
)
