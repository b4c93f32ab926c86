"""What a file says of a model: its classes and their arguments, as they make it again."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import (
    Activation,
    ArgumentError,
    Conv2D,
    Dense,
    DTypeError,
    FileFormatError,
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


# --- functions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        nn.max_pool1d, nn.avg_pool1d, nn.global_avg_pool, nn.instance_norm, nn.erf,
        nn.functional.square, partial(nn.max_pool1d, size=3), partial(nn.leaky_relu, slope=0.3),
        partial(nn.functional.clip, low=0, high=6), partial(nn.functional.clip, low=np.float32(0)),
        partial(nn.functional.reshape, shape=(-1, 2, 8)), partial(nn.adaptive_avg_pool1d, output_size=2),
        partial(nn.functional.transpose, axes=[0, 2, 1]), partial(partial(nn.elu, alpha=2.0)),
    ],
)  # fmt: skip
def test_public_functions_are_saved(function: Any, tmp_path: Path) -> None:
    X = np.random.default_rng(0).standard_normal((3, 4, 4)).astype("f4")
    model = Sequential(Activation(function), nn.Flatten(), Dense(2)).initialize((4, 4), rng=0)
    path = tmp_path / "m.safetensors"
    save(model, path)
    again = load(path)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert json.dumps(describe(again)) == json.dumps(describe(model))
    callbacks = [nn.Checkpoint(tmp_path / "c.checkpoint")]
    trainer = nn.Trainer(model, callbacks=callbacks, rng=0, progress=False)
    trainer.fit(X, [0, 1, 1], validation=None)
    trainer.fit(X, [0, 1, 1], epochs=2, resume=callbacks[0].path)
    assert " at 0x" not in repr(model)


@pytest.mark.parametrize(
    "function",
    [lambda X: X, np.tanh, partial(np.clip, a_min=0, a_max=1), partial(lambda X, a: X, a=1)],
)
def test_other_functions_need_a_layer_of_ones_own(function: Any, tmp_path: Path) -> None:
    model = Sequential(Activation(function), Dense(2))
    model[1].initialize((3,))
    path, match = tmp_path / "m.safetensors", r"any other function goes into the forward of a Layer"
    with pytest.raises(DTypeError, match=match):
        describe(model)
    with pytest.raises(DTypeError, match=match):
        nn.Trainer(model, "sgd", callbacks=[nn.Checkpoint(path)], rng=0).fit(ROWS[:, :3], [0, 1, 1])
    assert not path.exists()


def test_arguments_of_functions_are_limited() -> None:
    described = json.loads(json.dumps(describe(Activation(partial(nn.functional.clip, low=9)))))
    assert isinstance(rebuild("file", described, {}), Activation)
    for wrong in (1 << 17, [-(1 << 17)], {"dict": {"a": 1 << 17}}):
        described["arguments"]["function"]["keywords"]["low"] = wrong
        with pytest.raises(FileFormatError, match="file: expected whole numbers of at most 65,536"):
            rebuild("file", described, {})
    with pytest.raises(DTypeError, match="whole numbers up to 65,536 in a functools.partial"):
        describe(Activation(partial(nn.functional.clip, low=1 << 17)))
    described["arguments"]["function"] = {"partial": "open", "arguments": [], "keywords": {}}
    with pytest.raises(FileFormatError, match="expected layers and plain values"):
        rebuild("file", described, {})
