"""Large files that must be read, and small ones that must not fill the memory.

A case writes a file into a folder that is deleted afterwards, and reads it in a process of its own,
whose memory and time are measured: ``python -m fuzz.large_files NUMBER FILE`` reads one.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic, process_time
from typing import Any, NamedTuple

import numpy as np

import neural_network as nn
from fuzz.report import Fault, Report, repeating
from neural_network.array_files import LONGEST_HEADER

ROOT = Path(__file__).parents[1]
SECONDS, MEGABYTES = 2.0, 256  # of a refusal: of the processor, and above the import
HANGS = 300.0
SHIPPED = ROOT / "src" / "neural_network" / "models" / "weights" / "tiny_cnn.safetensors"


class Case(NamedTuple):
    """A file, and how it is read."""

    name: str
    write: Callable[[Path], object]
    read: Callable[[str], Any]
    refused: bool


# --- files that are refused ------------------------------------------------------------------


def write_bomb(path: Path, sizes: tuple[int, ...], unzipped: int) -> None:
    """Write an IDX file of zeros whose gzip stream is about a thousandth of its content."""
    start = struct.pack(f">4B{len(sizes)}I", 0, 0, 8, len(sizes), *sizes)
    packer = zlib.compressobj(9, wbits=31)
    # After a full flush the stream depends on nothing before it: a block may be repeated.
    first = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 23)) + packer.flush(zlib.Z_FULL_FLUSH)
    path.write_bytes(first + block * (unzipped >> 23) + packer.flush())


def write_long_name(path: Path) -> None:
    """Write a gzip file whose header has a name of 50 megabytes."""
    path.write_bytes(b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * 50_000_000)


def write_header(path: Path, header: bytes, size: int = 0) -> None:
    """Write a safetensors file with any header, and zeros that take no room on the disk."""
    with open(path, "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + size)


def names(count: int) -> bytes:
    """Return a header with so many arrays without numbers."""
    rows = [b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % i for i in range(count)]
    return b"{" + b",".join(rows) + b"}"


def one_array(shape: list[int], end: int) -> bytes:
    """Return the header of a file with one array."""
    entry = {"dtype": "U8", "shape": shape, "data_offsets": [0, end]}
    return json.dumps({"a": entry}).encode()


def metadata(text: str) -> bytes:
    """Return the header of a model's file with this architecture."""
    entries = {"format": "neural-network-numpy model", "format_version": "1", "architecture": text}
    return json.dumps({"__metadata__": entries}).encode()


