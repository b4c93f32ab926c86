"""Valid calls to spoil, one argument at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

import neural_network as nn

I = np.ones((5, 5))  # noqa: E741  (an image; tables of calls have to be short)
K = np.ones((3, 3))
L = np.ones((2, 4, 5, 5))
F = np.ones((6, 4, 3, 3))
X, Y = np.ones((4, 3)), np.ones((4, 1))
W, B = np.ones((3, 1)), np.ones(1)
ONE_HOT = np.eye(4)[:, :2]


def descend(**changes: Any) -> Any:
    call = {"X": X, "y": Y, "W": W, "b": B, "lr": 0.1, "num_epochs": 1, "batch_size": 2}
    call |= {"loss_fn": nn.mse_loss, "verbose": False}
    return nn.gradient_descent(**{**call, **changes})


def mlp(**changes: Any) -> Any:
    call = {
        "X": X,
        "W1": np.ones((3, 5)),
        "b1": np.ones(5),
        "W2": np.ones((5, 2)),
        "b2": np.ones(2),
    }
    return nn.forward_mlp(**{**call, **changes})


def mlp_back(**changes: Any) -> Any:
    call = {"X": X, "A1": np.ones((4, 5)), "A2": np.ones((4, 2)), "y": np.zeros((4, 2))}
    call |= {"W1": np.ones((3, 5)), "W2": np.ones((5, 2)), "Z1": np.ones((4, 5))}
    return nn.backward_mlp(**{**call, **changes})


def differences(**changes: Any) -> Any:
    call: dict[str, Any] = {"X": X, "y": Y, "params": {"W": W.copy()}, "loss_fn": nn.mse_loss}
    call["forward_fn"] = lambda X, p: X @ p["W"]
    return nn.numerical_gradient(**{**call, **changes})
