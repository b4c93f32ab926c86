"""Train networks of two and three layers on the shipped digits, with gradients derived by hand."""

import numpy as np

from neural_network import accuracy, forward_mlp, forward_mlp_3layer, load_mnist, one_hot, train_mlp
from neural_network.visual import save_figure, show_history


def rows(images):
    """Flatten (n, 28, 28) pictures to (n, 784) numbers from 0 to 1."""
    return (images.reshape(len(images), -1) / 255).astype(np.float32)


images, labels = load_mnist()
test_images, test_labels = load_mnist("test")
curves = {}
for hidden, forward in [((64,), forward_mlp), ((64, 32), forward_mlp_3layer)]:
    parameters, losses = train_mlp(
        rows(images), one_hot(labels, 10), hidden=hidden, num_epochs=10, batch_size=50, rng=0
    )
    share = accuracy(forward(rows(test_images), **parameters)[-1], test_labels)
    print(f"{len(hidden) + 1} layers: {share:.1%} of {len(test_labels)} test digits")
    curves[f"{len(hidden) + 1} layers"] = losses

save_figure(show_history(curves), "train_by_hand.png")
