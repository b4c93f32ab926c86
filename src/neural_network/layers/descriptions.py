"""Descriptions of layers in files: class names and arguments, and the layers that they make.

A description is plain data, as JSON holds it:

    {"layer": "Dense", "arguments": {"units": 10, "activation": "relu"}}

A list is one of JSON's; {"tuple": […]} is a tuple, {"dict": {…}} a dict, {"function": "relu"} a
function, {"partial": "clip", "arguments": […], "keywords": {…}} one with arguments. An object that
is used in several places is described once; {"again": 3} then means the one that was described as
the fourth. Only names of known classes and functions are ever read back; nothing is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from neural_network.describing import make
from neural_network.errors import DTypeError, FileFormatError, brief, sentence

# What a description may hold: no object is nested deeper, and no model calls more layers, those
# counted again that stand in several places: a few words can unfold to a billion calls.
DEEPEST = 64
MOST_CALLED = 10_000
# No whole number among the arguments of a function is larger: it may be a width or a size.
LARGEST_ARGUMENT = 1 << 16


class Writer:
    """Describes objects for a file.

    Args:
        kind: the class whose objects are described by their arguments: ``Layer``.
        library: name → class of the library's own.
        functions: name → function of those that may be arguments.

    Attributes:
        places: identity → number of each object that was described, in order.
        own: name → class of those that are not the library's.
    """

    def __init__(
        self,
        kind: type[Any],
        library: Mapping[str, type[Any]],
        functions: Mapping[str, Callable[..., Any]],
    ) -> None:
        self.kind, self.library, self.functions = kind, library, functions
        self.places: dict[int, int] = {}
        self.own: dict[str, type[Any]] = {}

    def object(self, made: Any) -> dict[str, Any]:
        """Return the call that makes an object, or the place where it was described.

        Raises:
            DTypeError: an argument that is no number, text, list, object of the kind or known
                function; a class with the name of one of the library's, or two of one name.
        """
        if id(made) in self.places:
            return {"again": self.places[id(made)]}
        self.places[id(made)] = len(self.places)
        cls = type(made)
        name = cls.__name__
        if self.library.get(name, cls) is not cls:
            expected = f"another name: the library's {name} would be read in its place"
            raise DTypeError(sentence("save", f"the class {cls.__qualname__}", expected, name))
        if name not in self.library and self.own.setdefault(name, cls) is not cls:
            place = f"the class {cls.__qualname__}"
            raise DTypeError(sentence("save", place, "one class of each name", f"two {name}"))
        arguments = {
            argument: self.value(f"{name}({argument}=…)", value)
            for argument, value in made._current_arguments().items()
        }
        return {"layer": name, "arguments": arguments}

    def value(self, place: str, value: Any) -> Any:
        """Return an argument as JSON can hold it."""
        if isinstance(value, self.kind):
            return self.object(value)
        if isinstance(value, np.bool_ | np.integer | np.floating):
            value = value.item()
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, tuple):
            return {"tuple": [self.value(place, item) for item in value]}
        if isinstance(value, list):
            return [self.value(place, item) for item in value]
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return {"dict": {key: self.value(place, item) for key, item in value.items()}}
        if isinstance(value, np.random.Generator):
            return None  # a file cannot hold its state, and a training draws by its own seed
        if callable(value) and (function := self._function(place, value)) is not None:
            return function
        expected = (
            "numbers, text, lists, layers, and functions of the library's or functools.partial of "
            "one, such as partial(nn.functional.clip, low=0); any other function goes into the "
            "forward of a Layer of your own"
        )
        raise DTypeError(sentence("save", place, expected, brief(value)))

    def _function(self, place: str, value: Any) -> dict[str, Any] | None:
        """Return one of the functions by its name, perhaps with arguments; None for another."""
        if type(value) is partial and (made := self._function(place, value.func)) is not None:
            arguments = [self.value(place, one) for one in value.args]
            keywords = {name: self.value(place, one) for name, one in value.keywords.items()}
            largest = _largest([*value.args, *value.keywords.values()])
            if largest > LARGEST_ARGUMENT:
                expected = f"whole numbers up to {LARGEST_ARGUMENT:,} in a functools.partial"
                raise DTypeError(sentence("save", place, expected, largest))
            return {"partial": made["function"], "arguments": arguments, "keywords": keywords}
        own = getattr(value, "__name__", "")
        names = (own, *self.functions) if own in self.functions else (*self.functions,)
        name = next((name for name in names if self.functions[name] is value), None)
        return None if name is None else {"function": name}


def _largest(value: Any) -> int:
    """Return the largest whole number, by its size, that lies in lists, tuples and dicts."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return max(map(_largest, value), default=0)
    return abs(int(value)) if isinstance(value, int | np.integer) else 0


