"""Reading picture files, whole and broken."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from neural_network import ArgumentError, DTypeError, FileFormatError, load_picture

RAMP = np.arange(0, 250, 10, dtype="uint8").reshape(5, 5)


def test_grey_png(tmp_path: Path) -> None:
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    out = load_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(out, RAMP)
    assert out.dtype == np.float64


def test_colours_are_weighed(tmp_path: Path) -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], "uint8")
    Image.fromarray(colours).save(tmp_path / "a.png")
    np.testing.assert_allclose(load_picture(tmp_path / "a.png"), [[76, 150, 29, 255]], atol=1)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    pixels = np.array([[[0, 0, 0, 0], [0, 0, 0, 255], [0, 0, 0, 127]]], "uint8")
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_allclose(load_picture(tmp_path / "a.png"), [[255, 0, 128]], atol=1)


@pytest.mark.parametrize("mode", ["1", "P", "LA", "CMYK"])
def test_other_modes(tmp_path: Path, mode: str) -> None:
    name = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.fromarray(np.full((4, 4), 255, "uint8")).convert(mode).save(name)
    np.testing.assert_allclose(load_picture(name), 255)


def test_16_bits(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 257 * 100, 65535]], "uint16")).save(tmp_path / "a.png")
    np.testing.assert_allclose(load_picture(tmp_path / "a.png"), [[0, 100, 255]])


def test_numbers_beyond_shades_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 200]], "int32")).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(load_picture(tmp_path / "a.tif"), [[0, 200]])
    Image.fromarray(np.array([[0, np.nan]], "float32")).save(tmp_path / "b.tif")
    with pytest.raises(FileFormatError, match="expected shades from 0 to 255, received nan"):
        load_picture(tmp_path / "b.tif")


def test_exif_turns_a_photograph_upright(tmp_path: Path) -> None:
    picture = Image.fromarray(np.zeros((2, 6), "uint8"))
    exif = picture.getexif()
    exif[0x0112] = 6  # turned by 90°
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert load_picture(tmp_path / "a.jpg").shape == (6, 2)


def broken(folder: Path) -> dict[str, Any]:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), "uint8")).save(
        folder / "whole.png"
    )
    whole = (folder / "whole.png").read_bytes()
    return {
        "text.png": b"this is a text",
        "empty.png": b"",
        "half.png": whole[: len(whole) // 2],
        "head.png": whole[:20],
        "flipped.png": whole[:60] + bytes(b ^ 255 for b in whole[60:]),
    }


@pytest.mark.parametrize(
    "name", ["text.png", "empty.png", "half.png", "head.png", "flipped.png", "folder"]
)
def test_what_is_not_a_picture(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    else:
        path.write_bytes(broken(tmp_path)[name])
    with pytest.raises(FileFormatError, match=r"not a picture|received a folder"):
        load_picture(path)


def test_too_many_pixels_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    for width, received in [(12_001, "12001×10000"), (30_000, "more")]:  # Pillow counts as well
        (tmp_path / "large.png").write_bytes(png(width, 10_000, 1, 0, b""))
        with pytest.raises(
            FileFormatError, match=f"at most 120,000,000 pixels, received {received}"
        ):
            load_picture(tmp_path / "large.png")


def test_transparency_of_palettes_and_of_grey(tmp_path: Path) -> None:
    palette = Image.fromarray(np.array([[0, 1]], "uint8")).convert("P")
    palette.putpalette([0, 0, 0, 10, 10, 10])
    palette.save(tmp_path / "a.png", transparency=0)
    np.testing.assert_allclose(load_picture(tmp_path / "a.png"), [[255, 10]], atol=1)
    grey = Image.merge("LA", [Image.new("L", (1, 1), 50), Image.new("L", (1, 1), 0)])
    grey.save(tmp_path / "b.png")
    np.testing.assert_allclose(load_picture(tmp_path / "b.png"), [[255]])


def test_a_float_picture_keeps_its_numbers(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0.5, 200.25]], "float32")).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(load_picture(tmp_path / "a.tif"), [[0.5, 200.25]])


def test_no_such_picture(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_picture(tmp_path / "nothing.png")


# --- files as other programs write them ----------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, bits: int, colour: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG file; ``rows`` begin with the number of their filter, 0."""
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    chunks = chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunks + chunk(b"IEND", b"")


