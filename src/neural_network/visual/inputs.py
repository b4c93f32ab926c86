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

from neural_network.checks import Array, as_count, as_names, as_real, check_not_empty
from neural_network.errors import ArgumentError, DTypeError, ShapeError, brief, sentence, too_deep
from neural_network.functional.activations import sigmoid, softmax
from neural_network.functional.labels import of_wide_type
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
from neural_network.lifting import array_under
from neural_network.terminal import is_terminal, write_line

Item = TypeVar("Item")
CONVOLUTIONS = (Conv1D, Conv2D, Conv3D, DepthwiseConv2D, ConvTranspose2D)
# Work that takes longer than this shows its progress.
SECONDS_IN_SILENCE = 1.0
SECONDS_BETWEEN_LINES = 5.0
# Pixels of the smallest square that flat numbers are taken for; fewer are features of a table.
LEAST_SIDE = 8
# Of an array of NumPy's.
MOST_AXES = 64
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
    if isinstance(value, str | PathLike):
        return " (nn.load(path) reads one)"
    if isinstance(value, np.ndarray | dict) or callable(value):
        return (
            " (of weights of your own: model = nn.Sequential(nn.Dense(h, 'relu'), nn.Dense(k))"
            ".initialize((inputs,)), then model[0].weight, model[0].bias = W1, b1)"
        )
    return ""


def as_plain(function: str, name: str, value: Any) -> Array:
    """Return an array; of tensors, also in a list, the numbers: a figure has no gradient."""
    try:
        value = array_under(value)
    except ArgumentError:  # nested too deep
        raise too_deep(function, name) from None
    if isinstance(value, Layer):
        cure = "visual.show_activations(model, image) shows what a model makes of a picture"
        received = f"the layer {type(value).__name__}; {cure}"
        raise DTypeError(sentence(function, name, "an array of numbers", received))
    return as_real(function, name, value)


def as_numbers(function: str, name: str, value: ArrayLike) -> Array:
    """Return an array that is not empty, likewise."""
    if isinstance(value, list | tuple) and not value:
        raise ShapeError(sentence(function, name, "at least one element", "an empty list"))
    array = as_plain(function, name, value)
    check_not_empty(function, name, array)
    return array


def as_inputs(
    function: str, name: str, value: ArrayLike, model: Layer, *, hint: bool = False
) -> Array:
    """Return inputs (n, …) of a model; see ``in_shape`` for what is given its shape."""
    check_one_input(function, model)
    array, shape = as_numbers(function, name, value), model.input_shape or ()
    array = in_shape(array, shape)
    if array.ndim != len(shape) + 1:
        axes = ", ".join(("n", *map(str, shape)))
        raise ShapeError(sentence(function, name, f"shape ({axes})", f"shape {array.shape}"))
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
    if array.ndim == MOST_AXES:  # NumPy's arrays have no more, and one is added here
        received = f"an array of {array.ndim} axes"
        raise ShapeError(sentence(function, name, f"one input, shape {shape}", received))
    (array,) = in_shape(array[np.newaxis], shape)
    if array.ndim and len(array) == 1:  # a batch of one
        (unpacked,) = in_shape(array, shape)
        array = unpacked if array.ndim > len(shape) or unpacked.shape == shape else array
    if array.ndim != len(shape):
        received = f"shape {array.shape}"
        if array.ndim == len(shape) + 1:
            received += f"; {name}[0] is one"
        raise ShapeError(sentence(function, name, f"one input of shape {shape}", received))
    check_channels(function, name, array.shape, shape)
    batch: Array = array[np.newaxis]
    if hint:
        look_at_pixels(model, batch, function=function)
    return batch


def in_shape(array: Array, shape: tuple[int, ...]) -> Array:
    """Return inputs (n, …) as a model of a shape takes them, where only the axes differ.

    These are pictures for a model of flat features, and the other way round; and grey pictures
    with or without an axis for their one channel.
    """
    found = array.shape[1:]
    flat = 1 in (len(shape), len(found)) or (len(found) == 2 and found[0] == 1)
    if prod(found) == prod(shape) and (flat or found == (1, *shape)) and found:
        return array.reshape(len(array), *shape)
    if len(shape) == 3 and shape[0] == 1 and len(found) == 2:
        return array[:, np.newaxis]  # of any height and width
    return array


def as_pictures(function: str, name: str, value: ArrayLike, model: Layer) -> tuple[Array, Array]:
    """Return inputs (n, …) of a model, and the pictures (n, C, H, W) that they are."""
    inputs = as_inputs(function, name, value, model)
    return inputs, pictures_of(function, name, inputs, np.shape(value)[1:])


def as_one_picture(
    function: str, name: str, value: ArrayLike, model: Layer, *, hint: bool = False
) -> tuple[Array, Array]:
    """Return a single input of a model, and the picture that it is, as batches of one."""
    inputs = as_input(function, name, value, model, hint=hint)
    return inputs, pictures_of(function, name, inputs, np.shape(value), one=True)


def pictures_of(
    function: str, name: str, inputs: Array, given: tuple[int, ...], *, one: bool = False
) -> Array:
    """Return inputs as pictures (n, C, H, W): flat ones have the shape they were given in.

    Args:
        function: of the user's call, for errors.
        name: of its argument.
        inputs: of the model, (n, …).
        given: the shape of each, as the user gave it; flat ones of n² numbers are n × n pixels
            (n at least 8, the digits of scikit-learn).
        one: whether a single one was given.
    """
    shape = inputs.shape[1:]
    if len(shape) == 1:
        side = isqrt(shape[0])
        shape = tuple(given[1:] if one and len(given) > 1 and given[0] == 1 else given)
        if len(shape) == 1 and side >= LEAST_SIDE:
            shape = (side, side)
    if len(shape) == 2:
        shape = (1, *shape)
    fits = len(shape) == 3 and prod(shape) == prod(inputs.shape[1:])
    if not fits or (inputs.ndim == 2 and shape[-1] in (1, 3) and shape[0] not in (1, 3)):
        expected = "a picture (C, H, W)" if one else "pictures (N, C, H, W)"
        if inputs.ndim == 2:
            expected += ", of which the model gets the flat numbers"
        received = f"shape {given if one else (len(inputs), *given)}"
        raise ShapeError(sentence(function, name, expected, received))
    return inputs.reshape(len(inputs), *shape)


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
    array = of_wide_type(array)
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
    """Return names of limited length, for captions; different ones stay different.

    >>> from neural_network.visual.inputs import short_names
    >>> short_names(["strawberries", "apple"], 7)
    ['strawb…', 'apple']
    >>> short_names(["street-day", "street-night"], 7)
    ['str…day', 'str…ght']
    >>> short_names(["a red rose hip", "a red bird ship"], 5)
    ['…rose', '…bird']
    """
    long = [name for name in names if len(name) > letters]
    columns, end = zip(*long, strict=False), (letters - 1) // 2
    same = next((place for place, column in enumerate(columns) if len(set(column)) > 1), 0)
    short = {
        name: (
            f"{name[: letters - 1]}…",
            f"{name[: letters - 1 - end]}…{name[-end:]}",
            f"…{name[same : same + letters - 1]}",
        )
        for name in long
    }
    for way in range(3):
        found = [short[name][way] if name in short else name for name in names]
        if len(set(found)) == len(set(names)):
            return found
    return [short[name][0] if name in short else name for name in names]


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
