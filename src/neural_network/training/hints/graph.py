"""Hints that follow from the graph of a loss: in ``fit``, and in a loop of one's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from neural_network.autograd import broadcasting
from neural_network.autograd.engine import Node, nodes_before
from neural_network.autograd.tensor import Tensor
from neural_network.functional.activations import log_softmax, sigmoid, softmax
from neural_network.functional.losses.cross_entropies import softmax_cross_entropy
from neural_network.functional.losses.probabilities import cross_entropy, kl, nll
from neural_network.functional.losses.reduction import other_sums
from neural_network.functional.losses.scores import binary_cross_entropy_with_logits, hinge
from neural_network.functional.op import RULES, Rule
from neural_network.layers.outputs import end_of, origin
from neural_network.layers.several import arrays_in
from neural_network.training.objectives import LOSSES

# The place of the layer that computed a node, in words, or "".
Place = Callable[[Node], str]


class Misfit(NamedTuple):
    """A loss, and which results it is probably not meant for."""

    loss: Callable[..., Any]
    expects: str
    misfits: dict[Callable[..., Any], str]  # → what to do


_LEAVE_OUT = "leave that activation out, or use the loss {!r}"
_OF_SOFTMAX = _LEAVE_OUT.format("cross_entropy") + " (of one-hot rows: nn.one_hot(y, classes))"
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


# Losses of probabilities, or of their logarithms, for each class → the function that makes them.
OF_DISTRIBUTIONS: dict[Callable[..., Any], str] = {
    cross_entropy: "softmax",
    nll: "log_softmax",
    kl: "log_softmax",
}


def probabilities_for_scores(loss: Tensor, place: Place) -> str | None:
    """Probabilities where a loss expects scores, and the like."""
    for node in nodes_before([loss]):
        for function, expects, misfits in MISFITS:
            rule = RULES[function]
            if node.rule is not rule and node.rule is not rule.after_kernels:
                continue
            for _, _, prediction in node.parents:
                made = origin(prediction)
                end = end_of(made)
                if made is not None and end in misfits:
                    return (
                        f"{rule.name} expects {expects}, and receives the result of "
                        f"{end.__name__}{place(made)}: the network learns slowly or not at all; "
                        f"{misfits[end]}"
                    )
    return None


def other_sums_of_rows(loss: Tensor, place: Place) -> str | None:
    """Probabilities of classes whose rows do not sum to 1, as of a softmax over the rows."""
    if probabilities_for_scores(loss, place) is not None:
        return None  # it says why
    for node in nodes_before([loss]):
        for function, maker in OF_DISTRIBUTIONS.items():
            if node.rule is not RULES[function]:
                continue
            _, _, prediction = node.parents[0]
            made = origin(prediction)
            P = prediction.data if maker == "softmax" else np.exp(prediction.data)
            text = other_sums(P, maker) if len(P) > 1 else None
            if text is not None:
                where = "" if made is None else place(made)
                what = "" if maker == "softmax" else "the logarithms of "
                return (
                    f"{node.rule.name} receives{where and ' the result' + where + ':'} {what}{text}"
                )
    return None


def softmax_of_one_number(loss: Tensor, place: Place) -> str | None:
    """A softmax over a single number, which is 1 whatever the weights are."""
    for node in nodes_before([loss]):
        tensor = node.parents[0][2] if node.rule is RULES[softmax] else None
        axis = node.values.get("axis", -1) if node.values else -1
        if tensor is None or type(axis) is not int or tensor.data.ndim < 2:
            continue
        if tensor.data.shape[axis] == 1:
            return (
                f"softmax{place(node)} is taken over one number in each row, and is 1 for each of "
                "them, so nothing is learned; for two classes and one output use "
                "activation='sigmoid' with the loss 'binary_cross_entropy', or two outputs"
            )
    return None


def targets_that_broadcast(loss: Tensor, place: Place, outputs: Any = ()) -> str | None:  # noqa: ARG001  # one signature for all
    """Predictions (n, 1) beside targets (n,), or the reverse."""
    return broadcasting.targets_that_broadcast(loss, [t for _, t in arrays_in(outputs)])


# What makes another scale of a loss, and no sum with another one.
_SCALES = frozenset({"multiply", "divide", "true_divide", "negative", "positive", "reshape", "sum"})


def sum_of_row_means(loss: Tensor, place: Place) -> str | None:  # noqa: ARG001  # one signature for all
    """``reduction="sum"`` of rows of several elements, beside another part of the loss.

    A row's loss is the mean over its elements here, and their sum in PyTorch; a scale that the
    whole loss has makes no difference that a learning rate does not.
    """
    end = loss.node
    while end is not None and end.rule.name in _SCALES and len(end.parents) == 1:
        end = end.parents[0][2].node
    for node in nodes_before([loss]):
        values = node.values or {}
        if node is end or node.rule not in _of_elements() or values.get("reduction") != "sum":
            continue
        shape = node.parents[0][2].data.shape
        elements = prod(shape[1:])
        if elements > 1:
            name = node.rule.name
            return (
                f"{name} with reduction='sum' adds up the means of the rows: 1/{elements} of the "
                "sum over all elements, which PyTorch computes, so that the other parts of the "
                f"loss weigh {elements} times as much; {elements} * {name}(…), without reduction=, "
                "is the sum over the elements of a row, in the mean over the rows"
            )
    return None


@cache
def _of_elements() -> frozenset[Rule | None]:
    """Return the rules of the losses that compare element with element."""
    names = ("mse_loss", "l1", "huber", "binary_cross_entropy", "binary_cross_entropy_with_logits")
    rules = [RULES[LOSSES[name]] for name in names]
    return frozenset([*rules, *(rule.after_kernels for rule in rules)])
