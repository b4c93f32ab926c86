"""The standard streams as they are: None, closed, replaced by something else.

What is written there only tells of the work, which goes on where a stream cannot take it.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any


def is_terminal(stream: Any) -> bool:
    """Return whether a stream, such as ``sys.stdout``, shows on a terminal what is written."""
    try:
        return bool(stream.isatty()) and callable(stream.flush)
    except Exception:  # None, a closed one, or whatever an object in its place raises
        return False


# What this library's texts hold beyond ASCII, as ``print`` shows it.
PLAIN = str.maketrans({"×": "x", "…": "..", "∂": "d", "°": " degrees"})


def plain(text: str) -> str:
    """Return a text for ``print``: a file or console of Windows takes few letters beyond ASCII.

    >>> from neural_network.terminal import plain
    >>> plain("3×4: 0 … 1"), plain("∂v/∂x")
    ('3x4: 0 .. 1', 'dv/dx')
    """
    return text.translate(PLAIN)


def write_line(stream: Any, line: str) -> None:
    """Write a line at once; where the stream cannot take it, nothing happens."""
    # Whatever an object in place of the stream raises: the window of a program may be closed.
    with suppress(Exception):
        try:
            stream.write(f"{line}\n")
        except UnicodeEncodeError as error:
            stream.write(line.encode(error.encoding, "backslashreplace").decode() + "\n")
        stream.flush()


def warn(text: str, category: type[Warning], *, stacklevel: int) -> None:
    """Give a warning, as ``warnings.warn`` does; one that cannot be shown is lost.

    Python passes over ``OSError`` alone: a closed ``sys.stderr`` would end a training.

    Args:
        text, category: of the warning.
        stacklevel: of the place it is about, seen from the caller, whose own is 1.

    Raises:
        Warning: filters make it an error.
    """
    try:
        warnings.warn(text, category, stacklevel=stacklevel + 1)
    except Warning:
        raise
    except Exception:  # what the stream raises
        return
