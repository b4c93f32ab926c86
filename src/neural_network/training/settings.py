"""The settings of a training, checked: as given to the constructor, and as assigned since."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container
from typing import Any

from neural_network.checks import as_callable, as_count, as_flag, as_number
from neural_network.datasets.augmentation.steps import Augmentation
from neural_network.errors import ArgumentError, DTypeError, brief, no_model, sentence
from neural_network.layers.containers import Sequential
from neural_network.layers.layer import Layer
from neural_network.layers.randomness import as_seed
from neural_network.training.averaging import ExponentialAverage
from neural_network.training.callback_base import Callback
from neural_network.training.objectives import as_class_weights, as_loss, as_metrics, reduction_of
from neural_network.training.optimizers.groups import as_optimizers
from neural_network.training.signatures import check_takes
from neural_network.training.state import TrainingState, as_callbacks


def _as_model(_: TrainingState, value: Any) -> Layer:
    model = Sequential(value) if isinstance(value, list | tuple) else value
    if not isinstance(model, Layer):
        raise no_model("Trainer", value)
    return model


def _as_accumulate(state: TrainingState, value: Any) -> int:
    count = as_count("Trainer", "accumulate", value)
    if count > 1 and reduction_of(state.loss) == "sum":
        expected = "1 with a loss that is a sum, of which several batches make no mean"
        raise ArgumentError(sentence("Trainer", "accumulate", expected, value))
    return count


def _as_average(_: TrainingState, value: Any) -> ExponentialAverage | None:
    made = value is None or isinstance(value, ExponentialAverage)
    return value if made else ExponentialAverage(value)


def _as_limit(name: str) -> Callable[[TrainingState, Any], float | None]:
    return lambda _, value: None if value is None else as_number("Trainer", name, value, above=0)


def _as_augment(_: TrainingState, value: Any) -> Any:
    expected = "a function of (X, rng), or augmentations such as nn.Augment(nn.Flip(), nn.Shift(2))"
    if isinstance(value, list | tuple):
        received = brief(value, letters=60) + "; here: augment=nn.Augment(*augmentations)"
        raise DTypeError(sentence("Trainer", "augment", expected, received))
    if inspect.isclass(value) and issubclass(value, Augmentation):
        received = f"a class; with parentheses: nn.{value.__name__}(…)"
        raise DTypeError(sentence("Trainer", "augment", expected, received))
    if value is not None:
        check_takes("augment", as_callable("Trainer", "augment", value), "X", "rng")
    return value


# Name → function of the training and of what was given, in this order.
CHECKS: dict[str, Callable[[TrainingState, Any], Any]] = {
    "model": _as_model,
    "optimizer": lambda state, value: as_optimizers(value, state.model),
    "loss": lambda _, value: as_loss(value),
    "metrics": lambda state, value: as_metrics(value, state.loss),
    "callbacks": lambda _, value: as_callbacks(value, Callback),
    "seed": lambda _, value: as_seed(value),
    "augment": _as_augment,
    "class_weights": lambda state, value: as_class_weights(state.loss, value),
    "clip_norm": _as_limit("clip_norm"),
    "clip_value": _as_limit("clip_value"),
    "accumulate": _as_accumulate,
    "average": _as_average,
    "progress": lambda _, value: as_flag("Trainer", "progress", value),
}
# What has to be checked also where it is the same object: its content, or another setting,
# may have changed.
CHANGEABLE = ("callbacks", "class_weights", "accumulate")


def check_settings(state: TrainingState, again: Container[str] = ()) -> None:
    """Turn the settings that are new, and those named in ``again``, into what the loop uses.

    Raises:
        DTypeError, ArgumentError: a setting of the wrong kind or value.
    """
    known = state.checked
    for name, check in CHECKS.items():
        value = getattr(state, name)
        if name in again or name not in known or value is not known[name]:
            found = check(state, value)
            setattr(state, name, found)
            known[name] = found
    # Each ``fit`` begins with this state of a schedule that observes the training.
    key = state.optimizer, getattr(state.optimizer, "learning_rate", None)
    before = known.get("schedule")
    if before is None or before[0] is not key[0] or before[1] is not key[1]:
        known["schedule"] = (*key, state.optimizer.schedule.state())
