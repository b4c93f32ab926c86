"""Every public callable with wrong and odd arguments, and calls on what it returned."""

from __future__ import annotations

import inspect
import operator
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

import neural_network as nn
from fuzz.judging import judged, place_of, unexpected
from fuzz.odd import odd, shown
from fuzz.pool import Limits, run_cases
from fuzz.report import Report
from fuzz.right import Arguments, arguments, normal
from fuzz.worker import Outcome, note
from neural_network.autograd.engine import Memory, Node
from neural_network.datasets.augmentation.steps import Augmentation
from neural_network.functional.op import COMPOSED, RULES
from neural_network.kernels.runtime.gate import available
from neural_network.names import PACKAGES_ONLY, PUBLIC, TOP_LEVEL_ONLY
from neural_network.training.trainer import Callback
from neural_network.visual import inputs

# What would only take long, as it was asked to.
ENDLESS = ("epochs", "num_epochs")
# Methods that subclasses write and that the library alone calls, with arguments that it has
# checked or made itself (a trainer, its memory, random numbers): users override them and do not
# call them. Methods of these names of other classes are called as all others are.
HOOKS: dict[type, tuple[str, ...]] = {
    Callback: (
        "during_fit", "on_epoch_begin", "on_epoch_end", "on_fit_begin", "on_fit_end",
        "on_interrupt", "on_step_begin", "on_step_end",
    ),
    Augmentation: ("change", "check_fill", "draw"),
    nn.Augment: ("change", "check_fill"),
    nn.Layer: ("build", "multiply_adds"),
    nn.training.Optimizer: ("apply",),
    nn.Schedule: ("at", "observe", "observe_epoch", "suggested", "watched"),
}  # fmt: skip
OPERATORS: list[Callable[..., Any]] = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.matmul,
    operator.mod, operator.floordiv, operator.lt, operator.eq, operator.ne, operator.getitem,
    operator.iadd, operator.imul, operator.contains,
]  # fmt: skip
SINGLE: list[Callable[..., Any]] = [
    len, repr, bool, float, int, iter, operator.neg, operator.index, str, hash, operator.pos, abs,
    reversed, operator.invert, round,
]  # fmt: skip
STEPS = 3  # calls on what a call has returned


def main(seconds: float, seed: int, case: int | None = None) -> Report:
    """Run the part."""
    return run_cases("calls", seed, seconds, case, limits=Limits())


def set_up() -> None:
    """Import what would look like memory of the first case that uses it."""
    mpl.use("Agg")
    inputs.SECONDS_IN_SILENCE = float("inf")  # progress is no stray output
    targets()
    if available():
        import numba  # noqa: F401  # imported for its size


@cache
def targets() -> list[tuple[str, Callable[..., Any]]]:
    """Return every public callable with its name, but no classes of errors."""
    found: dict[str, Callable[..., Any]] = {}
    for table in (PUBLIC, TOP_LEVEL_ONLY, PACKAGES_ONLY):
        for file, names in table.items():
            module = import_module(f"neural_network.{file}")
            for name in names.split():
                value = getattr(module, name)
                error = isinstance(value, type) and issubclass(value, BaseException)
                if callable(value) and not error:
                    found[name if table is not PACKAGES_ONLY else f"{file}.{name}"] = value
    found |= {f"INITIALIZERS[{name!r}]": nn.INITIALIZERS[name] for name in nn.INITIALIZERS}
    return list(found.items())


def case(seed: int, number: int) -> Outcome:
    """Call one of them, and what it returned."""
    rng = random.Random(f"{seed} {number}")
    np.random.seed(rng.getrandbits(32))
    kernels = rng.choice(["numpy", "auto", "numba"] if available() else ["numpy"])
    attempt = Attempt(rng)
    with nn.use_kernels(kernels), np.errstate(all="warn"), unregistered():
        name, function = rng.choice(targets())
        result = attempt.call(name, function, changed(function, name, rng))
        for _ in range(STEPS):
            if result is attempt.FAILED:
                break
            result = attempt.use(result)
    plt.close("all")
    return Outcome(attempt.outcome, attempt.faults)


