"""PyTorch as a peer: eager in both memory formats, and compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from field_networks import Entry
from networks import ours
from peers import ADAM, MOMENTUM, Check, Inference, Training
from torch.nn import functional as F  # noqa: N812  # as its users call it
from torch_networks import in_torch

LOSSES = {"cross_entropy": F.cross_entropy, "mse": F.mse_loss}


def layout(channels_last: bool) -> Any:
    """Return PyTorch's name of a memory format."""
    return torch.channels_last if channels_last else torch.contiguous_format


def compiles() -> bool:
    """Return whether ``torch.compile`` works here; it needs a C++ compiler."""
    try:
        torch.compile(lambda x: x.sin() + 1)(torch.ones(8))
    except Exception:  # whatever a missing or broken compiler leads to
        return False
    return True


def training(
    entry: Entry, optimizer: str, *, channels_last: bool = False, compiled: bool = False
) -> Training:
    """Return PyTorch's plain loop over the batches of an epoch, in a new order each time.

    Args:
        entry: what is trained.
        optimizer: "adam" or "momentum".
        channels_last: the memory format of model and pictures.
        compiled: by ``torch.compile``, forward and backward; the optimizer runs as ever.
    """
    module = in_torch(entry.network, ours(entry.network)).train()
    module = module.to(memory_format=layout(channels_last))
    if compiled:
        torch.compiler.reset()  # else, after several networks, it falls back to eager execution
    model = torch.compile(module) if compiled else module
    learn: torch.optim.Optimizer = (
        torch.optim.Adam(module.parameters(), lr=ADAM)
        if optimizer == "adam"
        else torch.optim.SGD(module.parameters(), **MOMENTUM)
    )
    loss = LOSSES[entry.loss]
    inputs, targets = map(torch.from_numpy, entry.data(entry.batch * entry.steps))
    if channels_last:
        inputs = inputs.to(memory_format=torch.channels_last)
        if entry.loss == "mse":
            targets = inputs

    def check() -> Check:
        module.zero_grad(set_to_none=True)
        value = loss(model(inputs[: entry.batch]), targets[: entry.batch])
        value.backward()
        squares = sum(float((p.grad.double() ** 2).sum()) for p in module.parameters())
        return Check(float(value.detach()), squares**0.5)

    def epoch() -> None:
        order = torch.randperm(len(inputs))
        for start in range(0, len(inputs), entry.batch):
            rows = order[start : start + entry.batch]
            learn.zero_grad(set_to_none=True)
            loss(model(inputs[rows]), targets[rows]).backward()
            learn.step()

    return Training(check, epoch)


def inference(entry: Entry, X: np.ndarray, *, channels_last: bool = False) -> Inference:
    """Return a call that runs the network eagerly."""
    module = in_torch(entry.network, ours(entry.network)).eval()
    module = module.to(memory_format=layout(channels_last))
    inputs = torch.from_numpy(X)
    if channels_last:
        inputs = inputs.to(memory_format=torch.channels_last)

    def run() -> np.ndarray:
        with torch.inference_mode():
            return module(inputs).numpy()

    return run
