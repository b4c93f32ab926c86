"""Parameters that several layers share since after these were made: files, clones, checkpoints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neural_network import (
    ArgumentError,
    BatchNorm,
    Checkpoint,
    Dense,
    FileFormatError,
    Layer,
    Parameter,
    Sequential,
    Trainer,
    load,
    save,
)
from neural_network.array_files import read_arrays, write_arrays

ROWS = np.random.default_rng(0).standard_normal((5, 4)).astype("f4")


class Pair(Layer):
    """Of one's own: two attributes that are one parameter from the first call on."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.left = self.middle = self.right = Parameter(rng.normal(size=shape[-1]))

    def forward(self, X: Any) -> Any:
        return X * self.left + self.right * self.middle


def tied() -> Any:
    layers = (Dense(4, "relu"), BatchNorm(), Dense(4), BatchNorm(), Dense(4), Pair(), Pair())
    model: Any = Sequential(*layers).initialize((4,), rng=0)
    model[0].weight = model[2].weight  # the first is of a later one
    model[4].weight = model[2].weight
    model[4].bias = model[0].bias
    model[3].running_mean = model[1].running_mean
    model[5].left = Parameter(np.arange(4))  # not shared any more
    model[6].right = model[5].left
    model[6].middle = Parameter(np.ones(4))
    return model


TABLE = {
    "2.weight": "0.weight",
    "4.weight": "0.weight",
    "4.bias": "0.bias",
    "3.running_mean": "1.running_mean",
    "5.right": "5.middle",
    "6.right": "5.left",
}


def check_same(read: Any, model: Any) -> None:
    assert read[0].weight is read[2].weight is read[4].weight
    assert read[0].bias is read[4].bias is not read[2].bias
    assert read[1].running_mean is read[3].running_mean
    assert read[5].left is read[6].right is not read[5].right
    assert read[5].right is read[5].middle
    assert read[6].left is not read[6].middle
    names = [name for name, _ in model.named_parameters()]
    assert [name for name, _ in read.named_parameters()] == names
    np.testing.assert_array_equal(read.predict(ROWS), model.predict(ROWS))


