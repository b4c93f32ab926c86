"""What was changed after a layer was made: written as it computes, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neural_network import (
    ArgumentError,
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    DTypeError,
    GroupNorm,
    Layer,
    MaxPool2D,
    Parameter,
    Sequential,
    gelu,
    load,
    save,
    tanh,
)
from neural_network.layers.settings import describe, known_layers, rebuild

PICTURES = np.random.default_rng(0).standard_normal((2, 4, 9, 9)).astype("f4")


def set_to(name: str, value: Any) -> Callable[[Any], None]:
    return lambda layer: setattr(layer, name, value)


CHANGES: dict[str, tuple[Callable[[], Layer], Callable[[Any], None]]] = {
    "activation": (lambda: Dense(3), set_to("activation", tanh)),
    "another activation": (lambda: Dense(3, "relu", l2=0.1), set_to("activation", gelu)),
    "no bias": (lambda: Dense(3), set_to("bias", None)),
    "a bias": (lambda: Dense(3, bias=False), set_to("bias", Parameter(np.ones(3)))),
    "penalty": (lambda: Dense(3), set_to("l1", 0.5)),
    "stride": (lambda: Conv2D(2, 3), set_to("stride", (2, 1))),
    "one stride": (lambda: Conv2D(2, 3), set_to("stride", 2)),
    "padding": (lambda: Conv2D(2, (3, 2)), set_to("padding", "same")),
    "size, not stride": (lambda: MaxPool2D(2), set_to("size", (3, 3))),
    "pads": (lambda: AvgPool2D(3, padding=1), set_to("count_include_pad", False)),
    "epsilon": (BatchNorm, set_to("epsilon", 0.5)),
    "momentum": (BatchNorm, set_to("momentum", np.float32(0.5))),
    "groups": (lambda: GroupNorm(2), set_to("groups", 4)),
    "rate": (lambda: Dropout(0.5, rng=np.random.default_rng(0)), set_to("rate", 0.25)),
}


@pytest.mark.parametrize("case", CHANGES)
def test_the_librarys_layers_are_saved_as_they_compute(case: str, tmp_path: Path) -> None:
    make, change = CHANGES[case]
    layer = make()
    model = Sequential(layer).initialize(PICTURES.shape[1:], rng=0)
    before = repr(layer)
    change(layer)
    save(model, tmp_path / "m.safetensors")
    read: Any = load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(read.predict(PICTURES), model.predict(PICTURES))
    assert repr(layer) != before
    save(read, tmp_path / "again.safetensors")
    again = load(tmp_path / "again.safetensors")
    np.testing.assert_array_equal(again.predict(PICTURES), read.predict(PICTURES))


def test_what_did_not_change_is_shown_as_it_was_given() -> None:
    assert repr(Dense(3, "relu")) == "Dense(units=3, activation='relu')"
    layer = Dense(3)
    layer.activation = tanh
    assert repr(layer).startswith("Dense(units=3, activation=tanh, bias=True, initializer=glorot")
    rng = np.random.default_rng(0)
    drop = Dropout(0.5, rng=rng)
    drawn = np.random.default_rng(0)
    drawn.integers(1 << 63)
    assert repr(drop).startswith("Dropout(rate=0.5, rng=Generator")
    assert rng.random() == drawn.random()  # looking has drawn nothing


def test_what_does_not_fit_any_more_is_refused(tmp_path: Path) -> None:
    layer = Dense(3).initialize((4,), rng=0)
    layer.units = 5
    with pytest.raises(ArgumentError, match=r"save: model: expected a model that its layers'"):
        save(layer, tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


class Net(Layer):
    """Of one's own: two attributes that are arguments, and parts that are not."""

    def __init__(self, head: Layer, scale: Any = 1.0, function: Any = None) -> None:
        self.head, self.scale, self.function = head, scale, function or (lambda Z: Z)
        self.body = Dense(4, "relu")
        self.options = {"sizes": [1, 2]}

    def forward(self, X: Any) -> Any:
        return self.head(self.body(X)) * np.sum(self.scale)


def swap_head(net: Any) -> None:
    net.head = Dense(5)
    net.initialize((2,))


def swap_body(net: Any) -> None:
    net.body = Dense(4, "relu").initialize((2,))
    net.body.activation = tanh


def add_part(net: Any) -> None:
    net.more = Dense(4).initialize((2,))


def add_parameter(net: Any) -> None:
    net.body.more = Parameter(np.ones(2))


def other_kind(net: Any) -> None:
    net.head = Sequential(Dense(3)).initialize((4,))


OWN_CHANGES: list[tuple[Callable[[Any], None], str]] = [
    (set_to("scale", 2.0), "scale of the Net that was changed after it was made"),
    (set_to("scale", [1.0, 2.0]), "scale of the Net that was changed after it was made"),
    (set_to("function", tanh), "function of the Net that was changed after it was made"),
    (swap_head, r"units of layer head \(Dense\)|do not fit each other"),
    (swap_body, r"activation of layer body \(Dense\) that was changed after it was made"),
    (other_kind, "head of the Net that was changed after it was made"),
    (add_part, "no layer 'more' in the architecture"),
    (add_parameter, "body.more that was changed after it was made"),
]


@pytest.mark.parametrize(("change", "message"), OWN_CHANGES)
def test_changes_of_ones_own_classes_are_refused(
    change: Callable[[Any], None], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "m.safetensors"
    net = Net(Dense(3)).initialize((2,), rng=0)
    save(net, path)
    content = path.read_bytes()
    change(net)
    with pytest.raises(ArgumentError, match=f"save: model: expected .*({message})"):
        save(net, path)
    assert path.read_bytes() == content


def test_what_is_not_a_change(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    for scale in (2.0, np.float32(2), float("nan"), [1, 2], (1.0, 2.0)):
        net = Net(Dense(3), scale=scale).initialize((2,), rng=0)
        net.options["more"] = [3]  # no argument
        save(net, path)
        read = load(path, layers={"Net": Net})
        assert type(read.scale) is (float if isinstance(scale, np.float32) else type(scale))  # type: ignore[attr-defined]
        np.testing.assert_array_equal(read.predict(np.eye(2)), net.predict(np.eye(2)))


class Many(Layer):
    """Takes what it was given apart."""

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
    assert text["arguments"]["size"] == [1, 2]
    assert text["arguments"]["padding"]["tuple"][0] == {"tuple": [0, 1]}
    assert repr(rebuild("file", text, known_layers())) == repr(layer)
    # Files of earlier days wrote both as lists.
    text["arguments"]["padding"] = [[0, 1], [2, 3]]
    old = rebuild("file", text, known_layers()).initialize((4, 9, 9), rng=0)
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
