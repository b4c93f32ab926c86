"""A training's state in a file: all that the next step depends on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.errors import FileFormatError
from neural_network.files import check_version, read_arrays, write_arrays
from neural_network.functional.checks import Array
from neural_network.layers.saving import model_content, model_from, put_arrays
from neural_network.training.history import History
from neural_network.training.schedules import Schedule

if TYPE_CHECKING:
    from neural_network.layers.layer import Layer
    from neural_network.training.trainer import Trainer

FORMAT = "neural-network-numpy checkpoint"
FORMAT_VERSION = "1"


def save_checkpoint(trainer: Trainer, path: str | os.PathLike[str]) -> None:
    """Write a trainer's state: model, optimizer, averages, callbacks, position, history.

    Raises:
        FileWriteError: the file cannot be written; an old one survives.
    """
    model_arrays, metadata = model_content("Checkpoint", trainer.model)
    parts: dict[str, Mapping[str, Array]] = {
        "model": model_arrays,
        "optimizer": trainer.optimizer.state(),
    }
    if trainer.average is not None:
        parts["average"] = trainer.average.state()
    if isinstance(trainer.optimizer.learning_rate, Schedule):
        parts["schedule"] = trainer.optimizer.learning_rate.state()
    for place, callback in enumerate(trainer.callbacks):
        parts[f"callback{place}"] = callback.state()
    arrays = {f"{part}.{name}": a for part, found in parts.items() for name, a in found.items()}
    position = {
        "epoch": trainer.epoch,
        "batch": trainer.batch,
        "step": trainer.step,
        "sums": trainer.sums,
        "stop": trainer.stop,
        "seed": trainer.seed,
        "history": dict(trainer.history),
        "seconds": trainer.history.seconds,
    }
    write_arrays(
        path,
        arrays,
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            **metadata,
            "position": json.dumps(position),
            "settings": json.dumps(trainer.settings()),
        },
    )


def load_checkpoint(trainer: Trainer, path: str | os.PathLike[str]) -> None:
    """Put a trainer where ``save_checkpoint`` left one.

    Raises:
        FileFormatError: damaged, no checkpoint, or of another model or training; the
            trainer is as it was.
        FileNotFoundError: there is no such file.
    """
    arrays, metadata = _read(path)
    ours = json.loads(model_content("Checkpoint", trainer.model)[1]["architecture"])
    if _json(path, metadata, "architecture") != ours:
        raise FileFormatError(f"{path}: the checkpoint of another model than {trainer.model!r}")
    theirs = _json(path, metadata, "settings")
    for name, value in trainer.settings().items():
        there = theirs.get(name) if isinstance(theirs, dict) else None
        if there != value:
            raise FileFormatError(
                f"{path}: the checkpoint of another training: {name}: "
                f"expected {value!r}, received {there!r}"
            )
    position = _json(path, metadata, "position")
    parts = _by_part(arrays)
    try:
        epoch, batch, step, seed = (int(position[k]) for k in ("epoch", "batch", "step", "seed"))
        sums = {str(name): float(number) for name, number in position["sums"].items()}
        history = History(position["history"], seed=seed)
        history.seconds = float(position["seconds"])
        put_arrays(path, trainer.model, parts.get("model", {}))
        trainer.optimizer.load_state(parts.get("optimizer", {}))
        if trainer.average is not None:
            trainer.average.load_state(parts.get("average", {}))
        for place, callback in enumerate(trainer.callbacks):
            callback.load_state(parts.get(f"callback{place}", {}))
        if isinstance(trainer.optimizer.learning_rate, Schedule):
            trainer.optimizer.learning_rate.load_state(parts.get("schedule", {}))
    except FileFormatError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileFormatError(f"{path}: a damaged checkpoint ({error})") from error
    trainer.epoch, trainer.batch, trainer.step, trainer.seed = epoch, batch, step, seed
    trainer.sums, trainer.history, trainer.stop = sums, history, bool(position.get("stop"))


def load_checkpoint_model(
    path: str | os.PathLike[str], layers: Mapping[str, type[Layer]] | None = None
) -> Layer:
    """Return the model of a checkpoint, as it was at that step.

    Args:
        path: the file.
        layers: name → class of layers that are not the library's own.

    Returns:
        The model, in evaluation mode.

    Raises:
        FileFormatError: damaged, no checkpoint, or with an unknown layer.
        FileNotFoundError: there is no such file.
    """
    arrays, metadata = _read(path)
    parts = _by_part(arrays)
    return model_from(os.fspath(path), parts.get("model", {}), metadata, layers or {})


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, str]]:
    arrays, metadata = read_arrays(path)
    kind = metadata.get("format")
    if kind != FORMAT:
        raise FileFormatError(f"{path}: expected a {FORMAT}, received {kind or 'another file'}")
    check_version(path, metadata, FORMAT_VERSION)
    return arrays, metadata


def _by_part(arrays: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    parts: dict[str, dict[str, Array]] = {}
    for name, array in arrays.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = np.asarray(array)
    return parts


def _json(path: str | os.PathLike[str], metadata: Mapping[str, str], key: str) -> Any:
    try:
        return json.loads(metadata[key])
    except (KeyError, ValueError, RecursionError) as error:
        raise FileFormatError(f"{path}: damaged metadata: {key} ({error})") from error
