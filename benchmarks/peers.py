"""Ours and the peers of the field: what each needs, and what it times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from environment import installed
from networks import Conv, Depthwise, Piece, Residual, Transposed

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
    """A library in one of its ways to run a network.

    Attributes:
        module: the file that has ``training`` or ``inference``.
        needs: packages.
        axes: of the convolutions whose memory format it lets one choose; 0 for none.
        options: of both functions.
        follows: the peer whose faster memory format it takes, because trying both takes long.
    """

    module: str
    needs: tuple[str, ...]
    axes: tuple[int, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    follows: str = ""


TORCH = Peer("torch_peer", ("torch",), axes=(2,))
JAX = Peer("jax_peer", ("jax",), axes=(1, 2))
TRAINING = {
    "PyTorch": TORCH,
    "torch.compile": replace(TORCH, options={"compiled": True}, follows="PyTorch"),
    "JAX": JAX,
}
INFERENCE = {
    "ONNX Runtime": Peer("runtime_peers", ("onnxruntime", "onnx")),
    "OpenVINO": Peer("runtime_peers", ("openvino", "onnx"), options={"openvino": True}),
    "PyTorch": TORCH,
    "JAX": JAX,
}


@cache
def missing() -> dict[str, str]:
    """Return the peers that cannot run here, with the reason."""
    found = {}
    for name, peer in (TRAINING | INFERENCE).items():
        packages = [package for package in peer.needs if not installed(package)]
        if packages:
            found[name] = f"{', '.join(packages)} not installed (extra `bench`)"
        elif name == "torch.compile" and not load(peer).compiles():
            found[name] = "no C++ compiler that it can use"
    return found


def load(peer: Peer) -> Any:
    """Return the module of a peer, whose packages are imported only now."""
    return import_module(peer.module)


def convolutions(pieces: tuple[Piece, ...]) -> set[int]:
    """Return how many axes the convolutions of a network have: of series 1, of pictures 2."""
    found = set()
    for piece in pieces:
        match piece:
            case Conv():
                found.add(piece.axes)
            case Depthwise() | Transposed():
                found.add(2)
            case Residual(body, shortcut):
                found |= convolutions(body) | convolutions(shortcut)
    return found
