"""``scale.dask``: block by block the same numbers as of the whole array."""

from __future__ import annotations

import re
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest

import neural_network as nn
from neural_network.errors import ArgumentError, DTypeError, ShapeError
from neural_network.scale.dask import conv2d, predict


@pytest.fixture(autouse=True)
def _here() -> Any:
    with dask.config.set(scheduler="synchronous"):
        yield


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


# Shapes of image, chunks and filter, and options.
CALLS: dict[str, tuple[tuple[int, ...], Any, tuple[int, ...], dict[str, Any]]] = {
    "one picture": ((40, 31), (13, 7), (3, 3), {}),
    "small chunks": ((40, 31), (2, 2), (5, 4), {}),
    "one row at a time": ((40, 31), (1, 31), (3, 1), {}),
    "one chunk": ((9, 8), -1, (3, 3), {"padding": "same"}),
    "filters": ((40, 31), (13, 7), (4, 3, 3), {"padding": "same"}),
    "batch": ((5, 20, 21), (2, 7, 8), (3, 3), {"padding": 2}),
    "batch and filters": ((5, 20, 21), (2, 7, 8), (4, 3, 2), {"padding": (1, 0)}),
    "channels": ((3, 20, 21), (1, 7, 8), (4, 3, 3, 3), {}),
    "batch of channels": ((5, 4, 20, 21), (2, 3, 7, 8), (6, 2, 3, 3), {"groups": 2}),
    "stride": ((40, 31), (13, 7), (3, 3), {"stride": 2}),
    "stride beyond the filter": ((40, 31), (13, 7), (2, 2), {"stride": (5, 3)}),
    "stride beyond the chunk": ((40, 31), (3, 3), (2, 2), {"stride": 7}),
    "stride, padding": ((3, 40, 31), (3, 13, 7), (4, 3, 5, 5), {"stride": 3, "padding": "same"}),
    "dilation": ((40, 31), (6, 7), (3, 3), {"dilation": (4, 3), "padding": ((1, 5), (0, 2))}),
    "bias, flip": ((40, 31), (13, 7), (4, 3, 3), {"bias": [1, 2, 3, 4], "flip": True}),
    "fft": ((60, 61), (23, 17), (9, 9), {"method": "fft"}),
    "as large as the picture": ((9, 8), (3, 2), (9, 8), {}),
    "empty chunks": ((5, 20, 21), ((0, 2, 3, 0), (0, 20), (9, 0, 12)), (4, 3, 3), {}),
    "uneven chunks": ((40, 31), ((1, 30, 9), (30, 1)), (4, 6), {"stride": (2, 3)}),
}


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *[(name, np.float64) for name in CALLS],
        *[(name, dtype) for name in ("stride, padding", "fft") for dtype in (np.float32, np.uint8)],
    ],
)
def test_blocks_have_no_seams(name: str, dtype: type[np.generic]) -> None:
    shape, chunks, taps, options = CALLS[name]
    image = (100 * numbers(*shape)).astype(dtype)
    kernel = numbers(*taps, seed=1).astype(np.float32 if dtype == np.float32 else np.float64)
    blocks = conv2d(da.from_array(image, chunks), kernel, **options)
    whole = nn.conv2d(image, kernel, **options)
    assert blocks.shape == whole.shape
    assert blocks.dtype == whole.dtype
    computed = blocks.compute()
    assert computed.dtype == whole.dtype
    rtol = 1e-4 if whole.dtype == np.float32 else 1e-10
    np.testing.assert_allclose(computed, whole, rtol=rtol, atol=rtol * 100)
    assert [sum(sizes) for sizes in blocks.chunks] == list(whole.shape)
    for place in [(0,) * whole.ndim, tuple(n - 1 for n in blocks.numblocks)]:
        sizes = tuple(c[i] for c, i in zip(blocks.chunks, place, strict=True))
        assert blocks.blocks[place].compute().shape == sizes


def test_drawn_calls_equal_the_whole() -> None:
    rng = np.random.default_rng(5)
    for _ in range(25):
        size, taps = rng.integers(8, 30, 2), rng.integers(1, 5, 2)
        options = {
            "stride": tuple(rng.integers(1, 5, 2).tolist()),
            "dilation": tuple(rng.integers(1, 3, 2).tolist()),
            "padding": tuple(map(tuple, rng.integers(0, 4, (2, 2)).tolist())),
        }
        image, kernel = rng.normal(size=size), rng.normal(size=taps)
        chunks = tuple(rng.integers(1, 12, 2).tolist())
        blocks = conv2d(da.from_array(image, chunks), kernel, **options).compute()
        np.testing.assert_allclose(blocks, nn.conv2d(image, kernel, **options), atol=1e-12)


def test_infinity_reaches_only_the_windows_that_hold_it() -> None:
    image = numbers(30, 30)
    image[14, 15], image[3, 29] = np.inf, np.nan
    kernel = numbers(4, 4, seed=1)
    blocks = conv2d(da.from_array(image, (7, 8)), kernel, padding="same").compute()
    np.testing.assert_allclose(blocks, nn.conv2d(image, kernel, padding="same"))


def test_nothing_is_computed_before_compute() -> None:
    def never(block: np.ndarray) -> np.ndarray:
        if block.size > 1:
            raise AssertionError("computed")
        return block

    image = da.ones((30, 30), chunks=10).map_blocks(never, meta=np.empty((0, 0)))
    model = nn.Sequential(nn.Dense(3)).initialize((30,), rng=0)
    conv2d(image, np.ones((3, 3)))
    predict(model, image)


