"""Hints: warnings of trainings that run, but probably not as their author wants them.

A hint is a function of ``HINTS``. It looks at a ``Trial`` and returns a sentence, or None.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from neural_network.autograd.engine import Node, nodes_before
from neural_network.autograd.tensor import Tensor
from neural_network.errors import NothingToAverageError, TrainingHint
from neural_network.functional.activations import log_softmax, sigmoid, softmax
from neural_network.functional.losses.cross_entropies import softmax_cross_entropy
from neural_network.functional.losses.probabilities import cross_entropy
from neural_network.functional.losses.scores import binary_cross_entropy_with_logits, hinge
from neural_network.functional.op import RULES
from neural_network.layers.layer import Layer
from neural_network.layers.outputs import end_of, origin, recorded_outputs
from neural_network.layers.places import place_of
from neural_network.terminal import warn
from neural_network.training.data import Batch
from neural_network.training.objectives import row_shares
from neural_network.training.state import TrainingState


@dataclass
class Trial:
    """A model and a loss that were tried on two rows.

    Attributes:
        state: of the training.
        loss: that was computed.
        layers: the number of the node of each layer's result → the layer.
    """

    state: TrainingState
    loss: Tensor
    layers: dict[int, Layer]

    def nodes(self) -> list[Node]:
        """Return the nodes that have led to the loss."""
        return nodes_before([self.loss])


Hint = Callable[[Trial], str | None]


def give_hints(
    state: TrainingState,
    example: Batch,
    compute_loss: Callable[[Any, Batch], Any],
    given: set[Hint],
) -> None:
    """Warn of what looks like a mistake, each once.

    Args:
        state: of a training whose model is built, and was tried.
        example: some rows.
        compute_loss: of the trainer.
        given: the hints that were given before; those of now are added.
    """
    shares = row_shares(state.loss, example.y)
    rows = np.arange(example.rows) if shares is None else np.flatnonzero(shares)
    if len(rows) == 0:
        return
    some = example.at(rows[:2])._replace(weights=None)
    with suppress(NothingToAverageError):
        outputs, layers = recorded_outputs(state.model, some.X)
        # In evaluation, because a loss may call the model.
        with state.model.in_mode(training=False), np.errstate(all="ignore"):
            loss = compute_loss(outputs, some)
        if not isinstance(loss, Tensor):  # what is recorded does not lead to it
            return
        trial = Trial(state, loss, layers)
        texts = {hint: hint(trial) for hint in HINTS if hint not in given}
        for hint, text in texts.items():
            if text is not None:
                warn(f"fit: {text}", TrainingHint, stacklevel=3)
                given.add(hint)


class Misfit(NamedTuple):
    """A loss, and which results it is probably not meant for."""

    loss: Callable[..., Any]
    expects: str
    misfits: dict[Callable[..., Any], str]  # → what to do


_LEAVE_OUT = "leave that activation out, or use the loss {!r}"
_OF_SOFTMAX = _LEAVE_OUT.format("cross_entropy")
_OF_SIGMOID = _LEAVE_OUT.format("binary_cross_entropy")
_OF_LOGS = _LEAVE_OUT.format("nll")
MISFITS = (
    Misfit(
        softmax_cross_entropy,
        "scores, of which it takes the softmax itself",
        {softmax: _OF_SOFTMAX, sigmoid: _OF_SIGMOID},
    ),
    Misfit(
        binary_cross_entropy_with_logits,
        "scores, of which it takes the sigmoid itself",
        {sigmoid: _OF_SIGMOID, softmax: _OF_SOFTMAX, log_softmax: _OF_LOGS},
    ),
    Misfit(
        hinge,
        "scores, which may be as large as they need",
        {softmax: _OF_SOFTMAX, sigmoid: _OF_SIGMOID, log_softmax: _OF_LOGS},
    ),
    Misfit(
        cross_entropy,
        "probabilities that sum to 1 in each row",
        {sigmoid: "use softmax, or the loss 'binary_cross_entropy'"},
    ),
)


def probabilities_for_scores(trial: Trial) -> str | None:
    """Probabilities where a loss expects scores, and the like."""
    for node in trial.nodes():
        for loss, expects, misfits in MISFITS:
            rule = RULES[loss]
            if node.rule is not rule and node.rule is not rule.after_kernels:
                continue
            for _, _, prediction in node.parents:
                made = origin(prediction)
                function = end_of(made)
                if made is not None and function in misfits:
                    layer = trial.layers.get(made.number)
                    where = "" if layer is None else f" ({place_of(trial.state.model, layer)})"
                    return (
                        f"{rule.name} expects {expects}, and receives the result of "
                        f"{function.__name__}{where}: the network learns slowly or not at all; "
                        f"{misfits[function]}"
                    )
    return None


HINTS: tuple[Hint, ...] = (probabilities_for_scores,)
