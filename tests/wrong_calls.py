"""Calls with a wrong value, shape, type or keyword each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from fuzz.right import tiny_model

import neural_network as nn

X, y = np.ones((4, 3), np.float32), np.array([0, 1, 2, 0])
images = np.ones((2, 1, 6, 6), np.float32)


def model(**_: Any) -> nn.Sequential:
    return nn.Sequential(nn.Dense(4, "relu"), nn.Dense(3)).initialize((3,), rng=0)


def trainer(**options: Any) -> nn.Trainer:
    return nn.Trainer(model(), rng=0, progress=False, **options)


CALLS: list[Callable[[], Any]] = [
    # functions: a wrong value, shape, type and keyword each
    lambda: nn.relu("text"),
    lambda: nn.relu([[1.0], [2.0, 3.0]]),
    lambda: nn.relu(X, alpha=1),
    lambda: nn.leaky_relu(X, "steep"),
    lambda: nn.gelu(X, "quick"),
    lambda: nn.softmax(X, axis=7),
    lambda: nn.softmax_cross_entropy(X, [0, 1]),
    lambda: nn.softmax_cross_entropy(X, [0, 1, 2, 9]),
    lambda: nn.softmax_cross_entropy(X, y, reduction="all"),
    lambda: nn.mse_loss([1.0], [[1.0]]),
    lambda: nn.binary_cross_entropy([2.0], [1]),
    lambda: nn.matrix_multiply(X, X),
    lambda: nn.conv2d(images, np.ones((9, 9))),
    lambda: nn.conv2d(images[0, 0], np.ones((3, 3)), stride=0),
    lambda: nn.conv2d(images[0, 0], np.ones((3, 3)), padding="full"),
    lambda: nn.conv2d(images[0, 0], np.ones((3, 3)), strides=2),
    lambda: nn.conv_transpose2d(images, np.ones((2, 2))),
    lambda: nn.max_pool2d(images, 9),
    lambda: nn.max_pool(images, "two"),
    lambda: nn.adaptive_avg_pool2d(images, 0),
    lambda: nn.interpolate(images, -1),
    lambda: nn.layer_norm(X, weight=[1.0]),
    lambda: nn.dropout(X, 1.5),
    lambda: nn.one_hot([0.5]),
    lambda: nn.accuracy(X, [1]),
    lambda: nn.confusion_matrix(X, "y"),
    lambda: nn.class_report(X, y + 9),
    lambda: nn.auc([0.1], [7]),
    lambda: nn.split(X, [1, 2]),
    lambda: next(nn.batches(X, y[:2], 2)),
    lambda: nn.normalize("X"),
    # by hand
    lambda: nn.forward_perceptron(X, np.ones((2, 1)), 0.0),
    lambda: nn.forward_mlp(X, np.ones((2, 2)), 0.0, np.ones((2, 2)), 0.0),
    lambda: nn.gradient_descent(X, y, np.ones((3, 1)), 0.0, -1, 1, 2, nn.mse_loss),
    lambda: nn.train_mlp(X, y, hidden=(0,)),
    lambda: nn.numerical_gradient(X, y, {"W": [1]}, nn.mse_loss, np.matmul),
    # layers
    lambda: nn.Conv2D(-1),
    lambda: nn.Conv2D(4, 3, padding="full"),
    lambda: nn.Conv2D(1, 8, 3),
    lambda: nn.Dense("ten"),
    lambda: nn.Dense(10, activation="rellu"),
    lambda: nn.Dropout(2),
    lambda: nn.Sequential(3),
    lambda: nn.Parameter("text"),
    lambda: model()(np.ones((2, 5))),
    lambda: model()("text"),
    lambda: model()(X, X),
    lambda: tiny_model()(images[:, :, :2, :2]),
    lambda: nn.Sequential(nn.Conv2D(2, 3), nn.Dense(2))(np.ones((2, 5))),
    lambda: model().predict(np.ones((2, 5))),
    lambda: model().predict(X, batch_size=0),
    lambda: model().predict(X, verbose=0),
    lambda: model().initialize("3"),
    lambda: model().summary((9,)),
    lambda: model().clone(units=3),
    lambda: model().append("layer"),
    lambda: model()[9],
    lambda: setattr(model()[0], "weight", np.ones((7, 7))),
    lambda: setattr(model()[0], "units", 3),
    lambda: setattr(model(), "training", "no"),
    lambda: nn.functional_call(model(), {"weight": X}, X),
    lambda: nn.models.mlp("wide"),
    lambda: nn.models.load_tiny_cnn("mnist"),
    # tensors and transforms
    lambda: nn.Tensor("text"),
    lambda: nn.Tensor([1.0]) + "text",
    lambda: nn.Tensor([1.0, 2.0]) @ nn.Tensor([1.0]),
    lambda: nn.Tensor([1.0]).reshape(7),
    lambda: nn.Tensor([1.0]).sum(axis=4),
    lambda: nn.Tensor([1.0])[9],
    lambda: np.concatenate([nn.Tensor([1.0]), nn.Tensor([[1.0]])]),
    lambda: nn.Tensor([1.0]).backward(),
    lambda: float(nn.Tensor([1.0], requires_grad=True)),
    lambda: nn.grad(3),
    lambda: nn.grad(np.sin)("text"),
    lambda: nn.grad(np.sin)(X),
    lambda: nn.jacobian(np.sin)({}),
    lambda: nn.hessian(np.sum)([1, 2]),
    lambda: nn.vjp(np.sin, "text"),
    lambda: nn.vjp(np.sin, X)[1](np.ones(9)),
    lambda: nn.jvp(np.sin, X, np.ones(9)),
    # training
    lambda: nn.Adam(-1),
    lambda: nn.Adam(lr=0.1),
    lambda: nn.SGD(0.1).step(),
    lambda: nn.SGD(0.1).update(np.ones(3), np.ones(2)),
    lambda: nn.Cosine(-1),
    lambda: nn.EarlyStopping(patience=-1),
    lambda: nn.clip_by_norm(np.ones(3), -1),
    lambda: nn.Augment(3),
    lambda: trainer(optimizer="addam"),
    lambda: trainer(loss="crossentropy"),
    lambda: trainer(metrics=["acc"]),
    lambda: trainer(lr=0.1),
    lambda: trainer(callbacks=3),
    lambda: trainer().fit(X, [0, 1, 2, 7]),
    lambda: trainer().fit(X, y[:2]),
    lambda: trainer().fit(np.ones((4, 9)), y),
    lambda: trainer().fit("X", y),
    lambda: trainer().fit(X, y, epochs=0),
    lambda: trainer().fit(X, y, validation=(X, y[:1])),
    lambda: trainer().fit(X, y, validation=7),
    lambda: trainer().fit(X, y, resume="nowhere.safetensors"),
    lambda: trainer().fit([(X, y[:2])]),
    lambda: trainer().evaluate(X, y[:2]),
    lambda: trainer().train_step((X, y)),
    lambda: trainer(callbacks=[nn.EarlyStopping("los")]).fit(X, y),
    # files and data
    lambda: nn.load("nowhere.safetensors"),
    lambda: nn.save("model", model()),
    lambda: nn.save_arrays("x.safetensors", {"a": "text"}),
    lambda: nn.load_mnist("training"),
    lambda: nn.load_image_folder("nowhere"),
    lambda: nn.load_picture("nowhere.png"),
    lambda: nn.read_idx("nowhere"),
    lambda: nn.prepare_digit("text"),
    # pictures
    lambda: nn.visual.show_filters(3),
    lambda: nn.visual.show_activations(tiny_model(), np.ones((9, 9))),
    lambda: nn.visual.show_confusion_matrix(np.ones(3)),
    lambda: nn.visual.show_history({}),
    lambda: nn.explain_conv2d(images[0, 0], "edges", 99, 0),
    lambda: nn.explain(tiny_model(), "image"),
]  # fmt: skip
