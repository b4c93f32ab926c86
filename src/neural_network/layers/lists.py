"""Lists and dicts of layers; a layer stores its attributes that are lists and dicts as these.

They behave as lists and dicts; adding or removing a layer, a parameter or a buffer raises the
version of the layer that holds them, because its structure has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from weakref import ref

from neural_network.describing import Bound
from neural_network.elsewhere.surface import Answering
from neural_network.errors import DTypeError, sentence, too_deep
from neural_network.layers.parameter import Buffer, Parameter

# What a layer is made of; and what may hold it. Tuples of types, because they are used in
# every assignment of an attribute.
PARTS = (Bound, Parameter, Buffer)
HOLDERS = (dict, list, tuple)


def has_parts(value: Any, *, or_empty: bool = False) -> bool:
    """Return whether a value is, or holds, a layer, a parameter or a buffer.

    Args:
        value: anything.
        or_empty: return True for an empty list or dict, too, to which one may be added later.
    """
    if isinstance(value, PARTS):
        return True
    if not isinstance(value, HOLDERS):
        return False
    if or_empty and not value:
        return not isinstance(value, tuple)
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, PARTS):
            return True
        if isinstance(item, HOLDERS) and has_parts(item, or_empty=or_empty):
            return True
    return False


def kept(value: Any, owner: Any, name: str) -> Any:
    """Return an attribute as a layer stores it: lists and dicts of parts report changes.

    A list or dict of other things, such as a record of losses, stays the caller's own. So does
    one of a subclass, such as a ``Counter``; layers that are added to it are not noticed.
    """
    try:
        if not isinstance(value, HOLDERS) or not has_parts(value, or_empty=True):
            return value
    except RecursionError:
        raise too_deep(type(owner).__name__, name) from None
    if type(value) not in (*HOLDERS, LayerList, LayerDict, LayerTuple):
        vars(owner)["_unreported"] = True
        return value
    if isinstance(value, tuple):
        found = [kept(item, owner, name) for item in value]
        return LayerTuple(found) if isinstance(found[0], Bound) else tuple(found)
    if isinstance(value, LayerList | LayerDict) and value._owner() is owner:
        return value
    return (LayerDict if isinstance(value, dict) else LayerList)(value, owner, name)


class LayerTuple(tuple[Any, ...]):
    """Layers that do not change, as attributes of a layer; what would change them says how."""

    __slots__ = ()
    __getattr__ = Answering.__getattr__  # type: ignore[attr-defined]  # hidden from type checkers

    def __setitem__(self, place: Any, layer: Any) -> None:
        """Raise TypeError, as a tuple does."""
        raise _fixed(f"model.replace({place}, layer)", "an assignment")

    def __delitem__(self, place: Any) -> None:
        """Raise TypeError, as a tuple does."""
        raise _fixed(f"model.remove({place})", "a deletion")

    def __iadd__(self, layers: Any) -> Any:  # type: ignore[misc]  # it adds nothing
        """Raise TypeError: the attribute could not be assigned either."""
        raise _fixed("model.append(layer)", "+=")


class Child(tuple[Any, ...]):
    """A layer's name and the layer; what only the layer has says that this is a pair."""

    __slots__ = ()
    __getattr__ = Answering.__getattr__  # type: ignore[attr-defined]  # hidden from type checkers


def _fixed(line: str, received: str) -> Exception:
    return DTypeError(sentence("layers", "a tuple", f"{line}, which changes the model", received))


class LayerList(list[Any]):
    """A list of layers that an own layer holds; its changes are changes of that layer."""

    def __init__(self, items: Any, owner: Any, name: str) -> None:
        self._owner: Callable[[], Any] = ref(owner)
        self._name = name
        self._fill(items)

    def _fill(self, items: Any) -> None:
        self._with_parts = has_parts(items)
        filled = [kept(item, self._owner(), self._name) for item in items]
        list.__setitem__(self, slice(None), filled)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """A copy is a plain list, which the copied layer makes its own."""
        return list, (), None, iter(self)


class LayerDict(dict[Any, Any]):
    """A dict of layers that an own layer holds; its changes are changes of that layer."""

    def __init__(self, items: Any, owner: Any, name: str) -> None:
        self._owner: Callable[[], Any] = ref(owner)
        self._name = name
        self._fill(items)

    def _fill(self, items: Any) -> None:
        self._with_parts = has_parts(items)
        filled = {key: kept(item, self._owner(), self._name) for key, item in items.items()}
        dict.clear(self)
        dict.update(self, filled)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """A copy is a plain dict, which the copied layer makes its own."""
        return dict, (), None, None, iter(self.items())


def _reporting(kind: Any, name: str) -> Callable[..., Any]:
    """Return a method that changes a list or dict, and reports changes of parts to the owner."""
    method = getattr(kind, name)

    def change(self: Any, *args: Any, **kwargs: Any) -> Any:
        args = tuple(list(arg) if isinstance(arg, Iterator) else arg for arg in args)
        owner = self._owner()
        values = (args, kwargs) if kwargs else args
        if owner is None or not (self._with_parts or has_parts(values, or_empty=True)):
            return method(self, *args, **kwargs)
        trial = kind(self)
        result = method(trial, *args, **kwargs)
        changes = self._with_parts or has_parts(trial)
        if changes:
            owner._check_may_change(self._name)
        self._fill(trial)
        if changes:
            owner._note_change(self._name)
        return self if result is trial else result

    change.__name__, change.__doc__ = name, method.__doc__
    return change


_LIST_METHODS = (
    "__delitem__", "__iadd__", "__imul__", "__setitem__", "append", "clear", "extend", "insert",
    "pop", "remove", "reverse", "sort",
)  # fmt: skip
_DICT_METHODS = (
    "__delitem__", "__ior__", "__setitem__", "clear", "pop", "popitem", "setdefault", "update",
)  # fmt: skip
for _kind, _class, _names in (
    (list, LayerList, _LIST_METHODS),
    (dict, LayerDict, _DICT_METHODS),
):
    for _name in _names:
        setattr(_class, _name, _reporting(_kind, _name))
