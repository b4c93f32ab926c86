"""Errors of NumPy, pandas and Python inside scikit-learn's checks become sentences.

scikit-learn says itself what is wrong with most data. What it does not expect (records, dates, any
objects) fails where NumPy converts or compares it, in words that name no argument.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from contextlib import contextmanager

from neural_network.errors import NeuralNetworkError, refusal

RAISE = dis.opmap["RAISE_VARARGS"]


@contextmanager
def refused(function: str, expected: str, **given: object) -> Iterator[None]:
    """Raise a sentence for what fails in a block that only checks or compares arguments.

    What scikit-learn raises itself is raised as it is: its users know these sentences.

    Args:
        function: that was called.
        expected: of the arguments, for the sentence.
        given: the arguments by name.
    """
    try:
        yield
    except (NeuralNetworkError, Warning):
        raise
    except Exception as error:  # objects in an array may raise anything
        if raised_by_scikit_learn(error):
            raise
        raise refusal(function, given, error, expected=expected) from error


def raised_by_scikit_learn(error: BaseException) -> bool:
    """Return whether an error comes from a ``raise`` in a file of scikit-learn's.

    Elsewhere a call in the line failed: the last frame of Python's is one of scikit-learn's as well
    where NumPy's C code has raised.
    """
    entry = error.__traceback__
    while entry is not None and entry.tb_next is not None:
        entry = entry.tb_next
    if entry is None:
        return False
    of_sklearn = entry.tb_frame.f_globals.get("__name__", "").startswith("sklearn.")
    return of_sklearn and entry.tb_frame.f_code.co_code[entry.tb_lasti] == RAISE
