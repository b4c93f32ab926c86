"""Files of ONNX that are damaged, unusual or meant to harm: a sentence, quickly, and no memory."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.errors import NeuralNetworkError
from neural_network.interop import onnx as interop
from tests.interop.graphs import TensorProto, claims, graph, helper, node, onnx

RELU = node("Relu", "X")
UNKNOWN = graph(
    node("Bernoulli", "X", "a"), node("LSTM", "a", "b"), node("Foo", "b", "c"),
    node("Relu", "c", "d"), node("TopK", "d", "Y"),
)  # fmt: skip
WITHOUT_OPSET = graph(RELU)
del WITHOUT_OPSET.opset_import[:]
WITHOUT_OPSET.opset_import.append(helper.make_opsetid("", 99))
SPARSE = graph(node("Add", "X,W"))
SPARSE.graph.sparse_initializer.append(
    onnx.SparseTensorProto(
        values=claims("W", [1], float_data=[1.0]),
        indices=claims("i", [1], 7, int64_data=[0]),
        dims=[1 << 40],
    )
)
SEQUENCE = graph(RELU)
SEQUENCE.graph.input[0].CopyFrom(helper.make_tensor_sequence_value_info("X", 1, None))
TWICE = graph(RELU)
TWICE.opset_import.append(helper.make_opsetid("ai.onnx", 13))


def recursive(*calls: tuple[str, str]) -> Any:
    """Functions that call each other: name → name."""
    return [
        helper.make_function(
            "own", name, ["x"], ["y"],
            [helper.make_node(called, ["x"], ["y"], domain="own")], [helper.make_opsetid("own", 1)],
        )
        for name, called in calls
    ]  # fmt: skip


def doubling(depth: int) -> Any:
    functions = [
        helper.make_function(
            "own", f"F{n}", ["x"], ["y"],
            [
                helper.make_node(f"F{n + 1}", ["x"], ["m"], domain="own"),
                helper.make_node(f"F{n + 1}", ["m"], ["y"], domain="own"),
            ], [helper.make_opsetid("own", 1)],
        ) for n in range(depth)
    ]  # fmt: skip
    last = helper.make_function(
        "own", f"F{depth}", ["x"], ["y"], [helper.make_node("Relu", ["x"], ["y"])],
        [helper.make_opsetid("", 21)],
    )  # fmt: skip
    return [*functions, last]


WRONG: dict[str, tuple[Any, str]] = {
    "no ONNX": (b"no model at all", "not an ONNX model"),
    "nothing": (b"", "it has no graph"),
    "one byte": (b"\x08", "not an ONNX model"),
    "cut": (graph(RELU).SerializeToString()[:-9], "not an ONNX model|damaged|nothing"),
    "unknown operators": (UNKNOWN, "operators that .* not have: Bernoulli, Foo, LSTM, TopK$"),
    "another domain": (
        graph(helper.make_node("Gelu", ["X"], ["Y"], domain="com.microsoft"), domains=["com.microsoft"]),
        r"an operator .* not have: com.microsoft.Gelu$",
    ),
    "too new": (WITHOUT_OPSET, "version from 1 to 28 .*received 99"),
    "too old": (graph(RELU, opset=0), "version from 1 to 28 .*received 0"),
    "two versions": (TWICE, "one version from 1 to 28"),
    "a cycle": (
        graph(node("Add", "X,b", "a"), node("Relu", "a", "b"), node("Relu", "b")),
        "Add 'a' reads 'b', which nothing before it computes",
    ),
    "reads itself": (graph(node("Add", "X,Y")), "Add 'Y' reads 'Y', which nothing"),
    "a name twice": (graph(node("Relu", "X", "a"), node("Abs", "X", "a"), node("Relu", "a")), "two values have the name 'a'"),
    "no output": (graph(RELU, outputs=[("Z", 1, None)]), "nothing computes the output 'Z'"),
    "an unknown option": (graph(node("Relu", "X", slope=0.2)), "Relu 'Y': options .*: slope"),
    "an option that is lacking": (
        graph(node("MaxPool", "X")), "MaxPool 'Y': lacks kernel_shape",
    ),
    "an input that is lacking": (graph(node("Conv", "X")), "Conv 'Y': lacks W"),
    "too many inputs": (graph(node("Relu", "X,X")), "at most 1 inputs, received 2"),
    "a graph as option": (
        graph(node("Relu", "X", alpha=graph(RELU).graph)), "alpha is no number, text or array",
    ),
    "sizes without numbers": (
        graph(node("Add", "X,W"), initializers=[claims("W", [1 << 20, 1 << 20])]), "W: damaged",
    ),
    "sizes beyond numbers": (
        graph(node("Add", "X,W"), initializers=[claims("W", [1 << 40], float_data=[1.0])]),
        "W: damaged",
    ),
    "fewer raw bytes": (
        graph(node("Add", "X,W"), initializers=[claims("W", [3], raw_data=b"1234")]), "W: damaged",
    ),
    "negative sizes": (
        graph(node("Add", "X,W"), initializers=[claims("W", [-1], float_data=[1.0])]), "W: expected sizes",
    ),
    "too many axes": (
        graph(node("Add", "X,W"), initializers=[claims("W", [1] * 100, float_data=[1.0])]), "W: expected sizes",
    ),
    "a type that is none": (
        graph(node("Add", "X,W"), initializers=[claims("W", [1], 77, float_data=[1.0])]), "a type of numbers.*77",
    ),
    "sparse": (SPARSE, "sparse initializers are not supported"),
    "a sequence": (SEQUENCE, "'X': expected a tensor, received sequence_type"),
    "a function of itself": (
        graph(helper.make_node("F", ["X"], ["Y"], domain="own"), domains=["own"], functions=recursive(("F", "F"))),
        "the function 'F' calls itself",
    ),
    "two functions in a circle": (
        graph(helper.make_node("F", ["X"], ["Y"], domain="own"), domains=["own"], functions=recursive(("F", "G"), ("G", "F"))),
        "the function 'F' calls itself",
    ),
    "functions that double": (
        graph(helper.make_node("F0", ["X"], ["Y"], domain="own"), domains=["own"], functions=doubling(60)),
        "at most 100,000 nodes in its functions",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_models(case: str) -> None:
    source, text = WRONG[case]
    begin = time.process_time()
    with pytest.raises(nn.errors.FileFormatError, match=text) as caught:
        interop.load(source)
    assert len(str(caught.value)) <= 500
    assert time.process_time() - begin < 2


@pytest.mark.parametrize("source", [3, None, ["a"], np.zeros(3), nn.Dense(2)])
def test_wrong_sources(source: Any) -> None:
    with pytest.raises(
        nn.errors.DTypeError, match=r"load: source: expected the path of a file, bytes"
    ):
        interop.load(source)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        interop.load(tmp_path / "no.onnx")
    with pytest.raises(nn.errors.FileFormatError, match="folder"):
        interop.load(tmp_path)


# --- numbers in other files --------------------------------------------------------------


def outside(location: str, dims: Any = (2,), **more: str) -> Any:
    tensor = TensorProto(name="W", dims=dims, data_type=1, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **more}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with numbers in it, beside it and behind links."""
    inside = tmp_path / "model"
    (inside / "sub").mkdir(parents=True)
    secret = np.arange(100, dtype=np.float32).tobytes()
    for path in (tmp_path / "secret.bin", inside / "data.bin", inside / "sub" / "data.bin"):
        path.write_bytes(secret)
    (inside / "link.bin").symlink_to(tmp_path / "secret.bin")
    (inside / "up").symlink_to(tmp_path)
    os.mkfifo(inside / "pipe")
    return inside


