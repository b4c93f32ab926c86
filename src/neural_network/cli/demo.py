"""``neural-network demo``: feature maps of a digit and two trained networks, in under a minute."""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

from neural_network.array_files import save_arrays
from neural_network.by_hand import forward_mlp, train_mlp
from neural_network.checks import Array
from neural_network.cli.data import Pictures, as_inputs
from neural_network.cli.models import OF_DIGITS, notes_to_save
from neural_network.cli.output import Force, confirm_overwrite, make_folder, predicted, print_files
from neural_network.cli.settings import checked_settings, make_optimizer
from neural_network.datasets import load_mnist, one_hot
from neural_network.layers.saving import save as save_model
from neural_network.models import tiny_cnn
from neural_network.training.metrics import accuracy
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
) -> None:
    """Draw feature maps of a digit, train two networks on 5,000 digits, and list the files."""
    os.environ["MPLBACKEND"] = "Agg"
    paths = {result: save / file for result, file in FILES.items()}
    confirm_overwrite(list(paths.values()), force=force)
    make_folder("--save", save)
    console = Console()
    start = perf_counter()
    images, labels = load_mnist()
    five = images[0].astype(float)
    title = f"Digit: {labels[0]}"
    save_figure(show_feature_maps(five, "edges", title=title), paths[FEATURES])
    both = show_feature_maps(five, ["horizontal", "vertical"], title=title)
    save_figure(both, paths[EXERCISE])

    parameters, history = _train(console, images, labels)
    save_figure(show_history(history), paths[CURVE])
    save_arrays(paths[WEIGHTS], parameters)
    reached = history["test accuracy"][-1]
    console.print(
        f"A 2-layer network, {HIDDEN} hidden units, {EPOCHS} epochs by hand-written gradients: "
        f"{reached:.1%} of 1,000 test digits right."
    )
    _train_cnn(console, images, labels, paths)

    print_files(console, "Files of the demo", paths)
    console.print(f"Took {perf_counter() - start:.0f} s.")


def _train(
    console: Console, images: Array, labels: Array
) -> tuple[dict[str, Array], dict[str, list[float]]]:
    """Train on the shipped digits; return the weights and the measures of each epoch."""
    X, y = _as_rows(images), one_hot(labels, 10)
    test_images, test_labels = load_mnist("test")
    X_test = _as_rows(test_images)
    history: dict[str, list[float]] = {"training loss": [], "test accuracy": []}

    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("training", total=EPOCHS)

        def measure(epoch: int, loss: float, p: dict[str, Array]) -> None:
            share = accuracy(forward_mlp(X_test, **p)[1], test_labels)
            history["training loss"].append(loss)
            history["test accuracy"].append(share)
            line = f"epoch {epoch}/{EPOCHS}, loss {loss:.4f}, test accuracy {share:.1%}"
            progress.update(task, advance=1, description=line)
            if not console.is_terminal:
                console.print(line)

        p, _ = train_mlp(
            X, y, hidden=(HIDDEN,), lr=LR, num_epochs=EPOCHS, batch_size=BATCH_SIZE, rng=SEED,
            after_epoch=measure,
        )  # fmt: skip
    return p, history


def _train_cnn(console: Console, images: Array, labels: Array, paths: dict[str, Path]) -> None:
    """Train a convolutional network with the defaults of ``neural-network train``."""
    settings = checked_settings({})
    model = tiny_cnn(rng=SEED)
    trainer = Trainer(model, make_optimizer(settings), rng=SEED)
    pictures = Pictures(as_inputs(images), labels, OF_DIGITS.classes)
    history = trainer.fit(
        pictures.X, pictures.y, epochs=settings.epochs, batch_size=settings.batch_size
    )
    test_images, test_labels = load_mnist("test")
    outputs = predicted(console, model, as_inputs(test_images), "testing")
    console.print(
        f"A convolutional network of {model.summary().parameters:,} parameters, "
        f"{settings.epochs} epochs by the Trainer: "
        f"{accuracy(outputs, test_labels):.1%} of 1,000 test digits right."
    )
    save_figure(show_history(history), paths[CNN_CURVE])
    save_model(model, paths[CNN], notes=notes_to_save("mnist", pictures))


def _as_rows(images: Array) -> Array:
    """Flatten pictures to rows of numbers from 0 to 1."""
    return images.reshape(len(images), -1).astype(np.float32) / 255
