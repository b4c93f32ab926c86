"""The command: its subcommands, and errors converted to exit codes."""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from typing import Annotated

import typer

from neural_network import __version__
from neural_network.cli.check import check
from neural_network.cli.demo import demo
from neural_network.cli.evaluate import evaluate
from neural_network.cli.export import export
from neural_network.cli.features import features
from neural_network.cli.filters import filters
from neural_network.cli.new import new
from neural_network.cli.predict import predict
from neural_network.cli.resume import resume
from neural_network.cli.summary import summary
from neural_network.cli.train import train
from neural_network.errors import NeuralNetworkError
from neural_network.terminal import is_terminal, write_line

app = typer.Typer(
    name="neural-network",
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,
)


def _version(show: bool) -> None:
    if show:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Neural networks in plain NumPy: feature maps of filters, training, prediction."""


COMMANDS = (
    features, filters, demo, new, train, resume, evaluate, predict, summary, export, check,
)  # fmt: skip
for function in COMMANDS:
    app.command()(function)


def main() -> None:
    """Run the command; on an error of the user, print one sentence and exit with code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a letter that the terminal cannot show becomes ?
            with suppress(ValueError):  # it is closed
                stream.reconfigure(errors="replace")
    if not is_terminal(sys.stdout):
        app.rich_markup_mode = None  # no boxes around the help in a pipe or a file
    try:
        app()
    except NeuralNetworkError as error:
        sentence = str(error)
    except OSError as error:
        sentence = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except MemoryError as error:
        sentence = f"not enough memory ({error})"
    else:
        return
    write_line(sys.stderr, f"neural-network: {sentence}")
    sys.exit(2)
