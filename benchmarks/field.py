"""The field: many networks, trained and run beside the best of several peers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import counts
import numpy as np
from field_networks import FIELD, Entry
from networks import ours
from peers import (
    ADAM,
    INFERENCE,
    MOMENTUM,
    TRAINING,
    Check,
    Inference,
    Peer,
    Training,
    convolutions,
    load,
    missing,
)
from quiet import Watch
from tally import tally
from timing import Times, Way, clock, interleaved

import neural_network as nn

ROUNDS, QUICK_ROUNDS = 7, 3
# A peer whose first turn takes so many times as long as the fastest peer's has one turn only: it
# cannot be the fastest.
FAR = 2.5
# A turn takes about so long: many calls, where one is over too soon.
TURN = 0.06
MOST_CALLS = 400
# Networks with more multiply-adds a row are also run with one row.
ONE_ROW = 100_000
OPTIMIZERS = {"adam": "Adam", "momentum": "SGD with momentum"}
LOSSES: dict[str, tuple[str, Callable[..., Any]]] = {
    "cross_entropy": ("softmax_cross_entropy", nn.softmax_cross_entropy),
    "mse": ("mse_loss", nn.mse_loss),
}


def our_training(entry: Entry, optimizer: str) -> Training:
    """Return ``Trainer.fit`` over the batches of an epoch."""
    name, loss = LOSSES[entry.loss]
    model = ours(entry.network)
    learn = nn.Adam(ADAM) if optimizer == "adam" else nn.SGD(MOMENTUM["lr"], MOMENTUM["momentum"])
    trainer = nn.Trainer(model, learn, name, rng=0, progress=False)
    X, targets = entry.data(entry.batch * entry.steps)

    def check() -> Check:
        model.zero_grad()
        model.train()
        value = loss(model(nn.Tensor(X[: entry.batch])), targets[: entry.batch])
        value.backward()
        squares = sum(float(np.sum(p.grad.astype(float) ** 2)) for p in model.parameters())
        return Check(float(value.data), squares**0.5)

    def epoch() -> None:
        trainer.fit(X, targets, epochs=1, batch_size=entry.batch)

    return Training(check, epoch)


def measure(key: str, quick: bool) -> list[dict[str, Any]]:
    """Return the cells of one network: both optimizers, many rows and one."""
    entry = FIELD[key]
    cells = [training(key, entry, optimizer, quick) for optimizer in OPTIMIZERS]
    cells.append(inference(key, entry, 128, quick))
    if sum(block.products for block in counts.blocks(entry.network)) > ONE_ROW:
        cells.append(inference(key, entry, 1, quick))
    return cells


def training(key: str, entry: Entry, optimizer: str, quick: bool) -> dict[str, Any]:
    """Measure a training step."""
    watch = Watch()
    found = our_training(entry, optimizer)
    expected = found.check()

    def make(name: str, peer: Peer, **options: bool) -> Way:
        theirs: Training = load(peer).training(entry, optimizer, **options)
        np.testing.assert_allclose(theirs.check(), expected, rtol=1e-3, err_msg=name)
        return theirs.epoch

    ways: dict[str, Way] = {"ours": found.epoch, **faster(TRAINING, entry, make)}
    times = race(ways, quick, parts=entry.steps, settle=False)
    work = counts.step(entry.network, entry.batch, optimizer)
    return cell(
        key, f"training, {OPTIMIZERS[optimizer]}", entry.batch, times, work, watch
    ) | counted(found.epoch, entry.steps)


def inference(key: str, entry: Entry, rows: int, quick: bool) -> dict[str, Any]:
    """Measure ``predict`` of so many rows."""
    watch = Watch()
    model, (X, _) = ours(entry.network), entry.data(rows)
    expected = model.predict(X)
    scale = float(np.abs(expected).max())

    def make(name: str, peer: Peer, **options: bool) -> Way:
        theirs: Inference = load(peer).inference(entry, X, **options)
        np.testing.assert_allclose(theirs(), expected, rtol=1e-3, atol=1e-4 * scale, err_msg=name)
        return theirs

    ways: dict[str, Way] = {"ours": lambda: model.predict(X), **faster(INFERENCE, entry, make)}
    times = race(ways, quick, parts=1, settle=True)
    work = counts.forward(entry.network, rows)
    return cell(key, "inference", rows, times, work, watch) | counted(ways["ours"], 1)


def counted(way: Way, parts: int) -> dict[str, float]:
    """Return the calls of Python functions and of kernels in one part."""
    calls, launches = tally(way)
    return {"calls": calls / parts} | ({} if launches is None else {"launches": launches / parts})


def faster(peers: dict[str, Peer], entry: Entry, make: Callable[..., Way]) -> dict[str, Way]:
    """Return what each peer does, in its faster memory format where it has two."""
    chosen: dict[str, bool] = {}
    ways = {}
    for name, peer in peers.items():
        if name in missing():
            continue
        formats = [False]
        if convolutions(entry.network.layers) & {*peer.axes}:
            formats = [chosen[peer.follows]] if peer.follows else [False, True]
        found = {
            f"{name}, channels last" if last else name: make(
                name, peer, **peer.options, **({"channels_last": last} if peer.axes else {})
            )
            for last in formats
        }
        best = interleaved(found, 3).fastest(*found) if len(found) > 1 else next(iter(found))
        chosen[name] = best != name
        ways[best] = found[best]
    return ways


def race(ways: dict[str, Way], quick: bool, *, parts: int, settle: bool) -> Times:
    """Time all ways in turn, each as often as one of ours fits into a turn."""
    ways["ours"]()
    start = clock()
    ways["ours"]()
    calls = min(MOST_CALLS, max(1, round(TURN / (clock() - start))))
    rounds = QUICK_ROUNDS if quick else ROUNDS
    first = interleaved(ways, 1, calls=calls, parts=parts, settle=settle)
    least = first.median(first.fastest(*(name for name in ways if name != "ours")))
    near = {n: way for n, way in ways.items() if n == "ours" or first.median(n) <= FAR * least}
    found = interleaved(near, rounds, calls=calls, parts=parts, settle=settle)
    return Times({**first.turns, **found.turns}, {**first.alone, **found.alone})


def cell(
    key: str, work: str, rows: int, times: Times, least: counts.Work, watch: Watch
) -> dict[str, Any]:
    """Return a cell of the field: the fastest of the peers beside ours."""
    peer = times.fastest(*(name for name in times.turns if name != "ours"))
    ratios = [p / o for p, o in zip(times.turns[peer], times.turns["ours"], strict=True)]
    return {
        "key": key,
        "work": work,
        "rows": rows,
        "peer": peer,
        "ratio": times.median(peer) / times.median("ours"),
        "spread": [min(ratios), max(ratios)],
        "medians_ms": {name: 1e3 * times.median(name) for name in times.turns},
        "once": [name for name, turns in times.turns.items() if len(turns) == 1],
        "rounds": len(ratios),
        "operations": least.operations,
        "bytes": least.bytes,
        "others": watch.others(),
    }
