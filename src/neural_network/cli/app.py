"""The command: its subcommands, and errors converted to exit codes."""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from neural_network import __version__
from neural_network.cli.check import check
from neural_network.cli.confusions import (
    LONGEST_LINE,
    line_meant,
    near_file,
    of_other_command,
    of_other_option,
)
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
LETTERS_OF_TYPER = MOST_LETTERS - 100 - LONGEST_LINE


@contextmanager
def _with_advice() -> Iterator[None]:
    """Shorten what typer says of a wrong call, which repeats all of what was typed; add advice."""
    try:
        yield
    except Exception as error:  # the base of typer's errors has no public name
        if isinstance(message := getattr(error, "message", None), str):
            vars(error)["message"] = _with_the_line_meant(error, message)
        raise


def _with_the_line_meant(error: Any, message: str) -> str:
    """Return what an error of typer's says, with what to type instead."""
    said = shortened(message, LETTERS_OF_TYPER)
    context = getattr(error, "ctx", None)
    typed, known = sys.argv[1:], _options_of(getattr(context, "command", None))
    if hasattr(error, "option_name"):
        if not (hasattr(error, "possibilities") and error.option_name):
            return said
        near = set(error.possibilities or ()) - {"--help"}
        advice = of_other_option(error.option_name, known)
        if not (advice or near) and (line := line_meant(typed, known, certain=True)):
            advice = f"did you mean: {line}"
        if advice:
            error.possibilities = []
        return f"{said}; {advice}" if advice else said
    is_of_none = typed and context is not None and context.parent is None
    if is_of_none and (other := of_other_command(typed[0])):
        here = shortened(shlex.join([*other.split(), *typed[1:]]), LONGEST_LINE)
        return f"No such command {typed[0]!r}; here: {here}"
    if line := line_meant(typed, known):
        return f"{said.rstrip('.')}; did you mean: {line}" if said else f"Did you mean: {line}"
    return said


def _options_of(command: Any) -> dict[str, bool]:
    """Return each option of a command → whether a value follows it."""
    return {
        name: not getattr(parameter, "is_flag", False)
        for parameter in getattr(command, "params", [])
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("-")
    }


class Commands(TyperGroup):
    """The commands, whose messages are as short as those of the library."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the options before the command."""
        with _with_advice():
            return super().make_context(*args, **kwargs)

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        """Read the arguments of the command, and run it."""
        with _with_advice():
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
        if isinstance(error, FileNotFoundError) and isinstance(error.filename, str):
            sentence += near_file(error.filename)
    except MemoryError as error:
        sentence = f"not enough memory ({error})"
    else:
        return
    meant = _line_meant() if sys.argv[1:] else ""
    sentence = shortened(sentence, MOST_LETTERS - len(meant)) + meant
    write_line(sys.stderr, f"neural-network: {sentence}")
    sys.exit(2)


def _line_meant() -> str:
    """Return what to type instead, if a word of the command line is in a wrong place."""
    commands: Any = typer.main.get_command(app)
    line = line_meant(sys.argv[1:], _options_of(commands.commands.get(sys.argv[1])))
    return f"; did you mean: {line}" if line else ""
