"""What is asked of ONNX's graphs as of layers, and what is written as a layer only."""

from __future__ import annotations

import functools
from typing import Any

import pytest

import neural_network as nn
from neural_network.interop import onnx as interop
from tests.needs import need_module

need_module("onnx")

FUNCTIONS = {
    nn.max_pool2d: "MaxPool2D(2)", nn.avg_pool2d: "AvgPool2D(2)",
    nn.max_pool1d: "inputs (N, C, 1, L)", nn.avg_pool1d: "inputs (N, C, 1, L)",
    nn.global_avg_pool: "GlobalAvgPool2D()",
}  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_that_are_no_activations_name_the_layer(function: Any) -> None:
    shape = (2, 8) if "1d" in function.__name__ else (2, 8, 8)
    for one in (function, functools.partial(function)):
        model = nn.Sequential(nn.Activation(one)).initialize(shape, rng=0)
        with pytest.raises(nn.ArgumentError, match=r"the function \w+; as a layer: ") as caught:
            interop.to_model(model)
        assert FUNCTIONS[function] in str(caught.value)


def test_a_graph_has_no_layers() -> None:
    back = interop.load(interop.to_model(nn.Dense(3).initialize((4,), rng=0)))
    with pytest.raises(TypeError, match="ONNXModel: place: expected model.weights"):
        back[0]
