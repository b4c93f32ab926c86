"""What a trained model's file tells ``predict`` and ``evaluate``, and what these make of it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

import neural_network as nn
from neural_network.cli.preparation import Preparation
from neural_network.datasets.pictures import read_picture
from neural_network.datasets.resizing import as_image
from tests.cli.folders import a_folder, files, photograph
from tests.processes import run_python


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    """A model of digits without notes."""
    nn.save(nn.models.load_tiny_cnn(), tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


def test_predict_reads_photographs(run_here: Any, tmp_path: Path, reader: Path) -> None:
    images, labels = nn.load_mnist("test")
    for place in (0, 1):
        photograph(tmp_path / f"{place}.png", images[place])
    done = run_here("predict", "0.png", "1.png", "--model", reader.name)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("The model's file has no notes on how its pictures were prepared")
    lines = done.stdout.splitlines()
    assert lines[0] == f"0.png: {labels[0]}"
    assert lines[4] == f"1.png: {labels[1]}"
    assert lines[1].startswith(f"  {labels[0]}")
    assert "█" in lines[1]
    assert lines[8] == "Saved: what_it_saw.png"
    with Image.open(tmp_path / "what_it_saw.png") as picture:
        assert picture.height > 500
    every = run_here("predict", "0.png", "--all", "--save", "b.svg")
    (told,) = every.stderr.splitlines()
    assert told.startswith("Without --model the tiny_cnn that is shipped answers")
    shares = [line.split()[1].rstrip("%") for line in every.stdout.splitlines()[1:-1]]
    assert len(shares) == 10
    assert sum(map(float, shares)) == pytest.approx(100, abs=0.5)


def test_a_colour_picture_without_a_model_is_told_that_digits_are_read(
    run_here: Any, tmp_path: Path
) -> None:
    levels = np.zeros((40, 40, 3), np.uint8)
    levels[10:30, 15:25] = [220, 30, 20]
    levels[..., 2] += 90
    Image.fromarray(levels).save(tmp_path / "apple.png")
    done = run_here("predict", "apple.png", "--no-picture")
    assert "apple.png: in colour, and the model reads photographs of" in done.stderr


def test_a_drawing_never_blocks_the_next(run_here: Any, tmp_path: Path) -> None:
    photograph(tmp_path / "a.png", nn.load_mnist("test")[0][0])
    for name in ("what_it_saw.png", "what_it_saw-2.png", "what_it_saw-3.png"):
        done = run_here("predict", "a.png")
        assert done.returncode == 0
        assert done.stdout.splitlines()[-1] == f"Saved: {name}"
    (tmp_path / "what_it_saw.png").write_text("mine")
    assert run_here("predict", "a.png", "--force").stdout.endswith("Saved: what_it_saw.png\n")
    assert (tmp_path / "what_it_saw.png").stat().st_size > 100
    done = run_here("predict", "a.png", "--save", "what_it_saw.png")
    assert done.returncode == 2
    assert "what_it_saw.png exists already; --force overwrites" in done.stderr


def test_several_digits_are_noticed(run_here: Any, tmp_path: Path) -> None:
    images = nn.load_mnist("test")[0]
    photograph(tmp_path / "two.png", images[0], images[1])
    photograph(tmp_path / "one.png", images[0])
    done = run_here("predict", "one.png", "two.png")
    assert done.returncode == 0
    line = "there seem to be several digits in two.png; one at a time is read best\n"
    assert done.stderr.startswith(line)
    assert done.stderr.count("several digits") == 1


def test_of_several_pictures_in_a_file_the_first_is_read(run_here: Any, tmp_path: Path) -> None:
    image, label = (part[0] for part in nn.load_mnist("test"))
    photograph(tmp_path / "a.png", image)
    with Image.open(tmp_path / "a.png") as picture:
        empty = Image.new("L", picture.size, 190)
        picture.save(tmp_path / "a.tif", save_all=True, append_images=[empty])
    done = run_here("predict", "a.tif")
    assert done.stdout.startswith(f"a.tif: {label}\n")
    assert done.stderr.startswith("a.tif: contains several pictures; the first is read\n")


def test_names_of_classes_match_in_each_normal_form(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars", classes=2)
    frames = [Image.new("L", (12, 12), shade) for shade in (0, 255)]
    frames[0].save(tmp_path / "bars/bar 0/z.tif", save_all=True, append_images=frames[1:])
    (tmp_path / "bars" / "bar 0").rename(tmp_path / "bars" / "caf\u00e9")
    model = nn.models.mlp(classes=2, input_shape=(1, 12, 12), rng=0)
    notes = {
        "classes": ["cafe\u0301", "bar 1"],
        "pictures": {"as": "resize", "size": [12, 12], "grey": True},
    }
    nn.save(model, tmp_path / "m.safetensors", notes=notes)
    done = run_here("evaluate", "m.safetensors", "--data", "bars")
    assert done.returncode == 0, done.stderr
    assert "of 13 pictures right" in done.stdout
    assert done.stderr.endswith("z.tif: several pictures in a file; the first is read\n")


def test_a_model_of_a_folder_reads_pictures_as_it_was_trained(
    run_here: Any,
    tmp_path: Path,
) -> None:
    """Bars at the top, the middle, … would all be one bar to ``prepare_digit``."""
    a_folder(tmp_path / "bars")
    quick = ["--epochs", "8", "--batch-size", "4", "--validation", "0.3"]
    done = run_here("train", "--data", "bars", "--model", "mlp", "--size", "10", *quick)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "run" / "model.safetensors"
    classes = ["bar 0", "bar 1", "bar 2"]
    assert nn.load_notes(path) == {
        "classes": classes,
        "pictures": {"as": "resize", "size": [10, 10], "grey": True},
    }
    pictures = [f"bars/{name}/5.png" for name in reversed(classes)]
    read = run_here("predict", *pictures, "--model", "run/model.safetensors", "--all")
    assert read.returncode == 0
    assert read.stderr == ""
    firsts = [line for line in read.stdout.splitlines() if line.startswith("bars/")]
    assert firsts == [f"bars/{name}/5.png: {name}" for name in reversed(classes)]
    # The numbers are those of the model on the pictures of the folder.
    images = nn.load_image_folder(tmp_path / "bars", size=10)[0]
    outputs = nn.load(path).predict(images[[17], None] / np.float32(255))
    assert f"  bar 2  {nn.softmax(outputs)[0, 2]:6.1%}" in read.stdout.splitlines()[1]

    # Folders are matched by name, in whatever order, and some may be missing.
    (tmp_path / "bars" / "bar 0").rename(tmp_path / "kept")
    evaluated = run_here("evaluate", "run/model.safetensors", "--data", "bars")
    assert evaluated.returncode == 0, evaluated.stderr
    assert "100.0% of 12 pictures right" in evaluated.stdout
    (tmp_path / "kept").rename(tmp_path / "bars" / "zbar 0")
    wrong = run_here("evaluate", "run/model.safetensors", "--data", "bars")
    assert wrong.returncode == 2
    expected = "--data: expected classes of the model (bar 0, bar 1, bar 2), received zbar 0; did you mean bar 0?"
    assert expected in wrong.stderr
    mnist = run_here("evaluate", "run/model.safetensors")
    assert "received 0, 1, 2" in mnist.stderr

    # A file of before has no names; what is assumed then is said.
    nn.save(nn.load(path), tmp_path / "old.safetensors")
    old = run_here("evaluate", "old.safetensors", "--data", "bars")
    assert "does not name its classes: taken as bar 1, bar 2, zbar 0." in old.stderr
    assert "33.3% of 18" in old.stdout or "0.0% of 18" in old.stdout
    unknown = run_here("predict", *pictures[:1], "--model", "old.safetensors")
    assert unknown.returncode == 2
    assert "expected a model of digits, of shape (1, 28, 28), or one with notes" in unknown.stderr


def test_a_model_of_digits_says_so(run_here: Any, tmp_path: Path) -> None:
    quick = ["--model", "perceptron", "--epochs", "1", "--batch-size", "100"]
    assert run_here("train", *quick).returncode == 0
    noted = nn.load_notes(tmp_path / "run" / "model.safetensors")
    assert noted == {"classes": list("0123456789"), "pictures": {"as": "digit"}}
    photograph(tmp_path / "a.png", nn.load_mnist("test")[0][0])
    read = run_here("predict", "a.png", "--model", "run/model.safetensors")
    assert (read.returncode, read.stderr) == (0, "")
    for label, digit in enumerate("73"):
        (tmp_path / "some" / digit).mkdir(parents=True)
        picture = nn.load_mnist("test")[0][label]
        Image.fromarray(picture).save(tmp_path / "some" / digit / "a.png")
    evaluated = run_here("evaluate", "run/model.safetensors", "--data", "some")
    assert evaluated.returncode == 0
    assert evaluated.stderr == ""


# --- notes in a file ------------------------------------------------------------

NOTES: list[Any] = [
    {},
    {
        "classes": ["ü", "\udc80", ""],
        "n": 2**70,
        "x": 0.1,
        "no": None,
        "yes": True,
        "in": {"a": []},
    },
]


@pytest.mark.parametrize("notes", NOTES)
def test_notes_come_back(tmp_path: Path, notes: Any) -> None:
    path = tmp_path / "m.safetensors"
    model = nn.Sequential(nn.Dense(2)).initialize((3,), rng=0)
    nn.save(model, path, notes=notes)
    assert nn.load_notes(path) == notes
    assert np.array_equal(nn.load(path).predict(np.eye(3)), model.predict(np.eye(3)))
    nn.save(model, path)
    assert nn.load_notes(path) == {}


@pytest.mark.parametrize("notes", [["a"], "a", {1: 2}, {"a": (1, 2)}, {"a": np.ones(2)}, {"a": np.nan}])  # fmt: skip
def test_notes_that_would_not_come_back(tmp_path: Path, notes: Any) -> None:
    model = nn.Sequential(nn.Dense(2)).initialize((3,), rng=0)
    with pytest.raises(nn.DTypeError, match="save: notes: expected a dict, name → numbers, text"):
        nn.save(model, tmp_path / "m.safetensors", notes=notes)
    assert files(tmp_path) == []


def test_notes_of_files_that_hold_none(tmp_path: Path) -> None:
    nn.save_arrays(tmp_path / "arrays", {"a": np.ones(2)})
    with pytest.raises(nn.FileFormatError, match="expected a neural-network-numpy model"):
        nn.load_notes(tmp_path / "arrays")
    assert nn.load_notes(Path(__file__).parents[1] / "fixtures" / "model_v1.safetensors") == {}


@pytest.mark.parametrize("text", ["[1]", "{", "3"])
def test_damaged_notes(tmp_path: Path, monkeypatch: Any, text: str) -> None:
    from neural_network.layers import saving

    path = tmp_path / "m.safetensors"
    monkeypatch.setattr(saving, "as_json", lambda notes: notes)
    nn.save(nn.Sequential(nn.Dense(2)).initialize((3,), rng=0), path, notes=text)  # type: ignore[arg-type]
    with pytest.raises(nn.FileFormatError, match="damaged metadata: notes"):
        nn.load_notes(path)


def test_as_image_is_what_a_folder_gives(tmp_path: Path) -> None:
    a_folder(tmp_path / "bars", classes=1)
    images = nn.load_image_folder(tmp_path / "bars", size=(5, 7))[0]
    shades = nn.load_picture(tmp_path / "bars" / "bar 0" / "3.png")
    np.testing.assert_array_equal(as_image(shades, (5, 7)), images[3])


def test_a_model_among_the_pictures_is_told_its_option(run_here: Any, tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"
    nn.save(nn.models.load_tiny_cnn(), model)
    done = run_here("predict", "model.safetensors", "1.png")
    assert done.returncode == 2
    assert "a model is named by --model model.safetensors" in done.stderr
    assert files(tmp_path) == ["model.safetensors"]


@pytest.mark.parametrize("grey", [True, False])
def test_load_picture_prepares_a_picture_as_the_command_does(tmp_path: Path, grey: bool) -> None:
    a_folder(tmp_path / "bars", classes=1)
    path = tmp_path / "bars" / "bar 0" / "3.png"
    for size in (8, (5, 7), [9, 4]):
        picture = nn.load_picture(path, size=size, grey=grey)
        square = (8, 8) if size == 8 else tuple(size)
        mode: Any = "L" if grey else "RGB"
        prepared = Preparation("resize", square, grey).prepare(path, read_picture(path, mode)[0])
        assert picture.dtype == np.uint8
        np.testing.assert_array_equal(picture, prepared)
        folder = nn.load_image_folder(tmp_path / "bars", size=square, grey=grey)[0]
        np.testing.assert_array_equal(picture, folder[3])


@pytest.mark.parametrize("size", [0, 2.5, "8", (1, 2, 3), (-1, 4)])
def test_wrong_sizes_of_a_picture(size: Any, tmp_path: Path) -> None:
    with pytest.raises(nn.ArgumentError, match="load_picture: size: expected"):
        nn.load_picture(tmp_path / "none.png", size=size)


def test_predictions_are_drawn_under_the_classes_names() -> None:
    picture, seen = np.zeros((4, 4)), np.zeros((1, 2, 2))
    names = ["a cat", "$dog"]
    figure = nn.visual.show_predictions([picture], seen, [[0.25, 0.75]], class_names=names)
    bars = figure.axes[2]
    assert bars.get_title() == "$dog: 75.0%"
    assert [label.get_text() for label in bars.get_yticklabels()] == names
    figure.canvas.draw()
    plt.close(figure)
    with pytest.raises(
        nn.ShapeError, match="class_names: expected a name for each of the 2 classes"
    ):
        nn.visual.show_predictions([picture], seen, [[0.25, 0.75]], class_names=["one"])


# --- Ctrl-C ---------------------------------------------------------------------


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_while_libraries_are_loaded_is_quiet() -> None:
    code = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from neural_network.__main__ import main\n"
        "sys.argv[1:] = ['--version']\n"
        "main()\n"
    )
    done = run_python("-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGINT, "", "")


# What a model ends in: how sure `predict` is of a digit, and what `evaluate` calls the loss.
ENDS = {
    "softmax": ("cross-entropy", 1.0),
    "log_softmax": ("cross-entropy", 1.0),
    "sigmoid": ("binary cross-entropy", 1.0),
    None: ("cross-entropy", 1.0),
}


@pytest.mark.parametrize("end", ENDS)
def test_probabilities_are_printed_as_they_are(
    run_here: Any, tmp_path: Path, end: str | None
) -> None:
    """The softmax of probabilities, of 10 classes, would be at most 23 %."""
    name, sure = ENDS[end]
    scores = nn.models.load_tiny_cnn()
    model = nn.Sequential(*scores, *([nn.Activation(end)] if end else []))
    model.initialize((1, 28, 28)).eval()
    images, labels = nn.load_mnist("test")
    X = images[:, None].astype(np.float32) / 255
    nn.save(model, tmp_path / "m.safetensors", notes={"classes": list("0123456789"), "pictures": {"as": "digit"}})  # fmt: skip
    photograph(tmp_path / "a.png", images[0])
    done = run_here("predict", "a.png", "--model", "m.safetensors")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == f"a.png: {labels[0]}"
    assert float(done.stdout.splitlines()[1].split()[1].rstrip("%")) > 95 * sure
    done = run_here("evaluate", "m.safetensors")
    last = done.stdout.splitlines()[-1]
    loss = nn.softmax_cross_entropy(scores.predict(X), labels)
    if end == "sigmoid":
        loss = nn.binary_cross_entropy(model.predict(X), nn.one_hot(labels, 10))
    assert f"right, {name} {loss:.4f}." in last


@pytest.mark.parametrize("option", ["--out", "-o", "--output", "--save"])
def test_a_table_is_written_by_csv(run_here: Any, tmp_path: Path, option: str) -> None:
    photograph(tmp_path / "photo.png")
    done = run_here("predict", "photo.png", option, "answers.csv")
    assert done.returncode == 2
    assert "--csv" in done.stderr
    assert not (tmp_path / "answers.csv").exists()
