"""ONNX on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import neural_network as nn
from neural_network.interop import onnx as interop
from tests.needs import need_module

onnx = need_module("onnx")


def test_there_and_back(run_here: Any, tmp_path: Path) -> None:
    done = run_here("export", "tiny_cnn", "digits.onnx")
    assert done.stdout == "Saved: digits.onnx\n", done.stderr
    onnx.checker.check_model(str(tmp_path / "digits.onnx"))
    assert interop.load_notes(tmp_path / "digits.onnx")["classes"] == [*"0123456789"]
    assert run_here("export", "digits.onnx", "back.safetensors").returncode == 0
    X = np.random.default_rng(0).random((3, 1, 28, 28)).astype(np.float32)
    back = nn.load(tmp_path / "back.safetensors")
    expected = nn.models.load_tiny_cnn().predict(X)
    np.testing.assert_allclose(back.predict(X), expected, rtol=1e-4, atol=1e-4)
    assert nn.load_notes(tmp_path / "back.safetensors")["classes"] == [*"0123456789"]
    accuracies = [
        run_here("evaluate", model, "--quiet").stdout.splitlines()[-1]
        for model in ("tiny_cnn", "digits.onnx", "back.safetensors")
    ]
    assert len(set(accuracies)) == 1
    assert "99.1%" in accuracies[0]


def test_predict_and_summary(run_here: Any, tmp_path: Path) -> None:
    interop.save(nn.models.load_tiny_cnn(), tmp_path / "digits.onnx")  # without notes
    X, y = nn.datasets.load_mnist()
    digit = 255 - X[y == 7][0]
    Image.fromarray(np.pad(digit, 14, constant_values=255)).resize((112, 112)).save(
        tmp_path / "seven.png"
    )
    lines = run_here("predict", "seven.png", "--model", "digits.onnx", "--no-picture").stdout
    assert lines.startswith("seven.png: 7\n")
    summary = run_here("summary", "digits.onnx").stdout
    assert "17,866" in summary
    assert "2,098,608" in summary
    assert "BatchNormalization" in summary


def test_mistakes(run_here: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"text")
    two = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["X"], ["A"]), onnx.helper.make_node("Abs", ["X"], ["B"])],
        "two",
        [onnx.helper.make_tensor_value_info("X", 1, ["N", 1, 28, 28])],
        [onnx.helper.make_tensor_value_info(name, 1, None) for name in "AB"],
    )
    message = onnx.helper.make_model(
        two, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10
    )
    (tmp_path / "two.onnx").write_bytes(message.SerializeToString())
    for arguments, text in (
        (("export", "tiny_cnn", "digits.pt"), "FILE: expected a name that ends in .onnx or"),
        (
            ("export", "no.safetensors", "digits.onnx"),
            "received no.safetensors, which does not exist",
        ),
        (("export", "bad.onnx", "m.safetensors"), "bad.onnx: not an ONNX model"),
        (("export", "lenet5", "digits.onnx"), "MODEL: expected a trained model"),
        (("evaluate", "bad.onnx"), "bad.onnx: not an ONNX model"),
        (("summary", "bad.onnx"), "bad.onnx: not an ONNX model"),
        (("evaluate", "two.onnx"), "expected a model of one output, received one of 2"),
    ):
        done = run_here(*arguments)
        assert done.returncode == 2
        assert text in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "digits.onnx").exists()
