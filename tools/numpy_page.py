"""The page docs/numpy.md: what each public function of NumPy does with tensors.

``make_api.py`` writes it; the table is ``autograd/rules/listed.py``, which holds only literals.
"""

from __future__ import annotations

import runpy
import textwrap
from pathlib import Path

TABLE = "src/neural_network/autograd/rules/listed.py"

PAGE = """# NumPy's functions on tensors

Written by `make api` from `{table}`; a test compares it with NumPy.

A function of NumPy that meets a tensor does one of three things:

| | functions |
| --- | --- |
| differentiable: the result is a tensor with its gradient | {differentiable} |
| returns arrays: it has no gradient by nature (decisions, places, shapes, new arrays) | {arrays} |
| refused: it raises, because the gradient would be lost, and names what to use | {refused} |

A differentiable function equals NumPy's for every argument that it accepts: value, type and shape,
and it raises where NumPy raises. An argument that it does not accept on tensors (`out=`, `where=`)
raises, with the argument's name. Tests draw the arguments (`tests/autograd/test_rules.py`).

- `linalg.eigh` and `linalg.cholesky` read one triangle, so the gradient is in that triangle.
- Where a gradient does not exist (vectors of a repeated eigenvalue or singular value, `pinv` of a
  matrix without full rank, `slogdet` of a singular matrix), the backward pass raises. Functions of
  the values alone have one there.
- The slope of a norm at 0 is 0, as for `abs`. Equal numbers share the gradient of `max` and `min`;
  of `sort`, `median` and `quantile` it goes to one of them.
- `quantile`, `percentile` and their `nan` versions take `method="linear"` without weights, `cov` no
  weights, `cross` vectors of 3.
- Tensors are real: `real` and `conj` return the numbers, `imag` and `angle` are refused, and so is
  everything that needs complex numbers.
- `np.random` and the classes of `np.polynomial` (`poly1d`, `Polynomial`) convert what they get,
  which raises; use `mean + deviation * rng.standard_normal(shape)`, and `np.polyval`. `np.r_` and
  `np.c_` raise likewise; use `np.concatenate` and `np.stack`. `np.vectorize` hands over numbers one
  by one; write the function with NumPy's.

## Differentiable

{differentiable_names}

## Returns arrays

{array_names}

## Refused

| function | use |
| --- | --- |
{refused_rows}
"""


def page(root: Path) -> str:
    """Return the page's text."""
    table = runpy.run_path(str(root / TABLE))
    differentiable = table["DIFFERENTIABLE"].split()
    arrays = table["RETURNS_ARRAYS"].split()
    refused: dict[str, str] = table["REFUSED"]
    rows = [f"| `{name}` | {_marked(use)} |" for name, use in sorted(refused.items())]
    return PAGE.format(
        table=TABLE,
        differentiable=len(differentiable),
        arrays=len(arrays),
        refused=len(refused),
        differentiable_names=_listed(differentiable),
        array_names=_listed(arrays),
        refused_rows="\n".join(rows),
    )


def _listed(names: list[str]) -> str:
    """Return names as code, those of numpy itself first."""
    ordered = sorted(names, key=lambda name: ("." in name, name))
    return textwrap.fill(", ".join(f"`{name}`" for name in ordered), 100)


def _marked(use: str) -> str:
    """Return a suggestion for a cell of a table."""
    return use.replace("|", "\\|")
