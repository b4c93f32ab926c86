"""A training's state in a file: all that the next step depends on."""

from __future__ import annotations

import copy
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.checks import Array
from neural_network.errors import ArgumentError, DivergenceError, FileFormatError
from neural_network.files import check_version, read_arrays, write_arrays
from neural_network.layers.layer import Layer
from neural_network.layers.saving import model_content, model_from
from neural_network.layers.settings import describe
from neural_network.training.data import is_finite
from neural_network.training.history import History
from neural_network.training.position import check_position
from neural_network.training.schedules import Schedule

if TYPE_CHECKING:
    from neural_network.training.callbacks import Callback
    from neural_network.training.trainer import Trainer

FORMAT = "neural-network-numpy checkpoint"
FORMAT_VERSION = "1"


def save_checkpoint(trainer: Trainer, path: str | os.PathLike[str]) -> None:
    """Write a trainer's state: model, optimizer, averages, callbacks, position, history.

    Raises:
        DivergenceError: weights that are not finite are worth no file; the old one survives.
        FileWriteError: the file cannot be written; the old one survives.
    """
    trainer.memory.take_up()
    if not is_finite(trainer.memory.flat):
        raise DivergenceError(
            f"Checkpoint: the weights are not finite after step {trainer.step}; "
            f"{os.fspath(path)} is left as it was; a smaller learning rate or clip_norm= may help"
        )
    model_arrays, metadata = model_content("Checkpoint", trainer.model)
    parts: dict[str, Mapping[str, Any]] = {
        "model": model_arrays,
        "optimizer": trainer.optimizer.state(),
    }
    if trainer.average is not None:
        parts["average"] = trainer.average.state()
    if isinstance(trainer.optimizer.learning_rate, Schedule):
        parts["schedule"] = trainer.optimizer.learning_rate.state()
    for place, callback in enumerate(_with_state(trainer)):
        parts[f"callback{place}"] = callback.state()
    arrays = {
        f"{part}.{name}": np.asarray(a)
        for part, found in parts.items()
        for name, a in found.items()
    }
    position = {
        "epoch": trainer.epoch,
        "batch": trainer.batch,
        "step": trainer.step,
        "rows": trainer.rows,
        "sums": trainer.sums,
        "stop": trainer.stop,
        "seed": trainer.seed,
        "history": dict(trainer.history),
        "seconds": trainer.history.seconds,
    }
    metadata |= {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "position": json.dumps(position),
        "settings": json.dumps(settings(trainer)),
    }
    write_arrays(path, arrays, {**metadata, "checksum": _checksum(arrays, metadata)})


def check_savable(trainer: Trainer) -> None:
    """Raise before the training if its checkpoint could not be written after the first step.

    Raises:
        DTypeError: the model or the optimizer has an argument that JSON cannot hold.
    """
    json.dumps([describe(trainer.model), settings(trainer)])


def settings(trainer: Trainer) -> dict[str, Any]:
    """Return what has to be the same for a training to go on, as JSON holds it."""
    weights = trainer.class_weights
    if isinstance(weights, dict):
        weights = dict(sorted(weights.items()))  # the order in which they were given says nothing
    return {
        "optimizer": trainer.optimizer.settings(),
        "loss": _named(trainer.loss),
        "metrics": list(trainer.metrics),
        "augment": _named(trainer.augment),
        "callbacks": [type(callback).__name__ for callback in _with_state(trainer)],
        "class_weights": weights.tolist() if isinstance(weights, np.ndarray) else repr(weights),
        "clip_norm": trainer.clip_norm,
        "clip_value": trainer.clip_value,
        "accumulate": trainer.accumulate,
        "average": None if trainer.average is None else trainer.average.decay,
        "data": trainer.feed_shape,
    }


def _with_state(trainer: Trainer) -> list[Callback]:
    """Return the callbacks that a training cannot go on without; others may come and go."""
    from neural_network.training.callbacks import Callback

    return [c for c in trainer.callbacks if type(c).state is not Callback.state]


