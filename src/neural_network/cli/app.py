"""The command: its subcommands, and errors converted to exit codes."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from neural_network import __version__
from neural_network.cli.check import check
from neural_network.cli.compile import compile
from neural_network.cli.confusions import line_meant, near_file, with_quotes
from neural_network.cli.demo import demo
from neural_network.cli.evaluate import evaluate
from neural_network.cli.export import export
from neural_network.cli.features import features
from neural_network.cli.filters import filters
from neural_network.cli.new import new
from neural_network.cli.output import NOTHING_WRITTEN
from neural_network.cli.predict import predict
from neural_network.cli.resume import resume
from neural_network.cli.summary import summary
from neural_network.cli.train import train
from neural_network.cli.usage import WrongCallError, options_of, reads, refusal
from neural_network.errors import MOST_LETTERS, NeuralNetworkError, brief, shortened
from neural_network.terminal import is_terminal, write_line

# Every file is written beside its place first, and renamed when it is complete.
STOPPED = "stopped; no file is half written"
# Commands that write a file, if at all, as the last they do.
WRITE_LAST = ("features", "filters", "evaluate", "summary", "export", "check")


@contextmanager
def _in_one_sentence(group: Any) -> Iterator[None]:
    """Turn what typer says of a wrong call into a sentence; say after Ctrl-C what was written."""
    try:
        yield
    except KeyboardInterrupt as stop:
        said = NOTHING_WRITTEN if sys.argv[1:2] and sys.argv[1] in WRITE_LAST else STOPPED
        write_line(sys.stderr, f"neural-network: {str(stop) or said}")
        raise
    except Exception as error:  # the base of typer's errors has no public name
        if isinstance(getattr(error, "message", None), str) and sys.argv[1:]:
            raise WrongCallError(refusal(error, sys.argv[1:], group)) from error
        raise


class Commands(TyperGroup):
    """The commands, whose messages are as short as those of the library."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the options before the command."""
        with _in_one_sentence(self):
            return super().make_context(*args, **kwargs)

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        """Read the arguments of the command, and run it."""
        with _in_one_sentence(self):
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
    features, filters, demo, new, train, resume, evaluate, predict, summary, export, check, compile,
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
    typed = sys.argv[1:]
    meant = ""
    try:
        _refuse_words(typed)
        app()
    except WrongCallError as error:
        sentence = str(error)
    except OSError as error:
        sentence = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        meant = _line_meant(typed)
        if isinstance(error, FileNotFoundError) and isinstance(error.filename, str) and not meant:
            meant = near_file(error.filename)
    except NeuralNetworkError as error:
        sentence, meant = str(error), _line_meant(typed)
    except MemoryError as error:
        sentence = f"not enough memory ({error})"
    else:
        return
    where = f"{typed[0]}: " if typed and typed[0] in _group().commands else ""
    if not sentence.startswith(where):
        sentence = where + sentence
    sentence = shortened(sentence, MOST_LETTERS - len(meant)) + meant
    write_line(sys.stderr, f"neural-network: {sentence}")
    sys.exit(2)


def _refuse_words(typed: Sequence[str]) -> None:
    """Raise ArgumentError for words that no path can be.

    A path takes a word without letters for this folder. One with the letter of code 0, which only a
    caller of ``main`` can pass, ends some versions of typer in a traceback.
    """
    for before, word in zip(["", *typed], typed, strict=False):
        if "\0" in word:
            expected = f"words without the letter of code 0, received {brief(word)}"
            raise WrongCallError(f"the command line: expected {expected}")
        name, equals, value = word.partition("=")
        if not word or (equals and not value and name.startswith("--")):
            option = name or (before if before.startswith("-") else "an argument")
            expected = 'a value, received none (of an empty variable, as in "$NAME", for example)'
            raise WrongCallError(f"{option}: expected {expected}")


def _group() -> Any:
    """Return typer's object of all commands."""
    return typer.main.get_command(app)


def _line_meant(typed: Sequence[str]) -> str:
    """Return what to type instead, if a word of the command line is in a wrong place."""
    group = _group()
    line = with_quotes(typed) or line_meant(typed, options_of(group.commands.get(typed[0])))
    return f"; did you mean: {line}" if line and reads(line, group) else ""
