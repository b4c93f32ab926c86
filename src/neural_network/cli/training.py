"""A training in a folder, for ``train`` and ``resume``."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from time import perf_counter

import typer
from rich.console import Console

from neural_network.cli.data import DATA, Pictures, load_pictures, split_off
from neural_network.cli.models import notes_to_save
from neural_network.cli.output import make_folder, predicted, print_files
from neural_network.cli.settings import Settings, augmentation, make_optimizer, write_settings
from neural_network.errors import ArgumentError, sentence
from neural_network.files import real_path
from neural_network.layers.containers import Sequential
from neural_network.layers.saving import save
from neural_network.models import MODELS
from neural_network.training.callback_base import Callback
from neural_network.training.callbacks import Checkpoint, CSVLog
from neural_network.training.history import History
from neural_network.training.interrupts import TrainingInterrupted
from neural_network.training.metrics import accuracy
from neural_network.training.trainer import Trainer
from neural_network.visual import save_figure, show_history

SETTINGS, CHECKPOINT = "settings.toml", "checkpoint.safetensors"
# The most work that is lost when the process is killed.
SECONDS_BETWEEN_CHECKPOINTS = 30.0


def outputs(settings: Settings) -> dict[str, Path]:
    """Return each result → its file.

    Raises:
        ArgumentError: ``save`` is one of the other files, or in no existing folder.
    """
    out = Path(settings.out)
    files = {
        "all settings": out / SETTINGS,
        "the checkpoint to resume from": out / CHECKPOINT,
        "the measures of each epoch": out / "log.csv",
        "the learning curves": out / "history.png",
    }
    model = Path(settings.save) if settings.save else out / "model.safetensors"
    if real_path(model) in [real_path(path) for path in files.values()]:
        raise ArgumentError(sentence("train", "--save", "a file of its own", str(model)))
    if settings.save and real_path(model.parent) != real_path(out) and not model.parent.is_dir():
        raise ArgumentError(
            sentence("train", "--save", "a file in a folder that exists", str(model))
        )
    return {**files, "the trained model": model}


class _Begin(Callback):
    """Write the settings and a first checkpoint, so that ``resume`` works from the start.

    When ``fit`` begins, the model has been checked with the data, and the files are locked.
    """

    comes_last = True

    def __init__(self, settings: Settings, path: Path, checkpoint: Checkpoint) -> None:
        self.settings, self.path, self.checkpoint = settings, path, checkpoint

    def on_fit_begin(self, trainer: Trainer) -> None:
        if trainer.step == 0:
            write_settings(self.path, self.settings)
            self.checkpoint.write(trainer)


class _Checkpoint(Checkpoint):
    """A checkpoint whose message leaves out how to continue, which the command says."""

    def on_interrupt(self, trainer: Trainer) -> str:
        self.write(trainer)
        return f"saved {self.path}"


def perform(settings: Settings, *, resume: bool) -> None:
    """Train from the beginning or from the checkpoint, write the files, print the results."""
    os.environ["MPLBACKEND"] = "Agg"
    start = perf_counter()
    console = Console()
    out, files = Path(settings.out), outputs(settings)
    with console.status("reading the pictures"):
        size = (settings.size, settings.size) if settings.size else None
        pictures = load_pictures("train", settings.data, "train", size)
    if len(pictures.classes) < 2:
        raise ArgumentError(
            sentence("train", "--data", "two classes or more", len(pictures.classes))
        )
    learned, held_out = split_off(pictures, settings.validation, settings.seed)
    model = _model(settings, pictures)
    typer.echo(
        f"{settings.model} with {model.summary().parameters:,} parameters; {len(learned.y):,} "
        f"pictures to learn from, {len(held_out.y) if held_out else 0:,} held out for validation"
    )
    make_folder("--out", out)
    history = _fit(model, settings, learned, held_out, out, resume=resume)
    model.eval()
    notes = notes_to_save(settings.data, pictures)
    save(model, files["the trained model"], notes=notes)
    save_figure(show_history(history), files["the learning curves"])
    if settings.data in DATA:
        _test(console, settings, model)

    print_files(console, "Files of the training", files)
    typer.echo(f"Took {perf_counter() - start:.0f} s.")


def _model(settings: Settings, pictures: Pictures) -> Sequential:
    try:
        return MODELS[settings.model](
            classes=len(pictures.classes), input_shape=pictures.X.shape[1:], rng=settings.seed
        )
    except ArgumentError as error:  # pictures that are too small for the model
        raise ArgumentError(f"train: --model {settings.model}: {error}") from error


def _fit(
    model: Sequential,
    settings: Settings,
    learned: Pictures,
    held_out: Pictures | None,
    out: Path,
    *,
    resume: bool,
) -> History:
    checkpoint = _Checkpoint(out / CHECKPOINT, seconds=SECONDS_BETWEEN_CHECKPOINTS)
    begin = _Begin(settings, out / SETTINGS, checkpoint)
    trainer = Trainer(
        model,
        make_optimizer(settings),
        callbacks=[CSVLog(out / "log.csv"), begin, checkpoint],
        rng=settings.seed,
        augment=augmentation("train", "--augment", settings.augment),
        average=settings.average or None,
    )
    try:
        return trainer.fit(
            learned.X,
            learned.y,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            validation=None if held_out is None else (held_out.X, held_out.y),
            resume=checkpoint.path if resume else None,
        )
    except TrainingInterrupted as stopped:
        typer.echo(f"neural-network: {stopped}", err=True)
        command = f"neural-network resume {shlex.quote(str(out))}"
        typer.echo(f"{command} goes on from here", err=True)
        raise typer.Exit(130) from None


def _test(console: Console, settings: Settings, model: Sequential) -> None:
    """Print the accuracy on the test pictures, which are used for nothing else."""
    test = load_pictures("train", settings.data, "test", None)
    share = accuracy(predicted(console, model, test.X, "testing"), test.y)
    typer.echo(f"{share:.1%} of {len(test.y):,} test pictures right.")
