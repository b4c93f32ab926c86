"""Models in files: what comes back, and that a failed writing leaves the old file."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open

from neural_network import (
    ArgumentError,
    BatchNorm,
    Buffer,
    Conv2D,
    Dense,
    Dropout,
    DTypeError,
    Embedding,
    FileFormatError,
    FileWriteError,
    Flatten,
    Layer,
    Parameter,
    Residual,
    Sequential,
    load,
    load_arrays,
    models,
    relu,
    save,
)
from neural_network.layers.saving import describe, rebuild
from tests.layers.test_layers import CASES, drawn

FIXTURES = Path(__file__).parents[1] / "fixtures"


def metadata(path: Path) -> dict[str, str]:
    with safe_open(path, framework="numpy") as file:
        found: dict[str, str] = file.metadata()
    return found


@pytest.mark.parametrize("version", ["1", "2"])
def test_files_of_each_version_are_read_forever(version: str) -> None:
    """Made by tools/make_fixture.py: residuals, running statistics, a shared and a frozen layer."""
    model = load(FIXTURES / f"model_v{version}.safetensors")
    known = load_arrays(FIXTURES / f"model_v{version}_outputs.safetensors")
    np.testing.assert_allclose(model.predict(known["X"]), known["outputs"], rtol=1e-4, atol=1e-6)
    assert isinstance(model, Sequential)
    outer = model[2]
    assert isinstance(outer, Residual)
    inner = outer.body[0]
    assert isinstance(inner, Residual)
    assert inner.body[0] is inner.body[3]
    norm = inner.body[1]
    assert isinstance(norm, BatchNorm)
    assert norm.momentum == 0.8
    assert (norm.running_mean.data != 0).all()
    assert [p.requires_grad for p in model.parameters()] == [False, False, *[True] * 10]
    assert model[5].l2 == 0.01  # type: ignore[attr-defined]
    assert not model.training
    for name in ("", "_outputs"):
        path = FIXTURES / f"model_v{version}{name}.safetensors"
        assert metadata(path)["format_version"] == version
        assert ("checksum" in metadata(path)) == (version == "2")
        read = load_arrays if name else load
        if version == "2":
            read(path, require_checksum=True)
        else:
            with pytest.raises(FileFormatError, match="expected a file with a checksum, received"):
                read(path, require_checksum=True)


@pytest.mark.parametrize("case", CASES)
def test_every_layer_comes_back(case: str, tmp_path: Path) -> None:
    X = drawn(case)
    layer = CASES[case][0]()
    layer(X)
    layer(X)
    save(layer, tmp_path / "layer.safetensors")
    read = load(tmp_path / "layer.safetensors")
    assert type(read) is type(layer)
    assert repr(read) == repr(layer)
    assert [n for n, _ in read.named_parameters()] == [n for n, _ in layer.named_parameters()]
    np.testing.assert_array_equal(read.predict(X), layer.predict(X))
    assert read.input_shape == layer.input_shape
    bases = [p.data.base for p in read.parameters()]
    flat = read.flat_parameters()
    assert all(base is flat for base in bases)
    assert all(np.shares_memory(flat, p.data) for p in read.parameters())
    save(read, tmp_path / "again.safetensors")
    first, second = (
        (tmp_path / n).read_bytes() for n in ("layer.safetensors", "again.safetensors")
    )
    assert first == second


@pytest.mark.parametrize("name", models.MODELS)
def test_every_model_comes_back(name: str, tmp_path: Path) -> None:
    model = models.MODELS[name](rng=0)
    save(model, tmp_path / "m.safetensors")
    X = np.random.default_rng(0).random((2, 1, 28, 28))
    np.testing.assert_array_equal(load(tmp_path / "m.safetensors").predict(X), model.predict(X))


def test_types(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    X = np.eye(3)
    for dtype, back in (("float32", "float32"), ("float64", "float64"), ("float16", "float32")):
        model = Sequential(Dense(2), BatchNorm()).initialize((3,), rng=0).astype(dtype)
        save(model, path)
        read = load(path)
        assert read.dtype == read.flat_parameters().dtype == back
        assert read.input_dtype == back
        np.testing.assert_allclose(read.predict(X), model.predict(X), rtol=2e-3, atol=2e-3)


def half(path: Path, kind: str) -> None:
    """Write the numbers of a float32 file as F16 or BF16, by hand, as another program does."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    del header["__metadata__"]["checksum"]
    header["__metadata__"]["format_version"] = "1"
    pieces, end = [], 0
    for name in [key for key in header if key != "__metadata__"]:
        begin, stop = header[name]["data_offsets"]
        numbers = np.frombuffer(data[begin:stop], "<f4")
        upper = numbers.view("<u4") >> 16
        piece = (upper.astype("<u2") if kind == "BF16" else numbers.astype("<f2")).tobytes()
        header[name] |= {"dtype": kind, "data_offsets": [end, end + len(piece)]}
        pieces.append(piece)
        end += len(piece)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(pieces))


@pytest.mark.parametrize(("kind", "digits"), [("F16", 2**-11), ("BF16", 2**-7)])
def test_half_precision_is_read(kind: str, digits: float, tmp_path: Path) -> None:
    model = Sequential(Dense(20), BatchNorm(), Dense(3)).initialize((30,), rng=0)
    path = tmp_path / "m.safetensors"
    save(model, path)
    half(path, kind)
    read = load(path)
    assert read.flat_parameters().dtype == np.float32
    whole = model.flat_parameters()
    error = np.abs(read.flat_parameters() - whole)
    assert error.max() > 0
    assert (error <= digits * np.abs(whole) + 1e-7).all()
    np.testing.assert_allclose(read.predict(np.eye(30)), model.predict(np.eye(30)), atol=0.03)


