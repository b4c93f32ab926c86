"""Exercise 2: with stride 2 the filter stands on every other place only."""

import numpy as np

from neural_network import conv2d
from neural_network.visual import draw_feature_maps, save_figure

image = np.array([[1, 1, 1, 1], [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1]])
mean = np.full((2, 2), 0.25)

maps = {f"stride {stride}": conv2d(image, mean, stride=stride) for stride in (1, 2)}
for name, values in maps.items():
    print(name, values.shape, *values, sep="\n")
# A stride skips places and changes no number: the small map is a part of the large one.
print("Same numbers:", np.array_equal(maps["stride 2"], maps["stride 1"][::2, ::2]))

filters = dict.fromkeys(maps, mean)
save_figure(draw_feature_maps(image, filters, maps, title="Picture"), "exercise_2.png")
