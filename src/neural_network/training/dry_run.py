"""A trial of the model, the loss and the metrics before ``fit`` changes anything."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from neural_network.autograd.engine import no_backward
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array, as_mapping, as_real, as_single
from neural_network.datasets.augmentation.steps import Augmentation
from neural_network.errors import (
    ArgumentError,
    DTypeError,
    NeuralNetworkError,
    NothingToAverageError,
    ShapeError,
    both,
    brief,
    sentence,
)
from neural_network.functional.losses.cross_entropies import softmax_cross_entropy
from neural_network.functional.losses.regression import mse_loss
from neural_network.layers.convolution import Conv1D
from neural_network.layers.layer import Layer
from neural_network.layers.randomness import Draws, drawing, generator
from neural_network.layers.several import arrays_in, called, each, plain, row_count
from neural_network.layers.unfound import instead_of_parameters
from neural_network.lifting import array_under
from neural_network.training.data import ArrayFeed, Batch, Feed
from neural_network.training.first_step import compile_step
from neural_network.training.hints.data import CONVOLUTIONS, explaining_inputs
from neural_network.training.hints.losses import naming_swapped_arguments
from neural_network.training.metrics import accuracy
from neural_network.training.objectives import measured, row_weights, spread_class_weights
from neural_network.training.optimizers.groups import check_bound_to
from neural_network.training.parameters import hold_frozen, norms
from neural_network.training.state import TrainingState
from neural_network.training.target_checks import check_targets

# What a trainer computes from the outputs for a batch: a loss, and measures.
ComputeLoss = Callable[[Any, Batch], Any]
Measure = Callable[[Array, Array], dict[str, float]]
# Losses that refuse no outputs of the right shape, whatever their numbers.
OF_ANY_OUTPUTS = (softmax_cross_entropy, mse_loss)


def build(model: Layer, seed: int, X: Any) -> None:
    """Create the parameters that do not exist yet, for rows such as these."""
    rng = generator(seed, "weights")
    if type(X) is tuple:
        kinds = tuple([array.dtype for array in X])
        with explaining_inputs(model, X):
            model.initialize(*[array.shape[1:] for array in X], rng=rng, dtype=kinds)
        return
    with explaining_inputs(model, X):
        model.initialize(X.shape[1:], rng=rng, dtype=X.dtype)


@contextmanager
def of_validation() -> Iterator[None]:
    """Say in an error of the block that it is about the validation data."""
    try:
        yield
    except NeuralNetworkError as error:
        error.args = (f"fit: validation: {str(error).removeprefix('fit: ')}",)
        raise
    except Exception as error:  # of a metric or a layer of one's own
        error.add_note("It was raised for the validation data of fit.")
        raise


def expected_measures(state: TrainingState, held_out: Batch | None) -> list[str]:
    """Return the names of what will be measured.

    Raises:
        ArgumentError: what a schedule observes is not among them.
    """
    prefixes = ("", "validation_") if held_out is not None else ("",)
    measures = [f"{prefix}{name}" for prefix in prefixes for name in ("loss", *state.metrics)]
    state.optimizer.schedule.watched(measures)
    return measures


def try_fit(
    state: TrainingState,
    feed: Feed,
    held_out: Batch | None,
    compute_loss: ComputeLoss,
    measure: Measure,
) -> Array | None:
    """Try the model, the loss and the metrics on the first rows, and check all targets.

    Args:
        state: of the training, whose model is built.
        feed: where the batches come from.
        held_out: the validation data.
        compute_loss, measure: methods of the trainer, which a subclass may override.

    Returns:
        A weight for each class, if classes have weights.

    Raises:
        DTypeError, ShapeError, ArgumentError: something does not fit.
    """
    example = feed.example
    model = state.model
    check_bound_to("Trainer", state.optimizer, model)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        expected = "parameters that are trained"
        received = "none, or all frozen" if model.parameters() else "none"
        received += instead_of_parameters(model)
        raise ArgumentError(sentence("Trainer", "model", expected, received))
    compile_step(state, feed)  # a trial of many rows calls the first kernels
    known = _of_shapes(state, feed, held_out, compute_loss, measure)
    outputs = None
    if known is not None and state.tried is not None and state.tried[0] == known:
        row = state.tried[1]
    else:
        with explaining_inputs(model, example.X):
            outputs = _outputs(model, "model", example.X)
        row = _row(outputs)
    X = _augmented(state, example.X)
    if X is not example.X:
        _check_row("Trainer", "augment", _outputs(model, "augment", X), row)
    if outputs is not None and isinstance(feed, ArrayFeed) and feed.rows_of_last == 1:
        _try_single_row(state, model, each(lambda array: array[:1], X), feed.batch_size)
    check_targets(state.loss, row, feed.targets, whole=feed.whole, several=feed.whole)
    targets = feed.targets if feed.whole else None
    classes = 0 if state.class_weights is None else row[-1]
    class_weights = spread_class_weights(state.class_weights, classes, state.loss, targets)
    if outputs is None:
        return class_weights
    weights = row_weights(state.loss, example.y, example.weights, class_weights)

    own = state, compute_loss, measure
    _try_measures(*own, outputs, Batch(example.X, example.y, weights))
    if held_out is not None:
        with of_validation():
            some = held_out.at(slice(2))
            held_outputs = _outputs(model, "validation", some.X)
            _check_row("fit", "validation", held_outputs, row)
            check_targets(state.loss, row, held_out.y)
            _try_measures(*own, held_outputs, some)
    state.tried = None if known is None else (known, row)
    return class_weights


def _try_measures(
    state: TrainingState, compute_loss: ComputeLoss, measure: Measure, outputs: Any, batch: Batch
) -> None:
    """Compute the loss and the metrics of some rows, as a step will."""
    # In evaluation, because a loss that calls the model would move running statistics.
    with state.model.in_mode(training=False), np.errstate(all="ignore"):
        with suppress(NothingToAverageError):  # other rows may count
            expected = "a function of (outputs, y), in this order and as the model and y have them"
            several = not all(isinstance(a, np.ndarray) for a in (outputs, batch.y))
            form = f" for {_form(outputs)} and y {_form(batch.y)}"
            swapped = naming_swapped_arguments(state.loss)
            with swapped, _explained("loss", expected, several=several, form=form):
                loss = compute_loss(each(_recorded, outputs), batch)
            as_single("Trainer", "loss", array_under(loss))
            if not isinstance(loss, Tensor) or not loss.requires_grad:
                expected = "a tensor that is computed from the outputs"
                raise DTypeError(sentence("Trainer", "loss", expected, type(loss).__name__))
        found = measure(outputs, batch.y)
        as_mapping("Trainer", "measure", found, "a dict of numbers")
        measured(state.gathered.metrics, outputs, batch.y)


def _of_shapes(
    state: TrainingState,
    feed: Feed,
    held_out: Batch | None,
    compute_loss: ComputeLoss,
    measure: Measure,
) -> tuple[Any, ...] | None:
    """Return all that the result of a trial depends on, where shapes and types decide it.

    So it is where steps are computed without a tape and the loss takes any outputs: all that is
    called is the library's then, and a training with the same need not be tried again. Functions
    of one's own may depend on anything: None.
    """
    y, direct = feed.example.y, state._direct
    if (
        direct is None
        or not direct.serves()
        or state.loss not in OF_ANY_OUTPUTS
        or type(y) is not np.ndarray
        or held_out is not None
        or state.augment is not None
        or not {*state.metrics.values()} <= {accuracy}
        or not direct.own_measure
    ):
        return None
    functions = state.loss, compute_loss, measure, *state.metrics.values()
    options = state.class_weights is None, feed.shape, feed.example.X.dtype, y.dtype
    return (state.model._look(), *functions, *options)


def _augmented(state: TrainingState, X: Any) -> Any:
    """Return what ``augment`` makes of a copy of some rows."""
    if state.augment is None:
        return X
    several = isinstance(X, tuple)
    if several and isinstance(state.augment, Augmentation):
        expected = f"for several inputs a function of (X, rng), with X {_form(X)}"
        line = "augment=lambda X, rng: (own(X[0], rng), *X[1:])"
        received = f"{brief(state.augment, letters=60)}; with own = that, for the first: {line}"
        raise DTypeError(sentence("Trainer", "augment", expected, received))
    first = next((one for one in state.model.all_layers() if isinstance(one, CONVOLUTIONS)), None)
    if isinstance(state.augment, Augmentation) and isinstance(first, Conv1D) and X.ndim == 3:
        expected = "a function of (X, rng) for signals (N, C, L)"
        received = (
            f"{brief(state.augment, letters=60)}, which takes X {X.shape[1:]} for pictures (H, W) "
            "and would move numbers from channel to channel; "
            "here: augment=lambda X, rng: X + rng.normal(0, 0.05, X.shape).astype(X.dtype)"
        )
        raise DTypeError(sentence("Trainer", "augment", expected, received))
    expected = f"a function of (X, rng), with X {_form(X)} in the order of the model's forward"
    with _explained("augment", expected, several=several):
        made = state.augment(each(np.copy, X), generator(state.seed, "augment trial"))
    if isinstance(X, tuple) and (not isinstance(made, tuple) or len(made) != len(X)):
        expected = f"a tuple of {len(X)} arrays, as it was given"
        raise DTypeError(sentence("Trainer", "augment", expected, type(made).__name__))
    rows = row_count(X)
    for place, array in arrays_in(made) if isinstance(X, tuple) else [("", made)]:
        changed = as_real("Trainer", f"augment{place}", array)
        if changed.ndim == 0 or len(changed) != rows:
            expected = f"a result of {rows} rows, as it was given"
            received = f"shape {changed.shape}"
            raise ShapeError(sentence("Trainer", f"augment{place}", expected, received))
    return made if isinstance(X, tuple) else changed


def _try_single_row(state: TrainingState, model: Layer, row: Array, batch_size: int) -> None:
    """Call a copy of the model with one row, in training mode, as the last batch will."""
    model = copy.deepcopy(model).train()
    hold_frozen(norms(model))
    try:
        with no_backward(), drawing(Draws(state.seed, 0)), np.errstate(all="ignore"):
            called(model, row)
    except ArgumentError as error:
        expected = (
            "one that leaves no last batch of a single row, which batch norm cannot use in training"
        )
        received = f"{batch_size} ({error})"
        raise ArgumentError(sentence("fit", "batch_size", expected, received)) from error


def _outputs(model: Layer, name: str, X: Any) -> Any:
    with model.in_mode(training=False), no_backward(), np.errstate(all="ignore"):
        outputs = called(model, X)
    rows = row_count(X)
    for place, output in arrays_in(outputs):
        if np.shape(output)[:1] != (rows,):
            expected, received = "arrays with a row for each of X", f"shape {np.shape(output)}"
            raise ShapeError(sentence("Trainer", name + place, expected, received))
    return plain(outputs)


@contextmanager
def _explained(name: str, expected: str, *, several: bool, form: str = "") -> Iterator[None]:
    """Say what a function of several arrays is called with, where it raises an error of Python's.

    Args:
        name: of the argument of ``Trainer``.
        expected: what the function has to be.
        several: whether there are several arrays; an error about one is the caller's own.
        form: what was passed, as a text behind the error.
    """
    try:
        yield
    except NeuralNetworkError:
        raise
    except (TypeError, LookupError, AttributeError, ValueError) as error:
        if not several:
            raise
        received = f"{brief(error, lambda e: f'{type(e).__name__}: {e}')}{form}"
        kind: Any = type(error)
        raise both(ArgumentError, kind)(sentence("Trainer", name, expected, received)) from error


def _form(value: Any) -> str:
    """Return how arrays are together."""
    if isinstance(value, dict):
        return f"a dict of {', '.join(map(repr, value))}"
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else "an array"


def _recorded(output: Array) -> Tensor:
    return Tensor(output, requires_grad=True)


def _row(outputs: Any) -> Any:
    """Return the shape of a row, or of a row of each of several outputs."""
    return each(lambda output: output.shape[1:], outputs)


def _check_row(function: str, name: str, outputs: Any, row: Any) -> None:
    if (found := _row(outputs)) != row:
        expected = f"rows that the model turns into {row}, as those of X"
        raise ShapeError(sentence(function, name, expected, f"{found}"))
