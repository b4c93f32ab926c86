"""Constructors of layers: further bases, old names of arguments, signatures."""

from __future__ import annotations

import inspect
import json
from abc import ABC, abstractmethod
from functools import partialmethod
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pytest

from neural_network import (
    ArgumentError,
    AvgPool2D,
    Conv2D,
    ConvTranspose2D,
    Dense,
    DepthwiseConv2D,
    Embedding,
    Layer,
    MaxPool2D,
    load,
    save,
)
from neural_network.layers.saving import describe, rebuild

ROWS = np.random.default_rng(1).standard_normal((3, 4)).astype("f4")


@runtime_checkable
class Closes(Protocol):
    def close(self) -> int: ...


class Abstract(ABC):
    @abstractmethod
    def close(self) -> int: ...


@pytest.mark.parametrize("bases", [(Dense, Closes), (Closes, Dense), (Dense, Abstract)])
def test_layers_have_protocols_and_abstract_classes_as_bases(bases: Any, tmp_path: Path) -> None:
    class Own(*bases):  # type: ignore[misc]
        def close(self) -> int:
            return self.units

    made = Own(3, "relu")
    assert repr(made) == repr(Own(units=3, activation="relu"))
    assert made.close() == 3
    assert isinstance(made, bases)
    assert not isinstance(Dense(3), bases[bases[0] is Dense])
    assert list(inspect.signature(Own).parameters)[:2] == ["units", "activation"]
    with pytest.raises(ArgumentError, match="Own: units: expected a new layer"):
        made.units = 4
    wide = made.initialize((4,), rng=0).clone(units=5)
    save(wide, tmp_path / "own.safetensors")
    read = load(tmp_path / "own.safetensors", layers={"Own": Own})
    np.testing.assert_array_equal(read.predict(ROWS), wide.predict(ROWS))


def test_an_abstract_layer_is_not_made() -> None:
    class Own(Layer, Abstract):
        pass

    with pytest.raises(TypeError, match="abstract class Own"):
        Own()  # type: ignore[abstract]


def test_a_constructor_with_some_arguments_given() -> None:
    class Three(Dense):
        __init__ = partialmethod(Dense.__init__, 3)  # type: ignore[assignment]

    made: Any = Three(activation="relu")
    assert repr(made.clone()) == "Three(activation='relu')"
    assert made(ROWS).shape == (3, 3)


# --- old names -------------------------------------------------------------------------------

OLD: list[tuple[type[Layer], tuple[Any, ...]]] = [
    (Conv2D, (4,)), (ConvTranspose2D, (4,)), (DepthwiseConv2D, ()), (MaxPool2D, ()), (AvgPool2D, ()),
]  # fmt: skip


@pytest.mark.parametrize(("cls", "args"), OLD)
@pytest.mark.filterwarnings("error")
def test_old_names_of_arguments(cls: Any, args: tuple[Any, ...]) -> None:
    name = cls.__name__
    with pytest.warns(
        DeprecationWarning, match=f"{name}: the argument 'size' is now called 'kerne"
    ):
        layer = cls(*args, size=2)
    assert layer.kernel_size == (2, 2)
    assert "kernel_size=2" in repr(layer)
    with pytest.warns(DeprecationWarning, match=f"{name}: the attribute 'size' is now called 'ker"):
        assert layer.size == (2, 2)
    text = json.loads(json.dumps(describe(layer)).replace("kernel_size", "size"))
    assert repr(rebuild("file", text, {})) == repr(layer)  # without a warning

    class Own(cls):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(*args, size=3)

    with pytest.warns(DeprecationWarning, match="Own: the argument 'size' is now called 'kernel_s"):
        assert Own().kernel_size == (3, 3)

    class Sized(cls):  # type: ignore[misc]
        def __init__(self, size: int) -> None:
            super().__init__(*args, kernel_size=size + 1)

    assert Sized(size=2).kernel_size == (3, 3)
    with pytest.raises(AttributeError, match=f"'{name}' object has no attribute 'sizes'"):
        _ = layer.sizes


def test_signatures_are_those_of_the_constructors() -> None:
    assert list(inspect.signature(Dense).parameters)[:2] == ["units", "activation"]
    assert list(inspect.signature(Conv2D).parameters)[:2] == ["filters", "kernel_size"]
    assert "self" not in inspect.signature(Embedding).parameters
