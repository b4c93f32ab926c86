"""The outputs and targets of an epoch, for the metrics that are no means over batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.errors import ArgumentError, sentence
from neural_network.layers.several import arrays_in, each, joined
from neural_network.training.objectives import Metric, measured, needs_all_rows


class Gathered:
    """What an epoch has computed so far; nothing is kept where no metric needs it.

    Args:
        metrics: all metrics of a training.

    Attributes:
        given: all of them.
        metrics: those that need all rows.
        of_batches: the others.
    """

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self.given = metrics
        self.metrics = {name: m for name, m in metrics.items() if needs_all_rows(m)}
        self.of_batches = {name: m for name, m in metrics.items() if name not in self.metrics}
        self._rows: list[tuple[Any, Any]] = []

    def add(self, outputs: Any, y: Any) -> None:
        """Keep the rows of a batch, copied, because the next batch may use the same memory."""
        self._rows.append((each(np.copy, outputs), each(np.copy, y)))

    def clear(self) -> None:
        """Begin an epoch."""
        self._rows = []

    def measures(self) -> dict[str, float]:
        """Return the metrics of all rows so far, without those in which no row counts."""
        return measured(self.metrics, *self._joined()) if self._rows and self.metrics else {}

    def _joined(self) -> tuple[Any, Any]:
        outputs, targets = zip(*self._rows, strict=True)
        return joined(outputs), joined(targets)

    def state(self) -> dict[str, Array]:
        """Return the rows as arrays, for a checkpoint."""
        if not self._rows:
            return {}
        parts = zip(("outputs", "y"), self._joined(), strict=True)
        return {f"{name}{place}": a for name, part in parts for place, a in arrays_in(part)}

    def load_state(self, state: Mapping[str, Array], rows: int) -> None:
        """Continue from what ``state`` returned, after so many rows of an epoch.

        Raises:
            ArgumentError: other arrays; nothing is changed then.
        """
        wanted = rows if self.metrics else 0
        found = {name: array for name, array in state.items() if len(array) == wanted}
        parts = [_restored(found, name) for name in ("outputs", "y")] if wanted else []
        if len(found) < len(state) or (wanted and not all(parts)):
            expected, received = f"outputs and targets of {wanted} rows", " ".join(state) or "none"
            raise ArgumentError(sentence("load_state", "gathered", expected, received))
        self._rows = [(parts[0][0], parts[1][0])] if wanted else []


def _restored(arrays: Mapping[str, Array], name: str) -> list[Any]:
    """Return what ``arrays_in`` took apart, in a list; none where it is not there."""
    own = {place[len(name) :]: a for place, a in arrays.items() if place.startswith(name)}
    if "" in own:
        return [own[""]]
    if own and all(place.startswith("['") for place in own):
        return [{place[2:-2]: array for place, array in own.items()}]
    ordered = [own[f"[{place}]"] for place in range(len(own)) if f"[{place}]" in own]
    return [tuple(ordered)] if ordered and len(ordered) == len(own) else []
