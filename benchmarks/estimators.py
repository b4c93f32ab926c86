"""The estimators beside scikit-learn's networks: accuracy or R², and seconds of a fit."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from statistics import mean, median, stdev
from time import perf_counter, process_time
from typing import Any

import numpy as np
from quiet import Watch
from sklearn import datasets, neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from neural_network import Adam, Dense, Sequential, Trainer, estimators
from neural_network.datasets import load_mnist

SEEDS = 10
DTYPES = ("float32", "float64")
ROWS_OF_MNIST = 10_000
# Epochs, and turns of each, of the comparison with ``Trainer.fit``.
EPOCHS, TURNS = 5, 11

Split = tuple[Any, Any, Any, Any]


def toy(load: Callable[..., Any]) -> Callable[[int], Split]:
    """Return a set of scikit-learn's, scaled, of which a quarter is held out by a seed."""

    def split(seed: int) -> Split:
        X, y = load(return_X_y=True)
        parts = train_test_split(X, y, random_state=seed, stratify=y if y.max() < 10 else None)
        scaler = StandardScaler().fit(parts[0])
        return (*map(scaler.transform, parts[:2]), *parts[2:])

    return split


def mnist(seed: int) -> Split:  # noqa: ARG001  # its test set is fixed
    """Return the first 10,000 training images, and the test images, as rows."""
    (images, labels), (others, theirs) = load_mnist("train"), load_mnist("test")
    some = images[:ROWS_OF_MNIST].reshape(-1, 784) / 255
    return some, others.reshape(len(others), 784) / 255, labels[:ROWS_OF_MNIST], theirs


SETS: dict[str, Callable[[int], Split]] = {
    "iris": toy(datasets.load_iris),
    "wine": toy(datasets.load_wine),
    "breast cancer": toy(datasets.load_breast_cancer),
    "digits": toy(datasets.load_digits),
    f"MNIST, {ROWS_OF_MNIST:,} rows": mnist,
    "diabetes (R²)": toy(datasets.load_diabetes),
}


def measure(quick: bool = False) -> dict[str, Any]:
    """Return a row for each set and type, and what the estimator adds to ``Trainer.fit``."""
    watch = Watch()
    # Threads that wait for each other in small products would be what is measured.
    with threadpool_limits(1):
        rows = [row(name, dtype, 2 if quick else SEEDS) for name in SETS for dtype in DTYPES]
        found = {"rows": rows, "overhead": overhead(), "seeds": SEEDS, "turns": TURNS}
    return found | {"others": watch.others()}


def row(name: str, dtype: str, seeds: int) -> dict[str, Any]:
    """Fit both libraries' networks with each seed, in turn."""
    kind = "MLPRegressor" if "R²" in name else "MLPClassifier"
    found: dict[str, list[tuple[float, float]]] = {"ours": [], "theirs": []}
    for seed in range(seeds):
        X, X_test, y, y_test = SETS[name](seed)
        X, X_test = X.astype(dtype), X_test.astype(dtype)
        for whose, library in (("ours", estimators), ("theirs", neural_network)):
            network = getattr(library, kind)(random_state=seed)
            start = perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                network.fit(X, y)
            seconds = perf_counter() - start
            found[whose].append((float(network.score(X_test, y_test)), seconds))
    result: dict[str, Any] = {"set": name, "dtype": dtype, "kind": kind, "seeds": seeds}
    for whose, pairs in found.items():
        scores, seconds = zip(*pairs, strict=True)
        result[whose] = {"mean": mean(scores), "std": stdev(scores), "seconds": median(seconds)}
    print(result, flush=True)
    return result


def overhead() -> float:
    """Return the processor time of a fit through the estimator, in that of ``Trainer.fit``."""
    X, _, y, _ = mnist(0)
    X = X.astype(np.float32)

    def through_the_estimator() -> None:
        network = estimators.MLPClassifier(
            max_iter=EPOCHS, alpha=0.0, n_iter_no_change=EPOCHS, random_state=0
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            network.fit(X, y)

    def by_the_trainer() -> None:
        model = Sequential(Dense(100, "relu"), Dense(10))
        trainer = Trainer(model, Adam(0.001), metrics=[], rng=0, progress=False)
        trainer.fit(X, y, epochs=EPOCHS, batch_size=200)

    ratios = []
    for turn in range(TURNS + 1):
        seconds = []
        for fit in (through_the_estimator, by_the_trainer):
            start = process_time()
            fit()
            seconds.append(process_time() - start)
        ratios += [seconds[0] / seconds[1]] if turn else []
    return median(ratios)
