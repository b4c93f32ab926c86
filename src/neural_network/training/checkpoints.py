"""Checkpoints: all that the next step of a training depends on, in a file."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from neural_network.array_files import json_in, read_format, write_arrays
from neural_network.checks import Array
from neural_network.describing import renamed
from neural_network.errors import (
    ArgumentError,
    DivergenceError,
    DTypeError,
    FileFormatError,
    sentence,
)
from neural_network.files import as_path, open_file
from neural_network.functional.finite import is_finite
from neural_network.layers.layer import Layer
from neural_network.layers.parameter import Parameter
from neural_network.layers.saving import (
    check_array_names,
    describe,
    describes,
    frozen_names,
    model_content,
    not_finite,
)
from neural_network.training.compared import check_same, compared, hint_frozen
from neural_network.training.divergence import SMALLER_STEPS
from neural_network.training.gathering import Gathered
from neural_network.training.optimizers import Optimizer
from neural_network.training.state import TrainingState

FORMAT = "neural-network-numpy checkpoint"
FORMAT_VERSION = "2"
# The first version had the history in its metadata, as text.
FIRST_VERSION = "1"
# A batch's number is half of the number that its random numbers are drawn from.
MOST_BATCHES = 1 << 32
LARGEST = 1 << 63


def save_checkpoint(state: TrainingState, path: str | os.PathLike[str]) -> None:
    """Write a training's state: model, optimizer, averages, callbacks, position, history.

    Raises:
        DivergenceError: the weights, their average or the optimizer's state are not finite; an
            old file is left as it is.
        FileWriteError: the file cannot be written; an old file is left as it is.
    """
    model_arrays, metadata = model_content("Checkpoint", state.model)
    parts: dict[str, Mapping[str, Any]] = {
        "model": model_arrays,
        "optimizer": state.optimizer.state(),
        "schedule": state.optimizer.schedule.state(),
        "history": state.history.arrays(),
        "gathered": state.gathered.state(),
    }
    if state.average is not None:
        parts["average"] = state.average.state()
    if wrong := _not_finite(state, parts):
        raise DivergenceError(
            f"Checkpoint: {wrong} after step {state.step}; "
            f"{os.fspath(path)} is left as it was; {SMALLER_STEPS}"
        )
    for place, callback in enumerate(state.callbacks_with_state()):
        parts[f"callback{place}"] = callback.state()
    arrays = {
        f"{part}.{name}": np.asarray(a)
        for part, found in parts.items()
        for name, a in found.items()
    }
    metadata |= {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "position": json.dumps(state.position()),
        "settings": json.dumps(compared(state)),
    }
    write_arrays(path, arrays, metadata, function="Checkpoint")


def _not_finite(state: TrainingState, parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what of a training is not finite, or "" if all is.

    Schedules and callbacks may hold infinity: the best loss before the first.
    """
    if wrong := not_finite(state.model):
        return f"{wrong}: the weights are not finite"
    for part in ("optimizer", "average"):
        for name, array in parts.get(part, {}).items():
            if not is_finite(np.asarray(array)):
                return f"the state of the {part} is not finite ({name})"
    return ""


def check_savable(state: TrainingState) -> None:
    """Raise before the training if its checkpoint could not be written after the first step.

    Raises:
        DTypeError: the model or the optimizer has an argument that JSON cannot hold.
    """
    json.dumps([describe(state.model), compared(state)])


@dataclass
class Restored:
    """The content of a checkpoint, checked against a training."""

    path: str
    parts: dict[str, dict[str, Array]]
    position: dict[str, Any]
    frozen: list[str]

    def put_into_callbacks(self, state: TrainingState) -> None:
        """Give the callbacks their state; if one of them refuses, all are as they were.

        Raises:
            FileFormatError: one of them refuses.
        """
        callbacks = state.callbacks_with_state()
        before = [dict(vars(callback)) for callback in callbacks]
        for place, callback in enumerate(callbacks):
            try:
                callback.load_state(self.parts.get(f"callback{place}", {}))
            except Exception as error:  # a callback may raise anything
                for other, attributes in zip(callbacks, before, strict=True):
                    vars(other).clear()
                    vars(other).update(attributes)
                name = type(callback).__name__
                text = f"{self.path}: not the state of {name} ({_described(error)})"
                raise FileFormatError(text) from error

    def put_into(self, state: TrainingState) -> None:
        """Set a training, whose optimizer was started, to the file's state."""
        state.memory.put(self.parts["model"])
        for name, parameter in state.memory.parameters.items():
            parameter.requires_grad = name not in self.frozen
        state.optimizer.load_state(self.parts["optimizer"])
        state.optimizer.schedule.load_state(self.parts.get("schedule", {}))
        if state.average is not None:
            state.average.load_state(self.parts["average"])
        state.go_to(self.position, self.parts["history"])
        state.gathered.load_state(self.parts.get("gathered", {}), self.position["rows"])


