"""The sentences for names and words that this library does not have; of calls, see ``calls.py``.

Nothing here runs unless a look-up or a call has failed, so that a right one costs nothing.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Collection, Iterable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from neural_network.elsewhere.assigned import is_elsewhere
from neural_network.elsewhere.attributes import ATTRIBUTES, KEYS
from neural_network.elsewhere.estimators import FITTED, ROW_ESTIMATOR
from neural_network.elsewhere.examples import of_estimator
from neural_network.elsewhere.functions import METRIC_WORDS, WORDS
from neural_network.elsewhere.inside import INSIDE
from neural_network.elsewhere.names import MODULE
from neural_network.elsewhere.own_layers import lacks_parts, where_it_is_set
from neural_network.errors import (
    ArgumentError,
    NeuralNetworkError,
    both,
    brief,
    give_hint,
    is_own,
    shortened,
)
from neural_network.names import PACKAGES_ONLY, PUBLIC

PACKAGE = "neural_network"
# How alike two names are, from 0 to 1, before one is taken for a misspelling of the other.
LIKENESS = 0.8
# NumPy's functions that make arrays of numbers alone.
CREATING = frozenset({"zeros", "ones", "full", "arange", "linspace", "eye", "empty"})


class Answer(NamedTuple):
    """What a name of another library is here: in words, and a line to type."""

    ours: str
    example: str

    def said(self, theirs: str) -> str:
        """Return it as a part of a sentence."""
        line = f", as in {self.example}" if self.example not in ("", self.ours) else ""
        return f"{theirs} → {self.ours}{line}"


@cache
def _table(where: str) -> dict[str, Answer]:
    """Return theirs → answer, of the package (""), of a class, or of keys ("[]")."""
    tables = {
        "": MODULE,
        **INSIDE,
        "[]": KEYS,
        **ATTRIBUTES,
        "RowEstimator": ROW_ESTIMATOR,
    }
    rows = tables.get(where, [])
    return {name: Answer(ours, line) for theirs, ours, line in rows for name in theirs.split()}


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that a misspelt one stands for, upper case or not, if one is close."""
    folded = {known.casefold(): known for known in names}
    found = difflib.get_close_matches(name.casefold(), folded, 1, LIKENESS)
    return folded[found[0]] if found else None


# --- attributes ------------------------------------------------------------------------


def missing_name(
    package: str, name: str, listed: Collection[str], *, importing: bool
) -> AttributeError | ImportError:
    """Return the error for a name that a package does not have.

    Args:
        package: its full name.
        name: that was looked for.
        listed: the public names of the package.
        importing: whether by ``from package import name``; then it is an ImportError if there is
            something to say.
    """
    text = f"module {package!r} has no attribute {brief(name)}"
    own = _table(package.partition(".")[2]).get(name) if package != PACKAGE else None
    answer = own or _table("").get(name) or _public_elsewhere(name, package)
    if answer is None and _takes_tensors(name):
        answer = Answer(f"np.{name}, which takes tensors", "")
    if answer is None and (near := nearest(name, listed)) is not None:
        answer = Answer(near, "")
    if importing and answer is not None:
        text = f"cannot import name {name!r} from {package!r}; here: {answer.said(name)}"
        refused: ImportError = both(NeuralNetworkError, ImportError)(text, name=package)
        return refused
    return attribute_error(text, name, answer, None)


def missing_module(module: str) -> ModuleNotFoundError:
    """Return the error for a module of the package that there is not."""
    package, _, name = module.rpartition(".")
    answer = _table("").get(name) or _public_elsewhere(name, package)
    text = f"No module named {module!r}"
    if answer is None and package != PACKAGE and package in sys.modules:
        answer = Answer("the package itself, which has all its names", f"from {package} import …")
    if answer is None and (
        near := nearest(name, {file.split(".")[0] for file in (*PUBLIC, *PACKAGES_ONLY)})
    ):
        answer = Answer(f"{PACKAGE}.{near}", "")
    if answer is None:
        return ModuleNotFoundError(text, name=module)
    kind = both(NeuralNetworkError, ModuleNotFoundError)
    error: ModuleNotFoundError = kind(f"{text}; here: {answer.said(name)}", name=module)
    return error


def _public_elsewhere(name: str, package: str) -> Answer | None:
    """Return the place of a name that is public in another package."""
    if package != PACKAGE and any(name in names.split() for names in PUBLIC.values()):
        return Answer(f"nn.{name}", "")
    for file, names in PACKAGES_ONLY.items():
        inner = file.split(".")[0]
        if name in names.split() and package != f"{PACKAGE}.{inner}":
            return Answer(f"nn.{inner}.{name}", "")
    return None


