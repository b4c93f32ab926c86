"""What type checkers and editors see of the package; written by ``make api``."""

from neural_network.estimators.convnet import (
    ConvNetClassifier as ConvNetClassifier,
    ConvNetRegressor as ConvNetRegressor,
)
from neural_network.estimators.mlp import (
    MLPClassifier as MLPClassifier,
    MLPRegressor as MLPRegressor,
)
