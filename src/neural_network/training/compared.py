"""What has to be the same for a training to be resumed, and where it differs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from neural_network.errors import FileFormatError, give_hint
from neural_network.training.optimizers.groups import OptimizerGroups
from neural_network.training.state import TrainingState

# The parts of what ``fit`` was given, by their number: arrays; several of them; batches.
DATA = {
    4: ("X of shape", "X of type", "y of shape", "batch_size"),
    2: ("arrays", "batch_size"),
    1: ("batches",),
}


def compared(state: TrainingState) -> dict[str, Any]:
    """Return what has to be the same for a training to be resumed, as JSON holds it."""
    weights, optimizer = state.class_weights, state.optimizer
    groups = optimizer.names_in(state.model) if isinstance(optimizer, OptimizerGroups) else None
    if isinstance(weights, dict):
        weights = dict(sorted(weights.items()))  # their order has no meaning
    return {
        "optimizer": optimizer.settings(),
        "groups": groups,
        "loss": _named(state.loss),
        "metrics": list(state.metrics),
        "augment": _named(state.augment),
        "callbacks": [type(callback).__name__ for callback in state.callbacks_with_state()],
        "class_weights": weights.tolist() if isinstance(weights, np.ndarray) else repr(weights),
        "clip_norm": state.clip_norm,
        "clip_value": state.clip_value,
        "accumulate": state.accumulate,
        "average": None if state.average is None else state.average.decay,
        "data": state.feed_shape,
        "frozen": state.frozen,
        "validation": state.validation,
    }


def _named(value: object) -> str:
    """Name a function or an object by what is the same in another process."""
    if isinstance(value, partial):
        options = ", ".join(f"{key}={option!r}" for key, option in sorted(value.keywords.items()))
        return f"{_named(value.func)}({options})"
    if hasattr(value, "__name__"):
        return str(value.__name__)
    # The repr that a class inherits from ``object`` contains an address.
    own = type(value).__repr__ is not object.__repr__
    return repr(value) if own else type(value).__name__


def check_same(path: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """Raise FileFormatError where a checkpoint is of another training."""
    for name, value in ours.items():
        if theirs.get(name) != value:
            expected, received = repr(value), repr(theirs.get(name))
            if name == "data":
                expected, received = _differing(value, theirs.get(name))
            raise FileFormatError(
                f"{path}: the checkpoint of another training: {name}: "
                f"expected {expected}, received {received} from the checkpoint"
            )


def _differing(ours: list[Any], theirs: Any) -> tuple[str, str]:
    """Name what differs in the data: what this training has, what the checkpoint has."""
    names = DATA.get(len(ours))
    if names is None or not isinstance(theirs, list) or len(theirs) != len(ours):
        return repr(ours), repr(theirs)
    pairs = [
        (f"{name} {own!r}", f"{name} {other!r}")
        for name, own, other in zip(names, ours, theirs, strict=True)
        if own != other
    ]
    expected, received = zip(*pairs, strict=True)
    return ", ".join(expected), ", ".join(received)


def hint_frozen(frozen: list[str], begun: object, now: list[str]) -> None:
    """Warn of layers that are frozen, or not, by the checkpoint and not by the caller.

    Args:
        frozen: names of the parameters that are frozen in the model.
        begun: those in the beginning of the checkpoint's training; of layers that a callback
            unfreezes, the model may have either.
        now: those when the checkpoint was written.
    """
    if frozen in (begun, now):
        return
    changed = [name for name in now if name not in frozen]
    state = "frozen" if changed else "not frozen"
    names = ", ".join((changed or [name for name in frozen if name not in now])[:3])
    give_hint(
        f"fit: resume: by the checkpoint {names} is {state}, and by the model it is the other way: "
        f"it stays {state}; for a training of other layers call fit without resume=, which goes on "
        "with the weights as they are"
    )
