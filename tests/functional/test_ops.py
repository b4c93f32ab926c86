"""One template for every op, and what is composed of ops: its samples against differences, types, memory, twice over."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import numpy as np
import pytest

from neural_network import functional
from neural_network.autograd import Tensor, check_gradients, grad
from neural_network.autograd.trees import map_tree
from neural_network.functional.op import COMPOSED, RULES, Call, all_samples

for module in pkgutil.walk_packages(functional.__path__, "neural_network.functional."):
    importlib.import_module(module.name)

OURS = {f: rule for f, rule in RULES.items() if f.__module__.startswith("neural_network.")}
CASES = [
    pytest.param(function, sample, id=f"{function.__name__}-{i}")
    for function, samples in all_samples().items()
    if function.__module__.startswith("neural_network.") and samples
    for i, sample in enumerate(samples(np.random.default_rng(1)))
]
# Public functions that the template cannot call, and why.
WITHOUT_SAMPLES = {
    "batch_statistics": "numbers for running averages: no gradient, and two arrays",
    "l2_regularization": "the article's: returns its gradients itself",
    "named_filter": "takes a name",
    "one_hot": "takes labels, which have no gradient",
    "split": "returns a list; made of indexing, which has samples",
}


def is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.float64


def changed(call: Call, change: Any) -> Call:
    """The same call with every floating array changed."""
    args = map_tree(lambda v: change(v) if is_float(v) else v, list(call.args))
    return Call(tuple(args), call.kwargs)


def test_every_op_has_samples_and_gradients() -> None:
    assert len(OURS) >= 50
    assert [rule.name for rule in OURS.values() if not rule.samples or not rule.gradients] == []


def test_every_public_function_has_samples() -> None:
    public = {name: getattr(functional, name) for name in functional.__all__}
    known = all_samples()
    without = [name for name, f in public.items() if callable(f) and f not in known]
    assert without == sorted(WITHOUT_SAMPLES)
    assert not COMPOSED.keys() & RULES.keys()


@pytest.mark.parametrize(("function", "sample"), CASES)
def test_gradients_agree_with_differences(function: Any, sample: Call) -> None:
    check_gradients(lambda *a: function(*a, **sample.kwargs), sample.args)


@pytest.mark.parametrize(("function", "sample"), CASES)
def test_second_derivatives_agree_with_differences(function: Any, sample: Call) -> None:
    rng = np.random.default_rng(2)
    weights = rng.standard_normal(np.shape(function(*sample.args, **sample.kwargs)))

    def slopes(*args: Any) -> Any:
        def loss(args: Any) -> Any:
            # Squared, so that a linear op too has a slope that depends on its input.
            return np.sum(weights * np.square(function(*args, **sample.kwargs)))

        places = [i for i, a in enumerate(sample.args) if is_float(a) or _has_float(a)]
        chosen = [args[i] for i in places]

        def of(chosen: Any) -> Any:
            full = list(args)
            for i, value in zip(places, chosen, strict=True):
                full[i] = value
            return loss(full)

        parts: list[Any] = []
        map_tree(lambda p: parts.append(np.reshape(p, -1)), grad(of)(chosen))
        return np.concatenate(parts)

    check_gradients(slopes, sample.args, tolerance=1e-5)


def _has_float(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(is_float(v) for v in value)


@pytest.mark.parametrize(("function", "sample"), CASES)
def test_float32_is_float32_and_near_float64(function: Any, sample: Call) -> None:
    single = changed(sample, lambda v: v.astype("float32"))
    wide = np.asarray(function(*sample.args, **sample.kwargs))
    out = np.asarray(function(*single.args, **sample.kwargs))
    if function.__name__ not in ("cast", "float_power") and not isinstance(
        function(*single.args, **sample.kwargs), float
    ):
        assert out.dtype == np.float32
    np.testing.assert_allclose(out, wide, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("layout", ["F", "strided", "read-only"])
@pytest.mark.parametrize(("function", "sample"), CASES)
def test_memory_does_not_matter_and_no_input_changes(
    function: Any, sample: Call, layout: str
) -> None:
    def laid_out(v: Any) -> Any:
        if layout == "F":
            return np.asfortranarray(v)
        if layout == "strided" and v.ndim:
            return np.repeat(v, 2, axis=-1)[..., ::2]
        v = v.copy()
        v.flags.writeable = False
        return v

    moved = changed(sample, laid_out)
    np.testing.assert_allclose(
        function(*moved.args, **sample.kwargs),
        function(*sample.args, **sample.kwargs),
        rtol=1e-12,
        atol=1e-14,
    )
    before: list[bytes] = []
    map_tree(lambda v: before.append(v.tobytes()) if is_float(v) else None, list(moved.args))
    tensors = changed(moved, lambda v: Tensor(v, requires_grad=True))
    out: Any = function(*tensors.args, **sample.kwargs)
    assert isinstance(out, Tensor)
    out.backward(np.ones(out.shape))
    after: list[bytes] = []
    map_tree(lambda v: after.append(v.tobytes()) if is_float(v) else None, list(moved.args))
    assert before == after


@pytest.mark.parametrize(("function", "sample"), CASES)
def test_float32_gradients_are_float32(function: Any, sample: Call) -> None:
    if function.__name__ == "cast":
        return
    leaves: list[Any] = []

    def leaf(v: Any) -> Any:
        leaves.append(Tensor(v.astype("float32"), requires_grad=True))
        return leaves[-1]

    tensors = changed(sample, leaf)
    out: Any = function(*tensors.args, **sample.kwargs)
    out.backward(np.ones(out.shape, "float32"))
    for tensor in leaves:
        assert tensor.grad.dtype == np.float32
        assert tensor.grad.shape == tensor.shape
        assert tensor.grad.flags.writeable
