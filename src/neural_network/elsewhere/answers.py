"""The sentences for names, arguments and words that this library does not have.

Nothing here runs unless a look-up or a call has failed, so that a right one costs nothing.
"""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, cast

import numpy as np

from neural_network.elsewhere.arguments import ARGUMENTS, TRAINING
from neural_network.elsewhere.assigned import is_elsewhere
from neural_network.elsewhere.attributes import ATTRIBUTES, KEYS
from neural_network.elsewhere.functions import FUNCTIONS, PLACES, WORDS
from neural_network.elsewhere.names import MODULE
from neural_network.errors import (
    ArgumentError,
    DTypeError,
    NeuralNetworkError,
    both,
    brief,
    is_own,
    shortened,
)
from neural_network.names import PACKAGES_ONLY, PUBLIC

PACKAGE = "neural_network"
# How alike two names are, from 0 to 1, before one is taken for a misspelling of the other.
LIKENESS = 0.8
# Of the names that a sentence lists.
MOST_NAMES = 4
# NumPy's own options of the methods that pass them on.
NUMPY_OPTIONS = frozenset({"initial", "where", "mean", "correction", "casting", "order", "subok"})
# NumPy's functions that make arrays of numbers alone.
CREATING = frozenset({"zeros", "ones", "full", "arange", "linspace", "eye", "empty"})


class Answer(NamedTuple):
    """What a name of another library is here: in words, and a line to type."""

    ours: str
    example: str

    def said(self, theirs: str) -> str:
        """Return it as a part of a sentence."""
        line = f", as in {self.example}" if self.example not in ("", self.ours) else ""
        return f"{theirs} → {self.ours}{line}"


@cache
def _table(where: str) -> dict[str, Answer]:
    """Return theirs → answer, of the package (""), of a class, or of keys ("[]")."""
    rows = {"": MODULE, "[]": KEYS, **ATTRIBUTES}.get(where, [])
    return {name: Answer(ours, line) for theirs, ours, line in rows for name in theirs.split()}