def _named(value: object) -> str:
    """Name a function or an object by what is the same in another process."""
    if isinstance(value, partial):
        options = ", ".join(f"{key}={option!r}" for key, option in sorted(value.keywords.items()))
        return f"{_named(value.func)}({options})"
    if hasattr(value, "__name__"):
        return str(value.__name__)
    # Where a class writes no repr of its own, it tells an address.
    own = type(value).__repr__ is not object.__repr__
    return repr(value) if own else type(value).__name__


@dataclass
class Restored:
    """What a checkpoint holds, looked at and found to fit."""

    path: str
    parts: dict[str, dict[str, Array]]
    position: dict[str, Any]
    history: History
    frozen: list[str]

    def put_into_callbacks(self, trainer: Trainer) -> None:
        """Give the callbacks their state; if one of them refuses, all are as they were.

        Raises:
            FileFormatError: one of them refuses.
        """
        callbacks = _with_state(trainer)
        before = [dict(vars(callback)) for callback in callbacks]
        for place, callback in enumerate(callbacks):
            try:
                callback.load_state(self.parts.get(f"callback{place}", {}))
            except Exception as error:  # whatever it says to what it has not written
                for other, attributes in zip(callbacks, before, strict=True):
                    vars(other).clear()
                    vars(other).update(attributes)
                name = type(callback).__name__
                text = f"{self.path}: not the state of {name} ({_said(error)})"
                raise FileFormatError(text) from error

    def put_into(self, trainer: Trainer) -> None:
        """Put a trainer, whose optimizer has begun anew, where the file's one was."""
        trainer.memory.put(self.parts["model"])
        for name, parameter in trainer.memory.parameters.items():
            parameter.requires_grad = name not in self.frozen
        trainer.optimizer.load_state(self.parts["optimizer"])
        if isinstance(trainer.optimizer.learning_rate, Schedule):
            trainer.optimizer.learning_rate.load_state(self.parts.get("schedule", {}))
        if trainer.average is not None:
            trainer.average.load_state(self.parts["average"])
        trainer.history, trainer.seed = self.history, self.history.seed
        trainer.sums = dict(self.position["sums"])
        trainer.epoch, trainer.batch, trainer.step, trainer.rows = (
            self.position[key] for key in ("epoch", "batch", "step", "rows")
        )
        trainer.stop = self.position["stop"]


def read_checkpoint(
    trainer: Trainer, path: str | os.PathLike[str], batches: int | None
) -> Restored:
    """Read a checkpoint for a trainer whose model is built; nothing in the trainer changes.

    Args:
        trainer: of the same settings.
        path: the file.
        batches: how many an epoch has, if that is known.

    Raises:
        FileFormatError: damaged, no checkpoint, or of another model or training.
        FileNotFoundError: there is no such file.
    """
    path = os.fspath(path)
    arrays, metadata = _read(path)
    if _json(path, metadata, "architecture") != json.loads(json.dumps(describe(trainer.model))):
        raise FileFormatError(f"{path}: the checkpoint of another model than {trainer.model!r}")
    theirs = _json(path, metadata, "settings")
    if not isinstance(theirs, dict):
        raise FileFormatError(f"{path}: damaged metadata: settings is no table")
    for name, value in json.loads(json.dumps(settings(trainer))).items():
        if theirs.get(name) != value:
            raise FileFormatError(
                f"{path}: the checkpoint of another training: {name}: "
                f"expected {value!r}, received {theirs.get(name)!r}"
            )
    position = _json(path, metadata, "position")
    check_position(path, position, ("loss", *trainer.metrics), batches)
    if trainer.seed_given and position["seed"] != trainer.seed:
        raise FileFormatError(
            f"{path}: the checkpoint of another training: rng: "
            f"expected {trainer.seed}, received {position['seed']}"
        )
    frozen = _json(path, metadata, "frozen")
    names = [name for name, _ in trainer.model.named_parameters()]
    if not isinstance(frozen, list) or not all(name in names for name in frozen):
        raise FileFormatError(f"{path}: damaged metadata: frozen names no parameters")
    parts = _by_part(arrays)
    _check_model(path, trainer.model, parts.get("model", {}))
    try:
        _try_states(trainer, parts)
    except Exception as error:  # whatever an optimizer says to what it has not written
        text = f"{path}: the checkpoint of another training ({_said(error)})"
        raise FileFormatError(text) from error
    history = History(position["history"], seed=position["seed"])
    history.seconds = float(position["seconds"])
    return Restored(path, parts, position, history, frozen)


