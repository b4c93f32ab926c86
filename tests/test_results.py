"""The stored results are those of the recipes, and the page shows no other."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import neural_network as nn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks" / "results"))

import cold  # noqa: E402
import recipes  # noqa: E402
import run  # noqa: E402
import time_to_99  # noqa: E402

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


def test_the_shipped_weights_read_the_shipped_test_digits() -> None:
    images, labels = nn.load_mnist("test")
    outputs = nn.models.load_tiny_cnn().predict(images[:, None].astype(np.float32) / 255)
    assert nn.accuracy(outputs, labels) >= 0.985