def test_files_keep_what_is_shared(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    model = tied()
    model[4].freeze()
    save(model, path)
    arrays, metadata = read_arrays(path)
    assert json.loads(metadata["ties"]) == TABLE
    assert not arrays.keys() & TABLE.keys()
    assert metadata["format_version"] == "2"
    read: Any = load(path, layers={"Pair": Pair})
    check_same(read, model)
    assert not read[0].weight.requires_grad
    assert read[2].bias.requires_grad
    save(read, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    save(model.astype("float64"), path)
    check_same(load(path, layers={"Pair": Pair}), model)


def test_other_files_have_no_table(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    shared = Dense(4)
    save(Sequential(shared, shared, Pair()).initialize((4,), rng=0), path)
    metadata = read_arrays(path)[1]
    assert metadata["format_version"] == "2"
    assert "ties" not in metadata


def test_clones_keep_what_is_shared() -> None:
    model = tied()
    clone: Any = model.clone()
    check_same(clone, model)
    assert clone[0].weight is not model[0].weight
    wide: Any = model.clone(layers=[*model[:4], Dense(3)])  # of the last one, it does not fit
    assert wide[0].weight is wide[2].weight is not wide[4].weight


class Twice(Layer):
    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor
        self.first, self.second = Dense(4), Dense(4)

    def forward(self, X: Any) -> Any:
        return self.second(self.first(X)) * self.factor


def test_a_clone_shares_among_layers_that_it_makes_itself(tmp_path: Path) -> None:
    layer: Any = Twice().initialize((4,), rng=0)
    layer.second.weight = layer.first.weight
    clone = layer.clone(factor=2.0)
    assert clone.first.weight is clone.second.weight is not layer.first.weight
    np.testing.assert_array_equal(clone.predict(ROWS), 2 * layer.predict(ROWS))
    save(clone, tmp_path / "m.safetensors")
    read: Any = load(tmp_path / "m.safetensors", layers={"Twice": Twice})
    assert read.first.weight is read.second.weight
    np.testing.assert_array_equal(read.predict(ROWS), clone.predict(ROWS))


def test_a_clone_of_several_inputs_does_not_lose_what_is_shared() -> None:
    class Sum(Layer):
        def __init__(self) -> None:
            self.parts = [Dense(3), Dense(3)]

        def forward(self, X: Any, Y: Any) -> Any:
            return self.parts[0](X) + self.parts[1](Y)

    layer = Sum()
    layer(ROWS, ROWS)
    layer.parts[1].weight = layer.parts[0].weight
    with pytest.raises(
        ArgumentError, match="clone: model: expected .* received parts.1.weight, wh"
    ):
        layer.clone()


def test_clones_of_unbuilt_layers_share_what_their_constructor_shares() -> None:
    class Twin(Layer):
        def __init__(self) -> None:
            self.left = self.right = Parameter(np.ones(4))
            self.shift = Parameter(np.zeros(4))

        def forward(self, X: Any, Y: Any) -> Any:
            return X * self.left + Y * self.right + self.shift

    layer: Any = Twin()
    layer.shift = Parameter(np.full(4, 5.0))
    for _ in range(2):  # before the first call and after it
        clone: Any = layer.clone()
        assert clone.left is clone.right is not layer.left
        np.testing.assert_array_equal(clone(ROWS, ROWS).data, layer(ROWS, ROWS).data)


def test_a_training_with_shared_parameters_is_resumed(tmp_path: Path) -> None:
    def trained(epochs: int, resume: Path | None = None) -> Any:
        model: Any = Sequential(Dense(4), Dense(4)).initialize((4,), rng=0)
        model[1].weight = model[0].weight
        callbacks = [Checkpoint(tmp_path / f"{epochs}.safetensors")]
        trainer = Trainer(model, callbacks=callbacks, rng=0, progress=False)
        trainer.fit(ROWS, np.arange(5) % 4, epochs, resume=resume)
        assert model[0].weight is model[1].weight
        return model.flat_parameters()

    trained(1)
    np.testing.assert_array_equal(trained(2, tmp_path / "1.safetensors"), trained(2))


Change = Callable[[dict[str, Any], dict[str, Any]], object]
DAMAGES: dict[str, Change] = {
    "a list": lambda table, _: table.update(ties=[["2.weight", "0.weight"]]),
    "a number": lambda table, _: table.update(ties=3),
    "no JSON": lambda table, _: table.update(ties="{"),
    "a number as a name": lambda table, _: table["ties"].update({"2.weight": 0}),
    "unknown name": lambda table, _: table["ties"].update({"2.weights": "0.weight"}),
    "unknown first name": lambda table, _: table["ties"].update({"2.weight": "9.weight"}),
    "an attribute that is no parameter": lambda table, _: table["ties"].update(
        {"2.units": "0.bias"}
    ),
    "another shape": lambda table, _: table["ties"].update({"2.weight": "0.bias"}),
    "another kind": lambda table, _: table["ties"].update({"3.running_mean": "0.bias"}),
    "a layer": lambda table, _: table["ties"].update({"2": "0"}),
    "an array of its own": lambda _, arrays: arrays.update({"2.weight": arrays["0.weight"]}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_entries(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save(tied(), path)
    arrays, metadata = read_arrays(path)
    table: dict[str, Any] = {"ties": json.loads(metadata["ties"])}
    DAMAGES[damage](table, arrays)
    ties = table["ties"]
    metadata["ties"] = ties if isinstance(ties, str) else json.dumps(ties)
    write_arrays(path, arrays, metadata)
    with pytest.raises(FileFormatError, match=r"m\.safetensors: damaged metadata: ties"):
        load(path, layers={"Pair": Pair})


def test_a_table_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save(tied(), path)
    arrays, metadata = read_arrays(path)
    del metadata["ties"]
    write_arrays(path, arrays, metadata)
    with pytest.raises(FileFormatError, match=r"of another model: \d\.\w+ is missing in the file"):
        load(path, layers={"Pair": Pair})


class Listed(Layer):
    def __init__(self) -> None:
        self.factor = Parameter(np.ones(4))
        self.more = [self.factor, Parameter(np.zeros(4))]

    def forward(self, X: Any) -> Any:
        return X * self.factor + self.more[0] + self.more[1]


def test_what_lists_share(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    model: Any = Sequential(Dense(4), Listed(), Dense(4)).initialize((4,), rng=0)
    model[0].weight = Parameter(np.ones((4, 4)))
    save(model, path)  # the constructor of Listed makes what it shares
    for same in (model.clone(), load(path, layers={"Listed": Listed})):
        made: Any = same
        assert made[1].factor is made[1].more[0]
        np.testing.assert_array_equal(made.predict(ROWS), model.predict(ROWS))
    model[0].bias = model[1].factor
    with pytest.raises(
        ArgumentError, match="expected shared parameters in attributes, .* 1.more.0"
    ):
        save(model, path)
    model[1].factor = Parameter(np.ones(4))
    model[2].bias = model[1].more[1]
    with pytest.raises(
        ArgumentError, match="expected shared parameters in attributes, .* 1.more.1"
    ):
        save(Sequential(model[2], model[1]).initialize((4,)), path)