IMAGE = da.ones((8, 9), chunks=4)
MODEL = nn.Sequential(nn.Dense(3)).initialize((9,), rng=0)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: conv2d(np.ones((4, 4)), np.ones((2, 2))),
            DTypeError,
            "image: expected a Dask arr",
        ),
        (lambda: conv2d(IMAGE * 1j, np.ones((2, 2))), DTypeError, "image: expected real numbers"),
        (lambda: conv2d(IMAGE, "sobel"), DTypeError, "filter_kernel: expected real numbers"),
        (lambda: conv2d(IMAGE, np.ones((9, 9))), ShapeError, "a 9×9 filter does not fit"),
        (lambda: conv2d(IMAGE, np.ones(3)), ShapeError, "at least 2 dimensions"),
        (lambda: conv2d(IMAGE[0], np.ones((3, 3))), ShapeError, "at least 2 dimensions"),
        (
            lambda: conv2d(IMAGE, np.ones((2, 3, 2, 2))),
            ShapeError,
            "filter_kernel: expected 2 or 3",
        ),
        (lambda: conv2d(IMAGE[:0], np.ones((2, 2))), ShapeError, "image"),
        (lambda: conv2d(IMAGE, np.ones((2, 2)), stride=0), ArgumentError, "stride"),
        (lambda: conv2d(IMAGE, np.ones((2, 2)), padding="full"), ArgumentError, "padding"),
        (lambda: conv2d(IMAGE, np.ones((2, 2)), method="fast"), ArgumentError, "method"),
        (lambda: conv2d(IMAGE, np.ones((2, 2, 2)), bias=[1, 2, 3]), ShapeError, "bias"),
        (lambda: conv2d(IMAGE[IMAGE[:, 0] > 0], np.ones((2, 2))), ArgumentError, "known sizes"),
        (lambda: predict("model", IMAGE), DTypeError, "model: expected a layer or model"),
        (lambda: predict(nn.Dense(2), IMAGE), ArgumentError, "initialize"),
        (lambda: predict(MODEL, np.ones((2, 9))), DTypeError, "X: expected a Dask array"),
        (lambda: predict(MODEL, IMAGE[:, :5]), ShapeError, "9"),
        (lambda: predict(MODEL, IMAGE[:0]), ShapeError, "X: expected at least one row"),
        (lambda: predict(MODEL, IMAGE.astype(str)), DTypeError, "X: expected real numbers"),
    ],
)
def test_errors_come_before_anything_is_computed(
    call: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize(
    "chunks",
    [
        (5, 1, 28, 28),
        (3, 1, 9, 28),
        (20, 1, 28, 28),
        ((0, 8, 0, 12), (1,), (0, 28), (28,)),
    ],
)
def test_predictions_equal_those_of_the_whole(chunks: Any) -> None:
    model = nn.models.load_tiny_cnn()
    digits = numbers(20, 1, 28, 28).astype(np.float32)
    scores = predict(model, da.from_array(digits, chunks))
    whole = model.predict(digits)
    assert (scores.shape, scores.dtype) == (whole.shape, whole.dtype)
    np.testing.assert_allclose(scores.compute(), whole, rtol=1e-5, atol=1e-6)


def test_maps_as_outputs_and_later_changes() -> None:
    model = nn.Sequential(nn.Conv2D(3, 3, padding=1), nn.BatchNorm()).initialize((2, 6, 5), rng=0)
    model.train()
    X = numbers(7, 2, 6, 5)
    whole = model.predict(X)
    maps = predict(model, da.from_array(X, (3, 1, 6, 5)))
    assert maps.shape == (7, 3, 6, 5)
    model.layers[0].weight = np.zeros((3, 2, 3, 3))
    np.testing.assert_allclose(maps.compute(), whole, rtol=1e-5, atol=1e-6)
    assert model.training


def test_errors_of_inputs_are_those_of_the_call_without_dask() -> None:
    pictures = nn.Sequential(nn.Conv2D(2, 3), nn.Flatten(), nn.Dense(3)).initialize((1, 9, 9))
    signals = nn.Sequential(nn.Conv1D(2, 3), nn.Flatten(), nn.Dense(3)).initialize((1, 9))
    for model, shape, cure in (
        (pictures, (300, 9, 9), "X[:, None] are images of one channel"),
        (pictures, (5, 9, 9, 3), "expected 1 channel"),
        (signals, (300, 9), "X.reshape(-1, 1, 9)"),
    ):
        with pytest.raises(ShapeError, match=re.escape(cure)) as of_array:
            model.predict(np.zeros(shape))
        with pytest.raises(ShapeError, match=re.escape(cure)) as of_dask:
            nn.scale.dask.predict(model, da.zeros(shape, chunks=2))
        assert str(of_dask.value) == str(of_array.value)


def test_several_outputs_are_refused() -> None:
    class Two(nn.Layer):
        def forward(self, X: Any) -> Any:
            return X, X

    model = Two().initialize((9,), rng=0)
    with pytest.raises(ArgumentError, match="a model with one output, received 2 of them"):
        predict(model, IMAGE)


def test_arrays_of_dask_are_not_read_into_memory_without_a_word() -> None:
    image, model = da.ones((6, 6), chunks=3), nn.Dense(2).initialize((6,), rng=0)
    for call in (
        lambda: nn.conv2d(image, np.ones((3, 3))),
        lambda: nn.relu(image),
        lambda: model.predict(image),
        lambda: model(image),
    ):
        with pytest.warns(nn.TrainingHint, match="Dask array, which is read .* nn.scale.dask.pred"):
            call()
