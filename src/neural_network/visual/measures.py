"""Which names of lists are measures of one run, and which are runs to compare."""

from __future__ import annotations

import re
from collections.abc import Iterable

from neural_network.lazy import NameTable

# Besides the metrics of a ``Trainer`` and what ends in "_loss".
OTHERS = {
    "loss", "acc", "error", "precision", "recall", "mse", "rmse", "perplexity", "learning_rate",
    "lr", "rate", "seconds",
}  # fmt: skip
HELD_OUT = re.compile(r"(training|train|validation|valid|val|test)[_ -]")
WORD = re.compile(r"[^\W_]+")


def is_measure(name: object) -> bool:
    """Return whether a name is one of a measure.

    >>> [is_measure(name) for name in ("loss", "val_Accuracy", "test loss", "2 layers", "SGD loss")]
    [True, True, True, False, False]
    """
    text = HELD_OUT.sub("", str(name).lower(), count=1)
    return text in OTHERS or text in NameTable("metric") or text.endswith("_loss")


def are_runs(names: Iterable[object]) -> bool:
    """Return whether the names of several lists are names of runs: none is a measure.

    >>> are_runs(["2 layers", "3 layers"]), are_runs(["loss", "norm"]), are_runs(["norm"])
    (True, False, False)
    """
    given = list(names)
    return len(given) > 1 and not any(map(is_measure, given))


def measure_of(names: Iterable[object]) -> str:
    """Return the measure that stands in the names of all runs; "loss" where none does.

    >>> measure_of(["accuracy of A", "accuracy of B"]), measure_of([0.1, 0.01])
    ('accuracy', 'loss')
    """
    words = [WORD.findall(str(name).lower()) for name in names]
    shared = [word for word in words[0] if is_measure(word) and all(word in one for one in words)]
    return shared[0] if shared else "loss"
