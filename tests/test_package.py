"""The wheel: pure, typed, complete, and working with nothing but its base dependencies."""

from __future__ import annotations

import re
import tomllib
import zipfile
from pathlib import Path

import pytest

import neural_network as nn
from neural_network.errors import needs_extra
from tests.processes import ROOT, run_python

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    done = run_python("-m", "build", "--wheel", "--no-isolation", "-o", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.iterdir()
    return path


def test_what_is_in_the_wheel(wheel: Path) -> None:
    assert wheel.name.startswith("neural_network_numpy-")
    assert wheel.name.endswith("-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tracked = {
        str(path.relative_to(ROOT / "src"))
        for path in (ROOT / "src").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert tracked <= set(names)
    assert "neural_network/py.typed" in names
    assert sum(name.endswith("ubyte.gz") for name in names) == 4
    weights = zipfile.ZipFile(wheel).getinfo("neural_network/models/weights/tiny_cnn.safetensors")
    assert weights.file_size < 100_000
    assert any(name.endswith("licenses/LICENSE") for name in names)
    metadata = (
        zipfile.ZipFile(wheel).read(next(n for n in names if n.endswith("METADATA"))).decode()
    )
    base = [
        line
        for line in metadata.splitlines()
        if line.startswith("Requires-Dist") and "extra" not in line
    ]
    assert sorted(line.split(": ")[1].split(">")[0] for line in base) == [
        "numpy",
        "safetensors",
        "threadpoolctl",
    ]
    assert "License-Expression: MIT" in metadata
    extras = {
        line.split(": ")[1] for line in metadata.splitlines() if line.startswith("Provides-Extra")
    }
    for_users = {"fast", "plot", "data", "cli", "keras", "sklearn", "onnx", "dask", "all"}
    assert extras == {*for_users, "test", "conformance", "bench"}


def test_every_extra_that_an_error_or_a_page_names_exists() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    text = "".join(page.read_text() for page in pages)
    named = re.findall(r"pip install [^`\n]*\[([\w,]+)\]", text)
    source = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    named += re.findall(r"extra=\"(\w+)\"", source)
    assert len(named) > 10
    assert {one for names in named for one in names.split(",")} <= set(extras)


def test_the_wheel_works_with_its_base_dependencies_alone(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    done = run_python("-m", "pip", "install", "--quiet", "--no-deps", "--target", target, wheel)
    assert done.returncode == 0, done.stderr
    code = f"""
import sys
HIDDEN = {{
    "scipy", "numba", "llvmlite", "threadpoolctl", "tbb", "matplotlib", "typer", "rich", "PIL", "pooch", "tqdm",
}}
# Only these may be found, wherever they are installed.
class Only:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HIDDEN:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Only())
sys.path.insert(0, {str(target)!r})
import neural_network as nn, numpy as np
assert nn.__file__.startswith({str(target)!r}), nn.__file__
images, labels = nn.load_mnist()
assert nn.conv2d(images[0], nn.named_filter("edges")).shape == (26, 26)
assert nn.conv2d(images, np.ones((15, 15)), method="fft").shape == (5000, 14, 14)
nn.save_arrays({str(tmp_path / "a.safetensors")!r}, {{"a": np.ones(3)}})
try:
    nn.visual.show_history([1])
except nn.MissingDependencyError as error:
    print(error)
"""
    done = run_python("-I", "-c", code)
    assert done.returncode == 0, done.stderr
    assert 'pip install "neural-network-numpy[plot]"' in done.stdout


def test_lines_for_pip_work_in_every_shell() -> None:
    """The prompt of Windows passes single quotes on to pip, which refuses them."""
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("src/**/*.py")]
    wrong = re.compile(r"'(neural-network-numpy|\.)\[[^'\n]*\]'")
    assert [path for path in texts if wrong.search(path.read_text("utf-8"))] == []
    missing = pytest.raises(nn.MissingDependencyError, match=r'needs Pillow .* "neural.*\[plot\]"')
    with missing, needs_extra("reading", "plot"):
        raise ModuleNotFoundError("No module named 'PIL.Image'", name="PIL.Image")
