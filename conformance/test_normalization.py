"""The norms: in training and with known statistics, with and without scale and shift."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from conformance.agreement import agree

SHAPES = [(6, 4), (3, 4, 5), (2, 4, 3, 3), (2, 4, 2, 3, 3)]


def drawn(shape: Any) -> tuple[np.random.Generator, Any]:
    rng = np.random.default_rng(shape)
    return rng, 2 + 3 * rng.standard_normal(shape)


def affine(rng: np.random.Generator, shape: Any) -> list[dict[str, Any]]:
    gamma, beta = rng.standard_normal(shape), rng.standard_normal(shape)
    return [{}, {"gamma": gamma}, {"beta": beta}, {"gamma": gamma, "beta": beta}]


@pytest.mark.parametrize("epsilon", [1e-5, 0.1])
@pytest.mark.parametrize("shape", SHAPES)
def test_batch_norm(shape: Any, epsilon: float) -> None:
    rng, X = drawn(shape)
    mean, variance = rng.standard_normal(4), rng.uniform(0.5, 2, 4)
    for options in affine(rng, 4):
        agree(nn.batch_norm, X, epsilon=epsilon, **options)
        agree(
            nn.batch_norm, X, mean=mean, variance=variance, epsilon=epsilon,
            fixed=("mean", "variance"), **options,
        )  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_batch_statistics(shape: Any) -> None:
    agree(nn.batch_statistics, drawn(shape)[1], order=0)


@pytest.mark.parametrize("shape", [(5,), *SHAPES])
def test_layer_norm(shape: Any) -> None:
    rng, X = drawn(shape)
    choices: list[Any] = [-1]
    if len(shape) > 2:
        choices += [(-2, -1), tuple(range(1, len(shape))), 1]
    for axes in choices:
        named = sorted(a % X.ndim for a in (axes if isinstance(axes, tuple) else (axes,)))
        for options in affine(rng, [shape[a] for a in named]):
            agree(nn.layer_norm, X, axes=axes, **options)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("shape", SHAPES[1:])
def test_group_norm(shape: Any, groups: int) -> None:
    rng, X = drawn(shape)
    for options in affine(rng, 4):
        agree(nn.group_norm, X, groups, epsilon=1e-3, **options)


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_instance_norm(shape: Any) -> None:
    rng, X = drawn(shape)
    for options in affine(rng, 4):
        agree(nn.instance_norm, X, **options)
