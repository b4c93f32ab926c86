"""Adaptive pooling and interpolation against their definitions, place by place."""

from __future__ import annotations

from math import ceil, floor
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import Tensor, check_gradients
from neural_network.functional.pooling.adaptive import windows_of

RNG = np.random.default_rng(0)
SIZES = [
    ((7,), (3,)), ((6,), (3,)), ((5,), (1,)), ((3,), (5,)), ((4,), (4,)),
    ((6, 7), (3, 2)), ((4, 6), (2, 3)), ((5, 2), (2, 4)), ((5, 5), (1, 1)),
    ((3, 4, 5), (2, 2, 2)), ((4, 4, 2), (2, 2, 1)), ((2, 3, 3), (3, 2, 4)),
]  # fmt: skip


def windows(n: int, m: int) -> list[slice]:
    return [slice(floor(i * n / m), ceil((i + 1) * n / m)) for i in range(m)]


def pooled(X: Any, outputs: Any, kind: Any) -> Any:
    out = np.zeros((*X.shape[:2], *outputs))
    sides = [windows(n, m) for n, m in zip(X.shape[2:], outputs, strict=True)]
    for place in np.ndindex(*outputs):
        window = X[(..., *(side[i] for side, i in zip(sides, place, strict=True)))]
        out[(..., *place)] = kind(window, axis=tuple(range(2, X.ndim)))
    return out


@pytest.mark.parametrize(("kind", "word"), [(np.mean, "avg"), (np.max, "max")])
@pytest.mark.parametrize(("sizes", "outputs"), SIZES)
def test_adaptive_pools(sizes: Any, outputs: Any, kind: Any, word: str) -> None:
    X = RNG.standard_normal((2, 3, *sizes)) - 5  # negative: a filling of 0 would win
    pool = getattr(nn, f"adaptive_{word}_pool{len(sizes)}d")
    np.testing.assert_allclose(pool(X, outputs), pooled(X, outputs, kind))
    if len(set(outputs)) == 1:
        np.testing.assert_array_equal(pool(X, outputs[0]), pool(X, outputs))
    for dtype in ("float16", "float32"):
        assert pool(X.astype(dtype), outputs).dtype == dtype
    check_gradients(lambda X: pool(X, outputs), [X[:1, :2]])


def test_windows_reach_from_floor_to_ceiling() -> None:
    for n in range(1, 20):
        for m in range(1, 25):
            places, counts = windows_of(n, m)
            got = [row[mask].tolist() for row, mask in zip(places, counts, strict=True)]
            assert got == [list(range(w.start, w.stop)) for w in windows(n, m)]


def test_where_sizes_divide_it_is_pooling() -> None:
    X = np.maximum(RNG.standard_normal((2, 3, 6, 4)), 0)  # zeros: equal largest numbers
    g = RNG.standard_normal((2, 3, 3, 2))
    for adaptive, plain in (
        (nn.adaptive_max_pool2d, nn.max_pool2d),
        (nn.adaptive_avg_pool2d, nn.avg_pool2d),
    ):
        a, b = Tensor(X, requires_grad=True), Tensor(X, requires_grad=True)
        out, expected = adaptive(a, (3, 2)), plain(b, 2)
        out.backward(g)
        expected.backward(g)
        np.testing.assert_allclose(out.data, expected.data)
        np.testing.assert_allclose(a.grad, b.grad)
    np.testing.assert_allclose(
        nn.adaptive_avg_pool2d(X, 1)[..., 0, 0], nn.global_avg_pool(X), rtol=1e-14
    )


def test_of_equal_largest_numbers_the_first_counts_also_in_windows_that_overlap() -> None:
    X = Tensor(np.array([[[1.0, 1.0, 1.0, 0.0, 0.0]]]), requires_grad=True)
    nn.adaptive_max_pool1d(X, 2).backward([[[3.0, 10.0]]])  # windows 0–2 and 2–4
    np.testing.assert_allclose(X.grad, [[[3, 0, 10, 0, 0]]])


def test_not_a_number_stays_in_its_windows() -> None:
    X = np.array([[[np.nan, 1.0, 2.0, 3.0, np.inf]]])
    np.testing.assert_array_equal(nn.adaptive_max_pool1d(X, 3), [[[np.nan, 3, np.inf]]])
    np.testing.assert_array_equal(nn.adaptive_avg_pool1d(X, 3), [[[np.nan, 2, np.inf]]])


