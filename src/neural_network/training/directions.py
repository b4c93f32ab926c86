"""Whether a larger or a smaller number of a measure is better, as far as its name tells."""

from __future__ import annotations

import re
from collections.abc import Collection

from neural_network.checks import as_choice
from neural_network.errors import ArgumentError, sentence

# Words of names; a loss or error of what is listed below is one of these: "dice_loss".
SMALLER_IS_BETTER = frozenset((
    *("loss", "losses", "error", "errors", "err", "mae", "mse", "rmse", "mape", "smape", "msle"),
    *("rmsle", "l1", "l2", "huber", "hinge", "nll", "kl", "bce", "ce", "entropy", "crossentropy"),
    *("perplexity", "divergence", "distance", "deviation", "residual", "cost", "brier", "ece"),
    *("fid", "wer", "cer", "eer", "regret", "energy", "penalty", "incorrect", "inaccuracy"),
    *("wrong", "mistakes", "dissimilarity"),
))  # fmt: skip
LARGER_IS_BETTER = frozenset((
    *("accuracy", "acc", "f1", "f2", "fbeta", "fscore", "auc", "auroc", "auprc", "roc", "r2"),
    *("dice", "iou", "jaccard", "score", "scores", "precision", "recall", "sensitivity"),
    *("specificity", "tpr", "tnr", "kappa", "mcc", "correct", "hits", "psnr", "ssim", "bleu"),
    *("rouge", "map", "ndcg", "correlation", "pearson", "spearman", "likelihood", "similarity"),
    *("reward",),
))  # fmt: skip
# Words of so many letters are found at the end of longer ones as well: "valloss".
LONG = 4


def mode_of(function: str, measure: str, mode: str | None) -> str:
    """Return "min" or "max": as given, or as the name of a measure tells.

    Raises:
        DTypeError, ArgumentError: another mode; none, and a name that tells nothing.
    """
    if isinstance(mode, str) and mode == "auto":
        received = "'auto'; without mode= it is as the measure's name tells"
        raise ArgumentError(sentence(function, "mode", "'min' or 'max'", received))
    if mode is not None:
        return as_choice(function, "mode", mode, ("min", "max"))
    if _is_one_of(SMALLER_IS_BETTER, measure):
        return "min"
    if _is_one_of(LARGER_IS_BETTER, measure):
        return "max"
    expected = (
        f'mode="min" or mode="max", because the name {measure!r} does not tell whether smaller or '
        "larger is better"
    )
    raise ArgumentError(sentence(function, "mode", expected, None))


def _is_one_of(words: frozenset[str], measure: str) -> bool:
    for part in re.findall(r"[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*", measure):
        spelt = part.casefold()
        # "top5" and "precision50" are words with a number behind; "f1" is one with its number.
        plain = spelt.rstrip("0123456789")
        if spelt in words or plain in words:
            return True
        if any(plain.endswith(word) for word in words if len(word) >= LONG):
            return True
    return False


def without_validation(measure: str, measures: Collection[str]) -> str:
    """Return what to write where a measure of validation data is observed, and there are none."""
    if not measure.startswith("validation_") or any(n.startswith("validation_") for n in measures):
        return ""
    return (
        "; fit has no validation data: fit(X, y, validation=0.1) holds some rows out, or observe "
        f"{measure.removeprefix('validation_')!r}"
    )
