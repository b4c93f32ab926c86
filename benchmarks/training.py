"""Works A, D and E, and a whole epoch of ``mnist_cnn``: training beside PyTorch's."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import counts
import limits
import numpy as np
from networks import EXAMPLE, MLP, MNIST_CNN, SMALL, Network, ours
from peers import ADAM, MOMENTUM
from timing import Times, Way, filled, interleaved, row

import neural_network as nn


def digits(count: int) -> tuple[np.ndarray, np.ndarray, str]:
    """Return so many digits as (n, 1, 28, 28) from 0 to 1, their labels, and where from."""
    folder = os.environ.get("NEURAL_NETWORK_DATA")
    whole = folder is not None and Path(folder).is_dir()
    images, labels = nn.load_mnist(subset="full" if whole else "sample")
    source = "MNIST" if whole or count <= len(images) else "the shipped digits, repeated"
    rows = np.arange(count) % len(images)
    return images[rows, None].astype(np.float32) / 255, labels[rows].astype(np.int64), source


def our_fit(
    model: nn.Sequential, optimizer: nn.Optimizer, X: np.ndarray, y: np.ndarray, batch: int
) -> Way:
    """Return a call that trains for one epoch, through the public API alone."""
    trainer = nn.Trainer(model, optimizer, rng=0, progress=False)
    return lambda: trainer.fit(X, y, epochs=1, batch_size=batch)


def torch_fit(
    network: Network, X: np.ndarray, y: np.ndarray, batch: int, *,
    adam: bool = True, channels_last: bool = False,
) -> Way:  # fmt: skip
    """Return a call that trains for one epoch in PyTorch, eagerly, in a new order each time.

    Args:
        network, X, y, batch: what is trained, and with what.
        adam: Adam, or stochastic descent with momentum.
        channels_last: the memory format of model and pictures.
    """
    import torch
    from torch_networks import in_torch

    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = in_torch(network, ours(network)).to(memory_format=layout).train()
    optimizer = (
        torch.optim.Adam(model.parameters(), lr=ADAM)
        if adam
        else torch.optim.SGD(model.parameters(), **MOMENTUM)
    )
    inputs, labels = torch.from_numpy(X), torch.from_numpy(y)
    if channels_last:
        inputs = inputs.to(memory_format=layout)

    def step(some: torch.Tensor, targets: torch.Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(model(some), targets).backward()
        optimizer.step()

    def epoch() -> None:
        order = torch.randperm(len(labels))
        for start in range(0, len(labels), batch):
            rows = order[start : start + batch]
            step(inputs[rows], labels[rows])

    return epoch


def without_kernels(way: Way) -> Way:
    """Return the same call with NumPy's bodies alone."""

    def plain() -> None:
        with nn.use_kernels("numpy"):
            way()

    return plain


def example(quick: bool) -> list[dict[str, Any]]:
    """Work A: a training step of the example CNN, three ways to look at it."""
    batch, steps = 128, 4 if quick else 10
    X, y, _ = digits(batch * steps)
    formats = {"PyTorch": False, "PyTorch, channels last": True}
    multiply = limits.product()

    def products() -> None:
        for _ in range(steps):
            multiply()

    ways: dict[str, Way] = {"ours": our_fit(ours(EXAMPLE), nn.Adam(0.001), X, y, batch)}
    ways |= {
        name: torch_fit(EXAMPLE, X, y, batch, channels_last=last) for name, last in formats.items()
    }
    ways["matrix product"] = products
    ways["ours, NumPy alone"] = without_kernels(our_fit(ours(EXAMPLE), nn.Adam(0.001), X, y, batch))
    times = interleaved(ways, 3 if quick else 9, parts=steps, settle=False)
    work = counts.step(EXAMPLE, batch, "adam")
    # What the same operations take at the rate of the product.
    scale = work.operations / limits.PRODUCT_OPERATIONS
    pairs = list(zip(times.turns["matrix product"], times.turns["ours"], strict=True))
    own = times.median("ours")
    share = filled(
        "A share",
        peer=1e3 * scale * times.median("matrix product"),
        ours=1e3 * own,
        spread=[scale * product / ours for product, ours in pairs],
        unit="ms",
        rounds=len(pairs),
        operations=work.operations,
        bytes=work.bytes,
    )
    return [
        row("A", times, "ours", list(formats), work),
        share,
        row("A without Numba", times, "ours, NumPy alone", list(formats), work),
    ]


