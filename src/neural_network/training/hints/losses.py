"""Hints about the loss and the metrics of a ``Trainer``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.lifting import array_under
from neural_network.training.hints import graph
from neural_network.training.hints.trial import Trial, tried
from neural_network.training.objectives import is_of_library

TARGETS = frozenset({
    "y", "y_true", "ytrue", "true", "truth", "y_test", "target", "targets", "label", "labels",
    "t", "ground_truth", "gt", "actual", "expected", "real",
})  # fmt: skip
PREDICTIONS = frozenset({
    "y_pred", "ypred", "pred", "preds", "prediction", "predictions", "predicted", "output",
    "outputs", "out", "o", "y_hat", "yhat", "y_score", "score", "scores", "logits", "probs",
    "probabilities", "p", "model_output",
})  # fmt: skip


def probabilities_for_scores(trial: Trial) -> str | None:
    """Probabilities where a loss expects scores, and the like."""
    return graph.probabilities_for_scores(trial.loss, trial.place)


def softmax_of_one_number(trial: Trial) -> str | None:
    """A softmax over a single number."""
    return graph.softmax_of_one_number(trial.loss, trial.place)


def targets_that_broadcast(trial: Trial) -> str | None:
    """Predictions (n, 1) beside targets (n,), in a loss or a metric of one's own."""
    n = trial.rows.rows
    text = graph.targets_that_broadcast(trial.loss, trial.place)
    if text is not None and n > 2:  # n may be the number of something else
        fewer = trial.loss_of(slice(n - 1))
        if isinstance(fewer, Tensor) and graph.targets_that_broadcast(fewer, trial.place):
            return text
    return _metric_that_broadcasts(trial)


def _metric_that_broadcasts(trial: Trial) -> str | None:
    example = trial.feed.example
    n, y = example.rows, example.y
    outputs = trial.state.model.predict(example.X)
    if {outputs.shape, y.shape} != {(n,), (n, 1)} or n < 3:
        return None
    for name, metric in trial.state.metrics.items():
        # An untrained network may answer the same for each row: then the shape does not show.
        for shift in (0.0, float(np.median(outputs)), float(np.median(outputs)) - 0.5):
            if is_of_library(metric):
                break
            moved = outputs - shift
            given = _number(metric, moved, y)
            flat = _number(metric, moved.reshape(n), y.reshape(n))
            column = _number(metric, moved.reshape(n, 1), y.reshape(n, 1))
            if _differ(given, flat) and column is not None and not _differ(flat, column):
                made, to = ("(n, 1)", "(n,)") if y.ndim == 1 else ("(n,)", "(n, 1)")
                cure = "y.reshape(-1, 1)" if y.ndim == 1 else "y.reshape(-1)"
                return (
                    f"the metric {name!r} combines outputs of shape {made} with targets of shape "
                    f"{to}, which NumPy broadcasts to (n, n): each row is compared with the "
                    f"targets of all rows; {cure} has the shape of the outputs"
                )
    return None


def swapped_arguments(trial: Trial) -> str | None:
    """A loss or metric of (targets, predictions), which is called with (outputs, y)."""
    functions = {"the loss": trial.state.loss}
    functions |= {f"the metric {name!r}": metric for name, metric in trial.state.metrics.items()}
    for what, function in functions.items():
        names = _first_names(function)
        if is_of_library(function) or names is None:
            continue
        first, second = names
        if first.lower() not in TARGETS or second.lower() not in PREDICTIONS:
            continue
        outputs, y = trial.outputs.data, trial.rows.y
        given, swapped = _number(function, outputs, y), _number(function, y, outputs)
        if swapped is not None and _differ(given, swapped):
            now = "nothing" if given is None else f"{given:.4g}"
            return (
                f"{what} is a function of ({first}, {second}), and is called with (outputs, y), in "
                f"this order: it returns {now} for the first rows, and {swapped:.4g} the "
                "other way round; write it as a function of (outputs, y), or pass "
                f"lambda outputs, y: {getattr(function, '__name__', 'f')}(y, outputs)"
            )
    return None


def _first_names(function: Callable[..., Any]) -> tuple[str, str] | None:
    """Return the names of the two arguments that a loss or metric is called with."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # written in C
        return None
    places = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return (places[0], places[1]) if len(places) > 1 else None


def _number(function: Callable[..., Any], *arguments: Array) -> float | None:
    """Return what a loss or metric of one's own returns, or None where it does not take these."""
    with suppress(Exception):  # of a function that is only tried
        return float(array_under(function(*(argument.copy() for argument in arguments))))
    return None


def _differ(given: float | None, other: float | None) -> bool:
    """Return whether two results are not the same; nothing, NaN or infinity is not a number."""
    if given is None or other is None or not np.isfinite(other):
        return False
    return not np.isfinite(given) or not np.isclose(given, other, rtol=1e-3, atol=1e-6)


def layers_made_anew(trial: Trial) -> str | None:
    """Layers that ``forward`` makes in each call, so that their weights are never trained."""
    model = trial.state.model
    own = {id(layer) for layer in model.all_layers()}
    called = [layer for layer, _ in trial.inputs if id(layer) not in own and layer.parameters()]
    if not called:
        return None
    again = [layer for layer, _ in tried(model, trial.rows.X)[2]]
    anew = [layer for layer in called if not any(one is layer for one in again)]
    if not anew:  # a model from elsewhere, whose weights are not to be trained
        return None
    kind = type(anew[0]).__name__
    return (
        f"forward makes a new {kind} in each call, with new weights, which are never trained; make "
        f"it once, in __init__: self.layer = {kind}(…), and call self.layer(X) in forward"
    )
