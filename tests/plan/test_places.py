"""Images that are written where the next convolution reads them, between zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests.needs import need_module

need_module("numba")


def conv(filters: int, size: int = 3, **options: Any) -> nn.Conv2D:
    return nn.Conv2D(filters, size, **{"padding": 1, **options})


def transposed(filters: int, size: int = 4, **options: Any) -> nn.ConvTranspose2D:
    return nn.ConvTranspose2D(filters, size, **{"stride": 2, "padding": 1, **options})


def norms() -> list[nn.Layer]:
    return [nn.BatchNorm(), nn.Activation("relu")]


NETWORKS: dict[str, Any] = {
    # Sizes of 7 and 8 are both 9 with their zeros: (1, 1) and (0, 1) of them.
    "strides": lambda: [conv(8, activation="relu"), conv(8, stride=2, padding="same")],
    "norm": lambda: [conv(8), *norms(), conv(8, stride=2, padding="same"), *norms()],
    "residual": lambda: [
        conv(8), *norms(),
        nn.Residual(conv(8, stride=2, padding="same"), *norms(), conv(8), nn.BatchNorm(),
                   shortcut=nn.Sequential(conv(8, 1, stride=2, padding=0), nn.BatchNorm())),
        nn.Activation("relu"), nn.Residual(conv(8), *norms(), conv(8), nn.BatchNorm()),
    ],
    "transposed": lambda: [
        conv(8, stride=2, activation="relu"), transposed(16, activation="relu"), transposed(7),
        *norms(), transposed(8, 3, padding=0), conv(8),
        nn.Residual(nn.ConvTranspose2D(8, 3, padding=1), conv(8), shortcut=conv(8, 1, padding=0)),
    ],
    # Two runs, whose second stages have places of the same size in the memory of one container.
    "two runs": lambda: [conv(8), conv(8, activation="relu"), nn.Activation(nn.softplus),
                         nn.GroupNorm(4), conv(8, padding=0), conv(8, 5, padding=2)],
}  # fmt: skip
SIZES = (8, 7, 8, 7, 8)


def network(name: str) -> Any:
    return nn.Sequential(*NETWORKS[name](), nn.GlobalAvgPool2D()).initialize((3, 8, 8), rng=0)


def images(count: int, size: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, 3, size, size)).astype(np.float32)


def numbers(model: Any, X: Any, mode: str) -> list[Any]:
    """The result, and the gradients of input and parameters."""
    model.zero_grad()
    x = nn.Tensor(X, requires_grad=True)
    with nn.use_kernels(mode):
        out = model(x)
        out.backward(np.random.default_rng(5).standard_normal(out.shape).astype(np.float32))
    return [out.data.copy(), x.grad.copy(), *(p.grad.copy() for p in model.parameters())]


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes_in_turn(name: str) -> None:
    model = network(name)
    for turn, size in enumerate(SIZES * 2):
        X = images(6, size, turn)
        for found, expected in zip(
            numbers(model, X, "numba"), numbers(model, X, "numpy"), strict=True
        ):
            atol = 1e-3 * max(1e-2, float(np.abs(expected).max()))
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=atol)


@pytest.mark.parametrize("name", NETWORKS)
def test_predictions_and_trainings_in_turn(name: str) -> None:
    model = network(name)
    for turn, size in enumerate(SIZES):
        X = images(4 + turn, size, turn)
        numbers(model, X, "numba")
        with nn.use_kernels("numba"):
            found = [model.predict(X[: 2 + n]) for n in range(3)]
        with nn.use_kernels("numpy"):
            expected = [model.predict(X[: 2 + n]) for n in range(3)]
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["strides", "residual", "transposed"])
def test_what_is_not_a_number_stays_in_its_image(name: str) -> None:
    model = network(name)
    model.eval()
    clean, bad = images(5, 7), np.full((5, 3, 8, 8), np.nan, np.float32)
    with nn.use_kernels("numba"):
        before = model.predict(clean)
        for _ in range(2):
            assert np.isnan(model.predict(bad)).all()
            np.testing.assert_array_equal(model.predict(clean), before)


def test_memory_does_not_grow_with_the_sizes() -> None:
    model = network("residual")
    with nn.use_kernels("numba"):
        counts = []
        for size in (16, 15, 14, 13, 12, 11, 10, 9):
            numbers(model, images(4, size), "numba")
            counts += [len(space._buffers) for space in model._plan.workspaces]
    assert set(counts) == {counts[0]}


def test_a_field_of_records() -> None:
    kind = np.dtype([("image", "f4", (3, 8, 8)), ("label", "u1")])
    records = np.zeros(6, kind)
    records["image"] = images(6, 8)
    plain = np.ascontiguousarray(records["image"])
    model = nn.Sequential(conv(8, padding=0), conv(4), nn.GlobalAvgPool2D())
    model.initialize((3, 8, 8), rng=0)
    with nn.use_kernels("numba"):
        np.testing.assert_array_equal(model.predict(records["image"]), model.predict(plain))
    for found, expected in zip(
        numbers(model, records["image"], "numba"), numbers(model, plain, "numba"), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_a_crop_of_the_callers_is_copied() -> None:
    large = np.random.default_rng(0).standard_normal((4, 1, 12, 12)).astype(np.float32)
    model = nn.Sequential(conv(8, padding=0), nn.GlobalAvgPool2D()).initialize((1, 8, 8), rng=0)
    gradients = []
    for change in (False, True):
        model.zero_grad()
        with nn.use_kernels("numba"):
            out = model(large[:, :, 2:-2, 2:-2])
            if change:
                large *= 3
            out.backward(np.ones(out.shape, np.float32))
        gradients.append([p.grad.copy() for p in model.parameters()])
    for before, after in zip(*gradients, strict=True):
        np.testing.assert_array_equal(before, after)
