"""The article's example: the first MNIST digit under an edge filter."""

import numpy as np

from neural_network import conv2d, load_mnist
from neural_network.visual import save_figure, show_feature_maps

images, labels = load_mnist()
image = images[0].astype(float)
# Eight times the pixel, less its eight neighbours: 0 wherever the paper is even.
edges = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])

feature_map = conv2d(image, edges, stride=1)
print(f"Input Image Shape: {image.shape}\nFeature Map Shape: {feature_map.shape}")

figure = show_feature_maps(image, {"edges": edges}, title=f"Digit: {labels[0]}")
save_figure(figure, "article_example.png")
