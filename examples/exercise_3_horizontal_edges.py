"""Exercise 3: a filter for horizontal edges, on the first digit."""

import numpy as np

from neural_network import conv2d, load_mnist
from neural_network.visual import save_figure, show_feature_maps

images, labels = load_mnist()
image = images[0].astype(float)
horizontal = np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]])

feature_map = conv2d(image, horizontal)
print(f"Input Image Shape: {image.shape}\nFeature Map Shape: {feature_map.shape}")
# The sum of the row below less the sum of the row above: positive where ink begins
# as one reads downwards, negative where it ends, 0 along a vertical stroke.
row, column = np.unravel_index(feature_map.argmax(), feature_map.shape)
print(f"Strongest upper edge: row {row + 1}, column {column + 1}, value {feature_map.max():.0f}")

figure = show_feature_maps(image, {"horizontal": horizontal}, title=f"Digit: {labels[0]}")
save_figure(figure, "exercise_3.png")
