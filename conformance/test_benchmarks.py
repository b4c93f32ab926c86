"""The networks of the benchmarks compute the same in each library that they are measured in."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "benchmarks"))

import field  # noqa: E402  # a script, found by the line above
import runtime_peers  # noqa: E402  # a script, found by the line above
import torch_peer  # noqa: E402  # a script, found by the line above
from field_networks import FIELD  # noqa: E402  # a script, found by the line above
from networks import ours  # noqa: E402  # a script, found by the line above


@pytest.mark.parametrize("key", FIELD)
@pytest.mark.parametrize("channels_last", [False, True])
def test_pytorch_computes_what_we_do(key: str, channels_last: bool) -> None:
    entry = FIELD[key]
    if channels_last and not field.convolutions(entry.network.layers) & {2}:
        return
    X, _ = entry.data(3)
    found = ours(entry.network).predict(X)
    theirs = torch_peer.inference(entry, X, channels_last=channels_last)()
    np.testing.assert_allclose(found, theirs, rtol=1e-4, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("key", FIELD)
def test_the_onnx_file_computes_what_we_do(key: str) -> None:
    entry = FIELD[key]
    X, _ = entry.data(3)
    found = ours(entry.network).predict(X)
    theirs = runtime_peers.inference(entry, X)()
    np.testing.assert_allclose(found, theirs, rtol=1e-4, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("key", FIELD)
def test_pytorch_finds_the_loss_and_the_gradients_that_we_do(key: str) -> None:
    entry = FIELD[key]
    both = [make(entry, "adam").check() for make in (field.our_training, torch_peer.training)]
    np.testing.assert_allclose(*both, rtol=1e-4)
