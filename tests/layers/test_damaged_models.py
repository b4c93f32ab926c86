"""Files that are damaged or hostile: an error that names the file, never code, never gigabytes."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neural_network import (
    BatchNorm,
    ConvTranspose2D,
    Dense,
    Dropout,
    DTypeError,
    FileFormatError,
    Flatten,
    Layer,
    Residual,
    Sequential,
    load,
    save,
    save_arrays,
)
from neural_network.array_files import read_arrays, write_arrays

Change = Callable[[dict[str, Any], dict[str, Any]], object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    model = Sequential(Dense(2, "relu"), Residual(BatchNorm()), Flatten(), Dropout(0.5))
    path = tmp_path / "model.safetensors"
    save(model.initialize((3,), rng=0), path)
    return path


def rewrite(path: Path, change: Change) -> None:
    """Change arrays and metadata, of which architecture, built and frozen are JSON."""
    arrays, metadata = read_arrays(path)
    plain: dict[str, Any] = dict(metadata)
    for key in ("architecture", "built", "frozen"):
        plain[key] = json.loads(plain[key])
    change(arrays, plain)
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in plain.items()}
    write_arrays(path, arrays, texts)


def set_in(*keys: Any) -> Callable[[Any], Change]:
    """Return what puts a value at a place in the metadata."""

    def to(value: Any) -> Change:
        def change(_: Any, metadata: dict[str, Any]) -> None:
            target: Any = metadata
            for key in keys[:-1]:
                target = target[key]
            target[keys[-1]] = value

        return change

    return to


layers = ("architecture", "arguments", "layers")
units = set_in(*layers, 0, "arguments", "units")
first = set_in(*layers, 0)
sizes = set_in("built", "0")
nested: Any = {"layer": "Dense", "arguments": {"units": 2}}
deep: Any = []
for _ in range(100):
    nested = {"layer": "Sequential", "arguments": {"layers": [nested]}}
    deep = [deep]
# What is changed, and what the error says.
DAMAGES: dict[str, tuple[Change, str]] = {
    "newer version": (set_in("format_version")("3"), "format version 3, this library reads vers"),
    "other format": (set_in("format")("pictures"), "expected a neural-network-numpy model, rece"),
    "no architecture": (lambda _, m: m.pop("architecture"), "architecture is missing"),
    "no built": (lambda _, m: m.pop("built"), "built is missing"),
    "no frozen": (lambda _, m: m.pop("frozen"), "frozen is missing"),
    "no JSON": (set_in("architecture")("{"), r"damaged metadata: architecture \("),
    "deep JSON": (set_in("architecture")("[" * 100_000), r"damaged metadata: architecture"),
    "long number": (set_in("architecture")("9" * 10_000), r"damaged metadata: architecture"),
    "a number": (set_in("architecture")(3), "expected a layer and its arguments"),
    "a list": (set_in("architecture")([]), "expected a layer and its arguments"),
    "nothing": (set_in("architecture")(None), "expected a layer and its arguments"),
    "only a name": (set_in("architecture")({"layer": "Dense"}), "expected layers and plain value"),
    "more keys": (set_in("architecture", "code")("print()"), "expected layers and plain values"),
    "a dict": (set_in("architecture")({"dict": {}}), "expected a layer and its arguments"),
    "name no text": (set_in("architecture", "layer")(3), "expected layers and plain values"),
    "arguments no dict": (set_in("architecture", "arguments")([1]), "expected layers and plain"),
    "unknown layer": (set_in(*layers, 0, "layer")("Danse"), r"unknown layer 'Danse'; layers="),
    "private name": (set_in(*layers, 0, "layer")("_Norm"), "unknown layer '_Norm'"),
    "module path": (set_in(*layers, 0, "layer")("os.system"), "unknown layer 'os.system'"),
    "base class": (set_in(*layers, 0, "layer")("Layer"), "unknown layer 'Layer'"),
    "unknown argument": (set_in(*layers, 0, "arguments", "x")(1), "Dense cannot .* argument 'x'"),
    "no units": (lambda _, m: m["architecture"]["arguments"]["layers"][0]["arguments"].pop("units"),
                 "Dense cannot be made from its arguments"),
    "units text": (units("2"), "Dense cannot be made .* units: expected a whole number"),
    "units NaN": (units(float("nan")), "Dense cannot be made"),
    "units nothing": (units(None), "Dense cannot be made"),
    "units a layer": (units({"layer": "Flatten", "arguments": {}}), "Dense cannot be made"),
    "units a function": (units({"function": "relu"}), "Dense cannot be made"),
    "units 0": (units(0), "Dense cannot be made .* received 0"),
    "units other": (units(4), "0.bias: expected shape|do not fit each other"),
    "units huge": (units(10**15), "its layers do not fit each other .* at most 6 numbers"),
    "bad function": (units({"function": "eval"}), "expected layers and plain values"),
    "activation": (set_in(*layers, 0, "arguments", "activation")("exec"), "Dense cannot be made"),
    "rate": (set_in(*layers, 3, "arguments", "rate")([1]), "Dropout cannot be made"),
    "seed": (set_in(*layers, 3, "arguments", "rng")("a"), "Dropout cannot be made"),
    "layers a number": (set_in(*layers)(5), "Sequential cannot be made"),
    "layers empty": (set_in(*layers)([]), "Sequential cannot be made"),
    "layers nothing": (set_in(*layers)(None), "Sequential cannot be made"),
    "layers deep": (first(nested), "nested deeper than 64"),
    "lists deep": (first(deep), "nested deeper than 64"),
    "again nothing": (first({"again": 7}), "expected layers and plain values"),
    "again below 0": (first({"again": -1}), "expected layers and plain values"),
    "again itself": (first({"again": 0}), "a layer that contains itself"),
    "built a list": (set_in("built")([]), "damaged metadata: built"),
    "built of none": (lambda _, m: m["built"].pop("1.body.0"), "layer '1.body.0' has no sizes"),
    "built of more": (set_in("built", "9")([[2], "float32"]), "no layer '9' in the architecture"),
    "sizes NaN": (sizes([[2, float("nan")], "float32"]), "layer '0' has no sizes"),
    "sizes text": (sizes([["2", "3"], "float32"]), "layer '0' has no sizes"),
    "sizes below 0": (sizes([[2, -3], "float32"]), "layer '0' has no sizes"),
    "sizes true": (sizes([[True, True], "float32"]), "layer '0' has no sizes"),
    "sizes huge": (sizes([[2, 1 << 40], "float32"]), "layer '0' has no sizes"),
    "sizes large": (sizes([[2, 1 << 23], "float32"]), "do not fit each other .* at most 6 numb"),
    "sizes of a norm": (
        set_in("built", "1.body.0")([[2, 1 << 23], "float32"]),
        "do not fit each other .* gamma: expected at most 6 numbers",
    ),
    "sizes 0": (sizes([[2, 0], "float32"]), "do not fit each other .* at least one number"),
    "no sizes": (sizes([[], "float32"]), "do not fit each other"),
    "sizes alone": (sizes([2, 3]), "layer '0' has no sizes"),
    "type unknown": (sizes([[2, 3], "float99"]), "layer '0' takes 'float99'"),
    "type object": (sizes([[2, 3], "object"]), "layer '0' takes 'object'"),
    "frozen a dict": (set_in("frozen")({}), "frozen names no parameters"),
    "frozen unknown": (set_in("frozen")(["0.wait"]), "frozen names no parameters"),
    "frozen numbers": (set_in("frozen")([[1]]), "frozen names no parameters"),
    "missing array": (lambda a, _: a.pop("0.bias"), "0.bias is missing in the file"),
    "missing weight": (lambda a, _: a.pop("0.weight"), "weight: expected at most 2 numbers"),
    "extra array": (lambda a, _: a.update(x=np.ones(2)), "x is not in the model"),
    "other shape": (lambda a, _: a.update({"0.bias": np.ones(3, "f4")}), "0.bias: expected shape"),
    "transposed": (lambda a, _: a.update({"0.weight": np.ones((2, 3), "f4")}), "0.weight: expec"),
    "integers": (lambda a, _: a.update({"0.bias": np.ones(2, "i4")}), "0.bias: expected .* int32"),
    "no arrays": (lambda a, _: a.clear(), "at most 0 numbers"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named(damage: str, path: Path) -> None:
    change, message = DAMAGES[damage]
    rewrite(path, change)
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError, match=message) as caught:
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert str(path) in str(caught.value)


def test_undamaged_it_is_read(path: Path) -> None:
    rewrite(path, lambda *_: None)
    assert load(path).summary().parameters == 8 + 4


def test_other_files(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    contents = [b"", b"text", b"\x89PNG\r\n\x1a\n", b"\xff" * 100, b"\x80\x04\x95.", b"PK\x03\x04"]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match="not a whole safetensors file"):
            load(path)
    save_arrays(path, {"a": np.ones(2)})
    with pytest.raises(FileFormatError, match="expected a neural-network-numpy model, received ne"):
        load(path)
    write_arrays(path, {"a": np.ones(2)}, {})
    with pytest.raises(FileFormatError, match="model, received another file"):
        load(path)
    with pytest.raises(FileFormatError, match="received a folder"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load(tmp_path / "nowhere")


def test_a_truncated_file(path: Path) -> None:
    whole = path.read_bytes()
    for length in {0, 1, 7, 8, 9, 100, len(whole) // 2, len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(FileFormatError, match="not a whole safetensors file"):
            load(path)
    path.write_bytes(whole + b"0")
    with pytest.raises(FileFormatError, match="not a whole safetensors file"):
        load(path)


def test_any_changed_byte_is_read_or_refused(path: Path) -> None:
    """Of the header; those of the numbers are numbers."""
    whole = path.read_bytes()
    end = 8 + int.from_bytes(whole[:8], "little")
    rng = random.Random(0)
    for _ in range(600):
        place = rng.randrange(end)
        path.write_bytes(whole[:place] + bytes([rng.randrange(256)]) + whole[place + 1 :])
        try:
            model = load(path)
        except FileFormatError:
            continue
        assert isinstance(model, Layer)


def tangle(levels: int) -> tuple[Change, int]:
    """Return a file's model of which each level holds the one below twice, and its calls."""
    description: Any = {"layer": "Flatten", "arguments": {}}
    for level in range(levels):
        both = [description, {"again": levels - level}]
        description = {"layer": "Sequential", "arguments": {"layers": both}}

    def change(arrays: dict[str, Any], metadata: dict[str, Any]) -> None:
        arrays.clear()
        metadata["architecture"] = description
        names = [".".join("0" * depth) for depth in range(levels + 1)]
        metadata["built"] = {name: [[2, 3], "float32"] for name in names}

    return change, 2 ** (levels + 1) - 1


