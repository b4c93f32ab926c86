"""Files whose names have the ending of another format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import neural_network as nn

WRITERS: dict[str, Callable[[nn.Layer, Path], None]] = {
    "save": nn.save,
    "interop.torch.save_weights": nn.interop.torch.save_weights,
    "save_arrays": lambda _, path: nn.save_arrays(path, {"a": np.ones(2)}),
}


def model() -> nn.Layer:
    return nn.Sequential(nn.Dense(2)).initialize((3,), rng=0)


@pytest.mark.parametrize(
    "ending", [".onnx", ".pt", ".PTH", ".h5", ".keras", ".npz", ".npy", ".pkl"]
)
@pytest.mark.parametrize("name", WRITERS)
def test_nothing_is_written_under_the_name_of_another_format(
    name: str, ending: str, tmp_path: Path
) -> None:
    with pytest.raises(nn.ArgumentError, match=r"path: expected the name of a safetensors file"):
        WRITERS[name](model(), tmp_path / f"model{ending}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", [".safetensors", ".pt", ".h5"])
def test_onnx_is_not_written_under_the_name_of_another_format(ending: str, tmp_path: Path) -> None:
    with pytest.raises(nn.ArgumentError, match="path: expected the name of an ONNX file"):
        nn.interop.onnx.save(model(), tmp_path / f"model{ending}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("ending", "hint"),
    [(".onnx", r"interop\.onnx"), (".pth", r"interop\.torch"), (".npz", r"numpy\.load")],
)
def test_a_file_of_another_format_is_said_to_be_one(ending: str, hint: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{ending}"
    path.write_bytes(b"PK\x03\x04 and so on, up to a few letters more")
    for load in (nn.load, nn.load_arrays):
        with pytest.raises(nn.FileFormatError, match=f"not a whole safetensors file.*{hint}"):
            load(path)
