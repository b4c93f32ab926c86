"""The page of benchmarks is what was measured; what it counts, and aims at, is right."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import models
from tests.needs import need_fast
from tests.processes import HANGS, start_python

ROOT = Path(__file__).parents[1]
# At the end: benchmarks/results has a run.py as well, and its test imports that one.
sys.path.append(str(ROOT / "benchmarks"))

import agree  # noqa: E402  # a script, found by the line above
import busy  # noqa: E402  # a script, found by the line above
import counts  # noqa: E402  # a script, found by the line above
import field_page  # noqa: E402  # a script, found by the line above
import first_steps  # noqa: E402  # a script, found by the line above
import goals  # noqa: E402  # a script, found by the line above
import page  # noqa: E402  # a script, found by the line above
import quiet  # noqa: E402  # a script, found by the line above
import small_networks  # noqa: E402  # a script, found by the line above
import tally  # noqa: E402  # a script, found by the line above
from field_networks import FIELD  # noqa: E402  # a script, found by the line above
from networks import EXAMPLE, MLP, SMALL, Dense, Network, Residual, ours  # noqa: E402  # a script, found by the line above

NUMBERS: dict[str, Any] = json.loads((ROOT / "docs" / "benchmarks.json").read_text())
STORED: dict[str, Any] = json.loads((ROOT / "tests/fixtures/benchmarks_field.json").read_text())
# (aim, floor), as required.
REQUIRED = {
    "A": (2.2, 1.5), "A share": (1.0, 0.7), "A without Numba": (0.7, 0.5), "A memory": (1.0, 0.8),
    "B": (1.2, 1.0), "C": (1.2, 0.9), "C PyTorch": (2.0, 1.0), "D": (2.0, 1.4),
    "E PyTorch": (1.8, 1.2), "E scikit-learn": (2.5, 1.6),
    "F float32": (25, 12), "F float64": (25, 12),
    "G 3×3": (1.0, 0.7), "G 7×7": (1.0, 0.7), "G 31×31": (2.0, 1.3), "mnist_cnn": (2.0, 1.3),
    "T scalar": (0.9, 0.6), "T vector": (0.9, 0.6),
    "conv 3×3 64": (1.2, 0.95), "conv 3×3 128": (1.2, 0.95), "conv 5×5": (1.2, 0.95),
    "conv 1×1": (1.2, 0.95), "conv stride 2": (1.2, 0.95), "depthwise 3×3": (1.2, 0.8),
    "batch norm": (1.2, 0.8), "max pool": (1.2, 0.8), "average pool": (1.2, 0.8),
}  # fmt: skip
# (aim, floor, whether less is better), as required.
FIGURES = {
    "mean": (1.5, 1.2, False), "normed": (1.0, 0.9, False), "worst": (0.9, 0.7, False),
    "one row": (15, 30, True), "fits PyTorch": (1.5, 1.0, False),
    "fits scikit-learn": (1.5, 1.0, False), "fixed": (1, 2, True), "busy A": (1.0, 1.3, True),
    "busy by hand": (1.0, 1.3, True), "first A": (15, 30, True), "first resnet": (15, 30, True),
}  # fmt: skip


def test_aims_and_floors_are_those_required() -> None:
    assert {key: (goal.aim, goal.floor) for key, goal in goals.GOALS.items()} == REQUIRED
    found = {key: (goal.aim, goal.floor, goal.smaller) for key, goal in goals.FIGURES.items()}
    assert found == FIGURES


def test_the_page_is_what_was_measured() -> None:
    assert (ROOT / "docs" / "benchmarks.md").read_text() == page.page(NUMBERS)


def test_rows_under_one_say_what_was_tried() -> None:
    lines = page.tried_for_rows(NUMBERS["rows"])
    assert "nothing yet" not in lines
    assert page.tried_for_rows([{"key": "D", "ratio": 0.9}]) == "- **D.** Tried: nothing yet."


def test_every_row_was_measured_beside_its_peer() -> None:
    assert NUMBERS["missing"] == {}
    assert {row["key"] for row in NUMBERS["rows"]} == set(goals.GOALS)
    for row in NUMBERS["rows"]:
        goal = goals.GOALS[row["key"]]
        assert (row["aim"], row["floor"]) == (goal.aim, goal.floor)
        assert row["ratio"] == pytest.approx(row["peer_figure"] / row["our_figure"])
        assert row["spread"][0] <= row["spread"][1]


@pytest.mark.parametrize(
    ("ratio", "said"), [(2.2, "aim reached"), (2.1, "above floor"), (1.4, "below floor")]
)
def test_a_verdict_says_where_a_ratio_lies(ratio: float, said: str) -> None:
    assert goals.verdict(ratio, goals.GOALS["A"]) == said


@pytest.mark.parametrize(
    ("value", "said"), [(15, "aim reached"), (16, "above floor"), (31, "below floor")]
)
def test_a_verdict_says_where_a_figure_lies_of_which_less_is_better(
    value: float, said: str
) -> None:
    assert goals.verdict(value, goals.FIGURES["one row"]) == said


def test_a_disturbed_row_is_marked() -> None:
    row = NUMBERS["rows"][0]
    calm = page.page(NUMBERS | {"rows": [row | {"others": 0.0}]})
    busy = page.page(NUMBERS | {"rows": [row | {"others": 0.25}]})
    assert "disturbed" not in calm
    assert "**Not to be relied on:**" in busy
    assert "during A (25%)" in busy
    assert ", disturbed |" in busy


def test_what_other_processes_do_is_noticed() -> None:
    watch = quiet.Watch()
    seen, give_up = 0.0, time.monotonic() + HANGS
    with start_python("-c", "while True: pass") as neighbour:
        try:
            while seen is not None and seen < 0.2 / (os.cpu_count() or 1):
                assert time.monotonic() < give_up
                time.sleep(0.1)
                seen = watch.others()  # not waited for yet, so not a finished child of ours
        finally:
            neighbour.kill()
    assert quiet.is_quiet(0.0)
    assert not quiet.is_quiet(0.25)


def test_products_of_the_example_by_hand() -> None:
    """28 → 26 → 24 → pooled 12; 64 · 12 · 12 = 9216."""
    first = 32 * 26 * 26 * 9
    second = 64 * 24 * 24 * 9 * 32
    third, fourth = 9216 * 128, 1280
    assert [block.products for block in counts.blocks(EXAMPLE)] == [first, second, third, fourth]
    ahead = 2 * 128 * (first + second + third + fourth)
    assert counts.forward(EXAMPLE, 128).operations == ahead
    # Twice more backward, but for the input of the first layer.
    step = counts.step(EXAMPLE, 128, "adam").operations
    assert step == 3 * ahead - 2 * 128 * first == 9_160_359_936


def test_weights_are_counted_with_their_biases() -> None:
    found = [block.weights for block in counts.blocks(SMALL)]
    assert found == [8 * (9 + 1), 10 * (8 * 13 * 13 + 1)]


def test_bytes_of_the_multilayer_perceptron_by_hand() -> None:
    weights = 785 * 256 + 257 * 128 + 129 * 10
    between = 784 + 2 * 256 + 2 * 128 + 10
    assert counts.forward(MLP, 64).bytes == 4 * (64 * between + weights)
    back = (784 + 256) + (2 * 256 + 128) + (2 * 128 + 10)
    step = 4 * (64 * (between + back) + weights * (1 + 2 + 7))
    assert counts.step(MLP, 64, "adam").bytes == step


def test_one_filter_by_hand() -> None:
    work = counts.one_filter(3, (28, 28), 1000)
    assert work == counts.Work(2 * 9 * 26 * 26 * 1000, 4 * 1000 * (784 + 676))


def test_a_layer_and_back_by_hand() -> None:
    assert counts.layer_and_back(10, 5, 3, 2) == counts.Work(60, 4 * (15 + 6 + 6))


@pytest.mark.parametrize(
    ("ours", "said"), [(1.5, "our time goes to arithmetic."), (9.0, "our time goes elsewhere.")]
)
def test_a_bound_is_named(ours: float, said: str) -> None:
    row = {
        "operations": 1e9, "bytes": 1e3, "our_figure": ours, "peer_figure": 4.0, "aim": 2.0,
        "key": "A",
    }  # fmt: skip
    limits = {"operations_per_second": 1e12, "bytes_per_second": 1e9}
    text = page.bound(row, limits)
    assert text.startswith("1.00 GFLOP take 1.00 ms, 1.00 kB take 0.00 ms: arithmetic bounds it")
    assert text.endswith(said)


def test_an_aim_beyond_the_bound_is_called_so() -> None:
    row = {
        "operations": 1.0, "bytes": 1e6, "our_figure": 3.0, "peer_figure": 1.5, "aim": 2.0,
        "key": "A",
    }  # fmt: skip
    limits = {"operations_per_second": 1e12, "bytes_per_second": 1e9}
    text = page.bound(row, limits)
    assert text.endswith("which is less than this bound allows, unless the bytes stay in a cache.")


def test_known_models_of_the_field_are_those_of_the_library() -> None:
    for key, known in (("tiny", models.tiny_cnn), ("resnet", models.small_resnet)):
        entry = FIELD[key]
        own, theirs = ours(entry.network), known(input_shape=entry.network.shape, rng=0)
        shapes = [[p.shape for p in model.parameters()] for model in (own, theirs)]
        assert shapes[0] == shapes[1]
        for mine, other in zip(own.parameters(), theirs.parameters(), strict=True):
            mine.data = other.data
        X, _ = entry.data(2)
        np.testing.assert_array_equal(own.predict(X), theirs.predict(X))


@pytest.mark.parametrize("key", FIELD)
def test_weights_of_the_field_are_counted(key: str) -> None:
    network = FIELD[key].network
    counted = sum(block.weights for block in counts.blocks(network))
    assert counted == sum(parameter.size for parameter in ours(network).parameters())


@pytest.mark.parametrize("key", set(FIELD) - {"tokens"})
def test_products_of_the_field_are_those_of_the_summary(key: str) -> None:
    network = FIELD[key].network
    counted = sum(block.products for block in counts.blocks(network))
    assert counted == ours(network).summary().multiply_adds


def test_the_field_is_a_table_of_networks() -> None:
    lines = page.page(NUMBERS | STORED).splitlines()
    assert (
        "| `small_resnet`, 32×32 | 64 | **0.50** (0.40 to 0.60) PyTorch, channels last; 40.0 ms "
        "|  |  |  |"
    ) in lines
    assert (
        "| LeNet-like, 28×28 | 64 | **2.00** (1.90 to 2.10) PyTorch; 1.00 ms, disturbed |  "
        "| **4.00** (3.00 to 5.00) OpenVINO; 0.50 ms "
        "| **0.25** (0.20 to 0.30) ONNX Runtime; 0.08 ms |"
    ) in lines
    text = "\n".join(lines)
    assert "Not measured: torch.compile: no C++ compiler that it can use." in text


def test_a_page_without_the_field_has_no_section_of_it() -> None:
    assert "The field" not in page.page({k: v for k, v in NUMBERS.items() if k != "field"})


def test_cells_under_one_have_a_line_with_what_was_counted() -> None:
    text = field_page.bounds(STORED["field"], STORED["limits"])
    assert "\n\nTried for networks with convolutions: kept are images" in text
    assert "\n\nTried for one row: kept are all stages" in text
    assert [line for line in text.splitlines() if line.startswith("- ")] == [
        "- **`small_resnet`, 32×32, training, Adam, 64 rows** (0.50): 10.0 GFLOP take 10.0 ms, "
        "1.00 MB take 0.10 ms; 1,200 Python calls, 30 kernels. Ours takes 40.0 ms, PyTorch, "
        "channels last 20.0 ms: most of the time goes elsewhere.",
        "- **LeNet-like, 28×28, inference, 1 rows** (0.25): 800 kFLOP take 0.0008 ms, "
        "500 kB take 0.0500 ms; 60 Python calls, 3 kernels. Ours takes 0.0800 ms, ONNX Runtime "
        "0.0200 ms: memory bounds it.",
    ]


def test_figures_of_the_field_by_hand() -> None:
    """(0.5 · 2 · 4 · 0.25)^¼ = 1; LeNet has no batch norm, stride or residual addition."""
    found = field_page.figures(STORED)
    assert found == {"mean": pytest.approx(1.0), "normed": 0.5, "worst": 0.25}
    # A slower cell of LeNet is the worst of all, and no cell with batch norm.
    slower = [c | {"ratio": 0.1} if c["key"] == "lenet" else c for c in STORED["field"]]
    found = field_page.figures(STORED | {"field": slower})
    assert (found["normed"], found["worst"]) == (0.5, 0.1)
    line = "| worst cell of all | **0.25** | 0.9 | 0.7 | below floor |"
    assert line in field_page.summary(STORED).splitlines()


def test_networks_with_batch_norm_strides_or_residuals_are_known() -> None:
    found = {key for key, entry in FIELD.items() if field_page.has_structure(entry)}
    plain = {"example", "lenet", "wide", "mlp-512", "mlp-64", "mlp-100"}
    assert found == set(FIELD) - plain


def test_python_calls_are_counted() -> None:
    def inner() -> None:
        pass

    def outer() -> None:
        inner()
        inner()

    assert tally.tally(outer) == (3, 0 if tally.SEES_KERNELS else None)


@pytest.mark.parametrize("rows", [1, 5])
def test_calls_of_kernels_are_counted(rows: int) -> None:
    need_fast()
    layers = nn.Conv2D(8, 3, padding=1, activation="relu"), nn.Flatten(), nn.Dense(20)
    model, X = nn.Sequential(*layers), np.ones((rows, 3, 6, 6), np.float32)

    def predict() -> None:
        with nn.use_kernels("numba"):
            model.predict(X)

    predict()
    calls, launches = tally.tally(predict)
    # One for a single row; for several a copy, the convolution and the product.
    assert launches == ((1 if rows == 1 else 3) if tally.SEES_KERNELS else None)
    assert calls > 3


SMALL_NETWORKS: dict[str, Any] = {
    "one row": {"medians_us": {"ours": 20.0, "NumPy": 5.0, "ONNX Runtime": 9.5}, "calls": 50},
    "fixed": {"medians_us": {"ours": 1500.0}, "calls": 900},
    "fits": [
        {
            "name": name, "steps": 10, "medians_ms": {"ours": 2.0, "PyTorch": p, "scikit-learn": 1.0},
            "ratios": {"PyTorch": p / 2, "scikit-learn": 0.5},
            "spreads": {"PyTorch": [p / 4, p], "scikit-learn": [0.4, 0.6]},
        }
        for name, p in zip(small_networks.FITS, (2.0, 4.0, 8.0, 16.0, 32.0, 99.0), strict=True)
    ],
}  # fmt: skip


def test_figures_of_small_networks_by_hand() -> None:
    """(1 · 2 · 4 · 8 · 16)^⅕ = 4; the sixth fit is no part of it."""
    assert small_networks.figures(SMALL_NETWORKS) == {
        "one row": 20.0, "fits PyTorch": pytest.approx(4.0),
        "fits scikit-learn": pytest.approx(0.5), "fixed": 1.5,
    }  # fmt: skip


def test_small_networks_have_a_section() -> None:
    text = page.page(NUMBERS | {"small": SMALL_NETWORKS})
    assert "takes 20.0 µs (50 Python calls); a loop of NumPy 5.00 µs, ONNX Runtime 9.50 µs." in text
    assert "one step of 200 rows takes 1500 µs (900 calls)." in text
    assert (
        "| 20-64-64-3, 4,000 rows | 10 | 2.00 ms | 2.00 ms | **1.00** (0.50 to 2.00) "
        "| 1.00 ms | **0.50** (0.40 to 0.60) |"
    ) in text.splitlines()


def test_a_busy_machine_has_a_figure_and_a_sentence() -> None:
    slow = {"slower": {"ours": 1.5, "PyTorch": 3.0}, "ratio": 0.5}
    numbers = {"busy": {"A": slow, "by hand": slow}}
    assert field_page.figures(numbers) == {"busy A": 0.5, "busy by hand": 0.5}
    assert "work A: ours 1.50 times, PyTorch 3.00 times" in page.page(NUMBERS | numbers)


def test_first_steps_are_listed_with_the_kernels_that_were_compiled() -> None:
    kernels = {"tiles.convolve": 3.0, "finite.count": 0.1, "products.products": 4.0}
    first = {"empty": 12.0, "next": 0.4, "warm": 0.02, "kernels": kernels}
    numbers = {"first": {"conv2d": 0.015, "networks": {"A": first, "resnet": first}}}
    assert field_page.figures(numbers) == {"first A": 12.0, "first resnet": 12.0}
    text = page.page(NUMBERS | numbers)
    assert "The first training step of `small_resnet` on a machine" in text
    assert "calls: `products.products` 4.0 s, `tiles.convolve` 3.0 s." in text


def test_each_figure_of_a_whole_run_has_an_aim() -> None:
    slow = {"slower": {"ours": 1.5, "PyTorch": 3.0}, "ratio": 0.5}
    first = {"empty": 12.0, "next": 0.4, "warm": 0.02, "kernels": {}}
    whole = STORED | {
        "small": SMALL_NETWORKS,
        "busy": dict.fromkeys(busy.WORKS, slow),
        "first": {"conv2d": 0.01, "networks": dict.fromkeys(first_steps.TITLES, first)},
    }
    assert field_page.figures(whole).keys() == goals.FIGURES.keys()


def test_a_residual_addition_reads_what_came_in_and_what_the_body_made() -> None:
    dense = Dense(4)
    plain, added = (
        counts.forward(Network((4,), layers), 3).bytes
        for layers in ((dense, dense), (dense, Residual((dense,))))
    )
    assert added - plain == 4 * 3 * 4  # four numbers of three rows more


def test_runs_agree_where_their_spreads_share_a_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(NUMBERS))
    monkeypatch.setattr(sys, "argv", ["agree.py", str(path), str(path)])
    assert agree.main() == 0
    apart = tmp_path / "apart.json"
    first, *others = NUMBERS["rows"]
    slower = first | {"ratio": 0.1, "spread": [0.09, 0.11]}
    apart.write_text(json.dumps(NUMBERS | {"rows": [slower, *others]}))
    monkeypatch.setattr(sys, "argv", ["agree.py", str(path), str(apart), str(path)])
    capsys.readouterr()
    assert agree.main() == 1
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines() if line.endswith("APART")] == ["A"]
    count = len(NUMBERS["rows"]) + len(NUMBERS["field"])
    assert printed.endswith(f"{count - 1} of {count} rows agree\n")


def test_update_replaces_cells_of_the_field() -> None:
    updated = run_path(str(ROOT / "benchmarks" / "run.py"))["updated"]
    cell = {"key": "tiny", "work": "inference", "rows": 1, "ratio": 0.5}
    other = cell | {"rows": 128}
    machine = {"versions": {}}
    before = {"rows": [], "field": [cell, other], "machine": machine}
    now = {"rows": [], "field": [cell | {"ratio": 2.0}], "machine": machine, "date": "today"}
    assert updated(before, now)["field"] == [cell | {"ratio": 2.0}, other]
