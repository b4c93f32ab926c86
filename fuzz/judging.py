"""What a call may do: return, or raise an error that the library raised itself, with a sentence."""

from __future__ import annotations

import ast
import dis
import linecache
import re
import traceback
import warnings
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from neural_network.errors import NeuralNetworkError

ROOT = Path(__file__).parents[1]
LIBRARY = str(ROOT / "src" / "neural_network")
FUZZ = str(ROOT / "fuzz")
LONGEST = 500  # letters of a message
# What Python says of a call that does not fit a signature, and of which function.
SIGNATURE = re.compile(r"^([\w.<>]+)\(\) (?:missing \d|takes |got |expected )")
# As ``open`` raises them, and as callers of ``open`` catch them.
OF_PATHS = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)
# Files whose functions are NumPy's, for tensors too: they warn as ``np.errstate`` says.
PASSING_ON = (
    "/autograd/", "/functional/elementwise.py", "/functional/ufuncs.py", "/functional/products.py",
    "/functional/linalg.py", "/functional/reductions.py", "/functional/shaping.py",
    "/functional/op.py",  # it calls what is made an op, which may be NumPy's
)  # fmt: skip
RAISE = dis.opmap["RAISE_VARARGS"]


class UserError(Exception):
    """Raised by functions that the fuzzer hands in: it should arrive as it is."""


def judged(error: BaseException, called: str = "", given: Collection[Any] = ()) -> str | None:
    """Return why an exception is a fault, or None if it is a sentence of the library's.

    Args:
        error: what a call raised.
        called: the name of what was called: Python itself answers for its signature.
        given: what was passed, by earlier calls too; of it, some may be functions.
    """
    if isinstance(error, UserError):
        return None
    if isinstance(error, NeuralNetworkError):
        return _message(error)
    if place_of(error) == "outside":
        return None  # nothing of the library ran: Python's own, about the result of a call
    *_, innermost = _parts(error.__traceback__)
    if innermost.tb_frame.f_code.co_filename.startswith(FUZZ):
        return None  # raised inside a function that was handed in, which the library passes on
    last = [part for part in _parts(error.__traceback__) if _is_own(part)][-1]
    if any(_callee(last) is value for value in given if callable(value)):
        return None  # the same, of a function of NumPy's, or one written in C, without a frame
    if isinstance(error, TypeError) and (signature := SIGNATURE.search(str(error))):
        functions = [value for value in given if callable(value)]
        names = {called.rpartition(".")[2], "forward"}  # of a layer that is called
        names |= {getattr(f, "__qualname__", type(f).__qualname__) for f in functions}
        names |= {base.__qualname__ for f in functions for base in type(f).__mro__}
        if names & {signature[1], *signature[1].split(".")}:
            return _message(error)
    if isinstance(error, OF_PATHS) and error.filename is not None:
        return _message(error)
    if _raised_by_the_library(innermost):
        return _message(error)
    if _raised(innermost) and "/sklearn/" in innermost.tb_frame.f_code.co_filename:
        return None  # the estimators' data and arguments are checked by scikit-learn, in its words
    return f"{type(error).__name__} by accident: {error}"[:LONGEST]


def _message(error: BaseException) -> str | None:
    text = str(error)
    if not text.strip():
        return f"{type(error).__name__} without a message"
    if len(text) > LONGEST:
        return f"{type(error).__name__} with {len(text)} letters: {text[:200]} …"
    return None


def _parts(trace: TracebackType | None) -> Iterator[TracebackType]:
    """Yield the parts of a traceback, the innermost last."""
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _is_own(part: TracebackType) -> bool:
    return part.tb_frame.f_code.co_filename.startswith(LIBRARY)


def _raised_by_the_library(innermost: TracebackType) -> bool:
    """Return whether the innermost frame is of the library, at a ``raise`` statement."""
    return _is_own(innermost) and _raised(innermost)


def _raised(innermost: TracebackType) -> bool:
    """Return whether the innermost frame is at a ``raise`` statement."""
    return innermost.tb_frame.f_code.co_code[innermost.tb_lasti] == RAISE


def _callee(part: TracebackType) -> Any:
    """Return what a frame calls, where that is a variable or an attribute."""
    frame = part.tb_frame
    positions = [*frame.f_code.co_positions()][part.tb_lasti // 2]
    line, end, start, stop = positions
    if line is None or line != end:
        return None
    text = linecache.getline(frame.f_code.co_filename, line).encode()[start:stop]
    # A file that was changed meanwhile; what is called by an attribute of a result.
    with suppress(SyntaxError, ValueError, NameError, AttributeError):
        parsed = ast.parse(text.decode(), mode="eval").body
        if not isinstance(parsed, ast.Call):
            return None
        name = ast.unparse(parsed.func)
        if re.fullmatch(r"[\w.]+", name):
            return eval(name, frame.f_globals, frame.f_locals)  # a look-up alone
    return None


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
        and "NotImplemented should not be used" not in str(warning.message)  # likewise
        and Path(warning.filename).parent != Path(__file__).parent  # of a function handed in
        # Of the library, and of the estimators in the classes that scikit-learn has for them.
        and not warning.category.__module__.startswith(("neural_network.", "sklearn.exceptions"))
        and "several pictures" not in str(warning.message)  # documented, a plain UserWarning
        and not (as_numpy and _of_numpy(warning))
        # NumPy's ``==`` of an array of structures, before it asks what is beside it.
        and not ("elementwise" in str(warning.message) and "comparison" in str(warning.message))
        and not (warning.category is DeprecationWarning and "is now called" in str(warning.message))
    ]


def _of_numpy(warning: warnings.WarningMessage) -> bool:
    """Return whether a function of NumPy's warns, which an op of the library only passes on."""
    file = warning.filename
    own = file.startswith(LIBRARY)
    return warning.category is RuntimeWarning and (
        not own or file.removeprefix(LIBRARY).startswith(PASSING_ON)
    )