def test_what_changed_after_the_call_is_written(tmp_path: Path) -> None:
    model = Sequential(Dense(3), Dropout(0.5, rng=np.random.default_rng(0)))
    model.append(Residual(Dense(3)))
    model.layers[1].rate = 0.25  # type: ignore[attr-defined]
    residual = model[2]
    assert isinstance(residual, Residual)
    residual.append(Flatten())
    model.initialize((2,), rng=0)
    save(model, tmp_path / "m.safetensors")
    read = load(tmp_path / "m.safetensors")
    assert "Dropout(rate=0.25, rng=None)" in repr(read)
    assert repr(read).count("Flatten()") == 1
    np.testing.assert_array_equal(read.predict(np.eye(2)), model.predict(np.eye(2)))


def test_shared_layers_stay_shared(tmp_path: Path) -> None:
    shared = Dense(3, l2=1.0)
    model = Sequential(shared, Residual(shared, Flatten(), Sequential(shared)), Flatten())
    model.initialize((3,), rng=0)
    assert model.summary().parameters == 12
    assert [row.parameters for row in model.summary().rows] == [12, 0, 0, 0, 0]
    assert model.summary().multiply_adds == 27
    save(model, tmp_path / "m.safetensors")
    assert sorted(load_arrays(tmp_path / "m.safetensors")) == ["0.bias", "0.weight"]
    read: Any = load(tmp_path / "m.safetensors")
    assert read[0] is read[1].body[0] is read[1].body[2][0]
    assert read[2] is not read[1].body[1]
    np.testing.assert_array_equal(read.predict(np.eye(3)), model.predict(np.eye(3)))


class Gate(Layer):
    """Of one's own: two inputs, a function, a list, a nested layer, a buffer, positional places."""

    def __init__(
        self, name: str, /, sizes: Any, *inner: Layer, function: Any = None, **options: Any
    ) -> None:
        self.name, self.sizes, self.inner = name, sizes, list(inner)
        self.function, self.options = function, options
        self.count = Buffer(np.zeros(1))

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.weight = Parameter(rng.normal(size=shape[-1]))

    def forward(self, X: Any, Y: Any = 1.0) -> Any:
        for layer in self.inner:
            X = layer(X)
        return self.function(X * Y * np.sum(self.weight))


def test_a_layer_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    gate = Gate("g", [1, (2, 3)], Dense(2), function=relu, table={"a": [np.int64(1), None]})
    assert repr(gate).startswith("Gate(name='g', sizes=[1, (2, 3)], inner=(Dense(units=2),), funct")
    gate(np.ones((1, 3)), np.ones((1, 2)))
    gate.count.data[...] = 7
    save(gate, path)
    read = load(path, layers={"Gate": Gate})
    assert isinstance(read, Gate)
    assert (read.name, read.sizes, read.function) == ("g", (1, (2, 3)), relu)
    assert read.options == {"table": {"a": [1, None]}}
    assert read.count.data == 7
    np.testing.assert_array_equal(read(np.eye(3), 2.0).data, gate(np.eye(3), 2.0).data)
    # Arguments that were not passed are not written.
    assert describe(Dense(2)) == {"layer": "Dense", "arguments": {"units": 2}}


def test_descriptions_come_back_as_calls() -> None:
    layers = [Dense(2, "relu", bias=False), Conv2D(3, (1, 2), padding=((0, 1), (2, 3)))]
    for layer in layers:
        text = json.dumps(describe(layer))
        again = rebuild("file", json.loads(text), {})
        assert json.dumps(describe(again)) == text


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    with pytest.raises(DTypeError, match="save: model: expected a layer or model, received 3"):
        save(3, path)  # type: ignore[arg-type]
    model = Sequential(Flatten(), Dense(2))
    with pytest.raises(ArgumentError, match="save: model: .* received the model without sizes"):
        save(model, path)
    model[0](np.ones((1, 2)))
    model(np.ones((1, 2)))
    model.append(Dense(3))
    with pytest.raises(ArgumentError, match=r"save: model: .* received model\[2\] without sizes"):
        save(model, path)
    own = Dense(2, lambda Z: Z).initialize((2,))
    with pytest.raises(DTypeError, match=r"save: Dense\(activation=…\): expected numbers, text"):
        save(own, path)

    class Dense2(Dense):
        pass

    Dense2.__name__ = "Dense"
    with pytest.raises(DTypeError, match="save: the class .*: expected another name"):
        save(Sequential(Dense2(2)).initialize((2,)), path)
    with pytest.raises(FileWriteError, match="cannot write"):
        save(Dense(2).initialize((2,)), tmp_path / "no" / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", ["write_bytes", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.safetensors"
    save(Dense(2).initialize((3,), rng=0), path)
    before = path.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Path if call == "write_bytes" else os, call, full)
        with pytest.raises(FileWriteError, match="cannot write .*: No space left on device"):
            save(Dense(200).initialize((300,), rng=1), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert load(path).summary().parameters == 8


def test_embeddings_are_built_for_integers(tmp_path: Path) -> None:
    model = Sequential(Embedding(9, 2), Flatten(), Dense(3)).initialize((4,), rng=0, dtype="int32")
    save(model, tmp_path / "m.safetensors")
    read = load(tmp_path / "m.safetensors")
    assert read.input_dtype == np.int32
    assert read.summary().parameters == 18 + 27
