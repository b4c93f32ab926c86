"""What prints, on a file or console of Windows, which takes few letters beyond ASCII."""

from __future__ import annotations

import numpy as np
import pytest

import neural_network as nn

MODEL = nn.models.tiny_cnn(rng=0)
IMAGE = np.random.default_rng(0).random((1, 28, 28), dtype=np.float32)
TRAINER = nn.Trainer(nn.Sequential(nn.Dense(2)), progress=False)
PRINTED = {
    "summary": MODEL.summary(),
    "explain": nn.explain(MODEL, IMAGE),
    "explain_gradient": nn.explain_gradient(lambda W: np.sum(W @ IMAGE[0]), np.ones((2, 28))),
    "its parts": nn.explain_gradient(lambda x: np.sum(x * x), np.ones(9)).lines,
    "explain_conv2d": nn.explain_conv2d(IMAGE[0], np.eye(3), 4, 5, flip=True),
    "class_report": nn.class_report([[0.1, 0.9], [0.8, 0.2]], [1, 0]),
    "history": TRAINER.fit(np.eye(2, dtype=np.float32), [0, 1], epochs=2),
    "trainer": TRAINER,
    "model": MODEL,
    "tensor": nn.Tensor([1.0], requires_grad=True),
    "callback": nn.EarlyStopping(),
    "optimizer": nn.Adam(1e-3),
}


@pytest.mark.parametrize("name", PRINTED)
def test_what_prints_is_ascii(name: str) -> None:
    for text in (str(PRINTED[name]), repr(PRINTED[name])):
        assert text.encode("ascii")
