"""Hints about the data that ``fit`` is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from neural_network.checks import Array
from neural_network.errors import ShapeError
from neural_network.functional.activations import relu, sigmoid, softmax
from neural_network.functional.op import RULES
from neural_network.layers.convolution import Conv1D, Conv2D, Conv3D, DepthwiseConv2D
from neural_network.layers.dense import Dense
from neural_network.layers.layer import Layer
from neural_network.layers.outputs import origin
from neural_network.layers.places import place_of
from neural_network.training.hints.trial import Trial
from neural_network.training.objectives import loss_name

CONVOLUTIONS = (Conv1D, Conv2D, Conv3D, DepthwiseConv2D)
# The mean size of inputs far from 1, where steps of a usual rate are too large; and of pixels that
# were divided by 255 twice.
FAR, TINY = 150.0, 0.005
# Numbers of such a size are no data of another unit: training ends with a sentence about them.
ABSURD = 1e18
# So many numbers in a row are pixels rather than single features.
FEWEST_PIXELS = 16
LOSSES_OF_NUMBERS = ("mse_loss", "l1", "huber")
LOSSES_OF_LABELS = (
    "softmax_cross_entropy", "nll", "hinge", "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
)  # fmt: skip
# Of two sets of rows that are scaled alike, no one is so many times as large as the other.
UNLIKE = 30.0


def _size(array: Array) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(np.square(array.astype(np.float64))))) if array.size else 0.0


def unscaled_inputs(trial: Trial) -> str | None:
    """Inputs that are far from unit scale where they first meet weights."""
    layer, X = trial.first or (None, np.zeros(0))
    if not isinstance(layer, (Dense, *CONVOLUTIONS)) or not X.size:
        return None
    place, low, high = place_of(trial.state.model, layer), float(X.min()), float(X.max())
    pixels = low >= 0 and 100 < high <= 255 and X[0].size >= FEWEST_PIXELS
    pixels = pixels or (trial.rows.X.dtype == np.uint8 and high > 50)
    if pixels and bool(np.all(np.floor(X) == X)):
        return (
            f"{place} receives whole numbers from {low:.0f} to {high:.0f}, as pixels are in files: "
            "weights are made for numbers of about 1, so the steps are far too large and training "
            "fails or is slow; scale them: X = X.astype('float32') / 255 (validation and test data "
            "likewise)"
        )
    size = _size(X)
    if FAR < size < ABSURD:
        return (
            f"{place} receives numbers of about {size:.3g} (from {low:.3g} to {high:.3g}): weights "
            "are made for numbers of about 1, so the steps are far too large; standardise each "
            "feature: X = (X - X.mean(axis=0)) / X.std(axis=0), with the same numbers for "
            "validation and test data"
        )
    if 0 < max(abs(low), abs(high)) < TINY and low < high and X[0].size >= FEWEST_PIXELS:
        return (
            f"{place} receives numbers of at most {max(abs(low), abs(high)):.3g}, which weights "
            "hardly react to: were they divided by 255 twice? Standardise each feature: "
            "X = (X - X.mean()) / X.std()"
        )
    return None


# --- channels last ----------------------------------------------------------------------------


def channels_last(trial: Trial) -> str | None:
    """Pictures (N, H, W, C) where a convolution takes (N, C, H, W), and it fits by chance."""
    layer, X = trial.first or (None, np.zeros(0))
    if layer is None or X.shape != trial.rows.X.shape or not _seem_last(layer, X.shape):
        return None
    place = place_of(trial.state.model, layer)
    return (
        f"{place} takes {_as_taken(X.shape)} from X of shape {_any_rows(X.shape)}, whose channels "
        f"seem to be the last axis; {_moved(X.shape)}"
    )


@contextmanager
def explaining_channels_last(model: Layer, X: Array) -> Iterator[None]:
    """Add to a ShapeError of the block that the channels of X seem to be last, where they do."""
    try:
        yield
    except ShapeError as error:
        first = next(
            (layer for layer in model.all_layers() if isinstance(layer, CONVOLUTIONS)), None
        )
        if first is not None and _seem_last(first, X.shape, alone=False):
            error.args = (
                f"{error}; the channels of X, of shape {_any_rows(X.shape)}, seem to be the last "
                f"axis: {_moved(X.shape)}",
            )
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
    *sizes, channels = shape[1:]
    wide = layer.kernel_size[-1] > 1 or not alone
    if layer.axes == 1:  # a signal of 4 samples and many channels is possible, but not convolved
        return channels in (1, 2, 3, 4) and sizes[0] >= 32 and wide
    if channels not in (1, 3, 4) or min(sizes) < 8 or max(sizes) > 2 * min(sizes):
        return False
    return wide or channels > 1


def _any_rows(shape: tuple[int, ...]) -> str:
    return f"(n, {', '.join(map(str, shape[1:]))})"


def _as_taken(shape: tuple[int, ...]) -> str:
    sizes = "×".join(map(str, shape[2:]))
    return f"{shape[1]} channels of {sizes}" + (" samples" if len(shape) == 3 else " pixels")


def _moved(shape: tuple[int, ...]) -> str:
    axes = (0, len(shape) - 1, *range(1, len(shape) - 1))
    return f"X.transpose{axes} brings them to (n, {shape[-1]}, {', '.join(map(str, shape[1:-1]))})"


# --- targets ----------------------------------------------------------------------------------


def labels_of_one_class(trial: Trial) -> str | None:
    """Labels that are all the same; with a loss of classes, arrays of such raise."""
    name, labels = loss_name(trial.state.loss), trial.feed.labels_at_hand()
    if name not in LOSSES_OF_LABELS or not labels:
        return None
    only = labels[0].flat[0]
    if any(y.size != len(y) or np.any(y != only) for y in labels):
        return None
    if not all(parameter.requires_grad for parameter in trial.state.model.parameters()):
        return None  # as the generator is trained through a discriminator
    return (
        f"all {sum(map(len, labels))} labels are {only:g}: the network learns to answer that, "
        "whatever it is shown; y needs rows of each class (were the rows sorted before some of "
        "them were taken? X[order], y[order] with order = rng.permutation(len(X)) mixes them)"
    )


def huge_targets(trial: Trial) -> str | None:
    """Numbers to predict that are thousands of times as large as what the network returns."""
    if loss_name(trial.state.loss) not in LOSSES_OF_NUMBERS:
        return None
    y, outputs = trial.feed.spread(256).y, _size(trial.outputs.data)
    size = _size(y)
    if not 1000 * max(1.0, outputs) <= size < ABSURD:
        return None
    return (
        f"the targets are of about {size:.3g} and the outputs of about {outputs:.2g}: many "
        "thousands of steps only bring them together; train with standardised targets, "
        "t = (y - y.mean()) / y.std(), and turn predictions back: p * y.std() + y.mean()"
    )


# What ends in these functions lies in this range.
_RANGES = {RULES[sigmoid]: (0, 1), RULES[softmax]: (0, 1), RULES[relu]: (0, np.inf)}


def targets_out_of_reach(trial: Trial) -> str | None:
    """An activation at the end that cannot return the numbers to predict."""
    made = origin(trial.outputs)
    if made is None or loss_name(trial.state.loss) not in LOSSES_OF_NUMBERS:
        return None
    low, high = (-1, 1) if made.rule.name == "tanh" else _RANGES.get(made.rule, (-np.inf, np.inf))
    y = trial.feed.spread(4096).y.astype(np.float64)
    spread = float(np.ptp(y))
    beyond = (y < low - 0.05 * max(1.0, spread)) | (y > high + 0.05)
    share = float(np.mean(beyond))
    if share < (0.2 if high == np.inf else 0.05):
        return None
    reach = f"{low} or more" if high == np.inf else f"from {low} to {high}"
    return (
        f"the model ends in {made.rule.name}{trial.place(made)}, which returns numbers {reach}; "
        f"the targets go from {y.min():.3g} to {y.max():.3g}, {share:.0%} of them out of reach: "
        "leave the last activation out, or scale the targets"
    )


# --- validation -------------------------------------------------------------------------------


def validation_of_other_scale(trial: Trial) -> str | None:
    """Validation data that were not scaled as the training data were, or the reverse."""
    if trial.held_out is None:
        return None
    step = max(1, trial.held_out.rows // 64)
    own, other = _size(trial.feed.spread(64).X), _size(trial.held_out.at(slice(None, None, step)).X)
    if min(own, other) == 0 or 1 / UNLIKE < own / other < UNLIKE or max(own, other) > ABSURD:
        return None
    return (
        f"the numbers of X are of about {own:.3g}, and those of validation of about {other:.3g}: "
        "the network is measured on inputs that it was not trained for; scale both alike, such as "
        "X / 255 and X_validation / 255"
    )
