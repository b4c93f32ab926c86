"""Compiling on several processors: what is noted, what other processes do with it, and no trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processes import output_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fast")]

RULES = """
import inspect, sys
import numpy as np
from neural_network.kernels import optimizers
from neural_network.kernels.runtime import ahead

def update(dtype, size=1):
    for rule in (optimizers.sgd, optimizers.lion):
        names = list(inspect.signature(rule.body).parameters)
        given = [np.ones(size, dtype) if name in ARRAYS else dtype(0.5) for name in names]
        rule(*given)
        yield float(given[0][0])

ARRAYS = ("parameters", "gradients", "momentum", "mean", "means", "velocity", "squares")
"""


def test_noted_kernels_are_not_run() -> None:
    code = """
with ahead.noting() as noted:
    print(list(update(np.float64)), ahead.nothing_compiled())
print([(d.py_func.__name__, len(types)) for d, types in noted], ahead.nothing_compiled())
print([number != 1 for number in update(np.float64)], ahead.nothing_compiled())
with ahead.noting() as noted:
    print([number != 1 for number in update(np.float64)], noted)
"""
    first, names, run, again = output_of(RULES + code).splitlines()
    assert first == "[1.0, 1.0] False"
    assert names.startswith("[('sgd', 5), ('lion', ")
    assert names.endswith("False")  # once in a process
    assert run == "[True, True] False"
    assert again == "[True, True] []"  # what is compiled already runs


def test_other_processes_compile_for_the_cache(tmp_path: Path) -> None:
    code = """
import time
with ahead.noting() as noted:
    for dtype in (np.float32, np.float64):
        list(update(dtype)), list(update(dtype, optimizers.SERIAL))
paths = [d._cache.file(types, d.targetctx.codegen()) for d, types in noted]
print(len(set(paths)), any(path.exists() for path in paths))
ahead.compile_beside(noted, threads=2)
end = time.monotonic() + 120
while not all(path.exists() for path in paths) and time.monotonic() < end:
    time.sleep(0.05)
for dtype in (np.float32, np.float64):
    list(update(dtype)), list(update(dtype, optimizers.SERIAL))
print([sum(d.stats.cache_misses.values()) for d, _ in noted])
"""
    lines = output_of(RULES + code, NUMBA_CACHE_DIR=str(tmp_path)).splitlines()
    assert lines == ["8 False", str([0] * 8)]


NO_PROCESS = """
def refuse(*_, **__):
    raise AssertionError("a process was started")
ahead.subprocess.Popen = refuse
with ahead.noting() as noted:
    for dtype in (np.float32, np.float64):
        list(update(dtype)), list(update(dtype, optimizers.SERIAL))
"""


@pytest.mark.parametrize(
    "case",
    [
        "ahead.compile_beside(noted, threads=1)",
        "ahead.compile_beside(noted[:ahead.FEWEST - 1], threads=2)",
        "sys.executable = '/usr/bin/editor'; ahead.compile_beside(noted, threads=2)",
        "sys.executable = None; ahead.compile_beside(noted, threads=2)",
        "sys.frozen = True; ahead.compile_beside(noted, threads=2)",
        "import os, tempfile\n"
        "os.chdir(gone := tempfile.mkdtemp()); os.rmdir(gone); sys.path.insert(0, '')\n"
        "ahead.compile_beside(noted, threads=2)",
        "list(update(np.float32)), list(update(np.float64))\n"
        "ahead.compile_beside([n for n in noted if not n[0].targetoptions.get('parallel')], 2)",
    ],
)
def test_where_no_process_is_started(case: str, tmp_path: Path) -> None:
    assert output_of(f"{RULES}{NO_PROCESS}{case}", NUMBA_CACHE_DIR=str(tmp_path)) == ""


@pytest.mark.parametrize("error", ["BlockingIOError", "RuntimeError"])
def test_it_goes_on_alone_where_no_process_can_be_started(error: str, tmp_path: Path) -> None:
    code = f"""{RULES}{NO_PROCESS}
def refuse(*_, **__):
    raise {error}("no more processes")
ahead.subprocess.Popen = refuse
ahead.compile_beside(noted, threads=2)
print(len(list(update(np.float32))))
"""
    assert output_of(code, NUMBA_CACHE_DIR=str(tmp_path)) == "2\n"


def test_what_another_process_compiles_is_left_to_it(tmp_path: Path) -> None:
    code = """
