"""Figures of the places of a picture that a model's answer depends on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.layers.layer import Layer
from neural_network.public import public
from neural_network.visual.attribution import grad_cam_for, occlusion_for, saliency_for
from neural_network.visual.canvas import as_title, axes_grid, wrapped
from neural_network.visual.figures import (
    GREY,
    SIGNED,
    as_cmap,
    as_picture,
    in_bands,
    is_series,
    largest,
    plain,
)
from neural_network.visual.inputs import (
    as_class,
    as_class_names,
    as_model,
    as_one_picture,
    check_scores,
    probabilities_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEAT = "inferno"
# Of a heat map over a picture, at its largest number.
OPACITY = 0.75


@public(top_level=False)
@explains_calls
@silent
def show_saliency(
    model: Layer,
    image: ArrayLike,
    *,
    target: int | None = None,
    class_names: Any = None,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw a picture and how much each of its pixels changes a class's score.

    Of several channels, the largest number is drawn; see ``saliency``.

    Args:
        model: a built model that gives a row of scores for each picture.
        image: (C, H, W), or (H, W) for a single channel.
        target: the class; None for the predicted one.
        class_names: of all classes; None for their numbers.
        ax: matplotlib axes to draw on; None for a new figure.
        title: None for the class and its probability.
        cmap: a colormap for the numbers.

    Returns:
        The matplotlib figure: the picture, the numbers, and the numbers over the picture.
        ``figure.savefig(path)`` saves it; pyplot does not know it.

    Raises:
        ArgumentError, ShapeError, GradientError, DTypeError: as ``saliency``; a wrong ``ax``,
            ``title``, ``cmap`` or number of names.
        MissingDependencyError: matplotlib is not installed.

    >>> figure = show_saliency(models.tiny_cnn(rng=0), np.ones((28, 28)), target=3)
    >>> [axes.get_title() for axes in figure.axes[:3]]
    ['input', 'saliency', 'both']
    """
    name = "show_saliency"

    def compute(model: Layer, picture: Array, chosen: int) -> Array:
        slopes = saliency_for(name, model, picture, chosen).reshape(picture.shape)
        largest_of_channels: Array = slopes.max(axis=0)
        return largest_of_channels

    return _show(name, compute, model, image, target, class_names, ax, title, cmap)


