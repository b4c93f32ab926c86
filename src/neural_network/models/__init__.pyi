"""What type checkers and editors see of the package; written by ``make api``."""

from neural_network.models.catalogue import MODELS as MODELS
from neural_network.models.convolutional import (
    lenet5 as lenet5,
    mnist_cnn as mnist_cnn,
    small_resnet as small_resnet,
    tiny_cnn as tiny_cnn,
)
from neural_network.models.dense import mlp as mlp, perceptron as perceptron
from neural_network.models.pretrained import load_tiny_cnn as load_tiny_cnn
