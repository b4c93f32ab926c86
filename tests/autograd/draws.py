"""Drawn calls of NumPy's functions, and their comparison with the same calls on tensors.

``DRAWERS`` has a function for each of NumPy's that has a rule; the files in ``drawers/`` fill it:

    @draws(np.sum, np.mean)
    def _(draw):
        a = draw.array()
        return call(a, axis=draw.axes(a.ndim), keepdims=draw.flag())

A drawer should draw what NumPy refuses, too: axes that do not exist, shapes that do not fit. It
draws plain arrays; which of them, and of the floating numbers and the lists with them, become
tensors is drawn afterwards.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from neural_network import grad
from neural_network.autograd import Tensor
from neural_network.autograd.protocols import UFUNCS
from neural_network.autograd.trees import leaves_of, map_tree
from neural_network.errors import DroppedGradientError, DTypeError
from neural_network.functional.op import Call, call
from neural_network.lifting import array_under

DRAWERS: dict[Any, Callable[[Draw], Call]] = {}
TYPES = ["float64"] * 12 + ["float32"] * 3 + ["float16", "int64", "int64", "int8", "bool"]
# Relative to the largest number of the result.
TOLERANCES = {"float64": 1e-11, "float32": 1e-4, "float16": 2e-2}
STEP = 1e-6


class Draw:
    """Draws arguments of one call; most of its arrays have one type."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.dtype = str(rng.choice(TYPES))

    def flag(self, p: float = 0.5) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < p)

    def pick(self, *choices: Any) -> Any:
        """One of them."""
        return choices[int(self.rng.integers(len(choices)))]

    def number(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def shape(self, least: int = 0, most: int = 4) -> tuple[int, ...]:
        """A shape of so many axes; one in twelve is empty."""
        sizes = [self.number(1, 4) for _ in range(self.number(least, most))]
        if sizes and self.flag(1 / 12):
            sizes[self.number(0, len(sizes) - 1)] = 0
        return tuple(sizes)

    def array(
        self, shape: tuple[int, ...] | None = None, low: float = -2, high: float = 2
    ) -> np.ndarray:
        """Numbers of the call's type, now and then of another; with zeros in one of eight."""
        shape = self.shape() if shape is None else shape
        dtype = np.dtype(self.dtype if self.flag(0.9) else self.pick(*TYPES))
        if dtype.kind in "ib":
            ends = (int(np.floor(low)), int(np.ceil(high)) + 1)
            return np.asarray(self.rng.integers(*ends, shape)).astype(dtype)
        return np.asarray(self.rng.uniform(low, high, shape)).astype(dtype)

    def with_zeros(self, array: np.ndarray) -> np.ndarray:
        """The array with some of its numbers 0."""
        return array * (self.rng.random(array.shape) < 0.7).astype(array.dtype)

    def axis(self, ndim: int) -> int:
        """An axis from either end; one in eight does not exist."""
        if ndim == 0 or self.flag(1 / 8):
            return self.pick(0, -1, ndim, -ndim - 1, ndim + 2)
        return self.number(-ndim, ndim - 1)

    def axes(self, ndim: int) -> Any:
        """None, an axis, or several, which may be the same one twice."""
        kind = self.number(0, 3)
        if kind == 0:
            return None
        return (
            self.axis(ndim)
            if kind < 3
            else tuple(self.axis(ndim) for _ in range(self.number(0, 3)))
        )

    def partner(self, shape: tuple[int, ...]) -> np.ndarray:
        """An array that broadcasts with this shape in both directions; sometimes it does not."""
        sizes = [n if self.flag(0.7) else 1 for n in shape][self.number(0, len(shape)) :]
        if self.flag(0.15):
            sizes = [self.number(1, 3), *sizes]
        return self.array(tuple(sizes))

    def listed(self, array: Any) -> Any:
        """The array as it is, or as a list of its rows, or of its numbers."""
        kind = self.number(0, 7)
        if not isinstance(array, np.ndarray) or array.size == 0 or array.ndim == 0 or kind > 1:
            return array
        return list(array) if kind else array.tolist()


def draws(*functions: Any) -> Callable[[Callable[[Draw], Call]], Callable[[Draw], Call]]:
    """Register the decorated function as the drawer of NumPy's functions."""

    def register(drawer: Callable[[Draw], Call]) -> Callable[[Draw], Call]:
        DRAWERS.update(dict.fromkeys(functions, drawer))
        return drawer

    return register


def ufunc_drawer(ufunc: np.ufunc) -> Callable[[Draw], Call]:
    """Return the drawer of an elementary function: from one of several intervals."""

    def drawer(draw: Draw) -> Call:
        low, high = draw.pick((0.2, 0.9), (1.1, 3), (-2, 2), (-0.9, -0.2))
        first = draw.array(None, low, high)
        others = [draw.listed(draw.partner(first.shape)) for _ in range(ufunc.nin - 1)]
        if others and draw.flag(0.2):
            others = [draw.pick(2, 1.7, 0.53, -1.3)]
        options = {"dtype": "float64"} if draw.flag(0.05) else {}
        arguments = [first, *others]
        return call(*(arguments[::-1] if draw.flag(0.3) else arguments), **options)

    return drawer


def all_drawers() -> dict[Any, Callable[[Draw], Call]]:
    """Return the drawers of all functions and ufuncs."""
    from tests.autograd import drawers

    for module in pkgutil.iter_modules(drawers.__path__, f"{drawers.__name__}."):
        importlib.import_module(module.name)
    return {ufunc: ufunc_drawer(ufunc) for ufunc in UFUNCS} | DRAWERS


# --- the comparison -------------------------------------------------------------------


class _Chosen:
    """The place of a number or an array that is a tensor in the call on tensors."""

    def __init__(self, number: int) -> None:
        self.number = number


def compare(function: Any, drawn: Call, rng: np.random.Generator, first: bool = False) -> str:
    """Compare a call on tensors with that on arrays.

    Args:
        function: of NumPy.
        drawn: its arguments.
        rng: chooses which of the arguments are tensors.
        first: the first argument is one in any case.

    Returns:
        "agrees", "raises" where both do, or "refused" where ours alone does.
    """
    drawn = _by_position(function, drawn, rng)
    arrays: list[np.ndarray] = []

    def choose(value: Any) -> Any:
        if not isinstance(value, np.ndarray | np.floating | float):
            return value
        must = first and not arrays
        if not must and rng.random() < (0.3 if np.asarray(value).dtype.kind == "f" else 0.6):
            return value
        arrays.append(np.array(value))
        return _Chosen(len(arrays) - 1)

    form = map_tree(choose, [list(drawn.args), drawn.kwargs])

    def compute(values: Any) -> Any:
        fill = lambda v: values[v.number] if isinstance(v, _Chosen) else v  # noqa: E731
        args, kwargs = map_tree(fill, form)
        return function(*args, **kwargs)

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            expected = compute(arrays)
        except Exception as error:
            return _raises_likewise(lambda: compute(_tensors(arrays)), error)
        tensors = _tensors(arrays)
        try:
            out = compute(tensors)
        except (DroppedGradientError, DTypeError):
            return "refused"
        others = [v for v in leaves_of(form) if isinstance(v, np.ndarray | np.floating)]
        _same_values(out, expected, [*arrays, *others])
        _right_slopes(compute, arrays, others, out, tensors, rng)
    return "agrees"


def _by_position(function: Any, drawn: Call, rng: np.random.Generator) -> Call:
    """Write a third of the calls without names, with the defaults of what comes between."""
    if not drawn.kwargs or rng.random() > 0.33:
        return drawn
    try:
        bound = inspect.signature(function).bind(*drawn.args, **drawn.kwargs)
    except (TypeError, ValueError):
        return drawn
    bound.apply_defaults()
    return Call(bound.args, {k: bound.kwargs[k] for k in bound.kwargs if k in drawn.kwargs})


def _tensors(arrays: list[np.ndarray]) -> list[Tensor]:
    return [Tensor(a.copy("K"), requires_grad=a.dtype.kind == "f") for a in arrays]


def _raises_likewise(compute: Callable[[], Any], error: Exception) -> str:
    try:
        out = compute()
    except Exception as ours:
        likewise = isinstance(ours, (type(error), DroppedGradientError))
        assert likewise, f"NumPy raises {error!r}, ours {ours!r}"  # noqa: PT017  # of any class
        return "raises"
    raise AssertionError(f"NumPy raises {error!r}, ours returns {out!r}")


def _parts(out: Any) -> list[np.ndarray]:
    return [np.asarray(array_under(part)) for part in leaves_of(out)]


def _same_values(out: Any, expected: Any, arguments: list[Any]) -> None:
    # A sum of products may be computed in parts, each in the type of its factors.
    types = [str(np.asarray(value).dtype) for value in arguments]
    least = max((TOLERANCES.get(name, 0) for name in types), default=0)
    parts, wanted = _parts(out), _parts(expected)
    assert len(parts) == len(wanted)
    for part, want in zip(parts, wanted, strict=True):
        assert part.dtype == want.dtype, f"dtype {part.dtype}; NumPy's is {want.dtype}"
        assert part.shape == want.shape, f"shape {part.shape}; NumPy's is {want.shape}"
        tolerance = max(TOLERANCES[str(want.dtype)], least) if want.dtype.kind == "f" else 0
        largest = np.max(np.abs(want), initial=0, where=np.isfinite(want)) if tolerance else 0
        np.testing.assert_allclose(part, want, rtol=tolerance, atol=tolerance * float(largest))


def _right_slopes(
    compute: Any,
    arrays: list[np.ndarray],
    others: list[Any],
    out: Any,
    tensors: list[Tensor],
    rng: Any,
) -> None:
    """Compare the gradient along a drawn direction with differences; half the time, twice."""
    places = [i for i, a in enumerate(arrays) if a.dtype.kind == "f"]
    parts = _parts(out)
    finite = all(np.isfinite(part).all() for part in parts)
    if not places or not finite or not any(part.dtype.kind == "f" for part in parts):
        return
    weights = [rng.uniform(0.5, 1.5, p.shape) if p.dtype.kind == "f" else None for p in parts]

    def weighted(out: Any) -> Any:
        pairs = zip(leaves_of(out), weights, strict=True)
        return sum(((part * w).sum() for part, w in pairs if w is not None), start=0.0)

    loss = weighted(out)
    recorded = isinstance(loss, Tensor) and loss.requires_grad
    if recorded:
        loss.backward()
    slopes = [tensors[i].grad for i in places]
    slopes = [
        np.zeros(arrays[i].shape) if s is None else s for s, i in zip(slopes, places, strict=True)
    ]
    for slope, i in zip(slopes, places, strict=True):
        assert slope.shape == arrays[i].shape
    if any(np.asarray(v).dtype.char in "ef" for v in [*parts, *arrays, *others]):
        return  # differences need the digits of float64
    directions = [rng.uniform(0.5, 1.5, arrays[i].shape) for i in places]

    def along(f: Any, step: float) -> Any:
        """The slope of ``f`` along the directions."""
        sides = []
        for sign in (step, -step):
            moved = list(arrays)
            for i, direction in zip(places, directions, strict=True):
                moved[i] = arrays[i].copy("K")  # ravel(order="A") depends on the memory
                moved[i] += sign * direction
            sides.append(f(moved))
        return (sides[0] - sides[1]) / (2 * step)

    terms = [np.sum(s * d) for s, d in zip(slopes, directions, strict=True)]
    _near(sum(terms), partial(along, lambda moved: weighted(compute(moved))), slopes)
    if not recorded or rng.random() < 0.5:
        return

    def first(values: list[Any]) -> Any:
        def loss(chosen: list[Any]) -> Any:
            return weighted(compute(_filled(arrays, places, chosen)))

        found = grad(loss)([values[i] for i in places])
        return sum(np.sum(np.square(part)) for part in found)

    def second(chosen: list[Any]) -> Any:
        return first(_filled(arrays, places, chosen))

    bent = grad(second)([arrays[i] for i in places])
    terms = [np.sum(b * d) for b, d in zip(bent, directions, strict=True)]
    _near(sum(terms), partial(along, first), bent)


def _filled(arrays: list[np.ndarray], places: list[int], values: list[Any]) -> list[Any]:
    """Tensors of the arrays, with values in some places."""
    filled: list[Any] = [Tensor(array) for array in arrays]
    for i, value in zip(places, values, strict=True):
        filled[i] = value
    return filled


def _near(received: Any, differences: Callable[[float], Any], parts: list[Any]) -> None:
    expected = differences(STEP)
    scale = max(1.0, *(float(np.max(np.abs(p), initial=0)) for p in parts))
    if abs(float(received) - float(expected)) <= 1e-4 * scale:
        return
    # At a jump, or beside a pole, differences depend on the step, and tell nothing.
    if abs(differences(STEP / 4) - expected) <= 1e-5 * scale:
        raise AssertionError(f"slope {received}; by differences {expected}")


def run(function: Any, drawer: Callable[[Draw], Call], count: int, seed: int) -> Counter[str]:
    """Compare so many drawn calls; return how often each of ``compare``'s results came."""
    found: Counter[str] = Counter()
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        drawn = drawer(Draw(rng))
        try:
            found[compare(function, drawn, rng)] += 1
        except Exception as error:
            name = getattr(function, "__name__", str(function))
            raise AssertionError(f"{name}{drawn}, draw {number} of seed {seed}: {error}") from error
    return found
