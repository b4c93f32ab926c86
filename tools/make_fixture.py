"""Make the model file of format version 1 that tests read from now on: tools/make_fixture.py.

Run once for each version of the format, with the library of that time; an old fixture is
never made again, because what it shows is that yesterday's files are read today.
"""

from pathlib import Path

import numpy as np

from neural_network import (
    Activation,
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    GlobalAvgPool2D,
    MaxPool2D,
    Residual,
    Sequential,
    save,
    save_arrays,
)
from neural_network.layers.saving import FORMAT_VERSION

FOLDER = Path(__file__).parents[1] / "tests" / "fixtures"


def make_model() -> Sequential:
    """Return a residual inside a residual, with running statistics and a shared layer."""
    shared = Conv2D(4, 3, padding="same", bias=False, initializer="he")
    inner = Residual(shared, BatchNorm(momentum=0.8), Activation("relu"), shared)
    shortcut = Sequential(Conv2D(6, 1, stride=2, bias=False), BatchNorm())
    outer = Residual(inner, Conv2D(6, 3, stride=2, padding=1), shortcut=shortcut)
    return Sequential(
        Conv2D(4, 3, activation="relu"),
        MaxPool2D(2),
        outer,
        GlobalAvgPool2D(),
        Flatten(),
        Dense(3, l2=0.01),
    )


if __name__ == "__main__":
    name = f"model_v{FORMAT_VERSION}"
    if (FOLDER / f"{name}.safetensors").exists():
        raise SystemExit(f"{name} is there already; a new version of the format gets a new one")
    rng = np.random.default_rng(0)
    model = make_model().initialize((1, 12, 12), rng=0)
    for _ in range(3):  # so that the running statistics are not those of the beginning
        model(rng.normal(1, 2, (8, 1, 12, 12)))
    model[0].freeze()
    X = rng.standard_normal((4, 1, 12, 12)).astype(np.float32)
    FOLDER.mkdir(exist_ok=True)
    save(model, FOLDER / f"{name}.safetensors")
    save_arrays(FOLDER / f"{name}_outputs.safetensors", {"X": X, "outputs": model.predict(X)})
