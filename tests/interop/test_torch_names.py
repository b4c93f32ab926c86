"""Names of a PyTorch network that its file does not tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import neural_network as nn
from neural_network.errors import ArgumentError
from neural_network.interop.torch import load_weights, save_weights, state_dict


def test_names_pair_layers_of_one_shape_when_weights_are_saved(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Dense(4), nn.Dense(4)).initialize((4,), rng=0)
    theirs = {"a.bias": np.zeros(4), "a.weight": np.zeros((4, 4))}
    theirs |= {"b.bias": np.zeros(4), "b.weight": np.zeros((4, 4))}  # as a file has them
    like, path = tmp_path / "theirs.safetensors", tmp_path / "w.safetensors"
    nn.save_arrays(like, theirs)
    with pytest.raises(ArgumentError, match="save_weights: like: .*names={ours: theirs}"):
        save_weights(model, path, like=like)
    with pytest.raises(ArgumentError, match="names: expected like=.*received names alone"):
        save_weights(model, path, names={"0": "b"})
    assert not path.exists()
    pairs = {"0": "b", "1": "a"}
    save_weights(model, path, like=like, names=pairs)
    assert np.array_equal(nn.load_arrays(path)["b.weight"], model[0].weight.data.T)
    other = nn.Sequential(nn.Dense(4), nn.Dense(4)).initialize((4,), rng=1)
    load_weights(other, path, names=pairs)
    assert np.array_equal(other.flat_parameters(), model.flat_parameters())
    assert list(state_dict(model, like=like, names=pairs)) != list(state_dict(model))
