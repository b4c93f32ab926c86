"""The least that a row has to compute and to move: operations, counted directly, and bytes.

Operations are the multiplications and additions of the sums as they are written down; an
algorithm with fewer of them (a transform, minimal filtering, skipping zeros) may beat the count.
Bytes: what enters and leaves each block of a network once per pass, where a block is a
layer with weights and the activation, norm and pooling behind it, and each weight once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

from networks import (
    Attention,
    BatchNorm,
    Conv,
    Dense,
    Depthwise,
    Dropout,
    Embedding,
    Flatten,
    GlobalPool,
    LayerNorm,
    Network,
    Piece,
    Pool,
    ReLU,
    Residual,
    TokenMean,
    Transposed,
)

FLOAT32 = 4
# How often an optimizer step passes over the parameters: Adam reads weights, gradients and
# two moments and writes three of them; momentum reads three and writes two.
PASSES = {"adam": 7, "momentum": 5}


@dataclass(frozen=True)
class Work:
    """Operations and bytes."""

    operations: float
    bytes: float

    def times(self, factor: float) -> Work:
        """Return the work of so many of these."""
        return Work(self.operations * factor, self.bytes * factor)


@dataclass(frozen=True)
class Block:
    """A layer with weights and what follows it, for one row: numbers, not bytes."""

    products: int  # multiplications of the forward pass
    inputs: int
    outputs: int
    weights: int  # biases included


def blocks(network: Network) -> list[Block]:
    """Return the blocks of a network, with their sizes."""
    found: list[Block] = []
    _add(network.layers, network.shape, found)
    return found


def _add(pieces: tuple[Piece, ...], shape: tuple[int, ...], found: list[Block]) -> tuple[int, ...]:
    """Add the blocks of some layers; return the shape of what comes out."""
    for piece in pieces:
        before = shape
        match piece:
            case Conv():
                shape = (piece.filters, *_places(shape, piece.size, piece.stride, piece.padding))
                taps = before[0] * piece.size**piece.axes
                weights = piece.filters * (taps + piece.bias)
                found.append(Block(prod(shape) * taps, prod(before), prod(shape), weights))
            case Depthwise(size, stride, padding):
                shape = (shape[0], *_places(shape, size, stride, padding))
                products = prod(shape) * size**2
                found.append(Block(products, prod(before), prod(shape), shape[0] * size**2))
            case Transposed(filters, size, stride, padding):
                places = (stride * (place - 1) + size - 2 * padding for place in shape[1:])
                shape = (filters, *places)
                weights = before[0] * filters * size**2
                products = prod(before[1:]) * weights
                found.append(Block(products, prod(before), prod(shape), weights + filters))
            case Dense(units):
                shape = (*shape[:-1], units)
                weights = (before[-1] + 1) * units
                found.append(Block(prod(before) * units, prod(before), prod(shape), weights))
            case Embedding(vocabulary, size):
                shape = (*shape, size)
                found.append(Block(0, prod(before), prod(shape), vocabulary * size))
            case Attention(size):
                tokens, own, weights = shape[0], prod(shape), (size + 1) * size
                found += [
                    Block(3 * own * size, own, 3 * own, 3 * weights),
                    Block(2 * tokens * own, 3 * own, own, 0),
                    Block(own * size, own, own, weights),
                ]
            case Residual(body, shortcut):
                shape = _add(body, before, found)
                last = found[-1]
                _add(shortcut, before, found)
                # The sum reads what came in, or what the shortcut has made of it.
                found[found.index(last)] = replace(last, inputs=last.inputs + prod(shape))
            case BatchNorm() | LayerNorm():
                channels = shape[0] if isinstance(piece, BatchNorm) else shape[-1]
                found[-1] = replace(found[-1], weights=found[-1].weights + 2 * channels)
            case Pool() | GlobalPool() | TokenMean():
                shape = _pooled(piece, shape)
                found[-1] = replace(found[-1], outputs=prod(shape))
            case Flatten():
                shape = (prod(shape),)
            case ReLU() | Dropout():
                pass
    return shape


def _places(shape: tuple[int, ...], size: int, stride: int, padding: int) -> Iterator[int]:
    return ((place + 2 * padding - size) // stride + 1 for place in shape[1:])


def _pooled(piece: Piece, shape: tuple[int, ...]) -> tuple[int, ...]:
    match piece:
        case Pool(size):
            return (shape[0], *(place // size for place in shape[1:]))
        case GlobalPool():
            return shape[:1]
    return shape[-1:]


def forward(network: Network, rows: int) -> Work:
    """Return the work of inference."""
    parts = blocks(network)
    numbers = sum(rows * (block.inputs + block.outputs) + block.weights for block in parts)
    return Work(2 * rows * sum(block.products for block in parts), FLOAT32 * numbers)


def step(network: Network, rows: int, optimizer: str) -> Work:
    """Return the work of a training step: forward, both gradients, the optimizer.

    The gradient of the first layer's input is not computed.
    """
    ahead = forward(network, rows)
    products, numbers = 0, 0
    for place, block in enumerate(blocks(network)):
        first = place == 0
        products += block.products * (1 if first else 2)
        # Read: the inputs, the outputs' gradient, the weights. Written: the gradients.
        numbers += rows * (block.inputs * (1 if first else 2) + block.outputs)
        numbers += block.weights * (2 + PASSES[optimizer])
    return Work(ahead.operations + 2 * rows * products, ahead.bytes + FLOAT32 * numbers)


def one_filter(
    taps: int, shape: tuple[int, int], pictures: int = 1, itemsize: int = FLOAT32
) -> Work:
    """Return the work of one filter over pictures: each is read and its result written."""
    outputs = prod(side - taps + 1 for side in shape)
    return Work(
        2.0 * pictures * taps**2 * outputs, float(itemsize * pictures * (prod(shape) + outputs))
    )


def layer_and_back(products: int, inputs: int, outputs: int, weights: int = 0) -> Work:
    """Return the work of one layer forward and backward, its input's gradient included.

    Read: the inputs and the weights twice, and the outputs' gradient; written: the outputs
    and the two gradients.
    """
    return Work(6.0 * products, FLOAT32 * (3.0 * inputs + 2.0 * outputs + 3.0 * weights))
