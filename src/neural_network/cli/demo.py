"""``neural-network demo``: feature maps of a digit and two trained networks, in under a minute."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from time import perf_counter
from typing import Annotated

import numpy as np
import typer

from neural_network.array_files import save_arrays
from neural_network.by_hand import forward_mlp, train_mlp
from neural_network.checks import Array
from neural_network.cli.data import Pictures
from neural_network.cli.models import NOTES_OF_DIGITS, notes_to_save
from neural_network.cli.output import Force, Quiet, Report, confirm_overwrite, make_folder
from neural_network.cli.preparation import as_inputs
from neural_network.cli.settings import checked_settings, make_optimizer
from neural_network.datasets import load_mnist, one_hot
from neural_network.layers.saving import save as save_model
from neural_network.models import tiny_cnn
from neural_network.training.metrics import accuracy
from neural_network.training.progress import Progress
from neural_network.training.trainer import Trainer
from neural_network.visual import save_figure, show_feature_maps, show_history

# 50 divides the 5,000 digits, so that there is no small last batch with a noisy gradient.
HIDDEN, EPOCHS, BATCH_SIZE, LR, SEED = 128, 20, 50, 0.1, 0
# What is made, and the name of its file.
FEATURES = "the article's example: edges of the first digit"
EXERCISE = "exercise 4: horizontal and vertical edges"
CURVE = "the learning curves of the first network"
WEIGHTS = "its weights"
CNN_CURVE = "the learning curves of the convolutional network"
CNN = "the convolutional network"
FILES = {
    FEATURES: "feature_maps.png",
    EXERCISE: "exercise_4.png",
    CURVE: "loss_curve.png",
    WEIGHTS: "mlp_2layer.safetensors",
    CNN_CURVE: "cnn_history.png",
    CNN: "tiny_cnn.safetensors",
}


def demo(
    save: Annotated[Path, typer.Option(help="The folder for the results.")] = Path("demo"),
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Draw feature maps of a digit, train two networks on 5,000 digits, and list the files."""
    os.environ["MPLBACKEND"] = "Agg"
    paths = {result: save / file for result, file in FILES.items()}
    confirm_overwrite(list(paths.values()), force=force)
    make_folder("--save", save)
    report = Report(quiet=quiet)
    start = perf_counter()
    images, labels = load_mnist()
    five = images[0].astype(float)
    title = f"Digit: {labels[0]}"
    save_figure(show_feature_maps(five, "edges", title=title), paths[FEATURES])
    both = show_feature_maps(five, ["horizontal", "vertical"], title=title)
    save_figure(both, paths[EXERCISE])

    parameters, history = _train(report, images, labels)
    save_figure(show_history(history), paths[CURVE])
    save_arrays(paths[WEIGHTS], parameters)
    reached = history["test accuracy"][-1]
    report.result(
        f"A 2-layer network, {HIDDEN} hidden units, {EPOCHS} epochs by hand-written gradients: "
        f"{reached:.1%} of 1,000 test digits right."
    )
    _train_cnn(report, images, labels, paths)

    report.files("Files of the demo", paths)
    report.result(f"Took {perf_counter() - start:.0f} s.")


def _train(
    report: Report, images: Array, labels: Array
) -> tuple[dict[str, Array], dict[str, list[float]]]:
    """Train on the shipped digits; return the weights and the measures of each epoch."""
    X, y = _as_rows(images), one_hot(labels, 10)
    test_images, test_labels = load_mnist("test")
    X_test = _as_rows(test_images)
    history: dict[str, list[float]] = {"training loss": [], "test accuracy": []}

    progress = Progress(EPOCHS, shown=not report.quiet)

    def measure(epoch: int, loss: float, p: dict[str, Array]) -> None:
        share = accuracy(forward_mlp(X_test, **p)[1], test_labels)
        history["training loss"].append(loss)
        history["test accuracy"].append(share)
        progress.end_epoch({"loss": loss, "test accuracy": share})
        progress.begin_epoch(epoch + 1, None)

    with redirect_stdout(sys.stderr), progress:
        progress.begin_epoch(1, None)
        p, _ = train_mlp(
            X, y, hidden=(HIDDEN,), lr=LR, num_epochs=EPOCHS, batch_size=BATCH_SIZE, rng=SEED,
            after_epoch=measure,
        )  # fmt: skip
    return p, history


def _train_cnn(report: Report, images: Array, labels: Array, paths: dict[str, Path]) -> None:
    """Train a convolutional network with the defaults of ``neural-network train``."""
    settings = checked_settings({})
    model = tiny_cnn(rng=SEED)
    trainer = Trainer(model, make_optimizer(settings), rng=SEED, progress=not report.quiet)
    pictures = Pictures(as_inputs(images), labels, NOTES_OF_DIGITS.classes)
    with redirect_stdout(sys.stderr):
        history = trainer.fit(
            pictures.X, pictures.y, epochs=settings.epochs, batch_size=settings.batch_size
        )
    test_images, test_labels = load_mnist("test")
    outputs = report.predicted(model, as_inputs(test_images), "testing")
    report.result(
        f"A convolutional network of {model.summary().parameters:,} parameters, "
        f"{settings.epochs} epochs by the Trainer: "
        f"{accuracy(outputs, test_labels):.1%} of 1,000 test digits right."
    )
    save_figure(show_history(history), paths[CNN_CURVE])
    save_model(model, paths[CNN], notes=notes_to_save(pictures, "digit"))


def _as_rows(images: Array) -> Array:
    """Flatten pictures to rows of numbers from 0 to 1."""
    return images.reshape(len(images), -1).astype(np.float32) / 255