def read_checkpoint(
    state: TrainingState, path: str | os.PathLike[str], batches: int | None, epochs: int
) -> Restored:
    """Read a checkpoint for a training whose model is built; nothing is changed.

    Args:
        state: of a training with the same settings.
        path: the file.
        batches: how many an epoch has, if that is known.
        epochs: how many there are to be in the end.

    Raises:
        FileFormatError: damaged, no checkpoint, or of another model or training.
        ArgumentError: fewer ``epochs`` than it has trained.
        FileNotFoundError: there is no such file.
    """
    if isinstance(path, bool):
        expected = "the path of a file that Checkpoint(path) has written"
        raise DTypeError(sentence("fit", "resume", expected, f"{path}; resume='run.checkpoint'"))
    path = as_path("fit", "resume", path)
    try:
        open_file("fit", path, "a safetensors file", name="resume").close()
    except FileNotFoundError as error:
        cure = "the first run has none yet: resume=path if os.path.exists(path) else None"
        error.args = (f"{error}; {cure}",)
        raise
    arrays, metadata = read_format(
        path, FORMAT, FIRST_VERSION, FORMAT_VERSION, function="fit", require_checksum=True
    )
    if not describes(path, json_in(path, metadata, "architecture"), state.model):
        raise FileFormatError(f"{path}: the checkpoint of another model than {state.model!r}")
    theirs = json_in(path, metadata, "settings")
    if not isinstance(theirs, dict):
        raise FileFormatError(f"{path}: damaged metadata: settings is no table")
    if isinstance(optimizer := theirs.get("optimizer"), dict):
        ours = state.optimizer.settings()
        if isinstance(state.optimizer, Optimizer):
            theirs["optimizer"] = renamed(type(state.optimizer), optimizer, ours)
    frozen = frozen_names(path, metadata, state.model)
    before, state.frozen = state.frozen, theirs.setdefault("frozen", state.frozen)
    check_same(path, json.loads(json.dumps(compared(state))), theirs)
    parts = _by_part(arrays)
    position = json_in(path, metadata, "position")
    if metadata.get("format_version", FIRST_VERSION) == FIRST_VERSION:
        position, parts["history"] = _of_first_version(path, position)
    history = parts.setdefault("history", {})
    _check_position(path, position, history, {"loss", *state.metrics}, batches)
    begun = position["epoch"] + (position["batch"] > 0)
    if epochs < begun:
        expected = f"at least {begun}, which the checkpoint {path} has begun"
        raise ArgumentError(sentence("fit", "epochs", expected, epochs))
    if state.seed_given:
        check_same(path, {"rng": state.seed}, {"rng": position["seed"]})
    _check_model(path, state.model, parts.get("model", {}))
    try:
        _try_states(state, parts)
        Gathered(state.metrics).load_state(parts.get("gathered", {}), position["rows"])
    except Exception as error:  # an optimizer may raise anything
        text = f"{path}: the checkpoint of another training ({_described(error)})"
        raise FileFormatError(text) from error
    hint_frozen(before, state.frozen, frozen)
    return Restored(path, parts, position, frozen)


def _of_first_version(path: str, position: Any) -> tuple[Any, dict[str, Array]]:
    """Return a position of the first version as one of this version, and the history in it."""
    history: Any = position.get("history") if isinstance(position, dict) else None
    if not _are_measures(history):
        raise FileFormatError(f"{path}: damaged metadata: position: history is {history!r:.50}")
    counts = {}
    if isinstance(position.get("sums"), dict):
        counts = dict.fromkeys(position["sums"], position.get("rows"))
    position = {**position, "measures": list(history), "counts": counts}
    return position, {name: np.array(numbers, np.float64) for name, numbers in history.items()}


