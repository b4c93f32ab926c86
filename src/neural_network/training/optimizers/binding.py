"""The parameters that an optimizer is bound to, in one buffer, and their gradients in another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array, is_iterable
from neural_network.errors import ArgumentError, DTypeError, ShapeError, sentence
from neural_network.layers.flat import gradients_in_one, numbers_in_one, parts
from neural_network.layers.layer import Layer
from neural_network.layers.parameter import Parameter
from neural_network.layers.unfound import instead_of_parameters

# What can be trained.
Trainable = Layer | Parameter | Iterable[Layer | Parameter]
KINDS = "a model, a layer, a Parameter or a list of them"
EMPTY = "an empty list; a model has no parameters before it is built: parameters=model waits for it"
# What PyTorch's dicts of parameters are here.
OF_GROUPS = " (for groups: nn.OptimizerGroups([(model[0], nn.Adam(0.001)), …]))"
_NO_LISTS = (str, dict, set, frozenset, np.ndarray, Tensor)


def as_trainable(function: str, name: str, value: Trainable) -> list[Layer | Parameter]:
    """Return layers and parameters as a list, in order.

    Raises:
        DTypeError: there is something else among them.
        ArgumentError: there are none.
    """
    if isinstance(value, Layer | Parameter):
        return [value]
    # A set has another order in each process, and with it the sums of a norm other bits.
    if not is_iterable(value) or isinstance(value, _NO_LISTS):
        expected = f"{KINDS}{OF_GROUPS}" if isinstance(value, dict) else KINDS
        raise DTypeError(sentence(function, name, expected, kind_of(value)))
    found: list[Layer | Parameter] = []
    for place, item in enumerate(value):
        if not isinstance(item, Layer | Parameter):
            expected = "a layer or Parameter"
            if isinstance(item, dict):  # a group of PyTorch's
                expected += OF_GROUPS
            elif isinstance(item, Tensor):
                expected += ", as w = nn.Parameter(np.zeros(3))"
            raise DTypeError(sentence(function, f"{name}[{place}]", expected, kind_of(item)))
        found.append(item)
    if not found:
        raise ArgumentError(sentence(function, name, KINDS, EMPTY))
    return found


def looks_trainable(value: object) -> bool:
    """Return whether this was meant as parameters: a layer, a parameter, or a list of such."""
    if isinstance(value, list | tuple) and value:
        value = value[0]
    return isinstance(value, Layer | Parameter)


def innermost(targets: Sequence[Layer | Parameter]) -> set[int]:
    """Return the identities of parameters, and of the layers that have no layers inside."""
    layers = [layer for one in targets if isinstance(one, Layer) for layer in one.all_layers()]
    alone = {id(one) for one in targets if isinstance(one, Parameter)}
    return alone | {id(layer) for layer in layers if not any(True for _ in layer.children())}


def kind_of(value: object) -> str:
    """Return what a value is, for an error."""
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


class Binding:
    """Finds the parameters of layers anew at each use, because layers may be exchanged.

    Args:
        function, name: for errors.
        value: layers and parameters; a parameter that is in several of them counts once.

    Attributes:
        targets: them, as a list.

    Raises:
        DTypeError: something else was given.
        ArgumentError: there is nothing to train.
    """

    def __init__(self, function: str, name: str, value: Trainable) -> None:
        self._name = name
        self.targets = as_trainable(function, name, value)
        if self.built and not self.named_parameters():
            layers = [target for target in self.targets if isinstance(target, Layer)]
            received = f"none{next(filter(None, map(instead_of_parameters, layers)), '')}"
            if received == "none" and layers and name.startswith("pairs"):
                names = ", ".join(dict.fromkeys(type(layer).__name__ for layer in layers))
                received += f" in {names}; leave this pair out"
            raise ArgumentError(sentence(function, name, "parameters to train", received))

    @property
    def built(self) -> bool:
        """Whether all parameters exist."""
        return all(target.built for target in self.targets if isinstance(target, Layer))

    def is_of(self, model: Layer) -> bool:
        """Return whether these are all parameters of a model, and no others."""
        if self.built and model.built:
            own = {id(parameter) for _, parameter in self.named_parameters()}
            return own == set(map(id, model.parameters()))
        return innermost(self.targets) == innermost([model])

    def named_parameters(self) -> list[tuple[str, Parameter]]:
        """Return (name, parameter), each parameter once, frozen ones too."""
        first = self.targets[0]
        if len(self.targets) == 1 and isinstance(first, Layer):
            return first.named_parameters()
        found: dict[int, tuple[str, Parameter]] = {}
        for place, target in enumerate(self.targets):
            own = f"{self._name}[{place}]"
            pairs = target.named_parameters() if isinstance(target, Layer) else [("", target)]
            for name, parameter in pairs:
                found.setdefault(id(parameter), (f"{own}.{name}".rstrip("."), parameter))
        return list(found.values())

    def flat(self, function: str) -> tuple[list[tuple[str, Parameter]], Array]:
        """Return (name, parameter), and their numbers in one buffer, which is theirs or a copy.

        Raises:
            ArgumentError: there are no parameters yet.
            DTypeError: they are of several types.
        """
        for target in self.targets:
            if isinstance(target, Layer):
                target._check_built(function, by_itself=False)
        named, first = self.named_parameters(), self.targets[0]
        if len(self.targets) == 1 and isinstance(first, Layer):
            return named, first.flat_parameters()
        found = [parameter for _, parameter in named]
        if len(kinds := {parameter.dtype.name for parameter in found}) > 1:
            expected = "one floating type (or an optimizer for each)"
            raise DTypeError(sentence(function, self._name, expected, " and ".join(sorted(kinds))))
        joined = numbers_in_one(found)
        if joined is None:  # layers from several places, whose buffers stay as they are
            joined = np.concatenate([parameter.data.ravel() for parameter in found])
        return named, joined


def put(parameters: Sequence[Parameter], chosen: Sequence[bool], flat: Array) -> None:
    """Copy chosen parameters from what ``Binding.flat`` returned, where it was a copy.

    What was recorded with the old numbers cannot be differentiated any more.
    """
    for parameter in compress(parameters, chosen):
        if parameter._memory is not None:
            parameter._memory.outdate()
    if np.may_share_memory(flat, parameters[0].data):
        return
    for parameter, part, is_chosen in zip(parameters, parts(parameters), chosen, strict=True):
        if is_chosen:
            parameter.data[...] = flat[part].reshape(parameter.shape)


def with_gradient(parameters: Sequence[Parameter]) -> list[bool]:
    """Return which parameters a step changes: those not frozen that ``backward()`` has reached."""
    return [p.requires_grad and p.grad is not None for p in parameters]


def gathered(
    function: str, named: Sequence[tuple[str, Parameter]], chosen: Sequence[bool], dtype: Any
) -> Array:
    """Return the gradients of chosen parameters in one buffer, with zeros for the others.

    Raises:
        DTypeError, ShapeError: a gradient that does not fit its parameter.
    """
    parameters = [parameter for _, parameter in named]
    for (name, parameter), is_chosen in zip(named, chosen, strict=True):
        if is_chosen:
            check_gradient(function, name, parameter)
    whole = gradients_in_one(parameters) if all(chosen) else None
    if whole is not None:
        return whole
    buffer = np.zeros(sum([parameter.data.size for parameter in parameters]), dtype)
    for parameter, part, is_chosen in zip(parameters, parts(parameters), chosen, strict=True):
        if is_chosen and parameter.grad is not None:
            buffer[part] = parameter.grad.ravel()
    return buffer


def check_gradient(function: str, name: str, parameter: Parameter) -> None:
    """Raise unless a gradient, which may have been assigned, is an array that fits."""
    grad, of = parameter.grad, f"the gradient of {name}" if name else "the gradient"
    if type(grad) is np.ndarray and grad.shape == parameter.shape and grad.dtype.kind == "f":
        return
    if not isinstance(grad, np.ndarray):
        raise DTypeError(sentence(function, of, "a NumPy array", type(grad).__name__))
    if grad.shape != parameter.shape:
        expected = f"the shape {parameter.shape} of the parameter"
        raise ShapeError(sentence(function, of, expected, f"shape {grad.shape}"))
    if grad.dtype.kind not in "fiu":
        raise DTypeError(sentence(function, of, "real numbers", f"dtype {grad.dtype}"))