@public(top_level=False)
@explains_calls
@silent
def show_grad_cam(
    model: Layer,
    image: ArrayLike,
    *,
    target: int | None = None,
    layer: Layer | int | str | None = None,
    class_names: Any = None,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw a picture and where the maps of a convolution speak for a class; see ``grad_cam``.

    Args:
        model: a built model with a convolution.
        image: (C, H, W), or (H, W) for a single channel.
        target: the class; None for the predicted one.
        layer: whose maps are used: a layer, its name or place; None for the last convolution.
        class_names: of all classes; None for their numbers.
        ax: matplotlib axes to draw on; None for a new figure.
        title: None for the class and its probability.
        cmap: a colormap for the numbers.

    Returns:
        The matplotlib figure: the picture, the numbers, and the numbers over the picture.
        ``figure.savefig(path)`` saves it; pyplot does not know it.

    Raises:
        ArgumentError: a model without a convolution; as ``grad_cam``.
        ShapeError, GradientError, DTypeError: as ``grad_cam``; a wrong ``ax``, ``title``,
            ``cmap`` or number of names.
        MissingDependencyError: matplotlib is not installed.

    >>> figure = show_grad_cam(models.tiny_cnn(rng=0), np.ones((28, 28)), target=3)
    >>> [axes.get_title() for axes in figure.axes[:3]]
    ['input', 'Grad-CAM', 'both']
    """
    name = "show_grad_cam"

    def compute(model: Layer, picture: Array, chosen: int) -> Array:
        heat, weighted = grad_cam_for(name, model, picture, chosen, layer)
        for_it, against = float(weighted.max()), float(-weighted.min())
        if 0 < for_it < LEAST_DROP * against:
            remarks.append(
                f"faint: at most {for_it:.2g} speaks for the class, up to {against:.2g} against it"
            )
        return heat

    remarks: list[str] = []
    return _show(name, compute, model, image, target, class_names, ax, title, cmap, remarks)


@public(top_level=False)
@explains_calls
@silent
def show_occlusion(
    model: Layer,
    image: ArrayLike,
    *,
    target: int | None = None,
    size: int = 5,
    stride: int = 2,
    value: float = 0.0,
    class_names: Any = None,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw a picture and how a class's probability falls when squares of it are hidden.

    Red is where hiding lowers the probability, blue where it raises it; see ``occlusion``.

    Args:
        model: a built model that gives a row of scores for each picture.
        image: (C, H, W), or (H, W) for a single channel.
        target: the class; None for the predicted one.
        size, stride, value: of the square, as in ``occlusion``.
        class_names: of all classes; None for their numbers.
        ax: matplotlib axes to draw on; None for a new figure.
        title: None for the class and its probability.
        cmap: a colormap for the numbers.

    Returns:
        The matplotlib figure: the picture, the numbers, and the numbers over the picture.
        ``figure.savefig(path)`` saves it; pyplot does not know it.

    Raises:
        ArgumentError, ShapeError, DTypeError: as ``occlusion``; a wrong ``ax``, ``title``,
            ``cmap`` or number of names.
        MissingDependencyError: matplotlib is not installed.

    >>> figure = show_occlusion(models.tiny_cnn(rng=0), np.ones((28, 28)), size=14, stride=7)
    >>> [axes.get_title() for axes in figure.axes[:3]]
    ['input', 'drop in probability', 'both']
    """
    name = "show_occlusion"

    def compute(model: Layer, picture: Array, chosen: int) -> Array:
        return occlusion_for(name, model, picture, chosen, size, stride, value)

    return _show(name, compute, model, image, target, class_names, ax, title, cmap)


# Of the bar of colours.
MEANINGS = {
    "show_saliency": "slope of the score",
    "show_grad_cam": "in favour of the class",
    "show_occlusion": "drop in probability",
}
LEAST_DROP = 0.1  # also of what speaks for a class, as a share of what speaks against it
# Of probabilities; below are the errors of float32.
LEAST_SCALE = 1e-5
# Where all numbers are 0, the picture of them is blank.
NOTHING = {
    "show_saliency": "no pixel changes the score",
    "show_grad_cam": "no map of this layer speaks for {}: all weighted sums are 0 or below",
    "show_occlusion": "no hidden square changes it",
}
PANELS = {
    "show_saliency": "saliency",
    "show_grad_cam": "Grad-CAM",
    "show_occlusion": "drop in probability",
}


def _show(
    function: str,
    compute: Callable[[Layer, Array, int], Array],
    model: Layer,
    image: ArrayLike,
    target: int | None,
    class_names: Any,
    ax: Any,
    title: str | None,
    cmap: Any,
    remarks: Sequence[str] = (),
) -> Figure:
    """Draw the picture, the numbers that are computed of it, and one over the other."""
    found = as_model(function, model)
    inputs, (pixels,) = as_one_picture(function, "image", image, found)
    as_title(function, title)
    as_cmap(function, cmap, HEAT)
    probabilities = probabilities_of(check_scores(function, found.predict(inputs)))[0]
    outputs = found.predict(inputs).shape[1]
    chosen = as_class(function, target, probabilities[:outputs] if outputs > 1 else np.ones(1))
    names = as_class_names(function, class_names, len(probabilities))
    heat = compute(found, pixels, chosen)
    shown = chosen if outputs > 1 else 1
    word = "predicted" if target is None else "class"
    heading = title
    if title is None:
        heading = f"{word} {names[shown]}, probability {probabilities[shown]:.1%}"
        if not np.any(heat):
            heading += "\n" + NOTHING[function].format(names[shown])
        elif function == "show_occlusion" and largest(heat) < LEAST_DROP:
            heading += f"\nno square changes it by more than {largest(heat):.2g}"
        heading = "\n".join([heading, *remarks])
    if is_series(pixels):  # its channels are bands, one panel below the other
        pixels, heat = in_bands(pixels), in_bands(heat)
        canvas = axes_grid(function, ax, heading, size=(8.0, 6.0), rows=3)
    else:
        canvas = axes_grid(function, ax, heading, size=(8.0, 3.0), columns=3)
    panels = canvas.flat
    signed = function == "show_occlusion"
    # Small drops are told in the title, and drawn; what only rounding changes has no colour.
    limit = max(largest(heat), LEAST_SCALE) if signed else largest(heat)
    scale: dict[str, Any] = {
        "cmap": as_cmap(function, cmap, SIGNED if signed else HEAT),
        "vmin": -limit if signed else 0,
        "vmax": limit,
    }
    picture = as_picture(pixels)
    for axes, label in zip(panels, ("input", PANELS[function], "both"), strict=True):
        axes.set_title(
            wrapped(label, canvas.inches[0] / (1 + len(canvas.grid[0])), canvas.medium),
            fontsize=canvas.medium,
        )
        plain(axes)
    panels[0].imshow(picture, cmap=GREY, vmin=0, vmax=1)
    drawn = panels[1].imshow(heat, **scale)
    grey = picture.mean(axis=-1) if picture.ndim == 3 else picture
    panels[2].imshow(grey, cmap=GREY, vmin=0, vmax=1.8 if signed else 1)  # white as grey
    # Small numbers are transparent, so that the picture below is visible.
    strength = np.nan_to_num(np.abs(heat) / limit, posinf=1).clip(0, 1)
    # Transparency shows how much; a pale or a dark colour would be lost on the picture.
    over = np.sign(heat) * 0.7 * limit if signed else heat
    panels[2].imshow(over, alpha=OPACITY * strength, **scale)
    canvas.bar(drawn, panels, MEANINGS[function])
    return canvas.figure
