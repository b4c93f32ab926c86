"""The CSV file of a run, as ``CSVLog`` and the command write it."""

from __future__ import annotations

import csv
import os
from io import TextIOWrapper
from typing import Any

from neural_network.checks import Array, as_real
from neural_network.errors import FileFormatError
from neural_network.files import open_file

WHAT = "the CSV file of a run: names in its first line, then numbers"


def is_log(value: Any) -> bool:
    """Return whether a value is the path of a CSV file."""
    return isinstance(value, str | os.PathLike) and str(value).lower().endswith(".csv")


def read_log(function: str, path: Any) -> dict[str, Array]:
    """Return measure → one number for each epoch; NaN where a measure began later.

    Raises:
        FileFormatError: another file.
        FileNotFoundError, NotADirectoryError, PermissionError: as ``open``.
    """
    with TextIOWrapper(open_file(function, path, WHAT, name="history"), "utf-8-sig") as file:
        try:
            header, *lines = [line for line in csv.reader(file) if line]
            columns = list(zip(*lines, strict=True)) or [()] * len(header)
            named = zip(header, columns, strict=True)
            numbers = {
                name: as_real(function, name, [float(n or "nan") for n in column])
                for name, column in named
                if name != "epoch"
            }
        except (ValueError, csv.Error) as error:  # no text, no number, a line of another length
            raise FileFormatError(f"{function}: history: {path}: expected {WHAT}") from error
    return numbers
