"""Which places of an input a model's answer depends on: numbers, without a figure.

The model is left as it was: it runs in evaluation mode in this thread alone, and no gradient of
a parameter is touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.autograd.engine import backward_pass, recording
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array, as_count, as_number, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, GradientError, brief, sentence
from neural_network.layers.hooks import watching
from neural_network.layers.layer import Layer
from neural_network.public import public
from neural_network.visual.inputs import (
    CONVOLUTIONS,
    as_class,
    as_input,
    as_model,
    as_one_picture,
    check_scores,
    noted,
    probabilities_of,
)
from neural_network.visual.map_cells import cells_of, enlarged

# Pictures with a hidden part that are predicted together.
ROWS_AT_ONCE = 256


@public(top_level=False)
@explains_calls
@silent
def saliency(model: Layer, image: ArrayLike, *, target: int | None = None) -> Array:
    """Return how much each number of an input changes a score: ``|∂ score / ∂ image|``.

    Args:
        model: a built model that gives a row of scores for each input.
        image: one input: (C, H, W), or (H, W) for a single channel, or features.
        target: the class whose score is differentiated; None for that of the largest one.

    Returns:
        The shape of one input of the model, in its floating type, at least 0.

    Raises:
        ArgumentError: a model that is not built, ``target`` out of range.
        ShapeError: an image that the model does not take, or a model that gives no scores.
        GradientError: inside ``no_grad``, or the score does not depend on the image.
        DTypeError: an argument of the wrong kind.

    Source: Simonyan, Vedaldi and Zisserman, "Deep Inside Convolutional Networks",
    arXiv 1312.6034, section 3.

    >>> model = Sequential(Dense(2)).initialize((3,), rng=0)
    >>> model[0].weight = [[1, 0], [-2, 0], [3, 5]]
    >>> visual.saliency(model, [1.0, 1.0, 1.0], target=0)
    array([1., 2., 3.], dtype=float32)
    """
    return saliency_for("saliency", model, image, target)


def saliency_for(function: str, model: Layer, image: ArrayLike, target: int | None) -> Array:
    """Compute ``saliency`` for another function, which the errors name."""
    found = as_model(function, model)
    inputs = as_input(function, "image", image, found, hint=function == "saliency")
    X, score, _ = _scored(function, found, inputs, target)
    slopes: Array = np.abs(_gradient(function, score, X)[0])
    return slopes


@public(top_level=False)
@explains_calls
@silent
def grad_cam(
    model: Layer,
    image: ArrayLike,
    *,
    target: int | None = None,
    layer: Layer | int | str | None = None,
) -> Array:
    """Return where the maps of a convolution speak for a class: ``relu(Σ_k α_k A_k)``.

    ``α_k`` is the mean over all places of the gradient of the class's score for map ``A_k``.

    Args:
        model: a built model with a convolution, that gives a row of scores.
        image: one picture, (C, H, W), or (H, W) for a single channel.
        target: the class; None for that of the largest score.
        layer: whose maps are used: a layer of the model, its name or, in a ``Sequential``,
            its place; None for the last 2-D convolution.

    Returns:
        (H, W) of the picture, at least 0, in the model's floating type: the map, enlarged
        bilinearly. A cell of it lies in the middle of the pixels that it sees, so that
        convolutions without padding leave a border of 0; where a layer of one's own hides which
        pixels these are, the map is stretched over the whole picture.

    Raises:
        ArgumentError: a model without a convolution; a layer that is not in it, or that gives
            no maps (N, C, H, W); as ``saliency``.
        ShapeError, GradientError, DTypeError: as ``saliency``.

    Source: Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
    Gradient-based Localization", arXiv 1610.02391, equations 1 and 2.

    >>> model = models.tiny_cnn(rng=0)
    >>> visual.grad_cam(model, np.ones((28, 28)), target=3).shape
    (28, 28)
    """
    return grad_cam_for("grad_cam", model, image, target, layer)[0]


def grad_cam_for(
    function: str, model: Layer, image: ArrayLike, target: int | None, layer: Any
) -> tuple[Array, Array]:
    """Compute ``grad_cam`` for another function, which the errors name, and the signed map."""
    found = as_model(function, model)
    chosen = _layer_of(function, found, layer)
    inputs, picture = as_one_picture(function, "image", image, found, hint=function == "grad_cam")
    _, score, outputs = _scored(function, found, inputs, target, keep=chosen)
    if not outputs:
        received = f"a {type(chosen).__name__} that it does not call"
        raise ArgumentError(sentence(function, "layer", "one that the model calls", received))
    maps = outputs[-1]
    if maps.ndim != 4:
        received = f"a {type(chosen).__name__}, which gives shape {maps.shape}"
        raise ArgumentError(
            sentence(function, "layer", "one that gives maps (N, C, H, W)", received)
        )
    weights = _gradient(function, score, maps)[0].mean(axis=(1, 2))
    weighted = np.tensordot(weights, maps.data[0], axes=1)
    places = cells_of(found, chosen, inputs, weighted, picture.shape[2:])
    return enlarged(np.maximum(weighted, 0), places, picture.shape[2:]), weighted


@public(top_level=False)
@explains_calls
@silent
def occlusion(
    model: Layer,
    image: ArrayLike,
    *,
    target: int | None = None,
    size: int = 5,
    stride: int = 2,
    value: float = 0.0,
) -> Array:
    """Return by how much a class's probability falls when a square is hidden.

    A square of ``size`` pixels is moved over the picture, ``stride`` pixels at a time. A pixel
    gets the mean of the falls of all squares that hide it.

    Args:
        model: a built model that gives a row of scores.
        image: one picture, (C, H, W), or (H, W) for a single channel.
        target: the class; None for that of the largest score.
        size: of the square, in pixels.
        stride: pixels from one square to the next; the last one ends at the edge.
        value: that hides: 0 for black.

    Returns:
        (H, W) float64: probability without a square − mean probability with one; below 0
        where hiding makes the class more probable.

    Raises:
        ArgumentError: a square larger than the picture, a stride larger than the square,
            which would leave pixels out; as ``saliency``.
        ShapeError: an image that the model does not take or that has no height and width.
        DTypeError: an argument of the wrong kind.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks",
    arXiv 1311.2901, section 4.2.

    >>> visual.occlusion(models.tiny_cnn(rng=0), np.ones((28, 28)), size=14, stride=14).shape
    (28, 28)
    """
    return occlusion_for("occlusion", model, image, target, size, stride, value)


def occlusion_for(
    function: str,
    model: Layer,
    image: ArrayLike,
    target: int | None,
    size: int,
    stride: int,
    value: float,
) -> Array:
    """Compute ``occlusion`` for another function, which the errors name."""
    found = as_model(function, model)
    inputs, picture = as_one_picture(function, "image", image, found)
    height, width = picture.shape[2:]
    side = as_count(function, "size", size, maximum=min(height, width))
    step = as_count(function, "stride", stride, maximum=side)
    hiding = as_number(function, "value", value)
    corners = [
        (row, column)
        for row in _starts(height, side, step)
        for column in _starts(width, side, step)
    ]
    groups = [corners[at : at + ROWS_AT_ONCE] for at in range(0, len(corners), ROWS_AT_ONCE)]
    kind = picture.dtype if picture.dtype.kind == "f" else np.dtype(np.float64)
    outputs = [found.predict(inputs)]
    for group in noted(function, groups):
        hidden = np.repeat(picture.astype(kind), len(group), axis=0)
        for copy, (row, column) in zip(hidden, group, strict=True):
            copy[:, row : row + side, column : column + side] = hiding
        outputs.append(found.predict(hidden.reshape(len(hidden), *inputs.shape[1:])))
    before, *after = probabilities_of(check_scores(function, np.concatenate(outputs)))
    chosen = as_class(function, target, before)
    falls, times_hidden = np.zeros((height, width)), np.zeros((height, width))
    for (row, column), probabilities in zip(corners, after, strict=True):
        place = np.s_[row : row + side, column : column + side]
        falls[place] += before[chosen] - probabilities[chosen]
        times_hidden[place] += 1
    return falls / times_hidden


def _starts(length: int, side: int, step: int) -> list[int]:
    """Return where squares begin along an axis, so that every pixel is hidden."""
    last = length - side
    return sorted({*range(0, last + 1, step), last})


def _scored(
    function: str, model: Layer, inputs: Array, target: Any, *, keep: Layer | None = None
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Return the recorded input, the score of a class, and the outputs of a layer to keep."""
    if not recording():
        expected = "a call outside no_grad, which records nothing"
        raise GradientError(f"{function}: expected {expected}")
    X = Tensor(inputs.astype(model.dtype), requires_grad=True)
    kept: list[Tensor] = []

    def watcher(layer: Layer, _X: Any, out: Any) -> None:
        if layer is keep:
            kept.append(out)

    with model.in_mode(training=False), watching(watcher):
        outputs = model(X)
    check_scores(function, outputs)
    row = outputs.reshape(-1)
    return X, row[as_class(function, target, row.data)], kept


