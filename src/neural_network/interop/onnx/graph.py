"""A graph of ONNX, checked: nodes with their row of the table, constants, parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from neural_network.checks import MOST_AXES, Array
from neural_network.errors import FileFormatError, NeuralNetworkError, brief
from neural_network.interop.onnx.table import Operator, operators
from neural_network.interop.onnx.types import TRAINED, numpy_type

# Versions of ONNX's operators whose rules the table knows.
OLDEST_OPSET, NEWEST_OPSET = 1, 28
# Of a graph: what is larger is taken for an attack.
MOST_NODES = 100_000
OWN_DOMAINS = ("", "ai.onnx")


@dataclass(frozen=True)
class Node:
    """A node that is ready to run.

    Attributes:
        operator: its row.
        place: what it is called in errors.
        inputs, outputs: names of values; "" for one that is left out.
        options: attributes, and what the runner fills in.
        spent: values of nodes that no later one reads.
    """

    operator: Operator
    place: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: Mapping[str, Any]
    spent: tuple[str, ...]


@dataclass(frozen=True)
class Input:
    """An input or output of the graph: its name, type, and sizes, None where they are free."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Graph:
    """A graph that is ready to run.

    Attributes:
        inputs: what a call gives.
        outputs: names of what it returns.
        nodes: in the order of computing.
        constants: name → array, for all that is not trained.
        parameters, statistics: name → (shape, type) of what is trained, and of what training moves.
        dtype: the widest floating type, in which the model works.
    """

    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    parameters: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]
    statistics: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]
    dtype: np.dtype[Any]


def opset_of(what: str, model: Any) -> int:
    """Return the version of ONNX's operators that a model is written in.

    Raises:
        FileFormatError: none, or one that the table does not know.
    """
    versions = [one.version for one in model.opset_import if one.domain in OWN_DOMAINS]
    version = versions[0] if versions else 1
    if len(versions) > 1 or not OLDEST_OPSET <= version <= NEWEST_OPSET:
        expected = f"operators of one version from {OLDEST_OPSET} to {NEWEST_OPSET} (opset_import)"
        received = " and ".join(map(str, versions[:5]))
        raise FileFormatError(f"{what}: expected {expected}, received {received}")
    return int(version)


def check_known(what: str, model: Any) -> None:
    """Raise FileFormatError that names all operators which the table has not."""
    table = operators()
    own = {(function.domain, function.name) for function in model.functions}
    found: dict[str, None] = {}
    holders = (model.graph, *model.functions)
    count = sum(len(holder.node) for holder in holders)
    if count > MOST_NODES:
        raise FileFormatError(f"{what}: expected at most {MOST_NODES:,} nodes, received {count:,}")
    nodes = [node for holder in holders for node in holder.node]
    for node in nodes:
        if (node.domain, node.op_type) in own:
            continue
        if node.domain not in OWN_DOMAINS:
            found[f"{node.domain}.{node.op_type}"] = None
        elif node.op_type not in table:
            found[node.op_type] = None
    if found:
        names = ", ".join(sorted(found))
        kind = "operators" if len(found) > 1 else "an operator"
        raise FileFormatError(f"{what}: {kind} that this library does not have: {names}")


def array_of(what: str, tensor: Any) -> Array:
    """Return the numbers of a ``TensorProto``.

    Raises:
        FileFormatError: its numbers are not as many as it says, or of no known type.
    """
    from onnx import TensorProto, numpy_helper

    name = brief(tensor.name, str, 60)
    if len(tensor.dims) >= MOST_AXES or any(size < 0 for size in tensor.dims):
        raise FileFormatError(
            f"{what}: {name}: expected sizes, received {brief(list(tensor.dims))}"
        )
    if tensor.data_location == TensorProto.EXTERNAL:
        raise FileFormatError(
            f"{what}: {name}: its numbers are in another file; load(path) reads them from beside it"
        )
    try:
        array: Array = numpy_helper.to_array(tensor)
    except Exception as error:  # any error of onnx's about numbers that do not fit the sizes
        text = f"{what}: {name}: damaged ({brief(error, str, 200)})"
        raise FileFormatError(text) from error
    array.flags.writeable = False
    return array


