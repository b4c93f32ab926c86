"""Models and arrays carry a checksum, and numbers that are not finite are refused."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from neural_network import (
    ArgumentError,
    BatchNorm,
    Dense,
    DTypeError,
    FileFormatError,
    Sequential,
    load,
    load_arrays,
    load_notes,
    save,
    save_arrays,
)
from tests.layers.test_saving import metadata


def flipped(content: bytes, place: int, rng: random.Random) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    """400 among the weights; 150 before them: those that are not refused changed no content."""
    rng, path = random.Random(0), tmp_path / "file.safetensors"
    model = Sequential(Dense(20, "relu"), BatchNorm(), Dense(3)).initialize((30,), rng=0)
    save(model, path, notes={"name": "ü"})
    whole, parameters = path.read_bytes(), model.flat_parameters()
    end = 8 + int.from_bytes(whole[:8], "little")
    for place in [rng.randrange(end, len(whole)) for _ in range(400)]:
        path.write_bytes(flipped(whole, place, rng))
        with pytest.raises(FileFormatError, match="damaged: its checksum does not fit"):
            load_arrays(path)
    for read in (load, load_notes):
        with pytest.raises(FileFormatError, match="damaged: its checksum does not fit"):
            read(path)
    for place in [rng.randrange(end) for _ in range(150)]:
        path.write_bytes(flipped(whole, place, rng))
        try:
            read_back = load(path)
        except FileFormatError:
            continue
        np.testing.assert_array_equal(read_back.flat_parameters(), parameters)
    save_arrays(path, {"a": np.arange(5.0)})
    whole = path.read_bytes()
    for place in range(8 + int.from_bytes(whole[:8], "little"), len(whole)):
        path.write_bytes(flipped(whole, place, rng))
        with pytest.raises(FileFormatError, match="damaged: its checksum does not fit"):
            load_arrays(path)


def test_a_checksum_of_another_program_is_not_compared(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    save_file({"a": np.ones(2)}, path, {"checksum": "sha256:1234", "format": "pt"})
    assert load_arrays(path)["a"].tolist() == [1, 1]
    with pytest.raises(FileFormatError, match="expected a file with a checksum, received one wit"):
        load_arrays(path, require_checksum=True)
    save(Dense(2).initialize((3,), rng=0), path)
    entries, arrays = metadata(path), load_arrays(path)
    del entries["checksum"]
    save_file({name: 2 * array for name, array in arrays.items()}, path, entries)
    np.testing.assert_array_equal(load(path).flat_parameters()[:6], 2 * arrays["weight"].ravel())
    with pytest.raises(FileFormatError, match="expected a file with a checksum, received one wit"):
        load(path, require_checksum=True)
    for call in (load, load_arrays):
        with pytest.raises(DTypeError, match="require_checksum: expected True or False, received"):
            call(path, require_checksum="no")  # type: ignore[operator]  # wrong on purpose


def test_numbers_that_are_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    for place, name in ((0, "0.weight"), (1, "1.gamma")):
        for value in (np.nan, np.inf, -np.inf):
            model: Any = Sequential(Dense(2), BatchNorm()).initialize((3,), rng=0)
            save(model, path)
            before = path.read_bytes()
            (model[place].weight if place == 0 else model[place].gamma).data[1] = value
            expected = f"save: model: expected finite numbers, received NaN or infinity in {name}"
            with pytest.raises(ArgumentError, match=expected):
                save(model, path)
            assert path.read_bytes() == before
            save(model, path, allow_nonfinite=True)
            with pytest.raises(FileFormatError, match=f"expected finite .* {name}; load.*allow_no"):
                load(path)
            read = load(path, allow_nonfinite=True)
            np.testing.assert_array_equal(read.flat_parameters(), model.flat_parameters())
    model = Sequential(Dense(2), BatchNorm()).initialize((3,), rng=0)
    model[1].running_mean.data[0] = -np.inf  # as a mask has it
    save(model, path)
    assert load(path)[1].running_mean.data[0] == -np.inf  # type: ignore[index]
    model[1].running_mean.data[0] = np.nan
    with pytest.raises(ArgumentError, match=r"received NaN or infinity in 1\.running_mean; allow_"):
        save(model, path)
    save(model, path, allow_nonfinite=True)
    with pytest.raises(FileFormatError, match=r"received NaN or infinity in 1\.running_mean; load"):
        load(path)
    model[0].weight.data[0] = np.nan
    with pytest.raises(ArgumentError, match=r"in 0\.weight and 1 others; allow_nonfinite=True wri"):
        save(model, path)
    for call in (lambda flag: save(model, path, allow_nonfinite=flag),
                 lambda flag: load(path, allow_nonfinite=flag)):  # fmt: skip
        with pytest.raises(DTypeError, match="allow_nonfinite: expected True or False, received 1"):
            call(1)
