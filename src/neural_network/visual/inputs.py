"""From what the caller passed to models, pictures and labels that figures are made of."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from math import isqrt, prod
from os import PathLike
from time import perf_counter
from typing import Any, TypeVar
from unicodedata import category

import numpy as np
from numpy.typing import ArrayLike

from neural_network.advice import in_shape
from neural_network.autograd.guards import unrecorded
from neural_network.checks import Array, as_count, as_names, as_real, check_not_empty
from neural_network.errors import ArgumentError, DTypeError, ShapeError, brief, sentence
from neural_network.functional.activations import sigmoid, softmax
from neural_network.layers.activation import Flatten
from neural_network.layers.containers import Sequential
from neural_network.layers.convolution import (
    Conv1D,
    Conv2D,
    Conv3D,
    ConvTranspose2D,
    DepthwiseConv2D,
)
from neural_network.layers.layer import Layer
from neural_network.layers.pixels import look_at_pixels
from neural_network.layers.several_inputs import check_one_input
from neural_network.terminal import is_terminal, write_line

Item = TypeVar("Item")
CONVOLUTIONS = (Conv1D, Conv2D, Conv3D, DepthwiseConv2D, ConvTranspose2D)
# Work that takes longer than this shows its progress.
SECONDS_IN_SILENCE = 1.0
SECONDS_BETWEEN_LINES = 5.0
# Rows that are predicted between two looks at the clock.
ROWS = 1024


def as_model(
    function: str, model: Any, name: str = "model", shape: tuple[int, ...] = (1, 28, 28)
) -> Layer:
    """Return a model that is built; ``shape`` is that of one input, for the sentence."""
    if not isinstance(model, Layer):
        raise DTypeError(
            sentence(function, name, f"a model or layer{no_model(model)}", brief(model))
        )
    if not model.built or model.input_shape is None:
        expected = f"a model that is built (model.initialize({shape}) builds it, or training)"
        kept = model._kept()
        received = f"one without an input shape{kept}" if kept else "one without parameters"
        raise ArgumentError(sentence(function, name, expected, received))
    return model


def no_model(value: Any) -> str:
    """Return how what was given in place of a model leads to one."""
    if isinstance(value, type):
        return " (a class was given: call it)"
    return " (nn.load(path) reads one)" if isinstance(value, str | PathLike) else ""


def as_numbers(function: str, name: str, value: ArrayLike) -> Array:
    """Return an array that is no tensor and not empty."""
    if isinstance(value, list | tuple) and not value:
        raise ShapeError(sentence(function, name, "at least one element", "an empty list"))
    array = as_real(function, name, unrecorded(function, name, value))
    check_not_empty(function, name, array)
    return array


def as_inputs(
    function: str, name: str, value: ArrayLike, model: Layer, *, hint: bool = False
) -> Array:
    """Return inputs (n, …) of a model; grey pictures need no axis for their one channel."""
    check_one_input(function, model)
    array, shape = as_numbers(function, name, value), model.input_shape or ()
    if array.ndim == len(shape) and len(shape) == 3 and shape[0] == 1:
        array = array[:, np.newaxis]
    if not _fits_flattened(model, array.shape[1:]):
        if array.ndim != len(shape) + 1:
            axes = ", ".join(("n", *map(str, shape)))
            received = f"shape {array.shape}{_cure(name, array, shape)}"
            raise ShapeError(sentence(function, name, f"shape ({axes})", received))
        check_channels(function, name, array.shape[1:], shape)
    if hint:
        look_at_pixels(model, array, function=function)
    return array


def as_input(
    function: str, name: str, value: ArrayLike, model: Layer, *, hint: bool = False
) -> Array:
    """Return a single input of a model, as a batch of one; ``hint`` where ``predict`` does not."""
    check_one_input(function, model)
    array, shape = as_numbers(function, name, value), model.input_shape or ()
    if array.ndim == len(shape) - 1 and len(shape) == 3 and shape[0] == 1:
        array = array[np.newaxis]
    if array.ndim == len(shape) + 1 and len(array) == 1:
        array = array[0]
    if not _fits_flattened(model, array.shape):
        if array.ndim != len(shape):
            received = f"shape {array.shape}"
            if array.ndim == len(shape) + 1 and (len(shape) > 1 or array.shape[1:] == shape):
                received += f"; {name}[0] is one"
            else:
                received += _cure(name, array[np.newaxis], shape)
            raise ShapeError(sentence(function, name, f"one input of shape {shape}", received))
        check_channels(function, name, array.shape, shape)
    if hint:
        look_at_pixels(model, array[np.newaxis], function=function)
    return array[np.newaxis]


def as_pictures(function: str, name: str, value: ArrayLike, model: Layer) -> Array:
    """Return inputs of a model that are pictures (N, C, H, W)."""
    inputs = as_inputs(function, name, value, model)
    return _with_channels(function, name, "pictures (N, C, H, W)", inputs, inputs.shape, model)


def as_one_picture(function: str, value: ArrayLike, model: Layer, *, hint: bool = False) -> Array:
    """Return a single input of a model that is a picture, as a batch of one (1, C, H, W)."""
    found = as_input(function, "image", value, model, hint=hint)
    return _with_channels(function, "image", "a picture (C, H, W)", found, found.shape[1:], model)


def _with_channels(
    function: str, name: str, expected: str, inputs: Array, shown: tuple[int, ...], model: Layer
) -> Array:
    if inputs.ndim == 3 and _flattens(model):
        return inputs[:, np.newaxis]
    if inputs.ndim != 4:
        received = f"shape {shown}{_wrapped(_square(inputs.shape[1:]))}"
        raise ShapeError(sentence(function, name, expected, received))
    return inputs


def _flattens(model: Layer) -> bool:
    """Return whether the first layer of a model is ``Flatten``."""
    first: Any = model
    while isinstance(first, Sequential):
        first = first.layers[0]
    return isinstance(first, Flatten)


def _fits_flattened(model: Layer, shape: tuple[int, ...]) -> bool:
    """Return whether a model that was built for rows, or (H, W), takes pictures of a shape too.

    One that begins with ``Flatten`` takes each shape of as many numbers, and keeps the shape that
    it was called with first, which may be that of an array without channels.
    """
    built = model.input_shape or ()
    return (
        _flattens(model) and len(built) < 3 and 2 <= len(shape) <= 3 and prod(shape) == prod(built)
    )


def _cure(name: str, array: Array, shape: tuple[int, ...]) -> str:
    """Return what makes an array (n, …) an input of a model, or the model one of such inputs."""
    if len(shape) == 1 and array.ndim in (3, 4) and prod(array.shape[1:]) == shape[0]:
        return _wrapped((1, *array.shape[1:])[-3:])
    return in_shape(name, array, (len(array), *shape)) if array.ndim > 1 else ""


def _square(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the shape of a square picture of so many numbers in a row, if there is one."""
    side = isqrt(prod(shape))
    return (1, side, side) if len(shape) == 1 and side * side == prod(shape) and side > 1 else None


