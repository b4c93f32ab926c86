"""What is asked of ONNX's graphs as of layers, and what is written as a layer only."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.interop import onnx as interop
from tests.needs import need_module

need_module("onnx")

FUNCTIONS = {
    functools.partial(nn.layer_norm, axes=-1): "LayerNorm()",
    functools.partial(nn.group_norm, groups=2): "GroupNorm(groups)",
}  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_that_are_not_written_name_the_layer(function: Any) -> None:
    model = nn.Sequential(nn.Activation(function)).initialize((2, 8), rng=0)
    with pytest.raises(nn.ArgumentError, match=r"the function \w+; as a layer: ") as caught:
        interop.to_model(model)
    assert FUNCTIONS[function] in str(caught.value)


def test_pooling_as_the_activation_of_another_layer_is_not_written() -> None:
    model = nn.Conv1D(2, 3, activation=nn.max_pool1d).initialize((2, 8), rng=0)
    with pytest.raises(nn.ArgumentError, match=r"max_pool1d with .*Activation\(…\) behind it"):
        interop.to_model(model)


def test_options_that_onnx_cannot_have_are_refused() -> None:
    for function, text in (
        (
            functools.partial(nn.instance_norm, gamma=np.ones(2)),
            "gamma: expected numbers of float32",
        ),
        (
            functools.partial(nn.interpolate, scale=0.5909090909096819, mode="linear"),
            "scale: expected",
        ),
    ):
        model = nn.Sequential(nn.Activation(function)).initialize((2, 22), rng=0)
        with pytest.raises(nn.ArgumentError, match=text):
            interop.to_model(model)


def test_a_graph_has_no_layers() -> None:
    back = interop.load(interop.to_model(nn.Dense(3).initialize((4,), rng=0)))
    with pytest.raises(TypeError, match="ONNXModel: place: expected model.weights"):
        back[0]
