"""The least that a row has to compute and to move: operations, counted directly, and bytes.

Operations are the multiplications and additions of the sums as they are written down; an
algorithm with fewer of them (a transform, minimal filtering, skipping zeros) may beat the count.
Bytes: what enters and leaves each block of a network once per pass, where a block is a
layer with weights and the activation and pooling behind it, and each weight once.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from networks import Conv, Dense, Flatten, Network, Pool

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
    shape, found = network.shape, list[Block]()
    for layer in network.layers:
        before = shape
        if isinstance(layer, Conv):
            channels, *places = shape
            taps = channels * layer.size**2
            shape = (layer.filters, *(place - layer.size + 1 for place in places))
            found.append(
                Block(prod(shape) * taps, prod(before), prod(shape), layer.filters * (taps + 1))
            )
        elif isinstance(layer, Dense):
            (inputs,) = shape
            shape = (layer.units,)
            weights = (inputs + 1) * layer.units
            found.append(Block(inputs * layer.units, inputs, layer.units, weights))
        elif isinstance(layer, Pool):
            shape = (shape[0], *(place // layer.size for place in shape[1:]))
            last = found[-1]
            found[-1] = Block(last.products, last.inputs, prod(shape), last.weights)
        elif isinstance(layer, Flatten):
            shape = (prod(shape),)
    return found


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
