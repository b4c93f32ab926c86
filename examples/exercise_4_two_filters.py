"""Exercise 4: two filters in one call, and what each of them finds."""

import numpy as np

from neural_network import conv2d, load_mnist
from neural_network.visual import draw_feature_maps, save_figure

images, labels = load_mnist()
image = images[0].astype(float)
filters = {
    "horizontal": np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]]),
    "vertical": np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]),
}

# (2, 3, 3) filters over a (28, 28) picture give (2, 26, 26): a map for each.
stacked = conv2d(image, np.stack(list(filters.values())))
maps = dict(zip(filters, stacked, strict=True))
print("Input Image Shape:", image.shape)
for name, values in maps.items():
    print(f"{name.capitalize()} Feature Map Shape:", values.shape)
# Turning the picture on its side turns one question into the other.
turned = conv2d(image.T, filters["horizontal"]).T
print("Vertical map = horizontal map of the transposed digit:", np.array_equal(turned, stacked[1]))

figure = draw_feature_maps(image, filters, maps, title=f"Digit: {labels[0]}")
save_figure(figure, "exercise_4.png")
