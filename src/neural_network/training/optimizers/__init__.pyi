"""What type checkers and editors see of the package; written by ``make api``."""

from neural_network.training.optimizers.adaptive import (
    Adagrad as Adagrad,
    Adam as Adam,
    AdamW as AdamW,
    RMSprop as RMSprop,
)
from neural_network.training.optimizers.base import (
    OPTIMIZERS as OPTIMIZERS,
    Optimizer as Optimizer,
    as_optimizer as as_optimizer,
)
from neural_network.training.optimizers.descent import (
    SGD as SGD,
    Lion as Lion,
    momentum_update as momentum_update,
)
from neural_network.training.optimizers.groups import OptimizerGroups as OptimizerGroups
