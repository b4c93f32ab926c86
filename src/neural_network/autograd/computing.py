"""An op's result for arrays, as it is under tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neural_network.autograd.engine import Recorded
from neural_network.autograd.formulas import as_result
from neural_network.checks import Array
from neural_network.functional.op import PASSED, Kept, Rule
from neural_network.lifting import array_under


def compute_arrays(
    rule: Rule,
    inputs: Sequence[Recorded],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    kept: Kept | None = None,
) -> Array:
    """Return an op's result for the arrays of its arguments."""
    options = {name: array_under(value) for name, value in kwargs.items()} if kwargs else kwargs
    return compute(rule, inputs, tuple([array_under(value) for value in args]), options, kept)


def compute(
    rule: Rule,
    inputs: Sequence[Recorded],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    kept: Kept | None = None,
) -> Array:
    """Return an op's result for arguments without tensors, in the type of ``inputs``.

    Args:
        rule, inputs, args, kwargs: of the call.
        kept: takes what the forward function keeps for the gradients; None for nothing.
    """
    try:
        if kept is not None and rule.keeping is not None:
            value = rule.keeping(kept, *args, **kwargs)
        else:
            value = rule.forward(*args, **kwargs)
    except PASSED:
        raise
    except Exception as error:  # what NumPy raises gets a sentence, the rest is raised as it is
        rule.refuse(args, kwargs, error)
        raise
    return value if isinstance(value, np.ndarray) else as_result(rule, value, inputs)
