"""Rules that turn gradients into steps, on flat buffers; they know nothing of layers."""

from __future__ import annotations

from neural_network.checks import as_choice
from neural_network.errors import DTypeError, sentence
from neural_network.training.optimizers.adaptive import Adagrad, Adam, AdamW, RMSprop
from neural_network.training.optimizers.base import Optimizer
from neural_network.training.optimizers.descent import SGD, Lion, momentum_update

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "Optimizer",
    "RMSprop",
    "as_optimizer",
    "momentum_update",
]

# Each has defaults, so that its name alone is enough.
OPTIMIZERS: dict[str, type[SGD | RMSprop | Adagrad | Adam | Lion]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
    "lion": Lion,
}


def as_optimizer(value: Optimizer | str) -> Optimizer:
    """Return an optimizer as it is, or make the one of this name with its defaults.

    Args:
        value: an ``Optimizer``, or a key of ``OPTIMIZERS``.

    Returns:
        An optimizer.

    Raises:
        ArgumentError: there is no such name.
        DTypeError: something else was given.

    >>> from neural_network.training import as_optimizer
    >>> as_optimizer("sgd")
    SGD(learning_rate=0.01, momentum=0.0, nesterov=False, weight_decay=0.0)
    """
    if isinstance(value, Optimizer):
        return value
    if isinstance(value, type):
        expected = f"an optimizer, such as {value.__name__}()"
        raise DTypeError(sentence("Trainer", "optimizer", expected, f"the class {value.__name__}"))
    return OPTIMIZERS[as_choice("Trainer", "optimizer", value, tuple(OPTIMIZERS))]()
