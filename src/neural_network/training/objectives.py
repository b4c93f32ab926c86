"""Losses and metrics by their names, and the weights of rows and classes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_choice, as_real, as_single, is_iterable
from neural_network.errors import (
    ArgumentError,
    DTypeError,
    NothingToAverageError,
    ShapeError,
    brief,
    sentence,
)
from neural_network.functional.losses.reduction import check_reduction
from neural_network.layers.several import SEVERAL, arrays_in, row_count
from neural_network.lazy import NameTable
from neural_network.training.metrics import accuracy
from neural_network.training.metrics_binary import binary_accuracy
from neural_network.training.signatures import check_takes

# Sums of larger weights of rows may be more than float32 holds, and smaller ones less; the weights
# are scaled then.
LARGEST_WEIGHT = 1e18
# Of ``class_weights``: from the numbers of rows.
BALANCED = "balanced"
Loss = Callable[..., Any]
Metric = Callable[[Any, Any], float]
ClassWeights = Array | dict[int, float] | str | None

LOSSES: NameTable[Loss] = NameTable("loss")
# Those whose labels may be class numbers, so that accuracy has a meaning.
LOSSES_OF_CLASSES: NameTable[Loss] = NameTable("loss of classes")
METRICS: NameTable[Metric] = NameTable("metric")
# Those that are no mean over batches: they need the outputs of all rows.
METRICS_OF_ALL_ROWS: NameTable[Metric] = NameTable("metric of all rows")


class UsualMetrics(dict[str, Metric]):
    """The metrics of a training for which none were given: each ``fit`` chooses them anew."""


def usual_metrics(loss: Loss, *targets: Any) -> UsualMetrics:
    """Return accuracy where the labels are classes, or each 0 or 1 and one a row; else nothing."""
    if is_of_classes(loss):
        return UsualMetrics(accuracy=_fitted(accuracy, loss))
    of_two = loss_name(loss) in ("binary_cross_entropy", "binary_cross_entropy_with_logits")
    if of_two and targets and all(map(_are_hard, targets)):
        return UsualMetrics(accuracy=_fitted(binary_accuracy, loss))
    return UsualMetrics()


def _are_hard(y: Any) -> bool:
    if not isinstance(y, np.ndarray) or y.shape not in ((len(y),), (len(y), 1)):
        return False
    return bool(np.all((y == 0) | (y == 1)))


def as_loss(value: object) -> Loss:
    """Return a loss: a function, or one of the library's by name."""
    names = ", ".join(repr(name) for name in LOSSES)
    if isinstance(value, str):
        return LOSSES[as_choice("Trainer", "loss", value, tuple(LOSSES))]
    if isinstance(value, Mapping | list | tuple) and value:
        place = brief(next(iter(value)) if isinstance(value, Mapping) else 0, letters=40)
        expected = (
            f"one function of all outputs, such as lambda out, y: nn.mse_loss(out[{place}], "
            f"y[{place}]) + …, with factors as weights"
        )
        raise DTypeError(sentence("Trainer", "loss", expected, f"{len(value)} losses"))
    if not callable(value):
        expected = f"a function of (outputs, y), or one of {names}"
        raise DTypeError(sentence("Trainer", "loss", expected, brief(value)))
    check_takes("loss", value, "outputs", "y")
    return value


def as_metrics(value: object, loss: Loss) -> dict[str, Metric]:
    """Return name → function of (outputs, y); None for the loss's usual metrics."""
    if value is None:
        return usual_metrics(loss)
    if isinstance(value, str):  # one name is a list of one
        value = [value]
    if isinstance(value, Mapping):
        items: Iterable[tuple[Any, Any]] = value.items()
    elif is_iterable(value):
        # A function whose options functools.partial has set has the name of the function. No list:
        # what is no metric is refused at its first element, however long the range.
        items = ((v if isinstance(v, str) else _name(v), v) for v in value)
    else:
        expected = "a list of functions or names, or a dict"
        raise DTypeError(sentence("Trainer", "metrics", expected, brief(value)))
    found: dict[str, Metric] = {}
    for name, metric in items:
        function = METRICS.get(metric) if isinstance(metric, str) else metric
        if not callable(function):
            expected = f"functions of (outputs, y), or of {', '.join(map(repr, METRICS))}"
            from neural_network.elsewhere.answers import metric_word, with_meaning

            kind = ArgumentError if isinstance(metric, str) else DTypeError
            received = metric_word(metric) or with_meaning(metric, METRICS)
            raise kind(sentence("Trainer", "metrics", expected, received))
        check_takes("metrics", function, "outputs", "y")
        if name in found or name == "loss":
            expected = "names that differ, also from 'loss' (a dict gives names)"
            raise ArgumentError(sentence("Trainer", "metrics", expected, f"{name!r} twice"))
        found[str(name)] = _fitted(function, loss)
    return found


