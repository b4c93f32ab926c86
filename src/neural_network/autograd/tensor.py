"""The tensor: an array whose computation is recorded."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from neural_network.autograd import protocols
from neural_network.autograd.broadcasting import hint_targets_that_broadcast
from neural_network.autograd.computing import compute, compute_arrays
from neural_network.autograd.engine import (
    Node,
    backward_pass,
    check_open,
    lowest_recorded,
    primal_under,
)
from neural_network.autograd.exchange import exchanged, others_now
from neural_network.autograd.guards import (
    KNOWN,
    NO_HISTORY,
    as_operands,
    change,
    check_in_place,
    check_no_gradient,
    check_recorded,
    computed,
    not_floating,
    single,
    whole,
)
from neural_network.autograd.memory import Memory
from neural_network.autograd.methods import ArrayMethods
from neural_network.autograd.sizes import Size
from neural_network.checks import Array, as_flag, as_real, check_shape
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import DTypeError, GradientError, ShapeError, sentence
from neural_network.functional.op import KEPT, Kept, Rule
from neural_network.lifting import array_under, lift_hook, tensors_in
from neural_network.public import public


@public
class Tensor(ArrayMethods):
    """An array that records how it was computed, for the gradients of a loss.

    A tensor has an array's operators, indexing and methods, and NumPy's functions take it.
    With ``requires_grad=True`` every op on it is recorded, and ``loss.backward()`` puts the
    gradient into ``grad``.

    Args:
        data: an array, whose memory is shared, or numbers. Text and objects raise.
        requires_grad: record what is computed from it; floating types only.

    Attributes:
        data: the array.
        grad: the gradient after ``backward()``, an array of the same shape; None before.
        requires_grad: whether ops on it are recorded.

    Raises:
        DTypeError: not real numbers; ``requires_grad`` for integers.

    >>> W = Tensor([1.0, 2.0], requires_grad=True)
    >>> loss = (W * W).sum()
    >>> loss.backward()
    >>> W.grad
    array([2., 4.])
    """

    __slots__ = ()
    # NumPy's operators call ours: np.ones(2) * t is t.__rmul__(np.ones(2)).
    __array_priority__ = 1000

    def __init_subclass__(cls) -> None:
        """Note the class: ops need not look at it."""
        KNOWN.add(cls)

    @explains_calls
    def __init__(self, data: ArrayLike | Tensor, requires_grad: bool = False) -> None:
        usual = type(data) is np.ndarray and data.dtype.kind in "fiub"
        array = data if usual else as_real("Tensor", "data", data)
        if type(array) is not np.ndarray:
            check_no_gradient("Tensor()", array)
            array = array_under(array)
        if type(requires_grad) is not bool:
            requires_grad = as_flag("Tensor", "requires_grad", requires_grad)
        if requires_grad and array.dtype.kind != "f":
            raise DTypeError(
                sentence("Tensor", "data", "a floating type for a gradient", f"dtype {array.dtype}")
            )
        self.data = array
        self.requires_grad = requires_grad
        self.grad = self.node = self._memory = None

    # --- ops -------------------------------------------------------------------

    @classmethod
    def __lift__(cls, rule: Rule, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
        """Compute an op on the arrays of its tensors; record it where a gradient is required."""
        if (others := others_now()) is not None:
            args = tuple([exchanged(value, others) for value in args])
            kwargs = {name: exchanged(value, others) for name, value in kwargs.items()}
        if kwargs or not KNOWN.issuperset(map(type, args)):
            args, kwargs = as_operands(rule, args, kwargs)
        inputs = tensors_in((*args, *kwargs.values()) if kwargs else args)
        level, recorded = 0, False
        for tensor in inputs:
            if tensor.requires_grad:
                recorded = True
                level = max(level, tensor.level)
        if not recorded or level < lowest_recorded():
            out = compute_arrays(rule, inputs, args, kwargs)
            if out.dtype.kind not in "fiub":
                raise DTypeError(
                    sentence(rule.name, "the arguments", "real numbers", f"a result of {out.dtype}")
                )
            return cls._result(out, None, inputs)
        arguments = rule.bind(args, kwargs)
        check_recorded(rule, arguments)
        if level:
            return InnerTensor.of_call(rule, inputs, arguments, args, kwargs, level)
        if rule.after_kernels is not None and True in [tensor.by_kernels for tensor in inputs]:
            rule = rule.after_kernels
        kept = None
        if rule.keeping is not None:
            arguments[KEPT] = kept = Kept()
        out = compute_arrays(rule, inputs, args, kwargs, kept)
        if out.dtype.kind != "f":
            raise not_floating(rule, out.dtype)
        return cls._result(out, Node.of_call(rule, arguments, out), inputs)

    @staticmethod
    def _result(out: Array, node: Node | None, inputs: Sequence[Tensor]) -> Tensor:
        """Return the tensor of an op's result: a Tensor, also of a Parameter."""
        result = Tensor.of_node(out, node)
        if out.base is not None:
            result._memory = _memory_shared(out, inputs)
        if node is not None and node.keeps_its_result:
            result.memory.add(node)
        return result

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Compute one of NumPy's ufuncs."""
        out = kwargs.pop("out", None)
        if method == "at":
            return change(f"{ufunc.__name__}.at", ufunc.at, inputs[0], inputs, kwargs)
        if out is None or out is ...:
            return protocols.call_ufunc(ufunc, method, inputs, kwargs)
        if len(out) > 1:
            raise protocols.no_rule(f"numpy.{ufunc.__name__} with several out=")
        (target,) = out
        raw = array_under(target)

        def write(*args: Any, **options: Any) -> None:
            getattr(ufunc, method)(*args, out=raw, **options)

        change(f"{ufunc.__name__}: out=", write, target, inputs, kwargs)
        return target

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Compute another of NumPy's functions."""
        return protocols.call_function(function, args, kwargs)

    # --- conversions, which drop the record ---------------------------------------

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        """Convert to a plain array, unless that would drop a gradient."""
        check_no_gradient("numpy.asarray (or np.array, or array[i] = tensor)", self, plain=True)
        return np.array(self.data, dtype=dtype, copy=copy)

    def __float__(self) -> float:
        """Convert to a plain number, unless that would drop a gradient."""
        check_no_gradient("float()", self, plain=True, of=" (math.exp, array[i] = t, initial=)")
        return float(single("float", self.data))

    def __int__(self) -> int:
        """Convert to a plain number, unless that would drop a gradient."""
        check_no_gradient("int()", self, plain=True)
        return int(computed("int", int, single("int", self.data)))  # not of NaN or infinity

    __trunc__ = __int__

    def __index__(self) -> int:
        """Convert to a whole number; integers only."""
        return whole("index", self.data)

    def __bool__(self) -> bool:
        """Return whether a single number is not 0."""
        return bool(single("bool", self.data))

    def item(self, *place: Any) -> float:
        """Return a single number, or that at a place, as a Python number, without a record."""
        number: float = 0.0 if place else single("item", self.data).item()
        if place:
            number = computed("item", np.ndarray.item, self.data, *place)
        return number

    def detach(self) -> Tensor:
        """Return a tensor of the same memory that requires no gradient."""
        tensor = Tensor.of_node(self.data, None)
        tensor._memory = self.memory
        return tensor

    # --- the backward pass -------------------------------------------------------

    @explains_calls
    def backward(self, gradient: ArrayLike | None = None, *, retain_graph: bool = False) -> None:
        """Add the gradients of this tensor to ``grad`` of every leaf it was computed from.

        Args:
            gradient: the loss's gradient for this tensor, of its shape; None for a single
                number, where it is 1.
            retain_graph: keep the record for another backward pass.

        Raises:
            GradientError: nothing was recorded, or the record was freed.
            ShapeError: ``gradient`` has another shape, or is missing where it is needed.
        """
        if self.level:
            raise GradientError(
                "backward: expected a tensor that does not depend on the argument of a function "
                "that grad (or another transform) differentiates, received one that does; use "
                "grad there, too"
            )
        if not self.requires_grad:
            raise GradientError(NO_HISTORY)
        if gradient is None and self.data.size != 1:
            received = f"shape {self.shape}; np.sum(…) or np.mean(…) makes one (or pass gradient=)"
            raise ShapeError(sentence("backward", "the loss", "a single number", received))
        if gradient is None:
            start = np.ones(self.shape, self.dtype)
        else:
            given = as_real("backward", "gradient", gradient)
            check_no_gradient("backward: gradient: it", given)
            start = np.asarray(array_under(given), self.dtype)
            check_shape("backward", "gradient", start, self.shape)
            # A leaf copies a view before it keeps it: the caller may change the array later.
            usual = start.flags.c_contiguous and start.flags.writeable
            start = start[...] if usual else np.array(start)
        if backward_pass([self], [start], None, retain_graph=retain_graph).add_to_leaves():
            hint_targets_that_broadcast(self)

    # --- changes in place ------------------------------------------------------

    def __setitem__(self, key: Any, value: Any) -> None:
        """Change numbers in place, if no gradient needs them."""
        check_in_place(self, value)
        computed("t[key] =", operator.setitem, self.data, array_under(key), array_under(value))

    def _in_place(self, ufunc: np.ufunc, other: Any) -> Self:
        check_in_place(self, other)
        computed(f"{ufunc.__name__} in place", ufunc, self.data, array_under(other), self.data)
        return self

    def __iadd__(self, other: Any) -> Self:
        """``t += other``."""
        return self._in_place(np.add, other)

    def __isub__(self, other: Any) -> Self:
        """``t -= other``."""
        return self._in_place(np.subtract, other)

    def __imul__(self, other: Any) -> Self:
        """``t *= other``."""
        return self._in_place(np.multiply, other)

    def __itruediv__(self, other: Any) -> Self:
        """``t /= other``."""
        return self._in_place(np.true_divide, other)

    def __ipow__(self, other: Any) -> Self:
        """``t **= other``."""
        return self._in_place(np.power, other)

    def __ifloordiv__(self, other: Any) -> Self:
        """``t //= other``."""
        return self._in_place(np.floor_divide, other)

    def __imod__(self, other: Any) -> Self:
        """``t %= other``."""
        return self._in_place(np.remainder, other)

    def __imatmul__(self, other: Any) -> Self:
        """``t @= other``."""
        return self._in_place(np.matmul, other)

    # --- attributes of an array ---------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """How many axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """How many numbers."""
        return Size(self.data.size)

    def __repr__(self) -> str:
        """Show the numbers, and whether a gradient is required."""
        inner = repr(np.asarray(self.data)).removeprefix("array(").removesuffix(")")
        suffix = ", requires_grad=True" if self.requires_grad else ""
        return f"{type(self).__name__}({inner}{suffix})"

    def __format__(self, spec: str) -> str:
        """Format a single number: ``f"{loss:.3f}"``."""
        if not spec:
            return repr(self)
        if self.size != 1:
            expected = f"a single number to write as {spec!r}"
            raise ShapeError(sentence("format", "tensor", expected, f"shape {self.shape}"))
        return format(self.data.item(), spec)

    def __reduce__(self) -> tuple[Any, ...]:
        """Describe a leaf, without its gradient, for another process."""
        if self.node is not None or self.level:
            raise GradientError("a tensor with a record cannot leave its process; use t.detach()")
        return _leaf, (type(self), self.data, self.requires_grad)

    def __copy__(self) -> Tensor:
        """Return a tensor of the same memory and record."""
        copied = type(self).of_node(self.data, self.node)
        copied.requires_grad, copied._memory = self.requires_grad, self.memory
        copied.grad = None if self.node else self.grad
        return copied

    def __deepcopy__(self, memo: Any) -> Tensor:
        """Copy a leaf; a tensor with a record cannot be copied."""
        if self.node is not None or self.level:
            raise GradientError("deepcopy: expected a leaf; use t.detach() or t * 1")
        return Tensor(self.data.copy(), self.requires_grad)


