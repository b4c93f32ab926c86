"""Photographs of digits become digits like MNIST's."""

from __future__ import annotations

import itertools
import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import neural_network as nn
from neural_network import prepare_digit
from neural_network.datasets.digits import count_digits, prepared_and_counted
from neural_network.datasets.image_ops import area_average, connected, otsu_threshold
from neural_network.datasets.paper_lines import without_lines
from neural_network.datasets.sheet import find_sheet, straightened
from tests.datasets.photographs import KINDS, photographs, right
from tests.needs import need_module

DIGITS = nn.load_mnist()[0][:40]


def photograph(
    digit: Any, seed: int, *, light: str = "tilt", size: tuple[int, int] = (240, 320),
    side: int = 140, noise: float = 8.0, contrast: float = 0.75, dark_paper: bool = False,
) -> Any:  # fmt: skip
    """Draw a digit somewhere on unevenly lit, noisy paper, in whole shades."""
    rng = np.random.default_rng(seed)
    large = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)
    ink = np.zeros(size)
    top, left = (int(rng.integers(2, length - side - 1)) for length in size)
    ink[top : top + side, left : left + side] = np.asarray(large) / 255
    y, x = np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    tilt = 1 - 0.45 * (0.5 + 0.35 * (np.cos(angle) * x + np.sin(angle) * y))
    lit = {"even": np.ones(size), "tilt": tilt, "corners": 1 - 0.4 * (x**2 + y**2) / 2}[light]
    shades = (30 + 180 * ink if dark_paper else 230 * (1 - contrast * ink)) * lit
    return np.clip(np.round(shades + rng.normal(0, noise, size)), 0, 255)


def mass(digit: Any) -> Any:
    total = digit.sum()
    return digit.sum(1) @ np.arange(28) / total, digit.sum(0) @ np.arange(28) / total


