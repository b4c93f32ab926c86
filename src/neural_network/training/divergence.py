"""Error reports for numbers that are not finite: which batch, which layer, which gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.autograd.engine import no_backward
from neural_network.errors import DivergenceError
from neural_network.functional.finite import is_finite
from neural_network.layers.hooks import watching
from neural_network.layers.layer import Layer
from neural_network.layers.places import place_name, place_of
from neural_network.layers.randomness import drawing
from neural_network.layers.several import arrays_in, called
from neural_network.lifting import array_under
from neural_network.training.state import TrainingState

SMALLER_STEPS = "a smaller learning rate or clip_norm= may help"
# The square of a larger number is more than float32 holds; and what is larger than this
# makes gradients larger than a usual learning rate is made for.
TOO_LARGE, UNUSUAL = 1e18, 100.0


def explain_loss(state: TrainingState, loss: float) -> DivergenceError:
    """Return the error for a loss that is not finite, with the first layer concerned."""
    found: list[str] = []

    def look(layer: Layer, _: Any, out: Any) -> None:
        arrays = [np.asarray(array_under(array)) for _, array in arrays_in(out)]
        if not found and not all(is_finite(array) for array in arrays):
            found.append(place_of(state.model, layer))

    # The same batch once more, with the same draws; the trainer restores the buffers.
    with no_backward(), drawing(state.draws()), watching(look), np.errstate(all="ignore"):
        called(state.model, state.latest.X)
    where = found[0] if found else "the loss itself (every layer's output is finite)"
    return DivergenceError(
        f"fit: the loss is {loss} in epoch {state.epoch + 1}, batch {state.batch + 1}; "
        f"it begins in {where}; {_largest(state)}; {hint(state)}"
    )


def explain_gradients(state: TrainingState) -> DivergenceError:
    """Return the error for gradients that are not finite, with their parameters."""
    gradients = state.memory.gradients_by_name()
    bad = [name for name, gradient in gradients.items() if not is_finite(gradient)]
    return DivergenceError(
        f"fit: the gradient of {_listed(state, bad)} is not finite in epoch {state.epoch + 1}, "
        f"batch {state.batch}; {hint(state)}"
    )


def explain_overflow(state: TrainingState, error: DivergenceError) -> DivergenceError:
    """Return the error for a step that the optimizer refused, with the largest gradient."""
    return DivergenceError(
        f"fit: {error}, in epoch {state.epoch + 1}, batch {state.batch}; {_largest(state)}; "
        f"{hint(state, stepped=True)}"
    )


def explain_step(state: TrainingState) -> DivergenceError:
    """Return the error for a step after which parameters are not finite."""
    arrays = state.memory.arrays()
    bad = [name for name in state.memory.parameters if not is_finite(arrays[name])]
    return DivergenceError(
        f"fit: {_listed(state, bad)} would not be finite after step {state.step + 1}, in epoch "
        f"{state.epoch + 1}, batch {state.batch}, with a rate of {state.rate:.3g}; "
        f"{_largest(state)}; {hint(state, stepped=True)}"
    )


def hint(state: TrainingState, *, stepped: bool = False) -> str:
    """Return what may help: it follows from the numbers of the last batch.

    Args:
        state: of the training.
        stepped: whether the learning rate had an influence on what is not finite.
    """
    with np.errstate(all="ignore"):
        inputs, targets = (
            [array.astype(np.float64) for _, array in arrays_in(value)]
            for value in (state.latest.X, state.latest.y)
        )
        finite = all(bool(np.all(np.isfinite(X.astype(state.model.dtype)))) for X in inputs)
        reach = [
            max(float(np.max(np.abs(a), initial=0)) for a in some) for some in (inputs, targets)
        ]
    if not finite:
        name = state.model.dtype.name
        return f"augment= has made inputs that are not finite in {name} from those that are"
    for name, largest in zip(("inputs", "targets"), reach, strict=True):
        if largest > TOO_LARGE:
            return f"the {name} of this batch reach {largest:.3g}: scale them, to about 1"
    if state.step == 0 and not stepped:
        return (
            "no step was made before, so this is not the learning rate: look at the loss, "
            "at the initial weights and at the layers of your own"
        )
    if reach[0] > UNUSUAL:
        return f"{SMALLER_STEPS}, and so may scaled inputs, which reach {reach[0]:.3g} here"
    return SMALLER_STEPS


def _listed(state: TrainingState, names: list[str]) -> str:
    """Name parameters by their places, the first few of them."""
    shown = ", ".join(place_name(state.model, name) for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _largest(state: TrainingState) -> str:
    """Describe the largest gradient of the previous step."""
    if state.step == 0 and state.memory.batches == 0:
        return "there was no gradient before"
    gradients = state.memory.gradients_by_name()
    largest = {name: float(np.max(np.abs(g), initial=0)) for name, g in gradients.items()}
    name = max(largest, key=lambda key: largest[key])
    place = place_name(state.model, name)
    return f"the largest gradient before was {largest[name]:.3g}, of {place}"
