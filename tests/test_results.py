"""The stored results are those of the recipes, and the page shows no other."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks" / "results"))

import cold  # noqa: E402  # a script, found by the line above
import colour  # noqa: E402  # a script, found by the line above
import recipes  # noqa: E402  # a script, found by the line above
import run  # noqa: E402  # a script, found by the line above
import time_to_99  # noqa: E402  # a script, found by the line above
import train_seed  # noqa: E402  # a script, found by the line above

SEEDS = sorted((ROOT / "benchmarks" / "results" / "seeds").glob("*-*.json"))


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_a_stored_seed_belongs_to_its_recipe(path: Path) -> None:
    name, seed = path.stem.rsplit("-", 1)
    assert run.stored(name, int(seed)) is not None


def test_the_page_is_what_the_stored_seeds_say() -> None:
    assert (ROOT / "docs" / "results.md").read_text() == run.table()


def test_recipes_keep_to_their_sizes() -> None:
    sizes = {name: r.model(0).summary().parameters for name, r in recipes.RECIPES.items()}
    assert sizes["mnist_cnn"] == 34_826
    assert sizes["tiny_cnn"] < 20_000
    assert sizes["fashion"] < 100_000
    assert all(len(recipe.seeds) >= 3 for recipe in recipes.RECIPES.values())


def test_a_seed_of_other_settings_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = json.loads((ROOT / "benchmarks/results/seeds/tiny_cnn-0.json").read_text())
    result["settings"]["epochs"] += 1
    (tmp_path / "tiny_cnn-0.json").write_text(json.dumps(result))
    monkeypatch.setattr(run, "STORED", tmp_path)
    assert run.stored("tiny_cnn", 0) is None


def test_a_time_of_other_settings_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cold, "TIME_FILE", tmp_path / "time.json")
    monkeypatch.setattr(cold, "BEST_FILE", tmp_path / "best.json")
    assert cold.lines() == []
    run_of_a_seed = {"empty cache, s": 20.0, "filled cache, s": 6.0, "accuracy": 99.25}
    found = {
        "settings": time_to_99.settings(),
        "runs": [{"seed": seed, **run_of_a_seed} for seed in cold.TIME_SEEDS],
        "machine": "a machine", "cores": 2, "commit": "abc",
    }  # fmt: skip
    cold.TIME_FILE.write_text(json.dumps(found))
    text = "\n".join(cold.lines())
    assert "| 4 | 20.0 | 6.0 | 99.25 |" in text
    assert "at most 25 s and 8 s" in text
    found["settings"]["peak_rate"] *= 2
    cold.TIME_FILE.write_text(json.dumps(found))
    assert cold.lines() == []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that ``make results`` writes into, as if it were the project's."""
    for module in (run, train_seed):
        monkeypatch.setattr(module, "STORED", tmp_path / "seeds")
        monkeypatch.setattr(module, "RUNNING", tmp_path / "running")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "WEIGHTS", tmp_path / "weights" / "tiny_cnn.safetensors")
    monkeypatch.setattr(cold, "TIME_FILE", tmp_path / "time.json")
    monkeypatch.setattr(cold, "BEST_FILE", tmp_path / "best.json")
    monkeypatch.setattr(colour, "FILE", tmp_path / "colour.json")
    (tmp_path / "docs").mkdir()
    return tmp_path


def test_a_run_trains_what_is_not_stored_and_measures_the_times(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Any] = []
    monkeypatch.setattr(run, "run_seed", done.append)
    for module, function in (
        (cold, "measure_time"), (cold, "measure_best"), (colour, "measure"),
    ):  # fmt: skip
        monkeypatch.setattr(module, function, lambda name=function: done.append(name))
    monkeypatch.setattr(sys, "argv", ["run.py", "--jobs", "1"])
    stored = folder / "seeds" / "fashion-1.json"
    stored.parent.mkdir()
    settings = recipes.RECIPES["fashion"].settings(1)
    stored.write_text(json.dumps({"settings": settings, "accuracy": 93.0}))
    run.main()
    seeds = [(name, seed) for name in recipes.RECIPES for seed in (0, 1, 2)]
    seeds.remove(("fashion", 1))
    assert done == [*seeds, "measure_time", "measure_best", "measure"]
    page = (folder / "docs" / "results.md").read_text()
    assert page.count("0 of 3 seeds") == 2
    assert page.count("1 of 3 seeds") == 1
    assert not run.WEIGHTS.exists()


def test_the_page_alone_trains_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "run_seed", pytest.fail)
    monkeypatch.setattr(sys, "argv", ["run.py", "--table"])
    run.main()
    assert (folder / "docs" / "results.md").exists()


def test_a_killed_seed_is_resumed_with_the_same_result(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = nn.load_mnist("train")
    X, y = images[:600, None].astype(np.float32) / 255, labels[:600]
    monkeypatch.setattr(train_seed, "pictures", lambda _data, _split: (X, y))
    recipe = replace(recipes.RECIPES["tiny_cnn"], rows=500, epochs=2, batch_size=50)
    unbroken = train_seed.train("tiny_cnn", recipe, 0)
    assert unbroken["settings"] == recipe.settings(0)
    assert len(unbroken["training_loss"]) == 2

    class Killed(nn.Checkpoint):
        def on_epoch_end(self, trainer: nn.Trainer, measures: dict[str, float]) -> None:
            super().on_epoch_end(trainer, measures)
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(nn, "Checkpoint", Killed)
        with pytest.raises(KeyboardInterrupt):
            train_seed.train("tiny_cnn", recipe, 0)
    assert (folder / "running" / "tiny_cnn-0.checkpoint").exists()
    resumed = train_seed.train("tiny_cnn", recipe, 0)
    for name in ("accuracy", "test_loss", "training_loss"):
        assert resumed[name] == unbroken[name]
    assert not (folder / "running" / "tiny_cnn-0.checkpoint").exists()


def test_the_shipped_weights_read_the_shipped_test_digits() -> None:
    images, labels = nn.load_mnist("test")
    outputs = nn.models.load_tiny_cnn().predict(images[:, None].astype(np.float32) / 255)
    assert nn.accuracy(outputs, labels) >= 0.985
