"""``neural-network resume``: continue a training that was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neural_network.cli.settings import checked_settings, read_settings
from neural_network.cli.training import CHECKPOINT, SETTINGS, perform
from neural_network.errors import ArgumentError, sentence


def resume(
    out: Annotated[Path, typer.Argument(help="The folder that `neural-network train` made.")],
) -> None:
    """Continue from the last checkpoint; the result is that of an uninterrupted training."""
    for name in (SETTINGS, CHECKPOINT):
        if not (out / name).is_file():
            expected = "a folder that `neural-network train` has made"
            received = f"{out}, which has no {name}"
            raise ArgumentError(sentence("resume", "OUT", expected, received))
    perform(checked_settings({**read_settings(out / SETTINGS), "out": str(out)}), resume=True)
