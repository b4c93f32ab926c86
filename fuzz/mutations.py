"""Damaged files: models, arrays, checkpoints, IDX, pictures, TOML with flipped bits, cuts …"""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tests.training.resumable import fit, make

import neural_network as nn
from fuzz.judging import judged, place_of
from fuzz.odd import shown
from fuzz.pool import Limits, run_cases
from fuzz.report import Report
from fuzz.worker import Outcome, note
from neural_network.cli.settings import checked_settings, read_settings
from neural_network.kernels.runtime.gate import available

# Name of a file → its right content.
ORIGINALS: dict[str, bytes] = {}


def _logged(path: Path) -> None:
    """Go on with a log of another training."""
    trainer = nn.Trainer([nn.Dense(3)], callbacks=[nn.CSVLog(path)], rng=0, progress=False)
    trainer.fit(np.eye(3), np.arange(3))


# Ending → what reads such a file.
READERS: dict[str, Callable[[Path], Any]] = {
    "model": lambda path: _used(nn.load(path)),
    "notes": nn.load_notes,
    "arrays": nn.load_arrays,
    "checkpoint": lambda path: fit(make(None), epochs=2, resume=path),
    "idx": nn.read_idx,
    "gz": nn.read_idx,
    "toml": lambda path: checked_settings(read_settings(path)),
    "csv": _logged,
    **dict.fromkeys(
        ("png", "jpg", "gif", "bmp", "tif", "webp"),
        lambda path: nn.prepare_digit(nn.load_picture(path)),
    ),
    "folder": lambda path: nn.load_image_folder(path.parent / "pictures", size=8),
}
TOML = b'data = "mnist"\nmodel = "mlp"\nepochs = 2\nlearning-rate = 0.01\naugment = "shift=1"\n'
ODD_TEXTS = [
    "null", "true", "-1", "0", "1e999", "NaN", "[]", "{}", '""', '"x"', "18446744073709551616",
    "[[[[1]]]]", "1.5", '"\\u0000"', "-0.0", "[1,2,3]", '{"tuple":[]}', '{"again":0}', "9" * 50,
]  # fmt: skip
ODD_BYTES = [
    b"\0",
    b"\xff",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b'"',
    b"{",
    b"\n",
]


def main(seconds: float, seed: int, case: int | None = None) -> Report:
    """Run the part."""
    return run_cases("mutations", seed, seconds, case, limits=Limits(memory=400 << 20))


def set_up() -> None:
    """Make the right files, in the folder of this process."""
    here = Path()
    model = nn.Sequential(
        nn.Conv2D(2, 3, activation="relu"), nn.BatchNorm(), nn.MaxPool2D(2), nn.Flatten(),
        nn.Residual(nn.Dense(18, "tanh"), nn.Dropout(0.5)), nn.Dense(3),
    ).initialize((1, 8, 8), rng=0)  # fmt: skip
    nn.save(model, here / "one.model", notes={"classes": ["a", "b"], "accuracy": 0.5})
    nn.save_arrays(here / "one.arrays", {"a": np.arange(6.0).reshape(2, 3), "b": np.ones(2, "i1")})
    fit(make(here), epochs=1)
    (here / "run.checkpoint").rename("one.checkpoint")
    (here / "log.csv").rename("one.csv")
    digits = np.arange(3 * 16, dtype=np.uint8).reshape(3, 4, 4) * 5
    (here / "one.idx").write_bytes(struct.pack(">HBB3I", 0, 8, 3, 3, 4, 4) + digits.tobytes())
    (here / "one.gz").write_bytes(gzip.compress((here / "one.idx").read_bytes(), mtime=0))
    (here / "one.toml").write_bytes(TOML)
    sheet = np.full((40, 30), 255, np.uint8)
    sheet[8:30, 12:16] = 0
    for ending in ("png", "jpg", "gif", "bmp", "tif", "webp"):
        Image.fromarray(sheet).save(here / f"one.{ending}")
    for path in here.glob("one.*"):
        ORIGINALS[path.suffix[1:]] = path.read_bytes()
    ORIGINALS["notes"], ORIGINALS["folder"] = ORIGINALS["model"], ORIGINALS["png"]
    for name in ("a", "b"):
        (here / "pictures" / name).mkdir(parents=True)
        (here / "pictures" / name / "0.png").write_bytes(ORIGINALS["png"])
    for reader in (*READERS,):  # what is imported on first use is no memory of a case
        READERS[reader](_written(reader, ORIGINALS[reader]))


