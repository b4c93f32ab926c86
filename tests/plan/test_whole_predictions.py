"""``predict`` computes a known model at once; whatever was changed since is seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.layers import planning
from neural_network.layers.planning import without_plan
from tests.needs import need_fast

X = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)


def layered(model: Any, rows: Any = X) -> Any:
    """Return what the layers compute one after the other."""
    with without_plan():
        return model.predict(rows)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return a list of whether each call of ``predict`` was computed at once."""
    found: list[bool] = []
    compute = planning.predicted_whole

    def noted(*given: Any) -> Any:
        out = compute(*given)
        found.append(out is not None)
        return out

    monkeypatch.setattr("neural_network.layers.layer.predicted_whole", noted)
    return found


def network() -> Any:
    layers = nn.Dense(5, "relu"), nn.Dropout(0.5), nn.Dense(3)
    return nn.Sequential(*layers).initialize((6,), rng=0)


MODELS = {
    "dense layers": lambda: nn.Sequential(nn.Dense(5, "relu"), nn.Dense(3)),
    "dropout": network,
    "nested": lambda: nn.Sequential(nn.Sequential(nn.Dense(5, "tanh")), nn.Dense(3)),
    "one layer": lambda: nn.Dense(3),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MODELS)
def test_the_second_call_has_the_same_bits(name: str, dtype: str, known: list[bool]) -> None:
    model, rows = MODELS[name](), X.astype(dtype)
    model.initialize((6,), rng=0).astype(dtype)
    results = [model.predict(rows) for _ in range(3)]
    assert known == [False, True, True]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
    np.testing.assert_allclose(results[0], layered(model, rows), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(model.predict(rows[:1]), model.predict(rows[:1]))


def test_batches_and_other_types_are_computed_as_before(known: list[bool]) -> None:
    model = network()
    expected = model.predict(X)
    known.clear()
    np.testing.assert_allclose(model.predict(X, batch_size=3), expected, rtol=1e-6)
    np.testing.assert_allclose(model.predict(X.astype(float)), expected, rtol=1e-6)
    np.testing.assert_allclose(model.predict(X.tolist()), expected, rtol=1e-6)
    assert not any(known)
    with pytest.raises(nn.ShapeError, match="6"):
        model.predict(X[:, :5])
    with pytest.raises(nn.ShapeError, match="at least one row"):
        model.predict(X[:0])


def test_a_forward_of_ones_own_is_called() -> None:
    class Doubled(nn.Sequential):
        def forward(self, X: Any) -> Any:
            return 2 * super().forward(X)

    model = Doubled(nn.Dense(3)).initialize((6,), rng=0)
    for _ in range(3):
        np.testing.assert_allclose(model.predict(X), 2 * model[0].predict(X), rtol=1e-6)


def test_a_residual_is_not_its_body() -> None:
    model = nn.Residual(nn.Dense(6, "relu"), nn.Dense(6)).initialize((6,), rng=0)
    for _ in range(3):
        np.testing.assert_allclose(model.predict(X), layered(model), rtol=1e-5, atol=1e-6)


def test_layers_that_are_used_twice() -> None:
    shared = nn.Dense(6, "relu")
    model = nn.Sequential(shared, shared).initialize((6,), rng=0)
    for _ in range(3):
        np.testing.assert_allclose(model.predict(X), layered(model), rtol=1e-5, atol=1e-6)


def change_array(model: Any) -> None:
    model[0].weight.data = model[0].weight.data * np.float32(2)


def change_in_place(model: Any) -> None:
    model[0].weight.data *= np.float32(2)


def change_layer(model: Any) -> None:
    model[0] = nn.Dense(5).initialize((6,), rng=9)


def insert_layer(model: Any) -> None:
    model.insert(1, nn.Activation("tanh"))


def change_forward(model: Any) -> None:
    model[0].forward = lambda X: X[:, :5]


def change_type(model: Any) -> None:
    model.astype("float64")


@pytest.mark.parametrize(
    "change",
    [
        change_array, change_in_place, change_layer, insert_layer, change_forward, change_type
    ],
)  # fmt: skip
def test_a_change_is_seen(change: Any) -> None:
    model = network()
    for _ in range(2):
        before = model.predict(X)
    change(model)
    for _ in range(2):
        after = model.predict(X)
        np.testing.assert_allclose(after, layered(model), rtol=1e-5, atol=1e-6)
    if change is not change_type:
        assert not np.allclose(before, after)


def test_the_mode_of_the_model_does_not_matter(known: list[bool]) -> None:
    model = network()
    expected = model.predict(X)
    model.train()
    np.testing.assert_array_equal(model.predict(X), expected)
    assert model.training
    known.clear()
    model.predict(X)
    assert known == [True]


def test_watchers_see_each_layer() -> None:
    model, seen = network(), []
    for _ in range(2):
        model.predict(X)
    with nn.watching(lambda layer, X, out: seen.append(type(layer).__name__)):
        model.predict(X)
    assert seen == ["Dense", "Dropout", "Dense", "Sequential"]


def test_running_statistics_that_move_are_seen() -> None:
    model = nn.Sequential(nn.Dense(5, "relu"), nn.BatchNorm(), nn.Dense(3))
    model.initialize((6,), rng=0)
    for _ in range(2):
        before = model.predict(X)
    model.train()
    model(10 + X)
    for _ in range(2):
        after = model.predict(X)
        np.testing.assert_allclose(after, layered(model), rtol=1e-5, atol=1e-6)
    assert not np.allclose(before, after)


def test_a_functional_call_uses_its_own_numbers() -> None:
    model = network()
    for _ in range(2):
        before = model.predict(X)
    numbers = {name: np.zeros_like(p.data) for name, p in model.named_parameters()}
    model.eval()
    found = nn.functional_call(model, numbers, X)
    np.testing.assert_array_equal(np.asarray(found), np.zeros((4, 3)))
    np.testing.assert_array_equal(model.predict(X), before)


def test_the_result_is_the_callers() -> None:
    for model, rows in (
        (nn.Sequential(nn.Flatten()), X.reshape(4, 2, 3)),
        (nn.Sequential(nn.Flatten(), nn.Dropout(0.5)), X.reshape(4, 2, 3)),
        (network(), X),
    ):
        model.initialize(rows.shape[1:], rng=0)
        given = rows.copy()
        for _ in range(3):
            result = model.predict(rows)
            kept = result.copy()
            result += 1
            np.testing.assert_array_equal(rows, given)
            np.testing.assert_array_equal(model.predict(rows), kept)


def test_an_uncommon_array_is_left_to_the_layers(known: list[bool]) -> None:
    model = network()
    for _ in range(2):
        expected = model.predict(X)
    known.clear()
    np.testing.assert_array_equal(model.predict(X[::-1])[::-1], expected)
    np.testing.assert_array_equal(model.predict(np.asfortranarray(X)), expected)
    frozen = X.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(model.predict(frozen), expected)


@pytest.mark.parametrize("mode", ["numpy", "numba"])
def test_calls_in_training_that_record_nothing_leave_predictions_alone(mode: str) -> None:
    if mode == "numba":
        need_fast()
    images = np.random.default_rng(1).normal(size=(4, 2, 9, 9)).astype(np.float32)
    norm = nn.Conv2D(4, 3), nn.BatchNorm(), nn.Activation("relu"), nn.Dropout(0.5), nn.Flatten()
    for model, rows in ((network(), X), (nn.Sequential(*norm, nn.Dense(2)), images)):
        model.initialize(rows.shape[1:], rng=0).train()
        with nn.use_kernels(mode):
            with nn.no_grad():
                for _ in range(2):
                    model(rows)
            for _ in range(2):
                np.testing.assert_allclose(
                    model.predict(rows), layered(model, rows), rtol=1e-4, atol=1e-5
                )
