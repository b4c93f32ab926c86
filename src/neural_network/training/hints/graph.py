"""Hints that follow from the graph of a loss: in ``fit``, and in a loop of one's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

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


# Between the differences of predictions and targets and a loss that is their mean.
_MEANS = frozenset({
    "mean", "sum", "nansum", "nanmean", "average", "std", "sqrt", "square", "power", "float_power",
    "absolute", "fabs", "add", "subtract", "multiply", "divide", "true_divide", "negative",
    "positive", "maximum", "minimum", "where", "clip", "log1p", "log", "exp", "softplus",
    "logaddexp", "reshape", "identity", "sign", "tanh",
})  # fmt: skip
_PAIRED = frozenset({
    "add", "subtract", "multiply", "divide", "true_divide", "maximum", "minimum", "where", "power",
})  # fmt: skip


@cache
def _row_by_row() -> frozenset[Rule | None]:
    """Return the rules of the library's losses, which compare each row with its own target."""
    rules = [RULES[function] for function in LOSSES.values()]
    return frozenset([*rules, *(rule.after_kernels for rule in rules)])


def compared_with_every_target(
    loss: Tensor, outputs: Any = ()
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return the shapes of predictions and targets that broadcast to (n, n), or None.

    Certain only where the loss is nothing but a mean over elements of that array: a loss that
    compares all pairs on purpose, as of kernels or of rankings, compares the predictions among each
    other, too, or multiplies matrices. One of the library's losses, which compares row with row,
    may be added to it.

    Args:
        loss: a number, recorded.
        outputs: of the model, which the loss is computed of, where they are known.
    """
    known = {t.node.number for _, t in arrays_in(outputs) if isinstance(t, Tensor) and t.node}
    shapes: dict[int, tuple[int, ...]] = {}
    if loss.node is not None:
        shapes[loss.node.number] = loss.shape
    waiting, seen = [loss.node], set()
    found: tuple[Any, Any] | None = None
    while waiting:
        node = waiting.pop()
        if node is None or node.number in seen:
            continue
        seen.add(node.number)
        if node.number in known or node.rule in _row_by_row():
            continue
        out = shapes[node.number]
        own = {tensor.data.shape for _, _, tensor in node.parents}
        pair = _stretched(out, own) if node.rule.name in _PAIRED else None
        if pair is not None:
            found = pair
            continue
        if node.rule.name not in _MEANS or _all_pairs(out, own):
            return None
        for _, _, tensor in node.parents:
            if tensor.node is None:
                return None
            shapes[tensor.node.number] = tensor.data.shape
            waiting.append(tensor.node)
    return found


def _all_pairs(out: tuple[int, ...], own: set[tuple[int, ...]]) -> bool:
    """Return whether an op made (n, n) of the predictions alone, or of other arrays without it."""
    return len(out) == 2 and out[0] == out[1] > 1 and out not in own


def _stretched(out: tuple[int, ...], own: set[tuple[int, ...]]) -> tuple[Any, Any] | None:
    """Return the shapes of the two sides if an op made (n, n) of (n, 1) and (n,)."""
    n = out[0] if out else 0
    if out != (n, n) or n < 2 or len(own) != 1:
        return None
    shape = next(iter(own))
    others = {(n, 1): (n,), (n,): (n, 1)}
    return (shape, others[shape]) if shape in others else None


def targets_that_broadcast(loss: Tensor, place: Place, outputs: Any = ()) -> str | None:  # noqa: ARG001  # one signature for all
    """Predictions (n, 1) beside targets (n,), or the reverse."""
    shapes = compared_with_every_target(loss, outputs)
    if shapes is None:
        return None
    made, given = ("(n, 1)", "(n,)") if len(shapes[0]) == 2 else ("(n,)", "(n, 1)")
    cure = "y.reshape(-1, 1)" if len(shapes[0]) == 2 else "y.reshape(-1)"
    return (
        f"the loss combines predictions of shape {made} with targets of shape {given}, which NumPy "
        "broadcasts to (n, n): each row is compared with the targets of all rows, and the network "
        f"learns their mean; {cure} has the shape of the predictions"
    )


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