def missing_attribute(owner: Any, name: str) -> AttributeError:
    """Return the error for an attribute that an object does not have.

    Raises:
        AttributeError: the class has it: a property has raised this.
    """
    cls = type(owner)
    text = f"{cls.__name__!r} object has no attribute {brief(name)}"
    if name[:1] == "_":  # what copy and inspect look for
        return AttributeError(text, name=name, obj=owner)
    if any(name in vars(base) for base in cls.__mro__) and not is_elsewhere(cls, name):
        object.__getattribute__(owner, name)
    bases = [base.__name__ for base in cls.__mro__ if is_own(base.__module__)]
    answer = next((a for base in bases if (a := _table(base).get(name)) is not None), None)
    own = "Layer" in bases and not is_own(cls.__module__)
    answer = None if own and answer is not None and lacks_parts(owner, answer.ours) else answer
    if "Layer" in bases and name in owner._made_by_build and owner._built_for is None:
        answer = Answer("made by the first call or by initialize", "layer.initialize(X.shape[1:])")
    elif answer is None and "Tensor" in bases:
        answer = _function_of_tensor(name)
    elif answer is None:
        near = nearest(name, [n for n in object.__dir__(owner) if n[:1] != "_"])
        answer = None if near is None else Answer(near, "")
        answer = Answer(*where_it_is_set(owner, name)) if own and answer is None else answer
    if "RowEstimator" in bases and name in FITTED:
        answer = Answer("fit sets it", "")
    elif "RowEstimator" in bases and answer is not None:
        answer = answer._replace(example=of_estimator(answer.example, cls.__name__))
    return attribute_error(text, name, answer, owner)


def missing_in_class(cls: type, name: str) -> AttributeError:
    """Return the error for an attribute that a class does not have."""
    text = f"type object {cls.__name__!r} has no attribute {brief(name)}"
    bases = [base.__name__ for base in cls.__mro__ if is_own(base.__module__)]
    answer = next((a for base in bases if (a := _table(base).get(name)) is not None), None)
    if answer is None and (near := nearest(name, [n for n in dir(cls) if n[:1] != "_"])):
        answer = Answer(near, "")
    return attribute_error(text, name, answer, cls)


def _function_of_tensor(name: str) -> Answer | None:
    """Return the function that another library has as a method of its tensors."""
    plain = name.rstrip("_")
    if plain in PUBLIC["functional.activations"].split():
        return Answer(f"nn.{plain}(t)", "")
    return Answer(f"np.{plain}(t)", "") if _takes_tensors(plain) else None


def _takes_tensors(name: str) -> bool:
    """Return whether NumPy has a function of arrays of this name."""
    found = getattr(np, name, None)
    # Functions that answer to __array_function__ are of a class without a public name.
    of_arrays = type(found).__name__ == "_ArrayFunctionDispatcher" or name in CREATING
    return isinstance(found, np.ufunc) or (of_arrays and not name.startswith("save"))


def attribute_error(text: str, name: str, answer: Answer | None, owner: Any) -> AttributeError:
    """Return an error of this text, with the answer if there is one."""
    if answer is None:
        return AttributeError(text, name=name, obj=owner)
    kind = both(NeuralNetworkError, AttributeError)
    # Without the object, Python adds no guess of its own.
    error: AttributeError = kind(f"{text}; here: {answer.said(name)}", name=name, obj=None)
    return error


def missing_key(name: str, key: object, known: Collection[str]) -> KeyError:
    """Return the error for a key that a dict of measures does not have."""
    answer = _table("[]").get(key) if isinstance(key, str) else None
    near = nearest(key, known) if isinstance(key, str) and answer is None else None
    answer = Answer(near, "") if near is not None else answer
    has = ", ".join(map(repr, known)) or "nothing"
    said = f"; here: {answer.said(str(key))}" if answer is not None else ""
    text = f"{name}: no measure {brief(key)}{said}; it has {shortened(has, 200)}"
    error: KeyError = both(ArgumentError, KeyError)(text)
    return error


def hint_of_key(name: str, key: object, known: Collection[str]) -> None:
    """Give a hint where a measure that is looked up in vain is a word of another library."""
    answer = _table("[]").get(key) if isinstance(key, str) else None
    if answer is not None and answer.ours in known:
        give_hint(f"{name}: no measure {brief(key)}; here: {answer.said(str(key))}")


# --- words -----------------------------------------------------------------------------


@cache
def _words() -> dict[str, str]:
    return {word: ours for theirs, ours in WORDS for word in theirs.split()}


def word(value: str, choices: Collection[str]) -> str | None:
    """Return the one of the choices that a word of another library, or a misspelt one, means.

    >>> from neural_network.elsewhere.answers import word
    >>> word("Adam", ["sgd", "adam"]), word("mse", ["mse_loss"]), word("x", ["mse_loss"])
    ('adam', 'mse_loss', None)
    """
    meant = _words().get(value)
    return meant if meant in choices else nearest(value, choices)


def metric_word(value: object) -> str | None:
    """Return a measure of another library as a sentence shows it: with what it is here."""
    for theirs, ours in METRIC_WORDS:
        if isinstance(value, str) and value in theirs.split():
            return f"{brief(value)}; here: {ours}"
    return None


def with_meaning(value: object, choices: Collection[str]) -> str:
    """Return a word that was refused, as a sentence shows it: with the one that it means."""
    meant = word(value, choices) if isinstance(value, str) else None
    return brief(value) if meant is None else f"{brief(value)}; here: {meant!r}"
