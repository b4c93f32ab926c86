"""Compiling all kernels beforehand, by small computations that together call each of them.

Numba compiles a kernel for the types of its arguments when it is first called, and the code is
stored on disk. So the computations are ordinary calls of the library, on small arrays.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain, product
from time import perf_counter

import numpy as np
from numpy.typing import DTypeLike

from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array, as_flag
from neural_network.elsewhere.surface import explains_calls
from neural_network.functional.attention import scaled_dot_product_attention
from neural_network.functional.convolution.conv import conv2d
from neural_network.functional.embeddings import embedding
from neural_network.functional.finite import is_finite
from neural_network.functional.normalization.batch_norm import batch_norm
from neural_network.functional.normalization.sample_norms import layer_norm
from neural_network.functional.pooling.pool import avg_pool2d, max_pool2d
from neural_network.kernels.runtime import ahead
from neural_network.kernels.runtime.announcements import compiling_all
from neural_network.kernels.runtime.gate import use_kernels
from neural_network.kernels.runtime.threads import get_num_threads
from neural_network.layers.activation import Activation, Flatten
from neural_network.layers.containers import Residual, Sequential
from neural_network.layers.convolution import Conv2D, ConvTranspose2D, DepthwiseConv2D
from neural_network.layers.dense import Dense
from neural_network.layers.dropout import Dropout
from neural_network.layers.layer import Layer
from neural_network.layers.normalization import BatchNorm, LayerNorm
from neural_network.layers.pooling import AvgPool2D, GlobalAvgPool2D, MaxPool2D
from neural_network.plan.single_row import MANY
from neural_network.public import public
from neural_network.terminal import write_line
from neural_network.training.interrupts import TrainingInterrupted
from neural_network.training.optimizers.adaptive import Adagrad, Adam, RMSprop
from neural_network.training.optimizers.descent import SGD, Lion
from neural_network.training.trainer import Trainer

Calls = Iterator[Callable[[], object]]


@public
@explains_calls
def compile_kernels(*, progress: bool = True) -> dict[str, float]:
    """Compile all kernels for later processes: before a class begins, in a container image.

    Otherwise each kernel is compiled when it is first used, which makes the first training step on
    a machine slow. The code is stored beside the library's files, or in the user's cache if that
    folder cannot be written; the environment variable ``NUMBA_CACHE_DIR`` names another folder.
    What is stored already is loaded and not compiled again. Where this process may use several
    threads and has called no kernel yet, up to three other processes compile as well.
    ``neural-network compile`` calls it.
    It takes a few minutes. A kernel for other types, such as that of ``conv2d`` for a large float32
    picture, is compiled when it is first used.

    Args:
        progress: whether to print a line for each group of kernels on standard error.

    Returns:
        The seconds that each group of kernels took, by its name.

    Raises:
        DTypeError: progress is not True or False.
        MissingDependencyError: Numba is not installed.

    >>> list(compile_kernels(progress=False))[0]
    'dense networks'
    """
    progress = as_flag("compile_kernels", "progress", progress)
    seconds: dict[str, float] = {}
    with use_kernels("numba"), compiling_all():
        _share_with_other_processors()
        for name, calls in GROUPS.items():
            began = perf_counter()
            for compute in calls():
                compute()
            seconds[name] = perf_counter() - began
            if progress:
                done = f"{len(seconds)} of {len(GROUPS)}"
                write_line(sys.stderr, f"compiled {done}: {name}, {seconds[name]:.1f} s")
    return seconds


def _share_with_other_processors() -> None:
    """Let other processes compile kernels, those of the last group first."""
    if get_num_threads() == 1 or not ahead.nothing_compiled():
        return
    with ahead.noting() as noted, np.errstate(all="ignore"):
        for compute in chain(*(calls() for calls in GROUPS.values())):
            # Numbers that no kernel has filled may be refused; what was noted is enough.
            with suppress(Exception):
                compute()
    ahead.compile_beside(noted, get_num_threads())


def _train(
    *layers: Layer, shape: tuple[int, ...] = (3, 16, 16), dtype: DTypeLike = np.float32
) -> None:
    """Train a network for one batch, and predict with it: of several rows, of many, and of one.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed. The user has started no training, so the message of
            an interrupted one would not help.
    """
    X = np.random.default_rng(0).random((MANY, *shape), np.float32)
    model = Sequential(*layers, Flatten(), Dense(3)).initialize(shape, rng=0).astype(dtype)
    trainer = Trainer(model, rng=0, progress=False)
    try:
        trainer.fit(X[:8], np.arange(8) % 3, epochs=1, batch_size=8)
    except TrainingInterrupted:
        raise KeyboardInterrupt from None
    finally:  # kernels that are only noted leave numbers that ``fit`` may refuse
        for rows in (8, MANY, 1):
            trainer.model.predict(X[:rows])


def _dense_networks() -> Calls:
    yield partial(_train, Dense(20, "relu"), shape=(30,))
    yield partial(_train, Dense(20, "relu"), Dropout(0.5), shape=(30,))


def _convolutional_networks() -> Calls:
    # Gradients of padded images are strided views, others are contiguous.
    for padding in ("same", "valid"):
        pooled = [Conv2D(20, 3, activation="relu", padding=padding), MaxPool2D(2)]
        more = (layer.clone() for layer in 2 * pooled)
        yield partial(_train, *pooled, *more, shape=(3, 24, 24))
    strided = Conv2D(20, 3, stride=2, activation="relu")
    yield partial(_train, Conv2D(20, 3, padding="same"), strided)
    yield partial(_train, Conv2D(8, 3), AvgPool2D(2), Conv2D(8, 3))
    transposed = ConvTranspose2D(8, 3, stride=2, activation="relu")
    yield partial(_train, transposed, ConvTranspose2D(1, 3))
    wide = Conv2D(64, 3)  # a row is enough work for several threads
    wide.initialize((64, 16, 16), rng=0)
    yield partial(Sequential(wide).predict, np.ones((1, 64, 16, 16), np.float32))


def _normalized_networks() -> Calls:
    relu = Activation("relu")
    yield partial(
        _train,
        Conv2D(8, 3, padding="same"), BatchNorm(), relu, MaxPool2D(2),
        Residual(Conv2D(8, 3, padding="same"), BatchNorm(), relu), relu,
        DepthwiseConv2D(3, padding="same"), BatchNorm(), relu, GlobalAvgPool2D(),
    )  # fmt: skip


def _double_precision() -> Calls:
    relu = Activation("relu")
    layers = LayerNorm(), Dense(20), BatchNorm(), relu, Dense(20)
    yield partial(_train, *layers, shape=(3000,), dtype=np.float64)


def _activations() -> Calls:
    for name in ("tanh", "gelu"):
        yield partial(_train, Conv2D(8, 3, activation=name), Dense(20, name))


def _optimizers() -> None:
    rules = [SGD(0.1), SGD(0.1, momentum=0.9), Adam(), RMSprop(), Adagrad(), Lion()]
    for dtype, size in product((np.float32, np.float64), (4, 1 << 15)):  # one thread, and several
        for rule in rules:
            rule.start(numbers := np.ones(size, dtype))
            rule.update(numbers, np.ones(size, dtype))


def _functions() -> None:
    for dtype in (np.float32, np.float64):
        images = np.random.default_rng(0).random((2, 4, 24, 24)).astype(dtype)
        _normalize_and_pool(images)
        for size in (4, 1 << 17):  # one thread, and several
            is_finite(np.full(size, np.inf, dtype))
    # Channels last in memory: networks store float32 in this way. Those of float64 come first.
    last = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    _normalize_and_pool(last.astype(np.float32))
    # Depthwise convolutions of float32 are those of networks.
    for X, stride in product((images, last), (1, 2)):
        given = Tensor(X, requires_grad=True)
        DepthwiseConv2D(3, padding="same", stride=stride)(given).sum().backward()
    picture = np.ones((64, 64))
    conv2d(picture, np.ones((3, 3)))
    conv2d(picture, np.ones((31, 31)), method="fft")


def _normalize_and_pool(images: Array) -> None:
    """Compute batch norm and pooling, and their gradients."""
    numbers = np.ones(images.shape[1], images.dtype)
    normal = batch_norm(Tensor(images, requires_grad=True), numbers, numbers)
    (max_pool2d(normal, 2) + avg_pool2d(normal, 2)).sum().backward()


def _sequences() -> None:
    tokens = Tensor(np.ones((1, 8, 8), np.float32), requires_grad=True)
    attended = scaled_dot_product_attention(tokens, tokens, tokens)
    ones = np.ones(8, np.float32)
    layer_norm(attended, ones, ones).sum().backward()
    embedding([1, 0], Tensor(np.ones((2, 8), np.float32), requires_grad=True)).sum().backward()


# Computations that each group makes when it is asked for them.
GROUPS: dict[str, Callable[[], Calls]] = {
    "dense networks": _dense_networks,
    "convolutional networks": _convolutional_networks,
    "networks with batch norm": _normalized_networks,
    "networks in float64": _double_precision,
    "activations": _activations,
    "functions of sequences": lambda: iter([_sequences]),
    "optimizers": lambda: iter([_optimizers]),
    "functions": lambda: iter([_functions]),
}
