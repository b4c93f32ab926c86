"""Hints about the data that ``fit`` is given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from neural_network.advice import any_rows, channels_first, channels_seem_last, of_all_rows
from neural_network.checks import Array
from neural_network.datasets.augmentation.augment import Augment
from neural_network.datasets.augmentation.steps import Warping
from neural_network.errors import ShapeError
from neural_network.functional.activations import relu, sigmoid, softmax
from neural_network.functional.op import RULES
from neural_network.layers.convolution import Conv1D, Conv2D, Conv3D, DepthwiseConv2D
from neural_network.layers.dense import Dense
from neural_network.layers.layer import Layer
from neural_network.layers.outputs import origin
from neural_network.layers.places import place_of
from neural_network.layers.several import arrays_in
from neural_network.training.hints.trial import Entry, Term, Trial

CONVOLUTIONS = (Conv1D, Conv2D, Conv3D, DepthwiseConv2D)
# The mean size of inputs far from 1, where steps of a usual rate are too large; and of pixels that
# were divided by 255 twice.
FAR, TINY = 150.0, 0.005
# Numbers of such a size are no data of another unit: training ends with a sentence about them.
ABSURD = 1e18
# So many numbers in a row are pixels rather than single features.
FEWEST_PIXELS = 16
# Signals (n, L, C) are told by so few channels; by more, where L is so many times as large.
FEW_CHANNELS, MOST_CHANNELS, LONGER = 4, 16, 8
LOSSES_OF_NUMBERS = ("mse_loss", "l1", "huber")
LOSSES_OF_LABELS = (
    "softmax_cross_entropy", "nll", "hinge", "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
)  # fmt: skip
# Of two sets of rows that are scaled alike, no one is so many times as large as the other.
UNLIKE = 30.0
# What a hint advises, which another program may say in its own words.
HARDLY_ANY = (
    "were they divided by 255 twice? Standardise each feature: ({0} - {0}.mean()) / {0}.std()"
)
SCALED_ALIKE = "scale both alike, such as X{0} / 255 and X_validation{0} / 255"


def _size(array: Array) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(np.square(array.astype(np.float64))))) if array.size else 0.0


def unscaled_inputs(trial: Trial) -> str | None:
    """Inputs that are far from unit scale where they first meet weights."""
    return _first_found(_unscaled(trial, entry) for entry in trial.entries)


def _first_found(texts: Iterable[str | None]) -> str | None:
    return next((text for text in texts if text is not None), None)


def _unscaled(trial: Trial, entry: Entry) -> str | None:
    layer, X, code = entry.layer, entry.X, entry.code
    if not isinstance(layer, (Dense, *CONVOLUTIONS)) or not X.size:
        return None
    low, high = float(X.min()), float(X.max())
    place = place_of(trial.state.model, layer) + (f", from {entry.name}," if code != "X" else "")
    bytes_ = X.dtype == np.uint8 or (code == "X" and trial.rows.X.dtype == np.uint8)
    pixels = low >= 0 and 100 < high <= 255 and X[0].size >= FEWEST_PIXELS
    pixels = pixels or (bytes_ and high > 50)
    if pixels and bool(np.all(np.floor(X) == X)):
        return (
            f"{place} receives whole numbers from {low:.0f} to {high:.0f}, as pixels are in files: "
            "weights are made for numbers of about 1, so the steps are far too large and training "
            f"fails or is slow; scale them: {code}.astype('float32') / 255 (validation and test "
            "data likewise)"
        )
    size = _size(X)
    if FAR < size < ABSURD:
        return (
            f"{place} receives numbers of about {size:.3g} (from {low:.3g} to {high:.3g}): weights "
            "are made for numbers of about 1, so the steps are far too large; standardise each "
            f"feature: ({code} - {code}.mean(axis=0)) / {code}.std(axis=0), with the same numbers "
            "for validation and test data"
        )
    if 0 < max(abs(low), abs(high)) < TINY and low < high and X[0].size >= FEWEST_PIXELS:
        return (
            f"{place} receives numbers of at most {max(abs(low), abs(high)):.3g}, which weights "
            f"hardly react to: {HARDLY_ANY.format(code)}"
        )
    return None


# --- channels last ----------------------------------------------------------------------------


def channels_last(trial: Trial) -> str | None:
    """Pictures (N, H, W, C) where a convolution takes (N, C, H, W), and it fits by chance."""
    for layer, X, name, code, whole in trial.entries:
        if whole and _seem_last(layer, X.shape):
            return (
                f"{place_of(trial.state.model, layer)} takes {_as_taken(X.shape)} from {name} of "
                f"shape {any_rows(X.shape)}, whose channels seem to be the last axis; "
                f"{_moved(X.shape, code)}"
            )
    return None


@contextmanager
def explaining_inputs(model: Layer, X: Any) -> Iterator[None]:
    """Say in a ShapeError of the block where the channels of X seem to be last, and of how many.

    The model is tried on two rows: the error names n of them.

    Args:
        model: that is called.
        X: its input, or a tuple of several.
    """
    try:
        yield
    except ShapeError as error:
        convolutions = [layer for layer in model.all_layers() if isinstance(layer, CONVOLUTIONS)]
        text = str(error)
        for place, array in arrays_in(X) if type(X) is tuple else [("", X)]:
            text = of_all_rows(text, array.shape)
            # Of several inputs each may be that of any convolution.
            some = convolutions if place else convolutions[:1]
            seems = any(_seem_last(layer, array.shape, alone=False) for layer in some)
            if seems and place:  # the layer knows it as X
                text = text.replace("; X.transpose", f"; X{place}.transpose")
            if seems and "transpose" not in text:
                text += (
                    f"; the channels of X{place}, of shape {any_rows(array.shape)}, seem "
                    f"to be the last axis: {_moved(array.shape, f'X{place}')}"
                )
        error.args = (text,)
        raise


def _seem_last(layer: Layer, shape: tuple[int, ...], *, alone: bool = True) -> bool:
    """Return whether inputs of a convolution look like (N, …, C).

    Args:
        layer: the convolution.
        shape: of what it is given.
        alone: whether the shape is all there is to tell by; not, where an error says so, too.
    """
    if not isinstance(layer, CONVOLUTIONS) or len(shape) != layer.axes + 2:
        return False
    wide = layer.kernel_size[-1] > 1 or not alone
    if layer.axes == 1:
        # Of many channels it is said only where the series is many times as long.
        most = max(FEW_CHANNELS, min(MOST_CHANNELS, shape[1] // LONGER))
        return channels_seem_last(shape, 1, channels=tuple(range(1, most + 1))) and wide
    return channels_seem_last(shape, layer.axes) and (wide or shape[-1] > 1)


def _as_taken(shape: tuple[int, ...]) -> str:
    sizes = "×".join(map(str, shape[2:]))
    return f"{shape[1]} channels of {sizes}" + (" samples" if len(shape) == 3 else " pixels")


def _moved(shape: tuple[int, ...], code: str) -> str:
    first = ", ".join(map(str, (shape[-1], *shape[1:-1])))
    return f"{channels_first(code, shape, len(shape) - 2)} brings them to (n, {first})"


# --- targets ----------------------------------------------------------------------------------


def labels_of_one_class(trial: Trial) -> str | None:
    """Labels that are all the same; with a loss of classes, arrays of such raise."""
    if not all(parameter.requires_grad for parameter in trial.state.model.parameters()):
        return None  # as the generator is trained through a discriminator
    for name, _, place in trial.terms:
        labels = trial.feed.labels_at_hand(place) if name in LOSSES_OF_LABELS else []
        if not labels:
            continue
        only = labels[0].flat[0]
        if not any(y.size != len(y) or np.any(y != only) for y in labels):
            of = f" of y{place}" if place else ""
            return (
                f"all {sum(map(len, labels))} labels{of} are {only:g}: the network learns to "
                f"answer that, whatever it is shown; y{place} needs rows of each class (were the "
                "rows sorted before some of them were taken? X[order], y[order] with "
                "order = rng.permutation(len(X)) mixes them)"
            )
    return None


def huge_targets(trial: Trial) -> str | None:
    """Numbers to predict that are thousands of times as large as what the network returns."""
    for name, prediction, place in trial.terms:
        if name not in LOSSES_OF_NUMBERS:
            continue
        size, outputs = _size(_targets(trial, 256, place)), _size(prediction.data)
        if 1000 * max(1.0, outputs) <= size < ABSURD:
            y, of = f"y{place}", f" y{place}" if place else ""
            return (
                f"the targets{of} are of about {size:.3g} and the outputs of about {outputs:.2g}: "
                "many thousands of steps only bring them together; train with standardised "
                f"targets, t = ({y} - {y}.mean()) / {y}.std(), and turn predictions back: "
                f"p * {y}.std() + {y}.mean()"
            )
    return None


def _targets(trial: Trial, most: int, place: str) -> Array:
    """Return about so many of the targets at a place among several, "" for one array."""
    targets: Array = dict(arrays_in(trial.feed.spread(most).y))[place]
    return targets


# What ends in these functions lies in this range.
_RANGES = {RULES[sigmoid]: (0, 1), RULES[softmax]: (0, 1), RULES[relu]: (0, np.inf)}


def targets_out_of_reach(trial: Trial) -> str | None:
    """An activation at the end that cannot return the numbers to predict."""
    return _first_found(_out_of_reach(trial, term) for term in trial.terms)


def _out_of_reach(trial: Trial, term: Term) -> str | None:
    made = origin(term.prediction)
    if made is None or term.loss not in LOSSES_OF_NUMBERS:
        return None
    low, high = (-1, 1) if made.rule.name == "tanh" else _RANGES.get(made.rule, (-np.inf, np.inf))
    y = _targets(trial, 4096, term.place).astype(np.float64)
    spread = float(np.ptp(y))
    beyond = (y < low - 0.05 * max(1.0, spread)) | (y > high + 0.05)
    share = float(np.mean(beyond))
    if share < (0.2 if high == np.inf else 0.05):
        return None
    of = f" y{term.place}" if term.place else ""
    reach = f"{low} or more" if high == np.inf else f"from {low} to {high}"
    return (
        f"the model ends in {made.rule.name}{trial.place(made)}, which returns numbers {reach}; "
        f"the targets{of} go from {y.min():.3g} to {y.max():.3g}, {share:.0%} of them out of "
        "reach: leave the last activation out, or scale the targets"
    )


def targets_that_stay(trial: Trial) -> str | None:
    """An augmentation that moves the pixels of pictures whose targets are pictures, too."""
    augment, X, y = trial.state.augment, trial.rows.X, trial.rows.y
    steps = augment.steps if isinstance(augment, Augment) else (augment,)
    moving = [type(step).__name__ for step in steps if isinstance(step, Warping)]
    pictures = isinstance(X, np.ndarray) and isinstance(y, np.ndarray) and min(X.ndim, y.ndim) >= 3
    if not moving or not pictures or X.shape[-2:] != y.shape[-2:]:
        return None
    return (
        f"augment: {', '.join(moving)} moves the pixels of X, and y, which has the same height and "
        "width, stays as it is: the network learns to move them back; fit a function of the epoch "
        "whose batches are moved together: both = augment(np.concatenate([X, y], axis=1), rng)"
    )


# --- validation -------------------------------------------------------------------------------


def validation_of_other_scale(trial: Trial) -> str | None:
    """Validation data that were not scaled as the training data were, or the reverse."""
    if trial.held_out is None:
        return None
    step = max(1, trial.held_out.rows // 64)
    some = [trial.feed.spread(64).X, trial.held_out.at(slice(None, None, step)).X]
    for (place, of_own), (_, of_other) in zip(*map(arrays_in, some), strict=True):
        own, other = _size(of_own), _size(of_other)
        if min(own, other) == 0 or 1 / UNLIKE < own / other < UNLIKE or max(own, other) > ABSURD:
            continue
        return (
            f"the numbers of X{place} are of about {own:.3g}, and those of validation of about "
            f"{other:.3g}: the network is measured on inputs that it was not trained for; "
            f"{SCALED_ALIKE.format(place)}"
        )
    return None
