"""What gives the hints of a trainer, each once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.errors import LOOKS, NothingToAverageError, give_hint, is_own
from neural_network.layers.pixels import (
    expect_digits,
    is_on_dark_paper,
    may_be_pictures,
    note_pixels,
)
from neural_network.layers.several import arrays_in
from neural_network.training.data import Batch, Feed
from neural_network.training.hints import epochs
from neural_network.training.hints.table import (
    AFTER_AN_EPOCH,
    AFTER_EACH_EPOCH,
    BEFORE_THE_FIRST_STEP,
    OF_CALLBACKS,
    OF_LAYERS,
)
from neural_network.training.hints.trial import ComputeLoss, Epoch, Fit, Hint, Start, Trial, tried
from neural_network.training.objectives import row_shares
from neural_network.training.state import TrainingState

# Rows that the model and the loss are tried on.
ROWS = 7


class Hints:
    """Gives the hints of a trainer, each once.

    Attributes:
        advice: name of a hint → what it advises in a program with arguments of its own.
    """

    def __init__(self) -> None:
        self.advice: dict[str, str] = {}
        self._given: set[str] = set()
        self._start: Start | None = None
        # What ``before_fit`` has looked at.
        self._seen: tuple[Any, ...] = ()

    def before_fit(
        self, state: TrainingState, feed: Feed, held_out: Batch | None, compute_loss: ComputeLoss
    ) -> None:
        """Warn of what looks like a mistake, before anything is changed.

        The model and the loss are tried when data of this shape come for the first time: a program
        that calls ``fit`` again and again should not wait for the same look.

        Args:
            state: of a training whose model is built, and was tried.
            feed: where the batches come from.
            held_out: the validation data.
            compute_loss: of the trainer.
        """
        LOOKS.clear()  # they are for loops without a trainer
        model = state.model
        seen = model._look(), state.loss, state.optimizer, feed.shape, held_out is None
        again = seen == self._seen
        # Those about layers are about layers of one's own, which may change unnoticed.
        users = not all(is_own(type(layer).__module__) for layer in model.all_layers())
        self._give((*OF_LAYERS, *OF_CALLBACKS) if users or not again else OF_CALLBACKS, Fit(state))
        self._start = None
        if again:
            dark = may_be_pictures(feed.example.X) and is_on_dark_paper(feed.spread(ROWS).X)
            expect_digits(model, expected=dark)
            return
        self._seen = seen
        with np.errstate(all="ignore"):
            self._start = epochs.noted(state, feed, compute_loss)
        trial = _trial(state, feed, held_out, compute_loss)
        if trial is not None:
            self._give(BEFORE_THE_FIRST_STEP, trial)
            note_pixels(state.model, given="unscaled inputs" in self._given)
            if is_on_dark_paper(feed.spread(ROWS).X):
                expect_digits(state.model)

    @staticmethod
    def after_begin(state: TrainingState, *, had_ended: bool) -> None:
        """Warn where a training is resumed that a callback of the caller's had ended.

        ``EarlyStopping`` says so itself, and goes on where its patience is longer now.

        Args:
            state: of the training.
            had_ended: whether ``trainer.stop`` was set in the checkpoint.
        """
        early = any(getattr(callback, "_has_ended", False) for callback in state.callbacks)
        if had_ended and state.stop and not early and state.epoch < state.epochs:
            where = f"in epoch {state.epoch + 1}" if state.batch else f"after epoch {state.epoch}"
            give_hint(
                f"fit: resume: trainer.stop had ended this training {where} of {state.epochs}: "
                "nothing is left to train; to go on, set trainer.stop = False in on_fit_begin of a "
                "callback"
            )

    def after_epoch(
        self,
        state: TrainingState,
        feed: Feed,
        compute_loss: ComputeLoss,
        measures: dict[str, float],
    ) -> None:
        """Warn of what looks like a mistake in what an epoch has done."""
        self._give(AFTER_EACH_EPOCH, Fit(state))
        if self._start is None:
            return
        epoch = Epoch(state, feed, compute_loss, self._start, measures)
        names = {hint.name for hint in AFTER_AN_EPOCH}
        is_last = state.epoch == state.epochs or state.stop
        if (state.epoch <= epochs.EPOCHS or is_last) and not self._given & names:
            self._give(AFTER_AN_EPOCH, epoch, most=1)

    def _give(self, hints: Sequence[Hint], about: Any, most: int | None = None) -> None:
        texts: list[tuple[str, str]] = []
        with np.errstate(all="ignore"):  # what is looked at is not the user's computation
            for hint in hints:
                find: Callable[[Any], str | None] | None = hint.find
                text = None if find is None or hint.name in self._given else find(about)
                if text is not None:
                    texts.append((hint.name, text))
                if most is not None and len(texts) == most:
                    break
        for name, text in texts:
            self._given.add(name)
            said = name in self.advice
            own = f"{text.rpartition('; ')[0]}; {self.advice[name]}" if said else text
            give_hint(f"fit: {own}")


def _trial(
    state: TrainingState, feed: Feed, held_out: Batch | None, compute_loss: ComputeLoss
) -> Trial | None:
    """Try the model and the loss on some rows that count; None where there are none."""
    example = feed.example
    shares = row_shares(state.loss, example.y)
    rows = np.arange(example.rows) if shares is None else np.flatnonzero(shares)
    some = example.at(rows[:: max(1, len(rows) // ROWS)][:ROWS])._replace(weights=None)
    if some.rows == 0:
        return None
    with suppress(NothingToAverageError):
        outputs, layers, calls = tried(state.model, some.X)
        # In evaluation, because a loss may call the model.
        with state.model.in_mode(training=False), np.errstate(all="ignore"):
            loss = compute_loss(outputs, some)
        is_recorded = any(isinstance(output, Tensor) for _, output in arrays_in(outputs))
        if isinstance(loss, Tensor) and is_recorded:  # else nothing leads to it
            return Trial(state, feed, held_out, compute_loss, some, outputs, loss, layers, calls)
    return None
