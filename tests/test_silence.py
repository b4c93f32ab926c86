"""Numbers at the limits of their type: the library's own functions compute without a warning."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import visual
from neural_network.functional import reductions
from neural_network.functional.op import all_samples
from neural_network.names import PUBLIC
from tests.layers.test_layers import CASES

LIMITS = [np.inf, -np.inf, np.nan, 3e38, -3e38, 1e300, 1e-40, 1e-310, 6e4, 1e19]
# Functions that have the names of NumPy's, and warn as those do.
OF_NUMPY = ("elementwise", "ufuncs", "linalg", "reductions", "shaping")
PUBLIC_NAMES = {name for names in PUBLIC.values() for name in names.split()}


def own(function: Callable[..., Any]) -> bool:
    module = inspect.unwrap(function).__module__.rpartition(".")[2]
    name = getattr(function, "__name__", "")
    return name in PUBLIC_NAMES and module not in OF_NUMPY and name != "matmul"


OWN = {function.__name__: function for function in all_samples() if own(function)}


def at_limits(array: Any, dtype: str, number: float | None, rng: np.random.Generator) -> Any:
    """Return floating numbers exchanged for one, or for some that are drawn."""
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        return array
    drawn = rng.choice(LIMITS, array.shape) if number is None else np.full(array.shape, number)
    with np.errstate(all="ignore"):
        return drawn.astype(dtype)


# A hint is of what the numbers mean, and not a warning of NumPy's.
@pytest.mark.filterwarnings("ignore::neural_network.TrainingHint")
@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_own_functions_are_silent(name: str, dtype: str) -> None:
    rng = np.random.default_rng(0)
    samples = all_samples()[OWN[name]]
    assert samples is not None
    args, kwargs = next(iter(samples(rng)))
    for number in [*LIMITS, None, None, None]:
        changed = [at_limits(value, dtype, number, rng) for value in args]
        for place in [None, *range(len(args))]:  # all of them at the limit, or one
            values = [
                new if place in (None, i) else old
                for i, (old, new) in enumerate(zip(args, changed, strict=True))
            ]
            with np.errstate(all="raise"), suppress(nn.NeuralNetworkError):
                OWN[name](*values, **kwargs)


def test_functions_with_names_of_numpy_warn_as_numpy() -> None:
    with pytest.warns(RuntimeWarning, match="overflow"):
        nn.functional.exp(1e300)
    with pytest.warns(RuntimeWarning, match="overflow"):
        nn.functional.mean(np.full(3, 3e38, np.float32))
    with pytest.warns(RuntimeWarning, match="overflow"):
        np.exp(nn.Tensor(1e300))


@pytest.mark.parametrize("case", CASES)
def test_layers_are_silent(case: str) -> None:
    make, shape, _ = CASES[case]
    rng = np.random.default_rng(0)
    for number in [*LIMITS, None]:
        X = at_limits(np.ones(shape), "float32", number, rng)
        X = np.zeros(shape, int) if case == "Embedding" else X
        layer = make().initialize(shape[1:], rng=0, dtype=X.dtype)
        for call in (layer, layer.predict, lambda x, layer=layer: layer.eval()(x)):
            with np.errstate(all="raise"):
                call(X)


@pytest.mark.parametrize(
    "call",
    [
        nn.elu,
        nn.leaky_relu,
        lambda Z, n: nn.huber(Z, 0 * Z, delta=abs(n)),
        lambda Z, n: nn.binary_cross_entropy_with_logits(Z, np.ones_like(Z), positive_weight=abs(n)),
        lambda Z, n: nn.l2_regularization([Z], abs(n)),
        lambda Z, n: nn.layer_norm(Z[None], epsilon=abs(n)),
        lambda Z, n: nn.batch_norm(Z[:, None], epsilon=abs(n)),
        lambda Z, n: nn.scaled_dot_product_attention(*[Z[None, None]] * 3, scale=n),
        lambda Z, n: nn.interpolate(Z[None, None], scale=abs(n)),
        lambda Z, n: nn.softmax_cross_entropy(
            np.array([Z, Z]), [0, 1], class_weights=[1.0, abs(n), 1.0]
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("number", [1e-320, 1e39, 1e308, -1e308, 1e-40])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_beyond_the_type_are_silent_or_refused(
    call: Any, number: float, dtype: str
) -> None:
    Z = np.array([-2.0, 0.5, 3.0], dtype)
    with np.errstate(all="raise"), suppress(nn.NeuralNetworkError):
        call(Z, number)


def test_a_mean_over_a_picture_overflows_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert nn.GlobalAvgPool2D()(np.full((1, 1, 4, 4), 3e38, np.float32)) == np.inf
        assert nn.mse_loss([1e300], [0.0]) == np.inf
        out = nn.conv_transpose1d([[[np.inf, 1.0]]], [[[1.0, 0.0]]])
    np.testing.assert_array_equal(np.isnan(out), [[[False, True, False]]])


def test_a_gradient_that_is_added_to_another_overflows_without_a_warning() -> None:
    x = nn.Tensor(np.float32([1.0]), requires_grad=True)
    with np.errstate(all="raise"):
        for _ in range(2):
            np.sum(x * np.float32(3e38)).backward()
    assert x.grad == np.inf


def test_hints_from_silent_functions_name_the_callers_line() -> None:
    with pytest.warns(nn.TrainingHint) as found:
        nn.binary_cross_entropy(np.array([0.0, 1, 1, 0, 1]), np.array([0.1, 0.3, 0.5, 0.7, 0.9]))
    assert found[0].filename == __file__


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "prod", "cumsum", "cumprod"])
def test_a_type_that_loses_imaginary_parts_is_refused(name: str) -> None:
    function = getattr(reductions, name)
    match = f"{name}: dtype: expected a complex type for complex numbers, received float64"
    with pytest.raises(TypeError, match=match):
        function(np.ones(3, complex), dtype=np.float64)
    assert function(np.ones(3, complex), dtype=np.complex64).dtype == np.complex64
    assert function(np.ones(3), dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("name", ["var", "std"])
def test_degrees_of_freedom_are_a_real_number(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name}: ddof: expected a finite number"):
        getattr(reductions, name)(np.ones(3), ddof=1j)
    assert getattr(reductions, name)([1.0, 3.0], ddof=0.5) == pytest.approx(
        getattr(np, name)([1.0, 3.0], ddof=0.5)
    )


def test_what_makes_more_than_64_axes_is_refused() -> None:
    indices = np.zeros((1,) * 64, int)
    with pytest.raises(
        ValueError, match="embedding: indices, weight: expected sizes|embedding: .*64"
    ):
        nn.embedding(indices, np.ones((2, 3)))
    for rows in (nn.one_hot, nn.Embedding(2, 3)):
        with pytest.raises(nn.NeuralNetworkError):
            rows(np.zeros((1,) * 64, int))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda m, _: visual.show_histograms(m, bins=10**15), "show_histograms: bins: expected a whole number from 1 to 10000"),
        (lambda m, f: visual.save_figure(visual.show_histograms(m), f / "a.png", dpi=10**6), "save_figure: dpi: expected a whole number from 1 to 1200"),
        (lambda m, _: visual.show_decision_surface(m, np.ones((2, 2)), [0, 1], steps=10**9), "show_decision_surface: steps: expected a whole number from 2 to 2000"),
        (lambda *_: visual.animate_training([1.0, 2.0], fps=1e-320), "animate_training: fps: expected a finite number from 0.01 to 1000"),
        (lambda *_: visual.animate_training([1.0, 2.0], title="x" * 10_000), "animate_training: title: expected text of at most 300 letters"),
        (lambda *_: visual.show_history([1.0, 2.0], title="x\n" * 90), "show_history: title: expected text of at most 300 letters in 10 lines"),
    ],
)  # fmt: skip
def test_figures_have_limits(call: Any, match: str, tmp_path: Any) -> None:
    model = nn.Sequential(nn.Dense(2)).initialize((2,), rng=0)
    with pytest.raises(nn.ArgumentError, match=match):
        call(model, tmp_path)


@pytest.mark.parametrize("name", sorted(nn.INITIALIZERS))
def test_weights_beyond_the_memory_are_refused(name: str) -> None:
    rng = np.random.default_rng(0)
    for shape in ((2**40, 2**40), (2**38, 2)):
        with pytest.raises(
            nn.ArgumentError,
            match="expected sizes that the memory is enough for|expected what fits",
        ):
            nn.INITIALIZERS[name](shape, 1, 1, rng)


def test_explanations_of_infinity_are_drawn_in_silence() -> None:
    X = np.full((2, 3), np.inf, np.float32)
    picture = np.where(np.eye(6), np.inf, 3e38).astype(np.float32)
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error", RuntimeWarning)
        for found in (
            nn.explain_gradient(lambda x: (x * x).sum(), X),
            nn.explain_conv2d(picture, "edges", 1, 1),
        ):
            assert str(found)
            found.draw().canvas.draw()
        animation = visual.animate_convolution(picture, "edges", frames=2)
        animation.figure.canvas.draw()