def case(seed: int, number: int) -> Outcome:
    """Change a file in some places, and read it."""
    rng = random.Random(f"mutations {seed} {number}")
    kind = rng.choice(list(READERS))
    content = ORIGINALS[kind]
    changes = []
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        change = rng.choice(CHANGES if kind != "toml" else [*CHANGES, odd_value, odd_value])
        content = change(content, rng)
        changes.append(change.__name__)
    kernels = rng.choice(["numpy", "auto"] if available() else ["numpy"])
    story = f"{kind} file after {', '.join(changes)} ({len(content)} bytes), kernels {kernels}"
    note(story)
    path = _written(kind, content)
    try:
        with nn.use_kernels(kernels):
            READERS[kind](path)
    except Exception as error:  # of any class: that is what is looked for
        if (reason := judged(error)) is not None:
            place = f"{type(error).__name__} {place_of(error)}"
            return Outcome("fault", [(place, f"{story}\n  {reason}\n  at {place_of(error)}")])
        return Outcome(f"refused {kind}", [])
    return Outcome(f"read {kind}", [])


def _written(kind: str, content: bytes) -> Path:
    name = "pictures/a/0.png" if kind == "folder" else f"case.{kind}"
    path = Path(name)
    path.write_bytes(content)
    return Path("case.folder") if kind == "folder" else path


def _used(model: nn.Layer) -> None:
    """Do with a model that was read what is done with models."""
    shown(model)
    if model.input_shape is not None and np.prod(model.input_shape) < 10_000:
        model.predict(np.ones((2, *model.input_shape), model.input_dtype))


# --- changes ------------------------------------------------------------------------------


def flipped(content: bytes, rng: random.Random) -> bytes:
    """Flip some bits."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8, 64]) if changed else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(content: bytes, rng: random.Random) -> bytes:
    """Leave out the end, or a part."""
    start = rng.randrange(len(content) + 1)
    return content[:start] + (content[start + rng.randrange(200) :] if rng.random() < 0.5 else b"")


def replaced(content: bytes, rng: random.Random) -> bytes:
    """Put odd bytes in the place of others, more often near the beginning."""
    start = rng.randrange(len(content) + 1) if rng.random() < 0.5 else rng.randrange(40)
    odd = rng.choice(ODD_BYTES)
    return content[:start] + odd + content[start + len(odd) :]


def repeated(content: bytes, rng: random.Random) -> bytes:
    """Repeat a part, or put it elsewhere."""
    start = rng.randrange(len(content) + 1)
    part = content[start : start + rng.randrange(1, 300)]
    place = rng.randrange(len(content) + 1)
    return content[:place] + part * rng.choice([1, 1, 20]) + content[place:]


def odd_value(content: bytes, rng: random.Random) -> bytes:
    """Put an odd value in the place of a number or a word in text such as JSON or TOML."""
    size = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + size] if 0 < size < len(content) else b""
    text = header or content[:4000]
    spots = [*re.finditer(rb'-?\d+(\.\d+)?|"[^"]*"|true|false|null|\[[^\[\]]*\]', text)]
    if not spots:
        return content
    spot = rng.choice(spots)
    new = text[: spot.start()] + rng.choice(ODD_TEXTS).encode() + text[spot.end() :]
    if header:  # with its right length
        return len(new).to_bytes(8, "little") + new + content[8 + size :]
    return new + content[4000:]


def odd_metadata(content: bytes, rng: random.Random) -> bytes:
    """Change a value inside the metadata of a safetensors file, which are JSON in JSON."""
    size = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + size])
        metadata = header["__metadata__"]
        key = rng.choice(sorted(metadata))
        inner = odd_value(str(metadata[key]).encode(), rng).decode(errors="replace")
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return flipped(content, rng)
    metadata[key] = inner
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def inside_gzip(content: bytes, rng: random.Random) -> bytes:
    """Change what is compressed, and compress it again."""
    try:
        plain = gzip.GzipFile(fileobj=io.BytesIO(content)).read(1 << 20)
    except (OSError, EOFError, ValueError):
        return flipped(content, rng)
    except zlib.error:
        return cut(content, rng)
    return gzip.compress(rng.choice([flipped, cut, replaced])(plain, rng), mtime=0)


CHANGES = [flipped, cut, replaced, repeated, odd_value, odd_metadata, odd_metadata, inside_gzip]
