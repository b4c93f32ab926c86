"""``neural-network train``: train a network on pictures."""

from __future__ import annotations

import inspect
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from neural_network.cli.models import SETTINGS_FILE, is_run, trained_model
from neural_network.cli.output import (
    Force,
    Json,
    NoPicture,
    Quiet,
    Report,
    check_folder,
    confirm_overwrite,
)
from neural_network.cli.settings import SETTINGS, checked_settings, read_settings
from neural_network.cli.training import outputs, perform
from neural_network.errors import ArgumentError, sentence


def train(
    file: Annotated[
        Path | None,
        typer.Argument(help="A TOML file whose keys are the options' names.", show_default=False),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The same, as an option.", show_default=False)
    ] = None,
    *,
    force: Force = False,
    no_picture: NoPicture = False,
    json: Json = False,
    quiet: Quiet = False,
    **options: Any,
) -> None:
    """Train a network on pictures. Ctrl-C stops; `neural-network resume` continues."""
    if file is not None and config is not None:
        raise ArgumentError("train: FILE and --config: expected one, received both")
    path = file or config
    if file is not None and options["augment"] and "=" in file.name and not file.exists():
        value = f"--augment {options['augment'][-1]},{file}"
        received = f"{file}; several augmentations are one value: {value}"
        raise ArgumentError(sentence("train", "FILE", "a TOML file", received))
    if path is not None and path == config and (path / SETTINGS_FILE).is_file():
        expected, received = (
            "a TOML file",
            f"the folder {path}; did you mean {path / SETTINGS_FILE}?",
        )
        raise ArgumentError(sentence("train", "--config", expected, received))
    values = {} if path is None else read_settings(path)
    values |= {
        name: _as_setting(value) for name, value in options.items() if value not in (None, [])
    }
    settings = checked_settings(values)
    picture = not no_picture
    out = Path(settings.out)
    check_folder("--out", out)
    advice = ""
    if is_run(out) and trained_model(out) is None:
        advice = f", neural-network resume {shlex.quote(str(out))} goes on with the training there"
    files = list(outputs(settings, picture=picture).values())
    confirm_overwrite(files, force=force, advice=advice)
    perform(settings, Report(json=json, quiet=quiet), resume=False, picture=picture)


def _as_setting(value: Any) -> Any:
    """Return the value of an option as a settings file has it."""
    if isinstance(value, list):  # of an option that may be repeated
        return ",".join(dict.fromkeys(value))
    return str(value) if isinstance(value, Path) else value


def _with_settings() -> inspect.Signature:
    """Return the signature of ``train`` with an option for each setting, for typer."""
    own = inspect.signature(train, eval_str=True).parameters
    settings = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=setting.metadata["option"],
        )
        for name, setting in SETTINGS.items()
    ]
    last = [own[name] for name in ("force", "no_picture", "json", "quiet")]
    return inspect.Signature([own["file"], own["config"], *settings, *last])


vars(train)["__signature__"] = _with_settings()
