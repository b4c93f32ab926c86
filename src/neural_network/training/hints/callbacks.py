"""Hints about callbacks: methods that nothing calls, and arguments under other names."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from neural_network.training.callback_base import Callback
from neural_network.training.hints.trial import Fit

# Epochs of a rising rate that are compared with its highest.
RISEN = 1.5


def stopped_while_the_rate_rose(fit: Fit) -> str | None:
    """Early stopping that kept the first epoch, because a schedule begins with small steps."""
    state = fit.state
    callbacks: list[Any] = list(state.callbacks)
    stoppers = [c for c in callbacks if hasattr(c, "patience") and hasattr(c, "best_epoch")]
    if not state.stop or not any(c.best_epoch == 1 <= state.epoch - c.patience for c in stoppers):
        return None
    rates = [state.optimizer.rate(time, state.epochs) for time in range(state.epochs)]
    if rates and max(rates) < RISEN * rates[0]:
        return None
    return (
        f"the training stopped in epoch {state.epoch} of {state.epochs}, and epoch 1 was the best: "
        f"the schedule begins with small steps ({rates[0]:.2g}) and rises to {max(rates):.2g}, "
        "which few validation rows take for a loss of quality; hold more rows out, allow more "
        "epochs by EarlyStopping(patience=…), or use a rate that does not rise: Adam(0.001)"
    )


# Words of other libraries → ours.
WORDS = {
    "train": "fit", "training": "fit", "run": "fit", "fitting": "fit",
    "batch": "step", "iteration": "step", "iter": "step", "update": "step",
    "start": "begin", "started": "begin", "starts": "begin", "begins": "begin", "began": "begin",
    "beginning": "begin", "ends": "end", "ended": "end", "finish": "end", "finished": "end",
    "done": "end", "completed": "end", "complete": "end", "epochs": "epoch", "steps": "step",
    "interrupted": "interrupt", "exception": "interrupt",
}  # fmt: skip
# What other libraries call besides, and this one does not.
ELSEWHERE = frozenset({"test", "predict", "validation", "validate", "val", "evaluate", "sanity"})
# The methods that are called.
VERBS = [
    name for name in dir(Callback) if not name.startswith("_") and callable(getattr(Callback, name))
]
# Names of what other libraries pass first.
NOT_TRAINERS = frozenset({"epoch", "batch", "step", "iteration", "logs", "index", "batch_idx", "i"})


def misspelt_verbs(fit: Fit) -> str | None:
    """A method of a callback that is called nothing like those that are called."""
    for callback in fit.state.callbacks:
        own = {
            name: value for cls in reversed(_classes(callback)) for name, value in vars(cls).items()
        }
        own |= {name: value for name, value in vars(callback).items() if callable(value)}
        used = set(_names_used(own.values()))
        kind = type(callback).__name__
        for name, value in own.items():
            if name.startswith("_") or name in VERBS or not _is_method(value) or name in used:
                continue
            verb = nearest(name, VERBS)
            if verb is not None and verb not in own:
                return (
                    f"{kind}.{name} is never called: callbacks have no such method; the nearest "
                    f"is {verb}{_signature(verb)}"
                )
            if verb is None and _words(name)[:1] == ["on"] and ELSEWHERE & set(_words(name)):
                known = ", ".join(verb for verb in VERBS if verb.startswith("on_"))
                return f"{kind}.{name} is never called: the methods that are called are {known}"
        for verb in VERBS:
            names = _parameters(own[verb]) if verb in own else []
            if verb.startswith("on_") and names[:1] == ["self"] and NOT_TRAINERS & {*names[1:2]}:
                return (
                    f"{kind}.{verb} names its first argument {names[1]!r}, and is given the "
                    f"trainer: write {verb}{_signature(verb)}; trainer.epoch and "
                    "trainer.step are the numbers"
                )
    return None


def nearest(name: str, verbs: list[str]) -> str | None:
    """Return the method of callbacks that a name was meant for, or None.

    >>> verbs = ["on_epoch_end", "on_step_end", "on_fit_begin", "load_state"]
    >>> nearest("on_epoch_ends", verbs), nearest("epoch_end", verbs), nearest("onTrainStart", verbs)
    ('on_epoch_end', 'on_epoch_end', 'on_fit_begin')
    >>> nearest("on_train_batch_end", verbs), nearest("after_epoch", verbs), nearest("plot", verbs)
    ('on_step_end', 'on_epoch_end', None)
    """
    words = [WORDS.get(word, word) for word in _words(name) if word not in ("on", "of", "the")]
    if words[:1] in (["after"], ["before"]):
        words = [*words[1:], "end" if words[0] == "after" else "begin"]
    if words[:1] == ["fit"] and len(words) > 2:  # on_train_epoch_end
        words = words[1:]
    for verb in verbs:
        if {"on", *words} == set(_words(verb)):
            return verb
    meant = "_".join(["on", *words])
    if not name.lower().startswith("on"):
        meant = name
    found = get_close_matches(meant, verbs, 1, 0.85)
    return found[0] if found else None


def _words(name: str) -> list[str]:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_").split("_")


def _classes(callback: Any) -> list[type]:
    """Return the classes of a callback that users have written."""
    above = [cls for cls in type(callback).__mro__ if cls not in Callback.__mro__]
    return [cls for cls in above if not cls.__module__.startswith("neural_network.")]


def _is_method(value: object) -> bool:
    return inspect.isroutine(value) or isinstance(value, staticmethod | classmethod)


def _names_used(values: Any) -> Iterator[str]:
    """Yield the names that functions refer to, to find methods that a class calls itself."""
    for value in values:
        code = getattr(inspect.unwrap(value) if callable(value) else value, "__code__", None)
        if code is not None:
            yield from code.co_names
            yield from (name for const in code.co_consts for name in getattr(const, "co_names", ()))


def _parameters(value: Any) -> list[str]:
    code = getattr(value, "__code__", None)
    return [] if code is None else list(code.co_varnames[: code.co_argcount])


def _signature(verb: str) -> str:
    return f"({', '.join(inspect.signature(getattr(Callback, verb)).parameters)})"
