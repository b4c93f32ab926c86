"""The colour pictures of ``make results``: their drawing, their reading, and their row."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks" / "results"))

import colour  # noqa: E402  # a script, found by the line above
import colour_pictures  # noqa: E402  # a script, found by the line above


def test_a_seed_draws_the_same_pictures_of_all_classes() -> None:
    X, y = colour_pictures.draw(1001, seed=0)
    again, _ = colour_pictures.draw(1001, seed=0)
    other, _ = colour_pictures.draw(1001, seed=1)
    assert X.shape == (1001, 3, 32, 32)
    assert X.dtype == np.float32
    assert np.isfinite(X).all()
    np.testing.assert_array_equal(X, again)
    assert abs(X - other).max() > 0.5
    assert set(y) == set(range(colour_pictures.CLASSES))


def test_the_class_is_in_the_picture() -> None:
    """Of one generator, pictures of two classes differ within the shape and nowhere else."""
    stripes, *others = (
        colour_pictures._draw(np.array([y]), np.random.default_rng(3))[0] for y in range(10)
    )
    for other in others:
        changed = (other != stripes).any(axis=0)
        assert 30 < changed.sum() < 700
        assert not changed[[0, -1]].any()
        assert not changed[:, [0, -1]].any()


def test_records_of_cifar_10_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / colour_pictures.FOLDER
    folder.mkdir()
    records = np.random.default_rng(0).integers(0, 256, (2, 3073), dtype=np.uint8)
    records[:, 0] = [7, 3]
    monkeypatch.setenv("NEURAL_NETWORK_DATA", str(tmp_path))
    assert "drawn" in colour_pictures.name()
    for file in colour_pictures.FILES:
        records.tofile(folder / file)
    found = colour_pictures.pictures()
    assert found.name == colour_pictures.name() == "CIFAR-10"
    assert found.X.shape == (4, 3, 32, 32)
    assert found.X_test.shape == (2, 3, 32, 32)
    np.testing.assert_array_equal(found.y, [7, 3, 7, 3])
    # Rows of red come first, then of green and of blue.
    assert found.X[3, 2, 31, 30] == pytest.approx(
        records[1, 1 + 2 * 1024 + 31 * 32 + 30] / 255 - 0.5
    )


def test_a_damaged_file_of_cifar_10_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data_batch_1.bin"
    path.write_bytes(bytes(3074))
    with pytest.raises(SystemExit, match="expected records of 3073 bytes, received 3074 bytes"):
        colour_pictures.read_records(path)


def some_pictures(accuracy: float) -> colour_pictures.Pictures:
    return colour_pictures.Pictures(
        "some", accuracy, *colour_pictures.draw(128, 0), *colour_pictures.draw(50, 1)
    )


def test_a_training_ends_with_the_last_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colour, "MOST_EPOCHS", 2)
    clock = colour.train_ours(0, some_pictures(100.0))
    assert len(clock.accuracies) == 2
    assert not clock.reached
    assert clock.seconds > 0
    assert clock.accuracies == colour.train_ours(0, some_pictures(100.0)).accuracies


def test_a_training_ends_where_the_accuracy_is_reached() -> None:
    clock = colour.train_ours(0, some_pictures(0.0))
    assert len(clock.accuracies) == 1
    assert clock.reached


def test_the_clock_stands_still_while_the_accuracy_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = iter([10.0, 13.0, 100.0, 105.0, 200.0])
    monkeypatch.setattr(colour, "perf_counter", lambda: next(now))
    pictures = some_pictures(100.0)
    clock = colour.Clock(pictures)
    for _ in range(2):
        assert not clock.ends(lambda X: np.zeros((len(X), 10)))
    assert clock.seconds == 8


def result(ours: float, torch: float, accuracy: float = 81.0) -> dict[str, Any]:
    side = {"epochs": 4, "accuracy": accuracy, "target": 80.0}
    return {
        "settings": colour.settings(),
        "pictures": "some pictures",
        "runs": [
            {"seed": seed, "ours": side | {"seconds": ours}, "torch": side | {"seconds": torch}}
            for seed in (0, 1)
        ],
        "commit": "abc", "machine": "a machine", "cores": 2,
    }  # fmt: skip


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(colour, "FILE", tmp_path / "colour.json")
    return tmp_path / "colour.json"


def test_the_section_has_the_ratio(file: Path) -> None:
    assert colour.lines() == []
    file.write_text(json.dumps(result(10.0, 15.0)))
    text = "\n".join(colour.lines())
    assert "**1.50** (aim 1.3, at least 1.0); of an epoch: 1.50" in text
    assert "| 1 | 10.0 | 4 | 81.0 | 15.0 | 4 | 81.0 |" in text


def test_an_accuracy_that_was_not_reached_has_no_ratio(file: Path) -> None:
    file.write_text(json.dumps(result(10.0, 15.0, accuracy=79.0)))
    text = "\n".join(colour.lines())
    assert (
        "ours with seed 0, torch with seed 0, ours with seed 1, torch with seed 1 did not" in text
    )
    assert "**" not in text


def test_a_result_of_other_settings_does_not_count(file: Path) -> None:
    found = result(10.0, 15.0)
    found["settings"]["rate"] = 0.1
    file.write_text(json.dumps(found))
    assert colour.stored() is None
    assert colour.lines() == []


def test_without_pytorch_nothing_is_measured_and_the_run_says_so(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(colour, "PEERS", tmp_path / ".venv-bench" / "bin" / "python")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    colour.measure()
    assert "PyTorch is not installed; `make bench ROW=A` installs it in .venv-bench" in (
        capsys.readouterr().out
    )
    assert not file.exists()


def test_each_seed_is_trained_by_both_libraries_in_turn(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def process(python: str, side: str, seed: int) -> dict[str, Any]:
        calls.append((python, side, seed))
        return {"seconds": 2.0, "epochs": 4, "accuracy": 81.0, "target": 80.0}

    monkeypatch.setattr(colour, "interpreter", lambda: "python")
    monkeypatch.setattr(colour, "_process", process)
    colour.measure((0, 1))
    assert calls == [("python", side, seed) for seed in (0, 1) for side in ("ours", "torch")]
    found = colour.stored()
    assert found is not None
    assert [run["seed"] for run in found["runs"]] == [0, 1]
    assert found["pictures"] == colour_pictures.name()
