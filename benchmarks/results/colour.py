"""Time to a fixed accuracy on colour pictures, beside the same network in PyTorch.

One process trains one library on one seed: ``python colour.py ours 0``. Both begin with the same
weights, and have the same pictures, optimizer, batch size and number of threads; the order of the
pictures is each library's own. The clock begins after one step of another network, for which
kernels are compiled or loaded. After each epoch it stands still while the accuracy is measured on
other pictures; a training ends where it reaches the fixed accuracy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Any

import colour_pictures
import numpy as np
from colour_pictures import Pictures
from train_seed import ROOT, STORED, describe_commit, processor

import neural_network as nn
from neural_network.files import written_beside

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # behind this folder, because both have a run.py

from networks import Conv, Dense, Flatten, Network, Pool, our_layers

SEEDS = (0, 1, 2, 3, 4)
BATCH_SIZE, RATE, MOST_EPOCHS, THREADS = 64, 0.001, 20, 2
# The network of TensorFlow's tutorial for CIFAR-10.
NETWORK = Network(
    (3, 32, 32),
    (
        Conv(32), Pool(), Conv(64), Pool(), Conv(64), Flatten(),
        Dense(64, relu=True), Dense(colour_pictures.CLASSES),
    ),
)  # fmt: skip
AIM, FLOOR = 1.3, 1.0
FILE = STORED / "colour.json"
PEERS = ROOT / ".venv-bench" / "bin" / "python"

Predict = Callable[[np.ndarray], np.ndarray]


class Clock:
    """Measures the seconds of a training, without those in which the accuracy is measured."""

    def __init__(self, pictures: Pictures) -> None:
        self.pictures = pictures
        self.seconds = 0.0
        self.accuracies: list[float] = []
        self._started = perf_counter()

    def ends(self, predict: Predict) -> bool:
        """After an epoch: return whether the accuracy is reached, or the last epoch over."""
        self.seconds += perf_counter() - self._started
        outputs = predict(self.pictures.X_test)
        self.accuracies.append(100 * nn.accuracy(outputs, self.pictures.y_test))
        self._started = perf_counter()
        return self.reached or len(self.accuracies) == MOST_EPOCHS

    @property
    def reached(self) -> bool:
        """Whether the last epoch reached the accuracy."""
        return self.accuracies[-1] >= self.pictures.accuracy


class EndInTime(nn.Callback):
    """Ends our training when the clock says so."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_epoch_end(self, trainer: nn.Trainer, measures: dict[str, float]) -> None:  # noqa: ARG002  # a callback's
        """Ask the clock."""
        trainer.stop = self.clock.ends(trainer.model.predict)


def network(seed: int) -> nn.Sequential:
    """Build the network, with weights that follow from the seed."""
    return nn.Sequential(*our_layers(NETWORK.layers)).initialize(NETWORK.shape, rng=seed)


def train_ours(seed: int, pictures: Pictures) -> Clock:
    """Train with ``Trainer.fit``."""
    nn.set_num_threads(THREADS)

    def trainer(*callbacks: nn.Callback) -> nn.Trainer:
        return nn.Trainer(
            network(seed), nn.Adam(RATE), metrics=(), callbacks=callbacks, rng=seed, progress=False
        )

    trainer().fit(pictures.X[:BATCH_SIZE], pictures.y[:BATCH_SIZE], 1, BATCH_SIZE)
    clock = Clock(pictures)
    trainer(EndInTime(clock)).fit(pictures.X, pictures.y, MOST_EPOCHS, BATCH_SIZE)
    return clock