def test_a_long_list_of_frozen_names_takes_no_time(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save(Sequential(*(Dense(1) for _ in range(600))).initialize((1,), rng=0), path)
    rewrite(path, set_in("frozen")(["599.bias"] * 600_000))
    start = time.process_time()
    load(path)
    assert time.process_time() - start < 4


def test_a_tangle_of_shared_layers_takes_no_time(path: Path) -> None:
    """31 layers and 2³⁰ ways down: loading would be quick, a call or a repr would not end."""
    change, calls = tangle(12)
    assert calls == 8191
    rewrite(path, change)
    model = load(path)
    assert len(list(model.named_layers())) == 13
    assert repr(model).count("Flatten") == 4096
    for levels in (13, 30):
        rewrite(path, tangle(levels)[0])
        with pytest.raises(FileFormatError, match="expected at most 10,000 calls of layers"):
            load(path)


@pytest.mark.parametrize("argument", ["padding", "stride", "output_padding"])
def test_sizes_that_would_fill_the_memory(argument: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save(ConvTranspose2D(1, 2, padding=0, stride=1).initialize((1, 4, 4), rng=0), path)
    for size in (10**6, [1, 10**6], {"tuple": [10**6, 1]}):
        rewrite(path, set_in("architecture", "arguments", argument)(size))
        with pytest.raises(FileFormatError, match=f"has a {argument} of .* at most 4096"):
            load(path)


class Shy(Layer):
    """A layer of one's own that a file makes fail."""

    def __init__(self, word: Any) -> None:
        self.word = word["key"]

    def forward(self, X: Any) -> Any:
        return X


def test_layers_of_ones_own(path: Path, tmp_path: Path) -> None:
    layer = Shy({"key": 1})
    layer(np.ones((1, 2)))
    own = tmp_path / "own.safetensors"
    save(layer, own)
    with pytest.raises(FileFormatError, match=r"unknown layer 'Shy'; layers=\{'Shy': …\} gives"):
        load(own)
    assert isinstance(load(own, layers={"Shy": Shy}), Shy)
    rewrite(own, set_in("architecture", "arguments", "word")(3))
    with pytest.raises(FileFormatError, match="Shy cannot be made from its arguments"):
        load(own, layers={"Shy": Shy})
    for wrong in (Shy, [Shy], 0):
        with pytest.raises(DTypeError, match="load: layers: expected a dict name → class of a la"):
            load(path, layers=wrong)  # type: ignore[arg-type]
    for value in (layer, "Shy", dict):
        with pytest.raises(DTypeError, match="load: layers: expected name → class of a layer"):
            load(path, layers={"Shy": value})  # type: ignore[dict-item]
