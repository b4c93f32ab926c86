"""The errors of the library, and the form of their sentences.

Every complaint about an argument is a ``ValueError``, so one ``except`` clause
catches them all; a wrong kind of thing is a ``TypeError`` as well.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from types import FrameType, TracebackType
from typing import Any, cast

from neural_network.public import public
from neural_network.terminal import warn

# Of a message, and of a value that it shows.
MOST_LETTERS = 500
LETTERS_OF_VALUE = 120
# Of what NumPy says.
LETTERS_OF_REASON = 280

# Modules whose packages have another name.
PACKAGES = {"PIL": "Pillow (PIL)", "sklearn": "scikit-learn (sklearn)"}

# Whether this thread is inside ``nn.debug()``.
debugging: ContextVar[bool] = ContextVar("debugging", default=False)
# Whether this thread is inside ``fit``, which looks at the whole and says which layer it is.
hinting: ContextVar[bool] = ContextVar("hinting", default=False)
# What looks at the next calls of ``backward`` without ``inputs``, once each; see
# ``training/hints/loops.py``.
LOOKS: list[Callable[[Any], None]] = []
# The filters of warnings when hints were given, and of which lines and functions.
_warned: list[Any] = [None, set()]
BACKWARD = ("", 0, "backward")


@public
class NeuralNetworkError(Exception):
    """Base of every error that the library raises on purpose."""

    def __str__(self) -> str:
        """Return the message, of which the middle is left out where it is long."""
        text = str(self.args[0]) if len(self.args) == 1 else super().__str__()
        return shortened(text, MOST_LETTERS)


@public
class ArgumentError(NeuralNetworkError, ValueError):
    """An argument has a value that the function cannot work with."""


@public
class ShapeError(ArgumentError):
    """An array has a shape that does not fit."""


@public
class DTypeError(ArgumentError, TypeError):
    """An argument is of the wrong kind (text, complex, a float for a count …)."""


@public
class GradientError(NeuralNetworkError, RuntimeError):
    """A gradient cannot be computed from what was recorded."""


@public
class DroppedGradientError(GradientError, TypeError):
    """An operation would silently lose the gradient of a tensor."""


@public
class DivergenceError(NeuralNetworkError, ArithmeticError):
    """A training's loss or gradients are not finite numbers any more."""


class NothingToAverageError(ArgumentError):
    """No row counts in a mean: all are ignored, or have a weight of 0.

    A ``Trainer`` goes on after such a batch, whatever function of the caller's raised it.
    """


@public
class TrainingHint(UserWarning):
    """A training that runs, but probably not as its author wants it."""


@public
class FileFormatError(NeuralNetworkError, ValueError):
    """A file is damaged, or not of the expected kind."""


@public
class FileWriteError(NeuralNetworkError, OSError):
    """A file could not be written; whatever stood in its place is unharmed."""


@public
class DatasetNotFoundError(NeuralNetworkError, FileNotFoundError):
    """A dataset was found in none of the places where it was looked for."""


@public
class MissingDependencyError(NeuralNetworkError, ImportError):
    """A feature needs an optional package that is not installed."""


def give_hint(text: str) -> None:
    """Warn with a ``TrainingHint``, of the line outside of the package that has led here."""
    warn_of_call(text, TrainingHint)


def give_hint_of_call(text: str) -> None:
    """Warn of the numbers that a function was called with, once for each line of a program.

    Not in ``fit``, nor of tensors whose ``backward`` looks at the whole. What a line was warned of
    is forgotten where the filters of warnings are others, as of a test.
    """
    if hinting.get():
        return
    frame, of_tensors = sys._getframe(), False
    while frame.f_back is not None and _is_inside(name := frame.f_globals.get("__name__", "")):
        of_tensors = of_tensors or name.startswith("neural_network.autograd.")
        frame = frame.f_back
    if not (of_tensors and (LOOKS or BACKWARD in _lines_warned())):
        give_hint_of_line(text)


def give_hint_of_line(text: str) -> None:
    """Warn of how a function was called, once for each line and kind, in ``fit`` as well."""
    frame = users_frame()
    kind = "".join(sign for sign in text if not sign.isdigit())  # whatever the numbers are
    line = (frame.f_code.co_filename, frame.f_lineno, kind)
    if line not in _lines_warned():
        _lines_warned().add(line)
        give_hint(text)


def is_first_backward_of_line() -> bool:
    """Return whether a line of a program is the first time where ``backward`` is called.

    Not in ``fit``.
    """
    lines, line = _lines_warned(), _line_of_backward()
    if hinting.get() or line in lines:
        return False
    lines.add(line)
    return True


def _line_of_backward() -> tuple[str, int, str]:
    frame = users_frame()
    return frame.f_code.co_filename, frame.f_lineno, BACKWARD[2]