def tiff(
    row: bytes, width: int, bits: int, *, kind: int = 1, white: int = 1, order: str = "<"
) -> bytes:
    """A grey TIFF file of one row; ``kind`` 1 is unsigned, 2 signed, 3 floating."""
    row += b"\0" * (len(row) % 2)
    tags = {256: width, 257: 1, 258: bits, 259: 1, 262: white, 273: 8, 277: 1, 278: 1,
            279: len(row), 339: kind}  # fmt: skip
    head = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 8 + len(row))
    entries = b"".join(
        struct.pack(order + "HHI", tag, 4, 1) + struct.pack(order + "I", value)
        for tag, value in sorted(tags.items())
    )
    return head + row + struct.pack(order + "H", len(tags)) + entries + b"\0" * 4


SIXTEEN = struct.pack(">3H", 0, 0x1234, 0xFFFF)
ODD: dict[str, tuple[bytes, Any]] = {
    "16 bits": (png(3, 1, 16, 0, b"\0" + SIXTEEN), [0, 0x1234 / 257, 255]),
    "16 bits, one shade transparent": (
        png(3, 1, 16, 0, b"\0" + SIXTEEN, chunk(b"tRNS", struct.pack(">H", 0x1234))), [0, 255, 255]),
    "16 bits, the light ink on transparent": (
        png(2, 1, 16, 0, b"\0" + SIXTEEN[2:], chunk(b"tRNS", struct.pack(">H", 0x1234))), [0, 255]),
    "16 bits and alpha": (
        png(2, 1, 16, 4, b"\0" + struct.pack(">4H", 0, 0xFFFF, 0, 0)), [0, 255]),
    "16 bits of colour and alpha": (
        png(2, 1, 16, 6, b"\0" + struct.pack(">8H", 0, 0, 0, 0xFFFF, 9, 9, 9, 0)), [0, 255]),
    "16 bits of colour, one transparent": (
        png(2, 1, 16, 2, b"\0" + struct.pack(">6H", *[0x1234] * 3, 0, 0, 0),
            chunk(b"tRNS", struct.pack(">3H", *[0x1234] * 3))), [255, 0]),
    "4 bits, one shade transparent": (
        png(2, 1, 4, 0, b"\0\x30", chunk(b"tRNS", struct.pack(">H", 3))), [255, 0]),
    "2 bits, one shade transparent": (
        png(2, 1, 2, 0, b"\0\x40", chunk(b"tRNS", struct.pack(">H", 1))), [255, 0]),
    "1 bit, black transparent": (
        png(2, 1, 1, 0, b"\0\x40", chunk(b"tRNS", struct.pack(">H", 0))), [0, 255]),
    "a palette with alpha": (
        png(2, 1, 2, 3, b"\0\x40", chunk(b"PLTE", bytes([0, 0, 0, 9, 9, 9])) + chunk(b"tRNS", b"\xff\0")),
        [255, 0]),
    "TIFF, 16 bits": (tiff(struct.pack("<2H", 0, 65535), 2, 16), [0, 255]),
    "TIFF, 16 bits, big-endian": (tiff(struct.pack(">2H", 0, 257), 2, 16, order=">"), [0, 1]),
    "TIFF, 16 bits, white is zero": (tiff(struct.pack("<2H", 0, 65535), 2, 16, white=0), [255, 0]),
    "TIFF, 8 bits, white is zero": (tiff(b"\0\xff", 2, 8, white=0), [255, 0]),
    "TIFF, 16 signed bits": (tiff(struct.pack("<2h", 0, 257 * 9), 2, 16, kind=2), [0, 9]),
    "TIFF, 12 bits": (tiff(b"\xff\xf0\0", 2, 12), [255, 0]),
    "TIFF, 0 to 1": (tiff(struct.pack("<3f", 0, 0.5, 1), 3, 32, kind=3), [0, 127.5, 255]),
    "TIFF, 0 to 1, big-endian": (tiff(struct.pack(">2f", 0, 1), 2, 32, kind=3, order=">"), [0, 255]),
    "TIFF, 0 to 1, white is zero": (tiff(struct.pack("<2f", 0, 1), 2, 32, kind=3, white=0), [255, 0]),
    "TIFF, 0 to 255": (tiff(struct.pack("<2f", 0.5, 200.25), 2, 32, kind=3), [0.5, 200.25]),
    "TIFF, 0 to 65535": (tiff(struct.pack("<2f", 0, 65535), 2, 32, kind=3), [0, 255]),
    "TIFF, 32 bits": (tiff(struct.pack("<2i", 0, 200), 2, 32, kind=2), [0, 200]),
    "PGM, 16 bits": (b"P5 2 1 65535\n" + struct.pack(">2H", 0, 257), [0, 1]),
    "PGM, 0 to 1000": (b"P2 2 1 1000\n0 1000\n", [0, 255]),
    "PFM, 0 to 1": (b"Pf\n2 1\n-1.0\n" + struct.pack("<2f", 0, 1), [0, 255]),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_numbers_of_all_kinds_are_shades(tmp_path: Path, name: str) -> None:
    content, shades = ODD[name]
    (tmp_path / "a.jpg").write_bytes(content)  # a wrong ending makes no difference
    np.testing.assert_allclose(load_picture(tmp_path / "a.jpg"), [shades], atol=0.01)
    np.testing.assert_allclose(
        load_picture(tmp_path / "a.jpg", grey=False), [[shades]] * 3, atol=0.01
    )


@pytest.mark.parametrize("numbers", [
    (0, 1.03), (-0.1, 1), (0, np.nan), (0, np.inf), (-5, 200), (0, 1e6),
])  # fmt: skip
def test_floating_numbers_that_are_no_shades(tmp_path: Path, numbers: Any) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(struct.pack("<2f", *numbers), 2, 32, kind=3))
    with pytest.raises(
        FileFormatError, match="expected shades from 0 to 255, received .* are scaled"
    ):
        load_picture(tmp_path / "a.tif")


