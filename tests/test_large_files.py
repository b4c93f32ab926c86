"""Small files that would fill the memory; ``make fuzz`` reads the large ones, and measures both."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest
from fuzz.large_files import MEGABYTES, REFUSED, SECONDS, Case, names, write_bomb, write_header

import neural_network as nn
from neural_network import array_files

# Those that take no seconds to write and to measure.
SLOW = ("a bomb of 100 GB", "a million names", "names below the limit", "lists in the metadata",
        "text in the metadata")  # fmt: skip
QUICK = [case for case in REFUSED if case.name not in SLOW and case.read is not nn.load_picture]


@pytest.mark.parametrize("case", QUICK, ids=lambda case: str(case.name))
def test_refused_before_the_memory_is_full(case: Case, tmp_path: Path) -> None:
    case.write(tmp_path / "file")
    tracemalloc.start()
    start = process_time()
    try:
        with pytest.raises(nn.FileFormatError, match=f"^{tmp_path}/file: ") as caught:
            case.read(str(tmp_path / "file"))
        assert tracemalloc.get_traced_memory()[1] < MEGABYTES << 20
    finally:
        tracemalloc.stop()
    assert process_time() - start < SECONDS
    assert len(str(caught.value)) < 500


def test_a_gzip_file_of_zeros_is_read_where_it_is_no_bomb(tmp_path: Path) -> None:
    path = tmp_path / "zeros"
    write_bomb(path, (1 << 13, 1 << 10), 1 << 23)
    images = nn.read_idx(path)
    assert images.shape == (1 << 13, 1 << 10)
    assert not images.any()
    whole = path.read_bytes()
    first, second = whole + bytes(99), whole[:-1]
    path.write_bytes(first)  # zeros may follow a stream
    assert nn.read_idx(path).shape == images.shape
    path.write_bytes(second)
    with pytest.raises(nn.FileFormatError, match="the gzip stream is damaged .it ends too early"):
        nn.read_idx(path)


def test_thousands_of_names_are_read(tmp_path: Path) -> None:
    path = tmp_path / "names"
    write_header(path, names(20_000))
    assert len(nn.load_arrays(path)) == 20_000
    nn.save_arrays(path, {f"{i}": np.ones(3) for i in range(2000)})
    assert len(nn.load_arrays(path, require_checksum=True)) == 2000


def test_what_could_not_be_read_is_not_written(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "file"
    nn.save(model := nn.Dense(2).initialize((3,), rng=0), path)
    before = path.read_bytes()
    for name, most, text in (
        ("MOST_TABLES", 3, "save: .*: expected at most 3 times '{' in the header, received"),
        ("MOST_ITEMS", 9, "save: .*: expected at most 9 times ',' in the header, received"),
        ("LONGEST_HEADER", 90, "save: .*: expected at most 90 bytes of header, received"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(array_files, name, most)
            with pytest.raises(nn.ArgumentError, match=text):
                nn.save(model, path)
            with pytest.raises(nn.FileFormatError, match="file: header: expected at most"):
                nn.load(path)
    assert path.read_bytes() == before
