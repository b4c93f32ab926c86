"""A busy machine: how much slower we and PyTorch become beside a process that computes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any

import numpy as np
from field import our_training
from field_networks import FIELD
from peers import MOMENTUM
from timing import Times, Way, interleaved

import neural_network as nn

# Rows, inputs, hidden units and classes of the network by hand; steps of a call.
ROWS, INPUTS, HIDDEN, CLASSES, STEPS = 128, 784, 128, 10, 20
WORKS = {"A": "work A", "by hand": "two layers by hand, 784-128-10, 128 rows"}


@contextmanager
def another_process() -> Iterator[None]:
    """Have another process compute during the block."""
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        sleep(0.5)  # until it has begun
        yield
    finally:
        other.kill()
        other.wait()


def measure(quick: bool) -> dict[str, Any]:
    """Return the slowdowns of both, for each work."""
    import torch_peer

    works: dict[str, dict[str, Way]] = {
        "A": {
            "ours": our_training(FIELD["example"], "adam").epoch,
            "PyTorch": torch_peer.training(FIELD["example"], "adam").epoch,
        },
        "by hand": by_hand(),
    }
    return {name: slowdowns(ways, quick) for name, ways in works.items()}


def slowdowns(ways: dict[str, Way], quick: bool) -> dict[str, Any]:
    """Time both alone, then beside the other process, and again in this order."""
    quiet: dict[str, list[float]] = {name: [] for name in ways}
    busy: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(1 if quick else 3):
        _add(quiet, interleaved(ways, 3 if quick else 5, settle=False))
        with another_process():
            _add(busy, interleaved(ways, 3 if quick else 5, settle=False))
    before, after = Times(quiet, {}), Times(busy, {})
    slower = {name: after.median(name) / before.median(name) for name in ways}
    return {
        "quiet_ms": {name: 1e3 * before.median(name) for name in ways},
        "busy_ms": {name: 1e3 * after.median(name) for name in ways},
        "slower": slower,
        "ratio": slower["ours"] / slower["PyTorch"],
    }


def _add(found: dict[str, list[float]], times: Times) -> None:
    for name, seconds in times.turns.items():
        found[name] += seconds


def by_hand() -> dict[str, Way]:
    """Return steps of gradient descent with gradients written by hand, and PyTorch's."""
    import torch

    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, INPUTS), dtype=np.float32)
    labels = rng.integers(CLASSES, size=ROWS)
    y = np.eye(CLASSES, dtype=np.float32)[labels]
    scale = np.float32(0.05)
    W1 = scale * rng.standard_normal((INPUTS, HIDDEN), dtype=np.float32)
    W2 = scale * rng.standard_normal((HIDDEN, CLASSES), dtype=np.float32)
    b1, b2 = np.zeros((1, HIDDEN), np.float32), np.zeros((1, CLASSES), np.float32)
    model = torch.nn.Sequential(
        torch.nn.Linear(INPUTS, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES)
    )
    with torch.no_grad():
        for mirror, numbers in zip(model.parameters(), (W1.T, b1[0], W2.T, b2[0]), strict=True):
            mirror.copy_(torch.from_numpy(numbers))
    optimizer = torch.optim.SGD(model.parameters(), MOMENTUM["lr"])
    inputs, targets = torch.from_numpy(X), torch.from_numpy(labels)
    own = [W1, b1, W2, b2]

    def ours() -> None:
        for _ in range(STEPS):
            A1, A2 = nn.forward_mlp(X, *own)
            gradients = nn.backward_mlp(X, A1, A2, y, own[0], own[2], A1)
            for parameter, gradient in zip(own, gradients, strict=True):
                np.subtract(parameter, MOMENTUM["lr"] * gradient, out=parameter)

    def theirs() -> None:
        for _ in range(STEPS):
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()

    ours()
    theirs()
    for mirror, numbers in zip(model.parameters(), (W1.T, b1[0], W2.T, b2[0]), strict=True):
        np.testing.assert_allclose(mirror.detach().numpy(), numbers, rtol=1e-3, atol=1e-5)
    return {"ours": ours, "PyTorch": theirs}


def as_text(found: dict[str, Any]) -> str:
    """Return the paragraph of the page."""
    parts = [
        f"{WORKS[name]}: ours {work['slower']['ours']:.2f} times, PyTorch "
        f"{work['slower']['PyTorch']:.2f} times"
        for name, work in found.items()
    ]
    return (
        "**A busy machine.** Beside one other process that computes all the time, a step takes so\n"
        f"many times as long as alone: {'; '.join(parts)}."
    )
