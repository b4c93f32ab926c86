"""Small networks, whose cost is calls: one row, whole fits, and what ``fit`` costs by itself."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import Any

import counts
import numpy as np
from environment import installed
from field_networks import mlp
from networks import Dense, Network, our_layers, ours
from onnx_networks import in_onnx
from peers import ADAM
from runtime_peers import in_onnx_runtime
from tally import tally
from timing import Times, Way, interleaved
from words import figure, mean

import neural_network as nn

EPOCHS = 10
SKLEARN = mlp(30, 100, 2)
# Sizes, rows, rows of a batch: scikit-learn's default is 200, or all rows where there are fewer.
FITS: dict[str, tuple[Network, int, int]] = {
    "20-64-64-3, 4,000 rows": (mlp(20, 64, 64, 3), 4000, 32),
    "4-10-3, 150 rows": (mlp(4, 10, 3), 150, 150),
    "64-100-10, 1,797 rows": (mlp(64, 100, 10), 1797, 200),
    "30-100-2, 569 rows": (SKLEARN, 569, 200),
    "784-100-10, 10,000 rows": (mlp(784, 100, 10), 10_000, 200),
    "30-100-2, 10,000 rows": (SKLEARN, 10_000, 200),
}
# The figure is of these five.
FIVE = [*FITS][:5]


def one_row(quick: bool) -> dict[str, Any]:
    """Time ``predict`` of one row, beside a loop of NumPy and ONNX Runtime: microseconds."""
    model = ours(SKLEARN)
    X = np.random.default_rng(0).standard_normal((1, 30), dtype=np.float32)
    weights = [(layer.weight.data, layer.bias.data) for layer in model]

    def bare() -> np.ndarray:
        out = X
        for place, (weight, bias) in enumerate(weights):
            out = out @ weight + bias
            if place < len(weights) - 1:
                out = np.maximum(out, 0)
        return out

    ways: dict[str, Way] = {"ours": lambda: model.predict(X), "NumPy": bare}
    if installed("onnxruntime") and installed("onnx"):
        ways["ONNX Runtime"] = in_onnx_runtime(in_onnx(SKLEARN, model), X)
    for name, way in ways.items():
        np.testing.assert_allclose(way(), bare(), rtol=1e-4, atol=1e-5, err_msg=name)
    times = interleaved(ways, 5 if quick else 15, calls=2000)
    return _microseconds(times) | {"calls": tally(ways["ours"])[0]}


def fixed(quick: bool) -> dict[str, Any]:
    """Time ``fit`` of a model that is built, for one step: microseconds."""
    X, y = _rows(SKLEARN, 200)
    trainer = nn.Trainer(ours(SKLEARN), nn.Adam(ADAM), rng=0, progress=False)

    def way() -> None:
        trainer.fit(X, y, batch_size=200)

    times = interleaved({"ours": way}, 5 if quick else 15, calls=50)
    return _microseconds(times) | {"calls": tally(way)[0]}


def fits(quick: bool) -> list[dict[str, Any]]:
    """Time whole fits, from unbuilt networks on, beside PyTorch and scikit-learn."""
    found = []
    for name, (network, rows, batch) in FITS.items():
        X, y = _rows(network, rows)
        ways: dict[str, Way] = {
            "ours": our_whole_fit(network, X, y, batch),
            "PyTorch": torch_whole_fit(network, X, y, batch),
            "scikit-learn": sklearn_whole_fit(network, X, y, batch),
        }
        times = interleaved(ways, 3 if quick else 7, settle=False)
        own = times.turns["ours"]
        peers = [peer for peer in ways if peer != "ours"]
        ratios = {
            peer: [p / o for p, o in zip(times.turns[peer], own, strict=True)] for peer in peers
        }
        found.append(
            {
                "name": name,
                "steps": EPOCHS * -(-rows // batch),
                "medians_ms": {way: 1e3 * times.median(way) for way in ways},
                "ratios": {peer: times.median(peer) / times.median("ours") for peer in peers},
                "spreads": {peer: [min(r), max(r)] for peer, r in ratios.items()},
                "operations": counts.step(network, batch, "adam").operations,
            }
        )
        print(found[-1], flush=True)
    return found


def our_whole_fit(network: Network, X: np.ndarray, y: np.ndarray, batch: int) -> Way:
    """Return a call that builds a network and trains it."""

    def fit() -> None:
        model = nn.Sequential(*our_layers(network.layers))
        trainer = nn.Trainer(model, nn.Adam(ADAM), rng=0, progress=False)
        trainer.fit(X, y, epochs=EPOCHS, batch_size=batch)

    return fit


def torch_whole_fit(network: Network, X: np.ndarray, y: np.ndarray, batch: int) -> Way:
    """Return the same in PyTorch: a plain loop."""
    import torch
    from torch import nn as tnn

    inputs, labels = torch.from_numpy(X), torch.from_numpy(y)
    sizes = [*network.shape, *_units(network)]

    def fit() -> None:
        layers: list[tnn.Module] = []
        for before, after in pairwise(sizes):
            layers += [tnn.Linear(before, after), tnn.ReLU()]
        model = tnn.Sequential(*layers[:-1])
        optimizer = torch.optim.Adam(model.parameters(), lr=ADAM)
        for _ in range(EPOCHS):
            order = torch.randperm(len(labels))
            for start in range(0, len(labels), batch):
                rows = order[start : start + batch]
                optimizer.zero_grad(set_to_none=True)
                tnn.functional.cross_entropy(model(inputs[rows]), labels[rows]).backward()
                optimizer.step()

    return fit


def sklearn_whole_fit(network: Network, X: np.ndarray, y: np.ndarray, batch: int) -> Way:
    """Return the same in scikit-learn."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    estimator = MLPClassifier(
        _units(network)[:-1], batch_size=batch, max_iter=EPOCHS, n_iter_no_change=EPOCHS,
        random_state=0,
    )  # fmt: skip

    def fit() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # ten epochs are intended
            estimator.fit(X, y)

    return fit


