"""Products of vectors and matrices, and sums of products."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.functional.op import Call, call
from tests.autograd.draws import Draw, draws


def pair(draw: Draw, second_to_last: bool) -> tuple[Any, Any]:
    """Two arrays with a common size, in the first's last axis."""
    n = draw.pick(0, 1, 2, 3, 3)
    a = () if draw.flag(0.1) else (*draw.shape(most=2), n)
    other = n if draw.flag(0.9) else n + 1
    rest = draw.shape(most=2)
    if draw.flag(0.1):
        b: tuple[int, ...] = ()
    elif second_to_last and rest:
        b = (*rest[:-1], other, rest[-1])
    else:
        b = (*rest, other)
    return draw.listed(draw.array(a)), draw.listed(draw.array(b))


@draws(np.dot)
def _(draw: Draw) -> Call:
    return call(*pair(draw, True))


@draws(np.inner)
def _(draw: Draw) -> Call:
    return call(*pair(draw, False))


@draws(np.matmul)
def _(draw: Draw) -> Call:
    n = draw.pick(0, 1, 2, 3)
    stack = draw.shape(most=2)
    a = draw.array((*stack, draw.number(1, 3), n) if draw.flag(0.7) else (n,))
    lead = [size if draw.flag(0.7) else 1 for size in stack][draw.number(0, len(stack)) :]
    inner = n if draw.flag(0.9) else n + 1
    b = draw.array((*lead, inner, draw.number(1, 3)) if draw.flag(0.7) else (inner,))
    return call(draw.listed(a), draw.listed(b))


@draws(np.vdot)
def _(draw: Draw) -> Call:
    a = draw.array()
    shape = draw.pick(a.shape, a.shape, a.shape[::-1], (a.size,), (a.size + 1,))
    return call(a, draw.listed(draw.array(shape)))


@draws(np.outer)
def _(draw: Draw) -> Call:
    return call(draw.array(draw.shape(most=2)), draw.listed(draw.array(draw.shape(most=2))))


SUBSCRIPTS = [
    "ij,jk->ik", "ij,jk", "ij", "ji", "ij->", "ii", "ii->i", "iij->ij", "iji->j", "ij,ij->ij",
    "i,j->ij", "i,j", "ba,cb", "...", "...->", "...i->...", "i...", "...ij,...jk->...ik",
    "...ij,jk", "i...,i...->...", "ij,kj,k->i", "b...,b", "Ab,bA", "ij , jk -> ik", "ii,jj->ij",
    "i->ii", "ij->k", "i-j", "ij,j->i...", "->", ",->",
]  # fmt: skip


@draws(np.einsum)
def _(draw: Draw) -> Call:
    text = draw.pick(*SUBSCRIPTS)
    sizes = {letter: draw.number(0 if draw.flag(0.1) else 1, 3) for letter in sorted(set(text))}
    hidden = draw.shape(most=2)
    operands = []
    for part in text.replace(" ", "").partition("->")[0].split(","):
        shape = []
        for letter in part.replace("...", "."):
            kept = [*hidden][draw.number(0, len(hidden)) if draw.flag(0.3) else 0 :]
            shape += kept if letter == "." else [sizes[letter]]
        # One axis in ten has size 1, and is repeated; one in forty does not fit.
        shape = [1 if draw.flag(0.1) else n + draw.flag(0.025) for n in shape]
        operands.append(draw.listed(draw.array(tuple(shape))))
    options = {"optimize": draw.pick(True, False, "greedy")} if draw.flag(0.2) else {}
    if draw.flag(0.3):
        return call(*sublists(text, operands), **options)
    return call(text, *operands, **options)


def sublists(text: str, operands: list[Any]) -> list[Any]:
    """The same call with a list of numbers after each operand."""
    left, arrow, output = text.replace(" ", "").replace("...", ".").partition("->")

    def as_numbers(letters: str) -> list[Any]:
        return [... if k == "." else ord(k) % 50 for k in letters]

    arguments: list[Any] = []
    for operand, part in zip(operands, left.split(","), strict=True):
        arguments += [operand, as_numbers(part)]
    return [*arguments, as_numbers(output)] if arrow else arguments
