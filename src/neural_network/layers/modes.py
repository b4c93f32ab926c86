"""Training or evaluation: what a block asks of a model holds for the thread that runs it.

A layer has a mode of its own, which ``train`` and ``eval`` set for all. A block, such as
the inside of ``predict``, must not touch it: another thread may train the same model. So
the block notes its layers and their mode in a context variable, of which each thread has
its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import Any

# The layers of one block by their id, which a layer that is held here keeps; and their modes.
Block = dict[int, tuple[object, bool]]
_blocks: ContextVar[tuple[Block, ...]] = ContextVar("modes", default=())


def begin(layers: Iterable[object], *, training: bool) -> Block:
    """Begin a block that gives layers a mode, in this thread alone."""
    block: Block = {id(layer): (layer, training) for layer in layers}
    _blocks.set((*_blocks.get(), block))
    return block


def end(block: Block) -> None:
    """End a block."""
    # Not simply the last one: generators may leave their blocks in another order.
    _blocks.set(tuple(other for other in _blocks.get() if other is not block))


def mode_of(layer: object) -> bool | None:
    """Return the mode that the innermost block around this call gives a layer, or None."""
    for block in reversed(_blocks.get()):
        if id(layer) in block:
            return block[id(layer)][1]
    return None


def modes_of(layers: Sequence[Any]) -> tuple[bool, ...]:
    """Return whether each layer is in training, in this thread."""
    given: Block = {}
    for block in _blocks.get():
        given.update(block)
    return tuple([given[id(one)][1] if id(one) in given else one._training for one in layers])


def change_mode(layer: object, *, training: bool) -> bool:
    """Change what the innermost block gives a layer; say whether there is one that does."""
    for block in reversed(_blocks.get()):
        if id(layer) in block:
            block[id(layer)] = (layer, training)
            return True
    return False


def join(layer: object, like: object) -> None:
    """Put a layer that was made inside blocks where another one is, which made it."""
    for block in _blocks.get():
        if id(like) in block:
            block[id(layer)] = (layer, block[id(like)][1])
