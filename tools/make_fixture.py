"""Make the files of each format version that tests read: tools/make_fixture.py.

Run once for each version of the format, with the library of that time; an old fixture is
never made again, because what it shows is that yesterday's files are read today.
"""

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from neural_network import (
    Activation,
    BatchNorm,
    Callback,
    Checkpoint,
    Conv2D,
    Dense,
    Dropout,
    EarlyStopping,
    Flatten,
    GlobalAvgPool2D,
    MaxPool2D,
    ReduceOnPlateau,
    Residual,
    RMSprop,
    Sequential,
    Trainer,
    WarmUp,
    save,
    save_arrays,
)
from neural_network.layers.saving import FORMAT_VERSION
from neural_network.training import checkpoints

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


def make_trainer(*callbacks: Callback) -> Trainer:
    """Return a training with state in all places that a checkpoint stores."""
    return Trainer(
        Sequential(
            Conv2D(4, 3, activation="relu"),
            MaxPool2D(2),
            Flatten(),
            BatchNorm(),
            Dropout(0.3),
            Dense(3, l2=0.01),
        ),
        RMSprop(WarmUp(ReduceOnPlateau(0.01, patience=0), 1), 0.9, 1e-3, 0.5, centered=True),
        callbacks=[*callbacks, EarlyStopping(patience=3)],
        rng=3,
        class_weights={2: 2.0},
        clip_norm=1.0,
        accumulate=2,
        average=0.9,
        progress=False,
    )


def train(trainer: Trainer, resume: Path | None = None) -> dict[str, Any]:
    """Train on 30 small pictures, and return the final arrays and measures by name."""
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((30, 1, 8, 8)).astype(np.float32), rng.integers(0, 3, 30)
    history = trainer.fit(X, y, 4, batch_size=4, validation=(X[:9] * 1.1, y[:9]), resume=resume)
    measures = {f"history.{name}": np.array(numbers) for name, numbers in history.items()}
    return {**trainer.memory.arrays(), **measures}


class CopyInSecondEpoch(Callback):
    """Copy the checkpoint from the middle of the second epoch."""

    comes_last = True

    def __init__(self, source: Path, target: Path) -> None:
        self.source, self.target = source, target

    def on_step_end(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002
        """Copy the file that the callback before this one has written."""
        if (trainer.epoch, trainer.batch) == (1, 4):
            shutil.copy(self.source, self.target)


def make_model_fixture() -> None:
    """Write a model and its outputs."""
    name = f"model_v{FORMAT_VERSION}"
    if (FOLDER / f"{name}.safetensors").exists():
        print(f"{name} exists already; a new version of the format gets a new one")
        return
    rng = np.random.default_rng(0)
    model = make_model().initialize((1, 12, 12), rng=0)
    for _ in range(3):  # so that the running statistics are not those of the beginning
        model(rng.normal(1, 2, (8, 1, 12, 12)))
    model[0].freeze()
    X = rng.standard_normal((4, 1, 12, 12)).astype(np.float32)
    save(model, FOLDER / f"{name}.safetensors")
    save_arrays(FOLDER / f"{name}_outputs.safetensors", {"X": X, "outputs": model.predict(X)})


def make_checkpoint_fixture() -> None:
    """Write a checkpoint and the result of the training that was not interrupted."""
    name = f"checkpoint_v{checkpoints.FORMAT_VERSION}"
    target = FOLDER / f"{name}.safetensors"
    if target.exists():
        print(f"{name} exists already; a new version of the format gets a new one")
        return
    source = target.with_suffix(".running")
    result = train(make_trainer(Checkpoint(source, steps=1), CopyInSecondEpoch(source, target)))
    source.unlink()
    save_arrays(FOLDER / f"{name}_result.safetensors", result)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    make_model_fixture()
    make_checkpoint_fixture()
