"""The structure of a layer: what it is made of, what is fixed, and how changes are noted.

What a layer was constructed with is fixed when the outermost ``__init__`` has returned. Its
parts (layers, parameters, buffers) change through methods and through assignments of attributes.
Each change raises the layer's version, a plain number. What was found out about some layers is
true as long as their versions are the same; nobody has to be notified.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import count
from threading import get_ident
from types import MappingProxyType
from typing import Any

import numpy as np

from neural_network.autograd.exchange import others_now
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.describing import Bound, arguments_of, as_tuples, constructing, shown
from neural_network.elsewhere.surface import check_set
from neural_network.errors import (
    ArgumentError,
    DTypeError,
    GradientError,
    ShapeError,
    both,
    brief,
    sentence,
)
from neural_network.layers.lists import HOLDERS, PARTS, has_parts, kept
from neural_network.layers.parameter import Buffer, Parameter, copy_into, place
from neural_network.layers.pixels import BRIGHT
from neural_network.layers.products import Products
from neural_network.layers.unfound import spelled

TENSORS = (Parameter, Buffer)
MEMBERS = (*PARTS, *HOLDERS)
# Attributes of a class that an object may replace, and that change what it computes.
REPLACEABLE = frozenset({"forward", "build", "multiply_adds", "own_penalty", "dtype"})
_versions = count(1)


class Contents:
    """What is inside a layer, true as long as no layer in it changes its version.

    Attributes:
        below: the layers inside, depth first, each once; without the layer itself, which
            would then hold itself and outlive its last user.
        names: of the layer itself, which is empty, and of those below.
        versions: likewise, at the time of the decision; with the number of attributes,
            because ``functools.cached_property`` adds one without an assignment.
        parameters, buffers: (name, tensor), each once.
        products: the matrix products of the weights.
        whole: the shape of a row and a type → how ``planning`` computes all layers at once in
            evaluation.
    """

    __slots__ = ("below", "buffers", "names", "parameters", "products", "versions", "whole")

    def __init__(self, layer: Structure) -> None:
        self.products = Products()
        self.whole: dict[tuple[tuple[int, ...], Any], Any] = {}
        waiting: list[tuple[str, Structure]] = [("", layer)]
        seen, named, tensors = set[int](), dict[str, Structure](), dict[str, Tensor]()
        self.versions: list[tuple[int, int]] = []
        while waiting:
            name, inner = waiting.pop()
            if id(inner) in seen:
                continue
            seen.add(id(inner))
            if name in named:
                raise _collision(layer, name, named[name], inner)
            named[name] = inner
            # Noted before its members are read: another thread may change it meanwhile.
            self.versions.append((inner._version, len(inner.__dict__)))
            prefix = f"{name}." if name else ""
            children = []
            for own, value in inner._members():
                if isinstance(value, Structure):
                    children.append((prefix + own, value))
                elif id(value) not in seen:
                    seen.add(id(value))
                    if prefix + own in tensors:
                        raise _collision(layer, prefix + own, tensors[prefix + own], value)
                    tensors[prefix + own] = value
                    self.products.add(value.data.shape, inner._built_for)
            waiting += children[::-1]
        self.names = list(named)
        self.below: list[Any] = list(named.values())[1:]
        self.parameters = [(n, t) for n, t in tensors.items() if isinstance(t, Parameter)]
        self.buffers = [(n, t) for n, t in tensors.items() if isinstance(t, Buffer)]


class Replaced(dict[str, Any]):
    """By attribute, what ``functional_call`` has put other tensors in the place of.

    Each call makes another one, so that a computation can tell whether there was a call meanwhile.
    """

    def __init__(self, attributes: Mapping[str, Any] = MappingProxyType({})) -> None:
        super().__init__(attributes)
        self.thread = get_ident()


_NOTHING_REPLACED = Replaced()


class Structure(Bound):
    """The half of ``Layer`` that holds its parts together."""

    dtype: np.dtype[Any] = np.dtype(np.float32)
    # Which methods change the layers, for errors.
    _methods = ""
    # The attributes that ``build`` makes: what was assigned to them before would be lost.
    _made_by_build: tuple[str, ...] = ()
    # The attribute whose layers have their numbers as names, if there is one.
    _numbered: str | None = None
    _version = 0
    # Rows whose largest number is above the first or below the second are looked at by ``predict``.
    _bright: float = BRIGHT
    _faint = -math.inf
    # Of the first input, batch axis included, as ``build`` saw it; and its type's name.
    _built_for: tuple[tuple[int, ...], str] | None = None
    # The names of the constructor's arguments; None while ``__init__`` or ``build`` runs.
    _fixed: frozenset[str] | None = None
    # The part that was last changed after the layer was made; and the parameters that were
    # exchanged for others, which may be of other layers as well.
    _changed: str | None = None
    _exchanged: frozenset[str] = frozenset()
    # The function, such as "fit", that allows no change of the structure now.
    _fixed_by: str | None = None
    _contents: Contents | None = None
    # Whether there is a list or dict whose changes are not noticed.
    _unreported = False
    _replaced = _NOTHING_REPLACED
    # What ``flat_parameters`` returned, its memory, and the parameters that are views of it.
    _flat: tuple[Array, Array, list[tuple[str, Parameter]]] | None = None

    # --- being made and copied ---------------------------------------------------------

    def _bind(self) -> None:
        of, own = arguments_of(type(self)), self.__dict__
        for name, value in [*own.items()]:
            if name[0] != "_" and isinstance(value, HOLDERS):
                fixed = name in of.names and isinstance(value, list)
                own[name] = kept(as_tuples(value) if fixed else value, self, name)
        own.update(
            _fixed=of.fixed, _contents=None, _flat=None, _replaced=_NOTHING_REPLACED,
            _version=next(_versions),
        )  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy is made of: it gets a buffer of its own."""
        left = ("_flat", "_contents", "_fixed_by", "_plan", "_replaced")
        attributes = dict(self.__dict__)
        attributes |= attributes.get("_replaced", _NOTHING_REPLACED)
        return {name: value for name, value in attributes.items() if name not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become the copy of a layer."""
        self.__dict__.update(state)
        self._bind()

    def _repr_html_(self) -> str:
        from neural_network.layers.summary import html_of_layer

        return html_of_layer(self)

    # --- being changed -----------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute: constructor arguments are fixed, new parts raise the version."""
        fixed = self._fixed
        if fixed is None or name[:1] == "_":
            super().__setattr__(name, value)
            if name == "__class__":
                self._raise_version()
            return
        before = self.__dict__.get(name)
        if value is before and before is not None:
            return
        if isinstance(before, TENSORS):
            if value is not None and not isinstance(value, PARTS):
                copy_into(before, value, type(self).__name__, name)
                return
            self._check_fits(name, before, value)
        elif name in fixed and not isinstance(getattr(type(self), name, None), property):
            raise self._fixed_error(name, shown(value))
        elif self._built_for is None and name in self._made_by_build:
            self._check_not_lost(name)
        if (name not in self.__dict__ and name != "training") or name == "dtype":
            check_set(self, name, value)
        if isinstance(value, HOLDERS):
            value = kept(value, self, name)
        parts = isinstance(value, MEMBERS) or isinstance(before, MEMBERS)
        if parts and (has_parts(value) or has_parts(before)):
            self._check_may_change(name)
            self._check_read(name)
            self._set_part(name, before, value)
        else:
            super().__setattr__(name, value)
            if name in REPLACEABLE:
                self._raise_version()

    def __delattr__(self, name: str) -> None:
        """Delete an attribute, likewise."""
        if self._fixed is not None and name in self._fixed:
            raise self._fixed_error(name, "…")
        before = self.__dict__.get(name)
        if has_parts(before):
            self._check_may_change(name)
        super().__delattr__(name)
        if has_parts(before):
            self._note_change(name)
        elif name in REPLACEABLE:
            self._raise_version()

    def _set_part(self, name: str, before: Any, value: Any) -> None:
        """Put a part in the place of what was there: a parameter is shared from now on."""
        same = False
        if isinstance(before, TENSORS) and isinstance(value, TENSORS):
            if value.dtype != before.dtype:
                place(value, value.data.astype(before.dtype))
            same = type(before) is type(value) and before.shape == value.shape
            self.__dict__["_exchanged"] = self._exchanged | {name}
        super().__setattr__(name, value)
        self._note_change(None if same else name)

    def _check_fits(self, name: str, before: Tensor, value: Any) -> None:
        """Raise where a layer of the library could not compute with what takes a part's place.

        Layers of one's own may exchange their parameters for whatever their ``forward`` takes.
        """
        if name in (self._fixed or ()) and not isinstance(value, TENSORS):
            raise self._fixed_error(name, "…")
        if not type(self).__module__.startswith("neural_network.layers."):
            return
        kind = type(before).__name__
        expected = f"an array or a {kind} of shape {before.shape}"
        if not isinstance(value, TENSORS):
            raise DTypeError(sentence(type(self).__name__, name, expected, brief(value)))
        if value.shape != before.shape:
            received = f"a {type(value).__name__} of shape {value.shape}"
            raise ShapeError(sentence(type(self).__name__, name, expected, received))

    def _check_read(self, name: str) -> None:
        """Raise AttributeError where the library's ``forward`` would never read a new part."""
        cls = type(self)
        known = name in self.__dict__ or name in REPLACEABLE or hasattr(cls, name)
        if not known and cls.__module__.startswith("neural_network.layers."):
            expected = self._methods or "an attribute that its forward reads"
            expected += " (a class of your own, with a forward, takes any attribute)"
            received = f"an attribute that {cls.__name__} does not read"
            raise both(ArgumentError, AttributeError)(
                sentence(cls.__name__, name, expected, received)
            )

    def _check_not_lost(self, name: str) -> None:
        """Raise ArgumentError where an attribute is made by the library's ``build``.

        That of a subclass of one's own may use what was assigned before.
        """
        build = type(self).build  # type: ignore[attr-defined]  # a Layer
        if (build.__module__ or "").startswith("neural_network.layers."):
            expected = "a layer that is built (initialize(shape), or a first call)"
            raise ArgumentError(sentence(type(self).__name__, name, expected, "one that is not"))

    def _raise_version(self) -> None:
        self.__dict__["_version"] = next(_versions)

    def _note_change(self, name: str | None) -> None:
        """Raise the version; ``name`` is of a part that the arguments do not make any more."""
        self._raise_version()
        if name is not None and not constructing.get():
            self.__dict__["_changed"] = name

    def _check_may_change(self, name: str) -> None:
        """Raise ArgumentError while a function needs the structure as it is."""
        if self._fixed_by is not None:
            expected = (
                f"no change of the structure during {self._fixed_by} "
                "(freeze, unfreeze and hooks are possible)"
            )
            raise ArgumentError(sentence(type(self).__name__, name, expected, "one"))

    def _fixed_error(self, name: str, value: str) -> Any:
        expected = f"a new layer for another value: layer.clone({name}={value}) returns one"
        expected += f" ({self._methods})" if self._methods else ""
        text = sentence(type(self).__name__, name, expected, "an assignment")
        return both(ArgumentError, AttributeError)(text)

    def _check_used_alone(self) -> None:
        """Raise GradientError while another thread calls this layer by ``functional_call``."""
        if others_now() is None and self._replaced.thread != get_ident():
            raise GradientError(
                f"{type(self).__name__}: expected a layer that no other thread calls by "
                "functional_call at the same time, received one with the numbers of that call; "
                "give each thread a model of its own (copy.deepcopy)"
            )

    # --- what is inside ----------------------------------------------------------------

    def _members(self) -> list[tuple[str, Any]]:
        """Return the layers, parameters and buffers directly inside, with their names."""
        found: list[tuple[str, Any]] = []
        attributes = dict(self.__dict__)  # in one step: another thread may change them
        attributes |= attributes.get("_replaced", _NOTHING_REPLACED)
        for name, value in attributes.items():
            if name[:1] == "_":
                continue
            if isinstance(value, PARTS):
                found.append((name, value))
            elif isinstance(value, HOLDERS):
                for item in value.values() if isinstance(value, dict) else value:
                    if isinstance(item, MEMBERS):  # few do: most are sizes
                        unfold("" if name == self._numbered else f"{name}.", value, found)
                        break
        return found

    def _look(self) -> Contents:
        """Return what is inside, from memory if it is still true."""
        found = self._contents
        if found is not None:
            layers = (self, *found.below)
            if [(one._version, len(one.__dict__)) for one in layers] == found.versions:
                return found
        found = Contents(self)
        if not [1 for layer in (self, *found.below) if layer._fixed is None or layer._unreported]:
            self.__dict__["_contents"] = found
        return found


def unfold(prefix: str, value: Any, found: list[tuple[str, Any]]) -> None:
    """Add the parts that lie in a list, tuple or dict, also in one inside it."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, PARTS):
            found.append((f"{prefix}{key}", item))
        elif isinstance(item, HOLDERS):
            unfold(f"{prefix}{key}.", item, found)


# --- checks at the first call ------------------------------------------------------------


def check_names(layer: Structure, base: type[Structure]) -> None:
    """Raise ArgumentError where an attribute hides a method that others call."""
    # Not ``hasattr``: it would write the sentence of a missing name for each attribute.
    names = {name for name in [*vars(layer)] if not name.startswith("_")}
    taken = {name for one in base.__mro__ for name in vars(one).keys() & names}
    taken -= REPLACEABLE | {"training"}
    if type(layer).training is not base.training:  # type: ignore[attr-defined]  # a Layer
        taken.add("training")
    if taken:
        expected = "another name for an attribute: Layer has something of this one"
        raise ArgumentError(sentence(type(layer).__name__, min(taken), expected, "it"))


# What ``check_found`` looks at and into.
MAY_HOLD = (Structure, Parameter, Buffer, dict, list, tuple, set, frozenset)


def check_found(layer: Structure) -> None:
    """Raise ArgumentError where a layer or parameter is held where it is not found.

    It would be neither trained nor saved, without an error.
    """
    contents = layer._look()
    found = {id(value) for value in (layer, *contents.below)}
    found |= {id(value) for _, value in (*contents.parameters, *contents.buffers)}
    for name, value in [*vars(layer).items()]:
        if name in ("_arguments", "_flat") or not isinstance(value, MAY_HOLD):
            continue
        for spot, item in spelled(name, value):
            for part in item if isinstance(item, set | frozenset) else [item]:
                if isinstance(part, Structure | Parameter | Buffer) and id(part) not in found:
                    expected = (
                        "layers and parameters in attributes without a leading underscore, or in "
                        "lists and dicts there (a function that returns one hides it on purpose)"
                    )
                    received = f"a {type(part).__name__} that is not found"
                    raise ArgumentError(sentence(type(layer).__name__, spot, expected, received))


def _collision(model: Structure, name: str, *pair: object) -> ArgumentError:
    """Return the error of two layers, or two tensors, that have one name."""
    spots, seen = dict[int, str](), set[int]()
    waiting: list[tuple[str, Structure]] = [("model", model)]
    while waiting:
        prefix, layer = waiting.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        for own, value in vars(layer).items():
            for spot, item in spelled(f"{prefix}.{own}", value):
                if not own.startswith("_"):
                    spots.setdefault(id(item), spot)
                    waiting += [(spot, item)] if isinstance(item, Structure) else []
    found = " and ".join(spots.get(id(one), type(one).__name__) for one in pair)
    expected = f"one thing of the name {name!r}"
    return ArgumentError(sentence(type(model).__name__, "names", expected, found))
