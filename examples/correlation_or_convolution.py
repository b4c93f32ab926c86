"""What ``flip=True`` changes: the vertical edge filter changes sign, the 8-centred one nothing."""

import numpy as np

from neural_network import conv2d, load_mnist, named_filter
from neural_network.visual import draw_feature_maps, save_figure

image = load_mnist()[0][0].astype(float)
filters, maps = {}, {}
for name in ("vertical", "edges"):
    kernel = named_filter(name)
    for flip in (False, True):
        title = f"{name}, flip={flip}"
        # flip=True slides the filter turned by 180°, which is what is drawn below the map.
        filters[title] = kernel[::-1, ::-1] if flip else kernel
        maps[title] = conv2d(image, kernel, flip=flip)

vertical, edges = (
    [maps[f"{name}, flip={flip}"] for flip in (False, True)] for name in ("vertical", "edges")
)
print("Vertical filter: the sign turns:", np.array_equal(vertical[0], -vertical[1]))
print("8-centred filter: nothing changes:", np.array_equal(edges[0], edges[1]))

save_figure(draw_feature_maps(image, filters, maps, title="Digit: 5"), "flip.png")
