"""JAX as a peer: one compiled function for a step, or for a prediction."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from field_networks import Entry
from jax_networks import Forward, trees
from networks import ours
from peers import ADAM, MOMENTUM, Check, Inference, Training

# Of Adam: everybody's defaults.
BETAS, EPSILON = (0.9, 0.999), 1e-8
_map = jax.tree_util.tree_map


def training(entry: Entry, optimizer: str, *, channels_last: bool = False) -> Training:
    """Return a loop over the batches of an epoch, in a new order each time.

    Args:
        entry: what is trained.
        optimizer: "adam" or "momentum".
        channels_last: where the channels are.
    """
    pieces = entry.network.layers
    forward = Forward(training=True, channels_last=channels_last)
    parameters, statistics = trees(entry.network, ours(entry.network), channels_last=channels_last)
    inputs, targets = entry.data(entry.batch * entry.steps)
    X = jnp.array(_laid_out(inputs, channels_last))
    y = X if entry.loss == "mse" else jnp.array(targets)

    def objective(parameters: Any, statistics: Any, some: Any, wanted: Any) -> Any:
        out, after = forward(pieces, parameters, statistics, some)
        if entry.loss == "mse":
            return jnp.mean((out - wanted) ** 2), after
        chosen = jnp.take_along_axis(jax.nn.log_softmax(out), wanted[:, None], axis=1)
        return -chosen.mean(), after

    gradients = jax.value_and_grad(objective, has_aux=True)
    change = _adam if optimizer == "adam" else _momentum

    @partial(jax.jit, donate_argnums=0)
    def step(state: Any, rows: Any) -> Any:
        parameters, statistics, kept, count = state
        (_, statistics), slopes = gradients(parameters, statistics, X[rows], y[rows])
        parameters, kept = change(parameters, slopes, kept, count + 1)
        return parameters, statistics, kept, count + 1

    zeros = _map(jnp.zeros_like, parameters)
    # Copies, because a step takes over the memory of what it receives.
    state = _map(jnp.copy, (parameters, statistics, (zeros, zeros), jnp.zeros((), jnp.int32)))

    def check() -> Check:
        first = slice(entry.batch)
        (value, _), slopes = jax.jit(gradients)(parameters, statistics, X[first], y[first])
        squares = sum(float((slope**2).sum()) for slope in jax.tree_util.tree_leaves(slopes))
        return Check(float(value), squares**0.5)

    rng = np.random.default_rng(0)

    def epoch() -> None:
        nonlocal state
        order = rng.permutation(len(inputs))
        for start in range(0, len(inputs), entry.batch):
            state = step(state, order[start : start + entry.batch])
        jax.block_until_ready(state)

    return Training(check, epoch)


def inference(entry: Entry, X: np.ndarray, *, channels_last: bool = False) -> Inference:
    """Return a call that runs the compiled network."""
    forward = Forward(training=False, channels_last=channels_last)
    parameters, statistics = trees(entry.network, ours(entry.network), channels_last=channels_last)
    inputs = jnp.array(_laid_out(X, channels_last))

    @jax.jit
    def compiled(inputs: Any) -> Any:
        out, _ = forward(entry.network.layers, parameters, statistics, inputs)
        return jnp.moveaxis(out, -1, 1) if channels_last and out.ndim > 2 else out

    return lambda: np.asarray(compiled(inputs))


def _laid_out(X: np.ndarray, channels_last: bool) -> np.ndarray:
    return np.moveaxis(X, 1, -1) if channels_last else X


def _adam(parameters: Any, slopes: Any, kept: Any, count: Any) -> tuple[Any, Any]:
    first, second = BETAS
    means = _map(lambda m, g: first * m + (1 - first) * g, kept[0], slopes)
    squares = _map(lambda v, g: second * v + (1 - second) * g * g, kept[1], slopes)
    rate, root = ADAM / (1 - first**count), 1 - second**count
    parameters = _map(
        lambda p, m, v: p - rate * m / (jnp.sqrt(v / root) + EPSILON), parameters, means, squares
    )
    return parameters, (means, squares)


def _momentum(parameters: Any, slopes: Any, kept: Any, count: Any) -> tuple[Any, Any]:  # noqa: ARG001  # as Adam's
    velocity = _map(lambda v, g: MOMENTUM["momentum"] * v + g, kept[0], slopes)
    parameters = _map(lambda p, v: p - MOMENTUM["lr"] * v, parameters, velocity)
    return parameters, (velocity, kept[1])
