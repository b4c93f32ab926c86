"""Forward hooks on all layers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from neural_network.checks import as_callable
from neural_network.errors import DTypeError, sentence
from neural_network.public import public

# Called after every layer's call: (layer, input, output).
Watcher = Callable[[Any, Any, Any], None]
_watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())


@public
@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Call ``watcher(layer, input, output)`` after each layer's call inside the block.

    Args:
        watcher: a function of the three; of several inputs it receives the first.

    Returns:
        A context manager.

    Raises:
        DTypeError: no function.

    >>> def show(layer, X, out):
    ...     print(type(layer).__name__, np.shape(out))
    >>> model = Sequential(Flatten(), Dense(2))
    >>> with watching(show):
    ...     _ = model(np.ones((1, 2, 2)))
    Flatten (1, 4)
    Dense (1, 2)
    Sequential (1, 2)
    """
    if hasattr(watcher, "all_layers"):  # a model, which could be called
        expected = "a function of (layer, X, out), which sees every layer that is called"
        raise DTypeError(sentence("watching", "watcher", expected, f"a {type(watcher).__name__}"))
    as_callable("watching", "watcher", watcher)
    token = _watchers.set((*_watchers.get(), watcher))
    try:
        yield
    finally:
        _watchers.reset(token)


def watchers() -> tuple[Watcher, ...]:
    """Return the functions to call after each layer's call."""
    return _watchers.get()