def _fitted(metric: Metric, loss: Loss) -> Metric:
    """Return a metric as it fits what a loss takes as labels, and what it takes as outputs.

    One of the library's leaves out the rows that the loss ignores, and cuts logits at 0. Options
    that ``functools.partial`` has set stay.
    """
    if metric is accuracy and plain_function(loss) is LOSSES["hinge"]:
        return _accuracy_of_margins
    if plain_function(metric) not in METRICS.values():
        return metric
    options: dict[str, Any] = {}
    if (ignored := ignored_label(loss)) is not None:
        options["ignore_index"] = ignored
    if loss_name(loss) in ("binary_cross_entropy_with_logits", "hinge"):
        options["threshold"] = 0.0
    if options:
        takes = inspect.signature(plain_function(metric)).parameters
        options = {name: value for name, value in options.items() if name in takes}
    options |= options_of(metric)
    return partial(plain_function(metric), **options) if options else metric


def needs_all_rows(metric: Metric) -> bool:
    """Return whether a metric is no mean over batches."""
    return plain_function(metric) in METRICS_OF_ALL_ROWS.values()


def _accuracy_of_margins(outputs: Array, y: Array) -> float:
    """Return the accuracy for labels −1 and 1 in the shape of the scores, or for class indices."""
    if np.shape(outputs) != np.shape(y):
        return accuracy(outputs, y)
    return float(np.mean(np.greater(outputs, 0) == np.greater(y, 0)))


def measured(metrics: Mapping[str, Metric], outputs: Any, y: Any) -> dict[str, float]:
    """Return each metric of which a row counts; NaN where the outputs contain NaN."""
    several = isinstance(outputs, SEVERAL)
    outputs = outputs if several else as_real("measure", "outputs", outputs)
    for place, own in arrays_in(outputs):
        array = as_real("measure", f"outputs{place}", own)  # a maximum with NaN is NaN
        if array.dtype.kind == "f" and np.isnan(np.maximum.reduce(array, None, initial=0)):
            return dict.fromkeys(metrics, float("nan"))
    found = {}
    for name, metric in metrics.items():
        if several and plain_function(metric) in METRICS.values():
            place = arrays_in(outputs)[0][0]
            known = getattr(plain_function(metric), "__name__", "accuracy")
            expected = f"a function of all outputs: lambda out, y: nn.{known}(out{place}, y{place})"
            received = f"{known}, which is of one array"
            raise DTypeError(sentence("Trainer", f"metrics: {brief(name)}", expected, received))
        try:
            found[name] = as_single(f"metric {name!r}", "result", metric(outputs, y))
        except NothingToAverageError:  # no row counts
            continue
    return found


def options_of(function: Loss | Metric) -> Mapping[str, Any]:
    """Return the options that ``functools.partial`` has set of the library's losses and metrics."""
    if not isinstance(function, partial):
        return {}
    made = function.func
    known = made is accuracy or made in LOSSES.values() or made in METRICS.values()
    return function.keywords if known else {}


def reduction_of(loss: Loss) -> str:
    """Return the option ``reduction`` that ``functools.partial`` has set of a loss, or "mean"."""
    given = options_of(loss).get("reduction", "mean")
    check_reduction(loss_name(loss), given)
    return str(given)


