"""Several random changes as one, and an augmentation from its settings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.datasets.augmentation.steps import Augmentation, Warping
from neural_network.datasets.augmentation.warp import composed, warped
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, brief, sentence
from neural_network.lazy import NameTable
from neural_network.public import public


@public
@dataclass(frozen=True, init=False, repr=False)
class Augment(Augmentation):
    """Several random changes, one after the other.

    Neighbouring steps that only move pixels (``Shift``, ``Rotate``, ``Scale``, ``Elastic``,
    ``Flip``) and have one fill value are combined, and the pictures sampled once, which is
    faster and sharper. Pixels that an earlier step moves out of the picture may be moved back
    by a later one. The displacements of ``Elastic`` are applied last, whatever its position.

    Attributes:
        steps: the changes in order, with the steps of an ``Augment`` in its place. They draw
            from the generator in this order.

    Raises:
        DTypeError: a step is no augmentation.

    Source: Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural
    Networks", ICDAR 2003.

    >>> augment = Augment(Shift(2), Rotate(10), Cutout(8))
    >>> augment
    Augment(Shift(pixels=2), Rotate(degrees=10.0), Cutout(size=8))
    >>> images, labels = load_mnist()
    >>> augment(images[:128], rng=0).shape
    (128, 28, 28)
    """

    steps: tuple[Augmentation, ...]

    def __init__(self, *steps: Augmentation) -> None:
        for step in steps:
            if not isinstance(step, Augmentation):
                expected = "augmentations such as Shift(2)"
                hint = ""
                if isinstance(step, list | tuple):
                    hint = f"; without brackets: Augment({', '.join(map(repr, step))})"
                elif isinstance(step, type) and issubclass(step, Augmentation):
                    hint = f"; with parentheses: {step.__name__}(…)"
                elif callable(step):
                    hint = (
                        "; a function is given beside it: "
                        "augment=lambda X, rng: function(Augment(Shift(2))(X, rng), rng)"
                    )
                received = brief(step, letters=60) + hint
                raise DTypeError(sentence("Augment", "steps", expected, received))
        nested = (step.steps if isinstance(step, Augment) else (step,) for step in steps)
        self._set(steps=tuple(step for some in nested for step in some))

    def check_fill(self, dtype: np.dtype[Any]) -> None:
        """Raise ArgumentError if a step's fill value is no shade of integers of this type."""
        for step in self.steps:
            step.check_fill(dtype)

    def change(self, X: Array, rng: np.random.Generator) -> Array:
        """Return the changed pictures; the arguments have been checked."""
        result = X
        for group in self._groups():
            moves = [step for step in group if isinstance(step, Warping)]
            if not moves:
                result = group[0].change(result, rng)
                continue
            warps = [step.draw(rng, (len(X), *X.shape[-2:])) for step in moves]
            fills = [step.fill for step in moves if step.fill is not None]
            result = warped(result, reduce(composed, warps), *fills[:1] or [0.0])
        return X.copy() if result is X else result

    def _groups(self) -> Iterator[list[Augmentation]]:
        """Yield the steps in groups; each group of ``Warping`` is one sampling."""
        group: list[Augmentation] = []
        for step in self.steps:
            fills = {s.fill for s in [*group, step] if isinstance(s, Warping)} - {None}
            moving = isinstance(step, Warping) and all(isinstance(s, Warping) for s in group)
            if group and not (moving and len(fills) <= 1):
                yield group
                group = []
            group.append(step)
        if group:
            yield group

    def settings(self) -> dict[str, Any]:
        """Return the name and the steps' settings, for JSON.

        >>> Augment(Flip()).settings()
        {'name': 'Augment', 'steps': [{'name': 'Flip'}]}
        """
        return {"name": "Augment", "steps": [step.settings() for step in self.steps]}

    def __repr__(self) -> str:
        return f"Augment({', '.join(map(repr, self.steps))})"


AUGMENTATIONS: NameTable[type[Augmentation]] = NameTable("augmentation")


@public
@explains_calls
def augmentation_from(settings: Mapping[str, Any]) -> Augmentation:
    """Return the augmentation that ``settings()`` described.

    Args:
        settings: ``"name"``: the class, and its arguments by name; for ``"Augment"``,
            ``"steps"``: a list of such settings.

    Returns:
        An augmentation that equals the one described.

    Raises:
        ArgumentError: an unknown name, an argument missing or unknown, or a value
            that the class refuses.
        DTypeError: not a mapping, or a value of the wrong kind.

    >>> augmentation_from({"name": "Rotate", "degrees": 10.0})
    Rotate(degrees=10.0)
    """
    if not isinstance(settings, Mapping):
        expected = 'a mapping such as {"name": "Rotate", "degrees": 10.0}'
        raise DTypeError(sentence("augmentation_from", "settings", expected, brief(settings)))
    function, name = "augmentation_from", settings.get("name")
    kinds: dict[Any, type[Augmentation]] = {**AUGMENTATIONS, "Augment": Augment}
    if not isinstance(name, str) or name not in kinds:
        raise ArgumentError(sentence(function, "name", f"one of {', '.join(kinds)}", brief(name)))
    arguments = {key: value for key, value in settings.items() if key != "name"}
    parameters = inspect.signature(kinds[name]).parameters
    required = {word for word, one in parameters.items() if one.default is one.empty}
    if not required <= arguments.keys() <= parameters.keys():
        expected = " and ".join(sorted(required)) or "no argument"
        expected += "".join(f", perhaps {word}" for word in sorted(parameters.keys() - required))
        received = ", ".join(map(repr, arguments)) or "nothing"
        raise ArgumentError(sentence(function, name, expected, received))
    if name != "Augment":
        return kinds[name](**arguments)
    steps = arguments["steps"]
    if not isinstance(steps, list | tuple):
        raise DTypeError(sentence(function, "steps", "a list of settings", brief(steps)))
    return Augment(*map(augmentation_from, steps))
