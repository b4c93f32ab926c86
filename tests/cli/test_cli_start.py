"""``train --model FILE``: a training that starts from a trained model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.cli.inspection import warn_of_a_falling_loss, warn_of_an_early_epoch
from neural_network.cli.output import Report
from neural_network.cli.settings import Settings, checked_settings
from tests.cli.folders import a_folder, colours, files
from tests.needs import need_module

STILL = ["--lr", "1e-12", "--epochs", "1", "--batch-size", "4", "--no-picture"]


@pytest.fixture
def trained(run_here: Any, tmp_path: Path) -> Any:
    """A model of three classes of 10×10 pixels, in the folder a."""
    a_folder(tmp_path / "bars")
    quick = ["--epochs", "2", "--batch-size", "4", "--no-picture", "--out", "a"]
    done = run_here("train", "--data", "bars", "--model", "mlp", "--size", "10", *quick)
    assert done.returncode == 0, done.stderr
    return nn.load(tmp_path / "a" / "model.safetensors")


def test_the_same_classes_keep_all_weights(run_here: Any, tmp_path: Path, trained: Any) -> None:
    start = ["train", "--model", "a/model.safetensors", "--data", "bars", *STILL, "--out", "b"]
    done = run_here(*start)
    assert done.returncode == 0, done.stderr
    assert "Starts from all weights of" in done.stderr
    after = nn.load(tmp_path / "b" / "model.safetensors")
    np.testing.assert_allclose(after.flat_parameters(), trained.flat_parameters(), atol=1e-6)
    # The pictures are prepared as the file notes it.
    notes = [nn.load_notes(tmp_path / name / "model.safetensors") for name in "ab"]
    assert notes[0] == notes[1]
    again = run_here("resume", "b", "--no-picture")
    assert again.returncode == 0, again.stderr
    repeated = nn.load(tmp_path / "b" / "model.safetensors")
    assert np.array_equal(repeated.flat_parameters(), after.flat_parameters())


def test_a_folder_of_new_is_trained_by_its_settings(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "fruits" / "pictures")
    (tmp_path / "fruits" / "settings.toml").write_text('data = "pictures"', encoding="utf-8")
    for line in (["fruits"], ["--data", "fruits"]):
        done = run_here("train", *line)
        assert done.returncode == 2
        assert "neural-network train fruits/settings.toml" in done.stderr.replace(
            f"{tmp_path}/", ""
        )


def test_a_model_that_does_not_exist(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars")
    (tmp_path / "wheels").mkdir()
    done = run_here("train", "--data", "bars", "--model", "tiny_cnn.safetensors")
    assert "train: --model: expected a model's file" in done.stderr
    assert "neural-network export tiny_cnn tiny_cnn.safetensors" in done.stderr
    assert "wheels" not in done.stderr
    (tmp_path / "fruit.safetensors").touch()
    done = run_here("evaluate", "fruits.safetensors", "--data", "bars")
    assert "which does not exist; did you mean fruit.safetensors?" in done.stderr


@pytest.mark.parametrize(("rate", "guesses"), [("1e-9", True), ("0.05", False)])
def test_a_network_that_guesses_at_the_end_is_told(
    run_here: Any, tmp_path: Path, rate: str, guesses: bool
) -> None:
    a_folder(tmp_path / "bars")
    few = ["--epochs", "3", "--batch-size", "4", "--no-picture", "--schedule", "none"]
    done = run_here("train", "--data", "bars", "--model", "mlp", "--size", "10", "--lr", rate, *few)
    assert done.returncode == 0, done.stderr
    told = re.search(r"would be by chance .* --learning-rate of 1e-09 .* --epochs 15", done.stderr)
    assert (told is not None) == guesses


def test_other_classes_get_a_new_last_layer(run_here: Any, tmp_path: Path, trained: Any) -> None:
    a_folder(tmp_path / "two", classes=2)
    (tmp_path / "two" / "bar 0").rename(tmp_path / "two" / "other")
    start = ["train", "--model", "a/model.safetensors", "--data", "two", *STILL]
    done = run_here(*start, "--out", "b")
    assert done.returncode == 0, done.stderr
    assert "Starts from a new last layer for these classes, all other weights of" in done.stderr
    after = nn.load(tmp_path / "b" / "model.safetensors")
    np.testing.assert_allclose(after[1].weight.data, trained[1].weight.data, atol=1e-6)
    assert after[-1].weight.shape[1] == 2
    assert nn.load_notes(tmp_path / "b" / "model.safetensors")["classes"] == ["bar 1", "other"]
    run_here(*start, "--out", "c")
    same = [(tmp_path / name / "model.safetensors").read_bytes() for name in "bc"]
    assert same[0] == same[1]


def test_a_model_of_colours_reads_a_grey_folder(run_here: Any, tmp_path: Path) -> None:
    colours(tmp_path / "c")
    a_folder(tmp_path / "bars", size=9)
    quick = ["--epochs", "1", "--no-picture"]
    assert run_here("train", "--data", "c", "--model", "mlp", *quick, "--out", "a").returncode == 0
    start = ["train", "--model", "a/model.safetensors", *quick]
    done = run_here(*start, "--data", "bars", "--out", "b")
    assert done.returncode == 0, done.stderr
    assert "12×12 pixels" in done.stderr
    before = files(tmp_path)
    for more, match in (
        (["--data", "mnist"], "--model: expected a model that reads pictures of shape (3, 28, 28)"),
        (
            ["--data", "bars", "--size", "8"],
            "expected a model that reads pictures of shape (3, 8, 8)",
        ),
        (["--data", "bars", "--grey"], "expected a model that reads pictures of shape (3, 9, 9)"),
    ):
        done = run_here(*start, *more, "--out", "d")
        assert done.returncode == 2
        assert match in done.stderr
    missing = run_here("train", "--model", "a/modle.safetensors", "--data", "bars", "--out", "d")
    assert re.search(r"did you mean \S+/a/model.safetensors\?", missing.stderr)
    assert files(tmp_path) == before


def test_a_model_without_a_last_dense_layer(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars")
    model = nn.Sequential(nn.Flatten(), nn.Dense(4), nn.Activation("softmax"))
    nn.save(model.initialize((1, 12, 12), rng=0), tmp_path / "m.safetensors")
    done = run_here("train", "--model", "m.safetensors", "--data", "bars")
    assert done.returncode == 2
    assert "expected a Sequential whose last layer is a Dense" in done.stderr
    assert "ONNX" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_early_stopping_beside_one_cycle(run_here: Any, tmp_path: Path, capsys: Any) -> None:
    a_folder(tmp_path / "bars")
    quick = ["--data", "bars", "--model", "mlp", "--epochs", "2", "--no-picture"]
    done = run_here("train", *quick, "--early-stopping", "1")
    assert "--early-stopping keeps the epoch with the lowest loss of 3 pictures held out" in done.stderr  # fmt: skip
    assert "--validation 0.3 holds out more" in done.stderr
    settings = checked_settings({"epochs": 8, "early_stopping": 2})
    capsys.readouterr()
    for kept, last, told in ((1, 3, True), (4, 6, True), (4, 4, False), (7, 8, False)):
        warn_of_an_early_epoch(Report(), settings, kept, last)
        assert ("--schedule none fits --early-stopping" in capsys.readouterr().err) == told
    constant = checked_settings({"epochs": 8, "early_stopping": 2, "schedule": "none"})
    warn_of_an_early_epoch(Report(), constant, 1, 3)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("losses", "right", "early", "told"),
    [
        ([1.1, 0.9, 0.7], 0.67, False, True), ([1.1, 0.7, 0.69], 0.67, False, False),
        ([1.1, 0.9, 0.7], 0.95, False, False), ([1.1, 0.9, 0.7], 0.67, True, False),
        ([0.7], 0.67, False, False),
    ],
)  # fmt: skip
def test_a_network_that_still_learned_at_the_end_is_told(
    capsys: Any, losses: list[float], right: float, early: bool, told: bool
) -> None:
    settings = Settings(epochs=4, early_stopping=early)
    history = {"loss": losses, "accuracy": [0.5] * (len(losses) - 1) + [right]}
    warn_of_a_falling_loss(Report(), settings, history)
    found = "the loss still fell, from 0.9 to 0.7; --epochs 12" in capsys.readouterr().err
    assert found == told


def test_words_for_a_model_to_start_from_and_for_more_epochs(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars")
    short = ["--data", "bars", "--model", "mlp", "--size", "10", "--epochs", "1", "--no-picture"]
    assert run_here("train", *short, "--out", "one").returncode == 0
    for words in (["--transfer", "one"], ["--from=one"], ["--backbone", "one"]):
        done = run_here("train", "--data", "bars", "--out", "two", *words)
        assert done.returncode == 2
        assert "here: --model, as in neural-network train" in done.stderr
        assert "one/model.safetensors" in done.stderr.replace("\\", "/")
    done = run_here("resume", "one", "--epochs", "2")
    assert "write a larger one there, and neural-network resume one goes on" in done.stderr
    settings = tmp_path / "one" / "settings.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(re.sub(r"(?m)^epochs = 1$", "epochs = 2", text), encoding="utf-8")
    assert "settings.toml" in done.stderr
    done = run_here("resume", "one")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "one" / "log.csv").read_text(encoding="utf-8").count("\n") == 3


def test_an_onnx_file_is_not_trained_further(run_here: Any, tmp_path: Path) -> None:
    need_module("onnx")
    a_folder(tmp_path / "bars")
    model = nn.Sequential(nn.Flatten(), nn.Dense(3)).initialize((1, 12, 12), rng=0)
    nn.interop.onnx.save(model, tmp_path / "m.onnx")
    done = run_here("train", "--model", "m.onnx", "--data", "bars")
    assert done.returncode == 2
    assert "m.onnx; train starts from a .safetensors file, and no ONNX file" in done.stderr


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """A model whose notes say that it reads digits, and a folder of pictures that are none."""
    need_module("PIL")
    from PIL import Image

    for name, level in (("bright", 230), ("dark", 40)):
        (tmp_path / "shades" / name).mkdir(parents=True)
        for number in range(6):
            pixels = np.full((20, 20, 3), level + number, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "shades" / name / f"{number}.png")
    notes = {"classes": list("0123456789"), "pictures": {"as": "digit"}}
    nn.save(nn.models.tiny_cnn(rng=0).initialize((1, 28, 28)), tmp_path / "start.safetensors",
            notes=notes)  # fmt: skip
    return tmp_path


def test_pictures_that_are_no_digits_get_the_option(run_here: Any, digits: Path) -> None:
    start = ["train", "--data", "shades", "--model", "start.safetensors", *STILL, "--out"]
    done = run_here(*start, "a")
    assert done.returncode == 2
    assert "the notes of start.safetensors say that it reads photographs of digits" in done.stderr
    assert "--prepare resize brings other pictures to the size that it reads" in done.stderr
    done = run_here(*start, "b", "--prepare", "resize")
    assert done.returncode == 0, done.stderr
    assert nn.load_notes(digits / "b" / "model.safetensors")["pictures"] == {
        "as": "resize", "size": [28, 28], "grey": True
    }  # fmt: skip
    assert 'prepare = "resize"' in (digits / "b" / "settings.toml").read_text(encoding="utf-8")
    assert run_here("resume", "b", "--no-picture").returncode == 0


def test_digits_are_prepared_as_the_notes_say_with_a_word(run_here: Any, digits: Path) -> None:
    from PIL import Image

    images, labels = nn.load_mnist()
    for number in range(12):
        folder = digits / "ink" / str(labels[number] % 2)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - images[number]).save(folder / f"{number}.png")
    start = ["train", "--data", "ink", "--model", "start.safetensors", *STILL, "--out"]
    done = run_here(*start, "a")
    assert done.returncode == 0, done.stderr
    told = "prepared as handwritten digits, as the notes of start.safetensors say; --prepare resize"
    assert told in " ".join(done.stderr.split())
    assert 'prepare = "digit"' in (digits / "a" / "settings.toml").read_text(encoding="utf-8")
    assert nn.load_notes(digits / "a" / "model.safetensors")["pictures"] == {"as": "digit"}
    assert run_here("resume", "a", "--no-picture").returncode == 0
    done = run_here(*start, "b", "--prepare", "resize")
    assert done.returncode == 0, done.stderr
    assert "handwritten digits" not in done.stderr
