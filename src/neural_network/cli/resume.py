"""``neural-network resume``: continue a training that was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neural_network.cli.models import CHECKPOINT, SETTINGS_FILE, is_run
from neural_network.cli.output import Json, NoPicture, Quiet, Report
from neural_network.cli.settings import checked_settings, read_settings
from neural_network.cli.training import SHEET, perform
from neural_network.errors import ArgumentError, sentence


def resume(
    out: Annotated[Path, typer.Argument(help="The folder that `neural-network train` made.")],
    no_picture: NoPicture = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Continue from the last checkpoint; the result is that of an uninterrupted training."""
    for name in (SETTINGS_FILE, CHECKPOINT):
        if not (out / name).is_file():
            expected = "a folder that `neural-network train` has made"
            has_none = f"has no {name}" if out.exists() else "does not exist"
            received = f"{out}, which {has_none}{_runs_near(out)}"
            raise ArgumentError(sentence("resume", "OUT", expected, received))
    # Before there was this setting, all pictures were read in grey.
    settings = checked_settings(
        {"grey": True, **read_settings(out / SETTINGS_FILE), "out": str(out)}
    )
    # A training that draws has drawn its pictures before the first checkpoint.
    picture = not no_picture and (out / SHEET).exists()
    perform(settings, Report(json=json, quiet=quiet), resume=True, picture=picture)


def _runs_near(out: Path) -> str:
    """Return which folder was probably meant: one in it, that of a file, or one beside it."""
    if out.is_file():
        found = [out.parent] if is_run(out.parent) else []
    else:
        around = out if out.is_dir() else Path()
        found = sorted(inside for inside in around.glob("*") if is_run(inside))
    if not found:
        return ""
    return f"; did you mean {' or '.join(map(str, found[:3]))}?"