def written(folder: Path, *tensors: Any) -> Path:
    model = graph(node("Add", "X,W"), initializers=tensors)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder / "model.onnx"


def test_numbers_beside(folder: Path, tmp_path: Path) -> None:
    for location, offset, first in (
        ("data.bin", "0", 0),
        ("data.bin", "40", 10),
        ("sub/data.bin", "8", 2),
    ):
        path = written(folder, outside(location, offset=offset, length="8"))
        model = interop.load(path)
        np.testing.assert_array_equal(model.weights["W"].data, [first, first + 1])
    nn.save(model, tmp_path / "m.safetensors")  # it has all its numbers
    assert np.array_equal(nn.load(tmp_path / "m.safetensors").predict(np.zeros((1, 2))), [[2, 3]])
    interop.save(model, tmp_path / "whole.onnx")
    assert interop.load((tmp_path / "whole.onnx").read_bytes()).weights["W"].data.tolist() == [2, 3]
    with pytest.raises(
        nn.errors.FileFormatError, match="numbers are in another file; load\\(path\\)"
    ):
        interop.load(path.read_bytes())


@pytest.mark.parametrize(
    "location",
    ["../secret.bin", "sub/../../secret.bin", "link.bin", "up/secret.bin", "pipe", "sub", "no.bin",
     "", "/etc/hostname", "C:\\secret.bin", "a\0b", "../model/data.bin", "."],
)  # fmt: skip
def test_files_elsewhere_are_not_read(folder: Path, location: str) -> None:
    path = written(folder, outside(location))
    with pytest.raises(nn.errors.FileFormatError, match="expected a file in the model's folder"):
        interop.load(path)
    whole = str(folder.parent / "secret.bin")
    with pytest.raises(nn.errors.FileFormatError, match="expected a file in the model's folder"):
        interop.load(written(folder, outside(whole)))


@pytest.mark.parametrize(
    "place",
    [{"offset": "500"}, {"length": "500"}, {"offset": "-4"}, {"length": "-4"}, {"offset": "x"},
     {"offset": "396", "length": "8"}, {"length": str(1 << 62)}],
)  # fmt: skip
def test_places_beyond_a_file(folder: Path, place: dict[str, str]) -> None:
    with pytest.raises(nn.errors.FileFormatError, match="W: reads beyond the end of data.bin"):
        interop.load(written(folder, outside("data.bin", **place)))


