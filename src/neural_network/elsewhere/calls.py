"""The sentences for calls that do not fit: unknown arguments, and arguments in wrong places.

Nothing here runs unless a call has failed, so that a right one costs nothing.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, cast

import numpy as np

from neural_network.elsewhere.answers import PACKAGE, Answer, nearest
from neural_network.elsewhere.arguments import ARGUMENTS, TRAINING
from neural_network.elsewhere.estimators import ESTIMATORS
from neural_network.elsewhere.examples import of_estimator
from neural_network.elsewhere.functions import ALWAYS, FUNCTIONS, PLACES, SIZES_FOUND
from neural_network.elsewhere.lines import ALIKE, BEGINNINGS, MISSING, SHAPES_OF_ROWS, SIGNATURES
from neural_network.elsewhere.own_layers import one_by_one
from neural_network.errors import ArgumentError, DTypeError, both, brief, several_arrays

# Classes of which a call in the order of another library fits as well.
FITTING = ("Dense", "BatchNorm", "LayerNorm", "GroupNorm")
SIZES_OF_INPUT = ("in_channels", "in_features", "num_features", "normalized_shape")
PADDINGS = ("same", "valid", "causal", "full")
# Of pictures; and sizes of kernels, where a number may be one of filters as well.
CHANNELS, USUAL_KERNEL, LARGEST_KERNEL = (1, 3), 7, 11
# Of the names that a sentence lists.
MOST_NAMES = 4
# NumPy's own options of the methods that pass them on.
NUMPY_OPTIONS = frozenset({"initial", "where", "mean", "correction", "casting", "order", "subok"})


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
    if call.parameters_second():
        rate = brief(call.args[0], letters=20)
        line = f"nn.{call.name}({rate}, parameters=model)"
        return DTypeError(f"{call.name}: parameters are given by name; here: {line}")
    if isinstance(error, ArgumentError):
        line = call.by_place(fits=True)
        line = f"; here: {line}" if line is not None else call.of_several_results(str(error))
        return None if not line else type(error)(f"{error}{line}")
    text = call.misfit()
    name = call.within + call.name
    return None if text is None else both(ArgumentError, TypeError)(f"{name}: {text}")


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
        self.owner = args[0] if args else None  # of a method
        self.of_class = False  # whether a method was called without an object
        self.name = getattr(function, "__name__", type(function).__name__)
        # Of functions of interop and scale, which have names of functions of the package.
        parts = (getattr(function, "__module__", "") or "").split(".")[1:-1]
        self.within = f"{'.'.join(parts[:2])}." if parts[:1] in (["interop"], ["scale"]) else ""
        bases = function.__mro__ if isinstance(function, type) else ()
        makes = getattr(function, "__init__", function) if bases else function
        # The tables say nothing of what a constructor or function of the caller's own takes.
        own = not (getattr(makes, "__module__", "") or "").startswith(f"{PACKAGE}.")
        self.where = ["*", *([base.__name__ for base in bases] or [self.name])]
        self.signature = inspect.signature(function)
        names = list(self.signature.parameters)
        if names[:1] == ["self"] and args:
            if self.name == "__init__":
                self.name = function.__qualname__.split(".")[0]
                self.where = ["*", self.name]
            else:
                kinds = [base.__name__ for base in type(args[0]).__mro__]
                self.where = ["*", *(f"{kind}.{self.name}" for kind in kinds)]
                own = own and self.name != "forward"
                of = function.__qualname__.rpartition(".")[0].rpartition(".")[2]
                self.of_class = of not in kinds
                self.name = f"{of if self.of_class else kinds[0]}.{self.name}"
            self.signature = self.signature.replace(
                parameters=[*self.signature.parameters.values()][1:]
            )
            self.args = args[1:]
        if own:
            self.where = []
        self.parameters = self.signature.parameters

    def misfit(self) -> str | None:
        """Return what is wrong with the call, or None if it fits the signature."""
        try:
            self.signature.bind(*self.args, **self.kwargs)
        except TypeError as error:
            if self.of_class:
                owner, _, method = self.name.partition(".")
                return f"expected an object before the dot, and not its class: {owner}(…).{method}"
            line = self.by_place() or MISSING.get(self.name)
            if self.name == "show_filters" and isinstance(place := self.kwargs.get("layer"), int):
                line = f"nn.visual.show_filters(model[{place}]), of a layer in the model's place"
            missing = f"{error}; here: {line}" if line else f"{error}{self._needed()}"
            text = self._unknown() or self._too_many() or missing
            return text if "; here: " in text else text + ALWAYS.get(self.name, "")
        return None

    def of_several_results(self, error: str) -> str:
        """Return what to write for the results of a function that returns several.

        Of one shape, they are taken for one array.
        """
        for value in (*self.args, *self.kwargs.values()):
            arrays = isinstance(value, tuple) and [one for one in value if hasattr(one, "ndim")]
            if arrays and f"shape {(len(value), *arrays[0].shape)}" in error:
                return several_arrays(value)
        return ""

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
        return unexpected(unknown, self.where, taken, self.signature)

    def _too_many(self) -> str | None:
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
        taken = [p.name for p in self.parameters.values() if p.kind in kinds]
        given = len(self.args)
        if given <= len(taken) or any(p.kind is p.VAR_POSITIONAL for p in self.parameters.values()):
            return None
        count = f"{len(taken)} positional argument{'s' * (len(taken) != 1)}"
        listed = f" ({', '.join(taken)})" if taken else ""
        text = f"takes {count}{listed} but {given} {'were' if given > 1 else 'was'} given"
        if several := one_by_one(self.owner, self.name, self.args):
            return f"{text}; {several}"
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
        method = self.name.rpartition(".")[2]
        return None if found is None else found.said(f"{method}({brief(self.args[0])})")

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

    def parameters_second(self) -> bool:
        """Return whether an optimizer is given the parameters by place, behind the rate."""
        if "Optimizer" not in self.where or len(self.args) < 2:
            return False
        value = self.args[1]
        first = value[0] if isinstance(value, list | tuple) and value else value
        return any(_is_of(kind, first) for kind in ("Layer", "Parameter", "dict_values"))

    def by_signature(self) -> str | None:
        """Return the call to write for arguments in the order that another library has them."""
        for where, theirs in SIGNATURES:
            if self.name not in where.split() or not self.args:
                continue
            order = [part.split(":") for part in theirs.split()]
            names = [name for name, _ in order]
            if len(self.args) > len(names) or set(names[: len(self.args)]) & self.kwargs.keys():
                continue
            given = zip(order, self.args, strict=False)
            if not all(_is_any_of(kinds, value) for (_, kinds), value in given):
                continue
            found = {**dict(zip(names, self.args, strict=False)), **self.kwargs}
            if names[0] == "num_features" and isinstance(found.get("momentum"), float):
                found["momentum"] = round(1 - found["momentum"], 9)  # here: the share that stays
            ours = {name: value for name, value in found.items() if name in self.parameters}
            if found.keys() - ours.keys() - set(names):
                continue
            try:
                self.signature.bind(**ours)
            except TypeError:
                continue
            line = f"nn.{self.name}({self._written(ours)})"
            return f"{line} ({SIZES_FOUND})" if names[0] in SIZES_OF_INPUT else line
        return None

    def _written(self, arguments: Mapping[str, Any]) -> str:
        """Return arguments as they are written: by place where that may be."""
        parts, by_place = [], True
        for name, parameter in self.parameters.items():
            by_place = by_place and name in arguments and parameter.kind is not _BY_NAME
            if name in arguments:
                shown = _shown(arguments[name])
                parts.append(shown if by_place else f"{name}={shown}")
        return ", ".join(parts)

    def by_place(self, *, fits: bool = False) -> str | None:
        """Return the call to write for what was given by place, if it is a known mistake.

        Args:
            fits: whether the call fits the signature, and a value was refused.
        """
        if not self.args or not self.where:
            return None
        known = self.by_signature() if not fits or self.name in FITTING else None
        if known is not None and self.kwargs:
            return known
        for where, kinds, ours, why in PLACES:
            wanted = kinds.split()
            same = self.name in where.split() and len(wanted) == len(self.args)
            if same and all(map(_is_of, wanted, self.args)):
                likelier = _likelier(ours, self.args)
                line = likelier.format(*map(_shown, self.args), name=self.name)
                return f"nn.{self.within}{line} ({why})"
        return known


def _likelier(lines: str, args: tuple[Any, ...]) -> str:
    """Return the one of two lines for (channels, filters, size) and (filters, size, stride).

    Both where either may be meant.
    """
    torch, _, keras = lines.partition(", or ")
    if not keras:
        return lines
    channels, filters, _ = args
    if channels in CHANNELS or filters > LARGEST_KERNEL:
        return torch
    return keras if channels > filters and filters <= USUAL_KERNEL else lines


_BY_NAME = inspect.Parameter.KEYWORD_ONLY


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
        case "format":  # of Keras: "channels_last"
            return isinstance(value, str) and value.startswith("channels")
        case "activation":
            return isinstance(value, str) and value.lower() not in PADDINGS
        case "sizes":
            return isinstance(value, list | tuple) and all(_is_of("int", one) for one in value)
        case "function":
            return callable(value) and not isinstance(value, type)
    return any(base.__name__ == kind for base in type(value).__mro__)


def _is_any_of(kinds: str, value: Any) -> bool:
    return any(_is_of(kind, value) for kind in kinds.split("/"))


def _shown(value: Any) -> str:
    return getattr(value, "__name__", None) or brief(value, letters=40)


def unexpected(
    unknown: Iterable[str],
    where: list[str],
    parameters: Collection[str],
    signature: inspect.Signature | None = None,
) -> str:
    """Return the sentence about arguments that a function does not take.

    Args:
        unknown: their names.
        where: the names of the function by which tables know it.
        parameters: what it takes.
        signature: likewise; None where no line may name another function than the table does.
    """
    some = list(unknown)[:MOST_NAMES]
    listed = ", ".join(map(repr, some))
    text = f"got {'an ' * (len(some) == 1)}unexpected keyword argument{'s' * (len(some) > 1)}"
    found = {name: argument_answer(name, where, parameters) for name in some}
    said = {name: answer.ours for name, answer in found.items() if answer is not None}
    lines = [
        line
        for answer in found.values()
        if answer is not None and (line := _example(answer, where, parameters, signature))
    ]
    if not said:
        return f"{text} {listed}; it takes {', '.join(parameters) or 'none'}"
    answers = "; ".join(f"{theirs} → {ours}" for theirs, ours in said.items())
    return f"{text} {listed}; here: {answers}{f', as in {lines[-1]}' if lines else ''}"


def _example(answer: Answer, where: list[str], parameters: Collection[str], signature: Any) -> str:
    """Return the line of an answer, about what was called; none where it only shows a name."""
    line = of_estimator(answer.example, where[1].partition(".")[0] if where[1:] else "")
    head, called = line.partition("(")[0].removeprefix("nn."), where[1] if where[1:] else ""
    if signature is None or "." in called or head == called:
        return line
    line = as_called(line, called, signature)
    return line if line.startswith(f"nn.{called}(") or answer.ours not in parameters else ""


def as_called(line: str, called: str, signature: inspect.Signature) -> str:
    """Return a line of example with what was called, where it takes the same arguments.

    >>> from neural_network.elsewhere.calls import as_called
    >>> as_called("nn.SGD(learning_rate=0.1)", "Adam", inspect.signature(Adam))
    'nn.Adam(learning_rate=0.1)'
    """
    head = line.partition("(")[0].removeprefix("nn.")
    if head == called or not any({called, head} <= set(family.split()) for family in ALIKE):
        return line
    own = f"nn.{called}({line.partition('(')[2]}"
    if {called, head} <= BEGINNINGS.keys():
        own = line.replace(f"nn.{head}({BEGINNINGS[head]}", f"nn.{called}({BEGINNINGS[called]}", 1)
    own = own.replace("initialize((784,)", f"initialize({SHAPES_OF_ROWS.get(called, '(784,)')}")
    made = ast.parse(own, mode="eval").body
    if not isinstance(made, ast.Call) or own == line:
        return line
    try:
        signature.bind(*made.args, **{str(one.arg): one for one in made.keywords})
    except TypeError:
        return line
    return own


def argument_answer(name: str, where: list[str], parameters: Collection[str]) -> Answer | None:
    """Return the answer for an argument: of the last row about it, or a similar name."""
    places, found = set(where), None
    # Of an argument of a part, such as ``optimizer__momentum``, only the part counts.
    names = {name, name.partition("__")[0] + "__"} if "__" in name else {name}
    for functions, theirs, ours, line in (*FUNCTIONS, *ARGUMENTS, *TRAINING, *ESTIMATORS):
        if not names.isdisjoint(theirs.split()) and not places.isdisjoint(functions.split()):
            general = functions in ("*", "Optimizer") and ours.isidentifier()
            general = general and ours not in parameters and ours[:7] != "nothing"
            found = found if general else Answer(ours, line)
    if found is None and (near := nearest(name, parameters)) is not None:
        found = Answer(near, "")
    return found


def unknown_option(function: str, options: Iterable[str]) -> Exception | None:
    """Return the error for options that NumPy does not have, of a method that passes them on."""
    unknown = [name for name in options if name not in NUMPY_OPTIONS]
    if not unknown:
        return None
    text = unexpected(unknown, ["*", function], ("axis", "keepdims", "dtype", "out", "ddof"))
    text = text.replace("np.sum(X, ", f"t.{function}(")
    return cast("Exception", both(ArgumentError, TypeError)(f"Tensor.{function}: {text}"))