def row_shares(function: Loss | Metric, y: Any) -> Array | None:
    """Return how much each row counts in the mean of a loss or metric; None: all the same.

    These are the options ``ignore_index`` and ``class_weights`` of a loss.
    """
    options = options_of(function)
    ignored, class_weights = options.get("ignore_index"), options.get("class_weights")
    if (ignored is None and class_weights is None) or y.ndim != 1:
        return None
    counted = np.ones(len(y), bool) if ignored is None else np.not_equal(y, ignored)
    if class_weights is None:
        return counted.astype(np.float64)
    classes = np.where(counted, y, 0).astype(np.intp)
    return np.where(counted, np.asarray(class_weights, np.float64)[classes], 0)


def total_share(function: Loss | Metric, y: Any, weights: Array | None = None) -> float:
    """Return the sum of what the rows of a batch count in the mean of a loss or metric."""
    shares = row_shares(function, y) if isinstance(function, partial) else None  # has options
    if shares is None or weights is None:
        counted = weights if shares is None else shares
        rows = len(y) if type(y) is np.ndarray else row_count(y)
        return float(rows if counted is None else np.sum(counted))
    return float(np.sum(shares * weights))


def as_class_weights(loss: Loss, value: object) -> ClassWeights:
    """Return the weights of classes: an array, a dict class → weight, or "balanced"."""
    if value is None:
        return None
    name = "class_weights"
    if not is_of_classes(loss):
        expected = (
            "none with a loss that has no classes (in one of several outputs they are an option: "
            "nn.softmax_cross_entropy(out[0], y[0], class_weights=[1, 2]))"
        )
        if loss_name(loss) in ("binary_cross_entropy", "binary_cross_entropy_with_logits"):
            expected = (
                "none with outputs of 0 and 1: loss=functools.partial("
                "nn.binary_cross_entropy_with_logits, positive_weight=9.0) has a weight, and "
                "[9.0, 2.0, 1.0] one for each of three outputs"
            )
        raise ArgumentError(sentence("Trainer", name, expected, brief(value)))
    if isinstance(value, str):
        return as_choice("Trainer", name, value, (BALANCED,))
    if isinstance(value, Mapping):
        whole = all(isinstance(k, int | np.integer) and not isinstance(k, bool) for k in value)
        if not whole or not value or min(value) < 0:
            raise DTypeError(sentence("Trainer", name, "class number → weight", brief(value)))
        numbers = as_real("Trainer", name, list(value.values())).astype(float)
    else:
        numbers = as_real("Trainer", name, value).astype(float)  # type: ignore[arg-type]  # refusing is its job
    wrong = not np.all(np.isfinite(numbers)) or np.any(numbers < 0) or not np.any(numbers)
    if numbers.ndim != 1 or wrong:
        expected = "finite numbers of at least 0, not all 0, one for each class"
        raise ArgumentError(sentence("Trainer", name, expected, brief(value)))
    if isinstance(value, Mapping):
        return {int(key): float(number) for key, number in zip(value, numbers, strict=True)}
    return numbers


def spread_class_weights(
    weights: ClassWeights, classes: int, loss: Loss, y: Array | None
) -> Array | None:
    """Return a weight for each class; 1 where a dict names none.

    Args:
        weights: as ``as_class_weights`` returns them.
        classes: how many the model has.
        loss: of the training.
        y: all targets, of which "balanced" weights follow; None: they are not known.
    """
    if weights is None:
        return None
    if isinstance(weights, str):
        return _balanced(classes, loss, y)
    table = weights if isinstance(weights, dict) else dict(enumerate(weights))
    if max(table) >= classes or (table is not weights and len(table) < classes):
        received = f"class {max(table)}" if table is weights else f"{len(table)} weights"
        expected = f"weights of the {classes} classes that the model has"
        raise ShapeError(sentence("Trainer", "class_weights", expected, received))
    weights = np.ones(classes)
    weights[list(table)] = list(table.values())
    return weights