from neural_network.files import locked
with ahead.noting() as noted:
    list(update(np.float32))
for held, (dispatcher, types) in enumerate(noted):
    path = dispatcher._cache.file(types, dispatcher.targetctx.codegen())
    if held:
        with locked(path):
            dispatcher.compile_if_free(types)
    else:
        dispatcher.compile_if_free(types)
    print(path.exists(), types in dispatcher.overloads)
"""
    assert output_of(RULES + code, NUMBA_CACHE_DIR=str(tmp_path)) == "True True\nFalse False\n"


STEP = """
import hashlib
import numpy as np
import neural_network as nn
from neural_network.kernels.runtime import ahead

noted = []
ahead.compile_beside = lambda found, threads: noted.extend(found * (threads > 1))
nn.use_kernels("numba")
nn.set_num_threads(2)

class Own(nn.Layer):
    calls = 0

    def forward(self, X):
        Own.calls += 1
        return X

def network(*more):
    return nn.Sequential(
        nn.Conv2D(8, 3, padding="same"), nn.BatchNorm(), nn.Activation("relu"), *more,
        nn.MaxPool2D(2), nn.Dropout(0.5), nn.Flatten(), nn.Dense(10),
    )

def train(model, **options):
    rng = np.random.default_rng(0)
    X, y = rng.random((50, 1, 12, 12), np.float32), rng.integers(0, 10, 50)
    trainer = nn.Trainer(model, rng=3, progress=False, **options)
    trainer.fit(X, y, epochs=2, batch_size=20)
    buffers = [np.asarray(buffer) for _, buffer in model.named_buffers()]
    numbers = [np.asarray(array).tobytes() for array in (model.flat_parameters(), *buffers)]
    return trainer.history["loss"], hashlib.sha256(b"".join(numbers)).hexdigest()
"""


def test_a_step_is_noted_and_leaves_no_trace() -> None:
    code = "print(train(network())); print(sorted({d.py_func.__name__ for d, _ in noted}))"
    with_note, names = output_of(STEP + code, one_thread=False).splitlines()
    without = "ahead.nothing_compiled = lambda: False\n"
    plain, nothing = output_of(STEP + without + code, one_thread=False).splitlines()
    assert with_note == plain
    assert nothing == "[]"
    for name in ("convolve", "normalize", "filters_gradient", "affine_backward"):
        assert name in names
    assert "adam" in names
    assert "copy_and_square" in names  # the check of the gradients


@pytest.mark.parametrize(
    "case",
    [
        "train(network(Own()))",
        "train(network(nn.Activation(lambda z: z * 2)))",
        "train(network(), loss=lambda outputs, y: nn.softmax_cross_entropy(outputs, y))",
        "nn.set_num_threads(1); train(network())",
        "nn.use_kernels('numpy'); train(network())",
        "with nn.debug(): train(network())",
        "with nn.watching(lambda layer, X, out: None): train(network())",
        "network().initialize((1, 12, 12), rng=0).predict(np.ones((2, 1, 12, 12), np.float32)); "
        "train(network())",
        "train(nn.Sequential(nn.Flatten(), nn.Dense(20, 'relu'), nn.Dense(10)))",
    ],
)
def test_of_what_nothing_is_noted(case: str) -> None:
    assert output_of(f"{STEP}{case}\nprint(noted)", one_thread=False) == "[]\n"


def test_layers_of_ones_own_are_called_as_often_as_ever() -> None:
    code = "train(network(Own())); print(Own.calls)"
    without = "ahead.nothing_compiled = lambda: False\n"
    assert output_of(STEP + code, one_thread=False) == output_of(
        STEP + without + code, one_thread=False
    )


def test_a_refused_training_leaves_no_gradient() -> None:
    code = """
model = nn.Sequential(nn.Conv2D(8, 3, l2=0.1), nn.Flatten(), nn.Dense(10)).initialize((1, 12, 12))
X, y = np.ones((50, 1, 12, 12), np.float32), np.arange(50)
try:
    nn.Trainer(model, rng=0, progress=False).fit(X, y, batch_size=20)
except nn.NeuralNetworkError:
    print(bool(noted), [parameter.grad for parameter in model.parameters()])