def write_sheet(path: Path, width: int, height: int) -> None:
    """Write a white PNG with a stroke, of any size in some kilobytes."""
    packer, blank = zlib.compressobj(9), b"\0" + b"\xff" * (width // 8)
    stroke = blank[:2] + bytes(len(blank) - 3) + blank[-1:]
    quarter = height // 4 if width < 100 else 64  # what is refused by its size needs no rows
    rows = b"".join([packer.compress(row * 64) for row in (blank, stroke, stroke, blank)
                     for _ in range(quarter // 64)])  # fmt: skip

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    head = struct.pack(">2I5B", width, height, 1, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    path.write_bytes(start + chunk(b"IDAT", rows + packer.flush()) + chunk(b"IEND", b""))


def resume(path: str) -> object:
    """Go on with a training from a checkpoint."""
    trainer = nn.Trainer([nn.Dense(3)], rng=0, progress=False)
    return trainer.fit(np.eye(3), np.arange(3), epochs=1, resume=path)


def settings(path: str) -> object:
    """Read a settings file, as the command does."""
    from neural_network.cli.settings import checked_settings, read_settings

    return checked_settings(read_settings(Path(path)))


def digit(path: str) -> object:
    """Recognize the digit in a picture."""
    model = nn.models.load_tiny_cnn()
    return model.predict(nn.prepare_digit(nn.load_picture(path))[None, None])


def strip(path: str) -> None:
    """Look for a digit in a strip of a picture, which is too narrow to hold one."""
    with suppress(nn.ArgumentError):
        nn.prepare_digit(nn.load_picture(path))


IDX, MILLION = nn.read_idx, 1_000_000
REFUSED = [
    Case("a bomb of 1 GiB", lambda p: write_bomb(p, (1 << 20, 1 << 10), 1 << 30), IDX, True),
    Case("a bomb of 100 GB", lambda p: write_bomb(p, (25_000_000, 4000), 10**11), IDX, True),
    Case("a bomb that promises little", lambda p: write_bomb(p, (10, 10), 1 << 34), IDX, True),
    Case("a promise of 2^68", lambda p: write_bomb(p, (1 << 31, 1 << 31, 64), 1 << 23), IDX, True),
    Case("a long name", write_long_name, IDX, True),
    Case("a million names", lambda p: write_header(p, names(MILLION)), nn.load_arrays, True),
    Case("names below the limit", lambda p: write_header(p, names(500_000)), nn.load_arrays, True),
    Case("a shape beyond the file", lambda p: write_header(p, one_array([10**12], 10**12)),
         nn.load_arrays, True),
    Case("another shape than its bytes", lambda p: write_header(p, one_array([10**12], 9), 9),
         nn.load_arrays, True),
    Case("65 axes", lambda p: write_header(p, one_array([1] * 65, 1), 1), nn.load_arrays, True),
    Case("a million axes", lambda p: write_header(p, one_array([1] * MILLION, 1), 1),
         nn.load_arrays, True),
    Case("0 times too much", lambda p: write_header(p, one_array([0, 1 << 62, 1 << 62], 0)),
         nn.load_arrays, True),
    Case("a header of 1 TB", lambda p: p.write_bytes((10**12).to_bytes(8, "little")),
         nn.load, True),
    Case("tables in the metadata", lambda p: write_header(p, metadata("[" + "{}," * 9_000_000)),
         nn.load, True),
    Case("lists in the metadata", lambda p: write_header(p, metadata("[" + "[]," * 9_000_000)),
         nn.load, True),
    Case("text in the metadata", lambda p: write_header(p, metadata("a" * (LONGEST_HEADER - 999))),
         nn.load, True),
    Case("a pipe", os.mkfifo, nn.load, True),
    Case("a pipe as IDX", os.mkfifo, IDX, True),
    Case("a pipe as a picture", os.mkfifo, nn.load_picture, True),
    Case("endless zeros", lambda p: p.symlink_to("/dev/zero"), IDX, True),
    Case("endless zeros as a model", lambda p: p.symlink_to("/dev/zero"), nn.load, True),
    Case("endless zeros as a picture", lambda p: p.symlink_to("/dev/zero"), nn.load_picture, True),
    Case("a pipe as notes", os.mkfifo, nn.load_notes, True),
    Case("a pipe as arrays", os.mkfifo, nn.load_arrays, True),
    Case("a pipe as a checkpoint", os.mkfifo, resume, True),
    Case("endless zeros as a checkpoint", lambda p: p.symlink_to("/dev/zero"), resume, True),
    Case("a pipe as settings", os.mkfifo, settings, True),
    Case("endless zeros as settings", lambda p: p.symlink_to("/dev/zero"), settings, True),
    Case("a picture of 10 gigapixels", lambda p: write_sheet(p, 100_000, 100_000),
         nn.load_picture, True),
    Case("the keyboard", lambda p: p.symlink_to("/dev/stdin"), IDX, True),
]  # fmt: skip


# --- files that are read ---------------------------------------------------------------------


def write_emnist(path: Path) -> None:
    """Write as many pictures as EMNIST has, in its own form: repeated digits of MNIST."""
    images = nn.load_mnist()[0].tobytes()
    left = 814_255 * 784
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(struct.pack(">4B3I", 0, 0, 8, 3, 814_255, 28, 28))
        while left:
            file.write(images[:left])
            left -= min(left, len(images))


def write_empty_emnist(path: Path) -> None:
    """Write as many pictures without ink: a file that looks like a bomb."""
    write_bomb(path, (814_255, 28, 28), 1 << 23)
    packer = zlib.compressobj(9, wbits=31)
    start = struct.pack(">4B3I", 0, 0, 8, 3, 814_255, 28, 28)
    pieces = [packer.compress(start)]
    pieces += [packer.compress(bytes(814_255)) for _ in range(784)]
    path.write_bytes(b"".join([*pieces, packer.flush()]))


def write_photograph(path: Path) -> None:
    """Write a photograph of 100 megapixels: a stroke on paper that is lit from one side."""
    from PIL import Image

    shade = 150 + np.arange(10_000) // 100
    sheet = np.tile(shade.astype("u1"), (10_000, 1))
    sheet[3000:7000, 4700:5300] = 20
    Image.fromarray(sheet).save(path, "JPEG")


def write_model(path: Path) -> None:
    """Write a model of 1 GB and 2,000 names."""
    model = nn.Sequential(*(nn.Dense(511) for _ in range(1000))).initialize((511,), rng=0)
    nn.save(model, path)


READ = [
    Case("as many pictures as EMNIST", write_emnist, IDX, False),
    Case("as many empty pictures", write_empty_emnist, IDX, False),
    Case("a photograph of 100 megapixels", write_photograph, digit, False),
    Case("a picture 4 million high", lambda p: write_sheet(p, 24, 4_000_000), strip, False),
    Case("a model of 1 GB", write_model, nn.load, False),
]
CASES = [*REFUSED, *READ]


# --- running them ----------------------------------------------------------------------------


def main(seconds: float, seed: int, case: int | None = None) -> Report:
    """Run the part: all cases in order, as far as the time reaches."""
    report, end = Report(), monotonic() + seconds
    for number in range(len(CASES)) if case is None else [case]:
        if case is None and monotonic() > end:
            break
        with tempfile.TemporaryDirectory() as folder:
            for place, text in judged(number, Path(folder) / "file"):
                report.add(place, Fault(text, repeating("large_files", seed, number)))
        report.cases += 1
        report.outcomes["refused" if CASES[number].refused else "read"] += 1
    return report


def judged(number: int, path: Path) -> Iterator[tuple[str, str]]:
    """Write a file, read it in another process, and yield what is wrong with that."""
    case = CASES[number]
    case.write(path)
    command = [sys.executable, "-m", "fuzz.large_files", str(number), str(path)]
    where = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=HANGS, stdin=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": where}, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        yield case.name, f"{case.name}: not done after {HANGS:.0f} s"
        return
    if done.returncode:
        yield case.name, f"{case.name}: ended with {done.returncode}: {done.stderr[-500:]}"
        return
    found = json.loads(done.stdout)
    expected = "FileFormatError" if case.refused else "read"
    if found["outcome"] != expected:
        yield case.name, f"{case.name}: expected {expected}, received {found}"
    if case.refused and (found["seconds"] > SECONDS or found["megabytes"] > MEGABYTES):
        yield case.name, f"{case.name}: beyond {SECONDS} s or {MEGABYTES} MB: {found}"


def measured(case: Case, path: str) -> dict[str, Any]:
    """Read a file in this process; return the outcome, the processor's time and the memory."""
    nn.load(SHIPPED)  # what is imported at the first use is no cost of the file
    nn.read_idx(ROOT / "src/neural_network/datasets/samples/t10k-labels-idx1-ubyte.gz")
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, process_time()
    try:
        case.read(path)
        outcome = "read"
    except nn.NeuralNetworkError as error:
        outcome = type(error).__name__
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = process_time() - start
    return {"outcome": outcome, "seconds": seconds, "megabytes": (after - before) / 1024}


if __name__ == "__main__":
    print(json.dumps(measured(CASES[int(sys.argv[1])], sys.argv[2])))
