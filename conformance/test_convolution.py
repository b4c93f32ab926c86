"""Convolution and its transpose in one to three dimensions, with every option."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.agreement import agree
from neural_network import functional

CONV = {axes: getattr(functional, f"conv{axes}d") for axes in (1, 2, 3)}
TRANSPOSED = {axes: getattr(functional, f"conv_transpose{axes}d") for axes in (1, 2, 3)}
# Axes → the largest picture and filter, so that all of them take about as long.
LARGEST = {1: (15, 5), 2: (9, 4), 3: (6, 3)}


def drawn(seed: int, axes: int) -> tuple[np.random.Generator, dict[str, Any]]:
    """A generator, and sizes of a layer: groups from one to depthwise."""
    rng = np.random.default_rng([seed, axes])
    picture, kernel = LARGEST[axes]

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(int(n) for n in rng.integers(low, high + 1, axes))

    groups = int(rng.choice([1, 1, 2, 3]))
    depthwise = rng.random() < 0.3
    per_group = 1 if depthwise else int(rng.integers(1, 4))
    taps, dilation = each(1, kernel), each(1, 2)
    reach = [d * (t - 1) + 1 for t, d in zip(taps, dilation, strict=True)]
    return rng, {
        "count": int(rng.integers(1, 4)),
        "groups": groups,
        "channels": groups * per_group,
        "filters": groups * int(rng.integers(1, 4)),
        "taps": taps,
        "dilation": dilation,
        "sizes": tuple(int(rng.integers(r, max(picture, r) + 1)) for r in reach),
        "stride": each(1, 3),
        "padding": each(0, 2),
    }


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_conv(axes: int, seed: int) -> None:
    rng, layer = drawn(seed, axes)
    X = rng.standard_normal((layer["count"], layer["channels"], *layer["sizes"]))
    per_group = layer["channels"] // layer["groups"]
    W = rng.standard_normal((layer["filters"], per_group, *layer["taps"]))
    bias = rng.standard_normal(layer["filters"]) if seed % 3 else None
    options = {name: layer[name] for name in ("stride", "padding", "dilation", "groups")}
    agree(CONV[axes], X, W, bias=bias, **options)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("form", ["valid", "same", "pairs"])
def test_forms_of_padding(form: str, axes: int) -> None:
    # PyTorch's "same" is for a stride of 1 alone; it too puts the odd zero at the end.
    rng = np.random.default_rng(1)
    padding = tuple((i, 2) for i in range(axes)) if form == "pairs" else form
    for taps in (2, 3, 4):
        X, W = rng.standard_normal((2, 2, *[6] * axes)), rng.standard_normal((3, 2, *[taps] * axes))
        agree(CONV[axes], X, W, padding=padding, order=1)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_other_rows_of_the_table(axes: int) -> None:
    rng = np.random.default_rng(2)
    sizes, taps = [5] * axes, [3] * axes
    for picture, kernel in [((), ()), ((), (2,)), ((4,), ()), ((4,), (2,)), ((3,), (2, 3))]:
        X, W = rng.standard_normal((*picture, *sizes)), rng.standard_normal((*kernel, *taps))
        bias = rng.standard_normal(kernel[:1] or (1,))
        agree(CONV[axes], X, W, bias=bias, padding=1, flip=True)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("method", ["direct", "fft"])
def test_both_methods(method: str, axes: int) -> None:
    rng = np.random.default_rng(3)
    X, W = rng.standard_normal((2, 4, *[7] * axes)), rng.standard_normal((6, 2, *[5] * axes))
    agree(CONV[axes], X, W, stride=2, padding=2, groups=2, method=method)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_conv_transpose(axes: int, seed: int) -> None:
    rng, layer = drawn(seed, axes)
    sizes = tuple(int(n) for n in rng.integers(2, 5, axes))
    X = rng.standard_normal((layer["count"], layer["channels"], *sizes))
    per_group = layer["filters"] // layer["groups"]
    W = rng.standard_normal((layer["channels"], per_group, *layer["taps"]))
    bias = rng.standard_normal(layer["filters"]) if seed % 3 else None
    more = tuple(int(rng.integers(0, s)) for s in layer["stride"])
    full = [
        (n - 1) * s + d * (t - 1) + 1 + m
        for n, s, d, t, m in zip(
            sizes, layer["stride"], layer["dilation"], layer["taps"], more, strict=True
        )
    ]
    cut = tuple(min(p, (n - 1) // 2) for p, n in zip(layer["padding"], full, strict=True))
    agree(
        TRANSPOSED[axes], X, W, layer["stride"], cut, more,
        dilation=layer["dilation"], groups=layer["groups"], bias=bias,
    )  # fmt: skip


def test_a_layer_of_usual_size() -> None:
    rng = np.random.default_rng(4)
    X, W = rng.standard_normal((4, 16, 14, 14)), rng.standard_normal((32, 16, 3, 3))
    agree(functional.conv2d, X, W, padding=1, bias=rng.standard_normal(32), order=1)
    agree(functional.conv2d, X, rng.standard_normal((16, 1, 5, 5)), padding=2, groups=16, order=1)
    back = rng.standard_normal((16, 8, 4, 4))
    agree(functional.conv_transpose2d, X, back, stride=2, padding=1, order=1)