def small(quick: bool) -> list[dict[str, Any]]:
    """Work D: a step of a network so small that calls cost as much as arithmetic."""
    batch, steps = 64, 60
    X, y, _ = digits(batch * steps)
    formats = {"PyTorch": False, "PyTorch, channels last": True}
    optimizer = nn.SGD(MOMENTUM["lr"], momentum=MOMENTUM["momentum"])
    ways: dict[str, Way] = {"ours": our_fit(ours(SMALL), optimizer, X, y, batch)}
    ways |= {
        name: torch_fit(SMALL, X, y, batch, adam=False, channels_last=last)
        for name, last in formats.items()
    }
    times = interleaved(ways, 3 if quick else 11, parts=steps, settle=False)
    return [row("D", times, "ours", list(formats), counts.step(SMALL, batch, "momentum"))]


def mlp(quick: bool) -> list[dict[str, Any]]:
    """Work E: an epoch of a multilayer perceptron, beside two peers."""
    rows, batch = 20_000, 64
    pictures, y, _ = digits(rows)
    X = pictures.reshape(rows, 784)
    estimator, learn = sklearn_fit(X, y, batch)
    ways = {
        "ours": our_fit(ours(MLP), nn.Adam(0.001), X, y, batch),
        "PyTorch": torch_fit(MLP, X, y, batch),
        "scikit-learn": learn,
    }
    steps = -(-rows // batch)
    times = interleaved(ways, 3 if quick else 7, settle=False)
    if estimator._optimizer.t != steps:
        raise RuntimeError(f"scikit-learn made {estimator._optimizer.t} steps instead of {steps}")
    work = counts.step(MLP, batch, "adam").times(rows / batch)
    return [
        row("E PyTorch", times, "ours", ["PyTorch"], work),
        row("E scikit-learn", times, "ours", ["scikit-learn"], work),
    ]


def sklearn_fit(X: np.ndarray, y: np.ndarray, batch: int) -> tuple[Any, Way]:
    """Return scikit-learn's estimator and a call that trains it for one epoch."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    estimator = MLPClassifier((256, 128), batch_size=batch, max_iter=1, random_state=0)

    def fit() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # one epoch is intended
            estimator.fit(X, y)

    return estimator, fit


def epoch(quick: bool) -> list[dict[str, Any]]:
    """Train ``mnist_cnn`` for a whole epoch."""
    rows, batch = 60_000, 128
    X, y, source = digits(rows)
    fits: dict[str, Callable[[np.ndarray, np.ndarray], Way]] = {
        "PyTorch": lambda X, y: torch_fit(MNIST_CNN, X, y, batch),
        "PyTorch, channels last": lambda X, y: torch_fit(
            MNIST_CNN, X, y, batch, channels_last=True
        ),
        "ours": lambda X, y: our_fit(
            nn.models.mnist_cnn(rng=0), nn.Adam(0.001), X, y, batch
        ),
    }  # fmt: skip
    part = 30 * batch  # a short race decides which memory format runs the long one
    trial = interleaved(
        {name: fit(X[:part], y[:part]) for name, fit in fits.items()}, 3, settle=False
    )
    peer = trial.fastest("PyTorch", "PyTorch, channels last")
    ways = {name: fits[name](X, y) for name in ("ours", peer)}
    seconds = whole_epochs(ways, 1 if quick else 3)
    work = counts.step(MNIST_CNN, batch, "adam").times(rows / batch)
    return [row("mnist_cnn", seconds, "ours", [peer], work) | {"data": source}]


def whole_epochs(ways: dict[str, Way], rounds: int) -> Times:
    """Time calls that are too long for a round that does not count."""
    turns: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = perf_counter()
            way()
            turns[name].append(perf_counter() - start)
    return Times(turns, {})
