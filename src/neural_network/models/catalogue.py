"""The models that can be chosen by name."""

from __future__ import annotations

from collections.abc import Callable

from neural_network.layers.containers import Sequential
from neural_network.lazy import NameTable
from neural_network.public import public

# Each makes a network for ``classes``, ``input_shape`` and ``rng``.
MODELS: NameTable[Callable[..., Sequential]] = public(top_level=False)(NameTable("model"))
