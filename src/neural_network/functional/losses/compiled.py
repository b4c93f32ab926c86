"""``softmax_cross_entropy`` behind a network that kernels have computed.

The plain case of training, a class for each row and nothing else said, goes through a kernel;
all others, and all that is wrong, through the op.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.functional.losses.scores import softmax_cross_entropy
from neural_network.functional.op import RULES, Gradient, Rule
from neural_network.kernels.runtime.gate import kernels_possible
from neural_network.lifting import lift_hook

# Scores up to which one thread is faster than NumPy.
MOST = 8192

_plain = RULES[softmax_cross_entropy]


def _loss(
    logits: Any,
    labels: Any,
    *,
    class_weights: Any = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Any:
    options = (class_weights, label_smoothing, ignore_index, reduction)
    classes = _classes(logits, labels, *options)
    if classes is not None:
        from neural_network.kernels.losses import total_loss

        total = total_loss(logits, classes)
        if not total < 0:  # a label that is no class; the op says which
            return total / len(classes)
    names = ("class_weights", "label_smoothing", "ignore_index", "reduction")
    return _plain.forward(logits, labels, **dict(zip(names, options, strict=True)))


def _slopes(
    g: Any, logits: Any, labels: Any, class_weights: Any, label_smoothing: float,
    ignore_index: int | None, reduction: str,
) -> Any:  # fmt: skip
    options = (class_weights, label_smoothing, ignore_index, reduction)
    classes = None
    if lift_hook((g, logits)) is None:  # else it is to be differentiated again
        classes = _classes(logits, labels, *options)
    if classes is not None:
        from neural_network.kernels.losses import slopes

        out = np.empty_like(logits)
        # Looked at again: somebody may have changed the labels since.
        if slopes(logits, classes, np.float32(g / len(classes)), out):
            return out
    return _plain.gradients["logits"].function(g, logits, labels, *options)


def _classes(
    Z: Any, labels: Any, class_weights: Any, label_smoothing: Any, ignore_index: Any, reduction: Any
) -> Array | None:
    """Return the labels as the kernel reads them, or None where this is not the plain case."""
    plain = (
        class_weights is None
        and ignore_index is None
        and type(label_smoothing) in (int, float)
        and label_smoothing == 0
        and reduction == "mean"
        and isinstance(labels, np.ndarray)
        and labels.dtype.kind in "iu"
        and labels.shape == Z.shape[:1]
        and Z.ndim == 2
        and Z.dtype == np.float32
        and 0 < Z.size <= MOST
        and Z.flags.c_contiguous
        and kernels_possible()
    )
    # A copy, so that what cannot be written is compiled for no second time.
    return labels.astype(np.intp) if plain else None


_rule = Rule(_loss)
_rule.name = _plain.name
_rule.gradients["logits"] = Gradient(_slopes, _plain.gradients["logits"].needs)
_plain.after_kernels = _rule