@contextmanager
def unregistered() -> Iterator[None]:
    """Forget the ops, gradients and samples that are registered inside: cases are independent."""
    rules = {function: (rule.samples, {**rule.gradients}) for function, rule in RULES.items()}
    composed = {**COMPOSED}
    yield
    for function in [*RULES]:
        if function not in rules:
            del RULES[function]
            continue
        rule, (samples, gradients) = RULES[function], rules[function]
        rule.samples = samples
        if rule.gradients != gradients:
            rule.gradients.clear()
            for name, gradient in gradients.items():
                rule.register(name, *gradient)
    COMPOSED.clear()
    COMPOSED.update(composed)


class Attempt:
    """The calls of one case.

    Attributes:
        outcome: of the first call: "returned" or "refused".
        faults: (place, text) of each.
    """

    FAILED = object()

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.outcome = ""
        self.faults: list[tuple[str, str]] = []
        self._story = ""
        self._given: list[Any] = []  # also by earlier calls: the result may call it

    def call(self, name: str, function: Callable[..., Any], given: Arguments) -> Any:
        """Call a function and judge what comes of it; return its result, or FAILED."""
        parts = [shown(value) for value in given.places]
        parts += [f"{key}={shown(value)}" for key, value in given.names.items()]
        self._story += f"{' → ' if self._story else ''}{name}({', '.join(parts)})"
        note(self._story)
        values = (*given.places, *given.names.values())
        self._given += values
        tensors = any(isinstance(value, nn.Tensor) for value in values)
        tensors = tensors or isinstance(getattr(function, "__self__", None), nn.Tensor)
        functions = any(callable(value) for value in values)  # of NumPy, or that call NumPy's
        as_numpy = name.startswith("functional.") or tensors or functions or name == "the result"
        failed = None
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            try:
                result = function(*given.places, **given.names)
            except BaseException as error:
                failed = error
        for text in unexpected(found, as_numpy=as_numpy):
            self.faults.append((f"warning {text}", f"{self._story}: {text}"))
        if failed is not None:
            if isinstance(failed, MemoryError | RecursionError):
                failed.__context__ = None
            self.outcome = self.outcome or "refused"
            called = getattr(function, "__qualname__", type(function).__qualname__)
            if (reason := judged(failed, called, self._given)) is not None:
                place = f"{type(failed).__name__} {place_of(failed)}"
                self.faults.append((place, f"{self._story}\n  {reason}\n  at {place_of(failed)}"))
            return self.FAILED
        self.outcome = self.outcome or "returned"
        return result

    def use(self, result: Any) -> Any:
        """Do with a result what it is for, with odd arguments at times."""
        rng = self.rng
        if isinstance(result, Path) or any(
            base.__module__.startswith("matplotlib.") for base in type(result).__mro__
        ):
            return self.FAILED  # most of its methods are not the library's
        choices: list[Callable[[], Any]] = [lambda: self._member(result)]
        if isinstance(result, nn.Layer):
            choices += [lambda: self._computed(result)] * 3
        elif isinstance(result, nn.Trainer):
            choices += [lambda: self._method(result, "fit")] * 3
        elif isinstance(result, nn.Tensor):
            choices += [lambda: self._operated(result)] * 2
        elif isinstance(result, Callback | nn.training.Optimizer | nn.Augment):
            choices += [lambda: self._trained(result)]
        elif isinstance(result, AbstractContextManager):
            choices = [lambda: self._entered(result)]
        elif isinstance(result, Iterator):
            choices = [
                lambda: self.call("list", lambda: list(islice(result, 20)), Arguments([], {}))
            ]
        elif inspect.isroutine(result):
            choices = [lambda: self.call("the result", result, self._like(normal(rng, 3)))]
        elif isinstance(result, Node | Memory):
            return self.FAILED  # the record of the backward pass, which has no public name
        elif isinstance(result, np.ndarray | np.generic | int | float | str | None | dict):
            return self.FAILED
        elif isinstance(result, tuple | list) and type(result) in (tuple, list):
            return rng.choice(result) if result else self.FAILED
        if hasattr(type(result), "__getitem__") or rng.random() < 0.1:
            choices.append(lambda: self._operated(result))
        return rng.choice(choices)()

    def _like(self, *right: Any) -> Arguments:
        """Return right arguments without names, of which one may be odd."""
        places = list(right)
        if self.rng.random() < 0.6:
            places[self.rng.randrange(len(places))] = odd(self.rng)
        return Arguments(places, {})

    def _computed(self, layer: nn.Layer) -> Any:
        rng = self.rng
        way = rng.choice(["()", "initialize", "predict", "summary", "save"])
        if way in ("initialize", "summary"):
            return self.call(way, getattr(layer, way), self._like(rng.choice(SHAPES)))
        if way == "save":
            self.call("repr", repr, Arguments([layer], {}))
            return self.call("save", nn.save, Arguments([layer, "saved.safetensors"], {}))
        X = normal(rng, rng.choice([1, 2, 4]), *rng.choice(SHAPES), dtype=np.float32)
        return self.call(way, layer if way == "()" else layer.predict, self._like(X))

    def _method(self, owner: Any, name: str) -> Any:
        method = getattr(owner, name)
        return self.call(name, method, changed(method, name, self.rng))

    def _member(self, owner: Any) -> Any:
        """Call a method, read or assign an attribute."""
        hooks = [name for kind, names in HOOKS.items() if isinstance(owner, kind) for name in names]
        names = [n for n in dir(type(owner)) if not n.startswith("_") and n not in hooks]
        if not names:
            return self.FAILED
        name = self.rng.choice(names)
        if self.rng.random() < 0.1:
            self.call(f"{name} =", setattr, Arguments([owner, name, odd(self.rng)], {}))
            return self.FAILED  # what it is now is what the user made of it
        value = self.call(f".{name}", getattr, Arguments([owner, name], {}))
        if value is not self.FAILED and inspect.isroutine(value):
            return self.call(name, value, changed(value, name, self.rng))
        return value

    def _operated(self, value: Any) -> Any:
        rng = self.rng
        if rng.random() < 0.3:
            function = rng.choice(SINGLE)
            return self.call(function.__name__, function, Arguments([value], {}))
        function = rng.choice(OPERATORS)
        places = [value, odd(rng)]
        if isinstance(value, nn.Tensor) and rng.random() < 0.3:
            places.reverse()
        return self.call(function.__name__, function, Arguments(places, {}))

    def _entered(self, context: Any) -> Any:
        def enter() -> None:
            with context:
                nn.relu([1.0])

        return self.call("with", enter, Arguments([], {}))

    def _trained(self, part: Any) -> Any:
        """Train a small model with a callback, an optimizer or an augmentation."""
        model = nn.Sequential(nn.Dense(3))
        options: dict[str, Any] = {"rng": 0, "progress": False}
        X = normal(self.rng, 6, 3, dtype=np.float32)
        if isinstance(part, Callback):
            options["callbacks"] = [part]
        elif isinstance(part, nn.training.Optimizer):
            options["optimizer"] = part
        else:
            model, X = nn.Sequential(nn.Flatten(), nn.Dense(3)), X.reshape(6, 1, 3)
            options["augment"] = part

        def train() -> None:
            nn.Trainer(model, **options).fit(X, np.arange(6) % 3, epochs=2, batch_size=3)

        return self.call("Trainer.fit with it", train, Arguments([], {}))


