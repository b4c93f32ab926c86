"""Reading picture files, whole and broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from neural_network import FileFormatError, load_picture

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
    Image.new("1", (10_001, 10_000)).save(tmp_path / "large.png")
    with pytest.raises(
        FileFormatError, match="expected at most 100,000,000 pixels, received 10001×10000"
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
