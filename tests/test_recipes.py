"""The recipes of CONTRIBUTING.md, followed in a copy of the package: one file each, and ``make api``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RECIPES = dict(
    re.findall(
        r"^`(src/[\w/]+\.py)`:\n\n```python\n(.*?)```",
        (ROOT / "CONTRIBUTING.md").read_text(),
        re.DOTALL | re.MULTILINE,
    )
)
GENERATED = {"names.py", "__init__.pyi"}


def run(copy: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "PYTHONPATH": f"{copy / 'src'}{os.pathsep}{copy}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make_api(copy: Path, *options: str) -> str:
    return run(copy, str(ROOT / "tools" / "make_api.py"), "--root", str(copy), *options)


def hashes(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.suffix in (".py", ".pyi"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with the files of the recipes, and what ``make api`` writes."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("src", "docs", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, copy / name)
    before = hashes(copy / "src")
    for file, code in RECIPES.items():
        assert not (copy / file).exists()
        (copy / file).write_text(code)
    make_api(copy)
    after = hashes(copy / "src")
    changed = {name for name in after if before.get(name) != after[name]}
    by_hand = {f"src/{name}" for name in changed if Path(name).name not in GENERATED}
    assert by_hand == set(RECIPES)
    return copy


def test_there_is_a_recipe_for_an_op_a_layer_and_an_optimizer() -> None:
    folders = ("functional", "layers", "training/optimizers")
    assert len(RECIPES) == len(folders)
    for folder in folders:
        assert any(file.startswith(f"src/neural_network/{folder}/") for file in RECIPES)


def test_the_op_is_public_differentiable_and_chosen_by_name(copy: Path) -> None:
    run(copy, "-c", """
import numpy as np, neural_network as nn
x = np.array([-1.0, 3.0])
assert nn.softsign is nn.functional.softsign
np.testing.assert_allclose(nn.softsign(x), [-0.5, 0.75])
np.testing.assert_allclose(nn.grad(lambda x: nn.softsign(x).sum())(x), [1 / 4, 1 / 16])
nn.check_gradients(nn.softsign, [x])
assert "softsign" in dir(nn)
np.testing.assert_allclose(nn.Activation("softsign").predict(x[None]), [[-0.5, 0.75]])
""")  # fmt: skip


def test_the_template_of_ops_finds_it(copy: Path) -> None:
    shown = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "softsign",
                "tests/functional/test_ops.py")  # fmt: skip
    assert int(re.findall(r"(\d+) passed", shown)[0]) >= 7


def test_the_layer_and_the_optimizer_train_are_saved_and_loaded(copy: Path) -> None:
    run(copy, "-c", """
import numpy as np, neural_network as nn
nn.use_kernels("numpy")
rng = np.random.default_rng(0)
X = rng.standard_normal((60, 5)).astype("float32")
y = (X[:, 0] > 0).astype(int)
model = nn.Sequential(nn.FeatureScale(0.5), nn.Dense(8, "softsign"), nn.Dense(2))
trainer = nn.Trainer(model, "heavyball", rng=0, progress=False)
history = trainer.fit(X, y, epochs=15, batch_size=10)
assert history["loss"][-1] < 0.7 * history["loss"][0], history["loss"]
assert np.ptp(model[0].factor.data) > 0.01
nn.save(model, "model.safetensors")
again = nn.load("model.safetensors")
np.testing.assert_array_equal(again.predict(X), model.predict(X))
assert repr(again) == repr(model)
assert type(trainer.optimizer) is nn.HeavyBall is nn.OPTIMIZERS["heavyball"]
model[1].freeze()
before = model.flat_parameters().copy()
optimizer = nn.HeavyBall(0.01, weight_decay=0.1, parameters=model)
nn.softmax_cross_entropy(model.train()(X), y).backward()
optimizer.step()
moved = model.flat_parameters() != before
assert not moved[5:53].any() and moved[53:].all()
from neural_network.cli.settings import Settings, make_optimizer
assert type(make_optimizer(Settings(optimizer="heavyball", learning_rate=0.1))) is nn.HeavyBall
""")  # fmt: skip


def test_stubs_and_documents_name_them(copy: Path) -> None:
    package = copy / "src" / "neural_network"
    readme = (copy / "README.md").read_text()
    for name, folder in {
        "softsign": "functional", "FeatureScale": "layers", "HeavyBall": "training/optimizers",
    }.items():  # fmt: skip
        for stub in (package / "__init__.pyi", package / folder / "__init__.pyi"):
            assert f"{name} as {name}" in stub.read_text()
        assert f"`{name}`" in readme


def test_stale_files_and_names_that_are_taken_are_reported(copy: Path, tmp_path: Path) -> None:
    assert make_api(copy, "--check").strip() == "everything is up to date"
    folder = copy / "src" / "neural_network" / "functional"
    added = folder / "more.py"
    command = [sys.executable, ROOT / "tools" / "make_api.py", "--root", copy]
    for code, message in {
        "def triple(x): ...": r"out of date: src/neural_network/names.py.*; run `make api`",
        "def relu(x): ...": r"functional\.more: the name 'relu' is taken by .*activations",
        "def more(x): ...": r"functional\.more: the name 'more' is taken by a file beside it",
    }.items():
        added.write_text(f"from neural_network.public import public\n\n@public\n{code}\n")
        done = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert re.search(message, done.stderr), done.stderr
    added.unlink()
