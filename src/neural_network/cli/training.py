"""A training in a folder, for ``train`` and ``resume``."""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import typer

from neural_network.cli.callbacks import Begin, Save, Terminated, WhenTerminated
from neural_network.cli.changes import augmentation
from neural_network.cli.contact_sheet import draw_contact_sheet
from neural_network.cli.data import DATA, Pictures, load_pictures, split_off
from neural_network.cli.inspection import (
    tell,
    warn_of_a_falling_loss,
    warn_of_an_early_epoch,
    warn_of_guessing,
)
from neural_network.cli.models import CHECKPOINT, MODEL, SETTINGS_FILE, notes_to_save
from neural_network.cli.output import Report, before_writing, make_folder
from neural_network.cli.preparation import Preparation
from neural_network.cli.settings import Settings, class_weights, make_optimizer, write_settings
from neural_network.cli.start import continued, preparation, start_of, with_its_classes
from neural_network.cli.words import error_in_options, hint_in_options
from neural_network.errors import ArgumentError, DivergenceError, brief, sentence
from neural_network.files import real_path
from neural_network.kernels.runtime.threads import set_num_threads
from neural_network.layers.containers import Sequential
from neural_network.layers.saving import save
from neural_network.models import MODELS
from neural_network.training.callbacks import CSVLog, EarlyStopping
from neural_network.training.history import History
from neural_network.training.interrupts import TrainingInterrupted
from neural_network.training.metrics import accuracy
from neural_network.training.trainer import Trainer
from neural_network.visual import save_figure, show_history

LOG, SHEET = "log.csv", "pictures.png"
# Where what a training has written goes if its numbers become too large.
DIVERGED = "diverged"
# The exit code then, so that a script can tell it from a wrong option.
EXIT_DIVERGED = 3
# The most work that is lost when the process is killed.
SECONDS_BETWEEN_CHECKPOINTS = 30.0


def outputs(settings: Settings, *, picture: bool) -> dict[str, Path]:
    """Return each result → its file.

    Raises:
        ArgumentError: ``save`` is one of the other files, or in no existing folder.
    """
    out = Path(settings.out)
    drawn = {
        "some of the pictures": out / SHEET,
        "the learning curves": out / "history.png",
    }
    files = {
        "all settings": out / SETTINGS_FILE,
        "the checkpoint to resume from": out / CHECKPOINT,
        "the measures of each epoch": out / LOG,
        **(drawn if picture else {}),
    }
    model = Path(settings.save) if settings.save else out / MODEL
    if real_path(model) in [real_path(path) for path in [*files.values(), *drawn.values()]]:
        raise ArgumentError(sentence("train", "--save", "a file of its own", str(model)))
    if settings.save and real_path(model.parent) != real_path(out) and not model.parent.is_dir():
        raise ArgumentError(
            sentence("train", "--save", "a file in a folder that exists", str(model))
        )
    return {**files, "the trained model": model}


def perform(settings: Settings, report: Report, *, resume: bool, picture: bool) -> None:
    """Train from the beginning or from the checkpoint, write the files, print the results."""
    os.environ["MPLBACKEND"] = "Agg"
    start = perf_counter()
    out, files = Path(settings.out), outputs(settings, picture=picture)
    if settings.threads:
        try:
            set_num_threads(settings.threads)
        except ArgumentError as error:
            reason = str(error).removeprefix("set_num_threads: n: ")
            raise ArgumentError(f"train: --threads: {reason}") from error
    with before_writing():
        begun = start_of(settings)
        prepared = preparation(settings, begun)
        with _telling_of_notes(settings, prepared, report):
            pictures = load_pictures("train", settings.data, "train", prepared, report)
        # The file of settings holds what was done.
        way = "resize" if settings.data in DATA else prepared.way
        settings = replace(settings, prepare=way)
        if len(pictures.classes) < 2:
            raise ArgumentError(
                sentence("train", "--data", "two classes or more", len(pictures.classes))
            )
        if begun is not None:
            pictures = with_its_classes(begun, pictures)
        learned, held_out = split_off(pictures, settings.validation, settings.seed)
        if begun is None:
            model = _model(settings, pictures)
        else:
            model = continued(begun, settings, pictures, report)
        trainer = _trainer(model, settings, learned, files, picture=picture)
        tell(report, settings, pictures, learned, held_out)
    make_folder("--out", out)
    parameters = model.summary().parameters
    report.result(
        f"{settings.model} with {parameters:,} parameters; {len(learned.y):,} "
        f"pictures to learn from, {len(held_out.y) if held_out else 0:,} held out for validation"
    )
    trainer.progress = not report.quiet
    history, kept = _fit(trainer, settings, learned, held_out, report, resume=resume)
    model.eval()
    way = prepared.way if settings.data not in DATA else DATA[settings.data].prepared
    save(model, files["the trained model"], notes=notes_to_save(pictures, way))
    if picture:
        save_figure(show_history(history), files["the learning curves"])
    measures = {name: history[name][kept - 1] for name in history}
    tested = _test(settings, model, report) if settings.data in DATA else {}
    last = ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in measures.items())
    report.result(f"After epoch {kept}: {last}.")
    if not warn_of_guessing(report, settings, learned, held_out, measures, trainer.step):
        warn_of_a_falling_loss(report, settings, trainer.history)
    seconds = perf_counter() - start
    report.files("Files of the training", files)
    report.result(f"Took {seconds:.0f} s.")
    report.end(
        model=settings.model,
        parameters=parameters,
        classes=dict(
            zip(
                pictures.classes,
                np.bincount(pictures.y, minlength=len(pictures.classes)),
                strict=True,
            )
        ),
        colour=pictures.X.shape[1] == 3,
        training_pictures=len(learned.y),
        validation_pictures=len(held_out.y) if held_out else 0,
        epochs=trainer.epoch,
        weights_of_epoch=kept,
        measures=measures,
        **tested,
        files={path.name: path for path in files.values()},
        seconds=round(seconds, 3),
    )


@contextmanager
def _telling_of_notes(settings: Settings, prepared: Preparation, report: Report) -> Iterator[None]:
    """Say that a folder's pictures are prepared as the notes of the start say, or name the cure."""
    if settings.prepare != "auto" or settings.data in DATA or prepared.way != "digit":
        yield
        return
    name = Path(settings.model).name
    other = "--prepare resize brings other pictures to the size that it reads"
    try:
        yield
    except ArgumentError as error:
        told = f"the notes of {name} say that it reads photographs of digits"
        raise ArgumentError(f"{error}; {told}; {other}") from error
    report.note(
        f"The pictures are prepared as handwritten digits, as the notes of {name} say; {other}."
    )


def _model(settings: Settings, pictures: Pictures) -> Sequential:
    try:
        return MODELS[settings.model](
            classes=len(pictures.classes), input_shape=pictures.X.shape[1:], rng=settings.seed
        )
    except ArgumentError as error:  # pictures that are too small for the model
        raise ArgumentError(f"train: --model {settings.model}: {error}") from error


def _weights(settings: Settings, learned: Pictures) -> list[float] | str | None:
    """Return a weight for each class.

    Raises:
        ArgumentError: a weight of a class that there is not.
    """
    if settings.class_weights == "none":
        return None
    if settings.class_weights == "balanced":
        return "balanced"
    given = class_weights("train", "--class-weights", settings.class_weights)
    for name in given:
        if name not in learned.classes:
            expected = f"names of classes ({', '.join(learned.classes)})"[:300]
            raise ArgumentError(sentence("train", "--class-weights", expected, brief(name)))
    return [given.get(name, 1.0) for name in learned.classes]


def _trainer(
    model: Sequential,
    settings: Settings,
    learned: Pictures,
    files: dict[str, Path],
    *,
    picture: bool,
) -> Trainer:
    out = Path(settings.out)
    checkpoint = Save(out / CHECKPOINT, seconds=SECONDS_BETWEEN_CHECKPOINTS)

    def begin() -> None:
        write_settings(out / SETTINGS_FILE, settings)
        if picture:
            draw_contact_sheet(learned, files["some of the pictures"])

    stopping = [EarlyStopping(patience=settings.early_stopping)] if settings.early_stopping else []
    return Trainer(
        model,
        make_optimizer(settings),
        callbacks=[
            *stopping,
            CSVLog(out / LOG),
            Begin(begin, checkpoint),
            checkpoint,
            WhenTerminated(checkpoint),
        ],
        rng=settings.seed,
        augment=augmentation("train", "--augment", settings.augment),
        average=settings.average or None,
        class_weights=_weights(settings, learned),
    )


def _fit(
    trainer: Trainer,
    settings: Settings,
    learned: Pictures,
    held_out: Pictures | None,
    report: Report,
    *,
    resume: bool,
) -> tuple[History, int]:
    """Return the history, and the epoch of which the model has the weights."""
    out = Path(settings.out)
    try:
        with _told(report):
            history = trainer.fit(
                learned.X,
                learned.y,
                epochs=settings.epochs,
                batch_size=settings.batch_size,
                validation=None if held_out is None else (held_out.X, held_out.y),
                resume=out / CHECKPOINT if resume else None,
            )
    except DivergenceError as error:
        kept = _put_aside(out)
        typer.echo(f"neural-network: {error_in_options(error, settings)}", err=True)
        report.note(f"What was written is in {kept}; the next try may use {out} again.")
        raise typer.Exit(EXIT_DIVERGED) from None
    except TrainingInterrupted as stopped:
        typer.echo(f"neural-network: {stopped}", err=True)
        command = f"neural-network resume {shlex.quote(str(out))}"
        typer.echo(f"{command} goes on from here", err=True)
        number = stopped.number if isinstance(stopped, Terminated) else 2
        raise typer.Exit(128 + number) from None
    if any(isinstance(callback, Begin) and callback.was_over for callback in trainer.callbacks):
        model = shlex.quote(settings.save or str(out / MODEL))
        report.note(
            f"The training in {out} had ended before: nothing was left to train. neural-network "
            f"train --model {model} begins another with its weights."
        )
    for callback in trainer.callbacks:
        if isinstance(callback, EarlyStopping) and callback.restored_epoch:
            warn_of_an_early_epoch(report, settings, callback.restored_epoch, trainer.epoch)
            return history, callback.restored_epoch
    return history, trainer.epoch


@contextmanager
def _told(report: Report) -> Iterator[None]:
    """Send the progress to standard error, and warnings as notes."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        report.note(f"neural-network: {hint_in_options(str(message))}")

    with redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.showwarning = show
        yield


def _put_aside(out: Path) -> Path:
    """Move what a diverged training has written, so that it is not in the way of the next try."""
    kept = out / DIVERGED
    kept.mkdir(exist_ok=True)
    for name in (SETTINGS_FILE, CHECKPOINT, LOG, SHEET):
        if (out / name).exists():
            (out / name).replace(kept / name)
    return kept


def _test(settings: Settings, model: Sequential, report: Report) -> dict[str, Any]:
    """Print the accuracy on the test pictures, which are used for nothing else."""
    test = load_pictures("train", settings.data, "test", Preparation(), report)
    share = accuracy(report.predicted(model, test.X, "testing"), test.y)
    report.result(f"{share:.1%} of {len(test.y):,} test pictures right.")
    return {"test_pictures": len(test.y), "test_accuracy": share}
