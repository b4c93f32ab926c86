"""Where the command writes what, its newer options, what stopped and diverged trainings leave."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import neural_network as nn
from neural_network.cli.callbacks import Save, Terminated, WhenTerminated
from neural_network.training.divergence import SMALLER_STEPS
from tests.cli.folders import MADE, a_folder, files, photograph

BOXES = set("│╭╮╰╯─┃━┏┓┡┩└┘┌┐…")
TINY = ["train", "--data", "bars", "--model", "mlp", "--epochs", "3", "--batch-size", "4"]


def test_results_and_progress_are_apart_and_without_boxes(run_here: Any, tmp_path: Path) -> None:
    long = "a folder with a long name " * 6
    a_folder(tmp_path / "bars")
    done = run_here(*TINY, "--out", long)
    assert done.returncode == 0, done.stderr
    assert "epoch 1/3" in done.stderr
    assert "epoch 1/3" not in done.stdout
    assert "After epoch 3: loss " in done.stdout
    for name in MADE:
        assert f"{long}/{name}\n" in done.stdout
    shown = [
        done,
        run_here("evaluate", f"{long}/model.safetensors", "--data", "bars"),
        run_here("filters"),
        run_here("--help"),
        run_here("train", "-h"),
        run_here("train", "--nothing"),
        run_here("predict"),
    ]
    for one in shown:
        assert not BOXES & set(one.stdout + one.stderr.replace("PICTURE…", "")), one
    assert run_here("-h").stdout == run_here("--help").stdout


def test_json(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars")
    trained = json.loads(run_here(*TINY, "--json", "--no-picture").stdout)
    assert trained["classes"] == {"bar 0": 6, "bar 1": 6, "bar 2": 6}
    assert trained["training_pictures"] == 15
    assert set(trained["measures"]) == {
        "loss",
        "accuracy",
        "validation_loss",
        "validation_accuracy",
    }
    assert files(tmp_path / "run") == [n for n in MADE if not n.endswith(".png")]
    resumed = run_here("resume", "run", "--json", "--quiet")  # as the training: no picture
    assert files(tmp_path / "run") == [n for n in MADE if not n.endswith(".png")]
    assert json.loads(resumed.stdout)["measures"] == trained["measures"]
    assert resumed.stderr == ""
    model = trained["files"]["model.safetensors"]
    done = run_here("evaluate", model, "--data", "bars", "--json")
    assert "The model was trained on these pictures: of others, fewer will be right." in done.stderr
    evaluated = json.loads(done.stdout)
    assert np.sum(evaluated["confusion_matrix"]) == evaluated["pictures"] == 18
    predicted = json.loads(run_here("predict", "bars", "--model", model, "--json").stdout)
    answers = predicted["predictions"]
    right = sum(Path(one["picture"]).parent.name == one["class"] for one in answers)
    assert right / 18 == evaluated["accuracy"]
    assert run_here("predict", "bars", "--json", "--csv").returncode == 2


def test_csv(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars")
    (tmp_path / "bars" / "Thumbs.db").write_text("not a picture")
    notes = {
        "classes": ["a,b", "c", "d"],
        "pictures": {"as": "resize", "size": [12, 12], "grey": True},
    }
    nn.save(nn.models.perceptron(3, input_shape=(1, 12, 12), rng=0), tmp_path / "m", notes=notes)
    done = run_here("predict", "bars", "--model", "m", "--csv", "--no-picture")
    assert done.returncode == 0, done.stderr
    head, *rows = csv.reader(io.StringIO(done.stdout))
    assert head == ["picture", "class", "probability", "a,b", "c", "d"]
    assert len(rows) == 18
    for picture, name, probability, *shares in rows:
        assert Path(tmp_path, picture).is_file()
        assert probability == max(shares) == shares[head[3:].index(name)]
        assert sum(map(float, shares)) == pytest.approx(1, abs=1e-5)
    written = run_here("predict", "bars", "--model", "m", "--csv", "--no-picture", "t.csv")
    assert written.stdout == "Saved: t.csv\n"
    assert (tmp_path / "t.csv").read_text() == done.stdout
    first = run_here("predict", "--csv", "u.csv", "bars", "--model", "m", "--no-picture")
    assert first.stdout == "Saved: u.csv\n"
    assert (tmp_path / "u.csv").read_text() == done.stdout
    again = run_here("predict", "bars", "--model", "m", "--csv", "--no-picture", "t.csv")
    assert again.returncode == 2
    assert "t.csv exists already; --force overwrites" in again.stderr
    (tmp_path / "empty").mkdir()
    assert "empty: expected pictures" in run_here("predict", "empty", "--model", "m").stderr


def test_no_picture(run_here: Any, tmp_path: Path) -> None:
    photograph(tmp_path / "a.png", nn.load_mnist("test")[0][0])
    assert run_here("predict", "a.png", "--no-picture").returncode == 0
    assert files(tmp_path) == ["a.png"]
    done = run_here("predict", "a.png", "--no-picture", "--save", "b.png")
    assert done.returncode == 2
    assert "--no-picture and --save: expected one, received both" in done.stderr


@pytest.mark.parametrize(("count", "columns"), [(1, 3), (3, 3), (4, 6), (9, 9), (20, 9)])
def test_many_predictions_make_a_grid(count: int, columns: int) -> None:
    pictures, shares = [np.zeros((4, 4))] * count, [[0.5, 0.5]] * count
    figure = nn.visual.show_predictions(pictures, np.zeros((count, 2, 2)), shares)
    assert len(figure.axes) == 3 * count
    width, height = figure.get_size_inches()
    assert width / height < 3.1 or count == 1
    assert figure.axes[0].get_subplotspec().get_gridspec().ncols == columns


def test_a_shipped_model_by_its_name(run_here: Any, tmp_path: Path) -> None:
    done = run_here("evaluate", "tiny_cnn")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split("% of 1,000")[0].split()[-1]) > 97
    untrained = run_here("evaluate", "lenet5")
    assert untrained.returncode == 2
    assert "neural-network train --model lenet5 trains one" in untrained.stderr
    nn.save(nn.models.perceptron(rng=0), tmp_path / "tiny_cnn")  # a file wins
    assert float(run_here("evaluate", "tiny_cnn").stdout.split("% of 1,000")[0].split()[-1]) < 50


def test_early_stopping_keeps_the_best_weights(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars")
    more = ["--early-stopping", "2", "--epochs", "200", "--validation", "0.3"]
    done = run_here(*TINY, *more, "--schedule", "none", "--lr", "0.5", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["epochs"] == told["weights_of_epoch"] + 2 < 200
    log = (tmp_path / "run" / "log.csv").read_text().splitlines()
    losses = [float(line.split(",")[3]) for line in log[1:]]
    assert told["measures"]["validation_loss"] == min(losses)


def test_class_weights(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars", classes=2, each=4)
    losses = []
    for weights in ("none", "balanced", "bar 0=1,bar 1=1", "bar 0=50", "bar 1=50"):
        done = run_here(*TINY, "--class-weights", weights, "--force", "--json", "--no-picture")
        assert done.returncode == 0, done.stderr
        losses.append(json.loads(done.stdout)["measures"]["loss"])
    # Without weights a step needs no tape, and is rounded otherwise.
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[1] == losses[2]
    assert len({round(loss, 7) for loss in losses}) == 3


MISTAKES = [
    (["--class-weights", "cat=2"], "--class-weights: expected names of classes (bar 0, bar 1, bar 2)"),
    (["--class-weights", "often"], "--class-weights: expected none, balanced, or a weight"),
    (["--class-weights", "bar 0=-1"], "--class-weights: expected none, balanced, or a weight"),
    (["--class-weights", "bar 0=1,bar 0=2"], "--class-weights: expected none, balanced, or a weight"),
    (["--early-stopping", "2", "--validation", "0"], "--early-stopping: expected a --validation above 0"),
    (["--early-stopping", "-1"], "--early-stopping: expected a whole number of at least 0"),
    (["--threads", "100000"], "train: --threads: expected"),
    (["--threads", "-1"], "--threads: expected a whole number of at least 0"),
    (["--prepare", "photo"], "--prepare: expected one of 'auto', 'resize', 'digit'"),
    (["--prepare", "digit", "--size", "20"], "--size: expected none with --prepare digit"),
    (["--prepare", "digit", "--data", "mnist"], "--prepare: expected a folder as --data"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "text"), MISTAKES, ids=[" ".join(a) for a, _ in MISTAKES])
def test_mistakes(run_here: Any, tmp_path: Path, arguments: list[str], text: str) -> None:
    a_folder(tmp_path / "bars")
    before = files(tmp_path)
    done = run_here(*TINY, *arguments)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert files(tmp_path) == before


def test_threads(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars")
    before = nn.get_num_threads()
    try:
        assert run_here(*TINY, "--threads", "1").returncode == 0
        assert nn.get_num_threads() == 1
    finally:
        nn.set_num_threads(before)


def test_a_diverged_training_does_not_block_the_next(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars")
    wrong = [*TINY, "--optimizer", "sgd", "--lr", "1e30", "--schedule", "none"]
    for _ in range(2):  # nor itself
        done = run_here(*wrong)
        assert done.returncode == 3
        assert "neural-network: train: " in done.stderr
        assert "a --learning-rate below 1e+30 may help" in done.stderr
        for word in ("=", "fit", "Traceback"):
            assert word not in done.stderr.split("neural-network: train:")[1]
    assert {"settings.toml", "checkpoint.safetensors"} <= set(files(tmp_path / "run" / "diverged"))
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["diverged"]
    assert run_here(*TINY).returncode == 0
    assert SMALLER_STEPS.count("=") == 1  # clip_norm=, which is what `error_in_options` exchanges


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_saves_and_leaves_handlers_as_they_were(tmp_path: Path, number: int) -> None:
    class Kill(nn.Callback):
        def on_step_begin(self, trainer: Any) -> None:
            if trainer.step == 3:
                os.kill(os.getpid(), number)

    images, labels = nn.load_mnist()
    X, y = images[:200, None] / np.float32(255), labels[:200]

    def trained(callbacks: Any, **options: Any) -> Any:
        model = nn.models.perceptron(rng=0)
        nn.Trainer(model, callbacks=callbacks, rng=0, progress=False).fit(X, y, epochs=2, **options)
        return model.predict(X)

    save = Save(tmp_path / "c")
    with pytest.raises(Terminated, match="stopped in epoch 1 of 2, after batch 4; saved") as end:
        trained([Kill(), save, WhenTerminated(save)])
    assert end.value.number == number
    assert signal.getsignal(number) == signal.SIG_DFL
    np.testing.assert_array_equal(trained([], resume=tmp_path / "c"), trained([]))


def test_another_thread_sets_no_handlers(tmp_path: Path) -> None:
    said: list[Any] = []

    def work() -> None:
        with WhenTerminated(Save(tmp_path / "c")).during_fit(None):
            said.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert said == [signal.SIG_DFL]


# --- new --------------------------------------------------------------------------------


def test_new_trains_at_once(run_here: Any, tmp_path: Path) -> None:
    done = run_here("new", "a/shapes")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "a" / "shapes" / "pictures").glob("*/*.png"))) == 120
    with Image.open(tmp_path / "a" / "shapes" / "pictures" / "circle" / "00.png") as picture:
        assert (picture.size, picture.mode) == ((32, 32), "RGB")
    trained = run_here("train", "a/shapes/settings.toml", "--epochs", "1", "--model", "perceptron")
    assert trained.returncode == 0, trained.stderr
    assert "120 pictures in colour" in trained.stderr
    # Nothing looks wrong with the pictures; one epoch of them is not enough.
    assert trained.stderr.count("train: ") == trained.stderr.count("train: at the end") == 1
    again = run_here("new", "a/shapes")
    assert again.returncode == 2
    assert "new: PATH: expected a new name, a/shapes exists already" in again.stderr


def test_new_explains_every_setting(run_here: Any, tmp_path: Path) -> None:
    from neural_network.cli.settings import SETTINGS, option, read_settings

    assert run_here("new", "s").returncode == 0
    path = tmp_path / "s" / "settings.toml"
    text = path.read_text()
    for name in SETTINGS:
        assert f"\n# {SETTINGS[name].metadata['text']}" in text
        assert f"{option(name)} = " in text
    for meaning in ("(0: as they are)", "(0: all)", "(0: never)", '("": OUT/model.safetensors)',
                    "(0.0: that of the optimizer; 0.01 for adam)"):  # fmt: skip
        assert meaning in text
    lines = [line.removeprefix("# ") if " = " in line else line for line in text.splitlines()]
    path.write_text("\n".join(lines))
    assert set(read_settings(path)) == set(SETTINGS)


# --- shells -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("neural-network ev", "evaluate"),
        ("neural-network train --model ti", "tiny_cnn"),
        ("neural-network train --early", "--early-stopping"),
    ],
)
def test_completion(line: str, expected: str) -> None:
    words = line.split()
    asked = {
        "_NEURAL_NETWORK_COMPLETE": "complete_bash", "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }  # fmt: skip
    code = "import sys; sys.argv = ['neural-network']; from neural_network.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | asked,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [expected], done.stderr
