"""What turns gradients into learning: parameter updates and metrics."""

from neural_network.training.metrics import accuracy
from neural_network.training.optimizers import momentum_update

__all__ = ["accuracy", "momentum_update"]
