"""Predictions and targets that broadcast to (n, n) in a loss: what its graph shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neural_network.autograd.engine import Node, Recorded, nodes_before
from neural_network.errors import give_hint_of_backward, is_first_backward_of_line

# The module of the library's losses, which compare each row with its own target.
LOSSES = "neural_network.functional.losses."
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


def compared_with_every_target(
    loss: Recorded, outputs: Sequence[Any] = ()
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
    known = {t.node.number for t in outputs if isinstance(t, Recorded) and t.node}
    shapes: dict[int, tuple[int, ...]] = {}
    if loss.node is not None:
        shapes[loss.node.number] = loss.data.shape
    waiting, seen = [loss.node], set()
    found: tuple[Any, Any] | None = None
    while waiting:
        node = waiting.pop()
        if node is None or node.number in seen:
            continue
        seen.add(node.number)
        if node.number in known or _compares_row_by_row(node):
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


def targets_that_broadcast(loss: Recorded, outputs: Sequence[Any] = ()) -> str | None:
    """Return a sentence about predictions (n, 1) beside targets (n,), or the reverse; or None.

    Args:
        loss, outputs: as for ``compared_with_every_target``.
    """
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


def _compares_row_by_row(node: Node) -> bool:
    return (node.rule.forward.__module__ or "").startswith(LOSSES)


def hint_targets_that_broadcast(loss: Recorded, function: str = "backward") -> None:
    """Warn of such targets in a loop of tensors alone, without an optimizer.

    The first ``backward`` of a line of a program is looked at, or call of what ``grad`` returned,
    which ``function`` names. Where a leaf has an axis of n
    itself, its numbers may be compared with each other on purpose.
    """
    if not is_first_backward_of_line():
        return
    shapes = compared_with_every_target(loss)
    if shapes is None:
        return
    parents = [tensor for node in nodes_before([loss]) for _, _, tensor in node.parents]
    leaves = [tensor.data.shape for tensor in parents if tensor.node is None]
    text = targets_that_broadcast(loss)
    if text is not None and not any(max(shapes[0]) in shape for shape in leaves):
        give_hint_of_backward(text, function)