def graph_of(what: str, model: Any, *, stripped: bool) -> Graph:
    """Return the graph of a ``ModelProto``, checked.

    Args:
        what: the file or argument, for errors.
        model: the protobuf message, whose own functions have been inlined.
        stripped: whether initializers without numbers are parameters, as ``without_numbers``
            leaves them.

    Raises:
        FileFormatError: anything that cannot be computed, in a sentence.
    """
    check_known(what, model)
    opset, graph = opset_of(what, model), model.graph
    if graph.sparse_initializer:
        raise FileFormatError(f"{what}: sparse initializers are not supported; write dense ones")
    if not graph.output:
        raise FileFormatError(f"{what}: expected a graph with an output, received none")
    names = [tensor.name for tensor in graph.initializer]
    inputs = tuple(_described(what, value) for value in graph.input if value.name not in set(names))
    known = {value.name for value in inputs}
    outputs = tuple(value.name for value in graph.output)
    nodes = _nodes(what, graph.node, opset, known | set(names), outputs)
    kinds = _uses(nodes)
    constants: dict[str, Array] = {}
    parameters: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
    statistics: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
    for tensor in graph.initializer:
        if tensor.name in constants or tensor.name in parameters or tensor.name in known:
            raise FileFormatError(f"{what}: two values have the name {brief(tensor.name)}")
        dtype, shape = numpy_type(tensor.data_type), tuple(tensor.dims)
        kind = kinds.get(tensor.name)
        empty = stripped and not _has_numbers(tensor) and prod(shape) > 0
        trained = dtype.name in TRAINED and kind in ("parameter", "statistic")
        if empty and not trained:
            raise FileFormatError(f"{what}: {brief(tensor.name)} has no numbers")
        if empty or (trained and not stripped and _can_train(array_of(what, tensor))):
            of = parameters if kind == "parameter" else statistics
            of[tensor.name] = (shape, dtype)
        else:
            constants[tensor.name] = array_of(what, tensor)
    floating = [
        dtype
        for dtype in (
            *(value.dtype for value in inputs),
            *(array.dtype for array in constants.values()),
            *(dtype for _, dtype in (*parameters.values(), *statistics.values())),
        )
        if dtype == np.float64
    ]
    dtype = np.dtype(np.float64 if floating else np.float32)
    return Graph(inputs, outputs, nodes, constants, parameters, statistics, dtype)


def without_numbers(model: Any, graph: Graph) -> Any:
    """Return a copy of a ``ModelProto`` whose parameters have sizes and types only."""
    from onnx import TensorProto

    kept = {*graph.parameters, *graph.statistics}
    copied = type(model)()
    copied.ir_version = model.ir_version
    copied.opset_import.extend(model.opset_import)
    for place in ("node", "input", "output"):
        getattr(copied.graph, place).extend(getattr(model.graph, place))
    copied.graph.name = model.graph.name
    for tensor in model.graph.initializer:
        if tensor.name in kept:
            empty = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
            copied.graph.initializer.append(empty)
        else:
            copied.graph.initializer.append(tensor)
    return copied


def _has_numbers(tensor: Any) -> bool:
    fields = (
        "float_data",
        "int32_data",
        "double_data",
        "raw_data",
        "int64_data",
        "uint64_data",
        "string_data",
    )
    return any(len(getattr(tensor, name)) for name in fields)


def _can_train(array: Array) -> bool:
    """Return whether numbers can be a parameter: a −∞ of a mask stays what it is."""
    return bool(array.size) and bool(np.isfinite(array.astype(np.float64)).all())


def _uses(nodes: Iterable[Node]) -> dict[str, str]:
    """Return for each value whether it is used as a "parameter", a "statistic" or "fixed"."""
    found: dict[str, str] = {}
    rank = ("fixed", "statistic", "parameter")
    for node in nodes:
        places = node.operator.inputs
        for at, name in enumerate(node.inputs):
            place = places[at] if at < len(places) else ""
            kind = "parameter"
            if place in node.operator.statistics:
                kind = "statistic"
            elif place in node.operator.fixed:
                kind = "fixed"
            found[name] = max(found.get(name, kind), kind, key=rank.index)
    return found


def _described(what: str, value: Any) -> Input:
    """Return an input's name, type and sizes.

    Raises:
        FileFormatError: no tensor.
    """
    if value.type.WhichOneof("value") != "tensor_type":
        kind = value.type.WhichOneof("value") or "no type"
        raise FileFormatError(f"{what}: {brief(value.name)}: expected a tensor, received {kind}")
    of = value.type.tensor_type
    shape = None
    if of.HasField("shape"):
        shape = tuple(
            size.dim_value if size.WhichOneof("value") == "dim_value" else None
            for size in of.shape.dim
        )
    return Input(value.name, numpy_type(of.elem_type), shape)


