"""What would drop a gradient or make one wrong in silence, and raises instead."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from neural_network.autograd.engine import Recorded, lowest_recorded
from neural_network.autograd.gradients import note_change
from neural_network.checks import Array
from neural_network.errors import (
    ArgumentError,
    DroppedGradientError,
    DTypeError,
    GradientError,
    ShapeError,
    both,
    give_hint,
    is_own,
    refusal,
    sentence,
    too_deep,
)
from neural_network.functional.op import PASSED, Rule
from neural_network.lifting import LIFT_HOOK, LISTS, array_under, joined, mapped, tensors_in

# How a parameter is changed.
STEP = "step inside no_grad(): with nn.no_grad(): w -= 0.1 * w.grad (or by an optimizer)"
# Classes of arguments that every op takes as they are, and in which there is no tensor.
PLAIN = frozenset({np.ndarray, float, int, bool, type(None), str, np.float64, np.float32})
# The same with the tensors, which their module adds.
KNOWN: set[type] = {*PLAIN}


def check_no_gradient(doing: str, *values: Any, plain: bool = False, of: str = "") -> None:
    """Raise DroppedGradientError if a tensor among values requires a gradient.

    Args:
        doing: what would drop it.
        values: to look at.
        plain: whether a plain number or array is asked for, as to draw or to write it down.
        of: then, what a computation calls that ends here, in brackets.
    """
    found = tensors_in(values)
    if any(t.requires_grad for t in found):
        joins = (
            "np.stack or np.concatenate to join tensors, np.full_like(x, …) or np.broadcast_to "
            "to repeat one, the functions of NumPy or of this library to compute"
        )
        cure = f"use {joins}, and t.item(), t.data or t.detach() where the gradient should end"
        if plain:
            # Nearly always it is to be drawn or printed.
            several = any(t.data.size != 1 for t in found)
            first = "t.data is its array" if several else "t.item() is its number, t.data its array"
            cure = f"{first}; where the gradient should go on{of}, use {joins}"
        raise DroppedGradientError(
            f"{doing} would drop the gradient of a tensor that requires one; {cure}"
        )


def unrecorded(function: str, name: str, value: Any) -> Any:
    """Return the array under an argument of a function that records nothing.

    Raises:
        DroppedGradientError: a tensor in it requires a gradient.
    """
    try:
        tensors = tensors_in((value,))
    except ArgumentError:  # nested too deep
        raise too_deep(function, name) from None
    if any(t.requires_grad for t in tensors):
        expected = "an array, such as t.data (a call of the model itself is recorded)"
        received = "a tensor that requires a gradient"
        raise DroppedGradientError(sentence(function, name, expected, received))
    return array_under(value)


def check_in_place(tensor: Recorded, *values: Any) -> None:
    """Raise GradientError if a change in place would make a gradient wrong or drop it."""
    needing = [node.rule.name for node in tensor.memory if node.values is not None]
    if needing:
        cure = "write t = t + … instead of t += …, or call backward() first"
        if _is_parameter(tensor):
            cure = f"call backward() first, then {STEP}"
        raise GradientError(
            f"in-place change: the backward pass of {', '.join(sorted(set(needing)))} still "
            f"needs these numbers; {cure}"
        )
    lowest = lowest_recorded()
    if any(t.requires_grad and t.level >= lowest for t in tensors_in((tensor, *values))):
        cure = (
            "write t = t + … instead of t += …, build the array with np.where or np.stack, or do "
            "it inside no_grad()"
        )
        if _is_parameter(tensor):
            cure = f"{STEP}; in a computation write t = t + … instead of t += …"
        elif tensor.data.ndim == 0:
            cure = f"for numbers to print or draw total += loss.item(); else {cure}"
        raise DroppedGradientError(f"in-place change: it would not be recorded; {cure}")
    if tensor.node is None:
        note_change(tensor)


def _is_parameter(tensor: Recorded) -> bool:
    """Return whether a tensor is a leaf that is trained, not a result."""
    return tensor.requires_grad and tensor.node is None and not tensor.level


NO_HISTORY = (
    "backward: expected a tensor made from one with requires_grad=True, received one that was not "
    "(its history is empty); w = w - 0.1 * w.grad makes a new tensor, and inside no_grad() one "
    "that requires no gradient: change w in place, with nn.no_grad(): w -= 0.1 * w.grad; "
    "model.predict records nothing, model(X) does"
)
NO_GRAD_OF_RESULTS = (
    "Tensor.grad: this tensor is the result of ops, and backward() keeps the gradients of leaves "
    "only, so it is None; after a step such as w = w - 0.1 * w.grad the new w is such a result: "
    "change w in place, with nn.no_grad(): w -= 0.1 * w.grad, or let an optimizer do it"
)


def no_gradient_of_result() -> None:
    """Return the gradient that a tensor with a record has, None, and say why."""
    give_hint(NO_GRAD_OF_RESULTS)


def computed(name: str, function: Callable[..., Any], array: Array, *others: Any) -> Any:
    """Return what a function of NumPy or Python makes of a tensor's array, or raise its refusal."""
    try:
        return function(array, *others)
    except PASSED:
        raise
    except Exception as error:  # NumPy and Python raise many kinds; the class stays
        given = {"t": array, **{f"argument {n}": value for n, value in enumerate(others, 1)}}
        raise refusal(name, given, error) from error


