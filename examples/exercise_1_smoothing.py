"""Exercise 1: a 2×2 mean filter smooths a 4×4 picture into a 3×3 one."""

import numpy as np

from neural_network import conv2d
from neural_network.visual import save_figure, show_feature_maps

image = np.array([[1, 1, 1, 1], [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1]])
mean = np.full((2, 2), 0.25)

smooth = conv2d(image, mean)
print("Picture:", *image, sep="\n")
print("Smoothed:", *smooth, sep="\n")
print("Shape:", smooth.shape, "= 4 - 2 + 1 in each direction")
print("Largest step between neighbours:", np.abs(np.diff(image)).max(), "before,",
      np.abs(np.diff(smooth)).max(), "after")  # fmt: skip

figure = show_feature_maps(image, {"mean": mean}, title="Picture")
save_figure(figure, "exercise_1.png")
