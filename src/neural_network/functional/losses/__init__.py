"""Losses: one number that says how wrong a prediction is, and its penalties."""

from neural_network.functional.losses.cross_entropies import softmax_cross_entropy
from neural_network.functional.losses.penalties import l2_regularization
from neural_network.functional.losses.probabilities import (
    binary_cross_entropy,
    cross_entropy,
    kl,
    nll,
)
from neural_network.functional.losses.regression import huber, l1, mse_loss
from neural_network.functional.losses.scores import binary_cross_entropy_with_logits, hinge

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "hinge", "huber",
    "kl", "l1", "l2_regularization", "mse_loss", "nll", "softmax_cross_entropy",
]  # fmt: skip