def alike(a: Any, b: Any) -> float:
    """Return the largest cosine between two pictures, one moved by up to a pixel."""
    moved = [np.roll(a, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return max(float((m * b).sum() / np.sqrt((m * m).sum() * (b * b).sum())) for m in moved)


def test_mnist_comes_out_nearly_as_it_went_in() -> None:
    for digit in [d for i, d in enumerate(DIGITS) if i != 29]:
        out = prepare_digit(digit)
        assert (out.shape, out.dtype) == ((28, 28), np.float32)
        assert_allclose(out, digit / 255, atol=0.05)
        assert_allclose(prepare_digit(255 - digit), out, atol=0.02)
    # This one has a speck far from its stroke, and is smaller than 20 pixels without it.
    assert DIGITS[29][9, :4].any()
    assert not prepare_digit(DIGITS[29])[:, :4].any()


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_photographs_are_read(kind: str) -> None:
    """The measurement of hundreds is ``python -m tests.datasets.photographs``."""
    count, refused = right(list(photographs(kind, 2, seed=3)))
    assert refused == 0
    assert count == 2


@pytest.mark.parametrize("how", [
    {}, {"light": "corners"}, {"light": "even", "noise": 0}, {"dark_paper": True}, {"side": 60},
    {"noise": 20.0}, {"contrast": 0.4}, {"size": (90, 80), "side": 70},
    {"size": (150, 145), "side": 140, "dark_paper": True, "light": "corners"},
    {"size": (700, 900), "side": 420},
], ids=str)  # fmt: skip
def test_photographs(how: Any) -> None:
    likeness = []
    for i, digit in enumerate(DIGITS[:12]):
        out = prepare_digit(photograph(digit, i, **how))
        likeness.append(alike(out, digit / 255))
        assert (out.min(), out.max()) == (0, 1)
        # As MNIST: in a box of 20, and the centre of mass in the middle.
        rows, columns = np.flatnonzero(out.any(1)), np.flatnonzero(out.any(0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        assert_allclose(mass(out), 14, atol=0.51)
    # A stroke of two pixels that is wider by a tenth of one costs a few hundredths.
    assert min(likeness) > 0.9
    assert np.mean(likeness) > 0.95


def test_separate_strokes_are_kept_and_specks_are_not() -> None:
    paper = np.full((120, 100), 220.0)
    paper[20:30, 30:70] = 40  # the roof of a five, and its belly
    paper[40:100, 50:60] = 40
    clean = prepare_digit(paper)
    assert clean[4:7].any()
    assert clean[8:].any()
    dirty = paper.copy()
    dirty[110:113, 5:8] = 40
    dirty[5:8, 80:83] = 30
    assert alike(prepare_digit(dirty), clean) > 0.999


def test_proportions_are_kept() -> None:
    paper = np.full((200, 100), 250.0)
    paper[50:130, 40:60] = 10
    out = prepare_digit(paper)
    assert_allclose(out[4:24, 12:17], np.ones((20, 5)), atol=1e-3)
    assert_allclose(out.sum(), 100, atol=0.1)
    assert_allclose(prepare_digit(paper.T), out.T, atol=1e-3)
    hair = np.full((100, 100), 250.0)
    hair[10:90, 50] = 0
    assert_array_equal(np.flatnonzero(prepare_digit(hair).any(0)), [14])


def test_input_types_and_no_input_changed() -> None:
    picture = photograph(DIGITS[0], 0)
    before = picture.copy()
    out = prepare_digit(picture)
    assert_array_equal(picture, before)
    assert_array_equal(prepare_digit(picture.astype("uint8")), out)
    assert_array_equal(prepare_digit(picture.astype("float32")), out)
    assert_array_equal(prepare_digit(np.asfortranarray(picture)), out)
    assert_array_equal(prepare_digit(picture.tolist()), out)


@pytest.mark.parametrize("shade", [0, 1, 127.3, 200, 255])
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 9), (2, 2), (28, 28), (100, 77), (220, 223), (500, 20)]
)
def test_one_shade_is_no_digit(shade: float, shape: tuple[int, int]) -> None:
    with pytest.raises(nn.ArgumentError, match="prepare_digit: picture: expected ink on paper"):
        prepare_digit(np.full(shape, shade))


@pytest.mark.parametrize("seed", range(8))
def test_noise_and_light_are_no_digit(seed: int) -> None:
    picture = photograph(np.zeros((28, 28), "uint8"), seed, noise=[0.0, 1.0, 5.0, 20.0][seed % 4])
    with pytest.raises(
        nn.ArgumentError, match="a picture of one shade, or one whose noise or shadows"
    ):
        prepare_digit(picture)


@pytest.mark.parametrize(("picture", "error", "match"), [
    (np.zeros((3, 28, 28)), nn.ShapeError, "prepare_digit: picture: expected .H, W. shades of grey"),
    (np.zeros((0, 28)), nn.ShapeError, "prepare_digit: picture: expected at least one element"),
    (np.full((9, 9), 256), nn.ArgumentError, "expected shades from 0 to 255, received 256 to 256"),
    (np.full((9, 9), np.nan), nn.ArgumentError, "expected shades from 0 to 255, received nan"),
    ([["a"]], nn.DTypeError, "prepare_digit: picture: expected real numbers"),
    (np.ma.masked_equal(np.eye(9), 0), nn.DTypeError, "expected an array without a mask"),
])  # fmt: skip
def test_errors(picture: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        prepare_digit(picture)


def test_otsu_maximises_the_variance_between_groups() -> None:
    values = np.round(np.random.default_rng(0).normal([20, 60], [6, 9], (500, 2)))
    threshold = otsu_threshold(values)

    def between(t: float) -> float:
        low, high = values[values <= t], values[values > t]
        return len(low) * len(high) * float(low.mean() - high.mean()) ** 2

    best = max(between(t) for t in range(int(values.min()), int(values.max())))
    assert between(threshold) >= 0.999 * best
    assert otsu_threshold(np.full(5, 3.0)) == 3


@pytest.mark.parametrize("inverted", [False, True])
def test_digits_side_by_side_are_counted(inverted: bool) -> None:
    images = nn.load_mnist("test")[0][:60]

    def photograph(*digits: Any) -> Any:
        paper = np.full((70, 60 + 32 * len(digits)), 200.0)
        for place, digit in enumerate(digits):
            paper[20:48, 30 + 32 * place : 58 + 32 * place] -= 0.7 * digit
        return 255 - paper if inverted else paper

    assert [count_digits(photograph(one)) for one in images] == [1] * 60
    pairs = itertools.pairwise(images)
    assert [count_digits(photograph(*pair)) for pair in pairs] == [2] * 59
    assert count_digits(photograph(*images[:3])) == 3
    # The bar of a five that does not touch it is flat.
    five = np.full((100, 100), 255.0)
    five[20:26, 62:80] = five[30:80, 30:60] = 0
    assert count_digits(five) == 1


def test_connected_blobs() -> None:
    # A spiral, the longest way that a number can have to go, and a dot within.
    spiral = np.array([[int(c) for c in row] for row in (
        "111111111", "000000001", "111111101", "100000101", "101010101",
        "101000101", "101111101", "100000001", "111111111")], dtype=bool)  # fmt: skip
    numbers = connected(spiral)
    assert set(numbers[spiral].tolist()) == {0, 4 * 9 + 4}
    assert_array_equal(numbers[~spiral], np.flatnonzero(~spiral))
    scipy = need_module("scipy.ndimage")
    for share in (0.2, 0.4, 0.6):
        mask = np.random.default_rng(1).random((60, 70)) < share
        expected, count = scipy.label(mask, np.ones((3, 3)))
        pairs = np.unique(np.stack([expected[mask], connected(mask)[mask]]), axis=1)
        assert pairs.shape[1] == count == len(np.unique(pairs[1]))


def test_area_average() -> None:
    picture = np.arange(24.0).reshape(4, 6)
    assert_allclose(area_average(picture, 2, 3), picture.reshape(2, 2, 3, 2).mean((1, 3)))
    assert_allclose(area_average(picture, 4, 6), picture)
    assert_allclose(area_average(np.array([[1.0, 2.0, 4.0]]), 1, 2), [[4 / 3, 10 / 3]])
    assert_allclose(area_average(np.array([[1.0, 3.0]]), 2, 3), [[1, 2, 3]] * 2)
    rough = np.random.default_rng(0).random((37, 53))
    assert_allclose(area_average(rough, 20, 11).mean(), rough.mean())
    # Beside the definition: the part of each new pixel that each old one covers.
    for old, new in ((37, 20), (37, 36), (20, 37), (5, 1)):
        ends = np.linspace(0, old, new + 1)
        starts, pixels = ends[:-1, None], np.arange(old)
        shares = np.clip(
            np.minimum(ends[1:, None], pixels + 1) - np.maximum(starts, pixels), 0, None
        )
        shares /= shares.sum(1, keepdims=True)
        assert_allclose(area_average(rough[:old], new, 53), shares @ rough[:old])
        assert_allclose(area_average(rough.T[:, :old], 53, new), rough.T[:, :old] @ shares.T)


@pytest.mark.parametrize("turned", [False, True])
def test_a_side_of_millions_of_pixels(turned: bool) -> None:
    long = np.full((4_000_000, 1), 200, "uint8")
    long[1_000_000:1_300_000] = 0
    tracemalloc.start()
    out = prepare_digit(long.T if turned else long)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 100 * 2**20
    stroke = out.T if turned else out
    assert_allclose(stroke[5:23, 14], 1, atol=0.1)
    assert np.flatnonzero(stroke.any(0)).size == 1


# --- pictures of few pixels -----------------------------------------------------------

LABELS = nn.load_mnist()[1]


def small(how: str) -> list[Any]:
    """Forty digits in few pixels, as other collections have them."""
    digits = DIGITS.astype(float)
    if how == "8×8 of 0 to 16":  # as in scikit-learn: means of 4×4, and hardly any margin
        return [area_average(d[2:26, 2:26], 8, 8) * (16 / 255) for d in digits]
    if how == "12×12":
        return [area_average(d, 12, 12) for d in digits]
    if how == "16×16 without a margin":
        rows, columns = (
            [np.flatnonzero(d.any(1 - axis))[[0, -1]] for d in digits] for axis in (0, 1)
        )
        cut = [
            d[top : bottom + 1, left : right + 1]
            for d, (top, bottom), (left, right) in zip(digits, rows, columns, strict=True)
        ]
        return [area_average(d, 16, 16) for d in cut]
    return [d[4:24, 4:24] for d in digits]  # "20×20"


@pytest.mark.parametrize("how", ["8×8 of 0 to 16", "12×12", "16×16 without a margin", "20×20"])
@pytest.mark.parametrize("inverted", [False, True])
def test_digits_of_few_pixels(how: str, inverted: bool) -> None:
    prepared = [prepare_digit(255 - d if inverted else d) for d in small(how)]
    answers = nn.models.load_tiny_cnn().predict(np.stack(prepared)[:, None]).argmax(1)
    assert np.mean(answers == LABELS[:40]) >= 0.9


# --- sheets on tables, and lines -----------------------------------------------------


def test_the_corners_of_a_sheet_are_found() -> None:
    """A sheet turned by 10°, on a table, and cut by the border or not."""
    y, x = np.mgrid[:240, :320].astype(float)
    cos, sin = np.cos(0.17), np.sin(0.17)
    down, across = (y - 120) * cos - (x - 160) * sin, (y - 120) * sin + (x - 160) * cos
    on_paper = (np.abs(down) < 70) & (np.abs(across) < 100)
    ink = (np.abs(down) < 30) & (np.abs(across - 20) < 4)
    shades = np.where(ink, 60.0, np.where(on_paper, 210.0, 90.0))
    corner = np.array([-70, -100]) @ np.array([[cos, sin], [-sin, cos]]).T + [120, 160]
    for picture in (shades, 255 - shades):
        sheet = find_sheet(picture)
        assert sheet is not None
        middles = sheet.corners * [240, 320]
        assert np.abs(middles - corner).sum(1).min() < 6
        flat, paper = straightened(picture, sheet, 384)
        assert flat.shape[0] / flat.shape[1] == pytest.approx(0.7, abs=0.03)
        assert paper.mean() > 0.95
        out = prepare_digit(picture)
        assert out[5:23, 12:16].max(1).min() > 0.9  # upright, though it was turned
        assert np.flatnonzero((out > 0.1).any(0)).size <= 4
    cut = shades[:, 120:]
    sheet = find_sheet(cut)
    assert sheet is not None
    assert_allclose(sheet.corners[0, 1], 0, atol=0.01)
    assert prepare_digit(cut)[5:23, 12:16].max(1).min() > 0.5


def test_light_ink_on_dark_paper_is_no_sheet() -> None:
    """A zero is closed, and may be nearly as broad as a sheet; a bar has four edges."""
    digits, labels = nn.load_mnist()
    zeros = digits[labels == 0][:12]
    for digit in zeros:
        large = np.asarray(Image.fromarray(digit).resize((112, 112))).astype(float)
        for picture in (large, 255 - large, large[16:96, 16:96]):
            assert find_sheet(picture) is None
    bar = np.zeros((100, 100))
    bar[20:80, 30:70] = 255
    assert find_sheet(bar) is None
    assert_allclose(prepare_digit(bar)[4:24].sum(), 20 * 13, atol=1)


def test_light_that_fades_has_no_edge() -> None:
    for seed in range(4):
        picture = photograph(DIGITS[seed], seed, light="corners", noise=2)
        faded = picture * np.linspace(0.2, 1, picture.shape[1])
        assert find_sheet(faded) is None


@pytest.mark.parametrize("tilt", [0.0, 0.15, -0.3])
@pytest.mark.parametrize("axis", [0, 1])
def test_lines_are_removed_and_strokes_across_them_stay(tilt: float, axis: int) -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:200, :200].astype(float)
    clean = np.where(
        (np.hypot(y - 100, x - 90) < 45) & (np.hypot(y - 100, x - 90) > 33), 120.0, 0.0
    )
    height = (y if axis == 0 else x) - tilt * ((x if axis == 0 else y) - 100)
    lines = 50.0 * (np.abs(height % 25 - 12) < 1.2)
    ink = np.maximum(clean, lines) + rng.normal(0, 1, clean.shape)
    out = without_lines(ink, 120.0)
    assert out.lines >= 7
    assert out.slope == pytest.approx(tilt if axis == 0 else -tilt, abs=0.01)
    assert np.mean(out.ink[clean == 0] > 20) < 0.01
    assert np.mean(out.ink[clean > 0] > 60) > 0.95
    plain = clean + rng.normal(0, 1, clean.shape)
    assert without_lines(plain, 120.0).lines == 0
    assert_array_equal(without_lines(plain, 120.0).ink, plain)


def test_the_strokes_of_a_digit_without_margins_are_no_lines() -> None:
    """The bars of a seven and a one reach both ends of a picture cut close to them."""
    seven = np.full((120, 90), 230.0)
    seven[:14] = seven[:, 76:] = 40
    out = prepare_digit(np.pad(seven, 4, constant_values=230))
    rows, columns = (np.flatnonzero((out > 0.5).any(1 - axis)) for axis in (0, 1))
    assert (rows.size, columns.size) == (20, 15)
    assert out[rows[:2]].sum() > 29
    assert out[:, columns[-2:]].sum() > 38


def test_digits_on_lined_sheets_are_counted() -> None:
    for shades, _ in photographs("squared sheet on a table", 1, seed=4):
        digit, count = prepared_and_counted("count_digits", shades)
        assert count == 1 == count_digits(shades)
        assert_array_equal(digit, prepare_digit(shades))


def test_nothing_on_a_sheet() -> None:
    table = np.full((200, 260), 60.0)
    table[30:170, 40:220] = 220
    noisy = table + np.random.default_rng(0).normal(0, 3, table.shape)
    assert find_sheet(noisy) is None
    with pytest.raises(
        nn.ArgumentError, match="received 0.2.* to 0.8.*; multiplied by 255 they are shades"
    ):
        prepare_digit(table / 255)
