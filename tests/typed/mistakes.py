"""Calls with mistakes: mypy reports each of them, with the code in its comment."""

from __future__ import annotations

import numpy as np

import neural_network as nn


def mistakes() -> None:
    nn.Dense("10")  # arg-type
    nn.Dense(10, activaton="relu")  # call-arg
    nn.Conv2d(4, 3)  # attr-defined
    nn.Sequential(nn.Dense(2), "relu")  # arg-type
    nn.Adam(lr=0.1)  # call-arg
    nn.Adam(0.1, parameters="model")  # arg-type
    nn.Trainer(nn.Dense(2)).fit(np.ones((2, 2)), [0, 1], epochs="3")  # arg-type
    nn.conv2d(np.ones((3, 3)))  # call-arg
    nn.functional.softmax(np.ones(3), dim=0)  # call-arg
    nn.save(nn.Dense(2))  # call-arg
    nn.load_mnist("trian")  # arg-type
    nn.Dense(3).predict()  # call-arg
