"""``interop.onnx.save``: a model of the library becomes a file of ONNX."""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from neural_network import __version__
from neural_network.autograd.engine import no_backward
from neural_network.checks import Array
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, brief, needs_extra, no_model, sentence
from neural_network.files import as_path, written_beside
from neural_network.functional.activations import identity
from neural_network.interop.onnx.graph import OWN_DOMAINS
from neural_network.interop.onnx.model import ONNXModel
from neural_network.interop.onnx.reading import NOTES
from neural_network.interop.onnx.table import exports
from neural_network.layers.containers import Residual, Sequential
from neural_network.layers.dense import Embedding
from neural_network.layers.layer import Layer
from neural_network.layers.places import place_of
from neural_network.layers.saving import as_json
from neural_network.lifting import array_under
from neural_network.public import public

# What is written: the newest that ONNX Runtime of 2024 reads.
OPSET, IR_VERSION = 21, 10
# Functions that are no activations → the layer that does the same and is written.
LAYERS_FOR = {
    "max_pool": "MaxPool2D(2)",
    "layer_norm": "LayerNorm()", "group_norm": "GroupNorm(groups)", "flatten": "Flatten()",
    "dropout": "Dropout(1 - p)", "dropout2d": "Dropout2D(rate)",
    "conv1d": "Conv1D", "conv2d": "Conv2D",
    "conv3d": "Conv3D", "conv_transpose2d": "ConvTranspose2D", "embedding": "Embedding",
}  # fmt: skip


@public(top_level=False)
@explains_calls
def save(
    model: Layer, path: str | os.PathLike[str], *, notes: Mapping[str, Any] | None = None
) -> None:
    """Write a model as an ONNX file, of any number of rows, as it computes in evaluation.

    The file is checked by ``onnx.checker``, written beside and renamed.

    Args:
        model: a built model of the library's layers, or one that ``load`` returned.
        path: the file, such as "digits.onnx".
        notes: further information, such as the classes' names, as of ``neural_network.save``.

    Returns:
        None.

    Raises:
        DTypeError: no layer; a note that JSON cannot hold; no path.
        ArgumentError: a model without parameters yet, or a layer that ONNX cannot express.
        FileWriteError: the file cannot be written.
        MissingDependencyError: the package onnx is not installed.

    >>> from neural_network.interop import onnx
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/model.onnx"
    >>> model = Sequential(Dense(2)).initialize((3,), rng=0)
    >>> onnx.save(model, path)
    >>> bool(np.allclose(onnx.load(path).predict(np.eye(3)), model.predict(np.eye(3))))
    True
    """
    name = str(as_path("interop.onnx.save", "path", path))
    if name.lower().endswith((".safetensors", ".pt", ".pth", ".h5", ".keras")):
        expected = "the name of an ONNX file, such as 'model.onnx'"
        raise ArgumentError(sentence("interop.onnx.save", "path", expected, brief(name)))
    message = to_model(model)
    if notes is not None:
        from onnx import helper

        helper.set_model_props(message, {NOTES: as_json(notes, "interop.onnx.save")})
    try:
        content = message.SerializeToString()
    except Exception as error:  # a model of more than 2 GB
        expected = "less than 2 GB of parameters, which protobuf can hold"
        raise ArgumentError(
            sentence("interop.onnx.save", "model", expected, brief(error, str))
        ) from error
    with written_beside(path) as temporary:
        temporary.write_bytes(content)