class InnerTensor(Tensor):
    """A tensor of a differentiation by ``grad`` and its relatives; it prints as a Tensor.

    Attributes:
        level: of the differentiation, above 0.
        primal: the same value one level down: an array, or a tensor that is recorded there.
    """

    __slots__ = ("level", "primal")
    level: int
    primal: Any

    @classmethod
    def leaf(cls, value: Any, level: int) -> InnerTensor:
        """Return a tensor to differentiate by, of a tensor or an array."""
        lower = isinstance(value, Tensor) and not value.requires_grad
        result = cls._of(value.data if lower else value, None, level)
        if lower:  # a change in place of the one is a change of the other
            result._memory = value.memory
        return result

    @classmethod
    def of_call(
        cls,
        rule: Rule,
        inputs: Sequence[Tensor],
        arguments: Mapping[str, Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        level: int,
    ) -> InnerTensor:
        """Compute an op on primals, one level down; record it on this level.

        Args:
            rule: of the op.
            inputs: the tensors among the arguments.
            arguments: of the call, by name.
            args, kwargs: the same as they were passed.
            level: the highest of the inputs.
        """
        check_open(level, rule.name)
        lower = tuple([primal_under(value, level) for value in args])
        options = {name: primal_under(value, level) for name, value in kwargs.items()}
        hook = lift_hook(lower) or (lift_hook(options.values()) if options else None)
        if hook is None:
            primal = compute(rule, inputs, lower, options)
        else:
            primal = hook(rule, lower, options)
            if not primal.requires_grad:
                primal = primal.data
        if primal.dtype.kind != "f":
            raise not_floating(rule, primal.dtype)
        node = Node.of_call(rule, arguments, primal, level)
        result = cls._of(primal, node, level)
        if hook is None and primal.base is not None:
            result._memory = _memory_shared(primal, inputs)
        if node.keeps_its_result:
            result.memory.add(node)
        return result

    def __copy__(self) -> Tensor:
        """Return the tensor itself: another leaf would not be the argument of the function."""
        return self

    @classmethod
    def _of(cls, primal: Any, node: Node | None, level: int) -> InnerTensor:
        lower = isinstance(primal, Tensor)
        result = cls.of_node(primal.data if lower else primal, node)
        result.requires_grad, result.level, result.primal = True, level, primal
        result._memory = primal.memory if lower else None
        return result


InnerTensor.__name__ = InnerTensor.__qualname__ = "Tensor"
KNOWN.add(Tensor)


def _leaf(cls: type[Tensor], data: Array, requires_grad: bool) -> Tensor:
    """Return the leaf that ``__reduce__`` described."""
    tensor = cls.of_node(data, None)
    tensor.requires_grad = requires_grad
    return tensor


def _memory_shared(out: Array, inputs: Sequence[Tensor]) -> Memory | None:
    """Return the memory of the argument that a view shares it with, or None."""
    for tensor in inputs:
        if np.may_share_memory(tensor.data, out):
            return tensor.memory
    return None
