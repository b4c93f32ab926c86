"""Weights that are no parameters: they are neither trained nor saved, which is said."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn

X = np.random.default_rng(0).standard_normal((12, 3)).astype(np.float32)


class Own(nn.Layer):
    """Keeps whatever ``make`` returns as its weights."""

    make: Any = None
    name = "W"

    def __init__(self) -> None:
        setattr(self, self.name, type(self).make())

    def forward(self, X: Any) -> Any:
        return X * 1.0


def own(make: Any, name: str = "W") -> nn.Layer:
    """Return a layer of a class of its own, with such an attribute."""
    kind: Any = type("My", (Own,), {"make": staticmethod(make), "name": name})
    layer: nn.Layer = kind()
    return layer


def drawn() -> Any:
    return np.random.randn(3, 4) * 0.05


def tensor() -> Any:
    return nn.Tensor(np.ones((3, 4)), requires_grad=True)


def constant() -> Any:
    return np.random.default_rng(3).standard_normal((3, 4))


WEIGHTS: dict[str, tuple[Any, str, str]] = {
    "array": (drawn, "W", "My.W is an array"),
    "row": (lambda: np.zeros((1, 4)), "b", "My.b is an array"),
    "numbered": (drawn, "W_1", "My.W_1 is an array"),
    "of attention": (drawn, "Wq", "My.Wq is an array"),
    "hidden": (drawn, "_weight", "My._weight is an array"),
    "list": (lambda: [drawn(), drawn()], "weights", r"My.weights\[0\] is an array"),
    "dict": (lambda: {"W1": drawn()}, "p", r"My.p\['W1'\] is an array"),
    "tensor": (tensor, "W", "My.W is a Tensor"),
    "tensor of any name": (tensor, "table", "My.table is a Tensor"),
    "list of tensors": (lambda: [tensor()], "tables", r"My.tables\[0\] is a Tensor"),
    "dict of tensors": (lambda: {"a": {"b": tensor()}}, "t", r"My.t\['a'\]\['b'\] is a Tensor"),
}
CONSTANTS: dict[str, tuple[Any, str]] = {
    "mean": (lambda: X.mean(axis=0), "mean"),
    "table": (constant, "projection"),
    "fourier": (constant, "B"),
    "sobel": (lambda: np.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]), "kernel"),
    "whole numbers": (lambda: np.arange(12), "w"),
    "tensor": (lambda: nn.Tensor(np.ones(3)), "W"),
    "weights of classes": (lambda: np.array([0.2, 0.3, 0.5, 0.7]), "class_weights"),
    "box": (lambda: np.array([0.2, 0.3, 0.5, 0.7]), "box"),
    "bins": (lambda: np.linspace(0, 1, 12), "bins"),
    "buffer": (lambda: nn.Buffer(drawn()), "W"),
    "parameter": (lambda: nn.Parameter(drawn()), "W"),
    "picture": (lambda: [X, {"a": X}], "examples"),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_that_are_not_found_are_named(name: str) -> None:
    make, attribute, match = WEIGHTS[name]
    model = nn.Sequential(own(make, attribute), nn.Dense(2)).initialize((3,), rng=0)
    with pytest.warns(nn.TrainingHint, match=f"^fit: {match}, which is neither trained nor saved"):
        nn.Trainer(model, loss="mse_loss", rng=0, progress=False).fit(X, X[:, :2])
    with pytest.warns(nn.TrainingHint, match=rf"^summary: {match}, .*self\..* = nn.Parameter"):
        model.summary()


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_are_left_alone(name: str, tmp_path: Path) -> None:
    make, attribute = CONSTANTS[name]
    layer = own(make, attribute)
    model = nn.Sequential(layer, nn.Dense(2)).initialize((3,), rng=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.Trainer(model, loss="mse_loss", rng=0, progress=False).fit(X, X[:, :2])
        model.summary()
        nn.save(model, tmp_path / "m.safetensors")
        nn.load(tmp_path / "m.safetensors", layers={"My": type(layer)})
        layer.clone()


@pytest.mark.parametrize("make", [drawn, lambda: [drawn()], lambda: nn.Tensor(drawn())])
@pytest.mark.parametrize("name", ["W", "projection"])
def test_numbers_that_a_file_lacks_are_named(make: Any, name: str, tmp_path: Path) -> None:
    layer = own(make, name)
    model = nn.Sequential(layer, nn.Dense(2)).initialize((3,), rng=0)
    before = np.random.get_state(legacy=False)["state"]["key"].tolist()
    with pytest.warns(
        nn.TrainingHint, match=rf"^save: My\.{name}.* is neither a Parameter nor a B"
    ):
        nn.save(model, tmp_path / "m.safetensors")
    assert np.random.get_state(legacy=False)["state"]["key"].tolist() == before
    with pytest.warns(nn.TrainingHint, match=r"^load: My\..*has other numbers there"):
        nn.load(tmp_path / "m.safetensors", layers={"My": type(layer)})
    with pytest.warns(nn.TrainingHint, match=r"^clone: My\..*has other numbers in the new layer"):
        layer.clone()


class Built(nn.Layer):
    """Draws in ``build``, without a Parameter; keeps what it computed last."""

    def __init__(self, units: int) -> None:
        self.units = units
        self.last = None

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.matrix = rng.standard_normal((shape[-1], self.units))

    def forward(self, X: Any) -> Any:
        self.last = X
        return X @ self.matrix


def test_numbers_of_build_are_compared_as_well(tmp_path: Path) -> None:
    with pytest.warns(nn.TrainingHint, match=r"^save: Built\.matrix is neither a"):
        nn.save(Built(4).initialize((3,), rng=1), tmp_path / "m.safetensors")


def test_a_model_without_parameters_is_told_how_to_make_them() -> None:
    for make, kind in ((drawn, "an array"), (tensor, "a Tensor"), (constant, "an array")):
        layer = own(make, "M").initialize((3,))
        match = rf"trained, received none; My\.M is {kind}: write self\.M = nn\.Parameter\(…\)"
        with pytest.raises(nn.ArgumentError, match=match):
            nn.Trainer(layer, loss="mse_loss", progress=False).fit(X, X)
        with pytest.raises(nn.ArgumentError, match=r"to train, received none; My\.M is"):
            nn.SGD(0.1, parameters=layer)
