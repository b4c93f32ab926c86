"""Three ways to compute a gradient: by hand, by a tape, and by differences."""

import numpy as np

from neural_network import (
    backward_mlp,
    forward_mlp,
    grad,
    initial_parameters,
    load_mnist,
    numerical_gradient,
    one_hot,
)

images, labels = load_mnist()
X, y = images[:20].reshape(20, -1)[:, 200:220] / 255, one_hot(labels[:20], 10)
p = initial_parameters([20, 8, 10], rng=0, dtype=float)


def loss(p):
    """The 2-layer network in plain NumPy: without gradients."""
    Z1 = X @ p["W1"] + p["b1"]
    A1 = np.maximum(0, Z1)
    Z2 = A1 @ p["W2"] + p["b2"]
    shares = np.exp(Z2 - np.max(Z2, axis=1, keepdims=True))
    A2 = shares / np.sum(shares, axis=1, keepdims=True)
    return -np.mean(np.sum(y * np.log(A2 + 1e-15), axis=1))


tape = grad(loss)(p)
A1, A2 = forward_mlp(X, **p)
by_hand = backward_mlp(X, A1, A2, y, p["W1"], p["W2"], X @ p["W1"] + p["b1"])
differences = numerical_gradient(X, y, p, lambda out, y: out, lambda X, p: loss(p), h=1e-5)

print("      tape - by hand   tape - differences")
for name, hand in zip(p, by_hand, strict=True):
    apart = [np.abs(tape[name] - other).max() for other in (hand, differences[name])]
    print(f"{name}:   {apart[0]:12.0e}   {apart[1]:12.0e}")
    assert apart[0] < 1e-12
    assert apart[1] < 1e-6
print("They agree.")
