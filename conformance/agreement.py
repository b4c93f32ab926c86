"""Compare a call with its reference: values, gradients and second derivatives.

What a function returns is taken as a list of arrays. With random numbers g, the sum
Σ g · out is one number, whose gradients for all floating arguments must agree; and
with random v, so must those of Σ v · gradient of Σ g · out². (Squared, because a
linear function has no second derivative of its own.)
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

from conformance.counts import count
from conformance.references import FIRST_ORDER, REFERENCES
from neural_network import grad
from neural_network.autograd.trees import map_tree
from neural_network.functional.op import RULES

# The largest difference, in units of the largest number of the array, or of 1.
TOLERANCES = {"float64": 1e-10, "float32": 1e-4}
# Name of a function → how often it was compared.
COMPARED: Counter[str] = Counter()
# What drawn calls of NumPy's functions gave on tensors, beside arrays → how often.
DRAWN: Counter[str] = Counter()


def agree(
    function: Callable[..., Any],
    *args: Any,
    fixed: Iterable[str] = (),
    order: int = 2,
    **kwargs: Any,
) -> None:
    """Compare a call with that of the function's reference, in float64 and float32.

    Args:
        function: ours; ``REFERENCES`` has PyTorch's.
        args: its arguments; float64 arrays, also in lists, are differentiated.
        fixed: names of arguments that are not differentiated; those without a gradient
            of an op are added.
        order: 1 leaves the second derivatives out, 0 the first as well. Second ones
            are compared in float64 only.
        kwargs: its arguments by name.
    """
    order = min(order, 1) if function in FIRST_ORDER else order
    reference, rng = REFERENCES[function], np.random.default_rng(0)
    bound = inspect.signature(function).bind(*args, **kwargs)
    constant = set(fixed)
    if function in RULES:
        constant |= set(bound.arguments) - set(RULES[function].gradients)
    leaves: list[Any] = []

    def leaf(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.dtype == np.float64:
            leaves.append(value)
            return _Leaf(len(leaves) - 1)
        return value

    for name, value in bound.arguments.items():
        if name not in constant:
            bound.arguments[name] = map_tree(leaf, value)

    for dtype, tolerance in TOLERANCES.items():
        inputs = [value.astype(dtype) for value in leaves]

        def received(inputs: list[Any], dtype: str = dtype) -> list[Any]:
            return _parts(_call(function, bound, inputs, _as_array(dtype)))

        def by_reference(inputs: list[Any], dtype: str = dtype) -> list[Any]:
            return _parts(_call(reference, bound, inputs, _as_torch(dtype)))

        mirrors = [torch.tensor(value, requires_grad=True) for value in inputs]
        results = received(inputs)
        expected = by_reference(mirrors)
        label = f"{function.__name__} in {dtype}: "
        _near(results, expected, tolerance, label + "value")
        for value, answer in zip(results, expected, strict=True):
            typed = answer.detach().numpy().dtype
            assert isinstance(value, float) or value.dtype == typed, label + "type"
        weights = [rng.standard_normal(np.shape(part)).astype(dtype) for part in results]
        if order >= 1:
            slopes = grad(lambda p, w=weights, f=received: _weighted(w, f(p)))(inputs)
            answers = _torch_grad(_weighted(_all_torch(weights), expected), mirrors)
            _near(slopes, answers, tolerance, label + "gradient")
        if order >= 2 and dtype == "float64":
            directions = [rng.standard_normal(value.shape) for value in inputs]

            def bent(p: list[Any], f: Any = received, w: Any = weights, v: Any = directions) -> Any:
                return _weighted(v, grad(lambda q: _weighted(w, [o * o for o in f(q)]))(p))

            squares = _weighted(_all_torch(weights), [o * o for o in by_reference(mirrors)])
            first = torch.autograd.grad(squares, mirrors, create_graph=True)
            second = _torch_grad(_weighted(_all_torch(directions), first), mirrors)
            _near(grad(bent)(inputs), second, tolerance, label + "second derivative")
    COMPARED[function.__name__] += 1
    count("PyTorch calls")


class _Leaf:
    """The place of an array that changes its kind: type, tensor or array."""

    def __init__(self, number: int) -> None:
        self.number = number


def _call(function: Callable[..., Any], bound: Any, inputs: list[Any], constant: Any) -> Any:
    """Call with the inputs in their places, and the other arrays as ``constant`` makes them."""

    def fill(value: Any) -> Any:
        return inputs[value.number] if isinstance(value, _Leaf) else constant(value)

    filled = inspect.BoundArguments(bound.signature, map_tree(fill, dict(bound.arguments)))
    return function(*filled.args, **filled.kwargs)


def _as_array(dtype: str) -> Callable[[Any], Any]:
    return lambda v: v.astype(dtype) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v


def _as_torch(dtype: str) -> Callable[[Any], Any]:
    """Floating arrays as PyTorch's; others (labels, masks, indices) are left to the reference."""

    def convert(value: Any) -> Any:
        floating = isinstance(value, np.ndarray) and value.dtype.kind == "f"
        return torch.tensor(value.astype(dtype)) if floating else value

    return convert


def _parts(out: Any) -> list[Any]:
    parts: list[Any] = []
    if isinstance(out, list | tuple):
        for value in out:
            parts.extend(_parts(value))
        return parts
    return [out]


def _all_torch(arrays: list[Any]) -> list[Any]:
    return [torch.tensor(array) for array in arrays]


def _weighted(weights: list[Any], parts: Iterable[Any]) -> Any:
    total: Any = 0
    for weight, part in zip(weights, parts, strict=True):
        total = total + (weight * part).sum()
    return total


def _torch_grad(number: Any, mirrors: list[Any]) -> list[Any]:
    if not number.requires_grad:
        return [torch.zeros_like(mirror) for mirror in mirrors]
    found = torch.autograd.grad(
        number, mirrors, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return list(found)


def _near(received: list[Any], expected: list[Any], tolerance: float, label: str) -> None:
    assert len(received) == len(expected), label
    for place, (left, right) in enumerate(zip(received, expected, strict=True)):
        a, b = np.asarray(left), right.detach().numpy()
        assert a.shape == b.shape, f"{label} {place}: shape {a.shape}, not {b.shape}"
        assert np.all(np.isfinite(b)), f"{label} {place}: the expected numbers are not finite"
        scale = max(1.0, float(np.max(np.abs(b), initial=0)))
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale, err_msg=f"{label} {place}")