def users_frame() -> FrameType:
    """Return the frame outside of the package that has led here."""
    frame = sys._getframe()
    while frame.f_back is not None and _is_inside(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return frame


def give_hint_of_backward(text: str, function: str = "backward") -> None:
    """Warn of the graph of a loss, of which its later calls are then not warned again."""
    _lines_warned().update((BACKWARD, _line_of_backward()))
    give_hint(f"{function}: {text}")


def _lines_warned() -> set[Any]:
    if _warned[0] is not warnings.filters:
        _warned[:] = [warnings.filters, set()]
    lines: set[Any] = _warned[1]
    return lines


@contextmanager
def hints_of_fit() -> Iterator[None]:
    """Leave hints about numbers to the trainer inside the block."""
    token = hinting.set(True)
    try:
        yield
    finally:
        hinting.reset(token)


def warn_of_call(text: str, category: type[Warning]) -> None:
    """Give a warning, of the line outside of the package that has led here."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_inside(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warn(shortened(text, MOST_LETTERS), category, stacklevel=level)


def is_read_only(error: ValueError) -> bool:
    """Return whether NumPy has raised an error because an array is read-only."""
    return "read-only" in str(error)


def is_own(module: str) -> bool:
    """Return whether a module is one of the library's."""
    return module.partition(".")[0] == "neural_network"


def _is_inside(module: str) -> bool:
    # NumPy is between two functions of the package where ``np.errstate`` decorates one.
    return is_own(module) or module.partition(".")[0] == "numpy"


def shorten_traceback(error: BaseException) -> None:
    """Leave out where inside the library an error was raised; called where it is handled.

    The sentence says what was wrong with which argument; the line to look at is the caller's. Of
    the library's frames that follow each other only the first one stays, which is the function
    that was called. Frames of other files stay, such as a ``forward`` of the caller's own. The
    same holds for the error that was the cause. Inside ``nn.debug()`` and in Python's development
    mode (``python -X dev``) nothing is left out.
    """
    if sys.flags.dev_mode or debugging.get():
        return
    cause: BaseException | None = error
    while cause is not None:
        entry = cause.__traceback__
        while entry is not None:
            following = entry.tb_next
            while following is not None and _of_library(entry) and _of_library(following):
                following = following.tb_next
            entry.tb_next = following
            entry = following
        cause = cause.__cause__


def _of_library(entry: TracebackType) -> bool:
    return _is_inside(entry.tb_frame.f_globals.get("__name__", ""))


def say_what_was_dropped(error: ValueError) -> None:
    """Raise the DroppedGradientError that NumPy has put an error of its own in front of, if any.

    For ``array[i] = t`` it says "setting an array element with a sequence" last, whatever the
    conversion of ``t`` has raised. The traceback is that of the error: it ends in that line.
    """
    cause = error.__cause__
    if isinstance(cause, DroppedGradientError):
        raise DroppedGradientError(*cause.args).with_traceback(error.__traceback__) from None


def sentence(function: str, argument: str, expected: str, received: object) -> str:
    """Return an error message: function, argument, what was expected and what was received.

    >>> sentence("relu", "Z", "real numbers", "dtype complex128")
    'relu: Z: expected real numbers, received dtype complex128'
    """
    text = received if isinstance(received, str) else brief(received, str)
    return f"{function}: {argument}: expected {expected}, received {text}"


def returned(value: object) -> str:
    """Return as text what a function of the user's has returned, which is not what it should.

    >>> from neural_network.errors import returned
    >>> returned(None), returned("a")
    ('None; is its return missing?', "'a'")
    """
    return "None; is its return missing?" if value is None else brief(value)


def no_model(function: str, value: object, expected: str = "a layer or model") -> DTypeError:
    """Return the error for what is no model; it says where the model is, if there is one inside."""
    inside = (n for n in ("model_", "model") if hasattr(getattr(value, n, None), "named_layers"))
    name = next(inside, None)
    hint = "" if name is None else f"; its model is its attribute {name}"
    if isinstance(value, dict | list | tuple) and function == "save":
        hint = "; nn.save_arrays(path, arrays) writes a dict of arrays"
    return DTypeError(sentence(function, "model", expected, brief(value) + hint))


def brief(
    value: object, form: Callable[[object], str] = repr, letters: int = LETTERS_OF_VALUE
) -> str:
    """Return a value as text for an error message: short, and never an error itself.

    >>> from neural_network.errors import brief
    >>> brief("relu"), len(brief("relu" * 1000))
    ("'relu'", 120)
    """
    try:
        text = form(value)
    except Exception:  # nested too deep, a number of too many digits, a ``__repr__`` that raises
        return f"a {type(value).__name__} that cannot be shown"
    return shortened(text, letters)


def too_deep(function: str, argument: str) -> ArgumentError:
    """Return the error of lists or dicts that contain themselves, or that are nested too deep."""
    received = "one in itself, or nested too deep"
    return ArgumentError(sentence(function, argument, "lists that end", received))


def several_arrays(value: object) -> str:
    """Say how several inputs or outputs of a model are given, for a list of arrays.

    A tuple is what a function returned.
    """
    if isinstance(value, tuple) and value and all(hasattr(one, "ndim") for one in value):
        return (
            f": a tuple of {len(value)} arrays; a function that returns several, as forward_mlp "
            "returns (A1, A2), is followed by the place of one: forward_mlp(…)[-1]"
        )
    if isinstance(value, list) and value and all(hasattr(one, "ndim") for one in value):
        return f", a list of {len(value)} arrays; several of a model are a tuple: (a, b)"
    return ""


def shortened(text: str, letters: int) -> str:
    """Return a text, of which the middle is left out where it is long."""
    if len(text) <= letters:
        return text
    end = letters // 3
    return f"{text[: letters - end - 3]} … {text[-end:]}"


@cache
def both(kind: Any, other: Any) -> Any:
    """Return a class of the library's errors that answers ``except other`` as well.

    >>> from neural_network.errors import both
    >>> issubclass(both(ArgumentError, IndexError), IndexError)
    True
    """
    if issubclass(kind, other) or issubclass(other, kind):
        return kind if issubclass(kind, other) else other

    def __reduce__(self: Exception) -> tuple[Any, ...]:  # noqa: N807  # of the class below
        return kind, self.args  # another process knows this class

    body = {"__module__": kind.__module__, "__doc__": kind.__doc__, "__reduce__": __reduce__}
    return type(kind.__name__, (kind, other), body)


def refusal(
    function: str,
    given: Mapping[str, object],
    error: Exception,
    kind: Any = None,
    expected: str = "what fits each other",
) -> NeuralNetworkError:
    """Return the error for arguments that NumPy refuses, or that do not fit the memory.

    It answers the ``except`` clauses for NumPy's error, too.

    Args:
        function: that was called.
        given: its arguments.
        error: what NumPy raised.
        kind: the class; None for that of an argument's value or kind.
        expected: of the arguments, but for an error about memory.
    """
    values = ", ".join(f"{name} {_outlined(value)}" for name, value in given.items())
    if isinstance(error, MemoryError):
        expected = "sizes that the memory is enough for"
    reason = brief(error, str, LETTERS_OF_REASON)
    received = f"{values} ({reason})" if reason else values
    received += _turned(function, given)
    kind = kind or (DTypeError if isinstance(error, TypeError) else ArgumentError)
    made = both(kind, cast("Any", type(error)))
    refused: NeuralNetworkError = made.__new__(made)  # NumPy's classes take other arguments
    refused.args = (sentence(function, ", ".join(given), expected, received),)
    return refused


# Functions of two matrices whose inner axes have to agree, and of two arrays of the same shape.
OF_INNER_AXES = frozenset({"matmul", "dot"})
OF_SAME_SHAPES = frozenset({
    "add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "where",
})  # fmt: skip


def _turned(function: str, given: Mapping[str, object]) -> str:
    """Return which of two matrices fits the other one when it is transposed, if one does."""
    if function not in OF_INNER_AXES | OF_SAME_SHAPES:
        return ""
    shapes = {name: _attribute(value, "shape") for name, value in given.items()}
    matrices = {n: shape for n, shape in shapes.items() if type(shape) is tuple and len(shape) == 2}
    if len(matrices) != 2:
        return ""
    (a, (n, k)), (b, (m, p)) = matrices.items()
    if function in OF_SAME_SHAPES and (n, k) == (p, m) != (m, p):
        return f"; {a}.T has the shape of {b}, and {b}.T that of {a}"
    if function not in OF_INNER_AXES or k == m:
        return ""
    turned = [name for name, fits in ((a, n == m), (b, k == p)) if fits]
    if not turned:
        return f"; {a}.T and {b}.T fit each other" if n == p else ""
    return f"; {' or '.join(f'{name}.T' for name in turned)} fits"


def _attribute(value: object, name: str) -> object:
    """Return an attribute; None where there is none, or reading it raises an error."""
    try:
        return getattr(value, name, None)
    except Exception:  # of an iterator at its end, for example
        return None


def _outlined(value: object) -> str:
    """Return the type and shape of an array, any other value as text."""
    dtype, shape = _attribute(value, "dtype"), _attribute(value, "shape")
    if dtype is None or not isinstance(shape, tuple):
        return shortened(brief(value), 60)
    return f"{dtype} {shape}"


@contextmanager
def needs_extra(feature: str, extra: str) -> Iterator[None]:
    """Turn a failed import inside the block into a sentence that names the extra."""
    try:
        yield
    except ImportError as error:
        name = (error.name or "").partition(".")[0]
        raise MissingDependencyError(
            f"{feature}: needs {PACKAGES.get(name, f'the package {name!r}')}, which is not "
            f'installed; pip install "neural-network-numpy[{extra}]" brings it'
        ) from error
