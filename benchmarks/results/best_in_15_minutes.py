"""One training of the best network for fifteen minutes, from a cold process.

The parent (cold.py) measures the whole process. Network, augmentation, rate and number of
epochs were chosen on the last 10,000 of the training digits, which then joined the others;
the test digits only say what was reached.
"""

from __future__ import annotations

import sys
from typing import Any

from one_seed import report

import neural_network as nn

EPOCHS, BATCH_SIZE, PEAK_RATE, AVERAGE = 42, 128, 0.01, 0.999
AUGMENT = nn.Augment(nn.Shift(2), nn.Rotate(10), nn.Scale(0.1))


def network(seed: int) -> nn.Sequential:
    """Two pairs of convolutions and a dense layer, with batch norm, pooling and dropout."""

    def block(filters: int, *, pool: bool) -> list[nn.Layer]:
        # Pooled first, so that batch norm and relu compute a quarter.
        layers: list[nn.Layer] = [nn.Conv2D(filters, 3, bias=False, initializer="he_uniform")]
        layers += [nn.MaxPool2D(2)] if pool else []
        return [*layers, nn.BatchNorm(), nn.Activation("relu")]

    return nn.Sequential(
        *block(32, pool=False),
        *block(32, pool=True),
        *block(64, pool=False),
        *block(64, pool=True),
        nn.Flatten(),
        nn.Dropout(0.4),
        nn.Dense(128, bias=False, initializer="he_uniform"),
        nn.BatchNorm(),
        nn.Activation("relu"),
        nn.Dropout(0.4),
        nn.Dense(10),
    ).initialize((1, 28, 28), rng=seed)


def settings() -> dict[str, Any]:
    """Return what a stored result has to agree with."""
    return {
        "model": repr(network(0)), "epochs": EPOCHS, "batch_size": BATCH_SIZE,
        "peak_rate": PEAK_RATE, "average": AVERAGE, "augment": repr(AUGMENT),
    }  # fmt: skip


class PrintLoss(nn.Callback):
    """Print the loss of each epoch on the error stream: the output is one line of JSON."""

    def on_epoch_end(self, trainer: nn.Trainer, measures: dict[str, float]) -> None:
        """Print the loss."""
        print(f"epoch {trainer.epoch}: loss {measures['loss']:.4f}", file=sys.stderr, flush=True)


def train(seed: int, X: Any, y: Any) -> nn.Sequential:
    """Train once."""
    model = network(seed)
    trainer = nn.Trainer(
        model, nn.Adam(nn.OneCycle(PEAK_RATE)), metrics=(), rng=seed, progress=False,
        augment=AUGMENT, average=AVERAGE, callbacks=[PrintLoss()],
    )  # fmt: skip
    trainer.fit(X, y, EPOCHS, BATCH_SIZE)
    return model


if __name__ == "__main__":
    report(train)