def axis_weights(n: int, m: int, mode: str, aligned: bool, ratio: float) -> Any:
    """The share of each input in each output along one axis: (m, n)."""
    W = np.zeros((m, n))
    for i in range(m):
        if mode == "nearest":
            W[i, min(floor(i * ratio + 1e-9), n - 1)] = 1
            continue
        s = i * (n - 1) / max(m - 1, 1) if aligned else max((i + 0.5) * ratio - 0.5, 0)
        low = min(floor(s + 1e-12), n - 1)
        W[i, low] += 1 - (s - low)
        W[i, min(low + 1, n - 1)] += s - low
    return W


def resized(X: Any, outputs: Any, mode: str, aligned: bool, ratios: Any = None) -> Any:
    for axis, m in enumerate(outputs, start=2):
        n = X.shape[axis]
        ratio = n / m if ratios is None else ratios[axis - 2]
        W = axis_weights(n, m, mode, aligned, ratio)
        X = np.moveaxis(np.tensordot(W, X, (1, axis)), 0, axis)
    return X


LINES = {1: "linear", 2: "bilinear", 3: "trilinear"}


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize(("sizes", "outputs"), [*SIZES, ((2, 3), (7, 8)), ((9, 8), (3, 5))])
def test_interpolation_by_size(sizes: Any, outputs: Any, aligned: bool) -> None:
    X = RNG.standard_normal((2, 3, *sizes))
    mode: Any = LINES[len(sizes)]
    f = lambda X: nn.interpolate(X, outputs, mode=mode, align_corners=aligned)  # noqa: E731
    np.testing.assert_allclose(f(X), resized(X, outputs, mode, aligned), atol=1e-12)
    np.testing.assert_allclose(f(X.astype("float32")), f(X), atol=1e-5)
    check_gradients(f, [X[:1, :2]])
    if not aligned:
        out = nn.interpolate(X, outputs)
        np.testing.assert_array_equal(out, resized(X, outputs, "nearest", False))
        check_gradients(lambda X: nn.interpolate(X, outputs), [X[:1, :2]])
        for dtype in ("float16", "float32"):
            assert nn.interpolate(X.astype(dtype), outputs).dtype == dtype


@pytest.mark.parametrize("scale", [2, 1.5, (2.5, 0.7), (0.5, 3), [1.9, 1]])
def test_interpolation_by_scale_reads_at_the_scale_that_was_given(scale: Any) -> None:
    X = RNG.standard_normal((2, 3, 5, 6))
    each = np.broadcast_to(scale, 2)
    outputs = tuple(floor(n * s) for n, s in zip((5, 6), each, strict=True))
    ratios = [1 / s for s in each]
    np.testing.assert_array_equal(
        nn.interpolate(X, scale=scale), resized(X, outputs, "nearest", False, ratios)
    )
    out = nn.interpolate(X, scale=scale, mode="bilinear")
    np.testing.assert_allclose(out, resized(X, outputs, "bilinear", False, ratios), atol=1e-12)


def test_a_scale_that_is_rounded_away_moves_nothing() -> None:
    X = RNG.standard_normal((1, 2, 4, 4))
    for mode in ("nearest", "bilinear"):
        out = nn.interpolate(X, scale=1.2, mode=mode)  # type: ignore[arg-type]
        np.testing.assert_array_equal(out, X)
        assert not np.shares_memory(out, X)


# As PyTorch 2.13 gives them for torch.nn.functional.interpolate.
BILINEAR = [
    [1, 1.625, 2.75, 4],
    [0.5, 3.3125, 3.125, 0],
    [0, 5, 3.5, -4],
]
ALIGNED = [
    [1, 1.666667, 2.666667, 4],
    [0.5, 3.5, 3.333333, 0],
    [0, 5.333333, 4, -4],
]


