"""Gradients whose squares, or sums of squares, no number of their type holds."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.training.optimizers.overflow import cannot_overflow

# Whose square is beyond the largest number.
BIG = {"float32": 2e19, "float64": 2e154}
MAKES: list[Any] = [
    nn.SGD,
    lambda: nn.SGD(0.1, 0.9),
    nn.Adagrad,
    nn.RMSprop,
    lambda: nn.RMSprop(centered=True, momentum=0.5),
    nn.Adam,
    lambda: nn.Adam(weight_decay=0.1),
    nn.AdamW,
    nn.Lion,
]
with_squares = [make for make in MAKES if "squares" in make().slots]
every = pytest.mark.parametrize("make", MAKES, ids=lambda make: repr(make()))
squaring = pytest.mark.parametrize("make", with_squares, ids=lambda make: repr(make()))
dtypes = pytest.mark.parametrize("dtype", BIG)


def started(make: Any, dtype: str, size: int = 4) -> tuple[nn.Optimizer, Any, Any]:
    """An optimizer after two steps, its parameters and a gradient."""
    optimizer, p, g = make(), np.linspace(1, 2, size, dtype=dtype), np.ones(size, dtype)
    optimizer.start(p)
    optimizer.update(p, g, 0.1)
    optimizer.update(p, g, 0.1)
    return optimizer, p, g


def copies(optimizer: nn.Optimizer, p: Any) -> list[Any]:
    return [p.copy(), *(np.array(array) for array in optimizer.state().values())]


@pytest.mark.parametrize("kernels", ["numpy", "numba"])
@dtypes
@squaring
def test_a_square_that_overflows_is_said_and_undone(make: Any, dtype: str, kernels: str) -> None:
    optimizer, p, g = started(make, dtype)
    before = copies(optimizer, p)
    g[2] = -BIG[dtype]
    text = (
        rf"update: gradients: expected numbers with which squares stay below .* of {dtype} .*-2e\+"
    )
    with nn.use_kernels(kernels), warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(nn.DivergenceError, match=text + r"\d+ at (place|index) 2") as caught:
            optimizer.update(p, g, 0.1)
    assert isinstance(caught.value, ArithmeticError)
    assert len(str(caught.value)) < 500
    for actual, desired in zip(copies(optimizer, p), before, strict=True):
        np.testing.assert_array_equal(actual, desired)
    # The training goes on where the batch is left out or clipped.
    nn.clip_by_norm(g, 1.0)
    optimizer.update(p, g, 0.1)
    assert optimizer.steps == 3
    assert all(np.isfinite(array).all() for array in copies(optimizer, p))


@dtypes
@every
def test_the_largest_gradients_that_fit_make_a_step(make: Any, dtype: str) -> None:
    optimizer, p, g = started(make, dtype)
    g[1] = BIG[dtype] / 4
    before = p.copy()
    optimizer.update(p, g, 0.01)
    assert all(np.isfinite(array).all() for array in copies(optimizer, p))
    assert not np.array_equal(p, before)


@dtypes
@squaring
def test_a_sum_that_grows_beyond_all_numbers(make: Any, dtype: str) -> None:
    """A second moment ends at the largest number, in many steps, or in an error."""
    p = np.zeros(3, dtype)
    for share in (0.9, 0.3, 1e-3, 1e-9):
        optimizer = make()
        optimizer.start(p)
        g = np.full(3, BIG[dtype] * share / 2, dtype)
        try:
            for _ in range(50):
                optimizer.update(p, g, 1e-9)
        except nn.DivergenceError:
            assert share > 0.1
        assert all(np.isfinite(array).all() for array in copies(optimizer, p))


@pytest.mark.parametrize("kernels", ["numpy", "numba"])
@dtypes
def test_what_counts_as_small_never_overflows(dtype: str, kernels: str) -> None:
    """Added to the largest number, its square changes nothing."""
    largest = np.array([np.finfo(dtype).max])
    g = np.full(1, BIG[dtype], dtype)
    with nn.use_kernels(kernels):
        while not cannot_overflow(g, g, 0.0):
            g /= 2
        assert largest + np.square(g) == largest
        assert g[0] > 1e-9 * BIG[dtype]
        for bad in (np.nan, np.inf, -np.inf):
            assert not cannot_overflow(g, np.array([0, bad], dtype), 0.0)
            assert not cannot_overflow(np.array([0, bad], dtype), g[:0], 0.1)
        p = np.full(1, 3e38 if dtype == "float32" else 1e308, dtype)
        assert cannot_overflow(p, g, 0.0)
        assert not cannot_overflow(p, g, 1.0)
        assert cannot_overflow(np.ones(1, dtype), np.ones(1, dtype), 1e-300)


@dtypes
def test_decay_of_large_parameters(dtype: str) -> None:
    """The decay is part of the gradient, and so is its square."""
    p = np.full(3, BIG[dtype] * 10, dtype)
    optimizer = nn.Adam(weight_decay=0.5)
    optimizer.start(p)
    with pytest.raises(nn.DivergenceError, match="squares stay below"):
        optimizer.update(p, np.zeros(3, dtype))
    other = nn.AdamW(weight_decay=0.5)
    other.start(p)
    other.update(p, np.zeros(3, dtype), 0.5)
    np.testing.assert_allclose(p, BIG[dtype] * 7.5, rtol=1e-6)


@every
def test_infinite_gradients_leave_no_infinite_state(make: Any) -> None:
    """Lion would go in one direction for ever."""
    for bad in (np.nan, np.inf, -np.inf):
        optimizer, p, g = started(make, "float32")
        before, g[3] = copies(optimizer, p), bad
        if not optimizer.slots:
            optimizer.update(p, g, 0.1)
            assert not np.isfinite(p[3])
            continue
        with pytest.raises(
            nn.DivergenceError, match="gradients: expected finite numbers, rec.*place 3"
        ):
            optimizer.update(p, g, 0.1)
        for actual, desired in zip(copies(optimizer, p), before, strict=True):
            np.testing.assert_array_equal(actual, desired)
        optimizer.update(p, g, 0.1, where=[slice(0, 3)])  # the others may go on
        assert np.isfinite(p).all()


@every
def test_a_bound_optimizer_names_the_parameter(make: Any) -> None:
    model = nn.Sequential(nn.Dense(2), nn.Dense(2)).initialize((3,), rng=0)
    kind, settings = type(make()), make().settings()
    del settings["class"]
    optimizer = kind(**settings, parameters=model)
    for parameter in model.parameters():
        parameter.grad = np.ones(parameter.shape, "f")
    before = model.flat_parameters().copy()
    for bad in (np.nan, 2e19) if "squares" in optimizer.slots else (np.inf,):
        model[1].weight.grad[1, 0] = bad
        with pytest.raises(
            nn.DivergenceError, match=rf"{kind.__name__}.step: gradients: .* in 1.weight"
        ):
            optimizer.step()
        np.testing.assert_array_equal(model.flat_parameters(), before)
        assert optimizer.steps == 0
    nn.clip_by_norm(model, 1.0) if np.isfinite(bad) else optimizer.zero_grad()
    optimizer.step()
    assert np.isfinite(model.flat_parameters()).all()


def test_a_step_to_infinite_parameters_is_not_made() -> None:
    parameter = nn.Parameter(np.ones(2))
    optimizer = nn.SGD(1e30, parameters=parameter)
    parameter.grad = np.full(2, 1e20, "f")
    with pytest.raises(nn.DivergenceError, match="parameters stay below .* with a rate of 1e[+]30"):
        optimizer.step()
    np.testing.assert_array_equal(parameter.data, 1)


def test_fit_says_it() -> None:
    class Steep(nn.Layer):
        def build(self, shape: Any, rng: Any) -> None:  # noqa: ARG002  # the base class takes it
            self.factor = nn.Parameter(np.ones(shape[-1]))

        def forward(self, X: Any) -> Any:
            return X * self.factor

    model = nn.Sequential(Steep())
    trainer = nn.Trainer(
        model, "adam", loss=lambda outputs, _: (outputs * 1e10).sum(), rng=0, progress=False
    )
    X = np.full((4, 3), 1e10, "float32")
    with pytest.raises(nn.DivergenceError, match=(
        r"^fit: Adam.update: gradients: .*squares stay below.* in epoch 1, batch 1; "
        r"the largest gradient before was 2e\+20, of model.0..factor; .* clip_norm= may help"
    )) as caught:  # fmt: skip
        trainer.fit(X, np.zeros((4, 3)), batch_size=2)
    assert len(str(caught.value)) < 500
    np.testing.assert_array_equal(model[0].factor.data, 1)
    trainer.clip_norm = 1.0
    trainer.fit(X, np.zeros((4, 3)), batch_size=2)
    assert (model[0].factor.data != 1).all()


# --- norms -------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e200, 1e307, 1e-200, 1e-320])
def test_a_norm_whose_squares_no_number_holds(scale: float) -> None:
    g = np.array([2.0, -4.0, 4.0]) * scale
    before = g.copy()
    assert nn.clip_by_norm(g, 1e308) == pytest.approx(6 * scale, rel=1e-3)
    np.testing.assert_array_equal(g, before)
    nn.clip_by_norm(g, 3 * scale)
    np.testing.assert_allclose(g, before / 2, rtol=1e-3)


def test_numbers_beyond_the_norm_of_some_others() -> None:
    g = np.array([1e-200, 1e300, 1e-10])
    assert nn.clip_by_norm(g, 1.0) == pytest.approx(1e300)
    np.testing.assert_allclose(g, [0, 1, 0], atol=1e-15)
    bad = np.array([1e300, np.nan, np.inf])
    assert not np.isfinite(nn.clip_by_norm(bad, 1.0))
    for place in range(3):
        g = np.array([1e300, 1e300, 1e300])
        g[place] = np.nan
        assert np.isnan(nn.clip_by_norm(g, 1.0))


def model_with_gradients() -> Any:
    model = nn.Sequential(nn.Dense(2), nn.Dense(3), nn.Dense(2)).initialize((3,), rng=0)
    nn.softmax_cross_entropy(model(np.eye(3)), [0, 1, 0]).backward()
    return model


@pytest.mark.parametrize("choose", [lambda m: m, list, lambda m: m.parameters(), iter])
def test_clipping_a_model(choose: Any) -> None:
    model = model_with_gradients()
    expected = model.flat_gradients()
    norm = nn.clip_by_norm(expected, 0.25)
    assert nn.clip_by_norm(choose(model), 0.25) == norm > 0.25
    np.testing.assert_array_equal(model.flat_gradients(), expected)
    assert nn.clip_by_value(choose(model), 0.01) is None  # type: ignore[func-returns-value]
    np.testing.assert_array_equal(model.flat_gradients(), np.clip(expected, -0.01, 0.01))


def test_clipping_leaves_out_what_no_step_changes() -> None:
    model = model_with_gradients()
    model[1].freeze()
    model[2].bias.grad = None
    frozen = model[1].weight.grad = np.full((2, 3), 1e20, "f")
    whole = model.flat_gradients()
    whole[8:17] = 0
    assert nn.clip_by_norm(model, 1e-3) == pytest.approx(float(np.linalg.norm(whole)))
    assert model[1].weight.grad is frozen
    assert model[2].bias.grad is None
    assert float(np.linalg.norm(model[0].weight.grad)) < 1e-3
    assert nn.clip_by_norm(nn.Dense(2).initialize((2,)), 1.0) == 0


def test_gradients_that_share_memory_are_clipped_once() -> None:
    one, other = nn.Parameter(np.ones(2)), nn.Parameter(np.ones(2))
    one.grad = other.grad = np.full(2, 4.0, "f")
    nn.clip_by_value([one, other], 2.0)
    one.grad = other.grad = np.full(2, 4.0, "f")
    assert nn.clip_by_norm([one, other], 4.0) == 8.0
    np.testing.assert_array_equal([one.grad, other.grad], np.full((2, 2), 2.0))


CLIPPING: list[tuple[Any, type[Exception], str]] = [
    ([3.0], nn.DTypeError, "gradients: expected a NumPy array, or a model, .* received list"),
    (
        nn.Dense,
        nn.DTypeError,
        "gradients: expected a NumPy array, or a model, .* received the class Dense",
    ),
    ([nn.Parameter([1.0]), 3], nn.DTypeError, r"gradients\[1\]: expected a layer or Parameter"),
    (nn.Dense(3), nn.ArgumentError, "model: expected a model that is built"),
    (nn.Flatten().initialize((2,)), nn.ArgumentError, "gradients: expected parameters to train"),
]


@pytest.mark.parametrize(("gradients", "kind", "message"), CLIPPING)
def test_clipping_something_else(gradients: Any, kind: Any, message: str) -> None:
    for clip in (nn.clip_by_norm, nn.clip_by_value):
        with pytest.raises(kind, match=rf"{clip.__name__}: {message}"):
            clip(gradients, 1.0)