def _gradient(function: str, score: Tensor, of: Tensor) -> Array:
    """Return the gradient of a score; that of parameters is neither computed nor touched."""
    found = (
        backward_pass([score], [np.ones((), score.dtype)], [of], retain_graph=False)
        if score.requires_grad
        else {}
    )
    if id(of) not in found:
        expected = "a score that depends on it by recorded ops (this library's or NumPy's)"
        raise GradientError(f"{function}: image: expected {expected}, received one that does not")
    gradient: Array = found[id(of)][1]
    return gradient


def _layer_of(function: str, model: Layer, layer: Any) -> Layer:
    """Return the layer whose maps are used."""
    named = dict(model.named_layers())
    if layer is None:
        maps = [one for one in named.values() if isinstance(one, CONVOLUTIONS) and one.axes == 2]
        if not maps:
            expected = "a model with a 2-D convolution (or layer=, one that gives maps)"
            received = f"a {type(model).__name__} without one"
            raise ArgumentError(sentence(function, "model", expected, received))
        return maps[-1]
    if isinstance(layer, Layer):
        if any(one is layer for one in named.values()):
            return layer
        raise ArgumentError(
            sentence(function, "layer", "a layer of the model", f"another {type(layer).__name__}")
        )
    if isinstance(layer, int | str) and not isinstance(layer, bool):
        places: Sequence[str] = [key for key in named if key]
        key = str(layer)
        if isinstance(layer, int) and layer < 0:
            count = len(getattr(model, "layers", ()))
            key = str(count + layer)
        if key in named and key:
            return named[key]
        expected = f"one of {brief(list(places))}"
        raise ArgumentError(sentence(function, "layer", expected, brief(layer)))
    raise DTypeError(sentence(function, "layer", "a layer, its name or its place", brief(layer)))
