"""Where in a training a checkpoint stands, and whether a file's word for it can be true."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from math import isfinite
from typing import Any

from neural_network.errors import FileFormatError

# A batch's number is half of the place that its random numbers are drawn from.
MOST_BATCHES = 1 << 32
LARGEST = 1 << 63


def check_position(
    path: str, position: Any, measures: Collection[str], batches: int | None
) -> None:
    """Raise FileFormatError unless a training could stand at this position.

    Args:
        path: of the file, for the error.
        position: what the file holds, from JSON.
        measures: names of the sums of an epoch that has begun.
        batches: how many an epoch has, if that is known.
    """
    if not isinstance(position, dict):
        raise FileFormatError(f"{path}: damaged metadata: position is no table")
    for key, fits in _FITS.items():
        if key not in position or not fits(position[key]):
            received = repr(position[key])[:50] if key in position else "nothing"
            raise FileFormatError(f"{path}: damaged metadata: position: {key} is {received}")
    history, epoch, batch, rows = (position[key] for key in ("history", "epoch", "batch", "rows"))
    epochs = [len(numbers) for numbers in history.values()]
    if max(epochs, default=0) != epoch:
        _contradict(path, f"{epoch} epochs, and a history of {max(epochs, default=0)}")
    if batch > (MOST_BATCHES if batches is None else batches):
        _contradict(path, f"batch {batch}, and an epoch of {batches or MOST_BATCHES}")
    if rows < batch or (batch == 0) != (rows == 0):
        _contradict(path, f"{rows} rows in {batch} batches")
    missing = sorted(set(measures) - position["sums"].keys()) if batch else []
    if missing or (not batch and position["sums"]):
        _contradict(path, f"{batch} batches, and sums of {sorted(position['sums'])}")


def _contradict(path: str, what: str) -> None:
    raise FileFormatError(f"{path}: damaged metadata: position: {what}")


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < LARGEST


def _is_number(value: Any) -> bool:
    # A measure may be infinite or NaN; a whole number of JSON may be too large for a float.
    return type(value) is float or (type(value) is int and abs(value) < LARGEST)


def _are_measures(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(numbers, list) and all(map(_is_number, numbers)) for numbers in value.values()
    )


_FITS: dict[str, Callable[[Any], bool]] = {
    "epoch": _is_count,
    "batch": _is_count,
    "step": _is_count,
    "rows": _is_count,
    "sums": lambda value: isinstance(value, Mapping) and all(map(_is_number, value.values())),
    "stop": lambda value: type(value) is bool,
    "seed": lambda value: type(value) is int and value >= 0,
    "history": _are_measures,
    "seconds": lambda value: _is_number(value) and isfinite(value) and value >= 0,
}
