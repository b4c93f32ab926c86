"""The sizes in a file have to be those of inputs that its layers take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neural_network import (
    AvgPool2D,
    BatchNorm,
    Conv2D,
    ConvTranspose2D,
    Dense,
    FileFormatError,
    Flatten,
    GlobalAvgPool2D,
    LayerNorm,
    MaxPool2D,
    Residual,
    Sequential,
    load,
    save,
)
from neural_network.array_files import read_arrays, write_arrays


def rewritten(path: Path, name: str, shape: list[int], version: str = "2") -> None:
    arrays, metadata = read_arrays(path)
    built = json.loads(metadata["built"])
    built[name][0] = shape
    metadata |= {"built": json.dumps(built), "format_version": version}
    write_arrays(path, arrays, metadata)


MODEL = (
    Conv2D(2, 5), MaxPool2D(2), Residual(BatchNorm(), shortcut=Conv2D(2, 1)), ConvTranspose2D(2, 2),
    AvgPool2D(3), GlobalAvgPool2D(), Flatten(), Dense(3), LayerNorm(),
)  # fmt: skip
WRONG = [
    ("", [2, 3]), ("", [2, 3, 12, 12]), ("", [2, 1, 4, 12]), ("0", [2, 1, 12, 4]), ("0", [2, 1, 12]),
    ("1", [2, 2, 8]), ("1", [2, 2, 8, 1]), ("2", [2, 3, 4, 4]), ("2", [2]), ("2.shortcut", [2, 2, 4]),
    ("3", [2, 2, 4]), ("3", [2, 3, 4, 4]), ("4", [2, 2, 2, 5]), ("4", [2, 5]), ("5", [2, 2]),
    ("7", [2, 3]), ("8", [2, 4]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "shape"), WRONG)
def test_sizes_that_no_layer_takes(name: str, shape: list[int], tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    model = Sequential(*(layer.clone() for layer in MODEL)).initialize((1, 12, 12), rng=0)
    save(model, path)
    load(path)
    rewritten(path, name, shape)
    with pytest.raises(FileFormatError, match="do not fit each other|of another model: "):
        load(path)


def test_a_first_layer_that_was_replaced(tmp_path: Path) -> None:
    """The model says that it takes one channel, and takes three: nothing is lost."""
    path = tmp_path / "m.safetensors"
    model: Any = Sequential(Conv2D(2, 3), Flatten(), Dense(3)).initialize((1, 6, 6), rng=0)
    model[0] = Conv2D(2, 3)
    X = np.random.default_rng(0).random((2, 3, 6, 6))
    out = model.predict(X)
    save(model, path)
    read = load(path)
    np.testing.assert_array_equal(read.predict(X), out)
    assert read.input_shape == (3, 6, 6)
    rewritten(path, "", [2, 1, 6, 6], version="1")  # as it was written before
    np.testing.assert_array_equal(load(path).predict(X), out)
