"""Each word of each table of ``docs/coming_from.md`` is answered where it is used."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

import neural_network as nn
from neural_network.elsewhere.arguments import ARGUMENTS, TRAINING
from neural_network.elsewhere.assigned import ASSIGNED
from neural_network.elsewhere.attributes import ATTRIBUTES, KEYS
from neural_network.elsewhere.estimators import ESTIMATORS
from neural_network.elsewhere.functions import FUNCTIONS
from neural_network.elsewhere.inside import INSIDE
from neural_network.elsewhere.names import MODULE
from tests.elsewhere.test_tables import OBJECTS
from tests.elsewhere.things import HAS_SKLEARN, things

# What a row about a class of several is asked of.
ONE_OF = {
    "Optimizer": "Adam", "RowEstimator": "MLPRegressor", "Network": "MLPRegressor",
    "ConvNetwork": "ConvNetClassifier", "TrainerNetwork": "TrainerClassifier",
}  # fmt: skip
METHODS = {"RowEstimator": "classifier", "Network": "classifier", "Explanation": "e"}
PACKAGES = ["training", "visual", "estimators", "layers", "functional", "datasets", "autograd",
            "interop.torch", "interop.keras", "interop.onnx", "scale.dask"]  # fmt: skip


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return things(tmp_path_factory.mktemp("rows"))


def called(where: str, known: dict[str, Any]) -> Callable[..., Any] | None:
    """Return a function, class or method that a row is about; None: it cannot be made here."""
    owner, _, method = where.partition(".")
    if method:
        if owner in METHODS and METHODS[owner] not in known:
            return None
        made = eval(METHODS.get(owner) or OBJECTS.get(owner, ""), dict(known))
        if method in ("forward", "__call__"):  # both are reached by a call of the layer
            return lambda **options: made(known["X"], **options)
        found: Callable[..., Any] | None = getattr(made, method, None)
        return found
    for package in [nn, *[import_module(f"neural_network.{name}") for name in PACKAGES]]:
        if hasattr(package, ONE_OF.get(where, where)):
            function: Callable[..., Any] = getattr(package, ONE_OF.get(where, where))
            return function
    return None


# Rows about methods of tensors that have the names of functions.
METHODS_OF_TENSORS = frozenset({"flatten", "std"})
# What says itself that it has no rule, and an old name, which is taken with a warning.
ANSWERED_OTHERWISE = {("std", "correction"), ("Optimizer", "eps")}


def test_each_argument_is_answered(known: dict[str, Any]) -> None:
    silent, missing, asked = [], set(), 0
    for functions, theirs, *_ in (*FUNCTIONS, *ARGUMENTS, *TRAINING, *ESTIMATORS):
        for where in functions.split():
            if where == "*":
                continue
            at = f"Tensor.{where}" if where in METHODS_OF_TENSORS else where
            function = called(at, known)
            if function is None:
                missing.add(where)
                continue
            for name in theirs.split():
                if (where, name) in ANSWERED_OTHERWISE:
                    continue
                asked += 1
                try:
                    function(**{name: None})
                except Exception as error:  # whatever it raises
                    answered = isinstance(error, nn.ArgumentError) and isinstance(error, TypeError)
                    if not (answered and f"{name} → " in str(error) and len(str(error)) <= 500):
                        silent.append((where, name, error))
                else:
                    silent.append((where, name, None))
    assert silent == []
    assert asked > 1500
    # No classifier has it.
    assert missing == {"RowEstimator.transform"} or not HAS_SKLEARN


def test_each_name_is_answered() -> None:
    tables = {"neural_network": MODULE} | {f"neural_network.{at}": INSIDE[at] for at in INSIDE}
    for module, rows in tables.items():
        package = import_module(module)
        for theirs, *_ in rows:
            for name in theirs.split():
                with pytest.raises(AttributeError, match=f"; here: {name} → ") as caught:
                    getattr(package, name)
                assert isinstance(caught.value, nn.NeuralNetworkError)


def test_each_attribute_key_and_assignment_is_answered(known: dict[str, Any]) -> None:
    for kind, rows in ATTRIBUTES.items():
        made = eval(OBJECTS[kind], dict(known))
        for theirs, *_ in rows:
            for name in theirs.split():
                with pytest.raises(AttributeError, match=f"; here: {name} → "):
                    getattr(made, name)
    for theirs, *_ in KEYS:
        for key in theirs.split():
            with pytest.raises(KeyError, match=f"here: {key} → "):
                known["history"][key]
    for kind, rows in ASSIGNED.items():
        made = eval(OBJECTS[kind], dict(known))
        for theirs, *_ in rows:
            for name in theirs.split():
                with pytest.raises(AttributeError, match=f"; here: {name} → |expected no assign"):
                    setattr(made, name, 3)
