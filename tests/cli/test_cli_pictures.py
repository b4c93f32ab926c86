"""Folders of pictures: colour, photographs of digits, what is told before a training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import neural_network as nn
from neural_network.cli.predict import some_of_each
from tests.cli.folders import QUICK, a_folder, colours, files
from tests.datasets.photographs import photographs

COLOURS = ["train", "--data", "c", "--model", "mlp", "--epochs", "30", "--validation", "0"]


@pytest.fixture
def in_colour(run_here: Any, tmp_path: Path) -> Path:
    """A model that tells pictures apart by their colour."""
    colours(tmp_path / "c")
    done = run_here(*COLOURS, "--no-picture")
    assert done.returncode == 0, done.stderr
    assert "18 pictures in colour (--grey turns it off), 12×12 pixels; 3 classes:" in done.stderr
    assert "blue 6, green 6, red 6" in done.stderr
    return tmp_path / "run" / "model.safetensors"


def test_colour_is_kept(run_here: Any, tmp_path: Path, in_colour: Path) -> None:
    assert nn.load(in_colour).input_shape == (3, 12, 12)
    noted = nn.load_notes(in_colour)["pictures"]
    assert noted == {"as": "resize", "size": [12, 12], "grey": False}
    for more in ([], ["--quiet"]):
        done = run_here("evaluate", str(in_colour), "--data", "c", *more)
        assert "100.0% of 18 pictures right" in done.stdout
    names = ["c/red/3.png", "c/blue/2.png"]
    done = run_here("predict", *names, "--model", str(in_colour))
    assert done.returncode == 0, done.stderr
    assert "c/red/3.png: red\n" in done.stdout
    assert "c/blue/2.png: blue\n" in done.stdout
    with Image.open(tmp_path / "what_it_saw.png") as picture:
        levels = np.asarray(picture.convert("RGB")).astype(int)
    # The picture itself and what the network saw are both drawn in their colour.
    red = (np.abs(levels - [200, 50, 50]).max(axis=2) < 12).sum(axis=0)
    assert (np.diff((red > 20).astype(int)) == 1).sum() == 2


def test_grey_turns_colour_off(run_here: Any, tmp_path: Path) -> None:
    colours(tmp_path / "c")
    done = run_here("train", *QUICK, "--data", "c", "--grey", "--validation", "0")
    assert done.returncode == 0, done.stderr
    assert "18 pictures in shades of grey" in done.stderr
    model = tmp_path / "run" / "model.safetensors"
    assert nn.load(model).input_shape == (1, 12, 12)
    assert nn.load_notes(model)["pictures"]["grey"] is True
    # A model of grey pictures reads colour pictures as it has learned them.
    assert run_here("predict", "c/red/0.png", "--model", str(model)).returncode == 0
    assert run_here("evaluate", str(model), "--data", "c").returncode == 0
    # The file has it, and the command line wins over the file.
    (tmp_path / "a.toml").write_text('data = "c"\ngray = true\nmodel = "perceptron"\nlr = 0.1\n')
    for option, channels in (("--epochs=1", 1), ("--colour", 3), ("--color", 3), ("--gray", 1)):
        done = run_here("train", "a.toml", "--epochs", "1", option, "--force")
        assert done.returncode == 0, done.stderr
        assert nn.load(model).input_shape == (channels, 12, 12)


def test_a_model_of_colours_reads_grey_pictures(
    run_here: Any, tmp_path: Path, in_colour: Path
) -> None:
    a_folder(tmp_path / "bars")
    done = run_here("predict", "bars/bar 0/0.png", "--model", str(in_colour), "--json")
    assert done.returncode == 0, done.stderr
    grey = nn.load_picture(tmp_path / "bars" / "bar 0" / "0.png") / 255
    expected = nn.softmax(nn.load(in_colour).predict(np.stack([grey] * 3)[None].astype("float32")))
    shares = json.loads(done.stdout)["predictions"][0]["probabilities"]
    np.testing.assert_allclose(shares, expected[0], atol=1e-6)
    (tmp_path / "bars" / "bar 0").rename(tmp_path / "bars" / "red")
    (tmp_path / "bars" / "bar 1").rename(tmp_path / "bars" / "blue")
    (tmp_path / "bars" / "bar 2").rename(tmp_path / "bars" / "green")
    assert run_here("evaluate", str(in_colour), "--data", "bars").returncode == 0
    mnist = run_here("evaluate", str(in_colour))
    assert mnist.returncode == 2
    # Without notes, three channels say enough.
    nn.save(nn.load(in_colour), tmp_path / "old")
    done = run_here("predict", "c/red/0.png", "--model", "old")
    assert "they are brought to the size that it reads, in colour" in done.stderr
    assert done.stdout.startswith("c/red/0.png: 2\n")


def test_a_folder_without_colour_is_grey(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars")
    for path in (tmp_path / "bars").rglob("*.png"):
        with Image.open(path) as picture:
            picture.convert("RGB").save(path)
    assert run_here("train", *QUICK, "--data", "bars", "--no-picture").returncode == 0
    assert nn.load(tmp_path / "run" / "model.safetensors").input_shape == (1, 12, 12)
    # One picture in colour makes all of them so.
    Image.new("RGB", (12, 12), "red").save(tmp_path / "bars" / "bar 0" / "9.png")
    done = run_here("train", *QUICK, "--data", "bars", "--no-picture", "--force")
    assert "in colour" in done.stderr
    assert nn.load(tmp_path / "run" / "model.safetensors").input_shape == (3, 12, 12)


def test_old_runs_go_on_in_grey(run_here: Any, tmp_path: Path) -> None:
    colours(tmp_path / "c")
    assert run_here("train", *QUICK, "--data", "c", "--grey").returncode == 0
    path = tmp_path / "run" / "settings.toml"
    path.write_text(
        path.read_text().replace("grey = true\n", "").replace("epochs = 2", "epochs = 3")
    )
    done = run_here("resume", "run")
    assert done.returncode == 0, done.stderr
    assert nn.load(tmp_path / "run" / "model.safetensors").input_shape == (1, 12, 12)
    assert "had ended before" not in done.stderr
    done = run_here("resume", "run")
    assert "The training in run had ended before: nothing was left to train." in done.stderr
    assert "neural-network train --model run/model.safetensors begins another" in done.stderr


def test_augmentations_as_several_words(run_here: Any) -> None:
    done = run_here("train", "--augment", "flip", "shift=2", "--data", "c")
    assert done.returncode == 2
    assert "shift=2; several augmentations are one value: --augment flip,shift=2" in done.stderr


@pytest.fixture(scope="module")
def digits(tmp_path_factory: Any) -> Path:
    """Photographs of digits on sheets, a folder for each."""
    folder: Path = tmp_path_factory.mktemp("digits")
    for number, (shades, label) in enumerate(photographs("sheet on a table", 20, seed=2)):
        (folder / str(label)).mkdir(exist_ok=True)
        Image.fromarray(shades.astype("uint8")).save(folder / str(label) / f"{number}.png")
    return folder


def test_photographs_of_digits_are_read_alike_by_all(
    run_here: Any, tmp_path: Path, digits: Path
) -> None:
    evaluated = run_here("evaluate", "tiny_cnn", "--data", str(digits), "--json")
    assert evaluated.returncode == 0, evaluated.stderr
    right = json.loads(evaluated.stdout)["accuracy"] * 20
    assert right >= 19
    predicted = run_here("predict", str(digits), "--no-picture", "--json", "--model", "tiny_cnn")
    answers = json.loads(predicted.stdout)["predictions"]
    assert sum(Path(a["picture"]).parent.name == a["class"] for a in answers) == round(right)
    # A file without notes is taken for one of digits by both, and both say so.
    nn.save(nn.models.load_tiny_cnn(), tmp_path / "old")
    old = run_here("evaluate", "old", "--data", str(digits))
    assert (
        "no notes on how its pictures were prepared: they are prepared as handwritten" in old.stderr
    )
    trained = run_here(
        "train", "--data", str(digits), "--prepare", "digit", "--model", "perceptron",
        "--epochs", "40", "--validation", "0",
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    assert nn.load_notes(tmp_path / "run" / "model.safetensors")["pictures"] == {"as": "digit"}
    again = run_here("evaluate", "run/model.safetensors", "--data", str(digits))
    assert "100.0% of 20 pictures right" in again.stdout
    without = run_here("train", *QUICK, "--data", str(digits), "--out", "other")
    assert without.returncode == 2
    assert "--prepare digit prepares photographs of handwritten digits" in without.stderr


def test_a_model_of_28_pixels_without_notes_and_folders_of_other_things(
    run_here: Any, tmp_path: Path
) -> None:
    a_folder(tmp_path / "bars", size=28)
    nn.save(nn.models.perceptron(3, rng=0), tmp_path / "m")
    done = run_here("evaluate", "m", "--data", "bars")
    assert done.returncode == 0
    assert "they are brought to the size that it reads" in done.stderr


# --- before a training --------------------------------------------------------------


def test_what_looks_wrong_is_told(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars", classes=3, each=20)
    for number in range(5, 20):
        (tmp_path / "bars" / "bar 2" / f"{number}.png").unlink()
    bar = tmp_path / "bars" / "bar 0"
    for name in ("bar 0/copy.png", "bar 1/copy.png"):
        with Image.open(bar / "1.png") as picture:
            picture.convert("RGB").save(tmp_path / "bars" / name)
    arguments = ["train", *QUICK, "--data", "bars", "--validation", "0.5"]
    done = run_here(*arguments)
    assert done.returncode == 0, done.stderr
    assert "bar 0 21, bar 1 21, bar 2 5" in done.stderr
    assert "unbalanced classes: 10 of bar 0, 3 of bar 2" in done.stderr
    assert "with --class-weights balanced" in done.stderr
    assert "fewer than 20 pictures to learn from of bar 0, bar 1, bar 2" in done.stderr
    assert (
        "the same picture in several classes: 1 times (bar 0/1.png = bar 0/copy.png" in done.stderr
    )
    assert "copies of pictures" not in done.stderr  # only in one class
    with Image.open(tmp_path / "run" / "pictures.png") as sheet:
        assert sheet.width > 600
    (tmp_path / "bars" / "bar 1" / "copy.png").unlink()
    again = run_here(*arguments, "--force", "--class-weights", "balanced")
    assert "copies of pictures, in the same class: 1 (bar 0/1.png = bar 0/copy.png)" in again.stderr
    assert "unbalanced" not in again.stderr
    quiet = run_here(*arguments, "--force", "--quiet")
    assert quiet.stderr == ""
    assert "right" not in quiet.stdout
    assert "pictures.png" in quiet.stdout


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_copies_on_both_sides_of_validation(run_here: Any, tmp_path: Path, seed: int) -> None:
    a_folder(tmp_path / "bars", classes=2, each=4)
    with Image.open(tmp_path / "bars" / "bar 0" / "1.png") as picture:
        picture.save(tmp_path / "bars" / "bar 0" / "z.png")
    done = run_here(
        "train",
        *QUICK,
        "--data",
        "bars",
        "--validation",
        "0.4",
        "--seed",
        str(seed),
        "--no-picture",
    )
    from neural_network.cli.data import load_pictures, split_off
    from neural_network.cli.output import Report
    from neural_network.cli.preparation import Preparation

    pictures = load_pictures("train", "bars", "train", Preparation(grey=False), Report())
    _, held_out = split_off(pictures, 0.4, seed)
    assert held_out is not None
    apart = sum(path.name in ("1.png", "z.png") for path in held_out.files if "bar 0" in str(path))
    assert ("held out for validation and also" in done.stderr) == (apart == 1)


def broken_bars(folder: Path) -> None:
    """Bars, and two files that are no pictures; a model of them."""
    a_folder(folder / "bars")
    (folder / "bars" / "bar 0" / "x.png").write_text("no picture")
    (folder / "bars" / "bar 2" / "y.heic").write_bytes(b"\0\0\0\x18ftypheic")
    notes = {
        "classes": ["bar 0", "bar 1", "bar 2"],
        "pictures": {"as": "resize", "size": [12, 12], "grey": True},
    }
    nn.save(nn.models.perceptron(3, input_shape=(1, 12, 12), rng=0), folder / "m", notes=notes)


def test_all_broken_files_are_named(run_here: Any, tmp_path: Path) -> None:
    broken_bars(tmp_path)
    (tmp_path / "bars" / "readme.txt").write_text("beside the classes")
    (tmp_path / "bars" / "no pictures").mkdir()
    before = files(tmp_path)
    for command in ("train", "evaluate"):
        done = run_here(command, *["m"][: command == "evaluate"], "--data", "bars")
        assert done.returncode == 2
        assert "bar 0/x.png: not a picture that can be read" in done.stderr
        rest = "bar 2/y.heic, no pictures, readme.txt"
        assert f"; 3 more in bars cannot be read: {rest}" in done.stderr
        assert len(done.stderr) < 520
    assert files(tmp_path) == before


def test_other_sizes_are_told_with_broken_files(run_here: Any, tmp_path: Path) -> None:
    broken_bars(tmp_path)
    Image.new("L", (4, 9)).save(tmp_path / "bars" / "bar 0" / "0.png")
    done = run_here("train", "--data", "bars", "--no-picture")
    assert done.returncode == 2
    assert "y.heic" in done.stderr
    (tmp_path / "bars" / "bar 0" / "x.png").unlink()
    (tmp_path / "bars" / "bar 2" / "y.heic").unlink()
    done = run_here("train", "--data", "bars", "--no-picture")
    assert "--size 9 brings all to one size" in done.stderr


def test_the_other_pictures_are_answered(run_here: Any, tmp_path: Path) -> None:
    broken_bars(tmp_path)
    for arguments in (
        ["bars"],
        ["bars/bar 0/x.png", "none.png", "bars/bar 1", "bars/bar 2/y.heic"],
    ):
        done = run_here("predict", *arguments, "--model", "m", "--csv", "--no-picture")
        assert done.returncode == 1
        lines = done.stdout.splitlines()
        assert len(lines) == 1 + (18 if arguments == ["bars"] else 6)
        told = done.stderr.splitlines()
        assert told[0].startswith("neural-network: bars/bar 0/x.png: not a picture")
        assert "bar 2/y.heic: not a picture that can be read (a HEIC photograph" in done.stderr
        assert ("none.png: No such file" in done.stderr) == (arguments != ["bars"])
    done = run_here("evaluate", "m", "--data", "bars", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["pictures"] == 18
    assert found["unread"] == ["bars/bar 0/x.png", "bars/bar 2/y.heic"]
    assert "2 files could not be read" in done.stderr
    before = files(tmp_path)
    done = run_here("predict", "bars/bar 0/x.png", "bars/bar 2/y.heic", "--model", "m")
    assert done.returncode == 2
    assert "1 more in bars cannot be read: bar 2/y.heic" in done.stderr
    assert files(tmp_path) == before


def test_the_drawing_has_pictures_of_each_folder(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars", each=10)
    broken_bars(tmp_path / "b")
    done = run_here("predict", "bars", "--model", "b/m", "--save", "a.svg")
    assert done.returncode == 0, done.stderr
    assert "Saved: a.svg (20 of 30 pictures, some of each folder)" in done.stdout
    assert sorted(some_of_each(list("aaabc"), 4)) == [0, 1, 3, 4]
    drawn = [path for path in (tmp_path / "bars").rglob("*.png") if int(path.stem) < 6]
    text = (tmp_path / "a.svg").read_text()
    shown = [path for path in drawn if f"<!-- {path.parent.name}/{path.name} -->" in text]
    assert len(shown) == len(drawn) == 18


@pytest.mark.parametrize(("share", "seed"), [(0.1, 0), (0.25, 1), (0.5, 2), (0.9, 3)])
def test_the_rows_held_out_are_those_of_fit(tmp_path: Path, share: float, seed: int) -> None:
    from neural_network.cli.data import Pictures, split_off

    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(3), [3, 17, 25]))
    X = rng.random((len(y), 1, 4, 4), dtype=np.float32)
    names = [tmp_path / str(row) for row in range(len(y))]
    learned, held = split_off(Pictures(X, y, ["a", "b", "c"], names, [b""] * len(y)), share, seed)
    assert held is not None

    def trained(X: np.ndarray, y: np.ndarray, validation: Any) -> Any:
        model = nn.Sequential(nn.Flatten(), nn.Dense(3))
        trainer = nn.Trainer(model, rng=seed, progress=False)
        return trainer.fit(X, y, batch_size=8, validation=validation)

    assert trained(X, y, share) == trained(learned.X, learned.y, (held.X, held.y))
    of_split = nn.split(y, fraction=share, rng=seed, by_class=y)[1]
    np.testing.assert_array_equal(np.bincount(held.y), np.bincount(of_split))


def test_a_class_of_one_picture_is_trained_with() -> None:
    from neural_network.cli.data import Pictures, split_off

    X = np.zeros((7, 1, 4, 4), np.float32)
    learned, held = split_off(Pictures(X, np.array([0, 1, 1, 1, 2, 2, 2]), list("abc")), 0.4, 0)
    assert held is not None
    assert np.bincount(learned.y).tolist() == [1, 2, 2]
    with pytest.raises(nn.ArgumentError, match="--validation: expected 0 where no class has two"):
        split_off(Pictures(X[:2], np.array([0, 1]), list("ab")), 0.4, 0)
