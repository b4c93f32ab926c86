"""Draw the pictures of the documentation into docs/images."""

import os
import runpy
import sys
from pathlib import Path

import matplotlib as mpl

from neural_network import load_mnist
from neural_network.visual import save_figure, show_feature_maps

mpl.use("Agg")
root = Path(__file__).parents[1]
sys.path.insert(0, str(root))
folder = root / "docs" / "images"
folder.mkdir(exist_ok=True)
images, labels = load_mnist()
figure = show_feature_maps(
    images[0].astype(float), ["edges", "horizontal", "vertical"], title=f"Digit: {labels[0]}"
)
save_figure(figure, folder / "features.png", dpi=80)
from tests.datasets.photographs import draw  # noqa: E402  # a folder above this file's

draw(str(folder / "photographs.png"))
# The example writes flip.png into the folder where it is run.
os.chdir(folder)
runpy.run_path(str(root / "examples" / "correlation_or_convolution.py"))
runpy.run_path(str(root / "tools" / "draw_architecture.py"), run_name="__main__")
runpy.run_path(str(root / "tools" / "draw_pictures.py"), run_name="__main__")
