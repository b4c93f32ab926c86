"""The standard streams as they are: None, closed, replaced by something else."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

# None has no methods; a closed stream raises ValueError, a pipe that nobody reads OSError.
UNUSABLE = (AttributeError, OSError, ValueError)


def is_terminal(stream: Any) -> bool:
    """Return whether a stream, such as ``sys.stdout``, shows on a terminal what is written."""
    try:
        return bool(stream.isatty())
    except UNUSABLE:
        return False


def write_line(stream: Any, line: str) -> None:
    """Write a line at once; where the stream cannot take it, nothing happens.

    A line only tells of the work, which goes on without it.
    """
    with suppress(*UNUSABLE):
        try:
            stream.write(f"{line}\n")
        except UnicodeEncodeError as error:
            stream.write(line.encode(error.encoding, "backslashreplace").decode() + "\n")
        stream.flush()
