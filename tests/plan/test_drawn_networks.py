"""Drawn networks: what kernels compute equals what NumPy computes layer by layer."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.layers.planning import without_plan
from neural_network.plan.dropout import DropStage
from neural_network.plan.vocabulary import Stage
from tests.drawn_networks import Network, Results, computed, differences, disagreement, draw
from tests.needs import need_fast, need_module
from tests.threads import on_one_and_two_threads

need_fast()

NETWORKS, CHUNK = 200, 20


def by_kernels(*arguments: Any) -> Results:
    with nn.use_kernels("numba"):
        return computed(*arguments)


def by_numpy(*arguments: Any) -> Results:
    with nn.use_kernels("numpy"), without_plan():
        return computed(*arguments)


def stages_of(model: nn.Sequential) -> set[type[Stage]]:
    """The kinds of the stages that kernels have computed."""
    parts = [part for one in vars(model)["_plan"].decisions.values() for part in one.parts.values()]
    return {type(stage) for part in parts if part.compiled for stage in part.match.stages}


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, NETWORKS, CHUNK))
def test_kernels_and_numpy_agree(first: int) -> None:
    for seed in range(first, first + CHUNK):
        found = disagreement(draw(seed), by_kernels, by_numpy)
        assert not found, found


def on_one_thread_of_blas(network: Network) -> Results:
    """By kernels; BLAS, which computes layers without a stage, adds differently on two threads."""
    with need_module("threadpoolctl").threadpool_limits(1, user_api="blas"):
        return by_kernels(network)


@pytest.mark.slow
def test_threads_change_no_bit() -> None:
    for seed in range(NETWORKS, NETWORKS + 25):
        network = draw(seed)
        one, two = on_one_and_two_threads(partial(on_one_thread_of_blas, network))
        for (name, found), (_, expected) in zip(two, one, strict=True):
            np.testing.assert_array_equal(found, expected, err_msg=f"{name} of {network}")


@pytest.mark.slow
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_comes_through(value: float) -> None:
    def changed(X: Any) -> Any:
        X[(len(X) // 2, 0, *(1 for _ in X.shape[2:]))] = value
        return X

    for seed in range(NETWORKS, NETWORKS + 25):
        network = draw(seed)
        pairs = zip(by_kernels(network, 0, changed), by_numpy(network, 0, changed), strict=True)
        for (name, found), (_, expected) in pairs:
            if name.startswith(("result", "predictions")):
                message = f"{name} of {network}"
                finite = np.isfinite(expected)
                np.testing.assert_array_equal(np.isfinite(found), finite, err_msg=message)
                near = [(name, array[finite]) for array in (found, expected)]
                assert not differences(near[:1], near[1:]), message


def test_a_seed_is_one_network_and_networks_reach_every_stage() -> None:
    network = draw(3)
    assert str(network) == str(draw(3)) != str(draw(4))
    for ours, again in zip(network.tensors(), draw(3).tensors(), strict=True):
        np.testing.assert_array_equal(ours.data, again.data)
    reached = set[type[Stage]]()
    for seed in range(60):
        network = draw(seed)
        with nn.use_kernels("numba"):
            network.model(network.numbers(network.batches[0]))
        reached |= stages_of(network.model)
    own = {kind for kind in Stage.kinds if kind.__module__.startswith("neural_network.")}
    # Dropout is left out: PyTorch, beside which the same networks are computed, draws other numbers.
    assert reached == own - {DropStage}
