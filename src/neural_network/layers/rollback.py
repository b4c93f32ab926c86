"""Trials of layers that leave no trace where they fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from neural_network.layers.structure import Structure


@contextmanager
def all_or_nothing(layer: Structure, *, nothing: bool = False) -> Iterator[None]:
    """Put a layer and all inside back as they were if the block raises.

    Else a model of which the third layer does not fit would keep two that were built,
    and the next try would go on from there instead of from its seed.

    Args:
        layer: the layer.
        nothing: put it back also where the block does not raise.
    """
    before = [(part, dict(vars(part))) for part in (layer, *layer._look().below)]
    done = False
    try:
        yield
        done = not nothing
    finally:
        for part, attributes in () if done else before:
            own = vars(part)
            if list(map(id, own.values())) != list(map(id, attributes.values())):
                own.update(attributes)  # first: another thread may use the layer
                for name in own.keys() - attributes.keys():
                    del own[name]
                part._raise_version()
