"""How PyTorch names and lays out the parameters and buffers of each layer."""

from __future__ import annotations

from collections.abc import Mapping
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
        layer: the name of its layer in the model.
        leaf: the last part of the name in PyTorch, such as "running_var".
        shape: in PyTorch.
        turned: whether PyTorch stores the transpose.
    """

    name: str
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


def entries(model: Layer, tensors: Mapping[str, Parameter | Buffer]) -> list[Entry]:
    """Return what PyTorch would store of a model, layer by layer.

    A dense weight is (inputs, outputs) here and (outputs, inputs) in PyTorch. All others have one
    layout: (filters, channels / groups, …) for convolutions, (channels, filters / groups, …) for
    transposed ones, (vocabulary, size) for embeddings.
    """
    layers = dict(model.named_layers())
    found = []
    for name, tensor in tensors.items():
        prefix, leaf = _owner(name, layers)
        layer = layers[prefix]
        turned = isinstance(layer, Dense) and leaf == "weight"
        shape = tensor.shape[::-1] if turned else tensor.shape
        theirs = RENAMED.get(leaf, leaf) if isinstance(layer, NORMS) else leaf
        found.append(Entry(name, prefix, theirs, shape, turned))
    order = {prefix: place for place, prefix in enumerate(layers)}
    return sorted(found, key=lambda entry: order[entry.layer])


def _owner(name: str, layers: Mapping[str, Layer]) -> tuple[str, str]:
    """Return the name of a tensor's layer, and the rest of its name."""
    prefix, _, leaf = name.rpartition(".")
    while prefix not in layers:  # a tensor in a list of an own layer
        prefix, _, before = prefix.rpartition(".")
        leaf = f"{before}.{leaf}"
    return prefix, leaf
