"""ONNX's own backend tests, and round trips of layers and models through ONNX Runtime.

A case counts when every operator of its graph is in the table. It passes, or it is listed with its
reason in ``docs/conformance.md`` and fails; none is skipped.
"""

from __future__ import annotations

import re
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper
from tests.interop.test_onnx_round_trips import CASES, inputs, made, moved, runtime

import neural_network as nn
from conformance.counts import count
from neural_network.autograd.engine import no_grad
from neural_network.interop import onnx as interop
from neural_network.interop.onnx.table import operators

DOCUMENT = Path(__file__).parent.parent / "docs" / "conformance.md"
COUNTED = {"node": "ONNX node cases", "pytorch-converted": "ONNX converted cases"}
KINDS = (*COUNTED, "pytorch-operator", "simple")
# Of the cases that count, as a share.
MOST_LISTED = 0.03


def listed() -> dict[str, str]:
    """Return the cases that do not pass → reason, as the document lists them."""
    lines = re.findall(r"^\| `(test_\w+)` \| (.+) \|$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    return dict(lines)


@cache
def cases() -> dict[str, tuple[str, Any, Any]]:
    """Return name → (kind, case, model) of all that count."""
    from onnx.backend.test import loader

    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's, while onnx computes what it expects
        for kind in KINDS:
            for case in loader.load_model_tests(kind=kind):
                model = case.model or onnx.load(Path(case.model_dir) / "model.onnx")
                if _is_known(model):
                    found[case.name] = kind, case, model
    return found


def _is_known(model: Any) -> bool:
    """Return whether the table has all operators of a graph."""
    own = {(function.domain, function.name) for function in model.functions}
    nodes = [node for holder in (model.graph, *model.functions) for node in holder.node]
    return all(
        (node.op_type in operators() and node.domain in ("", "ai.onnx"))
        or (node.domain, node.op_type) in own
        for node in nodes
    )


def _data(case: Any) -> list[tuple[list[Any], list[Any]]]:
    """Return the (inputs, outputs) of a case."""
    if case.data_sets is not None:
        return [([*map(_array, ins)], [*map(_array, outs)]) for ins, outs in case.data_sets]
    sets = []
    for folder in sorted(Path(case.model_dir).glob("test_data_set*")):
        pair = []
        for kind in ("input", "output"):
            paths = sorted(
                folder.glob(f"{kind}_*.pb"), key=lambda path: int(path.stem[len(kind) + 1 :])
            )
            pair.append([_array(TensorProto.FromString(path.read_bytes())) for path in paths])
        sets.append((pair[0], pair[1]))
    return sets


def _array(value: Any) -> Any:
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


def _check(case: Any, model: Any) -> None:
    loaded = interop.load(model)
    data = _data(case)
    assert data
    for ins, outs in data:
        with no_grad():
            found = loaded(*ins)
        found = found if isinstance(found, tuple) else (found,)
        assert len(found) == len(outs)
        for array, wanted in zip(found, outs, strict=True):
            expected = np.asarray(wanted)
            assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
            if expected.dtype.kind == "O":
                np.testing.assert_array_equal(array, expected)
                continue
            wide = [a.astype(np.float64) if a.dtype.kind == "V" else a for a in (array, expected)]
            np.testing.assert_allclose(*wide, rtol=case.rtol, atol=case.atol)


@pytest.mark.parametrize("name", cases())
def test_case(name: str) -> None:
    kind, case, model = cases()[name]
    if name in listed():
        with pytest.raises((AssertionError, nn.errors.NeuralNetworkError)):
            _check(case, model)
    else:
        _check(case, model)
    if kind in COUNTED:
        count(COUNTED[kind])


def test_few_are_listed() -> None:
    assert listed().keys() <= cases().keys()
    assert len(listed()) <= MOST_LISTED * len(cases())


@pytest.mark.parametrize("case", CASES)
def test_layer_makes_the_round_trip(case: str) -> None:
    _round_trip(made(case), lambda rows: inputs(case, rows))


@pytest.mark.parametrize("name", nn.models.MODELS)
def test_model_makes_the_round_trip(name: str) -> None:
    rng = np.random.default_rng(0)
    model = moved(nn.models.MODELS[name](rng=0))
    _round_trip(model, lambda rows: rng.random((rows, 1, 28, 28)).astype(np.float32))


def test_the_shipped_weights_make_the_round_trip() -> None:
    X = nn.datasets.load_mnist()[0][:64, None] / np.float32(255)
    _round_trip(nn.models.load_tiny_cnn(), lambda rows: X[:rows])


def _round_trip(model: Any, inputs_of: Any) -> None:
    message = interop.to_model(model)
    onnx.checker.check_model(message, full_check=True)
    back = interop.load(message)
    again = interop.to_model(back)
    for rows in (1, 3, 20):
        X = inputs_of(rows)
        expected = model.predict(X)
        allowed = 1e-5 * max(1, np.abs(expected).max())
        for found in (runtime(message, X), back.predict(X), runtime(again, X)):
            np.testing.assert_allclose(found, expected, rtol=0, atol=allowed)
    count("round trips")
