"""Hints about the loss and the metrics of a ``Trainer``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.layers.several import SEVERAL, arrays_in, each, plain
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


def other_sums_of_rows(trial: Trial) -> str | None:
    """Probabilities of classes whose rows do not sum to 1."""
    return graph.other_sums_of_rows(trial.loss, trial.place)


def softmax_of_one_number(trial: Trial) -> str | None:
    """A softmax over a single number."""
    return graph.softmax_of_one_number(trial.loss, trial.place)


def sum_of_row_means(trial: Trial) -> str | None:
    """A sum of means of rows, beside another part of the loss."""
    if is_of_library(trial.state.loss):  # the other part is a penalty, whose factor was chosen
        return None
    return graph.sum_of_row_means(trial.loss, trial.place)


def targets_that_broadcast(trial: Trial) -> str | None:
    """Predictions (n, 1) beside targets (n,), in a loss or a metric of one's own."""
    n = trial.rows.rows
    text = graph.targets_that_broadcast(trial.loss, trial.place, trial.outputs)
    if text is not None and n > 2:  # n may be the number of something else
        outputs, fewer = trial.loss_of(slice(n - 1))
        if isinstance(fewer, Tensor) and graph.targets_that_broadcast(fewer, trial.place, outputs):
            return text
    return _metric_that_broadcasts(trial)


def _metric_that_broadcasts(trial: Trial) -> str | None:
    example = trial.feed.example
    n, y = example.rows, example.y
    if n < 3 or all(map(is_of_library, trial.state.metrics.values())):
        return None
    outputs = trial.state.model.predict(example.X)
    targets = dict(arrays_in(y))
    for place, output in arrays_in(outputs):
        if place in targets and {output.shape, targets[place].shape} == {(n,), (n, 1)}:
            text = _broadcasts(trial, outputs, y, place)
            if text is not None:
                return text
    return None


def _broadcasts(trial: Trial, outputs: Any, y: Any, place: str) -> str | None:
    """Say which metric compares each row of the outputs at a place with the targets of all rows."""
    output, target = dict(arrays_in(outputs))[place], dict(arrays_in(y))[place]
    n = len(output)
    for name, metric in trial.state.metrics.items():
        # An untrained network may answer the same for each row: then the shape does not show.
        for shift in (0.0, float(np.median(output)), float(np.median(output)) - 0.5):
            if is_of_library(metric):
                break
            given, flat, column = (
                _number(metric, _with(outputs, place, a), _with(y, place, b))
                for a, b in (
                    (output - shift, target),
                    ((output - shift).reshape(n), target.reshape(n)),
                    ((output - shift).reshape(n, 1), target.reshape(n, 1)),
                )
            )
            if _differ(given, flat) and column is not None and not _differ(flat, column):
                made, to = ("(n, 1)", "(n,)") if target.ndim == 1 else ("(n,)", "(n, 1)")
                cure = f"y{place}.reshape(-1, 1)" if target.ndim == 1 else f"y{place}.reshape(-1)"
                return (
                    f"the metric {name!r} combines outputs of shape {made} with targets of shape "
                    f"{to}, which NumPy broadcasts to (n, n): each row is compared with the "
                    f"targets of all rows; {cure} has the shape of the outputs"
                )
    return None


def _with(value: Any, place: str, array: Any) -> Any:
    """Return one array, or several of which that at a place is another."""
    if not isinstance(value, SEVERAL):
        return array
    names = iter(arrays_in(value))
    return each(lambda old: array if next(names)[0] == place else old, value)


def swapped_arguments(trial: Trial) -> str | None:
    """A loss or metric of (targets, predictions), which is called with (outputs, y)."""
    functions = {"the loss": trial.state.loss}
    functions |= {f"the metric {name!r}": metric for name, metric in trial.state.metrics.items()}
    for what, function in functions.items():
        names = None if is_of_library(function) else _first_names(function)
        if names is None:
            continue
        first, second = names
        if first.lower() not in TARGETS or second.lower() not in PREDICTIONS:
            continue
        outputs, y = plain(trial.outputs), trial.rows.y
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


@contextmanager
def naming_swapped_arguments(loss: Callable[..., Any]) -> Iterator[None]:
    """Add to what a loss of (targets, predictions) raises that it is called with (outputs, y)."""
    try:
        yield
    except Exception as error:  # any error of a function of one's own
        first, second = _first_names(loss) or ("", "")
        if first.lower() in TARGETS and second.lower() in PREDICTIONS and not is_of_library(loss):
            name = getattr(loss, "__name__", "f")
            error.add_note(
                f"the loss is a function of ({first}, {second}), and is called with (outputs, y), "
                f"in this order: pass lambda outputs, y: {name}(y, outputs)"
            )
        raise


def _first_names(function: Callable[..., Any]) -> tuple[str, str] | None:
    """Return the names of the two arguments that a loss or metric is called with."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # written in C
        return None
    places = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return (places[0], places[1]) if len(places) > 1 else None


def _number(function: Callable[..., Any], *arguments: Any) -> float | None:
    """Return what a loss or metric of one's own returns, or None where it does not take these."""
    with suppress(Exception):  # of a function that is only tried
        return float(array_under(function(*(each(np.copy, argument) for argument in arguments))))
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
    layers = [call.layer for call in trial.calls]
    called = [layer for layer in layers if id(layer) not in own and layer.parameters()]
    if not called:
        return None
    again = [call.layer for call in tried(model, trial.rows.X)[2]]
    anew = [layer for layer in called if not any(one is layer for one in again)]
    if not anew:  # a model from elsewhere, whose weights are not to be trained
        return None
    kind = type(anew[0]).__name__
    return (
        f"forward makes a new {kind} in each call, with new weights, which are never trained; make "
        f"it once, in __init__: self.layer = {kind}(…), and call self.layer(X) in forward"
    )
