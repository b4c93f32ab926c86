"""Pictures changed at random: by how much, how exactly, and the same for the same seed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import neural_network as nn
from neural_network import Augment, Cutout, Elastic, Flip, Rotate, Scale, Shift
from neural_network.datasets.augmentation import Augmentation, warp
from neural_network.datasets.augmentation.steps import gaussian, turned

RNG = np.random.default_rng(5)
X = RNG.random((6, 9, 11)).astype("float32")
STEPS: list[Augmentation] = [
    Shift(2), Shift(1.5, subpixel=True), Rotate(20), Scale(0.3), Elastic(20, 3), Flip(), Cutout(4),
    Augment(Shift(2), Rotate(15), Scale(0.1), Elastic(10, 3), Cutout(3)), Augment(),
]  # fmt: skip
NOTHING = [
    Shift(0), Shift(0, subpixel=True), Rotate(0), Scale(0), Elastic(0, 4), Cutout(0), Augment(),
    Augment(Shift(0), Rotate(0), Scale(0), Elastic(0, 4)),
]  # fmt: skip


def name(value: object) -> str:
    return repr(value)


# --- what holds for all of them -----------------------------------------------


@pytest.mark.parametrize("step", STEPS, ids=name)
@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", ">f4", "uint8", "int16", "int64"]
)
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_new_array_of_the_same_shape_and_type(step: Any, dtype: str, channels: Any) -> None:
    pictures = (RNG.random((4, *channels, 7, 8)) * 100).astype(dtype)
    before = pictures.copy()
    out = step(pictures, 0)
    assert (out.shape, out.dtype) == (pictures.shape, np.dtype(dtype).newbyteorder("="))
    assert not np.shares_memory(out, pictures)
    assert_array_equal(pictures, before)
    assert out.flags.writeable
    assert out.min() >= 0
    assert out.max() <= 100


@pytest.mark.parametrize("step", STEPS, ids=name)
def test_one_seed_one_result(step: Any) -> None:
    assert_array_equal(step(X, 7), step(X, 7))
    assert_array_equal(step(X, 7), step(X, np.random.default_rng(7)))
    if step != Augment():
        assert not np.array_equal(step(X, 7), step(X, 8))


@pytest.mark.parametrize("step", [step for step in STEPS if step != Augment()], ids=name)
def test_without_a_seed_results_differ(step: Any) -> None:
    # Two of them may be equal: of six pictures that are flipped or not, one time in 64.
    results = [step(X) for _ in range(20)]
    assert any(not np.array_equal(result, results[0]) for result in results[1:])


@pytest.mark.parametrize("step", STEPS, ids=name)
def test_memory_layout_does_not_matter(step: Any) -> None:
    turned_around = np.asfortranarray(X)
    assert_array_equal(step(turned_around, 1), step(X, 1))
    assert_array_equal(step(X[::-1, ::-1], 1), step(X[::-1, ::-1].copy(), 1))


@pytest.mark.parametrize("step", NOTHING, ids=name)
@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8"])
def test_no_strength_changes_nothing(step: Any, dtype: str) -> None:
    pictures = (X * 255).astype(dtype)
    assert_array_equal(step(pictures, 3), pictures)
    assert not np.shares_memory(step(pictures, 3), pictures)


@pytest.mark.parametrize(("weak", "strong"), [
    (Shift(0), Shift(9)), (Rotate(0), Rotate(90)), (Scale(0), Scale(0.5)),
    (Elastic(0, 4), Elastic(9, 2)), (Cutout(0), Cutout(5)),
])  # fmt: skip
def test_strength_does_not_change_how_much_is_drawn(weak: Any, strong: Any) -> None:
    a, b = np.random.default_rng(1), np.random.default_rng(1)
    weak(X, a)
    strong((X * 255).astype("uint8"), b)
    assert a.random() == b.random()


def test_channels_are_moved_alike() -> None:
    colours = np.stack([X, 2 * X, -X], axis=1)
    for step in STEPS:
        out = step(colours, 4)
        assert_allclose(out[:, 1], 2 * out[:, 0], atol=1e-6)
        assert_array_equal(out[:, 2], -out[:, 0])
        assert_array_equal(out[:, 0], step(X, 4))


def test_blocks_join_seamlessly(monkeypatch: Any) -> None:
    step = Augment(Rotate(20), Elastic(20, 3), Shift(1))
    whole = step(X, 2)
    monkeypatch.setattr(warp, "BLOCK_SAMPLES", 2 * 9 * 11 + 5)
    assert_array_equal(step(X, 2), whole)
    monkeypatch.setattr(warp, "BLOCK_SAMPLES", 1)
    assert_array_equal(step(X, 2), whole)


# --- each of them -------------------------------------------------------------


def test_shift_moves_exactly() -> None:
    out = Shift(2)(X, 0)
    moves = (np.floor(np.random.default_rng(0).random((6, 2)) * 5) - 2).astype(int)
    assert len({tuple(move) for move in moves.tolist()}) > 3
    for picture, moved, (down, right) in zip(X, out, moves, strict=True):
        expected = np.pad(picture, 2)[2 - down : 11 - down, 2 - right : 13 - right]
        assert_array_equal(moved, expected)


def test_a_shift_of_the_whole_picture_leaves_the_fill_value() -> None:
    out = Shift(1000, fill=0.25)(X, 1)
    assert_array_equal(out, np.full_like(X, 0.25))


def test_shift_between_pixels_is_linear() -> None:
    ramp = np.tile(np.arange(20.0), (50, 20, 1))
    out = Shift(3, subpixel=True)(ramp, 1)[:, 5:15, 5:15]
    moves = np.random.default_rng(1).uniform(-3, 3, (50, 2))
    assert_allclose(out, np.arange(5.0, 15) - np.broadcast_to(moves[:, 1:, None], (50, 10, 1)))


def test_a_quarter_turn_is_rot90() -> None:
    for size in (8, 9):
        pictures = RNG.random((3, size, size)).astype("float32")
        out = warp.warped(pictures, turned(np.array([90.0, 180.0, -90.0])), 0.0)
        for k, picture, got in zip((1, 2, 3), pictures, out, strict=True):
            assert_allclose(got, np.rot90(picture, k), atol=1e-5)


def test_a_turn_there_and_back_keeps_a_smooth_picture() -> None:
    y, x = np.mgrid[-1:1:41j, -1:1:41j]
    hill = np.exp(-12 * ((x - 0.2) ** 2 + y**2))[None]
    there = warp.warped(hill, turned(np.array([33.0])), 0.0)
    assert np.abs(there - hill).max() > 0.1
    assert_allclose(warp.warped(there, turned(np.array([-33.0])), 0.0), hill, atol=0.03)


def test_scale_enlarges_about_the_middle() -> None:
    y, x = np.mgrid[-10:11, -10:11]
    hill = np.tile(np.exp(-(x**2 + y**2) / 12), (200, 1, 1))
    out = Scale(0.5)(hill, 0)
    factors = np.random.default_rng(0).uniform(0.5, 1.5, 200)
    assert_allclose(np.sqrt(out.sum((1, 2)) / hill[0].sum()), factors, rtol=0.05)
    assert_allclose(out, out[:, ::-1], atol=1e-12)
    assert_allclose(out, out.transpose(0, 2, 1), atol=1e-12)


def test_gaussian_matrix() -> None:
    for sigma in (0.1, 0.5, 0.999, 1.0, 4.0):
        matrix = gaussian(81, sigma)
        assert_allclose(matrix[40].sum(), 1, atol=1e-6)
        assert_allclose(matrix @ (np.arange(81) - 40.0) ** 2 @ np.eye(81)[40], (
            sigma**2 if sigma >= 0.5 else 0), atol=0.02 * sigma**2 if sigma > 0.5 else 0.05)  # fmt: skip
    assert gaussian(5, 1e9).max() < 1e-8
    assert_array_equal(gaussian(5, 1e-300), np.eye(5))


def test_elastic_field() -> None:
    step = Elastic(34, 4)
    field = step.draw(np.random.default_rng(0), (300, 41, 41)).field
    assert field is not None
    middle = field[:, :, 20, 20]
    assert_allclose(middle.std(), 34 / (6.1 * 4), rtol=0.1)
    assert abs(middle.mean()) < 0.2
    # Neighbours move together, far ones do not: correlation exp(−d²/4σ²).
    for distance, expected in [(1, 0.985), (4, 0.779), (8, 0.368), (16, 0.018)]:
        pairs = np.corrcoef(field[:, :, 20, 14].ravel(), field[:, :, 20, 14 + distance].ravel())
        assert abs(pairs[0, 1] - expected) < 0.12


def test_flip_mirrors_half() -> None:
    pictures = RNG.integers(0, 256, (400, 3, 4), "uint8")
    out = Flip()(pictures, 0)
    mirrored = (out == pictures[..., ::-1]).all((1, 2))
    assert (mirrored | (out == pictures).all((1, 2))).all()
    assert 150 < mirrored.sum() < 250


def test_cutout_covers_a_square_anywhere() -> None:
    out = Cutout(4, fill=7)(np.ones((2000, 10, 12)), 0)
    covered = out == 7
    assert_array_equal(out[~covered], 1)
    rows, columns = covered.any(2).sum(1), covered.any(1).sum(1)
    assert_array_equal(covered.sum((1, 2)), rows * columns)
    assert set(rows) == set(columns) == {2, 3, 4}
    assert covered.any(0).all()
    assert Cutout(100)(np.ones((5, 10, 12)), 0).sum() == 0


# --- together -----------------------------------------------------------------


def smooth_pictures() -> Any:
    y, x = np.mgrid[-1:1:61j, -1:1:61j]
    return np.stack([np.exp(-9 * ((x - a) ** 2 + (y + a) ** 2)) for a in (0.0, 0.1, 0.2)])


@pytest.mark.parametrize("steps", [
    [Shift(4), Rotate(40), Scale(0.2)],
    [Scale(0.2), Shift(3.5, subpixel=True), Rotate(40)],
    [Rotate(30), Flip(), Shift(3), Elastic(30, 6)],
], ids=name)  # fmt: skip
def test_together_is_composed(steps: Any) -> None:
    pictures = smooth_pictures()
    together = Augment(*steps)(pictures, 3)
    generator = np.random.default_rng(3)
    apart = pictures
    for step in steps:
        apart = step(apart, generator)
    assert np.abs(together - pictures).max() > 0.2
    assert_allclose(together, apart, atol=0.02)


def test_together_is_sharper() -> None:
    rough = RNG.random((20, 30, 30))
    steps = [Rotate(20), Scale(0.1), Shift(2.5, subpixel=True)]
    generator = np.random.default_rng(0)
    apart = rough
    for step in steps:
        apart = step(apart, generator)
    together = Augment(*steps)(rough, 0)
    assert together[:, 10:20, 10:20].std() > 1.2 * apart[:, 10:20, 10:20].std()


def test_two_fields_add_up() -> None:
    pictures = RNG.random((3, 21, 21))
    rng = np.random.default_rng(0)
    first, second = (Elastic(60, 4).draw(rng, pictures.shape) for _ in range(2))
    together = warp.composed(first, second)
    assert together.field is not None
    assert_allclose(together.field, np.add(first.field, second.field), rtol=1e-6)
    out = Augment(Elastic(60, 4), Elastic(60, 4))(pictures, 0)
    assert_allclose(out, warp.warped(pictures, together, 0.0), rtol=1e-6, atol=1e-7)
    assert not np.allclose(out, warp.warped(pictures, second, 0.0), atol=0.05)
    # A turn before a field turns its displacements, too.
    turn = warp.Warp(np.array([[[0.0, 1.0], [-1.0, 0.0]]] * 3), np.zeros((3, 2)))
    bent = warp.composed(turn, first).field
    assert bent is not None
    assert first.field is not None
    assert_allclose(bent[:, 0], first.field[:, 1], rtol=1e-6)
    assert_allclose(bent[:, 1], -first.field[:, 0], rtol=1e-6)


def test_what_left_comes_back() -> None:
    class Constant(Shift):
        def draw(self, rng: Any, shape: Any) -> Any:
            rng.random()
            return warp.identity_warp(shape[0])._replace(
                offset=np.full((shape[0], 2), self.way * 8.0)
            )

    class There(Constant):
        way = 1

    class Back(Constant):
        way = -1

    assert_array_equal(Augment(There(8), Back(8))(X, 0), X)
    # Another fill value, or a cutout between, and each is sampled by itself.
    split = Augment(There(8), Back(8, fill=1))(X, 0)
    assert_array_equal(split[:, :8], 1)
    assert_array_equal(split[:, 8:, 10:], X[:, 8:, 10:])
    assert Augment(There(8), Cutout(0), Back(8))(X, 0)[:, :8].max() == 0
    # A flip looks nowhere outside, so it joins steps of any fill value.
    pair = Augment(There(8, fill=1), Flip(), Shift(0, fill=1))
    assert [len(group) for group in pair._groups()] == [3]


def test_steps_run_in_their_order() -> None:
    ones = np.ones((50, 8, 8))
    late = Augment(Shift(3, fill=5), Cutout(2, fill=9))(ones, 0)
    early = Augment(Cutout(2, fill=9), Shift(3, fill=5))(ones, 0)
    assert (late == 9).any((1, 2)).all()
    assert not (early == 9).any((1, 2)).all()


def test_augments_nest() -> None:
    nested = Augment(Augment(Shift(1), Rotate(5)), Flip())
    assert nested == Augment(Shift(1), Rotate(5), Flip())
    assert hash(nested) == hash(Augment(Shift(1), Rotate(5), Flip()))


def test_uint8_is_rounded() -> None:
    pictures = RNG.integers(0, 256, (20, 12, 12), "uint8")
    pictures[0] = 255
    step = Augment(Rotate(30), Scale(0.1))
    exact = step(pictures.astype("float64"), 0)
    assert_array_equal(np.abs(step(pictures, 0) - exact) <= 0.5001, True)


# --- settings -----------------------------------------------------------------


@pytest.mark.parametrize("step", [*STEPS, Rotate(5, fill=3), Cutout(2, fill=0.5)], ids=name)
def test_settings_there_and_back(step: Any) -> None:
    text = json.dumps(step.settings())
    again = nn.augmentation_from(json.loads(text))
    assert again == step
    assert_array_equal(again(X, 3), step(X, 3))


def test_settings_and_repr_are_readable() -> None:
    assert Rotate(10).settings() == {"name": "Rotate", "degrees": 10.0}
    assert Shift(np.int64(2)).settings() == {"name": "Shift", "pixels": 2}
    assert repr(Shift(0.5, subpixel=True, fill=1)) == "Shift(fill=1.0, pixels=0.5, subpixel=True)"
    assert (
        repr(Augment(Flip(), Elastic(34, 4))) == "Augment(Flip(), Elastic(alpha=34.0, sigma=4.0))"
    )


# --- errors -------------------------------------------------------------------


@pytest.mark.parametrize(("make", "error", "match"), [
    (lambda: Shift(-1), nn.ArgumentError, "Shift: pixels: expected a whole number of at least 0, received -1"),
    (lambda: Shift(1.5), nn.DTypeError, "Shift: pixels: expected a whole number of at least 0, received 1.5"),
    (lambda: Shift(-1.5, subpixel=True), nn.ArgumentError, "Shift: pixels: expected a finite number from 0 up"),
    (lambda: Shift(1, subpixel="yes"), nn.DTypeError, "Shift: subpixel: expected True or False"),
    (lambda: Rotate(181), nn.ArgumentError, "Rotate: degrees: expected a finite number from 0 to 180"),
    (lambda: Rotate(np.nan), nn.ArgumentError, "Rotate: degrees: expected a finite number from 0 to 180"),
    (lambda: Rotate("5"), nn.DTypeError, "Rotate: degrees: expected a finite number"),
    (lambda: Rotate(5, fill=None), nn.DTypeError, "Rotate: fill: expected a finite number"),
    (lambda: Scale(1), nn.ArgumentError, "Scale: factor: expected a finite number from 0 to 0.99"),
    (lambda: Elastic(-1, 4), nn.ArgumentError, "Elastic: alpha: expected a finite number from 0 up"),
    (lambda: Elastic(34, 0), nn.ArgumentError, "Elastic: sigma: expected a finite number above 0"),
    (lambda: Cutout(2.0), nn.DTypeError, "Cutout: size: expected a whole number of at least 0"),
    (lambda: Cutout(2, fill=np.inf), nn.ArgumentError, "Cutout: fill: expected a finite number"),
    (lambda: Augment(Shift), nn.DTypeError, "Augment: steps: expected augmentations such as Shift"),
    (lambda: Augment([Shift(1)]), nn.DTypeError, r"Augment: steps: .*received \[Shift\(pixels=1\)\]"),
    (lambda: Shift(1)(X > 0), nn.DTypeError, "Shift: X: expected floats or integers, received dtype bool"),
    (lambda: Shift(1)(X + 1j), nn.DTypeError, "Shift: X: expected real numbers"),
    (lambda: Flip()(X[0]), nn.ShapeError, "Flip: X: expected 3 or 4 dimensions, received shape"),
    (lambda: Augment()(X[:0]), nn.ShapeError, "Augment: X: expected at least one element"),
    (lambda: Shift(1)(X, "seed"), nn.DTypeError, "Shift: rng: expected a whole number"),
    (lambda: Augment()(X, -1), nn.ArgumentError, "Augment: rng: expected a whole number of at least 0"),
    (lambda: Shift(1)(np.ma.masked_equal(X, 0)), nn.DTypeError, "Shift: X: expected an array without a mask"),
    (lambda: Shift(1)(nn.Tensor(X, requires_grad=True)), nn.DroppedGradientError, r"t\.data is its array"),
    (lambda: Shift(1, fill=256)(np.zeros((1, 2, 2), "uint8")), nn.ArgumentError,
     "Shift: fill: expected a whole number from 0 to 255 for uint8 pictures, received 256.0"),
    (lambda: Augment(Flip(), Cutout(1, fill=0.5))(np.zeros((1, 2, 2), "int8")), nn.ArgumentError,
     "Cutout: fill: expected a whole number from -128 to 127 for int8 pictures, received 0.5"),
    (lambda: nn.augmentation_from("Shift"), nn.DTypeError, "augmentation_from: settings: expected a mapping"),
    (lambda: nn.augmentation_from({"name": "Turn"}), nn.ArgumentError, "name: expected one of Shift, Rotate"),
    (lambda: nn.augmentation_from({"degrees": 3}), nn.ArgumentError, "name: expected one of .* received None"),
    (lambda: nn.augmentation_from({"name": "Rotate"}), nn.ArgumentError,
     "Rotate: expected degrees, perhaps fill, received nothing"),
    (lambda: nn.augmentation_from({"name": "Flip", "fill": 0}), nn.ArgumentError, "Flip: expected no argument"),
    (lambda: nn.augmentation_from({"name": "Rotate", "degrees": 3, "p": 1}), nn.ArgumentError,
     "Rotate: expected degrees, perhaps fill, received 'degrees', 'p'"),
    (lambda: nn.augmentation_from({"name": "Rotate", "degrees": -3}), nn.ArgumentError, "Rotate: degrees"),
    (lambda: nn.augmentation_from({"name": "Augment"}), nn.ArgumentError, "Augment: expected steps"),
    (lambda: nn.augmentation_from({"name": "Augment", "steps": "Flip"}), nn.DTypeError, "steps: expected a list"),
])  # fmt: skip
def test_errors(make: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        make()


def test_tensors_without_gradient_and_lists_are_taken() -> None:
    assert_array_equal(Shift(1)(nn.Tensor(X), 2), Shift(1)(X, 2))
    assert_array_equal(Shift(1)(X.tolist(), 2), Shift(1)(X.astype(float), 2))
