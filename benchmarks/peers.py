"""Ours and the peers of the field: what each needs, and what it times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from networks import Conv, Depthwise, Network, Piece, Residual, Transposed

ADAM = 0.001
MOMENTUM = {"lr": 0.01, "momentum": 0.9}
Inference = Callable[[], np.ndarray]


class Check(NamedTuple):
    """The loss of the first batch in training, and the norm of its gradients."""

    loss: float
    norm: float


class Training(NamedTuple):
    """How one library trains a network.

    Attributes:
        check: what it finds for the first batch, from the weights that all begin with.
        epoch: what is timed: all steps.
    """

    check: Callable[[], Check]
    epoch: Callable[[], None]


@dataclass(frozen=True)
class Peer:
    """One way to run a network.

    Attributes:
        module: the file that has ``training`` and ``inference``.
        needs: packages.
        options: of both functions.
        pictures: whether it differs from another one in the memory format of pictures alone.
    """

    module: str
    needs: tuple[str, ...]
    options: dict[str, Any]
    pictures: bool = False


TRAINING = {
    "PyTorch": Peer("torch_peer", ("torch",), {}),
    "PyTorch, channels last": Peer("torch_peer", ("torch",), {"channels_last": True}, True),
}
INFERENCE = {
    "PyTorch": Peer("torch_peer", ("torch",), {}),
    "PyTorch, channels last": Peer("torch_peer", ("torch",), {"channels_last": True}, True),
}


def has_pictures(network: Network) -> bool:
    """Return whether there are convolutions of pictures, so that memory formats differ."""

    def has(piece: Piece) -> bool:
        match piece:
            case Conv():
                return piece.axes == 2
            case Depthwise() | Transposed():
                return True
            case Residual(body, shortcut):
                return any(map(has, (*body, *shortcut)))
        return False

    return any(map(has, network.layers))
