"""The command's entrance: its verbs, and the one place where errors become exit codes."""

from __future__ import annotations

import sys

import typer

from neural_network.cli.demo import demo
from neural_network.cli.features import features
from neural_network.cli.filters import filters
from neural_network.errors import NeuralNetworkError

app = typer.Typer(
    name="neural-network",
    help="Neural networks in plain NumPy: look at what filters see, and train.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(features)
app.command()(filters)
app.command()(demo)


def main() -> None:
    """Run the command; a mistake of the caller ends with one sentence and exit code 2."""
    try:
        app()
    except (NeuralNetworkError, OSError) as error:
        print(f"neural-network: {error}", file=sys.stderr)
        sys.exit(2)