def single(name: str, array: Array) -> Any:
    """Return the number of an array that has one."""
    if array.size != 1:
        expected = "a single number (for a truth value .any() or .all())"
        kind = both(ShapeError, TypeError)  # NumPy raises the one or the other
        raise kind(sentence(name, "tensor", expected, f"shape {array.shape}"))
    return array.reshape(())[()]


def whole(name: str, array: Array) -> int:
    """Return the whole number of an array of integers that has one."""
    if array.dtype.kind not in "iu":
        expected = "integers, or a conversion such as range(int(t)) or a[int(t)]"
        kind = both(DTypeError, TypeError)
        raise kind(sentence(name, "tensor", expected, f"dtype {array.dtype}"))
    return int(computed(name, operator.index, array))


def change(
    name: str, function: Callable[..., Any], target: Any, args: tuple[Any, ...], kwargs: Any
) -> Any:
    """Call a function of NumPy that changes the array or tensor ``target``, if that is allowed."""
    values = (*(value for value in args if value is not target), *kwargs.values())
    if isinstance(target, Recorded):
        check_in_place(target, *values)
    else:
        check_no_gradient(f"numpy.{name}: a change of a plain array, which", *values)
    arrays = [array_under(value) for value in args]
    options = {key: array_under(value) for key, value in kwargs.items()}
    try:
        return function(*arrays, **options)
    except PASSED:
        raise
    except Exception as error:  # NumPy raises many kinds; the class stays
        given = {f"argument {place}": value for place, value in enumerate(arrays, 1)} | options
        raise refusal(f"numpy.{name}", given, error) from error


def check_recorded(rule: Rule, arguments: Mapping[str, Any]) -> None:
    """Raise where a tensor that requires a gradient is passed for an argument without one."""
    if len(rule.gradients) == len(arguments):
        return
    for name, value in arguments.items():
        if name in rule.gradients or type(value) in PLAIN:
            continue
        if any(t.requires_grad for t in tensors_in((value,))):
            raise DroppedGradientError(
                f"{rule.name}: {name}: expected an argument that a gradient is defined for, "
                f"received a tensor with requires_grad=True; {_cure(rule, name, arguments)}, "
                f"or pass {name}.data where the gradient should end"
            )


def _cure(rule: Rule, name: str, arguments: Mapping[str, Any]) -> str:
    """Return what to write instead, if an op has no gradient for an argument."""
    if not is_own(rule.forward.__module__ or ""):
        return f'write @gradient({rule.name}, "{name}") above a function that computes it'
    first = rule.names[0]
    if name in ("y", "labels") and not tensors_in((arguments[first],)):
        return f"the predictions come first: {rule.name}({first}, {name})"
    known = ", ".join(rule.gradients) or "no argument"
    return f"{rule.name} has gradients for {known}"


def not_floating(rule: Rule, dtype: np.dtype[Any]) -> DroppedGradientError:
    """Return the error for a result to be recorded that has no gradient, such as integers."""
    return DroppedGradientError(
        f"{rule.name}: its result of dtype {dtype} would drop the gradient of a tensor that "
        "requires one; use floating numbers, or t.data where the gradient should end"
    )


def as_operands(
    rule: Rule, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Return an op's arguments, each list of numbers and tensors as an array or a tensor.

    Raises:
        DTypeError: an array of a class of its own, such as a masked array.
        ArgumentError: lists of different length, or what the memory is too small for.
    """
    try:
        places = [_operand(rule, rule.name_of(place), value) for place, value in enumerate(args)]
        return tuple(places), {name: _operand(rule, name, v) for name, v in kwargs.items()}
    except PASSED:
        raise
    except Exception as error:  # NumPy raises many kinds; the class stays
        raise rule.refusal(args, kwargs, error) from error


def _operand(rule: Rule, name: str | None, value: Any) -> Any:
    if type(value) in KNOWN or name not in rule.gradients or hasattr(type(value), LIFT_HOOK):
        return value
    if isinstance(value, LISTS):
        if name not in rule.lists:
            return joined(value)
        return mapped(lambda item: _array(rule, name, item), value)
    return _array(rule, name, value)


def _array(rule: Rule, name: str, value: Any) -> Any:
    """Return what NumPy would compute with as a plain array, a number or a tensor."""
    if type(value) in KNOWN or hasattr(type(value), LIFT_HOOK):
        return value
    if isinstance(value, LISTS):
        return joined(value)
    if isinstance(value, np.ndarray) and not isinstance(value, np.memmap):
        # A mask, a product that means another one, units: they would be lost on the way.
        expected = "a plain array beside a tensor (np.asarray makes one, a.filled(0) without mask)"
        raise DTypeError(sentence(rule.name, name, expected, f"a {type(value).__name__}"))
    # Python's numbers decide no type; other sequences and arrays of other libraries are arrays.
    return value if isinstance(value, int | float | complex) else np.asarray(value)
