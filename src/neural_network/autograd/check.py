"""Gradients compared with central differences."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from neural_network.autograd.arguments import explain_arguments
from neural_network.autograd.engine import backward_pass
from neural_network.autograd.tensor import Tensor
from neural_network.autograd.trees import leaves_of, map_tree
from neural_network.checks import Array, as_callable, as_generator, as_number
from neural_network.elsewhere.own_layers import unused_backward
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import (
    DTypeError,
    GradientError,
    give_hint,
    returned,
    say_what_was_dropped,
    sentence,
)
from neural_network.lifting import array_under
from neural_network.public import public

STEP = 1e-6
# Slopes on both sides that differ by more, relative to them or 1, are no matter of curvature.
KINK = 1e-3
# The name of an array, its gradient, the differences, and whether there is a kink at a place.
Compared = tuple[str, Array, Array, Callable[[tuple[int, ...]], bool]]


@public
@explains_calls
def check_gradients(
    f: Callable[..., Any],
    inputs: Sequence[Any],
    *,
    tolerance: float = 1e-6,
    rng: int | np.random.Generator | None = 0,
) -> None:
    """Compare the gradients of ``f`` with central differences; raise where they differ.

    The gradient for the result is a random array: with ones everywhere, mistakes that cancel
    in the sum would not be found (the slopes of a softmax add up to 0). Every entry of every
    floating input is moved alone, so that the error names the entry.

    Args:
        f: takes the inputs as tensors and returns a tensor of any shape.
        inputs: arrays, tensors, nested lists or dicts of these, and other values; float64
            arrays and tensors are differentiated; where there is none, Python's floats.
        tolerance: the largest difference allowed, times the largest gradient or 1.
        rng: a seed or a ``numpy.random.Generator`` for the random array.

    Returns:
        None; where nothing is raised, all agree.

    Raises:
        DTypeError: ``inputs`` is no list, or holds no float64 array.
        GradientError: a gradient differs; the sentence names the input, the place,
            and both numbers, and says so where ``f`` has a kink there.

    >>> check_gradients(lambda x: np.exp(x) * x, [np.array([0.5, -1.0])])
    """
    allowed = as_number("check_gradients", "tolerance", tolerance, above=0)
    generator = as_generator("check_gradients", rng)
    for name, recorded, differences, kink in _compared(f, inputs, generator):
        if not _relative_error(recorded, differences) <= allowed:  # NaN is not either
            error = np.abs(recorded - differences)
            worst = tuple(map(int, np.unravel_index(int(np.argmax(error)), error.shape)))
            place = f" at {list(worst)}" if worst else ""
            hint = (
                "; the function has a kink there, as relu has at 0, so that differences say "
                "nothing: move the numbers away from it"
            )
            raise GradientError(
                f"check_gradients: {name}{place}: expected {differences[worst]:.8g} by "
                f"differences, received {recorded[worst]:.8g} from the gradient's formula (both "
                "are slopes of Σ g · f, for a random g of the shape of the result)"
                f"{hint if kink(worst) else ''}"
            )


@public(top_level=False)
@explains_calls
def gradient_error(
    f: Callable[..., Any], inputs: Sequence[Any], *, rng: int | np.random.Generator | None = 0
) -> float:
    """Return how much the gradients of ``f`` differ from central differences.

    Args:
        f, inputs, rng: as in ``check_gradients``.

    Returns:
        A float: the largest difference of any entry, over the largest gradient of its
        array or 1; NaN where a gradient is.

    Raises:
        GradientError: ``f`` returns no recorded tensor.

    >>> gradient_error(lambda x: np.exp(x) * x, [np.array([0.5, -1.0])]) < 1e-8
    True
    """
    pairs = _compared(f, inputs, as_generator("gradient_error", rng))
    errors = [_relative_error(recorded, differences) for _, recorded, differences, _ in pairs]
    return float(np.max(errors, initial=0))


def _relative_error(recorded: Array, differences: Array) -> float:
    scale = max(1.0, float(np.max(np.abs(differences), initial=0)))
    return float(np.max(np.abs(recorded - differences), initial=0)) / scale


def _compared(
    f: Callable[..., Any], inputs: Sequence[Any], generator: np.random.Generator
) -> Iterator[Compared]:
    """Yield name, gradient, differences, and where is a kink, for each floating array."""
    leaves: list[Tensor] = []

    def leaf(value: Any) -> Any:
        value = array_under(value)  # tensors are recorded anew, in the leaves
        if not isinstance(value, kind) or np.asarray(value).dtype != np.float64:
            return value
        leaves.append(Tensor(np.array(value), requires_grad=True))
        return leaves[-1]

    as_callable("check_gradients", "f", f)
    if (unused := unused_backward(f)) is not None:
        give_hint(f"check_gradients: {unused}")
    if not isinstance(inputs, list | tuple):
        expected = "a list of the arguments of f, such as [X] or [X, W]"
        received = f"{type(inputs).__name__}; check_gradients(f, [inputs]) is of one argument"
        raise DTypeError(sentence("check_gradients", "inputs", expected, received))
    kind: type = np.ndarray
    arguments = map_tree(leaf, list(inputs))
    if not leaves:  # a float beside arrays is an option, such as a rate
        kind = float
        arguments = map_tree(leaf, list(inputs))
    if not leaves:
        expected = "at least one float64 array (differences need its digits)"
        raise DTypeError(sentence("check_gradients", "inputs", expected, _kinds(inputs)))
    try:
        out = f(*arguments)
    except TypeError as error:
        explain_arguments("check_gradients", f, arguments, {}, error)
        raise
    except ValueError as error:
        say_what_was_dropped(error)
        raise
    if not isinstance(out, Tensor) or not out.requires_grad:
        raise GradientError(sentence("check_gradients", "f", "a recorded tensor", returned(out)))
    g = np.asarray(generator.standard_normal(out.shape))
    found = backward_pass([out], [g], leaves, retain_graph=False)
    gradients = {id(tensor): gradient for tensor, gradient in found.copied()}

    # Tensors of the same memory: a layer would convert a plain array to float32.
    plain = map_tree(lambda v: Tensor(v.data) if isinstance(v, Tensor) else v, arguments)
    names = {
        id(tensor): name
        for argument, value in zip(_names_of(f, len(arguments)), arguments, strict=True)
        for name, tensor in _named(argument, value)
    }
    for tensor in leaves:
        recorded = gradients.get(id(tensor), np.zeros(tensor.shape))
        slope = partial(_slope, lambda: f(*plain), tensor.data, g)
        differences = np.zeros(tensor.shape)
        for index in np.ndindex(tensor.shape):
            differences[index] = slope(index, STEP, -STEP)
        yield names[id(tensor)], recorded, differences, partial(_has_kink, slope)


def _kinds(inputs: Sequence[Any]) -> str:
    """Return what there is in place of arrays to differentiate by, and how it becomes one."""
    leaves = leaves_of(list(inputs))
    kinds = [str(getattr(leaf, "dtype", type(leaf).__name__)) for leaf in leaves]
    cure = ""
    if any(kind.startswith(("float", "int", "uint")) for kind in kinds):
        cure = "; .astype(float) makes one of an array, 2.0 and not 2 is a floating number"
    return f"{', '.join(dict.fromkeys(kinds)) or 'none'}{cure}"


def _names_of(f: Callable[..., Any], count: int) -> list[str]:
    """Return the names of the arguments of a function, as far as it names them."""
    try:
        names = list(inspect.signature(f).bind(*range(count)).arguments.items())
    except (TypeError, ValueError):  # of a function that is not written in Python
        names = []
    found = {value: name for name, value in names if isinstance(value, int)}
    return [found.get(place, f"argument {place}") for place in range(count)]


def _named(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested dicts, lists and tuples, each with its place as text."""
    if isinstance(value, dict | list | tuple):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in parts:
            yield from _named(f"{name}[{key!r}]", part)
    else:
        yield name, value


def _slope(
    f: Callable[[], Any], array: Array, g: Array, index: tuple[int, ...], *steps: float
) -> float:
    """Return the slope of ``Σ g · f()``, by an entry of an array that ``f`` reads."""
    original = array[index]
    sides = []
    for step in steps:
        array[index] = original + step
        sides.append(np.array(array_under(f())))
    array[index] = original
    # The difference first, then the sum: summing first would cost digits.
    return float(np.sum(g * (sides[0] - sides[1])) / (steps[0] - steps[1]))


def _has_kink(slope: Callable[..., float], index: tuple[int, ...]) -> bool:
    """Return whether a slope is another one on the other side."""
    above, below = slope(index, STEP, 0.0), slope(index, 0.0, -STEP)
    return abs(above - below) > KINK * max(1.0, abs(above), abs(below))
