"""A class's name and the arguments of its constructor, and the object that they make.

From them follow what ``repr`` shows, what a file stores, and what settings are compared.
A description is plain data, as JSON holds it:

    {"layer": "Dense", "arguments": {"units": 10, "activation": "relu"}}

A list is one of JSON's; {"tuple": […]} is a tuple, {"dict": {…}} a dict, {"function": "relu"} a
function, {"partial": "clip", "arguments": […], "keywords": {…}} one with arguments. An object that
is used in several places is described once; {"again": 3} then means the one that was described as
the fourth. Only names of known classes and functions are ever read back; nothing is evaluated.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import partial, wraps
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from neural_network.elsewhere.surface import Answering, Explained, explain
from neural_network.errors import (
    DTypeError,
    FileFormatError,
    NeuralNetworkError,
    brief,
    sentence,
    too_deep,
    warn_of_call,
)

Init = TypeVar("Init", bound=Callable[..., None])

# Arguments that had another name in an earlier version: class → old name → new name. A call
# with an old name works with a DeprecationWarning; a file with one is read silently.
OLD_NAMES: dict[str, dict[str, str]] = {
    "Conv1D": {"size": "kernel_size"},
    "Conv2D": {"size": "kernel_size"},
    "Conv3D": {"size": "kernel_size"},
    "DepthwiseConv2D": {"size": "kernel_size"},
    "ConvTranspose2D": {"size": "kernel_size"},
    "MaxPool2D": {"size": "kernel_size"},
    "AvgPool2D": {"size": "kernel_size"},
    "Adagrad": {"eps": "epsilon"},
    "RMSprop": {"eps": "epsilon"},
    "Adam": {"eps": "epsilon"},
}
# What a description may hold: no object is nested deeper, and no model calls more layers, those
# counted again that stand in several places: a few words can unfold to a billion calls.
DEEPEST = 64
MOST_CALLED = 10_000
# No whole number among the arguments of a function is larger: it may be a width or a size.
LARGEST_ARGUMENT = 1 << 16

# Whether a constructor, or a layer's ``build``, is running.
constructing: ContextVar[bool] = ContextVar("constructing", default=False)


# --- arguments -------------------------------------------------------------------------


class Arguments:
    """The arguments of a constructor: read once for each class.

    Attributes:
        signature: without ``self``.
        names: of all arguments, in order.
        old: the name that an argument had in an earlier version → its name.
        fixed: the names, and the old ones.
        positional: the names of those that a call may give by their place; None where the
            constructor takes any number of arguments, or some by their place alone.
    """

    def __init__(self, cls: type[Any]) -> None:
        # The ``__init__`` of a protocol, which takes anything, calls that of the next class.
        maker: type[Any] = next(
            base
            for base in cls.__mro__
            if "__init__" in vars(base) and not vars(base).get("_is_protocol")
        )
        _, *parameters = inspect.signature(maker.__init__).parameters.values()
        self.signature = inspect.Signature(parameters)
        self.names = {parameter.name: parameter.name for parameter in parameters}
        tables = [OLD_NAMES.get(base.__name__, {}) for base in cls.__mro__]
        self.old = {old: new for table in tables for old, new in table.items()}
        self.fixed = frozenset(self.names).union(self.old)
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        self.positional: list[str] | None = None
        if all(parameter.kind in named for parameter in parameters):
            self.positional = [p.name for p in parameters if p.kind is named[0]]


def arguments_of(cls: type[Any]) -> Arguments:
    """Return what a class's constructor takes."""
    found: Arguments | None = cls.__dict__.get("_constructor")
    if found is None:
        found = cls._constructor = Arguments(cls)
    return found


def renamed(
    cls: type[Any],
    arguments: Mapping[str, Any],
    names: Mapping[str, Any],
    *,
    warns: bool = False,
) -> Mapping[str, Any]:
    """Return arguments with today's names.

    Args:
        cls: the class; the old names of its bases hold, too.
        arguments: name → value.
        names: of what the constructor takes: these are no old names.
        warns: whether to warn of each old one.
    """
    if arguments.keys() <= names.keys():
        return arguments
    table = {old: new for old, new in arguments_of(cls).old.items() if old not in names}
    for old in arguments.keys() & table.keys() if warns else ():
        text = f"{cls.__name__}: the argument {old!r} is now called {table[old]!r}"
        warn_of_call(text, DeprecationWarning)
    return {table.get(name, name): value for name, value in arguments.items()}


def accepts_old_names(init: Init) -> Init:
    """Let a constructor that a subclass's constructor calls take old names of arguments."""
    names = inspect.signature(init).parameters

    @wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807  # it takes its place
        init(self, *args, **renamed(type(self), kwargs, names, warns=True))

    return cast("Init", __init__)


