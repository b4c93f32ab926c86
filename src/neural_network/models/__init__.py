"""Small networks that are known, ready to train; and one that is trained."""

from collections.abc import Callable

from neural_network.layers.containers import Sequential
from neural_network.models.convolutional import lenet5, mnist_cnn, small_resnet, tiny_cnn
from neural_network.models.dense import mlp, perceptron
from neural_network.models.pretrained import load_tiny_cnn

__all__ = [
    "MODELS",
    "lenet5",
    "load_tiny_cnn",
    "mlp",
    "mnist_cnn",
    "perceptron",
    "small_resnet",
    "tiny_cnn",
]

# Each makes a network for ``classes``, ``input_shape`` and ``rng``.
MODELS: dict[str, Callable[..., Sequential]] = {
    function.__name__: function
    for function in (perceptron, mlp, lenet5, mnist_cnn, tiny_cnn, small_resnet)
}
