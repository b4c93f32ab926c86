"""The table of docs/numpy.md and what really happens to a tensor."""

from __future__ import annotations

import runpy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neural_network.autograd import Tensor
from neural_network.autograd.protocols import RULES, UFUNCS, WITHOUT_GRADIENT
from neural_network.autograd.rules.listed import DIFFERENTIABLE, REFUSED, RETURNS_ARRAYS
from neural_network.errors import NeuralNetworkError
from neural_network.lifting import array_under
from tests.needs import need

CLASSES = [DIFFERENTIABLE.split(), RETURNS_ARRAYS.split(), list(REFUSED)]
LISTED = {name for names in CLASSES for name in names}


OLD = {"in1d", "trapz"}  # the oldest NumPy that is allowed still has them


def public_functions() -> dict[str, Any]:
    """Name → public function of the NumPy that is installed."""
    found = {}
    for module, lead in ((np, ""), (np.linalg, "linalg."), (np.fft, "fft.")):
        for name in module.__all__:
            function = getattr(module, name)
            public = callable(function) and not isinstance(function, type)
            if public and name not in OLD and name != "test" and not name.startswith("_"):
                found[lead + name] = function
    return found


def test_every_public_function_is_listed_once() -> None:
    assert public_functions().keys() <= LISTED
    assert sum(map(len, CLASSES)) == len(LISTED)
    assert all(names == sorted(names, key=lambda n: ("." in n, n)) for names in CLASSES[:2])


def test_those_with_a_rule_are_listed_as_differentiable() -> None:
    functions = public_functions()
    known = {*RULES, *UFUNCS}
    having = {name for name, function in functions.items() if function in known}
    assert having == set(DIFFERENTIABLE.split()) & functions.keys()
    assert known <= set(functions.values())
    assert not WITHOUT_GRADIENT & known


# Those that HIPS autograd differentiates.
PEER = """
abs absolute add amax amin append arccos arccosh arcsin arcsinh arctan arctan2 arctanh array_split
atleast_1d atleast_2d atleast_3d broadcast_to clip column_stack concatenate conj conjugate cos cosh
cross cumsum deg2rad degrees diag diagonal diff divide dot dsplit einsum exp exp2 expand_dims expm1
fabs fliplr flipud fmax fmin gradient hsplit hstack hypot inner kron linspace log log10 log1p log2
logaddexp logaddexp2 matmul max maximum mean min minimum mod moveaxis multiply nan_to_num negative
outer pad partition power prod rad2deg radians ravel real real_if_close reciprocal remainder repeat
reshape roll rollaxis rot90 select sin sinc sinh sort split sqrt square squeeze stack std subtract
sum swapaxes tan tanh tensordot tile trace transpose tril triu true_divide var vsplit vstack where
linalg.cholesky linalg.det linalg.eigh linalg.inv linalg.norm linalg.pinv linalg.slogdet
linalg.solve linalg.svd
"""


def test_what_a_peer_differentiates_is_differentiable() -> None:
    assert set(PEER.split()) - set(DIFFERENTIABLE.split()) == set()


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_function_names_what_to_use(name: str) -> None:
    functions = public_functions()
    need(name in functions, "this function of NumPy")
    dispatched = hasattr(functions[name], "__wrapped__") or hasattr(
        functions[name], "_implementation"
    )
    if not dispatched:
        return
    t = Tensor(np.eye(2), requires_grad=True)
    calls: list[Any] = [
        (t,),
        (t, t),
        (t, t, t),
        (lambda x: x, 0, t),
        ("file", t),
        (t, [0], t),
        (t, [[0, 0]], 1.0, 1),
    ]
    messages = []
    for args in calls:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                functions[name](*args)
            except NeuralNetworkError as error:
                messages.append(str(error))
            except Exception:  # arguments of another kind
                continue
    assert any(REFUSED[name] in m or "in-place change" in m for m in messages), messages


# What is to be used is an expression in these.
NAMES = {
    "x": np.array([0.4, -0.7, 1.9]), "p": np.array([0.5, -1.5, 2.0, 0.3]), "axis": 0, "degree": 2,
    "a": np.array([[2.0, 0.3], [0.7, 1.1], [-0.2, 0.9]]), "b": np.array([1.0, -2.0, 0.5]),
    "start": np.array(0.5), "stop": np.array(2.0), "num": 4, "base": 3.0, "y": np.array([1.0, 2, 0]),
}  # fmt: skip
SAME: dict[str, Any] = {
    "angle": lambda x, **_: np.angle(x),
    "fft.fftshift": lambda x, **_: np.fft.fftshift(x),
    "fft.ifftshift": lambda x, **_: np.fft.ifftshift(x),
    "frexp": lambda x, **_: np.frexp(x)[0],
    "geomspace": lambda start, stop, num, **_: np.geomspace(start, stop, num),
    "imag": lambda x, **_: np.imag(x),
    "linalg.cond": lambda a, **_: np.linalg.cond(a),
    "linalg.lstsq": lambda a, b, **_: np.linalg.lstsq(a, b)[0],
    "linalg.qr": lambda a, **_: np.linalg.qr(a)[1] * np.sign(np.diag(np.linalg.qr(a)[1]))[:, None],
    "logspace": lambda start, stop, num, base, **_: np.logspace(start, stop, num, base=base),
    "polyder": lambda p, **_: np.polyder(p),
    "polyfit": lambda x, y, degree, **_: np.polyfit(x, y, degree),
    "polyint": lambda p, **_: np.polyint(p),
    "polymul": lambda a, b, **_: np.polymul(a[:, 0], b),
}


@pytest.mark.parametrize("name", SAME)
def test_what_to_use_means_the_same_and_is_recorded(name: str) -> None:
    text = REFUSED[name].partition(":")[0] if name == "imag" else REFUSED[name]
    text = text.removeprefix("r = ").partition(", whose")[0]
    expression, _, where = text.partition(" with ")
    values = NAMES | {"a": NAMES["a"][:, 0]} if name == "polymul" else NAMES
    used = {
        k: Tensor(v, requires_grad=True) if isinstance(v, np.ndarray) else v
        for k, v in values.items()
    }
    if name == "linalg.cond":
        used["x"] = used["a"]
    if where:
        letter, _, defined = where.partition(" = ")
        used[letter] = eval(defined, {"np": np}, used)
    out = eval(expression, {"np": np}, used)
    np.testing.assert_allclose(array_under(out), SAME[name](**NAMES), rtol=1e-12, atol=1e-14)
    assert name == "imag" or out.requires_grad
    if name != "imag":
        out.sum().backward()


def test_a_decision_is_a_plain_array() -> None:
    t = Tensor([1.0, np.nan, -2.0], requires_grad=True)
    for decided in (np.nanargmax(t), np.isin(t, [1.0]), np.argpartition(t, 1), np.lexsort((t, t)),
                    np.isreal(t), np.isneginf(t), np.digitize(t, [0.0]), np.nanargmin(t)):  # fmt: skip
        assert isinstance(decided, np.ndarray | np.integer)


def test_the_page_counts_and_names_them() -> None:
    root = Path(__file__).parents[2]
    text = runpy.run_path(str(root / "tools" / "numpy_page.py"))["page"](root)
    assert text == (root / "docs" / "numpy.md").read_text()
    for names in CLASSES:
        assert f"| {len(names)} |" in text
        assert all(f"`{name}`" in text for name in names)
