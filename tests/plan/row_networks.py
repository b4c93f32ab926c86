"""Networks whose rows are predicted in one compiled call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import neural_network as nn

L = nn


def relu() -> Any:
    return L.Activation("relu")


# name -> layers, shape of a row
NETWORKS: dict[str, tuple[Callable[[], list[Any]], tuple[int, ...]]] = {
    "strides": (
        lambda: [L.Conv2D(24, 3, stride=2, padding=1, activation="relu"),
                 L.Conv2D(9, 3, stride=2, padding=1, bias=False), relu(),
                 L.Conv2D(5, 3, stride=3, padding=2), L.GlobalAvgPool2D(), L.Dense(10)],
        (3, 33, 18)),
    "batch norm": (
        lambda: [L.Conv2D(6, 3, padding="same", bias=False), L.BatchNorm(epsilon=0.2), relu(),
                 L.Conv2D(17, 5, padding=((1, 2), (0, 3))), L.BatchNorm(), L.MaxPool2D(2),
                 L.Flatten(), L.Dense(3), L.BatchNorm(), relu(), L.Dense(1, bias=False)],
        (2, 12, 15)),
    "pools": (
        lambda: [L.Conv2D(4, 2, activation="relu"), L.MaxPool2D((2, 3)),
                 L.Conv2D(35, (1, 4)), L.MaxPool2D((1, 2)), relu(), L.Flatten(), L.Dense(130)],
        (1, 9, 40)),
    "depthwise": (
        lambda: [L.Conv2D(20, 1), L.DepthwiseConv2D(3, padding=1), L.BatchNorm(), relu(),
                 L.Conv2D(9, 1, bias=False), L.DepthwiseConv2D(3, stride=2, padding=1), relu(),
                 L.Conv2D(3, 1), L.DepthwiseConv2D((2, 5), padding=2, bias=False), L.Flatten()],
        (3, 9, 8)),
    "depthwise first": (
        lambda: [L.DepthwiseConv2D(3, dilation=(2, 1), padding="same"),
                 L.DepthwiseConv2D(1, stride=3), L.GlobalAvgPool2D(), L.Dense(2)], (18, 11, 20)),
    "depthwise strides": (
        lambda: [L.DepthwiseConv2D(3, stride=2, padding=1), L.Conv2D(11, 1), L.BatchNorm(), relu(),
                 L.DepthwiseConv2D((5, 4), stride=(2, 3), padding=((1, 3), (0, 2))),
                 L.DepthwiseConv2D((2, 3), stride=(3, 2), padding=2), relu(),
                 L.GlobalAvgPool2D(), L.Dense(3)], (19, 37, 41)),
    "batch norm behind pooling": (
        lambda: [L.Conv2D(5, 3), L.MaxPool2D(2), L.BatchNorm(epsilon=0.2), relu(),
                 L.Conv2D(4, 3, padding=1, activation="relu"), L.BatchNorm(), L.Flatten(),
                 L.Dense(3)], (2, 11, 9)),
    "residual": (
        lambda: [L.Conv2D(4, 3, padding=1), L.Residual(L.Conv2D(4, 3, padding=1), L.BatchNorm()),
                 relu(), L.Residual(L.Conv2D(7, 3, stride=2, padding=1), shortcut=L.Conv2D(
                     7, 1, stride=2)), L.Flatten(), L.Dense(4, "relu")], (2, 7, 10)),
    "transposed": (
        lambda: [L.Conv2D(19, 3, stride=2, padding=1, activation="relu"),
                 L.ConvTranspose2D(12, 4, stride=2, padding=1, activation="relu"),
                 L.ConvTranspose2D(1, 3, stride=(1, 3), padding=(2, 1), output_padding=(0, 2)),
                 L.ConvTranspose2D(9, (1, 2), stride=(3, 4), output_padding=(2, 1), bias=False)],
        (3, 9, 12)),
    "transposed with batch norm": (
        lambda: [L.ConvTranspose2D(17, (3, 5), stride=2, padding=(2, 1)), L.BatchNorm(), relu(),
                 L.ConvTranspose2D(35, 1), L.BatchNorm(epsilon=0.1),
                 L.ConvTranspose2D(3, 2, stride=5, padding=1, output_padding=(1, 4)),
                 L.Flatten(), L.Dense(3)], (5, 4, 7)),
    "activation functions": (
        lambda: [L.Conv2D(5, 3, activation="tanh"), L.Conv2D(9, 1, activation="gelu"),
                 L.MaxPool2D(2), L.Conv2D(7, 2, activation="leaky_relu"), L.MaxPool2D((1, 2)),
                 L.Activation("elu"), L.Flatten(), L.Dense(33, "silu"), L.Dense(3, "sigmoid")],
        (2, 13, 18)),
    "pooling alone": (
        lambda: [L.Conv2D(17, 3, activation="silu"), L.MaxPool2D((2, 3)), L.AvgPool2D(3, stride=2),
                 L.Conv2D(3, 2, activation="tanh"), L.AvgPool2D((1, 2)), L.Flatten(), L.Dense(2)],
        (2, 29, 47)),
    "series": (
        lambda: [L.Conv1D(6, 3, padding=1), L.Activation(nn.max_pool1d), relu(),
                 L.Conv1D(5, 4, stride=2), L.Activation(nn.avg_pool1d)], (9, 41)),
    "many strides": (
        lambda: [L.Conv2D(18, (4, 3), stride=(3, 1), padding=((2, 0), (1, 3)), activation="relu"),
                 L.Conv2D(7, (5, 1), stride=(2, 2), padding=1), L.BatchNorm(), L.MaxPool2D(3),
                 relu(), L.Conv2D(15, (2, 3), stride=(4, 5), padding=2), L.Flatten(), L.Dense(3)],
        (3, 49, 37)),
    "images out": (lambda: [L.Conv2D(3, 3, padding=1)], (1, 20, 17)),
    "dense": (lambda: [L.Flatten(), L.Dense(65, "relu"), L.Dense(7), L.BatchNorm()], (3, 5)),
    "few inputs": (lambda: [L.Dense(3), L.Dense(2, "relu"), L.Dense(1)], (1,)),
    "wide zeros": (lambda: [L.Conv2D(3, 2, padding=30, stride=7), L.Flatten()], (2, 3, 4)),
}  # fmt: skip


def network(name: str) -> tuple[Any, Any]:
    """Return a model of drawn numbers, and a row."""
    layers, shape = NETWORKS[name]
    model = L.Sequential(*layers()).initialize(shape, rng=1)
    rng = np.random.default_rng(2)
    for tensor in (*model.parameters(), *(one for _, one in model.named_buffers())):
        tensor.data[...] += rng.normal(0, 0.5, tensor.shape)
    for layer in model.all_layers():
        if isinstance(layer, L.BatchNorm):
            layer.running_variance.data[...] = rng.uniform(0.3, 2, layer.gamma.shape)
    return model, rng.standard_normal((1, *shape)).astype(np.float32)