def _nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that a misspelt one stands for, upper case or not, if one is close."""
    folded = {known.casefold(): known for known in names}
    found = difflib.get_close_matches(name.casefold(), folded, 1, LIKENESS)
    return folded[found[0]] if found else None


# --- attributes ------------------------------------------------------------------------


def missing_name(
    package: str, name: str, listed: Collection[str], *, importing: bool
) -> AttributeError | ImportError:
    """Return the error for a name that a package does not have.

    Args:
        package: its full name.
        name: that was looked for.
        listed: the public names of the package.
        importing: whether by ``from package import name``; then it is an ImportError if there is
            something to say.
    """
    text = f"module {package!r} has no attribute {brief(name)}"
    answer = _table("").get(name) or _public_elsewhere(name, package)
    if answer is None and _takes_tensors(name):
        answer = Answer(f"np.{name}, which takes tensors", "")
    if answer is None and (near := _nearest(name, listed)) is not None:
        answer = Answer(near, "")
    if importing and answer is not None:
        text = f"cannot import name {name!r} from {package!r}; here: {answer.said(name)}"
        refused: ImportError = both(NeuralNetworkError, ImportError)(text, name=package)
        return refused
    return attribute_error(text, name, answer, None)


def missing_module(module: str) -> ModuleNotFoundError:
    """Return the error for a module of the package that there is not."""
    package, _, name = module.rpartition(".")
    answer = _table("").get(name) or _public_elsewhere(name, package)
    text = f"No module named {module!r}"
    if answer is None and package != PACKAGE and package in sys.modules:
        answer = Answer("the package itself, which has all its names", f"from {package} import …")
    if answer is None and (
        near := _nearest(name, {file.split(".")[0] for file in (*PUBLIC, *PACKAGES_ONLY)})
    ):
        answer = Answer(f"{PACKAGE}.{near}", "")
    if answer is None:
        return ModuleNotFoundError(text, name=module)
    kind = both(NeuralNetworkError, ModuleNotFoundError)
    error: ModuleNotFoundError = kind(f"{text}; here: {answer.said(name)}", name=module)
    return error


def _public_elsewhere(name: str, package: str) -> Answer | None:
    """Return the place of a name that is public in another package."""
    if package != PACKAGE and any(name in names.split() for names in PUBLIC.values()):
        return Answer(f"nn.{name}", "")
    for file, names in PACKAGES_ONLY.items():
        inner = file.split(".")[0]
        if name in names.split() and package != f"{PACKAGE}.{inner}":
            return Answer(f"nn.{inner}.{name}", "")
    return None


def missing_attribute(owner: Any, name: str) -> AttributeError:
    """Return the error for an attribute that an object does not have.

    Raises:
        AttributeError: the class has it: a property has raised this.
    """
    cls = type(owner)
    text = f"{cls.__name__!r} object has no attribute {brief(name)}"
    if name[0] == "_":  # what copy and inspect look for
        return AttributeError(text, name=name, obj=owner)
    if any(name in vars(base) for base in cls.__mro__) and not is_elsewhere(cls, name):
        object.__getattribute__(owner, name)
    bases = [base.__name__ for base in cls.__mro__ if is_own(base.__module__)]
    answer = next((a for base in bases if (a := _table(base).get(name)) is not None), None)
    if "Layer" in bases and name in owner._made_by_build and owner._built_for is None:
        answer = Answer("made by the first call or by initialize", "layer.initialize(X.shape[1:])")
    elif answer is None and "Tensor" in bases:
        answer = _function_of_tensor(name)
    elif answer is None:
        near = _nearest(name, [n for n in dir(owner) if n[0] != "_"])
        answer = None if near is None else Answer(near, "")
    return attribute_error(text, name, answer, owner)


def missing_in_class(cls: type, name: str) -> AttributeError:
    """Return the error for an attribute that a class does not have."""
    text = f"type object {cls.__name__!r} has no attribute {brief(name)}"
    bases = [base.__name__ for base in cls.__mro__ if is_own(base.__module__)]
    answer = next((a for base in bases if (a := _table(base).get(name)) is not None), None)
    if answer is None and (near := _nearest(name, [n for n in dir(cls) if n[0] != "_"])):
        answer = Answer(near, "")
    return attribute_error(text, name, answer, cls)


def _function_of_tensor(name: str) -> Answer | None:
    """Return the function that another library has as a method of its tensors."""
    plain = name.rstrip("_")
    if plain in PUBLIC["functional.activations"].split():
        return Answer(f"nn.{plain}(t)", "")
    return Answer(f"np.{plain}(t)", "") if _takes_tensors(plain) else None


def _takes_tensors(name: str) -> bool:
    """Return whether NumPy has a function of arrays of this name."""
    found = getattr(np, name, None)
    # Functions that answer to __array_function__ are of a class without a public name.
    of_arrays = type(found).__name__ == "_ArrayFunctionDispatcher" or name in CREATING
    return isinstance(found, np.ufunc) or (of_arrays and not name.startswith("save"))


def attribute_error(text: str, name: str, answer: Answer | None, owner: Any) -> AttributeError:
    """Return an error of this text, with the answer if there is one."""
    if answer is None:
        return AttributeError(text, name=name, obj=owner)
    kind = both(NeuralNetworkError, AttributeError)
    # Without the object, Python adds no guess of its own.
    error: AttributeError = kind(f"{text}; here: {answer.said(name)}", name=name, obj=None)
    return error


def missing_key(name: str, key: object, known: Collection[str]) -> KeyError:
    """Return the error for a key that a dict of measures does not have."""
    answer = _table("[]").get(key) if isinstance(key, str) else None
    near = _nearest(key, known) if isinstance(key, str) and answer is None else None
    answer = Answer(near, "") if near is not None else answer
    has = ", ".join(map(repr, known)) or "nothing"
    said = f"; here: {answer.said(str(key))}" if answer is not None else ""
    text = f"{name}: no measure {brief(key)}{said}; it has {shortened(has, 200)}"
    error: KeyError = both(ArgumentError, KeyError)(text)
    return error


# --- calls -----------------------------------------------------------------------------


def explained(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    error: Exception,
) -> Exception | None:
    """Return the error for a call that does not fit, or a sentence with the line to type.

    Args:
        function: that was called: a function, a method with its object in ``args``, or a class.
        args, kwargs: what it was called with.
        error: what it raised.

    Returns:
        None where nothing better than ``error`` is known.
    """
    call = _Call(function, args, kwargs)
    if (line := call.parameters_first()) is not None:
        return DTypeError(f"{call.name}: the learning rate comes first; here: {line}")
    if isinstance(error, ArgumentError):
        line = call.by_place()
        return None if line is None else type(error)(f"{error}; here: {line}")
    text = call.misfit()
    return None if text is None else both(ArgumentError, TypeError)(f"{call.name}: {text}")


class _Call:
    """A call that failed.

    Attributes:
        name: of what was called, for the sentence.
        where: the names by which tables know it.
        parameters: by name.
    """

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        self.args, self.kwargs = args, kwargs
        self.of_class = False  # whether a method was called without an object
        self.name = function.__name__
        bases = function.__mro__ if isinstance(function, type) else ()
        makes = getattr(function, "__init__", function) if bases else function
        # The tables say nothing of what a constructor or function of the caller's own takes.
        own = not getattr(makes, "__module__", "").startswith(f"{PACKAGE}.")
        self.where = ["*", *([base.__name__ for base in bases] or [self.name])]
        if own and self.name != "forward":
            self.where = []
        self.signature = inspect.signature(function)
        names = list(self.signature.parameters)
        if names[:1] == ["self"] and args:
            if self.name == "__init__":
                self.name = function.__qualname__.split(".")[0]
                self.where = ["*", self.name]
            else:
                of = function.__qualname__.rpartition(".")[0].rpartition(".")[2]
                self.of_class = all(base.__name__ != of for base in type(args[0]).__mro__)
                self.name = f"{of if self.of_class else type(args[0]).__name__}.{self.name}"
            self.signature = self.signature.replace(
                parameters=[*self.signature.parameters.values()][1:]
            )
            self.args = args[1:]
        self.parameters = self.signature.parameters

    def misfit(self) -> str | None:
        """Return what is wrong with the call, or None if it fits the signature."""
        try:
            self.signature.bind(*self.args, **self.kwargs)
        except TypeError as error:
            if self.of_class:
                owner, _, method = self.name.partition(".")
                return f"expected an object before the dot, and not its class: {owner}(…).{method}"
            line = self.by_place()
            missing = f"{error}; here: {line}" if line else f"{error}{self._needed()}"
            return self._unknown() or self._too_many() or missing
        return None

    def _needed(self) -> str:
        """Return the arguments without a default, if there are several."""
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        of_kind = [p for p in self.parameters.values() if p.kind in kinds]
        needed = [p.name for p in of_kind if p.default is p.empty]
        return f"; it takes {self.name}({', '.join(needed)})" if needed[1:] else ""

    def _unknown(self) -> str | None:
        taken = [p.name for p in self.parameters.values() if p.kind is not p.VAR_POSITIONAL]
        unknown = [name for name in self.kwargs if name not in taken]
        if not unknown or any(p.kind is p.VAR_KEYWORD for p in self.parameters.values()):
            return None
        return unexpected(unknown, self.where, taken)

    def _too_many(self) -> str | None:
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
        taken = [p.name for p in self.parameters.values() if p.kind in kinds]
        given = len(self.args)
        if given <= len(taken) or any(p.kind is p.VAR_POSITIONAL for p in self.parameters.values()):
            return None
        count = f"{len(taken)} positional argument{'s' * (len(taken) != 1)}"
        listed = f" ({', '.join(taken)})" if taken else ""
        text = f"takes {count}{listed} but {given} {'were' if given > 1 else 'was'} given"
        line = self.by_place()
        named = [p.name for p in self.parameters.values() if p.kind is p.KEYWORD_ONLY]
        answer = self._first_answer()
        if line is None and answer is not None:
            line = answer
        if line is None:
            return f"{text}; by name: {', '.join(named)}" if named else text
        return f"{text}; here: {line}"

    def _first_answer(self) -> str | None:
        """Return the answer for the only argument of a method such as ``train(False)``."""
        if self.parameters or len(self.args) != 1:
            return None
        found = argument_answer("mode", self.where, self.parameters)
        return None if found is None else found.said(f"{self.where[-1]}({brief(self.args[0])})")

    def parameters_first(self) -> str | None:
        """Return the line for an optimizer that is given the parameters by place, as PyTorch's."""
        first = self.args[0] if self.args and "Optimizer" in self.where else None
        of_library = any(_is_of(kind, first) for kind in ("Layer", "Parameter"))
        several = isinstance(first, list | tuple | Iterator) or _is_of("dict_values", first)
        if not of_library and not several:
            return None
        names = ("learning_rate", "lr", "parameters", "params")
        rate = next((self.kwargs[name] for name in names[:2] if name in self.kwargs), 0.001)
        rate = self.args[1] if len(self.args) > 1 else rate
        groups = first if isinstance(first, list | tuple) else ()
        if any(isinstance(group, dict) for group in groups):
            return (
                f"nn.OptimizerGroups([(model[0], nn.{self.name}({brief(rate)})), …]), an optimizer "
                "for each part of the model, also as optimizer= of a Trainer"
            )
        rest = {name: value for name, value in self.kwargs.items() if name not in names}
        more = "".join(f", {name}={brief(value, letters=20)}" for name, value in rest.items())
        if rest.keys() - self.parameters.keys():
            more = ""
        return f"nn.{self.name}({brief(rate)}, parameters=model{more})"

    def by_place(self) -> str | None:
        """Return the call to write for what was given by place, if it is a known mistake."""
        if not self.args or _PLACED.isdisjoint(self.where):
            return None
        for where, kinds, ours, why in PLACES:
            wanted = kinds.split()
            same = self.name in where.split() and len(wanted) == len(self.args)
            if same and all(map(_is_of, wanted, self.args)):
                return f"nn.{ours.format(*map(_shown, self.args), name=self.name)} ({why})"
        return None


