"""What each row of docs/results.md trains: nothing in here was chosen by a test set.

The Keras recipe is taken as it is. Epochs, rates, augmentation and sizes of the others were set
from what is usual for such networks, those of Fashion-MNIST from trainings on the first 50,000
training pictures, measured on the last 10,000. There, more epochs of ``tiny_cnn`` with an average
of its weights gained nothing. The stored seeds were trained by the library of the commit that they
name, with the recipes of this file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import neural_network as nn


@dataclass(frozen=True)
class Recipe:
    """One row: data, network, and how it learns."""

    title: str
    data: str  # "mnist" or "fashion-mnist"
    rows: int  # of the 60,000 training pictures, the first
    epochs: int
    batch_size: int
    seeds: tuple[int, ...]
    aim: float  # accuracy on the test pictures, in percent
    model: Callable[[int], nn.Sequential]
    optimizer: Callable[[], nn.Optimizer]
    augment: nn.Augment | None = None
    floor: float | None = None  # below it, the row has failed

    def settings(self, seed: int) -> dict[str, Any]:
        """Return all that decides the result; a stored seed is good while it is the same."""
        summary = self.model(seed).summary()
        return {
            "data": self.data,
            "rows": self.rows,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "seed": seed,
            "model": [[row.layer, list(row.output), row.parameters] for row in summary.rows],
            "parameters": summary.parameters,
            "optimizer": self.optimizer().settings(),
            "augment": repr(self.augment),
        }


def fashion_cnn(seed: int) -> nn.Sequential:
    """A network of under 100,000 parameters, in the manner of ``tiny_cnn``."""
    layers: list[nn.Layer] = []
    for filters, pool in ((32, True), (32, False), (48, True), (64, False), (64, False)):
        layers.append(nn.Conv2D(filters, 3, padding=1, bias=False, initializer="he"))
        if pool:
            layers.append(nn.MaxPool2D(2))
        layers += [nn.BatchNorm(), nn.Activation("relu")]
    model = nn.Sequential(*layers, nn.GlobalAvgPool2D(), nn.Dropout(0.2), nn.Dense(10))
    return model.initialize((1, 28, 28), rng=seed)


RECIPES = {
    "mnist_cnn": Recipe(
        title="`mnist_cnn`, the recipe of the Keras example, nothing tuned",
        data="mnist",
        rows=54_000,
        epochs=15,
        batch_size=128,
        seeds=(0, 1, 2),
        aim=99.1,
        model=lambda seed: nn.models.mnist_cnn(rng=seed),
        optimizer=lambda: nn.Adam(0.001),
    ),
    "tiny_cnn": Recipe(
        title="`tiny_cnn`, under 20,000 parameters",
        data="mnist",
        rows=60_000,
        epochs=20,
        batch_size=128,
        seeds=(0, 1, 2),
        aim=99.6,
        floor=99.49,
        model=lambda seed: nn.models.tiny_cnn(rng=seed),
        optimizer=lambda: nn.Adam(nn.OneCycle(0.01)),
        augment=nn.Augment(nn.Shift(1), nn.Rotate(10), nn.Scale(0.1)),
    ),
    "fashion": Recipe(
        title="Fashion-MNIST, under 100,000 parameters",
        data="fashion-mnist",
        rows=60_000,
        epochs=22,
        batch_size=128,
        seeds=(0, 1, 2),
        aim=93.2,
        floor=92.9,
        model=fashion_cnn,
        optimizer=lambda: nn.AdamW(nn.OneCycle(0.01), weight_decay=0.05),
        augment=nn.Augment(nn.Shift(1), nn.Flip(), nn.Cutout(8)),
    ),
}
