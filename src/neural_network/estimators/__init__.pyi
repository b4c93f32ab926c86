"""What type checkers and editors see of the package; written by ``make api``."""

from neural_network.estimators.convnet import (
    ConvNetClassifier as ConvNetClassifier,
    ConvNetRegressor as ConvNetRegressor,
)
from neural_network.estimators.features import Conv2DFeatures as Conv2DFeatures
from neural_network.estimators.mlp import (
    MLPClassifier as MLPClassifier,
    MLPRegressor as MLPRegressor,
)
from neural_network.estimators.trainers import (
    TrainerClassifier as TrainerClassifier,
    TrainerRegressor as TrainerRegressor,
)
