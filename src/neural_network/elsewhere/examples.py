"""Lines of example about the class that was used, where another would do as well."""

from __future__ import annotations

import ast
import importlib
import inspect

# Of which the lines of the tables are.
SHOWN = "nn.estimators.MLPClassifier"


def of_estimator(line: str, kind: str) -> str:
    """Return a line about an estimator with another one in its place, if that takes the same.

    >>> from neural_network.elsewhere.examples import of_estimator
    >>> of_estimator("nn.estimators.MLPClassifier(max_iter=20)", "MLPRegressor")
    'nn.estimators.MLPRegressor(max_iter=20)'
    """
    if not line.startswith(SHOWN) or kind == "MLPClassifier":
        return line
    cls = getattr(importlib.import_module("neural_network.estimators"), kind, None)
    made = ast.parse(line, mode="eval").body
    if not isinstance(cls, type) or not isinstance(made, ast.Call) or made.args:
        return line
    try:
        inspect.signature(cls).bind_partial(**{str(one.arg): one for one in made.keywords})
    except TypeError:
        return line
    return line.replace(SHOWN, f"nn.estimators.{kind}", 1)
