"""What type checkers and editors see of the package; written by ``make api``."""

from neural_network.training.averaging import ExponentialAverage as ExponentialAverage
from neural_network.training.callback_base import Callback as Callback
from neural_network.training.callbacks import (
    Checkpoint as Checkpoint,
    CSVLog as CSVLog,
    EarlyStopping as EarlyStopping,
    LearningRateFinder as LearningRateFinder,
)
from neural_network.training.clipping import (
    clip_by_norm as clip_by_norm,
    clip_by_value as clip_by_value,
)
from neural_network.training.compiling import compile_kernels as compile_kernels
from neural_network.training.history import History as History
from neural_network.training.interrupts import TrainingInterrupted as TrainingInterrupted
from neural_network.training.metrics import (
    ClassReport as ClassReport,
    accuracy as accuracy,
    class_report as class_report,
    confusion_matrix as confusion_matrix,
    top_k_accuracy as top_k_accuracy,
)
from neural_network.training.metrics_binary import (
    auc as auc,
    binary_accuracy as binary_accuracy,
    f1 as f1,
)
from neural_network.training.metrics_regression import mae as mae, r2 as r2
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
from neural_network.training.schedules import (
    Cosine as Cosine,
    OneCycle as OneCycle,
    ReduceOnPlateau as ReduceOnPlateau,
    Schedule as Schedule,
    StepDecay as StepDecay,
    WarmUp as WarmUp,
)
from neural_network.training.splitting import split as split
from neural_network.training.trainer import Trainer as Trainer
