"""A model computed with other numbers in the place of its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any

from neural_network.autograd.exchange import exchanging
from neural_network.autograd.tensor import InnerTensor, Tensor
from neural_network.autograd.trees import map_tree
from neural_network.checks import as_real
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, ShapeError, brief, sentence
from neural_network.layers.layer import Layer
from neural_network.layers.lists import HOLDERS
from neural_network.layers.parameter import Parameter
from neural_network.layers.planning import without_plan
from neural_network.layers.structure import Replaced
from neural_network.public import public

# The attributes of a model are those of all threads.
_one_at_a_time = RLock()


@public
@explains_calls
def functional_call(
    model: Layer, parameters: Mapping[str, Any], *inputs: Any, **options: Any
) -> Any:
    """Call a model with other numbers in the place of its parameters.

    So a model is a function of its parameters, which ``grad`` and its relatives differentiate.
    The model's own parameters stay as they are. Running means and other state change as in
    any call. Several threads may do this with one model: each waits for the others. A thread that
    calls the model itself meanwhile gets a GradientError.

    Args:
        model: a layer that is built.
        parameters: name, as ``named_parameters`` gives it, → an array or tensor of the
            parameter's shape. Parameters that are left out are the model's own.
        inputs, options: of the call.

    Returns:
        What ``model(*inputs, **options)`` returns.

    Raises:
        ArgumentError: a name that the model has not, or a model that is not built.
        ShapeError: numbers of another shape.
        DTypeError: no layer, no dict, or no real numbers.

    >>> model = Dense(1).initialize((2,), rng=0)
    >>> parameters = {name: p.data for name, p in model.named_parameters()}
    >>> X = np.array([[1.0, 2.0]])
    >>> slopes = grad(lambda p: np.sum(functional_call(model, p, X)))(parameters)
    >>> slopes["weight"]
    array([[1.],
           [2.]], dtype=float32)
    """
    if not isinstance(model, Layer):
        raise DTypeError(sentence("functional_call", "model", "a layer", type(model).__name__))
    if not isinstance(parameters, Mapping):
        expected = "a dict of arrays by the names of named_parameters"
        received = type(parameters).__name__
        raise DTypeError(sentence("functional_call", "parameters", expected, received))
    model._check_built("functional_call", by_itself=False)
    own = dict(model.named_parameters())
    others: dict[int, Tensor] = {}
    for name, value in parameters.items():
        if name not in own:
            names = f"{', '.join([*own][:8])}{', …' if len(own) > 8 else ''}" or "there are none"
            expected = f"names of its parameters: {names}"
            raise ArgumentError(sentence("functional_call", "parameters", expected, brief(name)))
        numbers = as_real("functional_call", name, value)
        if numbers.shape != own[name].shape:
            expected, received = f"shape {own[name].shape}", f"shape {numbers.shape}"
            raise ShapeError(sentence("functional_call", name, expected, received))
        # Of a parameter a copy, because ops exchange the parameter itself.
        other = +numbers if isinstance(_innermost(numbers), Parameter) else numbers
        others[id(own[name])] = other if isinstance(other, Tensor) else Tensor(other)
    # Attributes are exchanged. A parameter that ``forward`` reaches in another way, by
    # ``parameters()``, a private name or a closure, is exchanged where an op takes it.
    with _one_at_a_time, without_plan(), exchanging(others) as all_others:
        with _in_place_of(model, all_others):
            out = model(*inputs, **options)
        return map_tree(lambda part: all_others.get(id(part), part), out)


@contextmanager
def _in_place_of(model: Layer, others: Mapping[int, Tensor]) -> Iterator[None]:
    """Let attributes be other tensors inside the block, by the ``id`` of their parameters."""
    before: list[tuple[dict[str, Any], dict[str, Any], Replaced]] = []
    try:
        for layer in model.all_layers():
            attributes = vars(layer)
            outer = layer._replaced  # of a call that this one is inside of
            now, replaced = dict[str, Any](), Replaced(outer)
            for name, value in [*attributes.items()]:
                parameters = outer.get(name, value)
                other = _exchanged(parameters, others) if name[0] != "_" else parameters
                if other is not parameters:
                    now[name], replaced[name] = other, parameters
            if now:
                before.append((attributes, {name: attributes[name] for name in now}, outer))
                attributes.update(now, _replaced=replaced)  # in one step, for other threads
        yield
    finally:
        for attributes, values, outer in before:
            attributes.update(values, _replaced=Replaced(outer))


def _innermost(value: Any) -> Any:
    """Return the value of a tensor of some levels on the lowest of them."""
    while isinstance(value, InnerTensor):
        value = value.primal
    return value


def _exchanged(value: Any, others: Mapping[int, Tensor]) -> Any:
    """Return an attribute, or a list or dict, with other tensors; itself where it has none."""
    if isinstance(value, Parameter):
        return others.get(id(value), value)
    if isinstance(value, HOLDERS):
        items = list(value.values() if isinstance(value, dict) else value)
        changed = [_exchanged(item, others) for item in items]
        if any(new is not old for new, old in zip(changed, items, strict=True)):
            if isinstance(value, dict):
                return dict(zip(value, changed, strict=True))
            return tuple(changed) if isinstance(value, tuple) else changed
    return value