def _units(network: Network) -> list[int]:
    return [piece.units for piece in network.layers if isinstance(piece, Dense)]


def _rows(network: Network, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows that are drawn, and classes that depend on them."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, *network.shape), dtype=np.float32)
    directions = rng.standard_normal((*network.shape, _units(network)[-1]), dtype=np.float32)
    return X, np.argmax(X @ directions, axis=1)


def _microseconds(times: Times) -> dict[str, Any]:
    return {
        "medians_us": {name: 1e6 * times.median(name) for name in times.turns},
        "spread_us": [1e6 * min(times.turns["ours"]), 1e6 * max(times.turns["ours"])],
    }


def measure(quick: bool) -> dict[str, Any]:
    """Measure all three."""
    return {"one row": one_row(quick), "fixed": fixed(quick), "fits": fits(quick)}


def figures(found: dict[str, Any]) -> dict[str, float]:
    """Return the figures that have an aim."""
    five = [fit for fit in found["fits"] if fit["name"] in FIVE]
    return {
        "one row": found["one row"]["medians_us"]["ours"],
        "fits PyTorch": mean([fit["ratios"]["PyTorch"] for fit in five]),
        "fits scikit-learn": mean([fit["ratios"]["scikit-learn"] for fit in five]),
        "fixed": 1e-3 * found["fixed"]["medians_us"]["ours"],
    }


def as_text(found: dict[str, Any]) -> str:
    """Return the section of the page."""
    one, alone = found["one row"], found["fixed"]
    peers = ", ".join(
        f"{'a loop of NumPy' if name == 'NumPy' else name} {figure(value)} µs"
        for name, value in one["medians_us"].items()
        if name != "ours"
    )
    lines = [
        "## Small networks",
        "",
        f"`predict` of one row by the MLP 30-100-2 takes {figure(one['medians_us']['ours'])} µs "
        f"({one['calls']} Python calls); {peers}.",
        "`fit` of the same model, built before, with one step of 200 rows takes "
        f"{figure(alone['medians_us']['ours'])} µs ({alone['calls']} calls).",
        "",
        f"Whole fits of {EPOCHS} epochs with Adam, from a network that is not built yet; ratio =",
        "the peer's time over ours. PyTorch runs its plain loop, scikit-learn `MLPClassifier.fit`.",
        "",
        "| network | steps | ours | PyTorch | ratio | scikit-learn | ratio |",
        "| --- | ---: | ---: | ---: | --- | ---: | --- |",
    ]
    for fit in found["fits"]:
        cells = [fit["name"], str(fit["steps"]), f"{figure(fit['medians_ms']['ours'])} ms"]
        for peer in ("PyTorch", "scikit-learn"):
            low, high = map(figure, fit["spreads"][peer])
            cells.append(f"{figure(fit['medians_ms'][peer])} ms")
            cells.append(f"**{figure(fit['ratios'][peer])}** ({low} to {high})")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