def test_numbers_of_pytorch() -> None:
    X = np.array([[[[1.0, 2.0, 4.0], [0.0, 8.0, -4.0]]]], "float32")
    np.testing.assert_allclose(
        nn.interpolate(X, (3, 4), mode="bilinear")[0, 0], BILINEAR, rtol=1e-6, atol=1e-6
    )
    np.testing.assert_allclose(
        nn.interpolate(X, (3, 4), mode="bilinear", align_corners=True)[0, 0], ALIGNED, atol=1e-5
    )
    # 23 · (26 / 46) is a little less than 13 even in float64, and 13 when it is rounded.
    assert nn.interpolate(np.arange(26.0)[None, None], 46)[0, 0, 23] == 13
    # 41 · (2 / 82) is a little less than 1 in float32.
    assert nn.interpolate(np.arange(2, dtype="float32")[None, None], 82)[0, 0, 41] == 0
    assert nn.interpolate(np.arange(2.0)[None, None], 82)[0, 0, 41] == 1


def test_a_number_that_is_none_stays_near() -> None:
    X = np.array([[[1.0, 2.0, np.inf, 3.0, 4.0, 5.0]]])
    out = nn.interpolate(X, 12, mode="linear")
    assert np.isfinite(out[0, 0, :3]).all()
    assert np.isfinite(out[0, 0, 7:]).all()


X4 = np.ones((1, 2, 3, 4))


@pytest.mark.parametrize(
    ("error", "match", "call"),
    [
        (nn.ShapeError, "adaptive_avg_pool2d: X: ", lambda: nn.adaptive_avg_pool2d(X4[0], 1)),
        (nn.ShapeError, "adaptive_max_pool1d: X: ", lambda: nn.adaptive_max_pool1d(X4, 1)),
        (nn.ShapeError, "adaptive_max_pool3d: X: ", lambda: nn.adaptive_max_pool3d(X4, 1)),
        (nn.ShapeError, "X: expected at least", lambda: nn.adaptive_max_pool2d(X4[:0], 1)),
        (nn.ShapeError, "output_size: .* or 2 of", lambda: nn.adaptive_avg_pool2d(X4, (1, 2, 3))),
        (nn.ArgumentError, "output_size: ", lambda: nn.adaptive_avg_pool2d(X4, 0)),
        (nn.DTypeError, "output_size: ", lambda: nn.adaptive_avg_pool2d(X4, 1.5)),  # type: ignore[arg-type]
        (nn.DTypeError, "X: expected real", lambda: nn.adaptive_avg_pool2d([[[["a"]]]], 1)),
        (nn.ShapeError, "interpolate: X: ", lambda: nn.interpolate(X4[0, 0], 2)),
        (nn.ShapeError, "X: expected at least", lambda: nn.interpolate(X4[:0], 2)),
        (nn.DTypeError, "X: expected real", lambda: nn.interpolate([[["a"]]], 2)),
        (nn.ArgumentError, "size or scale, received neither", lambda: nn.interpolate(X4)),
        (nn.ArgumentError, "received both", lambda: nn.interpolate(X4, 2, scale=2)),
        (nn.ShapeError, "size: expected one number or 2", lambda: nn.interpolate(X4, (2, 2, 2))),
        (nn.ArgumentError, "size: ", lambda: nn.interpolate(X4, 0)),
        (nn.DTypeError, "size: ", lambda: nn.interpolate(X4, 2.0)),  # type: ignore[arg-type]
        (nn.ShapeError, "scale: expected one number or 2", lambda: nn.interpolate(X4, scale=[2.0])),
        (nn.ShapeError, "scale: .* at least one output", lambda: nn.interpolate(X4, scale=0.3)),
        (nn.ArgumentError, "scale: .* above 0", lambda: nn.interpolate(X4, scale=-1)),
        (nn.DTypeError, "scale: ", lambda: nn.interpolate(X4, scale="2")),  # type: ignore[arg-type]
        (nn.ArgumentError, "'nearest', 'bilinear'", lambda: nn.interpolate(X4, 2, mode="linear")),
        (nn.ArgumentError, "mode: ", lambda: nn.interpolate(X4, 2, mode="cubic")),  # type: ignore[arg-type]
        (nn.DTypeError, "mode: ", lambda: nn.interpolate(X4, 2, mode=1)),  # type: ignore[arg-type]
        (nn.ArgumentError, "align_corners: ", lambda: nn.interpolate(X4, 2, align_corners=True)),
        (nn.DTypeError, "align_corners: ", lambda: nn.interpolate(X4, 2, align_corners=1)),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_errors_are_sentences(error: Any, match: str, call: Any) -> None:
    with pytest.raises(error, match=match):
        call()
