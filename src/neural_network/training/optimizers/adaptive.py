"""Optimizers that scale each parameter's step by its gradients: Adagrad, RMSprop, Adam, AdamW."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neural_network.checks import Array, as_flag, as_number
from neural_network.describing import accepts_old_names
from neural_network.public import named, public
from neural_network.training.buffers import as_fraction, blend
from neural_network.training.optimizers.base import Optimizer, State, as_betas
from neural_network.training.optimizers.binding import Trainable
from neural_network.training.schedules import Schedule


@public
@named("optimizer", "adagrad")
class Adagrad(Optimizer):
    """Steps that shrink with all gradients so far: ``s ← s + g²``, ``p ← p − rate · g / (√s + ε)``.

    Args:
        learning_rate: a number above 0, or a ``Schedule``.
        epsilon: ε, keeps the division finite; above 0.
        weight_decay: times the parameters, is added to the gradient; at least 0.
        parameters: a model, a layer, a ``Parameter`` or a list of them, for ``step``.

    Attributes:
        learning_rate, epsilon, weight_decay, parameters: as given.
        slots: ``("squares",)``, the ``s`` above.
        steps, slots_state: see ``Optimizer``.

    Raises:
        DTypeError: an argument is of the wrong kind.
        ArgumentError: an argument lies outside its range.

    Source: Duchi, Hazan and Singer, "Adaptive Subgradient Methods", JMLR 12, 2011.

    >>> p = np.array([1.0, 2.0])
    >>> adagrad = Adagrad(0.5)
    >>> adagrad.start(p)
    >>> adagrad.update(p, np.array([3.0, -3.0]))
    >>> adagrad.update(p, np.array([4.0, 0.0]))
    >>> p.round(6)
    array([0.1, 2.5])
    """

    slots = ("squares",)
    typical_rate = 0.05

    @accepts_old_names
    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        epsilon: float = 1e-10,
        *,
        weight_decay: float = 0.0,
        parameters: Trainable | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, parameters=parameters)
        self.epsilon = as_number("Adagrad", "epsilon", epsilon, above=0)

    def apply(self, parameters: Array, gradients: Array, state: State, rate: float) -> None:
        """Change a block of the parameters in place."""
        s = state["squares"]
        s += np.square(gradients)
        parameters -= rate * gradients / (np.sqrt(s) + self.epsilon)

    def _kernel(self, rate: float) -> tuple[Any, ...]:
        return "adagrad", rate, self.epsilon


@public
@named("optimizer", "rmsprop")
class RMSprop(Optimizer):
    """Gradients over the root of their mean square: ``v ← α · v + (1 − α) · g²``, ``g / (√v + ε)``.

    ``centered`` takes the running mean's square ``a²`` off ``v``: ``√(v − a²)``, with
    ``a ← α · a + (1 − α) · g``. Let ``u`` be the quotient; then ``p ← p − rate · u``,
    or with momentum ``b ← momentum · b + u`` and ``p ← p − rate · b``.

    Args:
        learning_rate: a number above 0, or a ``Schedule``.
        alpha: α, the decay rate of the means, from 0 to below 1.
        epsilon: ε, keeps the division finite; above 0.
        momentum: the factor of the old ``b``, from 0 to 1.
        centered: whether to divide by the standard deviation instead.
        weight_decay: times the parameters, is added to the gradient; at least 0.
        parameters: a model, a layer, a ``Parameter`` or a list of them, for ``step``.

    Attributes:
        learning_rate, alpha, epsilon, momentum, centered, weight_decay, parameters: as given.
        slots: ``"squares"``, and where they are in use ``"mean"`` and ``"velocity"``:
            the ``v``, ``a`` and ``b`` above.
        steps, slots_state: see ``Optimizer``.

    Raises:
        DTypeError: an argument is of the wrong kind.
        ArgumentError: an argument lies outside its range.

    Source: Tieleman and Hinton, "Lecture 6.5: rmsprop", Coursera, 2012; centered:
    Graves, arXiv 1308.0850; written as PyTorch writes it.

    >>> p = np.array([1.0, 2.0])
    >>> rmsprop = RMSprop(0.25, alpha=0.75)
    >>> rmsprop.start(p)
    >>> rmsprop.update(p, np.array([3.0, -7.0]))
    >>> p.round(6)
    array([0.5, 2.5])
    """

    typical_rate = 0.005
    _kernel_slots = ("squares", "mean", "velocity")

    @accepts_old_names
    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        alpha: float = 0.99,
        epsilon: float = 1e-8,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        weight_decay: float = 0.0,
        parameters: Trainable | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, parameters=parameters)
        self.alpha = as_fraction("RMSprop", "alpha", alpha)
        self.epsilon = as_number("RMSprop", "epsilon", epsilon, above=0)
        self.momentum = as_number("RMSprop", "momentum", momentum, between=(0, 1))
        self.centered = as_flag("RMSprop", "centered", centered)
        in_use = {"squares": True, "mean": self.centered, "velocity": self.momentum > 0}
        self.slots = tuple(slot for slot, used in in_use.items() if used)

    def apply(self, parameters: Array, gradients: Array, state: State, rate: float) -> None:
        """Change a block of the parameters in place."""
        v = state["squares"]
        blend(v, self.alpha, np.square(gradients))
        spread = v
        if self.centered:
            a = state["mean"]
            blend(a, self.alpha, gradients)
            # For equal gradients only rounding errors remain, which may be below 0.
            spread = np.maximum(v - np.square(a), 0)
        step = gradients / (np.sqrt(spread) + self.epsilon)
        if self.momentum:
            b = state["velocity"]
            b *= self.momentum
            b += step
            step = b
        parameters -= rate * step

    def _kernel(self, rate: float) -> tuple[Any, ...]:
        means = (self.alpha, 1 - self.alpha)
        return "rmsprop", rate, *means, self.epsilon, self.momentum, self.centered


@public
@named("optimizer", "adam")
class Adam(Optimizer):
    """Running mean over the root of the mean square, each corrected for its start at 0.

    ``m ← β₁ · m + (1 − β₁) · g``, ``v ← β₂ · v + (1 − β₂) · g²``, and at step t
    ``p ← p − rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)``.

    Args:
        learning_rate: a number above 0, or a ``Schedule``.
        betas: β₁ and β₂, from 0 to below 1.
        epsilon: ε, keeps the division finite; above 0.
        weight_decay: times the parameters, is added to the gradient; at least 0.
        parameters: a model, a layer, a ``Parameter`` or a list of them, for ``step``.

    Attributes:
        learning_rate, betas, epsilon, weight_decay, parameters: as given.
        slots: ``("mean", "squares")``, the ``m`` and ``v`` above.
        steps, slots_state: see ``Optimizer``.

    Raises:
        DTypeError: an argument is of the wrong kind.
        ArgumentError: an argument lies outside its range.

    Source: Kingma and Ba, "Adam", arXiv 1412.6980, algorithm 1.

    >>> p = np.array([1.0, 2.0])
    >>> adam = Adam(0.25)
    >>> adam.start(p)
    >>> adam.update(p, np.array([3.0, -7.0]))
    >>> p.round(6)
    array([0.75, 2.25])
    """

    slots = ("mean", "squares")

    @accepts_old_names
    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        *,
        weight_decay: float = 0.0,
        parameters: Trainable | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, parameters=parameters)
        self.betas = as_betas(type(self).__name__, betas)
        self.epsilon = as_number(type(self).__name__, "epsilon", epsilon, above=0)

    def apply(self, parameters: Array, gradients: Array, state: State, rate: float) -> None:
        """Change a block of the parameters in place."""
        m, v = state["mean"], state["squares"]
        beta1, beta2 = self.betas
        blend(m, beta1, gradients)
        blend(v, beta2, np.square(gradients))
        # Both corrections are numbers; in this order each costs one pass over the block.
        root = np.sqrt(v)
        root /= math.sqrt(1 - beta2**self.steps)
        root += self.epsilon
        step = m / root
        step *= rate / (1 - beta1**self.steps)
        parameters -= step

    def _kernel(self, rate: float) -> tuple[Any, ...]:
        beta1, beta2 = self.betas
        correction = math.sqrt(1 - beta2**self.steps)
        corrected_rate = rate / (1 - beta1**self.steps)
        means = (beta1, beta2, 1 - beta1, 1 - beta2)
        return "adam", *means, correction, self.epsilon, corrected_rate


@public
@named("optimizer", "adamw")
class AdamW(Adam):
    """Adam with decoupled weight decay: ``p ← p · (1 − rate · weight_decay)`` is done first.

    Args:
        learning_rate: a number above 0, or a ``Schedule``.
        betas: β₁ and β₂, from 0 to below 1; see ``Adam``.
        epsilon: ε, keeps the division finite; above 0.
        weight_decay: at least 0.
        parameters: a model, a layer, a ``Parameter`` or a list of them, for ``step``.

    Attributes:
        learning_rate, betas, epsilon, weight_decay, parameters: as given.
        slots: ``("mean", "squares")``; see ``Adam``.
        steps, slots_state: see ``Optimizer``.

    Raises:
        DTypeError: an argument is of the wrong kind.
        ArgumentError: an argument lies outside its range.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization",
    arXiv 1711.05101, algorithm 2 (the rate in front of the decay is PyTorch's).

    >>> p = np.array([1.0, 2.0])
    >>> adamw = AdamW(0.25, weight_decay=0.5)
    >>> adamw.start(p)
    >>> adamw.update(p, np.array([3.0, -7.0]))
    >>> p.round(6)
    array([0.625, 2.   ])
    """

    decoupled = True

    @accepts_old_names
    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        *,
        weight_decay: float = 0.01,
        parameters: Trainable | None = None,
    ) -> None:
        super().__init__(
            learning_rate, betas, epsilon, weight_decay=weight_decay, parameters=parameters
        )
