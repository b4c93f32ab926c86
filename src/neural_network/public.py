"""The two declarations of the public API, written where a function or class is defined.

    @public
    @named("activation")
    @op
    def relu(Z): ...

``@public`` makes it an attribute of the package; ``@named`` lets it be chosen by a name, as in
``Dense(10, activation="relu")``. Both return their argument. ``make api`` reads them in the
source and writes ``names.py``, the stubs and the lists in the documents; a test fails while these
are out of date. A constant is declared by a call: ``FILTERS = public({…})``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
def public(definition: T, /) -> T: ...
@overload
def public(*, top_level: bool = True, package: bool = True, also: str = "") -> Callable[[T], T]: ...
def public(definition: Any = None, /, **_where: object) -> Any:
    """Declare a function, class or constant public.

    Args:
        definition: what is declared.
        top_level: whether it is an attribute of ``neural_network`` itself.
        package: whether it is an attribute of the packages that its file lies in.
        also: another package of which it is an attribute, such as "datasets".

    Returns:
        The definition, or with options a decorator that returns it.
    """
    return _unchanged if definition is None else definition


def named(kind: str, *names: str) -> Callable[[T], T]:  # noqa: ARG001  # read in the source
    """Declare under which names a definition can be chosen.

    Args:
        kind: the table of names: "activation", "layer", "loss", "optimizer" …; see
            ``lazy.NameTable``.
        names: the names; if none are given, the definition's own.

    Returns:
        A decorator that returns the definition.
    """
    return _unchanged


def _unchanged(definition: T) -> T:
    return definition
