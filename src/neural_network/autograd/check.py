"""Gradients compared with central differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from neural_network.autograd.engine import backward_pass
from neural_network.autograd.tensor import Tensor
from neural_network.autograd.trees import map_tree
from neural_network.checks import Array, as_callable, as_generator, as_number
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import DTypeError, GradientError, brief, sentence
from neural_network.lifting import array_under
from neural_network.public import public

STEP = 1e-6


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
        inputs: arrays, nested lists or dicts of arrays, and other values; float64
            arrays are differentiated.
        tolerance: the largest difference allowed, times the largest gradient or 1.
        rng: a seed or a ``numpy.random.Generator`` for the random array.

    Returns:
        None.

    Raises:
        DTypeError: ``inputs`` is no list, or holds no float64 array.
        GradientError: a gradient differs; the sentence names the input, the place,
            and both numbers.

    >>> check_gradients(lambda x: np.exp(x) * x, [np.array([0.5, -1.0])])
    """
    allowed = as_number("check_gradients", "tolerance", tolerance, above=0)
    generator = as_generator("check_gradients", rng)
    for place, (recorded, differences) in enumerate(_compared(f, inputs, generator)):
        if not _relative_error(recorded, differences) <= allowed:  # NaN is not either
            error = np.abs(recorded - differences)
            worst = np.unravel_index(int(np.argmax(error)), error.shape)
            raise GradientError(
                f"check_gradients: array {place} at {[int(i) for i in worst]}: expected "
                f"{differences[worst]:.8g} by differences, received {recorded[worst]:.8g}"
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
    return float(np.max([_relative_error(*pair) for pair in pairs], initial=0))


def _relative_error(recorded: Array, differences: Array) -> float:
    scale = max(1.0, float(np.max(np.abs(differences), initial=0)))
    return float(np.max(np.abs(recorded - differences), initial=0)) / scale


def _compared(
    f: Callable[..., Any], inputs: Sequence[Any], generator: np.random.Generator
) -> Iterator[tuple[Array, Array]]:
    """Yield the gradient and the differences for each floating array."""
    leaves: list[Tensor] = []

    def leaf(value: Any) -> Any:
        if not isinstance(value, np.ndarray) or value.dtype != np.float64:
            return value
        leaves.append(Tensor(value.copy(), requires_grad=True))
        return leaves[-1]

    as_callable("check_gradients", "f", f)
    if not isinstance(inputs, list | tuple):
        expected = "a list of the arguments of f"
        raise DTypeError(sentence("check_gradients", "inputs", expected, type(inputs).__name__))
    arguments = map_tree(leaf, list(inputs))
    if not leaves:
        expected = "at least one float64 array (differences need its digits)"
        raise DTypeError(sentence("check_gradients", "inputs", expected, "none"))
    out = f(*arguments)
    if not isinstance(out, Tensor) or not out.requires_grad:
        raise GradientError(sentence("check_gradients", "f", "a recorded tensor", brief(out)))
    g = np.asarray(generator.standard_normal(out.shape))
    found = backward_pass([out], [g], leaves, retain_graph=False)
    gradients = {id(tensor): gradient for tensor, gradient in found.copied()}

    # Tensors of the same memory: a layer would convert a plain array to float32.
    plain = map_tree(lambda v: Tensor(v.data) if isinstance(v, Tensor) else v, arguments)
    for tensor in leaves:
        recorded = gradients.get(id(tensor), np.zeros(tensor.shape))
        yield recorded, _differences(lambda: f(*plain), tensor.data, g)


def _differences(f: Callable[[], Any], array: Array, g: Array) -> Array:
    """Return the slope of ``Σ g · f()`` for every entry of an array that ``f`` reads."""
    slopes = np.zeros(array.shape)
    for index in np.ndindex(array.shape):
        original = array[index]
        sides = []
        for step in (STEP, -STEP):
            array[index] = original + step
            out = f()
            sides.append(np.array(array_under(out)))
        array[index] = original
        # The difference first, then the sum: summing first would cost digits.
        slopes[index] = np.sum(g * (sides[0] - sides[1])) / (2 * STEP)
    return slopes