def test_lab(tmp_path: Path) -> None:
    if not features.check("littlecms2"):
        pytest.skip("this Pillow converts no LAB")
    lab = np.array([[[0, 0, 0], [255, 0, 0]]], "uint8")
    Image.frombytes("LAB", (2, 1), lab.tobytes()).save(tmp_path / "a.tif")
    np.testing.assert_allclose(load_picture(tmp_path / "a.tif"), [[0, 255]], atol=2)


@pytest.mark.parametrize(("colour", "paper"), [(0, 255), (255, 0), (200, 0), (100, 255)])
def test_ink_in_the_alpha_channel(tmp_path: Path, colour: int, paper: int) -> None:
    """Colour is everywhere the same; the digit is where the picture is not transparent."""
    alpha = np.array([[0, 255, 0]], "uint8")
    pixels = np.dstack([np.full((1, 3, 3), colour, "uint8"), alpha])
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_allclose(load_picture(tmp_path / "a.png"), [[paper, colour, paper]], atol=1)
    np.testing.assert_allclose(
        load_picture(tmp_path / "a.png", grey=False)[2], [[paper, colour, paper]], atol=1
    )


def test_a_photograph_cut_out_of_its_background_lies_on_white(tmp_path: Path) -> None:
    pixels = np.array([[[0, 0, 0, 0], [240, 240, 240, 255], [30, 30, 30, 255]]], "uint8")
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_allclose(load_picture(tmp_path / "a.png"), [[255, 240, 30]], atol=1)
    Image.fromarray(pixels * np.array([1, 1, 1, 0], "uint8")).save(tmp_path / "b.png")
    np.testing.assert_allclose(load_picture(tmp_path / "b.png"), 255)  # nothing to be seen


def jpeg(exif: bytes) -> bytes:
    file = io.BytesIO()
    Image.new("L", (4, 2), 99).save(file, "JPEG", exif=b"Exif\0\0" + exif)
    return file.getvalue()


def exif(*tags: tuple[int, int, int, bytes]) -> bytes:
    entries = b"".join(struct.pack("<HHI", *tag[:3]) + tag[3] for tag in sorted(tags))
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + b"\0" * 4


def short(value: int) -> bytes:
    return struct.pack("<HH", value, 0)


