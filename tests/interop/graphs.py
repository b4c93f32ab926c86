"""Graphs of ONNX in a line."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.needs import need_module

onnx = need_module("onnx")
helper, numpy_helper, TensorProto = onnx.helper, onnx.numpy_helper, onnx.TensorProto


def graph(
    *nodes: Any,
    inputs: Any = (("X", 1, None),),
    outputs: Any = (("Y", 1, None),),
    initializers: Any = (),
    opset: int = 21,
    functions: Any = (),
    domains: Any = (),
) -> Any:
    made = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(*one) for one in outputs],
        list(initializers),
    )
    opsets = [helper.make_opsetid("", opset), *[helper.make_opsetid(d, 1) for d in domains]]
    return helper.make_model(made, opset_imports=opsets, ir_version=10, functions=list(functions))


def node(kind: str, inputs: str, outputs: str = "Y", **attributes: Any) -> Any:
    return helper.make_node(kind, inputs.split(","), outputs.split(","), **attributes)


def numbers(name: str, values: Any, dtype: Any = np.int64) -> Any:
    return numpy_helper.from_array(np.array(values, dtype), name)


def claims(name: str, dims: list[int], kind: int = 1, **fields: Any) -> Any:
    return TensorProto(name=name, dims=dims, data_type=kind, **fields)


def runtime(message: Any, *arrays: Any) -> Any:
    """Return what ONNX Runtime computes."""
    ort = need_module("onnxruntime")
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(message.SerializeToString(), options)
    names = [one.name for one in session.get_inputs()]
    return session.run(None, dict(zip(names, arrays, strict=True)))[0]