SHAPES = [(3,), (1, 8, 8), (4, 3), (2, 5), (3, 8, 8), (1, 28, 28), (2, 3, 4, 4)]


def changed(function: Callable[..., Any], name: str, rng: random.Random) -> Arguments:
    """Return right arguments of which some are exchanged, missing or too many."""
    found = arguments(function, name.rpartition(".")[2], rng)
    spots: list[Any] = [*range(len(found.places)), *found.names]
    with_defaults = _parameters(function)
    spots += [key for key in with_defaults if key not in found.names]
    for _ in range(rng.choices([0, 1, 2, 3], [1, 6, 2, 1])[0]):
        if not spots:
            break
        spot = rng.choice(spots)
        value = odd(rng)
        if spot in ENDLESS and isinstance(value, int) and value > 3:
            value = 2
        if isinstance(spot, int):
            found.places[spot] = value
        elif spot in found.names or spot not in with_defaults[: len(found.places)]:
            found.names[spot] = value
    chance = rng.random()
    if chance < 0.02 and found.places:
        found.places.pop()
    elif chance < 0.04 and found.names:
        found.names.pop(rng.choice(list(found.names)))
    elif chance < 0.05:
        found.names["unknown"] = odd(rng)
    elif chance < 0.06:
        found.places += [odd(rng) for _ in range(rng.choice([1, 9]))]
    return found


def _parameters(function: Callable[..., Any]) -> list[str]:
    """Return the names of what may be given by its name, in order."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p.name for p in parameters if p.kind in named]
