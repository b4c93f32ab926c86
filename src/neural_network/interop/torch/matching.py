"""Which array of a PyTorch network belongs to which parameter or buffer of a model."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from neural_network.errors import ArgumentError, ShapeError, brief, sentence
from neural_network.interop.torch.layouts import UNUSED, Entry
from neural_network.interop.weights import listed, without_partners

Shapes = Mapping[str, tuple[int, ...]]
Groups = dict[str, dict[str, tuple[int, ...]]]  # layer → last part of a name → shape


def match(
    function: str,
    wanted: Sequence[Entry],
    found: Shapes,
    names: Mapping[str, str],
    *,
    strict: bool,
    argument: str = "source",
) -> dict[str, str]:
    """Return name in the model → name in the network.

    First what ``names`` says, then equal names. Where the names differ, the order decides: each
    layer has to have the parameters of the one at its place, with the same shapes.

    Args:
        function: the public function, for errors.
        wanted: what the model has.
        found: name → shape in the PyTorch network, in its order where that is known.
        names: layer or array of the model → layer or array of the network.
        strict: whether everything has to have a partner.
        argument: what gave the network, for errors.

    Raises:
        ArgumentError: ``names`` names what does not exist; with ``strict``, something has no
            partner; or names of layers of one shape say nothing about their order.
        ShapeError: an array with the right name has another shape.
    """
    found = {name: shape for name, shape in found.items() if name.rpartition(".")[2] != UNUSED}
    pairs = _given(function, wanted, found, names)
    wanted = [entry for entry in wanted if entry.name not in pairs]
    taken = set(pairs.values())
    found = {name: shape for name, shape in found.items() if name not in taken}
    same = _same_names(wanted, found)
    if strict and len(same) == len(wanted) == len(found):
        _check_shapes(function, wanted, found, same)
        return pairs | same
    same = {
        e.name: same[e.name] for e in wanted if e.name in same and e.shape == found[same[e.name]]
    }
    ordered = _by_order(function, argument, wanted, found)
    best = max(same, ordered, key=len)
    if strict and not len(best) == len(wanted) == len(found):
        raise _unpaired(function, argument, wanted, found, best)
    return pairs | best


def _given(
    function: str, wanted: Sequence[Entry], found: Shapes, names: Mapping[str, str]
) -> dict[str, str]:
    """Return the pairs that the caller gives."""
    pairs: dict[str, str] = {}
    for ours, theirs in names.items():
        inside = f"{ours}."
        entries = [e for e in wanted if e.name == ours or e.name.startswith(inside)]
        if not entries:
            expected = f"names of layers or parameters of the model ({listed_entries(wanted)})"
            raise ArgumentError(sentence(function, "names", expected, brief(ours)))
        for entry in entries:
            rest = entry.full[len(ours) :] if entry.name != ours else ""
            name = f"{theirs}{rest}"
            if name not in found:
                expected = f"names of the network ({listed(found)})"
                raise ArgumentError(sentence(function, "names", expected, brief(name)))
            if name in pairs.values():
                expected = "each array of the network once"
                raise ArgumentError(sentence(function, "names", expected, brief(name)))
            pairs[entry.name] = name
    _check_shapes(function, wanted, found, pairs)
    return pairs


def _same_names(wanted: Sequence[Entry], found: Shapes) -> dict[str, str]:
    """Return the pairs with equal names; what all names of the network begin with is left out.

    Wrappers put a name in front of all names: "module." (DataParallel), "_orig_mod." (compile).
    """
    pairs = {entry.name: entry.full for entry in wanted if entry.full in found}
    if pairs or not found:
        return pairs
    first = next(iter(found)).partition(".")[0] + "."
    while first != "." and all(name.startswith(first) for name in found):
        pairs = {e.name: first + e.full for e in wanted if first + e.full in found}
        if pairs:
            return pairs
        following = next(iter(found))[len(first) :].partition(".")
        if not following[1]:
            break
        first += following[0] + "."
    return {}


def _by_order(
    function: str, argument: str, wanted: Sequence[Entry], found: Shapes
) -> dict[str, str]:
    """Return pairs of the layers that have the same place in the order, up to a difference."""
    ours: Groups = defaultdict(dict)
    place = {}
    for entry in wanted:
        ours[entry.layer][entry.leaf] = entry.shape
        place[entry.layer, entry.leaf] = entry.name
    theirs: Groups = defaultdict(dict)
    for name, shape in found.items():
        layer, _, leaf = name.rpartition(".")
        theirs[layer][leaf] = shape
    layers = _ordered(theirs, list(found))
    if layers is None:
        partners = _by_shapes(function, argument, ours, theirs)
    else:
        partners = {}
        for mine, other in zip(ours, layers, strict=False):
            if ours[mine] != theirs[other]:
                break
            partners[mine] = other
    return {
        place[mine, leaf]: f"{other}.{leaf}" if other else leaf
        for mine, other in partners.items()
        for leaf in ours[mine]
    }


def _ordered(groups: Groups, names: list[str]) -> list[str] | None:
    """Return the layers of a network in its order, or None where it is not known.

    A file has its names in alphabetical order, whatever the order in the network is; then the
    numbers in the names tell it, if nothing else in them differs.
    """
    if names != sorted(names):
        return list(groups)
    layers = sorted(groups, key=_parts)
    return layers if _numbered(layers) else None


def _numbered(layers: Iterable[str]) -> bool:
    """Return whether numbers in their names tell the order of some layers, sorted by them."""
    for one, other in pairwise(layers):
        differing = [
            n for n, (a, b) in enumerate(zip(_parts(one), _parts(other), strict=False)) if a != b
        ]
        if not differing or differing[0] % 2 == 0:
            return False
    return True


def _parts(name: str) -> list[str | int]:
    """Return a name as text, number, text …; as a key it sorts "2" before "10"."""
    return [int(part) if n % 2 else part for n, part in enumerate(re.split(r"([0-9]+)", name))]


def _by_shapes(function: str, argument: str, ours: Groups, theirs: Groups) -> dict[str, str]:
    """Return pairs of layers with the same parameters; numbers tell apart those of one shape.

    Raises:
        ArgumentError: several layers of one shape, and no numbers in their names.
    """
    waiting = defaultdict(list)
    for layer, shapes in theirs.items():
        waiting[frozenset(shapes.items())].append(layer)
    mine = defaultdict(list)
    for layer, shapes in ours.items():
        mine[frozenset(shapes.items())].append(layer)
    pairs: dict[str, str] = {}
    for kind, layers in mine.items():
        others = sorted(waiting.get(kind, []), key=_parts)
        if len(others) > 1 and not _numbered(others):
            expected = (
                f"layers whose order is known; {listed(layers)} may be any of {listed(others)}; "
                "names={ours: theirs} says which, and a state_dict itself is in the order of "
                "the network"
            )
            raise ArgumentError(
                sentence(function, argument, expected, "names in alphabetical order")
            )
        pairs |= dict(zip(layers, others, strict=False))
    return pairs


def _check_shapes(
    function: str, wanted: Sequence[Entry], found: Shapes, pairs: Mapping[str, str]
) -> None:
    for entry in wanted:
        name = pairs.get(entry.name)
        if name is not None and found[name] != entry.shape:
            expected = f"shape {entry.shape}, for {entry.name} of the model"
            shape, size = found[name], ""
            if len(shape) == len(entry.shape) == 2 and shape[0] == entry.shape[0]:
                size = ", which takes inputs of another size: initialize the model with that"
            received = f"shape {shape}{size} (strict=False loads the arrays that fit)"
            raise ShapeError(sentence(function, name, expected, received))


def _unpaired(
    function: str,
    argument: str,
    wanted: Sequence[Entry],
    found: Shapes,
    pairs: Mapping[str, str],
) -> ArgumentError:
    """Return the error for arrays without a partner."""
    missing = [f"{e.name} {e.shape}" for e in wanted if e.name not in pairs]
    used = set(pairs.values())
    unexpected = [f"{name} {shape}" for name, shape in found.items() if name not in used]
    expected = "the arrays of the model, by name or layer after layer"
    cure = "strict=False loads what fits, " if argument == "source" else ""
    cure += "names={ours: theirs} pairs layers"
    received = without_partners(missing, unexpected, cure)
    return ArgumentError(sentence(function, argument, expected, received))


def listed_entries(entries: Iterable[Entry]) -> str:
    """Return names and shapes of entries as text."""
    return listed(f"{entry.name} {entry.shape}" for entry in entries)
