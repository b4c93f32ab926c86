"""``Window``: every size that it computes, against counting windows one by one."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from neural_network.errors import ShapeError
from neural_network.functional.window import Window

SIZES = st.integers(1, 12)
AXES = st.lists(
    st.tuples(SIZES, st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), SIZES, SIZES),
    min_size=1,
    max_size=3,
)


def starts(size: int, reach: int, stride: int) -> list[int]:
    """Where windows begin that lie inside ``size`` numbers, found by trying every place."""
    return [i for i in range(size) if i % stride == 0 and i + reach <= size]


@given(AXES, st.booleans())
def test_sizes_are_those_of_counting(axes: Any, ceil_mode: bool) -> None:
    sizes, taps, stride, dilation, before, after = zip(*axes, strict=True)
    pads = tuple(zip(before, after, strict=True))
    reach = tuple(range(0, d * t, d)[-1] + 1 for t, d in zip(taps, dilation, strict=True))
    padded = [n + a + b for n, a, b in zip(sizes, before, after, strict=True)]
    call = ("f", sizes, taps, stride, pads, dilation)
    if any(r > n for r, n in zip(reach, padded, strict=True)):
        with pytest.raises(ShapeError, match="does not fit"):
            Window.of(*call, ceil_mode=ceil_mode)
        return
    window = Window.of(*call, ceil_mode=ceil_mode)
    assert window.reach == reach
    for axis, (n, r, s) in enumerate(zip(padded, reach, stride, strict=True)):
        found = starts(n, r, s)
        if ceil_mode:  # a last window may hang over the end, but not begin behind the input
            last = found[-1] + s
            if found[-1] + r < n and last < sizes[axis] + before[axis]:
                found.append(last)
        assert window.outputs[axis] == len(found)
        assert window.padded[axis] == max(n, found[-1] + r)


@given(AXES)
def test_places_read_what_is_under_each_tap(axes: Any) -> None:
    sizes, taps, stride, dilation, before, after = zip(*axes, strict=True)
    sizes = tuple(n + d * t for n, d, t in zip(sizes, dilation, taps, strict=True))
    pads = tuple(zip(before, after, strict=True))
    window = Window.of("f", sizes, taps, stride, pads, dilation)
    X = np.random.default_rng(0).standard_normal((2, *sizes))
    padded = window.pad(X)
    np.testing.assert_array_equal(padded, np.pad(X, ((0, 0), *pads)))
    np.testing.assert_array_equal(padded[(..., *window.inside)], X)
    last = tuple(n - 1 for n in window.outputs)
    for tap, place in zip(np.ndindex(*taps), window.tap_slices(), strict=True):
        seen = padded[(..., *place)]
        assert seen.shape == (2, *window.outputs)
        at = [o * s + t * d for o, s, t, d in zip(last, stride, tap, dilation, strict=True)]
        np.testing.assert_array_equal(seen[(..., *last)], padded[(..., *at)])
    box = tuple(slice(n // 2, n) for n in window.outputs)
    part = padded[(..., *window.receptive_field(box))]
    counts = tuple(b.stop - b.start for b in box)
    for whole, own in zip(window.tap_slices(), window.tap_slices(counts), strict=True):
        np.testing.assert_array_equal(padded[(..., *whole)][(..., *box)], part[(..., *own)])


def test_same_keeps_sizes_and_a_window_is_a_value() -> None:
    window = Window.of("f", (7, 8), (3, 4), padding="same")
    assert window.outputs == window.sizes == (7, 8)
    assert window.pads == ((1, 1), (1, 2))
    assert window == Window.of("f", (7, 8), (3, 4), 1, ((1, 1), (1, 2)))
    assert len({window, Window.of("f", (7, 8), (3, 4), 1, "same")}) == 1
    with pytest.raises(FrozenInstanceError):
        window.taps = (1, 1)  # type: ignore[misc]


def test_too_much_padding_is_taken_for_a_mistake() -> None:
    with pytest.raises(
        ShapeError, match="f: padding: expected a padded image of at most 4,294,967,296 numbers"
    ):
        Window.of("f", (5, 5), (3, 3), padding=10**9)
