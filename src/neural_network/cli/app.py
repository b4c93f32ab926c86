"""The command: its subcommands, and errors converted to exit codes."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

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
from neural_network.errors import MOST_LETTERS, NeuralNetworkError, shortened
from neural_network.terminal import is_terminal, write_line

# Of what typer says of an argument, which it begins with the option's name.
LETTERS_OF_TYPER = MOST_LETTERS - 100


@contextmanager
def _shortened_errors() -> Iterator[None]:
    """Shorten what typer says of a wrong call: it repeats all of what was typed."""
    try:
        yield
    except Exception as error:  # the base of typer's errors has no public name
        if isinstance(message := getattr(error, "message", None), str):
            vars(error)["message"] = shortened(message, LETTERS_OF_TYPER)
        raise


class Commands(TyperGroup):
    """The commands, whose messages are as short as those of the library."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the options before the command."""
        with _shortened_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        """Read the arguments of the command, and run it."""
        with _shortened_errors():
            return super().invoke(*args, **kwargs)


app = typer.Typer(
    name="neural-network",
    cls=Commands,
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
    # The whole first sentence: Click cuts it after 45 letters where there are no boxes.
    app.command(short_help=(function.__doc__ or "").splitlines()[0])(function)


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
    write_line(sys.stderr, f"neural-network: {shortened(sentence, MOST_LETTERS)}")
    sys.exit(2)
