"""What users of PyTorch and Keras write first is answered with the line to type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn

rng = np.random.default_rng(0)
X, y = rng.random((6, 5)), np.arange(6) % 2


class Two(nn.Layer):
    def __init__(self) -> None:
        self.first, self.second = nn.Dense(2), nn.Dense(2)

    def forward(self, a: Any, b: Any) -> Any:
        return self.first(a) + self.second(b)


def watched() -> None:
    with nn.watching(Two()):
        pass


def one_rate() -> None:
    model = nn.Sequential(nn.Dense(3), nn.Dense(2))
    groups = nn.OptimizerGroups([(model[0], nn.SGD(0.1)), (model[1], nn.Adam(0.1))])
    groups.learning_rate = 0.01


def trained(targets: Any) -> None:
    nn.Trainer(Two(), progress=False).fit((X, X), targets)


model: Any = nn.Sequential(nn.Conv1D(4, 3), nn.MaxPool2D(2))
two: Any = Two()
WRONG: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "schedule without a start": (
        lambda: nn.ReduceOnPlateau(factor=0.5),  # type: ignore[call-arg]
        TypeError, r"'start'; here: nn\.Adam\(nn\.ReduceOnPlateau\(0\.01\)\)",
    ),
    "schedule as a callback": (
        lambda: nn.Trainer(nn.Dense(2), callbacks=[nn.ReduceOnPlateau(0.1)]),  # type: ignore[list-item]
        TypeError, r"place of the learning rate: nn\.Adam\(nn\.ReduceOnPlateau\(…\)\)\), received",
    ),
    "function as a rate": (
        lambda: nn.Adam(lambda epoch: 0.1),  # type: ignore[arg-type]
        TypeError, r"a finite number above 0, .*; a function becomes a Schedule: class Own",
    ),
    "groups of PyTorch": (
        lambda: nn.Adam(parameters=[{"params": [], "lr": 0.1}]),  # type: ignore[list-item]
        TypeError, r"for groups: nn\.OptimizerGroups\(\[\(model\[0\], nn\.Adam\(0\.001\)\), …\]\)",
    ),
    "one rate of groups": (one_rate, AttributeError, r"groups\.optimizers\[0\]\.learning_rate = "),
    "inputs one by one": (lambda: two.predict(X, X), TypeError, r"here: model\.predict\(\(X, Z\)\)"),
    "targets in a list": (
        lambda: trained([y, y]), ValueError, r"several targets are a tuple, as in \(a, b\)",
    ),
    "signal": (
        lambda: model.initialize((3, 20)), ValueError,
        r"received shape \(2, 4, 18\); nn\.Activation\(nn\.max_pool1d\) pools \(N, C, L\)",
    ),
    "watched model": (watched, TypeError, r"function of \(layer, X, out\), .* received a Two$"),
    "split": (
        lambda: nn.split(X, y, random_state=0), TypeError, r"rng, as in nn\.split\(X, y, rng=0\)",  # type: ignore[call-arg]
    ),
    "default type": (lambda: nn.set_default_dtype, AttributeError, r"astype of a model"),  # type: ignore[attr-defined]
    "half": (lambda: nn.Dense(2).half(), AttributeError, r"training takes float32 or float64"),  # type: ignore[attr-defined]
    "colours": (
        lambda: nn.load_image_folder("pics", color=True), TypeError, r"color → grey=False for col",  # type: ignore[call-arg]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_the_answer_names_the_line(name: str) -> None:
    call, kind, match = WRONG[name]
    with pytest.raises(nn.NeuralNetworkError, match=match) as caught:
        call()
    assert isinstance(caught.value, kind)
    assert len(str(caught.value)) <= 500


def test_a_first_input_by_its_name() -> None:
    model, a, b = Two(), np.ones((2, 3)), np.ones((2, 4))
    for _ in range(2):  # not built, and built
        for call in (lambda: model(a=a, b=b), model, lambda: model(b=b)):
            with pytest.raises(TypeError, match=r"^Two: a: expected the .* model\(a, b=b\), rec"):
                call()
        assert model(a, b=b).shape == (2, 2)
    dense = nn.Dense(3)
    for _ in range(2):
        with pytest.raises(nn.ArgumentError, match=r"^Dense: X: expected the first .* model\(X\)"):
            dense(x=b)
        with pytest.raises(TypeError, match=r"expected the first input by its place"):
            dense()
        dense(b)
