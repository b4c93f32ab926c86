"""The base of callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from neural_network.describing import call_text
from neural_network.public import public
from neural_network.training.shown import arguments_kept, html_of
from neural_network.training.state import HasState


@public
class Callback(HasState):
    """Base of callbacks: methods that do nothing, called by a ``Trainer``; override some.

    Everything of the trainer may be read (``trainer.model``, ``.epoch``, ``.step``,
    ``.rate``, ``.history``); ``trainer.stop = True`` ends the training after the step.

    What a callback has to know when a training is resumed, such as the best measure so far, it
    returns as arrays from ``state``; ``load_state`` is given them again. All else begins anew.

    Raises:
        Nothing.

    >>> class Say(Callback):
    ...     def on_epoch_end(self, trainer, measures):
    ...         print(trainer.epoch, sorted(measures))
    >>> model = Sequential(Dense(2))
    >>> trainer = Trainer(model, callbacks=[Say()], rng=0, progress=False)
    >>> _ = trainer.fit(np.eye(2), np.array([0, 1]), epochs=1)
    1 ['accuracy', 'loss']
    """

    # Whether it is called after all others, as those that store their state have to be.
    comes_last = False

    def __repr__(self) -> str:
        return call_text(type(self).__name__, arguments_kept(self))

    def _repr_html_(self) -> str:
        return html_of(self, arguments_kept(self))

    def during_fit(self, trainer: Any) -> AbstractContextManager[Any]:  # noqa: ARG002  # for subclasses
        """Return a context manager that is open during the training."""
        return nullcontext()

    def on_fit_begin(self, trainer: Any) -> None:
        """The training begins, or is resumed."""

    def on_epoch_begin(self, trainer: Any) -> None:
        """An epoch begins, or is resumed in the middle."""

    def on_step_begin(self, trainer: Any) -> None:
        """A step begins; ``trainer.rate`` may be changed for it."""

    def on_step_end(self, trainer: Any, loss: float) -> None:
        """A step is done; ``loss`` is that of its batch, NaN if no row counts in it."""

    def on_epoch_end(self, trainer: Any, measures: Mapping[str, float]) -> None:
        """An epoch is done, and in the history."""

    def on_fit_end(self, trainer: Any) -> None:
        """The training is over."""

    def on_interrupt(self, trainer: Any) -> str | None:  # noqa: ARG002  # for subclasses
        """Ctrl-C was pressed, the last step is complete; a sentence returned is shown."""
        return None

    def _written_path(self) -> str | None:
        """Return the path of the file that this callback writes, and no other may write."""
        return None
