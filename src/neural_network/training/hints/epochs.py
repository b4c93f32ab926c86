"""Hints about what an epoch has done: dead layers, steps that are too large, nothing learned."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neural_network.autograd.engine import no_backward, nodes_before
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.errors import ArgumentError
from neural_network.functional.activations import log_softmax, relu
from neural_network.functional.op import RULES
from neural_network.layers.outputs import recorded_outputs
from neural_network.layers.places import place_of
from neural_network.layers.randomness import Draws, drawing
from neural_network.layers.several import SEVERAL, arrays_in, called, each
from neural_network.lifting import array_under
from neural_network.training.callback_base import Callback
from neural_network.training.data import EXAMPLE, Batch, Feed
from neural_network.training.hints.trial import ComputeLoss, Epoch, Fit, Start
from neural_network.training.objectives import (
    loss_name,
    options_of,
    reduction_of,
    row_shares,
    row_weights,
)
from neural_network.training.optimizers import Optimizer
from neural_network.training.state import TrainingState

# Something is looked for after so many epochs, and after the last.
EPOCHS = 3
# Rows that are looked at; at first, and where something seems to be amiss.
FEW_ROWS, ROWS = 8, 512
LOSSES_OF_CLASSES = ("softmax_cross_entropy", "cross_entropy", "nll")
LOSSES_OF_TWO = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
# Of the loss that the frequencies of the classes alone would give; more for labels that do not seem
# to fit the rows, because a network may need many steps before it begins to learn.
NOTHING, NOTHING_YET = 0.98, 0.99
# A loss has risen where it is by so much above the one before; of fewer than ``MANY_STEPS`` steps,
# by so much above that of the frequencies and the first one.
RISEN, FAR_ABOVE = 1.02, 1.1
# So many steps show that a rate is too small; that it is too high; that nothing is learned.
FEW_STEPS, SOME_STEPS, MANY_STEPS = 10, 20, 100
# How far the weights move, relative to their size, in a training of too small a rate.
UNMOVED = 3e-4
# What a hint advises, which another program may say in its own words.
AGAINST_DEATH = "scaled inputs, BatchNorm() before it, or leaky_relu prevent this"
OF_ONE_OUTPUT = (
    "look for layers that pass nothing on, for weights that begin with zeros, and for a learning "
    "rate that is too high"
)
A_HIDDEN_LAYER = (
    'a hidden layer before the last one, as Dense(16, "relu"): without one, planes alone separate '
    "the classes"
)
SAME_ORDER = (
    "are the rows of y in the order of those of X (shuffled with one permutation)? Else try "
)
# What others call an attribute that ends a training or sets the rate.
STOPS = ("stop_training", "should_stop", "stopped", "stop_fit")
RATES = (("trainer", "lr"), ("trainer", "learning_rate"), ("optimizer", "lr"))


def noted(state: TrainingState, feed: Feed, compute_loss: ComputeLoss) -> Start:
    """Return what the hints after an epoch compare with."""
    # From all over the data: the first rows may be of one class.
    some = feed.spread(EXAMPLE)
    return Start(_loss_now(state, some, compute_loss), _some_weights(state))


def _some_weights(state: TrainingState) -> Array:
    """Return a copy of some thousands of the weights."""
    arrays = [parameter.data.ravel() for parameter in state.model.parameters()]
    return np.concatenate([array[:: max(1, array.size // 1000)] for array in arrays])


def _loss_now(state: TrainingState, batch: Batch, compute_loss: ComputeLoss) -> float:
    """Return the loss of a batch as the model is now, as in training; NaN if there is none.

    As in training, because a batch norm's running statistics are not yet those of the data.
    """
    buffers = [(buffer, buffer.data.copy()) for _, buffer in state.model.named_buffers()]
    try:
        with state.model.in_mode(training=True):
            with no_backward(), drawing(Draws(state.seed, 0)):
                outputs = called(state.model, batch.X)
            recorded = each(lambda out: Tensor(array_under(out), requires_grad=True), outputs)
            loss = compute_loss(recorded, batch._replace(weights=None))
            return float(np.asarray(array_under(loss)))
    except ArgumentError:  # no row counts, or a batch norm has a single row
        return math.nan
    finally:
        for buffer, before in buffers:
            buffer.data[...] = before


def stage_without_backward(epoch: Epoch) -> str | None:
    """A stage of a subclass that computes no gradient."""
    unmoved = np.array_equal(_some_weights(epoch.state), epoch.start.weights)
    counted = np.isfinite(epoch.measures.get("loss", math.nan))
    if epoch.state.memory.reached or not unmoved or not counted:
        return None
    return (
        f"{epoch.state.step} steps were made, and backward() has reached no parameter: train_step "
        "has to call loss.backward(), after memory.zero_grad() and before memory.add_gradients()"
    )


def stopped_by_another_name(fit: Fit) -> str | None:
    """An attribute that a callback has set, and that nothing reads."""
    state = fit.state
    holders: dict[str, Any] = {"trainer": state, "model": state.model}
    for name, holder in holders.items():
        for other in STOPS:
            if other in vars(holder):
                return (
                    f"{name}.{other} was set, which nothing reads; trainer.stop = True ends the "
                    "training after the step"
                )
    for name, other in RATES:
        if other in vars(state if name == "trainer" else state.optimizer):
            return (
                f"{name}.{other} was set, which nothing reads; the rate is "
                "trainer.optimizer.learning_rate, a number or a schedule, and that of one step "
                "trainer.rate = 0.001 in on_step_begin"
            )
    return None


def dead_relu(epoch: Epoch) -> str | None:
    """A layer whose relu returns 0 for every row."""
    model = epoch.state.model
    if _all_have_gradient(epoch.state):
        return None
    place = _dead_layer(model, epoch.feed.spread(FEW_ROWS).X)
    if place is None:
        return None
    some = epoch.feed.spread(ROWS)
    pieces = [some.at(slice(start, start + 64)).X for start in range(0, some.rows, 64)]
    if some.rows < 4 or any(_dead_layer(model, rows) != place for rows in pieces):
        return None
    return (
        f"after epoch {epoch.state.epoch} the relu of {place} returns 0 for each of {some.rows} "
        "rows: no gradient passes it, so it cannot recover; a smaller learning rate "
        f"({_smaller(epoch)}), {AGAINST_DEATH}"
    )


def _all_have_gradient(state: TrainingState) -> bool:
    """Return whether the last step had a gradient for each parameter, so that no relu is dead.

    In front of a dead one they have none, but for that of a penalty.
    """
    penalty = state.model.penalty()
    if not isinstance(penalty, int | float) or penalty:
        return False
    return all(gradient.any() for gradient in state.memory.gradients_by_name().values())


def _dead_layer(model: Any, X: Any) -> str | None:
    """Return the place of the first relu that returns nothing but 0, or None."""
    outputs, layers = recorded_outputs(model, X)
    ends = [output for _, output in arrays_in(outputs) if isinstance(output, Tensor)]
    nodes = nodes_before(ends)
    tensors = [*ends, *(tensor for node in nodes for _, _, tensor in node.parents)]
    results = {tensor.node.number: tensor.data for tensor in tensors if tensor.node is not None}
    rules = (RULES[relu], RULES[relu].after_kernels)
    for node in reversed(nodes):  # behind a dead layer others may be dead
        if node.rule in rules and not results[node.number].any():
            layer = layers.get(node.number)
            return "the model" if layer is None else place_of(model, layer)
    return None


def only_falls_back(epoch: Epoch) -> str | None:
    """A rate so high that the loss only falls back to where it began."""
    state, mean, start = epoch.state, epoch.measures.get("loss", math.nan), epoch.start.loss
    # An optimizer may overshoot in its first steps, and learn all the same.
    early = state.step < SOME_STEPS and state.epoch < state.epochs and not state.stop
    if early or state.step < FEW_STEPS or not mean > 2 * start or _has_own_steps(state):
        return None
    least = _of_a_constant(epoch)
    if least is None:  # of a loss of several outputs, it is not known
        few = not isinstance(epoch.feed.targets, SEVERAL) or not mean > 10 * start > 0
    else:
        few = not mean > 2 * max(start, least)
    if few:
        return None
    now = _loss_now(state, epoch.feed.spread(EXAMPLE), epoch.compute_loss)
    if not now >= 0.95 * start:
        return None
    return (
        f"the loss was {start:.3g} before the first step, {mean:.3g} in the mean of epoch "
        f"{state.epoch}, and is {now:.3g} now: with the learning rate {_rate(epoch):.3g} the first "
        "steps have thrown the network off, and the loss only falls back; a smaller rate: "
        f"{_smaller(epoch)}"
    )


def nothing_learned(epoch: Epoch) -> str | None:
    """A loss that the frequencies of the classes alone would give: log(classes), often."""
    state, mean = epoch.state, epoch.measures.get("loss", math.nan)
    if state.step < FEW_STEPS or _has_own_steps(state):
        return None
    rows = epoch.feed.spread(2 * ROWS)
    found = _against_frequencies(state, rows, mean)
    if found is None:
        return None
    now, frequencies, outputs, weighted = found
    before = state.history["loss"][-2:-1]
    has_risen = bool(before) and mean > RISEN * before[0] and state.step >= SOME_STEPS
    if state.step < MANY_STEPS:  # it may be a network that begins to learn later
        has_risen = has_risen and mean > FAR_ABOVE * max(frequencies, epoch.start.loss)
    if now < NOTHING * frequencies or (now > FAR_ABOVE * frequencies and not has_risen):
        return None
    told = (
        f"after {state.step} steps the loss is {now:.4g}, and {frequencies:.4g} would be that of "
        f"the frequencies of the classes{weighted}, without a look at X: nothing was learned; "
    )
    moved = _moved(epoch)
    if moved * state.epochs / state.epoch < UNMOVED:
        later = [state.optimizer.rate(time, state.epochs) for time in range(state.epochs)]
        if max(later, default=0) > 3 * state.rate:
            return None  # a schedule that begins with small steps
        return told + (
            f"the weights have moved by {moved:.1g} of their size, so the learning rate "
            f"{state.rate:.3g} is too small; {_usual(epoch)} is usual"
        )
    if not any(np.ptp(X, axis=0).any() for _, X in arrays_in(rows.X)):
        return None  # there is nothing to tell the rows by
    if np.ptp(outputs, axis=0).max() < 1e-6 * max(1.0, float(np.abs(outputs).max())):
        return told + (
            f"the outputs are the same for every row: {OF_ONE_OUTPUT} "
            f"({_rate(epoch):.3g}; {_usual(epoch)} is usual)"
        )
    if has_risen:
        return told + (
            f"the loss has risen from {before[0]:.4g} to {mean:.4g} in the last epoch, so the "
            f"learning rate {_rate(epoch):.3g} is too high; a smaller rate: {_smaller(epoch)}"
        )
    waits = state.step < MANY_STEPS or (state.epoch < 2 and state.epoch < state.epochs)
    if waits or now < NOTHING_YET * frequencies:
        return None
    single = sum(parameter.ndim > 1 for parameter in state.model.parameters()) == 1
    more = A_HIDDEN_LAYER if single else "more units"
    return told + f"{SAME_ORDER}another learning rate than {_rate(epoch):.3g}, or {more}"


def _against_frequencies(
    state: TrainingState, rows: Batch, mean: float
) -> tuple[float, float, Array, str] | None:
    """Return the cross-entropy of the model, that of the classes' frequencies, and the outputs.

    In the loss, rows and classes may have weights; they count as much here. The last is a part of
    a sentence that says so, or "". None where the loss has none, or the mean of the epoch says
    that something was learned.
    """
    name = loss_name(state.loss)
    if not name or options_of(state.loss).get("ignore_index") is not None:
        return None
    y = np.asarray(rows.y)
    two = name in LOSSES_OF_TWO and y.size == len(y)
    if not two and name not in LOSSES_OF_CLASSES:
        return None
    if two:
        shares = np.stack([1 - y.ravel(), y.ravel()], axis=1)
    else:
        shares = y if y.ndim == 2 else np.eye(int(y.max()) + 1)[y.astype(np.intp)]
    if not np.all((shares == 0) | (shares == 1)):
        return None
    weights = _weights_in_the_loss(state, rows, shares)
    total = float(np.sum(weights))
    if not total > 0:
        return None
    if "positive_weight" in options_of(state.loss):  # it divides by the rows, whatever they weigh
        mean *= len(weights) / total
    often = weights @ shares / total
    often = often[often > 0]
    frequencies = -float(np.sum(often * np.log(often)))
    if frequencies < 0.1 or mean < NOTHING * frequencies:
        return None
    outputs = state.model.predict(rows.X).astype(np.float64)
    if name == "cross_entropy":
        logs = np.log(outputs)
    elif two:
        z = outputs.ravel()
        z = z if name.endswith("logits") else np.log(z) - np.log1p(-z)
        logs = -np.stack([np.logaddexp(0, z), np.logaddexp(0, -z)], axis=1)
    else:
        logs = log_softmax(outputs)
    now = -float(np.sum(weights @ (shares * logs[:, : shares.shape[1]])) / total)
    weighted = " with their weights" if np.ptp(weights) else ""
    return (now, frequencies, outputs, weighted) if np.isfinite(now) else None


def _weights_in_the_loss(state: TrainingState, rows: Batch, shares: Array) -> Array:
    """Return how much each row counts in one of the library's losses of classes.

    Args:
        state: of the training.
        rows: of the data.
        shares: their classes, one-hot.
    """
    y, ones = np.asarray(rows.y), np.ones(len(shares))
    weights = row_weights(state.loss, y, rows.weights, state._class_weights)
    of_loss, options = row_shares(state.loss, y), options_of(state.loss)
    weights = (ones if weights is None else weights) * (ones if of_loss is None else of_loss)
    if options.get("positive_weight") is not None:
        weights = weights * np.where(shares[:, 1], np.ravel(options["positive_weight"])[0], 1.0)
    return weights


def _of_a_constant(epoch: Epoch) -> float | None:
    """Return the loss of the best answer that is the same for every row, for the usual losses."""
    name = loss_name(epoch.state.loss)
    if not name or reduction_of(epoch.state.loss) != "mean":
        return None
    y = np.asarray(epoch.feed.targets[:ROWS], np.float64)
    if name in LOSSES_OF_CLASSES:
        return math.log(epoch.state.model.predict(epoch.feed.example.at(slice(1)).X).shape[-1])
    if name in LOSSES_OF_TWO:
        return math.log(2)
    if name == "mse_loss":
        return float(np.mean(np.square(y - y.mean(axis=0))))
    if name in ("l1", "huber"):
        return float(np.mean(np.abs(y - np.median(y, axis=0))))
    return None


def _has_own_steps(state: Any) -> bool:
    """Return whether steps are not the trainer's: a subclass's, or a callback tries rates."""
    if not type(state).train_step.__module__.startswith("neural_network."):
        return True
    return any(
        getattr(type(callback), "on_step_begin", None) is not Callback.on_step_begin
        for callback in state.callbacks
    )


def _moved(epoch: Epoch) -> float:
    """Return how far the parameters have moved, relative to their size."""
    now = _some_weights(epoch.state)
    size = float(np.linalg.norm(epoch.start.weights))
    return float(np.linalg.norm(now - epoch.start.weights)) / size if size else math.inf


def _kind(epoch: Epoch) -> type[Optimizer]:
    """Return the class of the optimizer, of several that of the first, whose rate is known."""
    optimizer = epoch.state.optimizer
    return type(optimizer if isinstance(optimizer, Optimizer) else optimizer.optimizers[0])


def _rate(epoch: Epoch) -> float:
    """Return the highest learning rate so far: a schedule may have lowered it since."""
    state = epoch.state
    times = np.linspace(0, state.epoch, 257)
    return max(state.rate, *(state.optimizer.rate(float(time), state.epochs) for time in times))


def _usual(epoch: Epoch) -> str:
    kind = _kind(epoch)
    return f"{kind.__name__}({kind.typical_rate:g})"


def _smaller(epoch: Epoch) -> str:
    kind, rate = _kind(epoch), _rate(epoch)
    return f"{kind.__name__}({min(rate / 10, kind.typical_rate):.1g})"
