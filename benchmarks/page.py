"""docs/benchmarks.md, written from the measured numbers alone."""

from __future__ import annotations

from statistics import median
from typing import Any

import busy
import field_page
import first_steps
import small_networks
from goals import GOALS, verdict
from quiet import QUIET, is_quiet
from timing import PAUSE
from tried import tried_for_rows
from words import amount, figure

TITLES = {
    "opencv-python-headless": "OpenCV",
    "scikit-learn": "scikit-learn",
    "onnxruntime": "ONNX Runtime",
    "torch": "PyTorch",
    "numpy": "NumPy",
    "numba": "Numba",
    "scipy": "SciPy",
    "autograd": "HIPS autograd",
    "jax": "JAX",
    "openvino": "OpenVINO",
}


def page(numbers: dict[str, Any]) -> str:
    """Write the page of the documentation."""
    parts = [
        _head(numbers),
        table(numbers["rows"]),
        "![Ratios, aims and floors](images/benchmarks.png)",
        field_page.summary(numbers),
        field_page.section(numbers),
        small_networks.as_text(numbers["small"]) if "small" in numbers else "",
        _costs(numbers),
        _estimators(numbers),
        _how(numbers),
        _bounds(numbers),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(rows: list[dict[str, Any]]) -> str:
    """Write the rows as a table."""
    lines = [
        "| row | work | peer | peer's | ours | ratio | spread | aim | floor | verdict |",
        "| --- | --- | --- | ---: | ---: | ---: | --- | ---: | ---: | --- |",
    ]
    for r in rows:
        low, high = r["spread"]
        cells = (
            r["key"].split()[0] if len(r["key"].split()[0]) == 1 else "",
            r["work"],
            _peer(r),
            f"{figure(r['peer_figure'])} {r['unit']}",
            f"{figure(r['our_figure'])} {r['unit']}",
            f"**{figure(r['ratio'])}**",
            f"{figure(low)} to {figure(high)}",
            f"{r['aim']:g}",
            f"{r['floor']:g}",
            verdict(r["ratio"], GOALS[r["key"]]) + ("" if is_quiet(r["others"]) else ", disturbed"),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _peer(r: dict[str, Any]) -> str:
    """Name the peer; of several, the fastest."""
    best: str = r.get("fastest", r["peer"])
    return best


def _head(numbers: dict[str, Any]) -> str:
    about = numbers["machine"]
    versions = ", ".join(f"{TITLES[name]} {v}" for name, v in about["versions"].items())
    below = [r for r in numbers["rows"] if verdict(r["ratio"], GOALS[r["key"]]) == "below floor"]
    reached = [r for r in numbers["rows"] if r["ratio"] >= r["aim"]]
    missing = "".join(
        f"\nNot measured: {group}: {', '.join(names)} missing (extra `bench`)."
        for group, names in numbers["missing"].items()
    )
    return (
        "# Benchmarks\n\n"
        "Written by `make bench`; not edited by hand. Ratio = the peer's median over ours, so\n"
        "more is better; spread = the smallest and largest ratio of one round; floor = the ratio\n"
        "below which the project counts a row as failed.\n\n"
        f"{numbers['date']}, {about['processor']}, {about['cores']} cores, {about['system']};\n"
        f"{about['threads']} threads each; Python {about['python']}, neural-network-numpy "
        f"{about['neural-network-numpy']},\n{versions}.\nNumPy's BLAS: {about['blas']}.\n\n"
        f"Of {len(numbers['rows'])} rows {len(reached)} reach their aim and {len(below)} "
        f"stay below their floor.{_dated(numbers['rows'])}{_disturbed(numbers['rows'])}{missing}"
    )


def _dated(rows: list[dict[str, Any]]) -> str:
    """Name the rows that were measured alone, on another day."""
    dated = [f"{r['key']} ({r['date']})" for r in rows if "date" in r]
    return f" Measured apart: {', '.join(dated)}." if dated else ""


def _disturbed(rows: list[dict[str, Any]]) -> str:
    """Name the rows during which other processes ran."""
    disturbed = [f"{r['key']} ({r['others']:.0%})" for r in rows if not is_quiet(r["others"])]
    if not disturbed:
        return ""
    return (
        "\n\n**Not to be relied on:** other processes took more than "
        f"{QUIET:.0%} of the processors' time\nduring "
        f"{', '.join(disturbed)}.\nThat does not slow both sides alike; measure again."
    )


def _costs(numbers: dict[str, Any]) -> str:
    lines = []
    if imports := numbers.get("import"):
        lines.append(
            f"**H.** `import neural_network` in a fresh process takes {imports['our_ms']:.0f} ms, "
            f"`import numpy` {imports['numpy_ms']:.0f} ms:\n{imports['ratio']:.2f} times "
            f"(at most {imports['limit']}). NumPy itself is loaded with the first function used."
        )
    if sizes := numbers.get("sizes"):
        listed = ", ".join(f"{name} {size:.0f} MB" for name, size in sizes.items())
        lines.append(f"**I.** Installed, with all that each needs: {listed}.")
    if found := numbers.get("busy"):
        lines.append(busy.as_text(found))
    if first := numbers.get("first"):
        lines.append(first_steps.as_text(first))
    beyond = [r for r in numbers["rows"] if "memory" in r]
    if beyond:
        listed = ", ".join(f"{r['key'].split()[1]} {r['memory']:.2f}" for r in beyond)
        lines.append(
            "Memory that `conv2d` takes at its peak beyond picture and result, in sizes of the\n"
            f"picture of work G: {listed}."
        )
    return "\n\n".join(lines)


def _estimators(numbers: dict[str, Any]) -> str:
    found = numbers.get("estimators")
    if found is None:
        return ""
    disturbed = (
        f"Other programs took {found['others']:.0%} of the processors meanwhile, so that the "
        "seconds say little."
    )
    lines = [
        "## Estimators",
        "",
        "`neural_network.estimators` beside scikit-learn's networks of the same names, both with",
        "their defaults and one thread of BLAS: mean ± standard deviation over "
        f"{found['seeds']} seeds, and",
        "the median of the seconds of a fit. The toy sets are scaled, and a quarter is held out by",
        "the seed; MNIST is measured on its 10,000 test images. Through the estimator, a fit takes",
        f"{found['overhead']:.2f} times the processor time of `Trainer.fit` (median of "
        f"{found['turns']}, in turn, on the rows of MNIST).",
        *([] if is_quiet(found["others"]) else [disturbed]),
        "",
        "| set | type | ours | scikit-learn's | our seconds | scikit-learn's |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in found["rows"]:
        both = row["ours"], row["theirs"]
        scores = [f"{one['mean']:.4f} ± {one['std']:.4f}" for one in both]
        seconds = [figure(one["seconds"]) for one in both]
        lines.append("| " + " | ".join([row["set"], row["dtype"], *scores, *seconds]) + " |")
    return "\n".join(lines)


def _how(numbers: dict[str, Any]) -> str:
    ratios = sorted(
        r["medians_ms"][name] / alone
        for r in numbers["rows"]
        for name, alone in r.get("alone_ms", {}).items()
    )
    tenth = len(ratios) // 10
    checked = (
        "Each way also ran alone before its\nfirst round: in turn with the others it took "
        f"{median(ratios):.2f} times as long (median of {len(ratios)};\neight in ten between "
        f"{ratios[tenth]:.2f} and {ratios[-1 - tenth]:.2f}). "
        if ratios
        else ""
    )
    data = next((r["data"] for r in numbers["rows"] if "data" in r), "")
    digits = f" The epoch of `mnist_cnn` went over {data}." if data else ""
    return (
        "## How it was measured\n\n"
        "One process, contestants in turn, A B A B …; one round is not counted. Every library has\n"
        f"{numbers['machine']['threads']} threads. Between two turns lie {1e3 * PAUSE:.0f} ms in "
        "which nothing runs, because threads of\nOpenBLAS, OpenMP and ONNX Runtime wait in a "
        f"loop for a while after their work, on the\ncore that the next one needs. "
        f"{checked}Variables\nthat force a kind of processor upon OpenBLAS are taken out of the "
        "environment.\n\n"
        "Training is `Trainer.fit` over a number of batches, divided by it: our time includes\n"
        "shuffling, cutting batches, measuring the accuracy and the search for NaN and infinity.\n"
        "PyTorch runs eagerly: `zero_grad`, forward, `cross_entropy`, backward, `step`, over\n"
        "batches gathered from a permutation, as ours are. For A, D and the epoch it runs in both\n"
        "memory formats and the faster one counts. Inference is\n"
        "`predict`. Outputs and gradients are compared before they are timed. Memory is the peak\n"
        "of the resident set over what it was before the first step, in processes of their own;\n"
        f"the more frugal of PyTorch's two formats counts.{digits}"
    )


def _bounds(numbers: dict[str, Any]) -> str:
    limits = numbers["limits"]
    under = [r for r in numbers["rows"] if r["ratio"] < r["aim"] and "operations" in r]
    if not under:
        return ""
    lines = "\n".join(f"- **{r['key']}.** {bound(r, limits)}" for r in under)
    if faster := tried_for_rows(numbers["rows"]):
        lines += f"\n\nWhere the peer is faster:\n\n{faster}"
    return (
        "## What bounds the rows under their aim\n\n"
        "Two limits of this machine, measured in the same run: "
        f"{limits['operations_per_second'] / 1e9:.0f} GFLOP/s in a product of\n"
        f"two 2048² float32 matrices, and {limits['bytes_per_second'] / 1e9:.0f} GB/s, read and "
        "written, in a copy of 200 MB. Operations are\n"
        "counted directly; bytes are what has to enter and leave each block of layers once.\n"
        "Neither count includes calls, memory that is moved more often, or arithmetic that runs\n"
        "slower than a matrix product's.\n\n" + lines
    )


def bound(r: dict[str, Any], limits: dict[str, float]) -> str:
    """Say what the two limits leave of a row's time."""
    computing = 1e3 * r["operations"] / limits["operations_per_second"]
    moving = 1e3 * r["bytes"] / limits["bytes_per_second"]
    least = max(computing, moving)
    name = "arithmetic" if computing >= moving else "memory"
    aimed = r["peer_figure"] / r["aim"]
    text = (
        f"{amount(r['operations'], 'FLOP')} take {figure(computing)} ms, "
        f"{amount(r['bytes'], 'B')} take {figure(moving)} ms: {name} bounds it at "
        f"{figure(least)} ms. Ours takes {figure(r['our_figure'] / least)} times that"
    )
    if r["key"] == "A share":
        return text + "; the aim is that bound itself."
    text += f", the peer {figure(r['peer_figure'] / least)} times; the aim asks for "
    text += f"{figure(aimed / least)} times"
    if aimed < least:
        cached = ", unless the bytes stay in a cache" if name == "memory" else ""
        return f"{text}, which is less than this bound allows{cached}."
    where = "elsewhere" if r["our_figure"] > 2 * least else f"to {name}"
    return f"{text}. Most of our time goes {where}."