def test_numbers_used_a_thousand_times(folder: Path) -> None:
    tensors = [outside("data.bin", dims=(100,)) for _ in range(1000)]
    for number, tensor in enumerate(tensors):
        tensor.name = f"W{number or ''}"
    with pytest.raises(nn.errors.FileFormatError, match="numbers that are used once"):
        interop.load(written(folder, *tensors))


# --- other ways in -----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "no base64!", "AAAA", 3, b"AAAA"])
def test_a_graph_in_a_model_file_is_checked_as_well(text: Any) -> None:
    with pytest.raises(NeuralNetworkError, match="ONNXModel"):
        interop.ONNXModel(text)


def test_a_damaged_graph_in_a_model_file(tmp_path: Path) -> None:
    from base64 import b64encode

    hidden = b64encode(UNKNOWN.SerializeToString()).decode()
    with pytest.raises(nn.errors.FileFormatError, match="Bernoulli, Foo"):
        interop.ONNXModel(hidden)
    empty = graph(node("Add", "X,W"), initializers=[claims("W", [1 << 45])])
    model = interop.ONNXModel(b64encode(empty.SerializeToString()).decode())
    with pytest.raises(nn.errors.NeuralNetworkError):
        model.initialize((1,))  # more than any memory


def test_flipped_bytes() -> None:
    """Whatever a byte becomes: a model that computes, or an error of the library."""
    small = nn.Sequential(nn.Conv2D(2, 3), nn.BatchNorm(), nn.Flatten(), nn.Dense(2, "relu"))
    whole = interop.to_model(small.initialize((1, 5, 5), rng=0)).SerializeToString()
    rng, X = np.random.default_rng(0), np.zeros((2, 1, 5, 5), np.float32)
    refused: list[int] = []
    for _ in range(300):
        content = bytearray(whole)
        content[rng.integers(len(content))] = rng.integers(256)
        try:
            interop.load(bytes(content)).predict(X)
        except NeuralNetworkError as error:
            refused.append(len(str(error)))
    assert len(refused) > 50
    assert max(refused) <= 500


def test_wrong_inputs() -> None:
    model = interop.load(graph(node("Relu", "A"), inputs=[("A", 1, ["N", 2])]))
    with pytest.raises(
        nn.errors.ShapeError, match=r"A: expected shape \(any, 2\), received shape \(3, 3\)"
    ):
        model(np.zeros((3, 3)))
    with pytest.raises(nn.errors.ArgumentError, match=r"expected 1 inputs \(A\), received 2"):
        model(np.zeros((3, 2)), np.zeros((3, 2)))
    whole = interop.load(graph(node("Cast", "A", to=1), inputs=[("A", 7, ["N"])]))
    with pytest.raises(
        nn.errors.DTypeError, match="A: expected dtype int64, received dtype float32"
    ):
        whole(np.zeros(3))
    assert whole(np.array([1, 2], np.int8)).dtype == np.float32


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    for call in (
        lambda: interop.load("m.onnx"),
        lambda: interop.to_model(nn.Dense(2)),
        lambda: interop.ONNXModel(""),
    ):
        with pytest.raises(
            nn.errors.MissingDependencyError, match=r'pip install "neural-network-numpy\[onnx\]"'
        ):
            call()


def test_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.onnx"
    interop.save(nn.Dense(2).initialize((3,), rng=0), path)
    before = path.read_bytes()

    class Own(nn.Layer):
        def forward(self, X: Any) -> Any:
            return X * 2

    model = nn.Sequential(nn.Dense(3), Own()).initialize((3,), rng=0)
    with pytest.raises(
        nn.errors.ArgumentError,
        match=r"operators for, received a forward of its own in model\[1\] Own",
    ):
        interop.save(model, path)
    with pytest.raises(
        nn.errors.ArgumentError,
        match=r"the function sin of NumPy; nn.functional.sin has an operator, in model\[0\] Dense",
    ):
        interop.save(nn.Sequential(nn.Dense(3, np.sin)).initialize((3,)), path)
    with pytest.raises(nn.errors.ArgumentError, match="a model that is built"):
        interop.save(nn.Dense(3), path)
    with pytest.raises(nn.errors.DTypeError, match="a layer or model"):
        interop.save("model", path)
    with pytest.raises(nn.errors.DTypeError, match="save: notes: expected a dict"):
        interop.save(nn.Dense(2).initialize((3,)), path, notes={"a": object()})
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["m.onnx"]
    with pytest.raises(nn.errors.FileWriteError):
        interop.save(nn.Dense(2).initialize((3,)), tmp_path / "no" / "m.onnx")


def test_inputs_that_are_no_plain_numbers() -> None:
    model = interop.load(graph(node("Relu", "A"), inputs=[("A", 1, ["N", 2])]))
    masked = np.ma.masked_array(np.ones((1, 2), np.float32), [[True, False]])
    fields = np.zeros((1, 2), [("a", np.int32)])
    for wrong in (masked, fields, np.array([["a", "b"]]), np.zeros((1, 2), complex)):
        with pytest.raises(nn.errors.DTypeError):
            model(wrong)
    assert np.array_equal(model([[1, -1]]), [[1, 0]])
