"""Optimizers with one learning rate for all parameters: momentum, SGD, Lion."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_flag, as_floating, as_number, check_same_shape, rounded
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, sentence
from neural_network.public import named, public
from neural_network.training.buffers import blend
from neural_network.training.optimizers.base import Optimizer, State, as_betas
from neural_network.training.optimizers.binding import Trainable
from neural_network.training.schedules import Schedule


@public
@explains_calls
def momentum_update(
    velocity: ArrayLike, gradient: ArrayLike, mu: float, lr: float
) -> tuple[Array, Array]:
    """One step of classical momentum: ``v ← mu · v − lr · gradient``.

    Args:
        velocity: the running step, any shape; zeros at first.
        gradient: the loss's gradient, the same shape.
        mu: the factor of the old velocity, from 0 to 1.
        lr: learning rate, above 0.

    Returns:
        ``(v, v)``: the new velocity to keep, and the step to add to the
        parameter (``W = W + step``); equal values in two arrays,
        in the widest floating type of the two arguments.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: the shapes differ.
        ArgumentError: ``mu`` outside [0, 1], ``lr`` not above 0.

    Source: Polyak, "Some methods of speeding up the convergence of iteration
    methods", 1964.

    >>> velocity, step = momentum_update([1.0, 0.0], [2.0, 2.0], mu=0.5, lr=0.25)
    >>> step
    array([ 0. , -0.5])
    """
    function = "momentum_update"
    (v, g), dtype = as_floating(function, velocity=velocity, gradient=gradient)
    check_same_shape(function, "gradient", g, "velocity", v)
    mu = as_number(function, "mu", mu, between=(0, 1))
    lr = as_number(function, "lr", lr, above=0)
    with np.errstate(under="ignore"):
        updated = rounded(mu * v - lr * g, dtype)
    return updated, updated.copy()


@public
@named("optimizer", "sgd")
class SGD(Optimizer):
    """Stochastic gradient descent: ``p ← p − rate · g``, with optional momentum.

    With momentum: ``b ← momentum · b + g``, ``p ← p − rate · b``; with Nesterov
    momentum, ``p ← p − rate · (g + momentum · b)``. The rate is not part of ``b``; in
    ``momentum_update`` it is. While the rate is constant, both make the same steps.

    Args:
        learning_rate: a number above 0, or a ``Schedule``.
        momentum: the factor of the old ``b``, from 0 to 1.
        nesterov: whether to use Nesterov momentum; needs ``momentum`` above 0.
        weight_decay: times the parameters, is added to the gradient; at least 0.
        parameters: a model, a layer, a ``Parameter`` or a list of them, for ``step``.

    Attributes:
        learning_rate, momentum, nesterov, weight_decay, parameters: as given.
        slots: ``("velocity",)``, the ``b`` above; none without momentum.
        steps, slots_state: see ``Optimizer``.

    Raises:
        DTypeError: an argument is of the wrong kind.
        ArgumentError: an argument lies outside its range, or ``nesterov`` without momentum.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep
    learning", ICML 2013; written as PyTorch writes it.

    >>> p, g = np.array([1.0, 2.0]), np.array([2.0, -2.0])
    >>> sgd = SGD(0.25, momentum=0.5)
    >>> sgd.start(p)
    >>> sgd.update(p, g)
    >>> sgd.update(p, g)
    >>> p
    array([-0.25,  3.25])
    """

    typical_rate = 0.2

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *,
        weight_decay: float = 0.0,
        parameters: Trainable | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, parameters=parameters)
        self.momentum = as_number("SGD", "momentum", momentum, between=(0, 1))
        self.nesterov = as_flag("SGD", "nesterov", nesterov)
        if self.nesterov and not self.momentum:
            raise ArgumentError(sentence("SGD", "momentum", "above 0 with nesterov", self.momentum))
        self.slots = ("velocity",) if self.momentum else ()

    def apply(self, parameters: Array, gradients: Array, state: State, rate: float) -> None:
        """Change a block of the parameters in place."""
        if not self.momentum:
            parameters -= rate * gradients
            return
        b = state["velocity"]
        b *= self.momentum
        b += gradients
        parameters -= rate * (gradients + self.momentum * b if self.nesterov else b)

    def _kernel(self, rate: float) -> tuple[Any, ...]:
        return ("momentum", rate, self.momentum, self.nesterov) if self.momentum else ("sgd", rate)


@public
@named("optimizer", "lion")
class Lion(Optimizer):
    """Steps of one size, with the sign of a running mean of gradients.

    ``p ← p − rate · sign(β₁ · m + (1 − β₁) · g)``, then ``m ← β₂ · m + (1 − β₂) · g``.
    Weight decay is decoupled: ``p ← p · (1 − rate · weight_decay)`` is done first.

    Args:
        learning_rate: a number above 0, or a ``Schedule``; a third to a tenth of Adam's.
        betas: β₁ and β₂, from 0 to below 1.
        weight_decay: at least 0; three to ten times AdamW's.
        parameters: a model, a layer, a ``Parameter`` or a list of them, for ``step``.

    Attributes:
        learning_rate, betas, weight_decay, parameters: as given.
        slots: ``("mean",)``, the ``m`` above.
        steps, slots_state: see ``Optimizer``.

    Raises:
        DTypeError: an argument is of the wrong kind.
        ArgumentError: an argument lies outside its range.

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms",
    arXiv 2302.06675, algorithm 2.

    >>> p = np.array([1.0, 2.0])
    >>> lion = Lion(0.25)
    >>> lion.start(p)
    >>> lion.update(p, np.array([8.0, -0.001]))
    >>> p
    array([0.75, 2.25])
    """

    slots = ("mean",)
    decoupled = True
    typical_rate = 0.001

    def __init__(
        self,
        learning_rate: float | Schedule = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        *,
        weight_decay: float = 0.0,
        parameters: Trainable | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, parameters=parameters)
        self.betas = as_betas("Lion", betas)

    def apply(self, parameters: Array, gradients: Array, state: State, rate: float) -> None:
        """Change a block of the parameters in place."""
        m = state["mean"]
        beta1, beta2 = self.betas
        parameters -= rate * np.sign(beta1 * m + (1 - beta1) * gradients)
        blend(m, beta2, gradients)

    def _kernel(self, rate: float) -> tuple[Any, ...]:
        beta1, beta2 = self.betas
        return "lion", rate, beta1, beta2, 1 - beta1, 1 - beta2
