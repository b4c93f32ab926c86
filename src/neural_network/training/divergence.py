"""When the numbers run away: which batch, which layer, which gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.autograd.engine import no_grad
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.errors import DivergenceError
from neural_network.layers.hooks import watching
from neural_network.layers.layer import Layer
from neural_network.layers.randomness import drawing
from neural_network.training.data import is_finite

if TYPE_CHECKING:
    from neural_network.training.trainer import Trainer


def explain_loss(trainer: Trainer, X: Array, loss: float) -> DivergenceError:
    """Return the error for a loss that is not finite: where in the network it began."""
    names = {id(layer): name for name, layer in trainer.model.named_layers()}
    found: list[str] = []

    def look(layer: Layer, _: Any, out: Any) -> None:
        values = out.data if isinstance(out, Tensor) else np.asarray(out)
        if not found and not is_finite(values):
            found.append(f"layer {names.get(id(layer)) or 'model'} ({type(layer).__name__})")

    # The same batch once more, with the same draws; the trainer puts the buffers back.
    with no_grad(), drawing(trainer.draws()), watching(look), np.errstate(all="ignore"):
        trainer.model(X)
    where = found[0] if found else "the loss itself (every layer's output is finite)"
    return DivergenceError(
        f"fit: the loss is {loss} in epoch {trainer.epoch + 1}, batch {trainer.batch + 1}; "
        f"it begins in {where}; {_largest(trainer)}; "
        "a smaller learning rate or clip_norm= may help"
    )


def explain_gradients(trainer: Trainer) -> DivergenceError:
    """Return the error for gradients that are not finite: of which parameter."""
    gradients = trainer.memory.gradients_by_name()
    bad = [name for name, gradient in gradients.items() if not is_finite(gradient)]
    return DivergenceError(
        f"fit: the gradient of {', '.join(bad)} is not finite in epoch {trainer.epoch + 1}, "
        f"batch {trainer.batch}; a smaller learning rate or clip_norm= may help"
    )


def explain_step(trainer: Trainer) -> DivergenceError:
    """Return the error for a step after which parameters are not finite."""
    arrays = trainer.memory.arrays()
    bad = [name for name in trainer.memory.parameters if not is_finite(arrays[name])]
    return DivergenceError(
        f"fit: {', '.join(bad)} would not be finite after step {trainer.step + 1}, in epoch "
        f"{trainer.epoch + 1}, batch {trainer.batch}, with a rate of {trainer.rate:.3g}; "
        f"{_largest(trainer)}; a smaller learning rate or clip_norm= may help"
    )


def _largest(trainer: Trainer) -> str:
    """Say which gradient was the largest before."""
    if trainer.step == 0 and trainer.memory.batches == 0:
        return "there was no gradient before"
    gradients = trainer.memory.gradients_by_name()
    largest = {name: float(np.max(np.abs(g), initial=0)) for name, g in gradients.items()}
    name = max(largest, key=lambda key: largest[key])
    return f"the largest gradient before was {largest[name]:.3g}, of {name}"