def _wrapped(shape: tuple[int, ...] | None) -> str:
    """Return the line that makes a model of rows one of pictures."""
    if shape is None:
        return ""
    line = f"nn.Sequential(nn.Flatten(), model).initialize({shape})"
    return f"; {line} takes pictures of shape {shape}, with the weights of model"


def check_channels(
    function: str, name: str, found: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    """Raise ShapeError unless an input has the channels, or the features, of a model."""
    if len(expected) == 3 and found[0] == expected[0]:
        return  # the model itself knows which heights and widths it can take
    if len(expected) < 3 and found == expected:
        return
    if len(expected) == 2 and found[-1] == expected[-1]:
        return
    hint = ""
    if len(expected) == 3 and found[-1] == expected[0]:
        hint = f"; np.moveaxis({name}, -1, -3) puts the channels first"
    received = f"shape {found}{hint}"
    raise ShapeError(sentence(function, name, f"shape {expected} for each input", received))


def as_labels(function: str, labels: ArrayLike, rows: int, classes: int) -> Array:
    """Return (rows,) whole class numbers from 0 to classes − 1."""
    array = as_numbers(function, "labels", labels)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (rows,):
        received = f"shape {array.shape}"
        if array.shape == (rows, classes):
            received += "; labels.argmax(axis=1) are the class numbers"
        raise ShapeError(
            sentence(function, "labels", f"a class number for each of {rows}", received)
        )
    if array.dtype.kind == "f" and not np.all(array == np.floor(array)):
        raise DTypeError(
            sentence(function, "labels", "whole class numbers", f"dtype {array.dtype}")
        )
    wrong = (array < 0) | (array >= classes)
    if wrong.any():
        place = int(np.argmax(wrong))
        expected = f"class numbers from 0 to {classes - 1}"
        received = f"{array[place]:g} in place {place}"
        raise ArgumentError(sentence(function, "labels", expected, received))
    return array.astype(int)


def drawable(text: str) -> str:
    """Return a text with ? for what cannot be drawn: control characters, what is no Unicode."""
    text = text.encode("utf-8", "replace").decode()
    return "".join("?" if category(c) == "Cc" and c != "\n" else c for c in text)


def as_class_names(function: str, names: Any, classes: int, name: str = "class_names") -> list[str]:
    """Return a name for each class; their numbers if there are none."""
    found = as_names(function, name, range(classes) if names is None else names)
    if len(found) != classes:
        raise ShapeError(sentence(function, name, f"{classes} names", f"{len(found)}"))
    return [drawable(text) for text in found]


def as_class(function: str, value: Any, scores: Array) -> int:
    """Return the output to explain: a class number, or for None that of the largest score."""
    if value is None:
        return int(np.argmax(scores))
    return as_count(function, "target", value, minimum=0, maximum=len(scores) - 1)


def short_names(names: Sequence[str], letters: int) -> list[str]:
    """Return names of limited length, for captions."""
    return [name if len(name) <= letters else f"{name[: letters - 1]}…" for name in names]


def shortenings(name: str) -> list[str]:
    """Return a name, then with fewer and fewer letters, of which a few tell the class.

    >>> from neural_network.visual.inputs import shortenings
    >>> shortenings("apple"), shortenings("strawberries")[2:]
    (['apple', 'apple', 'apple', 'apple', 'app.'], ['strawberries', 'strawb…', 'str.'])
    """
    shorter = [short_names([name], most)[0] for most in (21, 13, 7)]
    return [name, *shorter, name if len(name) <= 4 else f"{name[:3]}."]


def check_scores(function: str, outputs: Array) -> Array:
    """Return outputs (n, k); raise ShapeError where the model gives no row of numbers."""
    if outputs.ndim == 1:
        outputs = outputs[:, np.newaxis]
    if outputs.ndim != 2:
        received = f"outputs of shape {outputs.shape[1:]} for each"
        raise ShapeError(sentence(function, "model", "a row of scores for each input", received))
    return outputs


def predicted(function: str, model: Layer, inputs: Array) -> Array:
    """Return the outputs of a model, showing the progress where it takes long."""
    parts = [
        model.predict(inputs[start : start + ROWS])
        for start in noted(function, range(0, len(inputs), ROWS))
    ]
    return np.concatenate(parts)


def probabilities_of(outputs: Array) -> Array:
    """Return (n, k) probabilities of outputs (n, k): these themselves if they are, else softmax.

    A single output is the probability of class 1 of two, or its logit.
    """
    values = np.asarray(outputs, dtype=float)
    inside = bool(np.all((values >= 0) & (values <= 1)))
    if values.shape[1] == 1:
        ones = values if inside else sigmoid(values)
        return np.concatenate([1 - ones, ones], axis=1)
    if inside and np.allclose(values.sum(axis=1), 1, atol=1e-3):
        return values
    return np.asarray(softmax(values))


def noted(function: str, items: Sequence[Item]) -> Iterator[Item]:
    """Yield items, and from one second on write to standard error how many are done."""
    begun = perf_counter()
    shown = begun + SECONDS_IN_SILENCE - SECONDS_BETWEEN_LINES
    wrote = False
    for done, item in enumerate(items):
        now = perf_counter()
        live = wrote and is_terminal(sys.stderr)
        if done and now - shown >= (0.2 if live else SECONDS_BETWEEN_LINES):
            shown = now
            _write(f"{function}: {done} of {len(items)}", last=False)
            wrote = True
        yield item
    if wrote:
        _write(f"{function}: {len(items)} of {len(items)}", last=True)


def _write(line: str, *, last: bool) -> None:
    """Write a line in the place of the one before on a terminal, else below it."""
    if not is_terminal(sys.stderr):
        write_line(sys.stderr, line)
        return
    try:
        sys.stderr.write(f"\r{line}" + ("\n" if last else ""))
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # a line only tells of the work, which goes on without it
