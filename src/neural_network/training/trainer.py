"""The training loop: fit → train_epoch → train_step → update."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.blas import threads_for_products
from neural_network.checks import Array, as_count, as_mapping, as_single
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import (
    DivergenceError,
    DTypeError,
    NothingToAverageError,
    ShapeError,
    brief,
    hints_of_fit,
    sentence,
)
from neural_network.functional.finite import is_finite
from neural_network.layers.layer import Layer
from neural_network.layers.randomness import as_seed, drawing
from neural_network.layers.rollback import all_or_nothing
from neural_network.layers.several import SEVERAL, plain
from neural_network.lifting import array_under
from neural_network.public import public
from neural_network.training.callback_base import Callback
from neural_network.training.checkpoints import Restored, read_checkpoint
from neural_network.training.clipping import clip_by_norm, clip_by_value
from neural_network.training.data import Batch, Feed, as_batch, as_feed, as_rows
from neural_network.training.direct_step import direct_step
from neural_network.training.divergence import (
    explain_gradients,
    explain_loss,
    explain_overflow,
    explain_step,
)
from neural_network.training.dry_run import build, expected_measures, of_validation, try_fit
from neural_network.training.hints.giving import Hints
from neural_network.training.history import History, Measures
from neural_network.training.interrupts import interrupted, noticing_interrupts
from neural_network.training.objectives import (
    Loss,
    Metric,
    measured,
    row_weights,
    total_share,
    weighted_mean,
)
from neural_network.training.optimizers import Optimizer
from neural_network.training.optimizers.groups import OptimizerGroups, Pairs
from neural_network.training.parameters import Memory, frozen_in, recorded
from neural_network.training.progress import Progress
from neural_network.training.settings import CHANGEABLE, check_settings
from neural_network.training.state import Augmentation, TrainingState
from neural_network.training.validation import as_fraction, as_validation

Inputs = ArrayLike | tuple[ArrayLike, ...] | Mapping[str, ArrayLike]


@public
class Trainer(TrainingState):
    """Trains a model: batches, gradients, steps, measures.

    Each stage is a short method that a subclass may override: ``fit``, ``train_epoch``,
    ``train_step``, ``compute_loss``, ``update``, ``evaluate``.

    Args:
        model: a layer or model, or a list of layers. What is not built is built by
            ``fit`` with weights that follow from ``rng``.
        optimizer: an ``Optimizer`` or a name: "adam", "sgd" … Its learning rate may be
            a ``Schedule``, whose time is counted in epochs. One that is bound to a model has to
            be bound to this one. A list of pairs, ``[(layer, Adam(1e-4)), (others, Adam(1e-3))]``,
            gives each part of the model its own; see ``OptimizerGroups``.
        loss: a function of (outputs, y), or the name of one: "softmax_cross_entropy";
            ``functools.partial(softmax_cross_entropy, ignore_index=-1)`` sets options.
        metrics: functions of (outputs, y) or names, or a dict; None: accuracy where the
            loss is one of classes, or a binary cross-entropy of labels (n,) or (n, 1) that are all
            0 or 1. Accuracy leaves out the rows that the loss ignores.
        callbacks: ``EarlyStopping``, ``Checkpoint``, ``CSVLog``, your own …
        rng: a seed or a Generator. One seed, one result, for a model that is not built or that was
            built from a seed itself.
        augment: a function of (X, rng) that returns a batch with random changes, such as
            ``Augment(Shift(2), Rotate(10))``; ``X`` is a tuple where there are several inputs.
        class_weights: a weight for each class: a list, or a dict class → weight; "balanced": the
            weights with which each class counts the same, rows / (classes · rows of the class).
        clip_norm: the largest Euclidean norm of the gradient; a longer one is scaled down.
        clip_value: the largest absolute value of a gradient's entry; others are cut.
        accumulate: number of batches whose gradients make one step, as one large batch would.
        average: decay of an exponential average of the weights (0.999). The average is
            validated, and is what the model ends with; None for no average.
        progress: whether to print the progress.

    Attributes:
        history: the ``History`` so far.
        epoch, batch, step: finished epochs, batches of this epoch, and steps.
        rate: the learning rate of the current step.
        stop: set it to True to end after this step.
        memory: the parameters, gradients and buffers of the current or last training.

    Settings may be assigned between trainings: ``trainer.loss = "mse_loss"``; the next ``fit`` or
    ``evaluate`` checks them.

    Frozen parameters do not change at all, nor do the statistics of a frozen batch norm. A
    callback may freeze and unfreeze; this takes effect in the next step.

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

    callbacks: list[Callback]

    def __init__(
        self,
        model: Layer | list[Layer],
        optimizer: Optimizer | OptimizerGroups | Pairs | str = "adam",
        loss: Loss | str = "softmax_cross_entropy",
        metrics: Iterable[Metric | str] | Mapping[str, Metric] | None = None,
        callbacks: Sequence[Callback] = (),
        rng: int | np.random.Generator | None = None,
        *,
        augment: Augmentation | None = None,
        class_weights: ArrayLike | Mapping[int, float] | str | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        accumulate: int = 1,
        average: float | None = None,
        progress: bool = True,
    ) -> None:
        vars(self).update(
            model=model, optimizer=optimizer, loss=loss, metrics=metrics, callbacks=callbacks,
            seed=as_seed(rng), augment=augment, class_weights=class_weights, clip_norm=clip_norm,
            clip_value=clip_value, accumulate=accumulate, average=average, progress=progress,
        )  # fmt: skip
        self.seed_given = rng is not None
        self.checked = {}
        check_settings(self)
        self._hints = Hints()
        self.begin()

    # --- fit ---------------------------------------------------------------------

    @explains_calls
    def fit(
        self,
        X: Inputs | Iterable[Any] | Callable[[int], Iterable[Any]],
        y: Inputs | None = None,
        epochs: int = 1,
        batch_size: int = 32,
        validation: tuple[Inputs, Inputs] | float | None = None,
        *,
        sample_weights: ArrayLike | None = None,
        resume: str | os.PathLike[str] | None = None,
    ) -> History:
        """Train, and return what was measured. Each call is a new run on the weights as they are.

        Args:
            X: (n, …) inputs, in memory or memory-mapped; or an iterable of batches
                (X, y) or (X, y, weights), for data that do not fit the memory, or a
                function of the epoch, from 0, that returns one. The first batch is
                fetched once more than the others, for a trial.
                Where the model's ``forward`` takes several inputs: a tuple of arrays, or a dict
                of arrays by the names of its arguments.
            y: (n,) labels or (n, …) targets; None with an iterable. For a loss of several
                outputs: a tuple or a dict of arrays, as which the loss receives a batch of them.
            epochs: passes over the data, at least 1.
            batch_size: rows in a batch; more than there are rows make one batch.
            validation: (X, y) to measure after each epoch; or a fraction, such as 0.1: so many
                of the rows are held out, drawn by the seed, of each class where there are classes.
            sample_weights: (n,) weights of the rows in the loss.
            resume: a file that ``Checkpoint`` has written: continue from there. Everything
                else has to be as it was then (of ``X`` and ``y`` the shapes are compared, not
                the numbers); only ``epochs`` may be another number, not fewer than
                were begun. Where all of them are done, nothing is trained.

        Returns:
            The history: "loss" and each metric, as means over the batches of the epoch that
            have rows that count (see ``ignore_index`` of a loss; NaN if none has), and
            "validation_loss" … after it. "f1", "auc" and "r2" are no means over batches: they
            are computed from the outputs of all batches of the epoch, which are kept until then.
            The loss contains penalties and weights of rows; in validation it does not.

        Raises:
            DTypeError, ShapeError, ArgumentError: data that do not fit each other, the
                model or the loss; nothing has changed then.
            DivergenceError: a loss, a gradient, or weights after a step are not finite;
                the weights are those before that step.
            FileFormatError: ``resume`` is damaged or of another model or training.
            TrainingInterrupted: Ctrl-C, after a whole step; at the end of the last epoch,
                after everything is done.

        Warns:
            TrainingHint: it runs, but is probably a mistake, such as softmax twice; once.
        """
        check_settings(self, again=CHANGEABLE)
        total = as_count("fit", "epochs", epochs)
        feed = as_feed(X, y, batch_size, sample_weights, self.model.dtype, self.model)
        every, (feed, held_out) = feed, as_validation(self, feed, validation, self.seed)
        if feed.whole:
            self.choose_metrics(feed.targets, *([] if held_out is None else [held_out.y]))
        # The trial is of few rows. Data or a file that are refused leave the model unbuilt.
        with threads_for_products(0), all_or_nothing(self.model), hints_of_fit():
            if not self.model.built:
                build(self.model, self.seed, feed.example.X)
            self._class_weights = try_fit(self, feed, held_out, self.compute_loss, self.measure)
            self.measures = expected_measures(self, held_out)
            self.feed_shape, self.frozen = feed.shape, frozen_in(self.model)
            self.validation = as_fraction(validation)
            count = feed.count
            restored = None if resume is None else read_checkpoint(self, resume, count, total)
            if restored is not None:  # of a seed of its own, where none was given
                feed, held_out = as_validation(self, every, validation, restored.position["seed"])
            self._hints.before_fit(self, feed, held_out, self.compute_loss)
        with ExitStack() as stack:
            largest = self.model._look().products.largest(feed.rows_of_batch)
            stack.enter_context(hints_of_fit())
            stack.enter_context(threads_for_products(largest))
            stack.enter_context(self.model._structure_fixed("fit"))
            for callback in self.callbacks:
                stack.enter_context(callback.during_fit(self))
            self.epochs = total
            self._prepare(restored)
            self._interrupt = stack.enter_context(noticing_interrupts())
            self._progress = stack.enter_context(Progress(total, shown=self.progress))
            stack.enter_context(self.model.in_mode(training=True))
            self._notify("on_fit_begin")
            self._hints.after_begin(self, had_ended=bool(restored and restored.position["stop"]))
            stopped = None
            while self.epoch < self.epochs and not self.stop:
                self._run_epoch(feed, held_out)
                if self._interrupt.pressed:
                    stopped = self._interrupted()
                    if self.epoch < self.epochs and not self.stop:
                        raise stopped
            if self.average is not None:
                self.memory.put(self.final_arrays())
            self._notify("on_fit_end")
            if self._interrupt.pressed:  # perhaps after the last epoch
                raise stopped or interrupted(self, ["the training was over"])
        return self.history

    def _prepare(self, restored: Restored | None) -> None:
        """Allocate the buffers; start the optimizer, or restore it."""
        if restored is not None:
            restored.put_into_callbacks(self)  # first: one of them may refuse
        self.begin()
        self.memory = Memory(self.model)
        self._direct = direct_step(self._direct, self)
        self.optimizer.start(self.memory.flat)
        self.optimizer.schedule.load_state(self.checked["schedule"][-1])
        if self.average is not None:
            self.average.start(self.memory.flat)
        if restored is not None:
            restored.put_into(self)

    # --- an epoch ------------------------------------------------------------------

    def _run_epoch(self, feed: Feed, held_out: Batch | None) -> None:
        start = perf_counter()
        self._progress.begin_epoch(self.epoch + 1, feed.count)
        self._notify("on_epoch_begin")
        self.train_epoch(feed)
        if self.stop and self.batch != feed.count:
            return  # in the middle of an epoch nothing is measured
        if self.batch == 0:
            raise ShapeError(sentence("fit", "X", f"a batch in epoch {self.epoch + 1}", "none"))
        measures = self.means()
        if held_out is not None:
            with self.averaged(), of_validation():
                found = self.evaluate(held_out.X, held_out.y)
                as_mapping("Trainer", "evaluate", found, "a dict of numbers")
            measures |= {f"validation_{name}": number for name, number in found.items()}
        self.next_epoch()
        self.history.add(measures)
        self.history.seconds += perf_counter() - start
        self.optimizer.schedule.observe_epoch(measures)
        self._notify("on_epoch_end", measures)
        self._progress.end_epoch(measures)
        self._hints.after_epoch(self, feed, self.compute_loss, measures)

    def train_epoch(self, feed: Feed) -> None:
        """Go through the data once, from the position of a checkpoint."""
        if not isinstance(feed, Feed):
            raise DTypeError(sentence("train_epoch", "feed", "the data of fit", brief(feed)))
        batches = feed.epoch(self.seed, self.epoch, skip=self.batch)
        try:
            while not self.stop and (batch := next(batches, None)) is not None:
                if self.memory.batches == 0:
                    self._begin_step(feed)
                loss = self.train_step(batch)
                self.batch += 1
                self._progress.step(self.batch, loss)
                if self.memory.batches == self.accumulate or self.batch == feed.count:
                    self._end_step()
            if self.memory.batches:  # an iterable without a length has ended
                self._end_step()
        except BaseException:
            self.memory.roll_back()
            raise

    def train_step(self, batch: Batch) -> float:
        """Compute the loss of a batch, and accumulate its gradient for the next step."""
        memory, X = self.memory, as_batch("train_step", batch).X
        if self.augment is not None:
            X = self.augment(X, self.augmentation_rng())
        weights = row_weights(self.loss, batch.y, batch.weights, self._class_weights)
        batch = self.latest = Batch(X, batch.y, weights)
        weight = total_share(self.loss, batch.y, weights)
        with np.errstate(all="ignore"):  # the result is checked below
            loss = self._direct.step(batch, weight) if self._direct is not None else None
            if loss is not None:
                return float(loss)
            with drawing(self.draws()):
                outputs = self.model(*X) if type(X) is tuple else self.model(X)
                try:
                    loss = self.compute_loss(outputs, batch)
                except NothingToAverageError:  # the rows have no gradient; penalties have one
                    loss, weight = self.model.penalty(), 0.0
            value = as_single("Trainer", "loss", array_under(loss))
            if not math.isfinite(value):
                raise explain_loss(self, value)
            memory.zero_grad()
            if weight or getattr(loss, "requires_grad", False):
                recorded(loss).backward()
        memory.add_gradients(batch.rows, weight, value, alone=self.accumulate == 1)
        outputs = (
            plain(outputs) if isinstance(outputs, SEVERAL) else np.asarray(array_under(outputs))
        )
        found = self.measure(outputs, batch.y)
        if self.gathered.metrics:
            self.gathered.add(outputs, batch.y)
        self.add_measures({"loss": value, **found}, batch.y, weight)
        self.rows += batch.rows
        return value if weight else math.nan

    def compute_loss(self, outputs: Any, batch: Batch) -> Any:
        """Return the loss of a batch as a tensor, penalties of layers included."""
        batch = as_batch("compute_loss", batch)
        if batch.weights is None:
            loss = self.loss(outputs, batch.y)
        else:
            loss = weighted_mean(self.loss, outputs, batch.y, batch.weights)
        penalty = self.model.penalty()
        return loss if type(penalty) in (int, float) and penalty == 0 else loss + penalty

    def measure(self, outputs: Array, y: Array) -> dict[str, float]:
        """Return the metrics of some rows, without those in which no row counts.

        Those that are no means over batches, such as F1, are not among them.
        """
        if self.gathered.given is not self.metrics:
            self.gather_anew()
        return measured(self.gathered.of_batches, outputs, y)

    def update(self) -> None:
        """Make one step with the gradients in the buffer."""
        memory = self.memory
        if self.clip_value is not None:
            clip_by_value(memory.gradients, self.clip_value)
        if self.clip_norm is not None:
            clip_by_norm(memory.gradients, self.clip_norm)
        self.optimizer.update(memory.flat, memory.gradients, self.rate, where=memory.stepped)
        if self.average is not None:
            self.average.update(memory.flat)

    @explains_calls
    def evaluate(self, X: Inputs, y: Inputs, *, batch_size: int = 256) -> dict[str, float]:
        """Return the loss and the metrics on data, in evaluation mode.

        Args:
            X, y: as for ``fit``.
            batch_size: how many rows are computed at once.

        Returns:
            {"loss": …, metric: …}; the loss without penalties and weights of classes.
            NaN where the outputs have NaN.

        Raises:
            DTypeError, ShapeError, ArgumentError: data that do not fit.
        """
        check_settings(self)
        dtype, model = self.model.dtype, self.model
        inputs, targets = as_rows("evaluate", X, y, dtype, mapped=True, model=model)
        if not self.model.built:
            build(self.model, self.seed, inputs)
        if self.model._fixed_by is None:  # not for the validation of fit
            self.choose_metrics(targets)
        with np.errstate(all="ignore"):
            outputs = self.model.predict(inputs, batch_size=batch_size)
            with self.model.in_mode(training=False):  # a loss may call the model
                loss = as_single("Trainer", "loss", array_under(self.loss(outputs, targets)))
        unmeasured = dict.fromkeys(self.metrics, math.nan)
        found = {"loss": loss, **unmeasured, **self.measure(outputs, targets)}
        return Measures(found | measured(self.gathered.metrics, outputs, targets))

    # --- a step ----------------------------------------------------------------------

    def _begin_step(self, feed: Feed) -> None:
        passed = min(self.batch / feed.count, 1.0) if feed.count else 0.0
        self.rate = self.optimizer.rate(self.epoch + passed, self.epochs)
        self._notify("on_step_begin")
        self.memory.begin_step()

    def _end_step(self) -> None:
        loss = self.memory.divide_gradients(alone=self.accumulate == 1)
        if self._direct is None or not self._direct.update():
            self._update_checked()
        self.memory.end_step()
        self.step += 1
        self._notify("on_step_end", loss)
        if self._interrupt.pressed:
            raise self._interrupted()

    def _update_checked(self) -> None:
        if not self.memory.begin_update():
            raise explain_gradients(self)
        try:
            with np.errstate(all="ignore"):
                self.update()
        except DivergenceError as error:
            raise explain_overflow(self, error) from error
        if not is_finite(self.memory.flat):
            raise explain_step(self)

    def print_line(self, line: str) -> None:
        """Print a line where the progress is printed, from a callback during ``fit``."""
        self._progress.print_line(line)

    def _notify(self, method: str, *more: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, method)(self, *more)

    def _interrupted(self) -> KeyboardInterrupt:
        return interrupted(self, [callback.on_interrupt(self) for callback in self.callbacks])
