"""Models and arrays carry a checksum, and numbers that are not finite are refused."""

from __future__ import annotations

import random
from collections.abc import Callable
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
from neural_network.array_files import read_format
from tests.layers.test_saving import metadata
from tests.training.resumable import fit, make


def flipped(content: bytes, place: int, rng: random.Random) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


DAMAGED = "damaged: its checksum does not fit what it holds"


def of_model(folder: Path) -> Path:
    model = Sequential(Dense(20, "relu"), BatchNorm(), Dense(3)).initialize((30,), rng=0)
    save(model, folder / "model", notes={"name": "ü"})
    return folder / "model"


def of_arrays(folder: Path) -> Path:
    save_arrays(folder / "arrays", {"a": np.arange(400.0), "b ü": np.ones((2, 3), "i1")})
    return folder / "arrays"


def of_checkpoint(folder: Path) -> Path:
    fit(make(folder), epochs=1)
    return folder / "run.checkpoint"


# What writes a file, its format, and what reads it; a training that goes on takes long.
FILES: dict[str, tuple[Callable[[Path], Path], Callable[[Path], object] | None]] = {
    "neural-network-numpy model": (of_model, lambda path: (load(path), load_notes(path))),
    "neural-network-numpy arrays": (of_arrays, load_arrays),
    "neural-network-numpy checkpoint": (of_checkpoint, None),
}


def content(path: Path, kind: str) -> tuple[dict[str, bytes], dict[str, str]]:
    arrays, metadata = read_format(path, kind, "1", "2", function="load")
    shown = {name: repr((a.dtype, a.shape)).encode() + a.tobytes() for name, a in arrays.items()}
    return shown, metadata


@pytest.mark.parametrize("kind", FILES)
def test_every_flipped_bit_is_found(kind: str, tmp_path: Path) -> None:
    """400 in the whole file, 400 before the numbers, 400 among them."""
    rng, (write, read) = random.Random(0), FILES[kind]
    path = write(tmp_path)
    whole, right = path.read_bytes(), content(path, kind)
    assert "checksum" in metadata(path)
    end = 8 + int.from_bytes(whole[:8], "little")
    refusals = []
    for begin, stop in ((0, len(whole)), (0, end), (end, len(whole))):
        for place in [rng.randrange(begin, stop) for _ in range(400)]:
            path.write_bytes(flipped(whole, place, rng))
            try:
                assert content(path, kind) == right
            except FileFormatError as error:
                refusals.append((place, str(error)))
    # What is not refused is a letter of an escape, of which a capital and a small one are the same.
    assert len(refusals) >= 1190
    among_numbers = [text for place, text in refusals if place >= end]
    assert len(among_numbers) > 400
    assert all(DAMAGED in text for text in among_numbers)
    path.write_bytes(flipped(whole, len(whole) - 1, rng))
    if read is not None:
        with pytest.raises(FileFormatError, match=DAMAGED):
            read(path)
    else:
        with pytest.raises(FileFormatError, match=f"{DAMAGED}$"):
            fit(make(None), resume=path)


@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_another_kind_names_what_reads_it(kind: str, tmp_path: Path) -> None:
    path = FILES[kind][0](tmp_path)
    line = {
        "arrays": r"load_arrays\(path\)",
        "model": r"nn\.load\(path\)",
        "checkpoint": "resume=path",
    }
    expected = f"received {kind}; .*{line[kind.rsplit(maxsplit=1)[-1]]}"
    if not kind.endswith("model"):
        with pytest.raises(
            FileFormatError, match=f"expected a neural-network-numpy model, {expected}"
        ):
            load(path)
    if not kind.endswith("checkpoint"):
        with pytest.raises(FileFormatError, match=expected):
            fit(make(None), resume=path)


@pytest.mark.parametrize("kind", FILES)
def test_a_checksum_whose_name_is_damaged(kind: str, tmp_path: Path) -> None:
    write, read = FILES[kind]
    path = write(tmp_path)
    whole = path.read_bytes()
    for name in (b"checksul", b"Checksum"):
        expected = f"damaged: an entry '{name.decode()}' of its metadata instead of 'checksum'"
        path.write_bytes(whole.replace(b'"checksum"', b'"%s"' % name))
        with pytest.raises(FileFormatError, match=expected):
            load_arrays(path)
        if read is not None:
            with pytest.raises(
                FileFormatError, match=rf"{expected} \(a program that changes a file"
            ):
                read(path)
        else:
            with pytest.raises(FileFormatError, match=f"{expected}$"):
                fit(make(None), resume=path)


def test_files_of_other_programs(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    for entries in ({"checksum": "sha256:1234", "format": "pt"}, {"format_version": "2"}, None):
        save_file({"a": np.ones(2)}, path, entries)
        assert load_arrays(path)["a"].tolist() == [1, 1]
        with pytest.raises(FileFormatError, match="expected a file with a checksum, received one"):
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
