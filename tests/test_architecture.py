"""The rules of the project: names, documentation, sizes, arrows, what importing costs."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import neural_network as nn
from neural_network.lazy import NameTable
from neural_network.names import NAMED
from tests.import_graph import cycles, import_graph
from tests.needs import need
from tests.processes import output_of, run_python

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "neural_network"
CONTRACT = [
    "normalize", "matrix_multiply", "sigmoid", "relu", "softmax", "mse_loss",
    "binary_cross_entropy", "cross_entropy", "gradient_descent", "numerical_gradient",
    "forward_perceptron", "forward_mlp", "backward_mlp", "forward_mlp_3layer",
    "backward_mlp_3layer", "conv2d", "max_pool", "l2_regularization", "dropout",
    "momentum_update", "accuracy",
]  # fmt: skip


def test_the_names_of_the_contract_are_public() -> None:
    assert len(CONTRACT) == 21
    for name in CONTRACT:
        assert name in nn.__all__
        assert callable(getattr(nn, name))


# The packages whose names are loaded on first use.
LAZY = [
    ".".join(("neural_network", *path.parent.relative_to(SOURCE).parts))
    for path in sorted(SOURCE.rglob("__init__.pyi"))
]


def test_what_follows_from_the_declarations_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "make_api.py", "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", LAZY)
def test_public_names_are_attributes_and_star_imports(package: str) -> None:
    module = importlib.import_module(package)
    assert set(dir(module)) == set(module.__all__)
    folder = Path(module.__file__ or "").parent
    stub = (folder / "__init__.pyi").read_text()
    found: dict[str, Any] = {}
    exec(f"from {package} import *", found)
    for name in module.__all__:
        assert getattr(module, name) is found[name]
        # The stub has to say the same; a file of the same name would take its place.
        assert re.search(rf"\b{name} as {name}\b|^{name}: str", stub, re.MULTILINE), name
        assert package == "neural_network" or not (folder / f"{name}.py").exists()
    with pytest.raises(AttributeError, match="has no attribute 'tensorflow'"):
        _ = module.tensorflow


@pytest.mark.parametrize("kind", NAMED)
def test_what_is_chosen_by_name_is_loaded(kind: str) -> None:
    table: NameTable[Any] = NameTable(kind)
    assert list(table) == [entry.split("=")[0] for e in NAMED[kind].values() for entry in e.split()]
    assert all(callable(value) or kind == "dataset" for value in table.values())
    assert "tensorflow" not in table
    assert len(table) == len(list(table))


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
    packages = ("functional", "by_hand", "training")
    tools = ("call", "gradient", "op", "samples", "named_filter", "compile_kernels")
    if function.__module__.split(".")[1] not in packages or name in tools:
        return
    assert "Source:" in text
    results = text.split("Returns:")[1].split("Raises:")[0]
    assert "float" in results or "type" in results


def code_lines(text: str) -> int:
    """Return how many lines are code: no docstring, comment or blank line."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    lines = dict(enumerate((line.strip() for line in text.splitlines()), 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            for number in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1):
                lines[number] = ""
    return sum(bool(line) and not line.startswith("#") for line in lines.values())


def test_code_lines_are_counted() -> None:
    text = '"""Module."""\n\n# why\ndef f():\n    """One\n    two."""\n    return 1  # one\n'
    assert code_lines(text) == 2


def test_no_file_has_more_than_300_lines_of_code() -> None:
    folders = ("src", "tests", "conformance", "fuzz", "examples", "benchmarks", "tools")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 50
    lines = {str(path.relative_to(ROOT)): code_lines(path.read_text()) for path in files}
    assert {path: count for path, count in lines.items() if count > 300} == {}


def test_a_package_imports_only_the_packages_below_it() -> None:
    need(find_spec("importlinter"), "import-linter")
    command = "from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])"
    done = run_python("-c", command)
    assert done.returncode == 0, done.stdout
    assert "1 kept, 0 broken" in done.stdout


def test_no_files_import_each_other() -> None:
    graph = import_graph(SOURCE)
    assert len(graph) > 150
    assert cycles(graph) == []


def test_cycles_are_found_in_functions_and_under_type_checking(tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    for name, text in {
        "a.py": "from toy import b\n",
        "b.py": "def f():\n    import toy.c\n",
        "c.py": "from toy.a import x\n",
        "d.py": "if TYPE_CHECKING:\n    from toy.e import x\n",
        "e.py": "import toy.d\nimport numpy\nfrom toy import a\n",
    }.items():
        (tmp_path / "toy" / name).write_text(text)
    found = cycles(import_graph(tmp_path / "toy"))
    assert sorted(map(sorted, found)) == [["toy.a", "toy.b", "toy.c"], ["toy.d", "toy.e"]]


def test_importing_brings_nothing_that_is_not_used() -> None:
    code = (
        "import sys, neural_network; early = set(sys.modules);"
        "neural_network.conv2d; neural_network.load_mnist; neural_network.gradient_descent;"
        "heavy = {'numpy', 'scipy', 'matplotlib', 'typer', 'rich', 'PIL', 'pooch', 'safetensors'};"
        "print(sorted(heavy & early), sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] ['numpy']"


def test_importing_costs_a_fraction_of_importing_numpy() -> None:
    code = (
        "from time import process_time; start = process_time(); import neural_network;"
        "ours = process_time() - start; import numpy; print(ours / (process_time() - start - ours))"
    )
    ratios = []
    for _ in range(10):  # other programs may disturb some of them
        ratios.append(float(output_of(code)))
        if ratios[-1] < 0.4:
            return
    pytest.fail(f"importing took {min(ratios):.2f} of the time that importing NumPy takes")


def test_nothing_unpickles() -> None:
    for path in SOURCE.rglob("*.py"):
        assert not re.search(r"\bpickle\b|allow_pickle=True", path.read_text()), path


def test_the_shipped_digits_are_small() -> None:
    size = sum(path.stat().st_size for path in SOURCE.rglob("*.gz"))
    assert size < 1_100_000