def noted(cls: type[Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return name → value of a constructor's call; of one that does not fit, nothing.

    Lists and dicts are copied, because ``__init__`` may change those it received.
    """
    of = arguments_of(cls)
    try:
        return _noted(of, args, kwargs)
    except RecursionError:
        raise too_deep(cls.__name__, "arguments") from None


def _noted(of: Arguments, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    if of.positional is None or len(args) > len(of.positional):
        try:
            passed = of.signature.bind_partial(*args, **kwargs).arguments
        except TypeError:
            return {}  # __init__ is about to raise the error
    else:
        passed = {**dict(zip(of.positional, args, strict=False)), **kwargs}
    arguments = {}
    for name in of.names:
        if name in passed:
            value = passed[name]
            arguments[name] = _copied(value) if isinstance(value, list | tuple | dict) else value
    return arguments


def make(cls: type[Any], arguments: Mapping[str, Any]) -> Any:
    """Make an object from the arguments that ``noted`` has returned.

    Raises:
        TypeError: an argument that its class does not take.
    """
    of = arguments_of(cls)
    arguments = renamed(cls, arguments, of.names)
    unknown = arguments.keys() - of.names.keys()
    if unknown:
        raise TypeError(f"it has no argument {min(unknown)!r}")
    if of.positional is not None:
        return cls(**arguments)
    bound = inspect.BoundArguments(of.signature, dict(arguments))
    return cls(*bound.args, **bound.kwargs)


def call_text(name: str, arguments: Mapping[str, Any]) -> str:
    """Return the call that makes an object, as text.

    >>> from neural_network.describing import call_text
    >>> call_text("Dense", {"units": 3, "activation": relu})
    'Dense(units=3, activation=relu)'
    """
    return f"{name}({', '.join(f'{key}={shown(value)}' for key, value in arguments.items())})"


def shown(value: Any) -> str:
    """Return an argument as text: a function by its name."""
    if isinstance(value, partial):
        keywords = [f"{name}={shown(one)}" for name, one in value.keywords.items()]
        return f"partial({', '.join([*map(shown, (value.func, *value.args)), *keywords])})"
    return getattr(value, "__name__", None) or repr(value)


def as_tuples(value: Any) -> Any:
    """Return a list as a tuple, and the lists in it."""
    return tuple(map(as_tuples, value)) if type(value) in (list, tuple) else value


def _copied(value: Any) -> Any:
    if type(value) in (list, tuple):
        return type(value)(map(_copied, value))
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    return value


class BoundOnce(Explained):
    """The type of classes that note their constructor's arguments.

    An object gets them as ``_arguments`` before ``__init__`` runs; its ``_bind`` is called when the
    outermost ``__init__`` has returned.
    """

    if not TYPE_CHECKING:  # type checkers take the signature of ``__init__``

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: N805  # of a metaclass
            """Make an object and note its arguments."""
            if kwargs:
                kwargs = renamed(cls, kwargs, arguments_of(cls).names, warns=True)
            made = cls.__new__(cls, *args, **kwargs)
            if not isinstance(made, cls):  # as Python does: it was made by another class
                return made
            made.__dict__["_arguments"] = noted(cls, args, kwargs)
            token = constructing.set(True)
            try:
                made.__init__(*args, **kwargs)
            except (TypeError, NeuralNetworkError) as error:
                explain(cls, args, kwargs, error)
                # Python names the class that defines ``__init__``, which may be private.
                if type(error) is TypeError:
                    name, own = cls.__init__.__qualname__, f"{cls.__name__}.__init__"
                    error.args = (str(error).replace(f"{name}()", f"{own}()", 1),)
                raise
            finally:
                constructing.reset(token)
            made._bind()
            return made

        @property
        def __signature__(cls) -> inspect.Signature:  # noqa: N805  # of a metaclass
            """The signature of the constructor, which ``help`` shows."""
            return arguments_of(cls).signature


class Bound(metaclass=BoundOnce):
    """Base of the classes that note their constructor's arguments."""

    _arguments: Mapping[str, Any]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Return an argument by the name that it had in an earlier version."""
            new = arguments_of(type(self)).old.get(name) if name[0] != "_" else None
            if new in self.__dict__:
                text = f"{type(self).__name__}: the attribute {name!r} is now called {new!r}"
                warn_of_call(text, DeprecationWarning)
                return self.__dict__[new]
            from neural_network.elsewhere.answers import missing_attribute

            raise missing_attribute(self, name)

    def _bind(self) -> None:
        """Begin to hold the arguments fixed: the outermost ``__init__`` has returned."""

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"

    def _current_arguments(self) -> Mapping[str, Any]:
        """Return the arguments that make this object as it is now."""
        return self._arguments


class Described(Answering):
    """Keeps each argument of its constructor as an attribute of the same name.

    From that follow its ``repr`` and its ``settings``, also for subclasses.
    """

    # What ``settings`` calls the class's name.
    _class_key = "class"

    def settings(self) -> dict[str, Any]:
        """Return the class's name and the constructor's arguments, as JSON can hold them.

        Returns:
            ``{"class": name, argument: value, …}``; tuples become lists, and what has
            settings of its own, a schedule, becomes a table inside the table.

        Raises:
            DTypeError: an argument is of another kind; override this method then.

        >>> SGD(Cosine(0.5), momentum=0.9).settings()["learning_rate"]
        {'class': 'Cosine', 'start': 0.5, 'final': 0.0}
        """
        named = {name: self._as_json(name, value) for name, value in self._shown().items()}
        return {self._class_key: type(self).__name__, **named}

    def _as_json(self, name: str, value: object) -> Any:
        if isinstance(value, Described):
            return value.settings()
        if isinstance(value, tuple | list):
            return [self._as_json(name, item) for item in value]
        if value is None or isinstance(value, bool | int | float | str):
            return value
        function = f"{type(self).__name__}.settings"
        raise DTypeError(sentence(function, name, "what JSON can hold", type(value).__name__))

    def _shown(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def __repr__(self) -> str:
        return call_text(type(self).__name__, self._shown())

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


# --- descriptions ----------------------------------------------------------------------


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