def load_checkpoint_model(
    path: str | os.PathLike[str], layers: Mapping[str, type[Layer]] | None = None
) -> Layer:
    """Return the model of a checkpoint, as it was at that step.

    Args:
        path: the file.
        layers: name → class of layers that are not the library's own.

    Returns:
        The model, in evaluation mode; without the average of its weights.

    Raises:
        FileFormatError: damaged, no checkpoint, or with an unknown layer.
        FileNotFoundError: there is no such file.
    """
    arrays, metadata = _read(path)
    return model_from(os.fspath(path), _by_part(arrays).get("model", {}), metadata, layers or {})


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, str]]:
    arrays, metadata = read_arrays(path)
    kind = metadata.get("format")
    if kind != FORMAT:
        raise FileFormatError(f"{path}: expected a {FORMAT}, received {kind or 'another file'}")
    check_version(path, metadata, FORMAT_VERSION)
    if metadata.pop("checksum", None) != _checksum(arrays, metadata):
        raise FileFormatError(f"{path}: damaged: its checksum does not fit what it holds")
    return arrays, metadata


def _checksum(arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> str:
    """Return a number that changes with any bit: a file's arrays may be damaged unseen."""
    value = zlib.crc32(repr(sorted(metadata.items())).encode())
    for name, array in sorted(arrays.items()):
        value = zlib.crc32(f"{name} {array.dtype.name} {array.shape}".encode(), value)
        value = zlib.crc32(np.ascontiguousarray(array).data, value)
    return str(value)


def _check_model(path: str, model: Layer, arrays: Mapping[str, Array]) -> None:
    tensors = dict([*model.named_parameters(), *model.named_buffers()])
    if tensors.keys() != arrays.keys():
        odd = sorted(tensors.keys() ^ arrays.keys())[0]
        whose = "is missing in the file" if odd in tensors else "is not in the model"
        raise FileFormatError(f"{path}: the checkpoint of another model: {odd} {whose}")
    for name, tensor in tensors.items():
        array = arrays[name]
        if array.shape != tensor.shape or array.dtype != tensor.dtype:
            raise FileFormatError(
                f"{path}: the checkpoint of another model: {name}: "
                f"expected {tensor.dtype} {tensor.shape}, received {array.dtype} {array.shape}"
            )
        if tensor.requires_grad and not is_finite(array):
            raise FileFormatError(f"{path}: damaged: {name} is not finite")


def _try_states(trainer: Trainer, parts: Mapping[str, Mapping[str, Array]]) -> None:
    """Load the states into copies, so that what does not fit is found before anything moves."""
    flat = trainer.model.flat_parameters()
    optimizer = copy.deepcopy(trainer.optimizer)
    optimizer.start(flat)
    optimizer.load_state(parts["optimizer"])
    if isinstance(optimizer.learning_rate, Schedule):
        optimizer.learning_rate.load_state(parts.get("schedule", {}))
    if trainer.average is not None:
        average = copy.deepcopy(trainer.average)
        average.start(flat)
        average.load_state(parts["average"])


def _said(error: Exception) -> str:
    """Return what an error says, and its kind where that alone would say too little."""
    return str(error) if isinstance(error, ArgumentError) else f"{type(error).__name__}: {error}"


def _by_part(arrays: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    parts: dict[str, dict[str, Array]] = {}
    for name, array in arrays.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = array
    return parts


def _json(path: str, metadata: Mapping[str, str], key: str) -> Any:
    try:
        return json.loads(metadata[key])
    except (KeyError, ValueError, RecursionError) as error:
        raise FileFormatError(f"{path}: damaged metadata: {key} ({error})") from error
