"""Words of other programs: the command or option that stands for them, or why there is none."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence

# Words of other programs → ours.
COMMANDS = {
    **dict.fromkeys(["fit", "learn", "training", "finetune", "fine-tune", "run"], "train"),
    **dict.fromkeys(["eval", "test", "validate", "val", "score", "accuracy"], "evaluate"),
    **dict.fromkeys(["classify", "infer", "inference", "prediction", "read", "detect"], "predict"),
    **dict.fromkeys(["continue", "restart", "restore"], "resume"),
    **dict.fromkeys(["info", "show", "describe", "inspect", "model"], "summary"),
    **dict.fromkeys(["convert", "onnx", "save"], "export"),
    **dict.fromkeys(["init", "create", "start", "init-project"], "new"),
    **dict.fromkeys(["conv", "conv2d", "convolve", "filter", "edges"], "features"),
    "help": "--help",
    "version": "--version",
}
TESTING = ("--test-data", "--test-dir", "--test")
OPTIONS = {
    **dict.fromkeys(["--patience", "--early-stop"], "--early-stopping"),
    **dict.fromkeys(["--output", "--output-dir", "--outdir", "--save-dir", "--project"], "--out"),
    **dict.fromkeys(
        [
            "--weights",
            "--checkpoint",
            "--pretrained",
            "--arch",
            "--network",
            "-m",
            "--transfer",
            "--transfer-learning",
            "--finetune",
            "--fine-tune",
            "--from",
            "--base",
            "--base-model",
            "--backbone",
            "--init",
        ],
        "--model",
    ),
    **dict.fromkeys(
        ["--dataset", "--data-dir", "--train-dir", "--train-data", "--input", "--folder", "-d"],
        "--data",
    ),
    **dict.fromkeys(["--optim", "--opt"], "--optimizer"),
    **dict.fromkeys(["--bs", "--batch", "-b"], "--batch-size"),
    **dict.fromkeys(["--num-epochs", "--n-epochs", "--max-epochs", "-e"], "--epochs"),
    **dict.fromkeys(["--rate", "--eta", "--lr0", "--learning-rate-init"], "--learning-rate"),
    **dict.fromkeys(["--img-size", "--imgsz", "--image-size", "--resize"], "--size"),
    **dict.fromkeys(["--val", "--val-split", "--validation-split", "--test-size"], "--validation"),
    **dict.fromkeys(["--random-state", "--manual-seed"], "--seed"),
    **dict.fromkeys(["--wd", "--decay", "--l2"], "--weight-decay"),
    **dict.fromkeys(["--scheduler", "--lr-schedule", "--lr-scheduler"], "--schedule"),
    **dict.fromkeys(["--augmentation", "--aug"], "--augment"),
    "--ema": "--average",
    **dict.fromkeys(
        ["--workers", "--num-workers", "--jobs", "--n-jobs", "--cpus", "-j"], "--threads"
    ),
    **dict.fromkeys(["--overwrite", "--yes", "-y", "-f", "--exist-ok"], "--force"),
    **dict.fromkeys(["--silent", "-s"], "--quiet"),
    **dict.fromkeys(["--balanced", "--class-weight"], "--class-weights"),
    **dict.fromkeys(["--grayscale", "--greyscale"], "--grey"),
    "--rgb": "--colour",
    "--kernel": "--filter",
    **dict.fromkeys(["--topk", "--top-k", "--top"], "--all"),
    **dict.fromkeys(TESTING, "--data"),
    "--image": "--picture",
    **dict.fromkeys(["-v", "-V"], "--version"),
}
# What a command without an option has in its place.
INSTEAD = {"--out": "--save"}
# Words of other programs that no command stands for → what does, in Python.
IN_PYTHON = {
    **dict.fromkeys(["plot", "curves", "history"], 'nn.visual.show_history("run/log.csv")'),
    **dict.fromkeys(["visualize", "visualise", "draw"], "nn.visual.show_activations(model, X)"),
    "slides": 'nn.visual.slides(model, X, y, "slides")',
}
# Options that no command has, and why; the second of a training.
REASONS = {
    **dict.fromkeys(["--gpu", "--device", "--cuda"], "it computes on the processor"),
    **dict.fromkeys(["--verbose", "-v"], "progress is shown without an option; --quiet hides it"),
    "--resume": "a training is continued by neural-network resume run",
    **dict.fromkeys(
        ["--format", "--opset"], "the ending of FILE, .onnx or .safetensors, says what is written"
    ),
    **dict.fromkeys(["--amp", "--fp16", "--half", "--dtype"], "it computes in float32"),
}  # fmt: skip
OF_A_TRAINING = {
    **dict.fromkeys(
        ["--val-data", "--val-dir", "--validation-data", "--validation-dir"],
        "a share of the pictures is held out by --validation 0.1; neural-network evaluate "
        "run/model.safetensors --data FOLDER measures on others",
    ),
    **dict.fromkeys(
        ["--freeze", "--frozen", "--freeze-layers", "--freeze-backbone"],
        "the command trains all layers; in Python model[0].freeze() holds one",
    ),
    **dict.fromkeys(
        ["--channels", "--in-channels", "--input-shape", "--input-size", "--classes",
         "--num-classes", "--n-classes"],
        "channels, size and classes are those of the pictures; --grey and --size change these",
    ),
    **dict.fromkeys(
        ["--loss", "--metrics", "--criterion"],
        "a training of classes uses softmax_cross_entropy and measures the accuracy; in Python "
        "nn.Trainer(model, loss=, metrics=) has others",
    ),
    **dict.fromkeys(
        ["--momentum", "--beta1", "--betas"],
        "the optimizers have their usual values; in Python nn.Trainer(model, nn.SGD(0.1, "
        "momentum=0.9)) has others",
    ),
    **dict.fromkeys(
        ["--shuffle", "--no-shuffle"], "each epoch has an order of its own, which --seed repeats"
    ),
    "--dropout": "it belongs to a model; --augment, --weight-decay and --average help as well",
}  # fmt: skip


def of_other_command(word: str) -> str:
    """Return the command that another program's word stands for, or "".

    >>> of_other_command("fit")
    'neural-network train'
    """
    found = COMMANDS.get(word.lower(), "")
    return f"neural-network {found}" if found else ""


def of_other_line(typed: Sequence[str], commands: Collection[str]) -> str:
    """Return the line that stands for one that begins with another program's word, or "".

    Args:
        typed: the command line's words, without the program.
        commands: the names of all commands.

    >>> of_other_line(["help", "train"], ["train"])
    'neural-network train --help'
    """
    word, *rest = typed
    if word.lower() == "help" and rest and rest[0] in commands:
        return f"neural-network {rest[0]} --help"
    if found := of_other_command(word):
        return shlex.join([*found.split(), *rest])
    return f"in Python {IN_PYTHON[word.lower()]}" if word.lower() in IN_PYTHON else ""


def of_other_option(word: str, known: Mapping[str, bool], value: str = "") -> str:
    """Return the option that another program's stands for, or the reason why there is none.

    Args:
        word: the option.
        known: those of the command.
        value: what follows it, or "".

    >>> of_other_option("--patience", {"--early-stopping": True})
    'here: --early-stopping'
    """
    if word in TESTING and "--validation" in known:  # never a training on the pictures of the test
        return OF_A_TRAINING["--val-data"]
    found = OPTIONS.get(word, "")
    if (
        (found or word) in ("--out", "--save")
        and value.lower().endswith(".csv")
        and "--csv" in known
    ):
        found = "--csv"
    if found not in known:
        found = INSTEAD.get(found or word, "")
    reasons = REASONS | OF_A_TRAINING if "--validation" in known else REASONS
    return f"here: {found}" if found in known else reasons.get(word, "")
