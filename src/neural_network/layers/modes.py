"""Training or evaluation mode, for all threads or inside a block of one thread.

A layer has a mode of its own, which ``train`` and ``eval`` set for all threads. A block, such
as the inside of ``predict``, must not change it: another thread may train the same model. So a
block stores its layers and their mode in a context variable, which each thread has its own of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar
from typing import Any, Self

from neural_network.checks import as_flag
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import NeuralNetworkError, shorten_traceback
from neural_network.layers.contained import HasParameters

# id -> (layer, mode) of the layers of one block; an id stays unique while its layer is held.
Block = dict[int, tuple[object, bool]]
_blocks: ContextVar[tuple[Block, ...]] = ContextVar("modes", default=())


def begin(layers: Iterable[object], *, training: bool) -> Block:
    """Begin a block in which layers have a mode, in this thread alone."""
    block: Block = {id(layer): (layer, training) for layer in layers}
    _blocks.set((*_blocks.get(), block))
    return block


def end(block: Block) -> None:
    """End a block."""
    blocks = _blocks.get()
    if blocks and blocks[-1] is block:
        _blocks.set(blocks[:-1])
    else:  # generators may leave their blocks in another order
        _blocks.set(tuple(other for other in blocks if other is not block))


class InMode(ContextDecorator):
    """A block in which a layer and all inside have a mode.

    A class, as it is entered in each call of ``predict``.

    Args:
        layer: the outer one.
        training: the mode.
        inside: the layers in it; None: those that are found when the block begins.
    """

    def __init__(
        self, layer: HasMode, *, training: bool, inside: Sequence[HasMode] | None = None
    ) -> None:
        self._layer, self._training, self._inside = layer, training, inside

    def _recreate_cm(self) -> InMode:
        """Return the block of one call of a decorated function."""
        return InMode(self._layer, training=self._training)

    def __enter__(self) -> None:
        layer, inside = self._layer, self._inside
        inside = layer._look().below if inside is None else inside
        self._block = begin((layer, *inside), training=self._training)

    def __exit__(self, *error: object) -> None:
        end(self._block)


def mode_of(layer: object) -> bool | None:
    """Return a layer's mode in the innermost block that contains it, or None without one."""
    for block in reversed(_blocks.get()):
        if id(layer) in block:
            return block[id(layer)][1]
    return None


def modes_of(layers: Sequence[Any]) -> tuple[bool, ...]:
    """Return whether each layer is in training, in this thread."""
    blocks = _blocks.get()
    modes: Block = {}
    if len(blocks) == 1:
        modes = blocks[0]
    else:
        for block in blocks:
            modes.update(block)
    return tuple([modes[id(one)][1] if id(one) in modes else one._training for one in layers])


def change_mode(layer: object, *, training: bool) -> bool:
    """Change a layer's mode in the innermost block that has it; return whether there is one."""
    as_flag(type(layer).__name__, "training", training)
    for block in reversed(_blocks.get()):
        if id(layer) in block:
            block[id(layer)] = (layer, training)
            return True
    return False


def join(layer: object, like: object) -> None:
    """Add a layer to the blocks of the layer that made it, in their modes."""
    for block in _blocks.get():
        if id(like) in block:
            block[id(layer)] = (layer, block[id(like)][1])


class HasMode(HasParameters):
    """The part of a ``Layer`` that is in training or in evaluation."""

    _training = True

    @property
    def training(self) -> bool:
        """Whether dropout drops and batch norm uses the batch's statistics, in this thread."""
        mode = mode_of(self)
        return self._training if mode is None else mode

    @training.setter
    def training(self, training: bool) -> None:
        try:
            changed = change_mode(self, training=training)
        except NeuralNetworkError as error:
            shorten_traceback(error)
            raise
        if not changed and self._training != training:
            self.__dict__["_training"] = training
            self._raise_version()

    @explains_calls
    def train(self) -> Self:
        """Switch this layer and all inside to training."""
        return self._switch(training=True)

    @explains_calls
    def eval(self) -> Self:
        """Switch this layer and all inside to evaluation."""
        return self._switch(training=False)

    def _switch(self, *, training: bool) -> Self:
        for layer in (self, *self._look().below):
            layer.training = training
        return self

    def in_mode(self, *, training: bool) -> InMode:
        """Switch for a block and for this thread alone.

        Other threads see what they saw before, also those that the block starts. What is
        switched inside the block ends with it.
        """
        return InMode(self, training=training)