"""
    assert output_of(STEP + code, one_thread=False) == "True [None, None, None, None]\n"


@pytest.mark.parametrize(
    ("rule", "kernel"),
    [
        ("nn.SGD(0.1, momentum=0.9)", "momentum"),
        ("nn.AdamW(nn.OneCycle(0.01), weight_decay=0.1)", "adam"),
        ("nn.Adam(0.01, parameters=model)", "adam"),
        ("nn.OptimizerGroups([(model, nn.Adam(0.01))])", None),
        ("Own(0.01)", None),
        ("replaced(nn.Adam(0.01))", None),
    ],
)
def test_an_optimizer_keeps_its_state_where_a_training_is_refused(
    rule: str, kernel: str | None
) -> None:
    code = f"""
import copy
class Own(nn.Adam):
    def apply(self, *given):
        print("called")
def replaced(rule):
    update = rule.update
    rule.update = lambda *given, **options: (print("called"), update(*given, **options))
    return rule
model = nn.Sequential(nn.Conv2D(8, 3), nn.Flatten(), nn.Dense(10)).initialize((1, 12, 12), rng=0)
rule = {rule}
rule.start(model.flat_parameters())
for array in rule.state().values():
    array[...] = 1
before = copy.deepcopy(rule.state())
X, y = np.ones((50, 1, 12, 12), np.float32), np.arange(50)
try:
    nn.Trainer(model, rule, rng=0, progress=False).fit(X, y, batch_size=20)
except nn.NeuralNetworkError as error:
    after = rule.state()
    print(all(np.array_equal(array, before[name]) for name, array in after.items()))
print({{d.py_func.__name__ for d, _ in noted}} & {{"momentum", "adam"}} or None)
"""
    expected = {kernel} if kernel else None
    assert output_of(STEP + code, one_thread=False) == f"True\n{expected}\n"


@pytest.mark.parametrize(("variable", "times"), [("0", 1), ("1", 0)])
def test_it_is_done_once_in_a_process(variable: str, times: int) -> None:
    code = """
nn.use_kernels("auto")  # too small for any kernel
times, real = [], ahead.noting
ahead.noting = lambda: times.append(1) or real()
for _ in range(3):
    model = nn.Sequential(nn.Conv2D(2, 3), nn.Flatten(), nn.Dense(2))
    X, y = np.ones((4, 1, 5, 5), np.float32), np.arange(4) % 2
    nn.Trainer(model, rng=0, progress=False).fit(X, y)
print(len(times), noted)
"""
    found = output_of(STEP + code, one_thread=False, NUMBA_DISABLE_JIT=variable)
    assert found == f"{times} []\n"


def test_at_most_three_processes_compile_for_a_cache(tmp_path: Path) -> None:
    code = """
from contextlib import ExitStack
from pathlib import Path
with ExitStack() as stack:
    for _ in range(ahead.HELPERS + 1):
        print(stack.enter_context(ahead._place_among_helpers(Path(sys.argv[1]))))
with ahead._place_among_helpers(Path(sys.argv[1])) as place:
    print(place)
"""
    code = code.replace("sys.argv[1]", repr(str(tmp_path)))
    assert output_of(RULES + code).split() == ["0", "1", "2", "None", "0"]


@pytest.mark.parametrize("frozen", [False, True])
def test_a_frozen_batch_norm_needs_no_moments(frozen: bool) -> None:
    code = f"""
model = network().initialize((1, 12, 12), rng=0)
if {frozen}:
    model.layers[1].freeze()
train(model)
print(bool(noted), any("moments" in d.py_func.__name__ for d, _ in noted))
"""
    assert output_of(STEP + code, one_thread=False).split() == ["True", str(not frozen)]


@pytest.mark.parametrize("layer", ["nn.Dense(4)", "nn.Conv2D(2, 3)"])
def test_a_small_training_reads_no_number_of_threads(layer: str) -> None:
    shape = "(4, 1, 5, 5)" if "Conv" in layer else "(4, 3)"
    code = f"""
import numpy as np
import neural_network as nn
model = nn.Sequential({layer}, nn.Flatten(), nn.Dense(2))
nn.Trainer(model, rng=0, progress=False).fit(np.ones({shape}, np.float32), np.arange(4) % 2)
print("trained")
"""
    assert output_of(code, one_thread=False, NUMBA_NUM_THREADS="none") == "trained\n"
