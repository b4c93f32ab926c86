"""Small graphs that ask for enormous arrays: a sentence, quickly, and no memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.interop import onnx as interop
from tests.interop.graphs import graph, node, numbers
from tests.processes import output_of

BILLION = 1 << 30
BOMBS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "ConstantOfShape": lambda: (
        graph(node("ConstantOfShape", "n", "c"), node("Add", "X,c"), initializers=[numbers("n", [BILLION])]), (1,),
    ),
    "ConstantOfShape of many axes": lambda: (
        graph(node("ConstantOfShape", "n", "c"), node("Add", "X,c"), initializers=[numbers("n", [1 << 20] * 9)]), (1,),
    ),
    "Expand": lambda: (graph(node("Expand", "X,n"), initializers=[numbers("n", [BILLION, 1])]), (1, 1)),
    "Tile": lambda: (graph(node("Tile", "X,n"), initializers=[numbers("n", [BILLION])]), (1,)),
    "Pad": lambda: (graph(node("Pad", "X,n"), initializers=[numbers("n", [BILLION, BILLION])]), (1,)),
    "Resize": lambda: (
        graph(node("Resize", "X,,n"), initializers=[numbers("n", [1, 1, 1e5, 1e5], np.float32)]), (1, 1, 1, 1),
    ),
    "Resize by sizes": lambda: (
        graph(node("Resize", "X,,,n", mode="linear"), initializers=[numbers("n", [1, 1, BILLION])]), (1, 1, 1),
    ),
    "Resize there and back": lambda: (
        graph(node("Resize", "X,,,n", mode="linear"), initializers=[numbers("n", [BILLION, 1])]), (1, 50),
    ),
    "Range": lambda: (
        graph(node("Range", "a,b,c", "r"), node("Add", "X,r"),
              initializers=[numbers("a", 0), numbers("b", 1 << 40), numbers("c", 1)]), (1,),
    ),
    "OneHot": lambda: (
        graph(node("Cast", "X", "i", to=7), node("OneHot", "i,d,v"),
              initializers=[numbers("d", BILLION), numbers("v", [0, 1], np.float32)]), (4,),
    ),
    "Gather": lambda: (
        graph(node("Gather", "X,i"), initializers=[numbers("i", [[0] * 1000] * 1000)]), (1, 1000),
    ),
    "broadcasting": lambda: (
        graph(node("Transpose", "X", "t", perm=[1, 0]), node("Add", "X,t")), (1, 40_000),
    ),
    "Where": lambda: (
        graph(node("Transpose", "X", "t", perm=[1, 0]), node("Less", "X,X", "c"), node("Where", "c,X,t")), (1, 40_000),
    ),
    "MatMul": lambda: (
        graph(node("Transpose", "X", "t", perm=[1, 0]), node("MatMul", "t,X")), (1, 40_000),
    ),
    "Einsum": lambda: (graph(node("Einsum", "X,X", equation="i,j->ij")), (40_000,)),
    "Concat, doubling": lambda: (
        graph(*[node("Concat", f"v{i},v{i}", f"v{i + 1}", axis=0) for i in range(40)],
              inputs=[("v0", 1, None)], outputs=[("v40", 1, None)]), (8,),
    ),
    "squares": lambda: (
        graph(*[node("Einsum", f"v{i},v{i}", f"w{i}", equation="i,j->ij") if step == 0
                else node("Reshape", f"w{i},all", f"v{i + 1}") for i in range(9) for step in (0, 1)],
              inputs=[("v0", 1, None)], outputs=[("v9", 1, None)], initializers=[numbers("all", [-1])]), (8,),
    ),
    "padding of a convolution": lambda: (
        graph(node("Conv", "X,W", pads=[1 << 20] * 4), initializers=[numbers("W", [[[[1]]]], np.float32)]), (1, 1, 1, 1),
    ),
    "filters": lambda: (
        graph(node("Conv", "X,W"), initializers=[numbers("W", np.ones((4000, 1, 1, 1)), np.float32)]), (1, 1, 400, 400),
    ),
    "strides of a transposed convolution": lambda: (
        graph(node("ConvTranspose", "X,W", strides=[1 << 20] * 2), initializers=[numbers("W", [[[[1]]]], np.float32)]), (1, 1, 9, 9),
    ),
    "padding of pooling": lambda: (
        graph(node("AveragePool", "X", kernel_shape=[1, 1], pads=[1 << 20] * 4)), (1, 1, 1, 1),
    ),
    "size of LRN": lambda: (graph(node("LRN", "X", size=BILLION)), (1, 2, 2)),
}  # fmt: skip


@pytest.mark.parametrize("case", BOMBS)
def test_bombs(case: str) -> None:
    model, shape = BOMBS[case]()
    begin = time.process_time()
    loaded = interop.load(model)
    with pytest.raises(
        nn.errors.ArgumentError, match=r"ONNXModel: \w+ '.*expected arrays in proportion"
    ):
        loaded(np.zeros(shape, np.float32))
    assert time.process_time() - begin < 2


def test_sizes_that_are_none() -> None:
    """Negative or enormous numbers where sizes stand."""
    for made, shape in (
        (node("AveragePool", "X", kernel_shape=[-(1 << 31)]), (1, 3, 32)),
        (node("MaxPool", "X", kernel_shape=[0]), (1, 3, 32)),
        (node("LpPool", "X", kernel_shape=[2], strides=[-1]), (1, 3, 32)),
        (node("Split", "X", "Y,Z", num_outputs=1 << 40), (4,)),
        (node("DepthToSpace", "X", blocksize=0), (1, 4, 2, 2)),
        (node("LRN", "X", size=-3), (1, 4, 2, 2)),
        (node("Transpose", "X", perm=[0, 5]), (1, 4)),
        (node("Flatten", "X", axis=1 << 62), (1, 4)),
        (node("Softmax", "X", axis=99), (1, 4)),
    ):
        begin = time.process_time()
        model = interop.load(graph(made))
        with pytest.raises(nn.errors.ArgumentError, match=r"ONNXModel: \w+ '"):
            model(np.zeros(shape, np.float32))
        assert time.process_time() - begin < 2


@pytest.mark.slow
@pytest.mark.parametrize("case", ["ConstantOfShape", "Concat, doubling", "squares"])
def test_a_bomb_takes_less_than_a_gigabyte(case: str) -> None:
    code = f"""
import resource
import numpy as np
import neural_network as nn
from neural_network.interop import onnx
from tests.interop.test_onnx_bombs import BOMBS
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model, shape = BOMBS[{case!r}]()
try:
    onnx.load(model)(np.zeros(shape, np.float32))
except nn.errors.ArgumentError:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    assert int(output_of(code)) < 1000


def test_honest_models_may_be_large() -> None:
    """64 times what comes in: an enlargement of pictures, a thousand rows of an embedding."""
    enlarged = graph(node("Resize", "X,,n"), initializers=[numbers("n", [1, 1, 6, 6], np.float32)])
    assert interop.load(enlarged).predict(np.zeros((4, 3, 200, 200))).shape == (4, 3, 1200, 1200)