def _balanced(classes: int, loss: Loss, y: Array | None) -> Array:
    """Return ``rows / (classes that occur · rows of the class)``: each class counts the same."""
    if y is None:
        expected = "a weight for each class with an iterable, whose labels are not known before"
        raise ArgumentError(sentence("Trainer", "class_weights", expected, repr(BALANCED)))
    labels, ignored = y if y.ndim == 1 else np.argmax(y, axis=1), ignored_label(loss)
    if ignored is not None:
        labels = labels[labels != ignored]
    counts = np.bincount(labels.astype(np.intp), minlength=classes)
    there = counts > 0
    weights = np.ones(classes)
    weights[there] = len(labels) / (np.count_nonzero(there) * counts[there])
    return weights


def row_weights(
    loss: Loss, y: Array, weights: Array | None, class_weights: Array | None
) -> Array | None:
    """Return the weight of each row: its own times that of its class."""
    if class_weights is None:
        return weights
    # The class of a row of probabilities is its likeliest one.
    classes = y if y.ndim == 1 else np.argmax(y, axis=1)
    ignored = ignored_label(loss)
    if ignored is not None:  # has no class; the loss leaves it out whatever it weighs
        classes = np.where(np.equal(classes, ignored), 0, classes)
    chosen: Array = class_weights[classes.astype(np.intp)]
    return chosen if weights is None else chosen * weights


def weighted_mean(loss: Loss, outputs: Any, y: ArrayLike, weights: Array) -> Any:
    """Return ``Σ w_i · loss_i / Σ w_i · c_i`` over the rows, where c is what ``row_shares`` gives.

    For a loss with ``reduction="sum"`` it is ``Σ w_i · loss_i``.

    Raises:
        DTypeError: a loss that has no ``reduction="none"`` cannot be weighted.
        NothingToAverageError: no row has a weight above 0.
        ShapeError: it gives something else than a number for each row.
    """
    if not _has_reduction(loss):
        expected = (
            "a loss with a parameter reduction, which gives a number for each row with "
            'reduction="none", because rows have weights'
        )
        raise DTypeError(sentence("Trainer", "loss", expected, _name(loss)))
    rows = loss(outputs, y, reduction="none")
    if np.shape(rows) != weights.shape:
        expected = f'{len(weights)} numbers with reduction="none", one for each row'
        raise ShapeError(sentence("Trainer", "loss", expected, f"shape {np.shape(rows)}"))
    scale = float(np.max(weights))
    if scale == 0 or 1 / LARGEST_WEIGHT < scale < LARGEST_WEIGHT:
        scale = 1.0
    weights = weights / scale
    total = total_share(loss, y if isinstance(y, SEVERAL) else np.asarray(y), weights)
    if total == 0:
        received = f"{len(weights)} of weight 0"
        raise NothingToAverageError(sentence("Trainer", "loss", "a row that counts", received))
    if reduction_of(loss) == "sum":
        total = 1 / scale
    return np.sum(rows * weights.astype(rows.dtype)) * (1 / total)


def plain_function(loss: Loss) -> Loss:
    """Return the function under a loss whose options ``functools.partial`` has set."""
    return loss.func if isinstance(loss, partial) else loss


def _name(function: Any) -> str:
    return str(getattr(plain_function(function), "__name__", brief(function)))


def loss_name(loss: Loss) -> str:
    """Return the name of one of the library's losses, whatever its options; "" for another."""
    return next((name for name, own in LOSSES.items() if own is plain_function(loss)), "")


def is_of_library(function: Loss | Metric) -> bool:
    """Return whether a loss or metric is the library's, whose arguments are checked."""
    module = getattr(plain_function(function), "__module__", None) or ""
    return module.startswith("neural_network.")


def ignored_label(loss: Loss) -> int | None:
    """Return the label of the rows that one of the library's losses leaves out, if any."""
    label: int | None = options_of(loss).get("ignore_index")
    return label


def is_of_classes(loss: Loss) -> bool:
    """Return whether the labels of a loss may be class numbers."""
    return plain_function(loss) in LOSSES_OF_CLASSES.values()


def _has_reduction(loss: Loss) -> bool:
    try:
        parameters = inspect.signature(loss).parameters
    except (TypeError, ValueError):  # written in C
        return False
    return "reduction" in parameters or any(
        parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()
    )
