"""A class's name and the arguments of its constructor, and the object that they make.

From them follow what ``repr`` shows, what a file stores, and what settings are compared.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial, wraps
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar, cast

from neural_network.elsewhere.surface import Answering, Explained, explain
from neural_network.errors import DTypeError, NeuralNetworkError, sentence, too_deep, warn_of_call

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


def html_table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of HTML; whatever is in it is escaped, and lines of a cell stay lines."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{_html_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html_cell(text: str) -> str:
    """Return the text of a cell; a browser would run several lines together."""
    lines = escape(text)
    return f'<pre style="text-align: left">{lines}</pre>' if "\n" in text else lines


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
            new = arguments_of(type(self)).old.get(name) if name[:1] != "_" else None
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
