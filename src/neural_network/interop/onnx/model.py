"""The layer that computes a graph of ONNX."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from neural_network.autograd.engine import no_backward, recording
from neural_network.checks import Array, as_real
from neural_network.errors import (
    ArgumentError,
    DTypeError,
    FileFormatError,
    GradientError,
    NeuralNetworkError,
    ShapeError,
    both,
    brief,
    needs_extra,
    sentence,
)
from neural_network.interop.onnx.graph import Graph, Input, Node, graph_of, refusals
from neural_network.interop.onnx.limits import Budget, budget
from neural_network.interop.onnx.types import is_narrow, typed, widened
from neural_network.layers.layer import Layer
from neural_network.layers.parameter import Buffer, Parameter, as_sizes, check_size, shapes_of
from neural_network.layers.summary import Row, Summary
from neural_network.lifting import array_under, is_tensor
from neural_network.public import named, public


@public(top_level=False)
@named("layer")
class ONNXModel(Layer):
    """A model that came from an ONNX file; ``interop.onnx.load`` makes it.

    It is called with the graph's inputs in order. Its parameters are the file's floating
    initializers; running means and variances of batch norm are buffers. In evaluation it computes
    what the file says. In training, batch norm uses the batch's statistics and dropout drops, as
    in the library's own layers. bfloat16 and float16 parameters are trained in float32.

    Args:
        graph: the model without the numbers of its parameters, a protobuf message in base64.
            ``save`` writes it, so that ``load`` of a saved model finds the graph again.

    Attributes:
        graph: as given.
        weights: name → parameter.
        statistics: name → buffer.
        input_names, output_names: of the graph, in order.

    Raises:
        FileFormatError: a graph that the library cannot compute.
        ShapeError, DTypeError, ArgumentError: (when called) inputs that do not fit the graph.
        MissingDependencyError: the package onnx is not installed.

    Source: the ONNX specification, https://onnx.ai/onnx/intro/concepts.html.

    >>> from neural_network.interop import onnx
    >>> model = onnx.load(onnx.to_model(Sequential(Dense(2)).initialize((3,), rng=0)))
    >>> model.predict(np.ones((4, 3))).shape, sorted(model.weights)
    ((4, 2), ['0.bias', '0.weight'])
    """

    def __init__(self, graph: str) -> None:
        self.graph = graph
        self._graph = self._read(graph)
        self.dtype = self._graph.dtype

    @staticmethod
    def _read(text: str) -> Graph:
        with needs_extra("ONNXModel", "onnx"):
            from onnx import ModelProto

        from google.protobuf.message import DecodeError

        if not isinstance(text, str):
            raise DTypeError(sentence("ONNXModel", "graph", "text", brief(text)))
        try:
            message = ModelProto.FromString(b64decode(text, validate=True))
        except (ValueError, DecodeError) as error:
            raise FileFormatError(f"ONNXModel: damaged graph ({brief(error, str, 200)})") from error
        with refusals("ONNXModel"):
            return graph_of("ONNXModel", message, stripped=True)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy is made of; the nodes follow from the graph again."""
        state = super().__getstate__()
        del state["_graph"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become the copy of a model."""
        super().__setstate__({**state, "_graph": self._read(state["graph"])})

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the graph's inputs."""
        return tuple(one.name for one in self._graph.inputs)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the graph's outputs."""
        return self._graph.outputs

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:  # noqa: ARG002  # the graph says its sizes
        """Make the parameters, of which a file gives the numbers."""
        for name, (sizes, _) in (*self._graph.parameters.items(), *self._graph.statistics.items()):
            check_size("ONNXModel", name, sizes)
        kept = self._graph.statistics.items()
        self.weights = {
            name: Parameter(np.zeros(sizes, np.float32))
            for name, (sizes, _) in self._graph.parameters.items()
        }
        self.statistics = {name: Buffer(np.zeros(sizes, np.float32)) for name, (sizes, _) in kept}

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Compute the graph, which may have no input at all."""
        return super().__call__(*inputs, **options) if inputs else self.forward()

    def forward(self, *inputs: Any) -> Any:
        """The graph's inputs in order → its output, or a tuple of several."""
        found = self._computed(inputs, None)
        return found[0] if len(found) == 1 else found

    def _computed(
        self, inputs: tuple[Any, ...], note: Callable[[Node, list[Any], Any], None] | None
    ) -> tuple[Any, ...]:
        """Return the outputs; ``note`` is called with each node, inputs and first output."""
        graph = self._graph
        if len(inputs) != len(graph.inputs):
            names = ", ".join(self.input_names) or "none"
            expected = f"{len(graph.inputs)} inputs ({names})"
            raise ArgumentError(sentence("ONNXModel", "inputs", expected, len(inputs)))
        values: dict[str, Any] = {
            one.name: self._given(one, X) for one, X in zip(graph.inputs, inputs, strict=True)
        }
        recorded = recording()
        values |= {
            name: self._parameter(tensor, graph.parameters[name][1], recorded)
            for name, tensor in self.weights.items()
        }
        given = sum(array_under(value).nbytes for value in values.values())
        values |= self.statistics
        values |= graph.constants
        with budget(given) as left, np.errstate(all="ignore"):
            for node in graph.nodes:
                arguments, out = self._run_node(node, values, left, keep=recorded)
                if note is not None:
                    note(node, arguments, out)
        return tuple(_plain(values[name]) for name in graph.outputs)

    def _given(self, of: Input, X: Any) -> Any:
        """Return an input in its type, if it fits."""
        array = array_under(X)
        if array.dtype.kind in "fiub" and not is_tensor(X):
            array = X = as_real("ONNXModel", of.name, X)  # no mask
        free = of.shape is None or (
            len(of.shape) == array.ndim
            and all(n in (None, m) for n, m in zip(of.shape, array.shape, strict=True))
        )
        if not free:
            shape = ", ".join("any" if n is None else str(n) for n in of.shape or ())
            expected = f"shape ({shape})"
            if of.shape and of.shape[0] is not None and of.shape[1:] == array.shape[1:]:
                rows = "the graph fixes the number of rows"
                cure = (
                    f'dynamic_axes={{"{of.name:.40}": {{0: "rows"}}}} of torch.onnx.export frees it'
                )
                expected += f" ({rows}; {cure})"
            raise ShapeError(sentence("ONNXModel", of.name, expected, f"shape {array.shape}"))
        if array.dtype == of.dtype or is_tensor(X):
            return X
        if of.dtype == self._graph.dtype and array.dtype == self.dtype:
            return X  # after ``astype``
        whole = array.dtype.kind in "iu" and of.dtype.kind in "iu"
        fits = whole and np.array_equal(array.astype(of.dtype), array)
        floating = of.dtype.kind in "fV" and (array.dtype.kind in "fiub" or is_narrow(array.dtype))
        if not (fits or floating or (of.dtype.kind == "O" and array.dtype.kind == "U")):
            received = f"dtype {array.dtype}"
            raise DTypeError(sentence("ONNXModel", of.name, f"dtype {of.dtype}", received))
        target = self.dtype if of.dtype == self._graph.dtype else of.dtype
        return array.astype(target)

    def _parameter(self, tensor: Any, dtype: np.dtype[Any], recorded: bool) -> Any:
        """Return a parameter: itself where gradients are recorded, else its numbers, typed."""
        if recorded or not isinstance(tensor, Parameter) or dtype == self._graph.dtype:
            return tensor if recorded or not isinstance(tensor, Parameter) else tensor.data
        return tensor.data.astype(dtype)

    def _run_node(
        self, node: Node, values: dict[str, Any], left: Budget, *, keep: bool
    ) -> tuple[list[Any], Any]:
        """Compute a node; ``keep``: a backward pass needs what no later node reads."""
        row = node.operator
        arguments = [values[name] if name else None for name in node.inputs]
        options = dict(node.options, model=self) if "model" in row.from_runner else node.options
        narrow = None
        if not row.moves:
            narrow = next(
                (a.dtype for a in arguments if a is not None and is_narrow(a.dtype)), None
            )
            if narrow is not None:
                arguments = [widened(argument) for argument in arguments]
        try:
            out = row.compute(*arguments, **options)
        except GradientError:
            raise
        except NeuralNetworkError as error:
            raise _placed(node, error, str(error)) from error
        except Exception as error:  # a graph may hand anything to the functions
            shapes = ", ".join(str(np.shape(array_under(a))) for a in arguments if a is not None)
            reason = brief(error, str, 200)
            text = f"expected inputs that fit each other, received {shapes or 'none'} ({reason})"
            raise _placed(node, error, text) from error
        results = out if isinstance(out, tuple) else (out,)
        for name, result in zip(node.outputs, results, strict=False):
            made = result if is_tensor(result) else np.asarray(result)
            made = made if narrow is None else typed(made, narrow)
            if name:
                values[name] = made
                left.take(f"ONNXModel: {node.place}", array_under(made))
        for name in node.spent:
            value = values.pop(name, None)
            if value is not None and not keep:
                left.give(array_under(value))
        return arguments, results[0]

    def __getitem__(self, place: object) -> Any:
        """Raise TypeError: a graph has nodes, and no layers."""
        expected = "model.weights[name] or summary(), of a graph, which has no layers"
        raise DTypeError(sentence("ONNXModel", "place", expected, brief(place)))

    def _current_arguments(self) -> Mapping[str, Any]:
        return {"graph": self.graph}

    def __repr__(self) -> str:
        """Show the operators, because the graph is long."""
        counts: dict[str, int] = {}
        for node in self._graph.nodes:
            counts[node.operator.name] = counts.get(node.operator.name, 0) + 1
        return f"ONNXModel({', '.join(f'{count} {name}' for name, count in counts.items())})"

    def predict(self, X: Any, *, batch_size: int = 256) -> Any:
        """Return the outputs as ``Layer.predict`` does, by as many rows as the graph reads at once.

        Args:
            X: as of ``Layer.predict``.
            batch_size: how many rows are computed at once, unless the graph says how many.
        """
        fixed = [of.shape[0] for of in self._graph.inputs if of.shape and of.shape[0] is not None]
        return super().predict(X, batch_size=min([*fixed, batch_size]) if fixed else batch_size)

    def summary(self, shape: Any = None, *more: Any) -> Summary:
        """Return a table of the nodes: output shapes, parameters, multiply-adds.

        Args:
            shape: of the first input, without the batch axis, where the graph leaves sizes open.
            more: of the other inputs; or ``shape`` is a list of all.

        Raises:
            ArgumentError: no shape for a graph that leaves sizes open.
        """
        names = {id(tensor): tensor.size for tensor in self.parameters()}
        rows: list[Row] = []

        def note(node: Node, arguments: list[Any], out: Any) -> None:
            own = sum(names.pop(id(self.weights.get(name)), 0) for name in node.inputs)
            arrays = [array_under(argument) for argument in arguments if argument is not None]
            cost = node.operator.cost
            work = 0 if cost is None else cost(*arrays, out=array_under(out))
            made = tuple(np.shape(array_under(out))[1:])
            rows.append(Row(node.outputs[0][:40], node.operator.name, made, own, work))

        shapes = dict(enumerate(shapes_of(shape, more)))
        inputs = tuple(self._zeros(at, shapes.get(at)) for at in range(len(self._graph.inputs)))
        with self.in_mode(training=False), no_backward():
            self._computed(inputs, note)
        parameters = self.parameters()
        return Summary(
            rows=tuple(rows),
            parameters=sum(p.size for p in parameters),
            learned=sum(p.size for p in parameters if p.requires_grad),
            multiply_adds=sum(row.multiply_adds for row in rows),
        )

    def _zeros(self, at: int, shape: tuple[int, ...] | None) -> Array:
        """Return zeros for an input; one row, where the batch axis is free."""
        of = self._graph.inputs[at]
        sizes: tuple[int | None, ...] | None = of.shape
        if shape is not None:
            first = 1 if of.shape is None or not of.shape or of.shape[0] is None else of.shape[0]
            sizes = (first, *as_sizes("summary", shape))
        if sizes is None or None in sizes[1:]:
            expected = "the shape of one input, such as (1, 28, 28), as the graph leaves it open"
            raise ArgumentError(sentence("summary", "shape", expected, "none"))
        return np.zeros([1 if n is None else n for n in sizes], of.dtype)


def _plain(value: Any) -> Any:
    """Return an output: a tensor only where it has a gradient."""
    if is_tensor(value) and not value.requires_grad:
        return value.data
    return value


def _placed(node: Node, error: Exception, text: str) -> NeuralNetworkError:
    """Return an error with the node's place, which answers the same ``except`` clauses."""
    of: Any = type(error)
    kind = of if isinstance(error, NeuralNetworkError) else both(ArgumentError, of)
    made: NeuralNetworkError = kind.__new__(kind)
    made.args = (f"ONNXModel: {node.place}: {text}",)
    return made
