"""Layer norm in a container, whose second call computes its step without the layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.layers.planning import without_plan


def network(*shape: int) -> tuple[Any, Any]:
    model = nn.Sequential(
        nn.LayerNorm(), nn.Dense(6, "relu"), nn.Residual(nn.LayerNorm(0.1), nn.Dense(6))
    ).initialize(shape, rng=1)
    rng = np.random.default_rng(2)
    for parameter in model.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape)
    return model, rng.standard_normal((4, *shape)).astype("float32")


def alone(model: Any, X: Any) -> Any:
    with without_plan(), nn.use_kernels("numpy"):
        return model.predict(X)


@pytest.mark.parametrize("mode", ["numpy", "auto"])
@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5)])
def test_calls_agree(mode: str, shape: Any) -> None:
    model, X = network(*shape)
    expected = alone(model, X)
    with nn.use_kernels(mode):
        for rows in (4, 4, 1, 3):
            found = model.predict(X[:rows])
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, expected[:rows], rtol=1e-5, atol=1e-5)
        model[0].gamma.data[...] *= 2
        np.testing.assert_allclose(model.predict(X), alone(model, X), rtol=1e-5, atol=1e-5)
        model[0].beta = nn.Parameter(np.ones(5))
        np.testing.assert_allclose(model.predict(X), alone(model, X), rtol=1e-5, atol=1e-5)


def test_what_comes_in_is_checked_each_time() -> None:
    model, X = network(3, 5)
    for _ in range(2):
        model.predict(X)
        with pytest.raises(nn.ShapeError, match="LayerNorm: X: expected 5 along the last axis"):
            model.predict(X[..., :4])
    X[0] = np.inf
    assert np.isnan(model.predict(X)[0]).all()
