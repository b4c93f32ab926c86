"""The training loop: a ladder of short verbs, fit → train_epoch → train_step → update."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.autograd.engine import no_grad
from neural_network.autograd.tensor import Tensor
from neural_network.errors import ArgumentError, DTypeError, ShapeError, sentence
from neural_network.functional.checks import Array, as_count, as_flag, as_number
from neural_network.layers.containers import Sequential
from neural_network.layers.flat import gather_gradients, learned_parts, parts
from neural_network.layers.layer import Layer
from neural_network.layers.randomness import Draws, as_seed, drawing, generator
from neural_network.training.averaging import ExponentialAverage
from neural_network.training.callbacks import Callback
from neural_network.training.checkpoints import load_checkpoint
from neural_network.training.clipping import clip_by_norm, clip_by_value
from neural_network.training.divergence import explain_gradients, explain_loss
from neural_network.training.feeding import Batch, Feed, as_feed, as_rows, check_finite
from neural_network.training.history import History
from neural_network.training.interrupts import TrainingInterrupted, noticing_interrupts
from neural_network.training.objectives import (
    Loss,
    Metric,
    as_class_weights,
    as_loss,
    as_metrics,
    check_targets,
    row_weights,
    weighted_mean,
)
from neural_network.training.optimizers import Optimizer, as_optimizer
from neural_network.training.progress import Progress
from neural_network.training.schedules import Schedule

Augmentation = Callable[[Array, np.random.Generator], Array]


class Trainer:
    """Trains a model: batches, gradients, steps, measures.

    Each rung of the ladder is a short method that a subclass may write anew: ``fit``,
    ``train_epoch``, ``train_step``, ``compute_loss``, ``update``, ``evaluate``.

    Args:
        model: a layer or model, or a list of layers. What is not built is built by
            ``fit`` with weights that follow from ``rng``.
        optimizer: an ``Optimizer`` or a name: "adam", "sgd" … Its learning rate may be
            a ``Schedule``, whose time is counted in epochs.
        loss: a function of (outputs, y), or the name of one: "softmax_cross_entropy".
        metrics: functions of (outputs, y) or names, or a dict; None: accuracy where the
            loss is one of classes.
        callbacks: ``EarlyStopping``, ``Checkpoint``, ``CSVLog``, your own …
        rng: a seed or a Generator. One seed, one result.
        augment: a function of (X, rng) that changes the pictures of a batch, such as
            ``Augment(Shift(2), Rotate(10))``.
        class_weights: what each class counts: a list, or a dict class → weight.
        clip_norm: the longest gradient allowed, in the Euclidean norm.
        clip_value: the largest entry of a gradient allowed.
        accumulate: so many batches make one step, with the mean of their gradients.
        average: decay of an exponential average of the weights (0.999), which is what
            is validated, and what the model ends with; None for none.
        progress: whether to show how far it is.

    Attributes:
        history: the ``History`` so far.
        epoch, batch, step: finished epochs, batches of this epoch, and steps.
        rate: the learning rate of the current step.
        stop: set it to True to end after this step.

    Raises:
        DTypeError, ArgumentError: an argument of the wrong kind or value.

    >>> images, labels = load_mnist()
    >>> X = images[:500].reshape(500, 784) / 255
    >>> model = Sequential(Dense(32, "relu"), Dense(10))
    >>> trainer = Trainer(model, optimizer=Adam(0.01), rng=0, progress=False)
    >>> history = trainer.fit(X, labels[:500], epochs=3, batch_size=50)
    >>> history["accuracy"][-1] > 0.8
    True
    """

    def __init__(
        self,
        model: Layer | list[Layer],
        optimizer: Optimizer | str = "adam",
        loss: Loss | str = "softmax_cross_entropy",
        metrics: Iterable[Metric | str] | Mapping[str, Metric] | None = None,
        callbacks: Sequence[Callback] = (),
        rng: int | np.random.Generator | None = None,
        *,
        augment: Augmentation | None = None,
        class_weights: ArrayLike | Mapping[int, float] | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        accumulate: int = 1,
        average: float | None = None,
        progress: bool = True,
    ) -> None:
        self.model = Sequential(model) if isinstance(model, list | tuple) else model
        if not isinstance(self.model, Layer):
            raise DTypeError(sentence("Trainer", "model", "a layer or model", repr(model)))
        self.optimizer = as_optimizer(optimizer)
        self.loss = as_loss(loss)
        self.metrics = as_metrics(metrics, self.loss)
        for place, callback in enumerate(callbacks):
            if not isinstance(callback, Callback):
                name = f"callbacks[{place}]"
                raise DTypeError(sentence("Trainer", name, "a Callback", repr(callback)))
        # Those that write down what the others hold come last.
        self.callbacks = sorted(callbacks, key=lambda callback: callback.comes_last)
        self.seed = as_seed(rng)
        if augment is not None and not callable(augment):
            raise DTypeError(sentence("Trainer", "augment", "a function of (X, rng)", augment))
        self.augment = augment
        self.class_weights = as_class_weights(self.loss, class_weights)
        self.clip_norm = clip_norm and as_number("Trainer", "clip_norm", clip_norm, above=0)
        self.clip_value = clip_value and as_number("Trainer", "clip_value", clip_value, above=0)
        self.accumulate = as_count("Trainer", "accumulate", accumulate)
        self.average = None if average is None else ExponentialAverage(average)
        self.progress = as_flag("Trainer", "progress", progress)
        self._begin()

    def _begin(self) -> None:
        self.history = History(seed=self.seed)
        self.epoch = self.batch = self.step = 0
        self.sums: dict[str, float] = {}
        self.rate = 0.0
        self.stop = False
        self._summed = 0  # batches whose gradients wait for a step

    # --- fit ---------------------------------------------------------------------

    def fit(
        self,
        X: ArrayLike | Iterable[Any] | Callable[[int], Iterable[Any]],
        y: ArrayLike | None = None,
        epochs: int = 1,
        batch_size: int = 32,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
        *,
        sample_weights: ArrayLike | None = None,
        resume: str | os.PathLike[str] | None = None,
    ) -> History:
        """Train, and return what was measured.

        Args:
            X: (n, …) inputs, in memory or memory-mapped; or an iterable of batches
                (X, y) or (X, y, weights), for data that do not fit the memory.
            y: (n,) labels or (n, …) targets; None with an iterable.
            epochs: how often to go through the data, at least 1.
            batch_size: rows in a batch; more than there are rows make one batch.
            validation: (X, y) to measure after each epoch.
            sample_weights: (n,) what each row counts in the loss.
            resume: a file that ``Checkpoint`` has written: go on from there. Everything
                else has to be as it was then.

        Returns:
            The history: "loss" and each metric, as means over the epoch while the
            weights moved, and "validation_loss" … after it.

        Raises:
            DTypeError, ShapeError, ArgumentError: data that do not fit each other, the
                model or the loss; nothing has changed then.
            DivergenceError: a loss or gradient that is not finite; the weights are
                those before that step.
            FileFormatError: ``resume`` is damaged or of another model or training.
            TrainingInterrupted: Ctrl-C, after a whole step.
        """
        self.epochs = as_count("fit", "epochs", epochs)
        feed = as_feed(X, y, batch_size, sample_weights)
        held_out = None if validation is None else self._checked_validation(validation)
        self._check_fit(feed, held_out)
        self._begin()
        self._prepare(feed)
        if resume is not None:
            load_checkpoint(self, resume)
        with ExitStack() as stack:
            for callback in self.callbacks:
                stack.enter_context(callback.during_fit(self))
            self._interrupt = stack.enter_context(noticing_interrupts())
            stack.enter_context(self.model.in_mode(training=True))
            self._progress = stack.enter_context(Progress(self.epochs, shown=self.progress))
            self._tell("on_fit_begin")
            while self.epoch < self.epochs and not self.stop:
                self._run_epoch(feed, held_out)
            self._take_average()
            self._tell("on_fit_end")
        return self.history

    def _checked_validation(self, validation: object) -> Batch:
        if not isinstance(validation, tuple | list) or len(validation) != 2:
            expected = "a pair (X, y)"
            raise DTypeError(sentence("fit", "validation", expected, type(validation).__name__))
        return Batch(*as_rows("fit: validation", *validation))

    def _check_fit(self, feed: Feed, held_out: Batch | None) -> None:
        """Try model and loss on two rows, so that a mistake is found before anything moves."""
        example = feed.example
        if not self.model.built:
            rng = generator(self.seed, "weights")
            self.model.initialize(example.X.shape[1:], rng=rng, dtype=example.X.dtype)
        with self.model.in_mode(training=False), no_grad():
            outputs = _raw(self.model(example.X))
            if held_out is not None:
                self.model(held_out.X[:2])
        if np.ndim(outputs) == 0 or len(outputs) != len(example.X):
            expected = "a row for each row of X"
            raise ShapeError(sentence("Trainer", "model", expected, f"shape {np.shape(outputs)}"))
        for y in [getattr(feed, "y", example.y), *([held_out.y] if held_out else [])]:
            check_targets(self.loss, outputs.shape[1:], y)
        if self.class_weights is not None or feed.example.weights is not None:
            row_weights(getattr(feed, "y", example.y), None, self.class_weights)

    def _prepare(self, feed: Feed) -> None:
        """Lay out the buffers; the optimizer begins anew."""
        parameters = self.model.parameters()
        if not any(parameter.requires_grad for parameter in parameters):
            raise ArgumentError(
                sentence("Trainer", "model", "parameters that learn", "none, or all frozen")
            )
        self._flat = self.model.flat_parameters()
        self._gradients = np.zeros_like(self._flat)
        self.optimizer.start(self._flat)
        if self.average is not None:
            self.average.start(self._flat)
        self._rows, self._batch_size = feed.rows, getattr(feed, "batch_size", None)

    # --- an epoch ------------------------------------------------------------------

    def _run_epoch(self, feed: Feed, held_out: Batch | None) -> None:
        start = perf_counter()
        self._progress.begin_epoch(self.epoch + 1, feed.count)
        self._tell("on_epoch_begin")
        self.train_epoch(feed)
        whole = not self.stop or self.batch == 0
        if not whole and feed.count != self.batch:
            return  # stopped in the middle: there is nothing to measure
        measures = self._means()
        if held_out is not None:
            found = self._with_average(lambda: self.evaluate(held_out.X, held_out.y))
            measures |= {f"validation_{name}": number for name, number in found.items()}
        self.epoch, self.batch, self.sums = self.epoch + 1, 0, {}
        self.history.add(measures)
        self.history.seconds += perf_counter() - start
        if isinstance(self.optimizer.learning_rate, Schedule):
            self.optimizer.learning_rate.observe(measures.get("validation_loss", measures["loss"]))
        self._tell("on_epoch_end", measures)
        self._progress.end_epoch(measures)

    def train_epoch(self, feed: Feed) -> None:
        """Go through the data once, from the batch where a checkpoint stood."""
        for batch in feed.epoch(self.seed, self.epoch, skip=self.batch):
            self.rate = self.optimizer.rate(self._time(feed), self.epochs)
            self._tell("on_step_begin")
            loss = self.train_step(batch)
            self.batch += 1
            self._progress.step(self.batch, loss)
            if self._summed == self.accumulate or self.batch == feed.count:
                self._step_with_sum()
                self._tell("on_step_end", loss)
                self._check_interrupt()
            if self.stop:
                break
        if self._summed:  # an iterable ended where nobody knew that it would
            self._step_with_sum()

    def train_step(self, batch: Batch) -> float:
        """Compute the loss of a batch, and add its gradient to those that wait for a step."""
        check_finite("fit", f"X, batch {self.batch + 1}", batch.X)
        X = batch.X
        if self.augment is not None:
            X = self.augment(X, generator(self.seed, "augment", self._drawn_batches()))
        draws = Draws(self.seed, self._drawn_batches())
        with drawing(draws):
            outputs = self.model(X)
            loss = self.compute_loss(outputs, batch)
        value = float(_raw(loss))
        if not np.isfinite(value):
            raise explain_loss(self, X, value)
        self.model.zero_grad()
        loss.backward()
        self._add_gradients()
        self._measure(value, _raw(outputs), batch)
        return value

    def compute_loss(self, outputs: Any, batch: Batch) -> Any:
        """Return the loss of a batch as a tensor, penalties of layers included."""
        weights = row_weights(batch.y, batch.weights, self.class_weights)
        if weights is None:
            loss = self.loss(outputs, batch.y)
        else:
            loss = weighted_mean(self.loss, outputs, batch.y, weights)
        return loss + self.model.penalty()

    def update(self) -> None:
        """Make one step with the gradients in the buffer."""
        if self.clip_value:
            clip_by_value(self._gradients, self.clip_value)
        if self.clip_norm:
            clip_by_norm(self._gradients, self.clip_norm)
        where = learned_parts(self.model.parameters())
        self.optimizer.update(self._flat, self._gradients, self.rate, where=where)
        if self.average is not None:
            self.average.update(self._flat)

    def evaluate(self, X: ArrayLike, y: ArrayLike, *, batch_size: int = 256) -> dict[str, float]:
        """Return the loss and the metrics on data, in evaluation mode.

        Args:
            X: (n, …) inputs.
            y: (n, …) labels or targets.
            batch_size: how many rows are computed at once.

        Returns:
            {"loss": …, metric: …}.

        Raises:
            DTypeError, ShapeError, ArgumentError: data that do not fit.
        """
        inputs, targets = as_rows("evaluate", X, y)
        outputs = self.model.predict(inputs, batch_size=batch_size)
        measures = {"loss": float(self.loss(outputs, targets))}
        return measures | {name: float(f(outputs, targets)) for name, f in self.metrics.items()}

    # --- the small verbs ---------------------------------------------------------------

    def _time(self, feed: Feed) -> float:
        """Return how many epochs have passed, the begun one as a fraction."""
        share = self.batch / feed.count if feed.count else 0.0
        return self.epoch + min(share, 1.0)

    def _drawn_batches(self) -> int:
        """Return a number that no other batch of this run has."""
        return (self.epoch << 32) + self.batch

    def _add_gradients(self) -> None:
        if self._summed == 0:
            gather_gradients(self.model.parameters(), self._gradients)
        else:
            more = np.empty_like(self._gradients)
            gather_gradients(self.model.parameters(), more)
            self._gradients += more
        self._summed += 1

    def _step_with_sum(self) -> None:
        if self._summed > 1:
            self._gradients /= self._summed
        self._summed = 0
        if not np.isfinite(np.sum(self._gradients, dtype=np.float64)):
            raise explain_gradients(self)
        self.update()
        self.step += 1

    def _measure(self, loss: float, outputs: Array, batch: Batch) -> None:
        """Add a batch's measures to the epoch's sums."""
        rows = len(batch)
        found = {"loss": loss, **{name: f(outputs, batch.y) for name, f in self.metrics.items()}}
        for name, number in (*((n, v * rows) for n, v in found.items()), ("rows", rows)):
            self.sums[name] = self.sums.get(name, 0.0) + float(number)

    def _means(self) -> dict[str, float]:
        rows = self.sums["rows"]
        return {name: total / rows for name, total in self.sums.items() if name != "rows"}

    def _tell(self, verb: str, *more: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, verb)(self, *more)

    def _check_interrupt(self) -> None:
        if not self._interrupt.pressed:
            return
        said = [text for c in self.callbacks if (text := c.on_interrupt(self)) is not None]
        where = f"stopped in epoch {self.epoch + 1} after batch {self.batch}"
        raise TrainingInterrupted("; ".join([where, *said]))

    def _with_average(self, measure: Callable[[], dict[str, float]]) -> dict[str, float]:
        """Measure with the averaged weights, if there are, and put the others back."""
        if self.average is None:
            return measure()
        current = self._flat.copy()
        self._flat[:] = self.average.value
        try:
            return measure()
        finally:
            self._flat[:] = current

    def _take_average(self) -> None:
        if self.average is not None and self.step:
            self._flat[:] = self.average.value

    # --- what a checkpoint holds ---------------------------------------------------------

    def arrays(self) -> dict[str, Array]:
        """Return parameters and buffers by name, not copied."""
        tensors = [*self.model.named_parameters(), *self.model.named_buffers()]
        return {name: tensor.data for name, tensor in tensors}

    def put_arrays(self, arrays: Mapping[str, Array]) -> None:
        """Copy numbers into parameters and buffers."""
        for name, array in self.arrays().items():
            array[...] = arrays[name]

    def gradients_by_name(self) -> dict[str, Array]:
        """Return the gradients of the last step by the names of their parameters."""
        named = self.model.named_parameters()
        places = parts([parameter for _, parameter in named])
        return {name: self._gradients[part] for (name, _), part in zip(named, places, strict=True)}

    def settings(self) -> dict[str, Any]:
        """Return what has to be the same for a training to go on, as JSON holds it."""
        return {
            "optimizer": self.optimizer.settings(),
            "loss": getattr(self.loss, "__name__", type(self.loss).__name__),
            "metrics": list(self.metrics),
            "augment": repr(self.augment),
            "callbacks": [type(callback).__name__ for callback in self.callbacks],
            "class_weights": None if self.class_weights is None else self.class_weights.tolist(),
            "clip_norm": self.clip_norm,
            "clip_value": self.clip_value,
            "accumulate": self.accumulate,
            "average": None if self.average is None else self.average.decay,
            "rows": self._rows,
            "batch_size": self._batch_size,
        }


def _raw(value: Any) -> Any:
    return value.data if isinstance(value, Tensor) else np.asarray(value)