@pytest.mark.parametrize(("tags", "turned"), [
    (exif((0x0112, 3, 1, short(6))), True),
    (exif((0x0112, 4, 1, struct.pack("<I", 8))), True),  # a number of another length
    # Beside a good one: a text that is none, a fraction without a place, a type that does not exist.
    (exif((0x0112, 3, 1, short(6)), (0x010F, 2, 4, b"\xff\xfe\0\0")), True),
    (exif((0x0112, 3, 1, short(6)), (0x011A, 5, 1, b"\xff\xff\xff\x7f")), True),
    (exif((0x0112, 3, 1, short(6)), (0x9999, 77, 1, b"abcd")), True),
    (exif((0x0112, 3, 1, short(6)), (0x8769, 3, 1, short(9))), True),
    (exif((0x0112, 3, 1, short(6)), (0x8769, 2, 3, b"abc\0")), True),
    (exif((0x0112, 3, 1, short(6)), (0x9C9B, 1, 4, b"ab\0\0")), True),
    (exif((0x0112, 3, 1, short(1))), False),
    (exif((0x0112, 3, 1, short(0))), False),
    (exif((0x0112, 3, 1, short(99))), False),
    (exif((0x0112, 2, 4, b"six\0")), False),
    (exif((0x0112, 3, 0, short(6))), False),
    (b"", False), (b"II*\0", False), (b"nonsense", False), (exif()[:-3], False),
])  # fmt: skip
def test_odd_exif_stops_no_good_photograph(tmp_path: Path, tags: bytes, turned: bool) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(tags))
    assert load_picture(tmp_path / "a.jpg").shape == ((4, 2) if turned else (2, 4))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations(tmp_path: Path, orientation: int) -> None:
    Image.fromarray(RAMP[:2]).save(tmp_path / "a.png")
    as_stored = load_picture(tmp_path / "a.png")
    picture = Image.fromarray(RAMP[:2])
    tags = picture.getexif()
    tags[0x0112] = orientation
    picture.save(tmp_path / "b.png", exif=tags)
    upright = {
        1: as_stored, 2: as_stored[:, ::-1], 3: as_stored[::-1, ::-1], 4: as_stored[::-1],
        5: as_stored.T, 6: as_stored[::-1].T, 7: as_stored[::-1, ::-1].T, 8: as_stored[:, ::-1].T,
    }[orientation]  # fmt: skip
    np.testing.assert_array_equal(load_picture(tmp_path / "b.png"), upright)


@pytest.mark.parametrize(("content", "match"), [
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1", "HEIC photograph; save or export it as JPEG .*Most Compatible"),
    (b"\0\0\0\x18ftypmif1\0\0\0\0heic", "HEIC photograph"),
    (b"\0\0\0\x18ftypqt  \0\0\0\0", "a video; save or export it as JPEG"),
    (b"\xff\x0a\xfa\x1f", "a JPEG XL picture; save or export it as JPEG"),
    (b"%PDF-1.7", "a PDF document"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
    (b"<!DOCTYPE html><html>", "a web page"),
    (b"", "an empty file"),
    (b"\0\0\0\0", "of no format that Pillow knows"),
    (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "EPS is a program"),
])  # fmt: skip
def test_files_of_other_kinds_are_named(tmp_path: Path, content: bytes, match: str) -> None:
    (tmp_path / "IMG_0001.jpg").write_bytes(content)
    with pytest.raises(FileFormatError, match=rf"IMG_0001\.jpg: not a picture .*{match}") as caught:
        load_picture(tmp_path / "IMG_0001.jpg")
    assert len(str(caught.value)) - len(str(tmp_path)) < 400


def test_a_photograph_cut_short(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), "uint8")
    Image.fromarray(noise).save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    for share in (0.3, 0.6, 0.9):
        (tmp_path / "a.jpg").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(
            FileFormatError, match=r"a\.jpg: not a picture that can be read \(damaged, or cut sh"
        ):
            load_picture(tmp_path / "a.jpg")


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.tif", "a.webp"])
def test_of_several_pictures_the_first_is_read_and_that_is_said(tmp_path: Path, name: str) -> None:
    frames = [Image.new("L", (3, 2), shade) for shade in (0, 120, 255)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    with pytest.warns(UserWarning, match="contains several pictures; the first is read") as caught:
        shades = load_picture(tmp_path / name)
    np.testing.assert_allclose(shades, np.zeros((2, 3)), atol=2)
    assert caught[0].filename == __file__
    frames[0].save(tmp_path / name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_picture(tmp_path / name)


def test_the_preview_in_a_telephones_photograph_is_not_another_picture(tmp_path: Path) -> None:
    frames = [Image.new("L", (30, 20), shade) for shade in (0, 255)]
    frames[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(load_picture(tmp_path / "a.jpg"), np.zeros((20, 30)), atol=2)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipes_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", tmp_path / "link.png", Path(os.devnull)):
        with pytest.raises(
            FileFormatError, match="expected a picture file, received a device or a pipe"
        ):
            load_picture(path)


@pytest.mark.parametrize("path", [None, 3, 3.5, b"a.png", ["a.png"]])
def test_what_is_no_path(path: Any) -> None:
    with pytest.raises(DTypeError, match="load_picture: path: expected the path of a file"):
        load_picture(path)


@pytest.mark.parametrize("path", ["", "a\0.png"])
def test_names_that_no_file_has(path: str) -> None:
    with pytest.raises(ArgumentError, match="load_picture: path: expected"):
        load_picture(path)
