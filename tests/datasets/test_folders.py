"""Pictures in a folder for each class, and what may be wrong with them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

import neural_network as nn
from neural_network import (
    ArgumentError,
    DTypeError,
    FileFormatError,
    MissingDependencyError,
    ShapeError,
    load_image_folder,
    load_picture,
    prepare_digit,
)
from neural_network.datasets.folders import read_folder

RAMP = np.arange(24, dtype="uint8").reshape(4, 6)


def put(path: Path, pixels: Any = RAMP) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, "uint8")).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "digits"
    put(root / "two" / "b.png", RAMP + 2)
    put(root / "two" / "a.png", RAMP + 1)
    put(root / "10" / "x.png", RAMP)
    put(root / "9" / "y.png", RAMP + 3)
    return root


def test_classes_and_pictures_in_the_order_of_their_names(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".DS_Store").write_text("x")
    (folder / "two" / ".DS_Store").write_text("x")
    images, labels, class_names = load_image_folder(str(folder))
    assert class_names == ["10", "9", "two"]
    assert_array_equal(labels, [0, 1, 2, 2])
    assert_array_equal(images, RAMP + np.array([0, 3, 1, 2], "uint8")[:, None, None])
    assert (images.dtype, labels.dtype) == ("uint8", "int64")


def test_colours(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (5, 4, 3), "uint8")
    put(tmp_path / "a" / "colour.png", colours)
    put(tmp_path / "a" / "grey.png", np.full((5, 4), 77))
    deep = Image.fromarray(np.full((5, 4), 257 * 50, "uint16"))
    deep.save(tmp_path / "a" / "sixteen.png")
    images, _, _ = load_image_folder(tmp_path, grey=False)
    assert images.shape == (3, 3, 5, 4)
    assert_array_equal(images[0], colours.transpose(2, 0, 1))
    assert_array_equal(images[1], 77)
    assert_array_equal(images[2], 50)
    greys = load_image_folder(tmp_path, grey=True)[0]
    weighed = colours @ [0.299, 0.587, 0.114]
    assert np.abs(greys[0] - weighed).max() <= 1


def test_colours_that_become_shades_unasked_get_a_hint(tmp_path: Path) -> None:
    for name, colour in {"red": (200, 50, 50), "blue": (40, 60, 210)}.items():
        put(tmp_path / "c" / name / "a.png", np.full((5, 4, 3), colour, "uint8"))
        put(tmp_path / "p" / name / "a.png", np.full((5, 4, 3), (190, 184, 175), "uint8"))
    text = (
        r"in colour and were read as shades of grey; grey=False keeps the colours, \(n, 3, H, W\)"
    )
    with pytest.warns(nn.TrainingHint, match=text) as found:
        images = load_image_folder(tmp_path / "c")[0]
    assert found[0].filename == __file__
    assert images.shape == (2, 5, 4)
    assert_array_equal(load_image_folder(tmp_path / "c", grey=True)[0], images)
    assert load_image_folder(tmp_path / "c", grey=False)[0].shape == (2, 3, 5, 4)
    load_image_folder(tmp_path / "p")  # paper that is slightly yellow


@pytest.mark.parametrize("grey", [True, False])
def test_size_brings_all_to_one_size(tmp_path: Path, grey: bool) -> None:
    left_white = np.zeros((40, 60, 3))
    left_white[:, :30] = 255
    put(tmp_path / "a" / "large.png", left_white)
    put(tmp_path / "a" / "small.png", left_white[::10, ::10])
    put(tmp_path / "b" / "fitting.png", left_white[:8, 24:36])
    images, _, _ = load_image_folder(tmp_path, size=(8, 12), grey=grey)
    assert images.shape == ((3, 8, 12) if grey else (3, 3, 8, 12))
    assert (images[..., :4] == 255).all()
    assert (images[..., 8:] == 0).all()
    assert load_image_folder(tmp_path, size=5, grey=grey)[0].shape[-2:] == (5, 5)


def test_a_shrunk_picture_is_smoothed(tmp_path: Path) -> None:
    board = np.indices((80, 80)).sum(0) % 2 * 255
    put(tmp_path / "a" / "board.png", board)
    images, _, _ = load_image_folder(tmp_path, size=8)
    assert np.abs(images.astype(float) - 127.5).max() < 5


def empty(folder: Path) -> str:
    for entry in sorted(folder.rglob("*"), reverse=True):
        entry.rmdir() if entry.is_dir() else entry.unlink()
    return "digits: expected a folder per class, received an empty folder; put the pictures"


def only_hidden(folder: Path) -> str:
    empty(folder)
    (folder / ".hidden").mkdir()
    return "digits: expected a folder per class, received an empty folder"


def only_files(folder: Path) -> str:
    empty(folder)
    put(folder / "a.png")
    return "a.png: expected only folders here, one per class, received a file"


def a_class_without_pictures(folder: Path) -> str:
    (folder / "three").mkdir()
    (folder / "three" / ".keep").write_text("")
    return "three: expected pictures of the class 'three', received an empty folder; put some there"


def a_text(folder: Path) -> str:
    (folder / "two" / "notes.txt").write_text("these are mine")
    return "notes.txt: not a picture that can be read"


def a_folder_in_a_class(folder: Path) -> str:
    (folder / "two" / "more").mkdir()
    return "more: expected a picture file, received a folder"


def another_size(folder: Path) -> str:
    put(folder / "two" / "c.png", RAMP.T)
    return (
        "c.png: expected 4×6 pixels (height × width) like the pictures before it, "
        "received 6×4; size= brings all to one size, such as size=6 for squares or size=(height, "
    )


def no_shades(folder: Path) -> str:
    Image.fromarray(np.array([[np.nan]], "float32")).save(folder / "two" / "c.tif")
    return "c.tif: not a picture that can be read (expected shades from 0 to 255, received nan"


@pytest.mark.parametrize("spoil", [
    empty, only_hidden, only_files, a_class_without_pictures, a_text, a_folder_in_a_class,
    another_size, no_shades,
])  # fmt: skip
@pytest.mark.parametrize("grey", [True, False])
def test_what_may_be_wrong(folder: Path, spoil: Callable[[Path], str], grey: bool) -> None:
    with pytest.raises(FileFormatError, match=re.escape(spoil(folder))):
        load_image_folder(folder, grey=grey)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing: no such folder; expected one with"):
        load_image_folder(tmp_path / "nothing")
    with pytest.raises(FileFormatError, match=r"a\.png: expected a folder with a folder per class"):
        load_image_folder(put(tmp_path / "a.png"))


@pytest.mark.parametrize("path", [None, 3, "", "a\0b"])
def test_what_is_no_path(path: Any) -> None:
    with pytest.raises(ArgumentError, match="load_image_folder: path: expected"):
        load_image_folder(path)


@pytest.mark.parametrize(("arguments", "error", "match"), [
    ({"size": 0}, ArgumentError, "load_image_folder: size: expected a whole number of at least 1, received 0"),
    ({"size": 28.0}, DTypeError, "load_image_folder: size: expected a whole number"),
    ({"size": (28,)}, ShapeError, "load_image_folder: size: expected one length, or height and width"),
    ({"grey": "no"}, DTypeError, "load_image_folder: grey: expected True or False, received 'no'"),
])  # fmt: skip
def test_bad_arguments(folder: Path, arguments: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        load_image_folder(folder, **arguments)


# --- what else lies in people's folders ----------------------------------------------

JUNK = [
    "Thumbs.db", "thumbs.db", "ehthumbs.db", "desktop.ini", "Desktop.ini", ".DS_Store", "._a.png",
    ".directory", "Icon\r", ".picasa.ini", "Picasa.ini", "ehthumbs_vista.db",
    "Thumbs.db:encryptable",
]  # fmt: skip


def test_what_operating_systems_leave_in_folders_is_ignored(folder: Path) -> None:
    expected = load_image_folder(folder)
    for place in (folder, folder / "two"):
        for name in JUNK:
            (place / name).write_bytes(b"\0junk")
        for name in (
            "__MACOSX",
            ".ipynb_checkpoints",
            "@eaDir",
            "$RECYCLE.BIN",
            "lost+found",
            "#recycle",
            "Network Trash Folder",
        ):
            put(place / name / "two" / "._a.png")
    images, labels, class_names = load_image_folder(folder)
    assert class_names == expected[2]
    assert_array_equal(images, expected[0])
    assert_array_equal(labels, expected[1])


def test_a_class_of_nothing_but_such_files_is_empty(folder: Path) -> None:
    (folder / "three").mkdir()
    for name in JUNK:
        (folder / "three" / name).write_bytes(b"")
    with pytest.raises(FileFormatError, match="three: expected pictures of the class 'three'"):
        load_image_folder(folder)


COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize("name", [COMPOSED, DECOMPOSED])
def test_names_are_the_same_in_each_normal_form(tmp_path: Path, name: str) -> None:
    put(tmp_path / name / "a.png")
    put(tmp_path / "cafz" / "a.png", RAMP + 1)
    images, _, class_names = load_image_folder(tmp_path)
    assert class_names == ["cafz", COMPOSED]  # in the order of what is returned
    assert_array_equal(images[1], RAMP)


def test_one_class_in_two_folders_is_refused(tmp_path: Path) -> None:
    put(tmp_path / COMPOSED / "a.png")
    put(tmp_path / DECOMPOSED / "a.png")
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system makes one name of both")
    with pytest.raises(FileFormatError, match="received two of the class 'café', in two Unicode"):
        load_image_folder(tmp_path)


def test_capital_letters_make_another_class(tmp_path: Path) -> None:
    put(tmp_path / "cat" / "a.png")
    put(tmp_path / "Cat" / "b.png")
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system makes one name of both")
    assert load_image_folder(tmp_path)[2] == ["Cat", "cat"]


def test_links_are_followed_and_broken_ones_named(folder: Path) -> None:
    images = load_image_folder(folder)[0]
    (folder / "two").rename(folder.parent / "elsewhere")
    (folder / "two").symlink_to(folder.parent / "elsewhere")
    (folder / "9" / "y.png").rename(folder.parent / "y.png")
    (folder / "9" / "y.png").symlink_to(folder.parent / "y.png")
    assert_array_equal(load_image_folder(folder)[0], images)
    for place in (folder / "8", folder / "9" / "z.png"):
        place.symlink_to(folder / "nothing")
        with pytest.raises(
            FileFormatError, match=f"{place.name}: expected a file .* a broken link"
        ):
            load_image_folder(folder)
        place.unlink()
    (folder / "9" / "z.png").symlink_to("z.png")  # a link to itself
    with pytest.raises(FileFormatError, match=r"z\.png: expected a file .* a broken link"):
        load_image_folder(folder)


def test_a_folder_of_folders_of_classes_is_not_taken_for_classes(folder: Path) -> None:
    with pytest.raises(FileFormatError, match=f"if those are the classes, pass .*{folder.name}$"):
        load_image_folder(folder.parent)


def test_files_of_several_pictures_are_mentioned_once(folder: Path) -> None:
    frames = [Image.fromarray(RAMP + shade) for shade in (5, 6)]
    for name in ("c.tif", "d.tif"):
        frames[0].save(folder / "two" / name, save_all=True, append_images=frames[1:])
    with pytest.warns(UserWarning, match=r"c\.tif and 1 other files: several pictures") as caught:
        images = load_image_folder(folder)[0]
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert_array_equal(images[-1], RAMP + 5)


def test_progress_is_only_shown_on_a_terminal(folder: Path, monkeypatch: Any, capsys: Any) -> None:
    plain = load_image_folder(folder)[0]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert_array_equal(load_image_folder(folder)[0], plain)
    monkeypatch.setitem(sys.modules, "tqdm", None)  # not installed
    assert_array_equal(load_image_folder(folder)[0], plain)


def test_without_pillow(folder: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingDependencyError, match=r"reading a picture: needs .*\[plot\]"):
        load_image_folder(folder)


def a_photograph(ink: int) -> Any:
    """Return a 3 or so on paper of uneven light."""
    paper = np.full((120, 90), 215.0) + np.linspace(-20, 20, 90)
    paper[30:90, ink : ink + 8] = paper[30:38, 20:60] = 40
    return paper


def test_photographs_of_digits_are_prepared(tmp_path: Path) -> None:
    for name, ink in (("3", 30), ("7", 50)):
        put(tmp_path / name / "a.png", a_photograph(ink))
    put(tmp_path / "7" / "b.png", np.pad(a_photograph(45), 10, constant_values=215))
    images, labels, names = load_image_folder(tmp_path, prepare="digit")
    assert images.shape == (3, 28, 28)
    assert images.dtype == np.float32
    assert labels.tolist() == [0, 1, 1]
    assert names == ["3", "7"]
    for image, file in zip(images, ("3/a.png", "7/a.png", "7/b.png"), strict=True):
        assert_array_equal(image, prepare_digit(load_picture(tmp_path / file)))
    with pytest.raises(FileFormatError, match='size=64 for squares .*prepare="digit" is for photo'):
        load_image_folder(tmp_path)


def test_what_digits_are_not_prepared_with(tmp_path: Path) -> None:
    for wrong in ({"size": 28}, {"grey": False}):
        with pytest.raises(ArgumentError, match='prepare: expected "resize" where size or grey'):
            load_image_folder(tmp_path, prepare="digit", **wrong)
    with pytest.raises(ArgumentError, match="prepare: expected one of 'resize', 'digit', rec"):
        load_image_folder(tmp_path, prepare="crop")  # type: ignore[arg-type]  # that is the test
    put(tmp_path / "3" / "white.png", np.full((80, 80), 255))
    with pytest.raises(ArgumentError, match=r"white\.png: prepare_digit: picture: expected"):
        load_image_folder(tmp_path, prepare="digit")


def test_broken_files_are_found_before_others_are_prepared(tmp_path: Path) -> None:
    for place in range(4):
        put(tmp_path / "a" / f"{place}.png", RAMP)
    (tmp_path / "a" / "9.txt").write_text("no picture")
    long = put(tmp_path / "a" / "5.png", np.random.default_rng(0).integers(0, 255, (99, 99)))
    long.write_bytes(long.read_bytes()[:3000])
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.jpg").write_bytes(b"")
    prepared: list[Path] = []

    def prepare(path: Path, levels: Any) -> Any:
        prepared.append(path)
        return levels

    with pytest.raises(
        FileFormatError, match=r"5\.png: .*cut short.* copy\); 2 more in .*9\.txt, b/x"
    ):
        read_folder(tmp_path, "L", prepare)
    assert prepared == []
