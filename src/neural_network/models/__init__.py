"""Small networks that are known, ready to train."""

from neural_network.models.convolutional import lenet5, mnist_cnn, small_resnet, tiny_cnn
from neural_network.models.dense import mlp, perceptron

__all__ = ["lenet5", "mlp", "mnist_cnn", "perceptron", "small_resnet", "tiny_cnn"]
