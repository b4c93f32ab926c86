"""Error reports for numbers that are not finite: which batch, which layer, which gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.autograd.engine import no_backward
from neural_network.checks import Array
from neural_network.errors import DivergenceError
from neural_network.functional.finite import is_finite
from neural_network.layers.hooks import watching
from neural_network.layers.layer import Layer
from neural_network.layers.randomness import drawing
from neural_network.lifting import array_under
from neural_network.training.state import TrainingState

HINT = "a smaller learning rate or clip_norm= may help"


def explain_loss(state: TrainingState, X: Array, loss: float) -> DivergenceError:
    """Return the error for a loss that is not finite, with the first layer concerned."""
    names = {id(layer): name for name, layer in state.model.named_layers()}
    found: list[str] = []

    def look(layer: Layer, _: Any, out: Any) -> None:
        if not found and not is_finite(np.asarray(array_under(out))):
            found.append(f"layer {names.get(id(layer)) or 'model'} ({type(layer).__name__})")

    # The same batch once more, with the same draws; the trainer restores the buffers.
    with no_backward(), drawing(state.draws()), watching(look), np.errstate(all="ignore"):
        state.model(X)
    where = found[0] if found else "the loss itself (every layer's output is finite)"
    return DivergenceError(
        f"fit: the loss is {loss} in epoch {state.epoch + 1}, batch {state.batch + 1}; "
        f"it begins in {where}; {_largest(state)}; {HINT}"
    )


def explain_gradients(state: TrainingState) -> DivergenceError:
    """Return the error for gradients that are not finite, with their parameters."""
    gradients = state.memory.gradients_by_name()
    bad = [name for name, gradient in gradients.items() if not is_finite(gradient)]
    return DivergenceError(
        f"fit: the gradient of {', '.join(bad)} is not finite in epoch {state.epoch + 1}, "
        f"batch {state.batch}; {HINT}"
    )


def explain_overflow(state: TrainingState, error: DivergenceError) -> DivergenceError:
    """Return the error for a step that the optimizer refused, with the largest gradient."""
    return DivergenceError(
        f"fit: {error}, in epoch {state.epoch + 1}, batch {state.batch}; {_largest(state)}; {HINT}"
    )


def explain_step(state: TrainingState) -> DivergenceError:
    """Return the error for a step after which parameters are not finite."""
    arrays = state.memory.arrays()
    bad = [name for name in state.memory.parameters if not is_finite(arrays[name])]
    return DivergenceError(
        f"fit: {', '.join(bad)} would not be finite after step {state.step + 1}, in epoch "
        f"{state.epoch + 1}, batch {state.batch}, with a rate of {state.rate:.3g}; "
        f"{_largest(state)}; {HINT}"
    )


def _largest(state: TrainingState) -> str:
    """Describe the largest gradient of the previous step."""
    if state.step == 0 and state.memory.batches == 0:
        return "there was no gradient before"
    gradients = state.memory.gradients_by_name()
    largest = {name: float(np.max(np.abs(g), initial=0)) for name, g in gradients.items()}
    name = max(largest, key=lambda key: largest[key])
    return f"the largest gradient before was {largest[name]:.3g}, of {name}"
