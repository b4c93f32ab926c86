"""How PyTorch names and lays out the parameters and buffers of each layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from neural_network.checks import Array
from neural_network.layers.dense import Dense
from neural_network.layers.layer import Layer
from neural_network.layers.normalization import BatchNorm, GroupNorm, LayerNorm
from neural_network.layers.parameter import Buffer, Parameter

# The names that differ.
RENAMED = {"gamma": "weight", "beta": "bias", "running_variance": "running_var"}
NORMS = (BatchNorm, GroupNorm, LayerNorm)
# A counter that PyTorch stores in a batch norm and that no result depends on (as long as
# ``momentum`` is a number).
UNUSED = "num_batches_tracked"


@dataclass(frozen=True)
class Entry:
    """A parameter or buffer of a model, as PyTorch would store it.

    Attributes:
        name: in the model.
        first: its first name in the model, if it is in several places.
        layer: the name of its layer in the model.
        leaf: the last part of the name in PyTorch, such as "running_var".
        shape: in PyTorch.
        turned: whether PyTorch stores the transpose.
    """

    name: str
    first: str
    layer: str
    leaf: str
    shape: tuple[int, ...]
    turned: bool

    @property
    def full(self) -> str:
        """The whole name in PyTorch, where its layers have the names of ours."""
        return f"{self.layer}.{self.leaf}" if self.layer else self.leaf

    def array(self, array: Array) -> Array:
        """Return an array in the other layout: ours for PyTorch's, or PyTorch's for ours."""
        return array.T if self.turned else array


def entries(model: Layer) -> list[Entry]:
    """Return what PyTorch would store of a model, layer by layer.

    A layer in several places, or a parameter of several layers, is stored once for each of them.

    A dense weight is (inputs, outputs) here and (outputs, inputs) in PyTorch. All others have one
    layout: (filters, channels / groups, …) for convolutions, (channels, filters / groups, …) for
    transposed ones, (vocabulary, size) for embeddings.
    """
    found, names = list[Entry](), dict[int, str]()
    for prefix, layer in _places(model):
        for leaf, tensor in layer._members():
            if not isinstance(tensor, Parameter | Buffer):
                continue
            name = f"{prefix}.{leaf}" if prefix else leaf
            first = names.setdefault(id(tensor), name)
            turned = isinstance(layer, Dense) and leaf == "weight"
            shape = tensor.shape[::-1] if turned else tensor.shape
            theirs = RENAMED.get(leaf, leaf) if isinstance(layer, NORMS) else leaf
            found.append(Entry(name, first, prefix, theirs, shape, turned))
    return found


def _places(model: Layer) -> Iterator[tuple[str, Layer]]:
    """Yield the places of a model with the layer in each, depth first."""
    waiting = [("", model)]
    while waiting:
        prefix, layer = waiting.pop()
        yield prefix, layer
        below = [(f"{prefix}.{own}" if prefix else own, one) for own, one in layer.children()]
        waiting += below[::-1]