def _nodes(
    what: str, protos: Any, opset: int, known: set[str], outputs: tuple[str, ...]
) -> tuple[Node, ...]:
    """Return the nodes in order; each reads what is there before it."""
    table, made = operators(), list[tuple[Any, Any, Any, Any, Any]]()
    last = dict.fromkeys(outputs, len(protos))
    for at, proto in enumerate(protos):
        row, inputs = table[proto.op_type], list(proto.input)
        place = f"{proto.op_type} {brief(proto.name or next(iter(proto.output), ''), str, 60)!r}"
        for name in inputs:
            if name and name not in known:
                text = f"{place} reads {brief(name)}, which nothing before it computes"
                raise FileFormatError(f"{what}: {text} (nodes stand in order, without cycles)")
            last.setdefault(name, at)
            last[name] = max(last[name], at)
        while inputs and not inputs[-1]:
            inputs.pop()
        results = tuple(proto.output)
        for name in results:
            if name in known:
                raise FileFormatError(f"{what}: two values have the name {brief(name)}")
            known.update([name] if name else [])
            last.setdefault(name, at)
        options = _options(what, place, row, proto, inputs)
        if "opset" in row.from_runner:
            options["opset"] = opset
        if "outputs" in row.from_runner:
            options["outputs"] = len(results)
        made.append((row, place, tuple(inputs), results, options))
    for name in outputs:
        if name not in known:
            raise FileFormatError(f"{what}: nothing computes the output {brief(name)}")
    spent: list[list[str]] = [[] for _ in protos]
    computed = {name for _, _, _, results, _ in made for name in results}
    for name, at in last.items():
        if name in computed and at < len(protos):
            spent[at].append(name)
    return tuple(Node(*parts, tuple(gone)) for parts, gone in zip(made, spent, strict=True))


def _options(what: str, place: str, row: Operator, proto: Any, inputs: list[str]) -> dict[str, Any]:
    """Return a node's attributes, if its row takes them and has all that it needs."""
    options = {one.name: _value(what, place, one) for one in proto.attribute}
    unknown = sorted(options.keys() - row.attributes.keys())
    if unknown:
        has = ", ".join(sorted(row.attributes)) or "none"
        text = f"options that this library does not have: {', '.join(unknown)} (it has {has})"
        raise FileFormatError(f"{what}: {place}: {text}")
    given = {name for name, used in zip(row.inputs, inputs, strict=False) if used} | options.keys()
    missing = [name for name, needed in row.attributes.items() if needed and name not in given]
    missing += [name for name in row.inputs[: row.required] if name not in given]
    if missing:
        raise FileFormatError(f"{what}: {place}: lacks {', '.join(dict.fromkeys(missing))}")
    if not row.variadic and len(inputs) > len(row.inputs):
        text = f"expected at most {len(row.inputs)} inputs, received {len(inputs)}"
        raise FileFormatError(f"{what}: {place}: {text}")
    return options


def _value(what: str, place: str, attribute: Any) -> Any:
    """Return an attribute as Python's numbers and text, or an array."""
    from onnx import AttributeProto, helper

    kinds = AttributeProto
    if attribute.type in (kinds.TENSOR,):
        return array_of(f"{what}: {place}", attribute.t)
    plain = (kinds.FLOAT, kinds.INT, kinds.STRING, kinds.FLOATS, kinds.INTS, kinds.STRINGS)
    if attribute.type not in plain or attribute.ref_attr_name:
        name = brief(attribute.name, str, 60)
        raise FileFormatError(f"{what}: {place}: the option {name} is no number, text or array")
    try:
        value = helper.get_attribute_value(attribute)
    except ValueError as error:
        raise FileFormatError(f"{what}: {place}: damaged ({brief(error, str)})") from error
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if attribute.type in (kinds.FLOATS, kinds.INTS, kinds.STRINGS):
        return [one.decode(errors="replace") if isinstance(one, bytes) else one for one in value]
    return value


def check_nodes(what: str, model: Any) -> None:
    """Let ``onnx.checker`` compare the nodes with the version of ONNX that a model names.

    Not the whole model: it may leave out what nothing needs here, such as the shape of an output.

    Raises:
        FileFormatError: an option of the wrong type, or none of this version; a newer format.
    """
    import onnx
    from onnx import checker, defs

    if model.ir_version > onnx.IR_VERSION:
        expected = f"a format up to version {onnx.IR_VERSION} (ir_version)"
        raise FileFormatError(f"{what}: expected {expected}, received {model.ir_version}")
    context = checker.DEFAULT_CONTEXT.__class__()
    context.ir_version = model.ir_version
    version = opset_of(what, model)
    context.opset_imports = {"": version}
    for node in model.graph.node:
        kind = node.op_type
        # The checker refuses what was replaced since, as GroupNormalization of version 18 is.
        if not (defs.has(kind, version) and defs.get_schema(kind, version).deprecated):
            checker.check_node(node, context)


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Turn what is raised inside the block because of a model's content into a sentence."""
    try:
        yield
    except NeuralNetworkError:
        raise
    # Of onnx and protobuf, and of ours where a damaged text is no text.
    except Exception as error:
        text = " ".join(brief(error, str, 300).split())
        raise FileFormatError(f"{what}: damaged, or not of this version of ONNX: {text}") from error
