"""What turns gradients into learning: updates, learning rates, clipping, averages and metrics."""

from neural_network.training.averaging import ExponentialAverage
from neural_network.training.clipping import clip_by_norm, clip_by_value
from neural_network.training.metrics import ClassReport, accuracy, class_report, confusion_matrix
from neural_network.training.optimizers import (
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    Optimizer,
    RMSprop,
    as_optimizer,
    momentum_update,
)
from neural_network.training.schedules import (
    Cosine,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    StepDecay,
    WarmUp,
)

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "ClassReport",
    "Cosine",
    "ExponentialAverage",
    "Lion",
    "OneCycle",
    "Optimizer",
    "RMSprop",
    "ReduceOnPlateau",
    "Schedule",
    "StepDecay",
    "WarmUp",
    "accuracy",
    "as_optimizer",
    "class_report",
    "clip_by_norm",
    "clip_by_value",
    "confusion_matrix",
    "momentum_update",
]
