"""What the scripts of one cold training share: a seed as argument, a line of JSON as output."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np

import neural_network as nn

# Trains for a seed, on digits (n, 1, 28, 28) from 0 to 1 and their labels.
Train = Callable[[int, Any, Any], nn.Sequential]


def report(train: Train) -> None:
    """Read the digits, train, and print the accuracy on the test digits."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int)
    seed = parser.parse_args().seed
    (images, labels), (test_images, test_labels) = (
        nn.load_mnist(split, "full") for split in ("train", "test")
    )
    X, X_test = (np.divide(a[:, None], 255, dtype=np.float32) for a in (images, test_images))
    model = train(seed, X, labels)
    accuracy = nn.accuracy(model.predict(X_test), test_labels)
    parameters = len(model.flat_parameters())
    print(json.dumps({"accuracy": round(100 * accuracy, 4), "parameters": parameters}))
