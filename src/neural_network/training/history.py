"""The measures of a training, by epoch."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from neural_network.checks import Array, as_mapping
from neural_network.describing import html_table
from neural_network.elsewhere.surface import Answering
from neural_network.errors import DTypeError, brief, sentence
from neural_network.public import public
from neural_network.training.shown import epochs_of

EXPECTED = "a dict of measure → one number for each epoch"


class Measures(dict[str, float]):
    """Measure → number; a dict that answers what other libraries call a measure."""

    def __missing__(self, key: object) -> Any:
        from neural_network.elsewhere.answers import missing_key

        raise missing_key("measures", key, self)

    def get(self, key: Any, default: Any = None) -> Any:
        """Return a measure, or the default; a hint says what another library's name is here."""
        return _found(self, "measures", key, default)


def _found(measures: dict[str, Any], name: str, key: object, default: Any) -> Any:
    """Return what ``get`` of a dict does, and give a hint about a word of another library."""
    if not isinstance(key, Hashable):  # as a dict refuses it
        raise DTypeError(sentence(f"{name}.get", "key", "the name of a measure", brief(key)))
    if key not in measures:
        from neural_network.elsewhere.answers import hint_of_key

        hint_of_key(name, key, measures)
        return default
    return measures[key]


@public
class History(dict[str, list[float]], Answering):
    """Measure → one number for each epoch; a dict, which ``visual.show_history`` draws.

    Args:
        values: measures so far, which are copied.
        seed: of the run.

    Attributes:
        seed: of the run; the same seed and data give the same numbers.
        seconds: duration of all epochs, those before a ``resume`` included.

    Raises:
        DTypeError: ``values`` is no dict of lists.

    >>> history = History(seed=0)
    >>> history.add({"loss": 0.5, "accuracy": 0.8})
    >>> history["loss"], history.epochs
    ([0.5], 1)
    """

    def __init__(self, values: Mapping[str, list[float]] | None = None, *, seed: int = 0) -> None:
        found = {} if values is None else as_mapping("History", "values", values, EXPECTED)
        for name, numbers in found.items():
            if not isinstance(name, str) or not isinstance(numbers, list | tuple | np.ndarray):
                received = f"{brief(numbers)} for {brief(name)}"
                raise DTypeError(sentence("History", "values", EXPECTED, received))
        super().__init__({name: list(numbers) for name, numbers in found.items()})
        self.seed = seed
        self.seconds = 0.0
        self._packed: dict[str, array[float]] = {}

    def __repr__(self) -> str:
        ends = [f"{name} {v[0]:.4g} -> {v[-1]:.4g}" for name, v in self.items() if v]
        return f"History({self.epochs} epochs: {', '.join(ends)})" if ends else "History()"

    def _repr_html_(self) -> str:
        header = ["epoch", *map(str, self)]
        return html_table("", header, epochs_of(self, self.epochs))

    def __missing__(self, key: object) -> Any:
        from neural_network.elsewhere.answers import missing_key

        raise missing_key("History", key, self)

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the numbers of a measure, or the default, likewise with a hint."""
        return _found(self, "History", key, default)

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        return max((len(numbers) for numbers in self.values()), default=0)

    def arrays(self) -> dict[str, Array]:
        """Return the numbers as new arrays of float64, for a checkpoint."""
        return {name: np.array(self._packed_of(name)) for name in self}

    def _packed_of(self, name: str) -> array[float]:
        """Return the numbers of a measure, of which only the new ones are converted."""
        numbers, packed = self[name], self._packed.setdefault(name, array("d"))
        known = len(packed)
        if known > len(numbers) or (known and packed[-1] != numbers[known - 1]):
            del packed[:]  # somebody has put other numbers there
        packed.extend(numbers[len(packed) :])
        return packed

    def add(self, measures: Mapping[str, float]) -> None:
        """Append the measures of one epoch."""
        for name, number in measures.items():
            self.setdefault(name, []).append(number)
