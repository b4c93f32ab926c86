"""Where failed calls and look-ups ask for an answer: of functions, classes and objects."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from neural_network.elsewhere.assigned import ASSIGNED, is_elsewhere
from neural_network.errors import (
    ArgumentError,
    NeuralNetworkError,
    both,
    is_own,
    sentence,
    shorten_traceback,
)

# The type of a class has to be derived from the types of all its bases: from this one, so that a
# layer may have protocols and abstract classes among them.
if TYPE_CHECKING:
    from abc import ABCMeta as ProtocolType
else:
    ProtocolType = type(Protocol)

Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])


def explain(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    error: Exception,
) -> None:
    """Raise the sentence about a call that does not fit, if there is one; see ``explained``.

    Any other error of the library's, or about a file, is about to be raised again by the caller,
    and is shown as raised there; see ``shorten_traceback``.
    """
    if isinstance(error, NeuralNetworkError | OSError):
        shorten_traceback(error)
        if not isinstance(error, ArgumentError):
            return
    from neural_network.elsewhere.calls import explained

    if missing := getattr(function, "__abstractmethods__", None):
        expected = f"a subclass that defines {', '.join(sorted(missing))}"
        name = function.__name__
        raise TypeError(sentence(name, "the class", expected, f"{name} itself")) from None
    better = explained(function, args, kwargs, error)
    if better is not None:
        raise better from None


def unknown_arguments(
    name: str, cls: type, unknown: Iterable[str], parameters: Collection[str]
) -> Exception:
    """Return the error for arguments of a class that its signature does not refuse.

    Args:
        name: of what was called, for the sentence.
        cls: the class.
        unknown: the names.
        parameters: what it takes.
    """
    from neural_network.elsewhere.calls import unexpected

    text = unexpected(unknown, ["*", *(base.__name__ for base in cls.__mro__)], parameters)
    return cast("Exception", both(ArgumentError, TypeError)(f"{name}: {text}"))


def explains_calls(function: Wrapped) -> Wrapped:
    """Decorate a public function or method: a call that does not fit gets a sentence.

    It is raised here, and so are the library's errors about arguments: the traceback ends just
    below the caller's line.
    """

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (TypeError, NeuralNetworkError, OSError) as error:
            explain(function, args, kwargs, error)
            raise
        except KeyboardInterrupt as error:
            if is_own(type(error).__module__):  # of a training, whose message is a sentence
                shorten_traceback(error)
            raise

    return cast("Wrapped", call)


class Explained(ProtocolType):
    """The type of classes whose constructors answer a call that does not fit with a sentence."""

    # Those of its base are Python functions, which would run in each ``isinstance``.
    __instancecheck__ = type.__instancecheck__
    __subclasscheck__ = type.__subclasscheck__

    if not TYPE_CHECKING:  # type checkers take the signature of ``__init__``

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: N805  # of a metaclass
            """Make an object."""
            try:
                return super().__call__(*args, **kwargs)
            except (TypeError, NeuralNetworkError) as error:
                explain(cls, args, kwargs, error)
                raise

        def __getattr__(cls, name: str) -> Any:  # noqa: N805  # of a metaclass
            """Raise AttributeError for a missing name, with the one that was probably meant."""
            # Dataclasses ask for names that are private, or of the fields of objects.
            if name[:1] == "_" or name in vars(cls).get("__annotations__", ()):
                raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
            from neural_network.elsewhere.answers import missing_in_class

            raise missing_in_class(cls, name)

        def __dir__(cls) -> list[str]:  # noqa: N805  # of a metaclass
            """Return the names of its attributes, without those of other libraries."""
            return [name for name in super().__dir__() if not is_elsewhere(cls, name)]

        @property
        def __signature__(cls) -> inspect.Signature:  # noqa: N805  # of a metaclass
            """The signature of the constructor, which ``help`` shows."""
            if cls.__init__ is object.__init__:  # it takes nothing, whatever its signature says
                return inspect.Signature()
            _, *parameters = inspect.signature(cls.__init__).parameters.values()
            return inspect.Signature(parameters)


class NotHere:
    """Stands in a class for an attribute of other libraries: to set it raises a sentence.

    Without it nothing would happen. Classes of the user's own, and their objects, may have an
    attribute of the name.
    """

    of_other_libraries = True

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        """Raise the error after which Python asks ``__getattr__``."""
        found = getattr(instance, "__dict__", {})
        if self.name in found:
            return found[self.name]
        raise AttributeError(self.name)

    def __set__(self, instance: Any, value: Any) -> None:
        """Raise the sentence, but for an object of a class of the user's own."""
        if not is_own(type(instance).__module__) and hasattr(instance, "__dict__"):
            instance.__dict__[self.name] = value
            return
        from neural_network.elsewhere.assignments import refused_assignment

        raise refused_assignment(instance, self.name)


def refuses_assignments(cls: type) -> None:
    """Let a class of the library refuse to set what users of other libraries set."""
    for theirs, *_ in ASSIGNED.get(cls.__name__, ()) if is_own(cls.__module__) else ():
        for name in theirs.split():
            setattr(cls, name, NotHere(name))


def check_set(layer: Any, name: str, value: Any) -> None:
    """Raise AttributeError where a new attribute of a layer would be set in vain."""
    from neural_network.elsewhere.assignments import check_new

    check_new(layer, name, value)


class Answering(metaclass=Explained):
    """Base of classes whose objects and constructors answer the words of other libraries."""

    def __init_subclass__(cls) -> None:
        """Note what is not to be set."""
        super().__init_subclass__()
        refuses_assignments(cls)

    if not TYPE_CHECKING:

        def __dir__(self) -> list[str]:
            """Return the names of its attributes, without those of other libraries."""
            return [name for name in super().__dir__() if not is_elsewhere(type(self), name)]

        def __getattr__(self, name: str) -> Any:
            """Raise AttributeError for a missing name, with the one that was probably meant."""
            from neural_network.elsewhere.answers import missing_attribute

            try:
                error = missing_attribute(self, name)
            except NeuralNetworkError as raised:  # by a property
                shorten_traceback(raised)
                raise
            raise error
