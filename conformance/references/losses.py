"""References for losses and for functions of labels.

With ``reduction="none"`` ours return one number per row, the mean over its elements;
PyTorch's return one per element, so the references take the mean over each row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

from neural_network import functional as ours
from neural_network.functional import labels


def _reduced(elements: Any, reduction: str) -> Any:
    rows = elements.flatten(1).mean(1) if elements.ndim > 1 else elements
    return {"mean": torch.mean, "sum": torch.sum, "none": lambda rows: rows}[reduction](rows)


def _by_element(loss: Callable[..., Any]) -> Callable[..., Any]:
    """Give a loss of PyTorch our reductions; its options keep their names."""

    def reduced(prediction: Any, y: Any, *, reduction: str = "mean", **options: Any) -> Any:
        y = torch.as_tensor(y).to(prediction.dtype)
        return _reduced(loss(prediction, y, reduction="none", **options), reduction)

    return reduced


def cross_entropy(A: Any, y: Any, *, reduction: str = "mean") -> Any:
    return _reduced(-(torch.as_tensor(y) * torch.log(A)).sum(1), reduction)


def _with_logits(Z: Any, y: Any, *, positive_weight: Any = None, reduction: str = "mean") -> Any:
    y = torch.as_tensor(y).to(Z.dtype)
    weight = None if positive_weight is None else torch.as_tensor(positive_weight).to(Z.dtype)
    elements = F.binary_cross_entropy_with_logits(Z, y, pos_weight=weight, reduction="none")
    return _reduced(elements, reduction)


def softmax_cross_entropy(
    logits: Any,
    labels: Any,
    *,
    class_weights: Any = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Any:
    return F.cross_entropy(
        logits,
        torch.as_tensor(labels),
        class_weights,
        ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


def nll(
    log_probabilities: Any,
    labels: Any,
    *,
    class_weights: Any = None,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Any:
    labels = torch.as_tensor(labels)
    if labels.ndim == 1:
        index = -100 if ignore_index is None else ignore_index
        return F.nll_loss(
            log_probabilities, labels, class_weights, ignore_index=index, reduction=reduction
        )
    weighted = labels if class_weights is None else labels * class_weights
    return _reduced(-(weighted * log_probabilities).sum(1), reduction)


def kl(log_q: Any, p: Any, *, reduction: str = "mean") -> Any:
    return _reduced(F.kl_div(log_q, p, reduction="none").sum(1), reduction)


def hinge(scores: Any, y: Any, *, reduction: str = "mean") -> Any:
    y = torch.as_tensor(y)
    if y.shape == scores.shape:
        return _reduced(torch.clamp(1 - y.to(scores.dtype) * scores, min=0), reduction)
    # PyTorch divides the sum over the classes by their number.
    return _reduced(F.multi_margin_loss(scores, y, reduction="none") * scores.shape[1], reduction)


def one_hot(labels: Any, num_classes: int | None = None) -> Any:
    rows = F.one_hot(torch.from_numpy(labels), -1 if num_classes is None else num_classes)
    return rows.to(torch.float32)


def l2_regularization(weights: Any, lambda_: float) -> Any:
    penalty = lambda_ * sum((W * W).sum() for W in weights)
    return penalty, *torch.autograd.grad(penalty, weights, create_graph=True)


REFERENCES: dict[Callable[..., Any], Callable[..., Any]] = {
    labels.one_hot: one_hot,
    ours.mse_loss: _by_element(F.mse_loss),
    ours.l1: _by_element(F.l1_loss),
    ours.huber: _by_element(F.huber_loss),
    ours.binary_cross_entropy: _by_element(F.binary_cross_entropy),
    ours.binary_cross_entropy_with_logits: _with_logits,
    ours.cross_entropy: cross_entropy,
    ours.softmax_cross_entropy: softmax_cross_entropy,
    ours.nll: nll,
    ours.kl: kl,
    ours.hinge: hinge,
    ours.l2_regularization: l2_regularization,
}
