"""What a call may do: return, or raise an error that the library raised itself, with a sentence."""

from __future__ import annotations

import dis
import re
import traceback
import warnings
from pathlib import Path
from types import TracebackType

from neural_network.errors import NeuralNetworkError

ROOT = Path(__file__).parents[1]
LIBRARY = str(ROOT / "src" / "neural_network")
FUZZ = str(ROOT / "fuzz")
LONGEST = 500  # letters of a message
# What Python itself says about a call that does not fit the signature, and about operators.
SIGNATURE = re.compile(
    r"missing \d+ required|takes .*argument|unexpected keyword argument|multiple values for|"
    r"positional-only argument|unsupported operand|not supported between|"
    r"object is not (callable|iterable|subscriptable|an iterator)|has no len\(\)|"
    r"does not support (item|the context manager)|bad operand type|Can't instantiate abstract|"
    r"is not a container or iterable|^argument of type .* is not iterable"
)
READ_ONLY = re.compile(r"has no setter|cannot assign to field|attribute .* is not writable")
RAISE = dis.opmap["RAISE_VARARGS"]


class UserError(Exception):
    """Raised by functions that the fuzzer hands in: it should arrive as it is."""


def judged(error: BaseException) -> str | None:
    """Return why an exception is a fault, or None if it is a sentence of the library's."""
    if isinstance(error, UserError):
        return None
    if isinstance(error, NeuralNetworkError):
        return _message(error)
    if isinstance(error, TypeError) and SIGNATURE.search(str(error)):
        return None
    if isinstance(error, AttributeError) and READ_ONLY.search(str(error)):
        return None
    if isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError):
        return _message(error)  # as ``open`` raises it
    if isinstance(error, OSError) and error.errno and error.filename:
        return None
    innermost = _innermost(error.__traceback__)
    if not innermost.startswith(LIBRARY) and place_of(error) == "outside":
        return None  # Python's own, about what the call has returned
    if innermost.startswith(FUZZ):
        return None  # of a function that the fuzzer has handed in
    if _raised_by_the_library(error.__traceback__):
        return _message(error)
    return f"{type(error).__name__} by accident: {error}"[:LONGEST]


def _message(error: BaseException) -> str | None:
    text = str(error)
    if not text.strip():
        return f"{type(error).__name__} without a message"
    if len(text) > LONGEST:
        return f"{type(error).__name__} with {len(text)} letters: {text[:200]} …"
    return None


def _innermost(trace: TracebackType | None) -> str:
    """Return the file of the innermost frame."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else trace.tb_frame.f_code.co_filename


def _raised_by_the_library(trace: TracebackType | None) -> bool:
    """Return whether the innermost frame is of the library, at a ``raise`` statement."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or not trace.tb_frame.f_code.co_filename.startswith(LIBRARY):
        return False
    return trace.tb_frame.f_code.co_code[trace.tb_lasti] == RAISE


def place_of(error: BaseException) -> str:
    """Return where in the library an exception came from: the same fault has the same place."""
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(LIBRARY)
    ]
    if not frames:
        return "outside"
    last = frames[-1]
    return f"{Path(last.filename).relative_to(LIBRARY)}:{last.lineno}"


def unexpected(found: list[warnings.WarningMessage], *, as_numpy: bool = False) -> list[str]:
    """Return the warnings that nobody wrote for the user.

    Args:
        found: all warnings.
        as_numpy: whether NumPy's functions were called by another name, which warn of overflows
            and the like as ``np.errstate`` says.
    """
    return [
        f"{warning.category.__name__}: {warning.message} "
        f"({Path(warning.filename).name}:{warning.lineno})"
        for warning in found
        if "matrix subclass" not in str(warning.message)  # of the odd value itself
        and not warning.category.__module__.startswith("neural_network.")
        and "several pictures" not in str(warning.message)  # documented, a plain UserWarning
        and not (as_numpy and warning.category is RuntimeWarning)
        and not (warning.category is DeprecationWarning and "is now called" in str(warning.message))
    ]