@public(top_level=False)
@explains_calls
def to_model(model: Layer) -> Any:
    """Return what ``save`` writes, as an ``onnx.ModelProto``.

    Args:
        model: as of ``save``.

    Raises:
        DTypeError, ArgumentError, MissingDependencyError: as ``save``.

    >>> from neural_network.interop import onnx
    >>> message = onnx.to_model(Sequential(Dense(2, "relu")).initialize((3,)))
    >>> [node.op_type for node in message.graph.node]
    ['Gemm', 'Relu']
    """
    with needs_extra("interop.onnx.save", "onnx"):
        import onnx
    if not isinstance(model, Layer):
        raise no_model("interop.onnx.save", model)
    model._check_built("interop.onnx.save")
    if isinstance(model, ONNXModel):  # it was checked when it was read
        return _with_numbers(model)
    message = _written(onnx, model)
    try:
        onnx.checker.check_model(message, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        expected, text = "a model that onnx.checker accepts", " ".join(str(error).split())
        raise ArgumentError(
            sentence("interop.onnx.save", "model", expected, brief(text, str, 200))
        ) from error
    return message


def _written(onnx: Any, model: Layer) -> Any:
    shape = model.input_shape or ()
    whole = isinstance(_first(model), Embedding)
    dtype = np.dtype(np.int64) if whole else model.dtype
    graph = GraphWriter(onnx, model)
    graph.samples["input"] = np.zeros((2, *shape), dtype)
    with model.in_mode(training=False), no_backward(), np.errstate(all="ignore"):
        last = graph.layer(model, "input")
    out = graph.node("Identity", [last]) if last == "input" else last
    graph.rename(out, "output")
    results = graph.samples[last]
    kinds = [onnx.helper.np_dtype_to_tensor_dtype(kind) for kind in (dtype, results.dtype)]
    made = onnx.helper.make_graph(
        graph.nodes,
        type(model).__name__,
        [onnx.helper.make_tensor_value_info("input", kinds[0], ["N", *shape])],
        [onnx.helper.make_tensor_value_info("output", kinds[1], ["N", *results.shape[1:]])],
        list(graph.initializers.values()),
    )
    return onnx.helper.make_model(
        made,
        producer_name="neural-network-numpy",
        producer_version=__version__,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )


def _first(model: Any) -> Any:
    """Return the layer that reads the input."""
    while isinstance(model, Sequential | Residual):
        model = model.layers[0] if isinstance(model, Sequential) else model.body[0]
    return model


class GraphWriter:
    """Collects nodes and parameters; the functions of the table call its methods.

    Args:
        onnx: the package.
        model: what is exported.

    Attributes:
        nodes: in order.
        initializers: name → tensor.
        samples: name of a layer's input or output → two rows of it, for shapes.
    """

    def __init__(self, onnx: Any, model: Layer) -> None:
        self.onnx, self.model = onnx, model
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self.samples: dict[str, Array] = {}
        self._names = {
            id(tensor): name for name, tensor in (*model.named_parameters(), *model.named_buffers())
        }
        self._place = ""

    def layer(self, layer: Any, X: str) -> str:
        """Write a layer, and those inside it; return the name of its output."""
        own: Any = type(layer)
        if own.forward is Sequential.forward:
            for inner in layer.layers:
                X = self.layer(inner, X)
            return X
        if own.forward is Residual.forward:
            straight = X if layer.shortcut is None else self.layer(layer.shortcut, X)
            out = X
            for inner in layer.body:
                out = self.layer(inner, out)
            sample = self.samples[out]
            out = self.node("Add", [out, straight])
            self.samples[out] = sample
            return out
        self._place = (
            next(n for n, one in self.model.named_layers() if one is layer) or own.__name__
        )
        if isinstance(layer, ONNXModel):
            out = self._imported(layer, X)
            self.samples[out] = np.asarray(array_under(layer(self.samples[X])))
            return out
        table = exports()
        kind: Any = next((one for one in own.__mro__ if one in table), None)
        if kind is None or own.forward is not kind.forward or "forward" in vars(layer):
            raise self._inexpressible(layer, "a forward of its own")
        out = table[kind](layer, self, X)
        made = self.samples[out] = np.asarray(array_under(layer(self.samples[X])))
        if made.shape[:1] != (2,):
            raise self._inexpressible(layer, f"a result of shape {made.shape} for two rows")
        return str(out)

    def _imported(self, layer: ONNXModel, X: str) -> str:
        """Write the nodes of an imported model, in the version of ONNX that is written here."""
        message = _with_numbers(layer)
        graph = message.graph
        if len(graph.output) != 1 or len(layer.input_names) != 1:
            raise self._inexpressible(layer, "several inputs or outputs")
        version = next(one.version for one in message.opset_import if one.domain in OWN_DOMAINS)
        if version != OPSET:
            try:
                graph = self.onnx.version_converter.convert_version(message, OPSET).graph
            except Exception as error:  # any error of onnx's converter
                received = f"operators of version {version}, not {OPSET} ({brief(error, str, 100)})"
                raise self._inexpressible(layer, received) from error
        prefix = f"{self._place}."
        names = {"": "", layer.input_names[0]: X}
        for tensor in graph.initializer:
            names[tensor.name] = prefix + tensor.name
            tensor.name = names[tensor.name]
            self.initializers[tensor.name] = tensor
        for node in graph.node:
            names |= {name: prefix + name for name in node.output if name}
        for node in graph.node:
            copied = self.onnx.NodeProto()
            copied.CopyFrom(node)
            copied.name = prefix + (node.name or node.output[0])
            copied.input[:] = [names[name] for name in node.input]
            copied.output[:] = [names[name] for name in node.output]
            self.nodes.append(copied)
        return names[graph.output[0].name]

    def node(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        """Write a node of one output; return its name."""
        name = f"{self._place}.{operator}"
        taken = {node.name for node in self.nodes}
        number = 2
        while name in taken:
            name, number = f"{self._place}.{operator}{number}", number + 1
        self.nodes.append(
            self.onnx.helper.make_node(operator, inputs, [name], name=name, **attributes)
        )
        return name

    def parameter(self, tensor: Any) -> str:
        """Write a parameter or buffer, one that is shared once; return its name."""
        name = self._names[id(tensor)]
        if name not in self.initializers:
            array = np.ascontiguousarray(tensor.data)
            self.initializers[name] = self.onnx.numpy_helper.from_array(array, name)
        return name

    def parameters(self, *tensors: Any) -> list[str]:
        """Return the names of those that are not None, for inputs that may be left out."""
        return [self.parameter(tensor) for tensor in tensors if tensor is not None]

    def constant(self, array: Any) -> str:
        """Write an array that is no parameter."""
        name = f"{self._place}.constant{len(self.initializers)}"
        self.initializers[name] = self.onnx.numpy_helper.from_array(np.asarray(array), name)
        return name

    def setting(self, array: Array) -> str:
        """Write numbers that are not trained where the file is read."""
        return self.node("Constant", [], value=self.onnx.numpy_helper.from_array(array))

    def shape(self, X: str) -> tuple[int, ...]:
        """Return the shape of a layer's input, of two rows."""
        if X not in self.samples:  # a function behind the layer's own computation
            expected = "a layer of its own: activation=None and Activation(…) behind it"
            received = "the activation of another layer"
            raise ArgumentError(sentence("interop.onnx.save", "function", expected, received))
        return self.samples[X].shape

    def function(self, layer: Layer, function: Any, X: str) -> str:
        """Write a function of one array, as activations are, with its options."""
        own, options = function, {}
        if isinstance(function, partial):
            own, options = function.func, function.keywords
        if own is identity:
            return X
        name = str(getattr(own, "__name__", own))
        write = exports().get(own)
        if write is None:
            raise self._inexpressible(layer, f"the function {name}{_cure(own, name)},")
        if isinstance(function, partial) and function.args:
            received = f"{name} with {brief(function.args[0])} in the place of its input"
            raise self._inexpressible(layer, received)
        try:
            return str(write(own, self, X, **options))
        except ArgumentError as error:  # of an option that the operator does not have
            raise self._inexpressible(layer, f"{name} with {error}") from None

    def rename(self, old: str, new: str) -> None:
        """Give an output another name."""
        for node in self.nodes:
            for place in (node.input, node.output):
                for at, name in enumerate(place):
                    if name == old:
                        place[at] = new

    def _inexpressible(self, layer: Layer, received: str) -> ArgumentError:
        expected = "layers and functions of the library that ONNX has operators for"
        text = f"{received} in {place_of(self.model, layer)}"
        return ArgumentError(sentence("interop.onnx.save", "model", expected, text))


def _cure(function: Any, name: str) -> str:
    """Return what to write for a function that has no operator."""
    if name in LAYERS_FOR:
        return f"; as a layer: {LAYERS_FOR[name]}"
    if name == "<lambda>":
        return "; what can be read is a function by its name, as functools.partial(nn.elu, alpha=2)"
    if getattr(np, name, None) is function:
        package = import_module("neural_network")
        for where, names in (("nn", package), ("nn.functional", package.functional)):
            if getattr(names, name, None) in exports():
                return f" of NumPy; {where}.{name} has an operator"
    return ""


def _with_numbers(model: ONNXModel) -> Any:
    """Return the graph of an imported model with its numbers as they are now."""
    from onnx import ModelProto, helper, numpy_helper

    message = ModelProto.FromString(b64decode(model.graph))
    own = {**model.weights, **model.statistics}
    for tensor in message.graph.initializer:
        if tensor.name in own:
            dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
            array = own[tensor.name].data.astype(dtype)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    message.producer_name, message.producer_version = "neural-network-numpy", __version__
    return message
