"""The rules of the house: names, documentation, sizes, arrows, what importing costs."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import neural_network as nn

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "neural_network"
CONTRACT = [
    "normalize", "matrix_multiply", "sigmoid", "relu", "softmax", "mse_loss",
    "binary_cross_entropy", "cross_entropy", "gradient_descent", "numerical_gradient",
    "forward_perceptron", "forward_mlp", "backward_mlp", "forward_mlp_3layer",
    "backward_mlp_3layer", "conv2d", "max_pool", "l2_regularization", "dropout",
    "momentum_update", "accuracy",
]  # fmt: skip


def test_the_contracts_names_are_on_the_face() -> None:
    assert len(CONTRACT) == 21
    for name in CONTRACT:
        assert name in nn.__all__
        assert callable(getattr(nn, name))


@pytest.mark.parametrize(("face", "rooms"), [(nn, nn._ROOMS), (nn.functional, ())])
def test_a_lazy_face_is_what_type_checkers_see(face: Any, rooms: tuple[str, ...]) -> None:
    block = ast.parse((Path(face.__file__).with_name("__init__.pyi")).read_text())
    typed = {
        (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    lazy = {
        (f"{face.__name__}.{home}", name) for home, names in face._HOMES.items() for name in names
    }
    assert typed == lazy | {(face.__name__, room) for room in rooms}
    assert set(dir(face)) == set(face.__all__)
    # A file of the same name would stand in its place once it is imported.
    files = {path.stem for path in Path(face.__file__).parent.iterdir()}
    assert not files & {name for _, name in lazy}
    with pytest.raises(AttributeError, match="has no attribute 'tensorflow'"):
        _ = face.tensorflow


def public() -> list[str]:
    names = [name for name in nn.__all__ if inspect.isfunction(getattr(nn, name))]
    return names + [f"visual.{name}" for name in nn.visual.__all__]


@pytest.mark.parametrize("name", public())
def test_public_functions_are_documented(name: str) -> None:
    function = getattr(nn.visual if "." in name else nn, name.rsplit(".", maxsplit=1)[-1])
    text = inspect.getdoc(function) or ""
    assert "Returns:" in text
    assert "Raises:" in text or name in ("no_grad", "debug")
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"\b{re.escape(parameter)}\b", text.split("Args:")[-1]), parameter
    assert ">>>" in text


def public_classes() -> list[str]:
    classes = [name for name in nn.__all__ if inspect.isclass(getattr(nn, name))]
    return [name for name in classes if not issubclass(getattr(nn, name), BaseException)]


@pytest.mark.parametrize("name", public_classes())
def test_public_classes_and_their_methods_are_documented(name: str) -> None:
    cls = getattr(nn, name)
    text = inspect.getdoc(cls) or ""
    assert ">>>" in text
    taken = [p for p in inspect.signature(cls.__init__).parameters if p not in ("self", "kwargs")]
    if taken and taken != ["args"]:
        # The fields of a dataclass are its arguments.
        assert "Args:" in text or "Attributes:" in text
        assert "Raises:" in text
    for parameter in taken:
        assert parameter == "args" or re.search(rf"\b{re.escape(parameter)}\b", text), parameter
    for method, found in inspect.getmembers(cls):
        function = found.fget if isinstance(found, property) else found
        ours = (getattr(function, "__module__", None) or "").startswith("neural_network.")
        if ours and callable(function) and not method.startswith("_"):
            assert inspect.getdoc(function), method


@pytest.mark.parametrize("name", sorted(nn.INITIALIZERS))
def test_initializers_are_documented(name: str) -> None:
    text = inspect.getdoc(nn.INITIALIZERS[name]) or ""
    for part in ("Args:", "Returns:", "Raises:", "Source:", ">>>", "fan_in", "fan_out", "rng"):
        assert part in text, part


@pytest.mark.parametrize("name", [n for n in public() if "." not in n])
def test_mathematics_names_its_source_and_the_type_of_its_result(name: str) -> None:
    function = getattr(nn, name)
    text = inspect.getdoc(function) or ""
    rooms = ("functional", "by_hand", "training")
    tools = ("call", "gradient", "op", "samples", "named_filter")
    if function.__module__.split(".")[1] not in rooms or name in tools:
        return
    assert "Source:" in text
    results = text.split("Returns:")[1].split("Raises:")[0]
    assert "float" in results or "type" in results


def test_a_file_is_read_in_one_sitting() -> None:
    folders = ("src", "tests", "conformance", "examples", "benchmarks", "tools")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 50
    lengths = {path: len(path.read_text().splitlines()) for path in files}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


def test_the_arrows_point_one_way() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "1 kept, 0 broken" in done.stdout


def test_importing_brings_nothing_that_is_not_used() -> None:
    code = (
        "import sys, neural_network; early = set(sys.modules);"
        "neural_network.conv2d; neural_network.load_mnist; neural_network.gradient_descent;"
        "heavy = {'numpy', 'scipy', 'matplotlib', 'typer', 'rich', 'PIL', 'pooch', 'safetensors'};"
        "print(sorted(heavy & early), sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] ['numpy']"


def test_nothing_unpickles() -> None:
    for path in SOURCE.rglob("*.py"):
        assert not re.search(r"\bpickle\b|allow_pickle=True", path.read_text()), path


def test_the_shipped_digits_are_small() -> None:
    size = sum(path.stat().st_size for path in SOURCE.rglob("*.gz"))
    assert size < 1_100_000