def train_torch(seed: int, pictures: Pictures) -> Clock:
    """Train with PyTorch's plain loop, channels last."""
    import torch
    from torch.nn.functional import cross_entropy
    from torch_networks import in_torch

    torch.set_num_threads(THREADS)
    torch.manual_seed(seed)
    layout = torch.channels_last
    X, y = torch.from_numpy(pictures.X).to(memory_format=layout), torch.from_numpy(pictures.y)

    def model_and_step() -> tuple[torch.nn.Module, Callable[[torch.Tensor], None]]:
        model = in_torch(NETWORK, network(seed)).to(memory_format=layout)
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE)

        def step(rows: torch.Tensor) -> None:
            optimizer.zero_grad(set_to_none=True)
            cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()

        return model, step

    _, step = model_and_step()
    step(torch.arange(BATCH_SIZE))
    clock = Clock(pictures)
    model, step = model_and_step()

    def predict(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            outputs: np.ndarray = model(torch.from_numpy(images)).numpy()
        return outputs

    while True:
        for rows in torch.randperm(len(X)).split(BATCH_SIZE):
            step(rows)
        if clock.ends(predict):
            return clock


SIDES = {"ours": train_ours, "torch": train_torch}


def settings() -> dict[str, Any]:
    """Return what a stored result has to agree with."""
    return {
        "network": repr(NETWORK), "batch_size": BATCH_SIZE, "rate": RATE, "threads": THREADS,
        "most_epochs": MOST_EPOCHS,
    }  # fmt: skip


def measure(seeds: tuple[int, ...] = SEEDS) -> None:
    """Train each seed by both libraries, in turn, and store the results.

    Without PyTorch nothing is measured, and what is stored stays.
    """
    python = interpreter()
    if python is None:
        print(
            "colour pictures: not measured, PyTorch is not installed; "
            f"`make bench ROW=A` installs it in {PEERS.parents[1].name} (extra `bench`)",
            flush=True,
        )
        return
    runs = []
    for seed in seeds:
        found = {side: _process(python, side, seed) for side in SIDES}
        runs.append({"seed": seed, **found})
        print(f"colour pictures: {runs[-1]}", flush=True)
    result = {
        "settings": settings(), "pictures": colour_pictures.name(), "runs": runs,
        "commit": describe_commit(), "machine": processor(), "cores": os.cpu_count(),
    }  # fmt: skip
    with written_beside(FILE) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n")


def interpreter() -> str | None:
    """Return the Python that runs both libraries: this one, or that of the peers; None: neither."""
    for python in (sys.executable, str(PEERS)):
        if Path(python).exists():
            done = subprocess.run([python, "-c", "import torch"], capture_output=True, check=False)
            if done.returncode == 0:
                return python
    return None


def _process(python: str, side: str, seed: int) -> dict[str, Any]:
    """Train a seed by one library in a process of its own."""
    variables = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
    forced = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    environment = {name: value for name, value in os.environ.items() if name not in forced}
    environment |= dict.fromkeys(variables, str(THREADS))
    environment["PYTHONPATH"] = str(ROOT / "src")
    done = subprocess.run(
        [python, __file__, side, str(seed)],
        stdout=subprocess.PIPE, text=True, check=True, env=environment,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def stored() -> dict[str, Any] | None:
    """Return the stored result, if its settings are still the same."""
    if not FILE.exists():
        return None
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found if found["settings"] == settings() else None


def lines() -> list[str]:
    """Return the section of the page; nothing where nothing is stored."""
    found = stored()
    if found is None:
        return []
    runs = found["runs"]
    target = runs[0]["ours"]["target"]
    missed = [
        f"{side} with seed {run['seed']}" for run in runs for side in SIDES
        if run[side]["accuracy"] < target
    ]  # fmt: skip
    ours, torch = (mean(run[side]["seconds"] for run in runs) for side in SIDES)
    ours_epoch, torch_epoch = (
        sum(run[side]["seconds"] for run in runs) / sum(run[side]["epochs"] for run in runs)
        for side in SIDES
    )
    last = (
        f"{', '.join(missed)} did not reach it in {MOST_EPOCHS} epochs, so there is no ratio."
        if missed
        else f"Mean seconds of PyTorch over ours: **{torch / ours:.2f}** (aim {AIM}, "
        f"at least {FLOOR}); of an epoch: {torch_epoch / ours_epoch:.2f}."
    )
    return [
        "",
        "## Colour pictures beside PyTorch",
        "",
        f"Pictures of 32×32 in ten classes, {found['pictures']}: seconds of training until",
        f"{target:g} % of 2,000 or more other pictures are right, measured after each epoch. The",
        "network of TensorFlow's tutorial for CIFAR-10 (three convolutions with relu, two of them",
        "with max pooling, two dense layers), Adam, batches of 64; PyTorch with its plain loop,",
        "channels last. Each training is a process of its own, in turn, with two threads; the",
        "clock begins after one step of another network: `benchmarks/results/colour.py`.",
        f"{found['machine']}, {found['cores']} cores, commit {found['commit']}.",
        "",
        "| seed | ours, seconds | epochs | accuracy, % | PyTorch, seconds | epochs | accuracy, % |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *(
            f"| {run['seed']} | "
            + " | ".join(
                f"{run[side]['seconds']:.1f} | {run[side]['epochs']} | {run[side]['accuracy']:.1f}"
                for side in SIDES
            )
            + " |"
            for run in runs
        ),
        "",
        last,
    ]


if __name__ == "__main__":
    side, seed = sys.argv[1:]
    clock = SIDES[side](int(seed), colour_pictures.pictures())
    print(
        json.dumps({
            "seconds": round(clock.seconds, 2), "epochs": len(clock.accuracies),
            "accuracy": round(clock.accuracies[-1], 2), "target": clock.pictures.accuracy,
        })
    )  # fmt: skip
