"""Wrong and odd arguments of every command: one sentence, with what to type; nothing is done."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import neural_network as nn
from neural_network.cli.preparation import PICTURES
from tests.cli.folders import QUICK, a_folder, colours, files, photograph
from tests.needs import need

# A command → what is typed after it → a part of the sentence.
ODD: dict[str, dict[str, str]] = {
    "train": {
        "nothing.toml": "train: nothing.toml: No such file",
        "leer": "did you mean: neural-network train --data leer",
        "bars/bar\\ 0/0.png": "did you mean: neural-network train --data bars",
        "--data bars/bar\\ 0/0.png": "a file; did you mean bars?",
        "--data parts": "/parts/test to evaluate",
        "--data x.zip": "a file; unpack it first",
        "--data x.npy": "in Python nn.Trainer(model).fit(X, y)",
        "--data MNIST": "did you mean mnist?",
        "--data 'mit Ü'": "did you mean mit Ümlaut?",
        "--data mit Ümlaut": "did you mean: neural-network train --data 'mit Ümlaut'",
        "--data ''": "train: --data: expected a value, received none",
        "--model nothing": "a trained model is named by its file, such as run/model.safetensors",
        "--config project": "did you mean project/settings.toml?",
        "--out text.png/a": "train: --out: cannot make the folder text.png/a: text.png is a file",
        "--out=": "train: --out: expected a value, received none",
        "--epoch 3": "did you mean: neural-network train --epochs 3",
        "--batch_size 32": "did you mean: neural-network train --batch-size 32",
        "-lr 0.1": "did you mean: neural-network train --lr 0.1",
        "--epochs": "train: --epochs: expected a value after it (Passes over the data)",
        "--epochs 10epochs": "did you mean: neural-network train --epochs 10",
        "--lr 0,001": "did you mean: neural-network train --lr 0.001",
        "--lr auto": "received 'auto'; neural-network train --help shows what it takes",
        "--validation 20%": "did you mean: neural-network train --validation 0.2",
        "--validation 20": "received 20; did you mean 0.2?",
        "--validation parts/test": "neural-network evaluate run/model.safetensors --data parts/test",
        "--test-data parts/test": "a share of the pictures is held out by --validation 0.1",
        "--size 32x48": "squares of 48 pixels a side: neural-network train --size 48",
        "--size 32px": "did you mean: neural-network train --size 32",
        "--grey=yes": "--grey: expected no value, received 'yes'; did you mean: neural-network train --grey",
        "--grey=yes --epoch 3": "neural-network train --help shows what it takes",
        "--epoch three": "did you mean --epochs?",
        "--freeze 3": "in Python model[0].freeze()",
        "--channels 3": "channels, size and classes are those of the pictures",
        "--num-workers 2": "here: --threads, as in neural-network train --threads 2",
    },
    "predict": {
        "nothing": "predict: PICTURE: expected a picture, or a folder, received nothing, which",
        "sevn.png": "did you mean seven.png?",
        "'*.jpg'": "neural-network predict . reads all in there",
        "http://a.org/b.png": "download it first",
        "leer": "leer: expected pictures, received an empty folder",
        "text.png": "predict: text.png: not a picture that can be read",
        "seven.png --all 5": "--all, --csv and --json take no value",
        "seven.png --json x.json": "--all, --csv and --json take no value",
        "sieben ü.png": "did you mean: neural-network predict 'sieben ü.png'",
        "seven.png --model m.safetensor": "did you mean m.safetensors?",
        "seven.png --model TINY_CNN": "did you mean tiny_cnn?",
        "seven.png --modle m.safetensors": "did you mean: neural-network predict seven.png --model",
        "seven.png --topk 3": "here: --all",
        "seven.png --csv=a.csv": "did you mean: neural-network predict seven.png --csv a.csv",
        "seven.png --csv a.csv b.csv": "--all, --csv and --json take no value",
        "seven.png --save nowhere/x.png": "predict: --save: expected a file in a folder that exists",
    },
    "evaluate": {
        "nothing": "evaluate: MODEL: expected a model's file, or tiny_cnn",
        "text.png": "did you mean: neural-network predict text.png",
        "colours.safetensors": "of mnist; add --data FOLDER, with a folder per class",
        "m.safetensors --data seven.png": "received 'seven.png', a file",
        "m.safetensors --dta bars": "did you mean: neural-network evaluate m.safetensors --data bars",
        "m.safetensors --batch-size 3": "--batch-size is an option of train",
        "m.safetensors --save nowhere/x.png": "evaluate: --save: expected a file in a folder that",
        "m.safetensors 10%": "neural-network evaluate --help shows what it takes",
    },
    "summary": {
        "tiny-cnn": "did you mean tiny_cnn?",
        "text.png": "summary: text.png: not a whole safetensors file",
        "--model tiny_cnn": "did you mean: neural-network summary tiny_cnn",
        "tiny_cnn --input-size 28": "neural-network summary --help shows what it takes",
    },
    "export": {
        "m.safetensors m.pth": "neural_network.interop.torch.save_weights(model, path)",
        "m.safetensors m.pkl": "nothing here is pickled",
        "m.safetensors onnx": "neural-network export m.safetensors m.onnx writes ONNX",
        "m.safetensors --format onnx": "the ending of FILE, .onnx or .safetensors",
        "m.safetensors nowhere/x.onnx": "export: FILE: expected a file in a folder that exists",
        "m.safetensors -o x.onnx": "did you mean: neural-network export m.safetensors x.onnx",
    },
    "resume": {
        "nothing": "received nothing, which does not exist",
        "--out nothing": "did you mean: neural-network resume nothing",
        "nothing --epochs 3": "the number of epochs stands in run/settings.toml",
        "text.png": "received text.png, which has no settings.toml",
    },
    "new": {
        "leer": "new: PATH: expected a new name, leer exists already",
        "text.png/a": "new: PATH: cannot make the folder text.png/a",
        "meine Bilder": "did you mean: neural-network new 'meine Bilder'",
        "--path a": "did you mean: neural-network new a",
    },
    "demo": {
        "--save text.png": "demo: --save: cannot make the folder text.png",
        "--save ''": "demo: --save: expected a value, received none",
        "--out a": "here: --save, as in neural-network demo --save a",
        "meine Bilder": "did you mean: neural-network demo --save 'meine Bilder'",
        "--device cuda": "it computes on the processor",
        "--quite": "did you mean: neural-network demo --quiet",
    },
}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    a_folder(tmp_path / "bars", classes=2, each=1)
    a_folder(tmp_path / "mit Ümlaut", classes=2, each=1)
    for part in ("train", "test"):
        a_folder(tmp_path / "parts" / part, classes=2, each=1)
    for folder in ("leer", "project"):
        (tmp_path / folder).mkdir()
    (tmp_path / "project" / "settings.toml").touch()
    for name in ("text.png", "x.zip", "x.npy"):
        (tmp_path / name).write_text("a text")
    for name in ("seven.png", "sieben ü.png"):
        photograph(tmp_path / name, nn.load_mnist("test")[0][0])
    model = nn.models.load_tiny_cnn()
    nn.save(model, tmp_path / "m.safetensors")
    nn.save(model, tmp_path / "colours.safetensors", notes={"classes": ["red", "green"]})
    return tmp_path


@pytest.mark.parametrize("command", ODD)
def test_odd_arguments_end_in_a_sentence(run_here: Any, work: Path, command: str) -> None:
    before = files(work)
    for arguments, told in ODD[command].items():
        typed = f"{command} {arguments}"
        done = run_here(*shlex.split(typed))
        (line,) = done.stderr.splitlines()
        assert done.returncode == 2, typed
        assert done.stdout == "", typed
        assert line.startswith(f"neural-network: {command}: "), line
        assert told in line, (typed, line)
        assert len(line) <= 520
    assert files(work) == before


# For root, to whom everything is permitted otherwise.
LIMITED = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others there")
def test_what_permissions_forbid_is_said_before_anything(work: Path) -> None:
    for name in ("seven.png", "leer"):
        (work / name).chmod(0)
    (work / "project").chmod(0o555)
    limited = LIMITED if os.geteuid() == 0 else []
    need(not limited or shutil.which(limited[0]), "setpriv")
    code = (
        "import shlex, sys\nfrom neural_network.__main__ import main\n"
        "for line in sys.stdin:\n"
        "    sys.argv[1:] = shlex.split(line)\n"
        "    try:\n        main()\n    except SystemExit as end:\n"
        "        print('exit', end.code, file=sys.stderr)\n"
    )
    lines = {
        "predict seven.png": "'seven.png' is not readable; its permissions do not allow it",
        "train --data leer": "leer: Permission denied",
        "train --out project/a": "--out: cannot write in the folder project: Permission denied",
        "evaluate tiny_cnn --save project/a.png": "--save: cannot write in the folder project",
        "export tiny_cnn project/a.onnx": "FILE: cannot write in the folder project",
        "demo --save project/a": "cannot make the folder project/a: Permission denied",
    }
    done = subprocess.run(
        [*limited, sys.executable, "-c", code],
        input="\n".join(lines), cwd=work, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == ""
    told = done.stderr.splitlines()
    assert told[1::2] == ["exit 2"] * len(lines), done.stderr
    for line, text in zip(told[::2], lines.values(), strict=True):
        assert text in line
    (work / "project").chmod(0o755)


def test_lines_that_are_proposed_can_be_read(run_here: Any, work: Path) -> None:
    """Each ends in no other error than that of what it works on."""
    from neural_network.cli.app import _group
    from neural_network.cli.usage import reads

    for command, rows in ODD.items():
        for arguments in rows:
            line = run_here(command, *shlex.split(arguments)).stderr.strip()
            _, _, proposed = line.partition("did you mean: ")
            assert not proposed or reads(proposed, _group()), line


def test_nothing_to_read_shows_the_help(run_here: Any) -> None:
    done = run_here()
    assert done.returncode == 2
    for command in ODD:
        assert f"  {command}" in done.stdout + done.stderr
    assert "did you mean" not in done.stderr


def test_a_training_that_was_killed_can_be_resumed(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars")
    again = ["train", "--data", "bars", *QUICK, "--no-picture", "--out", "k"]
    assert run_here(*again).returncode == 0
    done = run_here(*again)
    assert "--force overwrites\n" in done.stderr
    (tmp_path / "k" / "model.safetensors").unlink()
    done = run_here(*again)
    assert done.returncode == 2
    assert "--force overwrites, neural-network resume k goes on with the training" in done.stderr


def test_what_a_model_of_digits_says_of_other_pictures(run_here: Any, tmp_path: Path) -> None:
    colours(tmp_path / "c", each=1, size=40)
    photograph(tmp_path / "seven.png", nn.load_mnist("test")[0][0])
    shipped = "Without --model the tiny_cnn that is shipped answers, which knows handwritten digits"
    done = run_here("predict", "seven.png", "--no-picture")
    assert shipped in done.stderr
    assert "colour" not in done.stderr
    Image.linear_gradient("L").resize((60, 60)).save(tmp_path / "c" / "blue" / "1.png")
    picture = Image.open(tmp_path / "seven.png").convert("RGB")
    red, _, blue = picture.split()
    Image.merge("RGB", (red, blue.point(lambda level: level // 4), blue)).save(tmp_path / "red.png")
    for more in ([], ["--model", "tiny_cnn"]):
        done = run_here("predict", "seven.png", "red.png", "--no-picture", *more)
        assert done.returncode == 0, done.stderr
        assert (shipped in done.stderr) == (more == [])
        assert "red.png: in colour, and the model reads photographs of handwritten digits" in done.stderr  # fmt: skip
    assert run_here("predict", "red.png", "--no-picture", "--quiet").stderr == ""


def test_ctrl_c_says_that_nothing_was_written(
    run_here: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    from neural_network.cli import data, demo, evaluate, predict

    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    a_folder(tmp_path / "bars")
    monkeypatch.setattr(data, "read_folder", stopped)
    monkeypatch.setattr(predict, "read_picture", stopped)
    monkeypatch.setattr(evaluate, "confusion_matrix", stopped)
    monkeypatch.setattr(demo, "load_mnist", stopped)
    for line, told in {
        "train --data bars": "stopped; nothing was written",
        "predict bars": "stopped; nothing was written",
        "evaluate tiny_cnn": "stopped; nothing was written",
        "demo": "stopped; no file is half written",
    }.items():
        done = run_here(*line.split())
        assert done.returncode == 130
        assert done.stderr.splitlines()[-1] == f"neural-network: {told}"
        assert done.stdout == ""
    assert [path for path in files(tmp_path) if not path.endswith(PICTURES)] == []