def _check_position(
    path: str,
    position: Any,
    history: Mapping[str, Array],
    measures: set[str],
    batches: int | None,
) -> None:
    """Raise FileFormatError unless a training can have this position.

    Args:
        path: of the file, for the error.
        position: what the file holds, from JSON.
        history: the measures by epoch that it holds.
        measures: names of the sums of an epoch that has begun.
        batches: how many an epoch has, if that is known.
    """
    damaged = f"{path}: damaged metadata: position"
    if not isinstance(position, dict):
        raise FileFormatError(f"{damaged} is no table")
    for key, fits in _FITS.items():
        if key not in position or not fits(position[key]):
            received = repr(position[key])[:50] if key in position else "nothing"
            raise FileFormatError(f"{damaged}: {key} is {received}")
    epoch, batch, rows = (position[key] for key in ("epoch", "batch", "rows"))
    if any(array.ndim != 1 or array.dtype != np.float64 for array in history.values()):
        raise FileFormatError(f"{path}: damaged: history: expected float64 in one dimension")
    epochs = max(map(len, history.values()), default=0)
    sums, most = set(position["sums"]), MOST_BATCHES if batches is None else batches
    names = sorted(position["measures"])
    for wrong, found in (
        (epochs != epoch, f"{epoch} epochs, and a history of {epochs}"),
        (batch > most, f"batch {batch}, and an epoch of {most}"),
        (rows < batch or (batch == 0) != (rows == 0), f"{rows} rows in {batch} batches"),
        (measures - sums if batch else sums, f"{batch} batches, and sums of {sorted(sums)}"),
        (sums != set(position["counts"]), f"sums of {sorted(sums)}, and other counts"),
        (names != sorted(history), f"the measures {names}, and a history of others"),
    ):
        if wrong:
            raise FileFormatError(f"{damaged}: {found}")


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < LARGEST


def _is_number(value: Any) -> bool:
    # A measure may be infinite or NaN; a whole number of JSON may be too large for a float.
    return type(value) is float or (type(value) is int and abs(value) < LARGEST)


def _are_numbers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_number, value.values()))


def _are_measures(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(numbers, list) and all(map(_is_number, numbers)) for numbers in value.values()
    )


_FITS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("epoch", "batch", "step", "rows"), _is_count),
    **dict.fromkeys(("sums", "counts"), _are_numbers),
    "stop": lambda value: type(value) is bool,
    "seed": lambda value: type(value) is int and value >= 0,
    "measures": lambda value: isinstance(value, list) and all(isinstance(v, str) for v in value),
    "seconds": lambda value: _is_number(value) and isfinite(value) and value >= 0,
}


def _check_model(path: str, model: Layer, arrays: Mapping[str, Array]) -> None:
    tensors = check_array_names(f"{path}: the checkpoint", model, arrays)
    for name, tensor in tensors.items():
        array = arrays[name]
        if array.shape != tensor.shape or array.dtype != tensor.dtype:
            raise FileFormatError(
                f"{path}: the checkpoint of another model: {name}: "
                f"expected {tensor.dtype} {tensor.shape}, received {array.dtype} {array.shape}"
            )
        finite = np.isfinite(array) if isinstance(tensor, Parameter) else ~np.isnan(array)
        if not finite.all():
            raise FileFormatError(f"{path}: damaged: {name} is not finite")


def _try_states(state: TrainingState, parts: Mapping[str, Mapping[str, Array]]) -> None:
    """Load the states into copies, so that errors are raised before anything is changed."""
    flat = state.model.flat_parameters()
    # A bound optimizer holds parts of the model, which need no copy.
    parts_of_model = [*state.model.all_layers(), *state.model.parameters()]
    optimizer = copy.deepcopy(state.optimizer, {id(part): part for part in parts_of_model})
    optimizer.start(flat)
    optimizer.load_state(parts["optimizer"])
    optimizer.schedule.load_state(parts.get("schedule", {}))
    if state.average is not None:
        average = copy.deepcopy(state.average)
        average.start(flat)
        average.load_state(parts["average"])


def _described(error: Exception) -> str:
    """Return an error's text, with its kind unless it is the library's own."""
    return str(error) if isinstance(error, ArgumentError) else f"{type(error).__name__}: {error}"


def _by_part(arrays: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    parts: dict[str, dict[str, Array]] = {}
    for name, array in arrays.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = array
    return parts
