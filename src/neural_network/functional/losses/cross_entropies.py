"""Cross-entropy of softmax: the loss, its gradient, and its compiled version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_floating, silent
from neural_network.functional.activations import softmax
from neural_network.functional.losses.reduction import (
    Loss,
    Reduction,
    hint_probabilities,
    reduce_rows,
    share_of_rows,
)
from neural_network.functional.losses.targets import Targets, as_targets, checked_targets
from neural_network.functional.op import (
    RULES,
    Call,
    Kept,
    after_kernels,
    call,
    gradient,
    keeping,
    op,
    samples,
)
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.lifting import lift_hook
from neural_network.public import named, public


@public
@named("loss of classes")
@named("loss")
@op
def softmax_cross_entropy(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    class_weights: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
) -> Loss:
    """Cross-entropy of ``softmax(logits)``: the loss to train classifiers with.

    With log p = log_softmax(logits), the loss of row i with the label y is

    ``l_i = −Σ_j t[i, j] · log p[i, j]``,  ``t[i, j] = w_j · ((1 − s) · [j = y] + s / k)``

    for class weights w (1 unless given) and the smoothing s. Its slope is
    ``softmax(logits) · Σ_j t − t``. The options mean what PyTorch's ``cross_entropy``
    means by them.

    Args:
        logits: (n, k) scores.
        labels: (n,) class indices from 0 to k − 1 (floats that are whole numbers
            pass), or (n, k) probabilities that stand in place of [j = y]: one-hot
            rows, or soft ones that sum to 1. No gradient.
        class_weights: (k,) the weight of each class: finite, none negative, not all 0.
        label_smoothing: s, from 0 to 1: the share of the label that is spread over
            all classes.
        ignore_index: rows with this label (any whole number, also a negative one)
            count nothing, whatever their logits; for class indices only.
        reduction: ``"mean"``, ``"sum"`` of the rows, or ``"none"``. The mean is
            ``Σ l_i / Σ w_y`` over the rows that are not ignored. For rows of
            probabilities it is ``Σ l_i / n``, so one-hot rows and indices agree
            unless there are class weights.

    Returns:
        A float; with ``"none"`` (n,). Labels and weights do not widen the floating
        type of ``logits``.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: ``logits`` not (n, k) or empty; labels or weights of another shape.
        ArgumentError: a label that is NaN, no whole number or no class; rows that do
            not sum to 1; weights that are negative, not finite or all 0; a smoothing
            outside [0, 1]; no row that counts, where the mean is taken.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 6.2.2.3;
    Szegedy et al., arXiv 1512.00567, section 7 (label smoothing).

    >>> softmax_cross_entropy([[0.0, 0.0], [1000.0, 0.0]], [0, 1], reduction="none")
    array([6.93147181e-01, 1.00000000e+03])
    """
    return _computed(
        Kept(), logits, labels, class_weights=class_weights, ignore_index=ignore_index,
        label_smoothing=label_smoothing, reduction=reduction,
    )  # fmt: skip


class Exponentials(NamedTuple):
    """What the gradient takes from the forward pass: ``softmax(logits)`` before its division.

    Attributes:
        targets: the weights of the classes.
        values: exp of the scores minus the largest of each row, (n, k).
        sums: of each row, (n,).
    """

    targets: Targets
    values: Array
    sums: Array


@silent
def _computed(
    kept: Kept,
    logits: Any,
    labels: Any,
    *,
    class_weights: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
) -> Loss:
    """Compute the loss; put into ``kept`` what its gradient can use again."""
    function = "softmax_cross_entropy"
    (Z,), dtype = as_floating(function, logits=logits)
    targets = checked_targets(
        function, "logits", Z, labels, class_weights, label_smoothing, ignore_index, reduction
    )
    hint_probabilities(function, Z)
    rows, kept.value = losses_of_rows(targets, Z)
    return reduce_rows(rows, reduction, dtype, targets.divisor)


keeping(softmax_cross_entropy, _computed)


def losses_of_rows(targets: Targets, Z: Array) -> tuple[Array, Exponentials]:
    """Return the loss of each row of scores, and what the gradient can use again."""
    shifted = _shifted(targets.without_ignored(Z))
    weighed = targets.weigh(shifted)
    exponentials = _exponentials(targets, shifted)
    normalizers = np.log(exponentials.sums)
    return (normalizers if targets.alike else targets.totals * normalizers) - weighed, exponentials


def slopes_of_scores(exponentials: Exponentials, share: Any) -> Array:
    """Return the gradient of the scores, given that of the loss of each row."""
    targets, values, sums = exponentials
    factors = share * targets.totals[:, None]
    slopes: Array = values * (factors / sums[:, None])
    targets.subtract_from(slopes, share)
    return slopes


@gradient(softmax_cross_entropy, "logits")
def _(
    g: Any,
    logits: Any,
    labels: Any,
    class_weights: Any,
    label_smoothing: float,
    ignore_index: int | None,
    reduction: Reduction,
    kept: Kept,
) -> Any:
    exponentials: Exponentials | None = kept.value
    if exponentials is None:
        (Z,), _ = as_floating("softmax_cross_entropy", logits=logits)
        targets = as_targets(Z, labels, class_weights, label_smoothing, ignore_index)
        Z = targets.without_ignored(Z)
        if lift_hook((g, logits)) is not None:  # to be differentiated again
            share = share_of_rows(g, reduction, 2, targets.divisor)
            return softmax(Z) * (share * targets.totals[:, None]) - targets.spread(share)
        exponentials = _exponentials(targets, _shifted(Z))
    share = share_of_rows(g, reduction, 2, exponentials.targets.divisor)
    return slopes_of_scores(exponentials, share)


def _shifted(Z: Array) -> Array:
    """Return the scores minus the largest of each row, so that exp cannot overflow."""
    shifted: Array = Z - np.maximum.reduce(Z, axis=1, keepdims=True)
    return shifted


def _exponentials(targets: Targets, shifted: Array) -> Exponentials:
    """Return the exponentials in the memory of the shifted scores, and their sums."""
    np.exp(shifted, out=shifted)
    return Exponentials(targets, shifted, np.add.reduce(shifted, axis=1))


# --- the compiled version ---------------------------------------------------------------
#
# The usual case of training, class indices without options, behind a network that compiled
# kernels computed. Everything else, and every error, is left to the functions above.


def _compiled_loss(logits: Any, labels: Any, **options: Any) -> Any:
    indices = _indices_for_kernel(logits, labels, **options)
    if indices is not None:
        from neural_network.kernels.losses import cross_entropy_sum

        total = cross_entropy_sum(logits, indices)
        if not total < 0:  # negative: a label is not a class
            hint_probabilities("softmax_cross_entropy", logits)
            return total / len(indices)
    return RULES[softmax_cross_entropy].forward(logits, labels, **options)


def _compiled_gradient(g: Any, logits: Any, labels: Any, *, kept: Kept, **options: Any) -> Any:
    indices = None
    if lift_hook((g, logits)) is None:  # else it is to be differentiated again
        indices = _indices_for_kernel(logits, labels, **options)
    if indices is not None:
        from neural_network.kernels.losses import cross_entropy_gradient

        out = np.empty_like(logits)
        # Checked again, because the labels may have been changed since.
        if cross_entropy_gradient(logits, indices, np.float32(g / len(indices)), out):
            return out
    formula = RULES[softmax_cross_entropy].gradients["logits"].function
    return formula(g, logits, labels, **options, kept=kept)


def _indices_for_kernel(
    Z: Any,
    labels: Any,
    *,
    class_weights: Any = None,
    label_smoothing: Any = 0.0,
    ignore_index: Any = None,
    reduction: Any = "mean",
) -> Array | None:
    """Return the labels as the kernel reads them; None where it does not serve."""
    usual = (
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
        and Z.size > 0
        and Z.flags.c_contiguous
        and kernel_wanted("cross-entropy behind a kernel", Z.size, Z)
    )
    # A copy, because a kernel is compiled once more for an array that is read-only.
    return labels.astype(np.intp) if usual else None


after_kernels(softmax_cross_entropy, _compiled_loss, logits=_compiled_gradient)


@samples(softmax_cross_entropy)
def _(rng: np.random.Generator) -> Iterator[Call]:
    Z, labels = rng.standard_normal((5, 3)), np.array([2, 0, 1, 2, 0])
    weights = np.array([0.5, 2.0, 1.0])
    # Labels have no gradient: in float32 the tests leave them as they are.
    soft = softmax(rng.standard_normal((5, 3))).astype("float32")
    options: list[dict[str, Any]] = [
        {},
        {"class_weights": weights},
        {"label_smoothing": 0.3},
        {"class_weights": weights, "label_smoothing": 0.3},
    ]
    for option in options:
        for reduction in ("mean", "sum", "none"):
            yield call(Z, labels, **option, ignore_index=2, reduction=reduction)
            yield call(Z, soft, **option, reduction=reduction)
    yield call(Z, labels)
