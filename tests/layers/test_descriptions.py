"""What a file says of a model: its classes and their arguments, as they make it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neural_network import (
    ArgumentError,
    Conv2D,
    Dense,
    DTypeError,
    Layer,
    Residual,
    Sequential,
    load,
    save,
)
from neural_network.layers.saving import describe, rebuild

PICTURES = np.random.default_rng(0).standard_normal((2, 4, 9, 9)).astype("f4")
ROWS = np.random.default_rng(1).standard_normal((3, 4)).astype("f4")

# --- files -----------------------------------------------------------------------------------


class Other(Layer):
    """Makes its parts itself, in three places."""

    def __init__(self) -> None:
        self.body = Sequential(Dense(4))
        self.body.append(Dense(4))
        self.rest = Residual(Dense(4))

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:  # noqa: ARG002
        self.last = Dense(4)
        self.body.append(Dense(4))

    def forward(self, X: Any) -> Any:
        return self.last(self.rest(self.body(X)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: o.body.append(Dense(4)), r"layers of model.body Sequential that was change"),
        (lambda o: o.rest.replace(0, Dense(4)), r"layers of model.rest Residual that was chan"),
        (
            lambda o: setattr(o, "last", Dense(4)),
            "last of model Other that was changed after it was",
        ),
    ],
)
def test_what_its_arguments_do_not_make_again_is_refused(
    change: Any, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "m.safetensors"
    other = Other().initialize((4,), rng=0)
    save(other, path)
    read = load(path, layers={"Other": Other})
    np.testing.assert_array_equal(read.predict(ROWS), other.predict(ROWS))
    content = path.read_bytes()
    change(other)
    other.initialize((4,))
    with pytest.raises(ArgumentError, match=f"save: model: expected a model .* received {message}"):
        save(other, path)
    assert path.read_bytes() == content


class Many(Layer):
    """Changes the list that it receives."""

    def __init__(self, sizes: list[int], table: dict[str, Any]) -> None:
        self.dense = Dense(sizes.pop(0))
        self.rest, self.depth = list(sizes), table.pop("depth")[0]
        sizes.clear()

    def forward(self, X: Any) -> Any:
        return self.dense(X)


def test_arguments_are_noted_before_init_changes_them(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    sizes, table = [3, 4, 5], {"depth": [2], "pair": (1, [2, (3,)])}
    layer = Many(sizes, table).initialize((2,), rng=0)
    assert repr(layer) == ("Many(sizes=[3, 4, 5], table={'depth': [2], 'pair': (1, [2, (3,)])})")
    save(layer, path)
    read: Any = load(path, layers={"Many": Many})
    assert repr(read) == repr(layer)
    assert (read.dense.units, read.rest, read.depth) == (3, [4, 5], 2)


def test_lists_and_tuples_come_back_as_they_were() -> None:
    layer = Conv2D(3, [1, 2], padding=((0, 1), (2, 3)))  # type: ignore[arg-type]
    text = json.loads(json.dumps(describe(layer)))
    assert text["arguments"]["kernel_size"] == [1, 2]
    assert text["arguments"]["padding"]["tuple"][0] == {"tuple": [0, 1]}
    assert repr(rebuild("file", text, {})) == repr(layer)
    # Files of earlier versions wrote both as lists.
    text["arguments"]["padding"] = [[0, 1], [2, 3]]
    old = rebuild("file", text, {}).initialize((4, 9, 9), rng=0)
    new = layer.initialize((4, 9, 9), rng=0)
    np.testing.assert_array_equal(old.predict(PICTURES), new.predict(PICTURES))


def test_two_classes_of_one_name(tmp_path: Path) -> None:
    def make() -> Layer:
        class Own(Layer):
            def forward(self, X: Any) -> Any:
                return X

        return Own()

    model = Sequential(make(), make()).initialize((2,))
    with pytest.raises(DTypeError, match="save: the class .*Own: expected one class of each name"):
        save(model, tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []
