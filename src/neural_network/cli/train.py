"""``neural-network train``: train a network on pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from neural_network.cli.data import DATA
from neural_network.cli.output import confirm_overwrite
from neural_network.cli.settings import (
    CHANGES,
    KINDS_OF_VALUES,
    SCHEDULES,
    VERB,
    Settings,
    checked_settings,
    read_settings,
)
from neural_network.cli.training import outputs, perform
from neural_network.errors import ArgumentError
from neural_network.models import MODELS
from neural_network.training.optimizers import OPTIMIZERS


def _option(default: Any, text: str) -> Any:
    """Return an option that is None if not given, so that the file's value is used."""
    return typer.Option(help=text, show_default=str(default))


def train(
    file: Annotated[
        Path | None,
        typer.Argument(help="A TOML file whose keys are the options' names.", show_default=False),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The same, as an option.", show_default=False)
    ] = None,
    model: Annotated[str | None, _option(Settings.model, f"{', '.join(MODELS)}.")] = None,
    data: Annotated[
        str | None,
        _option(Settings.data, f"{', '.join(DATA)}, or a folder with a folder per class."),
    ] = None,
    size: Annotated[
        int | None,
        _option("as they are", "Bring a folder's pictures to squares of so many pixels a side."),
    ] = None,
    epochs: Annotated[int | None, _option(Settings.epochs, "Passes over the data.")] = None,
    batch_size: Annotated[int | None, _option(Settings.batch_size, "Pictures per step.")] = None,
    optimizer: Annotated[
        str | None, _option(Settings.optimizer, f"{', '.join(OPTIMIZERS)}.")
    ] = None,
    learning_rate: Annotated[
        float | None,
        _option(
            f"that of the optimizer; {OPTIMIZERS['adam'].typical_rate} for adam",
            "The highest rate of the schedule.",
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        _option(Settings.schedule, f"none, {', '.join(SCHEDULES)} (a tenth after each third)."),
    ] = None,
    weight_decay: Annotated[
        float | None, _option(Settings.weight_decay, "Weight decay of the optimizer.")
    ] = None,
    augment: Annotated[
        str | None,
        _option(
            Settings.augment,
            f"Random changes, joined by commas: none, or some of {', '.join(CHANGES.values())}.",
        ),
    ] = None,
    validation: Annotated[
        float | None, _option(Settings.validation, "The share of the data held out; 0 for none.")
    ] = None,
    seed: Annotated[int | None, _option(Settings.seed, "Seed of all random numbers.")] = None,
    average: Annotated[
        float | None,
        _option("0, none", "Decay of the average of the weights to save, such as 0.99."),
    ] = None,
    out: Annotated[Path | None, _option(Settings.out, "The folder for the results.")] = None,
    save: Annotated[
        Path | None, _option("OUT/model.safetensors", "The file of the trained model.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite without asking.")] = False,
) -> None:
    """Train a network on pictures. Ctrl-C stops; `neural-network resume` continues."""
    options = {name: value for name, value in locals().items() if name in KINDS_OF_VALUES}
    if file is not None and config is not None:
        raise ArgumentError(f"{VERB}: FILE and --config: expected one, received both")
    path = file or config
    values = {} if path is None else read_settings(path)
    values |= {
        name: str(value) if isinstance(value, Path) else value
        for name, value in options.items()
        if value is not None
    }
    settings = checked_settings(values)
    confirm_overwrite(list(outputs(settings).values()), force=force)
    perform(settings, resume=False)