class Reader:
    """Makes the objects that one description names.

    Args:
        path: of the file, for errors.
        library, own: name → class of what may be made; its own go before the library's.
        functions: as of ``Writer``.
        check: called with each object that was made, and its class's name.

    Raises:
        FileFormatError: (by its methods) what is no description, an unknown class, or
            arguments that a class refuses.
    """

    def __init__(
        self,
        path: str,
        library: Mapping[str, type[Any]],
        own: Mapping[str, type[Any]],
        functions: Mapping[str, Callable[..., Any]],
        check: Callable[[str, Any], None],
    ) -> None:
        self.path, self.library, self.own = path, library, own
        self.functions, self.check = functions, check
        self.made: list[Any] = []
        # How many layers each of them calls, itself included; and all so far.
        self.calls: list[int] = []
        self.called = 0

    def value(self, value: Any, depth: int = 0) -> Any:
        """Return the value that a part of the description describes."""
        if depth > DEEPEST:
            raise FileFormatError(f"{self.path}: layers or lists nested deeper than {DEEPEST}")
        match value:
            case {"layer": str(name), "arguments": dict(arguments), **rest} if not rest:
                return self._object(name, arguments, depth)
            case {"again": int(place), **rest} if not rest and 0 <= place < len(self.made):
                if self.made[place] is None:
                    raise FileFormatError(f"{self.path}: a layer that contains itself")
                self._count(self.calls[place])
                return self.made[place]
            case {"dict": dict(items), **rest} if not rest:
                return {key: self.value(item, depth + 1) for key, item in items.items()}
            case {"function": str(name), **rest} if not rest and name in self.functions:
                return self.functions[name]
            case {
                "partial": str(name),
                "arguments": list(args),
                "keywords": dict(keywords),
                **rest,
            } if not rest and name in self.functions:
                if _largest([args, keywords]) > LARGEST_ARGUMENT:
                    expected = f"at most {LARGEST_ARGUMENT:,} in the arguments of {name!r}"
                    raise FileFormatError(f"{self.path}: expected whole numbers of {expected}")
                given = [self.value(item, depth + 1) for item in args]
                named = {key: self.value(item, depth + 1) for key, item in keywords.items()}
                return partial(self.functions[name], *given, **named)
            case {"tuple": list(items), **rest} if not rest:
                return tuple(self.value(item, depth + 1) for item in items)
            case list(items):
                return [self.value(item, depth + 1) for item in items]
            case dict():
                raise FileFormatError(f"{self.path}: expected layers and plain values, {value!r}")
        return value

    def _object(self, name: str, arguments: dict[str, Any], depth: int) -> Any:
        table = self.own if name in self.own else self.library
        if name not in table:
            hint = f"layers={{{name!r}: …}} gives its class"
            raise FileFormatError(f"{self.path}: unknown layer {name!r}; {hint}")
        place = len(self.made)
        self.made.append(None)
        self.calls.append(1)
        before = self.called
        self._count(1)
        values = {
            key: self.value(item, depth + 1) if isinstance(item, dict | list) else item
            for key, item in arguments.items()
        }
        try:
            made = make(table[name], values)
        except Exception as error:  # any error of a constructor that gets arguments from a file
            raise FileFormatError(
                f"{self.path}: {name} cannot be made from its arguments ({error})"
            ) from error
        self.check(name, made)
        self.made[place], self.calls[place] = made, self.called - before
        return made

    def _count(self, calls: int) -> None:
        self.called += calls
        if self.called > MOST_CALLED:
            raise FileFormatError(f"{self.path}: expected at most {MOST_CALLED:,} calls of layers")
