"""Layers that drop at random while training: ``Dropout`` and ``Dropout2D``."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.checks import as_number
from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.layers.layer import Layer
from neural_network.layers.randomness import Draws, as_seed
from neural_network.plan.dropout import Drop
from neural_network.plan.vocabulary import Steps
from neural_network.public import named, public


@public
@named("layer")
class Dropout(Layer):
    """Set numbers to 0 at random while training, and scale up the rest; else the identity.

    ``out = X · keep / (1 − rate)`` with keep drawn 0 or 1 for each number (*inverted*
    dropout: the mean stays, and evaluation needs no factor). Note that ``rate`` is the
    share that is dropped, where ``p`` of the article's function ``dropout`` is the share
    that stays.

    Inside a ``Trainer`` the draws follow from its seed, the step and the row.

    Args:
        rate: the share to drop, from 0 up to but not including 1.
        rng: a seed or a Generator for draws outside a ``Trainer``.

    Attributes:
        rate: as given; of all arguments it is the one that may be assigned, also in training:
            ``layer.rate = 0.3`` holds from the next call on.

    Raises:
        DTypeError, ArgumentError: a rate that is none.

    Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting", JMLR 15, 2014.

    >>> Dropout(0.5, rng=0)(np.ones((1, 6)))
    array([[2., 0., 2., 2., 2., 2.]], dtype=float32)
    """

    def __init__(self, rate: float, *, rng: int | np.random.Generator | None = None) -> None:
        self.rate = rate
        self._own_draws = Draws(as_seed(rng, type(self).__name__), step=0)

    @property
    def rate(self) -> float:
        """The share that is dropped."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        name = type(self).__name__
        checked = as_number(name, "rate", rate, between=(0, 1))
        if checked == 1:
            raise ArgumentError(sentence(name, "rate", "a number below 1", rate))
        self._rate = checked
        if self._fixed is not None:  # it was constructed with another one
            if "rate" in self._fixed:
                self._arguments = {**self._arguments, "rate": checked}
            self._note_change("rate")

    def forward(self, X: Any) -> Any:
        """Any shape → the same."""
        if not self.training or self._rate == 0:
            return X
        X = self._numbers(X)
        self._check_axes(X.shape)
        return self._drop().by_ops(X)

    def _steps(self) -> Steps:
        """Dropout; none where it is the identity."""
        return [self._drop()] if self.training and self._rate else []

    def _evaluation_steps(self) -> Steps:
        """No steps: in evaluation it is the identity."""
        return []

    def _drop(self) -> Drop:
        return Drop(self._rate, self._drawn, whole=False)

    def _check_axes(self, shape: tuple[int, ...]) -> None:
        if not shape:
            raise ShapeError(sentence("Dropout", "X", "(N, …)", "a single number"))


@public
@named("layer")
class Dropout2D(Dropout):
    """Set whole channels of (N, C, …) to 0 at random while training; else as ``Dropout``.

    Neighbouring pixels are strongly correlated, so dropping single pixels has little effect.

    Args:
        rate: the share of channels to drop, from 0 up to but not including 1.
        rng: a seed or a Generator for draws outside a ``Trainer``.

    Attributes:
        rate: as of ``Dropout``.

    Raises:
        DTypeError, ArgumentError: a rate that is none.
        ShapeError: (when called) fewer than two axes.

    Source: Tompson et al., "Efficient Object Localization Using Convolutional
    Networks", arXiv 1411.4280.

    >>> Dropout2D(0.5, rng=0)(np.ones((1, 3, 1, 2)))[0, :, 0]
    array([[2., 2.],
           [0., 0.],
           [2., 2.]], dtype=float32)
    """

    def _drop(self) -> Drop:
        return Drop(self._rate, self._drawn, whole=True)

    def _check_axes(self, shape: tuple[int, ...]) -> None:
        if len(shape) < 2:
            raise ShapeError(sentence("Dropout2D", "X", "(N, C, …)", f"shape {shape}"))