_PLACED = frozenset(name for where, *_ in PLACES for name in where.split())


def _is_of(kind: str, value: Any) -> bool:
    """Return whether a value is of a kind that ``PLACES`` names."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    match kind:
        case "int":
            return whole
        case "number":
            return isinstance(value, float | np.floating)
        case "flag":
            return isinstance(value, bool)
        case "text":
            return isinstance(value, str)
        case "sizes":
            return isinstance(value, list | tuple) and all(_is_of("int", one) for one in value)
        case "function":
            return callable(value) and not isinstance(value, type)
    return any(base.__name__ == kind for base in type(value).__mro__)


def _shown(value: Any) -> str:
    return getattr(value, "__name__", None) or brief(value, letters=40)


def unexpected(unknown: Iterable[str], where: list[str], parameters: Collection[str]) -> str:
    """Return the sentence about arguments that a function does not take.

    Args:
        unknown: their names.
        where: the names of the function by which tables know it.
        parameters: what it takes.
    """
    some = list(unknown)[:MOST_NAMES]
    listed = ", ".join(map(repr, some))
    text = f"got {'an ' * (len(some) == 1)}unexpected keyword argument{'s' * (len(some) > 1)}"
    found = {name: argument_answer(name, where, parameters) for name in some}
    said = {name: answer.ours for name, answer in found.items() if answer is not None}
    lines = [answer.example for answer in found.values() if answer is not None and answer.example]
    if not said:
        return f"{text} {listed}; it takes {', '.join(parameters) or 'none'}"
    answers = "; ".join(f"{theirs} → {ours}" for theirs, ours in said.items())
    return f"{text} {listed}; here: {answers}{f', as in {lines[-1]}' if lines else ''}"


def argument_answer(name: str, where: list[str], parameters: Collection[str]) -> Answer | None:
    """Return the answer for an argument: of the last row about it, or a similar name."""
    places, found = set(where), None
    for functions, theirs, ours, line in (*FUNCTIONS, *ARGUMENTS, *TRAINING):
        if name in theirs.split() and not places.isdisjoint(functions.split()):
            general = functions == "*" and ours not in parameters and ours[:7] != "nothing"
            found = found if general else Answer(ours, line)
    if found is None and (near := _nearest(name, parameters)) is not None:
        found = Answer(near, "")
    return found


def unknown_option(function: str, options: Iterable[str]) -> Exception | None:
    """Return the error for options that NumPy does not have, of a method that passes them on."""
    unknown = [name for name in options if name not in NUMPY_OPTIONS]
    if not unknown:
        return None
    text = unexpected(unknown, ["*", function], ("axis", "keepdims", "dtype", "out", "ddof"))
    return cast("Exception", both(ArgumentError, TypeError)(f"Tensor.{function}: {text}"))


# --- words -----------------------------------------------------------------------------


@cache
def _words() -> dict[str, str]:
    return {word: ours for theirs, ours in WORDS for word in theirs.split()}


def word(value: str, choices: Collection[str]) -> str | None:
    """Return the one of the choices that a word of another library, or a misspelt one, means.

    >>> from neural_network.elsewhere.answers import word
    >>> word("Adam", ["sgd", "adam"]), word("mse", ["mse_loss"]), word("x", ["mse_loss"])
    ('adam', 'mse_loss', None)
    """
    meant = _words().get(value)
    return meant if meant in choices else _nearest(value, choices)


def with_meaning(value: object, choices: Collection[str]) -> str:
    """Return a word that was refused, as a sentence shows it: with the one that it means."""
    meant = word(value, choices) if isinstance(value, str) else None
    return brief(value) if meant is None else f"{brief(value)}; here: {meant!r}"
