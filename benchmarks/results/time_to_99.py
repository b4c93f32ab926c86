"""One training from a cold process: read the digits, learn, say how many it reads right.

The parent (cold.py) measures the whole process: start, imports, reading, compiling or loading
kernels, training, testing. Network, rate and number of epochs were chosen on the last 5,000 of
the training digits; the test digits only say what was reached.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

import neural_network as nn

EPOCHS, BATCH_SIZE, PEAK_RATE = 3, 64, 0.003


def network(seed: int) -> nn.Sequential:
    """Two convolutions with large filters, each with relu and pooling, and a dense layer."""
    return nn.Sequential(
        nn.Conv2D(32, 5, activation="relu"),
        nn.MaxPool2D(2),
        nn.Conv2D(64, 5, activation="relu"),
        nn.MaxPool2D(2),
        nn.Flatten(),
        nn.Dense(128, "relu"),
        nn.Dense(10),
    ).initialize((1, 28, 28), rng=seed)


def main() -> None:
    """Train once, and print the result as a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    seed = parser.parse_args().seed
    images, labels = nn.load_mnist("train", "full")
    test_images, test_labels = nn.load_mnist("test", "full")
    X, X_test = (a[:, None].astype(np.float32) / 255 for a in (images, test_images))
    model = network(seed)
    trainer = nn.Trainer(
        model, nn.Adam(nn.OneCycle(PEAK_RATE)), metrics=(), rng=seed, progress=False
    )
    trainer.fit(X, labels, EPOCHS, BATCH_SIZE)
    accuracy = nn.accuracy(model.predict(X_test), test_labels)
    print(json.dumps({"seed": seed, "accuracy": round(100 * accuracy, 4)}))


if __name__ == "__main__":
    main()
